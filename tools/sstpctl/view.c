/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sstpctl/view.h"

#include <stdio.h>
#include <string.h>

#include "tools/sstpctl/yaml_write.h"

enum {
	COLUMNS_MAX = 16
};

int view_fail_without(const char *key)
{
	return call_fail(EXIT_REFUSED,
			 "the gateway does not speak as expected: no '%s' in its answer", key);
}

int view_check(const struct call *c)
{
	const struct view *v = c->verb->view;

	if (c->output != OUTPUT_CSV || !v || v->shape == VIEW_TABLE)
		return -1;
	return call_fail(EXIT_USAGE, "--output csv is for lists");
}

static int print_json(const json_t *answer)
{
	json_dumpf(answer, stdout, JSON_INDENT(2));
	putchar('\n');
	return 0;
}

static int print_yaml(const json_t *answer)
{
	return yaml_write(stdout, answer) < 0
		       ? call_fail(EXIT_REFUSED, "the answer cannot be written as YAML")
		       : 0;
}

static bool is_empty(const struct column *column, const json_t *list)
{
	size_t i;
	const json_t *row;

	json_array_foreach(list, i, row)
	{
		if (table_value(row, column->path, strlen(column->path)))
			return false;
	}
	return true;
}

/* What is left of the columns. */
static size_t hide_empty(const struct view *v, const json_t *list, struct column ret[COLUMNS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < v->n && n < COLUMNS_MAX; i++)
		if (json_array_size(list) == 0 || !is_empty(&v->columns[i], list))
			ret[n++] = v->columns[i];
	return n;
}

static int print_table(const struct call *c, const json_t *answer)
{
	const struct view *v = c->verb->view;
	struct column columns[COLUMNS_MAX];
	const json_t *list = v->is_bare ? answer : json_object_get(answer, "value");

	if (!json_is_array(list))
		return view_fail_without("value");
	if (c->output == OUTPUT_CSV)
		table_print_csv(stdout, v->columns, v->n, list);
	else if (v->hides_empty)
		table_print(stdout, 0, columns, hide_empty(v, list, columns), list);
	else
		table_print(stdout, 0, v->columns, v->n, list);
	return 0;
}

static int print_lines(const struct view *v, const json_t *answer)
{
	const json_t *one = json_is_array(answer) ? json_array_get(answer, 0) : answer;

	if (v->columns)
		table_print_lines(stdout, 0, v->columns, v->n, one);
	else
		table_print_object(stdout, one);
	return 0;
}

static int print_sentence(const struct call *c)
{
	const char *p = c->verb->view->sentence;

	while (*p) {
		size_t len = strcspn(p, "{");
		const char *word;

		printf("%.*s", (int)len, p);
		p += len;
		if (!*p)
			break;
		len = strcspn(++p, "}");
		word = call_word(c, p, len);
		fputs(word ? word : "", stdout);
		p += len + 1;
	}
	putchar('\n');
	return 0;
}

int view_print(struct call *c, const json_t *answer)
{
	const struct view *v = c->verb->view;

	if (c->output == OUTPUT_JSON)
		return print_json(answer);
	if (c->output == OUTPUT_YAML)
		return print_yaml(answer);
	switch (v->shape) {
	case VIEW_TABLE: return print_table(c, answer);
	case VIEW_LINES: return print_lines(v, answer);
	case VIEW_SENTENCE: return print_sentence(c);
	case VIEW_OWN: return v->print(c, answer);
	}
	return 0;
}

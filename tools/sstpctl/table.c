/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sstpctl/table.h"

#include <string.h>

enum {
	CELL_MAX = 4096,
	COLUMNS_MAX = 16,
};

/* Returns buf. */
static const char *cell(const json_t *value, char buf[CELL_MAX])
{
	if (json_is_string(value))
		snprintf(buf, CELL_MAX, "%s", json_string_value(value));
	else if (json_is_integer(value))
		snprintf(buf, CELL_MAX, "%lld", (long long)json_integer_value(value));
	else if (json_is_boolean(value))
		snprintf(buf, CELL_MAX, "%s", json_is_true(value) ? "yes" : "no");
	else
		snprintf(buf, CELL_MAX, "-");
	for (char *p = buf; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	return buf;
}

static size_t width_of(const struct column *c, const json_t *list)
{
	size_t width = strlen(c->title);
	char buf[CELL_MAX];
	size_t i;
	json_t *row;

	json_array_foreach(list, i, row)
	{
		size_t len = strlen(cell(json_object_get(row, c->key), buf));

		width = len > width ? len : width;
	}
	return width;
}

static void print_row(FILE *f, const struct column *columns, const size_t *widths, size_t n,
		      const json_t *row)
{
	char buf[CELL_MAX];

	for (size_t i = 0; i < n; i++) {
		const char *text =
			row ? cell(json_object_get(row, columns[i].key), buf) : columns[i].title;

		/* nothing behind the last column */
		fprintf(f, "%-*s%s", i + 1 < n ? (int)widths[i] : 0, text, i + 1 < n ? "  " : "\n");
	}
}

void table_print(FILE *f, const struct column *columns, size_t n, const json_t *list)
{
	size_t widths[COLUMNS_MAX];
	size_t i;
	json_t *row;

	if (n > COLUMNS_MAX)
		n = COLUMNS_MAX;
	for (size_t k = 0; k < n; k++)
		widths[k] = width_of(&columns[k], list);
	print_row(f, columns, widths, n, NULL);
	json_array_foreach(list, i, row) print_row(f, columns, widths, n, row);
}

void table_print_object(FILE *f, const json_t *object)
{
	char buf[CELL_MAX];
	const char *key;
	json_t *value;
	size_t width = 0;

	json_object_foreach((json_t *)object, key, value) width =
		strlen(key) > width ? strlen(key) : width;
	json_object_foreach((json_t *)object, key, value)
		fprintf(f, "%-*s  %s\n", (int)width, key, cell(value, buf));
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The whole site, declared: a file of it is compared with what is there, and made so. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sstpctl/client.h"
#include "tools/sstpctl/nouns.h"
#include "tools/sstpctl/request.h"
#include "tools/sstpctl/yaml_read.h"
#include "tools/sstpctl/yaml_write.h"

enum {
	CHUNK = 64 * 1024,
	TARGET_BYTES = 768,
	NAMES_BYTES = 512,
};

/* What was read; the text stays, to find in it what is refused. */
struct source {
	const char *name;
	char *text;
	size_t len;
};

/* ---- reading ---- */

static int read_stream(struct source *s, FILE *f)
{
	size_t n = 1;

	while (n > 0 && s->len <= YAML_FILE_MAX) {
		char *more = realloc(s->text, s->len + CHUNK);

		if (!more)
			return -ENOMEM;
		s->text = more;
		n = fread(s->text + s->len, 1, CHUNK, f);
		s->len += n;
	}
	return ferror(f) ? -EIO : 0;
}

/* 0, or the exit code of a complaint; either way free(s->text). */
static int read_source(struct source *s, const char *path)
{
	bool is_stdin = !strcmp(path, "-");
	FILE *f = is_stdin ? stdin : fopen(path, "re");
	int r;

	s->name = is_stdin ? "standard input" : path;
	if (!f)
		return call_fail(EXIT_USAGE, "%s: %s", path, strerror(errno));
	r = read_stream(s, f);
	if (!is_stdin)
		fclose(f);
	return r < 0 ? call_fail(EXIT_USAGE, "%s: %s", path, strerror(-r)) : 0;
}

/* ---- what has changed ---- */

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* On one line, as JSON has it. */
static void print_value(const json_t *value)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII);

	fputs(text ? text : "-", stdout);
	free(text);
}

/* Of an id only the names, two by two: "retail/shops" and "shop/retail-front". */
static void take_names(const char *id, char place[NAMES_BYTES], char names[NAMES_BYTES])
{
	size_t n = 0;

	place[0] = '\0';
	names[0] = '\0';
	while (*id == '/') {
		size_t kind = strcspn(id + 1, "/") + 1;
		size_t name = id[kind] ? strcspn(id + kind + 1, "/") : 0;
		char *text = n < 2 ? place : names;
		size_t len = strlen(text);

		if (strncmp(id, "/providers", kind) != 0) {
			snprintf(text + len, NAMES_BYTES - len, "%s%.*s", len ? "/" : "", (int)name,
				 id + kind + 1);
			n++;
		}
		id += kind + (id[kind] == '/') + name;
	}
}

/* The place of the change in a column of this width; 0: returns what it takes. */
static size_t print_head(const json_t *change, size_t width)
{
	const char *action = text_of(change, "action");
	char place[NAMES_BYTES], names[NAMES_BYTES];

	take_names(text_of(change, "id"), place, names);
	if (width)
		printf("%c %-10s  %-*s  %s\n",
		       *action == 'c'	? '+'
		       : *action == 'd' ? '-'
					: '~',
		       text_of(change, "kind"), (int)width, place, names);
	return strlen(place);
}

static void print_change(const json_t *change, size_t width)
{
	const json_t *field;
	size_t i;

	print_head(change, width);
	json_array_foreach(json_object_get(change, "fields"), i, field)
	{
		printf("    %s: ", text_of(field, "name"));
		print_value(json_object_get(field, "old"));
		fputs(" -> ", stdout);
		print_value(json_object_get(field, "new"));
		putchar('\n');
	}
}

static size_t width_of(const json_t *changes)
{
	const json_t *change;
	size_t i, width = 1;

	json_array_foreach(changes, i, change)
	{
		size_t len = print_head(change, 0);

		width = len > width ? len : width;
	}
	return width;
}

static size_t count(const json_t *changes, const char *action)
{
	const json_t *change;
	size_t i, n = 0;

	json_array_foreach(changes, i, change) n += !strcmp(text_of(change, "action"), action);
	return n;
}

static int print_changes(struct call *c, const json_t *answer)
{
	const json_t *changes = json_object_get(answer, "changes");
	size_t width = width_of(changes);
	bool is_dry = json_is_true(json_object_get(answer, "dryRun"));
	const json_t *change;
	size_t i;

	if (!json_is_array(changes))
		return view_fail_without("changes");
	json_array_foreach(changes, i, change) print_change(change, width);
	printf("%zu %s, %zu %s, %zu %s, %lld unchanged\n", count(changes, "create"),
	       is_dry ? "to create" : "created", count(changes, "update"),
	       is_dry ? "to change" : "changed", count(changes, "delete"),
	       is_dry ? "to delete" : "deleted",
	       (long long)json_integer_value(json_object_get(answer, "unchanged")));
	return 0;
}

const struct view apply_view = {.shape = VIEW_OWN, .print = print_changes};

/* ---- apply ---- */

/*
 * With the place in the file, where the gateway says which part it means; the sentence may begin with the
 * key of it.
 */
static int fail_refused(const struct source *s, int error, const struct client_error *e)
{
	size_t line, column;
	char path[TARGET_BYTES];

	if (e->target && *e->target) {
		bool has_key = e->text[0] == '\'';

		snprintf(path, sizeof(path), "%s%s%.*s", e->target, has_key ? "." : "",
			 has_key ? (int)strcspn(e->text + 1, "'") : 0, e->text + has_key);
		if (yaml_find(s->text, s->len, path, &line, &column))
			return call_fail(request_exit_code(error), "%s:%zu:%zu: %s: %s", s->name,
					 line, column, e->target, e->text);
	}
	return call_fail(request_exit_code(error), "%s", e->text);
}

/* Takes site. */
static int send_site(struct call *c, const struct source *s, json_t *site)
{
	json_t *answer = NULL, *body = json_pack("{s:o, s:b, s:b}", "site", site, "dryRun",
						 c->options[OPTION_DRY_RUN] != NULL, "prune",
						 c->options[OPTION_PRUNE] != NULL);
	const struct client_request q = {.method = "POST", .path = "/v1/apply", .body = body};
	struct client *client;
	struct client_error e;
	int code = request_client(c, &client), r;

	if (code == 0) {
		r = client_ask(client, &q, &answer, &e);
		code = r < 0 ? fail_refused(s, r, &e) : view_print(c, answer);
	}
	json_decref(answer);
	json_decref(body);
	return code;
}

int site_apply(struct call *c)
{
	struct source s = {0};
	char error[YAML_ERROR_MAX];
	json_t *site;
	int code = read_source(&s, c->options[OPTION_FILE]);

	if (code == 0 && yaml_read(s.name, s.text, s.len, &site, error) < 0)
		code = call_fail(EXIT_USAGE, "%s", error);
	if (code == 0)
		code = send_site(c, &s, site);
	free(s.text);
	return code;
}

/* ---- show ---- */

/* What apply takes. */
static int print_site(struct call *c, const json_t *answer)
{
	return yaml_write(stdout, answer) < 0
		       ? call_fail(EXIT_REFUSED, "the site cannot be written as YAML")
		       : 0;
}

const struct view site_view = {.shape = VIEW_OWN, .print = print_site};

/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sstpctl/body.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/sstpctl/duration.h"
#include "tools/sstpctl/place.h"
#include "tools/sstpctl/table.h"

enum {
	PEM_MAX = 32 * 1024
};

/* One field on its way; its name for a complaint. */
struct field {
	struct call *call;
	const struct body_field *info;
	const char *text;
};

/* ---- values: 0 with an owned one, or an exit code ---- */

static int text_value(const struct field *f, json_t **ret_value)
{
	*ret_value = json_string(f->text);
	return *ret_value ? 0 : call_fail(EXIT_USAGE, "%s must be UTF-8", f->info->word);
}

static int texts_value(const struct field *f, json_t **ret_value)
{
	const char *p = f->text;
	json_t *list = json_array();

	while (*p) {
		size_t len = strcspn(p, ",");

		if (json_array_append_new(list, json_stringn(p, len)) < 0) {
			json_decref(list);
			return call_fail(EXIT_USAGE, "%s must be UTF-8", f->info->word);
		}
		p += len + (p[len] == ',');
	}
	*ret_value = list;
	return 0;
}

/* One of two words. */
static int choice_value(const struct field *f, const char *is, const char *is_not,
			json_t **ret_value)
{
	if (strcmp(f->text, is) != 0 && strcmp(f->text, is_not) != 0)
		return call_fail(EXIT_USAGE, "'%s' must be %s or %s", f->text, is, is_not);
	*ret_value = json_boolean(strcmp(f->text, is) == 0);
	return 0;
}

static int seconds_value(const struct field *f, json_t **ret_value)
{
	int64_t s;

	if (!duration_parse(f->text, &s))
		return call_fail(EXIT_USAGE, "--lifetime must be like 90s, 15m, 1h or 7d, not '%s'",
				 f->text);
	*ret_value = json_integer(s);
	return 0;
}

static int number_value(const struct field *f, json_t **ret_value)
{
	char *end;
	long n = strtol(f->text, &end, 10);

	if (end == f->text || *end || n < 0)
		return call_fail(EXIT_USAGE, "'%s' is no number", f->text);
	*ret_value = json_integer(n);
	return 0;
}

/* A word of a filter, and what is behind it. ret_len 0: there is none. */
static const char *next_word(const char **text, size_t *ret_len)
{
	const char *word = *text + strspn(*text, " ");

	*ret_len = strcspn(word, " ,");
	*text = word + *ret_len;
	return word;
}

/* Where it is none the text as it is, so that the gateway complains. Owned. */
static json_t *bits_of(const char *text, size_t len)
{
	char *end;
	long n = len ? strtol(text, &end, 10) : 0;

	return len && end == text + len ? json_integer(n) : json_stringn(text, len);
}

/* "permit 10.0.0.0/8 ge 16": the gateway says what is wrong with the words. Owned. */
static json_t *read_filter(const char **text)
{
	static const char *const keys[] = {"action", "prefix"};
	json_t *filter = json_object();
	size_t len;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const char *word = next_word(text, &len);

		json_object_set_new(filter, keys[i], json_stringn(word, len));
	}
	for (;;) {
		const char *word = next_word(text, &len), *number;
		char key[8];

		if (!len)
			return filter;
		snprintf(key, sizeof(key), "%.*s", (int)len, word);
		number = next_word(text, &len);
		json_object_set_new(filter, key, bits_of(number, len));
	}
}

static int filters_value(const struct field *f, json_t **ret_value)
{
	const char *text = f->text;

	*ret_value = json_array();
	while (*text) {
		json_array_append_new(*ret_value, read_filter(&text));
		text += *text == ',';
	}
	return 0;
}

/* Owned; NULL: it cannot be read, which has been said. */
static char *read_pem(const char *path)
{
	FILE *f = strcmp(path, "-") ? fopen(path, "re") : stdin;
	char *text = f ? calloc(1, PEM_MAX + 1) : NULL;
	size_t len = text ? fread(text, 1, PEM_MAX + 1, f) : 0;

	if (!f || (text && ferror(f)))
		call_fail(EXIT_USAGE, "%s: %s", path, strerror(errno));
	else if (len > PEM_MAX)
		call_fail(EXIT_USAGE, "%s: more than %d bytes: one certificate is wanted", path,
			  PEM_MAX);
	if (f && (ferror(f) || len > PEM_MAX)) {
		free(text);
		text = NULL;
	}
	if (f && f != stdin)
		fclose(f);
	return text;
}

static int pem_value(const struct field *f, json_t **ret_value)
{
	char *pem = read_pem(f->text);

	if (!pem)
		return EXIT_USAGE;
	*ret_value = json_string(pem);
	free(pem);
	return *ret_value ? 0 : call_fail(EXIT_USAGE, "%s is no PEM file", f->text);
}

static int plan_value(const struct field *f, json_t **ret_value)
{
	char id[PLACE_ID_MAX];
	int code = place_find(f->call, "PLAN", f->text, false, id);

	if (code == 0)
		*ret_value = json_string(id);
	return code;
}

static int value_of(const struct field *f, json_t **ret_value)
{
	switch (f->info->type) {
	case BODY_TEXT: return text_value(f, ret_value);
	case BODY_TEXTS: return texts_value(f, ret_value);
	case BODY_SWITCH: return choice_value(f, "on", "off", ret_value);
	case BODY_LINUX: return choice_value(f, "linux", "windows", ret_value);
	case BODY_GIVEN: *ret_value = json_true(); return 0;
	case BODY_SECONDS: return seconds_value(f, ret_value);
	case BODY_NUMBER: return number_value(f, ret_value);
	case BODY_FILTERS: return filters_value(f, ret_value);
	case BODY_PEM: return pem_value(f, ret_value);
	case BODY_PLAN: return plan_value(f, ret_value);
	}
	return EXIT_USAGE;
}

/* ---- bodies ---- */

/* Objects along the path are made where they are missing. Takes value. */
static void put(json_t *object, const char *path, json_t *value)
{
	size_t len = strcspn(path, ".");
	char key[64];
	json_t *inner;

	snprintf(key, sizeof(key), "%.*s", (int)len, path);
	if (!path[len]) {
		json_object_set_new(object, key, value);
		return;
	}
	inner = json_object_get(object, key);
	if (!inner) {
		inner = json_object();
		json_object_set_new(object, key, inner);
	}
	put(inner, path + len + 1, value);
}

int body_make(struct call *c, const struct body_field *fields, json_t **ret_body)
{
	json_t *body = json_object();
	int code = 0;

	for (; fields->word && code == 0; fields++) {
		struct field f = {.call = c, .info = fields};
		json_t *value;

		f.text = call_word(c, fields->word, strlen(fields->word));
		if (!f.text)
			continue;
		if (table_value(body, fields->path, strlen(fields->path)))
			code = call_fail(EXIT_USAGE, "%s: another option says that already",
					 fields->word);
		else
			code = value_of(&f, &value);
		if (code == 0)
			put(body, fields->path, value);
	}
	if (code)
		json_decref(body);
	else
		*ret_body = body;
	return code;
}

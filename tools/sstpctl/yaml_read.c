/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sstpctl/yaml_read.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

enum {
	KEY_SHOWN = 64, /* bytes of a key in a sentence */
	DIGITS_MAX = 18,
};

/* A text on its way; depth counts the lists and mappings that are open. */
struct reader {
	const char *name;
	const char *text;
	yaml_parser_t parser;
	unsigned depth;
	char *error;
};

static int fail(const struct reader *r, yaml_mark_t at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(const struct reader *r, yaml_mark_t at, const char *fmt, ...)
{
	int len = snprintf(r->error, YAML_ERROR_MAX, "%s:%zu:%zu: ", r->name, at.line + 1,
			   at.column + 1);
	va_list ap;

	if (len < 0 || len >= YAML_ERROR_MAX)
		return -EINVAL;
	va_start(ap, fmt);
	vsnprintf(r->error + len, YAML_ERROR_MAX - (size_t)len, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static int fail_memory(const struct reader *r)
{
	snprintf(r->error, YAML_ERROR_MAX, "out of memory");
	return -ENOMEM;
}

/* A byte that is not UTF-8 has an offset and no mark. */
static yaml_mark_t problem_mark(const struct reader *r)
{
	yaml_mark_t mark = r->parser.problem_mark;

	if (r->parser.error != YAML_READER_ERROR)
		return mark;
	mark = (yaml_mark_t){0};
	for (size_t i = 0; i < r->parser.problem_offset; i++) {
		mark.column = r->text[i] == '\n' ? 0 : mark.column + 1;
		mark.line += r->text[i] == '\n';
	}
	return mark;
}

static int fail_syntax(const struct reader *r)
{
	const yaml_parser_t *p = &r->parser;

	if (p->error == YAML_MEMORY_ERROR)
		return fail_memory(r);
	return fail(r, problem_mark(r), "this is not valid YAML: %s%s%s",
		    p->problem ? p->problem : "unknown problem", p->context ? " " : "",
		    p->context ? p->context : "");
}

static int next(struct reader *r, yaml_event_t *ret_event)
{
	return yaml_parser_parse(&r->parser, ret_event) ? 0 : fail_syntax(r);
}

/* ---- scalars ---- */

static bool is_null_word(const char *word)
{
	return !*word || !strcmp(word, "~") || !strcmp(word, "null") || !strcmp(word, "Null") ||
	       !strcmp(word, "NULL");
}

static bool is_bool_word(const char *word, bool *ret_value)
{
	*ret_value = !strcmp(word, "true") || !strcmp(word, "True") || !strcmp(word, "TRUE");
	return *ret_value || !strcmp(word, "false") || !strcmp(word, "False") ||
	       !strcmp(word, "FALSE");
}

/* Digits, with a sign or without; then perhaps a point and more of them. */
static bool is_number(const char *word, bool *ret_is_whole)
{
	const char *p = word + (*word == '-' || *word == '+');
	size_t len = strspn(p, "0123456789"), fraction;

	if (!len || len > DIGITS_MAX)
		return false;
	p += len;
	*ret_is_whole = !*p;
	if (!*p)
		return true;
	fraction = *p == '.' ? strspn(p + 1, "0123456789") : 0;
	return fraction && !p[1 + fraction];
}

bool yaml_is_plain_text(const char *word)
{
	bool ignored;

	return !is_null_word(word) && !is_bool_word(word, &ignored) && !is_number(word, &ignored);
}

/* Owned, or NULL without memory. */
static json_t *scalar_json(const yaml_event_t *ev)
{
	const char *text = (const char *)ev->data.scalar.value;
	bool value;

	if (ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
		if (is_null_word(text))
			return json_null();
		if (is_bool_word(text, &value))
			return json_boolean(value);
		if (is_number(text, &value))
			return value ? json_integer(strtoll(text, NULL, 10))
				     : json_real(strtod(text, NULL));
	}
	return json_stringn(text, ev->data.scalar.length);
}

/* ---- what is not taken although it is YAML ---- */

static const char *objection_to(const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor)
		return "anchors (&name) are not supported";
	return tag ? "tags (!name) are not supported" : NULL;
}

static const char *objection(const yaml_event_t *ev)
{
	switch (ev->type) {
	case YAML_ALIAS_EVENT: return "aliases (*name) are not supported";
	case YAML_SCALAR_EVENT:
		if (strlen((const char *)ev->data.scalar.value) != ev->data.scalar.length)
			return "a text holds a zero byte (\\0)";
		return objection_to(ev->data.scalar.anchor, ev->data.scalar.tag);
	case YAML_SEQUENCE_START_EVENT:
		return objection_to(ev->data.sequence_start.anchor, ev->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return objection_to(ev->data.mapping_start.anchor, ev->data.mapping_start.tag);
	default: return NULL;
	}
}

/* ---- values ---- */

static int read_value(struct reader *r, yaml_event_t *ev, json_t **ret_value);

/* All up to the end of the list, which begins with ev. */
static int read_list(struct reader *r, json_t *list)
{
	yaml_event_t ev;
	json_t *item;
	int error;

	for (;;) {
		error = next(r, &ev);
		if (error < 0)
			return error;
		if (ev.type == YAML_SEQUENCE_END_EVENT)
			break;
		error = read_value(r, &ev, &item);
		if (error < 0)
			return error;
		if (json_array_append_new(list, item) < 0)
			return fail_memory(r);
	}
	yaml_event_delete(&ev);
	return 0;
}

/* A key, then its value. Takes key. */
static int read_pair(struct reader *r, yaml_event_t *key, json_t *mapping)
{
	const char *why = objection(key), *text;
	yaml_event_t ev;
	json_t *value;
	int error;

	if (key->type != YAML_SCALAR_EVENT && !why)
		why = "a key must be a word";
	text = why ? NULL : (const char *)key->data.scalar.value;
	if (why)
		error = fail(r, key->start_mark, "%s", why);
	else if (json_object_get(mapping, text))
		error = fail(r, key->start_mark, "'%.*s' is given twice", KEY_SHOWN, text);
	else
		error = next(r, &ev);
	if (error == 0)
		error = read_value(r, &ev, &value);
	if (error == 0 && json_object_set_new(mapping, text, value) < 0)
		error = fail_memory(r);
	yaml_event_delete(key);
	return error;
}

static int read_mapping(struct reader *r, json_t *mapping)
{
	yaml_event_t ev;
	int error;

	for (;;) {
		error = next(r, &ev);
		if (error < 0)
			return error;
		if (ev.type == YAML_MAPPING_END_EVENT)
			break;
		error = read_pair(r, &ev, mapping);
		if (error < 0)
			return error;
	}
	yaml_event_delete(&ev);
	return 0;
}

static int read_collection(struct reader *r, const yaml_event_t *ev, json_t **ret_value)
{
	bool is_list = ev->type == YAML_SEQUENCE_START_EVENT;
	json_t *value;
	int error;

	if (r->depth == YAML_DEPTH_MAX)
		return fail(r, ev->start_mark, "this is nested too deeply");
	value = is_list ? json_array() : json_object();
	if (!value)
		return fail_memory(r);
	r->depth++;
	error = is_list ? read_list(r, value) : read_mapping(r, value);
	r->depth--;
	if (error < 0)
		json_decref(value);
	else
		*ret_value = value;
	return error;
}

/* The one that begins with ev, which is taken. */
static int read_value(struct reader *r, yaml_event_t *ev, json_t **ret_value)
{
	const char *why = objection(ev);
	int error = 0;

	if (why) {
		error = fail(r, ev->start_mark, "%s", why);
	} else if (ev->type == YAML_SCALAR_EVENT) {
		json_t *value = scalar_json(ev);

		if (value)
			*ret_value = value;
		else
			error = fail_memory(r);
	} else {
		error = read_collection(r, ev, ret_value);
	}
	yaml_event_delete(ev);
	return error;
}

/* ---- the document ---- */

/* The next event must be of this type: what else there can be is said by `otherwise`. */
static int expect(struct reader *r, yaml_event_type_t type, const char *otherwise)
{
	yaml_event_t ev;
	int error = next(r, &ev);

	if (error < 0)
		return error;
	if (ev.type != type)
		error = fail(r, ev.start_mark, "%s", otherwise);
	yaml_event_delete(&ev);
	return error;
}

static int read_document(struct reader *r, json_t **ret_value)
{
	json_t *value = NULL;
	yaml_event_t ev;
	int error = expect(r, YAML_STREAM_START_EVENT, "this is no text");

	if (error == 0)
		error = expect(r, YAML_DOCUMENT_START_EVENT, "there is nothing in it");
	if (error == 0)
		error = next(r, &ev);
	if (error == 0)
		error = read_value(r, &ev, &value);
	if (error == 0)
		error = expect(r, YAML_DOCUMENT_END_EVENT, "the document does not end");
	if (error == 0)
		error = expect(r, YAML_STREAM_END_EVENT,
			       "a second document begins; one is allowed");
	if (error == 0)
		*ret_value = value;
	else
		json_decref(value);
	return error;
}

int yaml_read(const char *name, const char *text, size_t len, json_t **ret_value,
	      char ret_error[YAML_ERROR_MAX])
{
	struct reader r = {.name = name, .text = text, .error = ret_error};
	int error;

	if (len > YAML_FILE_MAX) {
		snprintf(ret_error, YAML_ERROR_MAX, "%s: is larger than %d bytes", name,
			 YAML_FILE_MAX);
		return -EINVAL;
	}
	if (!yaml_parser_initialize(&r.parser))
		return fail_memory(&r);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
	error = read_document(&r, ret_value);
	yaml_parser_delete(&r.parser);
	for (char *p = ret_error; error < 0 && *p; p++) /* a key may hold anything */
		if (!isprint((unsigned char)*p))
			*p = '?';
	return error;
}

/* ---- places ---- */

/* Steps into "name" of a mapping; *mark becomes that of the key. 0: not there. */
static int step_key(yaml_document_t *doc, const yaml_node_t *node, const char *name, size_t len,
		    yaml_mark_t *mark)
{
	const yaml_node_pair_t *pair = node->data.mapping.pairs.start;

	if (node->type != YAML_MAPPING_NODE)
		return 0;
	for (; pair < node->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key = yaml_document_get_node(doc, pair->key);

		if (key->data.scalar.length != len ||
		    memcmp(key->data.scalar.value, name, len) != 0)
			continue;
		*mark = key->start_mark;
		return pair->value;
	}
	return 0;
}

static int step_index(yaml_document_t *doc, const yaml_node_t *node, size_t index,
		      yaml_mark_t *mark)
{
	const yaml_node_item_t *start = node->data.sequence.items.start;

	if (node->type != YAML_SEQUENCE_NODE ||
	    index >= (size_t)(node->data.sequence.items.top - start))
		return 0;
	*mark = yaml_document_get_node(doc, start[index])->start_mark;
	return start[index];
}

static yaml_mark_t walk(yaml_document_t *doc, const char *path)
{
	yaml_node_t *node = yaml_document_get_root_node(doc);
	yaml_mark_t mark = node->start_mark;
	char *end;
	int id = 1;

	while (*path && id) {
		if (*path == '[') {
			id = step_index(doc, node, strtoul(path + 1, &end, 10), &mark);
			path = *end == ']' ? end + 1 : end;
		} else {
			size_t len = strcspn(path += *path == '.', ".[");

			id = step_key(doc, node, path, len, &mark);
			path += len;
		}
		node = id ? yaml_document_get_node(doc, id) : NULL;
	}
	return mark;
}

bool yaml_find(const char *text, size_t len, const char *path, size_t *ret_line, size_t *ret_column)
{
	char error[YAML_ERROR_MAX];
	yaml_document_t doc;
	yaml_parser_t parser;
	json_t *value;
	yaml_mark_t mark;

	/* what is fine for it is a tree, with words for keys */
	if (!*path || yaml_read("", text, len, &value, error) < 0)
		return false;
	json_decref(value);
	if (!yaml_parser_initialize(&parser))
		return false;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	if (!yaml_parser_load(&parser, &doc)) {
		yaml_parser_delete(&parser);
		return false;
	}
	mark = walk(&doc, path);
	yaml_document_delete(&doc);
	yaml_parser_delete(&parser);
	*ret_line = mark.line + 1;
	*ret_column = mark.column + 1;
	return true;
}

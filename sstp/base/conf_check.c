/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks the tree along the schema. Each complaint is one sentence about one value, called by its
 * path; nothing that the schema calls a string is ever quoted, since it may be a password.
 * Recursion is as deep as the schema.
 */
#include "sstp/base/conf_check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/base/conf_option.h"
#include "sstp/base/log.h"

enum {
	WHERE_MAX = 128,
	SHOWN_MAX = 64, /* of a wrong word or key */
};

struct check {
	struct conf_doc *doc;
	const char *path;
	struct conf_error *error;
	char where[WHERE_MAX]; /* path of the value in hand: "vnets[0].mtu" */
};

static int complain(const struct check *c, size_t line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int complain(const struct check *c, size_t line, const char *fmt, ...)
{
	size_t size = sizeof(c->error->text);
	int len = snprintf(c->error->text, size, "%s:%zu: ", c->path, line);
	va_list ap;

	va_start(ap, fmt);
	if (len > 0 && (size_t)len < size)
		vsnprintf(c->error->text + len, size - (size_t)len, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static const char *scalar_text(const yaml_node_t *node)
{
	return (const char *)node->data.scalar.value;
}

/* For quoting in a sentence: printable, and not long. */
static const char *shown(char buf[SHOWN_MAX], const yaml_node_t *node)
{
	return log_escape(buf, SHOWN_MAX, node->data.scalar.value, node->data.scalar.length);
}

/* Nothing, ~ or null, without quotes. */
static bool is_null(const yaml_node_t *node)
{
	static const char *const words[] = {"", "~", "null", "Null", "NULL"};

	if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	for (size_t i = 0; i < CYAML_ARRAY_LEN(words); i++)
		if (!strcmp(scalar_text(node), words[i]))
			return true;
	return false;
}

/* "a, b, c": the keys that a mapping may have. Cut to fit. */
static const char *list_keys(char *buf, size_t size, const cyaml_schema_value_t *schema)
{
	const cyaml_schema_field_t *f;
	size_t len = 0;

	buf[0] = '\0';
	for (f = schema->mapping.fields; f->key && len < size; f++)
		len += (size_t)snprintf(buf + len, size - len, "%s%s", len ? ", " : "", f->key);
	return buf;
}

static const char *list_words(char *buf, size_t size, const cyaml_schema_value_t *schema)
{
	size_t len = 0;

	buf[0] = '\0';
	for (uint32_t i = 0; i < schema->enumeration.count && len < size; i++)
		len += (size_t)snprintf(buf + len, size - len, "%s%s", len ? ", " : "",
					schema->enumeration.strings[i].str);
	return buf;
}

static int check_uint(const struct check *c, const cyaml_schema_value_t *schema,
		      const yaml_node_t *node, size_t line)
{
	uint64_t value;
	char buf[SHOWN_MAX];

	if (node->type == YAML_SCALAR_NODE && conf_is_number(scalar_text(node), &value) &&
	    value >= schema->string.min && value <= schema->string.max)
		return 0;
	return complain(c, line, "'%s' must be a whole number %u..%u%s%s%s", c->where,
			schema->string.min, schema->string.max,
			node->type == YAML_SCALAR_NODE ? ", not '" : "",
			node->type == YAML_SCALAR_NODE ? shown(buf, node) : "",
			node->type == YAML_SCALAR_NODE ? "'" : "");
}

static int check_enum(const struct check *c, const cyaml_schema_value_t *schema,
		      const yaml_node_t *node, size_t line)
{
	char words[128];
	char buf[SHOWN_MAX];

	list_words(words, sizeof(words), schema);
	if (node->type != YAML_SCALAR_NODE)
		return complain(c, line, "'%s' must be one of: %s", c->where, words);
	for (uint32_t i = 0; i < schema->enumeration.count; i++)
		if (!strcmp(scalar_text(node), schema->enumeration.strings[i].str))
			return 0;
	return complain(c, line, "'%s' must be one of: %s; not '%s'", c->where, words,
			shown(buf, node));
}

static int check_string(const struct check *c, const cyaml_schema_value_t *schema,
			const yaml_node_t *node, size_t line)
{
	size_t len;

	if (node->type != YAML_SCALAR_NODE)
		return complain(c, line, "'%s' must be a text", c->where);
	len = node->data.scalar.length;
	if (len < schema->string.min || len > schema->string.max)
		return complain(c, line, "'%s' must be %u..%u bytes long, and is %zu", c->where,
				schema->string.min, schema->string.max, len);
	return 0;
}

static int check_value(struct check *c, const cyaml_schema_value_t *schema, yaml_node_t *node,
		       size_t line);

/* Extends the path by a key or an index, checks, and takes it back. */
static int check_at(struct check *c, const cyaml_schema_value_t *schema, yaml_node_t *node,
		    size_t line, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

static int check_at(struct check *c, const cyaml_schema_value_t *schema, yaml_node_t *node,
		    size_t line, const char *fmt, ...)
{
	size_t len = strlen(c->where);
	va_list ap;
	int r;

	va_start(ap, fmt);
	vsnprintf(c->where + len, sizeof(c->where) - len, fmt, ap);
	va_end(ap);
	r = check_value(c, schema, node, line);
	c->where[len] = '\0';
	return r;
}

static int check_sequence(struct check *c, const cyaml_schema_value_t *schema,
			  const yaml_node_t *node, size_t line)
{
	const yaml_node_item_t *start;
	size_t n;
	int r = 0;

	if (node->type != YAML_SEQUENCE_NODE)
		return complain(c, line, "'%s' must be a list", c->where);
	start = node->data.sequence.items.start;
	n = (size_t)(node->data.sequence.items.top - start);
	if (n < schema->sequence.min)
		return complain(c, line, "'%s' must have at least %u %s", c->where,
				schema->sequence.min,
				schema->sequence.min == 1 ? "entry" : "entries");
	if (n > schema->sequence.max)
		return complain(c, line, "'%s' can have at most %u entries, and has %zu", c->where,
				schema->sequence.max, n);
	for (size_t i = 0; i < n && !r; i++) {
		yaml_node_t *entry = conf_doc_node(c->doc, start[i]);

		r = check_at(c, schema->sequence.entry, entry, conf_doc_line(entry), "[%zu]", i);
	}
	return r;
}

static const cyaml_schema_field_t *find_field(const cyaml_schema_value_t *schema,
					      const yaml_node_t *key)
{
	const cyaml_schema_field_t *f = schema->mapping.fields;

	if (key->type != YAML_SCALAR_NODE)
		return NULL;
	while (f->key && strcmp(f->key, scalar_text(key)))
		f++;
	return f->key ? f : NULL;
}

/* The pair that gives `name`, before `end`. */
static yaml_node_t *find_key(const struct check *c, const yaml_node_t *node,
			     const yaml_node_pair_t *end, const char *name)
{
	const yaml_node_pair_t *pair;

	for (pair = node->data.mapping.pairs.start; pair < end; pair++) {
		yaml_node_t *key = conf_doc_node(c->doc, pair->key);

		if (key->type == YAML_SCALAR_NODE && !strcmp(scalar_text(key), name))
			return key;
	}
	return NULL;
}

static int unknown_key(const struct check *c, const cyaml_schema_value_t *schema,
		       const yaml_node_t *key)
{
	char allowed[256];
	char buf[SHOWN_MAX];

	list_keys(allowed, sizeof(allowed), schema);
	if (key->type != YAML_SCALAR_NODE)
		return complain(c, conf_doc_line(key), "a key must be a word; allowed here: %s",
				allowed);
	return complain(c, conf_doc_line(key), "unknown key '%s'; allowed here: %s",
			shown(buf, key), allowed);
}

static int check_pair(struct check *c, const cyaml_schema_value_t *schema, const yaml_node_t *node,
		      const yaml_node_pair_t *pair)
{
	const yaml_node_t *key = conf_doc_node(c->doc, pair->key);
	const cyaml_schema_field_t *field = find_field(schema, key);
	const yaml_node_t *earlier;

	if (!field)
		return unknown_key(c, schema, key);
	earlier = find_key(c, node, pair, field->key);
	if (earlier)
		return complain(c, conf_doc_line(key), "key '%s' is given twice, first in line %zu",
				field->key, conf_doc_line(earlier));
	return check_at(c, &field->value, conf_doc_node(c->doc, pair->value), conf_doc_line(key),
			"%s%s", *c->where ? "." : "", field->key);
}

static int check_required(const struct check *c, const cyaml_schema_value_t *schema,
			  const yaml_node_t *node, size_t line)
{
	const cyaml_schema_field_t *f;

	for (f = schema->mapping.fields; f->key; f++)
		if (!(f->value.flags & CYAML_FLAG_OPTIONAL) &&
		    !find_key(c, node, node->data.mapping.pairs.top, f->key))
			return complain(c, line, "key '%s' is missing%s%s%s", f->key,
					*c->where ? " in '" : "", c->where, *c->where ? "'" : "");
	return 0;
}

static int check_mapping(struct check *c, const cyaml_schema_value_t *schema,
			 const yaml_node_t *node, size_t line)
{
	const yaml_node_pair_t *pair;
	char allowed[256];
	int r = 0;

	if (node->type != YAML_MAPPING_NODE)
		return complain(c, line, "%s%s%s must be a mapping with keys out of: %s",
				*c->where ? "'" : "", *c->where ? c->where : "the file",
				*c->where ? "'" : "", list_keys(allowed, sizeof(allowed), schema));
	for (pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top && !r;
	     pair++)
		r = check_pair(c, schema, node, pair);
	return r ? r : check_required(c, schema, node, line);
}

static int check_value(struct check *c, const cyaml_schema_value_t *schema, yaml_node_t *node,
		       size_t line)
{
	if (*c->where && is_null(node))
		return complain(c, line, "'%s' has no value: give it one, or leave the key out",
				c->where);
	switch (schema->type) {
	case CYAML_MAPPING: return check_mapping(c, schema, node, line);
	case CYAML_SEQUENCE: return check_sequence(c, schema, node, line);
	case CYAML_UINT: return check_uint(c, schema, node, line);
	case CYAML_ENUM: return check_enum(c, schema, node, line);
	case CYAML_STRING: return check_string(c, schema, node, line);
	default: abort(); /* a schema of ours with a type that conf.h does not offer */
	}
}

int conf_check(struct conf_doc *doc, const char *path, const cyaml_schema_value_t *schema,
	       struct conf_error *ret_error)
{
	struct check c = {.doc = doc, .path = path, .error = ret_error};
	yaml_node_t *root = conf_doc_root(doc);

	if (is_null(root)) {
		snprintf(ret_error->text, sizeof(ret_error->text), "%s: is empty", path);
		return -EINVAL;
	}
	return check_value(&c, schema, root, conf_doc_line(root));
}

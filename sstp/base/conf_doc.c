/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a file to a YAML tree that is safe to walk: bounded in size and depth, and a tree indeed,
 * since aliases (which could make it a graph, or a small file a huge one) are refused. The first
 * pass goes over the events, where aliases and depth can be seen; only then libyaml builds the
 * tree.
 */
#include "sstp/base/conf_doc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sstp/base/secret.h"

static int fail_line(struct conf_error *e, const char *path, size_t line, const char *text)
{
	snprintf(e->text, sizeof(e->text), "%s:%zu: %s", path, line, text);
	return -EINVAL;
}

static int fail_errno(struct conf_error *e, const char *path, int error)
{
	snprintf(e->text, sizeof(e->text), "%s: cannot be read: %s", path, strerror(error));
	return error == ENOENT || error == EACCES || error == ENOMEM ? -error : -EINVAL;
}

/* One byte more than allowed is read, to see that a file is too large even if it grows. */
static int read_all(int fd, struct conf_doc *doc)
{
	ssize_t n;

	doc->bytes = malloc(CONF_FILE_MAX + 1);
	if (!doc->bytes)
		return -ENOMEM;
	do {
		n = read(fd, doc->bytes + doc->len, CONF_FILE_MAX + 1 - doc->len);
		if (n < 0 && errno != EINTR)
			return -errno;
		doc->len += n > 0 ? (size_t)n : 0;
	} while (n != 0 && doc->len <= CONF_FILE_MAX);
	return 0;
}

/* O_NONBLOCK, so that a FIFO is refused and not waited for. */
static int read_file(struct conf_doc *doc, const char *path, struct conf_error *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	int r;

	if (fd < 0)
		return fail_errno(e, path, errno);
	if (fstat(fd, &st) < 0)
		r = -errno;
	else if (!S_ISREG(st.st_mode))
		r = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	else
		r = read_all(fd, doc);
	close(fd);
	if (r == -EINVAL)
		return conf_fail_plain(e, "%s: is not a regular file", path);
	if (r < 0)
		return fail_errno(e, path, -r);
	if (doc->len > CONF_FILE_MAX)
		return conf_fail_plain(e, "%s: is larger than %d bytes", path, CONF_FILE_MAX);
	return 0;
}

/* A byte that is not UTF-8 has an offset and no mark. */
static size_t problem_line(const struct conf_doc *doc, const yaml_parser_t *p)
{
	size_t line = 1;

	if (p->error != YAML_READER_ERROR)
		return p->problem_mark.line + 1;
	for (size_t i = 0; i < p->problem_offset && i < doc->len; i++)
		line += doc->bytes[i] == '\n';
	return line;
}

static int fail_syntax(const struct conf_doc *doc, const yaml_parser_t *p, const char *path,
		       struct conf_error *e)
{
	char text[256];

	if (p->error == YAML_MEMORY_ERROR)
		return fail_errno(e, path, ENOMEM);
	snprintf(text, sizeof(text), "is not valid YAML: %s%s%s",
		 p->problem ? p->problem : "unknown problem", p->context ? " " : "",
		 p->context ? p->context : "");
	return fail_line(e, path, problem_line(doc, p), text);
}

struct scan {
	unsigned depth;
	unsigned documents;
};

static const char *objection_to_scalar(const yaml_event_t *ev)
{
	const char *value = (const char *)ev->data.scalar.value;

	if (ev->data.scalar.anchor)
		return "anchors (&name) are not supported";
	if (ev->data.scalar.tag)
		return "tags (!name) are not supported";
	if (strlen(value) != ev->data.scalar.length)
		return "a text holds a zero byte (\\0)";
	return NULL;
}

static const char *objection_to_collection(struct scan *s, const yaml_char_t *anchor,
					   const yaml_char_t *tag)
{
	if (anchor)
		return "anchors (&name) are not supported";
	if (tag)
		return "tags (!name) are not supported";
	if (++s->depth > CONF_DEPTH_MAX)
		return "is nested too deeply";
	return NULL;
}

/* What we do not take although it is YAML; NULL: the event is fine. */
static const char *objection(struct scan *s, const yaml_event_t *ev)
{
	switch (ev->type) {
	case YAML_DOCUMENT_START_EVENT:
		return ++s->documents > 1 ? "a second document begins; one is allowed" : NULL;
	case YAML_ALIAS_EVENT: return "aliases (*name) are not supported";
	case YAML_SCALAR_EVENT: return objection_to_scalar(ev);
	case YAML_SEQUENCE_START_EVENT:
		return objection_to_collection(s, ev->data.sequence_start.anchor,
					       ev->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return objection_to_collection(s, ev->data.mapping_start.anchor,
					       ev->data.mapping_start.tag);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT: s->depth--; return NULL;
	default: return NULL;
	}
}

static int scan_events(struct conf_doc *doc, yaml_parser_t *p, const char *path,
		       struct conf_error *e)
{
	struct scan s = {0};
	const char *text;
	yaml_event_t ev;
	size_t line;
	bool at_end;

	do {
		if (!yaml_parser_parse(p, &ev))
			return fail_syntax(doc, p, path, e);
		text = objection(&s, &ev);
		line = ev.start_mark.line + 1;
		at_end = ev.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&ev);
	} while (!text && !at_end);
	return text ? fail_line(e, path, line, text) : 0;
}

static int build_tree(struct conf_doc *doc, yaml_parser_t *p, const char *path,
		      struct conf_error *e)
{
	if (!yaml_parser_load(p, &doc->tree))
		return fail_syntax(doc, p, path, e);
	doc->has_tree = true;
	if (!conf_doc_root(doc))
		return conf_fail_plain(e, "%s: is empty", path);
	return 0;
}

typedef int parse_fn(struct conf_doc *doc, yaml_parser_t *p, const char *path,
		     struct conf_error *e);

static int with_parser(parse_fn *parse, struct conf_doc *doc, const char *path,
		       struct conf_error *e)
{
	yaml_parser_t p;
	int r;

	if (!yaml_parser_initialize(&p))
		return fail_errno(e, path, ENOMEM);
	yaml_parser_set_input_string(&p, doc->bytes, doc->len);
	r = parse(doc, &p, path, e);
	yaml_parser_delete(&p);
	return r;
}

static int copy_bytes(struct conf_doc *doc, const struct conf_text *text, struct conf_error *e)
{
	if (text->len > CONF_FILE_MAX)
		return conf_fail_plain(e, "%s: is larger than %d bytes", text->path, CONF_FILE_MAX);
	doc->bytes = malloc(text->len + 1);
	if (!doc->bytes)
		return fail_errno(e, text->path, ENOMEM);
	memcpy(doc->bytes, text->bytes, text->len);
	doc->len = text->len;
	return 0;
}

int conf_doc_load(struct conf_doc *doc, const struct conf_text *text, struct conf_error *e)
{
	int r;

	*doc = (struct conf_doc){0};
	r = text->bytes ? copy_bytes(doc, text, e) : read_file(doc, text->path, e);
	if (!r)
		r = with_parser(scan_events, doc, text->path, e);
	if (!r)
		r = with_parser(build_tree, doc, text->path, e);
	return r;
}

int conf_read(const char *path, char **ret_bytes, size_t *ret_len, struct conf_error *ret_error)
{
	struct conf_doc doc = {0};
	int r = read_file(&doc, path, ret_error);

	if (r < 0) {
		conf_doc_done(&doc);
		return r;
	}
	*ret_bytes = (char *)doc.bytes;
	*ret_len = doc.len;
	return 0;
}

static void wipe_texts(yaml_document_t *tree)
{
	for (yaml_node_t *node = tree->nodes.start; node < tree->nodes.top; node++)
		if (node->type == YAML_SCALAR_NODE)
			secret_wipe_bytes(node->data.scalar.value, node->data.scalar.length);
}

void conf_doc_done(struct conf_doc *doc)
{
	if (doc->has_tree) {
		wipe_texts(&doc->tree);
		yaml_document_delete(&doc->tree);
	}
	if (doc->bytes)
		secret_wipe_bytes(doc->bytes, doc->len);
	free(doc->bytes);
	*doc = (struct conf_doc){0};
}

yaml_node_t *conf_doc_root(struct conf_doc *doc)
{
	return yaml_document_get_root_node(&doc->tree);
}

yaml_node_t *conf_doc_node(struct conf_doc *doc, int id)
{
	return yaml_document_get_node(&doc->tree, id);
}

size_t conf_doc_line(const yaml_node_t *node)
{
	return node->start_mark.line + 1;
}

/* Steps into "name" of a mapping; *line becomes that of the key. NULL: not there. */
static yaml_node_t *step_key(struct conf_doc *doc, const yaml_node_t *node, const char *name,
			     size_t len, size_t *line)
{
	const yaml_node_pair_t *pair;

	if (node->type != YAML_MAPPING_NODE)
		return NULL;
	for (pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key = conf_doc_node(doc, pair->key);

		if (key->type != YAML_SCALAR_NODE || key->data.scalar.length != len ||
		    memcmp(key->data.scalar.value, name, len) != 0)
			continue;
		*line = conf_doc_line(key);
		return conf_doc_node(doc, pair->value);
	}
	return NULL;
}

static yaml_node_t *step_index(struct conf_doc *doc, const yaml_node_t *node, size_t index,
			       size_t *line)
{
	const yaml_node_item_t *start;
	yaml_node_t *entry;

	if (node->type != YAML_SEQUENCE_NODE)
		return NULL;
	start = node->data.sequence.items.start;
	if (index >= (size_t)(node->data.sequence.items.top - start))
		return NULL;
	entry = conf_doc_node(doc, start[index]);
	*line = conf_doc_line(entry);
	return entry;
}

size_t conf_doc_line_at(struct conf_doc *doc, const char *yaml_path)
{
	yaml_node_t *node = conf_doc_root(doc);
	size_t line = *yaml_path ? conf_doc_line(node) : 0;
	const char *p = yaml_path;
	char *end;

	while (*p && node) {
		if (*p == '[') {
			node = step_index(doc, node, strtoul(p + 1, &end, 10), &line);
			p = *end == ']' ? end + 1 : end;
		} else {
			size_t len = strcspn(p += *p == '.', ".[");

			node = step_key(doc, node, p, len, &line);
			p += len;
		}
	}
	return line;
}

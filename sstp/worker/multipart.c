/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines are read one at a time by a cursor that never leaves the body. A delimiter is a whole line
 * "--boundary"; the line break in front of it belongs to it (RFC 2046 section 5.1.1).
 */
#include "sstp/worker/multipart.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "sstp/base/wire.h"

/* A piece of the input. */
struct span {
	const char *p;
	size_t len;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct span trim(struct span s)
{
	while (s.len && is_blank(s.p[0])) {
		s.p++;
		s.len--;
	}
	while (s.len && is_blank(s.p[s.len - 1]))
		s.len--;
	return s;
}

static bool equals(struct span s, const char *text)
{
	return s.len == strlen(text) && !strncasecmp(s.p, text, s.len);
}

/* What stands before the first `c`; *s is what stands behind it, empty without one. */
static struct span cut(struct span *s, char c)
{
	struct span first = *s;
	const char *at = s->len ? memchr(s->p, c, s->len) : NULL;

	if (at)
		first.len = (size_t)(at - s->p);
	s->p += first.len + (at ? 1 : 0);
	s->len -= first.len + (at ? 1 : 0);
	return first;
}

bool multipart_is_type(const char *type, size_t len, const char *name)
{
	struct span s = {type, len};

	return equals(trim(cut(&s, ';')), name);
}

/* The characters that RFC 2046 allows; a blank is not of use at an end. */
static bool is_boundary(struct span s)
{
	if (s.len < 1 || s.len > MULTIPART_BOUNDARY_MAX || is_blank(s.p[s.len - 1]))
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] == '\0' ||
		    !strchr("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			    "'()+_,-./:=? ",
			    s.p[i]))
			return false;
	return true;
}

static bool find_boundary(const char *type, struct span *ret_boundary)
{
	struct span rest = {type, strlen(type)};

	if (!equals(trim(cut(&rest, ';')), "multipart/mixed"))
		return false;
	while (rest.len) {
		struct span value = trim(cut(&rest, ';'));

		if (!equals(trim(cut(&value, '=')), "boundary"))
			continue;
		value = trim(value);
		if (value.len >= 2 && value.p[0] == '"' && value.p[value.len - 1] == '"')
			value = (struct span){value.p + 1, value.len - 2};
		*ret_boundary = value;
		return is_boundary(value);
	}
	return false;
}

/* The next line without its end (LF or CR LF). False at the end of the body. */
static bool next_line(struct wire_reader *r, struct span *ret_line)
{
	size_t left = wire_left(r);
	const uint8_t *lf = left ? memchr(r->pos, '\n', left) : NULL;
	size_t len = lf ? (size_t)(lf - r->pos) : left;

	if (!left)
		return false;
	*ret_line = (struct span){(const char *)wire_bytes(r, len), len};
	if (lf)
		wire_bytes(r, 1);
	if (len && ret_line->p[len - 1] == '\r')
		ret_line->len--;
	return true;
}

enum delimiter {
	NONE,
	PART, /* "--boundary" */
	LAST, /* "--boundary--" */
};

static enum delimiter delimiter_of(struct span line, struct span boundary)
{
	struct span rest;

	if (line.len < boundary.len + 2 || memcmp(line.p, "--", 2) != 0 ||
	    memcmp(line.p + 2, boundary.p, boundary.len) != 0)
		return NONE;
	rest = trim((struct span){line.p + 2 + boundary.len, line.len - 2 - boundary.len});
	return rest.len == 0 ? PART : equals(rest, "--") ? LAST : NONE;
}

/* True when there is a delimiter; *ret_before ends in front of its line break. */
static bool skip_to_delimiter(struct wire_reader *r, struct span boundary, enum delimiter *ret_kind,
			      struct span *ret_before)
{
	const char *begin = (const char *)r->pos;
	struct span line, last = {begin, 0};

	while (next_line(r, &line)) {
		*ret_kind = delimiter_of(line, boundary);
		if (*ret_kind != NONE) {
			*ret_before = (struct span){begin, (size_t)(last.p + last.len - begin)};
			return true;
		}
		last = line;
	}
	return false;
}

/* Up to the empty line. */
static bool read_headers(struct wire_reader *r, struct multipart_part *part)
{
	struct span line;

	while (next_line(r, &line)) {
		struct span value = line;

		if (line.len == 0)
			return true;
		if (!equals(trim(cut(&value, ':')), "Content-Type"))
			continue;
		value = trim(value);
		part->type = value.p;
		part->type_len = value.len;
	}
	return false;
}

int multipart_parse(const char *type, const char *body, size_t len,
		    struct multipart_part ret_parts[MULTIPART_PARTS_MAX])
{
	struct wire_reader r = wire_reader(body, len);
	struct multipart_part parts[MULTIPART_PARTS_MAX];
	struct span boundary, before;
	enum delimiter kind;
	int n = 0;

	if (!find_boundary(type, &boundary) || !skip_to_delimiter(&r, boundary, &kind, &before))
		return -EBADMSG;
	while (kind == PART) {
		struct multipart_part part = {.type = ""};

		if (n == MULTIPART_PARTS_MAX || !read_headers(&r, &part) ||
		    !skip_to_delimiter(&r, boundary, &kind, &before))
			return -EBADMSG;
		part.body = before.p;
		part.len = before.len;
		parts[n++] = part;
	}
	if (n == 0)
		return -EBADMSG;
	memcpy(ret_parts, parts, (size_t)n * sizeof(parts[0]));
	return n;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A header block is walked line by line from its start each time, with nothing kept between calls:
 * it is at most 4 KiB, and a half-parsed state would be one thing more to get wrong. Only bytes
 * that a header may hold get past next_line(), so what is copied out of it can hold no NUL and no
 * line break.
 */
#include "sstp/proto/http_block.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "sstp/base/wire.h"
#include "sstp/proto/http.h"

enum {
	STATUS_BAD_REQUEST = 400,
	STATUS_VERSION = 505,
};

enum line {
	LINE_OK,
	LINE_BAD,
	LINE_PARTIAL, /* its end has not arrived */
};

bool http_text_is(struct http_text t, const char *s)
{
	return t.len == strlen(s) && !memcmp(t.p, s, t.len);
}

bool http_text_is_nocase(struct http_text t, const char *s)
{
	return t.len == strlen(s) && !strncasecmp(t.p, s, t.len);
}

bool http_text_cut(struct http_text *t, char c, struct http_text *ret_head)
{
	const char *at = t->len ? memchr(t->p, c, t->len) : NULL; /* what is empty may be nowhere */
	size_t head_len;

	if (!at)
		return false;
	head_len = (size_t)(at - t->p);
	*ret_head = (struct http_text){.p = t->p, .len = head_len};
	*t = (struct http_text){.p = at + 1, .len = t->len - head_len - 1};
	return true;
}

/* Visible ASCII, blank, tab, and what is not ASCII: RFC 9110 5.5. */
static bool is_field_byte(uint8_t c)
{
	return c == '\t' || (c >= ' ' && c != 0x7f);
}

static bool is_token_byte(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

bool http_is_token(struct http_text t)
{
	for (size_t i = 0; i < t.len; i++) {
		if (!is_token_byte((uint8_t)t.p[i]))
			return false;
	}
	return t.len > 0;
}

static size_t count_field_bytes(struct wire_reader r)
{
	size_t n = 0;

	while (wire_left(&r) && is_field_byte(wire_u8(&r)))
		n++;
	return n;
}

/* A line ends with CR LF and nothing less. A byte that no header may hold is refused at once. */
static enum line next_line(struct wire_reader *r, struct http_text *ret_line)
{
	struct http_text line = {.len = count_field_bytes(*r)};

	line.p = (const char *)wire_bytes(r, line.len);
	if (!wire_left(r))
		return LINE_PARTIAL;
	if (wire_u8(r) != '\r')
		return LINE_BAD;
	if (!wire_left(r))
		return LINE_PARTIAL;
	if (wire_u8(r) != '\n')
		return LINE_BAD;
	*ret_line = line;
	return LINE_OK;
}

int http_walk_block(const void *buf, size_t len, http_line_fn *on_line, void *arg)
{
	size_t limit = len < HTTP_HEADER_MAX ? len : HTTP_HEADER_MAX;
	struct wire_reader r = wire_reader(buf, limit);
	struct http_text line;

	for (unsigned n = 0;; n++) {
		enum line kind = next_line(&r, &line);
		int rc;

		if (kind == LINE_PARTIAL)
			return limit < HTTP_HEADER_MAX ? 0 : -EMSGSIZE;
		if (kind == LINE_BAD)
			return -EBADMSG;
		if (!line.len)
			return n ? (int)(limit - wire_left(&r)) : -EBADMSG;
		if (n == HTTP_LINES_MAX)
			return -EMSGSIZE;
		rc = on_line(arg, n, line);
		if (rc < 0)
			return rc;
	}
}

static bool is_version(struct http_text t)
{
	return t.len == strlen("HTTP/1.1") && !memcmp(t.p, "HTTP/", 5) && t.p[5] >= '0' &&
	       t.p[5] <= '9' && t.p[6] == '.' && t.p[7] >= '0' && t.p[7] <= '9';
}

int http_split_request(struct http_text line, struct http_text *ret_method,
		       struct http_text *ret_target)
{
	struct http_text method, target;

	if (!http_text_cut(&line, ' ', &method) || !http_text_cut(&line, ' ', &target))
		return STATUS_BAD_REQUEST;
	if (!http_is_token(method) || !target.len || !is_version(line))
		return STATUS_BAD_REQUEST;
	if (!http_text_is(line, "HTTP/1.1"))
		return STATUS_VERSION;
	*ret_method = method;
	*ret_target = target;
	return 0;
}

struct http_text http_text_trim(struct http_text t)
{
	while (t.len && (t.p[0] == ' ' || t.p[0] == '\t')) {
		t.p++;
		t.len--;
	}
	while (t.len && (t.p[t.len - 1] == ' ' || t.p[t.len - 1] == '\t'))
		t.len--;
	return t;
}

int http_split_field(struct http_text line, struct http_text *ret_name, struct http_text *ret_value)
{
	struct http_text name;

	if (!http_text_cut(&line, ':', &name) || !http_is_token(name))
		return -EBADMSG;
	*ret_name = name;
	*ret_value = http_text_trim(line);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A header block is walked line by line from its start each time, with nothing kept between calls:
 * it is at most 4 KiB, and a half-parsed state would be one thing more to get wrong. Only bytes
 * that a header may hold get past next_line(), so what is copied out of it can hold no NUL and no
 * line break.
 */
#include "sstp/proto/http.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "sstp/base/wire.h"

#define ENDLESS_LENGTH "18446744073709551615" /* 2^64 - 1: MS-SSTP 3.2.4.1 */

enum {
	STATUS_OK = 200,
	STATUS_BAD_REQUEST = 400,
	STATUS_NOT_FOUND = 404,
	STATUS_METHOD_NOT_ALLOWED = 405,
	STATUS_TIMEOUT = 408,
	STATUS_TOO_LARGE = 431,
	STATUS_UNAVAILABLE = 503,
	STATUS_VERSION = 505,
};

/* A piece of the input, borrowed. */
struct text {
	const char *p;
	size_t len;
};

enum line {
	LINE_OK,
	LINE_BAD,
	LINE_PARTIAL, /* its end has not arrived */
};

static bool text_is(struct text t, const char *s)
{
	return t.len == strlen(s) && !memcmp(t.p, s, t.len);
}

static bool text_is_nocase(struct text t, const char *s)
{
	return t.len == strlen(s) && !strncasecmp(t.p, s, t.len);
}

/* Cuts t at the first c: gives what stands before it, t keeps the rest. False without a c. */
static bool text_cut(struct text *t, char c, struct text *ret_head)
{
	const char *at = memchr(t->p, c, t->len);
	size_t head_len;

	if (!at)
		return false;
	head_len = (size_t)(at - t->p);
	*ret_head = (struct text){.p = t->p, .len = head_len};
	*t = (struct text){.p = at + 1, .len = t->len - head_len - 1};
	return true;
}

/* Visible ASCII, blank, tab, and what is not ASCII: RFC 9110 5.5. */
static bool is_field_byte(uint8_t c)
{
	return c == '\t' || (c >= ' ' && c != 0x7f);
}

/* RFC 9110 5.6.2 */
static bool is_token_byte(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token(struct text t)
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
static enum line next_line(struct wire_reader *r, struct text *ret_line)
{
	struct text line = {.len = count_field_bytes(*r)};

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

/* Takes the n-th line of a block. 0, or a negative errno that ends the walk. */
typedef int line_fn(void *arg, unsigned n, struct text line);

/* Returns the bytes of a whole block; 0: more to come; -EBADMSG, -EMSGSIZE, or on_line's error. */
static int walk_block(const void *buf, size_t len, line_fn *on_line, void *arg)
{
	size_t limit = len < HTTP_HEADER_MAX ? len : HTTP_HEADER_MAX;
	struct wire_reader r = wire_reader(buf, limit);
	struct text line;

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

/* A method that a browser or a scanner might use: it is answered as any web server would. */
static bool is_web_method(struct text method)
{
	static const char *const methods[] = {"GET",	 "HEAD",    "POST",  "PUT",  "DELETE",
					      "OPTIONS", "CONNECT", "TRACE", "PATCH"};

	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
		if (text_is(method, methods[i]))
			return true;
	}
	return false;
}

static bool is_version(struct text t)
{
	return t.len == strlen("HTTP/1.1") && !memcmp(t.p, "HTTP/", 5) && t.p[5] >= '0' &&
	       t.p[5] <= '9' && t.p[6] == '.' && t.p[7] >= '0' && t.p[7] <= '9';
}

static bool is_sstp_path(struct text target)
{
	struct text path;

	if (!text_cut(&target, '?', &path))
		path = target;
	return text_is_nocase(path, SSTP_URI);
}

/* The status to answer a request line with; 0: it is SSTP's. */
static int judge_request_line(struct text line)
{
	struct text method, target;

	if (!text_cut(&line, ' ', &method) || !text_cut(&line, ' ', &target))
		return STATUS_BAD_REQUEST;
	if (!is_token(method) || !target.len || !is_version(line))
		return STATUS_BAD_REQUEST;
	if (!text_is(line, "HTTP/1.1"))
		return STATUS_VERSION;
	if (text_is(method, "SSTP_DUPLEX_POST"))
		return is_sstp_path(target) ? 0 : STATUS_NOT_FOUND;
	return is_web_method(method) ? STATUS_NOT_FOUND : STATUS_METHOD_NOT_ALLOWED;
}

static struct text trim(struct text t)
{
	while (t.len && (t.p[0] == ' ' || t.p[0] == '\t')) {
		t.p++;
		t.len--;
	}
	while (t.len && (t.p[t.len - 1] == ' ' || t.p[t.len - 1] == '\t'))
		t.len--;
	return t;
}

/* The first of several fields of one name counts. */
static void keep(char *dst, size_t size, struct text value)
{
	size_t len = value.len < size ? value.len : size - 1;

	if (dst[0])
		return;
	memcpy(dst, value.p, len);
	dst[len] = '\0';
}

static int take_field(struct http_request *req, struct text line)
{
	struct text name;
	struct text value;

	if (!text_cut(&line, ':', &name) || !is_token(name))
		return -EBADMSG;
	value = trim(line);
	/* SSTP has no body; a proxy that believes in one would see other bytes than we do */
	if (text_is_nocase(name, "Transfer-Encoding"))
		return -EBADMSG;
	if (text_is_nocase(name, "Content-Length"))
		req->has_endless_length = text_is(value, ENDLESS_LENGTH);
	else if (text_is_nocase(name, "SSTPCORRELATIONID"))
		keep(req->correlation_id, sizeof(req->correlation_id), value);
	else if (text_is_nocase(name, "Host"))
		keep(req->host, sizeof(req->host), value);
	return 0;
}

struct request_walk {
	struct http_request req;
	int status; /* found in the request line, but told when the block is whole */
};

static int on_request_line(void *arg, unsigned n, struct text line)
{
	struct request_walk *walk = arg;

	if (n)
		return take_field(&walk->req, line);
	walk->status = judge_request_line(line);
	return walk->status == STATUS_BAD_REQUEST ? -EBADMSG : 0;
}

size_t http_skip_stray(struct http_request *req, const void *buf, size_t len)
{
	struct wire_reader r = wire_reader(buf, len);
	size_t n = 0;

	while (req->stray_left && wire_left(&r)) {
		uint8_t c = wire_u8(&r);

		if (c != '\r' && c != '\n') {
			req->stray_left = 0;
			break;
		}
		req->stray_left--;
		n++;
	}
	return n;
}

int http_parse_request(const void *buf, size_t len, struct http_request *ret_req, int *ret_status)
{
	struct request_walk walk = {.req.stray_left = HTTP_STRAY_MAX};
	struct wire_reader r = wire_reader(buf, len);
	int rc = walk_block(buf, len, on_request_line, &walk);

	if (rc == 0)
		return 0;
	if (rc < 0)
		walk.status = rc == -EMSGSIZE ? STATUS_TOO_LARGE : STATUS_BAD_REQUEST;
	if (walk.status) {
		*ret_status = walk.status;
		return -EBADMSG;
	}
	wire_bytes(&r, (size_t)rc);
	rc += (int)http_skip_stray(&walk.req, r.pos, wire_left(&r));
	*ret_req = walk.req;
	return rc;
}

/* 0 for what is no HTTP/1.1 status line. The reason may be missing, and the blank before it. */
static int read_status_line(struct text line)
{
	static const char version[] = "HTTP/1.1 ";
	struct wire_reader r = wire_reader(line.p, line.len);
	const uint8_t *v = wire_bytes(&r, strlen(version));
	int status = 0;

	for (int i = 0; i < 3; i++) {
		uint8_t digit = wire_u8(&r);

		if (digit < '0' || digit > '9')
			return 0;
		status = status * 10 + (digit - '0');
	}
	if (memcmp(v, version, strlen(version)) != 0)
		return 0;
	return !wire_left(&r) || wire_u8(&r) == ' ' ? status : 0;
}

static int on_reply_line(void *arg, unsigned n, struct text line)
{
	int *status = arg;

	if (n)
		return 0;
	*status = read_status_line(line);
	if (!*status)
		return -EBADMSG;
	return *status == STATUS_OK ? 0 : -EPROTO;
}

int http_parse_reply(const void *buf, size_t len, int *ret_status)
{
	int status = 0;
	int rc = walk_block(buf, len, on_reply_line, &status);

	if (rc == -EMSGSIZE)
		return -EBADMSG;
	if (rc > 0 || rc == -EPROTO)
		*ret_status = status;
	return rc;
}

static int whole(int written, size_t size)
{
	return written < 0 || (size_t)written >= size ? -ENOSPC : written;
}

/*
 * One known client keeps at most seven fields, another wants a length and no other than this one; a
 * third takes what one read gives it for the header, so this goes out in one write and nothing with
 * it.
 */
int http_write_ok(char *buf, size_t size, const char *date)
{
	return whole(snprintf(buf, size,
			      "HTTP/1.1 200 OK\r\n"
			      "Content-Length: " ENDLESS_LENGTH "\r\n"
			      "Server: Microsoft-HTTPAPI/2.0\r\n"
			      "Date: %s\r\n"
			      "\r\n",
			      date),
		     size);
}

static const char *reason(int status)
{
	switch (status) {
	case STATUS_BAD_REQUEST: return "Bad Request";
	case STATUS_NOT_FOUND: return "Not Found";
	case STATUS_METHOD_NOT_ALLOWED: return "Method Not Allowed";
	case STATUS_TIMEOUT: return "Request Timeout";
	case STATUS_TOO_LARGE: return "Request Header Fields Too Large";
	case STATUS_UNAVAILABLE: return "Service Unavailable";
	case STATUS_VERSION: return "HTTP Version Not Supported";
	default: return "Error";
	}
}

int http_write_error(char *buf, size_t size, int status)
{
	return whole(snprintf(buf, size,
			      "HTTP/1.1 %d %s\r\n"
			      "Content-Length: 0\r\n"
			      "Connection: close\r\n"
			      "\r\n",
			      status, reason(status)),
		     size);
}

int http_write_request(char *buf, size_t size, const char *host, const char *correlation_id)
{
	bool is_ipv6 = strchr(host, ':') != NULL;

	return whole(snprintf(buf, size,
			      "SSTP_DUPLEX_POST " SSTP_URI " HTTP/1.1\r\n"
			      "Content-Length: " ENDLESS_LENGTH "\r\n"
			      "Host: %s%s%s\r\n"
			      "SSTPCORRELATIONID: %s\r\n"
			      "\r\n",
			      is_ipv6 ? "[" : "", host, is_ipv6 ? "]" : "", correlation_id),
		     size);
}

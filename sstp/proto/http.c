/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/proto/http.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sstp/base/wire.h"
#include "sstp/proto/http_block.h"

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

/* A method that a browser or a scanner might use: it is answered as any web server would. */
static bool is_web_method(struct http_text method)
{
	static const char *const methods[] = {"GET",	 "HEAD",    "POST",  "PUT",  "DELETE",
					      "OPTIONS", "CONNECT", "TRACE", "PATCH"};

	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
		if (http_text_is(method, methods[i]))
			return true;
	}
	return false;
}

static bool is_sstp_path(struct http_text target)
{
	struct http_text path;

	if (!http_text_cut(&target, '?', &path))
		path = target;
	return http_text_is_nocase(path, SSTP_URI);
}

/* The status to answer a request line with; 0: it is SSTP's. */
static int judge_request_line(struct http_text line)
{
	struct http_text method, target;
	int status = http_split_request(line, &method, &target);

	if (status)
		return status;
	if (http_text_is(method, "SSTP_DUPLEX_POST"))
		return is_sstp_path(target) ? 0 : STATUS_NOT_FOUND;
	return is_web_method(method) ? STATUS_NOT_FOUND : STATUS_METHOD_NOT_ALLOWED;
}

/* The first of several fields of one name counts. */
static void keep(char *dst, size_t size, struct http_text value)
{
	size_t len = value.len < size ? value.len : size - 1;

	if (dst[0])
		return;
	memcpy(dst, value.p, len);
	dst[len] = '\0';
}

static int take_field(struct http_request *req, struct http_text line)
{
	struct http_text name;
	struct http_text value;

	if (http_split_field(line, &name, &value) < 0)
		return -EBADMSG;
	/* SSTP has no body; a proxy that believes in one would see other bytes than we do */
	if (http_text_is_nocase(name, "Transfer-Encoding"))
		return -EBADMSG;
	if (http_text_is_nocase(name, "Content-Length"))
		req->has_endless_length = http_text_is(value, ENDLESS_LENGTH);
	else if (http_text_is_nocase(name, "SSTPCORRELATIONID"))
		keep(req->correlation_id, sizeof(req->correlation_id), value);
	else if (http_text_is_nocase(name, "Host"))
		keep(req->host, sizeof(req->host), value);
	else if (http_text_is_nocase(name, "SSTPREPLACES"))
		keep(req->replaces, sizeof(req->replaces), value);
	return 0;
}

bool http_reads_packet_by_packet(const struct http_request *req)
{
	static const size_t longest[] = {8, 4, 4, 8};
	const size_t groups = sizeof(longest) / sizeof(longest[0]);
	const char *id = req->correlation_id;

	if (*id++ != '{')
		return false;
	for (size_t i = 0; i < groups; i++) {
		size_t n = strspn(id, "0123456789ABCDEFabcdef");

		if (n == 0 || n > longest[i] || id[n] != (i + 1 < groups ? '-' : '}'))
			return false;
		id += n + 1;
	}
	return !*id;
}

struct request_walk {
	struct http_request req;
	int status; /* found in the request line, but told when the block is whole */
};

static int on_request_line(void *arg, unsigned n, struct http_text line)
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
	int rc = http_walk_block(buf, len, on_request_line, &walk);

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
static int read_status_line(struct http_text line)
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

static int on_reply_line(void *arg, unsigned n, struct http_text line)
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
	int rc = http_walk_block(buf, len, on_reply_line, &status);

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

int http_write_request(char *buf, size_t size, const char *host, const char *correlation_id,
		       const char *replaces)
{
	bool is_ipv6 = strchr(host, ':') != NULL;

	return whole(snprintf(buf, size,
			      "SSTP_DUPLEX_POST " SSTP_URI " HTTP/1.1\r\n"
			      "Content-Length: " ENDLESS_LENGTH "\r\n"
			      "Host: %s%s%s\r\n"
			      "SSTPCORRELATIONID: %s\r\n"
			      "%s%s%s"
			      "\r\n",
			      is_ipv6 ? "[" : "", host, is_ipv6 ? "]" : "", correlation_id,
			      *replaces ? "SSTPREPLACES: " : "", replaces, *replaces ? "\r\n" : ""),
		     size);
}

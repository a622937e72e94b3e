/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_PROTO_HTTP_H
#define SSTP_PROTO_HTTP_H
/*
 * The HTTP preamble of an SSTP connection: MS-SSTP 3.2.4.1 and 3.3.5.1, one request header and one
 * reply header, then raw SSTP. Parsers without I/O: give them everything received so far.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SSTP_URI "/sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/"

enum {
	HTTP_HEADER_MAX = 4096, /* bytes of a header block, request or reply */
	HTTP_LINES_MAX = 64,
	HTTP_CORRELATION_MAX = 64,
	HTTP_HOST_MAX = 256,
};

struct http_request {
	/* as sent, cut to fit, NUL-terminated, untrusted: escape before logging */
	char correlation_id[HTTP_CORRELATION_MAX];
	char host[HTTP_HOST_MAX];
	bool has_endless_length; /* Content-Length was 18446744073709551615 */
};

/*
 * Parses a client's request header block.
 * Returns the bytes consumed, blank line included: what follows is SSTP. 0: need more (len is at most
 * HTTP_HEADER_MAX). Otherwise -EBADMSG, *ret_status then holds the HTTP status to answer with:
 * 400 malformed, 404 not SSTP's path, 405 other method, 431 too large, 505 version.
 */
int http_parse_request(const void *buf, size_t len, struct http_request *ret_req, int *ret_status);

/*
 * Parses a server's reply header block. Returns the bytes consumed; 0: need more; -EBADMSG: no HTTP/1.1
 * reply; -EPROTO: a reply other than 200 (*ret_status holds it).
 */
int http_parse_reply(const void *buf, size_t len, int *ret_status);

/* Writes the reply that every client accepts; date is an HTTP date (RFC 9110 5.6.7). Bytes, or -ENOSPC. */
int http_write_ok(char *buf, size_t size, const char *date);

/* Writes an error reply that closes the connection (Connection: close, no body). Bytes, or -ENOSPC. */
int http_write_error(char *buf, size_t size, int status);

/* Writes the client's request. host: the name dialled; correlation_id: a GUID in braces. Bytes, or -ENOSPC. */
int http_write_request(char *buf, size_t size, const char *host, const char *correlation_id);

#endif

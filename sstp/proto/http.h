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
	HTTP_REPLACES_MAX = 16,
	HTTP_STRAY_MAX = 4, /* bytes of CR and LF between a request's header block and SSTP */
};

struct http_request {
	/* as sent, cut to fit, NUL-terminated, untrusted: escape before logging */
	char correlation_id[HTTP_CORRELATION_MAX];
	char host[HTTP_HOST_MAX];
	/* our own field SSTPREPLACES: the address of the client's session that this one takes over from */
	char replaces[HTTP_REPLACES_MAX];
	bool has_endless_length; /* Content-Length was 18446744073709551615 */
	uint8_t stray_left;	 /* http_skip_stray()'s own */
};

/*
 * This client takes one SSTP packet at a time from its TLS, and asks for the next one when its socket has more: what
 * stands behind the first packet of a TLS record waits there for the record after it. It is told by its correlation ID,
 * a GUID in braces that lacks a group: "{8-4-4-8}" hex digits, or fewer, since zeros in front are left out, instead of
 * {8-4-4-4-12}. That is sstpc; nobody else is known to send it. Seen with sstpc 1.0.18; a later one with another ID, or that reads on, is not taken for it.
 */
bool http_reads_packet_by_packet(const struct http_request *req);

/*
 * Parses a client's request header block. Nothing but the path before a `?`, the method and the
 * version decide; unknown fields are skipped, and so is a Content-Length of any value. A
 * Transfer-Encoding is refused.
 *
 * Returns the bytes consumed, blank line included: what follows is SSTP. 0: need more. len may go
 * past HTTP_HEADER_MAX, but the block may not. Otherwise -EBADMSG, *ret_status then holds the HTTP
 * status to answer with: 400 malformed, 404 not SSTP's path or a method of the web, 405 other
 * method, 431 too large, 505 version.
 *
 * One known client sends an empty line or two behind the block. What is there of them already is
 * consumed with it; for the rest, see http_skip_stray().
 */
int http_parse_request(const void *buf, size_t len, struct http_request *ret_req, int *ret_status);

/*
 * How many bytes at buf are stray CR and LF that come before the first SSTP packet: to be skipped,
 * at most HTTP_STRAY_MAX in all. req is what http_parse_request() gave. Call it in front of
 * sstp_packet_len() while req->stray_left is not 0; the first other byte makes it 0.
 */
size_t http_skip_stray(struct http_request *req, const void *buf, size_t len);

/*
 * Parses a server's reply header block: HTTP/1.1 and 200, whatever its fields are. Returns the
 * bytes consumed; 0: need more; -EBADMSG: no HTTP/1.1 reply, or too large; -EPROTO: a reply other
 * than 200 (*ret_status holds it), as soon as its first line is there.
 */
int http_parse_reply(const void *buf, size_t len, int *ret_status);

/*
 * Writes the reply that every client accepts; date is an HTTP date (RFC 9110 5.6.7). Send it with
 * one write and nothing behind it. Bytes, or -ENOSPC.
 */
int http_write_ok(char *buf, size_t size, const char *date);

/* Writes an error reply: Connection: close, no body. Bytes, or -ENOSPC. */
int http_write_error(char *buf, size_t size, int status);

/*
 * Writes the client's request. host: the name or address dialled, without a port, an IPv6 address
 * without brackets; correlation_id: a GUID in braces; replaces: as in http_request, "" leaves the
 * field out; none from a peer. Bytes, or -ENOSPC.
 */
int http_write_request(char *buf, size_t size, const char *host, const char *correlation_id,
		       const char *replaces);

#endif

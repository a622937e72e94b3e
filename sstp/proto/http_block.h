/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_PROTO_HTTP_BLOCK_H
#define SSTP_PROTO_HTTP_BLOCK_H
/*
 * A header block of HTTP/1.1, whoever's it is: its limits, its lines, and what a request line is made of. Only http.c and
 * est.c include this.
 */
#include <stdbool.h>
#include <stddef.h>

/* A piece of the input, borrowed. */
struct http_text {
	const char *p;
	size_t len;
};

bool http_text_is(struct http_text t, const char *s);
bool http_text_is_nocase(struct http_text t, const char *s);

/* Cuts t at the first c: gives what stands before it, t keeps the rest. False without a c. */
bool http_text_cut(struct http_text *t, char c, struct http_text *ret_head);

/* Without blanks and tabs around it. */
struct http_text http_text_trim(struct http_text t);

/* RFC 9110 5.6.2 */
bool http_is_token(struct http_text t);

/* Takes the n-th line of a block. 0, or a negative errno that ends the walk. */
typedef int http_line_fn(void *arg, unsigned n, struct http_text line);

/*
 * Returns the bytes of a whole block, blank line included; 0: more to come; -EBADMSG: a byte that no header may hold, a line
 * that does not end with CR LF, nothing in front of the blank line; -EMSGSIZE: over HTTP_HEADER_MAX or HTTP_LINES_MAX; or
 * on_line's error. The lines that are whole are told again in each call.
 */
int http_walk_block(const void *buf, size_t len, http_line_fn *on_line, void *arg);

/* Splits a request line. 0, or the status to answer with: 400 malformed, 505 another version than HTTP/1.1. */
int http_split_request(struct http_text line, struct http_text *ret_method,
		       struct http_text *ret_target);

/* Splits a field into its name and its value, which is trimmed. 0, or -EBADMSG. */
int http_split_field(struct http_text line, struct http_text *ret_name,
		     struct http_text *ret_value);

#endif

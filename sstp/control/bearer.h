/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_BEARER_H
#define SSTP_CONTROL_BEARER_H
/*
 * Tokens that let an operator in (RFC 6750): a file has them, one per line, and a request's head shows
 * one. Only their digests are kept; all of them are compared, each in constant time.
 *
 * Limits: BEARER_TOKENS_MAX in a file; a token has BEARER_TOKEN_MIN to BEARER_TOKEN_MAX characters of
 * those that RFC 6750 2.1 allows. Shorter ones could be guessed.
 */
#include <stddef.h>

#include "certs/error.h"

enum {
	BEARER_TOKENS_MAX = 16,
	BEARER_TOKEN_MIN = 32,
	BEARER_TOKEN_MAX = 256,
};

struct bearer;

/*
 * Empty lines and lines with a '#' in front are none. 0 with an owned object; -errno with a sentence:
 * -ENOENT, -EACCES..., -EINVAL: no token in it, or one that is none, with its line.
 */
int bearer_load(const char *path, struct bearer **ret_bearer, struct certs_error *ret_error);
/* The same of a text. label: what errors call it. */
int bearer_parse(const char *text, const char *label, struct bearer **ret_bearer,
		 struct certs_error *ret_error);
/* Takes NULL. */
void bearer_free(struct bearer *b);

enum bearer_verdict {
	BEARER_NONE,  /* the head shows no token */
	BEARER_WRONG, /* or more than one, or another scheme */
	BEARER_RIGHT,
};

/*
 * head: the bytes of a request up to and with its empty line, whatever they are. b may be NULL: then
 * every token is wrong.
 */
enum bearer_verdict bearer_judge(const struct bearer *b, const char *head, size_t len);

/* The same of one header's value, as a parser of HTTP gave it; NULL: there is none. */
enum bearer_verdict bearer_judge_value(const struct bearer *b, const char *value);

/* The length of the head that buf begins with, its empty line included; 0: it is not complete. */
size_t bearer_head_len(const char *buf, size_t len);

#endif

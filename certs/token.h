/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_TOKEN_H
#define CERTS_TOKEN_H
/*
 * An enrolment token: what a worker needs to enrol, on one line that can be pasted into a shell or
 * a URL.
 *
 *   "sstp1." base64url(u8 length, host[:port]; 32 bytes SHA-256 of the anchor; 32 bytes secret;
 *                      u64 expiry, big-endian, seconds since 1970;
 *                      4 bytes of SHA-256 over "sstp1." and all of the above)
 *
 * One text stands for one token: decode and encode again gives the same text. The last four bytes
 * are against typing errors, not against forgers: a forged token has a secret that the gateway does
 * not know. The gateway keeps only the secret's hash.
 */
#include <stddef.h>
#include <stdint.h>

#include "certs/cert.h"
#include "certs/error.h"
#include "certs/hostname.h"

enum {
	TOKEN_SECRET_SIZE = 32, /* bytes */
	TOKEN_HASH_SIZE = 32,
	TOKEN_TEXT_MAX = 6 + 443 + 1, /* with NUL */
	TOKEN_SECRET_TEXT_MAX = 44,   /* with NUL */
};

struct token {
	char gateway[HOSTNAME_PORT_MAX]; /* hostname_split() takes it; at most 255 bytes */
	/*
	 * SHA-256 of what the gateway's certificate leads to: its own root, or an anchor
	 * (anchors.h)
	 */
	uint8_t root[CERT_FINGERPRINT_SIZE];
	uint8_t secret[TOKEN_SECRET_SIZE];
	int64_t expires; /* the last second at which it can be used, UTC; 0 or more */
};

/* Wipes the secret and the rest. Takes NULL. */
void token_wipe(struct token *t);

/* A random secret. 0, or -EIO. */
int token_secret_new(uint8_t ret_secret[TOKEN_SECRET_SIZE]);

/*
 * Writes the text, which is a secret, and a NUL. 0; -EINVAL when the gateway is no host[:port] or
 * expires is negative.
 */
int token_encode(const struct token *t, char ret_text[TOKEN_TEXT_MAX],
		 struct certs_error *ret_error);

/*
 * Reads a text, NUL-terminated or len bytes; blanks and newlines around it are skipped. Whether it
 * has expired is the caller's to ask. With a sentence: -EMSGSIZE; -EPROTONOSUPPORT, another
 * version; -EBADMSG, a typing error or no token.
 */
int token_decode(const char *text, size_t len, struct token *ret_token,
		 struct certs_error *ret_error);

/* What is stored of a secret. */
void token_hash(const uint8_t secret[TOKEN_SECRET_SIZE], uint8_t ret_hash[TOKEN_HASH_SIZE]);

/* The secret alone, as a worker shows it to the gateway: 43 characters of base64url. */
void token_secret_encode(const uint8_t secret[TOKEN_SECRET_SIZE],
			 char ret_text[TOKEN_SECRET_TEXT_MAX]);

#endif

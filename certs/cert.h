/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_CERT_H
#define CERTS_CERT_H
/*
 * The facts of an X.509 certificate, as the original prints them. An X509 that this folder returned
 * or took in may be read by several threads at a time.
 */
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/error.h"

enum {
	CERT_THUMBPRINT_MAX = 41,   /* 40 upper-case hex digits of SHA-1 over the DER, no blanks */
	CERT_FINGERPRINT_SIZE = 32, /* bytes: SHA-256 over the DER */
	CERT_FINGERPRINT_MAX = 65,  /* as 64 upper-case hex digits */
	/* "-" and 42 upper-case hex digits: more than the 20 bytes of RFC 5280 are refused */
	CERT_SERIAL_MAX = 43,
	/* "CN=shop, O=example"; longer ones are cut, what is not printable ASCII is '?' */
	CERT_SUBJECT_MAX = 512,
	CERT_KEY_TEXT_MAX = 32, /* "EC P-256", "RSA 2048" */
};

struct cert_facts {
	char thumbprint[CERT_THUMBPRINT_MAX];
	char fingerprint[CERT_FINGERPRINT_MAX];
	char serial[CERT_SERIAL_MAX];
	char subject[CERT_SUBJECT_MAX];
	char issuer[CERT_SUBJECT_MAX];
	char key[CERT_KEY_TEXT_MAX];
	/* seconds since 1970, UTC; the first second of the certificate's life */
	int64_t not_before;
	int64_t not_after; /* the last one */
	bool is_ca;	   /* basicConstraints CA:TRUE */
};

/*
 * Borrows cert. 0; -EBADMSG when a field cannot be read (serial too long, a time that is none),
 * -ENOMEM.
 */
int cert_facts(const X509 *cert, struct cert_facts *ret_facts, struct certs_error *ret_error);

/* Same errors, without a sentence. */
int cert_thumbprint(const X509 *cert, char ret_thumbprint[CERT_THUMBPRINT_MAX]);
int cert_fingerprint(const X509 *cert, uint8_t ret_fingerprint[CERT_FINGERPRINT_SIZE]);
int cert_lifetime(const X509 *cert, int64_t *ret_not_before, int64_t *ret_not_after);

/*
 * A thumbprint as people type and paste it: either case, with blanks, tabs or colons between the
 * digits, and with the invisible mark (U+200E) that Windows' certificate dialog puts in front.
 * Fills it as this folder prints it. -EINVAL when there are not exactly 40 digits, or something
 * else among them.
 */
int cert_thumbprint_parse(const char *text, char ret_thumbprint[CERT_THUMBPRINT_MAX]);

/* 64 hex digits, colons and blanks allowed as above. -EINVAL. */
int cert_fingerprint_parse(const char *text, uint8_t ret_fingerprint[CERT_FINGERPRINT_SIZE]);

/* 64 upper-case hex digits. Returns ret_text. */
const char *cert_fingerprint_text(const uint8_t fingerprint[CERT_FINGERPRINT_SIZE],
				  char ret_text[CERT_FINGERPRINT_MAX]);

#endif

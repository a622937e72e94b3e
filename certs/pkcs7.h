/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_PKCS7_H
#define CERTS_PKCS7_H
/*
 * Certificates in a PKCS#7 SignedData without content and signers ("certs-only", RFC 5652, RFC
 * 8933): the body of EST's /cacerts and of its replies to an enrolment (RFC 7030 4.1.3, 4.2.3).
 */
#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/error.h"

enum {
	PKCS7_CERTS_MAX = 32,
	PKCS7_DER_MAX = 256 * 1024,  /* bytes */
	PKCS7_TEXT_MAX = 384 * 1024, /* bytes of its base64 */
};

/* 1..PKCS7_CERTS_MAX certificates, borrowed. Returns owned DER (free). -EINVAL, -ENOMEM. */
int pkcs7_build(const struct stack_st_X509 *certs, uint8_t **ret_der, size_t *ret_len);

/*
 * The same as EST sends it: base64 in lines of 64 characters, each with a newline; NUL-terminated,
 * owned (free).
 */
int pkcs7_build_base64(const struct stack_st_X509 *certs, char **ret_text);

/*
 * Reads one, from a server that may be a stranger: certificates in the order they came, owned
 * (sk_X509_pop_free). Nothing is verified. With a sentence: -EMSGSIZE; -EBADMSG, no PKCS#7, bytes
 * behind it, another kind of it, signers or content in it, no certificate or more than
 * PKCS7_CERTS_MAX; -ENOMEM.
 */
int pkcs7_parse(const void *der, size_t len, struct stack_st_X509 **ret_certs,
		struct certs_error *ret_error);
int pkcs7_parse_base64(const char *text, size_t len, struct stack_st_X509 **ret_certs,
		       struct certs_error *ret_error);

#endif

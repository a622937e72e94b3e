/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_ENCODING_H
#define CERTS_ENCODING_H
/*
 * Certificates in and out: DER, PEM, and the original's certBlob (base64 of the DER on one line).
 * Sizes are checked before anything is parsed, and what is decoded is decoded whole: bytes behind
 * it are an error.
 */
#include <openssl/x509.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/error.h"

enum {
	ENCODING_DER_MAX = 16 * 1024,  /* bytes of a certificate */
	ENCODING_PEM_MAX = 256 * 1024, /* bytes of a PEM text, all its certificates and remarks */
	ENCODING_CHAIN_MAX = 32,       /* certificates in one PEM text */
};

/*
 * Each returns 0 with what is owned by the caller (X509_free, sk_X509_pop_free, free); -EMSGSIZE:
 * larger than the limits above; -EBADMSG: not what it should be, ret_error says what is wrong with
 * it; -ENOMEM.
 */
int encoding_from_der(const void *der, size_t len, X509 **ret_cert, struct certs_error *ret_error);
int encoding_to_der(const X509 *cert, uint8_t **ret_der, size_t *ret_len);

/* One line: no CR, no LF, no blank, as the original wants it. */
int encoding_from_blob(const char *blob, X509 **ret_cert, struct certs_error *ret_error);
int encoding_to_blob(const X509 *cert, char **ret_blob);

/*
 * PEM: len bytes, text between the blocks is skipped, as certificates come in files. from_pem wants
 * exactly one certificate, chain_from_pem 1..ENCODING_CHAIN_MAX, in the order of the text. A block
 * that is not a certificate is an error; a private key among them is named as such, and not read.
 */
int encoding_from_pem(const char *pem, size_t len, X509 **ret_cert, struct certs_error *ret_error);
int encoding_chain_from_pem(const char *pem, size_t len, struct stack_st_X509 **ret_chain,
			    struct certs_error *ret_error);
/* Returns a NUL-terminated text. */
int encoding_to_pem(const X509 *cert, char **ret_pem);
int encoding_chain_to_pem(const struct stack_st_X509 *chain, char **ret_pem);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_CSR_H
#define CERTS_CSR_H
/*
 * A certificate request (PKCS#10, RFC 2986). It comes from a stranger: nothing is taken from it but
 * the public key, and that only after the signature has shown that the stranger has the private
 * one. Subject, attributes and the extensions it asks for are never looked at.
 */
#include <openssl/evp.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/error.h"

enum {
	CSR_DER_MAX = 4096,  /* bytes; a request for RSA 4096 needs about 1,200 */
	CSR_TEXT_MAX = 8192, /* bytes of its PEM or base64 */
};

/*
 * Returns 0 with the public key (owned: EVP_PKEY_free). With a sentence:
 *   -EMSGSIZE      larger than the limits above; nothing was parsed
 *   -EBADMSG       not a request, or bytes behind it
 *   -EKEYREJECTED  a key that key_check() refuses, or a signature by another algorithm than ECDSA
 *                  or RSA (PKCS#1 v1.5) with SHA-256, SHA-384 or SHA-512
 *   -EPROTO        the signature is not by this key: no proof of possession
 *   -ENOMEM
 */
int csr_from_der(const void *der, size_t len, EVP_PKEY **ret_key, struct certs_error *ret_error);

/*
 * The body of an EST request (RFC 7030 4.2.1): base64 of the DER, line breaks allowed, no PEM
 * lines.
 */
int csr_from_base64(const char *text, size_t len, EVP_PKEY **ret_key,
		    struct certs_error *ret_error);

/* One PEM block, "CERTIFICATE REQUEST" or "NEW CERTIFICATE REQUEST". */
int csr_from_pem(const char *pem, size_t len, EVP_PKEY **ret_key, struct certs_error *ret_error);

/*
 * The other side: a request for key (it has the private part), subject CN=name, 1..64
 * bytes. Returns owned DER. -EINVAL, -ENOMEM, -EIO.
 */
int csr_new(EVP_PKEY *key, const char *name, uint8_t **ret_der, size_t *ret_len,
	    struct certs_error *ret_error);

#endif

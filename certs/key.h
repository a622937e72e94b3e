/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_KEY_H
#define CERTS_KEY_H
/*
 * Keys: which ones are good enough, making one, and its PEM (unencrypted PKCS#8), which is a
 * secret.
 */
#include <openssl/evp.h>
#include <stddef.h>

#include "certs/error.h"

enum {
	KEY_RSA_BITS_MIN = 2048,
	KEY_RSA_BITS_MAX = 4096,
	KEY_PEM_MAX = 16 * 1024, /* bytes */
};

/* A new P-256 key, owned. -ENOMEM, -EIO (no random numbers). */
int key_new(EVP_PKEY **ret_key, struct certs_error *ret_error);

/*
 * 0 when a certificate may be made for this public key: EC on P-256 or P-384 (by name, not by
 * parameters; the point is on the curve), or RSA of 2048 to 4096 bits with an odd modulus and an
 * odd public exponent of 65537 to 2^32. Else -EKEYREJECTED with a sentence. Costs little for any
 * key that fits into a request.
 */
int key_check(const EVP_PKEY *key, struct certs_error *ret_error);

/* "EC P-256", "RSA 2048", "Ed25519". Returns ret_text. */
const char *key_text(const EVP_PKEY *key, char *ret_text, size_t size);

/*
 * ret_pem is NUL-terminated, owned, and a secret: give it to key_pem_free(), which wipes it (NULL
 * is fine). from_pem: -EMSGSIZE, -EBADMSG (not PEM, more than one block, encrypted).
 */
int key_to_pem(const EVP_PKEY *key, char **ret_pem);
int key_from_pem(const char *pem, size_t len, EVP_PKEY **ret_key, struct certs_error *ret_error);
void key_pem_free(char *pem);

#endif

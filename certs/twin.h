/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_TWIN_H
#define CERTS_TWIN_H
/*
 * With (r, s) also (r, n - s) is a valid ECDSA signature of the same bytes, n being the order of
 * the curve's group. Whoever holds a certificate can so write a second one, with another
 * thumbprint, and every verifier takes it: a list of revoked thumbprints alone would not stop him.
 * RSA (PKCS#1, PSS) and EdDSA have no such twin.
 */
#include <openssl/x509.h>

#include "certs/cert.h"

/*
 * The twin of a certificate that a key on an elliptic curve signed. Returns 0 with an owned
 * certificate; -ENOENT: signed by another kind of key; -EBADMSG: the signature is none; -ENOMEM.
 */
int twin_of(const X509 *cert, const EVP_PKEY *issuer_key, X509 **ret_twin);

#endif

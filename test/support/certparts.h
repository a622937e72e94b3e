/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_SUPPORT_CERTPARTS_H
#define TEST_SUPPORT_CERTPARTS_H
/* What all makers of certificates for tests do. Every failure in here ends the test program. */
#include <openssl/x509.h>
#include <stdbool.h>

/* what: behind "cannot". */
void certparts_must(bool ok, const char *what);
/* 64 random bits. */
void certparts_set_serial(X509 *cert);
/* value as in openssl.cnf; NULL: nothing is added. */
void certparts_add_extension(X509 *cert, X509 *issuer, int nid, const char *value);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_BASE_VERIFY_H
#define SSTP_BASE_VERIFY_H
/* Judging a server's certificate beyond what OpenSSL does, and saying in words why it was refused. */
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * True when OpenSSL refused the leaf's purpose only because it knows serverAuth and not anyExtendedKeyUsage, which
 * MS-SSTP 3.2.4.1 allows as well.
 */
bool verify_is_any_purpose(X509_STORE_CTX *ctx);

/* Why ctx's present certificate is refused, with names and dates as printable ASCII, cut to fit. Returns ret_text. */
const char *verify_explain(X509_STORE_CTX *ctx, char *ret_text, size_t size);

#endif

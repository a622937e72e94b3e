/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_NET_TLS_ERROR_H
#define SSTP_NET_TLS_ERROR_H
/* How the files behind tls.h say what is wrong. Nothing else includes this. */
#include <openssl/bio.h>

#include "sstp/net/tls.h"

/* Formats into ret_error. Returns code. */
int tls_fail(char ret_error[TLS_ERROR_MAX], int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Returns -ENOMEM. */
int tls_fail_memory(char ret_error[TLS_ERROR_MAX]);

/* Opens the file, of which errors say that it is the `what`. Returns owned; NULL with ret_code and ret_error set. */
BIO *tls_open_file(const char *path, const char *what, int *ret_code,
		   char ret_error[TLS_ERROR_MAX]);

#endif

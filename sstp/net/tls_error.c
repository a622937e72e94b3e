/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/net/tls_error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int tls_fail(char ret_error[TLS_ERROR_MAX], int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(ret_error, TLS_ERROR_MAX, fmt, ap);
	va_end(ap);
	return code;
}

int tls_fail_memory(char ret_error[TLS_ERROR_MAX])
{
	return tls_fail(ret_error, -ENOMEM, "out of memory for TLS");
}

BIO *tls_open_file(const char *path, const char *what, int *ret_code, char ret_error[TLS_ERROR_MAX])
{
	FILE *f = fopen(path, "re");
	BIO *bio;

	if (!f) {
		int code = errno == ENOENT || errno == EACCES ? -errno : -EINVAL;

		*ret_code = tls_fail(ret_error, code, "%s: cannot read the %s: %s", path, what,
				     strerror(errno));
		return NULL;
	}
	bio = BIO_new_fp(f, BIO_CLOSE);
	if (!bio) {
		fclose(f);
		*ret_code = tls_fail_memory(ret_error);
	}
	return bio;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/error.h"

#include <stdarg.h>
#include <stdio.h>

static void make_printable(char *text)
{
	for (; *text; text++) {
		if (*text < 0x20 || *text > 0x7e)
			*text = '?';
	}
}

int certs_fail(struct certs_error *ret_error, int code, const char *fmt, ...)
{
	va_list args;

	if (!ret_error)
		return code;
	va_start(args, fmt);
	vsnprintf(ret_error->text, sizeof(ret_error->text), fmt, args);
	va_end(args);
	make_printable(ret_error->text);
	return code;
}

int certs_fail_in(struct certs_error *ret_error, int code, const char *prefix)
{
	struct certs_error inner;

	if (!ret_error)
		return code;
	inner = *ret_error;
	return certs_fail(ret_error, code, "%s: %s", prefix, inner.text);
}

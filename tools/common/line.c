/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/common/line.h"

void line_print(const struct line_writer *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(w->f, fmt, ap);
	va_end(ap);
	fputs(w->crlf ? "\r\n" : "\n", w->f);
	fflush(w->f);
}

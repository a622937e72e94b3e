/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_COMMON_LINE_H
#define TOOLS_COMMON_LINE_H
/* Lines of output that others read by program: they end with LF, or as the original's do with CR and LF. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

struct line_writer {
	FILE *f; /* borrowed */
	bool crlf;
};

/* Writes one line, at once. */
__attribute__((format(printf, 2, 3))) void line_print(const struct line_writer *w, const char *fmt,
						      ...);

#endif

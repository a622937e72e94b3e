/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_NAMERESOLVER_REPORT_H
#define TOOLS_NAMERESOLVER_REPORT_H
/*
 * What a lookup has found, in the original's lines: a reader of them takes what is between "Addresses:" and "Aliases:",
 * or the end. "Aliases:" is there when there are any.
 */
#include <stdio.h>

#include "tools/common/line.h"
#include "tools/common/lookup.h"

/* The answer, or why there is none. host: as asked. */
void report_print(const struct line_writer *out, const struct lookup *l, const char *host);

/* Which servers have not answered, and how long that took; nothing when all that were asked did. */
void report_print_trouble(FILE *f, const struct lookup *l);

/* All of it as one JSON object. */
void report_print_json(FILE *f, const struct lookup *l, const char *host);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_SSTPCTL_HELP_H
#define TOOLS_SSTPCTL_HELP_H
/* What --help prints, out of the tables. */
#include <stdio.h>

#include "tools/sstpctl/call.h"

/* Of one noun; NULL: of all. */
void help_usage(FILE *f, const struct verb_table *table, const char *noun);
void help_verb(FILE *f, const struct verb *verb);

#endif

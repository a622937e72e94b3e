/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_SSTPCTL_COMPLETE_H
#define TOOLS_SSTPCTL_COMPLETE_H
/*
 * What a shell offers behind a half-typed command line: completion.bash asks
 *
 *   sstpctl __complete WORD...
 *
 * with the words up to the cursor, the last one being the one that is typed ("" before its first
 * letter). What it can become comes out line by line; a line ":files" stands for names of files.
 */
#include <stdio.h>

#include "tools/sstpctl/call.h"

#define COMPLETE_COMMAND "__complete"

/* Prints the names that the gateway has for an argument called so ("PLAN"), one per line. */
typedef void complete_names(struct call *c, const char *name, size_t len, FILE *f);

/* Prints all that begins like the last word; names: NULL: none. */
void complete_print(FILE *f, const struct verb_table *table, int argc, char **argv,
		    complete_names *names);

/* The same with the gateway's names, to standard output. Returns the exit code. */
int complete_run(const struct verb_table *table, int argc, char **argv);

#endif

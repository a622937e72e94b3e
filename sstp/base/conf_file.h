/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_BASE_CONF_FILE_H
#define SSTP_BASE_CONF_FILE_H
/* Files that a configuration names, and texts that it prints. */
#include <stdbool.h>
#include <stdio.h>

enum {
	CONF_PROBLEM_MAX = 160
};

/*
 * `file` as seen from the folder of conf_path; an absolute one as it is. Returns owned, NULL
 * without memory.
 */
char *conf_file_resolve(const char *conf_path, const char *file);

/*
 * Whether path can be read and holds a PEM block whose label ends with `label` ("CERTIFICATE",
 * "PRIVATE KEY"). Returns NULL, or the problem as the end of a sentence ("cannot be read: ..."), in
 * buf. What the block says is for TLS to judge.
 */
const char *conf_file_pem_problem(const char *path, const char *label, char buf[CONF_PROBLEM_MAX]);

/* Every user of the machine may read it. False when it cannot be asked. */
bool conf_file_is_exposed(const char *path);

/* Prints text as a double-quoted YAML scalar that loads as the same bytes. */
void conf_print_text(FILE *f, const char *text);

#endif

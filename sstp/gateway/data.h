/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_GATEWAY_DATA_H
#define SSTP_GATEWAY_DATA_H
/*
 * The program as the data plane: the process that strangers talk to. It has no capability, and opens no file after its
 * start: what it needs comes from the parent over two links.
 */
#include <stdbool.h>

enum {
	DATA_LINK_NEWS,	     /* what happens, either way */
	DATA_LINK_QUESTIONS, /* parent_ask.h */
	DATA_LINKS,
};

/* What it is started with; ends with NULL. */
extern const char *const data_argv[];

/* True when argv asks for it; then runs as the data plane, and fills the exit code. */
bool data_main(int argc, char **argv, int *ret_code);

#endif

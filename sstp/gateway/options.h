/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_GATEWAY_OPTIONS_H
#define SSTP_GATEWAY_OPTIONS_H
/* The command line of sstp-gateway. */
#include <stdbool.h>

#include "sstp/base/conf.h"
#include "sstp/base/log.h"

enum {
	GATEWAY_EXIT_USAGE = 2
};

struct gateway_options {
	const char *config;  /* path, borrowed from argv */
	const char *restore; /* a backup to take the model from, and end; borrowed; NULL: none */
	bool check;	     /* verify everything, print what is in effect, and end */
	bool has_log_level;  /* log_level goes over the file's */
	enum log_level log_level;
};

/*
 * Returns 0: go on with *ret_options; 1: --help or --version was printed, end with exit code 0;
 * -EINVAL: a usage error, ret_error holds the sentence, end with GATEWAY_EXIT_USAGE.
 */
int gateway_options_parse(int argc, char **argv, struct gateway_options *ret_options,
			  struct conf_error *ret_error);

#endif

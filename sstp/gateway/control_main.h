/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_GATEWAY_CONTROL_MAIN_H
#define SSTP_GATEWAY_CONTROL_MAIN_H
/* The program as the control process (control/server.h): how the parent starts it, and where it begins. */
#include <stdbool.h>

#include "sstp/gateway/config.h"

enum {
	CONTROL_ARGC = 8,
	CONTROL_NUMBER_MAX = 12,
};

/* What it is started with. */
struct control_argv {
	const char *argv[CONTROL_ARGC + 1]; /* ends with NULL */
	char *state;
	char *socket;
	char *bird;
	char *path; /* of the configuration */
	char level[CONTROL_NUMBER_MAX];
	char target[CONTROL_NUMBER_MAX];
};

/* Copies what it needs. 0 or -ENOMEM; control_argv_done() follows in both cases. */
int control_argv_init(struct control_argv *a, const struct gateway_config *config,
		      enum log_level level);
void control_argv_done(struct control_argv *a);

/* True when argv asks for it; then runs as the control process, and fills the exit code. */
bool control_main(int argc, char **argv, int *ret_code);

#endif

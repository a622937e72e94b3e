/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_COMMAND_H
#define SSTP_WORKER_COMMAND_H
/* What sstp-worker does besides running an app: enrol, renew, profile show, profile update, status. */
#include <stdbool.h>
#include <stdint.h>

/* The first word is one of the commands. */
bool command_is_one(int argc, char *const *argv);

/*
 * Runs it and returns the exit status (enum worker_exit); what went wrong stands on standard error.
 * A token on the command line is wiped there. `now` in seconds since 1970, UTC.
 */
int command_run(int argc, char **argv, int64_t now);

#endif

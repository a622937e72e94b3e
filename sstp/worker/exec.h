/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_EXEC_H
#define SSTP_WORKER_EXEC_H
/*
 * sstp-worker exec NAME [--] COMMAND [ARG...]: COMMAND as the app of a worker that runs would see the world, in its
 * network namespace, with its resolv.conf and its variables; as the user who asks, and in the place of this process: its
 * signals, its terminal and its exit status are COMMAND's.
 */
#include <stdbool.h>

/* The first word is "exec". */
bool exec_is_meant(int argc, char *const *argv);

/* Does not return when COMMAND is executed; else the exit status (enum worker_exit), the reason on standard error. */
int exec_run(int argc, char **argv);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_GATEWAY_PARENT_H
#define SSTP_GATEWAY_PARENT_H
/*
 * The parent process: the only one of the gateway's three with privileges, and one that hears no stranger. It starts control
 * and data plane, starts each again when it dies, hands them what only it may open, and acts on the operator's signals.
 *
 *   SIGHUP            reload; live sessions are not touched
 *   SIGUSR1           log the counters
 *   SIGTERM, SIGINT   disconnect every client, then end
 */
#include "sstp/gateway/options.h"
#include "sstp/gateway/parent_set.h"

/* Takes set, whose certificates were not read yet. Returns the exit code; why it is not 0 is logged. */
int parent_run(const struct gateway_options *options, struct parent_set *set);

/* The log as the configuration says; the command line's level goes over the file's. */
void parent_open_log(const struct gateway_options *options, const struct gateway_config *config);

#endif

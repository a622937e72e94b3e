/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_HOOK_H
#define SSTP_WORKER_HOOK_H
/*
 * The operator's command that is told what happens: one shell at a time, in the order of the events, with what has
 * changed in its environment, and nothing to read at its standard input.
 *
 * Limits: HOOK_QUEUE_MAX events wait; what comes then is not told (a warning says so). A command that runs for longer
 * than HOOK_TIME_S is killed.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "sstp/net/loop.h"

enum {
	HOOK_QUEUE_MAX = 32,
	HOOK_TIME_S = 60,
};

struct hook_variable {
	const char *name;
	const char *value; /* NULL: "" */
};

struct hook;

/* The command for `sh -c`; borrowed. Returns owned; NULL with errno set. */
struct hook *hook_new(struct loop *loop, const char *command);

/* A command that runs goes on. Takes NULL. */
void hook_free(struct hook *h);

/* Tells it of an event; all is copied. SSTP_EVENT holds its name. Takes NULL. 0, -ENOBUFS, -ENOMEM. */
int hook_fire(struct hook *h, const char *event, const struct hook_variable *variables, size_t n);

/* Nothing runs and nothing waits. Takes NULL. */
bool hook_is_idle(const struct hook *h);

/* A child has ended; others than its own are none of its business. Takes NULL. */
void hook_on_child(struct hook *h, pid_t pid, int wait_status);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_PROCESS_H
#define SSTP_CONTROL_PROCESS_H
/*
 * The data plane's side of the control process: starts it, talks to it, and starts it again when it
 * dies. The child is a program of its own (posix_spawn, so also a process with threads may do it),
 * with the socket as descriptor PROCESS_FD and nothing else open but the standard three; it ends
 * when that socket closes, so it never outlives us.
 *
 * After a death it starts again PROCESS_BACKOFF_MIN later, twice as long each time up to
 * PROCESS_BACKOFF_MAX, and from the beginning once it has lived for PROCESS_STEADY.
 */
#include <stddef.h>
#include <stdint.h>

#include "sstp/base/clock.h"
#include "sstp/control/msg.h"
#include "sstp/net/loop.h"

enum {
	PROCESS_FD = 3
};

#define PROCESS_BACKOFF_MIN (100 * CLOCK_NS_PER_MS)
#define PROCESS_BACKOFF_MAX (5 * CLOCK_NS_PER_S)
#define PROCESS_STEADY	    (5 * CLOCK_NS_PER_S)

struct process;

struct process_params {
	const char *program;	 /* a path; borrowed for the process's life */
	const char *const *argv; /* ends with NULL; borrowed likewise */
	/* None of these may free the process. */
	void (*on_up)(void *arg); /* it runs; what it needs to know can be sent */
	void (*on_message)(void *arg, enum msg_kind kind, const uint8_t *payload, size_t len);
	/*
	 * It is gone, and with it what it was asked; or it could not be started again, which is tried
	 * once more PROCESS_BACKOFF_MAX later. why: a sentence, borrowed for the call.
	 */
	void (*on_down)(void *arg, const char *why);
	void *arg;
};

/* Starts it; on_up comes from within. Returns owned; NULL with errno. */
struct process *process_new(struct loop *loop, const struct process_params *params);

/* Ends it, and waits for that: it is killed after 2 s. Nothing is called any more. Takes NULL. */
void process_free(struct process *p);

/* Takes frame in every case. As channel_send(); -ENOTCONN while it does not run. */
int process_send(struct process *p, uint8_t *frame, size_t len);

/* Its id; 0 while it does not run. */
int process_id(const struct process *p);

#endif

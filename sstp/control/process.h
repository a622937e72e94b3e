/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_PROCESS_H
#define SSTP_CONTROL_PROCESS_H
/*
 * The parent's side of a child: starts it, talks to it, and starts it again when it dies. The child is a program of
 * its own (posix_spawn), with its links to us (msgsock) as descriptors PROCESS_FD and up, and nothing else open but the
 * standard three; it ends when the first of them closes, so it never outlives us.
 *
 * After a death it starts again PROCESS_BACKOFF_MIN later, twice as long each time up to
 * PROCESS_BACKOFF_MAX, and from the beginning once it has lived for PROCESS_STEADY.
 */
#include <stddef.h>
#include <stdint.h>

#include "sstp/base/clock.h"
#include "sstp/net/loop.h"
#include "sstp/net/msgsock.h"

enum {
	PROCESS_FD = 3,
	PROCESS_LINKS_MAX = 2,
};

#define PROCESS_BACKOFF_MIN (100 * CLOCK_NS_PER_MS)
#define PROCESS_BACKOFF_MAX CLOCK_NS_PER_S
#define PROCESS_STEADY	    (5 * CLOCK_NS_PER_S)

struct process;

struct process_params {
	const char *program;	 /* a path; borrowed for the process's life */
	const char *const *argv; /* ends with NULL; borrowed likewise */
	unsigned links;		 /* 1..PROCESS_LINKS_MAX */
	/* None of these may free the process. */
	void (*on_up)(void *arg); /* it runs; what it needs to know can be sent */
	/* Over a link, from 0. msg is borrowed for the call; fds too, but for what is taken out. */
	void (*on_message)(void *arg, unsigned link, const uint8_t *msg, size_t len,
			   struct msgsock_fds *fds);
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

/*
 * Borrows all. As msgsock_send(); -ENOTCONN while it does not run. One that does not read what it is told is not in
 * order: it is killed, and started again.
 */
int process_send(struct process *p, unsigned link, const void *msg, size_t len, const int *fds,
		 unsigned nfds);

/* Its id; 0 while it does not run. */
int process_id(const struct process *p);

/*
 * For the child, first of all: it dies with its parent, however that ends, leaves no core, and takes no signals that are
 * for the parent to act on.
 */
void process_begin(const char *name);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_RENEWAL_H
#define SSTP_WORKER_RENEWAL_H
/*
 * Keeps a running worker's certificate young: renews its profile when schedule.h says so, and notices
 * when somebody else has done it (`sstp-worker renew`, another worker with the same profile).
 *
 * The renewal itself is a process of its own, `sstp-worker renew`: it blocks, and neither HTTP nor
 * what comes of it has a place in the process that carries packets. At most one at a time.
 */
#include <stdint.h>
#include <sys/types.h>

#include "sstp/net/loop.h"
#include "sstp/worker/profile.h"

struct renewal;

struct renewal_params {
	const char *path;  /* of the profile; borrowed */
	int64_t not_after; /* of its certificate now */
	const char *thumbprint;
	int64_t (*wall)(void *arg); /* seconds since 1970, UTC */
	/* Starts the process. Its id, or -errno. */
	pid_t (*start)(void *arg, const char *path, const char *thumbprint);
	/* The profile has another certificate; p is borrowed for the call. */
	void (*on_renewed)(void *arg, const struct profile *p);
	void *arg;
};

/* Returns owned; NULL with errno set. */
struct renewal *renewal_new(struct loop *loop, const struct renewal_params *params);

/* A process goes on without it. Takes NULL. */
void renewal_free(struct renewal *r);

/* Renews now. Takes NULL. */
void renewal_ask(struct renewal *r);

/* A child has ended with this status of waitpid(); others than its own are none of its business. Takes NULL. */
void renewal_on_child(struct renewal *r, pid_t pid, int wait_status);

/* The process that works for real: this program as `renew`. For params.start. */
pid_t renewal_start_process(void *arg, const char *path, const char *thumbprint);

#endif

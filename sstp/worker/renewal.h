/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_RENEWAL_H
#define SSTP_WORKER_RENEWAL_H
/*
 * Keeps a running worker's certificate young: renews its profile when schedule.h says so, and
 * notices when somebody else has done it (`sstp-worker renew`, another worker with the same
 * profile).
 *
 * It renews by itself only while the tunnel is up. A gateway that refuses our certificate, or that
 * we refuse, renews it no more than it lets it in: with a profile that has expired or is another
 * gateway's, each start of a worker would end in a request that must fail. What to do then is said
 * once, not with each attempt.
 *
 * The renewal itself is a process of its own, `sstp-worker renew`: it blocks, and neither HTTP nor
 * what comes of it has a place in the process that carries packets. At most one at a time.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sstp/base/random.h"
#include "sstp/net/loop.h"
#include "sstp/worker/profile.h"

struct renewal;

struct renewal_params {
	const char *path;   /* of the profile; borrowed */
	int64_t not_before; /* of its certificate now */
	int64_t not_after;
	const char *thumbprint;
	const struct random_source *random; /* cuts waits; borrowed */
	int64_t (*wall)(void *arg);	    /* seconds since 1970, UTC */
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

/* The tunnel has come up, or gone down; it is down at first. Takes NULL. */
void renewal_set_up(struct renewal *r, bool is_up);

/* Renews now, whether it is up or not. Takes NULL. */
void renewal_ask(struct renewal *r);

/*
 * A child has ended with this status of waitpid(); others than its own are none of its business.
 * Takes NULL.
 */
void renewal_on_child(struct renewal *r, pid_t pid, int wait_status);

/* The process that works for real: this program as `renew`. For params.start. */
pid_t renewal_start_process(void *arg, const char *path, const char *thumbprint);

#endif

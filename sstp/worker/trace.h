/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_TRACE_H
#define SSTP_WORKER_TRACE_H
/*
 * The worker's part of a trace (vendor_trace.h): where the kernel of the app's namespace sends a destination, and what a
 * socket there says that tries it.
 *
 * What a gateway can do with it, and no more: it learns the route of an address (device, next hop), and has a single TCP
 * connection tried, which is reset when it is open, or one ICMP echo, that go into its own tunnel, where it could have sent
 * them itself. What goes anywhere else is not sent: the socket is bound to the tunnel's device. One at a time, TRACE_BURST
 * at once, one a second from then on; what is more is answered with VENDOR_OUTCOME_BUSY, and nothing else is done.
 */
#include "sstp/base/clock.h"
#include "sstp/ppp/vendor_trace.h"

enum {
	TRACE_BURST = 3,
	TRACE_PER_S = 1,
};

/* For an answer. A kernel that finds no neighbour says so after three seconds. */
#define TRACE_PATIENCE (3500 * CLOCK_NS_PER_MS)

struct loop;
struct trace;

struct trace_params {
	struct loop *loop;
	int netns_fd;	    /* of the app, borrowed; < 0: the present one */
	const char *device; /* the tunnel's; borrowed */
	/* What came of it; once for each trace_begin(), from within it or later. Its traffic and id are the caller's. */
	void (*on_done)(void *arg, const struct vendor_traced *traced);
	void *arg;
};

/* Returns owned; NULL with errno set. */
struct trace *trace_new(const struct trace_params *params);

/* What is under way is not answered. Takes NULL. */
void trace_free(struct trace *t);

/* Something is under way: the next one would be refused. */
bool trace_is_busy(const struct trace *t);

void trace_begin(struct trace *t, const struct vendor_trace *question);

#endif

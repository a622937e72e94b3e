/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_EXPLAIN_CAUSE_H
#define SSTP_CONTROL_EXPLAIN_CAUSE_H
/*
 * A packet in an app's name was forwarded and met with silence: what else to ask, all at once, and what the answers say
 * together. A packet that was answered is asked again in all sizes. Pure.
 *
 *	the same question is answered the second time               a packet was lost, and that is all
 *	the host answers the app otherwise                          its firewall drops the port: for the pool, when
 *	                                                            the gateway itself is answered, else for everybody
 *	other addresses of the pool are answered                    a firewall knows part of the pool
 *	somebody says that there is no host                         it is down
 *	the gateway itself is answered, and
 *	  a router answers the gateway, and not the app             no route for the pool leads back from there
 *	  the last router that answers the gateway answers the app  a firewall drops the pool
 *	  no router says anything                                   either of both
 *	nobody is answered                                          it is down, or its firewall drops everybody
 */
#include "sstp/control/explain_round.h"

enum {
	EXPLAIN_HOPS = 4,	/* behind the gateway, that are asked */
	EXPLAIN_OTHER_PORT = 1, /* which nobody serves: a host that is reached refuses it */
};

enum explain_cause {
	EXPLAIN_NO_CAUSE, /* the answers say nothing */
	EXPLAIN_ANSWERED_LATER,
	EXPLAIN_PORT_DROPPED,
	EXPLAIN_PORT_DROPPED_FOR_POOL,
	EXPLAIN_POOL_PARTLY_ALLOWED,
	EXPLAIN_HOST_DOWN,
	EXPLAIN_NO_WAY_BACK,
	EXPLAIN_POOL_DROPPED,
	EXPLAIN_POOL_OR_WAY,
	EXPLAIN_NOBODY_ANSWERED,
	EXPLAIN_MTU,
};

/* NULL: there is no such answer. All borrow from the probes. */
struct explain_reason {
	enum explain_cause cause;
	const struct explain_probe
		*gateway; /* the gateway itself: what it was answered, or its silence */
	const struct explain_probe *again; /* the same question, answered this time */
	const struct explain_probe *host;  /* what the host answered the app otherwise */
	const struct explain_probe *other; /* another address of the pool that was answered */
	const struct explain_probe *down;  /* who says that there is no host */
	const struct explain_probe *hop;   /* the last router that answers the app */
	const struct explain_probe
		*lost; /* the first one behind it that answers the gateway only */
	unsigned others, others_answered; /* addresses of the pool */
	unsigned passes,
		stuck; /* bytes: the most that is answered, the least above it that is not */
};

/* After silence, and after an answer. port as the question's, 0: an echo. Returns how many. */
size_t explain_ask_after_silence(uint16_t port,
				 struct explain_probe ret_probes[EXPLAIN_PROBES_MAX]);
size_t explain_ask_sizes(uint16_t port, struct explain_probe ret_probes[EXPLAIN_PROBES_MAX]);

/* What those of one of these say. */
struct explain_reason explain_find_cause(const struct explain_probe *probes, size_t n,
					 uint16_t port);
struct explain_reason explain_find_size(const struct explain_probe *probes, size_t n);

/* The host, or a router for it, says that it is not there. */
bool explain_is_down(const struct msg_probed *m);

#endif

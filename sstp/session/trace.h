/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_TRACE_H
#define SSTP_SESSION_TRACE_H
/*
 * One probe of a client's, as the packets of its thread show it (tap.h): where it was seen, and what became of it there.
 *
 * Pure. What is watched is one 5-tuple: a TCP connection's SYN, or an ICMP echo with its number; and what answers it, as
 * probe.h judges that. The source is not part of it on the way out, so that a wrong one is seen.
 */
#include "sstp/session/probe.h"
#include "sstp/session/tap.h"

struct trace_watch {
	struct probe probe; /* of an echo all of it; of TCP number is what the first SYN said */
	bool knows_number;
	uint32_t sent;			    /* packets out of the tunnel */
	uint32_t passed;		    /* of them, for the device */
	uint8_t source[PROBE_ADDRESS_SIZE]; /* of the last of them */
	unsigned why;	   /* enum drop_reason of the last that was dropped; DROP_REASONS: none */
	uint32_t answered; /* packets from the network that answer it */
	struct probe_answer answer;    /* the last */
	uint32_t delivered;	       /* of them, into the tunnel */
	unsigned back_why;	       /* of one that was dropped, as why */
	uint64_t sent_at, answered_at; /* the first one each; 0: none */
};

/* own, port, addresses and, for an echo, number are said in probe. */
void trace_watch_init(struct trace_watch *w, const struct probe *probe);

/* Any packet of the thread's. is_own: it is of the session that is watched. now: ns. */
void trace_watch_see(struct trace_watch *w, const struct tap_packet *p, bool is_own, uint64_t now);

#endif

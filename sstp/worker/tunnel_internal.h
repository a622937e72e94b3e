/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_TUNNEL_INTERNAL_H
#define SSTP_WORKER_TUNNEL_INTERNAL_H
/* What tunnel*.c share. Nothing else includes this. */
#include "sstp/session/port.h"
#include "sstp/worker/candidates.h"
#include "sstp/worker/resolve.h"
#include "sstp/worker/trace.h"
#include "sstp/worker/tunnel.h"

/*
 * A session and what it has. One leg carries the app's packets (tunnel.current); the other is free,
 * or being made to take over, or saying goodbye. What comes in on either goes to the app.
 */
struct leg {
	struct tunnel *tunnel;
	struct session *session;
	uint32_t address_be; /* 0: not up */
	uint8_t address6[LINK_ADDRESS6_SIZE];
	bool has_address6; /* with address_be */
};

struct tunnel {
	struct tunnel_params params;
	struct session_env env;
	struct resolve *resolve; /* dialling begins with it */
	struct candidates candidates;
	struct candidate gateway; /* that was dialled last */
	struct leg legs[2];
	struct leg *current;
	struct leg *next;  /* being made beside it; NULL: none */
	bool wants_next;   /* when current is up and the other leg is free; a dial fulfils it */
	bool reconnecting; /* current ends because we want it, and is dialled again at once */
	uint64_t sessions; /* dialled so far */
	struct loop_timer *drain; /* is there still something in the session that was replaced? */
	uint64_t drain_until;	  /* then it hangs up whatever there is */
	uint64_t drain_packets;	  /* that had come in through it at the last look */
	struct loop_timer *retry;
	struct loop_timer *give_up;
	struct port *port;
	struct trace *trace;	     /* NULL: the gateway has never asked for one */
	const struct leg *traced_by; /* which it answers; NULL: none waits */
	struct traffic traced_from;  /* of that leg's session, when it began */
	uint64_t retry_after;
	uint64_t up_since;	/* 0: not up */
	uint32_t former_be;	/* the address that it had last; 0: none yet */
	uint64_t restarts_from; /* then a gateway that wants it is dialled at once again */
	bool was_up;
	bool is_disabled; /* the gateway has said so, and no session was up since */
	bool stopping;
	bool ended;
	char last_reason[SESSION_REASON_MAX]; /* why there is no tunnel */
};

/* tunnel.c */

/* Dials to into a free leg. 0 or -errno. */
int tunnel_dial(struct leg *leg, const struct candidate *to);

/* tunnel_packets.c */

/* Of session_ops and port_ops; arg is a leg, or the tunnel. */
void tunnel_on_packet(void *arg, uint8_t *pkt, size_t len);
void tunnel_on_burst_end(void *arg);
void tunnel_on_device_packet(void *arg, const struct virtio_net_hdr *h, uint8_t *pkt, size_t len);

/* tunnel_trace.c */

/* Of session_ops; arg is a leg. */
void tunnel_on_trace(void *arg, const struct vendor_trace *question);

/* tunnel_replace.c */

/* What was asked for while it could not be done; it may still have to wait. */
void tunnel_replace_if_wanted(struct tunnel *t);
/* True when leg is not the one that carries packets, and what happened was dealt with. */
bool tunnel_replace_on_up(struct leg *leg, const struct link_address *address);
bool tunnel_replace_on_end(struct leg *leg, const char *reason);
/* Cuts the session that is being made, if there is one: the next dialling takes its credentials. */
void tunnel_replace_give_up(struct tunnel *t);
/* Of drain; arg is the tunnel. */
void tunnel_replace_on_drained(void *arg);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_MSG_PROBE_H
#define SSTP_CONTROL_MSG_PROBE_H
/*
 * One packet sent as a session would send it, and what came back: who asks why an app does not reach
 * something wants to know what the network itself says. As msg.h in all else.
 */
#include "routing/prefix.h"
#include "sstp/control/msg.h"

enum {
	MSG_DROP_MAX = 31,	     /* bytes of a drop reason's name */
	MSG_PROBE_SOURCES = 4,	     /* other addresses of the pool to ask from */
	MSG_PROBE_FULL = UINT16_MAX, /* as many bytes as the session's packets get */
};

/* control -> data. Its answer is one PROBED with the same id, within about two seconds. Several may be on their way. */
struct msg_probe {
	uint64_t id;
	uint64_t session;	   /* 0: any of the app */
	const char *app;	   /* "": session says it */
	const char *vnet;	   /* "": session says it */
	struct prefix destination; /* one address */
	uint16_t port;		   /* TCP; 0: an ICMP echo */
	uint16_t size; /* bytes, at most what the session's packets get; 0: no padding */
	uint8_t ttl;   /* hops; 0: enough. The gateway is the first one */
	uint8_t source; /* 0: the session's address; n: the n-th of MSG_PROBE_SOURCES others, spread over its pool */
};
/* -EMSGSIZE also for a destination that is more than an address, and a source that there is not. */
int msg_probe_encode(const struct msg_probe *m, uint8_t **ret_frame, size_t *ret_len);
/* -EBADMSG. */
int msg_probe_decode(const uint8_t *payload, size_t len, struct msg_probe *ret_probe);

enum msg_outcome {
	MSG_OUTCOME_ECHO,    /* the echo was answered */
	MSG_OUTCOME_OPEN,    /* SYN-ACK */
	MSG_OUTCOME_CLOSED,  /* RST */
	MSG_OUTCOME_ICMP,    /* from says by whom; type and code */
	MSG_OUTCOME_REFUSED, /* by the gateway itself: drop */
	MSG_OUTCOME_SILENCE, /* nothing in two seconds */
	MSG_OUTCOME_NO_SESSION, /* there is none that is up and carries this family; or no such source is free */
	MSG_OUTCOME_BUSY, /* too many probes at once */
	MSG_OUTCOME_COUNT,
};

/* data -> control. */
struct msg_probed {
	uint64_t id;
	uint8_t outcome;      /* enum msg_outcome */
	struct prefix source; /* the address that was asked from */
	struct prefix from;   /* who answered; 0.0.0.0/0: nobody */
	uint8_t type;	      /* of ICMP, of from's family */
	uint8_t code;
	const char *drop;	/* a drop reason's name; "": none */
	uint32_t round_trip_us; /* 0: no answer */
	uint16_t size;		/* of the question, bytes; 0: none was sent */
};
int msg_probed_encode(const struct msg_probed *m, uint8_t **ret_frame, size_t *ret_len);
/* -EBADMSG. */
int msg_probed_decode(const uint8_t *payload, size_t len, struct msg_probed *ret_probed);

#endif

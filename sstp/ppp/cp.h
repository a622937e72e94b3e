/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_PPP_CP_H
#define SSTP_PPP_CP_H
/*
 * A control protocol: what LCP and the NCPs do alike around the automaton of fsm.h. Packets of
 * codes 1 to 7, identifiers, the restart timer, and the counters that end every negotiation.
 *
 * A protocol is a const table of functions about single options (struct cp_ops); it never sees a
 * packet. Its struct begins with struct cp, so that those functions find it again.
 *
 * Limits: 10 Configure-Requests without an answer, 2 Terminate-Requests, 5 Naks before they become
 * Rejects, 10 rounds of Nak or Reject in each direction for the life of the link, one Code-Reject
 * per code.
 *
 * Where this is stricter than RFC 1661: a second answer to one Configure-Request is dropped; in
 * Opened, a Configure-Request equal to the last one acknowledged is acknowledged again without
 * going down; and once `settled` is set, anything that would renegotiate is CP_FAILED instead.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sstp/base/clock.h"
#include "sstp/base/outbox.h"
#include "sstp/ppp/frame.h"
#include "sstp/ppp/fsm.h"
#include "sstp/ppp/option.h"

#define CP_RESTART_NS (3 * CLOCK_NS_PER_S)

enum {
	CP_MAX_CONFIGURE = 10,
	CP_MAX_TERMINATE = 2,
	CP_MAX_FAILURE = 5,
	CP_MAX_ROUNDS = 10,
	CP_OPTIONS_MAX = 32, /* no set of options that we send or acknowledge is larger */
};

/* RFC 1661 section 5. */
enum cp_code {
	CP_CONF_REQUEST = 1,
	CP_CONF_ACK = 2,
	CP_CONF_NAK = 3,
	CP_CONF_REJECT = 4,
	CP_TERM_REQUEST = 5,
	CP_TERM_ACK = 6,
	CP_CODE_REJECT = 7,
};

/*
 * What a call asks of the owner: the automaton's FSM_TLU, FSM_TLD, FSM_TLS, FSM_TLF and FSM_SER,
 * and these.
 */
enum cp_result {
	CP_FAILED = 1 << 16,	  /* cp->reason says why; the owner closes the link */
	CP_PEER_CLOSED = 1 << 17, /* a Terminate-Request came (and was acknowledged) */
};

/* In ascending order of weight: the worst one decides about the packet. */
enum cp_verdict {
	CP_ACK,
	CP_NAK,
	CP_REJECT,
	CP_REFUSE, /* no agreement is possible; reason set */
};

struct cp;

struct cp_ops {
	uint16_t protocol;
	/* Writes the options of our next Configure-Request. */
	void (*write_request)(struct cp *cp, struct wire_writer *w);
	/*
	 * About one option of the peer's request; asked more than once, changes nothing but reason.
	 */
	enum cp_verdict (*judge)(struct cp *cp, const struct option *o);
	/* Writes what we would take in place of o. o->len is 0 when it was missing. */
	void (*write_nak)(struct cp *cp, const struct option *o, struct wire_writer *w);
	/* The option that must be in the peer's request; 0: none. */
	uint8_t (*required)(const struct cp *cp);
	/* The peer's request is good: back to the defaults, then each option in turn. */
	void (*forget)(struct cp *cp);
	void (*take)(struct cp *cp, const struct option *o);
	/* The peer wants another value, or none: 0, or -EPROTO when we cannot (reason set). */
	int (*on_nak)(struct cp *cp, const struct option *o);
	int (*on_reject)(struct cp *cp, const struct option *o);
};

struct cp {
	const struct cp_ops *ops;
	enum fsm_state state;
	uint64_t deadline;    /* the restart timer */
	const char *reason;   /* static; NULL: none */
	const char *farewell; /* text of our Terminate-Requests, borrowed; NULL: none */
	uint16_t peer_mru;    /* no packet of ours is larger */
	uint8_t restarts;     /* transmissions left */
	uint8_t naks;	      /* sent since our last Ack */
	uint8_t rounds_sent;  /* Naks and Rejects */
	uint8_t rounds_received;
	uint8_t last_id;
	uint8_t sent_id;	/* of our last Configure- or Terminate-Request */
	bool answered;		/* the peer answered it, or it needs no answer */
	bool asked_for_missing; /* the required option, by a Nak; it is done once */
	bool settled;		/* set by the owner: no renegotiation any more */
	uint8_t sent_len;
	uint8_t acked_len;
	uint8_t sent[CP_OPTIONS_MAX];  /* options of our last request */
	uint8_t acked[CP_OPTIONS_MAX]; /* options of the peer's that we acknowledged */
	uint8_t code_rejected[32];     /* a bit per code */
};

/* ops is borrowed for ever. */
void cp_init(struct cp *cp, const struct cp_ops *ops);

/* FSM_UP, FSM_DOWN, FSM_OPEN, FSM_CLOSE, FSM_RXJ_PLUS and FSM_RXJ_MINUS, from the owner. */
unsigned cp_event(struct cp *cp, uint64_t now, enum fsm_event event, struct outbox *out);

/* A packet of code 1 to 7; any other is answered with a Code-Reject. */
unsigned cp_input(struct cp *cp, uint64_t now, const struct ppp_packet *p, struct outbox *out);

unsigned cp_on_timer(struct cp *cp, uint64_t now, struct outbox *out);

uint8_t cp_next_id(struct cp *cp);

/* Sets the reason, unless there is one, and returns CP_FAILED. */
unsigned cp_fail(struct cp *cp, const char *reason);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_PPP_FSM_H
#define SSTP_PPP_FSM_H
/*
 * The option negotiation automaton (RFC 1661 section 4): states, events and actions; no more than
 * the table.
 */
#include <stdbool.h>

/* Section 4.2, numbered as there. */
enum fsm_state {
	FSM_INITIAL,
	FSM_STARTING,
	FSM_CLOSED,
	FSM_STOPPED,
	FSM_CLOSING,
	FSM_STOPPING,
	FSM_REQ_SENT,
	FSM_ACK_RCVD,
	FSM_ACK_SENT,
	FSM_OPENED,
	FSM_STATES,
};

/* Section 4.3. */
enum fsm_event {
	FSM_UP,	       /* the lower layer is up */
	FSM_DOWN,      /* the lower layer is down */
	FSM_OPEN,      /* administrative open */
	FSM_CLOSE,     /* administrative close */
	FSM_TO_PLUS,   /* timeout, counter > 0 */
	FSM_TO_MINUS,  /* timeout, counter expired */
	FSM_RCR_PLUS,  /* Configure-Request, good */
	FSM_RCR_MINUS, /* Configure-Request, bad */
	FSM_RCA,       /* Configure-Ack */
	FSM_RCN,       /* Configure-Nak or -Reject */
	FSM_RTR,       /* Terminate-Request */
	FSM_RTA,       /* Terminate-Ack */
	FSM_RUC,       /* unknown code */
	FSM_RXJ_PLUS,  /* Code- or Protocol-Reject that can be lived with */
	FSM_RXJ_MINUS, /* Code- or Protocol-Reject that cannot */
	FSM_RXR,       /* Echo-Request, -Reply, Discard-Request */
	FSM_EVENTS,
};

/* Section 4.4, as a set. */
enum fsm_action {
	FSM_TLU = 1 << 0,  /* this layer up */
	FSM_TLD = 1 << 1,  /* this layer down */
	FSM_TLS = 1 << 2,  /* this layer started */
	FSM_TLF = 1 << 3,  /* this layer finished */
	FSM_IRC = 1 << 4,  /* initialize restart count */
	FSM_ZRC = 1 << 5,  /* zero restart count */
	FSM_SCR = 1 << 6,  /* send Configure-Request */
	FSM_SCA = 1 << 7,  /* send Configure-Ack */
	FSM_SCN = 1 << 8,  /* send Configure-Nak or -Reject */
	FSM_STR = 1 << 9,  /* send Terminate-Request */
	FSM_STA = 1 << 10, /* send Terminate-Ack */
	FSM_SCJ = 1 << 11, /* send Code-Reject */
	FSM_SER = 1 << 12, /* send Echo-Reply */
};

/* Moves *state and returns the actions. An event that cannot happen in a state changes nothing. */
unsigned fsm_step(enum fsm_state *state, enum fsm_event event);

/* True in the states in which the restart timer runs (section 4.2). */
bool fsm_has_timer(enum fsm_state state);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_PPP_EAP_TABLE_H
#define SSTP_PPP_EAP_TABLE_H
/*
 * The two state machines of EAP (RFC 3748) as data, for eap.c and its test: (role, state, event) ->
 * (what to do, next state, why not).
 */
#include <stdbool.h>
#include <stdint.h>

enum eap_state {
	EAP_IDLE,      /* server: nothing sent yet; client: no method yet */
	EAP_IDENTITY,  /* server: asked for the identity */
	EAP_PROPOSED,  /* server: sent the first packet of a method */
	EAP_TALKING,   /* the method talks */
	EAP_LOOKUP,    /* server: the user directory was asked */
	EAP_LAST_WORD, /* server: refused; the method's last packet waits for its answer */
	EAP_PROVEN,    /* client: the method is done, the server has to say Success */
	EAP_STATES,
	EAP_OVER = EAP_STATES, /* as next state: the conversation is freed */
	EAP_SAME,	       /* as next state */
};

enum eap_event {
	EAP_EV_START,
	/* packets, told apart by what they are worth */
	EAP_EV_STALE,	       /* other identifier, other role's code, no type */
	EAP_EV_REPEATED,       /* client: the request that was answered last */
	EAP_EV_IDENTITY,       /* asked (client) or given (server) */
	EAP_EV_NOTIFICATION,   /* client */
	EAP_EV_NAK,	       /* server: the peer wants another method, an allowed one */
	EAP_EV_NAK_USELESS,    /* server: it wants none that is allowed, or another one again */
	EAP_EV_TYPE,	       /* of the method; client without one: of an allowed one */
	EAP_EV_OTHER_TYPE,     /* any other */
	EAP_EV_OTHER_AGAIN,    /* client: any other, after EAP_NAKS_MAX Naks */
	EAP_EV_SUCCESS,	       /* client; identifier of the last request */
	EAP_EV_FAILURE,	       /* the same */
	EAP_EV_FAILURE_ON_NAK, /* the same, as the answer to our Nak */
	/* what the method says */
	EAP_EV_MORE,	  /* to be sent */
	EAP_EV_ASK,	  /* server: who the user is; may he come in? */
	EAP_EV_DONE,	  /* the peer has proved itself; client: to be sent */
	EAP_EV_FAILED,	  /* a->reason says why */
	EAP_EV_LAST_WORD, /* the same, and the peer is to be told: to be sent */
	EAP_EV_NO_MEMORY,
	/* our own side */
	EAP_EV_USER, /* server: the directory's answer */
	EAP_EV_TIMEOUT,
	EAP_EV_TIMEOUT_LAST, /* after AUTH_MAX_TRIES transmissions */
	EAP_EVENTS,
};

enum eap_do {
	EAP_DO_NOTHING,
	EAP_DO_ASK_IDENTITY,
	EAP_DO_PROPOSE, /* begin the method; its first packet is sent, or the next event */
	EAP_DO_BEGIN,	/* client: begin the method asked for, then as EAP_DO_INPUT */
	EAP_DO_INPUT,	/* give the packet to the method: what it says is the next event */
	EAP_DO_USER,	/* the same with the directory's answer */
	EAP_DO_LOOKUP,
	EAP_DO_SEND,   /* what the method wrote */
	EAP_DO_RESEND, /* the last packet, byte for byte */
	EAP_DO_SAY_IDENTITY,
	EAP_DO_SAY_NOTED, /* the answer to a Notification */
	EAP_DO_SAY_NAK,
	EAP_DO_ACCEPT,	  /* server: Success */
	EAP_DO_REFUSE,	  /* server: Failure */
	EAP_DO_LAST_WORD, /* as EAP_DO_SEND; it is decided, but not over for a server */
	EAP_DO_GIVE_UP,	  /* nobody is refused; server: Failure all the same */
	EAP_DO_LEAVE,	  /* the same, and there is nobody to say it to */
};

struct eap_cell {
	uint8_t action;	 /* enum eap_do */
	uint8_t next;	 /* enum eap_state, EAP_OVER or EAP_SAME */
	const char *why; /* for the reason, when there is none yet; NULL: the method has said why */
};

/* Never NULL. */
const struct eap_cell *eap_cell(bool server, enum eap_state state, enum eap_event event);

#endif

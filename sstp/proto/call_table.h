/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_PROTO_CALL_TABLE_H
#define SSTP_PROTO_CALL_TABLE_H
/*
 * The state machine of a call as data, for call.c and its test: (role, state, event) -> (what to
 * note down, what to send, next state). What a state brings with it (its timer, what may pass,
 * PPP's lower layer up or down) follows from entering it and stands in call.c.
 */
#include "sstp/proto/call.h"

enum call_event {
	CALL_EV_START,
	/* messages, told apart by what they are worth */
	CALL_EV_REQUEST,
	CALL_EV_REQUEST_BAD,	   /* an attribute is not acceptable */
	CALL_EV_REQUEST_BAD_AGAIN, /* the same after CALL_REJECTS_MAX NAKs */
	CALL_EV_ACK,
	CALL_EV_ACK_NO_OFFER, /* Crypto Binding Request missing or of a wrong length */
	CALL_EV_ACK_NO_HASH,  /* offers no hash that we accept */
	CALL_EV_NAK,
	CALL_EV_NAK_AGAIN,	    /* after CALL_REJECTS_MAX others */
	CALL_EV_CONNECTED,	    /* and the binding holds */
	CALL_EV_CONNECTED_EARLY,    /* the authentication's result is not there yet */
	CALL_EV_CONNECTED_EARLY_2,  /* and one is parked already */
	CALL_EV_CONNECTED_BAD_FORM, /* Crypto Binding missing, of a wrong length, or not alone */
	CALL_EV_CONNECTED_FORGED,   /* hash, nonce, certificate or MAC is wrong */
	CALL_EV_ABORT,
	CALL_EV_DISCONNECT,
	CALL_EV_DISCONNECT_ACK,
	CALL_EV_ECHO_REQUEST,
	CALL_EV_ECHO_RESPONSE,
	CALL_EV_UNKNOWN,   /* a message type that nobody has defined */
	CALL_EV_MALFORMED, /* the attributes do not fill the packet */
	/* our own side */
	CALL_EV_AUTH_OK,
	CALL_EV_LOCAL_DISCONNECT,
	CALL_EV_LOCAL_ABORT,
	CALL_EV_TIMEOUT,      /* the state's timer: negotiation, abort or disconnect */
	CALL_EV_HELLO,	      /* the hello timer, after silence */
	CALL_EV_HELLO_MISSED, /* the hello timer again, and nothing in between */
	CALL_EV_LOST,
	CALL_EVENTS,
};

enum {
	CALL_REJECTS_MAX = 3
};

/* What to keep of an event before a message is sent. */
enum call_note {
	CALL_NOTE_NOTHING,
	CALL_NOTE_NONCE,  /* server: draw a new one */
	CALL_NOTE_OFFER,  /* client: the ACK's hashes and nonce */
	CALL_NOTE_REJECT, /* one NAK more */
	CALL_NOTE_PARKED, /* server: the CALL_CONNECTED, until the authentication's result */
	CALL_NOTE_HLAK,
	CALL_NOTE_ECHO, /* an answer is due within another hello interval */
};

enum {
	CALL_SAME = CALL_STATES /* as next state: it stays, and its timer runs on */
};

struct call_cell {
	uint8_t note;	   /* enum call_note */
	uint8_t send;	   /* enum sstp_message; 0: nothing */
	uint8_t next;	   /* enum call_state; CALL_SAME */
	uint8_t attribute; /* of the ABORT sent; 0: the caller of call_abort() says */
	uint8_t status;
};

/* Never NULL. */
const struct call_cell *call_cell(enum call_role role, enum call_state state,
				  enum call_event event);

#endif

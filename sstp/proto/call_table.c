/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two state machines of MS-SSTP, 3.3.1.1 (server) and 3.2.1.1 (client), with the four states of
 * 3.1.1.1 that both end in. The specification's Call_Abort_In_Progress and
 * Call_Disconnect_In_Progress states are passed within one step and so are not among the columns.
 *
 * Where the rows depart from the specification's text:
 *  - ECHO before the call is connected would be an abort. Some clients start their echo clock with
 *    the connection and some servers send echoes from the start, so it is answered as soon as PPP
 *    runs; a client that still waits for the ACK ignores it.
 *  - CALL_CONNECTED may overtake the authentication's result on its way through a RADIUS server:
 *    one is kept until the result is there.
 *  - The specification names no statuses for ACKs of no use; those that fit its definitions were
 *    chosen. An ACK or a CALL_CONNECTED whose attributes do not fill it counts as one without its
 *    binding attribute, (2,9); any other such message is an invalid frame, (2,7).
 *  - An unknown message type is an invalid frame as well.
 */
#include "sstp/proto/call_table.h"

/* clang-format off */

/*
 * The cells. GO changes the state alone, KEEP notes something down, SAY sends a message, END sends an
 * ABORT. IGN is the event ignored, CALM the peer's ABORT that answers ours.
 */
#define GO(state)                    { .next = CALL_##state }
#define KEEP(noted, state)           { .note = CALL_NOTE_##noted, .next = CALL_##state }
#define SAY(noted, message, state) \
	{ .note = CALL_NOTE_##noted, .send = SSTP_MSG_##message, .next = CALL_##state }
#define END(message, state, attr, why) \
	{ .send = SSTP_MSG_##message, .next = CALL_##state, .attribute = (attr), .status = (why) }

#define IGN      GO(SAME)
#define CLOSE    GO(DISCONNECTED)
#define WAIT     GO(CONNECT_REQUEST_PENDING)
#define OPEN     GO(CONNECTED)
#define CALM     GO(ABORT_TIMEOUT_PENDING)
#define OFFER    KEEP(OFFER, CONNECT_ACK_RECEIVED)
#define PARK     KEEP(PARKED, SAME)
#define HLAK     KEEP(HLAK, SAME)
#define REQ      SAY(NOTHING, CALL_CONNECT_REQUEST, CONNECT_REQUEST_SENT)
#define REREQ    SAY(REJECT, CALL_CONNECT_REQUEST, CONNECT_REQUEST_SENT)
#define ACK      SAY(NONCE, CALL_CONNECT_ACK, CONNECTED_PENDING)
#define NAK      SAY(REJECT, CALL_CONNECT_NAK, SAME)
#define BIND     SAY(HLAK, CALL_CONNECTED, CONNECTED)
#define ECHO     SAY(ECHO, ECHO_REQUEST, SAME)
#define REPLY    SAY(NOTHING, ECHO_RESPONSE, SAME)
#define DISC     SAY(NOTHING, CALL_DISCONNECT, DISCONNECT_ACK_PENDING)
#define DACK     SAY(NOTHING, CALL_DISCONNECT_ACK, DISCONNECT_TIMEOUT_PENDING)
#define AB(a, s) END(CALL_ABORT, ABORT_PENDING, (a), (s)) /* ours is first */
#define TOLD     END(CALL_ABORT, ABORT_PENDING, 0, 0)     /* with the caller's status */
#define ABACK    END(CALL_ABORT, ABORT_TIMEOUT_PENDING, 2, 5) /* the answer to the peer's */

/* Each role's table has the columns of its own states; the other role's can not be reached. */
#define SRV(event, start, requested, pending, up, abort1, abort2, disc1, disc2) \
	[CALL_EV_##event] = { \
		[CALL_DISCONNECTED] = start, \
		[CALL_CONNECT_REQUEST_PENDING] = requested, \
		[CALL_CONNECTED_PENDING] = pending, \
		[CALL_CONNECT_REQUEST_SENT] = IGN, \
		[CALL_CONNECT_ACK_RECEIVED] = IGN, \
		[CALL_CONNECTED] = up, \
		[CALL_ABORT_PENDING] = abort1, \
		[CALL_ABORT_TIMEOUT_PENDING] = abort2, \
		[CALL_DISCONNECT_ACK_PENDING] = disc1, \
		[CALL_DISCONNECT_TIMEOUT_PENDING] = disc2, \
	}

#define CLI(event, start, sent, acked, up, abort1, abort2, disc1, disc2) \
	[CALL_EV_##event] = { \
		[CALL_DISCONNECTED] = start, \
		[CALL_CONNECT_REQUEST_PENDING] = IGN, \
		[CALL_CONNECTED_PENDING] = IGN, \
		[CALL_CONNECT_REQUEST_SENT] = sent, \
		[CALL_CONNECT_ACK_RECEIVED] = acked, \
		[CALL_CONNECTED] = up, \
		[CALL_ABORT_PENDING] = abort1, \
		[CALL_ABORT_TIMEOUT_PENDING] = abort2, \
		[CALL_DISCONNECT_ACK_PENDING] = disc1, \
		[CALL_DISCONNECT_TIMEOUT_PENDING] = disc2, \
	}

static const struct call_cell server[CALL_EVENTS][CALL_STATES] = {
/*                      not    request  connected         abort  abort  disc.  disc.
 *                      begun  pending  pending  connected pend. t.out  ack    t.out  MS-SSTP */
SRV(START,              WAIT,  IGN,     IGN,     IGN,     IGN,   IGN,   IGN,   IGN), /* 3.3.1.1.1 */
SRV(REQUEST,            IGN,   ACK,     AB(2,5), AB(2,5), IGN,   IGN,   IGN,   IGN), /* 3.3.5.2.2 */
SRV(REQUEST_BAD,        IGN,   NAK,     AB(2,5), AB(2,5), IGN,   IGN,   IGN,   IGN), /* 3.3.5.2.2 */
SRV(REQUEST_BAD_AGAIN,  IGN,   AB(2,6), AB(2,5), AB(2,5), IGN,   IGN,   IGN,   IGN), /* 3.3.5.2.2 */
SRV(ACK,                IGN,   AB(2,5), AB(2,5), AB(2,5), IGN,   IGN,   IGN,   IGN), /* 3.1.5.1 */
SRV(ACK_NO_OFFER,       IGN,   AB(2,5), AB(2,5), AB(2,5), IGN,   IGN,   IGN,   IGN), /* 3.1.5.1 */
SRV(ACK_NO_HASH,        IGN,   AB(2,5), AB(2,5), AB(2,5), IGN,   IGN,   IGN,   IGN), /* 3.1.5.1 */
SRV(NAK,                IGN,   AB(2,5), AB(2,5), AB(2,5), IGN,   IGN,   IGN,   IGN), /* 3.1.5.1 */
SRV(NAK_AGAIN,          IGN,   AB(2,5), AB(2,5), AB(2,5), IGN,   IGN,   IGN,   IGN), /* 3.1.5.1 */
SRV(CONNECTED,          IGN,   AB(2,5), OPEN,    AB(2,5), IGN,   IGN,   IGN,   IGN), /* 3.3.5.2.3 */
SRV(CONNECTED_EARLY,    IGN,   AB(2,5), PARK,    AB(2,5), IGN,   IGN,   IGN,   IGN), /* 3.3.5.2.3 */
SRV(CONNECTED_EARLY_2,  IGN,   AB(2,5), AB(2,5), AB(2,5), IGN,   IGN,   IGN,   IGN), /* 3.3.5.2.3 */
SRV(CONNECTED_BAD_FORM, IGN,   AB(2,5), AB(2,9), AB(2,5), IGN,   IGN,   IGN,   IGN), /* 3.3.5.2.3 */
SRV(CONNECTED_FORGED,   IGN,   AB(2,5), AB(3,4), AB(2,5), IGN,   IGN,   IGN,   IGN), /* 3.3.5.2.3 */
SRV(ABORT,              IGN,   ABACK,   ABACK,   ABACK,   CALM,  IGN,   ABACK, IGN), /* 3.3.5.2.4 */
SRV(DISCONNECT,         IGN,   DACK,    DACK,    DACK,    IGN,   IGN,   DACK,  IGN), /* 3.3.5.2.5 */
SRV(DISCONNECT_ACK,     IGN,   AB(2,5), AB(2,5), AB(2,5), IGN,   IGN,   CLOSE, IGN), /* 3.3.5.2.6 */
SRV(ECHO_REQUEST,       IGN,   AB(2,5), REPLY,   REPLY,   IGN,   IGN,   IGN,   IGN), /* 3.3.5.2.7 */
SRV(ECHO_RESPONSE,      IGN,   AB(2,5), IGN,     IGN,     IGN,   IGN,   IGN,   IGN), /* 3.3.5.2.8 */
SRV(UNKNOWN,            IGN,   AB(2,7), AB(2,7), AB(2,7), IGN,   IGN,   IGN,   IGN), /* 3.1.5.1 */
SRV(MALFORMED,          IGN,   AB(2,7), AB(2,7), AB(2,7), IGN,   IGN,   IGN,   IGN), /* 3.1.5.1 */
SRV(AUTH_OK,            IGN,   IGN,     HLAK,    IGN,     IGN,   IGN,   IGN,   IGN), /* 3.3.5.2.3 */
SRV(LOCAL_DISCONNECT,   IGN,   DISC,    DISC,    DISC,    IGN,   IGN,   IGN,   IGN), /* 3.1.1.1 */
SRV(LOCAL_ABORT,        IGN,   TOLD,    TOLD,    TOLD,    IGN,   IGN,   IGN,   IGN), /* 3.1.1.1 */
SRV(TIMEOUT,            IGN,   AB(2,8), AB(2,8), IGN,     CLOSE, CLOSE, CLOSE, CLOSE), /* 3.3.2.1 */
SRV(HELLO,              IGN,   IGN,     IGN,     ECHO,    IGN,   IGN,   IGN,   IGN), /* 3.1.2.3 */
SRV(HELLO_MISSED,       IGN,   IGN,     IGN,     CLOSE,   IGN,   IGN,   IGN,   IGN), /* 3.1.2.3 */
SRV(LOST,               IGN,   CLOSE,   CLOSE,   CLOSE,   CLOSE, CLOSE, CLOSE, CLOSE), /* 3.1.5.1 */
};

static const struct call_cell client[CALL_EVENTS][CALL_STATES] = {
/*                      not    request  ack               abort  abort  disc.  disc.
 *                      begun  sent     received connected pend. t.out  ack    t.out  MS-SSTP */
CLI(START,              REQ,   IGN,     IGN,     IGN,     IGN,   IGN,   IGN,   IGN), /* 3.2.1.1.1 */
CLI(REQUEST,            IGN,   AB(2,5), AB(2,5), AB(2,5), IGN,   IGN,   IGN,   IGN), /* 3.1.5.1 */
CLI(REQUEST_BAD,        IGN,   AB(2,5), AB(2,5), AB(2,5), IGN,   IGN,   IGN,   IGN), /* 3.1.5.1 */
CLI(REQUEST_BAD_AGAIN,  IGN,   AB(2,5), AB(2,5), AB(2,5), IGN,   IGN,   IGN,   IGN), /* 3.1.5.1 */
CLI(ACK,                IGN,   OFFER,   AB(2,5), AB(2,5), IGN,   IGN,   IGN,   IGN), /* 3.2.5.3.2 */
CLI(ACK_NO_OFFER,       IGN,   AB(2,9), AB(2,5), AB(2,5), IGN,   IGN,   IGN,   IGN), /* 3.2.5.3.2 */
CLI(ACK_NO_HASH,        IGN,   AB(4,4), AB(2,5), AB(2,5), IGN,   IGN,   IGN,   IGN), /* 3.2.5.3.2 */
CLI(NAK,                IGN,   REREQ,   AB(2,5), AB(2,5), IGN,   IGN,   IGN,   IGN), /* 3.2.5.3.3 */
CLI(NAK_AGAIN,          IGN,   AB(2,6), AB(2,5), AB(2,5), IGN,   IGN,   IGN,   IGN), /* 3.2.5.3.3 */
CLI(CONNECTED,          IGN,   AB(2,5), AB(2,5), AB(2,5), IGN,   IGN,   IGN,   IGN), /* 3.1.5.1 */
CLI(CONNECTED_EARLY,    IGN,   AB(2,5), AB(2,5), AB(2,5), IGN,   IGN,   IGN,   IGN), /* 3.1.5.1 */
CLI(CONNECTED_EARLY_2,  IGN,   AB(2,5), AB(2,5), AB(2,5), IGN,   IGN,   IGN,   IGN), /* 3.1.5.1 */
CLI(CONNECTED_BAD_FORM, IGN,   AB(2,5), AB(2,5), AB(2,5), IGN,   IGN,   IGN,   IGN), /* 3.1.5.1 */
CLI(CONNECTED_FORGED,   IGN,   AB(2,5), AB(2,5), AB(2,5), IGN,   IGN,   IGN,   IGN), /* 3.1.5.1 */
CLI(ABORT,              IGN,   ABACK,   ABACK,   ABACK,   CALM,  IGN,   ABACK, IGN), /* 3.2.5.3.4 */
CLI(DISCONNECT,         IGN,   DACK,    DACK,    DACK,    IGN,   IGN,   DACK,  IGN), /* 3.2.5.3.5 */
CLI(DISCONNECT_ACK,     IGN,   AB(2,5), AB(2,5), AB(2,5), IGN,   IGN,   CLOSE, IGN), /* 3.2.5.3.6 */
CLI(ECHO_REQUEST,       IGN,   IGN,     REPLY,   REPLY,   IGN,   IGN,   IGN,   IGN), /* 3.2.5.3.7 */
CLI(ECHO_RESPONSE,      IGN,   IGN,     IGN,     IGN,     IGN,   IGN,   IGN,   IGN), /* 3.2.5.3.8 */
CLI(UNKNOWN,            IGN,   AB(2,7), AB(2,7), AB(2,7), IGN,   IGN,   IGN,   IGN), /* 3.1.5.1 */
CLI(MALFORMED,          IGN,   AB(2,7), AB(2,7), AB(2,7), IGN,   IGN,   IGN,   IGN), /* 3.1.5.1 */
CLI(AUTH_OK,            IGN,   IGN,     BIND,    IGN,     IGN,   IGN,   IGN,   IGN), /* 3.2.7.1 */
CLI(LOCAL_DISCONNECT,   IGN,   DISC,    DISC,    DISC,    IGN,   IGN,   IGN,   IGN), /* 3.1.1.1 */
CLI(LOCAL_ABORT,        IGN,   TOLD,    TOLD,    TOLD,    IGN,   IGN,   IGN,   IGN), /* 3.1.1.1 */
CLI(TIMEOUT,            IGN,   AB(2,8), AB(2,8), IGN,     CLOSE, CLOSE, CLOSE, CLOSE), /* 3.2.2.1 */
CLI(HELLO,              IGN,   IGN,     IGN,     ECHO,    IGN,   IGN,   IGN,   IGN), /* 3.1.2.3 */
CLI(HELLO_MISSED,       IGN,   IGN,     IGN,     CLOSE,   IGN,   IGN,   IGN,   IGN), /* 3.1.2.3 */
CLI(LOST,               IGN,   CLOSE,   CLOSE,   CLOSE,   CLOSE, CLOSE, CLOSE, CLOSE), /* 3.1.5.1 */
};

/* clang-format on */

const struct call_cell *call_cell(enum call_role role, enum call_state state, enum call_event event)
{
	return role == CALL_SERVER ? &server[event][state] : &client[event][state];
}

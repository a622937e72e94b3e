/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two state machines of MS-SSTP, 3.3.1.1 (server) and 3.2.1.1 (client), with the four states of 3.1.1.1 that both
 * end in. The specification's Call_Abort_In_Progress and Call_Disconnect_In_Progress states are passed within one step
 * and so are not among the columns.
 *
 * Where the rows depart from the specification's text:
 *  - ECHO before the call is connected would be an abort. Some clients start their echo clock with the connection and
 *    some servers send echoes from the start, so it is answered as soon as PPP runs; a client that still waits for the
 *    ACK ignores it.
 *  - CALL_CONNECTED may overtake the authentication's result on its way through a RADIUS server: one is kept until the
 *    result is there.
 *  - The specification names no statuses for ACKs of no use; those that fit its definitions were chosen.
 */
#include "sstp/proto/call_table.h"

/* clang-format off */

/* The cells. */
#define GO(state)                    { .next = CALL_##state }
#define KEEP(noted, state)           { .note = CALL_NOTE_##noted, .next = CALL_##state }
#define SAY(noted, message, state) \
	{ .note = CALL_NOTE_##noted, .send = SSTP_MSG_##message, .next = CALL_##state }
#define END(message, state, attr, why) \
	{ .send = SSTP_MSG_##message, .next = CALL_##state, .attribute = (attr), .status = (why) }

#define IGN      GO(SAME)
#define CLOSE    GO(DISCONNECTED)
#define AWAIT    GO(CONNECT_REQUEST_PENDING)
#define OPEN     GO(CONNECTED)
#define SETTLE   GO(ABORT_TIMEOUT_PENDING)
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
#define AB(a, s) END(CALL_ABORT, ABORT_PENDING, (a), (s)) /* ABORT(attribute, status), ours is first */
#define TOLD     END(CALL_ABORT, ABORT_PENDING, 0, 0)     /* with the caller's status */
#define REABORT  END(CALL_ABORT, ABORT_TIMEOUT_PENDING, 2, 5) /* the answer to the peer's */

/* Each role's table has the columns of its own states; the other role's can not be reached. */
#define SERVER(event, start, requested, pending, up, abort1, abort2, disc1, disc2) \
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

#define CLIENT(event, start, sent, acked, up, abort1, abort2, disc1, disc2) \
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
/*                          not    request  connected         abort   abort  disc.    disc.
 *                          begun  pending  pending  connected pending timeout ack     timeout MS-SSTP */
SERVER(START,               AWAIT, IGN,     IGN,     IGN,     IGN,    IGN,   IGN,     IGN), /* 3.3.1.1.1 */
SERVER(REQUEST,             IGN,   ACK,     AB(2,5), AB(2,5), IGN,    IGN,   IGN,     IGN), /* 3.3.5.2.2 */
SERVER(REQUEST_BAD,         IGN,   NAK,     AB(2,5), AB(2,5), IGN,    IGN,   IGN,     IGN), /* 3.3.5.2.2 */
SERVER(REQUEST_BAD_AGAIN,   IGN,   AB(2,6), AB(2,5), AB(2,5), IGN,    IGN,   IGN,     IGN), /* 3.3.5.2.2 */
SERVER(ACK,                 IGN,   AB(2,5), AB(2,5), AB(2,5), IGN,    IGN,   IGN,     IGN), /* 3.1.5.1 */
SERVER(ACK_NO_OFFER,        IGN,   AB(2,5), AB(2,5), AB(2,5), IGN,    IGN,   IGN,     IGN), /* 3.1.5.1 */
SERVER(ACK_NO_HASH,         IGN,   AB(2,5), AB(2,5), AB(2,5), IGN,    IGN,   IGN,     IGN), /* 3.1.5.1 */
SERVER(NAK,                 IGN,   AB(2,5), AB(2,5), AB(2,5), IGN,    IGN,   IGN,     IGN), /* 3.1.5.1 */
SERVER(NAK_AGAIN,           IGN,   AB(2,5), AB(2,5), AB(2,5), IGN,    IGN,   IGN,     IGN), /* 3.1.5.1 */
SERVER(CONNECTED,           IGN,   AB(2,5), OPEN,    AB(2,5), IGN,    IGN,   IGN,     IGN), /* 3.3.5.2.3 */
SERVER(CONNECTED_EARLY,     IGN,   AB(2,5), PARK,    AB(2,5), IGN,    IGN,   IGN,     IGN), /* 3.3.5.2.3 */
SERVER(CONNECTED_EARLY_TWO, IGN,   AB(2,5), AB(2,5), AB(2,5), IGN,    IGN,   IGN,     IGN), /* 3.3.5.2.3 */
SERVER(CONNECTED_MISSHAPEN, IGN,   AB(2,5), AB(2,9), AB(2,5), IGN,    IGN,   IGN,     IGN), /* 3.3.5.2.3 */
SERVER(CONNECTED_FORGED,    IGN,   AB(2,5), AB(3,4), AB(2,5), IGN,    IGN,   IGN,     IGN), /* 3.3.5.2.3 */
SERVER(ABORT,               IGN,   REABORT, REABORT, REABORT, SETTLE, IGN,   REABORT, IGN), /* 3.3.5.2.4 */
SERVER(DISCONNECT,          IGN,   DACK,    DACK,    DACK,    IGN,    IGN,   DACK,    IGN), /* 3.3.5.2.5 */
SERVER(DISCONNECT_ACK,      IGN,   AB(2,5), AB(2,5), AB(2,5), IGN,    IGN,   CLOSE,   IGN), /* 3.3.5.2.6 */
SERVER(ECHO_REQUEST,        IGN,   AB(2,5), REPLY,   REPLY,   IGN,    IGN,   IGN,     IGN), /* 3.3.5.2.7 */
SERVER(ECHO_RESPONSE,       IGN,   AB(2,5), IGN,     IGN,     IGN,    IGN,   IGN,     IGN), /* 3.3.5.2.8 */
SERVER(UNKNOWN,             IGN,   AB(2,7), AB(2,7), AB(2,7), IGN,    IGN,   IGN,     IGN), /* 3.1.5.1 */
SERVER(MALFORMED,           IGN,   AB(2,7), AB(2,7), AB(2,7), IGN,    IGN,   IGN,     IGN), /* 3.1.5.1 */
SERVER(AUTH_OK,             IGN,   IGN,     HLAK,    IGN,     IGN,    IGN,   IGN,     IGN), /* 3.3.5.2.3 */
SERVER(LOCAL_DISCONNECT,    IGN,   DISC,    DISC,    DISC,    IGN,    IGN,   IGN,     IGN), /* 3.1.1.1 */
SERVER(LOCAL_ABORT,         IGN,   TOLD,    TOLD,    TOLD,    IGN,    IGN,   IGN,     IGN), /* 3.1.1.1 */
SERVER(TIMEOUT,             IGN,   AB(2,8), AB(2,8), IGN,     CLOSE,  CLOSE, CLOSE,   CLOSE), /* 3.3.2.1, 3.1.2 */
SERVER(HELLO,               IGN,   IGN,     IGN,     ECHO,    IGN,    IGN,   IGN,     IGN), /* 3.1.2.3 */
SERVER(HELLO_MISSED,        IGN,   IGN,     IGN,     CLOSE,   IGN,    IGN,   IGN,     IGN), /* 3.1.2.3 */
SERVER(LOST,                IGN,   CLOSE,   CLOSE,   CLOSE,   CLOSE,  CLOSE, CLOSE,   CLOSE), /* 3.1.5.1 */
};

static const struct call_cell client[CALL_EVENTS][CALL_STATES] = {
/*                          not    request  ack               abort   abort  disc.    disc.
 *                          begun  sent     received connected pending timeout ack     timeout MS-SSTP */
CLIENT(START,               REQ,   IGN,     IGN,     IGN,     IGN,    IGN,   IGN,     IGN), /* 3.2.1.1.1 */
CLIENT(REQUEST,             IGN,   AB(2,5), AB(2,5), AB(2,5), IGN,    IGN,   IGN,     IGN), /* 3.1.5.1 */
CLIENT(REQUEST_BAD,         IGN,   AB(2,5), AB(2,5), AB(2,5), IGN,    IGN,   IGN,     IGN), /* 3.1.5.1 */
CLIENT(REQUEST_BAD_AGAIN,   IGN,   AB(2,5), AB(2,5), AB(2,5), IGN,    IGN,   IGN,     IGN), /* 3.1.5.1 */
CLIENT(ACK,                 IGN,   OFFER,   AB(2,5), AB(2,5), IGN,    IGN,   IGN,     IGN), /* 3.2.5.3.2 */
CLIENT(ACK_NO_OFFER,        IGN,   AB(2,9), AB(2,5), AB(2,5), IGN,    IGN,   IGN,     IGN), /* 3.2.5.3.2 */
CLIENT(ACK_NO_HASH,         IGN,   AB(4,4), AB(2,5), AB(2,5), IGN,    IGN,   IGN,     IGN), /* 3.2.5.3.2 */
CLIENT(NAK,                 IGN,   REREQ,   AB(2,5), AB(2,5), IGN,    IGN,   IGN,     IGN), /* 3.2.5.3.3 */
CLIENT(NAK_AGAIN,           IGN,   AB(2,6), AB(2,5), AB(2,5), IGN,    IGN,   IGN,     IGN), /* 3.2.5.3.3 */
CLIENT(CONNECTED,           IGN,   AB(2,5), AB(2,5), AB(2,5), IGN,    IGN,   IGN,     IGN), /* 3.1.5.1 */
CLIENT(CONNECTED_EARLY,     IGN,   AB(2,5), AB(2,5), AB(2,5), IGN,    IGN,   IGN,     IGN), /* 3.1.5.1 */
CLIENT(CONNECTED_EARLY_TWO, IGN,   AB(2,5), AB(2,5), AB(2,5), IGN,    IGN,   IGN,     IGN), /* 3.1.5.1 */
CLIENT(CONNECTED_MISSHAPEN, IGN,   AB(2,5), AB(2,5), AB(2,5), IGN,    IGN,   IGN,     IGN), /* 3.1.5.1 */
CLIENT(CONNECTED_FORGED,    IGN,   AB(2,5), AB(2,5), AB(2,5), IGN,    IGN,   IGN,     IGN), /* 3.1.5.1 */
CLIENT(ABORT,               IGN,   REABORT, REABORT, REABORT, SETTLE, IGN,   REABORT, IGN), /* 3.2.5.3.4 */
CLIENT(DISCONNECT,          IGN,   DACK,    DACK,    DACK,    IGN,    IGN,   DACK,    IGN), /* 3.2.5.3.5 */
CLIENT(DISCONNECT_ACK,      IGN,   AB(2,5), AB(2,5), AB(2,5), IGN,    IGN,   CLOSE,   IGN), /* 3.2.5.3.6 */
CLIENT(ECHO_REQUEST,        IGN,   IGN,     REPLY,   REPLY,   IGN,    IGN,   IGN,     IGN), /* 3.2.5.3.7 */
CLIENT(ECHO_RESPONSE,       IGN,   IGN,     IGN,     IGN,     IGN,    IGN,   IGN,     IGN), /* 3.2.5.3.8 */
CLIENT(UNKNOWN,             IGN,   AB(2,7), AB(2,7), AB(2,7), IGN,    IGN,   IGN,     IGN), /* 3.1.5.1 */
CLIENT(MALFORMED,           IGN,   AB(2,7), AB(2,7), AB(2,7), IGN,    IGN,   IGN,     IGN), /* 3.1.5.1 */
CLIENT(AUTH_OK,             IGN,   IGN,     BIND,    IGN,     IGN,    IGN,   IGN,     IGN), /* 3.2.7.1 */
CLIENT(LOCAL_DISCONNECT,    IGN,   DISC,    DISC,    DISC,    IGN,    IGN,   IGN,     IGN), /* 3.1.1.1 */
CLIENT(LOCAL_ABORT,         IGN,   TOLD,    TOLD,    TOLD,    IGN,    IGN,   IGN,     IGN), /* 3.1.1.1 */
CLIENT(TIMEOUT,             IGN,   AB(2,8), AB(2,8), IGN,     CLOSE,  CLOSE, CLOSE,   CLOSE), /* 3.2.2.1, 3.1.2 */
CLIENT(HELLO,               IGN,   IGN,     IGN,     ECHO,    IGN,    IGN,   IGN,     IGN), /* 3.1.2.3 */
CLIENT(HELLO_MISSED,        IGN,   IGN,     IGN,     CLOSE,   IGN,    IGN,   IGN,     IGN), /* 3.1.2.3 */
CLIENT(LOST,                IGN,   CLOSE,   CLOSE,   CLOSE,   CLOSE,  CLOSE, CLOSE,   CLOSE), /* 3.1.5.1 */
};

/* clang-format on */

const struct call_cell *call_cell(enum call_role role, enum call_state state, enum call_event event)
{
	return role == CALL_SERVER ? &server[event][state] : &client[event][state];
}

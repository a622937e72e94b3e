/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_PROTO_CALL_H
#define SSTP_PROTO_CALL_H
/*
 * One SSTP call, either role: MS-SSTP 3.1, 3.2 (client), 3.3 (server). No I/O, no clock, no log.
 *
 * Facts go in through call_start(), call_on_*() and the two local requests; each returns the set of
 * call_do bits that the session must carry out, in the order of the enum, and appends the control
 * packets to send (whole SSTP packets) to the outbox. The state machine itself is the const table
 * in call_table.c; this file turns packets into its events.
 *
 * Timers: call_deadline() says when call_on_timer() wants to be called next.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sstp/base/clock.h"
#include "sstp/base/outbox.h"
#include "sstp/base/random.h"
#include "sstp/proto/binding.h"
#include "sstp/proto/packet.h"

enum call_role {
	CALL_SERVER,
	CALL_CLIENT,
};

enum call_state {
	CALL_DISCONNECTED,	      /* before call_start(), and at the end */
	CALL_CONNECT_REQUEST_PENDING, /* server: waits for CALL_CONNECT_REQUEST */
	CALL_CONNECTED_PENDING,	      /* server: PPP authenticates, waits for CALL_CONNECTED */
	CALL_CONNECT_REQUEST_SENT,    /* client: waits for ACK or NAK */
	CALL_CONNECT_ACK_RECEIVED,    /* client: PPP authenticates */
	CALL_CONNECTED,		      /* both: binding done */
	CALL_ABORT_PENDING,
	CALL_ABORT_TIMEOUT_PENDING,
	CALL_DISCONNECT_ACK_PENDING,
	CALL_DISCONNECT_TIMEOUT_PENDING,
	CALL_STATES,
};

/* What the session must do, in this order, after it has sent what is in the outbox. */
enum call_do {
	CALL_DO_LINK_UP = 1 << 0,   /* PPP's lower layer is up: link_up() */
	CALL_DO_LINK_DOWN = 1 << 1, /* PPP's lower layer is gone: link_down(), no more frames */
	CALL_DO_OPEN = 1 << 2,	/* the binding holds: data may flow once an NCP is open as well */
	CALL_DO_CLOSE = 1 << 3, /* end the TLS connection now (after what was sent has left) */
};

/* What may pass in the present state. */
enum call_gate {
	CALL_GATE_CLOSED,  /* every data packet is dropped and counted */
	CALL_GATE_CONTROL, /* PPP control frames (protocol >= 0x8000) only */
	CALL_GATE_OPEN,
};

struct call_params {
	enum call_role role;
	/* enum sstp_hash bits: server: offered; client: accepted. Not 0. */
	uint8_t hashes;
	/* of the leaf certificate that the server presented on this very connection */
	uint8_t cert_sha1[SSTP_SHA1_SIZE];
	uint8_t cert_sha256[SSTP_SHA256_SIZE];
	/* the server's nonce; borrowed for the call's life */
	const struct random_source *random;
};

/*
 * One step of the state machine, for the session's log: a change of state, or a NAK. Echoes and
 * what a state ignores are none.
 */
struct call_transition {
	uint8_t from;  /* enum call_state */
	uint8_t event; /* enum call_event */
	uint8_t to;
	uint8_t attribute; /* of the ABORT, NAK or DISCONNECT sent or received on the way, */
	uint32_t status;   /* with its enum sstp_status; both 0: none */
};

enum {
	CALL_TRACE_MAX = 4
};

/* The hello timer: MS-SSTP 3.1.2.3. The other durations stand in call.c. */
#define CALL_HELLO_NS (60 * CLOCK_NS_PER_S)

/* Embedded in the session; fields are the module's own except where a function says otherwise. */
struct call {
	struct call_params params;
	enum call_state state;
	uint64_t timer_at; /* negotiation, abort or disconnect timer */
	uint64_t hello_at; /* hello timer; restarted by call_on_traffic() */
	bool echo_outstanding;
	uint8_t rejects; /* NAKs sent (server) or received (client) */
	uint8_t offered; /* client: the hash mask of the server's ACK */
	uint8_t nonce[SSTP_NONCE_SIZE];
	bool have_hlak;
	uint8_t hlak[SSTP_HLAK_SIZE];
	bool have_second_hlak; /* server */
	bool used_second_hlak;
	uint8_t second_hlak[SSTP_HLAK_SIZE];
	bool have_parked; /* server: a CALL_CONNECTED came before the authentication's result */
	uint8_t parked[SSTP_CALL_CONNECTED_SIZE];
	/* what the latest fact caused, for the session to read; the next fact starts it anew */
	uint8_t ntrace;
	struct call_transition trace[CALL_TRACE_MAX];
};

/* Copies params; borrows params->random. */
void call_init(struct call *c, const struct call_params *params);

/* Wipes key material. Takes a call that was never started. */
void call_done(struct call *c);

/* Server: HTTP request accepted, the 200 is sent. Client: the 200 arrived; sends the REQUEST. */
unsigned call_start(struct call *c, uint64_t now, struct outbox *out);

/*
 * One whole control packet as sstp_packet_len() delineated it. The session reports it to
 * call_on_traffic() first, as it does with every packet.
 */
unsigned call_on_control(struct call *c, uint64_t now, const uint8_t *pkt, size_t len,
			 struct outbox *out);

/*
 * PPP authentication ended well; hlak: the 32 bytes of MS-SSTP 3.2.5.2.1 (zeros for PAP), copied.
 * Client: sends CALL_CONNECTED. Server: validates a parked CALL_CONNECTED.
 */
unsigned call_on_auth_ok(struct call *c, uint64_t now, const uint8_t hlak[SSTP_HLAK_SIZE],
			 struct outbox *out);

/*
 * Server, right before call_on_auth_ok(): a second key, under which a binding that does not hold is
 * tried once more. For a client that makes its key in a known wrong way; without this call there is
 * none. Copied, wiped with the first.
 */
void call_allow_second_hlak(struct call *c, const uint8_t hlak[SSTP_HLAK_SIZE]);

/* Server, connected: the binding held under the second key only. */
bool call_used_second_hlak(const struct call *c);

/*
 * Ends the call in order: DISCONNECT, then the peer's ACK or 5 s (administrator, PPP finished, also
 * after an authentication that failed). In CALL_DISCONNECTED, and when an end is already on its
 * way, it does nothing: CALL_DO_CLOSE then comes from the timer, or there is no call to end.
 */
unsigned call_disconnect(struct call *c, uint64_t now, struct outbox *out);

/* Ends the call with an ABORT(SSTP_ATTRIB_STATUS_INFO, status); otherwise as call_disconnect(). */
unsigned call_abort(struct call *c, uint64_t now, enum sstp_status status, struct outbox *out);

/* The stream cannot be delineated, or the connection is gone: no message, everything down. */
unsigned call_on_lost(struct call *c, uint64_t now);

/*
 * Any SSTP packet arrived, control or data: restarts the hello timer (MS-SSTP 3.1.2.3). The session
 * calls it for every packet, a control packet included, before it passes the packet on; once for
 * all packets of one read is the same.
 */
static inline void call_on_traffic(struct call *c, uint64_t now)
{
	if (c->state == CALL_CONNECTED) {
		c->hello_at = now + CALL_HELLO_NS;
		c->echo_outstanding = false;
	}
}

/* When call_on_timer() is due; CLOCK_NEVER when no timer runs. */
uint64_t call_deadline(const struct call *c);
/* Calling early does nothing. */
unsigned call_on_timer(struct call *c, uint64_t now, struct outbox *out);

enum call_gate call_gate(const struct call *c);

/* Names for logs, never NULL. States, messages and statuses are named as in the specification. */
const char *call_state_name(const struct call *c, enum call_state state);
const char *call_event_name(unsigned event);
const char *sstp_status_name(uint32_t status);

#endif

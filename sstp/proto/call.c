/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the tables of call_table.c: a packet, a timer or a local fact becomes an event (judge_*),
 * the cell says what to note down, what to send and where to go, and entering a state brings the
 * rest: its timer, what may pass, and what changes for the session.
 *
 * Invariants:
 *  - Keys and a parked CALL_CONNECTED exist only in CALL_CONNECTED_PENDING: leaving it wipes them,
 *    whether the binding held or not.
 *  - CALL_ABORT and CALL_DISCONNECT_ACK are sent only on the way into states that do not send the
 *    same again, so each leaves at most once per connection.
 *  - PPP's lower layer is up exactly where its control frames may pass, so CALL_DO_LINK_DOWN
 *    follows CALL_DO_LINK_UP once, however the call ends.
 *
 * Timers. A call has the timer of its state, and while connected the hello timer instead:
 *
 *   negotiation   60 s  server: the HTTP request was accepted, and anew with the ACK sent. Only a
 *                       valid CALL_CONNECTED stops it; the authentication's success does not.
 *                       client: each REQUEST sent, and anew with the ACK received.
 *   abort 1        3 s  our ABORT went first: waits for the peer's.
 *   abort 2        1 s  the peer's ABORT arrived: leaves it time to close.
 *   disconnect 1   5 s  our DISCONNECT went first: waits for the ACK.
 *   disconnect 2   1 s  our DISCONNECT_ACK was sent: leaves the peer time to close.
 *   hello         60 s  the call is connected, or any packet arrived: asks for an echo; a second
 *                       time without any packet in between ends the call.
 */
#include "sstp/proto/call.h"

#include "sstp/base/secret.h"
#include "sstp/proto/call_table.h"
#include "sstp/proto/request.h"

#define NEGOTIATION_NS	(60 * CLOCK_NS_PER_S) /* MS-SSTP 3.2.2.1, 3.3.2.1 */
#define ABORT_1_NS	(3 * CLOCK_NS_PER_S)  /* MS-SSTP 3.1.2.1 */
#define ABORT_2_NS	(1 * CLOCK_NS_PER_S)
#define DISCONNECT_1_NS (5 * CLOCK_NS_PER_S) /* MS-SSTP 3.1.2.2 */
#define DISCONNECT_2_NS (1 * CLOCK_NS_PER_S)

/* What being in a state means. A timer of 0 is none. */
static const struct state_traits {
	uint64_t timer_ns;
	uint64_t hello_ns;
	enum call_gate gate;
} traits[CALL_STATES] = {
	/* clang-format off */
	[CALL_DISCONNECTED]               = {0,               0,             CALL_GATE_CLOSED},
	[CALL_CONNECT_REQUEST_PENDING]    = {NEGOTIATION_NS,  0,             CALL_GATE_CLOSED},
	[CALL_CONNECTED_PENDING]          = {NEGOTIATION_NS,  0,             CALL_GATE_CONTROL},
	[CALL_CONNECT_REQUEST_SENT]       = {NEGOTIATION_NS,  0,             CALL_GATE_CLOSED},
	[CALL_CONNECT_ACK_RECEIVED]       = {NEGOTIATION_NS,  0,             CALL_GATE_CONTROL},
	[CALL_CONNECTED]                  = {0,               CALL_HELLO_NS, CALL_GATE_OPEN},
	[CALL_ABORT_PENDING]              = {ABORT_1_NS,      0,             CALL_GATE_CLOSED},
	[CALL_ABORT_TIMEOUT_PENDING]      = {ABORT_2_NS,      0,             CALL_GATE_CLOSED},
	[CALL_DISCONNECT_ACK_PENDING]     = {DISCONNECT_1_NS, 0,             CALL_GATE_CLOSED},
	[CALL_DISCONNECT_TIMEOUT_PENDING] = {DISCONNECT_2_NS, 0,             CALL_GATE_CLOSED},
	/* clang-format on */
};

/* What came with an event, for the cell's note and message. Borrows from the caller. */
struct input {
	uint64_t now;
	const uint8_t *pkt; /* SSTP_CALL_CONNECTED_SIZE bytes for CALL_NOTE_PARKED */
	const uint8_t *hlak;
	uint8_t offered;
	const uint8_t *nonce;
	struct sstp_status_info bad[SSTP_NAK_MAX]; /* what the NAK names */
	size_t nbad;
	/* of an ABORT, NAK or DISCONNECT received, of a NAK to send, or call_abort()'s */
	const struct sstp_status_info *said;
	struct sstp_status_info peer_said;
};

static uint64_t deadline_after(uint64_t now, uint64_t ns)
{
	return ns ? now + ns : CLOCK_NEVER;
}

static void timers_state_entered(struct call *c, uint64_t now)
{
	c->timer_at = deadline_after(now, traits[c->state].timer_ns);
	c->hello_at = deadline_after(now, traits[c->state].hello_ns);
	c->echo_outstanding = false;
}

static void timers_echo_requested(struct call *c, uint64_t now)
{
	c->hello_at = deadline_after(now, CALL_HELLO_NS);
	c->echo_outstanding = true;
}

static struct binding_terms terms(const struct call *c)
{
	return (struct binding_terms){
		.hashes = c->params.role == CALL_SERVER ? c->params.hashes : c->offered,
		.nonce = c->nonce,
		.cert_sha1 = c->params.cert_sha1,
		.cert_sha256 = c->params.cert_sha256,
	};
}

static void forget_keys(struct call *c)
{
	secret_wipe_bytes(c->hlak, sizeof(c->hlak));
	secret_wipe_bytes(c->second_hlak, sizeof(c->second_hlak));
	secret_wipe_bytes(c->parked, sizeof(c->parked));
	c->have_hlak = false;
	c->have_second_hlak = false;
	c->have_parked = false;
}

/* The only function that sets the state. Returns what changes for the session. */
static unsigned enter(struct call *c, uint64_t now, enum call_state next)
{
	bool had_link = traits[c->state].gate != CALL_GATE_CLOSED;
	bool has_link = traits[next].gate != CALL_GATE_CLOSED;
	unsigned todo = 0;

	c->state = next;
	timers_state_entered(c, now);
	if (next != CALL_CONNECTED_PENDING)
		forget_keys(c);
	if (has_link && !had_link)
		todo |= CALL_DO_LINK_UP;
	if (had_link && !has_link)
		todo |= CALL_DO_LINK_DOWN;
	if (next == CALL_CONNECTED)
		todo |= CALL_DO_OPEN;
	if (next == CALL_DISCONNECTED)
		todo |= CALL_DO_CLOSE;
	return todo;
}

static void note_down(struct call *c, enum call_note what, const struct input *in)
{
	switch (what) {
	case CALL_NOTE_NOTHING: break;
	case CALL_NOTE_NONCE: random_fill(c->params.random, c->nonce, sizeof(c->nonce)); break;
	case CALL_NOTE_OFFER:
		c->offered = in->offered;
		memcpy(c->nonce, in->nonce, sizeof(c->nonce));
		break;
	case CALL_NOTE_REJECT: c->rejects++; break;
	case CALL_NOTE_PARKED:
		memcpy(c->parked, in->pkt, sizeof(c->parked));
		c->have_parked = true;
		break;
	case CALL_NOTE_HLAK:
		memcpy(c->hlak, in->hlak, sizeof(c->hlak));
		c->have_hlak = true;
		break;
	case CALL_NOTE_ECHO: timers_echo_requested(c, in->now); break;
	}
}

/* Without memory for the MAC it is left out as if lost; the server's timer then ends the call. */
static void put_binding(const struct call *c, struct wire_writer *w)
{
	struct binding_terms t = terms(c);
	uint8_t msg[SSTP_CALL_CONNECTED_SIZE];

	if (binding_seal(&t, c->hlak, msg) < 0)
		w->failed = true;
	else
		wire_put(w, msg, sizeof(msg));
}

static void put_abort(struct wire_writer *w, const struct call_cell *cell, const struct input *in)
{
	if (cell->attribute)
		sstp_put_call_abort(w, cell->attribute, cell->status);
	else
		sstp_put_call_abort(w, in->said->attribute, in->said->status);
}

static void send_message(const struct call *c, const struct call_cell *cell, const struct input *in,
			 struct outbox *out)
{
	struct wire_writer w = outbox_begin(out);

	switch ((enum sstp_message)cell->send) {
	case SSTP_MSG_CALL_CONNECT_REQUEST: sstp_put_call_connect_request(&w); break;
	case SSTP_MSG_CALL_CONNECT_ACK:
		sstp_put_call_connect_ack(&w, c->params.hashes, c->nonce);
		break;
	case SSTP_MSG_CALL_CONNECT_NAK: sstp_put_call_connect_nak(&w, in->bad, in->nbad); break;
	case SSTP_MSG_CALL_CONNECTED: put_binding(c, &w); break;
	case SSTP_MSG_CALL_ABORT: put_abort(&w, cell, in); break;
	case SSTP_MSG_CALL_DISCONNECT: sstp_put_call_disconnect(&w); break;
	case SSTP_MSG_CALL_DISCONNECT_ACK: sstp_put_call_disconnect_ack(&w); break;
	case SSTP_MSG_ECHO_REQUEST: sstp_put_echo_request(&w); break;
	case SSTP_MSG_ECHO_RESPONSE: sstp_put_echo_response(&w); break;
	}
	outbox_end(out, &w);
}

static void record(struct call *c, enum call_event event, const struct call_cell *cell,
		   const struct input *in)
{
	bool moves = cell->next != CALL_SAME;

	if (!moves && cell->send != SSTP_MSG_CALL_CONNECT_NAK)
		return;
	if (c->ntrace == CALL_TRACE_MAX)
		return;
	c->trace[c->ntrace++] = (struct call_transition){
		.from = (uint8_t)c->state,
		.event = (uint8_t)event,
		.to = moves ? cell->next : (uint8_t)c->state,
		.attribute = in->said ? in->said->attribute : cell->attribute,
		.status = in->said ? in->said->status : cell->status,
	};
}

static unsigned step(struct call *c, enum call_event event, const struct input *in,
		     struct outbox *out)
{
	const struct call_cell *cell = call_cell(c->params.role, c->state, event);

	record(c, event, cell, in);
	note_down(c, cell->note, in);
	if (cell->send)
		send_message(c, cell, in, out);
	return cell->next == CALL_SAME ? 0 : enter(c, in->now, cell->next);
}

static enum call_event judge_request(const struct call *c, const struct sstp_control *msg,
				     struct input *in)
{
	if (msg->malformed)
		return CALL_EV_MALFORMED;
	in->nbad = request_check(msg, in->bad);
	if (!in->nbad)
		return CALL_EV_REQUEST;
	if (c->rejects == CALL_REJECTS_MAX)
		return CALL_EV_REQUEST_BAD_AGAIN;
	in->said = &in->bad[0];
	return CALL_EV_REQUEST_BAD;
}

/* MS-SSTP 3.2.5.3.2. Hash bits that nobody has defined or that we do not accept do no harm. */
static enum call_event judge_ack(const struct call *c, const struct sstp_control *msg,
				 struct input *in)
{
	struct wire_reader r;
	struct sstp_attr attr;

	if (!sstp_only_attr(msg, SSTP_ATTRIB_CRYPTO_BINDING_REQ, SSTP_CRYPTO_BINDING_REQ_SIZE,
			    &attr))
		return CALL_EV_ACK_NO_OFFER;
	r = wire_reader(attr.value, attr.value_len);
	wire_bytes(&r, 3);
	in->offered = wire_u8(&r) & c->params.hashes;
	in->nonce = wire_bytes(&r, SSTP_NONCE_SIZE);
	return in->offered ? CALL_EV_ACK : CALL_EV_ACK_NO_HASH;
}

static enum call_event judge_nak(const struct call *c, const struct sstp_control *msg,
				 struct input *in)
{
	if (msg->malformed)
		return CALL_EV_MALFORMED;
	in->peer_said = sstp_first_status(msg);
	in->said = &in->peer_said;
	return c->rejects == CALL_REJECTS_MAX ? CALL_EV_NAK_AGAIN : CALL_EV_NAK;
}

static enum call_event judge_binding(struct call *c, const uint8_t msg[SSTP_CALL_CONNECTED_SIZE])
{
	struct binding_terms t = terms(c);

	if (binding_verify(&t, c->hlak, msg) == 0)
		return CALL_EV_CONNECTED;
	c->used_second_hlak = c->have_second_hlak && binding_verify(&t, c->second_hlak, msg) == 0;
	return c->used_second_hlak ? CALL_EV_CONNECTED : CALL_EV_CONNECTED_FORGED;
}

/* MS-SSTP 3.3.5.2.3. One attribute of that length makes it SSTP_CALL_CONNECTED_SIZE bytes. */
static enum call_event judge_connected(struct call *c, const struct sstp_control *msg,
				       const struct input *in)
{
	struct sstp_attr attr;

	if (!sstp_only_attr(msg, SSTP_ATTRIB_CRYPTO_BINDING, SSTP_CRYPTO_BINDING_SIZE, &attr))
		return CALL_EV_CONNECTED_BAD_FORM;
	if (c->have_hlak)
		return judge_binding(c, in->pkt);
	return c->have_parked ? CALL_EV_CONNECTED_EARLY_2 : CALL_EV_CONNECTED_EARLY;
}

static enum call_event judge_end(enum call_event event, const struct sstp_control *msg,
				 struct input *in)
{
	in->peer_said = sstp_first_status(msg);
	in->said = &in->peer_said;
	return event;
}

/* The messages that end a call count by their type alone: nothing in them could change that. */
static enum call_event judge(struct call *c, const struct sstp_control *msg, struct input *in)
{
	enum call_event echo =
		msg->type == SSTP_MSG_ECHO_REQUEST ? CALL_EV_ECHO_REQUEST : CALL_EV_ECHO_RESPONSE;

	switch (msg->type) {
	case SSTP_MSG_CALL_CONNECT_REQUEST: return judge_request(c, msg, in);
	case SSTP_MSG_CALL_CONNECT_ACK: return judge_ack(c, msg, in);
	case SSTP_MSG_CALL_CONNECT_NAK: return judge_nak(c, msg, in);
	case SSTP_MSG_CALL_CONNECTED: return judge_connected(c, msg, in);
	case SSTP_MSG_CALL_ABORT: return judge_end(CALL_EV_ABORT, msg, in);
	case SSTP_MSG_CALL_DISCONNECT: return judge_end(CALL_EV_DISCONNECT, msg, in);
	case SSTP_MSG_CALL_DISCONNECT_ACK: return CALL_EV_DISCONNECT_ACK;
	case SSTP_MSG_ECHO_REQUEST:
	case SSTP_MSG_ECHO_RESPONSE: return msg->malformed ? CALL_EV_MALFORMED : echo;
	default: return CALL_EV_UNKNOWN;
	}
}

void call_init(struct call *c, const struct call_params *params)
{
	*c = (struct call){
		.params = *params,
		.state = CALL_DISCONNECTED,
		.timer_at = CLOCK_NEVER,
		.hello_at = CLOCK_NEVER,
	};
}

void call_done(struct call *c)
{
	forget_keys(c);
}

unsigned call_start(struct call *c, uint64_t now, struct outbox *out)
{
	struct input in = {.now = now};

	c->ntrace = 0;
	return step(c, CALL_EV_START, &in, out);
}

unsigned call_on_control(struct call *c, uint64_t now, const uint8_t *pkt, size_t len,
			 struct outbox *out)
{
	struct input in = {.now = now, .pkt = pkt};
	struct sstp_control msg;

	if (sstp_decode_control(pkt, len, &msg) < 0)
		return call_on_lost(c, now);
	c->ntrace = 0;
	return step(c, judge(c, &msg, &in), &in, out);
}

unsigned call_on_auth_ok(struct call *c, uint64_t now, const uint8_t hlak[SSTP_HLAK_SIZE],
			 struct outbox *out)
{
	struct input in = {.now = now, .hlak = hlak};
	unsigned todo;

	c->ntrace = 0;
	todo = step(c, CALL_EV_AUTH_OK, &in, out);
	if (c->have_parked)
		todo |= step(c, judge_binding(c, c->parked), &in, out);
	return todo;
}

void call_allow_second_hlak(struct call *c, const uint8_t hlak[SSTP_HLAK_SIZE])
{
	if (c->params.role != CALL_SERVER || c->state != CALL_CONNECTED_PENDING)
		return;
	memcpy(c->second_hlak, hlak, sizeof(c->second_hlak));
	c->have_second_hlak = true;
}

bool call_used_second_hlak(const struct call *c)
{
	return c->used_second_hlak;
}

unsigned call_disconnect(struct call *c, uint64_t now, struct outbox *out)
{
	struct input in = {.now = now};

	c->ntrace = 0;
	return step(c, CALL_EV_LOCAL_DISCONNECT, &in, out);
}

unsigned call_abort(struct call *c, uint64_t now, enum sstp_status status, struct outbox *out)
{
	struct sstp_status_info why = {.attribute = SSTP_ATTRIB_STATUS_INFO, .status = status};
	struct input in = {.now = now, .said = &why};

	c->ntrace = 0;
	return step(c, CALL_EV_LOCAL_ABORT, &in, out);
}

unsigned call_on_lost(struct call *c, uint64_t now)
{
	struct input in = {.now = now};

	c->ntrace = 0;
	return step(c, CALL_EV_LOST, &in, NULL);
}

uint64_t call_deadline(const struct call *c)
{
	return clock_earlier(c->timer_at, c->hello_at);
}

unsigned call_on_timer(struct call *c, uint64_t now, struct outbox *out)
{
	struct input in = {.now = now};

	c->ntrace = 0;
	if (now >= c->timer_at)
		return step(c, CALL_EV_TIMEOUT, &in, out);
	if (now >= c->hello_at)
		return step(c, c->echo_outstanding ? CALL_EV_HELLO_MISSED : CALL_EV_HELLO, &in,
			    out);
	return 0;
}

enum call_gate call_gate(const struct call *c)
{
	return traits[c->state].gate;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the tables of eap_table.c: a packet, a timer or the directory's answer becomes an event, its
 * cell says what to do and where to go; what a method says to a packet is the next event.
 */
#include "sstp/ppp/eap.h"

#include <stdlib.h>

/* The strongest first. */
static const struct eap_method *const methods[] = {&eap_tls_method, &eap_mschapv2_method};

#define METHODS (sizeof(methods) / sizeof(methods[0]))

/* What came with an event. Borrows from the caller. */
struct input {
	uint64_t now;
	const uint8_t *data; /* of a packet, behind its type */
	size_t len;
	uint8_t id;
	const struct eap_method *method; /* that it asks for */
	const struct link_user *user;	 /* NULL: unknown */
	size_t written;			 /* by the method, to be sent */
	struct outbox *out;
};

static unsigned step(struct auth *a, enum eap_event event, const struct input *in);

size_t eap_room(const struct auth *a)
{
	size_t max = a->peer_mru < EAP_PACKET_MAX ? a->peer_mru : EAP_PACKET_MAX;

	return max - EAP_HEADER;
}

static void end_method(struct auth *a)
{
	if (a->eap->method)
		a->eap->method->end(a);
	a->eap->method = NULL;
	a->eap->step = 0;
}

void eap_free(struct auth *a)
{
	if (!a->eap)
		return;
	end_method(a);
	secret_wipe_bytes(a->eap, sizeof(*a->eap));
	free(a->eap);
	a->eap = NULL;
}

/* methods */

static const struct eap_method *allowed_of_type(const struct auth *a, uint8_t type)
{
	for (size_t i = 0; i < METHODS; i++) {
		if (methods[i]->type == type && a->allowed & methods[i]->bit)
			return methods[i];
	}
	return NULL;
}

static const struct eap_method *strongest(const struct auth *a)
{
	for (size_t i = 0; i < METHODS; i++) {
		if (a->allowed & methods[i]->bit)
			return methods[i];
	}
	return NULL;
}

/* The first that a Nak names and that we may use, other than the one it refuses. */
static const struct eap_method *wanted(const struct auth *a, const struct input *in)
{
	for (size_t i = 0; i < in->len; i++) {
		const struct eap_method *m = allowed_of_type(a, in->data[i]);

		if (m && m != a->eap->method)
			return m;
	}
	return NULL;
}

/* packets */

/* Where the data behind the type go; keeps the last packet until something is written. */
static struct wire_writer writer(struct eap *e)
{
	return wire_writer(e->data + 1, sizeof(e->data) - 1);
}

static void transmit(const struct eap *e, struct outbox *out)
{
	struct wire_writer w = frame_begin(out, PPP_EAP, e->code, e->id);

	wire_put(&w, e->data, e->len);
	frame_end(out, &w);
}

/* Sends what was written: a new request, or the answer to the request in->id. */
static void send_packet(struct auth *a, uint8_t type, const struct wire_writer *w,
			const struct input *in)
{
	struct eap *e = a->eap;

	e->data[0] = type;
	e->len = (uint16_t)(1 + wire_len(w));
	e->code = a->params.server ? EAP_REQUEST : EAP_RESPONSE;
	if (a->params.server) {
		e->id++;
		auth_sent(a, in->now);
	} else {
		e->id = in->id;
		e->answered = true;
	}
	transmit(e, in->out);
}

static void send_of_method(struct auth *a, const struct input *in)
{
	struct wire_writer w = writer(a->eap);

	wire_reserve(&w, in->written);
	send_packet(a, a->eap->method->type, &w, in);
}

static void send_small(struct auth *a, uint8_t type, const void *data, size_t len,
		       const struct input *in)
{
	struct wire_writer w = writer(a->eap);

	wire_put(&w, data, len);
	send_packet(a, type, &w, in);
}

static void say_nak(struct auth *a, const struct input *in)
{
	struct wire_writer w = writer(a->eap);

	for (size_t i = 0; i < METHODS; i++) {
		if (a->allowed & methods[i]->bit)
			wire_put_u8(&w, methods[i]->type);
	}
	send_packet(a, EAP_TYPE_NAK, &w, in);
	a->eap->naks++;
}

/* Success or Failure: the server's last packet, with the identifier of its last request. */
static void say_result(const struct auth *a, enum eap_code code, const struct input *in)
{
	struct wire_writer w;

	if (!a->params.server)
		return;
	w = frame_begin(in->out, PPP_EAP, code, a->eap->id);
	frame_end(in->out, &w);
}

static void resend(struct auth *a, const struct input *in)
{
	transmit(a->eap, in->out);
	if (!a->params.server)
		return;
	a->tries++;
	a->deadline = in->now + AUTH_RESEND_NS;
}

/* what a method says */

static enum eap_event event_of(enum eap_verdict verdict, size_t written)
{
	switch (verdict) {
	case EAP_MORE: return EAP_EV_MORE;
	case EAP_ASK: return EAP_EV_ASK;
	case EAP_DONE: return EAP_EV_DONE;
	default: return written ? EAP_EV_LAST_WORD : EAP_EV_FAILED;
	}
}

static unsigned go_on(struct auth *a, enum eap_verdict verdict, const struct wire_writer *w,
		      struct input in)
{
	if (verdict == EAP_DROP)
		return 0;
	in.written = wire_len(w);
	return step(a, event_of(verdict, in.written), &in);
}

static unsigned give_packet(struct auth *a, const struct input *in)
{
	struct wire_writer w = writer(a->eap);
	enum eap_verdict verdict = a->eap->method->input(a, in->data, in->len, &w);

	return go_on(a, verdict, &w, *in);
}

static unsigned give_user(struct auth *a, const struct input *in)
{
	struct wire_writer w = writer(a->eap);
	enum eap_verdict verdict = a->eap->method->on_user(a, in->user, &w);

	return go_on(a, verdict, &w, *in);
}

static bool begin_method(struct auth *a, const struct eap_method *method)
{
	end_method(a);
	if (!method->begin(a))
		return false;
	a->eap->method = method;
	a->agreed = method->bit;
	return true;
}

static unsigned begin(struct auth *a, const struct input *in)
{
	if (!begin_method(a, in->method))
		return step(a, EAP_EV_NO_MEMORY, in);
	return give_packet(a, in);
}

static unsigned propose(struct auth *a, const struct input *in)
{
	struct wire_writer w = writer(a->eap);

	if (!begin_method(a, in->method))
		return step(a, EAP_EV_NO_MEMORY, in);
	in->method->propose(a, &w);
	send_packet(a, in->method->type, &w, in);
	return 0;
}

/* decisions */

static unsigned refuse(struct auth *a, const struct input *in)
{
	say_result(a, EAP_FAILURE, in);
	return auth_refused(a);
}

static unsigned give_up(struct auth *a, const struct input *in)
{
	refuse(a, in);
	return AUTH_OVER;
}

static unsigned leave(struct auth *a)
{
	auth_refused(a);
	return AUTH_OVER;
}

static unsigned say_last_word(struct auth *a, const struct input *in)
{
	send_of_method(a, in);
	if (!a->params.server)
		return auth_refused(a);
	auth_wipe_key(a);
	return AUTH_FAILED;
}

static unsigned accept(struct auth *a, const struct input *in)
{
	say_result(a, EAP_SUCCESS, in);
	return auth_accept(a);
}

static unsigned act(struct auth *a, enum eap_do action, const struct input *in)
{
	switch (action) {
	case EAP_DO_NOTHING: break;
	case EAP_DO_ASK_IDENTITY: send_small(a, EAP_TYPE_IDENTITY, NULL, 0, in); break;
	case EAP_DO_PROPOSE: return propose(a, in);
	case EAP_DO_BEGIN: return begin(a, in);
	case EAP_DO_INPUT: return give_packet(a, in);
	case EAP_DO_USER: return give_user(a, in);
	case EAP_DO_LOOKUP: return auth_ask(a, in->now);
	case EAP_DO_SEND: send_of_method(a, in); break;
	case EAP_DO_RESEND: resend(a, in); break;
	case EAP_DO_SAY_IDENTITY: send_small(a, EAP_TYPE_IDENTITY, a->user, a->user_len, in); break;
	case EAP_DO_SAY_NOTED: send_small(a, EAP_TYPE_NOTIFICATION, NULL, 0, in); break;
	case EAP_DO_SAY_NAK: say_nak(a, in); break;
	case EAP_DO_ACCEPT: return accept(a, in);
	case EAP_DO_REFUSE: return refuse(a, in);
	case EAP_DO_LAST_WORD: return say_last_word(a, in);
	case EAP_DO_GIVE_UP: return give_up(a, in);
	case EAP_DO_LEAVE: return leave(a);
	}
	return 0;
}

/* The next state is there before what is done, as that may bring the next event. */
static unsigned step(struct auth *a, enum eap_event event, const struct input *in)
{
	const struct eap_cell *cell = eap_cell(a->params.server, a->eap->state, event);
	unsigned result;

	if (cell->next < EAP_STATES)
		a->eap->state = cell->next;
	if (cell->why)
		reason_set(&a->reason, cell->why, NULL, 0);
	result = act(a, cell->action, in);
	if (cell->next == EAP_OVER)
		eap_free(a);
	return result;
}

/* what a packet is worth */

/* Server: the peer's name for itself, for the log; the method says who it is. */
static enum eap_event judge_identity(struct auth *a, struct input *in)
{
	if (a->eap->state == EAP_IDENTITY && !auth_set_user(a, in->data, in->len))
		auth_set_user(a, (const uint8_t *)"", 0);
	in->method = strongest(a);
	return EAP_EV_IDENTITY;
}

static enum eap_event judge_nak(struct auth *a, struct input *in)
{
	in->method = wanted(a, in);
	return in->method && !a->eap->naks++ ? EAP_EV_NAK : EAP_EV_NAK_USELESS;
}

static enum eap_event judge_response(struct auth *a, const struct ppp_packet *p, uint8_t type,
				     struct input *in)
{
	const struct eap *e = a->eap;

	if (p->code != EAP_RESPONSE || !p->len || p->id != e->id)
		return EAP_EV_STALE;
	if (type == EAP_TYPE_IDENTITY)
		return judge_identity(a, in);
	if (type == EAP_TYPE_NAK)
		return judge_nak(a, in);
	return e->method && type == e->method->type ? EAP_EV_TYPE : EAP_EV_OTHER_TYPE;
}

static enum eap_event judge_other_type(const struct eap *e)
{
	return e->naks == EAP_NAKS_MAX ? EAP_EV_OTHER_AGAIN : EAP_EV_OTHER_TYPE;
}

static enum eap_event judge_request(const struct auth *a, const struct ppp_packet *p, uint8_t type,
				    struct input *in)
{
	const struct eap *e = a->eap;

	if (!p->len || type == EAP_TYPE_NAK)
		return EAP_EV_STALE;
	if (e->answered && p->id == e->id)
		return EAP_EV_REPEATED;
	if (type == EAP_TYPE_IDENTITY)
		return EAP_EV_IDENTITY;
	if (type == EAP_TYPE_NOTIFICATION)
		return EAP_EV_NOTIFICATION;
	in->method = allowed_of_type(a, type);
	if (e->method ? in->method == e->method : in->method != NULL)
		return EAP_EV_TYPE;
	return judge_other_type(e);
}

static enum eap_event judge_result(const struct eap *e, const struct ppp_packet *p)
{
	if (!e->answered || p->id != e->id)
		return EAP_EV_STALE;
	if (p->code == EAP_SUCCESS)
		return EAP_EV_SUCCESS;
	return e->data[0] == EAP_TYPE_NAK ? EAP_EV_FAILURE_ON_NAK : EAP_EV_FAILURE;
}

static enum eap_event judge(struct auth *a, const struct ppp_packet *p, uint8_t type,
			    struct input *in)
{
	if (a->params.server)
		return judge_response(a, p, type, in);
	switch (p->code) {
	case EAP_REQUEST: return judge_request(a, p, type, in);
	case EAP_SUCCESS:
	case EAP_FAILURE: return judge_result(a->eap, p);
	default: return EAP_EV_STALE;
	}
}

static unsigned input(struct auth *a, uint64_t now, const struct ppp_packet *p, struct outbox *out)
{
	struct wire_reader r = wire_reader(p->data, p->len);
	uint8_t type = wire_u8(&r);
	size_t len = wire_left(&r);
	struct input in = {.now = now, .id = p->id, .len = len, .out = out};

	if (!a->eap)
		return 0;
	in.data = wire_bytes(&r, len);
	return step(a, judge(a, p, type, &in), &in);
}

static unsigned start(struct auth *a, uint64_t now, struct outbox *out)
{
	struct input in = {.now = now, .out = out};

	a->eap = calloc(1, sizeof(*a->eap));
	if (!a->eap) {
		auth_refuse(a, "no memory for EAP", NULL, 0);
		return AUTH_OVER;
	}
	return step(a, EAP_EV_START, &in);
}

static unsigned on_user(struct auth *a, uint64_t now, const struct link_user *user,
			struct outbox *out)
{
	struct input in = {.now = now, .user = user, .out = out};

	return step(a, EAP_EV_USER, &in);
}

static unsigned on_timer(struct auth *a, uint64_t now, struct outbox *out)
{
	struct input in = {.now = now, .out = out};

	return step(a, a->tries == AUTH_MAX_TRIES ? EAP_EV_TIMEOUT_LAST : EAP_EV_TIMEOUT, &in);
}

const struct auth_method eap_method = {
	.bits = LINK_AUTH_EAP,
	.protocol = PPP_EAP,
	.start = start,
	.input = input,
	.on_user = on_user,
	.on_timer = on_timer,
};

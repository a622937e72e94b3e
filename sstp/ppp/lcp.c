/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/ppp/lcp.h"

#include <errno.h>

enum {
	MRU_LEAST = 576, /* below: negotiated about */
	MRU_TINY = 128,	 /* below: refused */
	MRU_SUGGESTED = 1400,
	MRU_NAKS = 2,	 /* before a small MRU is taken as it is */
	MRU_MOST = 4091, /* that we ask for when the peer says so */
	AUTH_ROUNDS_MAX = 4,
	MAGIC_SIZE = 4,
};

/*
 * RFC 1661 section 6.2, RFC 2284 section 2.2.1, RFC 2759 section 3; in the order in which they are offered. A client that
 * wants EAP says so in a Nak (Windows, whoever has a certificate and no password). One that was offered EAP and knows no
 * method of ours in it has no way back: pppd takes EAP, and before 2.5 knows no MS-CHAPv2 there.
 */
static const struct auth_wire {
	unsigned methods;
	uint8_t len;
	uint8_t data[3];
} auth_wire[] = {
	{LINK_AUTH_MSCHAPV2, 3, {0xc2, 0x23, 0x81}},
	{LINK_AUTH_EAP, 2, {0xc2, 0x27}},
	{LINK_AUTH_PAP, 2, {0xc0, 0x23}},
};

#define AUTH_METHODS (sizeof(auth_wire) / sizeof(auth_wire[0]))

static struct lcp *lcp_of(struct cp *cp)
{
	return (struct lcp *)cp;
}

static uint16_t get_be16(const struct option *o)
{
	struct wire_reader r = wire_reader(o->data, o->len);

	return wire_be16(&r);
}

static uint32_t get_be32(const struct option *o)
{
	struct wire_reader r = wire_reader(o->data, o->len);

	return wire_be32(&r);
}

static void put_be16(struct wire_writer *w, uint8_t type, uint16_t v)
{
	option_put(w, type, (uint8_t[]){(uint8_t)(v >> 8), (uint8_t)v}, 2);
}

static void put_be32(struct wire_writer *w, uint8_t type, uint32_t v)
{
	wire_put_u8(w, type);
	wire_put_u8(w, OPTION_HEADER + 4);
	wire_put_be32(w, v);
}

static uint32_t new_magic(const struct lcp *lcp)
{
	uint8_t bytes[MAGIC_SIZE];
	struct wire_reader r = wire_reader(bytes, sizeof(bytes));
	uint32_t magic;

	random_fill(lcp->params.random, bytes, sizeof(bytes));
	magic = wire_be32(&r);
	return magic ? magic : 1;
}

/* The methods of the protocol that o names; 0: none of ours. */
static unsigned auth_methods(const struct option *o)
{
	for (size_t i = 0; i < AUTH_METHODS; i++) {
		if (o->len == auth_wire[i].len && memcmp(o->data, auth_wire[i].data, o->len) == 0)
			return auth_wire[i].methods;
	}
	return 0;
}

/* Those of a set that go by the first protocol; 0 when it is empty. */
static unsigned auth_first(unsigned set)
{
	for (size_t i = 0; i < AUTH_METHODS; i++) {
		if (set & auth_wire[i].methods)
			return set & auth_wire[i].methods;
	}
	return 0;
}

static void put_auth(struct wire_writer *w, unsigned methods)
{
	for (size_t i = 0; i < AUTH_METHODS; i++) {
		if (methods & auth_wire[i].methods)
			option_put(w, LCP_AUTH, auth_wire[i].data, auth_wire[i].len);
	}
}

static void write_request(struct cp *cp, struct wire_writer *w)
{
	const struct lcp *lcp = lcp_of(cp);

	if (lcp->mru)
		put_be16(w, LCP_MRU, lcp->mru);
	if (lcp->params.server)
		put_auth(w, lcp->auth);
	if (lcp->magic)
		put_be32(w, LCP_MAGIC, lcp->magic);
}

static enum cp_verdict judge_mru(struct cp *cp, uint16_t mru)
{
	if (mru >= MRU_LEAST)
		return CP_ACK;
	if (cp->naks < MRU_NAKS)
		return CP_NAK;
	if (mru >= MRU_TINY)
		return CP_ACK;
	cp_fail(cp, "the peer's MRU is too small");
	return CP_REFUSE;
}

/* The server has nobody to authenticate itself as. */
static enum cp_verdict judge_auth(const struct lcp *lcp, const struct option *o)
{
	if (lcp->params.server || !auth_first(lcp->params.auth))
		return CP_REJECT;
	return auth_methods(o) & lcp->params.auth ? CP_ACK : CP_NAK;
}

static enum cp_verdict judge_magic(struct lcp *lcp, uint32_t magic)
{
	if (magic && magic != lcp->magic)
		return CP_ACK;
	if (!magic || lcp->cp.naks < CP_MAX_FAILURE)
		return CP_NAK;
	cp_fail(&lcp->cp, "the line is looped back");
	return CP_REFUSE;
}

static enum cp_verdict judge(struct cp *cp, const struct option *o)
{
	switch (o->type) {
	case LCP_MRU: return o->len == 2 ? judge_mru(cp, get_be16(o)) : CP_REJECT;
	case LCP_ACCM: return o->len == 4 ? CP_ACK : CP_REJECT;
	case LCP_AUTH: return judge_auth(lcp_of(cp), o);
	case LCP_MAGIC:
		return o->len == MAGIC_SIZE ? judge_magic(lcp_of(cp), get_be32(o)) : CP_REJECT;
	default: return CP_REJECT;
	}
}

static void write_nak(struct cp *cp, const struct option *o, struct wire_writer *w)
{
	const struct lcp *lcp = lcp_of(cp);

	switch (o->type) {
	case LCP_MRU: put_be16(w, LCP_MRU, MRU_SUGGESTED); break;
	case LCP_AUTH: put_auth(w, auth_first(lcp->params.auth)); break;
	case LCP_MAGIC: put_be32(w, LCP_MAGIC, new_magic(lcp)); break;
	}
}

/* A server that does not ask for authentication is refused by the link, not argued with. */
static uint8_t required(const struct cp *cp)
{
	return 0;
}

static void forget(struct cp *cp)
{
	struct lcp *lcp = lcp_of(cp);

	cp->peer_mru = PPP_DEFAULT_MRU;
	if (!lcp->params.server)
		lcp->auth = 0;
}

static void take(struct cp *cp, const struct option *o)
{
	switch (o->type) {
	case LCP_MRU: cp->peer_mru = get_be16(o) < PPP_INFO_MAX ? get_be16(o) : PPP_INFO_MAX; break;
	case LCP_AUTH: lcp_of(cp)->auth = auth_methods(o) & lcp_of(cp)->params.auth; break;
	}
}

/* The peer's wish if it is allowed, else the next of our own list that it did not refuse yet. */
static int choose_auth(struct lcp *lcp, unsigned wanted)
{
	unsigned next = wanted & lcp->params.auth;

	lcp->auth_tried |= lcp->auth;
	if (!next)
		next = auth_first(lcp->params.auth & ~lcp->auth_tried);
	if (!next || ++lcp->auth_rounds > AUTH_ROUNDS_MAX) {
		cp_fail(&lcp->cp, "the peer takes none of the authentication methods allowed");
		return -EPROTO;
	}
	lcp->auth = next;
	return 0;
}

/* Values for options that we did not ask for are the peer's business. */
static int on_nak(struct cp *cp, const struct option *o)
{
	struct lcp *lcp = lcp_of(cp);

	if (o->type == LCP_AUTH && lcp->params.server)
		return choose_auth(lcp, auth_methods(o));
	if (o->type == LCP_MAGIC && lcp->magic)
		lcp->magic = new_magic(lcp);
	if (o->type == LCP_MRU && o->len == 2 && lcp->mru && get_be16(o) >= MRU_LEAST &&
	    get_be16(o) <= MRU_MOST)
		lcp->mru = get_be16(o);
	return 0;
}

static int on_reject(struct cp *cp, const struct option *o)
{
	struct lcp *lcp = lcp_of(cp);

	switch (o->type) {
	case LCP_MRU: lcp->mru = 0; return 0;
	case LCP_MAGIC: lcp->magic = 0; return 0;
	default: cp_fail(cp, "the peer refuses to authenticate itself"); return -EPROTO;
	}
}

static const struct cp_ops lcp_ops = {
	.protocol = PPP_LCP,
	.write_request = write_request,
	.judge = judge,
	.write_nak = write_nak,
	.required = required,
	.forget = forget,
	.take = take,
	.on_nak = on_nak,
	.on_reject = on_reject,
};

void lcp_init(struct lcp *lcp, const struct lcp_params *params)
{
	*lcp = (struct lcp){
		.params = *params,
		.mru = params->mru,
		.auth = params->server ? auth_first(params->auth) : 0,
	};
	cp_init(&lcp->cp, &lcp_ops);
	lcp->magic = new_magic(lcp);
}

/* Our magic number, the peer's data; no larger than the peer takes. */
static void send_echo_reply(struct lcp *lcp, const struct ppp_packet *p, struct outbox *out)
{
	struct wire_reader r = wire_reader(p->data, p->len);
	uint32_t magic = wire_be32(&r);
	struct wire_writer w;
	size_t left = wire_left(&r);

	if (!wire_ok(&r) || (magic && magic == lcp->magic))
		return; /* too short, or our own come back */
	w = frame_begin(out, PPP_LCP, LCP_ECHO_REPLY, p->id);
	wire_put_be32(&w, lcp->magic);
	frame_put_cut(&w, wire_bytes(&r, left), left, lcp->cp.peer_mru);
	frame_end(out, &w);
}

static unsigned on_echo_request(struct lcp *lcp, uint64_t now, const struct ppp_packet *p,
				struct outbox *out)
{
	unsigned result = cp_event(&lcp->cp, now, FSM_RXR, out);

	if (result & FSM_SER)
		send_echo_reply(lcp, p, out);
	return result;
}

static unsigned on_proto_reject(struct lcp *lcp, uint64_t now, const struct ppp_packet *p,
				struct outbox *out)
{
	struct wire_reader r = wire_reader(p->data, p->len);
	uint16_t protocol = wire_be16(&r);

	if (!wire_ok(&r) || lcp->cp.state != FSM_OPENED)
		return 0;
	if (protocol == PPP_LCP) {
		cp_fail(&lcp->cp, "the peer rejects LCP");
		return cp_event(&lcp->cp, now, FSM_RXJ_MINUS, out);
	}
	lcp->rejected_protocol = protocol;
	return cp_event(&lcp->cp, now, FSM_RXJ_PLUS, out) | LCP_PROTO_REJECTED;
}

static void note_rejected_code(struct lcp *lcp, const struct ppp_packet *p)
{
	struct wire_reader r = wire_reader(p->data, p->len);

	uint8_t code = wire_u8(&r);

	if (!wire_ok(&r))
		return;
	lcp->no_echo |= code == LCP_ECHO_REQUEST;
	lcp->no_vendor |= code == VENDOR_CODE;
}

/* Echo-Reply and Discard-Request. */
static unsigned on_life(struct lcp *lcp, uint64_t now, const struct ppp_packet *p,
			struct outbox *out)
{
	if (p->code == LCP_ECHO_REPLY && lcp->cp.state == FSM_OPENED)
		lcp->echo_answered = true;
	return cp_event(&lcp->cp, now, FSM_RXR, out) & ~(unsigned)FSM_SER;
}

unsigned lcp_input(struct lcp *lcp, uint64_t now, const struct ppp_packet *p, struct outbox *out)
{
	switch (p->code) {
	case LCP_PROTO_REJECT: return on_proto_reject(lcp, now, p, out);
	case LCP_ECHO_REQUEST: return on_echo_request(lcp, now, p, out);
	case LCP_ECHO_REPLY:
	case LCP_DISCARD: return on_life(lcp, now, p, out);
	case LCP_IDENTIFICATION:
	case LCP_TIME_REMAINING: return 0;
	case CP_CODE_REJECT: note_rejected_code(lcp, p); return cp_input(&lcp->cp, now, p, out);
	default: return cp_input(&lcp->cp, now, p, out);
	}
}

void lcp_reject_protocol(struct lcp *lcp, const struct ppp_frame *frame, struct outbox *out)
{
	struct wire_writer w;

	if (lcp->cp.state != FSM_OPENED)
		return;
	w = frame_begin(out, PPP_LCP, LCP_PROTO_REJECT, cp_next_id(&lcp->cp));
	wire_put_be16(&w, frame->protocol);
	frame_put_cut(&w, frame->info, frame->len, lcp->cp.peer_mru);
	frame_end(out, &w);
}

void lcp_send_echo(struct lcp *lcp, struct outbox *out)
{
	struct wire_writer w;

	w = frame_begin(out, PPP_LCP, LCP_ECHO_REQUEST, cp_next_id(&lcp->cp));
	wire_put_be32(&w, lcp->magic);
	frame_end(out, &w);
}

void lcp_send_vendor(struct lcp *lcp, const struct vendor_packet *packet, struct outbox *out)
{
	struct wire_writer w = frame_begin(out, PPP_LCP, VENDOR_CODE, cp_next_id(&lcp->cp));

	vendor_put(&w, lcp->magic, packet);
	frame_end(out, &w);
}

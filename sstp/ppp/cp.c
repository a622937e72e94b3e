/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/ppp/cp.h"

#include <string.h>

enum {
	OWNER_ACTIONS = FSM_TLU | FSM_TLD | FSM_TLS | FSM_TLF | FSM_SER,
};

void cp_init(struct cp *cp, const struct cp_ops *ops)
{
	*cp = (struct cp){
		.ops = ops,
		.deadline = CLOCK_NEVER,
		.peer_mru = PPP_DEFAULT_MRU,
		.answered = true,
	};
}

uint8_t cp_next_id(struct cp *cp)
{
	return ++cp->last_id;
}

unsigned cp_fail(struct cp *cp, const char *reason)
{
	if (!cp->reason)
		cp->reason = reason;
	return CP_FAILED;
}

static void send_packet(struct cp *cp, uint8_t code, uint8_t id, const uint8_t *data, size_t len,
			struct outbox *out)
{
	struct wire_writer w = frame_begin(out, cp->ops->protocol, code, id);

	wire_put(&w, data, len);
	frame_end(out, &w);
}

static void start_timer(struct cp *cp, uint64_t now)
{
	cp->deadline = now + CP_RESTART_NS;
	if (cp->restarts)
		cp->restarts--;
}

/* A retransmission keeps its identifier and content; everything else gets new ones. */
static void send_request(struct cp *cp, uint64_t now, bool again, struct outbox *out)
{
	struct wire_writer w = wire_writer(cp->sent, sizeof(cp->sent));

	if (!again) {
		cp->ops->write_request(cp, &w);
		cp->sent_len = (uint8_t)wire_len(&w);
		cp->sent_id = cp_next_id(cp);
	}
	cp->answered = false;
	send_packet(cp, CP_CONF_REQUEST, cp->sent_id, cp->sent, cp->sent_len, out);
	start_timer(cp, now);
}

static void send_terminate(struct cp *cp, uint64_t now, bool again, struct outbox *out)
{
	if (!again)
		cp->sent_id = cp_next_id(cp);
	cp->answered = true;
	send_packet(cp, CP_TERM_REQUEST, cp->sent_id, (const uint8_t *)cp->farewell,
		    cp->farewell ? strlen(cp->farewell) : 0, out);
	start_timer(cp, now);
}

static bool set_bit(uint8_t bits[32], uint8_t n)
{
	uint8_t mask = (uint8_t)(1 << n % 8);
	bool was_set = bits[n / 8] & mask;

	bits[n / 8] |= mask;
	return was_set;
}

/* RFC 1661 section 5.6: a copy of the packet, cut to the peer's MRU. */
static void send_code_reject(struct cp *cp, const struct ppp_packet *p, struct outbox *out)
{
	struct wire_writer w;

	if (set_bit(cp->code_rejected, p->code))
		return;
	w = frame_begin(out, cp->ops->protocol, CP_CODE_REJECT, cp_next_id(cp));
	wire_put_u8(&w, p->code);
	wire_put_u8(&w, p->id);
	wire_put_be16(&w, (uint16_t)(p->len + PPP_PACKET_HEADER));
	frame_put_cut(&w, p->data, p->len, cp->peer_mru);
	frame_end(out, &w);
}

/* A second option of one type is rejected: what is acknowledged is bounded by the known types. */
static enum cp_verdict judge_option(struct cp *cp, const struct option *o, uint8_t seen[32])
{
	enum cp_verdict v = set_bit(seen, o->type) ? CP_REJECT : cp->ops->judge(cp, o);

	return v == CP_NAK && cp->naks >= CP_MAX_FAILURE ? CP_REJECT : v;
}

static bool is_missing(const struct cp *cp, uint8_t seen[32])
{
	uint8_t type = cp->ops->required(cp);

	return type && !set_bit(seen, type);
}

static enum cp_verdict judge_request(struct cp *cp, const struct ppp_packet *p)
{
	struct wire_reader r = wire_reader(p->data, p->len);
	enum cp_verdict worst = CP_ACK;
	uint8_t seen[32] = {0};
	struct option o;

	while (option_next(&r, &o)) {
		enum cp_verdict v = judge_option(cp, &o, seen);

		worst = v > worst ? v : worst;
	}
	if (worst > CP_NAK || !is_missing(cp, seen))
		return worst;
	return cp->asked_for_missing ? CP_REFUSE : CP_NAK;
}

/* Options that do not fit the peer's MRU wait for the next round. */
static void put_refused(struct cp *cp, enum cp_verdict verdict, const struct option *o,
			struct wire_writer *w)
{
	const struct wire_writer before = *w;

	if (verdict == CP_REJECT)
		option_put(w, o->type, o->data, o->len);
	else
		cp->ops->write_nak(cp, o, w);
	if (wire_len(w) > (size_t)cp->peer_mru + PPP_FRAME_HEADER)
		*w = before;
}

/* A Reject with all options that are unknown, or else a Nak; never both in one packet. */
static void send_refusal(struct cp *cp, const struct ppp_packet *p, struct outbox *out)
{
	enum cp_verdict verdict = judge_request(cp, p);
	uint8_t code = verdict == CP_REJECT ? CP_CONF_REJECT : CP_CONF_NAK;
	struct wire_writer w = frame_begin(out, cp->ops->protocol, code, p->id);
	struct wire_reader r = wire_reader(p->data, p->len);
	size_t empty = wire_len(&w);
	uint8_t seen[32] = {0};
	struct option o;

	while (option_next(&r, &o)) {
		if (judge_option(cp, &o, seen) == verdict)
			put_refused(cp, verdict, &o, &w);
	}
	if (verdict == CP_NAK && is_missing(cp, seen)) {
		put_refused(cp, verdict, &(struct option){.type = cp->ops->required(cp)}, &w);
		cp->asked_for_missing = true;
	}
	if (wire_len(&w) > empty)
		frame_end(out, &w);
	cp->naks += verdict == CP_NAK;
}

static unsigned step(struct cp *cp, uint64_t now, enum fsm_event event, const struct ppp_packet *p,
		     struct outbox *out)
{
	unsigned actions = fsm_step(&cp->state, event);
	bool again = event == FSM_TO_PLUS;

	if (actions & FSM_IRC)
		cp->restarts = actions & FSM_STR ? CP_MAX_TERMINATE : CP_MAX_CONFIGURE;
	if (actions & FSM_ZRC) {
		cp->restarts = 0;
		start_timer(cp, now);
	}
	if (actions & FSM_SCR)
		send_request(cp, now, again, out);
	if (actions & FSM_SCA)
		send_packet(cp, CP_CONF_ACK, p->id, p->data, p->len, out);
	if (actions & FSM_SCN)
		send_refusal(cp, p, out);
	if (actions & FSM_STR)
		send_terminate(cp, now, again, out);
	if (actions & FSM_STA)
		send_packet(cp, CP_TERM_ACK, p->id, NULL, 0, out);
	if (actions & FSM_SCJ)
		send_code_reject(cp, p, out);
	if (!fsm_has_timer(cp->state))
		cp->deadline = CLOCK_NEVER;
	return actions & OWNER_ACTIONS;
}

static bool is_negotiating(const struct cp *cp)
{
	return cp->state == FSM_STOPPED || cp->state >= FSM_REQ_SENT;
}

static void take_request(struct cp *cp, const struct ppp_packet *p)
{
	struct wire_reader r = wire_reader(p->data, p->len);
	struct option o;

	cp->ops->forget(cp);
	while (option_next(&r, &o))
		cp->ops->take(cp, &o);
	memcpy(cp->acked, p->data, p->len);
	cp->acked_len = (uint8_t)p->len;
	cp->naks = 0;
}

static bool is_acked_before(const struct cp *cp, const struct ppp_packet *p)
{
	return p->len == cp->acked_len && memcmp(p->data, cp->acked, p->len) == 0;
}

static unsigned on_conf_request(struct cp *cp, uint64_t now, const struct ppp_packet *p,
				struct outbox *out)
{
	enum cp_verdict verdict;

	if (option_check(p->data, p->len))
		return 0;
	if (!is_negotiating(cp)) /* both events do the same there */
		return step(cp, now, FSM_RCR_PLUS, p, out);
	if (cp->state == FSM_OPENED && is_acked_before(cp, p)) {
		send_packet(cp, CP_CONF_ACK, p->id, p->data, p->len, out);
		return 0;
	}
	if (cp->state == FSM_OPENED && cp->settled)
		return cp_fail(cp, "the peer wants to negotiate anew");
	verdict = judge_request(cp, p);
	if (verdict == CP_REFUSE || (verdict == CP_ACK && p->len > CP_OPTIONS_MAX))
		return cp_fail(cp, "the peer's options cannot be agreed on");
	if (verdict == CP_ACK) {
		take_request(cp, p);
		return step(cp, now, FSM_RCR_PLUS, p, out);
	}
	if (++cp->rounds_sent > CP_MAX_ROUNDS)
		return cp_fail(cp, "the peer insists on options that we refuse");
	return step(cp, now, FSM_RCR_MINUS, p, out);
}

static bool answers_our_request(const struct cp *cp, const struct ppp_packet *p)
{
	return !cp->answered && p->id == cp->sent_id;
}

static unsigned on_conf_ack(struct cp *cp, uint64_t now, const struct ppp_packet *p,
			    struct outbox *out)
{
	if (!answers_our_request(cp, p) || p->len != cp->sent_len ||
	    memcmp(p->data, cp->sent, p->len))
		return 0;
	cp->answered = true;
	return step(cp, now, FSM_RCA, p, out);
}

/* A Reject holds options of ours, unchanged and in our order (RFC 1661 section 5.4). */
static bool is_part_of_our_request(const struct cp *cp, const struct ppp_packet *p)
{
	struct wire_reader theirs = wire_reader(p->data, p->len);
	struct wire_reader ours = wire_reader(cp->sent, cp->sent_len);
	struct option t, o;

	while (option_next(&theirs, &t)) {
		do {
			if (!option_next(&ours, &o))
				return false;
		} while (!option_equal(&t, &o));
	}
	return true;
}

static unsigned on_conf_refusal(struct cp *cp, uint64_t now, const struct ppp_packet *p,
				struct outbox *out)
{
	bool rejected = p->code == CP_CONF_REJECT;
	struct wire_reader r = wire_reader(p->data, p->len);
	struct option o;

	if (!answers_our_request(cp, p) || !p->len || option_check(p->data, p->len))
		return 0;
	if (rejected && !is_part_of_our_request(cp, p))
		return 0;
	cp->answered = true;
	if (++cp->rounds_received > CP_MAX_ROUNDS)
		return cp_fail(cp, "the peer refuses our options again and again");
	while (option_next(&r, &o)) {
		if (rejected ? cp->ops->on_reject(cp, &o) : cp->ops->on_nak(cp, &o))
			return cp_fail(cp, "the peer refuses an option that we need");
	}
	return step(cp, now, FSM_RCN, p, out);
}

static unsigned on_term_ack(struct cp *cp, uint64_t now, const struct ppp_packet *p,
			    struct outbox *out)
{
	if (cp->state == FSM_OPENED && cp->settled)
		return cp_fail(cp, "the peer is closed");
	return step(cp, now, FSM_RTA, p, out);
}

/* The codes that carry a negotiation cannot be done without; the others can. */
static unsigned on_code_reject(struct cp *cp, uint64_t now, const struct ppp_packet *p,
			       struct outbox *out)
{
	struct wire_reader r = wire_reader(p->data, p->len);
	uint8_t code = wire_u8(&r);

	if (!wire_ok(&r))
		return 0;
	if (code < CP_CONF_REQUEST || code > CP_TERM_ACK)
		return step(cp, now, FSM_RXJ_PLUS, p, out);
	if (!cp->reason)
		cp->reason = "the peer does not know a code that we need";
	return step(cp, now, FSM_RXJ_MINUS, p, out);
}

unsigned cp_input(struct cp *cp, uint64_t now, const struct ppp_packet *p, struct outbox *out)
{
	switch (p->code) {
	case CP_CONF_REQUEST: return on_conf_request(cp, now, p, out);
	case CP_CONF_ACK: return on_conf_ack(cp, now, p, out);
	case CP_CONF_NAK:
	case CP_CONF_REJECT: return on_conf_refusal(cp, now, p, out);
	case CP_TERM_REQUEST: return step(cp, now, FSM_RTR, p, out) | CP_PEER_CLOSED;
	case CP_TERM_ACK: return on_term_ack(cp, now, p, out);
	case CP_CODE_REJECT: return on_code_reject(cp, now, p, out);
	default: return step(cp, now, FSM_RUC, p, out);
	}
}

unsigned cp_event(struct cp *cp, uint64_t now, enum fsm_event event, struct outbox *out)
{
	return step(cp, now, event, NULL, out);
}

unsigned cp_on_timer(struct cp *cp, uint64_t now, struct outbox *out)
{
	if (now < cp->deadline)
		return 0;
	if (cp->restarts)
		return step(cp, now, FSM_TO_PLUS, NULL, out);
	if (!cp->reason)
		cp->reason = "the peer does not answer";
	return step(cp, now, FSM_TO_MINUS, NULL, out);
}

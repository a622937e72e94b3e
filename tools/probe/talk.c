/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/probe/talk.h"

#include <errno.h>
#include <string.h>

#include "sstp/base/outbox.h"
#include "sstp/ppp/cp.h"
#include "sstp/ppp/frame.h"
#include "sstp/ppp/lcp.h"
#include "sstp/ppp/option.h"
#include "sstp/proto/http.h"

enum {
	MRU_OF_WINDOWS = 4091,
	MAGIC = 0x5354,
	FRAME_ROOM = 4096 + 64, /* a Reject can be as long as what it rejects */
	LCP_PFC = 7,
	LCP_ACFC = 8,
};

/* In the order in which Windows prefers them. */
static const struct {
	unsigned method;
	uint8_t len;
	uint8_t data[3];
} on_wire[] = {
	{TALK_EAP, 2, {0xc2, 0x27}},
	{TALK_MSCHAPV2, 3, {0xc2, 0x23, 0x81}},
	{TALK_PAP, 2, {0xc0, 0x23}},
};

#define N_METHODS (sizeof(on_wire) / sizeof(on_wire[0]))

int talk_start(struct talk *t, const char *host, const char *correlation_id, struct wire_writer *w)
{
	char request[HTTP_HEADER_MAX];
	int len = http_write_request(request, sizeof(request), host, correlation_id, "");

	memset(t, 0, sizeof(*t));
	if (len < 0)
		return len;
	wire_put(w, request, (size_t)len);
	return w->failed ? -ENOSPC : 0;
}

uint8_t *talk_space(struct talk *t, size_t *ret_size)
{
	*ret_size = sizeof(t->in) - t->used;
	return t->in + t->used;
}

/* ---- LCP ---- */

struct draft {
	uint8_t room[FRAME_ROOM];
	struct outbox box;
	struct wire_writer w;
};

static struct wire_writer *draft_begin(struct draft *d, uint8_t code, uint8_t id)
{
	d->box = outbox(d->room, sizeof(d->room));
	d->w = frame_begin(&d->box, PPP_LCP, code, id);
	return &d->w;
}

static void draft_send(struct draft *d, struct wire_writer *out)
{
	uint8_t header[SSTP_HEADER_SIZE], *frame;
	size_t pos = 0, len;

	frame_end(&d->box, &d->w);
	while (outbox_next(&d->box, &pos, &frame, &len)) {
		if (len + sizeof(header) > SSTP_PACKET_MAX)
			continue;
		sstp_put_data_header(header, len);
		wire_put(out, header, sizeof(header));
		wire_put(out, frame, len);
	}
}

/* is_plain: without options, which nobody refuses. */
static void send_request(struct talk *t, bool is_plain, struct wire_writer *out)
{
	static const uint8_t mru[] = {MRU_OF_WINDOWS >> 8, MRU_OF_WINDOWS & 0xff};
	static const uint8_t magic[] = {0, 0, MAGIC >> 8, MAGIC & 0xff};
	struct draft d;
	struct wire_writer *w = draft_begin(&d, CP_CONF_REQUEST, ++t->id);

	if (!is_plain) {
		option_put(w, LCP_MRU, mru, sizeof(mru));
		option_put(w, LCP_MAGIC, magic, sizeof(magic));
	}
	draft_send(&d, out);
}

static unsigned method_of(const struct option *o)
{
	for (size_t i = 0; i < N_METHODS; i++)
		if (o->len == on_wire[i].len && memcmp(o->data, on_wire[i].data, o->len) == 0)
			return on_wire[i].method;
	return 0;
}

static bool is_known(const struct option *o)
{
	return o->type == LCP_MRU || o->type == LCP_ACCM || o->type == LCP_AUTH ||
	       o->type == LCP_MAGIC || o->type == LCP_PFC || o->type == LCP_ACFC;
}

/* True when there was something to reject. */
static bool reject_unknown(const struct ppp_packet *p, struct wire_writer *out)
{
	struct wire_reader r = wire_reader(p->data, p->len);
	struct draft d;
	struct wire_writer *w = draft_begin(&d, CP_CONF_REJECT, p->id);
	bool has_unknown = false;
	struct option o;

	while (option_next(&r, &o))
		if (!is_known(&o)) {
			option_put(w, o.type, o.data, o.len);
			has_unknown = true;
		}
	if (has_unknown)
		draft_send(&d, out);
	return has_unknown;
}

/* Asks for the next method that nothing is known of. False: there is none. */
static bool ask_for_next(struct talk *t, uint8_t id, struct wire_writer *out)
{
	struct draft d;

	for (size_t i = 0; i < N_METHODS; i++)
		if (!(on_wire[i].method & (t->methods | t->refused))) {
			t->wanted = on_wire[i].method;
			option_put(draft_begin(&d, CP_CONF_NAK, id), LCP_AUTH, on_wire[i].data,
				   on_wire[i].len);
			draft_send(&d, out);
			return true;
		}
	return false;
}

static void on_offer(struct talk *t, const struct option *auth, uint8_t id, struct wire_writer *out)
{
	t->methods |= method_of(auth);
	if (t->wanted && !(t->methods & t->wanted))
		t->refused |= t->wanted;
	t->wanted = 0;
	if (++t->naks > TALK_NAKS_MAX || !ask_for_next(t, id, out))
		t->end = TALK_COMPLETE;
}

static void on_request(struct talk *t, const struct ppp_packet *p, struct wire_writer *out)
{
	struct wire_reader r = wire_reader(p->data, p->len);
	struct option o, auth = {0};

	if (option_check(p->data, p->len) < 0)
		return;
	t->has_asked = true;
	while (option_next(&r, &o)) {
		if (o.type == LCP_AUTH)
			auth = o;
		if (o.type == LCP_MRU && o.len == 2)
			t->mru = (uint16_t)(o.data[0] << 8 | o.data[1]);
	}
	if (reject_unknown(p, out))
		return;
	if (auth.type == LCP_AUTH) {
		on_offer(t, &auth, p->id, out);
	} else {
		t->is_open = true;
		t->end = TALK_COMPLETE;
	}
}

static void on_lcp(struct talk *t, const struct ppp_packet *p, struct wire_writer *out)
{
	switch (p->code) {
	case CP_CONF_REQUEST: on_request(t, p, out); break;
	case CP_CONF_NAK:
	case CP_CONF_REJECT: /* the second time there is nothing to refuse */
		if (p->len && t->id == 1)
			send_request(t, true, out);
		break;
	case CP_TERM_REQUEST: /* how some servers end it when they have no other method */
		t->end = t->has_asked ? TALK_COMPLETE : TALK_TERMINATED;
		break;
	default: break;
	}
}

static void on_data(struct talk *t, const uint8_t *bytes, size_t len, struct wire_writer *out)
{
	struct ppp_frame frame;
	struct ppp_packet p;

	if (t->is_connected && frame_decode(bytes, len, &frame) == 0 && frame.protocol == PPP_LCP &&
	    frame_decode_packet(&frame, &p) == 0)
		on_lcp(t, &p, out);
}

/* ---- SSTP ---- */

static void on_ack(struct talk *t, const struct sstp_control *msg, struct wire_writer *out)
{
	static const uint8_t zeros[SSTP_NONCE_SIZE];
	struct wire_reader value;
	const uint8_t *nonce;
	struct sstp_attr a;

	if (t->is_connected)
		return;
	if (!sstp_only_attr(msg, SSTP_ATTRIB_CRYPTO_BINDING_REQ, SSTP_CRYPTO_BINDING_REQ_SIZE,
			    &a)) {
		t->end = TALK_NO_BINDING;
		return;
	}
	value = wire_reader(a.value, a.value_len);
	wire_bytes(&value, 3); /* reserved */
	t->hashes = wire_u8(&value);
	nonce = wire_bytes(&value, SSTP_NONCE_SIZE);
	t->has_nonce = nonce && memcmp(nonce, zeros, sizeof(zeros)) != 0;
	t->is_connected = true;
	send_request(t, false, out);
}

static void on_control(struct talk *t, const uint8_t *pkt, size_t len, struct wire_writer *out)
{
	struct sstp_control msg;

	if (sstp_decode_control(pkt, len, &msg) < 0 || msg.malformed) {
		t->end = TALK_NO_SSTP;
		return;
	}
	switch (msg.type) {
	case SSTP_MSG_CALL_CONNECT_ACK: on_ack(t, &msg, out); break;
	case SSTP_MSG_CALL_CONNECT_NAK: t->end = TALK_NAK; break;
	case SSTP_MSG_CALL_ABORT:
	case SSTP_MSG_CALL_DISCONNECT: t->end = t->has_asked ? TALK_COMPLETE : TALK_ABORTED; break;
	case SSTP_MSG_ECHO_REQUEST: sstp_put_echo_response(out); break;
	default: break;
	}
	if (t->end == TALK_NAK || t->end == TALK_ABORTED)
		t->status = sstp_first_status(&msg).status;
}

/* The bytes that are done with; 0: more are needed, or it has ended. */
static size_t take_packet(struct talk *t, const uint8_t *at, size_t len, struct wire_writer *out)
{
	int n = sstp_packet_len(at, len);

	if (n < 0)
		t->end = TALK_NO_SSTP;
	if (n <= 0 || (size_t)n > len)
		return 0;
	if (sstp_packet_is_control(at))
		on_control(t, at, (size_t)n, out);
	else
		on_data(t, at + SSTP_HEADER_SIZE, (size_t)n - SSTP_HEADER_SIZE, out);
	return (size_t)n;
}

static size_t take_reply(struct talk *t, const uint8_t *at, size_t len, struct wire_writer *out)
{
	int n = http_parse_reply(at, len, &t->http_status);

	if (n == -EPROTO) {
		t->end = TALK_HTTP_REFUSED;
	} else if (n < 0) {
		t->end = TALK_NO_HTTP;
	} else if (n > 0) {
		t->has_http = true;
		sstp_put_call_connect_request(out);
	}
	return n > 0 ? (size_t)n : 0;
}

void talk_received(struct talk *t, size_t n, struct wire_writer *w)
{
	size_t at = 0, step = 1;

	if (t->end != TALK_GOES_ON)
		return;
	t->used += n;
	while (step && at < t->used && t->end == TALK_GOES_ON) {
		step = t->has_http ? take_packet(t, t->in + at, t->used - at, w)
				   : take_reply(t, t->in + at, t->used - at, w);
		at += step;
	}
	memmove(t->in, t->in + at, t->used - at);
	t->used -= at;
	if (t->end == TALK_COMPLETE)
		sstp_put_call_disconnect(w);
}

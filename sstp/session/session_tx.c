/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a session sends. Control packets at once; data packets wait until the end of the pass and leave packed
 * into TLS records. While the socket does not take more, both wait here as plaintext, each in its own bounded
 * queue, and control goes first.
 */
#include <errno.h>

#include "sstp/base/log.h"
#include "sstp/session/session_internal.h"

/* SSTP header, FF 03, protocol 0021 */
enum {
	DATA_HEADER = SSTP_HEADER_SIZE + 4
};

static bool queue_control(struct session *s, const uint8_t *pkt, size_t len)
{
	struct pbuf *p = pbuf_new(&s->env->pool);

	if (p && len <= PBUF_DATA_MAX) {
		memcpy(pbuf_data(p), pkt, len);
		p->len = (uint16_t)len;
		if (pbuf_queue_push(&s->control, p))
			return true;
	}
	pbuf_free(&s->env->pool, p);
	session_note(s, SESSION_END_LOST, "the peer does not read its control packets");
	session_cut(s);
	return false;
}

static bool send_one(struct session *s, const uint8_t *pkt, size_t len)
{
	if (pbuf_queue_is_empty(&s->control) && stream_send(s->stream, pkt, len) != -EAGAIN)
		return true; /* sent, or the stream has ended and says so by itself */
	return queue_control(s, pkt, len);
}

bool session_send_control(struct session *s, struct outbox *out)
{
	uint8_t *pkt;
	size_t pos = 0, len;

	while (outbox_next(out, &pos, &pkt, &len))
		if (!send_one(s, pkt, len))
			return false;
	return true;
}

bool session_send_frames(struct session *s, struct outbox *out)
{
	uint8_t *frame;
	size_t pos = 0, len;

	while (outbox_next(out, &pos, &frame, &len)) {
		sstp_put_data_header(frame - SSTP_HEADER_SIZE, len);
		if (!send_one(s, frame - SSTP_HEADER_SIZE, len + SSTP_HEADER_SIZE))
			return false;
	}
	return true;
}

static void mark_dirty(struct session *s)
{
	if (s->is_dirty)
		return;
	s->is_dirty = true;
	s->next_dirty = s->env->dirty;
	s->env->dirty = s;
}

void session_send(struct session *s, struct pbuf *p)
{
	enum drop_reason why;

	if (!s->is_up)
		why = DROP_NOT_OPEN;
	else if (p->len > link_peer_mru(&s->link))
		why = DROP_TOO_BIG;
	else if (pbuf_queue_push(&s->data, p)) {
		mark_dirty(s);
		return;
	} else
		why = DROP_QUEUE_FULL;
	s->traffic.drops[why]++;
	pbuf_free(&s->env->pool, p);
}

static size_t pack_one(struct session *s, uint8_t *at, struct pbuf *p)
{
	static const uint8_t ipv4_header[] = {0xff, 0x03, 0x00, 0x21};
	uint8_t *header;
	size_t len;

	s->traffic.tx_packets++;
	s->traffic.tx_bytes += p->len;
	header = pbuf_push(p, DATA_HEADER);
	len = p->len;
	sstp_put_data_header(header, len - SSTP_HEADER_SIZE);
	memcpy(header + SSTP_HEADER_SIZE, ipv4_header, sizeof(ipv4_header));
	memcpy(at, header, len);
	pbuf_free(&s->env->pool, p);
	return len;
}

void session_pack(struct session *s)
{
	while (s->data.head && !stream_is_blocked(s->stream)) {
		uint8_t *record = s->env->record;
		size_t used = 0;

		while (s->data.head && used + DATA_HEADER + s->data.head->len <= SESSION_RECORD_MAX)
			used += pack_one(s, record + used, pbuf_queue_pop(&s->data));
		if (stream_send(s->stream, record, used) < 0)
			return;
	}
}

void session_on_writable(struct session *s)
{
	while (s->control.head && !stream_is_blocked(s->stream)) {
		struct pbuf *p = pbuf_queue_pop(&s->control);

		stream_send(s->stream, pbuf_data(p), p->len);
		pbuf_free(&s->env->pool, p);
	}
	if (s->data.head)
		mark_dirty(s);
}

void session_tx_done(struct session *s)
{
	for (struct session **at = &s->env->dirty; s->is_dirty && *at; at = &(*at)->next_dirty) {
		if (*at == s) {
			*at = s->next_dirty;
			s->is_dirty = false;
			break;
		}
	}
	pbuf_queue_clear(&s->data, &s->env->pool);
	pbuf_queue_clear(&s->control, &s->env->pool);
}

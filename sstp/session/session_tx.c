/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a session sends. Everything waits until the end of the pass and leaves packed into TLS records, control
 * packets in front of data. While the socket takes no more, it waits on as plaintext: control in a small
 * buffer of its own, data in a bounded queue that drops.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "sstp/base/log.h"
#include "sstp/session/session_internal.h"

/* SSTP header, FF 03, protocol 0021 */
enum {
	DATA_HEADER = SSTP_HEADER_SIZE + 4
};

static_assert(PBUF_DATA_MAX + DATA_HEADER <= SESSION_RECORD_MAX, "a packet fits into a record");

void session_mark_dirty(struct session *s)
{
	if (s->is_dirty)
		return;
	s->is_dirty = true;
	s->next_dirty = s->env->dirty;
	s->env->dirty = s;
}

/* What a peer can make us hold before it has logged in is much less than after. */
static size_t control_max(const struct session *s)
{
	return s->binding_done ? SESSION_CONTROL_MAX : SESSION_CONTROL_EARLY_MAX;
}

static bool queue_control(struct session *s, const uint8_t *pkt, size_t len)
{
	if (!s->control)
		s->control = malloc(SESSION_CONTROL_MAX);
	if (!s->control || s->control_len + len > control_max(s)) {
		session_note(s, SESSION_END_LOST, "the peer asks for more answers than it reads");
		session_cut(s);
		return false;
	}
	memcpy(s->control + s->control_len, pkt, len);
	s->control_len += len;
	session_mark_dirty(s);
	return true;
}

bool session_send_control(struct session *s, struct outbox *out)
{
	uint8_t *pkt;
	size_t pos = 0, len;

	while (outbox_next(out, &pos, &pkt, &len))
		if (!queue_control(s, pkt, len))
			return false;
	return true;
}

bool session_send_frames(struct session *s, struct outbox *out)
{
	uint8_t *frame;
	size_t pos = 0, len;

	while (outbox_next(out, &pos, &frame, &len)) {
		sstp_put_data_header(frame - SSTP_HEADER_SIZE, len);
		if (!queue_control(s, frame - SSTP_HEADER_SIZE, len + SSTP_HEADER_SIZE))
			return false;
	}
	return true;
}

/* A session may hold a part of the buffers that are left, so that slow ones never take the last. */
static bool may_hold_more(const struct session *s)
{
	const struct pbuf_pool *pool = &s->env->pool;

	return s->data.bytes / PBUF_CHARGE_MIN < (pool->limit - pool->used) / 4;
}

void session_send(struct session *s, struct pbuf *p)
{
	enum drop_reason why;

	if (!s->is_up)
		why = DROP_NOT_OPEN;
	else if (p->len > link_peer_mru(&s->link))
		why = DROP_TOO_BIG;
	else if (may_hold_more(s) && pbuf_queue_push(&s->data, p)) {
		session_mark_dirty(s);
		return;
	} else
		why = DROP_QUEUE_FULL;
	s->traffic.drops[why]++;
	pbuf_free(&s->env->pool, p);
}

static bool send_control(struct session *s)
{
	if (!s->control)
		return true;
	if (stream_send(s->stream, s->control, s->control_len) < 0)
		return false;
	free(s->control);
	s->control = NULL;
	s->control_len = 0;
	return true;
}

static size_t put_packet(uint8_t *at, struct pbuf *p)
{
	static const uint8_t ipv4_header[] = {0xff, 0x03, 0x00, 0x21};

	sstp_put_data_header(at, sizeof(ipv4_header) + p->len);
	memcpy(at + SSTP_HEADER_SIZE, ipv4_header, sizeof(ipv4_header));
	memcpy(at + DATA_HEADER, pbuf_data(p), p->len);
	return DATA_HEADER + (size_t)p->len;
}

/* One record of as many packets as fit; they leave the queue when the stream has taken them. */
static bool send_record(struct session *s)
{
	uint8_t *record = s->env->record;
	size_t used = 0, n = 0;

	for (struct pbuf *p = s->data.head; p && used + DATA_HEADER + p->len <= SESSION_RECORD_MAX;
	     p = p->next, n++)
		used += put_packet(record + used, p);
	if (stream_send(s->stream, record, used) < 0)
		return false;
	for (; n; n--) {
		struct pbuf *p = pbuf_queue_pop(&s->data);

		s->traffic.tx_packets++;
		s->traffic.tx_bytes += p->len;
		pbuf_free(&s->env->pool, p);
	}
	return true;
}

void session_pack(struct session *s)
{
	if (!send_control(s))
		return;
	while (s->data.head && send_record(s))
		;
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
	free(s->control);
	s->control = NULL;
}

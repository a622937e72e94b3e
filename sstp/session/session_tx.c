/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a session sends. A packet from the device goes straight into the TLS record that is being packed, one at a time in
 * a thread; another session's packet, a full record or the end of the pass sends it. While the socket takes no more,
 * packets wait as plaintext in a bounded queue that drops, and leave packed into records too. Control packets wait for the
 * end of the pass in a small buffer of their own.
 *
 * Invariant: a record is being packed only for a session whose queue is empty, so that packets stay in order.
 */
#include <assert.h>
#include <errno.h>
#include <linux/virtio_net.h>
#include <stdlib.h>

#include "sstp/base/log.h"
#include "sstp/session/session_internal.h"
#include "tun/ip.h"
#include "tun/offload_split.h"

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

static bool queue_packet(struct session *s, struct pbuf *p)
{
	if (may_hold_more(s) && pbuf_queue_push(&s->data, p)) {
		session_mark_dirty(s);
		return true;
	}
	s->traffic.drops[DROP_QUEUE_FULL]++;
	pbuf_free(&s->env->pool, p);
	return false;
}

static void put_header(uint8_t *at, size_t len)
{
	static const uint8_t ipv4_header[] = {0xff, 0x03, 0x00, 0x21};

	sstp_put_data_header(at, sizeof(ipv4_header) + len);
	memcpy(at + SSTP_HEADER_SIZE, ipv4_header, sizeof(ipv4_header));
}

/* The stream filled up under a record that was being packed: its packets wait like all others. */
static void requeue_record(struct session *s, const uint8_t *record, size_t used)
{
	for (size_t at = 0; at < used; at += (size_t)sstp_packet_len(record + at, used - at)) {
		size_t len = (size_t)sstp_packet_len(record + at, used - at) - DATA_HEADER;
		struct pbuf *p = pbuf_new(&s->env->pool);

		if (!p) {
			s->traffic.drops[DROP_NO_BUFFER]++;
			continue;
		}
		memcpy(p->data, record + at + DATA_HEADER, len);
		p->len = (uint16_t)len;
		queue_packet(s, p);
	}
}

void session_flush_record(struct session_env *env)
{
	struct session *s = env->record_of;
	size_t used = env->record_len;

	if (!s)
		return;
	env->record_of = NULL;
	env->record_len = 0;
	if (stream_send(s->stream, env->record, used) < 0) {
		requeue_record(s, env->record, used);
		return;
	}
	s->traffic.tx_packets += env->record_packets;
	s->traffic.tx_bytes += used - env->record_packets * (size_t)DATA_HEADER;
}

/* Where a packet of len bytes goes in the record, its header before it; NULL: it must wait in the queue. */
static uint8_t *record_room(struct session *s, size_t len)
{
	struct session_env *env = s->env;
	uint8_t *at;

	/* a stream that has filled up since gets its record's packets back into the queue, before this one */
	if (env->record_of != s || env->record_len + DATA_HEADER + len > SESSION_RECORD_MAX ||
	    stream_is_blocked(s->stream))
		session_flush_record(env);
	if (s->data.head || stream_is_blocked(s->stream))
		return NULL;
	if (!env->record_of)
		env->record_packets = 0;
	env->record_of = s;
	at = env->record + env->record_len;
	put_header(at, len);
	env->record_len += DATA_HEADER + len;
	env->record_packets++;
	return at + DATA_HEADER;
}

static void clamp(uint8_t *pkt, size_t len, uint16_t mtu)
{
	struct ip_info ip;

	if (ip_parse(pkt, len, &ip) == 0)
		ip_clamp_mss(pkt, &ip, mtu);
}

/* The next packet of the split. False: it and the rest are dropped. */
static bool send_next(struct session *s, struct offload_split *split, size_t len,
		      uint16_t clamp_mtu)
{
	uint8_t *room = record_room(s, len);
	struct pbuf *p = NULL;

	if (!room) {
		p = pbuf_new(&s->env->pool);
		if (!p) {
			s->traffic.drops[DROP_NO_BUFFER]++;
			return false;
		}
		p->len = (uint16_t)len;
		room = p->data;
	}
	offload_split_next(split, room);
	if (clamp_mtu)
		clamp(room, len, clamp_mtu);
	return !p || queue_packet(s, p);
}

void session_send(struct session *s, const struct virtio_net_hdr *h, const uint8_t *pkt, size_t len,
		  uint16_t mtu)
{
	uint16_t mru = link_peer_mru(&s->link);
	struct offload_split split;
	size_t n;
	int r;

	if (!s->is_up) {
		s->traffic.drops[DROP_NOT_OPEN]++;
		return;
	}
	r = offload_split_begin(&split, h, pkt, len, mru);
	if (r < 0) {
		s->traffic.drops[r == -EMSGSIZE ? DROP_TOO_BIG : DROP_MALFORMED]++;
		return;
	}
	mtu = mtu < mru ? mtu : mru;
	while ((n = offload_split_next_len(&split)) > 0)
		/* only a packet of its own can be a SYN */
		if (!send_next(s, &split, n, h->gso_type == VIRTIO_NET_HDR_GSO_NONE ? mtu : 0))
			return;
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
	put_header(at, p->len);
	memcpy(at + DATA_HEADER, p->data, p->len);
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
	session_flush_record(s->env);
	if (!send_control(s))
		return;
	while (s->data.head && send_record(s))
		;
}

void session_tx_done(struct session *s)
{
	if (s->env->record_of == s) {
		s->env->record_of = NULL;
		s->env->record_len = 0;
	}
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
	s->control_len = 0;
}

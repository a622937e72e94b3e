/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a session sends. A packet from the device goes straight into the TLS record that is being packed, one at a time in
 * a thread; another session's packet, a full record or the end of the pass sends it. While the socket takes no more,
 * packets wait as plaintext in a bounded queue that is fair and drops (fq.h), and leave packed into records too: not more
 * than the socket takes, so that what comes later can still overtake what waits. Control packets wait for the end of the
 * pass in a small buffer of their own.
 *
 * Invariant: a record is being packed only for a session whose queue is empty, so that the packets of a flow stay in order;
 * and nothing is added while control packets wait: a peer that gets data before the Ack that opens its protocol drops it.
 */
#include <assert.h>
#include <errno.h>
#include <linux/virtio_net.h>
#include <stddef.h>
#include <stdlib.h>

#include "sstp/base/log.h"
#include "sstp/session/session_internal.h"
#include "tun/ip.h"
#include "tun/offload_split.h"

/* SSTP header, FF 03, protocol 0021 or 0057 */
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

/* ---- who watches sees it ---- */

void session_on_queue_drop(struct fq *q, const struct pbuf *p, enum drop_reason why)
{
	struct session *s = (struct session *)((char *)q - offsetof(struct session, data));

	tap_show(s->env->taps, TAP_TO_CLIENT, why, s, p->data, p->len);
}

static __attribute__((noinline, cold)) void show_each(struct session *s, unsigned verdict,
						      const uint8_t *record, size_t used)
{
	for (size_t at = 0; at < used; at += (size_t)sstp_packet_len(record + at, used - at)) {
		size_t len = (size_t)sstp_packet_len(record + at, used - at) - DATA_HEADER;

		tap_show(s->env->taps, TAP_TO_CLIENT, verdict, s, record + at + DATA_HEADER, len);
	}
}

/* All packets of a record. */
static void show_record(struct session *s, unsigned verdict, const uint8_t *record, size_t used)
{
	if (__builtin_expect(s->env->taps != NULL, 0))
		show_each(s, verdict, record, used);
}

/* What the device gave is dropped as a whole. */
static __attribute__((noinline, cold)) void drop_all(struct session *s, enum drop_reason why,
						     const struct virtio_net_hdr *h,
						     const uint8_t *pkt, size_t len)
{
	s->traffic.drops[why] += offload_split_count(h, pkt, len);
	if (s->env->taps)
		tap_tell_split(s->env->taps,
			       &(struct tap_packet){TAP_TO_CLIENT, why, s, NULL, pkt, len}, h);
}

/* What is left of the split has no buffer. */
static __attribute__((noinline, cold)) void drop_rest(struct session *s,
						      struct offload_split *split)
{
	uint8_t pkt[PBUF_DATA_MAX];
	size_t len;

	while ((len = offload_split_next_len(split)) > 0) {
		offload_split_next(split, pkt);
		s->traffic.drops[DROP_NO_BUFFER]++;
		tap_show(s->env->taps, TAP_TO_CLIENT, DROP_NO_BUFFER, s, pkt, len);
	}
}

/* ---- packets ---- */

static void queue_packet(struct session *s, struct pbuf *p)
{
	fq_push(&s->data, loop_now(s->env->loop), p);
	session_mark_dirty(s);
}

/* By the first byte of an IP packet; of IPv4 and IPv6 the protocol's first byte is 0. */
static uint8_t protocol_of(uint8_t first)
{
	return first >> 4 == 6 ? PPP_IPV6 : PPP_IPV4;
}

static void put_header(uint8_t *at, size_t len, uint8_t protocol)
{
	const uint8_t header[] = {0xff, 0x03, 0x00, protocol};

	sstp_put_data_header(at, sizeof(header) + len);
	memcpy(at + SSTP_HEADER_SIZE, header, sizeof(header));
}

/* The stream filled up under a record that was being packed: its packets wait like all others. */
static void requeue_record(struct session *s, const uint8_t *record, size_t used)
{
	for (size_t at = 0; at < used; at += (size_t)sstp_packet_len(record + at, used - at)) {
		size_t len = (size_t)sstp_packet_len(record + at, used - at) - DATA_HEADER;
		struct pbuf *p = pbuf_new(&s->env->pool, len);

		if (!p) {
			s->traffic.drops[DROP_NO_BUFFER]++;
			tap_show(s->env->taps, TAP_TO_CLIENT, DROP_NO_BUFFER, s,
				 record + at + DATA_HEADER, len);
			continue;
		}
		memcpy(p->data, record + at + DATA_HEADER, len);
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
	show_record(s, TAP_PASSED, env->record, used);
}

/*
 * Of packets, at least one of them, however little it is. The end of a burst in a record of several would wait in the TLS of
 * a client that reads packet by packet until something else is sent: five bursts of eight datagrams were 33 datagrams, and
 * some of the fetches of 16 KB took 0.3 s longer.
 */
static size_t record_max(const struct session *s)
{
	size_t max = s->is_single ? 0 : stream_record_max(s->stream);

	return max < SESSION_RECORD_MAX ? max : SESSION_RECORD_MAX;
}

/* Where a packet of len bytes goes in the record, its header before it; NULL: it must wait in the queue. */
static uint8_t *record_room(struct session *s, size_t len, uint8_t protocol)
{
	struct session_env *env = s->env;
	uint8_t *at;

	/* a stream that has filled up since gets its record's packets back into the queue, before this one */
	if (env->record_of != s || env->record_len + DATA_HEADER + len > record_max(s) ||
	    stream_is_blocked(s->stream))
		session_flush_record(env);
	if (!fq_is_empty(&s->data) || s->control_len || stream_is_blocked(s->stream))
		return NULL;
	if (!env->record_of)
		env->record_packets = 0;
	env->record_of = s;
	at = env->record + env->record_len;
	put_header(at, len, protocol);
	env->record_len += DATA_HEADER + len;
	env->record_packets++;
	return at + DATA_HEADER;
}

static void clamp(uint8_t *pkt, size_t len, uint16_t mtu)
{
	struct ip_info ip;
	struct ip6_info ip6;
	int r = ip_parse(pkt, len, &ip);

	if (r == 0)
		ip_clamp_mss(pkt, &ip, mtu);
	else if (r == -EAFNOSUPPORT && ip6_parse(pkt, len, &ip6) == 0)
		ip6_clamp_mss(pkt, &ip6, mtu);
}

/* The next packet of the split. False: it and the rest are dropped. */
static bool send_next(struct session *s, struct offload_split *split, size_t len, uint8_t protocol,
		      uint16_t clamp_mtu)
{
	uint8_t *room = record_room(s, len, protocol);
	struct pbuf *p = NULL;

	if (!room) {
		p = pbuf_new(&s->env->pool, len);
		if (!p) {
			drop_rest(s, split);
			return false;
		}
		room = p->data;
	}
	offload_split_next(split, room);
	if (clamp_mtu)
		clamp(room, len, clamp_mtu);
	if (p)
		queue_packet(s, p);
	return true;
}

int session_send(struct session *s, const struct virtio_net_hdr *h, const uint8_t *pkt, size_t len,
		 uint16_t mtu)
{
	uint16_t mru = link_peer_mru(&s->link);
	uint8_t protocol = len ? protocol_of(pkt[0]) : PPP_IPV4;
	struct offload_split split;
	size_t n;
	int r;

	if (protocol == PPP_IPV6 ? !s->is_up6 : !s->is_up) {
		drop_all(s, DROP_NOT_OPEN, h, pkt, len);
		return 0;
	}
	r = offload_split_begin(&split, h, pkt, len, mru);
	if (r < 0) {
		drop_all(s, r == -EMSGSIZE ? DROP_TOO_BIG : DROP_MALFORMED, h, pkt, len);
		return r == -EMSGSIZE ? r : 0;
	}
	mtu = mtu < mru ? mtu : mru;
	while ((n = offload_split_next_len(&split)) > 0)
		/* only a packet of its own can be a SYN */
		if (!send_next(s, &split, n, protocol,
			       h->gso_type == VIRTIO_NET_HDR_GSO_NONE ? mtu : 0))
			break;
	return 0;
}

/*
 * Each in a record of its own: sstpc reads one SSTP packet whenever its socket is readable, and never sees that its TLS
 * still holds the rest of a record. What stands there second waits until the gateway has something else to say, which
 * in a negotiation is after the peer's restart timer, 3 s later. False: some are left.
 */
static bool send_control(struct session *s)
{
	size_t sent = 0;

	while (sent < s->control_len) {
		const uint8_t *pkt = s->control + sent;
		size_t len = (size_t)sstp_packet_len(pkt, s->control_len - sent);

		if (stream_send(s->stream, pkt, len) < 0)
			break;
		sent += len;
	}
	s->control_len -= sent;
	if (s->control_len) {
		memmove(s->control, s->control + sent, s->control_len);
		return false;
	}
	free(s->control);
	s->control = NULL;
	return true;
}

static size_t put_packet(uint8_t *at, struct pbuf *p)
{
	put_header(at, p->len, protocol_of(p->data[0]));
	memcpy(at + DATA_HEADER, p->data, p->len);
	return DATA_HEADER + (size_t)p->len;
}

/* Bytes that the next packet may have in a record that is this long; the first one may have any number. */
static size_t room_left(const struct session *s, size_t used)
{
	size_t max = record_max(s);

	if (used == 0)
		return PBUF_DATA_MAX;
	return used + DATA_HEADER < max ? max - used - DATA_HEADER : 0;
}

/* Packs what is next; what has only just begun to wait does not share its record with what has waited for longer. */
static size_t fill_record(struct session *s, uint32_t *ret_packets)
{
	uint8_t *record = s->env->record;
	uint64_t now = loop_now(s->env->loop);
	bool fresh = fq_is_next_fresh(&s->data);
	size_t used = 0;
	struct pbuf *p;

	*ret_packets = 0;
	while ((p = fq_pop(&s->data, now, room_left(s, used)))) {
		used += put_packet(record + used, p);
		times_count(&s->env->waits, (now - p->since) / 1000);
		++*ret_packets;
		pbuf_free(&s->env->pool, p);
		if (fresh && !fq_is_next_fresh(&s->data))
			break;
	}
	return used;
}

/* One record; a stream that is not blocked takes it, unless it has ended. */
static bool send_record(struct session *s)
{
	uint32_t packets;
	size_t used = fill_record(s, &packets);

	if (used == 0)
		return true;
	if (stream_send(s->stream, s->env->record, used) < 0) {
		s->traffic.drops[DROP_NOT_OPEN] += packets;
		show_record(s, DROP_NOT_OPEN, s->env->record, used);
		return false;
	}
	s->traffic.tx_packets += packets;
	s->traffic.tx_bytes += used - packets * (size_t)DATA_HEADER;
	show_record(s, TAP_PASSED, s->env->record, used);
	return true;
}

/*
 * As much of it as the stream takes now, a fragment in a record; the rest when the stream takes more. Behind all control
 * packets, so that a long one needs no place among them.
 */
static bool send_description(struct session *s)
{
	struct outbox out;
	uint8_t *frame;
	size_t next, len;

	while (s->description_due && s->is_up && link_is_subscribed(&s->link)) {
		size_t pos = 0;

		out = outbox(s->env->outbox, sizeof(s->env->outbox));
		next = link_describe(&s->link, s->description, s->description_len,
				     s->description_sent, &out);
		if (!outbox_next(&out, &pos, &frame, &len))
			return false;
		sstp_put_data_header(frame - SSTP_HEADER_SIZE, len);
		if (stream_send(s->stream, frame - SSTP_HEADER_SIZE, len + SSTP_HEADER_SIZE) < 0)
			return false;
		s->description_sent = next;
		s->description_due = next < s->description_len;
	}
	return true;
}

void session_pack(struct session *s)
{
	session_flush_record(s->env);
	if (!send_control(s) || !send_description(s))
		return;
	while (!fq_is_empty(&s->data) && !stream_is_blocked(s->stream) && send_record(s))
		;
}

uint16_t session_packet_max(const struct session *s, uint16_t mtu)
{
	uint16_t mru = link_peer_mru(&s->link);

	return mtu < mru ? mtu : mru;
}

bool session_has_waiting(const struct session *s)
{
	return !fq_is_empty(&s->data);
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
	fq_clear(&s->data);
	free(s->control);
	s->control = NULL;
	s->control_len = 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A segment's header is a template with its few changing fields patched in. Both checksums of the
 * template are summed once with those fields at zero, so that a segment costs its payload and a
 * handful of additions. All headers have an even length: IPv4 and TCP count in 4 bytes, UDP and
 * IPv6 with its extensions in 8.
 */
#include "tun/offload_split.h"

#include <errno.h>
#include <linux/virtio_net.h>
#include <string.h>

#include "tun/csum.h"
#include "tun/offload_packet.h"

enum {
	IPV4_LENGTH_AT = 2,
	IPV4_ID_AT = 4,
	IPV4_CHECKSUM_AT = 10,
	IPV6_LENGTH_AT = 4,
	TCP_SEQ_AT = 4,
	UDP_LENGTH_AT = 4,
};

/* ---- a packet that stays one ---- */

static int begin_single(struct offload_split *s, const struct virtio_net_hdr *h, const uint8_t *pkt,
			size_t len, uint16_t mtu)
{
	*s = (struct offload_split){.payload = pkt, .is_single = true};
	s->is_csum_wanted = h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM;
	if (len == 0)
		return -EBADMSG;
	if (len > mtu)
		return -EMSGSIZE;
	if (s->is_csum_wanted) {
		size_t at = (size_t)h->csum_start + h->csum_offset;

		if (at + sizeof(uint16_t) > len)
			return -EBADMSG;
		s->l4_at = h->csum_start;
		s->csum_at = (uint16_t)at;
	}
	s->left = (uint32_t)len;
	s->has_more = true;
	return 0;
}

/*
 * The field holds the pseudo-header's sum and is summed with the rest. A result of 0 is stored as
 * 0xffff whatever the protocol, as the kernel does: only UDP tells them apart.
 */
static void write_single(struct offload_split *s, uint8_t *dst)
{
	uint64_t sum;

	if (s->is_csum_wanted) {
		memcpy(dst, s->payload, s->l4_at);
		sum = csum_copy(0, dst + s->l4_at, s->payload + s->l4_at, s->left - s->l4_at);
		csum_put_udp(dst + s->csum_at, sum);
	} else {
		memcpy(dst, s->payload, s->left);
	}
	s->left = 0;
	s->has_more = false;
}

/* ---- a super-packet ---- */

static bool type_fits(uint8_t type, const struct offload_packet *p)
{
	switch (type) {
	case VIRTIO_NET_HDR_GSO_TCPV4: return p->protocol == OFFLOAD_TCP && p->version == 4;
	case VIRTIO_NET_HDR_GSO_TCPV6: return p->protocol == OFFLOAD_TCP && p->version == 6;
	case VIRTIO_NET_HDR_GSO_UDP_L4: return p->protocol == OFFLOAD_UDP;
	default: return false;
	}
}

static int parse_super(const struct virtio_net_hdr *h, uint8_t type, const uint8_t *pkt, size_t len,
		       struct offload_packet *ret_packet)
{
	if (offload_packet_parse(pkt, len, ret_packet) < 0)
		return -EBADMSG;
	if (ret_packet->header_len == 0 || ret_packet->header_len > OFFLOAD_SPLIT_HEADER_MAX)
		return -EBADMSG;
	if (!type_fits(type, ret_packet) || h->gso_size == 0)
		return -EBADMSG;
	if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM && h->csum_start != ret_packet->l4_at)
		return -EBADMSG;
	return 0;
}

/* Payload per segment, or 0: one would be longer than mtu. Datagrams keep their bounds. */
static uint16_t segment_size(const struct offload_packet *p, uint16_t gso_size, uint16_t mtu)
{
	uint32_t payload = p->len - p->header_len;
	uint16_t room;

	if (mtu <= p->header_len)
		return 0;
	room = (uint16_t)(mtu - p->header_len);
	if (p->protocol == OFFLOAD_TCP)
		return gso_size < room ? gso_size : room;
	return (gso_size < payload ? gso_size : payload) <= room ? gso_size : 0;
}

static void take_ip_fields(struct offload_split *s)
{
	uint8_t *ip = s->header;

	if (!s->is_ipv4) {
		offload_put_be16(ip + IPV6_LENGTH_AT, 0);
		return;
	}
	s->ipv4_id = offload_get_be16(ip + IPV4_ID_AT);
	offload_put_be16(ip + IPV4_LENGTH_AT, 0);
	offload_put_be16(ip + IPV4_ID_AT, 0);
	offload_put_be16(ip + IPV4_CHECKSUM_AT, 0);
	s->ip_sum = csum_add(0, ip, s->l4_at);
}

static void take_l4_fields(struct offload_split *s, const struct offload_packet *p)
{
	uint8_t *l4 = s->header + s->l4_at;

	offload_put_be16(l4 + s->csum_at, 0);
	if (s->is_tcp) {
		s->tcp_seq = offload_get_be32(l4 + TCP_SEQ_AT);
		s->tcp_flags = l4[OFFLOAD_TCP_FLAGS_AT];
		offload_put_be32(l4 + TCP_SEQ_AT, 0);
		l4[OFFLOAD_TCP_FLAGS_AT] = 0;
	} else {
		offload_put_be16(l4 + UDP_LENGTH_AT, 0);
	}
	s->l4_sum = csum_add(offload_packet_pseudo(p, 0), l4, (size_t)s->header_len - s->l4_at);
}

int offload_split_begin(struct offload_split *s, const struct virtio_net_hdr *h, const uint8_t *pkt,
			size_t len, uint16_t mtu)
{
	uint8_t type = h->gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;
	struct offload_packet p;

	if (type == VIRTIO_NET_HDR_GSO_NONE)
		return begin_single(s, h, pkt, len, mtu);
	if (parse_super(h, type, pkt, len, &p) < 0)
		return -EBADMSG;
	*s = (struct offload_split){
		.payload = pkt + p.header_len,
		.left = p.len - p.header_len,
		.size = segment_size(&p, h->gso_size, mtu),
		.header_len = p.header_len,
		.l4_at = p.l4_at,
		.csum_at = offload_packet_csum_at(&p),
		.has_more = true,
		.is_tcp = p.protocol == OFFLOAD_TCP,
		.is_ipv4 = p.version == 4,
	};
	if (s->size == 0)
		return -EMSGSIZE;
	memcpy(s->header, pkt, p.header_len);
	take_ip_fields(s);
	take_l4_fields(s, &p);
	return 0;
}

static uint16_t next_payload(const struct offload_split *s)
{
	return s->left < s->size ? (uint16_t)s->left : s->size;
}

unsigned offload_split_count(const struct virtio_net_hdr *h, const uint8_t *pkt, size_t len)
{
	struct offload_split s;

	if (h->gso_type == VIRTIO_NET_HDR_GSO_NONE ||
	    offload_split_begin(&s, h, pkt, len, UINT16_MAX) < 0 || s.left == 0)
		return 1;
	return (s.left + s.size - 1) / s.size;
}

size_t offload_split_next_len(const struct offload_split *s)
{
	if (!s->has_more)
		return 0;
	return s->is_single ? s->left : (size_t)s->header_len + next_payload(s);
}

static void write_ip(struct offload_split *s, uint8_t *ip, uint16_t len)
{
	if (!s->is_ipv4) {
		offload_put_be16(ip + IPV6_LENGTH_AT, (uint16_t)(len - OFFLOAD_IPV6_HEADER));
		return;
	}
	offload_put_be16(ip + IPV4_LENGTH_AT, len);
	offload_put_be16(ip + IPV4_ID_AT, s->ipv4_id);
	csum_put(ip + IPV4_CHECKSUM_AT, s->ip_sum + csum_be16(len) + csum_be16(s->ipv4_id));
	s->ipv4_id++;
}

/*
 * What only the last segment may say (it ends the stream, hand it over now) and what only the
 * first one may (RFC 3168 section 6.1.2: the window was reduced, once).
 */
static uint8_t segment_flags(const struct offload_split *s, bool is_last)
{
	uint8_t flags = s->tcp_flags;

	if (!is_last)
		flags &= (uint8_t) ~(OFFLOAD_FIN | OFFLOAD_PSH);
	if (s->done > 0)
		flags &= (uint8_t)~OFFLOAD_CWR;
	return flags;
}

/* Fills in the fields of the transport header but its checksum; returns their sum. */
static uint64_t write_l4(const struct offload_split *s, uint8_t *l4, uint16_t l4_len, bool is_last)
{
	uint32_t seq = s->tcp_seq + s->done;
	uint8_t flags;

	if (!s->is_tcp) {
		offload_put_be16(l4 + UDP_LENGTH_AT, l4_len);
		return csum_be16(l4_len);
	}
	flags = segment_flags(s, is_last);
	offload_put_be32(l4 + TCP_SEQ_AT, seq);
	l4[OFFLOAD_TCP_FLAGS_AT] = flags;
	return csum_be16((uint16_t)(seq >> 16)) + csum_be16((uint16_t)seq) + csum_be16(flags);
}

static void write_segment(struct offload_split *s, uint8_t *dst)
{
	uint16_t payload = next_payload(s);
	uint16_t len = (uint16_t)(s->header_len + payload);
	uint16_t l4_len = (uint16_t)(len - s->l4_at);
	uint8_t *l4 = dst + s->l4_at;
	uint64_t sum = s->l4_sum + csum_be16(l4_len);

	memcpy(dst, s->header, s->header_len);
	write_ip(s, dst, len);
	sum += write_l4(s, l4, l4_len, payload == s->left);
	sum = csum_copy(sum, dst + s->header_len, s->payload + s->done, payload);
	if (s->is_tcp)
		csum_put(l4 + s->csum_at, sum);
	else
		csum_put_udp(l4 + s->csum_at, sum);
	s->done += payload;
	s->left -= payload;
	s->has_more = s->left > 0;
}

void offload_split_next(struct offload_split *s, uint8_t *dst)
{
	if (s->is_single)
		write_single(s, dst);
	else
		write_segment(s, dst);
}

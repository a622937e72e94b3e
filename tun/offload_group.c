/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules are those of the kernel's GRO (tcp_gro_receive, udp_gro_receive, inet_gro_receive,
 * ipv6_gro_receive), so that a super-packet can be cut into the very packets it was made of.
 *
 * Two are stricter: CWR is never merged, because the super-packet would need ECN in its type, and
 * the urgent pointer has to be equal although nobody reads it without URG. One is more lenient: the
 * IPv4 identification of packets that may not be fragmented has no meaning (RFC 6864 section 4.1),
 * and is not looked at. Windows counts it over all its flows, and none of them would ever merge.
 */
#include "tun/offload_group.h"

#include <string.h>

#include "tun/csum.h"

enum {
	IPV4_TOS_AT = 1,
	IPV4_ID_AT = 4,
	IPV4_FRAGMENT_AT = 6,
	IPV4_TTL_AT = 8,
	IPV6_HOP_LIMIT_AT = 7,
	IPV6_FIRST_WORD = 4, /* version, traffic class, flow label */
	TCP_SEQ_AT = 4,
	TCP_ACK_AT = 8,
	TCP_OFFSET_AT = 12,
	TCP_WINDOW_AT = 14,
	TCP_URGENT_AT = 18, /* and the options behind it */
	UDP_LENGTH_AT = 4,
	LAST_FLAGS = OFFLOAD_FIN | OFFLOAD_PSH, /* only the last packet may have them */
	NEVER_FLAGS = OFFLOAD_SYN | OFFLOAD_RST | OFFLOAD_URG | OFFLOAD_CWR,
	SUM_IS_VALID = 0xffff,
};

static uint32_t payload_len(const struct offload_packet *p)
{
	return p->len - p->header_len;
}

static uint8_t tcp_flags(const struct offload_packet *p)
{
	return p->bytes[p->l4_at + OFFLOAD_TCP_FLAGS_AT];
}

static bool is_tcp(const struct offload_packet *p)
{
	return p->protocol == OFFLOAD_TCP;
}

/* ---- one packet ---- */

static bool has_valid_checksums(const struct offload_packet *p)
{
	uint32_t l4_len = p->len - p->l4_at;
	uint64_t sum;

	if (p->version == 4 && csum_fold(csum_add(0, p->bytes, p->l4_at)) != SUM_IS_VALID)
		return false;
	sum = csum_add(offload_packet_pseudo(p, l4_len), p->bytes + p->l4_at, l4_len);
	return csum_fold(sum) == SUM_IS_VALID;
}

static bool is_mergeable_tcp(const struct offload_packet *p)
{
	return (tcp_flags(p) & (NEVER_FLAGS | OFFLOAD_ACK)) == OFFLOAD_ACK;
}

/* A checksum of 0 says that there is none: the super-packet would have one. */
static bool is_mergeable_udp(const struct offload_packet *p)
{
	const uint8_t *udp = p->bytes + p->l4_at;

	return offload_get_be16(udp + UDP_LENGTH_AT) == p->len - p->l4_at &&
	       offload_get_be16(udp + OFFLOAD_UDP_CHECKSUM_AT) != 0;
}

bool offload_group_can_hold(const struct offload_packet *p)
{
	if (!p->is_plain || p->header_len == 0 || payload_len(p) == 0)
		return false;
	if (!(is_tcp(p) ? is_mergeable_tcp(p) : is_mergeable_udp(p)))
		return false;
	return has_valid_checksums(p);
}

/* ---- a packet and a group ---- */

static bool same_ipv4(const struct offload_group *g, const struct offload_packet *p)
{
	const uint8_t *a = g->first.bytes, *b = p->bytes;
	uint16_t fragment = offload_get_be16(b + IPV4_FRAGMENT_AT);

	if (a[IPV4_TOS_AT] != b[IPV4_TOS_AT] || a[IPV4_TTL_AT] != b[IPV4_TTL_AT] ||
	    offload_get_be16(a + IPV4_FRAGMENT_AT) != fragment)
		return false;
	return fragment & OFFLOAD_IPV4_DF || offload_get_be16(b + IPV4_ID_AT) == g->next_id;
}

static bool same_ipv6(const struct offload_packet *a, const struct offload_packet *b)
{
	return memcmp(a->bytes, b->bytes, IPV6_FIRST_WORD) == 0 &&
	       a->bytes[IPV6_HOP_LIMIT_AT] == b->bytes[IPV6_HOP_LIMIT_AT];
}

static bool continues_tcp(const struct offload_group *g, const struct offload_packet *p)
{
	const uint8_t *a = g->first.bytes + g->first.l4_at, *b = p->bytes + p->l4_at;
	size_t len = (size_t)g->first.header_len - g->first.l4_at;

	if (offload_get_be32(b + TCP_SEQ_AT) != g->next_seq)
		return false;
	if (memcmp(a + TCP_ACK_AT, b + TCP_ACK_AT, 4) != 0 ||
	    a[TCP_OFFSET_AT] != b[TCP_OFFSET_AT] ||
	    memcmp(a + TCP_WINDOW_AT, b + TCP_WINDOW_AT, 2) != 0)
		return false;
	if ((a[OFFLOAD_TCP_FLAGS_AT] ^ b[OFFLOAD_TCP_FLAGS_AT]) & ~LAST_FLAGS)
		return false;
	return memcmp(a + TCP_URGENT_AT, b + TCP_URGENT_AT, len - TCP_URGENT_AT) == 0;
}

bool offload_group_fits(const struct offload_group *g, const struct offload_packet *p)
{
	if (g->n == OFFLOAD_SLICES || payload_len(p) > g->size ||
	    g->first.header_len + g->payload + payload_len(p) > OFFLOAD_PACKET_MAX)
		return false;
	if (!(p->version == 4 ? same_ipv4(g, p) : same_ipv6(&g->first, p)))
		return false;
	return !is_tcp(p) || continues_tcp(g, p);
}

void offload_group_append(struct offload_group *g, const struct offload_packet *p)
{
	uint32_t len = payload_len(p);

	g->n++;
	g->iov[g->n].iov_base = (void *)(p->bytes + p->header_len);
	g->iov[g->n].iov_len = len;
	g->payload += len;
	if (p->version == 4)
		g->next_id = (uint16_t)(offload_get_be16(p->bytes + IPV4_ID_AT) + 1);
	if (is_tcp(p)) {
		g->next_seq = offload_get_be32(p->bytes + p->l4_at + TCP_SEQ_AT) + len;
		g->last_flags = tcp_flags(p) & LAST_FLAGS;
	}
}

bool offload_group_can_start(const struct offload_packet *p)
{
	return !is_tcp(p) || !(tcp_flags(p) & LAST_FLAGS);
}

void offload_group_start(struct offload_group *g, const struct offload_packet *p)
{
	g->first = *p;
	g->size = (uint16_t)payload_len(p);
	g->payload = 0;
	g->last_flags = 0;
	g->n = 0;
	offload_group_append(g, p);
}

bool offload_group_has_ended(const struct offload_group *g)
{
	return g->last_flags != 0 || g->iov[g->n].iov_len < g->size;
}

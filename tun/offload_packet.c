/* SPDX-License-Identifier: Apache-2.0 */
#include "tun/offload_packet.h"

#include <errno.h>

#include "tun/csum.h"

enum {
	IPV4_OFFSET_MASK = 0x1fff,
	IPV6_HOP_BY_HOP = 0,
	IPV6_FRAGMENT = 44,
	IPV6_DESTINATION = 60,
};

static int parse_ipv4(struct offload_packet *p)
{
	uint16_t fragment;

	if (p->len < OFFLOAD_IPV4_HEADER)
		return -EBADMSG;
	p->l4_at = (uint16_t)((p->bytes[0] & 15) * 4);
	if (p->l4_at < OFFLOAD_IPV4_HEADER || p->l4_at > p->len ||
	    offload_get_be16(p->bytes + 2) != p->len)
		return -EBADMSG;
	fragment = offload_get_be16(p->bytes + 6);
	p->protocol = p->bytes[9];
	p->is_fragment = fragment & (OFFLOAD_IPV4_MF | IPV4_OFFSET_MASK);
	/* the bit that RFC 791 reserves would be lost in a merge */
	p->is_plain = p->l4_at == OFFLOAD_IPV4_HEADER && (fragment & ~OFFLOAD_IPV4_DF) == 0;
	return 0;
}

/*
 * Steps over one extension header. A routing header is not stepped over: with it the checksum
 * covers another destination than the one in the IP header, so that what is behind it stays
 * closed to us.
 */
static bool skip_extension(struct offload_packet *p)
{
	const uint8_t *extension = p->bytes + p->l4_at;
	size_t left = p->len - p->l4_at;
	size_t len;

	if (p->protocol != IPV6_HOP_BY_HOP && p->protocol != IPV6_DESTINATION)
		return false;
	if (left < 2)
		return false;
	len = ((size_t)extension[1] + 1) * 8;
	if (len > left)
		return false;
	p->protocol = extension[0];
	p->l4_at = (uint16_t)(p->l4_at + len);
	return true;
}

static int parse_ipv6(struct offload_packet *p)
{
	if (p->len < OFFLOAD_IPV6_HEADER ||
	    offload_get_be16(p->bytes + 4) + (uint32_t)OFFLOAD_IPV6_HEADER != p->len)
		return -EBADMSG;
	p->l4_at = OFFLOAD_IPV6_HEADER;
	p->protocol = p->bytes[6];
	while (skip_extension(p))
		;
	p->is_fragment = p->protocol == IPV6_FRAGMENT;
	p->is_plain = p->l4_at == OFFLOAD_IPV6_HEADER && !p->is_fragment;
	return 0;
}

/* Length of the TCP or UDP header, or 0. */
static uint16_t l4_header_len(const struct offload_packet *p)
{
	size_t left = p->len - p->l4_at;
	size_t len;

	if (p->is_fragment)
		return 0;
	if (p->protocol == OFFLOAD_UDP)
		return left >= OFFLOAD_UDP_HEADER ? OFFLOAD_UDP_HEADER : 0;
	if (p->protocol != OFFLOAD_TCP || left < OFFLOAD_TCP_HEADER)
		return 0;
	len = (size_t)(p->bytes[p->l4_at + 12] >> 4) * 4;
	return len >= OFFLOAD_TCP_HEADER && len <= left ? (uint16_t)len : 0;
}

int offload_packet_parse(const uint8_t *pkt, size_t len, struct offload_packet *ret_packet)
{
	struct offload_packet p = {.bytes = pkt, .len = (uint32_t)len};
	int error = -EBADMSG;
	uint16_t l4_len;

	if (len < 1 || len > OFFLOAD_PACKET_MAX)
		return -EBADMSG;
	p.version = pkt[0] >> 4;
	if (p.version == 4)
		error = parse_ipv4(&p);
	else if (p.version == 6)
		error = parse_ipv6(&p);
	if (error < 0)
		return error;
	l4_len = l4_header_len(&p);
	p.header_len = l4_len ? (uint16_t)(p.l4_at + l4_len) : 0;
	*ret_packet = p;
	return 0;
}

uint64_t offload_packet_pseudo(const struct offload_packet *p, uint32_t l4_len)
{
	if (p->version == 4)
		return csum_pseudo_v4(p->bytes + 12, p->protocol, l4_len);
	return csum_pseudo_v6(p->bytes + 8, p->protocol, l4_len);
}

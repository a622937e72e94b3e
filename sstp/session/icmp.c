/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/icmp.h"

#include <netinet/in.h>
#include <string.h>

#include "sstp/base/wire.h"
#include "tun/csum.h"
#include "tun/ip.h"

enum {
	ICMP_HEADER = 8,
	TTL = 64,

	IPV4_HEADER = 20,
	IPV4_MAX = 576, /* of an answer, RFC 1812 section 4.3.2.3 */
	FRAGMENT_OFFSET = 0x1fff,

	IPV6_HEADER = 40,
	IPV6_FRAGMENT = 44,
	IPV6_FRAGMENT_OFFSET = 0xfff8,
	IPV6_ERROR_LAST = 127,
	IPV6_REDIRECT = 137,

	ADDRESS6 = 16,
};

struct message {
	uint8_t type, code;
};

static const struct message messages4[ICMP_REASONS] = {
	[ICMP_NO_ROUTE] = {3, 0},
	[ICMP_NO_HOST] = {3, 1},
	[ICMP_PROHIBITED] = {3, 13},
	[ICMP_TOO_BIG] = {3, 4},
};

static const struct message messages6[ICMP_REASONS] = {
	[ICMP_NO_ROUTE] = {1, 0},
	[ICMP_NO_HOST] = {1, 3},
	[ICMP_PROHIBITED] = {1, 1},
	[ICMP_TOO_BIG] = {2, 0},
};

/* ---- is it due? ---- */

/* One host's, and not this one's own (RFC 1122 section 3.2.1.3). */
static bool is_unicast4(uint32_t address_be)
{
	uint32_t address = ntohl(address_be);

	return address >> 24 != 0 && address >> 24 != 127 && address >> 29 != 7;
}

/* A question or its answer (RFC 1122 section 3.2.2). */
static bool is_query4(uint8_t type)
{
	switch (type) {
	case 0:	 /* echo reply */
	case 8:	 /* echo */
	case 9:	 /* router advertisement */
	case 10: /* router solicitation */
	case 13: /* timestamp */
	case 14: /* timestamp reply */
	case 17: /* address mask */
	case 18: /* address mask reply */ return true;
	default: return false;
	}
}

static bool is_due4(const uint8_t *pkt, const struct ip_info *ip)
{
	struct wire_reader r = wire_reader(pkt, ip->total_len);
	uint8_t type;

	if ((pkt[6] << 8 | pkt[7]) & FRAGMENT_OFFSET)
		return false;
	if (!is_unicast4(ip->src_be) || !is_unicast4(ip->dst_be))
		return false;
	if (ip->protocol != IPPROTO_ICMP)
		return true;
	wire_bytes(&r, ip->header_len);
	type = wire_u8(&r);
	return wire_ok(&r) && is_query4(type);
}

/* Neither all zeros, nor multicast, nor loopback. */
static bool is_unicast6(const uint8_t *address)
{
	static const uint8_t zeros[ADDRESS6 - 1];

	if (memcmp(address, zeros, sizeof(zeros)) == 0 && address[ADDRESS6 - 1] <= 1)
		return false;
	return address[0] != 0xff;
}

/* The protocol behind a fragment's header, which then is the first one. False: it is not, or not whole. */
static bool step_over_fragment(struct wire_reader *r, uint8_t *protocol)
{
	uint16_t offset;

	*protocol = wire_u8(r);
	wire_u8(r);
	offset = wire_be16(r);
	wire_be32(r);
	return wire_ok(r) && !(offset & IPV6_FRAGMENT_OFFSET);
}

static bool is_due6(const uint8_t *pkt, const struct ip6_info *ip)
{
	struct wire_reader r = wire_reader(pkt, ip->total_len);
	uint8_t protocol = ip->protocol, type;

	if (!is_unicast6(ip->src) || !is_unicast6(ip->dst))
		return false;
	wire_bytes(&r, ip->l4_at);
	if (protocol == IPV6_FRAGMENT && !step_over_fragment(&r, &protocol))
		return false;
	if (protocol != IPPROTO_ICMPV6)
		return true;
	type = wire_u8(&r);
	return wire_ok(&r) && type > IPV6_ERROR_LAST && type != IPV6_REDIRECT;
}

bool icmp_is_due(const uint8_t *pkt, size_t len)
{
	struct ip_info ip;
	struct ip6_info ip6;

	if (len > 0 && pkt[0] >> 4 == 6)
		return ip6_parse(pkt, len, &ip6) == 0 && is_due6(pkt, &ip6);
	return ip_parse(pkt, len, &ip) == 0 && is_due4(pkt, &ip);
}

/* ---- the answer ---- */

/* The header, and the mtu where the reason is about that. */
static void put_message(struct wire_writer *w, struct message m, uint32_t mtu)
{
	wire_put_u8(w, m.type);
	wire_put_u8(w, m.code);
	wire_put_be16(w, 0); /* the checksum */
	wire_put_be32(w, mtu);
}

static void put_sum(uint8_t *at, uint64_t sum)
{
	uint16_t folded = (uint16_t)~csum_fold(sum);

	memcpy(at, &folded, sizeof(folded));
}

static size_t answer4(enum icmp_reason reason, uint16_t mtu, const uint8_t *from,
		      const uint8_t *pkt, size_t len, uint8_t *packet)
{
	const size_t room = IPV4_MAX - IPV4_HEADER - ICMP_HEADER;
	const size_t quoted = len < room ? len : room;
	const size_t total = IPV4_HEADER + ICMP_HEADER + quoted;
	struct wire_writer w = wire_writer(packet, total);

	wire_put_u8(&w, 0x45);
	wire_put_u8(&w, 0xc0); /* internetwork control, RFC 1812 section 4.3.2.5 */
	wire_put_be16(&w, (uint16_t)total);
	wire_put_be32(&w, 0); /* at most 576 bytes: nobody cuts it */
	wire_put(&w, (uint8_t[]){TTL, IPPROTO_ICMP, 0, 0}, 4);
	wire_put(&w, from, 4);
	wire_put(&w, pkt + 12, 4);
	put_message(&w, messages4[reason], reason == ICMP_TOO_BIG ? mtu : 0);
	wire_put(&w, pkt, quoted);
	put_sum(packet + 10, csum_add(0, packet, IPV4_HEADER));
	put_sum(packet + IPV4_HEADER + 2, csum_add(0, packet + IPV4_HEADER, ICMP_HEADER + quoted));
	return total;
}

static size_t answer6(enum icmp_reason reason, uint16_t mtu, const uint8_t *from,
		      const uint8_t *pkt, size_t len, uint8_t *packet)
{
	const size_t room = ICMP_PACKET_MAX - IPV6_HEADER - ICMP_HEADER;
	const size_t quoted = len < room ? len : room;
	const uint16_t payload = (uint16_t)(ICMP_HEADER + quoted);
	struct wire_writer w = wire_writer(packet, IPV6_HEADER + (size_t)payload);

	wire_put_be32(&w, 0x60000000);
	wire_put_be16(&w, payload);
	wire_put_u8(&w, IPPROTO_ICMPV6);
	wire_put_u8(&w, TTL);
	wire_put(&w, from, ADDRESS6);
	wire_put(&w, pkt + 8, ADDRESS6);
	put_message(&w, messages6[reason], reason == ICMP_TOO_BIG ? mtu : 0);
	wire_put(&w, pkt, quoted);
	put_sum(packet + IPV6_HEADER + 2,
		csum_add(csum_pseudo_v6(packet + 8, IPPROTO_ICMPV6, payload), packet + IPV6_HEADER,
			 payload));
	return IPV6_HEADER + (size_t)payload;
}

size_t icmp_answer(enum icmp_reason reason, uint16_t mtu, const uint8_t *from, const uint8_t *pkt,
		   size_t len, uint8_t ret_packet[ICMP_PACKET_MAX])
{
	if (!icmp_is_due(pkt, len))
		return 0;
	if (pkt[0] >> 4 == 6)
		return answer6(reason, mtu, from, pkt, len, ret_packet);
	return answer4(reason, mtu, from, pkt, len, ret_packet);
}

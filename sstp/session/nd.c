/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/nd.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "sstp/base/wire.h"
#include "tun/csum.h"
#include "tun/ip.h"

enum {
	IPV6_HEADER = 40,
	HOP_LIMIT = 255, /* who sees less of it is not on this link */
	CHECKSUM_AT = IPV6_HEADER + 2,
	SOLICITATION = 133,
	ADVERTISEMENT = 134,
	SOLICITATION_MIN = 8, /* bytes of ICMPv6 */
	ADVERTISEMENT_MIN = 16,
	OPTION_PREFIX = 3,
	OPTION_MTU = 5,
	OPTION_ROUTE = 24,
	OPTION_DNS = 25,
	OPTION_UNIT = 8,
	PREFIX_UNITS = 4,
	AUTONOMOUS = 0x40,
	NETWORK_BITS = 64,
};

static const uint8_t all_nodes[ND_ADDRESS_SIZE] = {0xff, 0x02, [15] = 1};
static const uint8_t all_routers[ND_ADDRESS_SIZE] = {0xff, 0x02, [15] = 2};

/* ---- writing ---- */

/* An IPv6 header as far as the first half of its source. */
static const uint8_t head[] = {0x60, 0, 0, 0, 0, 0, IPPROTO_ICMPV6, HOP_LIMIT, 0xfe, 0x80,
			       0,    0, 0, 0, 0, 0};

/* From the link-local address of id; length and checksum come last. */
static void begin(struct wire_writer *w, const uint8_t id[ND_ID_SIZE], const uint8_t *to,
		  uint8_t type)
{
	wire_put(w, head, sizeof(head));
	wire_put(w, id, ND_ID_SIZE);
	wire_put(w, to, ND_ADDRESS_SIZE);
	wire_put_u8(w, type);
	wire_put_zero(w, 3);
}

static size_t finish(struct wire_writer *w, uint8_t *packet)
{
	uint16_t len = (uint16_t)(wire_len(w) - IPV6_HEADER);
	uint64_t sum = csum_pseudo_v6(packet + 8, IPPROTO_ICMPV6, len);

	wire_patch_be16(w, 4, len);
	csum_put(packet + CHECKSUM_AT, csum_add(sum, packet + IPV6_HEADER, len));
	return wire_len(w);
}

static void put_option(struct wire_writer *w, uint8_t type, uint8_t units)
{
	wire_put_u8(w, type);
	wire_put_u8(w, units);
}

/* Good for as long as the session; nobody else is on the link. */
static void put_prefix(struct wire_writer *w, const uint8_t prefix[ND_PREFIX_SIZE])
{
	put_option(w, OPTION_PREFIX, PREFIX_UNITS);
	wire_put_u8(w, NETWORK_BITS);
	wire_put_u8(w, AUTONOMOUS);
	wire_put_be32(w, UINT32_MAX);
	wire_put_be32(w, UINT32_MAX);
	wire_put_zero(w, 4);
	wire_put(w, prefix, ND_PREFIX_SIZE);
	wire_put_zero(w, ND_ADDRESS_SIZE - ND_PREFIX_SIZE);
}

static void put_mtu(struct wire_writer *w, uint16_t mtu)
{
	put_option(w, OPTION_MTU, 1);
	wire_put_zero(w, 2);
	wire_put_be32(w, mtu);
}

static void put_route(struct wire_writer *w, const struct prefix *p)
{
	size_t bytes = p->len == 0 ? 0 : p->len <= NETWORK_BITS ? 8 : 16;

	put_option(w, OPTION_ROUTE, (uint8_t)(1 + bytes / OPTION_UNIT));
	wire_put_u8(w, p->len);
	wire_put_u8(w, 0); /* of medium preference */
	wire_put_be32(w, ND_LIFETIME_S);
	wire_put(w, p->addr, bytes);
}

static void put_dns(struct wire_writer *w, const struct nd_advert *a)
{
	put_option(w, OPTION_DNS, (uint8_t)(1 + 2 * a->n_dns));
	wire_put_zero(w, 2);
	wire_put_be32(w, ND_LIFETIME_S);
	for (size_t i = 0; i < a->n_dns; i++)
		wire_put(w, a->dns[i], ND_ADDRESS_SIZE);
}

size_t nd_put_advert(const struct nd_advert *a, uint8_t ret_packet[ND_PACKET_MAX])
{
	struct wire_writer w = wire_writer(ret_packet, ND_PACKET_MAX);

	begin(&w, a->id, all_nodes, ADVERTISEMENT);
	wire_put_u8(&w, 64); /* hop limit of what is sent */
	wire_put_u8(&w, 0);  /* no DHCPv6 */
	wire_put_be16(&w, a->is_default ? ND_LIFETIME_S : 0);
	wire_put_zero(&w, 8);
	put_prefix(&w, a->prefix);
	put_mtu(&w, a->mtu);
	for (size_t i = 0; i < a->n_routes; i++)
		put_route(&w, &a->routes[i]);
	if (a->n_dns)
		put_dns(&w, a);
	return finish(&w, ret_packet);
}

size_t nd_put_solicitation(const uint8_t id[ND_ID_SIZE], uint8_t ret_packet[ND_PACKET_MAX])
{
	struct wire_writer w = wire_writer(ret_packet, ND_PACKET_MAX);

	begin(&w, id, all_routers, SOLICITATION);
	wire_put_zero(&w, 4);
	return finish(&w, ret_packet);
}

/* ---- reading ---- */

static bool is_checksum_right(const uint8_t *pkt, const struct ip6_info *ip)
{
	size_t len = (size_t)ip->total_len - IPV6_HEADER;
	uint64_t sum = csum_pseudo_v6(pkt + 8, IPPROTO_ICMPV6, (uint32_t)len);

	return csum_fold(csum_add(sum, pkt + IPV6_HEADER, len)) == 0xffff;
}

/* Any message of this type: without extension headers, from this link, of code 0 and min bytes at least. */
static bool is_message(const uint8_t *pkt, size_t len, uint8_t type, size_t min,
		       struct ip6_info *ret_ip)
{
	if (ip6_parse(pkt, len, ret_ip) < 0 || ret_ip->l4_at != IPV6_HEADER ||
	    ret_ip->total_len < IPV6_HEADER + min)
		return false;
	return ret_ip->protocol == IPPROTO_ICMPV6 && pkt[7] == HOP_LIMIT &&
	       pkt[IPV6_HEADER] == type && pkt[IPV6_HEADER + 1] == 0 &&
	       is_checksum_right(pkt, ret_ip);
}

/* The next option's value, behind type and length. False at the end, or when r->failed. */
static bool next_option(struct wire_reader *r, uint8_t *ret_type, struct wire_reader *ret_value)
{
	uint8_t units;

	if (!wire_left(r))
		return false;
	*ret_type = wire_u8(r);
	units = wire_u8(r);
	if (!units) {
		r->failed = true;
		return false;
	}
	*ret_value = wire_sub(r, (size_t)units * OPTION_UNIT - 2);
	return wire_ok(r);
}

static bool are_options_whole(struct wire_reader r)
{
	struct wire_reader value;
	uint8_t type;

	while (next_option(&r, &type, &value))
		;
	return wire_ok(&r);
}

bool nd_is_solicitation(const uint8_t *pkt, size_t len)
{
	struct ip6_info ip;

	return is_message(pkt, len, SOLICITATION, SOLICITATION_MIN, &ip) &&
	       are_options_whole(
		       wire_reader(pkt + IPV6_HEADER + SOLICITATION_MIN,
				   (size_t)ip.total_len - IPV6_HEADER - SOLICITATION_MIN));
}

static bool is_link_local(const uint8_t *address)
{
	return address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
}

/* One whose addresses last, of a network in which they are unique. */
static bool is_good(struct wire_reader value, uint8_t ret_prefix[ND_PREFIX_SIZE])
{
	uint8_t bits = wire_u8(&value), flags = wire_u8(&value);
	uint32_t valid = wire_be32(&value);
	const uint8_t *prefix;

	wire_be32(&value); /* preferred */
	wire_be32(&value); /* reserved */
	prefix = wire_bytes(&value, ND_ADDRESS_SIZE);
	if (!wire_ok(&value) || bits != NETWORK_BITS || !(flags & AUTONOMOUS) || !valid ||
	    is_link_local(prefix) || prefix[0] == 0xff)
		return false;
	memcpy(ret_prefix, prefix, ND_PREFIX_SIZE);
	return true;
}

int nd_take_prefix(const uint8_t *pkt, size_t len, uint8_t ret_prefix[ND_PREFIX_SIZE])
{
	struct wire_reader r, value;
	struct ip6_info ip;
	uint8_t type;

	if (!is_message(pkt, len, ADVERTISEMENT, ADVERTISEMENT_MIN, &ip) || !is_link_local(ip.src))
		return -ENOMSG;
	r = wire_reader(pkt + IPV6_HEADER + ADVERTISEMENT_MIN,
			(size_t)ip.total_len - IPV6_HEADER - ADVERTISEMENT_MIN);
	if (!are_options_whole(r))
		return -EBADMSG;
	while (next_option(&r, &type, &value))
		if (type == OPTION_PREFIX && is_good(value, ret_prefix))
			return 0;
	return -ENOMSG;
}

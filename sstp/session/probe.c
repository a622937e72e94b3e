/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/probe.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "sstp/base/wire.h"
#include "tun/csum.h"
#include "tun/ip.h"

enum {
	IPV4_HEADER = 20,
	IPV6_HEADER = 40,
	TTL = 64,
	DO_NOT_FRAGMENT = 0x4000,
	FRAGMENT_OFFSET = 0x1fff,

	ECHO = 8,
	ECHO_REPLY = 0,
	ECHO6 = 128,
	ECHO6_REPLY = 129,
	ECHO_SIZE = 16, /* as ping has, nearly */

	TCP_SIZE = 20,
	FLAG_SYN = 0x02,
	FLAG_RST = 0x04,
	FLAG_ACK = 0x10,
	WINDOW = 1024,
};

static bool is_ipv6(const struct probe *p)
{
	return p->family == AF_INET6;
}

static size_t address_size(const struct probe *p)
{
	return is_ipv6(p) ? PROBE_ADDRESS_SIZE : 4;
}

static uint8_t protocol_of(const struct probe *p)
{
	if (p->port)
		return IPPROTO_TCP;
	return is_ipv6(p) ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
}

/* ---- writing ---- */

static void put_ip(struct wire_writer *w, const struct probe *p, size_t payload)
{
	if (is_ipv6(p)) {
		wire_put_be32(w, 0x60000000);
		wire_put_be16(w, (uint16_t)payload);
		wire_put(w, (uint8_t[]){protocol_of(p), p->ttl ? p->ttl : TTL}, 2);
	} else {
		wire_put_be16(w, 0x4500);
		wire_put_be16(w, (uint16_t)(IPV4_HEADER + payload));
		wire_put_be16(w, 0);
		wire_put_be16(w, DO_NOT_FRAGMENT);
		wire_put(w, (uint8_t[]){p->ttl ? p->ttl : TTL, protocol_of(p), 0, 0}, 4);
	}
	wire_put(w, p->src, address_size(p));
	wire_put(w, p->dst, address_size(p));
}

static void put_sum(uint8_t *at, uint64_t sum)
{
	uint16_t folded = (uint16_t)~csum_fold(sum);

	memcpy(at, &folded, sizeof(folded));
}

/* Both headers' checksums, the second at sum_at of its own. */
static void finish(const struct probe *p, uint8_t *packet, size_t len, size_t sum_at)
{
	size_t header = is_ipv6(p) ? IPV6_HEADER : IPV4_HEADER;
	uint32_t payload = (uint32_t)(len - header);
	uint64_t pseudo = 0;

	if (is_ipv6(p))
		pseudo = csum_pseudo_v6(packet + 8, protocol_of(p), payload);
	else if (p->port)
		pseudo = csum_pseudo_v4(packet + 12, IPPROTO_TCP, payload);
	put_sum(packet + header + sum_at, csum_add(pseudo, packet + header, payload));
	if (!is_ipv6(p))
		put_sum(packet + 10, csum_add(0, packet, IPV4_HEADER));
}

static void put_tcp(struct wire_writer *w, const struct probe *p, uint32_t sequence, uint8_t flags)
{
	wire_put_be16(w, p->own);
	wire_put_be16(w, p->port);
	wire_put_be32(w, sequence);
	wire_put_be32(w, 0);
	wire_put(w, (uint8_t[]){TCP_SIZE / 4 << 4, flags}, 2);
	wire_put_be16(w, WINDOW);
	wire_put_be32(w, 0); /* checksum, urgent */
}

static void put_echo(struct wire_writer *w, const struct probe *p)
{
	wire_put(w, (uint8_t[]){is_ipv6(p) ? ECHO6 : ECHO, 0, 0, 0}, 4);
	wire_put_be16(w, p->own);
	wire_put_be16(w, (uint16_t)p->number);
	wire_put_be32(w, p->number);
	wire_put_be32(w, 0);
}

/* Behind the header, with the padding. */
static size_t payload_of(const struct probe *p)
{
	size_t header = is_ipv6(p) ? IPV6_HEADER : IPV4_HEADER;
	size_t least = p->port ? TCP_SIZE : ECHO_SIZE;
	size_t most = p->size < PROBE_PACKET_MAX ? p->size : PROBE_PACKET_MAX;

	return most > header + least ? most - header : least;
}

static void put_padding(struct wire_writer *w, size_t len)
{
	while (wire_len(w) < len)
		wire_put_u8(w, 0);
}

size_t probe_put(const struct probe *p, uint8_t ret_packet[PROBE_PACKET_MAX])
{
	struct wire_writer w = wire_writer(ret_packet, PROBE_PACKET_MAX);
	size_t payload = payload_of(p), header;

	put_ip(&w, p, payload);
	header = wire_len(&w);
	if (p->port)
		put_tcp(&w, p, p->number, FLAG_SYN);
	else
		put_echo(&w, p);
	put_padding(&w, header + payload);
	finish(p, ret_packet, wire_len(&w), p->port ? 16 : 2);
	return wire_len(&w);
}

size_t probe_put_reset(const struct probe *p, uint8_t ret_packet[PROBE_PACKET_MAX])
{
	struct wire_writer w = wire_writer(ret_packet, PROBE_PACKET_MAX);

	put_ip(&w, p, TCP_SIZE);
	put_tcp(&w, p, p->number + 1, FLAG_RST);
	finish(p, ret_packet, wire_len(&w), 16);
	return wire_len(&w);
}

/* ---- reading ---- */

/* What a header says, of either family; what is behind it: a first fragment's, or none. */
struct outer {
	const uint8_t *src, *dst;
	uint8_t protocol;
	struct wire_reader payload;
};

/* quoted: it may be cut behind its header. */
static bool read_ip4(const uint8_t *pkt, size_t len, bool quoted, struct outer *o)
{
	struct wire_reader r = wire_reader(pkt, len);
	const uint8_t *fixed = wire_bytes(&r, IPV4_HEADER);
	size_t header = fixed ? (size_t)(fixed[0] & 15) * 4 : 0;
	struct ip_info ip;

	if (header < IPV4_HEADER || (fixed[6] << 8 | fixed[7]) & FRAGMENT_OFFSET)
		return false;
	if (!quoted && ip_parse(pkt, len, &ip) < 0)
		return false;
	wire_bytes(&r, header - IPV4_HEADER);
	o->src = fixed + 12;
	o->dst = fixed + 16;
	o->protocol = fixed[9];
	o->payload = r;
	return wire_ok(&r);
}

static bool read_ip6(const uint8_t *pkt, size_t len, bool quoted, struct outer *o)
{
	struct wire_reader r = wire_reader(pkt, len);
	const uint8_t *fixed = wire_bytes(&r, IPV6_HEADER);
	struct ip6_info ip;

	if (!fixed || (!quoted && ip6_parse(pkt, len, &ip) < 0))
		return false;
	o->src = fixed + 8;
	o->dst = fixed + 24;
	o->protocol = fixed[6];
	o->payload = r;
	return true;
}

static bool read_ip(const struct probe *p, const uint8_t *pkt, size_t len, bool quoted,
		    struct outer *o)
{
	if (len == 0 || pkt[0] >> 4 != (is_ipv6(p) ? 6 : 4))
		return false;
	return is_ipv6(p) ? read_ip6(pkt, len, quoted, o) : read_ip4(pkt, len, quoted, o);
}

static bool is_same(const struct probe *p, const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, address_size(p)) == 0;
}

static bool take_tcp(const struct probe *p, struct wire_reader r, struct probe_answer *a)
{
	uint16_t from = wire_be16(&r), to = wire_be16(&r);
	uint32_t acknowledged;
	uint8_t flags;

	wire_be32(&r);
	acknowledged = wire_be32(&r);
	wire_u8(&r);
	flags = wire_u8(&r);
	if (!wire_ok(&r) || from != p->port || to != p->own || !(flags & FLAG_ACK) ||
	    acknowledged != p->number + 1)
		return false;
	if (flags & FLAG_RST)
		a->outcome = PROBE_CLOSED;
	else if (flags & FLAG_SYN)
		a->outcome = PROBE_OPEN;
	else
		return false;
	return true;
}

static bool take_echo(const struct probe *p, struct wire_reader r, struct probe_answer *a)
{
	uint8_t type = wire_u8(&r);
	uint16_t own, number;
	uint32_t whole;

	wire_u8(&r);
	wire_be16(&r);
	own = wire_be16(&r);
	number = wire_be16(&r);
	whole = wire_be32(&r);
	a->outcome = PROBE_ECHO;
	return wire_ok(&r) && type == (is_ipv6(p) ? ECHO6_REPLY : ECHO_REPLY) && own == p->own &&
	       number == (uint16_t)p->number && whole == p->number;
}

static bool is_error(const struct probe *p, uint8_t type)
{
	if (is_ipv6(p))
		return type >= 1 && type <= 4;
	return type == 3 || type == 11 || type == 12;
}

/* Is it the question, as far as eight bytes of its payload tell? Those are what every router quotes. */
static bool is_question(const struct probe *p, struct wire_reader r)
{
	uint16_t first = wire_be16(&r), second = wire_be16(&r);

	if (p->port)
		return first == p->own && second == p->port && wire_be32(&r) == p->number &&
		       wire_ok(&r);
	if (first >> 8 != (is_ipv6(p) ? ECHO6 : ECHO))
		return false;
	first = wire_be16(&r);
	second = wire_be16(&r);
	return wire_ok(&r) && first == p->own && second == (uint16_t)p->number;
}

static bool take_error(const struct probe *p, struct wire_reader r, struct probe_answer *a)
{
	struct outer quoted;
	size_t left;

	a->outcome = PROBE_ICMP;
	a->type = wire_u8(&r);
	a->code = wire_u8(&r);
	wire_be16(&r);
	wire_be32(&r);
	left = wire_left(&r);
	if (!wire_ok(&r) || !is_error(p, a->type) ||
	    !read_ip(p, wire_bytes(&r, left), left, true, &quoted))
		return false;
	return quoted.protocol == protocol_of(p) && is_same(p, quoted.src, p->src) &&
	       is_same(p, quoted.dst, p->dst) && is_question(p, quoted.payload);
}

bool probe_take(const struct probe *p, const uint8_t *pkt, size_t len,
		struct probe_answer *ret_answer)
{
	struct probe_answer a = {0};
	struct outer o;
	bool is_icmp, taken = false;

	if (!read_ip(p, pkt, len, false, &o) || !is_same(p, o.dst, p->src))
		return false;
	is_icmp = o.protocol == (is_ipv6(p) ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	if (o.protocol == protocol_of(p) && is_same(p, o.src, p->dst))
		taken = p->port ? take_tcp(p, o.payload, &a) : take_echo(p, o.payload, &a);
	if (!taken && is_icmp)
		taken = take_error(p, o.payload, &a);
	if (!taken)
		return false;
	memcpy(a.from, o.src, address_size(p));
	*ret_answer = a;
	return true;
}

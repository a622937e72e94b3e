/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/tun/packet.h"

#include <netinet/in.h>
#include <string.h>

#include "sstp/base/wire.h"
#include "tun/ip.h"

unsigned packet_be16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

uint32_t packet_be32(const uint8_t *p)
{
	return (uint32_t)packet_be16(p) << 16 | packet_be16(p + 2);
}

void packet_set_be16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

uint8_t packet_stream_byte(uint32_t seq)
{
	return (uint8_t)((seq * UINT32_C(2654435761)) >> 24);
}

struct packet packet_plain(uint8_t version, uint8_t protocol)
{
	return (struct packet){
		.version = version,
		.protocol = protocol,
		.ttl = 64,
		.fragment = 0x4000,
		.src_port = 40000,
		.dst_port = 7000,
		.seq = 1000,
		.ack = 5000,
		.flags = PACKET_ACK,
		.window = 512,
		.payload_len = 100,
	};
}

static void put_ipv4(const struct packet *p, struct wire_writer *w)
{
	wire_put_u8(w, (uint8_t)(0x40 | (20 + p->ip_options_len) / 4));
	wire_put_u8(w, p->tos);
	wire_put_be16(w, 0);
	wire_put_be16(w, p->id);
	wire_put_be16(w, p->fragment);
	wire_put_u8(w, p->ttl);
	wire_put_u8(w, p->protocol);
	wire_put_be16(w, 0);
	wire_put(w, (uint8_t[]){10, 9, 0, 2, 10, 9, 0, 1}, 8);
	wire_put(w, p->ip_options, p->ip_options_len);
}

static void put_ipv6(const struct packet *p, struct wire_writer *w)
{
	wire_put_be32(w, UINT32_C(6) << 28 | (uint32_t)p->tos << 20 | p->flow_label);
	wire_put_be16(w, 0);
	wire_put_u8(w, p->ip_options_len ? p->first_extension : p->protocol);
	wire_put_u8(w, p->ttl);
	for (uint8_t last = 2; last > 0; last--) {
		wire_put(w, (uint8_t[]){0xfd, 0x09}, 2);
		wire_put_zero(w, 13);
		wire_put_u8(w, last);
	}
	wire_put(w, p->ip_options, p->ip_options_len);
}

static void put_tcp(const struct packet *p, struct wire_writer *w)
{
	wire_put_be16(w, p->src_port);
	wire_put_be16(w, p->dst_port);
	wire_put_be32(w, p->seq);
	wire_put_be32(w, p->ack);
	wire_put_u8(w, (uint8_t)((20 + p->tcp_options_len) / 4 << 4));
	wire_put_u8(w, p->flags);
	wire_put_be16(w, p->window);
	wire_put_be32(w, 0);
	wire_put(w, p->tcp_options, p->tcp_options_len);
}

static void put_payload(const struct packet *p, struct wire_writer *w)
{
	if (p->payload) {
		wire_put(w, p->payload, p->payload_len);
		return;
	}
	for (uint32_t i = 0; i < p->payload_len; i++)
		wire_put_u8(w, packet_stream_byte(p->seq + i));
}

static uint32_t pseudo_sum(const uint8_t *pkt, size_t l4_len, uint8_t protocol)
{
	uint32_t sum = (uint32_t)l4_len + protocol;

	return pkt[0] >> 4 == 4 ? ip_checksum(pkt + 12, 8, sum) : ip_checksum(pkt + 8, 32, sum);
}

static uint8_t *checksum_of(uint8_t *l4, uint8_t protocol)
{
	if (protocol == IPPROTO_TCP)
		return l4 + 16;
	return protocol == IPPROTO_UDP ? l4 + 6 : NULL;
}

static void fix_l4(uint8_t *pkt, size_t l4_at, size_t len, uint8_t protocol)
{
	uint8_t *checksum = checksum_of(pkt + l4_at, protocol);
	unsigned sum;

	if (!checksum)
		return;
	packet_set_be16(checksum, 0);
	sum = (uint16_t)~ip_checksum(pkt + l4_at, len - l4_at,
				     pseudo_sum(pkt, len - l4_at, protocol));
	packet_set_be16(checksum, sum == 0 && protocol == IPPROTO_UDP ? 0xffff : sum);
}

static void fix_ip(uint8_t *pkt)
{
	if (pkt[0] >> 4 != 4)
		return;
	packet_set_be16(pkt + 10, 0);
	packet_set_be16(pkt + 10, (uint16_t)~ip_checksum(pkt, packet_l4_at(pkt), 0));
}

size_t packet_l4_at(const uint8_t *pkt)
{
	return pkt[0] >> 4 == 4 ? (size_t)(pkt[0] & 15) * 4 : 40;
}

static uint8_t protocol_of(const uint8_t *pkt)
{
	return pkt[0] >> 4 == 4 ? pkt[9] : pkt[6];
}

size_t packet_payload_at(const uint8_t *pkt)
{
	size_t l4_at = packet_l4_at(pkt);

	return l4_at + (protocol_of(pkt) == IPPROTO_TCP ? (size_t)(pkt[l4_at + 12] >> 4) * 4 : 8);
}

void packet_fix_checksums(uint8_t *pkt, size_t len)
{
	fix_ip(pkt);
	fix_l4(pkt, packet_l4_at(pkt), len, protocol_of(pkt));
}

size_t packet_put(const struct packet *p, uint8_t *buf)
{
	struct wire_writer w = wire_writer(buf, 65536 + PACKET_HEADER_MAX);
	size_t l4_at;

	if (p->version == 4)
		put_ipv4(p, &w);
	else
		put_ipv6(p, &w);
	l4_at = wire_len(&w);
	if (p->protocol == IPPROTO_TCP) {
		put_tcp(p, &w);
	} else if (p->protocol == IPPROTO_UDP) {
		wire_put_be16(&w, p->src_port);
		wire_put_be16(&w, p->dst_port);
		wire_put_be16(&w, (uint16_t)(8 + p->payload_len));
		wire_put_be16(&w, 0);
	}
	put_payload(p, &w);
	if (p->version == 4)
		wire_patch_be16(&w, 2, (uint16_t)wire_len(&w));
	else
		wire_patch_be16(&w, 4, (uint16_t)(wire_len(&w) - 40));
	fix_ip(buf);
	if ((p->fragment & 0x3fff) == 0)
		fix_l4(buf, l4_at, wire_len(&w), p->protocol);
	return wire_len(&w);
}

static bool has_right_lengths(const uint8_t *pkt, size_t len)
{
	size_t l4_at = packet_l4_at(pkt);

	if (pkt[0] >> 4 == 4 ? packet_be16(pkt + 2) != len : packet_be16(pkt + 4) + 40 != len)
		return false;
	return protocol_of(pkt) != IPPROTO_UDP || packet_be16(pkt + l4_at + 4) == len - l4_at;
}

bool packet_is_valid(const uint8_t *pkt, size_t len)
{
	size_t l4_at = packet_l4_at(pkt);
	uint8_t protocol = protocol_of(pkt);
	uint32_t sum;

	if (!has_right_lengths(pkt, len))
		return false;
	if (pkt[0] >> 4 == 4 && ip_checksum(pkt, l4_at, 0) != 0xffff)
		return false;
	if (protocol == IPPROTO_UDP && packet_be16(pkt + l4_at + 6) == 0)
		return false;
	sum = pseudo_sum(pkt, len - l4_at, protocol);
	return ip_checksum(pkt + l4_at, len - l4_at, sum) == 0xffff;
}

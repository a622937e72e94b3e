/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_TUN_PACKET_H
#define TEST_UNIT_TUN_PACKET_H
/* TCP and UDP packets made and verified the slow way, for the tests of the offloads. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PACKET_HEADER_MAX = 128,
	PACKET_FIN = 0x01,
	PACKET_SYN = 0x02,
	PACKET_RST = 0x04,
	PACKET_PSH = 0x08,
	PACKET_ACK = 0x10,
	PACKET_URG = 0x20,
	PACKET_ECE = 0x40,
	PACKET_CWR = 0x80,
};

/* What is 0 is written as 0. Addresses are 10.9.0.2 -> 10.9.0.1, or fd09::2 -> fd09::1. */
struct packet {
	uint8_t version;  /* 4 or 6 */
	uint8_t protocol; /* IPPROTO_TCP, IPPROTO_UDP; anything else: no transport header */
	uint8_t tos;
	uint8_t ttl;
	uint16_t id;
	uint16_t fragment; /* IPv4: flags and offset */
	uint16_t src_port;
	uint16_t dst_port;
	uint32_t seq;
	uint32_t ack;
	uint8_t flags;
	uint16_t window;
	uint32_t flow_label;
	const uint8_t *tcp_options; /* borrowed; a multiple of 4 */
	size_t tcp_options_len;
	const uint8_t *ip_options; /* IPv4 options or IPv6 extension headers, borrowed */
	size_t ip_options_len;
	uint8_t first_extension; /* protocol number of the first of them */
	const uint8_t
		*payload; /* borrowed; NULL: bytes that depend on their position in the stream */
	size_t payload_len;
};

/* A data packet of a TCP or UDP flow with nothing unusual about it. */
struct packet packet_plain(uint8_t version, uint8_t protocol);

/* Writes it with right lengths and checksums. Returns its length. */
size_t packet_put(const struct packet *p, uint8_t *buf);

/* Writes right checksums into a TCP or UDP packet without IPv6 extension headers. */
void packet_fix_checksums(uint8_t *pkt, size_t len);

/* The lengths are those of the packet and both checksums are right (a UDP checksum of 0 is not). */
bool packet_is_valid(const uint8_t *pkt, size_t len);

/* The byte that packet_put() makes up for this position of the stream. */
uint8_t packet_stream_byte(uint32_t seq);

/* Offset of the TCP or UDP header, and of what is behind it. */
size_t packet_l4_at(const uint8_t *pkt);
size_t packet_payload_at(const uint8_t *pkt);

unsigned packet_be16(const uint8_t *p);
uint32_t packet_be32(const uint8_t *p);
void packet_set_be16(uint8_t *p, unsigned v);

#endif

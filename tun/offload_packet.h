/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUN_OFFLOAD_PACKET_H
#define TUN_OFFLOAD_PACKET_H
/*
 * Private to tun/offload_*.c: where the parts of an IPv4 or IPv6 packet are, found without
 * believing a length before it was compared with what is there.
 */
#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* since Linux 6.2; older headers lack it */
#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

enum {
	OFFLOAD_IPV4_HEADER = 20,
	OFFLOAD_IPV6_HEADER = 40,
	OFFLOAD_TCP_HEADER = 20,
	OFFLOAD_UDP_HEADER = 8,
	OFFLOAD_PACKET_MAX = 65535, /* of a packet, its IP header included */
	OFFLOAD_IPV4_MF = 0x2000,
	OFFLOAD_IPV4_DF = 0x4000,
	OFFLOAD_TCP = 6,
	OFFLOAD_UDP = 17,
	OFFLOAD_TCP_FLAGS_AT = 13,
	OFFLOAD_TCP_CHECKSUM_AT = 16,
	OFFLOAD_UDP_CHECKSUM_AT = 6,
	OFFLOAD_FIN = 0x01,
	OFFLOAD_SYN = 0x02,
	OFFLOAD_RST = 0x04,
	OFFLOAD_PSH = 0x08,
	OFFLOAD_ACK = 0x10,
	OFFLOAD_URG = 0x20,
	OFFLOAD_CWR = 0x80,
};

struct offload_packet {
	const uint8_t *bytes; /* borrowed */
	uint32_t len;	      /* as the IP header says, and no byte more is there */
	uint8_t version;
	uint8_t protocol; /* behind all extension headers */
	bool is_fragment;
	bool is_plain; /* no IP options, extension headers or fragmentation */
	uint16_t l4_at;
	uint16_t header_len; /* IP and TCP or UDP header; 0: neither of them, or a fragment */
};

/*
 * Takes a packet apart. 0, or -EBADMSG: malformed, neither version, longer than
 * OFFLOAD_PACKET_MAX, or len is not what its IP header says. A TCP or UDP header that is malformed
 * only leaves header_len 0. No checksum is looked at.
 */
int offload_packet_parse(const uint8_t *pkt, size_t len, struct offload_packet *ret_packet);

/* Sum of the pseudo-header with this transport length (header and payload). */
uint64_t offload_packet_pseudo(const struct offload_packet *p, uint32_t l4_len);

/* Where the transport's checksum is, counted from its header. */
static inline uint16_t offload_packet_csum_at(const struct offload_packet *p)
{
	return p->protocol == OFFLOAD_TCP ? OFFLOAD_TCP_CHECKSUM_AT : OFFLOAD_UDP_CHECKSUM_AT;
}

static inline uint16_t offload_get_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t offload_get_be32(const uint8_t *p)
{
	return (uint32_t)offload_get_be16(p) << 16 | offload_get_be16(p + 2);
}

static inline void offload_put_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void offload_put_be32(uint8_t *p, uint32_t v)
{
	offload_put_be16(p, (uint16_t)(v >> 16));
	offload_put_be16(p + 2, (uint16_t)v);
}

#endif

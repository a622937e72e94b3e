/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUN_OFFLOAD_SPLIT_H
#define TUN_OFFLOAD_SPLIT_H
/*
 * What the kernel puts into a TUN queue with a virtio-net header, cut into packets for a link: a
 * TCP or UDP super-packet into segments with headers of their own, anything else as one packet
 * with its checksum completed. The payload is copied and summed in one go. No I/O.
 *
 * Of the virtio-net header only what the packet itself cannot say is believed: hdr_len is not, and
 * csum_start must agree with the packet.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct virtio_net_hdr;

enum {
	OFFLOAD_SPLIT_HEADER_MAX = 256, /* IP and transport header of a super-packet */
};

/* On the caller's stack; all private. */
struct offload_split {
	const uint8_t *payload; /* borrowed; of a single packet: all of it */
	uint32_t left;		/* bytes of payload not written yet */
	uint32_t done;
	uint16_t size; /* payload of each segment but the last */
	uint16_t header_len;
	uint16_t l4_at;
	uint16_t csum_at; /* of a single packet, from its start; of a segment, from l4_at */
	bool has_more;
	bool is_single;
	bool is_csum_wanted; /* of a single packet */
	bool is_tcp;
	bool is_ipv4;
	uint8_t tcp_flags;
	uint16_t ipv4_id;
	uint32_t tcp_seq;
	uint64_t ip_sum; /* of the fields that do not change */
	uint64_t l4_sum; /* likewise, the pseudo-header included */
	uint8_t header[OFFLOAD_SPLIT_HEADER_MAX];
};

/*
 * Starts on one packet as it was read: h and the len bytes behind it. h is only read here, pkt is
 * borrowed until the last segment was written. No segment is longer than mtu: TCP is cut smaller
 * than gso_size when it must be.
 *
 * Returns 0; -EBADMSG: malformed, or a kind that was never asked for; -EMSGSIZE: a single packet or
 * UDP datagram is longer than mtu, or TCP headers leave no room. A packet without offload is only
 * measured, not looked into.
 */
int offload_split_begin(struct offload_split *s, const struct virtio_net_hdr *h, const uint8_t *pkt,
			size_t len, uint16_t mtu);

/* How many packets it is, when no mtu is in the way: what a drop counts. 1 for what is malformed. */
unsigned offload_split_count(const struct virtio_net_hdr *h, const uint8_t *pkt, size_t len);

/* Bytes that offload_split_next() will write; 0: no more. */
size_t offload_split_next_len(const struct offload_split *s);

/* Writes the next packet to dst, which has room for offload_split_next_len() bytes, not 0. */
void offload_split_next(struct offload_split *s, uint8_t *dst);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUN_IP_H
#define TUN_IP_H
/*
 * Inner IP packets as the forwarder needs them: header fields after all lengths were checked,
 * Internet checksum, TCP MSS clamp. Works on bytes from peers: never reads or writes outside
 * [pkt, pkt + len).
 */
#include <stddef.h>
#include <stdint.h>

enum {
	IP6_EXTENSIONS_MAX = 8,
};

struct ip_info {
	uint8_t version; /* 4 */
	uint8_t protocol;
	uint16_t header_len; /* bytes, options included */
	uint16_t total_len;  /* as the header says; at most len, what is behind is padding */
	uint32_t src_be;
	uint32_t dst_be;
};

/*
 * Checks version, IHL and total length (header_len..len); nothing above IP, nor IP's checksum.
 * -EAFNOSUPPORT for version 6: see ip6_parse(); -EBADMSG when malformed (too short, IHL < 5,
 * lengths).
 */
int ip_parse(const uint8_t *pkt, size_t len, struct ip_info *ret_info);

struct ip6_info {
	uint8_t protocol; /* behind the extension headers, or the one that cannot be stepped over */
	uint16_t l4_at;	  /* where it begins; at most total_len */
	uint16_t total_len; /* as the header says; at most len, what is behind is padding */
	const uint8_t *src; /* 16 bytes, in pkt */
	const uint8_t *dst;
};

/*
 * The same for IPv6: checks version and payload length. Steps over hop-by-hop and destination options
 * (IP6_EXTENSIONS_MAX at most), and over nothing that they say; not over routing headers and fragments. -EBADMSG when
 * malformed; a jumbogram is.
 */
int ip6_parse(const uint8_t *pkt, size_t len, struct ip6_info *ret_info);

/*
 * Lowers every MSS option of a TCP SYN (whole header in the first fragment, all options
 * well-formed) to mtu - 40 (IPv4) and corrects the checksum incrementally (RFC 1624). Anything
 * else, malformed options included, is left untouched, and so is all when mtu < 68. info is what
 * ip_parse() said of this packet. Returns 1 when changed, else 0.
 */
int ip_clamp_mss(uint8_t *pkt, const struct ip_info *info, uint16_t mtu);

/* The same to mtu - 60, unless mtu < 1280. */
int ip6_clamp_mss(uint8_t *pkt, const struct ip6_info *info, uint16_t mtu);

/*
 * RFC 1071 over len bytes, folded, not inverted, as a number (to be stored big-endian); sum
 * continues an earlier one (of an even number of bytes).
 */
uint16_t ip_checksum(const void *buf, size_t len, uint32_t sum);

#endif

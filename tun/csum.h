/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUN_CSUM_H
#define TUN_CSUM_H
/*
 * The Internet checksum (RFC 1071) at the speed of the packet path.
 *
 * A sum is a 64-bit number of which only the value modulo 65535 has a meaning. It is kept in the
 * byte order of memory: what csum_fold() gives is stored with memcpy(), never with htons(). Sums of
 * pieces may be added with + as long as each piece but the last has an even number of bytes, and
 * all of them together have less than 2^34.
 */
#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>

/* Adds len bytes, a zero behind an odd one. */
uint64_t csum_add(uint64_t sum, const void *buf, size_t len);

/* Copies len bytes to dst, which does not overlap src, and adds them. */
uint64_t csum_copy(uint64_t sum, void *dst, const void *src, size_t len);

/*
 * Pseudo-headers of TCP and UDP (RFC 9293 section 3.1, RFC 8200 section 8.1). addresses points to
 * source and destination as they stand in the IP header: 8 bytes, or 32 for IPv6. len counts the
 * transport header and what is behind it.
 */
uint64_t csum_pseudo_v4(const uint8_t *addresses, uint8_t protocol, uint32_t len);
uint64_t csum_pseudo_v6(const uint8_t *addresses, uint8_t protocol, uint32_t len);

/* A big-endian 16-bit field with value v, as a part of a sum. */
static inline uint64_t csum_be16(uint16_t v)
{
	return htons(v);
}

/* The 16 bits of the sum, not inverted, in memory's order. A valid packet gives 0xffff. */
static inline uint16_t csum_fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* Stores the folded sum at `at`: inverted, as in a finished header. */
void csum_put(uint8_t *at, uint64_t sum);

/* The same for UDP, where a checksum of 0 means none and is sent as 0xffff (RFC 768). */
void csum_put_udp(uint8_t *at, uint64_t sum);

/* Stores it as it is: the pseudo-header's part that VIRTIO_NET_HDR_F_NEEDS_CSUM leaves there. */
void csum_put_partial(uint8_t *at, uint64_t sum);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ROUTING_PREFIX_H
#define ROUTING_PREFIX_H
/* IP prefixes, IPv4 and IPv6, and what can be asked of them. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PREFIX_TEXT_MAX = 50
};

struct prefix {
	uint8_t family;	  /* AF_INET or AF_INET6 */
	uint8_t len;	  /* 0..32 or 0..128 */
	uint8_t addr[16]; /* network byte order; bits behind len are zero */
};

/*
 * Parses "10.1.0.0/16" or "2001:db8::/32"; without "/len" a host prefix. Host bits must be zero.
 * Returns 0; -EINVAL: not an address or length; -EDOM: host bits are set (ret_prefix then holds the
 * prefix with them cleared, for the error message).
 */
int prefix_parse(const char *text, struct prefix *ret_prefix);

/* The host prefix of an address: 4 or 16 bytes in network byte order, of family AF_INET or AF_INET6. */
struct prefix prefix_host(uint8_t family, const void *addr);
struct prefix prefix_host4(uint32_t addr_be);

/* Returns buf. */
const char *prefix_format(const struct prefix *p, char buf[PREFIX_TEXT_MAX]);

/* Its address alone, for a host prefix. Returns buf. */
const char *prefix_format_address(const struct prefix *p, char buf[PREFIX_TEXT_MAX]);

/* addr: 4 or 16 bytes in network byte order, of p's family. */
bool prefix_contains(const struct prefix *p, const void *addr);
/* inner lies in outer, or is equal. */
bool prefix_covers(const struct prefix *outer, const struct prefix *inner);
bool prefix_overlaps(const struct prefix *a, const struct prefix *b);
bool prefix_equal(const struct prefix *a, const struct prefix *b);
/* < 0, 0 or > 0, for qsort() and bsearch(): IPv4 first, then by address, the shorter one first. */
int prefix_compare(const void *a, const void *b);

/* Lies wholly in 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16 (RFC 1918); false for IPv6. */
bool prefix_is_rfc1918(const struct prefix *p);

/* Lies wholly in 2000::/3 (global) or fc00::/7 (unique local); false for IPv4. */
bool prefix_is_ip6_unicast(const struct prefix *p);

/* IPv6 only: it has n networks of /64, or more. */
bool prefix_has_networks6(const struct prefix *p, uint64_t n);

/* IPv4 only: number of addresses (2^32 for /0), and the first, in host byte order. */
uint64_t prefix_size4(const struct prefix *p);
uint32_t prefix_first4(const struct prefix *p);

#endif

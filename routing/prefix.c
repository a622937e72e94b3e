/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/prefix.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static unsigned family_bits(uint8_t family)
{
	return family == AF_INET6 ? 128 : 32;
}

/* Mask of the bits of byte i that lie in the first `bits` bits. */
static uint8_t byte_mask(unsigned bits, unsigned i)
{
	if (bits >= 8 * (i + 1))
		return 0xff;
	if (bits <= 8 * i)
		return 0;
	return (uint8_t)(0xff << (8 - bits % 8));
}

static bool bits_equal(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned whole = bits / 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return bits % 8 == 0 || ((a[whole] ^ b[whole]) & byte_mask(bits, whole)) == 0;
}

struct prefix prefix_host(uint8_t family, const void *addr)
{
	struct prefix p = {.family = family, .len = (uint8_t)family_bits(family)};

	memcpy(p.addr, addr, p.len / 8);
	return p;
}

struct prefix prefix_host4(uint32_t addr_be)
{
	return prefix_host(AF_INET, &addr_be);
}

/* Decimal, no sign, no blank, no leading zero; -EINVAL else. */
static int parse_len(const char *text, unsigned max)
{
	unsigned len = 0;

	if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0'))
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		len = len * 10 + (unsigned)(*text - '0');
		if (len > max)
			return -EINVAL;
	}
	return (int)len;
}

static int parse_address(const char *text, size_t len, struct prefix *p)
{
	char copy[INET6_ADDRSTRLEN];

	if (len >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	p->family = memchr(copy, ':', len) ? AF_INET6 : AF_INET;
	return inet_pton(p->family, copy, p->addr) == 1 ? 0 : -EINVAL;
}

/* True when there were any. */
static bool clear_host_bits(struct prefix *p)
{
	uint8_t cleared = 0;

	for (unsigned i = 0; i < sizeof(p->addr); i++) {
		uint8_t mask = byte_mask(p->len, i);

		cleared |= (uint8_t)(p->addr[i] & ~mask);
		p->addr[i] &= mask;
	}
	return cleared != 0;
}

int prefix_parse(const char *text, struct prefix *ret_prefix)
{
	const char *slash = strchrnul(text, '/');
	struct prefix p = {0};
	bool cleared;
	int len;

	if (parse_address(text, (size_t)(slash - text), &p) < 0)
		return -EINVAL;
	len = (int)family_bits(p.family);
	if (*slash)
		len = parse_len(slash + 1, family_bits(p.family));
	if (len < 0)
		return -EINVAL;
	p.len = (uint8_t)len;
	cleared = clear_host_bits(&p);
	*ret_prefix = p;
	return cleared ? -EDOM : 0;
}

const char *prefix_format(const struct prefix *p, char buf[PREFIX_TEXT_MAX])
{
	char addr[INET6_ADDRSTRLEN];

	assert(p->family == AF_INET || p->family == AF_INET6);
	inet_ntop(p->family, p->addr, addr, sizeof(addr));
	snprintf(buf, PREFIX_TEXT_MAX, "%s/%u", addr, p->len);
	return buf;
}

const char *prefix_format_address(const struct prefix *p, char buf[PREFIX_TEXT_MAX])
{
	assert(p->family == AF_INET || p->family == AF_INET6);
	inet_ntop(p->family, p->addr, buf, PREFIX_TEXT_MAX);
	return buf;
}

bool prefix_contains(const struct prefix *p, const void *addr)
{
	return bits_equal(p->addr, addr, p->len);
}

bool prefix_covers(const struct prefix *outer, const struct prefix *inner)
{
	return outer->family == inner->family && outer->len <= inner->len &&
	       prefix_contains(outer, inner->addr);
}

bool prefix_overlaps(const struct prefix *a, const struct prefix *b)
{
	return prefix_covers(a, b) || prefix_covers(b, a);
}

bool prefix_equal(const struct prefix *a, const struct prefix *b)
{
	return a->len == b->len && prefix_covers(a, b);
}

int prefix_compare(const void *a, const void *b)
{
	const struct prefix *p = a, *q = b;
	int order = (p->family == AF_INET6) - (q->family == AF_INET6);

	if (order == 0)
		order = memcmp(p->addr, q->addr, sizeof(p->addr));
	return order ? order : (p->len > q->len) - (p->len < q->len);
}

bool prefix_is_rfc1918(const struct prefix *p)
{
	static const struct prefix private_ranges[] = {
		{.family = AF_INET, .len = 8, .addr = {10}},
		{.family = AF_INET, .len = 12, .addr = {172, 16}},
		{.family = AF_INET, .len = 16, .addr = {192, 168}},
	};

	for (size_t i = 0; i < sizeof(private_ranges) / sizeof(private_ranges[0]); i++)
		if (prefix_covers(&private_ranges[i], p))
			return true;
	return false;
}

bool prefix_is_ip6_unicast(const struct prefix *p)
{
	static const struct prefix global = {.family = AF_INET6, .len = 3, .addr = {0x20}};
	static const struct prefix local = {.family = AF_INET6, .len = 7, .addr = {0xfc}};

	return prefix_covers(&global, p) || prefix_covers(&local, p);
}

bool prefix_has_networks6(const struct prefix *p, uint64_t n)
{
	assert(p->family == AF_INET6 && p->len <= 128);
	if (p->len == 0)
		return true;
	return p->len <= 64 && n <= UINT64_C(1) << (64 - p->len);
}

uint64_t prefix_size4(const struct prefix *p)
{
	assert(p->family == AF_INET && p->len <= 32);
	return UINT64_C(1) << (32 - p->len);
}

uint32_t prefix_first4(const struct prefix *p)
{
	uint32_t addr_be;

	assert(p->family == AF_INET);
	memcpy(&addr_be, p->addr, sizeof(addr_be));
	return ntohl(addr_be);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "test/support/routes.h"

#include <string.h>
#include <sys/socket.h>

struct share {
	uint8_t first_len, last_len; /* as likely all */
	uint16_t per_mille;
};

/* how a full table of 2025 divides; the longer than /24 are what a network adds of its own */
static const struct share shares4[] = {
	{24, 24, 600}, {23, 23, 100}, {22, 22, 110}, {21, 21, 40}, {20, 20, 40}, {19, 19, 30},
	{18, 18, 20},  {17, 17, 10},  {16, 16, 15},  {8, 15, 20},  {25, 32, 15},
};
static const struct share shares6[] = {
	{48, 48, 470}, {32, 32, 130}, {44, 44, 120}, {40, 40, 100}, {36, 36, 60},
	{29, 29, 40},  {46, 47, 30},  {33, 35, 20},  {49, 64, 15},  {20, 28, 15},
};

static uint8_t draw_len(struct prng *p, const struct share *shares)
{
	uint32_t at = prng_below(p, 1000);

	while (at >= shares->per_mille) {
		at -= shares->per_mille;
		shares++;
	}
	return (uint8_t)(shares->first_len +
			 prng_below(p, 1u + shares->last_len - shares->first_len));
}

static void clear_host_bits(struct prefix *x)
{
	for (unsigned i = 0; i < sizeof(x->addr); i++) {
		unsigned keep = x->len > 8 * i ? x->len - 8 * i : 0;

		if (keep < 8)
			x->addr[i] &= (uint8_t)(0xff00 >> keep);
	}
}

static void random_bytes(struct prng *p, uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)prng_next(p);
}

struct prefix routes_bgp4(struct prng *p)
{
	struct prefix x = {.family = AF_INET, .len = draw_len(p, shares4)};

	random_bytes(p, x.addr, 4);
	x.addr[0] = (uint8_t)(1 + x.addr[0] % 223);
	clear_host_bits(&x);
	return x;
}

/* Registries hand out /32s from a handful of blocks, and hold more-specifics in few of them. */
struct prefix routes_bgp6(struct prng *p)
{
	static const uint8_t blocks[][2] = {{0x20, 0x01}, {0x24, 0x00}, {0x24, 0x02}, {0x26, 0x00},
					    {0x26, 0x04}, {0x28, 0x03}, {0x2a, 0x02}, {0x2a, 0x0e}};
	struct prefix x = {.family = AF_INET6, .len = draw_len(p, shares6)};
	uint32_t block = prng_below(p, sizeof(blocks) / sizeof(blocks[0]));

	random_bytes(p, x.addr, 16);
	memcpy(x.addr, blocks[block], 2);
	if (x.len > 32)
		x.addr[3] &= 0x1c;
	clear_host_bits(&x);
	return x;
}

struct prefix routes_mutate(struct prng *p, const struct prefix *other)
{
	struct prefix x = *other;
	unsigned bits = x.family == AF_INET6 ? 128 : 32;

	for (unsigned flips = prng_below(p, 4); flips > 0; flips--) {
		unsigned bit = prng_below(p, bits);

		x.addr[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
	}
	x.len = (uint8_t)prng_below(p, bits + 1);
	clear_host_bits(&x);
	return x;
}

struct prefix routes_any(struct prng *p, uint8_t family)
{
	unsigned bits = family == AF_INET6 ? 128 : 32;
	struct prefix x = {.family = family, .len = (uint8_t)prng_below(p, bits + 1)};

	random_bytes(p, x.addr, bits / 8);
	clear_host_bits(&x);
	return x;
}

void routes_address_in(struct prng *p, const struct prefix *prefix, uint8_t ret_addr[16])
{
	random_bytes(p, ret_addr, 16);
	for (unsigned i = 0; i < prefix->len; i++) {
		uint8_t mask = (uint8_t)(0x80 >> i % 8);

		ret_addr[i / 8] &= (uint8_t)~mask;
		ret_addr[i / 8] |= prefix->addr[i / 8] & mask;
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first addresses of all intervals in ascending order, behind them their values. The search has
 * no branch that depends on the address: for the tables it is for, a mispredicted branch would cost
 * more than all its comparisons.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "routing/fib_table.h"

/* Two halves, so that the keys need no alignment of 16. */
struct key6 {
	uint64_t high, low;
};

static inline uint32_t search4(const uint32_t *keys, uint32_t n, uint32_t key)
{
	uint32_t first = 0;

	for (uint32_t left = n; left > 1;) {
		uint32_t half = left / 2;

		first += half & -(uint32_t)(keys[first + half] <= key);
		left -= half;
	}
	return keys[n + first];
}

static inline uint32_t search6(const struct key6 *keys, uint32_t n, const void *addr)
{
	uint32_t first = 0;
	uint64_t word[2];

	memcpy(word, addr, sizeof(word));
	word[0] = be64toh(word[0]);
	word[1] = be64toh(word[1]);
	for (uint32_t left = n; left > 1;) {
		uint32_t half = left / 2;
		const struct key6 *k = &keys[first + half];
		uint32_t below = (k->high < word[0]) | ((k->high == word[0]) & (k->low <= word[1]));

		first += half & -below;
		left -= half;
	}
	return ((const uint32_t *)(keys + n))[first];
}

static uint32_t find4(const struct fib_table *t, uint32_t word, const uint8_t *addr)
{
	return search4(t->memory, t->n, word);
}

static void find4_bulk(const struct fib_table *t, const void *addrs, size_t n, uint32_t *ret_ids)
{
	for (size_t i = 0; i < n; i++)
		ret_ids[i] = search4(t->memory, t->n, ntohl(((const uint32_t *)addrs)[i]));
}

static uint32_t find6(const struct fib_table *t, uint32_t word, const uint8_t *addr)
{
	return search6(t->memory, t->n, addr);
}

static void find6_bulk(const struct fib_table *t, const void *addrs, size_t n, uint32_t *ret_ids)
{
	for (size_t i = 0; i < n; i++)
		ret_ids[i] = search6(t->memory, t->n, (const uint8_t *)addrs + 16 * i);
}

static const struct fib_shape shape4 = {find4, find4_bulk};
static const struct fib_shape shape6 = {find6, find6_bulk};

int fib_search_init(struct fib_table *ret_table, const struct interval_list *list, uint8_t family)
{
	size_t key_bytes = family == AF_INET6 ? sizeof(struct key6) : sizeof(uint32_t);
	size_t bytes = list->n * (key_bytes + sizeof(uint32_t));
	uint8_t *memory = malloc(bytes);

	if (!memory)
		return -ENOMEM;
	for (size_t i = 0; i < list->n; i++) {
		uint64_t high = (uint64_t)(list->keys[i] >> 64);

		if (family == AF_INET6)
			((struct key6 *)memory)[i] = (struct key6){high, (uint64_t)list->keys[i]};
		else
			((uint32_t *)memory)[i] = (uint32_t)(high >> 32);
	}
	memcpy(memory + list->n * key_bytes, list->values, list->n * sizeof(uint32_t));
	*ret_table = (struct fib_table){
		.shape = family == AF_INET6 ? &shape6 : &shape4,
		.memory = memory,
		.bytes = bytes,
		.n = (uint32_t)list->n,
	};
	return 0;
}

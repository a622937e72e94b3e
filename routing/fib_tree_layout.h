/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ROUTING_FIB_TREE_LAYOUT_H
#define ROUTING_FIB_TREE_LAYOUT_H
/* What the writer and the reader of a tree agree on; for fib_tree.c and fib_tree_build.c. */
#include "routing/fib_tree.h"

enum {
	NODE_BYTES = 64,
	KEYS4 = NODE_BYTES / sizeof(uint32_t),
	KEYS6 = NODE_BYTES / sizeof(uint64_t),
};

/* The rest of a value is where in memory its struct parts is, in units of 8 bytes. */
#define VALUE_PARTS UINT32_C(0x80000000)

/* A network of 64 bits that is divided further. Behind it are the value of each part. */
struct parts {
	uint64_t n;
	uint64_t first[]; /* second half of each part's first address; that of the first is 0 */
};

static inline const void *fib_tree_node(const struct fib_tree *t, uint32_t number)
{
	return t->memory + (size_t)number * NODE_BYTES;
}

static inline uint32_t fib_tree_find_part(const struct fib_tree *t, uint32_t value, uint64_t low)
{
	const struct parts *p =
		(const struct parts *)(t->memory + 8 * (size_t)(value & ~VALUE_PARTS));
	uint64_t at = 0;

	for (uint64_t left = p->n; left > 1;) {
		uint64_t half = left / 2;

		at += p->first[at + half] <= low ? half : 0;
		left -= half;
	}
	return ((const uint32_t *)(p->first + p->n))[at];
}

/* How a CPU without AVX-512 searches; seen from outside so that tests compare both ways. */
uint32_t fib_tree_plain_find4(const struct fib_tree *t, uint32_t addr);
uint32_t fib_tree_plain_find6(const struct fib_tree *t, const uint8_t addr[16]);
void fib_tree_plain_find4_bulk(const struct fib_tree *t, const uint32_t *addrs_be, size_t n,
			       uint32_t *ret_values);
void fib_tree_plain_find6_bulk(const struct fib_tree *t, const uint8_t (*addrs)[16], size_t n,
			       uint32_t *ret_values);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ROUTING_FIB_TREE_H
#define ROUTING_FIB_TREE_H
/*
 * A static search tree over intervals of addresses, for tables of any size: 8 bytes an IPv4 interval and
 * 12 an IPv6 one. For fib.c.
 *
 * A node is a cache line of keys, all compared at once: 16 of 32 bits for IPv4, 8 of 64 bits for IPv6.
 * How many of them lie below the address says which of 17 or 9 children to go to, and at the bottom
 * which interval it is. Where children are follows from their number, so that there are no pointers,
 * and no branch depends on the address.
 *
 * An IPv6 tree sees the first 64 bits. Of the few networks of that size that are divided further, the
 * value says where the list of their parts is.
 */
#include <stddef.h>
#include <stdint.h>

#include "routing/interval.h"

struct fib_tree {
	uint8_t *memory; /* owned: nodes from the top level to the bottom, and what follows */
	const uint32_t *values; /* one for each interval */
	const uint32_t *levels; /* number of the first node of each level */
	uint32_t n_levels;
	size_t bytes;
};

/* Returns 0, -ENOMEM, or -E2BIG: more than 2^27 intervals. Copies what it needs of the list. */
int fib_tree_init(struct fib_tree *ret_tree, const struct interval_list *list, uint8_t family);
void fib_tree_done(struct fib_tree *t);

/* addr in host byte order. */
__attribute__((pure)) uint32_t fib_tree_find4(const struct fib_tree *t, uint32_t addr);
__attribute__((pure)) uint32_t fib_tree_find6(const struct fib_tree *t, const uint8_t addr[16]);

/* For n addresses, whose memory accesses overlap. Network byte order. */
void fib_tree_find4_bulk(const struct fib_tree *t, const uint32_t *addrs_be, size_t n,
			 uint32_t *ret_values);
void fib_tree_find6_bulk(const struct fib_tree *t, const uint8_t (*addrs)[16], size_t n,
			 uint32_t *ret_values);

#endif

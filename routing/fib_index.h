/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ROUTING_FIB_INDEX_H
#define ROUTING_FIB_INDEX_H
/*
 * A byte for each /24: the direct index of large IPv4 tables. Most lookups are one access to memory, as
 * with DIR-24-8, but to a table of at most 16 MB instead of 64. The price: no more than 255 different
 * answers. For fib.h and fib.c.
 *
 * The byte chooses among the answers. FIB_INDEX_BELOW sends to the tree: this /24 is divided further.
 *
 * Rejected: 64 entries in a cell of 16 bytes, a bit for each that differs from the one before, and
 * then only the leaves that differ. A full table takes 5 MB so, and random lookups may find it in the
 * third cache; but counting the bits makes hot ones take twice as long.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "routing/interval.h"

enum {
	FIB_INDEX_BELOW = 255,
	FIB_INDEX_ANSWERS = 255, /* at most */
};

/* The answer behind FIB_INDEX_BELOW; no route id has this bit. */
#define FIB_INDEX_OPEN UINT32_C(0x80000000)

struct fib_index {
	const uint8_t *leaves; /* NULL: no index, the tree has all */
	uint32_t *answers;
	size_t bytes; /* of leaves that were written, and of answers */
};

/*
 * Compiles a list of IPv4 intervals. ret_below, which is empty, gets what the tree must hold. Returns
 * 0; -ENOMEM; -E2BIG: too many different answers.
 */
int fib_index_init(struct fib_index *ret_index, struct interval_list *ret_below,
		   const struct interval_list *list);
/* Takes an empty one too. */
void fib_index_done(struct fib_index *index);

bool fib_index_equal(const struct fib_index *a, const struct fib_index *b);

#endif

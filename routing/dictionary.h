/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ROUTING_DICTIONARY_H
#define ROUTING_DICTIONARY_H
/*
 * Different values, numbered in the order they were met: what a compiled table has instead of wide
 * answers. For fib_index.c and fib_cells_build.c.
 */
#include <stddef.h>
#include <stdint.h>

struct dictionary {
	uint32_t *values; /* owned */
	size_t n, max;
	uint32_t *slots; /* owned: an open hash of place and one, or 0 */
	unsigned slot_bits;
};

/* An empty one, for at most `max` values: 1 to 2^24. Returns 0 or -ENOMEM. */
int dictionary_init(struct dictionary *ret_dictionary, size_t max);
/* Takes one all zero too. */
void dictionary_done(struct dictionary *d);

/* Returns the place of a value, that of a new one too; -E2BIG: there is no room for a new one. */
int dictionary_place(struct dictionary *d, uint32_t value);

#endif

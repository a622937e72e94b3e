/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ROUTING_INTERVAL_H
#define ROUTING_INTERVAL_H
/*
 * A route table flattened: where each run of addresses with the same answer begins. Two tables that
 * answer alike have the same list, whatever prefixes they were written with. For fib.c, which
 * compiles it; the addresses of both families stand left-aligned in 128 bits.
 */
#include <stddef.h>
#include <stdint.h>

#include "routing/key.h"
#include "routing/trie.h"

typedef address_key interval_key;

enum {
	INTERVAL_NONE = 0x7fffffff, /* no prefix contains these addresses */
};

/* keys[0] is 0, keys ascend, neighbours in values differ. */
struct interval_list {
	interval_key *keys; /* first address of each run */
	uint32_t *values;
	size_t n;
	size_t cap;
};

/*
 * The family's routes as intervals; at most twice as many and one. Returns 0 with a list for
 * interval_done(); -ENOMEM; -ERANGE: a value is INTERVAL_NONE or more.
 */
int interval_init(struct interval_list *ret_list, const struct trie *t, uint8_t family);

/*
 * From key on the answer is value. Keys never descend; the last word on one key counts, and a value
 * that holds already is not repeated. Returns 0 or -ENOMEM.
 */
int interval_add(struct interval_list *list, interval_key key, uint32_t value);

/* Takes an empty one too. */
void interval_done(struct interval_list *list);

#endif

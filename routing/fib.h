/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ROUTING_FIB_H
#define ROUTING_FIB_H
/*
 * A route table as the packet path asks it: compiled from a trie, never changed afterwards, so that
 * any number of threads read it without a lock. A change of routes compiles a new one (a full table
 * takes well under a second) and routing/fib_slot.h puts it in the old one's place. Tables of all sizes
 * share this interface: a table of 50 routes takes less than a kilobyte, a full BGP table about 13
 * bytes a route.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "routing/trie.h"

enum {
	FIB_NONE = 0x7fffffff, /* no route; the ids of routes are smaller */
};

struct fib;

/*
 * Compiles both families of t. Returns 0 with an owned fib; -ENOMEM; -ERANGE: a route id is FIB_NONE
 * or more; -E2BIG: more than 2^32 entries (many millions of routes).
 */
int fib_new(const struct trie *t, struct fib **ret_fib);

/* Takes NULL. */
void fib_free(struct fib *f);

/* The route id of the longest prefix that contains the address (network byte order), or FIB_NONE. */
uint32_t fib_lookup4(const struct fib *f, uint32_t addr_be);
uint32_t fib_lookup6(const struct fib *f, const uint8_t addr[16]);

/* The same for n addresses at once: their memory accesses overlap. */
void fib_lookup4_bulk(const struct fib *f, const uint32_t *addrs_be, size_t n, uint32_t *ret_ids);
void fib_lookup6_bulk(const struct fib *f, const uint8_t (*addrs)[16], size_t n, uint32_t *ret_ids);

/* Bytes held, without the allocator's own. */
size_t fib_bytes(const struct fib *f);

/* Equal for fibs compiled from tables that answer alike, however these were written. */
uint64_t fib_hash(const struct fib *f);
bool fib_equal(const struct fib *a, const struct fib *b);

#endif

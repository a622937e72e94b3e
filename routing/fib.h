/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ROUTING_FIB_H
#define ROUTING_FIB_H
/*
 * A route table as the packet path asks it: compiled from a trie, never changed afterwards, so that
 * any number of threads read it without a lock. A change of routes compiles a new one (a full table
 * takes well under a second) and routing/fib_slot.h puts it in the old one's place. Tables of all sizes
 * share this interface: a table of 50 routes takes about a kilobyte, a full BGP table about 15 bytes
 * a route.
 *
 * There are three shapes. Small tables, and all of IPv6, are a tree (routing/fib_tree.h); IPv4 tables of
 * a middle size are cells (routing/fib_cells.h); large ones have a byte for each /24 and a tree for what
 * is smaller (routing/fib_index.h), as long as their answers are few. The step through the index is
 * inline: it is one access to memory, beside which a call would show.
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "routing/fib_cells.h"
#include "routing/fib_index.h"
#include "routing/fib_tree.h"
#include "routing/trie.h"

enum {
	FIB_NONE = 0x7fffffff, /* no route; the ids of routes are smaller */
};

/* For routing/ only. */
struct fib {
	struct fib_index index;
	struct fib_cells cells;
	struct fib_tree tree4, tree6;
	uint64_t hash;
};

/*
 * Compiles both families of t. Returns 0 with an owned fib; -ENOMEM; -ERANGE: a route id is FIB_NONE
 * or more; -E2BIG: more than 2^27 intervals.
 */
int fib_new(const struct trie *t, struct fib **ret_fib);

/* Takes NULL. */
void fib_free(struct fib *f);

/*
 * An IPv4 address that the index does not answer. Host byte order. That the call is pure lets a loop
 * of lookups keep where the index lies in registers: the shorter a lookup, the more of them wait for
 * memory at the same time.
 */
__attribute__((pure)) uint32_t fib_find4(const struct fib *f, uint32_t addr);

/* The route id of the longest prefix that contains the address (network byte order), or FIB_NONE. */
static inline uint32_t fib_lookup4(const struct fib *f, uint32_t addr_be)
{
	uint32_t addr = ntohl(addr_be);
	uint8_t leaf = f->index.leaves ? f->index.leaves[addr >> 8] : FIB_INDEX_BELOW;

	if (__builtin_expect(leaf == FIB_INDEX_BELOW, 0))
		return fib_find4(f, addr);
	return f->index.answers[leaf];
}

static inline uint32_t fib_lookup6(const struct fib *f, const uint8_t addr[16])
{
	return fib_tree_find6(&f->tree6, addr);
}

/* The same for n addresses at once: their memory accesses overlap. */
void fib_lookup4_bulk(const struct fib *f, const uint32_t *addrs_be, size_t n, uint32_t *ret_ids);
void fib_lookup6_bulk(const struct fib *f, const uint8_t (*addrs)[16], size_t n, uint32_t *ret_ids);

/* Bytes held, without the allocator's own. */
size_t fib_bytes(const struct fib *f);

/* Equal for fibs compiled from tables that answer alike, however these were written. */
uint64_t fib_hash(const struct fib *f);
bool fib_equal(const struct fib *a, const struct fib *b);

#endif

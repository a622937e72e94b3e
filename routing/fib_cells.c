/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the compressed direct index: see fib_cells.h for its layout.
 *
 * The functions below are written once, for both widths of leaves and both kinds of CPU, and compiled
 * for each: what differs is constant in each copy.
 */
#include "routing/fib_cells.h"

#include <arpa/inet.h>
#include <stdbool.h>

#include "routing/fib_search.h"

/* The place of the leaf of entry `bit` in a cell. */
ALWAYS_INLINE uint32_t leaf_place(const struct fib_cells *t, uint32_t number, uint32_t bit)
{
	const struct cell *c = (const struct cell *)t->memory + number;

	return c->base + (uint32_t)__builtin_popcountll(c->bits << (CELL_ENTRIES - 1 - bit));
}

ALWAYS_INLINE uint32_t leaf_at(const struct fib_cells *t, uint32_t place, bool wide)
{
	if (wide)
		return ((const uint32_t *)t->memory)[place];
	return t->dictionary[((const uint16_t *)t->memory)[place]];
}

ALWAYS_INLINE uint32_t cell_leaf(const struct fib_cells *t, uint32_t number, uint32_t bit,
				 bool wide)
{
	return leaf_at(t, leaf_place(t, number, bit), wide);
}

ALWAYS_INLINE uint32_t root_position(const struct fib_cells *t, uint32_t word)
{
	return word >> (32 - 8 * t->root_bytes);
}

/* The byte of an address at a depth. */
ALWAYS_INLINE uint8_t byte_at(uint32_t addr, unsigned depth)
{
	return (uint8_t)(addr >> (24 - 8 * depth));
}

/* The byte of an address that chooses among the cells of a child. */
ALWAYS_INLINE uint32_t child_cell(uint32_t leaf, uint8_t byte)
{
	return (leaf & ~CELL_CHILD) + byte / CELL_ENTRIES;
}

/* The leaf of the root most often is the answer. */
ALWAYS_INLINE uint32_t find(const struct fib_cells *t, uint32_t addr, bool wide)
{
	uint32_t at = root_position(t, addr);
	uint32_t leaf = cell_leaf(t, at / CELL_ENTRIES, at % CELL_ENTRIES, wide);

	for (unsigned depth = t->root_bytes; leaf & CELL_CHILD; depth++) {
		uint8_t byte = byte_at(addr, depth);

		leaf = cell_leaf(t, child_cell(leaf, byte), byte % CELL_ENTRIES, wide);
	}
	return leaf;
}

ALWAYS_INLINE void prefetch_cell(const struct fib_cells *t, uint32_t number)
{
	__builtin_prefetch((const struct cell *)t->memory + number);
}

/*
 * Each level's cells are asked for before any is read, so that the accesses of a batch overlap.
 * `open` are those of the batch that have not come to an end yet: below the root, most often none.
 */
ALWAYS_INLINE void find_batch(const struct fib_cells *t, const uint32_t *addrs_be, size_t n,
			      uint32_t *ret_values, bool wide)
{
	uint8_t open[FIB_BATCH];
	size_t n_open = 0;

	for (size_t i = 0; i < n; i++)
		prefetch_cell(t, root_position(t, ntohl(addrs_be[i])) / CELL_ENTRIES);
	for (size_t i = 0; i < n; i++) {
		uint32_t at = root_position(t, ntohl(addrs_be[i]));

		ret_values[i] = cell_leaf(t, at / CELL_ENTRIES, at % CELL_ENTRIES, wide);
		open[n_open] = (uint8_t)i;
		n_open += ret_values[i] >> 31;
	}
	for (unsigned depth = t->root_bytes; n_open > 0; depth++) {
		size_t n_next = 0;

		for (size_t k = 0; k < n_open; k++)
			prefetch_cell(t, child_cell(ret_values[open[k]],
						    byte_at(ntohl(addrs_be[open[k]]), depth)));
		for (size_t k = 0; k < n_open; k++) {
			uint8_t i = open[k];
			uint8_t byte = byte_at(ntohl(addrs_be[i]), depth);

			ret_values[i] = cell_leaf(t, child_cell(ret_values[i], byte),
						  byte % CELL_ENTRIES, wide);
			open[n_next] = i;
			n_next += ret_values[i] >> 31;
		}
		n_open = n_next;
	}
}

ALWAYS_INLINE void find_bulk(const struct fib_cells *table, const uint32_t *addrs_be, size_t n,
			     uint32_t *ret_values, bool wide)
{
	/* a copy, which the compiler knows that writing the results does not change */
	const struct fib_cells t = *table;

	for (size_t i = 0; i < n; i += FIB_BATCH)
		find_batch(&t, addrs_be + i, fib_batch(n - i), ret_values + i, wide);
}

#define DEFINE_SEARCH(how, cpu)                                                              \
	cpu static uint32_t how##_find(const struct fib_cells *t, uint32_t addr)             \
	{                                                                                    \
		return t->dictionary ? find(t, addr, false) : find(t, addr, true);           \
	}                                                                                    \
	cpu static void how##_find_bulk(const struct fib_cells *t, const uint32_t *addrs_be, \
					size_t n, uint32_t *ret_values)                      \
	{                                                                                    \
		if (t->dictionary)                                                           \
			find_bulk(t, addrs_be, n, ret_values, false);                        \
		else                                                                         \
			find_bulk(t, addrs_be, n, ret_values, true);                         \
	}

DEFINE_SEARCH(plain, )

/* x86-64 as such has no instruction that counts bits; nearly all such CPUs do. */
#if defined(__x86_64__) && !defined(__POPCNT__)
DEFINE_SEARCH(counting, __attribute__((target("popcnt,bmi,bmi2"))))

static inline bool cpu_counts(void)
{
	return __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("bmi2");
}
#else
#define counting_find	   plain_find
#define counting_find_bulk plain_find_bulk

static inline bool cpu_counts(void)
{
	return false;
}
#endif

uint32_t fib_cells_find(const struct fib_cells *t, uint32_t addr)
{
	return cpu_counts() ? counting_find(t, addr) : plain_find(t, addr);
}

void fib_cells_find_bulk(const struct fib_cells *t, const uint32_t *addrs_be, size_t n,
			 uint32_t *ret_values)
{
	if (cpu_counts())
		counting_find_bulk(t, addrs_be, n, ret_values);
	else
		plain_find_bulk(t, addrs_be, n, ret_values);
}

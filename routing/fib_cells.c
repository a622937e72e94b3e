/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the compressed direct index: see fib_cells.h for its layout.
 *
 * The functions below are written once, for both families, both widths of leaves and both kinds of
 * CPU, and compiled for each: what differs is constant in each copy.
 */
#include "routing/fib_cells.h"

#include <arpa/inet.h>
#include <string.h>

#include "routing/fib_table.h"

enum {
	BATCH = 32, /* lookups whose accesses overlap */
};

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* The place of the leaf of entry `bit` in a cell. */
ALWAYS_INLINE uint32_t leaf_place(const struct fib_table *t, uint32_t number, uint32_t bit)
{
	const struct cell *c = (const struct cell *)t->memory + number;

	return c->base + (uint32_t)__builtin_popcountll(c->bits << (CELL_ENTRIES - 1 - bit));
}

ALWAYS_INLINE uint32_t leaf_at(const struct fib_table *t, uint32_t place, bool wide)
{
	if (wide)
		return ((const uint32_t *)t->memory)[place];
	return t->dictionary[((const uint16_t *)t->memory)[place]];
}

ALWAYS_INLINE uint32_t cell_leaf(const struct fib_table *t, uint32_t number, uint32_t bit,
				 bool wide)
{
	return leaf_at(t, leaf_place(t, number, bit), wide);
}

/* The first four bytes of an address, as a number. */
ALWAYS_INLINE uint32_t first_word(const void *addr)
{
	uint32_t word;

	memcpy(&word, addr, sizeof(word));
	return ntohl(word);
}

ALWAYS_INLINE uint32_t root_position(const struct fib_table *t, uint32_t word)
{
	return word >> (32 - 8 * t->root_bytes);
}

/* From a leaf of the root to the answer. Most often that is the same. */
ALWAYS_INLINE uint32_t descend(const struct fib_table *t, uint32_t leaf, uint32_t word,
			       const uint8_t *addr, bool wide)
{
	for (unsigned i = t->root_bytes; leaf & CELL_CHILD; i++) {
		uint8_t byte = i < 4 ? (uint8_t)(word >> (24 - 8 * i)) : addr[i];

		leaf = cell_leaf(t, (leaf & ~CELL_CHILD) + byte / CELL_ENTRIES, byte % CELL_ENTRIES,
				 wide);
	}
	return leaf;
}

ALWAYS_INLINE uint32_t find(const struct fib_table *t, uint32_t word, const uint8_t *addr,
			    bool wide)
{
	uint32_t at = root_position(t, word);

	return descend(t, cell_leaf(t, at / CELL_ENTRIES, at % CELL_ENTRIES, wide), word, addr,
		       wide);
}

ALWAYS_INLINE void prefetch_cell(const struct fib_table *t, uint32_t number)
{
	__builtin_prefetch((const struct cell *)t->memory + number);
}

/* The byte of an address that chooses among the cells of a child. */
ALWAYS_INLINE uint32_t child_cell(uint32_t leaf, uint8_t byte)
{
	return (leaf & ~CELL_CHILD) + byte / CELL_ENTRIES;
}

/*
 * Each level's cells are asked for before any is read, so that the accesses of a batch overlap.
 * `open` are those of the batch that have not come to an end yet: below the root, most often none.
 */
ALWAYS_INLINE void find_batch(const struct fib_table *t, const uint8_t *addrs, size_t stride,
			      size_t n, uint32_t *ret_ids, bool wide)
{
	uint8_t open[BATCH];
	size_t n_open = 0;

	for (size_t i = 0; i < n; i++)
		prefetch_cell(t, root_position(t, first_word(addrs + stride * i)) / CELL_ENTRIES);
	for (size_t i = 0; i < n; i++) {
		uint32_t at = root_position(t, first_word(addrs + stride * i));

		ret_ids[i] = cell_leaf(t, at / CELL_ENTRIES, at % CELL_ENTRIES, wide);
		open[n_open] = (uint8_t)i;
		n_open += ret_ids[i] >> 31;
	}
	for (size_t depth = t->root_bytes; n_open > 0; depth++) {
		size_t n_next = 0;

		for (size_t k = 0; k < n_open; k++)
			prefetch_cell(
				t, child_cell(ret_ids[open[k]], addrs[stride * open[k] + depth]));
		for (size_t k = 0; k < n_open; k++) {
			uint8_t i = open[k];
			uint8_t byte = addrs[stride * i + depth];

			ret_ids[i] = cell_leaf(t, child_cell(ret_ids[i], byte), byte % CELL_ENTRIES,
					       wide);
			open[n_next] = i;
			n_next += ret_ids[i] >> 31;
		}
		n_open = n_next;
	}
}

ALWAYS_INLINE void find_bulk(const struct fib_table *table, const uint8_t *addrs, size_t stride,
			     size_t n, uint32_t *ret_ids, bool wide)
{
	/* a copy, which the compiler knows that writing the results does not change */
	const struct fib_table t = *table;

	for (size_t i = 0; i < n; i += BATCH)
		find_batch(&t, addrs + stride * i, stride, n - i < BATCH ? n - i : BATCH,
			   ret_ids + i, wide);
}

#define DEFINE_SHAPE(name, wide, stride, cpu)                                               \
	cpu static uint32_t name##_find(const struct fib_table *t, uint32_t word,           \
					const uint8_t *addr)                                \
	{                                                                                   \
		return find(t, word, addr, wide);                                           \
	}                                                                                   \
	cpu static void name##_bulk(const struct fib_table *t, const void *addrs, size_t n, \
				    uint32_t *ret_ids)                                      \
	{                                                                                   \
		find_bulk(t, addrs, stride, n, ret_ids, wide);                              \
	}                                                                                   \
	static const struct fib_shape name = {name##_find, name##_bulk};

/* x86-64 as such has no instruction that counts bits; nearly all such CPUs do. */
#if defined(__x86_64__) && !defined(__POPCNT__)
#define COUNTING __attribute__((target("popcnt,bmi,bmi2")))
DEFINE_SHAPE(counting_narrow4, false, 4, COUNTING)
DEFINE_SHAPE(counting_narrow6, false, 16, COUNTING)
DEFINE_SHAPE(counting_wide4, true, 4, COUNTING)
DEFINE_SHAPE(counting_wide6, true, 16, COUNTING)

static bool cpu_counts(void)
{
	return __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("bmi2");
}
#endif

DEFINE_SHAPE(narrow4, false, 4, )
DEFINE_SHAPE(narrow6, false, 16, )
DEFINE_SHAPE(wide4, true, 4, )
DEFINE_SHAPE(wide6, true, 16, )

const struct fib_shape *fib_cells_shape(bool wide, bool six)
{
#if defined(__x86_64__) && !defined(__POPCNT__)
	if (cpu_counts() && wide)
		return six ? &counting_wide6 : &counting_wide4;
	if (cpu_counts())
		return six ? &counting_narrow6 : &counting_narrow4;
#endif
	if (wide)
		return six ? &wide6 : &wide4;
	return six ? &narrow6 : &narrow4;
}

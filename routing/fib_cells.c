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
	BATCH = 32, /* lookups in flight: as many as hide the memory's latency */
};

#define ALWAYS_INLINE static inline __attribute__((always_inline))

ALWAYS_INLINE uint32_t cell_leaf(const struct fib_table *t, size_t number, uint32_t bit, bool wide)
{
	const struct cell *c = (const struct cell *)t->memory + number;
	uint32_t rank = (uint32_t)__builtin_popcountll(c->bits << (CELL_ENTRIES - 1 - bit));
	uint32_t at = c->base + rank;

	if (wide)
		return ((const uint32_t *)t->memory)[at];
	return t->dictionary[((const uint16_t *)t->memory)[at]];
}

ALWAYS_INLINE uint32_t root_position(const struct fib_table *t, const void *addr)
{
	uint32_t first_bytes;

	memcpy(&first_bytes, addr, sizeof(first_bytes));
	return ntohl(first_bytes) >> (32 - 8 * t->root_bytes);
}

/* From a leaf of the root to the answer. Most often that is the same. */
ALWAYS_INLINE uint32_t descend(const struct fib_table *t, uint32_t leaf, const uint8_t *addr,
			       bool wide)
{
	for (const uint8_t *byte = addr + t->root_bytes; leaf & CELL_CHILD; byte++)
		leaf = cell_leaf(t, (leaf & ~CELL_CHILD) + *byte / CELL_ENTRIES,
				 *byte % CELL_ENTRIES, wide);
	return leaf;
}

ALWAYS_INLINE uint32_t find(const struct fib_table *t, const void *addr, bool wide)
{
	uint32_t at = root_position(t, addr);

	return descend(t, cell_leaf(t, at / CELL_ENTRIES, at % CELL_ENTRIES, wide), addr, wide);
}

ALWAYS_INLINE void find_bulk(const struct fib_table *t, const uint8_t *addrs, size_t stride,
			     size_t n, uint32_t *ret_ids, bool wide)
{
	for (size_t i = 0; i < n; i++)
		ret_ids[i] = find(t, addrs + stride * i, wide);
}
#define DEFINE_SHAPE(name, wide, stride, cpu)                                               \
	cpu static uint32_t name##_find(const struct fib_table *t, const void *addr)        \
	{                                                                                   \
		return find(t, addr, wide);                                                 \
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

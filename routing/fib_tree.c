/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the tree; fib_tree_build.c writes it. A key is the last address before an interval, and an
 * address belongs behind all keys that are less: so the greatest key there is, which fills up nodes,
 * never counts.
 *
 * The search is written once and compiled for each way of comparing the keys of a node.
 */
#include "routing/fib_tree.h"

#include <arpa/inet.h>
#include <string.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include "routing/fib_search.h"
#include "routing/fib_tree_layout.h"

typedef unsigned count4_fn(const uint32_t *node, uint32_t addr);
typedef unsigned count6_fn(const uint64_t *node, uint64_t addr);

static inline unsigned count4_plain(const uint32_t *node, uint32_t addr)
{
	unsigned n = 0;

	for (unsigned i = 0; i < KEYS4; i++)
		n += node[i] < addr;
	return n;
}

static inline unsigned count6_plain(const uint64_t *node, uint64_t addr)
{
	unsigned n = 0;

	for (unsigned i = 0; i < KEYS6; i++)
		n += node[i] < addr;
	return n;
}

ALWAYS_INLINE uint32_t find4(const struct fib_tree *t, uint32_t addr, count4_fn *count)
{
	uint32_t at = 0;

	for (unsigned l = 0; l < t->n_levels; l++)
		at = at * (KEYS4 + 1) + count(fib_tree_node(t, t->levels[l] + at), addr);
	return t->values[at];
}

/* The first half of an address, as a number. */
ALWAYS_INLINE uint64_t half(const uint8_t *addr)
{
	uint64_t word;

	memcpy(&word, addr, sizeof(word));
	return be64toh(word);
}

/* From the value of a network of 64 bits to the answer. Most often that is the same. */
ALWAYS_INLINE uint32_t descend(const struct fib_tree *t, uint32_t value, const uint8_t *addr)
{
	return value & VALUE_PARTS ? fib_tree_find_part(t, value, half(addr + 8)) : value;
}

ALWAYS_INLINE uint32_t find6(const struct fib_tree *t, const uint8_t *addr, count6_fn *count)
{
	uint64_t high = half(addr);
	uint32_t at = 0;

	for (unsigned l = 0; l < t->n_levels; l++)
		at = at * (KEYS6 + 1) + count(fib_tree_node(t, t->levels[l] + at), high);
	return descend(t, t->values[at], addr);
}

/* What the next level reads is asked for as soon as it is known, so that a batch's accesses overlap. */
ALWAYS_INLINE void prefetch_next(const struct fib_tree *t, unsigned level, uint32_t at)
{
	if (level + 1 < t->n_levels)
		__builtin_prefetch(fib_tree_node(t, t->levels[level + 1] + at));
	else
		__builtin_prefetch(t->values + at);
}

ALWAYS_INLINE void batch4(const struct fib_tree *t, const uint32_t *addrs_be, size_t n,
			  uint32_t *ret_values, count4_fn *count)
{
	uint32_t at[FIB_BATCH] = {0};

	for (unsigned l = 0; l < t->n_levels; l++)
		for (size_t i = 0; i < n; i++) {
			const void *node = fib_tree_node(t, t->levels[l] + at[i]);

			at[i] = at[i] * (KEYS4 + 1) + count(node, ntohl(addrs_be[i]));
			prefetch_next(t, l, at[i]);
		}
	for (size_t i = 0; i < n; i++)
		ret_values[i] = t->values[at[i]];
}

ALWAYS_INLINE void batch6(const struct fib_tree *t, const uint8_t (*addrs)[16], size_t n,
			  uint32_t *ret_values, count6_fn *count)
{
	uint32_t at[FIB_BATCH] = {0};

	for (unsigned l = 0; l < t->n_levels; l++)
		for (size_t i = 0; i < n; i++) {
			const void *node = fib_tree_node(t, t->levels[l] + at[i]);

			at[i] = at[i] * (KEYS6 + 1) + count(node, half(addrs[i]));
			prefetch_next(t, l, at[i]);
		}
	for (size_t i = 0; i < n; i++)
		ret_values[i] = descend(t, t->values[at[i]], addrs[i]);
}

#define DEFINE_SEARCH(how, cpu, count4, count6)                                                  \
	cpu uint32_t how##_find4(const struct fib_tree *t, uint32_t addr)                        \
	{                                                                                        \
		return find4(t, addr, count4);                                                   \
	}                                                                                        \
	cpu uint32_t how##_find6(const struct fib_tree *t, const uint8_t addr[16])               \
	{                                                                                        \
		return find6(t, addr, count6);                                                   \
	}                                                                                        \
	cpu void how##_find4_bulk(const struct fib_tree *t, const uint32_t *addrs_be, size_t n,  \
				  uint32_t *ret_values)                                          \
	{                                                                                        \
		for (size_t i = 0; i < n; i += FIB_BATCH)                                        \
			batch4(t, addrs_be + i, fib_batch(n - i), ret_values + i, count4);       \
	}                                                                                        \
	cpu void how##_find6_bulk(const struct fib_tree *t, const uint8_t(*addrs)[16], size_t n, \
				  uint32_t *ret_values)                                          \
	{                                                                                        \
		for (size_t i = 0; i < n; i += FIB_BATCH)                                        \
			batch6(t, addrs + i, fib_batch(n - i), ret_values + i, count6);          \
	}

DEFINE_SEARCH(fib_tree_plain, , count4_plain, count6_plain)

#ifdef __x86_64__
#define WIDE __attribute__((target("avx512f,avx512dq,popcnt")))

WIDE static inline unsigned count4_wide(const uint32_t *node, uint32_t addr)
{
	__m512i keys = _mm512_load_si512(node);

	return (unsigned)__builtin_popcount(
		_cvtmask16_u32(_mm512_cmplt_epu32_mask(keys, _mm512_set1_epi32((int)addr))));
}

WIDE static inline unsigned count6_wide(const uint64_t *node, uint64_t addr)
{
	__m512i keys = _mm512_load_si512(node);

	return (unsigned)__builtin_popcount(
		_cvtmask8_u32(_mm512_cmplt_epu64_mask(keys, _mm512_set1_epi64((long long)addr))));
}

DEFINE_SEARCH(wide, WIDE static, count4_wide, count6_wide)

static inline bool is_wide(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
}
#else
#define wide_find4	fib_tree_plain_find4
#define wide_find6	fib_tree_plain_find6
#define wide_find4_bulk fib_tree_plain_find4_bulk
#define wide_find6_bulk fib_tree_plain_find6_bulk

static inline bool is_wide(void)
{
	return false;
}
#endif

uint32_t fib_tree_find4(const struct fib_tree *t, uint32_t addr)
{
	return is_wide() ? wide_find4(t, addr) : fib_tree_plain_find4(t, addr);
}

uint32_t fib_tree_find6(const struct fib_tree *t, const uint8_t addr[16])
{
	return is_wide() ? wide_find6(t, addr) : fib_tree_plain_find6(t, addr);
}

void fib_tree_find4_bulk(const struct fib_tree *t, const uint32_t *addrs_be, size_t n,
			 uint32_t *ret_values)
{
	if (is_wide())
		wide_find4_bulk(t, addrs_be, n, ret_values);
	else
		fib_tree_plain_find4_bulk(t, addrs_be, n, ret_values);
}

void fib_tree_find6_bulk(const struct fib_tree *t, const uint8_t (*addrs)[16], size_t n,
			 uint32_t *ret_values)
{
	if (is_wide())
		wide_find6_bulk(t, addrs, n, ret_values);
	else
		fib_tree_plain_find6_bulk(t, addrs, n, ret_values);
}

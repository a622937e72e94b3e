/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_BENCH_LPM_YARDSTICK_H
#define TEST_BENCH_LPM_YARDSTICK_H
/* DPDK's rte_lpm and rte_lpm6 with the same routes. Every failure in here ends the program. */
#include <stddef.h>
#include <stdint.h>

#include "routing/prefix.h"

/* Starts DPDK without huge pages: an appliance does not set any aside. */
void yardstick_start(const char *program);

/*
 * Fills rte_lpm with these routes, in order of length. Its tables are written directly, as its own
 * rte_lpm_add() would: that one searches linearly among the rules of a length, minutes for a full
 * table. Once more: instead of those. Returns bytes held.
 */
size_t yardstick4_fill(const struct prefix *prefixes, const uint32_t *values, size_t n);

/* Seconds that rte_lpm_add() takes for these routes, in a table of its own. */
double yardstick4_add(const struct prefix *prefixes, const uint32_t *values, size_t n);

/* Adds with rte_lpm6_add(). Returns bytes held; ret_seconds what it took. */
size_t yardstick6_fill(const struct prefix *prefixes, const uint32_t *values, size_t n,
		       double *ret_seconds);

/* From now on rte_lpm is asked in a copy on large pages, as it would be with some set aside. */
void yardstick4_use_large_pages(void);

/*
 * n addresses in host byte order, as rte_lpm wants them. No route is UINT32_MAX; but bulk gives
 * rte_lpm's entries as they are, for yardstick4_answer().
 */
void yardstick4_single(const uint32_t *addrs, size_t n, uint32_t *ret_ids);
void yardstick4_bulk(const uint32_t *addrs, size_t n, uint32_t *ret_entries);
uint32_t yardstick4_answer(uint32_t entry);
void yardstick6_single(uint8_t (*addrs)[16], size_t n, uint32_t *ret_ids);
void yardstick6_bulk(uint8_t (*addrs)[16], size_t n, uint32_t *ret_ids);

double yardstick_seconds(void); /* since some moment */

#endif

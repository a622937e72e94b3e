/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_BENCH_LPM_SWAP_H
#define TEST_BENCH_LPM_SWAP_H
/* Does a reader notice that its table is swapped? */
#include <stddef.h>
#include <stdint.h>

#include "routing/trie.h"

/*
 * A thread looks up all the time, 64 addresses at once, for phase_ms each: `still` while nothing
 * happens, `swap` while another thread shows a and b in turns, 20 times a second, and `rebuild` while
 * it compiles a or b, shows it and frees the one before, as fast as it can. Prints for each the longest
 * time between two batches in each round, the longest of those in which the kernel did not give the
 * CPU to somebody else, lookups, and how often a second the table really was swapped: members of a JSON
 * object. A failure ends the program.
 */
void swap_print(const struct trie *a, const struct trie *b, const uint32_t *addrs_be, size_t n,
		size_t rounds, size_t phase_ms);

#endif

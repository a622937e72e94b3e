/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ROUTING_AGGREGATE_H
#define ROUTING_AGGREGATE_H
/* Lists of prefixes that all have the same to say: where order and repetition mean nothing. */
#include <stddef.h>

#include "routing/prefix.h"

/* IPv4 first; ascending by address, the shorter one first; each one once. In place; returns how many are left. */
size_t aggregate_sort(struct prefix *list, size_t n);

/*
 * The fewest prefixes with the same addresses, ascending, of a list that aggregate_sort() has made.
 * In place; returns how many are left. n log n with the sort, linear without.
 */
size_t aggregate_minimal(struct prefix *list, size_t n);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ROUTING_OVERLAP_H
#define ROUTING_OVERLAP_H
/* Whether two lists of prefixes have addresses in common. */
#include <stdbool.h>
#include <stddef.h>

#include "routing/prefix.h"

/*
 * Both lists as aggregate_sort() makes them. True: the two prefixes, one of each list, of which one lies in
 * the other; they are the first such pair in that order. Linear.
 */
bool overlap_find(const struct prefix *a, size_t n_a, const struct prefix *b, size_t n_b,
		  struct prefix *ret_a, struct prefix *ret_b);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ROUTING_FIB_TABLE_H
#define ROUTING_FIB_TABLE_H
/* The shapes of one family's compiled table; for fib.c. */
#include <stddef.h>
#include <stdint.h>

#include "routing/interval.h"

struct fib_table;

/*
 * How a shape is asked. find: word is the first four bytes of the address, in host byte order, and
 * addr all 16 of an IPv6 address (IPv4: unused). find_bulk: n addresses of 4 or 16 bytes each.
 */
struct fib_shape {
	uint32_t (*find)(const struct fib_table *t, uint32_t word, const uint8_t *addr);
	void (*find_bulk)(const struct fib_table *t, const void *addrs, size_t n,
			  uint32_t *ret_ids);
};

struct fib_table {
	const struct fib_shape *shape;
	void *memory; /* owned: all that the shape needs, `bytes` of it */
	size_t bytes;
	uint32_t *dictionary; /* in memory, for cells with narrow leaves; else NULL */
	uint32_t n;	      /* intervals, for the search */
	uint8_t root_bytes;   /* of the address that the root consumes, for cells: 1 to 3 */
};

/* Binary search over the intervals: for small tables. Returns 0 or -ENOMEM. */
int fib_search_init(struct fib_table *ret_table, const struct interval_list *list, uint8_t family);

/* Compressed direct index: for all others. root_bytes: 2 or 3. Returns 0, -ENOMEM or -E2BIG. */
int fib_cells_init(struct fib_table *ret_table, const struct interval_list *list, uint8_t family,
		   unsigned root_bytes);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ROUTING_FIB_CELLS_H
#define ROUTING_FIB_CELLS_H
/*
 * The compressed direct index: for IPv4 tables of a middle size, and for large ones with more answers
 * than routing/fib_index.h holds. For fib.c; fib_cells_build.c writes it, fib_cells.c reads it.
 *
 * The idea of a direct index (one entry for each /24, as DIR-24-8 has) with the compression of the
 * Lulea tables: a bit for each entry says whether it differs from the one before, and only those that
 * do are stored; how many bits are set up to an entry is the place of its leaf. A cell is 64 entries
 * in 32 bytes: their bits, the place of its leaves, and room for a few leaves. Where a cell's leaves
 * fit into that room, `base` points there, else behind all cells; the reader computes the same either
 * way, without a branch. In four of five cells of a full table bits and leaf share a cache line.
 *
 * A leaf is a route id, or, with CELL_CHILD, the number of the first of four cells that hold the next
 * eight bits of the address. The root holds the first 8, 16 or 24 bits.
 *
 * Leaves are narrow where their different values number at most 2^16: then they are 16 bits and
 * index a dictionary. Else they are wide, the 32 bits themselves.
 */
#include <stddef.h>
#include <stdint.h>

#include "routing/interval.h"

#define CELL_CHILD UINT32_C(0x80000000)

enum {
	CELL_ENTRIES = 64,
	CELL_BYTES = 32,
	CELL_ROOM_OFFSET = 12,
	CELL_ROOM_BYTES = CELL_BYTES - CELL_ROOM_OFFSET,
	CELLS_PER_BYTE = 256 / CELL_ENTRIES, /* cells that hold eight bits of the address */
	DICTIONARY_MAX = 1 << 16,
};

struct cell {
	uint64_t bits; /* the first is always set */
	uint32_t base; /* place of leaf 0, less one, in units of leaves from the first cell on */
	uint8_t room[CELL_ROOM_BYTES];
};

struct fib_cells {
	uint8_t *memory; /* owned: cells, leaves, dictionary; NULL: no table */
	size_t bytes;
	uint32_t *dictionary; /* in memory, for narrow leaves; NULL: leaves are wide */
	uint8_t root_bytes;   /* of the address that the root consumes */
};

/* root_bytes: 2 or 3. Returns 0, -ENOMEM or -E2BIG: more than 2^31 cells. */
int fib_cells_init(struct fib_cells *ret_cells, const struct interval_list *list,
		   unsigned root_bytes);
/* Takes an empty one too. */
void fib_cells_done(struct fib_cells *t);

/* addr in host byte order. */
__attribute__((pure)) uint32_t fib_cells_find(const struct fib_cells *t, uint32_t addr);

/* For n addresses, whose memory accesses overlap. Network byte order. */
void fib_cells_find_bulk(const struct fib_cells *t, const uint32_t *addrs_be, size_t n,
			 uint32_t *ret_values);

_Static_assert(sizeof(struct cell) == CELL_BYTES, "two cells to a cache line");

#endif

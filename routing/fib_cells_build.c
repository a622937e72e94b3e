/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing the compressed direct index from a list of intervals, in two passes. The first walks cells
 * and intervals side by side in order of address and notes each cell's bits and leaves; a cell that
 * has an interval begin inside one of its entries gets a child there, filled at once. Then it is
 * known how many cells and how many different leaves there are, and the second pass lays all out in
 * its final place.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "routing/array.h"
#include "routing/dictionary.h"
#include "routing/fib_cells.h"
#include "routing/fib_memory.h"

/* A cell of the first pass. */
struct draft {
	uint64_t bits;
	uint32_t leaves; /* index of its first */
};

struct builder {
	const struct interval_list *list;
	size_t next; /* interval that begins next */
	uint32_t value;
	struct draft *cells;
	size_t n_cells, cap_cells;
	uint32_t *leaves;
	size_t n_leaves, cap_leaves;
	struct dictionary dictionary; /* of the leaves */
	bool is_wide;		      /* there are too many for it */
};

/* Returns the number of the first of n new cells, or -errno. */
static int64_t add_cells(struct builder *b, size_t n)
{
	struct draft *cells =
		array_reserve(b->cells, b->n_cells, &b->cap_cells, n, sizeof(struct draft));
	size_t first = b->n_cells;

	if (!cells)
		return -ENOMEM;
	b->cells = cells;
	b->n_cells += n;
	return b->n_cells < CELL_CHILD ? (int64_t)first : -E2BIG;
}

static int add_leaves(struct builder *b, struct draft *cell, const uint32_t *leaves, size_t n)
{
	uint32_t *all = array_reserve(b->leaves, b->n_leaves, &b->cap_leaves, n, sizeof(uint32_t));

	if (!all)
		return -ENOMEM;
	b->leaves = all;
	memcpy(all + b->n_leaves, leaves, n * sizeof(uint32_t));
	cell->leaves = (uint32_t)b->n_leaves;
	b->n_leaves += n;
	return 0;
}

/* An interval begins below `end`. An end of 0 is the end of the space. */
static bool begins_before(const struct builder *b, interval_key end)
{
	return b->next < b->list->n && b->list->keys[b->next] <= end - 1;
}

static int fill_byte(struct builder *b, interval_key start, unsigned entry_bits,
		     uint32_t *ret_leaf);

/* The leaf of the entry that starts at `start` and holds 2^entry_bits addresses. */
static int fill_entry(struct builder *b, interval_key start, unsigned entry_bits,
		      uint32_t *ret_leaf)
{
	if (b->next < b->list->n && b->list->keys[b->next] == start)
		b->value = b->list->values[b->next++];
	if (!begins_before(b, start + ((interval_key)1 << entry_bits))) {
		*ret_leaf = b->value;
		return 0;
	}
	return fill_byte(b, start, entry_bits - 8, ret_leaf);
}

static int fill_cell(struct builder *b, size_t number, interval_key start, unsigned entry_bits)
{
	interval_key end = start + ((interval_key)CELL_ENTRIES << entry_bits);
	uint32_t leaves[CELL_ENTRIES];
	uint64_t bits = 0;
	size_t n = 0;

	for (unsigned i = 0; i < CELL_ENTRIES; i++) {
		interval_key at = start + ((interval_key)i << entry_bits);
		uint32_t leaf = b->value;
		int error;

		error = fill_entry(b, at, entry_bits, &leaf);
		if (error < 0)
			return error;
		if (n == 0 || leaves[n - 1] != leaf) {
			bits |= UINT64_C(1) << i;
			leaves[n++] = leaf;
		}
		/* behind a child, the value may have changed once more */
		if (leaf == b->value && !begins_before(b, end))
			break;
	}
	b->cells[number].bits = bits;
	return add_leaves(b, &b->cells[number], leaves, n);
}

static int fill_cells(struct builder *b, size_t first, size_t n, interval_key start,
		      unsigned entry_bits)
{
	for (size_t i = 0; i < n; i++) {
		interval_key at = start + ((interval_key)(i * CELL_ENTRIES) << entry_bits);
		int error = fill_cell(b, first + i, at, entry_bits);

		if (error < 0)
			return error;
	}
	return 0;
}

static int fill_byte(struct builder *b, interval_key start, unsigned entry_bits, uint32_t *ret_leaf)
{
	int64_t first = add_cells(b, CELLS_PER_BYTE);

	if (first < 0)
		return (int)first;
	*ret_leaf = CELL_CHILD | (uint32_t)first;
	return fill_cells(b, (size_t)first, CELLS_PER_BYTE, start, entry_bits);
}

static int fill_root(struct builder *b, unsigned root_bytes)
{
	size_t n = ((size_t)1 << 8 * root_bytes) / CELL_ENTRIES;
	int64_t first = add_cells(b, n);

	if (first < 0)
		return (int)first;
	return fill_cells(b, 0, n, 0, 128 - 8 * root_bytes);
}

/* Collects the different leaves. More than DICTIONARY_MAX: they are wide. */
static int fill_dictionary(struct builder *b)
{
	int place = dictionary_init(&b->dictionary, DICTIONARY_MAX);

	for (size_t i = 0; i < b->n_leaves && place >= 0; i++)
		place = dictionary_place(&b->dictionary, b->leaves[i]);
	b->is_wide = place == -E2BIG;
	return place < 0 && !b->is_wide ? place : 0;
}

static size_t leaf_bytes(const struct builder *b)
{
	return b->is_wide ? sizeof(uint32_t) : sizeof(uint16_t);
}

static size_t leaves_of(const struct draft *cell)
{
	return (size_t)__builtin_popcountll(cell->bits);
}

static bool fits_into_cell(const struct builder *b, const struct draft *cell)
{
	return leaves_of(cell) * leaf_bytes(b) <= CELL_ROOM_BYTES;
}

/* Leaves that lie behind the cells. */
static size_t count_outside(const struct builder *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n_cells; i++)
		if (!fits_into_cell(b, &b->cells[i]))
			n += leaves_of(&b->cells[i]);
	return n;
}

static void write_leaves(struct builder *b, const struct draft *from, uint8_t *memory, size_t place)
{
	for (size_t i = 0; i < leaves_of(from); i++) {
		uint32_t leaf = b->leaves[from->leaves + i];

		if (b->is_wide)
			((uint32_t *)memory)[place + i] = leaf;
		else
			((uint16_t *)memory)[place + i] =
				(uint16_t)dictionary_place(&b->dictionary, leaf);
	}
}

static void write_cells(struct builder *b, uint8_t *memory)
{
	size_t outside = b->n_cells * CELL_BYTES / leaf_bytes(b);

	for (size_t i = 0; i < b->n_cells; i++) {
		const struct draft *from = &b->cells[i];
		struct cell *to = (struct cell *)memory + i;
		size_t place = (i * CELL_BYTES + CELL_ROOM_OFFSET) / leaf_bytes(b);

		if (!fits_into_cell(b, from)) {
			place = outside;
			outside += leaves_of(from);
		}
		to->bits = from->bits;
		to->base = (uint32_t)place - 1;
		write_leaves(b, from, memory, place);
	}
}

static int lay_out(struct builder *b, struct fib_cells *ret_cells)
{
	size_t cells_bytes = b->n_cells * CELL_BYTES;
	size_t units = cells_bytes / leaf_bytes(b) + count_outside(b);
	/* the dictionary is read as 32 bits */
	size_t dictionary = (units * leaf_bytes(b) + 3) & ~(size_t)3;
	size_t dictionary_bytes = b->is_wide ? 0 : b->dictionary.n * sizeof(uint32_t);
	size_t bytes = dictionary + dictionary_bytes;
	uint8_t *memory;

	if (units > UINT32_MAX)
		return -E2BIG;
	memory = fib_memory_new(bytes);
	if (!memory)
		return -ENOMEM;
	/* what cells leave free is compared too */
	memset(memory, 0, bytes);
	write_cells(b, memory);
	ret_cells->memory = memory;
	ret_cells->bytes = bytes;
	if (!b->is_wide) {
		ret_cells->dictionary = (uint32_t *)(memory + dictionary);
		memcpy(ret_cells->dictionary, b->dictionary.values, dictionary_bytes);
	}
	return 0;
}

int fib_cells_init(struct fib_cells *ret_cells, const struct interval_list *list,
		   unsigned root_bytes)
{
	struct fib_cells cells = {.root_bytes = (uint8_t)root_bytes};
	struct builder b = {.list = list};
	int error;

	error = fill_root(&b, root_bytes);
	if (error == 0)
		error = fill_dictionary(&b);
	if (error == 0)
		error = lay_out(&b, &cells);
	if (error == 0)
		*ret_cells = cells;
	dictionary_done(&b.dictionary);
	free(b.leaves);
	free(b.cells);
	return error;
}

void fib_cells_done(struct fib_cells *t)
{
	free(t->memory);
}

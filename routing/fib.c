/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which shape a table gets is a matter of its contents alone, so that equal contents are equal bytes:
 * that is what fib_equal() compares. The limits are a trade of memory for speed. The tree takes 8 bytes
 * an IPv4 interval where the smallest cells take 32 KB. Large cells have a root of 8 MB, little only
 * beside what a large table takes anyway. The index takes up to 16 MB, and answers at once.
 */
#include "routing/fib.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	/* intervals */
	TREE_MAX = 512,
	LARGE_MIN = 100000,
	INDEX_MIN = 1 << 18,
	/* bytes of an address */
	ROOT_BYTES = 2,
	LARGE_ROOT_BYTES = 3,
	BATCH = 64,
};

/* FNV-1a over words */
static uint64_t hash_word(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 29;
}

static uint64_t hash_intervals(uint64_t hash, const struct interval_list *list)
{
	hash = hash_word(hash, list->n);
	for (size_t i = 0; i < list->n; i++) {
		hash = hash_word(hash, (uint64_t)(list->keys[i] >> 64));
		hash = hash_word(hash, (uint64_t)list->keys[i]);
		hash = hash_word(hash, list->values[i]);
	}
	return hash;
}

/* Returns 0; -ENOMEM; -E2BIG: too many answers. */
static int init_index(struct fib *f, const struct interval_list *list)
{
	struct interval_list below = {0};
	int error = fib_index_init(&f->index, &below, list);

	if (error == 0)
		error = fib_tree_init(&f->tree4, &below, AF_INET);
	interval_done(&below);
	return error;
}

static int init4(struct fib *f, const struct interval_list *list)
{
	int error = -E2BIG;

	if (list->n <= TREE_MAX)
		return fib_tree_init(&f->tree4, list, AF_INET);
	if (list->n >= INDEX_MIN)
		error = init_index(f, list);
	if (error != -E2BIG)
		return error;
	return fib_cells_init(&f->cells, list, list->n < LARGE_MIN ? ROOT_BYTES : LARGE_ROOT_BYTES);
}

static int init_family(struct fib *f, const struct trie *t, uint8_t family)
{
	struct interval_list list;
	int error;

	error = interval_init(&list, t, family);
	if (error < 0)
		return error;
	if (family == AF_INET)
		error = init4(f, &list);
	else
		error = fib_tree_init(&f->tree6, &list, AF_INET6);
	f->hash = hash_intervals(f->hash, &list);
	interval_done(&list);
	return error;
}

int fib_new(const struct trie *t, struct fib **ret_fib)
{
	struct fib *f = calloc(1, sizeof(*f));
	int error;

	if (!f)
		return -ENOMEM;
	f->hash = UINT64_C(0xcbf29ce484222325);
	error = init_family(f, t, AF_INET);
	if (error == 0)
		error = init_family(f, t, AF_INET6);
	if (error < 0) {
		fib_free(f);
		return error;
	}
	*ret_fib = f;
	return 0;
}

void fib_free(struct fib *f)
{
	if (!f)
		return;
	fib_index_done(&f->index);
	fib_cells_done(&f->cells);
	fib_tree_done(&f->tree4);
	fib_tree_done(&f->tree6);
	free(f);
}

uint32_t fib_find4(const struct fib *f, uint32_t addr)
{
	return f->cells.memory ? fib_cells_find(&f->cells, addr) : fib_tree_find4(&f->tree4, addr);
}

/* The answers that the index left open. */
static void find_below(const struct fib *f, const uint32_t *addrs_be, size_t n, uint32_t *ret_ids)
{
	uint32_t addrs[BATCH], ids[BATCH];
	uint8_t open[BATCH];
	size_t n_open = 0;

	for (size_t i = 0; i < n; i++) {
		open[n_open] = (uint8_t)i;
		addrs[n_open] = addrs_be[i];
		n_open += ret_ids[i] == FIB_INDEX_OPEN;
	}
	fib_tree_find4_bulk(&f->tree4, addrs, n_open, ids);
	for (size_t k = 0; k < n_open; k++)
		ret_ids[open[k]] = ids[k];
}

/* No branch depends on a single leaf: a wrong guess would wait for memory. */
static void find_batch(const struct fib *f, const uint32_t *addrs_be, size_t n, uint32_t *ret_ids)
{
	const uint8_t *leaves = f->index.leaves;
	const uint32_t *answers = f->index.answers;
	uint32_t open = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t id = answers[leaves[ntohl(addrs_be[i]) >> 8]];

		ret_ids[i] = id;
		open |= id;
	}
	if (open & FIB_INDEX_OPEN)
		find_below(f, addrs_be, n, ret_ids);
}

void fib_lookup4_bulk(const struct fib *f, const uint32_t *addrs_be, size_t n, uint32_t *ret_ids)
{
	if (f->cells.memory) {
		fib_cells_find_bulk(&f->cells, addrs_be, n, ret_ids);
		return;
	}
	if (!f->index.leaves) {
		fib_tree_find4_bulk(&f->tree4, addrs_be, n, ret_ids);
		return;
	}
	for (size_t i = 0; i < n; i += BATCH)
		find_batch(f, addrs_be + i, n - i < BATCH ? n - i : BATCH, ret_ids + i);
}

void fib_lookup6_bulk(const struct fib *f, const uint8_t (*addrs)[16], size_t n, uint32_t *ret_ids)
{
	fib_tree_find6_bulk(&f->tree6, addrs, n, ret_ids);
}

size_t fib_bytes(const struct fib *f)
{
	return sizeof(*f) + f->index.bytes + f->cells.bytes + f->tree4.bytes + f->tree6.bytes;
}

uint64_t fib_hash(const struct fib *f)
{
	return f->hash;
}

static bool bytes_equal(const void *a, size_t a_bytes, const void *b, size_t b_bytes)
{
	return a_bytes == b_bytes && (a_bytes == 0 || memcmp(a, b, a_bytes) == 0);
}

static bool tree_equal(const struct fib_tree *a, const struct fib_tree *b)
{
	return a->n_levels == b->n_levels && bytes_equal(a->memory, a->bytes, b->memory, b->bytes);
}

bool fib_equal(const struct fib *a, const struct fib *b)
{
	return a->hash == b->hash && fib_index_equal(&a->index, &b->index) &&
	       a->cells.root_bytes == b->cells.root_bytes &&
	       bytes_equal(a->cells.memory, a->cells.bytes, b->cells.memory, b->cells.bytes) &&
	       tree_equal(&a->tree4, &b->tree4) && tree_equal(&a->tree6, &b->tree6);
}

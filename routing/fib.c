/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which shape a table gets is a matter of its size alone, so that equal contents are equal bytes:
 * that is what fib_equal() compares. The limits are chosen for memory: a search takes 8 bytes an
 * IPv4 interval where the smallest cells take 32 KB; a root of 24 bits is 8 MB, little only beside
 * what a large table takes anyway. They have not been tuned for speed.
 */
#include "routing/fib.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "routing/fib_table.h"

enum {
	SEARCH_MAX = 512,
	LARGE_MIN = 100000,
	ROOT_BYTES = 2,
	LARGE_ROOT_BYTES = 3,
};

struct fib {
	struct fib_table v4, v6;
	uint64_t hash;
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

static int table_init(struct fib_table *t, const struct trie *trie, uint8_t family, uint64_t *hash)
{
	struct interval_list list;
	int error;

	error = interval_init(&list, trie, family);
	if (error < 0)
		return error;
	if (list.n <= SEARCH_MAX)
		error = fib_search_init(t, &list, family);
	else
		error = fib_cells_init(t, &list, family,
				       list.n < LARGE_MIN ? ROOT_BYTES : LARGE_ROOT_BYTES);
	*hash = hash_intervals(*hash, &list);
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
	error = table_init(&f->v4, t, AF_INET, &f->hash);
	if (error == 0)
		error = table_init(&f->v6, t, AF_INET6, &f->hash);
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
	free(f->v4.memory);
	free(f->v6.memory);
	free(f);
}

uint32_t fib_lookup4(const struct fib *f, uint32_t addr_be)
{
	return f->v4.shape->find(&f->v4, ntohl(addr_be), NULL);
}

uint32_t fib_lookup6(const struct fib *f, const uint8_t addr[16])
{
	uint32_t first_be;

	memcpy(&first_be, addr, sizeof(first_be));
	return f->v6.shape->find(&f->v6, ntohl(first_be), addr);
}

void fib_lookup4_bulk(const struct fib *f, const uint32_t *addrs_be, size_t n, uint32_t *ret_ids)
{
	f->v4.shape->find_bulk(&f->v4, addrs_be, n, ret_ids);
}

void fib_lookup6_bulk(const struct fib *f, const uint8_t (*addrs)[16], size_t n, uint32_t *ret_ids)
{
	f->v6.shape->find_bulk(&f->v6, addrs, n, ret_ids);
}

size_t fib_bytes(const struct fib *f)
{
	return sizeof(*f) + f->v4.bytes + f->v6.bytes;
}

uint64_t fib_hash(const struct fib *f)
{
	return f->hash;
}

static bool table_equal(const struct fib_table *a, const struct fib_table *b)
{
	return a->shape == b->shape && a->bytes == b->bytes && a->n == b->n &&
	       memcmp(a->memory, b->memory, a->bytes) == 0;
}

bool fib_equal(const struct fib *a, const struct fib *b)
{
	return a->hash == b->hash && table_equal(&a->v4, &b->v4) && table_equal(&a->v6, &b->v6);
}

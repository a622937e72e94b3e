/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing the tree. Interval i of n, counted from 0, is found by writing i in base 17 (IPv6: 9): a
 * digit is the number of keys of a node that the address lies behind. So the bottom level has the keys
 * of all intervals whose number is no multiple of 17, the level above those that are one of 17 but not
 * of 17^2, and so on; each key is stored once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "routing/array.h"
#include "routing/fib_memory.h"
#include "routing/fib_tree_layout.h"

enum {
	INTERVALS_MAX = 1 << 27,
	LEVELS_MAX = 9, /* 9^9 > INTERVALS_MAX */
};

struct builder {
	const struct interval_list *list; /* what the nodes hold */
	unsigned keys;			  /* of a node */
	uint32_t levels[LEVELS_MAX];	  /* number of the first node, from the top */
	uint32_t n_levels;
	uint32_t n_nodes;
	/* IPv6: what is behind a divided network of 64 bits */
	struct interval_list networks;
	uint64_t *parts;
	size_t n_parts, cap_parts; /* in units of 8 bytes */
};

static uint64_t low_half(interval_key key)
{
	return (uint64_t)key;
}

static uint64_t high_half(interval_key key)
{
	return (uint64_t)(key >> 64);
}

/* What n parts take, in units of 8 bytes. */
static size_t parts_words(size_t n)
{
	return 1 + n + (n + 1) / 2;
}

/* Returns where n parts can be written, all zero, or NULL without memory. */
static struct parts *reserve_parts(struct builder *b, size_t n)
{
	size_t words = parts_words(n);
	uint64_t *all = array_reserve(b->parts, b->n_parts, &b->cap_parts, words, sizeof(*all));
	struct parts *p;

	if (!all)
		return NULL;
	b->parts = all;
	p = (struct parts *)(all + b->n_parts);
	memset(p, 0, words * sizeof(*all));
	p->n = n;
	b->n_parts += words;
	return p;
}

/* Intervals `from` to before `to`, which begin in the same network of 64 bits, become its parts. */
static int add_parts(struct builder *b, const struct interval_list *list, size_t from, size_t to)
{
	/* its beginning is a part too, and may belong to the interval before */
	size_t before = low_half(list->keys[from]) != 0;
	size_t n = to - from + before;
	uint32_t at = VALUE_PARTS | (uint32_t)b->n_parts;
	struct parts *p = reserve_parts(b, n);
	uint32_t *values;

	if (!p)
		return -ENOMEM;
	values = (uint32_t *)(p->first + n);
	for (size_t i = 0; i < n; i++) {
		p->first[i] = i < before ? 0 : low_half(list->keys[from - before + i]);
		values[i] = list->values[from - before + i];
	}
	return interval_add(&b->networks, (interval_key)high_half(list->keys[from]) << 64, at);
}

/* Behind a divided network its last part goes on, if no interval begins there anyway. */
static int add_network(struct builder *b, const struct interval_list *list, size_t from, size_t to)
{
	interval_key behind = (interval_key)(high_half(list->keys[from]) + 1) << 64;
	int error;

	if (to - from == 1 && low_half(list->keys[from]) == 0)
		return interval_add(&b->networks, list->keys[from], list->values[from]);
	error = add_parts(b, list, from, to);
	if (error < 0 || behind == 0)
		return error;
	return interval_add(&b->networks, behind, list->values[to - 1]);
}

/* The list as the nodes see it: of networks of 64 bits. */
static int collect_networks(struct builder *b, const struct interval_list *list)
{
	for (size_t i = 0, next; i < list->n; i = next) {
		int error;

		next = i + 1;
		while (next < list->n && high_half(list->keys[next]) == high_half(list->keys[i]))
			next++;
		error = add_network(b, list, i, next);
		if (error < 0)
			return error;
	}
	b->list = &b->networks;
	return 0;
}

/* How many levels, and where each begins. */
static void plan_levels(struct builder *b)
{
	uint32_t nodes[LEVELS_MAX];
	uint32_t fan_out = b->keys + 1;

	for (size_t n = b->list->n; n > 1; n = (n + b->keys) / fan_out)
		nodes[b->n_levels++] = (uint32_t)((n + b->keys) / fan_out);
	for (uint32_t l = 0; l < b->n_levels; l++) {
		b->levels[l] = b->n_nodes;
		b->n_nodes += nodes[b->n_levels - 1 - l];
	}
}

/* The key of interval i: the last address before it. None: one that no address lies behind. */
static interval_key key_of(const struct builder *b, size_t i)
{
	return i < b->list->n ? b->list->keys[i] - 1 : ~(interval_key)0;
}

/* Level l from the bottom, from memory on, which is the beginning of its first node. */
static void write_level(const struct builder *b, uint8_t *memory, size_t stride)
{
	for (size_t i = 0; i < b->list->n; i += stride * (b->keys + 1))
		for (size_t k = 1; k <= b->keys; k++) {
			interval_key key = key_of(b, i + k * stride);
			uint32_t word = (uint32_t)(key >> 96);
			uint64_t high = high_half(key);

			if (b->keys == KEYS4)
				memcpy(memory, &word, sizeof(word));
			else
				memcpy(memory, &high, sizeof(high));
			memory += NODE_BYTES / b->keys;
		}
}

/* Where the parts of a network are, said from the beginning of memory. */
static uint32_t placed(const struct builder *b, uint32_t value)
{
	return value & VALUE_PARTS ? value + b->n_nodes * (NODE_BYTES / 8) : value;
}

static void write_tree(const struct builder *b, struct fib_tree *t)
{
	uint8_t *parts = t->memory + (size_t)b->n_nodes * NODE_BYTES;
	uint32_t *values = (uint32_t *)(parts + b->n_parts * sizeof(*b->parts));
	uint32_t *levels = values + b->list->n;
	size_t stride = 1;

	for (uint32_t l = b->n_levels; l-- > 0; stride *= b->keys + 1)
		write_level(b, t->memory + (size_t)b->levels[l] * NODE_BYTES, stride);
	if (b->n_parts > 0)
		memcpy(parts, b->parts, b->n_parts * sizeof(*b->parts));
	for (size_t i = 0; i < b->list->n; i++)
		values[i] = placed(b, b->list->values[i]);
	memcpy(levels, b->levels, b->n_levels * sizeof(*levels));
	t->values = values;
	t->levels = levels;
	t->n_levels = b->n_levels;
}

static int write_new(struct builder *b, struct fib_tree *ret_tree)
{
	struct fib_tree t = {0};

	plan_levels(b);
	t.bytes = (size_t)b->n_nodes * NODE_BYTES + b->n_parts * sizeof(*b->parts) +
		  (b->list->n + b->n_levels) * sizeof(uint32_t);
	t.memory = fib_memory_new(t.bytes);
	if (!t.memory)
		return -ENOMEM;
	write_tree(b, &t);
	*ret_tree = t;
	return 0;
}

int fib_tree_init(struct fib_tree *ret_tree, const struct interval_list *list, uint8_t family)
{
	struct builder b = {.list = list, .keys = family == AF_INET6 ? KEYS6 : KEYS4};
	int error = list->n <= INTERVALS_MAX ? 0 : -E2BIG;

	if (error == 0 && family == AF_INET6)
		error = collect_networks(&b, list);
	if (error == 0)
		error = write_new(&b, ret_tree);
	interval_done(&b.networks);
	free(b.parts);
	return error;
}

void fib_tree_done(struct fib_tree *t)
{
	free(t->memory);
}

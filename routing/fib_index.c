/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing the index. The last interval, which in a full table is what lies behind the unicast space,
 * has leaf 0, and what it fills alone is not written at all.
 */
#include "routing/fib_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "routing/dictionary.h"
#include "routing/fib_memory.h"

enum {
	ENTRIES = 1 << 24,
	ANSWERS_BYTES = (FIB_INDEX_ANSWERS + 1) * sizeof(uint32_t),
};

struct builder {
	const struct interval_list *list;
	uint8_t *leaves;
	struct dictionary answers;
};

static uint32_t word_of(interval_key key)
{
	return (uint32_t)(key >> 96);
}

/* The first /24 that begins at this address or behind it. */
static uint32_t entry_from(uint32_t word)
{
	return (word >> 8) + (word % 256 != 0);
}

/* An interval that is not the last: its whole /24s, and the one in which the next begins. */
static int write_interval(struct builder *b, size_t i)
{
	uint32_t from = entry_from(word_of(b->list->keys[i]));
	uint32_t next = word_of(b->list->keys[i + 1]);
	int place = dictionary_place(&b->answers, b->list->values[i]);

	if (place < 0)
		return place;
	if (from < next >> 8)
		memset(b->leaves + from, place, (next >> 8) - from);
	if (next % 256 != 0)
		b->leaves[next >> 8] = FIB_INDEX_BELOW;
	return 0;
}

static int write_leaves(struct builder *b)
{
	size_t last = b->list->n - 1;
	int error = dictionary_place(&b->answers, b->list->values[last]);

	for (size_t i = 0; i < last && error >= 0; i++)
		error = write_interval(b, i);
	return error < 0 ? error : 0;
}

/* The intervals of the /24s that are divided. What the tree says of others nobody asks. */
static int collect_below(struct interval_list *below, const struct interval_list *list)
{
	int error = interval_add(below, 0, list->values[0]);

	for (size_t i = 1; i < list->n && error == 0; i++) {
		uint32_t word = word_of(list->keys[i]);
		uint32_t before = word_of(list->keys[i - 1]);

		if (word % 256 == 0)
			continue;
		if (word >> 8 != before >> 8 || before % 256 == 0)
			error = interval_add(below, (interval_key)(word >> 8) << 104,
					     list->values[i - 1]);
		if (error == 0)
			error = interval_add(below, list->keys[i], list->values[i]);
	}
	return error;
}

/* The answers as they are read; behind the last, that of a /24 that is divided. */
static uint32_t *answers_new(const struct dictionary *d)
{
	uint32_t *answers = calloc(1, ANSWERS_BYTES);

	if (!answers)
		return NULL;
	memcpy(answers, d->values, d->n * sizeof(*answers));
	answers[FIB_INDEX_BELOW] = FIB_INDEX_OPEN;
	return answers;
}

int fib_index_init(struct fib_index *ret_index, struct interval_list *ret_below,
		   const struct interval_list *list)
{
	size_t written = entry_from(word_of(list->keys[list->n - 1]));
	struct builder b = {.list = list, .leaves = fib_memory_map(ENTRIES, written)};
	struct fib_index index = {b.leaves, NULL, written + ANSWERS_BYTES};
	int error = b.leaves ? dictionary_init(&b.answers, FIB_INDEX_ANSWERS) : -ENOMEM;

	if (error == 0)
		error = write_leaves(&b);
	if (error == 0) {
		index.answers = answers_new(&b.answers);
		error = index.answers ? collect_below(ret_below, list) : -ENOMEM;
	}
	dictionary_done(&b.answers);
	if (error < 0) {
		fib_index_done(&index);
		return error;
	}
	*ret_index = index;
	return 0;
}

void fib_index_done(struct fib_index *index)
{
	fib_memory_unmap((void *)index->leaves, ENTRIES);
	free(index->answers);
}

bool fib_index_equal(const struct fib_index *a, const struct fib_index *b)
{
	if (!a->leaves || !b->leaves)
		return a->leaves == b->leaves;
	return a->bytes == b->bytes && memcmp(a->answers, b->answers, ANSWERS_BYTES) == 0 &&
	       memcmp(a->leaves, b->leaves, a->bytes - ANSWERS_BYTES) == 0;
}

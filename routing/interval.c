/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One walk in order of address, with the prefixes that contain the present address on a stack. An
 * interval begins where a prefix begins, and behind where one ends: there the one below it on the
 * stack holds again.
 */
#include "routing/interval.h"

#include <errno.h>
#include <stdlib.h>

enum {
	NESTED_MAX = 128 + 2, /* a prefix of each length, and the whole space below them */
};

struct open_prefix {
	interval_key last; /* its last address */
	uint32_t value;
};

struct flattening {
	struct interval_list *list;
	struct open_prefix open[NESTED_MAX];
	size_t n_open;
};

static interval_key key_of(const struct prefix *p)
{
	interval_key key = 0;

	for (unsigned i = 0; i < 16; i++)
		key = key << 8 | p->addr[i];
	return key;
}

static interval_key last_of(const struct prefix *p)
{
	interval_key hosts = p->len < 128 ? ~(interval_key)0 >> p->len : 0;

	return key_of(p) | hosts;
}

static int grow(struct interval_list *list)
{
	size_t cap = list->cap ? 2 * list->cap : 16;
	interval_key *keys = realloc(list->keys, cap * sizeof(*keys));
	uint32_t *values;

	if (!keys)
		return -ENOMEM;
	list->keys = keys;
	values = realloc(list->values, cap * sizeof(*values));
	if (!values)
		return -ENOMEM;
	list->values = values;
	list->cap = cap;
	return 0;
}

/* From key on the answer is value. Keys never descend; the last word on one key counts. */
static int begin(struct interval_list *list, interval_key key, uint32_t value)
{
	if (list->n > 0 && list->keys[list->n - 1] == key)
		list->n--;
	if (list->n > 0 && list->values[list->n - 1] == value)
		return 0;
	if (list->n == list->cap && grow(list) < 0)
		return -ENOMEM;
	list->keys[list->n] = key;
	list->values[list->n++] = value;
	return 0;
}

/* Closes what ends before key; the whole space at the bottom never does. */
static int close_before(struct flattening *f, interval_key key)
{
	while (f->open[f->n_open - 1].last < key) {
		interval_key behind = f->open[--f->n_open].last + 1;

		if (begin(f->list, behind, f->open[f->n_open - 1].value) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int visit(void *arg, const struct prefix *p, uint32_t value)
{
	struct flattening *f = arg;

	if (value >= INTERVAL_NONE)
		return -ERANGE;
	if (close_before(f, key_of(p)) < 0)
		return -ENOMEM;
	f->open[f->n_open++] = (struct open_prefix){last_of(p), value};
	return begin(f->list, key_of(p), value);
}

/* All but those that reach to the end of the space, behind which nothing begins. */
static int close_all(struct flattening *f)
{
	return close_before(f, ~(interval_key)0);
}

int interval_init(struct interval_list *ret_list, const struct trie *t, uint8_t family)
{
	struct interval_list list = {0};
	struct flattening f = {.list = &list, .n_open = 1};
	int error;

	f.open[0] = (struct open_prefix){~(interval_key)0, INTERVAL_NONE};
	error = begin(&list, 0, INTERVAL_NONE);
	if (error == 0)
		error = trie_walk(t, family, visit, &f);
	if (error == 0)
		error = close_all(&f);
	if (error < 0) {
		interval_done(&list);
		return error;
	}
	*ret_list = list;
	return 0;
}

void interval_done(struct interval_list *list)
{
	free(list->keys);
	free(list->values);
	*list = (struct interval_list){0};
}

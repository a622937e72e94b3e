/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One walk in order of address, with the prefixes that contain the present address on a stack. An
 * interval begins where a prefix begins, and behind where one ends: there the one below it on the
 * stack holds again.
 */
#include "routing/interval.h"

#include <errno.h>
#include <stdlib.h>

#include "routing/array.h"

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

static int grow(struct interval_list *list)
{
	size_t keys_cap = list->cap, cap = list->cap;
	interval_key *keys = array_reserve(list->keys, list->n, &keys_cap, 1, sizeof(*keys));
	uint32_t *values;

	if (!keys)
		return -ENOMEM;
	list->keys = keys;
	values = array_reserve(list->values, list->n, &cap, 1, sizeof(*values));
	if (!values)
		return -ENOMEM;
	list->values = values;
	list->cap = cap;
	return 0;
}

int interval_add(struct interval_list *list, interval_key key, uint32_t value)
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

		if (interval_add(f->list, behind, f->open[f->n_open - 1].value) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int visit(void *arg, const struct prefix *p, uint32_t value)
{
	struct flattening *f = arg;
	interval_key key = key_read(p->addr);

	if (value >= INTERVAL_NONE)
		return -ERANGE;
	if (close_before(f, key) < 0)
		return -ENOMEM;
	f->open[f->n_open++] = (struct open_prefix){key_last(key, p->len), value};
	return interval_add(f->list, key, value);
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
	error = interval_add(&list, 0, INTERVAL_NONE);
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

/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/reach.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct reach {
	unsigned refs;
	bool refuses;
	struct reach_route *routes; /* owned */
	size_t n, size;
};

struct entry {
	char *name;
	struct reach *reach;
	uint64_t told_in; /* the round */
};

struct reach_book {
	struct entry entries[REACH_BOOK_MAX];
	size_t n;
	uint64_t round;
};

/* ---- a list ---- */

struct reach *reach_new(void)
{
	struct reach *r = calloc(1, sizeof(*r));

	if (r)
		r->refs = 1;
	return r;
}

static int make_room(struct reach *r, size_t n)
{
	size_t size = r->size ? 2 * r->size : 64;
	struct reach_route *wider;

	if (n <= r->size)
		return 0;
	if (size < n)
		size = n;
	wider = realloc(r->routes, size * sizeof(*wider));
	if (!wider)
		return -ENOMEM;
	r->routes = wider;
	r->size = size;
	return 0;
}

int reach_add(struct reach *r, const struct reach_route *routes, size_t n)
{
	int error;

	if (n > REACH_MAX - r->n)
		return -E2BIG;
	for (size_t i = 0; i < n; i++)
		if (routes[i].verdict >= REACH_VERDICTS)
			return -EINVAL;
	error = make_room(r, r->n + n);
	if (error < 0 || n == 0)
		return error;
	memcpy(&r->routes[r->n], routes, n * sizeof(*routes));
	r->n += n;
	for (size_t i = 0; i < n; i++)
		r->refuses |= routes[i].verdict == REACH_REFUSED;
	return 0;
}

struct reach *reach_ref(struct reach *r)
{
	r->refs++;
	return r;
}

void reach_unref(struct reach *r)
{
	if (!r || --r->refs > 0)
		return;
	free(r->routes);
	free(r);
}

const struct reach_route *reach_routes(const struct reach *r, size_t *ret_n)
{
	*ret_n = r->n;
	return r->routes;
}

bool reach_refuses(const struct reach *r)
{
	return r->refuses;
}

/* ---- the book ---- */

/* Where it is; the end: it is not there. */
static size_t find(const struct reach_book *b, const char *name)
{
	size_t i = 0;

	while (i < b->n && strcmp(b->entries[i].name, name) != 0)
		i++;
	return i;
}

static int add_entry(struct reach_book *b, const char *name)
{
	if (b->n == REACH_BOOK_MAX)
		return -E2BIG;
	b->entries[b->n] = (struct entry){.name = strdup(name)};
	if (!b->entries[b->n].name)
		return -ENOMEM;
	b->n++;
	return 0;
}

int reach_book_set(struct reach_book *b, const char *name, struct reach *r)
{
	size_t at = find(b, name);
	int error = at == b->n ? add_entry(b, name) : 0;

	if (error < 0)
		return error;
	reach_ref(r);
	reach_unref(b->entries[at].reach);
	b->entries[at].reach = r;
	b->entries[at].told_in = b->round;
	return 0;
}

struct reach *reach_book_get(const struct reach_book *b, const char *name)
{
	size_t at = find(b, name);

	return at < b->n ? b->entries[at].reach : NULL;
}

bool reach_book_drop(struct reach_book *b, const char *name)
{
	size_t at = find(b, name);

	if (at == b->n)
		return false;
	free(b->entries[at].name);
	reach_unref(b->entries[at].reach);
	b->entries[at] = b->entries[--b->n];
	return true;
}

void reach_book_begin(struct reach_book *b)
{
	b->round++;
}

const char *reach_book_stale(const struct reach_book *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->entries[i].told_in != b->round)
			return b->entries[i].name;
	return NULL;
}

struct reach_book *reach_book_new(void)
{
	return calloc(1, sizeof(struct reach_book));
}

void reach_book_free(struct reach_book *b)
{
	if (!b)
		return;
	while (b->n)
		reach_book_drop(b, b->entries[0].name);
	free(b);
}

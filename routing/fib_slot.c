/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All tables are on a chain of a hash by content, with the number of slots that show each. At zero a
 * table retires: it stays on its chain with the moment it went out of sight, so that a plan that
 * returns to a table just left finds it there, and nothing needs memory to be taken away.
 */
#include "routing/fib_slot.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum {
	BUCKETS_MIN = 64
};

struct shared {
	struct fib *fib; /* owned */
	struct shared *next;
	size_t slots;	 /* that show it; 0: retired */
	uint64_t moment; /* when it retired */
};

struct fib_publisher {
	struct qsbr *qsbr;	/* borrowed */
	struct shared **chains; /* a power of two */
	size_t n_chains;
	size_t n_tables;
	size_t bytes;
};

static struct shared **chain_of(const struct fib_publisher *p, const struct fib *f)
{
	return &p->chains[fib_hash(f) & (p->n_chains - 1)];
}

int fib_publisher_new(struct qsbr *q, struct fib_publisher **ret_publisher)
{
	struct fib_publisher *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->qsbr = q;
	p->n_chains = BUCKETS_MIN;
	p->chains = calloc(p->n_chains, sizeof(struct shared *));
	if (!p->chains) {
		free(p);
		return -ENOMEM;
	}
	*ret_publisher = p;
	return 0;
}

static void free_at(struct fib_publisher *p, struct shared **link)
{
	struct shared *s = *link;

	*link = s->next;
	p->n_tables--;
	p->bytes -= fib_bytes(s->fib);
	fib_free(s->fib);
	free(s);
}

void fib_publisher_free(struct fib_publisher *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_chains; i++)
		while (p->chains[i])
			free_at(p, &p->chains[i]);
	free(p->chains);
	free(p);
}

/* Twice the chains. Without memory they get longer instead. */
static void widen(struct fib_publisher *p)
{
	size_t n_old = p->n_chains;
	struct shared **old = p->chains;
	struct shared **chains = calloc(2 * n_old, sizeof(struct shared *));

	if (!chains)
		return;
	p->chains = chains;
	p->n_chains = 2 * n_old;
	for (size_t i = 0; i < n_old; i++)
		for (struct shared *s = old[i], *next; s; s = next) {
			struct shared **chain = chain_of(p, s->fib);

			next = s->next;
			s->next = *chain;
			*chain = s;
		}
	free(old);
}

static struct shared *find_equal(const struct fib_publisher *p, const struct fib *f)
{
	struct shared *s = *chain_of(p, f);

	while (s && !fib_equal(s->fib, f))
		s = s->next;
	return s;
}

static struct shared *find_same(const struct fib_publisher *p, const struct fib *f)
{
	struct shared *s = *chain_of(p, f);

	while (s && s->fib != f)
		s = s->next;
	assert(s && s->slots > 0);
	return s;
}

/* Takes f. Returns borrowed, or NULL without memory. */
static struct shared *add(struct fib_publisher *p, struct fib *f)
{
	struct shared *s = calloc(1, sizeof(*s));

	if (!s) {
		fib_free(f);
		return NULL;
	}
	if (p->n_tables >= p->n_chains)
		widen(p);
	s->fib = f;
	s->next = *chain_of(p, f);
	*chain_of(p, f) = s;
	p->n_tables++;
	p->bytes += fib_bytes(f);
	return s;
}

/* Shows f, NULL for none, instead of what is there. */
static void replace(struct fib_publisher *p, struct fib_slot *slot, const struct fib *f)
{
	const struct fib *old = atomic_exchange(&slot->fib, f);
	struct shared *s = old ? find_same(p, old) : NULL;

	if (s && --s->slots == 0)
		s->moment = qsbr_retire(p->qsbr);
}

int fib_publisher_set(struct fib_publisher *p, struct fib_slot *slot, const struct trie *t)
{
	struct shared *s;
	struct fib *f;
	int error;

	error = fib_new(t, &f);
	if (error < 0)
		return error;
	s = find_equal(p, f);
	if (s)
		fib_free(f);
	else
		s = add(p, f);
	if (!s)
		return -ENOMEM;
	s->slots++;
	replace(p, slot, s->fib);
	return 0;
}

void fib_publisher_copy(struct fib_publisher *p, struct fib_slot *to, const struct fib_slot *from)
{
	const struct fib *f = fib_slot_get(from);

	if (f)
		find_same(p, f)->slots++;
	replace(p, to, f);
}

void fib_publisher_clear(struct fib_publisher *p, struct fib_slot *slot)
{
	replace(p, slot, NULL);
}

size_t fib_publisher_reclaim(struct fib_publisher *p)
{
	size_t freed = 0;

	for (size_t i = 0; i < p->n_chains; i++)
		for (struct shared **link = &p->chains[i]; *link;) {
			struct shared *s = *link;

			if (s->slots > 0 || !qsbr_passed(p->qsbr, s->moment)) {
				link = &s->next;
				continue;
			}
			free_at(p, link);
			freed++;
		}
	return freed;
}

size_t fib_publisher_count(const struct fib_publisher *p)
{
	return p->n_tables;
}

size_t fib_publisher_bytes(const struct fib_publisher *p)
{
	return p->bytes;
}

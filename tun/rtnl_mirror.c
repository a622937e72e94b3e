/* SPDX-License-Identifier: Apache-2.0 */
#include "tun/rtnl_mirror.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

enum {
	CAP_MIN = 16, /* routes; powers of two from here on */
	SLOTS_PER_ROUTE = 2,
};

#define NONE SIZE_MAX

struct entry {
	struct rtnl_learned route;
	int64_t order; /* among those of the same prefix, tos and metric: the lowest is the first */
};

struct rtnl_mirror {
	bool wanted[256];
	uint64_t seed;
	uint64_t changes;
	struct entry *entries;
	size_t n, cap;
	size_t n_wanted;
	uint32_t *slots; /* number of an entry + 1; 0: free. Probed one by one */
	size_t n_slots;
};

/* ---- routes ---- */

const struct rtnl_hop *rtnl_learned_hop(const struct rtnl_learned *route, size_t i)
{
	return i == 0 ? &route->hop : &route->more[i - 1];
}

bool rtnl_learned_is_unicast(const struct rtnl_learned *route)
{
	return route->type == RTN_UNICAST;
}

static bool hop_equal(const struct rtnl_hop *a, const struct rtnl_hop *b)
{
	return a->ifindex == b->ifindex && a->family == b->family &&
	       memcmp(a->via, b->via, sizeof(a->via)) == 0;
}

static bool has_hop(const struct rtnl_learned *route, const struct rtnl_hop *hop)
{
	for (size_t i = 0; i < route->n_hops; i++)
		if (hop_equal(rtnl_learned_hop(route, i), hop))
			return true;
	return false;
}

static bool has_hops_of(const struct rtnl_learned *outer, const struct rtnl_learned *inner)
{
	for (size_t i = 0; i < inner->n_hops; i++)
		if (!has_hop(outer, rtnl_learned_hop(inner, i)))
			return false;
	return true;
}

static bool same_key(const struct rtnl_learned *a, const struct rtnl_learned *b)
{
	return a->metric == b->metric && a->tos == b->tos && prefix_equal(&a->dst, &b->dst);
}

bool rtnl_learned_equal(const struct rtnl_learned *a, const struct rtnl_learned *b)
{
	return same_key(a, b) && a->type == b->type && a->protocol == b->protocol &&
	       a->n_hops == b->n_hops && has_hops_of(a, b) && has_hops_of(b, a);
}

/* 0 or -ENOMEM. */
static int copy_route(const struct rtnl_learned *from, struct rtnl_learned *ret_route)
{
	struct rtnl_learned to = *from;
	size_t size = from->n_hops > 1 ? (from->n_hops - 1u) * sizeof(*from->more) : 0;

	to.more = NULL;
	if (size) {
		to.more = malloc(size);
		if (!to.more)
			return -ENOMEM;
		memcpy(to.more, from->more, size);
	}
	*ret_route = to;
	return 0;
}

/* ---- index ---- */

static uint64_t mix(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Multiplied by what nobody outside knows. */
static size_t slot_of(const struct rtnl_mirror *m, const struct prefix *dst)
{
	uint64_t half[2];
	uint64_t h;

	memcpy(half, dst->addr, sizeof(half));
	h = mix(half[0] ^ m->seed, half[1] ^ UINT64_C(0x9e3779b97f4a7c15));
	h = mix(h ^ m->seed, dst->len ^ UINT64_C(0xd1b54a32d192ed03));
	return (size_t)h & (m->n_slots - 1);
}

static size_t next_slot(const struct rtnl_mirror *m, size_t slot)
{
	return (slot + 1) & (m->n_slots - 1);
}

static void index_add(struct rtnl_mirror *m, size_t i)
{
	size_t slot = slot_of(m, &m->entries[i].route.dst);

	while (m->slots[slot])
		slot = next_slot(m, slot);
	m->slots[slot] = (uint32_t)i + 1;
}

static size_t index_find(const struct rtnl_mirror *m, size_t i)
{
	size_t slot = slot_of(m, &m->entries[i].route.dst);

	while (m->slots[slot] != i + 1)
		slot = next_slot(m, slot);
	return slot;
}

/* What was pushed on by the one that goes moves up, so that no search ends too early. */
static void index_del(struct rtnl_mirror *m, size_t i)
{
	size_t hole = index_find(m, i);
	size_t slot = hole;

	m->slots[hole] = 0;
	while (m->slots[slot = next_slot(m, slot)]) {
		size_t home = slot_of(m, &m->entries[m->slots[slot] - 1].route.dst);

		if (((slot - home) & (m->n_slots - 1)) < ((slot - hole) & (m->n_slots - 1)))
			continue;
		m->slots[hole] = m->slots[slot];
		m->slots[slot] = 0;
		hole = slot;
	}
}

/* cap holds all that are there. 0 or -ENOMEM: nothing has changed. */
static int resize(struct rtnl_mirror *m, size_t cap)
{
	size_t n_slots = cap * SLOTS_PER_ROUTE;
	uint32_t *slots = calloc(n_slots, sizeof(*slots));
	struct entry *entries = slots ? realloc(m->entries, cap * sizeof(*entries)) : NULL;

	if (!entries) {
		free(slots);
		return -ENOMEM;
	}
	free(m->slots);
	m->entries = entries;
	m->cap = cap;
	m->slots = slots;
	m->n_slots = n_slots;
	for (size_t i = 0; i < m->n; i++)
		index_add(m, i);
	return 0;
}

/* ---- finding ---- */

/* Calls match() for the routes of the same key; the number of the first that it likes best, by the lowest order; NONE. */
static size_t find(const struct rtnl_mirror *m, const struct rtnl_learned *route,
		   bool (*match)(const struct rtnl_learned *there,
				 const struct rtnl_learned *route))
{
	size_t found = NONE;

	for (size_t slot = slot_of(m, &route->dst); m->slots[slot]; slot = next_slot(m, slot)) {
		size_t i = m->slots[slot] - 1;
		const struct entry *e = &m->entries[i];

		if (same_key(&e->route, route) && match(&e->route, route) &&
		    (found == NONE || e->order < m->entries[found].order))
			found = i;
	}
	return found;
}

static bool is_any(const struct rtnl_learned *there, const struct rtnl_learned *route)
{
	return true;
}

static bool is_within(const struct rtnl_learned *there, const struct rtnl_learned *route)
{
	return has_hops_of(route, there);
}

static bool is_around(const struct rtnl_learned *there, const struct rtnl_learned *route)
{
	return there->type == route->type && there->protocol == route->protocol &&
	       has_hops_of(there, route);
}

static int64_t order_for(const struct rtnl_mirror *m, const struct rtnl_learned *route,
			 enum rtnl_mirror_how how)
{
	int64_t first = INT64_MAX;
	int64_t last = INT64_MIN;

	for (size_t slot = slot_of(m, &route->dst); m->slots[slot]; slot = next_slot(m, slot)) {
		const struct entry *e = &m->entries[m->slots[slot] - 1];

		if (!same_key(&e->route, route))
			continue;
		first = e->order < first ? e->order : first;
		last = e->order > last ? e->order : last;
	}
	if (first > last)
		return 0;
	return how == RTNL_MIRROR_LAST ? last + 1 : first - 1;
}

/* ---- changing ---- */

static void count(struct rtnl_mirror *m, const struct rtnl_learned *route, bool is_added)
{
	if (!rtnl_mirror_wants(m, route))
		return;
	m->changes++;
	m->n_wanted += is_added ? 1 : -(size_t)1;
}

static int insert(struct rtnl_mirror *m, const struct rtnl_learned *route, int64_t order)
{
	int r = 0;

	if (m->n == RTNL_MIRROR_MAX)
		return -ENOSPC;
	if (m->n == m->cap)
		r = resize(m, 2 * m->cap);
	if (r == 0)
		r = copy_route(route, &m->entries[m->n].route);
	if (r < 0)
		return r;
	m->entries[m->n].order = order;
	index_add(m, m->n++);
	count(m, route, true);
	return 0;
}

/* The last one takes its place. */
static void drop(struct rtnl_mirror *m, size_t i)
{
	size_t last = m->n - 1;

	index_del(m, i);
	count(m, &m->entries[i].route, false);
	free(m->entries[i].route.more);
	if (i != last) {
		m->slots[index_find(m, last)] = (uint32_t)i + 1;
		m->entries[i] = m->entries[last];
	}
	m->n = last;
	if (m->cap > CAP_MIN && m->n < m->cap / 4)
		resize(m, m->cap / 2); /* else it stays as large as it is */
}

static int add4(struct rtnl_mirror *m, const struct rtnl_learned *route, enum rtnl_mirror_how how)
{
	size_t same = find(m, route, rtnl_learned_equal);
	size_t head = find(m, route, is_any);
	int64_t order;

	if (same != NONE && (how != RTNL_MIRROR_REPLACE || same == head))
		return 0;
	if (how != RTNL_MIRROR_REPLACE || head == NONE)
		return insert(m, route, order_for(m, route, how));
	order = m->entries[head].order;
	drop(m, head);
	same = find(m, route, rtnl_learned_equal);
	if (same != NONE)
		drop(m, same);
	return insert(m, route, order);
}

/* What is there of its hops is in it, and goes. */
static int add6(struct rtnl_mirror *m, const struct rtnl_learned *route, enum rtnl_mirror_how how)
{
	int64_t order = order_for(m, route, how);
	size_t i = how == RTNL_MIRROR_REPLACE ? find(m, route, is_any) : find(m, route, is_within);

	if (i != NONE && rtnl_learned_equal(&m->entries[i].route, route))
		return 0;
	for (; i != NONE; i = find(m, route, is_within)) {
		order = m->entries[i].order;
		drop(m, i);
	}
	return insert(m, route, order);
}

int rtnl_mirror_add(struct rtnl_mirror *m, const struct rtnl_learned *route,
		    enum rtnl_mirror_how how)
{
	return route->dst.family == AF_INET6 ? add6(m, route, how) : add4(m, route, how);
}

static int del4(struct rtnl_mirror *m, const struct rtnl_learned *route)
{
	size_t i = find(m, route, rtnl_learned_equal);

	if (i == NONE)
		return -ESRCH;
	drop(m, i);
	return 0;
}

/* The hops of a that b does not have; out has room for them. */
static size_t hops_without(const struct rtnl_learned *a, const struct rtnl_learned *b,
			   struct rtnl_hop *out)
{
	size_t n = 0;

	for (size_t i = 0; i < a->n_hops; i++)
		if (!has_hop(b, rtnl_learned_hop(a, i)))
			out[n++] = *rtnl_learned_hop(a, i);
	return n;
}

static int del6(struct rtnl_mirror *m, const struct rtnl_learned *route)
{
	struct rtnl_hop left[RTNL_HOPS_MAX];
	struct rtnl_learned rest;
	int64_t order;
	size_t i = find(m, route, is_around);
	size_t n;

	if (i == NONE)
		return -ESRCH;
	rest = m->entries[i].route;
	order = m->entries[i].order;
	n = hops_without(&rest, route, left);
	drop(m, i);
	if (n == 0)
		return 0;
	rest.n_hops = (uint16_t)n;
	rest.hop = left[0];
	rest.more = left + 1;
	return insert(m, &rest, order);
}

int rtnl_mirror_del(struct rtnl_mirror *m, const struct rtnl_learned *route)
{
	return route->dst.family == AF_INET6 ? del6(m, route) : del4(m, route);
}

/* ---- asking ---- */

size_t rtnl_mirror_count(const struct rtnl_mirror *m)
{
	return m->n;
}

const struct rtnl_learned *rtnl_mirror_at(const struct rtnl_mirror *m, size_t i)
{
	return &m->entries[i].route;
}

bool rtnl_mirror_wants(const struct rtnl_mirror *m, const struct rtnl_learned *route)
{
	return m->wanted[route->protocol];
}

uint64_t rtnl_mirror_changes(const struct rtnl_mirror *m)
{
	return m->changes;
}

bool rtnl_mirror_equal(const struct rtnl_mirror *a, const struct rtnl_mirror *b)
{
	if (a->n_wanted != b->n_wanted)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct rtnl_learned *route = &a->entries[i].route;

		if (rtnl_mirror_wants(a, route) && find(b, route, rtnl_learned_equal) == NONE)
			return false;
	}
	return true;
}

bool rtnl_mirror_uses(const struct rtnl_mirror *m, uint32_t ifindex)
{
	for (size_t i = 0; i < m->n; i++) {
		const struct rtnl_learned *route = &m->entries[i].route;

		for (size_t k = 0; k < route->n_hops; k++)
			if (rtnl_learned_hop(route, k)->ifindex == ifindex)
				return true;
	}
	return false;
}

bool rtnl_mirror_check(const struct rtnl_mirror *m)
{
	size_t wanted = 0;
	size_t used = 0;

	for (size_t i = 0; i < m->n; i++) {
		if (find(m, &m->entries[i].route, rtnl_learned_equal) != i)
			return false;
		wanted += rtnl_mirror_wants(m, &m->entries[i].route);
	}
	for (size_t slot = 0; slot < m->n_slots; slot++)
		used += m->slots[slot] != 0;
	return wanted == m->n_wanted && used == m->n && m->n <= m->cap;
}

/* ---- life ---- */

struct rtnl_mirror *rtnl_mirror_new(const bool wanted[256])
{
	struct rtnl_mirror *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	memcpy(m->wanted, wanted, sizeof(m->wanted));
	if (getrandom(&m->seed, sizeof(m->seed), 0) == sizeof(m->seed) && resize(m, CAP_MIN) == 0)
		return m;
	free(m);
	return NULL;
}

void rtnl_mirror_free(struct rtnl_mirror *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n; i++)
		free(m->entries[i].route.more);
	free(m->entries);
	free(m->slots);
	free(m);
}

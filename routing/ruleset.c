/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sorted by prefix, what contains an entry stands in front of it: one pass finds each one's parent by
 * going up from the entry before, and hands down what the parent knows.
 */
#include "routing/ruleset.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "routing/key.h"

struct ruleset {
	struct ruleset_rule *rules; /* owned */
	size_t n_rules;
	struct ruleset_entry *entries; /* owned */
	size_t n_entries;
};

/* IPv4, by address, the shorter one. */
static int compare_prefixes(const struct prefix *a, const struct prefix *b)
{
	int order = (a->family == AF_INET6) - (b->family == AF_INET6);

	if (order == 0) {
		address_key x = key_read(a->addr);
		address_key y = key_read(b->addr);

		order = (x > y) - (x < y);
	}
	return order ? order : (int)a->len - (int)b->len;
}

static int compare(const void *x, const void *y)
{
	const struct ruleset_rule *a = x;
	const struct ruleset_rule *b = y;
	int order = compare_prefixes(&a->prefix, &b->prefix);

	if (order == 0)
		order = (int)a->source - (int)b->source;
	if (order == 0)
		order = (a->origin > b->origin) - (a->origin < b->origin);
	return order ? order : (int)a->verdict - (int)b->verdict;
}

static bool is_gate(const struct ruleset_rule *r)
{
	return (RULESET_GATES >> r->source & 1) && r->verdict != RULESET_SHOW;
}

/* What the entry's own rules say comes before what is said above; the best rule stands first. */
static void judge(struct ruleset *s, struct ruleset_entry *e)
{
	if (e->parent != RULESET_NONE) {
		e->route = s->entries[e->parent].route;
		e->gate = s->entries[e->parent].gate;
	}
	for (uint32_t i = e->rules + e->n_rules; i-- > e->rules;) {
		if (s->rules[i].verdict == RULESET_ROUTE)
			e->route = i;
		if (is_gate(&s->rules[i]))
			e->gate = i;
	}
}

static uint32_t parent_of(const struct ruleset *s, const struct prefix *p)
{
	uint32_t at = s->n_entries ? (uint32_t)(s->n_entries - 1) : RULESET_NONE;

	while (at != RULESET_NONE && !prefix_covers(&s->entries[at].prefix, p))
		at = s->entries[at].parent;
	return at;
}

static void add_entry(struct ruleset *s, uint32_t first, uint32_t n)
{
	struct ruleset_entry *e = &s->entries[s->n_entries];

	*e = (struct ruleset_entry){
		.prefix = s->rules[first].prefix,
		.rules = first,
		.n_rules = n,
		.parent = parent_of(s, &s->rules[first].prefix),
		.route = RULESET_NONE,
		.gate = RULESET_NONE,
	};
	judge(s, e);
	s->n_entries++;
}

static void add_entries(struct ruleset *s)
{
	uint32_t first = 0;

	for (uint32_t i = 1; i <= s->n_rules; i++)
		if (i == s->n_rules ||
		    compare_prefixes(&s->rules[first].prefix, &s->rules[i].prefix) != 0) {
			add_entry(s, first, i - first);
			first = i;
		}
}

struct ruleset *ruleset_new(const struct ruleset_rule *rules, size_t n)
{
	struct ruleset *s = n < RULESET_NONE ? calloc(1, sizeof(*s)) : NULL;

	if (!s)
		return NULL;
	s->rules = malloc((n ? n : 1) * sizeof(*s->rules));
	s->entries = malloc((n ? n : 1) * sizeof(*s->entries));
	if (!s->rules || !s->entries) {
		ruleset_free(s);
		return NULL;
	}
	if (n) {
		memcpy(s->rules, rules, n * sizeof(*rules));
		qsort(s->rules, n, sizeof(*s->rules), compare);
	}
	s->n_rules = n;
	add_entries(s);
	return s;
}

void ruleset_free(struct ruleset *s)
{
	if (!s)
		return;
	free(s->rules);
	free(s->entries);
	free(s);
}

const struct ruleset_entry *ruleset_entries(const struct ruleset *s, size_t *ret_n)
{
	*ret_n = s->n_entries;
	return s->entries;
}

const struct ruleset_rule *ruleset_rules(const struct ruleset *s, size_t *ret_n)
{
	*ret_n = s->n_rules;
	return s->rules;
}

/* How many entries do not stand behind it. */
static size_t count_up_to(const struct ruleset *s, const struct prefix *p)
{
	size_t low = 0;
	size_t high = s->n_entries;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_prefixes(&s->entries[middle].prefix, p) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint32_t ruleset_find(const struct ruleset *s, const struct prefix *p)
{
	size_t n = count_up_to(s, p);
	uint32_t at = n ? (uint32_t)(n - 1) : RULESET_NONE;

	while (at != RULESET_NONE && !prefix_covers(&s->entries[at].prefix, p))
		at = s->entries[at].parent;
	return at;
}

uint32_t ruleset_lookup(const struct ruleset *s, uint8_t family, const void *addr)
{
	struct prefix p = {.family = family, .len = family == AF_INET6 ? 128 : 32};

	memcpy(p.addr, addr, p.len / 8);
	return ruleset_find(s, &p);
}

enum ruleset_outcome ruleset_outcome(const struct ruleset *s, uint32_t entry)
{
	const struct ruleset_entry *e;

	if (entry == RULESET_NONE)
		return RULESET_UNROUTED;
	e = &s->entries[entry];
	if (e->gate != RULESET_NONE && s->rules[e->gate].verdict == RULESET_CLOSE)
		return RULESET_CLOSED;
	return e->route == RULESET_NONE ? RULESET_UNROUTED : RULESET_ROUTED;
}

enum ruleset_fate ruleset_fate(const struct ruleset *s, uint32_t entry, uint32_t rule)
{
	const struct ruleset_entry *e = &s->entries[entry];
	const struct ruleset_rule *r = &s->rules[rule];

	assert(rule >= e->rules && rule < e->rules + e->n_rules);
	if (r->verdict == RULESET_SHOW)
		return RULESET_SHOWN;
	if (e->gate == rule && r->verdict != RULESET_ROUTE)
		return RULESET_WINS;
	if (e->route != rule)
		return RULESET_LOSES;
	return ruleset_outcome(s, entry) == RULESET_CLOSED ? RULESET_BARRED : RULESET_WINS;
}

static bool is_routed_by(const struct ruleset *s, const struct ruleset_entry *e, unsigned sources)
{
	for (uint32_t i = e->rules; i < e->rules + e->n_rules; i++)
		if (s->rules[i].verdict == RULESET_ROUTE && (sources >> s->rules[i].source & 1))
			return true;
	return false;
}

size_t ruleset_routed(const struct ruleset *s, unsigned sources, struct prefix *ret_list)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_entries; i++)
		if (is_routed_by(s, &s->entries[i], sources))
			ret_list[n++] = s->entries[i].prefix;
	return n;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The oracle goes through all rules for each address of a small space, both families, and keeps the best
 * by the header's words: the longest prefix, the better source, the lower origin.
 */
#include "routing/ruleset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "routing/aggregate.h"
#include "test/support/alloc_limit.h"
#include "test/support/cmocka.h"
#include "test/support/prng.h"

enum {
	SPACE = 256, /* 10.0.0.0/24, and as many addresses of 2001:db8:: */
	RULES_MAX = 40,
	ROUNDS = 3000,
	MANY = 100000,
};

static const struct prefix bases[] = {
	{.family = AF_INET, .addr = {10}},
	{.family = AF_INET6, .addr = {0x20, 0x01, 0x0d, 0xb8}},
};

static struct ruleset_rule rule(const char *text, enum ruleset_source source,
				enum ruleset_verdict verdict, uint32_t origin)
{
	struct ruleset_rule r = {
		.source = (uint8_t)source, .verdict = (uint8_t)verdict, .origin = origin};

	assert_int_equal(prefix_parse(text, &r.prefix), 0);
	return r;
}

static struct ruleset *set_of(const struct ruleset_rule *rules, size_t n)
{
	struct ruleset *s = ruleset_new(rules, n);

	assert_non_null(s);
	return s;
}

static uint32_t at(const struct ruleset *s, const char *address)
{
	struct prefix p;

	assert_int_equal(prefix_parse(address, &p), 0);
	return ruleset_lookup(s, p.family, p.addr);
}

static void becomes(const struct ruleset *s, const char *address, enum ruleset_outcome outcome)
{
	if (ruleset_outcome(s, at(s, address)) != outcome)
		fail_msg("%s: %d instead of %d", address, ruleset_outcome(s, at(s, address)),
			 outcome);
}

static const struct ruleset_entry *entry_at(const struct ruleset *s, const char *address)
{
	size_t n;
	uint32_t i = at(s, address);

	assert_int_not_equal(i, RULESET_NONE);
	return &ruleset_entries(s, &n)[i];
}

static const struct ruleset_rule *rule_at(const struct ruleset *s, uint32_t i)
{
	size_t n;

	assert_int_not_equal(i, RULESET_NONE);
	return &ruleset_rules(s, &n)[i];
}

static void is_list(const struct prefix *list, size_t n, const char *expected)
{
	char text[1024] = "";
	char one[PREFIX_TEXT_MAX];

	for (size_t i = 0; i < n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? " " : "",
			 prefix_format(&list[i], one));
	assert_string_equal(text, expected);
}

/* ---- the rules, one by one ---- */

static void longest_prefix_wins_whoever_says_it(void **state)
{
	const struct ruleset_rule rules[] = {
		rule("10.0.0.0/8", RULESET_INHERITED, RULESET_ROUTE, 1),
		rule("10.1.0.0/16", RULESET_DEFAULT, RULESET_ROUTE, 2),
		rule("10.1.2.0/24", RULESET_STATIC, RULESET_ROUTE, 3),
		rule("2001:db8::/32", RULESET_CUSTOM, RULESET_ROUTE, 4),
	};
	struct ruleset *s = set_of(rules, 4);

	assert_int_equal(rule_at(s, entry_at(s, "10.1.2.3")->route)->origin, 3);
	assert_int_equal(rule_at(s, entry_at(s, "10.1.3.3")->route)->origin, 2);
	assert_int_equal(rule_at(s, entry_at(s, "10.2.3.3")->route)->origin, 1);
	assert_int_equal(rule_at(s, entry_at(s, "2001:db8:7::1")->route)->origin, 4);
	assert_int_equal(at(s, "11.0.0.1"), RULESET_NONE);
	assert_int_equal(at(s, "2001:db9::1"), RULESET_NONE);
	becomes(s, "11.0.0.1", RULESET_UNROUTED);
	ruleset_free(s);
}

static void better_source_wins_of_equal_prefixes_and_the_others_are_kept_in_order(void **state)
{
	struct ruleset_rule rules[RULESET_SOURCES];
	const struct ruleset_entry *e;
	struct ruleset *s;
	size_t n;

	for (unsigned i = 0; i < RULESET_SOURCES; i++)
		rules[i] = rule("10.0.0.0/8", RULESET_SOURCES - 1 - i, RULESET_ROUTE, 100 - i);
	s = set_of(rules, RULESET_SOURCES);
	e = ruleset_entries(s, &n);
	assert_int_equal(n, 1);
	assert_int_equal(e->n_rules, RULESET_SOURCES);
	for (unsigned i = 0; i < RULESET_SOURCES; i++) {
		assert_int_equal(rule_at(s, i)->source, i);
		assert_int_equal(ruleset_fate(s, 0, i), i == 0 ? RULESET_WINS : RULESET_LOSES);
	}
	ruleset_free(s);
}

static void lower_origin_wins_of_one_source(void **state)
{
	const struct ruleset_rule rules[] = {
		rule("10.0.0.0/8", RULESET_PEERED, RULESET_CLOSE, 7),
		rule("10.0.0.0/8", RULESET_PEERED, RULESET_ROUTE, 3),
	};
	struct ruleset *s = set_of(rules, 2);

	becomes(s, "10.0.0.1", RULESET_ROUTED);
	assert_int_equal(ruleset_fate(s, 0, 0), RULESET_WINS);
	assert_int_equal(ruleset_fate(s, 0, 1), RULESET_LOSES);
	ruleset_free(s);
}

static void B23_route_of_the_operator_opens_no_closed_peering(void **state)
{
	const struct ruleset_rule rules[] = {
		rule("10.2.0.0/16", RULESET_PEERED, RULESET_CLOSE, 0),
		rule("10.2.0.0/16", RULESET_CUSTOM, RULESET_ROUTE, 1),
		rule("10.2.3.0/24", RULESET_STATIC, RULESET_ROUTE, 2),
		rule("10.0.0.0/8", RULESET_DEFAULT, RULESET_ROUTE, 3),
	};
	struct ruleset *s = set_of(rules, 4);

	becomes(s, "10.2.3.4", RULESET_CLOSED);
	becomes(s, "10.2.4.4", RULESET_CLOSED);
	becomes(s, "10.3.0.1", RULESET_ROUTED);
	assert_int_equal(ruleset_fate(s, at(s, "10.2.3.4"), entry_at(s, "10.2.3.4")->rules),
			 RULESET_BARRED);
	assert_int_equal(rule_at(s, entry_at(s, "10.2.3.4")->gate)->origin, 0);
	ruleset_free(s);
}

static void what_is_ones_own_on_premises_or_learned_is_open_within_a_closed_peering(void **state)
{
	const struct ruleset_rule rules[] = {
		rule("10.2.0.0/16", RULESET_PEERED, RULESET_CLOSE, 0),
		rule("10.2.1.0/24", RULESET_INHERITED, RULESET_ROUTE, 1),
		rule("10.2.2.0/24", RULESET_ON_PREMISES, RULESET_PASS, 2),
		rule("10.2.3.0/24", RULESET_BGP, RULESET_ROUTE, 3),
		rule("10.2.4.0/24", RULESET_BGP, RULESET_SHOW, 4),
		rule("10.2.5.0/24", RULESET_TWO_HOPS, RULESET_CLOSE, 5),
		rule("10.0.0.0/8", RULESET_BGP, RULESET_ROUTE, 6),
	};
	struct ruleset *s = set_of(rules, 7);

	becomes(s, "10.2.0.1", RULESET_CLOSED);
	becomes(s, "10.2.1.1", RULESET_ROUTED);
	becomes(s, "10.2.2.1", RULESET_ROUTED); /* 10.0.0.0/8 does */
	becomes(s, "10.2.3.1", RULESET_ROUTED);
	becomes(s, "10.2.4.1", RULESET_CLOSED); /* what is only shown opens nothing */
	becomes(s, "10.2.5.1", RULESET_CLOSED);
	assert_int_equal(ruleset_fate(s, at(s, "10.2.2.1"), entry_at(s, "10.2.2.1")->rules),
			 RULESET_WINS);
	assert_int_equal(ruleset_fate(s, at(s, "10.2.4.1"), entry_at(s, "10.2.4.1")->rules),
			 RULESET_SHOWN);
	ruleset_free(s);
}

static void what_is_shown_only_routes_nothing(void **state)
{
	const struct ruleset_rule rules[] = {
		rule("10.2.0.0/16", RULESET_BGP, RULESET_SHOW, 0),
		rule("10.3.0.0/16", RULESET_PEERED, RULESET_PASS, 1),
	};
	struct ruleset *s = set_of(rules, 2);
	struct prefix list[2];

	becomes(s, "10.2.0.1", RULESET_UNROUTED);
	becomes(s, "10.3.0.1", RULESET_UNROUTED);
	assert_int_equal(ruleset_routed(s, RULESET_ALL, list), 0);
	ruleset_free(s);
}

static void routed_list_has_each_prefix_once_of_the_sources_that_are_asked_for(void **state)
{
	const struct ruleset_rule rules[] = {
		rule("10.2.0.0/16", RULESET_STATIC, RULESET_ROUTE, 0),
		rule("10.2.0.0/16", RULESET_BGP, RULESET_ROUTE, 1),
		rule("10.2.0.0/16", RULESET_PEERED, RULESET_CLOSE, 2),
		rule("10.3.0.0/16", RULESET_BGP, RULESET_ROUTE, 3),
		rule("2001:db8::/32", RULESET_CUSTOM, RULESET_ROUTE, 4),
	};
	struct ruleset *s = set_of(rules, 5);
	struct prefix list[3];
	size_t n = ruleset_routed(s, RULESET_ALL, list);

	is_list(list, n, "10.2.0.0/16 10.3.0.0/16 2001:db8::/32");
	is_list(list, aggregate_minimal(list, n), "10.2.0.0/15 2001:db8::/32");
	n = ruleset_routed(s, RULESET_ALL & ~(1u << RULESET_BGP), list);
	is_list(list, n, "10.2.0.0/16 2001:db8::/32");
	ruleset_free(s);
}

static void find_is(const struct ruleset *s, const char *text, const char *expected)
{
	struct prefix p;
	char buf[PREFIX_TEXT_MAX];
	uint32_t i;
	size_t n;

	assert_int_equal(prefix_parse(text, &p), 0);
	i = ruleset_find(s, &p);
	assert_string_equal(
		i == RULESET_NONE ? "" : prefix_format(&ruleset_entries(s, &n)[i].prefix, buf),
		expected);
}

static void entry_that_contains_a_prefix_is_found(void **state)
{
	const struct ruleset_rule rules[] = {
		rule("10.0.0.0/8", RULESET_STATIC, RULESET_ROUTE, 0),
		rule("10.2.0.0/16", RULESET_BGP, RULESET_ROUTE, 1),
		rule("10.2.3.0/24", RULESET_BGP, RULESET_ROUTE, 2),
		rule("2001:db8::/32", RULESET_BGP, RULESET_ROUTE, 3),
	};
	struct ruleset *s = set_of(rules, 4);

	find_is(s, "10.2.0.0/16", "10.2.0.0/16");
	find_is(s, "10.2.2.0/23", "10.2.0.0/16"); /* not what lies in it */
	find_is(s, "10.2.3.128/25", "10.2.3.0/24");
	find_is(s, "10.2.4.0/24", "10.2.0.0/16");
	find_is(s, "10.0.0.0/7", "");
	find_is(s, "2001:db8:1::/48", "2001:db8::/32");
	find_is(s, "::/0", "");
	ruleset_free(s);
}

static void empty_set_knows_nothing(void **state)
{
	struct ruleset *s = set_of(NULL, 0);
	size_t n;

	assert_int_equal(at(s, "10.0.0.1"), RULESET_NONE);
	assert_int_equal(at(s, "::"), RULESET_NONE);
	ruleset_entries(s, &n);
	assert_int_equal(n, 0);
	ruleset_rules(s, &n);
	assert_int_equal(n, 0);
	ruleset_free(s);
	ruleset_free(NULL);
}

static void without_memory_there_is_no_set(void **state)
{
	const struct ruleset_rule rules[] = {
		rule("10.2.0.0/16", RULESET_BGP, RULESET_ROUTE, 1),
		rule("10.3.0.0/16", RULESET_BGP, RULESET_ROUTE, 2),
	};

	for (int left = 0; left < 3; left++) {
		alloc_limit(left);
		assert_null(ruleset_new(rules, 2));
		alloc_limit(-1);
	}
}

/* ---- against the oracle ---- */

static struct prefix random_prefix(struct prng *p)
{
	struct prefix r = bases[prng_below(p, 2)];
	unsigned len = prng_below(p, 9);
	unsigned last = r.family == AF_INET6 ? 15 : 3;

	r.len = (uint8_t)(8 * last + len);
	r.addr[last] = (uint8_t)(prng_below(p, SPACE) & (0xff00 >> len));
	return r;
}

static size_t random_rules(struct prng *p, struct ruleset_rule *rules)
{
	size_t n = prng_below(p, RULES_MAX + 1);

	for (size_t i = 0; i < n; i++)
		rules[i] = (struct ruleset_rule){
			.prefix = i && prng_below(p, 3) == 0
					  ? rules[prng_below(p, (uint32_t)i)].prefix
					  : random_prefix(p),
			.source = (uint8_t)prng_below(p, RULESET_SOURCES),
			.verdict = (uint8_t)prng_below(p, RULESET_SHOW + 1),
			.origin = (uint32_t)i,
		};
	return n;
}

/* Is a better than b, both containing the address? */
static bool is_better(const struct ruleset_rule *a, const struct ruleset_rule *b)
{
	if (!b || a->prefix.len != b->prefix.len)
		return !b || a->prefix.len > b->prefix.len;
	if (a->source != b->source)
		return a->source < b->source;
	return a->origin < b->origin;
}

static bool says_whose(const struct ruleset_rule *r)
{
	switch (r->source) {
	case RULESET_INHERITED:
	case RULESET_ON_PREMISES:
	case RULESET_BGP:
	case RULESET_PEERED:
	case RULESET_TWO_HOPS: return r->verdict != RULESET_SHOW;
	default: return false;
	}
}

struct answer {
	const struct ruleset_rule *route;
	const struct ruleset_rule *gate;
};

static struct answer oracle(const struct ruleset_rule *rules, size_t n, uint8_t family,
			    const uint8_t *addr)
{
	struct answer a = {NULL, NULL};

	for (size_t i = 0; i < n; i++) {
		const struct ruleset_rule *r = &rules[i];

		if (r->prefix.family != family || !prefix_contains(&r->prefix, addr))
			continue;
		if (r->verdict == RULESET_ROUTE && is_better(r, a.route))
			a.route = r;
		if (says_whose(r) && is_better(r, a.gate))
			a.gate = r;
	}
	return a;
}

static void assert_same_rule(const struct ruleset *s, uint32_t i,
			     const struct ruleset_rule *expected)
{
	if (expected)
		assert_int_equal(rule_at(s, i)->origin, expected->origin);
	else
		assert_int_equal(i, RULESET_NONE);
}

static void assert_answers(const struct ruleset *s, const struct ruleset_rule *rules, size_t n,
			   const struct prefix *address)
{
	struct answer a = oracle(rules, n, address->family, address->addr);
	uint32_t i = ruleset_lookup(s, address->family, address->addr);
	size_t count;
	const struct ruleset_entry *e = i == RULESET_NONE ? NULL : &ruleset_entries(s, &count)[i];

	assert_same_rule(s, e ? e->route : RULESET_NONE, a.route);
	assert_same_rule(s, e ? e->gate : RULESET_NONE, a.gate);
	assert_int_equal(ruleset_outcome(s, i), a.gate && a.gate->verdict == RULESET_CLOSE
							? RULESET_CLOSED
						: a.route ? RULESET_ROUTED
							  : RULESET_UNROUTED);
}

/* Entries ascend, each parent is the longest that contains it, and every rule is in one of them. */
static void assert_in_order(const struct ruleset *s, size_t n_rules)
{
	size_t n;
	const struct ruleset_entry *e = ruleset_entries(s, &n);
	size_t seen = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t parent = RULESET_NONE;

		for (uint32_t k = 0; k < n; k++)
			if (k != i && prefix_covers(&e[k].prefix, &e[i].prefix) &&
			    (parent == RULESET_NONE || e[k].prefix.len > e[parent].prefix.len))
				parent = k;
		assert_int_equal(e[i].parent, parent);
		assert_int_equal(e[i].rules, seen);
		for (uint32_t k = 0; k < e[i].n_rules; k++)
			assert_true(
				prefix_equal(&rule_at(s, e[i].rules + k)->prefix, &e[i].prefix));
		seen += e[i].n_rules;
	}
	assert_int_equal(seen, n_rules);
}

/* The list has the addresses that a rule routes, and the fewest prefixes have the same. */
static void assert_routed(const struct ruleset *s, const struct ruleset_rule *rules, size_t n)
{
	struct prefix list[RULES_MAX];
	struct prefix few[RULES_MAX];
	size_t n_list = ruleset_routed(s, RULESET_ALL, list);
	size_t n_few;

	memcpy(few, list, n_list * sizeof(*list));
	n_few = aggregate_minimal(few, n_list);
	for (unsigned i = 0; i < 2 * SPACE; i++) {
		struct prefix a = bases[i / SPACE];
		bool is_listed = false, is_few = false;

		a.addr[a.family == AF_INET6 ? 15 : 3] = (uint8_t)i;
		a.len = a.family == AF_INET6 ? 128 : 32;
		for (size_t k = 0; k < n_list; k++)
			is_listed |= prefix_covers(&list[k], &a);
		for (size_t k = 0; k < n_few; k++)
			is_few |= prefix_covers(&few[k], &a);
		assert_int_equal(is_listed, oracle(rules, n, a.family, a.addr).route != NULL);
		assert_int_equal(is_few, is_listed);
	}
}

static void random_sets_answer_as_the_oracle_does(void **state)
{
	struct ruleset_rule rules[RULES_MAX];
	struct prng p;

	prng_init(&p, 6);
	for (unsigned round = 0; round < ROUNDS; round++) {
		size_t n = random_rules(&p, rules);
		struct ruleset *s = set_of(rules, n);

		assert_in_order(s, n);
		for (unsigned i = 0; i < 2 * SPACE; i++) {
			struct prefix a = bases[i / SPACE];

			a.addr[a.family == AF_INET6 ? 15 : 3] = (uint8_t)i;
			assert_answers(s, rules, n, &a);
		}
		if (round % 16 == 0)
			assert_routed(s, rules, n);
		ruleset_free(s);
	}
}

/* ---- how long it takes ---- */

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void hundred_thousand_prefixes_are_no_burden(void **state)
{
	struct ruleset_rule *rules = calloc(MANY, sizeof(*rules));
	struct ruleset *s;
	struct prng p;
	double began;
	size_t n;

	assert_non_null(rules);
	prng_init(&p, 100000);
	for (uint32_t i = 0; i < MANY; i++) {
		struct prefix *prefix = &rules[i].prefix;

		*prefix = (struct prefix){.family = i % 2 ? AF_INET6 : AF_INET, .len = 24};
		prefix->addr[0] = (uint8_t)(i >> 16);
		prefix->addr[1] = (uint8_t)(i >> 8);
		prefix->addr[2] = (uint8_t)i;
		rules[i].source = RULESET_BGP;
		rules[i].origin = i;
	}
	for (uint32_t i = 0; i < MANY; i++) {
		uint32_t other = prng_below(&p, MANY);
		struct ruleset_rule r = rules[i];

		rules[i] = rules[other];
		rules[other] = r;
	}
	began = seconds();
	s = set_of(rules, MANY);
	print_message("# %d prefixes: %.0f ms\n", MANY, 1e3 * (seconds() - began));
	ruleset_entries(s, &n);
	assert_int_equal(n, MANY);
	for (uint32_t i = 0; i < MANY; i++) {
		const struct prefix *prefix = &rules[i].prefix;
		uint32_t found = ruleset_lookup(s, prefix->family, prefix->addr);

		assert_int_equal(rule_at(s, ruleset_entries(s, &n)[found].route)->origin,
				 rules[i].origin);
	}
	ruleset_free(s);
	free(rules);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(longest_prefix_wins_whoever_says_it),
		cmocka_unit_test(
			better_source_wins_of_equal_prefixes_and_the_others_are_kept_in_order),
		cmocka_unit_test(lower_origin_wins_of_one_source),
		cmocka_unit_test(B23_route_of_the_operator_opens_no_closed_peering),
		cmocka_unit_test(
			what_is_ones_own_on_premises_or_learned_is_open_within_a_closed_peering),
		cmocka_unit_test(what_is_shown_only_routes_nothing),
		cmocka_unit_test(
			routed_list_has_each_prefix_once_of_the_sources_that_are_asked_for),
		cmocka_unit_test(entry_that_contains_a_prefix_is_found),
		cmocka_unit_test(empty_set_knows_nothing),
		cmocka_unit_test(without_memory_there_is_no_set),
		cmocka_unit_test(random_sets_answer_as_the_oracle_does),
		cmocka_unit_test(hundred_thousand_prefixes_are_no_burden),
	};

	return cmocka_run_group_tests_name("routing/ruleset", tests, NULL, NULL);
}

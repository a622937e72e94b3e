/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/trie.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "test/support/alloc_limit.h"
#include "test/support/cmocka.h"
#include "test/support/routes.h"
#include "test/unit/routing/tables.h"

static void drop(struct trie *t, const char *text)
{
	struct prefix p = parsed(text);

	assert_int_equal(trie_remove(t, &p), 0);
	assert_true(trie_check(t));
}

/* addr is found by the prefix with this text and value. */
static void assert_longest(const struct trie *t, const char *addr, const char *text, uint32_t value)
{
	struct prefix a = parsed(addr);
	struct prefix p = {0};
	char buf[PREFIX_TEXT_MAX];
	uint32_t got = 0;

	assert_int_equal(trie_longest(t, a.family, a.addr, &got, &p), 0);
	assert_string_equal(prefix_format(&p, buf), text);
	assert_int_equal(got, value);
}

static void assert_no_route(const struct trie *t, const char *addr)
{
	struct prefix a = parsed(addr);
	struct prefix p = {.len = 77};
	uint32_t got = 77;

	assert_int_equal(trie_longest(t, a.family, a.addr, &got, &p), -ENOENT);
	assert_int_equal(got, 77);
	assert_int_equal(p.len, 77);
}

static void longest_prefix_wins_over_newer_shorter(void **state)
{
	struct trie *t = new_trie();

	insert(t, "10.1.2.0/24", 1);
	insert(t, "10.0.0.0/8", 2);
	insert(t, "0.0.0.0/0", 3);
	insert(t, "10.1.2.3/32", 4);
	assert_longest(t, "10.1.2.3", "10.1.2.3/32", 4);
	assert_longest(t, "10.1.2.4", "10.1.2.0/24", 1);
	assert_longest(t, "10.1.3.0", "10.0.0.0/8", 2);
	assert_longest(t, "11.0.0.0", "0.0.0.0/0", 3);
	trie_free(t);
}

static void default_route_and_host_route_are_prefixes_like_others(void **state)
{
	struct trie *t = new_trie();

	insert(t, "::/0", 1);
	insert(t, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", 2);
	insert(t, "::/128", 3);
	assert_longest(t, "::", "::/128", 3);
	assert_longest(t, "::1", "::/0", 1);
	assert_longest(t, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		       "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", 2);
	trie_free(t);
}

static void families_have_routes_of_their_own(void **state)
{
	struct trie *t = new_trie();

	insert(t, "0.0.0.0/0", 1);
	assert_no_route(t, "::");
	insert(t, "2001:db8::/32", 2);
	drop(t, "0.0.0.0/0");
	assert_no_route(t, "32.1.13.184");
	assert_longest(t, "2001:db8::1", "2001:db8::/32", 2);
	assert_int_equal(trie_count(t, AF_INET), 0);
	assert_int_equal(trie_count(t, AF_INET6), 1);
	trie_free(t);
}

static void second_insert_replaces_the_value(void **state)
{
	struct trie *t = new_trie();
	struct prefix p = parsed("10.0.0.0/8");
	uint32_t got = 0;

	insert(t, "10.0.0.0/8", 1);
	insert(t, "10.0.0.0/8", UINT32_MAX);
	assert_int_equal(trie_find(t, &p, &got), 0);
	assert_int_equal(got, UINT32_MAX);
	assert_int_equal(trie_count(t, AF_INET), 1);
	trie_free(t);
}

static void removed_prefix_uncovers_the_shorter_one(void **state)
{
	struct trie *t = new_trie();

	insert(t, "10.0.0.0/8", 1);
	insert(t, "10.1.0.0/16", 2);
	drop(t, "10.1.0.0/16");
	assert_longest(t, "10.1.0.1", "10.0.0.0/8", 1);
	drop(t, "10.0.0.0/8");
	assert_no_route(t, "10.1.0.1");
	trie_free(t);
}

static void fork_between_two_routes_is_no_route(void **state)
{
	struct trie *t = new_trie();
	struct prefix fork = parsed("10.0.0.0/15");
	uint32_t got = 7;

	insert(t, "10.0.0.0/16", 1);
	insert(t, "10.1.0.0/16", 2);
	assert_int_equal(trie_find(t, &fork, &got), -ENOENT);
	assert_int_equal(trie_remove(t, &fork), -ENOENT);
	assert_int_equal(got, 7);
	insert(t, "10.0.0.0/15", 3);
	drop(t, "10.0.0.0/16");
	assert_longest(t, "10.0.0.1", "10.0.0.0/15", 3);
	assert_longest(t, "10.1.0.1", "10.1.0.0/16", 2);
	trie_free(t);
}

static void what_is_no_prefix_is_refused(void **state)
{
	static const struct prefix bad[] = {
		{.family = AF_INET, .len = 33},
		{.family = AF_INET6, .len = 129},
		{.family = AF_UNIX, .len = 8},
		{.family = AF_INET, .len = 8, .addr = {10, 1}},
		{.family = AF_INET, .len = 0, .addr = {128}},
		{.family = AF_INET6, .len = 127, .addr = {[15] = 1}},
	};
	struct trie *t = new_trie();
	uint32_t got = 7;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(trie_insert(t, &bad[i], 1), -EINVAL);
		assert_int_equal(trie_remove(t, &bad[i]), -ENOENT);
		assert_int_equal(trie_find(t, &bad[i], &got), -ENOENT);
	}
	assert_int_equal(trie_count(t, AF_INET) + trie_count(t, AF_INET6), 0);
	trie_free(t);
}

struct walked {
	struct prefix last;
	size_t n;
	size_t stop_at;
};

static int check_order(void *arg, const struct prefix *p, uint32_t value)
{
	struct walked *w = arg;
	int order = memcmp(w->last.addr, p->addr, sizeof(p->addr));

	assert_true(w->n == 0 || order < 0 || (order == 0 && w->last.len < p->len));
	assert_int_equal(value, p->len);
	w->last = *p;
	return ++w->n == w->stop_at ? -ECANCELED : 0;
}

static void walk_is_in_order_of_address_then_length_and_can_be_ended(void **state)
{
	struct trie *t = new_trie();
	struct walked all = {0};
	struct walked some = {.stop_at = 100};
	struct prng prng;

	prng_init(&prng, 0x3a1b);
	for (int i = 0; i < 2000; i++) {
		struct prefix p = routes_any(&prng, AF_INET);

		assert_int_equal(trie_insert(t, &p, p.len), 0);
	}
	assert_int_equal(trie_walk(t, AF_INET, check_order, &all), 0);
	assert_int_equal(all.n, trie_count(t, AF_INET));
	assert_int_equal(trie_walk(t, AF_INET, check_order, &some), -ECANCELED);
	assert_int_equal(some.n, 100);
	assert_int_equal(trie_walk(t, AF_INET6, check_order, &some), 0);
	trie_free(t);
}

static void longest_chain_of_nested_prefixes_is_walked(void **state)
{
	struct trie *t = new_trie();
	struct prefix p = {.family = AF_INET6};
	struct walked all = {0};

	/* a branch to the other side at every length, so that the walk leaves one behind each */
	for (unsigned len = 0; len <= 128; len++) {
		p.len = (uint8_t)len;
		assert_int_equal(trie_insert(t, &p, len), 0);
		if (len > 0) {
			p.addr[(len - 1) / 8] = (uint8_t)(0x80 >> (len - 1) % 8);
			assert_int_equal(trie_insert(t, &p, len), 0);
			p.addr[(len - 1) / 8] = 0;
		}
	}
	assert_true(trie_check(t));
	assert_int_equal(trie_walk(t, AF_INET6, check_order, &all), 0);
	assert_int_equal(all.n, 257);
	trie_free(t);
}

static void insert_without_memory_leaves_the_trie_as_it_was(void **state)
{
	struct trie *t = new_trie();
	struct prng prng;
	size_t failed = 0;

	prng_init(&prng, 0xa110c);
	for (int i = 0; i < 3000; i++) {
		struct prefix p = routes_any(&prng, i % 2 ? AF_INET : AF_INET6);
		size_t count = trie_count(t, p.family);
		size_t bytes = trie_bytes(t);
		uint32_t got = 0;

		alloc_limit(i % 3);
		if (trie_insert(t, &p, 1) == -ENOMEM) {
			failed++;
			assert_int_equal(trie_count(t, p.family), count);
			assert_int_equal(trie_bytes(t), bytes);
			assert_int_equal(trie_find(t, &p, &got), -ENOENT);
		}
		alloc_limit(-1);
	}
	assert_in_range(failed, 1000, 2000);
	assert_true(trie_check(t));
	trie_free(t);
	alloc_limit(0);
	t = NULL;
	assert_int_equal(trie_new(&t), -ENOMEM);
	alloc_limit(-1);
	assert_null(t);
}

/* The slow oracle: a list. */
enum {
	SLOW_ROUTES = 256
};

struct slow {
	struct prefix prefixes[SLOW_ROUTES];
	uint32_t values[SLOW_ROUTES];
	size_t n;
};

static void slow_insert(struct slow *s, const struct prefix *p, uint32_t value)
{
	size_t i = 0;

	while (i < s->n && !prefix_equal(&s->prefixes[i], p))
		i++;
	s->n += i == s->n;
	s->prefixes[i] = *p;
	s->values[i] = value;
}

static const struct prefix *slow_longest(const struct slow *s, const uint8_t *addr)
{
	const struct prefix *best = NULL;

	for (size_t i = 0; i < s->n; i++)
		if (prefix_contains(&s->prefixes[i], addr) &&
		    (!best || s->prefixes[i].len > best->len))
			best = &s->prefixes[i];
	return best;
}

static void assert_agrees(const struct trie *t, const struct slow *s, const uint8_t addr[16],
			  uint8_t family)
{
	const struct prefix *expected = slow_longest(s, addr);
	struct prefix found = {0};
	uint32_t value = 0;
	int error = trie_longest(t, family, addr, &value, &found);

	assert_int_equal(error, expected ? 0 : -ENOENT);
	if (!expected)
		return;
	assert_int_equal(found.len, expected->len);
	assert_int_equal(value, s->values[expected - s->prefixes]);
}

static void compare(struct prng *prng, const struct trie *t, const struct slow *s, uint8_t family,
		    int lookups)
{
	uint8_t addr[16];

	for (int i = 0; i < lookups; i++) {
		struct prefix near = s->n ? s->prefixes[prng_below(prng, (uint32_t)s->n)]
					  : routes_any(prng, family);

		if (i % 4 == 0)
			near = routes_mutate(prng, &near);
		routes_address_in(prng, &near, addr);
		assert_agrees(t, s, addr, family);
	}
}

static void empty_in_random_order(struct prng *prng, struct trie *t, struct slow *s, uint8_t family)
{
	while (s->n > 0) {
		uint32_t i = prng_below(prng, (uint32_t)s->n);

		assert_int_equal(trie_remove(t, &s->prefixes[i]), 0);
		assert_int_equal(trie_remove(t, &s->prefixes[i]), -ENOENT);
		s->n--;
		s->prefixes[i] = s->prefixes[s->n];
		s->values[i] = s->values[s->n];
		assert_int_equal(trie_count(t, family), s->n);
		assert_true(trie_check(t));
		compare(prng, t, s, family, 40);
	}
}

static void run_against_oracle(struct prng *prng, uint8_t family)
{
	struct trie *t = new_trie();
	size_t empty_bytes = trie_bytes(t);
	struct slow s = {0};

	for (uint32_t i = 0; i < SLOW_ROUTES; i++) {
		struct prefix p = routes_any(prng, family);

		if (i > 8)
			p = routes_mutate(prng, &s.prefixes[prng_below(prng, (uint32_t)s.n)]);
		assert_int_equal(trie_insert(t, &p, i), 0);
		slow_insert(&s, &p, i);
		assert_int_equal(trie_count(t, family), s.n);
	}
	assert_true(trie_check(t));
	compare(prng, t, &s, family, 30000);
	empty_in_random_order(prng, t, &s, family);
	assert_int_equal(trie_bytes(t), empty_bytes);
	trie_free(t);
}

static void random_tables_agree_with_a_list_until_they_are_empty(void **state)
{
	struct prng prng;

	prng_init(&prng, 0x7121e);
	for (int round = 0; round < 6; round++)
		run_against_oracle(&prng, round % 2 ? AF_INET6 : AF_INET);
}

/* Many lookups need an oracle that is quick: one exact search per length, longest first. */
static void full_table_agrees_with_exact_searches(void **state)
{
	enum {
		ROUTES = 50000,
		LOOKUPS = 300000
	};
	struct trie *t = new_trie();
	struct prng prng;

	prng_init(&prng, 0xb69);
	for (uint32_t i = 0; i < ROUTES; i++) {
		struct prefix p = routes_bgp4(&prng);

		assert_int_equal(trie_insert(t, &p, i), 0);
	}
	for (int i = 0; i < LOOKUPS; i++) {
		struct prefix shorter = routes_any(&prng, AF_INET);
		uint32_t expected = 7, got = 7;
		uint8_t addr[16];
		int error = -ENOENT;

		shorter.len = 32;
		routes_address_in(&prng, &shorter, addr);
		for (int len = 32; len >= 0 && error != 0; len--) {
			shorter.len = (uint8_t)len;
			if (len < 32)
				shorter.addr[len / 8] &= (uint8_t)(0xff00 >> len % 8);
			error = trie_find(t, &shorter, &expected);
		}
		assert_int_equal(trie_longest(t, AF_INET, addr, &got, NULL), error);
		assert_int_equal(got, expected);
	}
	trie_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(longest_prefix_wins_over_newer_shorter),
		cmocka_unit_test(default_route_and_host_route_are_prefixes_like_others),
		cmocka_unit_test(families_have_routes_of_their_own),
		cmocka_unit_test(second_insert_replaces_the_value),
		cmocka_unit_test(removed_prefix_uncovers_the_shorter_one),
		cmocka_unit_test(fork_between_two_routes_is_no_route),
		cmocka_unit_test(what_is_no_prefix_is_refused),
		cmocka_unit_test(walk_is_in_order_of_address_then_length_and_can_be_ended),
		cmocka_unit_test(longest_chain_of_nested_prefixes_is_walked),
		cmocka_unit_test(insert_without_memory_leaves_the_trie_as_it_was),
		cmocka_unit_test(random_tables_agree_with_a_list_until_they_are_empty),
		cmocka_unit_test(full_table_agrees_with_exact_searches),
	};

	return cmocka_run_group_tests_name("routing/trie", tests, NULL, NULL);
}

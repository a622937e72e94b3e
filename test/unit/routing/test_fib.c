/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/fib.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "routing/fib_tree_layout.h"
#include "test/support/alloc_limit.h"
#include "test/support/cmocka.h"
#include "test/support/routes.h"
#include "test/unit/routing/tables.h"

static struct fib *compiled(const struct trie *t)
{
	struct fib *f = NULL;

	assert_int_equal(fib_new(t, &f), 0);
	return f;
}

static uint32_t slow_lookup(const struct trie *t, uint8_t family, const void *addr)
{
	uint32_t value = FIB_NONE;

	trie_longest(t, family, addr, &value, NULL);
	return value;
}

static uint32_t lookup(const struct fib *f, const char *addr)
{
	struct prefix p = parsed(addr);
	uint32_t addr_be;

	memcpy(&addr_be, p.addr, sizeof(addr_be));
	return p.family == AF_INET ? fib_lookup4(f, addr_be) : fib_lookup6(f, p.addr);
}

static void empty_table_has_no_route_anywhere(void **state)
{
	struct trie *t = new_trie();
	struct fib *f = compiled(t);

	assert_int_equal(lookup(f, "0.0.0.0"), FIB_NONE);
	assert_int_equal(lookup(f, "255.255.255.255"), FIB_NONE);
	assert_int_equal(lookup(f, "::"), FIB_NONE);
	assert_int_equal(lookup(f, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), FIB_NONE);
	fib_free(f);
	trie_free(t);
}

static void longest_prefix_wins_and_the_shorter_holds_behind_it(void **state)
{
	struct trie *t = new_trie();
	struct fib *f;

	insert(t, "10.0.0.0/8", 1);
	insert(t, "10.1.0.0/16", 2);
	insert(t, "10.1.255.255/32", 3);
	insert(t, "2001:db8::/32", 4);
	insert(t, "2001:db8::1/128", 5);
	f = compiled(t);
	assert_int_equal(lookup(f, "9.255.255.255"), FIB_NONE);
	assert_int_equal(lookup(f, "10.0.255.255"), 1);
	assert_int_equal(lookup(f, "10.1.0.0"), 2);
	assert_int_equal(lookup(f, "10.1.255.254"), 2);
	assert_int_equal(lookup(f, "10.1.255.255"), 3);
	assert_int_equal(lookup(f, "10.2.0.0"), 1);
	assert_int_equal(lookup(f, "11.0.0.0"), FIB_NONE);
	assert_int_equal(lookup(f, "2001:db8::"), 4);
	assert_int_equal(lookup(f, "2001:db8::1"), 5);
	assert_int_equal(lookup(f, "2001:db8::2"), 4);
	assert_int_equal(lookup(f, "2001:db9::"), FIB_NONE);
	fib_free(f);
	trie_free(t);
}

static void route_id_must_be_below_none(void **state)
{
	struct trie *t = new_trie();
	struct fib *f = NULL;

	insert(t, "10.0.0.0/8", FIB_NONE - 1);
	f = compiled(t);
	assert_int_equal(lookup(f, "10.1.1.1"), FIB_NONE - 1);
	fib_free(f);
	f = NULL;
	insert(t, "::/0", FIB_NONE);
	assert_int_equal(fib_new(t, &f), -ERANGE);
	assert_null(f);
	trie_free(t);
}

/* Every lookup of every kind, at random addresses and at both sides of every interval's edge. */
static void assert_same4(const struct fib *f, const struct trie *t, const uint32_t *addrs_be,
			 size_t n)
{
	uint32_t *ids = malloc(n * sizeof(*ids));

	assert_non_null(ids);
	fib_lookup4_bulk(f, addrs_be, n, ids);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(ids[i], slow_lookup(t, AF_INET, &addrs_be[i]));
		assert_int_equal(fib_lookup4(f, addrs_be[i]), ids[i]);
	}
	free(ids);
}

static void assert_same6(const struct fib *f, const struct trie *t, const uint8_t (*addrs)[16],
			 size_t n)
{
	uint32_t *ids = malloc(n * sizeof(*ids));

	assert_non_null(ids);
	fib_lookup6_bulk(f, addrs, n, ids);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(ids[i], slow_lookup(t, AF_INET6, addrs[i]));
		assert_int_equal(fib_lookup6(f, addrs[i]), ids[i]);
	}
	free(ids);
}

static void key_bytes(interval_key key, uint8_t ret_addr[16])
{
	for (unsigned i = 0; i < 16; i++)
		ret_addr[i] = (uint8_t)(key >> (120 - 8 * i));
}

enum {
	EDGES_MAX = 30000 /* of a table's intervals, those whose surroundings are looked at */
};

/* Addresses on both sides of the edges of intervals, and random ones near them. */
static uint8_t (*interesting(struct prng *prng, const struct trie *t, uint8_t family,
			     size_t *ret_n))[16]
{
	struct interval_list list;
	interval_key step = family == AF_INET6 ? 1 : (interval_key)1 << 96;
	uint8_t(*addrs)[16];
	size_t n = 0;

	assert_int_equal(interval_init(&list, t, family), 0);
	addrs = malloc(4 * list.n * sizeof(*addrs));
	assert_non_null(addrs);
	for (size_t i = 0; i < list.n; i += 1 + list.n / EDGES_MAX) {
		uint8_t offset[16];
		interval_key random = 0;

		key_bytes(list.keys[i], addrs[n++]);
		key_bytes(list.keys[i] - step, addrs[n++]);
		key_bytes(list.keys[i] ^ step, addrs[n++]);
		for (unsigned k = 0; k < 16; k++)
			offset[k] = (uint8_t)prng_next(prng);
		memcpy(&random, offset, sizeof(random));
		key_bytes(random >> prng_below(prng, 128) ^ list.keys[i], addrs[n++]);
	}
	interval_done(&list);
	*ret_n = n;
	return addrs;
}

static void assert_agrees(struct prng *prng, const struct trie *t)
{
	struct fib *f = compiled(t);
	size_t n4, n6;
	uint8_t(*addrs4)[16] = interesting(prng, t, AF_INET, &n4);
	uint8_t(*addrs6)[16] = interesting(prng, t, AF_INET6, &n6);
	uint32_t *short4 = malloc(n4 * sizeof(*short4));

	assert_non_null(short4);
	for (size_t i = 0; i < n4; i++)
		memcpy(&short4[i], addrs4[i], sizeof(short4[i]));
	assert_same4(f, t, short4, n4);
	assert_same6(f, t, (const uint8_t(*)[16])addrs6, n6);
	free(short4);
	free(addrs6);
	free(addrs4);
	fib_free(f);
}

static void insert_colliding(struct prng *prng, struct trie *t, uint8_t family, size_t n,
			     uint32_t values)
{
	struct prefix recent[64];

	for (size_t i = 0; i < n; i++) {
		struct prefix p =
			i < 8 ? routes_any(prng, family)
			      : routes_mutate(prng,
					      &recent[prng_below(prng, i < 64 ? (uint32_t)i : 64)]);

		assert_int_equal(trie_insert(t, &p, prng_below(prng, values)), 0);
		recent[i % 64] = p;
	}
}

static void tables_of_every_size_agree_with_their_trie(void **state)
{
	static const size_t sizes[] = {1, 2, 3, 10, 50, 200, 257, 300, 1000, 5000};
	struct prng prng;

	prng_init(&prng, 0xf1b);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct trie *t = new_trie();

		insert_colliding(&prng, t, AF_INET, sizes[i], 250);
		insert_colliding(&prng, t, AF_INET6, sizes[i], 250);
		assert_agrees(&prng, t);
		trie_free(t);
	}
}

static struct trie *bgp_table(struct prng *prng, size_t n4, size_t n6, uint32_t values)
{
	struct trie *t = new_trie();

	for (size_t i = 0; i < n4 + n6; i++) {
		struct prefix p = i < n4 ? routes_bgp4(prng) : routes_bgp6(prng);

		assert_int_equal(trie_insert(t, &p, prng_below(prng, values)), 0);
	}
	return t;
}

static void large_tables_agree_with_their_trie(void **state)
{
	struct prng prng;
	struct trie *t;

	prng_init(&prng, 0xb192);
	t = bgp_table(&prng, 200000, 55000, 250);
	assert_agrees(&prng, t);
	trie_free(t);
}

static void more_answers_than_an_index_or_a_dictionary_holds_are_right(void **state)
{
	struct prng prng;
	struct trie *t;

	prng_init(&prng, 0x1de);
	t = bgp_table(&prng, 200000, 0, 1000000);
	assert_agrees(&prng, t);
	trie_free(t);
}

/* Networks of 24 bits with so many different answers, and no route; some are divided. */
static int index_of(size_t answers, struct fib *ret_fib)
{
	struct interval_list list, below = {0};
	struct trie *t = new_trie();
	int error;

	for (uint32_t i = 1; i < answers; i++) {
		struct prefix p = {.family = AF_INET, .len = i % 5 == 0 ? 30 : 24};

		p.addr[0] = 10;
		p.addr[2] = (uint8_t)i;
		assert_int_equal(trie_insert(t, &p, 1000 + i), 0);
	}
	assert_int_equal(interval_init(&list, t, AF_INET), 0);
	error = fib_index_init(&ret_fib->index, &below, &list);
	if (error == 0)
		error = fib_tree_init(&ret_fib->tree4, &below, AF_INET);
	interval_done(&below);
	interval_done(&list);
	trie_free(t);
	return error;
}

static void index_holds_255_answers_and_refuses_one_more(void **state)
{
	struct fib f = {0};

	assert_int_equal(index_of(256, &f), -E2BIG);
	assert_int_equal(index_of(255, &f), 0);
	assert_int_equal(lookup(&f, "9.255.255.255"), FIB_NONE);
	assert_int_equal(lookup(&f, "10.0.1.255"), 1001);
	assert_int_equal(lookup(&f, "10.0.5.3"), 1005);
	assert_int_equal(lookup(&f, "10.0.5.4"), FIB_NONE);
	assert_int_equal(lookup(&f, "10.0.254.255"), 1254);
	assert_int_equal(lookup(&f, "255.255.255.255"), FIB_NONE);
	fib_index_done(&f.index);
	fib_tree_done(&f.tree4);
}

/* Bit by bit, from the whole space to one address, at both ends of it. */
static void index_reaches_to_both_ends_of_the_space(void **state)
{
	static const char *const ends[] = {"0.0.0.0", "255.255.255.255"};

	for (uint8_t len = 0; len <= 32; len++) {
		struct trie *t = new_trie();
		struct interval_list list, below = {0};
		struct fib f = {0};
		uint32_t last_be = len < 32 ? htonl(UINT32_MAX >> len) : 0;

		for (size_t i = 0; i < 2; i++) {
			struct prefix p = parsed(ends[i]);

			p.len = len;
			for (unsigned bit = len; bit < 32; bit++)
				p.addr[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
			assert_int_equal(trie_insert(t, &p, (uint32_t)i), 0);
		}
		assert_int_equal(interval_init(&list, t, AF_INET), 0);
		assert_int_equal(fib_index_init(&f.index, &below, &list), 0);
		assert_int_equal(fib_tree_init(&f.tree4, &below, AF_INET), 0);
		assert_int_equal(fib_lookup4(&f, last_be), slow_lookup(t, AF_INET, &last_be));
		last_be = ~last_be;
		assert_int_equal(fib_lookup4(&f, last_be), slow_lookup(t, AF_INET, &last_be));
		assert_int_equal(lookup(&f, "0.0.0.0"), len == 0);
		assert_int_equal(lookup(&f, "255.255.255.255"), 1);
		assert_int_equal(lookup(&f, "128.0.0.0"), len < 2 ? 1 : FIB_NONE);
		interval_done(&list);
		interval_done(&below);
		fib_index_done(&f.index);
		fib_tree_done(&f.tree4);
		trie_free(t);
	}
}

/* A tree of one family, which fib.c makes of small IPv4 tables only. */
static struct fib_tree tree_of(const struct trie *t, uint8_t family)
{
	struct fib_tree tree = {0};
	struct interval_list list;

	assert_int_equal(interval_init(&list, t, family), 0);
	assert_int_equal(fib_tree_init(&tree, &list, family), 0);
	interval_done(&list);
	return tree;
}

static void tree_finds_the_same_with_and_without_wide_registers(void **state)
{
	struct prng prng;
	struct trie *t = new_trie();
	struct fib_tree tree4, tree6;
	size_t n4, n6;
	uint8_t(*addrs4)[16], (*addrs6)[16];

	prng_init(&prng, 0x51d);
	insert_colliding(&prng, t, AF_INET, 6000, 250);
	insert_colliding(&prng, t, AF_INET6, 3000, 250);
	tree4 = tree_of(t, AF_INET);
	tree6 = tree_of(t, AF_INET6);
	addrs4 = interesting(&prng, t, AF_INET, &n4);
	addrs6 = interesting(&prng, t, AF_INET6, &n6);
	for (size_t i = 0; i < n4; i++) {
		uint32_t addr_be, value, bulk;

		memcpy(&addr_be, addrs4[i], sizeof(addr_be));
		value = slow_lookup(t, AF_INET, &addr_be);
		assert_int_equal(fib_tree_find4(&tree4, ntohl(addr_be)), value);
		assert_int_equal(fib_tree_plain_find4(&tree4, ntohl(addr_be)), value);
		fib_tree_find4_bulk(&tree4, &addr_be, 1, &bulk);
		assert_int_equal(bulk, value);
		fib_tree_plain_find4_bulk(&tree4, &addr_be, 1, &bulk);
		assert_int_equal(bulk, value);
	}
	for (size_t i = 0; i < n6; i++) {
		uint32_t value = slow_lookup(t, AF_INET6, addrs6[i]);
		uint32_t bulk;

		assert_int_equal(fib_tree_find6(&tree6, addrs6[i]), value);
		assert_int_equal(fib_tree_plain_find6(&tree6, addrs6[i]), value);
		fib_tree_plain_find6_bulk(&tree6, (const uint8_t(*)[16])addrs6 + i, 1, &bulk);
		assert_int_equal(bulk, value);
	}
	free(addrs4);
	free(addrs6);
	fib_tree_done(&tree4);
	fib_tree_done(&tree6);
	trie_free(t);
}

static void intervals_merge_with_equal_neighbours_and_the_last_word_counts(void **state)
{
	struct interval_list list = {0};

	assert_int_equal(interval_add(&list, 0, 7), 0);
	assert_int_equal(interval_add(&list, 5, 7), 0);
	assert_int_equal(interval_add(&list, 9, 8), 0);
	assert_int_equal(interval_add(&list, 9, 9), 0);
	assert_int_equal(list.n, 2);
	assert_int_equal(list.keys[1], 9);
	assert_int_equal(list.values[1], 9);
	assert_int_equal(interval_add(&list, 9, 7), 0);
	assert_int_equal(list.n, 1);
	assert_int_equal(list.values[0], 7);
	interval_done(&list);
}

static void bulk_of_any_length_writes_exactly_its_own(void **state)
{
	struct trie *t = new_trie();
	uint32_t addrs[100], ids[101];
	struct fib *f;
	struct prng prng;

	prng_init(&prng, 0xb01d);
	insert_colliding(&prng, t, AF_INET, 2000, 100);
	f = compiled(t);
	for (size_t i = 0; i < 100; i++)
		addrs[i] = (uint32_t)prng_next(&prng);
	for (size_t n = 0; n <= 100; n++) {
		memset(ids, 0xee, sizeof(ids));
		fib_lookup4_bulk(f, addrs, n, ids);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(ids[i], fib_lookup4(f, addrs[i]));
		assert_int_equal(ids[n], 0xeeeeeeee);
	}
	fib_free(f);
	trie_free(t);
}

static void tables_that_answer_alike_are_equal(void **state)
{
	struct trie *halves = new_trie();
	struct trie *whole = new_trie();
	struct trie *other = new_trie();
	struct fib *a, *b, *c;

	insert(whole, "10.0.0.0/8", 1);
	insert(halves, "10.0.0.0/9", 1);
	insert(halves, "10.128.0.0/9", 1);
	insert(halves, "10.7.0.0/16", 1);
	insert(other, "10.0.0.0/8", 2);
	a = compiled(whole);
	b = compiled(halves);
	c = compiled(other);
	assert_int_equal(fib_hash(a), fib_hash(b));
	assert_true(fib_equal(a, b));
	assert_false(fib_equal(a, c));
	insert(halves, "::/0", 1);
	fib_free(b);
	b = compiled(halves);
	assert_false(fib_equal(a, b));
	fib_free(a);
	fib_free(b);
	fib_free(c);
	trie_free(halves);
	trie_free(whole);
	trie_free(other);
}

static void large_tables_are_equal_whatever_order_they_grew_in(void **state)
{
	struct prng prng;
	struct trie *t;
	struct fib *a, *b;
	struct prefix extra = parsed("203.0.113.7/32");

	prng_init(&prng, 0xe9a1);
	t = bgp_table(&prng, 20000, 5000, 250);
	a = compiled(t);
	assert_int_equal(trie_insert(t, &extra, 9999), 0);
	b = compiled(t);
	assert_false(fib_equal(a, b));
	fib_free(b);
	assert_int_equal(trie_remove(t, &extra), 0);
	b = compiled(t);
	assert_true(fib_equal(a, b));
	fib_free(a);
	fib_free(b);
	trie_free(t);
}

static void compiling_fails_whole_at_every_allocation(void **state)
{
	struct prng prng;
	struct trie *t;
	struct fib *f = NULL;
	int failures = 0;

	prng_init(&prng, 0xfa11);
	t = bgp_table(&prng, 3000, 3000, 250);
	for (;; failures++) {
		int error;

		alloc_limit(failures);
		error = fib_new(t, &f);
		alloc_limit(-1);
		if (error == 0)
			break;
		assert_int_equal(error, -ENOMEM);
		assert_null(f);
	}
	assert_in_range(failures, 20, 100);
	fib_free(f);
	trie_free(t);
}

static void fifty_routes_take_less_than_a_kilobyte(void **state)
{
	struct prng prng;
	struct trie *t;
	struct fib *f;

	prng_init(&prng, 0x50);
	t = bgp_table(&prng, 50, 0, 10);
	f = compiled(t);
	assert_in_range(fib_bytes(f), 1, 1024);
	fib_free(f);
	trie_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_table_has_no_route_anywhere),
		cmocka_unit_test(longest_prefix_wins_and_the_shorter_holds_behind_it),
		cmocka_unit_test(route_id_must_be_below_none),
		cmocka_unit_test(tables_of_every_size_agree_with_their_trie),
		cmocka_unit_test(large_tables_agree_with_their_trie),
		cmocka_unit_test(more_answers_than_an_index_or_a_dictionary_holds_are_right),
		cmocka_unit_test(index_holds_255_answers_and_refuses_one_more),
		cmocka_unit_test(index_reaches_to_both_ends_of_the_space),
		cmocka_unit_test(tree_finds_the_same_with_and_without_wide_registers),
		cmocka_unit_test(intervals_merge_with_equal_neighbours_and_the_last_word_counts),
		cmocka_unit_test(bulk_of_any_length_writes_exactly_its_own),
		cmocka_unit_test(tables_that_answer_alike_are_equal),
		cmocka_unit_test(large_tables_are_equal_whatever_order_they_grew_in),
		cmocka_unit_test(compiling_fails_whole_at_every_allocation),
		cmocka_unit_test(fifty_routes_take_less_than_a_kilobyte),
	};

	return cmocka_run_group_tests_name("routing/fib", tests, NULL, NULL);
}

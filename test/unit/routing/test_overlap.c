/* SPDX-License-Identifier: Apache-2.0 */
/* The oracle compares each of one list with each of the other. */
#include "routing/overlap.h"

#include <string.h>
#include <sys/socket.h>

#include "routing/aggregate.h"
#include "test/support/cmocka.h"
#include "test/support/prng.h"
#include "test/unit/routing/tables.h"

enum {
	LIST_MAX = 12,
	ROUNDS = 20000,
};

static void prefix_overlaps_with_what_it_lies_in_and_what_lies_in_it(void **state)
{
	const struct prefix wide = parsed("10.0.0.0/8"), inner = parsed("10.3.0.0/16");
	const struct prefix apart[] = {parsed("9.0.0.0/8"), parsed("11.0.0.0/8"),
				       parsed("a00::/8")};
	struct prefix a, b;

	assert_true(overlap_find(&wide, 1, &inner, 1, &a, &b));
	assert_true(prefix_equal(&a, &wide) && prefix_equal(&b, &inner));
	assert_true(overlap_find(&inner, 1, &wide, 1, &a, &b));
	assert_true(prefix_equal(&a, &inner) && prefix_equal(&b, &wide));
	assert_true(overlap_find(&wide, 1, &wide, 1, &a, &b));
	assert_false(overlap_find(&wide, 1, apart, 3, &a, &b));
	assert_false(overlap_find(apart, 3, &wide, 1, &a, &b));
}

static void empty_list_overlaps_with_nothing(void **state)
{
	const struct prefix all = parsed("::/0");
	struct prefix a, b;

	assert_false(overlap_find(&all, 1, NULL, 0, &a, &b));
	assert_false(overlap_find(NULL, 0, &all, 1, &a, &b));
	assert_false(overlap_find(NULL, 0, NULL, 0, &a, &b));
}

/* A narrow one of the same list in between hides nothing. */
static void wide_prefix_is_not_forgotten_behind_a_narrow_one(void **state)
{
	const struct prefix list[] = {parsed("10.0.0.0/8"), parsed("10.1.0.0/16")};
	const struct prefix behind = parsed("10.2.0.0/16");
	struct prefix a, b;

	assert_true(overlap_find(list, 2, &behind, 1, &a, &b));
	assert_true(prefix_equal(&a, &list[0]));
}

/* Few enough that lists meet, and not always. */
static size_t random_list(struct prng *r, struct prefix *list)
{
	size_t n = prng_below(r, LIST_MAX);

	for (size_t i = 0; i < n; i++) {
		unsigned len = 1 + prng_below(r, 8);

		list[i] = (struct prefix){.family = prng_below(r, 4) ? AF_INET : AF_INET6,
					  .len = (uint8_t)(8 + len)};
		list[i].addr[0] = (uint8_t)prng_below(r, 8);
		list[i].addr[1] = (uint8_t)(prng_below(r, 256) & (0xff00 >> len));
	}
	return aggregate_sort(list, n);
}

static bool oracle(const struct prefix *a, size_t n_a, const struct prefix *b, size_t n_b)
{
	for (size_t i = 0; i < n_a; i++)
		for (size_t k = 0; k < n_b; k++)
			if (prefix_overlaps(&a[i], &b[k]))
				return true;
	return false;
}

static bool has(const struct prefix *list, size_t n, const struct prefix *p)
{
	for (size_t i = 0; i < n; i++)
		if (prefix_equal(&list[i], p))
			return true;
	return false;
}

static void random_lists_overlap_where_the_oracle_says_so(void **state)
{
	struct prng r;
	size_t n_overlaps = 0;

	prng_init(&r, 1);
	for (int i = 0; i < ROUNDS; i++) {
		struct prefix a[LIST_MAX], b[LIST_MAX], x, y;
		size_t n_a = random_list(&r, a), n_b = random_list(&r, b);
		bool found = overlap_find(a, n_a, b, n_b, &x, &y);

		assert_int_equal(found, oracle(a, n_a, b, n_b));
		if (found)
			assert_true(has(a, n_a, &x) && has(b, n_b, &y) && prefix_overlaps(&x, &y));
		n_overlaps += found;
	}
	assert_in_range(n_overlaps, ROUNDS / 10, ROUNDS - ROUNDS / 10);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefix_overlaps_with_what_it_lies_in_and_what_lies_in_it),
		cmocka_unit_test(empty_list_overlaps_with_nothing),
		cmocka_unit_test(wide_prefix_is_not_forgotten_behind_a_narrow_one),
		cmocka_unit_test(random_lists_overlap_where_the_oracle_says_so),
	};

	return cmocka_run_group_tests_name("routing/overlap", tests, NULL, NULL);
}

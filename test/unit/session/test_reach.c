/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/reach.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "test/support/cmocka.h"

static struct reach_route route(const char *text, enum reach_verdict verdict)
{
	struct reach_route r = {.verdict = (uint8_t)verdict};

	assert_int_equal(prefix_parse(text, &r.prefix), 0);
	return r;
}

static struct reach *list_of(const char *text, enum reach_verdict verdict)
{
	struct reach_route one = route(text, verdict);
	struct reach *r = reach_new();

	assert_non_null(r);
	assert_int_equal(reach_add(r, &one, 1), 0);
	return r;
}

/* ---- a list */

static void list_keeps_what_was_added_in_order(void **state)
{
	struct reach *r = reach_new();
	size_t n;

	assert_non_null(r);
	assert_int_equal(reach_add(r, NULL, 0), 0);
	reach_routes(r, &n);
	assert_int_equal(n, 0);
	for (unsigned i = 0; i < 1000; i++) {
		struct reach_route some[2] = {route("10.0.0.0/8", REACH_VNET),
					      route("fd00::/48", REACH_OPEN)};

		some[0].prefix.addr[1] = (uint8_t)i;
		assert_int_equal(reach_add(r, some, 2), 0);
	}
	assert_int_equal(reach_routes(r, &n)[998].prefix.addr[1], 499 & 0xff);
	assert_int_equal(reach_routes(r, &n)[999].verdict, REACH_OPEN);
	assert_int_equal(n, 2000);
	assert_false(reach_refuses(r));
	reach_unref(r);
}

static void full_list_takes_no_more_and_is_as_it_was(void **state)
{
	static struct reach_route many[REACH_MAX];
	struct reach *r = reach_new();
	size_t n;

	assert_int_equal(reach_add(r, many, REACH_MAX - 1), 0);
	assert_int_equal(reach_add(r, many, 2), -E2BIG);
	assert_int_equal(reach_add(r, many, 1), 0);
	assert_int_equal(reach_add(r, many, 1), -E2BIG);
	reach_routes(r, &n);
	assert_int_equal(n, REACH_MAX);
	reach_unref(r);
}

static void verdict_that_there_is_not_is_refused_and_the_list_is_as_it_was(void **state)
{
	struct reach_route two[] = {route("10.0.0.0/8", REACH_NONE),
				    route("10.1.0.0/16", REACH_VERDICTS)};
	struct reach *r = reach_new();
	size_t n;

	assert_int_equal(reach_add(r, two, 2), -EINVAL);
	reach_routes(r, &n);
	assert_int_equal(n, 0);
	assert_int_equal(reach_add(r, two, 1), 0);
	reach_unref(r);
}

static void list_knows_whether_it_refuses_anything(void **state)
{
	struct reach *open = list_of("10.0.0.0/8", REACH_OPEN);
	struct reach *refused = list_of("10.0.0.0/8", REACH_REFUSED);
	struct reach_route more = route("10.1.0.0/16", REACH_VNET);

	assert_int_equal(reach_add(refused, &more, 1), 0);
	assert_false(reach_refuses(open));
	assert_true(reach_refuses(refused));
	reach_unref(open);
	reach_unref(refused);
	reach_unref(NULL);
}

/* ---- the book */

static void book_counts_what_it_has_and_gives_it_back(void **state)
{
	struct reach_book *b = reach_book_new();
	struct reach *first = list_of("10.0.0.0/8", REACH_VNET);
	struct reach *second = list_of("10.0.0.0/8", REACH_OPEN);

	assert_non_null(b);
	assert_null(reach_book_get(b, "blue"));
	assert_false(reach_book_drop(b, "blue"));
	assert_int_equal(reach_book_set(b, "blue", first), 0);
	assert_int_equal(reach_book_set(b, "red", first), 0);
	reach_unref(first); /* the book has it */
	assert_ptr_equal(reach_book_get(b, "blue"), first);
	assert_int_equal(reach_book_set(b, "blue", second), 0);
	assert_ptr_equal(reach_book_get(b, "blue"), second);
	assert_ptr_equal(reach_book_get(b, "red"), first);
	assert_int_equal(reach_book_set(b, "blue", second), 0); /* the same again */
	assert_true(reach_book_drop(b, "blue"));
	assert_null(reach_book_get(b, "blue"));
	assert_ptr_equal(reach_book_get(b, "red"), first);
	reach_unref(second);
	reach_book_free(b);
	reach_book_free(NULL);
}

static void what_is_not_told_anew_is_stale(void **state)
{
	struct reach_book *b = reach_book_new();
	struct reach *r = list_of("10.0.0.0/8", REACH_VNET);

	assert_int_equal(reach_book_set(b, "blue", r), 0);
	assert_int_equal(reach_book_set(b, "red", r), 0);
	assert_null(reach_book_stale(b));
	reach_book_begin(b);
	assert_int_equal(reach_book_set(b, "blue", r), 0);
	assert_string_equal(reach_book_stale(b), "red");
	assert_true(reach_book_drop(b, "red"));
	assert_null(reach_book_stale(b));
	reach_unref(r);
	reach_book_free(b);
}

static void full_book_refuses_a_new_name_only(void **state)
{
	struct reach_book *b = reach_book_new();
	struct reach *r = list_of("10.0.0.0/8", REACH_VNET);
	char name[16];

	for (unsigned i = 0; i < REACH_BOOK_MAX; i++) {
		snprintf(name, sizeof(name), "v%u", i);
		assert_int_equal(reach_book_set(b, name, r), 0);
	}
	assert_int_equal(reach_book_set(b, "more", r), -E2BIG);
	assert_int_equal(reach_book_set(b, "v7", r), 0);
	assert_true(reach_book_drop(b, "v0"));
	assert_int_equal(reach_book_set(b, "more", r), 0);
	reach_unref(r);
	reach_book_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(list_keeps_what_was_added_in_order),
		cmocka_unit_test(full_list_takes_no_more_and_is_as_it_was),
		cmocka_unit_test(verdict_that_there_is_not_is_refused_and_the_list_is_as_it_was),
		cmocka_unit_test(list_knows_whether_it_refuses_anything),
		cmocka_unit_test(book_counts_what_it_has_and_gives_it_back),
		cmocka_unit_test(what_is_not_told_anew_is_stale),
		cmocka_unit_test(full_book_refuses_a_new_name_only),
	};

	return cmocka_run_group_tests_name("session/reach", tests, NULL, NULL);
}

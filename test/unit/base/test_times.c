/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/base/times.h"

#include "test/support/cmocka.h"
#include "test/support/prng.h"

/* The slow oracle: the first bound that is not below it. */
static unsigned first_bound(uint64_t us)
{
	unsigned i = 0;

	while (i < TIMES_BOUNDS && times_bound_us(i) < us)
		i++;
	return i;
}

static void bounds_are_powers_of_two_from_64_us_to_67_s(void **state)
{
	assert_int_equal(times_bound_us(0), 64);
	assert_int_equal(times_bound_us(1), 128);
	assert_int_equal(times_bound_us(TIMES_BOUNDS - 1), 67108864);
}

static void time_at_a_bound_is_within_it(void **state)
{
	assert_int_equal(times_bucket(0), 0);
	for (unsigned i = 0; i < TIMES_BOUNDS; i++) {
		assert_int_equal(times_bucket(times_bound_us(i)), i);
		assert_int_equal(times_bucket(times_bound_us(i) + 1), i + 1);
	}
	assert_int_equal(times_bucket(UINT64_MAX), TIMES_BOUNDS);
}

static void every_time_is_where_a_search_puts_it(void **state)
{
	struct prng rng;

	prng_init(&rng, 42);
	for (int i = 0; i < 100000; i++) {
		uint64_t us = prng_next(&rng) >> prng_below(&rng, 64);

		assert_int_equal(times_bucket(us), first_bound(us));
	}
}

static void sums_are_added_bucket_by_bucket(void **state)
{
	struct times a = {0}, b = {0};

	times_count(&a, 100);
	times_count(&b, 100);
	times_count(&b, UINT32_MAX);
	times_add(&a, &b);
	assert_int_equal(a.counts[1], 2);
	assert_int_equal(a.counts[TIMES_BOUNDS], 1);
	assert_int_equal(a.sum_us, 200 + UINT64_C(4294967295));
	assert_int_equal(times_total(&a), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds_are_powers_of_two_from_64_us_to_67_s),
		cmocka_unit_test(time_at_a_bound_is_within_it),
		cmocka_unit_test(every_time_is_where_a_search_puts_it),
		cmocka_unit_test(sums_are_added_bucket_by_bucket),
	};

	return cmocka_run_group_tests_name("base/times", tests, NULL, NULL);
}

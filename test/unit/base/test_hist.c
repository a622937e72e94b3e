/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/base/hist.h"

#include <math.h>
#include <stdlib.h>

#include "test/support/cmocka.h"
#include "test/support/prng.h"

static void empty_one_says_nothing(void **state)
{
	static const struct hist h;

	assert_int_equal(h.count, 0);
	assert_int_equal(hist_percentile(&h, 50), 0);
	assert_true(hist_mean(&h) == 0);
}

static void every_value_is_in_the_bucket_that_ends_at_or_above_it(void **state)
{
	struct prng rng;

	prng_init(&rng, 20261124);
	for (int i = 0; i < 200000; i++) {
		uint64_t value = prng_next(&rng) >> prng_below(&rng, 64);
		unsigned b = hist_bucket(value);

		assert_in_range(b, 0, HIST_BUCKETS - 1);
		assert_true(hist_bucket_max(b) >= value);
		assert_true(!b || hist_bucket_max(b - 1) < value);
		assert_true(hist_bucket_max(b) - value <= value / HIST_STEPS);
	}
}

static void buckets_have_no_gap_from_zero_to_the_largest(void **state)
{
	assert_int_equal(hist_bucket(0), 0);
	for (unsigned b = 0; b + 1 < HIST_BUCKETS; b++) {
		assert_int_equal(hist_bucket(hist_bucket_max(b)), b);
		assert_int_equal(hist_bucket(hist_bucket_max(b) + 1), b + 1);
	}
	assert_int_equal(hist_bucket_max(HIST_BUCKETS - 1), UINT64_MAX);
	assert_int_equal(hist_bucket(UINT64_MAX), HIST_BUCKETS - 1);
}

static void one_value_is_every_percentile(void **state)
{
	static struct hist h;

	hist_add(&h, 1000003, 5);
	assert_int_equal(h.count, 5);
	assert_int_equal(h.sum, 5000015);
	assert_int_equal(hist_percentile(&h, 0), 1000003);
	assert_int_equal(hist_percentile(&h, 50), 1000003);
	assert_int_equal(hist_percentile(&h, 100), 1000003);
	assert_true(hist_mean(&h) == 1000003);
}

static void none_of_a_value_adds_nothing(void **state)
{
	static struct hist h;

	hist_add(&h, 7, 0);
	assert_int_equal(h.count, 0);
	hist_add(&h, 9, 1);
	assert_int_equal(h.min, 9);
}

static void percentages_outside_are_the_ends(void **state)
{
	static struct hist h;

	hist_add(&h, 3, 1);
	hist_add(&h, 30, 1);
	assert_int_equal(hist_percentile(&h, -5), 3);
	assert_int_equal(hist_percentile(&h, NAN), 3);
	assert_int_equal(hist_percentile(&h, 250), 30);
}

static void sum_stays_at_the_largest_when_it_is_more(void **state)
{
	static struct hist h, other;

	hist_add(&h, UINT64_MAX, 1);
	hist_add(&h, 1, 1);
	assert_int_equal(h.sum, UINT64_MAX);
	hist_add(&other, UINT64_MAX / 2, 3);
	assert_int_equal(other.sum, UINT64_MAX);
	hist_merge(&h, &other);
	assert_int_equal(h.sum, UINT64_MAX);
	assert_int_equal(h.count, 5);
}

/* ---- against a sorted array */

enum {
	VALUES = 5000
};

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Of all magnitudes up to 2^44: nanoseconds of five hours, of which 5,000 still sum up exactly. */
static uint64_t draw(struct prng *rng)
{
	return prng_next(rng) >> (20 + prng_below(rng, 44));
}

/* The first one that is not below `percent` of all. */
static uint64_t sorted_percentile(const uint64_t *sorted, size_t n, double percent)
{
	size_t i = 0;

	while ((double)(i + 1) < (double)n * percent / 100)
		i++;
	return sorted[i];
}

static void percentile_is_as(const struct hist *h, const uint64_t *sorted, size_t n, double percent)
{
	uint64_t truth = sorted_percentile(sorted, n, percent);
	uint64_t said = hist_percentile(h, percent);

	assert_true(said >= truth);
	assert_true(said - truth <= truth / HIST_STEPS);
}

static void percentiles_are_a_sorted_arrays_within_the_bound(void **state)
{
	static const double percents[] = {0, 1, 10, 25, 50, 75, 90, 99, 99.9, 99.99, 100};
	static uint64_t values[VALUES];
	struct prng rng;

	prng_init(&rng, 7);
	for (int run = 0; run < 50; run++) {
		size_t n = 1 + prng_below(&rng, VALUES);
		struct hist h = {0};
		uint64_t sum = 0;

		for (size_t i = 0; i < n; i++) {
			values[i] = draw(&rng);
			sum += values[i];
			hist_add(&h, values[i], 1);
		}
		qsort(values, n, sizeof(*values), compare);
		assert_int_equal(h.count, n);
		assert_int_equal(h.sum, sum);
		assert_int_equal(h.min, values[0]);
		assert_int_equal(h.max, values[n - 1]);
		assert_int_equal(hist_percentile(&h, 100), values[n - 1]);
		for (size_t i = 0; i < sizeof(percents) / sizeof(*percents); i++)
			percentile_is_as(&h, values, n, percents[i]);
	}
}

static void merged_parts_are_as_the_whole(void **state)
{
	struct prng rng;

	prng_init(&rng, 11);
	for (int run = 0; run < 20; run++) {
		struct hist parts[3] = {0};
		struct hist whole = {0};
		struct hist merged = {0};

		for (unsigned n = prng_below(&rng, 3000); n; n--) {
			uint64_t value = draw(&rng);
			uint32_t times = prng_below(&rng, 4);

			hist_add(&whole, value, times);
			hist_add(&parts[prng_below(&rng, 3)], value, times);
		}
		for (int i = 0; i < 3; i++)
			hist_merge(&merged, &parts[i]);
		assert_memory_equal(&merged, &whole, sizeof(whole));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_one_says_nothing),
		cmocka_unit_test(every_value_is_in_the_bucket_that_ends_at_or_above_it),
		cmocka_unit_test(buckets_have_no_gap_from_zero_to_the_largest),
		cmocka_unit_test(one_value_is_every_percentile),
		cmocka_unit_test(none_of_a_value_adds_nothing),
		cmocka_unit_test(percentages_outside_are_the_ends),
		cmocka_unit_test(sum_stays_at_the_largest_when_it_is_more),
		cmocka_unit_test(percentiles_are_a_sorted_arrays_within_the_bound),
		cmocka_unit_test(merged_parts_are_as_the_whole),
	};

	return cmocka_run_group_tests_name("base/hist", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/base/bucket.h"

#include "sstp/base/clock.h"
#include "test/support/cmocka.h"
#include "test/support/prng.h"

static unsigned take_all(struct bucket *b, uint64_t now)
{
	unsigned n = 0;

	while (n < 10000 && bucket_take(b, now))
		n++;
	return n;
}

static void full_bucket_gives_its_burst_at_once(void **state)
{
	struct bucket b;

	bucket_init(&b, 10, 25);
	assert_int_equal(take_all(&b, 0), 25);
}

static void one_token_comes_back_per_interval(void **state)
{
	struct bucket b;
	uint64_t t = 5 * CLOCK_NS_PER_S;

	bucket_init(&b, 10, 3);
	assert_int_equal(take_all(&b, t), 3);
	assert_int_equal(take_all(&b, t + 99 * CLOCK_NS_PER_MS), 0);
	assert_int_equal(take_all(&b, t + 100 * CLOCK_NS_PER_MS), 1);
	assert_int_equal(take_all(&b, t + 300 * CLOCK_NS_PER_MS), 2);
}

static void long_rest_gives_no_more_than_the_burst(void **state)
{
	struct bucket b;

	bucket_init(&b, 1000, 4);
	take_all(&b, 0);
	assert_int_equal(take_all(&b, 3600 * CLOCK_NS_PER_S), 4);
}

static void burst_is_at_least_one(void **state)
{
	struct bucket b;

	bucket_init(&b, 1, 0);
	assert_int_equal(take_all(&b, 0), 1);
}

static void rate_zero_never_refuses(void **state)
{
	struct bucket b;

	bucket_init(&b, 0, 1);
	assert_int_equal(take_all(&b, 0), 10000);
}

static void other_rate_leaves_what_was_taken(void **state)
{
	struct bucket b;

	bucket_init(&b, 10, 20);
	take_all(&b, 0);
	bucket_set(&b, 10, 20);
	assert_int_equal(take_all(&b, 0), 0);
	bucket_set(&b, 100, 200);
	assert_int_equal(take_all(&b, CLOCK_NS_PER_S), 100);
	bucket_set(&b, 0, 1);
	assert_int_equal(take_all(&b, CLOCK_NS_PER_S), 10000);
}

/* The slow oracle: tokens counted as fractions of a token, in nanoseconds. */
static void takes_as_a_counting_oracle_does(void **state)
{
	struct prng rng;

	prng_init(&rng, 20240517);
	for (int run = 0; run < 100; run++) {
		uint32_t rate = 1 + prng_below(&rng, 1000);
		uint32_t burst = 1 + prng_below(&rng, 20);
		uint64_t interval = CLOCK_NS_PER_S / rate;
		uint64_t tokens = burst * interval;
		uint64_t now = 0;
		struct bucket b;

		bucket_init(&b, rate, burst);
		for (int i = 0; i < 1000; i++) {
			uint64_t step = prng_below(&rng, (uint32_t)(2 * interval));
			bool allowed;

			now += step;
			tokens += step;
			if (tokens > burst * interval)
				tokens = burst * interval;
			allowed = tokens >= interval;
			tokens -= allowed ? interval : 0;
			assert_int_equal(bucket_take(&b, now), allowed);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_bucket_gives_its_burst_at_once),
		cmocka_unit_test(one_token_comes_back_per_interval),
		cmocka_unit_test(long_rest_gives_no_more_than_the_burst),
		cmocka_unit_test(burst_is_at_least_one),
		cmocka_unit_test(rate_zero_never_refuses),
		cmocka_unit_test(other_rate_leaves_what_was_taken),
		cmocka_unit_test(takes_as_a_counting_oracle_does),
	};

	return cmocka_run_group_tests_name("base/bucket", tests, NULL, NULL);
}

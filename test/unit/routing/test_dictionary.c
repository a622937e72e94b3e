/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/dictionary.h"

#include <errno.h>

#include "test/support/alloc_limit.h"
#include "test/support/cmocka.h"
#include "test/support/prng.h"

static void values_are_numbered_as_they_are_met(void **state)
{
	static const uint32_t values[] = {7, 0, UINT32_MAX, 7, 0, 8};
	static const int places[] = {0, 1, 2, 0, 1, 3};
	struct dictionary d;

	assert_int_equal(dictionary_init(&d, 4), 0);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		assert_int_equal(dictionary_place(&d, values[i]), places[i]);
	assert_int_equal(d.n, 4);
	assert_int_equal(d.values[2], UINT32_MAX);
	dictionary_done(&d);
}

static void a_full_one_knows_its_values_and_takes_no_other(void **state)
{
	struct dictionary d;

	assert_int_equal(dictionary_init(&d, 1), 0);
	assert_int_equal(dictionary_place(&d, 5), 0);
	assert_int_equal(dictionary_place(&d, 6), -E2BIG);
	assert_int_equal(dictionary_place(&d, 5), 0);
	assert_int_equal(d.n, 1);
	dictionary_done(&d);
}

/* The slow oracle: the values from the first on. */
static int search(const struct dictionary *d, uint32_t value)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->values[i] == value)
			return (int)i;
	return d->n < d->max ? (int)d->n : -E2BIG;
}

static void random_values_agree_with_a_search(void **state)
{
	struct dictionary d;
	struct prng prng;

	prng_init(&prng, 0xd1c7);
	for (size_t max = 1; max <= 255; max += 127) {
		assert_int_equal(dictionary_init(&d, max), 0);
		for (size_t i = 0; i < 10000; i++) {
			/* many alike in their low bits, so that slots are contended for */
			uint32_t value = prng_below(&prng, 300) << prng_below(&prng, 24);
			int expected = search(&d, value);

			assert_int_equal(dictionary_place(&d, value), expected);
			if (expected >= 0)
				assert_int_equal(d.values[expected], value);
		}
		dictionary_done(&d);
	}
}

static void without_memory_there_is_none(void **state)
{
	struct dictionary d = {0};

	for (int left = 0; left < 2; left++) {
		alloc_limit(left);
		assert_int_equal(dictionary_init(&d, 255), -ENOMEM);
		alloc_limit(-1);
		assert_null(d.values);
	}
	dictionary_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_numbered_as_they_are_met),
		cmocka_unit_test(a_full_one_knows_its_values_and_takes_no_other),
		cmocka_unit_test(random_values_agree_with_a_search),
		cmocka_unit_test(without_memory_there_is_none),
	};

	return cmocka_run_group_tests_name("routing/dictionary", tests, NULL, NULL);
}

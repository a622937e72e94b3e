/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/array.h"

#include <stdint.h>
#include <stdlib.h>

#include "test/support/alloc_limit.h"
#include "test/support/cmocka.h"

enum {
	ITEMS = 10000,
};

static void items_survive_each_move(void **state)
{
	uint32_t *array = NULL;
	size_t cap = 0;

	for (uint32_t n = 0; n < ITEMS; n++) {
		array = array_reserve(array, n, &cap, 1, sizeof(*array));
		assert_non_null(array);
		assert_in_range(cap, n + 1, 2 * ITEMS);
		array[n] = n;
	}
	for (uint32_t i = 0; i < ITEMS; i++)
		assert_int_equal(array[i], i);
	free(array);
}

static void what_fits_moves_nothing(void **state)
{
	size_t cap = 0;
	uint64_t *array = array_reserve(NULL, 0, &cap, 100, sizeof(*array));
	size_t room = cap;

	assert_non_null(array);
	assert_in_range(room, 100, 200);
	assert_ptr_equal(array_reserve(array, 100, &cap, room - 100, sizeof(*array)), array);
	assert_int_equal(cap, room);
	free(array);
}

static void without_memory_the_array_stays_as_it_was(void **state)
{
	size_t cap = 0;
	uint8_t *array = array_reserve(NULL, 0, &cap, 1, 1);
	size_t room = cap;

	assert_non_null(array);
	array[0] = 0xee;
	alloc_limit(0);
	assert_null(array_reserve(array, 1, &cap, room, 1));
	alloc_limit(-1);
	assert_int_equal(cap, room);
	assert_int_equal(array[0], 0xee);
	free(array);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_survive_each_move),
		cmocka_unit_test(what_fits_moves_nothing),
		cmocka_unit_test(without_memory_the_array_stays_as_it_was),
	};

	return cmocka_run_group_tests_name("routing/array", tests, NULL, NULL);
}

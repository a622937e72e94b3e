/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/fib_memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"

enum {
	LARGE_PAGE = 1 << 21
};

static void memory_is_aligned_to_a_line_and_large_memory_to_a_large_page(void **state)
{
	static const size_t sizes[] = {1, 64, 65, LARGE_PAGE - 1, LARGE_PAGE, LARGE_PAGE + 1};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t unit = sizes[i] < LARGE_PAGE ? 64 : LARGE_PAGE;
		uint8_t *memory = fib_memory_new(sizes[i]);

		assert_non_null(memory);
		assert_int_equal((uintptr_t)memory % unit, 0);
		memset(memory, 0xee, sizes[i]);
		free(memory);
	}
}

static void mapped_memory_is_zero_behind_what_is_written(void **state)
{
	static const size_t written[] = {0, 1, LARGE_PAGE, 5 * LARGE_PAGE / 2};

	for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++) {
		size_t bytes = 3 * LARGE_PAGE + 7;
		uint8_t *memory = fib_memory_map(bytes, written[i]);

		assert_non_null(memory);
		assert_int_equal((uintptr_t)memory % LARGE_PAGE, 0);
		memset(memory, 0xee, written[i]);
		for (size_t k = written[i]; k < bytes; k++)
			if (memory[k] != 0)
				fail_msg("byte %zu is %u", k, memory[k]);
		fib_memory_unmap(memory, bytes);
	}
	fib_memory_unmap(NULL, LARGE_PAGE);
}

static void more_than_there_is_fails(void **state)
{
	assert_null(fib_memory_map((size_t)1 << 60, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_aligned_to_a_line_and_large_memory_to_a_large_page),
		cmocka_unit_test(mapped_memory_is_zero_behind_what_is_written),
		cmocka_unit_test(more_than_there_is_fails),
	};

	return cmocka_run_group_tests_name("routing/fib_memory", tests, NULL, NULL);
}

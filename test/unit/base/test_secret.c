/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/base/secret.h"

#include <errno.h>
#include <string.h>

#include "test/support/cmocka.h"

static void secret_holds_what_was_set(void **state)
{
	struct secret s = {0};

	assert_int_equal(secret_set(&s, "p\0w", 3), 0);
	assert_int_equal(s.len, 3);
	assert_memory_equal(s.data, "p\0w", 3);
}

static void shorter_secret_leaves_nothing_of_the_longer(void **state)
{
	static const uint8_t zeros[SECRET_MAX];
	struct secret s = {0};

	secret_set(&s, "a long password", 15);
	secret_set(&s, "pw", 2);
	assert_int_equal(s.len, 2);
	assert_memory_equal(s.data + 2, zeros, SECRET_MAX - 2);
}

static void longest_fits_and_one_more_does_not(void **state)
{
	static const uint8_t long_one[SECRET_MAX + 1] = {1, 2, 3};
	struct secret s = {0};

	assert_int_equal(secret_set(&s, long_one, SECRET_MAX), 0);
	assert_int_equal(s.len, SECRET_MAX);
	assert_int_equal(secret_set(&s, long_one, SECRET_MAX + 1), -EMSGSIZE);
	assert_int_equal(s.len, 0);
	assert_int_equal(s.data[0], 0);
}

static void empty_secret_may_come_from_nowhere(void **state)
{
	struct secret s = {.len = 5};

	assert_int_equal(secret_set(&s, NULL, 0), 0);
	assert_int_equal(s.len, 0);
}

static void wiped_secret_is_zero(void **state)
{
	static const struct secret zero;
	struct secret s = {0};

	secret_set(&s, "password", 8);
	secret_wipe(&s);
	assert_memory_equal(&s, &zero, sizeof(s));
	secret_wipe(NULL);
}

static void bytes_are_wiped_up_to_the_length(void **state)
{
	char buf[] = "abcdef";

	secret_wipe_bytes(buf, 3);
	assert_memory_equal(buf, "\0\0\0def", 6);
}

static void any_differing_bit_is_seen(void **state)
{
	uint8_t a[32];
	uint8_t b[32];

	memset(a, 0x5a, sizeof(a));
	memcpy(b, a, sizeof(a));
	assert_int_equal(secret_equal_bytes(a, b, sizeof(a)), true);
	for (size_t i = 0; i < sizeof(a); i++) {
		for (int bit = 0; bit < 8; bit++) {
			b[i] ^= (uint8_t)(1 << bit);
			assert_int_equal(secret_equal_bytes(a, b, sizeof(a)), false);
			b[i] ^= (uint8_t)(1 << bit);
		}
	}
	assert_int_equal(secret_equal_bytes(a, b, 0), true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(secret_holds_what_was_set),
		cmocka_unit_test(shorter_secret_leaves_nothing_of_the_longer),
		cmocka_unit_test(longest_fits_and_one_more_does_not),
		cmocka_unit_test(empty_secret_may_come_from_nowhere),
		cmocka_unit_test(wiped_secret_is_zero),
		cmocka_unit_test(bytes_are_wiped_up_to_the_length),
		cmocka_unit_test(any_differing_bit_is_seen),
	};

	return cmocka_run_group_tests_name("base/secret", tests, NULL, NULL);
}

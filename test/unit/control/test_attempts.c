/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/attempts.h"

#include <stdio.h>

#include "test/support/cmocka.h"

static const uint64_t start = 1000 * CLOCK_NS_PER_S;

static void fail_often(struct attempts *a, const char *peer, unsigned n, uint64_t now)
{
	for (unsigned i = 0; i < n; i++)
		attempts_failed(a, peer, now);
}

static void address_waits_after_its_burst_and_then_may_try_one_at_a_time(void **state)
{
	struct attempts *a = attempts_new();

	fail_often(a, "192.0.2.1", ATTEMPTS_BURST - 1, start);
	assert_int_equal(attempts_wait(a, "192.0.2.1", start), 0);
	attempts_failed(a, "192.0.2.1", start);
	assert_int_equal(attempts_wait(a, "192.0.2.1", start), 6);
	assert_int_equal(attempts_wait(a, "192.0.2.1", start + ATTEMPTS_INTERVAL - 1), 1);
	assert_int_equal(attempts_wait(a, "192.0.2.1", start + ATTEMPTS_INTERVAL), 0);
	attempts_failed(a, "192.0.2.1", start + ATTEMPTS_INTERVAL);
	assert_int_equal(attempts_wait(a, "192.0.2.1", start + ATTEMPTS_INTERVAL), 6);
	attempts_free(a);
}

static void burst_and_interval_can_be_others(void **state)
{
	struct attempts *a = attempts_new_of(3, CLOCK_NS_PER_S);

	fail_often(a, "192.0.2.1", 2, start);
	assert_int_equal(attempts_wait(a, "192.0.2.1", start), 0);
	attempts_failed(a, "192.0.2.1", start);
	assert_int_equal(attempts_wait(a, "192.0.2.1", start), 1);
	assert_int_equal(attempts_wait(a, "192.0.2.1", start + CLOCK_NS_PER_S), 0);
	attempts_free(a);
}

static void neighbours_do_not_wait(void **state)
{
	struct attempts *a = attempts_new();

	fail_often(a, "192.0.2.1", ATTEMPTS_BURST, start);
	assert_int_equal(attempts_wait(a, "192.0.2.2", start), 0);
	assert_int_equal(attempts_wait(a, "2001:db8::1", start), 0);
	attempts_free(a);
}

static void ports_do_not_count_and_ipv6_counts_by_its_64(void **state)
{
	struct attempts *a = attempts_new();

	fail_often(a, "192.0.2.1:4000", ATTEMPTS_BURST, start);
	assert_int_equal(attempts_wait(a, "192.0.2.1:5000", start), 6);
	assert_int_equal(attempts_wait(a, "192.0.2.1", start), 6);
	fail_often(a, "[2001:db8:0:1::1]:443", ATTEMPTS_BURST, start);
	assert_int_equal(attempts_wait(a, "2001:db8:0:1:ffff::2", start), 6);
	assert_int_equal(attempts_wait(a, "2001:db8:0:2::1", start), 0);
	attempts_free(a);
}

static void what_is_no_address_is_counted_as_one(void **state)
{
	struct attempts *a = attempts_new();

	fail_often(a, "", ATTEMPTS_BURST, start);
	assert_int_equal(attempts_wait(a, "nonsense", start), 6);
	assert_int_equal(attempts_wait(a, "[", start), 6);
	attempts_free(a);
}

static void full_table_forgets_who_is_clear_first(void **state)
{
	struct attempts *a = attempts_new();
	char peer[32];

	fail_often(a, "192.0.2.1", ATTEMPTS_BURST, start);
	for (unsigned i = 0; i < ATTEMPTS_MAX; i++) {
		snprintf(peer, sizeof(peer), "10.0.%u.%u", i / 256, i % 256);
		attempts_failed(a, peer, start + i);
	}
	/* the last one took the place of the first of those, not of the one that waits */
	assert_int_equal(attempts_wait(a, "192.0.2.1", start), 6);
	attempts_free(a);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(address_waits_after_its_burst_and_then_may_try_one_at_a_time),
		cmocka_unit_test(burst_and_interval_can_be_others),
		cmocka_unit_test(neighbours_do_not_wait),
		cmocka_unit_test(ports_do_not_count_and_ipv6_counts_by_its_64),
		cmocka_unit_test(what_is_no_address_is_counted_as_one),
		cmocka_unit_test(full_table_forgets_who_is_clear_first),
	};

	return cmocka_run_group_tests_name("control/attempts", tests, NULL, NULL);
}

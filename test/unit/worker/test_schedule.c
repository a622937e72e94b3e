/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/schedule.h"

#include "test/support/cmocka.h"

enum {
	DAY = 86400
};

/* 2034-11-23T12:00:00Z; near expiry from 2034-05-23T12:00:00Z on, the second after it */
static const int64_t end = INT64_C(2047896000);
static const int64_t near = INT64_C(2047896000) - INT64_C(184) * DAY;

static const int64_t begin = INT64_C(2047896000) - INT64_C(2922) * DAY;

static struct schedule with_end(void)
{
	struct schedule s = {0};

	schedule_set(&s, begin, end);
	return s;
}

static void B44_six_months_before_its_end_it_is_due(void **state)
{
	struct schedule s = with_end();

	assert_false(schedule_is_due(&s, near - DAY));
	assert_false(schedule_is_due(&s, near));
	assert_true(schedule_is_due(&s, near + 1));
	assert_true(schedule_is_due(&s, near + DAY));
	assert_true(schedule_is_due(&s, end + DAY));
}

static void nothing_is_due_without_a_certificate(void **state)
{
	struct schedule s = {0};

	assert_false(schedule_is_due(&s, end));
}

static void what_is_asked_for_is_due_at_once(void **state)
{
	struct schedule s = with_end();

	schedule_ask(&s);
	assert_true(schedule_is_due(&s, 0));
	schedule_failed(&s, 0, 0);
	assert_false(schedule_is_due(&s, 0));
}

static void failure_waits_for_an_hour_then_twice_as_long_up_to_a_day(void **state)
{
	static const int64_t waits[] = {3600, 7200, 14400, 28800, 57600, 86400, 86400};
	struct schedule s = with_end();
	int64_t now = near + 1;

	for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		assert_true(schedule_is_due(&s, now));
		schedule_failed(&s, now, UINT32_MAX);
		assert_false(schedule_is_due(&s, now + waits[i] - 1));
		now += waits[i];
	}
	assert_true(schedule_is_due(&s, now));
}

static void waits_are_cut_by_up_to_a_half_and_the_row_is_not(void **state)
{
	static const uint32_t randoms[] = {0, UINT32_MAX / 2, UINT32_MAX};
	static const int64_t waits[][2] = {{1800, 3600}, {3600, 7200}, {7200, 14400}};
	struct schedule s[3] = {with_end(), with_end(), with_end()};

	for (size_t i = 0; i < 3; i++) {
		for (size_t k = 0; k < 3; k++)
			schedule_failed(&s[k], near + 1, randoms[k]);
		assert_int_equal(s[0].wait_s, waits[i][0]);
		assert_in_range(s[1].wait_s, waits[i][0] * 3 / 2 - 1, waits[i][0] * 3 / 2 + 1);
		assert_int_equal(s[2].wait_s, waits[i][1]);
	}
}

static void certificate_of_a_few_months_is_renewed_when_two_thirds_are_over(void **state)
{
	struct schedule s = {0};

	schedule_set(&s, end, end + 90 * DAY);
	assert_false(schedule_is_due(&s, end));
	assert_false(schedule_is_due(&s, end + 60 * DAY - 1));
	assert_true(schedule_is_due(&s, end + 60 * DAY));
}

static void asking_does_not_wait_for_the_end_of_a_pause(void **state)
{
	struct schedule s = with_end();

	schedule_failed(&s, near + 1, UINT32_MAX);
	schedule_ask(&s);
	assert_true(schedule_is_due(&s, near + 2));
}

static void clock_that_is_set_back_does_not_stop_it(void **state)
{
	struct schedule s = with_end();

	schedule_failed(&s, end, UINT32_MAX);
	assert_true(schedule_is_due(&s, near + 1));
	assert_false(schedule_is_due(&s, near - 1));
}

static void new_certificate_forgets_the_failures(void **state)
{
	struct schedule s = with_end();

	schedule_failed(&s, near + 1, UINT32_MAX);
	schedule_ask(&s);
	schedule_set(&s, end, end + 3000 * INT64_C(86400));
	assert_false(schedule_is_due(&s, near + 1 + 2 * DAY));
	assert_int_equal(s.wait_s, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(B44_six_months_before_its_end_it_is_due),
		cmocka_unit_test(nothing_is_due_without_a_certificate),
		cmocka_unit_test(what_is_asked_for_is_due_at_once),
		cmocka_unit_test(failure_waits_for_an_hour_then_twice_as_long_up_to_a_day),
		cmocka_unit_test(waits_are_cut_by_up_to_a_half_and_the_row_is_not),
		cmocka_unit_test(certificate_of_a_few_months_is_renewed_when_two_thirds_are_over),
		cmocka_unit_test(asking_does_not_wait_for_the_end_of_a_pause),
		cmocka_unit_test(clock_that_is_set_back_does_not_stop_it),
		cmocka_unit_test(new_certificate_forgets_the_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

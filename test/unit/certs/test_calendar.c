/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/calendar.h"

#include <stdbool.h>

#include "test/support/cmocka.h"
#include "test/support/prng.h"
#include "test/unit/certs/mint.h"

static void assert_months(int64_t from, int months, const char *expected)
{
	char text[CALENDAR_TEXT_MAX];

	assert_string_equal(calendar_text(calendar_add_months(from, months), text), expected);
}

static void a_month_keeps_day_and_time(void **state)
{
	int64_t t = mint_time(2026, 11, 23, 12, 26, 18);

	assert_months(t, 0, "2026-11-23T12:26:18Z");
	assert_months(t, 1, "2026-12-23T12:26:18Z");
	assert_months(t, 2, "2027-01-23T12:26:18Z");
	assert_months(t, 96, "2034-11-23T12:26:18Z");
	assert_months(t, -6, "2026-05-23T12:26:18Z");
	assert_months(t, -11, "2025-12-23T12:26:18Z");
	assert_months(t, -240, "2006-11-23T12:26:18Z");
}

static void a_short_month_ends_on_its_last_day(void **state)
{
	assert_months(mint_time(2026, 8, 31, 23, 59, 59), -6, "2026-02-28T23:59:59Z");
	assert_months(mint_time(2024, 8, 31, 0, 0, 0), -6, "2024-02-29T00:00:00Z");
	assert_months(mint_time(2026, 10, 31, 1, 2, 3), 1, "2026-11-30T01:02:03Z");
	assert_months(mint_time(2026, 12, 31, 0, 0, 0), 2, "2027-02-28T00:00:00Z");
}

static void the_29th_of_february_counts_in_years(void **state)
{
	int64_t leap = mint_time(2024, 2, 29, 10, 0, 0);

	assert_months(leap, 12, "2025-02-28T10:00:00Z");
	assert_months(leap, 48, "2028-02-29T10:00:00Z");
	assert_months(leap, 96, "2032-02-29T10:00:00Z");
	/* 2100 is no leap year */
	assert_months(mint_time(2092, 2, 29, 0, 0, 0), 96, "2100-02-28T00:00:00Z");
	assert_months(mint_time(2096, 2, 29, 0, 0, 0), 96, "2104-02-29T00:00:00Z");
	assert_months(mint_time(1992, 2, 29, 0, 0, 0), 96, "2000-02-29T00:00:00Z");
}

static void dates_before_1970_and_at_the_ends_are_right(void **state)
{
	char text[CALENDAR_TEXT_MAX];

	assert_months(0, -1, "1969-12-01T00:00:00Z");
	assert_string_equal(calendar_text(INT64_MIN, text), "0001-01-01T00:00:00Z");
	assert_string_equal(calendar_text(INT64_MAX, text), "9999-12-31T23:59:59Z");
	assert_months(INT64_MAX, 1, "9999-12-31T23:59:59Z");
	assert_months(INT64_MIN, -1, "0001-01-01T00:00:00Z");
	assert_months(mint_time(9999, 6, 15, 1, 1, 1), 12, "9999-12-15T01:01:01Z");
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Day by day from 1970-01-01: no division, no library. */
static int64_t slow_time(int year, int month, int day)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int64_t n = 0;

	for (int y = 1970; y < year; y++)
		n += is_leap(y) ? 366 : 365;
	for (int m = 1; m < month; m++)
		n += days[m - 1] + (m == 2 && is_leap(year));
	return (n + day - 1) * 86400;
}

static void random_months_agree_with_counting_days(void **state)
{
	static const int last[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	struct prng p;

	prng_init(&p, 1970);
	for (int i = 0; i < 20000; i++) {
		int year = 1980 + (int)prng_below(&p, 150), month = 1 + (int)prng_below(&p, 12);
		int day = 1 + (int)prng_below(&p, (uint32_t)last[month - 1]);
		int n = (int)prng_below(&p, 240), y = year, m = month, d = day, end;
		int64_t time = prng_below(&p, 86400);

		for (int k = 0; k < n; k++) {
			m = m == 12 ? 1 : m + 1;
			y += m == 1;
		}
		end = last[m - 1] + (m == 2 && is_leap(y));
		d = d > end ? end : d;
		assert_int_equal(calendar_add_months(slow_time(year, month, day) + time, n),
				 slow_time(y, m, d) + time);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_month_keeps_day_and_time),
		cmocka_unit_test(a_short_month_ends_on_its_last_day),
		cmocka_unit_test(the_29th_of_february_counts_in_years),
		cmocka_unit_test(dates_before_1970_and_at_the_ends_are_right),
		cmocka_unit_test(random_months_agree_with_counting_days),
	};

	return cmocka_run_group_tests_name("calendar", tests, NULL, NULL);
}

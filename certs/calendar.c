/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/calendar.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#define YEAR_1	  INT64_C(-62135596800)
#define YEAR_9999 INT64_C(253402300799) /* its last second */

static int64_t clamp(int64_t value, int64_t min, int64_t max)
{
	return value < min ? min : value > max ? max : value;
}

static int days_in(int year, int month)
{
	static const int days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month] + (month == 1 && is_leap);
}

int64_t calendar_add_months(int64_t t, int months)
{
	time_t when = clamp(t, YEAR_1, YEAR_9999);
	struct tm tm = {0};
	int64_t total;
	int days;

	gmtime_r(&when, &tm);
	total = clamp((int64_t)(tm.tm_year + 1900) * 12 + tm.tm_mon + months, 12, 9999 * 12 + 11);
	tm.tm_year = (int)(total / 12) - 1900;
	tm.tm_mon = (int)(total % 12);
	days = days_in(tm.tm_year + 1900, tm.tm_mon);
	if (tm.tm_mday > days)
		tm.tm_mday = days;
	return timegm(&tm);
}

const char *calendar_text(int64_t t, char ret_text[CALENDAR_TEXT_MAX])
{
	time_t when = clamp(t, YEAR_1, YEAR_9999);
	struct tm tm = {0};
	unsigned year;

	gmtime_r(&when, &tm);
	year = (unsigned)(tm.tm_year + 1900);
	/* the remainders only show the compiler how long it can get */
	snprintf(ret_text, CALENDAR_TEXT_MAX, "%04u-%02u-%02uT%02u:%02u:%02uZ", year % 10000,
		 (unsigned)(tm.tm_mon + 1) % 100, (unsigned)tm.tm_mday % 100,
		 (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
	return ret_text;
}

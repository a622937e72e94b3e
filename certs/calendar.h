/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_CALENDAR_H
#define CERTS_CALENDAR_H
/*
 * The calendar in UTC, on seconds since 1970 (years 1..9999). Months are calendar months: the same
 * day of the month at the same time of day; where the month is too short for that day, its last day
 * (29 February + 12 months is 28 February).
 */
#include <stdint.h>

enum {
	CALENDAR_TEXT_MAX = 21
};

/* t plus months (negative: before). */
int64_t calendar_add_months(int64_t t, int months);

/* "2026-11-23T12:26:18Z". Returns ret_text. */
const char *calendar_text(int64_t t, char ret_text[CALENDAR_TEXT_MAX]);

#endif

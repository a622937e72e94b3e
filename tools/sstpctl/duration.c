/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sstpctl/duration.h"

#include <string.h>

enum {
	DIGITS_MAX = 9,
	DAY = 86400,
};

bool duration_parse(const char *text, int64_t *ret_s)
{
	static const struct {
		char unit;
		int64_t s;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', DAY}};
	size_t len = strspn(text, "0123456789");
	int64_t n = 0;

	if (!len || len > DIGITS_MAX || !text[len] || text[len + 1])
		return false;
	for (size_t i = 0; i < len; i++)
		n = 10 * n + (text[i] - '0');
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (units[i].unit != text[len])
			continue;
		n *= units[i].s;
		if (n < 1 || n > (int64_t)3650 * DAY)
			return false;
		*ret_s = n;
		return true;
	}
	return false;
}

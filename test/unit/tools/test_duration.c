/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sstpctl/duration.h"

#include "test/support/cmocka.h"

static void number_and_unit_are_seconds(void **state)
{
	static const struct {
		const char *text;
		int64_t s;
	} cases[] = {{"1s", 1},	   {"90s", 90},	     {"15m", 900},
		     {"1h", 3600}, {"007d", 604800}, {"3650d", 315360000}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t s = 0;

		assert_true(duration_parse(cases[i].text, &s));
		assert_true(s == cases[i].s);
	}
}

static void anything_else_is_none(void **state)
{
	static const char *const texts[] = {"",	    "1",     "h",	   "1w",  "1hm",
					    "-1h",  "+1h",   " 1h",	   "1h ", "0s",
					    "1.5h", "3651d", "9999999999s"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		int64_t s = 77;

		assert_false(duration_parse(texts[i], &s));
		assert_true(s == 77);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(number_and_unit_are_seconds),
		cmocka_unit_test(anything_else_is_none),
	};

	return cmocka_run_group_tests_name("sstpctl/duration", tests, NULL, NULL);
}

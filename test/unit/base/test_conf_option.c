/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/base/conf_option.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "sstp/base/conf_log.h"
#include "test/support/cmocka.h"

static void numbers_of_the_range_are_taken(void **state)
{
	struct conf_error error = {""};
	uint32_t value = 7;

	assert_int_equal(conf_number_parse("--n", "0", 0, 9, &value, &error), 0);
	assert_int_equal(value, 0);
	assert_int_equal(conf_number_parse("--n", "9", 0, 9, &value, &error), 0);
	assert_int_equal(value, 9);
	assert_int_equal(conf_number_parse("--n", "4294967295", 0, UINT32_MAX, &value, &error), 0);
	assert_int_equal(value, UINT32_MAX);
}

static void other_numbers_are_refused_and_leave_the_value(void **state)
{
	static const char *const wrong[] = {"", "10", "-1", " 1", "1 ", "01", "0x1", "4294967296"};
	struct conf_error error;
	char text[128];
	uint32_t value = 7;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(conf_number_parse("--n", wrong[i], 0, 9, &value, &error), -EINVAL);
		snprintf(text, sizeof(text), "--n must be a whole number 0..9, not '%s'", wrong[i]);
		assert_string_equal(error.text, text);
	}
	assert_int_equal(value, 7);
}

static void words_are_found_or_listed(void **state)
{
	struct conf_error error;
	int value = -1;

	assert_int_equal(conf_word_parse("--l", "debug", conf_log_levels, 4, &value, &error), 0);
	assert_int_equal(value, LOG_LEVEL_DEBUG);
	assert_int_equal(conf_word_parse("--l", "no\n", conf_log_levels, 4, &value, &error),
			 -EINVAL);
	assert_string_equal(error.text,
			    "--l must be one of: error, warning, info, debug; not 'no\\x0a'");
}

static void expect_complaint(const char *first, const char *second, const char *text)
{
	static const struct option options[] = {
		{"file", required_argument, NULL, 'f'},
		{"quiet", no_argument, NULL, 'q'},
		{0},
	};
	char *argv[] = {(char *)"prog", (char *)first, (char *)second, NULL};
	struct conf_error error = {""};
	int argc = second ? 3 : 2;
	int option;

	optind = 0;
	do
		option = getopt_long(argc, argv, "+:f:q", options, NULL);
	while (option != -1 && option != ':' && option != '?');
	assert_int_equal(conf_option_fail(option, argv, &error), -EINVAL);
	assert_string_equal(error.text, text);
}

static void bad_options_are_named(void **state)
{
	expect_complaint("--nope", NULL, "there is no option --nope; see --help");
	expect_complaint("-x", NULL, "there is no option -x; see --help");
	expect_complaint("-qx", NULL, "there is no option -x; see --help");
	expect_complaint("-q", "--quiet=1", "there is no option --quiet=1; see --help");
	expect_complaint("--file", NULL, "option --file needs a value; see --help");
	expect_complaint("-q", "-f", "option -f needs a value; see --help");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_of_the_range_are_taken),
		cmocka_unit_test(other_numbers_are_refused_and_leave_the_value),
		cmocka_unit_test(words_are_found_or_listed),
		cmocka_unit_test(bad_options_are_named),
	};

	return cmocka_run_group_tests_name("base/conf_option", tests, NULL, NULL);
}

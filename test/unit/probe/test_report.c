/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/probe/report.h"

#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"

static struct report r;

/* Returns owned. */
static char *printed(void)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	report_print(&r, "gw.test", f);
	fclose(f);
	return text;
}

static void first_fault_is_what_windows_reports(void **state)
{
	const struct windows_finding name = {WINDOWS_BAD, WINDOWS_E_NAME, "is for x", "dial x"};
	char *text;

	memset(&r, 0, sizeof(r));
	report_add(&r, "tcp", WINDOWS_GOOD, 0, NULL, NULL, "port %d is open", 443);
	report_add(&r, "usage", WINDOWS_NOTE, WINDOWS_E_USAGE, NULL, NULL, "odd");
	assert_false(r.is_bad);
	report_finding(&r, "name", &name);
	report_add(&r, "time", WINDOWS_BAD, WINDOWS_E_EXPIRED, NULL, "renew it", "too old");
	assert_true(r.is_bad);
	assert_int_equal(r.code, WINDOWS_E_NAME);
	text = printed();
	assert_non_null(strstr(text, "ok    tcp         port 443 is open\n"));
	assert_non_null(strstr(text, "note  usage       odd\n                  Windows may say: "
				     "0x800B0110: "));
	assert_non_null(strstr(text, "BAD   name        is for x\n                  Windows: "
				     "0x800B010F: "));
	assert_non_null(strstr(text, "\n                  To do: dial x\n"));
	assert_non_null(strstr(text, "\ngw.test: a Windows client would not connect. It would "
				     "report 0x800B010F: "));
	free(text);
}

static void without_a_fault_windows_connects(void **state)
{
	char *text;

	memset(&r, 0, sizeof(r));
	text = printed();
	assert_string_equal(text, "\ngw.test: a Windows client would connect, as far as can be "
				  "seen without a password.\n");
	free(text);
}

static void long_texts_are_broken_between_words(void **state)
{
	char *text, *line, *rest;

	memset(&r, 0, sizeof(r));
	report_add(&r, "tls", WINDOWS_GOOD, 0, NULL, NULL, "%s",
		   "one two three four five six seven eight nine ten eleven twelve thirteen "
		   "fourteen fifteen sixteen seventeen eighteen");
	text = printed();
	for (line = strtok_r(text, "\n", &rest); line && *line != 'g';
	     line = strtok_r(NULL, "\n", &rest)) {
		assert_true(strlen(line) <= 100);
		assert_int_not_equal(line[strlen(line) - 1], ' ');
	}
	free(text);
}

static void json_says_the_same(void **state)
{
	json_t *o, *line;

	memset(&r, 0, sizeof(r));
	report_add(&r, "http", WINDOWS_BAD, 0, "event 4", "look", "status %d", 404);
	o = report_json(&r, "gw.test");
	assert_true(json_is_false(json_object_get(o, "connects")));
	assert_true(json_is_null(json_object_get(o, "code")));
	assert_string_equal(json_string_value(json_object_get(o, "windows")), "event 4");
	line = json_array_get(json_object_get(o, "checks"), 0);
	assert_string_equal(json_string_value(json_object_get(line, "verdict")), "bad");
	assert_string_equal(json_string_value(json_object_get(line, "text")), "status 404");
	assert_string_equal(json_string_value(json_object_get(line, "advice")), "look");
	json_decref(o);
}

static void what_does_not_fit_counts_all_the_same(void **state)
{
	memset(&r, 0, sizeof(r));
	for (int i = 0; i < REPORT_LINES_MAX; i++)
		report_add(&r, "tls", WINDOWS_GOOD, 0, NULL, NULL, "fine");
	report_add(&r, "tls", WINDOWS_BAD, WINDOWS_E_RESET, NULL, "look", "bad");
	assert_int_equal(r.n, REPORT_LINES_MAX);
	assert_int_equal(r.code, WINDOWS_E_RESET);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_fault_is_what_windows_reports),
		cmocka_unit_test(without_a_fault_windows_connects),
		cmocka_unit_test(long_texts_are_broken_between_words),
		cmocka_unit_test(json_says_the_same),
		cmocka_unit_test(what_does_not_fit_counts_all_the_same),
	};

	return cmocka_run_group_tests_name("probe/report", tests, NULL, NULL);
}

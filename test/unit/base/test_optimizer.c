/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Built with -O3, as a release is, whatever the other tests are built with: what a compiler is known to make wrong of code
 * like ours, unless the build file forbids it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "test/support/cmocka.h"

static const struct row {
	const char *name;
	bool is_daily;
} rows[] = {
	{"connection", true}, {"connection", false}, {"app", true},  {"app", false},
	{"plan", true},	      {"plan", false},	     {"vnet", true}, {"vnet", false},
};

/* Not part of its caller, which is to know nothing of what it returns. */
__attribute__((noinline)) static const char *given(const char *const *pairs, const char *key)
{
	for (; *pairs; pairs += 2)
		if (strcmp(pairs[0], key) == 0)
			return pairs[1];
	return NULL;
}

__attribute__((noinline)) static const struct row *find(const char *const *pairs)
{
	const char *by = given(pairs, "by");
	const char *per = given(pairs, "per");
	bool is_daily = !per || strcmp(per, "day") == 0;

	if (!is_daily && strcmp(per, "all") != 0)
		return NULL;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strcmp(by ? by : "connection", rows[i].name) == 0 &&
		    rows[i].is_daily == is_daily)
			return &rows[i];
	return NULL;
}

static void name_is_found_whatever_stands_in_for_a_missing_one(void **state)
{
	static const char *const none[] = {NULL};
	static const char *const pairs[][5] = {
		{"by", "connection", NULL}, {"by", "connection", "per", "all", NULL},
		{"by", "app", NULL},	    {"by", "app", "per", "all", NULL},
		{"by", "plan", NULL},	    {"by", "plan", "per", "all", NULL},
		{"by", "vnet", NULL},	    {"by", "vnet", "per", "all", NULL},
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		assert_ptr_equal(find(pairs[i]), &rows[i]);
	assert_ptr_equal(find(none), &rows[0]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(name_is_found_whatever_stands_in_for_a_missing_one),
	};

	return cmocka_run_group_tests_name("base/optimizer", tests, NULL, NULL);
}

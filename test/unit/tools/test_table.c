/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sstpctl/table.h"

#include <stdbool.h>
#include <stdlib.h>

#include "test/support/cmocka.h"

static const struct column columns[] = {{"APP", "app"}, {"STATUS", "status"}, {"LIVE", "live"}};

/* Owned. */
static char *printed(json_t *json, bool as_table)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(json);
	assert_non_null(f);
	if (as_table)
		table_print(f, columns, 3, json);
	else
		table_print_object(f, json);
	fclose(f);
	json_decref(json);
	return text;
}

static void columns_are_as_wide_as_what_is_in_them(void **state)
{
	char *text =
		printed(json_pack("[{s:s, s:s, s:i}, {s:s, s:n, s:b}]", "app", "shop", "status",
				  "near expiry", "live", 7, "app", "a", "status", "live", 1),
			true);

	assert_string_equal(text, "APP   STATUS       LIVE\n"
				  "shop  near expiry  7\n"
				  "a     -            yes\n");
	free(text);
}

static void empty_list_has_its_titles(void **state)
{
	char *text = printed(json_array(), true);

	assert_string_equal(text, "APP  STATUS  LIVE\n");
	free(text);
}

static void object_is_a_line_for_each_key_and_cannot_forge_another(void **state)
{
	char *text = printed(json_pack("{s:s, s:s}", "app", "a\nb: \x1b", "vnet", "blue"), false);

	assert_string_equal(text, "app   a?b: ?\n"
				  "vnet  blue\n");
	free(text);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_as_wide_as_what_is_in_them),
		cmocka_unit_test(empty_list_has_its_titles),
		cmocka_unit_test(object_is_a_line_for_each_key_and_cannot_forge_another),
	};

	return cmocka_run_group_tests_name("sstpctl/table", tests, NULL, NULL);
}

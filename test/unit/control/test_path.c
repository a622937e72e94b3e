/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/path.h"

#include <string.h>

#include "test/support/cmocka.h"

static void names_are_taken_in_their_order(void **state)
{
	struct path_names names;

	assert_true(path_match("/v1/:a/x/:b", "/v1/one/x/two", &names));
	assert_int_equal(names.n, 2);
	assert_string_equal(names.texts[0], "one");
	assert_string_equal(names.texts[1], "two");
	assert_true(path_match("/v1", "/v1", &names));
	assert_int_equal(names.n, 0);
}

static void literal_parts_are_the_same_in_any_case(void **state)
{
	struct path_names names;

	assert_true(path_match("/v1/Sessions/:id", "/V1/sessions/Abc", &names));
	assert_string_equal(names.texts[0], "Abc");
	assert_false(path_match("/v1/sessions", "/v1/session", &names));
	assert_false(path_match("/v1/sessions", "/v1/sessionsx", &names));
}

static void what_is_longer_or_shorter_is_another_path(void **state)
{
	static const char *const paths[] = {"/v1",  "/v1/", "/v1/a/b", "/v1/a/",
					    "v1/a", "",	    "/",       "//a"};
	struct path_names names;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		assert_false(path_match("/v1/:id", paths[i], &names));
}

static void name_has_its_limit_and_a_path_as_many_as_have_room(void **state)
{
	char path[PATH_NAME_MAX + 8] = "/";
	struct path_names names;

	memset(path + 1, 'x', PATH_NAME_MAX);
	assert_true(path_match("/:id", path, &names));
	strcat(path, "x");
	assert_false(path_match("/:id", path, &names));
	assert_true(path_match("/:a/:b/:c/:d/:e/:f", "/1/2/3/4/5/6", &names));
	assert_int_equal(names.n, PATH_NAMES_MAX);
	assert_false(path_match("/:a/:b/:c/:d/:e/:f/:g", "/1/2/3/4/5/6/7", &names));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_taken_in_their_order),
		cmocka_unit_test(literal_parts_are_the_same_in_any_case),
		cmocka_unit_test(what_is_longer_or_shorter_is_another_path),
		cmocka_unit_test(name_has_its_limit_and_a_path_as_many_as_have_room),
	};

	return cmocka_run_group_tests_name("control/path", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/query.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "test/support/cmocka.h"

static const char *const allowed[] = {"app", "vnet", "ended", NULL};

static struct query parsed(const char *text)
{
	struct query q;
	char why[QUERY_WHY_MAX];

	if (query_parse(text, allowed, &q, why) < 0)
		fail_msg("%s: %s", text, why);
	return q;
}

static void refuses(const char *text, const char *part)
{
	struct query q = {.n = 77};
	char why[QUERY_WHY_MAX] = "";

	assert_int_equal(query_parse(text, allowed, &q, why), -EINVAL);
	if (!strstr(why, part))
		fail_msg("%s: '%s' says nothing of '%s'", text, why, part);
	assert_int_equal(q.n, 77);
}

static void pairs_are_found_by_their_keys(void **state)
{
	struct query q = parsed("app=shop&vnet=blue");

	assert_string_equal(query_get(&q, "app"), "shop");
	assert_string_equal(query_get(&q, "vnet"), "blue");
	assert_null(query_get(&q, "ended"));
	assert_int_equal(parsed(NULL).n, 0);
	assert_int_equal(parsed("").n, 0);
	assert_int_equal(parsed("&&").n, 0);
}

static void bytes_are_decoded(void **state)
{
	struct query q = parsed("%61pp=a%2Fb+c%26&ended");

	assert_string_equal(query_get(&q, "app"), "a/b c&");
	assert_string_equal(query_get(&q, "ended"), "");
	q = parsed("app==&vnet=");
	assert_string_equal(query_get(&q, "app"), "=");
	assert_string_equal(query_get(&q, "vnet"), "");
}

static void version_of_the_original_is_taken_and_left_out(void **state)
{
	struct query q = parsed("api-version=2022-03-01&app=shop&API-Version=x");

	assert_int_equal(q.n, 1);
	assert_string_equal(query_get(&q, "app"), "shop");
}

static void what_is_not_allowed_is_refused_by_its_name(void **state)
{
	refuses("ap=shop", "'ap' is not known");
	refuses("app=1&app=2", "'app' is there twice");
	refuses("app=%0a", "no printable byte");
	refuses("app=%c3%a9", "no printable byte");
	refuses("app=%4", "no printable byte");
	refuses("app=%zz", "no printable byte");
	refuses("app=%", "no printable byte");
	refuses("=", "is not known");
}

static void longest_text_is_taken_and_one_byte_more_is_not(void **state)
{
	char text[256] = "app=";
	struct query q;

	memset(text + 4, 'x', QUERY_TEXT_MAX);
	q = parsed(text);
	assert_int_equal(strlen(query_get(&q, "app")), QUERY_TEXT_MAX);
	strcat(text, "x");
	refuses(text, "too long");
}

static void there_are_as_many_pairs_as_have_room(void **state)
{
	static char names[QUERY_PAIRS_MAX + 1][4];
	const char *many[QUERY_PAIRS_MAX + 2] = {NULL};
	char text[256] = "";
	char why[QUERY_WHY_MAX];
	struct query q;

	for (int i = 0; i <= QUERY_PAIRS_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), "k%d", i);
		many[i] = names[i];
		assert_int_equal(query_parse(text, many, &q, why), 0);
		assert_int_equal(q.n, i);
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s=v&", names[i]);
	}
	assert_int_equal(query_parse(text, many, &q, why), -EINVAL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_are_found_by_their_keys),
		cmocka_unit_test(bytes_are_decoded),
		cmocka_unit_test(version_of_the_original_is_taken_and_left_out),
		cmocka_unit_test(what_is_not_allowed_is_refused_by_its_name),
		cmocka_unit_test(longest_text_is_taken_and_one_byte_more_is_not),
		cmocka_unit_test(there_are_as_many_pairs_as_have_room),
	};

	return cmocka_run_group_tests_name("control/query", tests, NULL, NULL);
}

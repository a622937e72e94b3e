/* SPDX-License-Identifier: Apache-2.0 */
/* What is read, and that what is written is read as what it was. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"
#include "test/support/prng.h"
#include "tools/sstpctl/yaml_read.h"
#include "tools/sstpctl/yaml_write.h"

/* Owned. */
static json_t *read_text(const char *text)
{
	char error[YAML_ERROR_MAX];
	json_t *value = NULL;

	if (yaml_read("x", text, strlen(text), &value, error) < 0)
		fail_msg("'%s': %s", text, error);
	return value;
}

static void reads(const char *text, const char *json)
{
	json_t *value = read_text(text);
	char *got = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

	assert_string_equal(got, json);
	free(got);
	json_decref(value);
}

static void refuses(const char *text, const char *expected)
{
	char error[YAML_ERROR_MAX] = "";
	json_t *value = NULL;

	assert_int_equal(yaml_read("x", text, strlen(text), &value, error), -EINVAL);
	assert_null(value);
	assert_string_equal(error, expected);
}

static void words_are_what_yaml_says_they_are(void **state)
{
	reads("a: ~\nb: null\nc:\nd: true\ne: False\n",
	      "{\"a\":null,\"b\":null,\"c\":null,\"d\":true,\"e\":false}");
	reads("[0, 7, -12, +3, 1.5, 0123]", "[0,7,-12,3,1.5,123]");
	reads("[yes, no, on, 10.1.0.0/16, 10.1.0.4, 1.2.3, 2026-11-23, 1e3, 0x10, 1., .5, -]",
	      "[\"yes\",\"no\",\"on\",\"10.1.0.0/16\",\"10.1.0.4\",\"1.2.3\",\"2026-11-23\","
	      "\"1e3\",\"0x10\",\"1.\",\".5\",\"-\"]");
	reads("['7', \"true\", '~', '']", "[\"7\",\"true\",\"~\",\"\"]");
	reads("1234567890123456789", "\"1234567890123456789\"");
}

static void json_is_yaml(void **state)
{
	reads("{\"a\": [1, {\"b\": \"c\\n\"}], \"d\": null}",
	      "{\"a\":[1,{\"b\":\"c\\n\"}],\"d\":null}");
}

static void complaint_has_line_and_column(void **state)
{
	refuses("a: 1\nb: [1, 2\n",
		"x:3:1: this is not valid YAML: did not find expected ',' or ']' while parsing a "
		"flow sequence");
	refuses("a: 1\n  b: 2\n",
		"x:2:4: this is not valid YAML: mapping values are not allowed in this context");
	refuses("a: 1\nb: 2\na: 3\n", "x:3:1: 'a' is given twice");
	refuses("a: &x 1\n", "x:1:4: anchors (&name) are not supported");
	refuses("- *x\n", "x:1:3: aliases (*name) are not supported");
	refuses("a: !!str 1\n", "x:1:4: tags (!name) are not supported");
	refuses("&k a: 1\n", "x:1:1: anchors (&name) are not supported");
	refuses("? [a]\n: 1\n", "x:1:3: a key must be a word");
	refuses("a: 1\n---\nb: 2\n", "x:2:1: a second document begins; one is allowed");
	refuses("a: \"\\0\"\n", "x:1:4: a text holds a zero byte (\\0)");
	refuses("", "x:1:1: there is nothing in it");
	refuses("a: 1\nb: \xff\n", "x:2:4: this is not valid YAML: invalid leading UTF-8 octet");
	refuses("\"a\\nb\": 1\n\"a\\nb\": 2\n", "x:2:1: 'a?b' is given twice");
}

static void depth_is_bounded(void **state)
{
	char text[2 * YAML_DEPTH_MAX + 3], error[YAML_ERROR_MAX];
	json_t *value;

	memset(text, '[', YAML_DEPTH_MAX);
	memset(text + YAML_DEPTH_MAX, ']', YAML_DEPTH_MAX);
	assert_int_equal(yaml_read("x", text, 2 * YAML_DEPTH_MAX, &value, error), 0);
	json_decref(value);
	memset(text, '[', YAML_DEPTH_MAX + 1);
	memset(text + YAML_DEPTH_MAX + 1, ']', YAML_DEPTH_MAX + 1);
	assert_int_equal(yaml_read("x", text, 2 * YAML_DEPTH_MAX + 2, &value, error), -EINVAL);
	assert_string_equal(error, "x:1:33: this is nested too deeply");
}

static void size_is_bounded(void **state)
{
	char error[YAML_ERROR_MAX];
	json_t *value;

	/* it is not looked at */
	assert_int_equal(yaml_read("x", "", (size_t)YAML_FILE_MAX + 1, &value, error), -EINVAL);
	assert_string_equal(error, "x: is larger than 33554432 bytes");
}

/* ---- places ---- */

static void finds(const char *path, size_t line, size_t column)
{
	static const char text[] = "sites:\n"
				   "  - name: a\n"
				   "    apps: [{name: b}, {name: c}]\n"
				   "  - name: d\n";
	size_t got_line = 0, got_column = 0;

	assert_true(yaml_find(text, strlen(text), path, &got_line, &got_column));
	assert_int_equal(got_line, line);
	assert_int_equal(got_column, column);
}

static void path_leads_to_its_place_or_to_the_nearest_around(void **state)
{
	size_t line, column;

	finds("sites", 1, 1);
	finds("sites[0]", 2, 5);
	finds("sites[0].apps[1]", 3, 23);
	finds("sites[0].apps[1].name", 3, 24);
	finds("sites[0].apps[7].name", 3, 5);
	finds("sites[1].name", 4, 5);
	finds("sites[1].none.at[3].all", 4, 5);
	finds("elsewhere", 1, 1);
	assert_false(yaml_find("a: 1", 4, "", &line, &column));
	assert_false(yaml_find("a: [", 4, "a", &line, &column));
}

/* ---- writing ---- */

/* Owned. */
static char *written(const json_t *value)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	assert_int_equal(yaml_write(f, value), 0);
	fclose(f);
	return text;
}

static void writes(const char *json, const char *yaml)
{
	json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
	char *text = written(value);

	assert_string_equal(text, yaml);
	free(text);
	json_decref(value);
}

static void lists_of_words_stand_in_one_line(void **state)
{
	writes("{\"a\": {\"b\": [\"10.1.0.0/16\", \"x\"], \"c\": []}, \"d\": [{\"e\": null}], "
	       "\"f\": {}}",
	       "a:\n  b: [10.1.0.0/16, x]\n  c: []\nd:\n- e: null\nf: {}\n");
}

static void text_that_looks_like_something_else_is_quoted(void **state)
{
	writes("[\"7\", \"true\", \"null\", \"\", \"~\", \"1.5\", \"yes\", \"10.0.0.4\", 7, true]",
	       "[\"7\", \"true\", \"null\", \"\", \"~\", \"1.5\", yes, 10.0.0.4, 7, true]\n");
}

static json_t *random_text(struct prng *p)
{
	static const char letters[] = "ab7 0.-:#[]{},&*!|>'\"%@`\n\t~";
	char text[9];
	size_t len = prng_below(p, sizeof(text));

	for (size_t i = 0; i < len; i++)
		text[i] = letters[prng_below(p, sizeof(letters) - 1)];
	return json_stringn(text, len);
}

static json_t *random_value(struct prng *p, unsigned depth)
{
	json_t *value;
	char key[16];

	switch (prng_below(p, depth ? 8 : 6)) {
	case 0: return json_null();
	case 1: return json_boolean(prng_below(p, 2));
	case 2: return json_integer((json_int_t)prng_below(p, 2000) - 1000);
	case 6:
		value = json_array();
		for (size_t n = prng_below(p, 4); n > 0; n--)
			json_array_append_new(value, random_value(p, depth - 1));
		return value;
	case 7:
		value = json_object();
		for (size_t n = prng_below(p, 4); n > 0; n--) {
			snprintf(key, sizeof(key), "%s%zu", n % 2 ? "key " : "", n);
			json_object_set_new(value, key, random_value(p, depth - 1));
		}
		return value;
	default: return random_text(p);
	}
}

static void what_is_written_is_read_as_what_it_was(void **state)
{
	struct prng p;

	prng_init(&p, 5);
	for (size_t i = 0; i < 20000; i++) {
		json_t *value = random_value(&p, 4), *again;
		char *text = written(value);

		again = read_text(text);
		if (!json_equal(value, again))
			fail_msg("read as another: %s", text);
		json_decref(again);
		free(text);
		json_decref(value);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_what_yaml_says_they_are),
		cmocka_unit_test(json_is_yaml),
		cmocka_unit_test(complaint_has_line_and_column),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(size_is_bounded),
		cmocka_unit_test(path_leads_to_its_place_or_to_the_nearest_around),
		cmocka_unit_test(lists_of_words_stand_in_one_line),
		cmocka_unit_test(text_that_looks_like_something_else_is_quoted),
		cmocka_unit_test(what_is_written_is_read_as_what_it_was),
	};

	return cmocka_run_group_tests_name("tools/sstpctl/yaml", tests, NULL, NULL);
}

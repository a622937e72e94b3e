/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/base/conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/support/cmocka.h"

struct door {
	char *name;
	uint32_t *width;
};

struct house {
	uint32_t *floors;
	bool *lit;
	int32_t *colour;
	char **pets;
	uint32_t pets_count;
	struct door *doors;
	uint32_t doors_count;
};

static const cyaml_strval_t colours[] = {{"red", 4}, {"blue", 7}};

static const cyaml_schema_value_t pet = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 2, 5)};

static const cyaml_schema_field_t door_fields[] = {
	CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_DEFAULT, struct door, name, 1, 8),
	CONF_FIELD_UINT("width", CYAML_FLAG_OPTIONAL, struct door, width, 60, 300),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t door = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct door, door_fields)};

static const cyaml_schema_field_t fields[] = {
	CONF_FIELD_UINT("floors", CYAML_FLAG_DEFAULT, struct house, floors, 1, 99),
	CONF_FIELD_BOOL("lit", CYAML_FLAG_OPTIONAL, struct house, lit),
	CONF_FIELD_ENUM("colour", CYAML_FLAG_OPTIONAL, struct house, colour, colours),
	CYAML_FIELD_SEQUENCE("pets", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct house, pets,
			     &pet, 1, 3),
	CYAML_FIELD_SEQUENCE("doors", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct house, doors,
			     &door, 0, 2),
	CYAML_FIELD_END,
};

static const cyaml_schema_value_t schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct house, fields)};

/* How often something was wiped that had "x-pw" in it. */
static unsigned secrets_wiped;

void __real_secret_wipe_bytes(void *buf, size_t len);
void __wrap_secret_wipe_bytes(void *buf, size_t len);

void __wrap_secret_wipe_bytes(void *buf, size_t len)
{
	secrets_wiped += memmem(buf, len, "x-pw", 4) != NULL;
	__real_secret_wipe_bytes(buf, len);
}

/* Every test has a folder of its own to be in, so that paths in errors are short. */
static int enter_folder(void **state)
{
	char folder[] = "/tmp/test-conf-XXXXXX";

	*state = mkdtemp(folder) ? strdup(folder) : NULL;
	return *state ? chdir(*state) : -1;
}

static int leave_folder(void **state)
{
	int r = unlink("f") | chdir("/") | rmdir(*state);

	free(*state);
	return r;
}

static void write_bytes(const char *bytes, size_t len)
{
	FILE *f = fopen("f", "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	fclose(f);
}

static void write_text(const char *text)
{
	write_bytes(text, strlen(text));
}

static void expect_error(const char *yaml, const char *text)
{
	struct conf_error error = {""};
	void *data = NULL;

	write_text(yaml);
	assert_int_equal(conf_load("f", &schema, &data, &error), -EINVAL);
	assert_string_equal(error.text, text);
	assert_null(data);
}

static struct house *load(const char *yaml)
{
	struct conf_error error = {""};
	void *data = NULL;
	int r;

	write_text(yaml);
	r = conf_load("f", &schema, &data, &error);
	assert_string_equal(error.text, "");
	assert_int_equal(r, 0);
	return data;
}

static void texts_are_wiped_in_the_file_and_in_its_tree(void **state)
{
	struct house *h;

	secrets_wiped = 0;
	h = load("floors: 1\npets: [x-pw]\n");
	assert_int_equal(secrets_wiped, 2);
	conf_free(&schema, h);
	expect_error("floors: 1\npets: [x-pw]\ndoors: 3\n", "f:3: 'doors' must be a list");
	assert_int_equal(secrets_wiped, 4);
}

static void values_are_decoded(void **state)
{
	struct house *h = load("floors: 12\n"
			       "lit: false\n"
			       "colour: blue\n"
			       "pets: [cat, 'dog']\n"
			       "doors:\n"
			       "  - {name: front, width: 90}\n"
			       "  - name: \"b\\tk\"\n");

	assert_int_equal(*h->floors, 12);
	assert_int_equal(*h->lit, false);
	assert_int_equal(*h->colour, 7);
	assert_int_equal(h->pets_count, 2);
	assert_string_equal(h->pets[1], "dog");
	assert_int_equal(h->doors_count, 2);
	assert_int_equal(*h->doors[0].width, 90);
	assert_string_equal(h->doors[1].name, "b\tk");
	assert_null(h->doors[1].width);
	conf_free(&schema, h);
}

static void bytes_that_were_read_load_as_the_file_does(void **state)
{
	static const char yaml[] = "floors: 7\ndoors:\n  - name: main\n";
	struct conf_text text = {.path = "gone"};
	struct conf_error error = {""};
	struct house *h = NULL;
	char *bytes = NULL;
	va_list none;

	write_text(yaml);
	assert_int_equal(conf_read("f", &bytes, &text.len, &error), 0);
	assert_int_equal(text.len, strlen(yaml));
	assert_memory_equal(bytes, yaml, text.len);
	text.bytes = bytes;
	assert_int_equal(conf_load_text(&text, &schema, (void **)&h, &error), 0);
	assert_int_equal(*h->floors, 7);
	conf_free(&schema, h);
	memset(&none, 0, sizeof(none));
	assert_int_equal(conf_vfail_text(&error, &text, "doors[0].name", "is wrong", none),
			 -EINVAL);
	assert_string_equal(error.text, "gone:3: is wrong");
	text.len = CONF_FILE_MAX + 1;
	assert_int_equal(conf_load_text(&text, &schema, (void **)&h, &error), -EINVAL);
	free(bytes);
	assert_int_equal(conf_read("gone", &bytes, &text.len, &error), -ENOENT);
	assert_string_equal(error.text, "gone: cannot be read: No such file or directory");
}

static void absent_keys_are_null(void **state)
{
	struct house *h = load("floors: 1");

	assert_null(h->lit);
	assert_null(h->colour);
	assert_null(h->pets);
	assert_int_equal(h->doors_count, 0);
	conf_free(&schema, h);
}

static void unknown_key_lists_what_is_allowed(void **state)
{
	expect_error("floors: 1\nlit: true\n\nroof: 3\n",
		     "f:4: unknown key 'roof'; allowed here: floors, lit, colour, pets, doors");
	expect_error("floors: 1\ndoors:\n  - name: a\n    wood: oak\n",
		     "f:4: unknown key 'wood'; allowed here: name, width");
	expect_error("floors: 1\n\"a\\nb\": 3\n", "f:2: unknown key 'a\\x0ab'; allowed here: "
						  "floors, lit, colour, pets, doors");
	expect_error("? [floors]\n: 1\n", "f:1: a key must be a word; allowed here: floors, lit, "
					  "colour, pets, doors");
}

static void required_key_is_missed(void **state)
{
	expect_error("lit: true\n", "f:1: key 'floors' is missing");
	expect_error("floors: 1\ndoors:\n  - name: a\n  - width: 70\n",
		     "f:4: key 'name' is missing in 'doors[1]'");
}

static void key_given_twice_names_both_lines(void **state)
{
	expect_error("floors: 1\nlit: true\nfloors: 2\n",
		     "f:3: key 'floors' is given twice, first in line 1");
}

static void numbers_are_digits_within_their_range(void **state)
{
	static const char *const wrong[] = {"0",
					    "100",
					    "-1",
					    "+1",
					    "1.0",
					    "0x10",
					    "012",
					    "12ab",
					    "ab",
					    "1e1",
					    "99999999999999999999"};
	char yaml[64];
	char text[128];

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		snprintf(yaml, sizeof(yaml), "lit: true\nfloors: %s\n", wrong[i]);
		snprintf(text, sizeof(text), "f:2: 'floors' must be a whole number 1..99, not '%s'",
			 wrong[i]);
		expect_error(yaml, text);
	}
	expect_error("floors: [1]\n", "f:1: 'floors' must be a whole number 1..99");
	expect_error("floors: 1\ndoors: [{name: a, width: 59}]\n",
		     "f:2: 'doors[0].width' must be a whole number 60..300, not '59'");
}

static void words_are_out_of_their_list(void **state)
{
	expect_error("floors: 1\nlit: yes\n", "f:2: 'lit' must be one of: false, true; not 'yes'");
	expect_error("floors: 1\ncolour: Red\n",
		     "f:2: 'colour' must be one of: red, blue; not 'Red'");
	expect_error("floors: 1\ncolour: 4\n", "f:2: 'colour' must be one of: red, blue; not '4'");
	expect_error("floors: 1\ncolour: {}\n", "f:2: 'colour' must be one of: red, blue");
}

static void texts_have_lengths_and_are_never_quoted(void **state)
{
	expect_error("floors: 1\npets: [cat, elephant]\n",
		     "f:2: 'pets[1]' must be 2..5 bytes long, and is 8");
	expect_error("floors: 1\npets: [cat, [dog]]\n", "f:2: 'pets[1]' must be a text");
	expect_error("floors: 1\npets: [cat, \"\"]\n",
		     "f:2: 'pets[1]' must be 2..5 bytes long, and is 0");
}

static void lists_and_mappings_are_what_they_are(void **state)
{
	expect_error("floors: 1\npets: cat\n", "f:2: 'pets' must be a list");
	expect_error("floors: 1\npets: []\n", "f:2: 'pets' must have at least 1 entry");
	expect_error("floors: 1\npets: [aa, bb, cc, dd]\n",
		     "f:2: 'pets' can have at most 3 entries, and has 4");
	expect_error("floors: 1\ndoors: [front]\n",
		     "f:2: 'doors[0]' must be a mapping with keys out of: name, width");
	expect_error("- floors\n", "f:1: the file must be a mapping with keys out of: floors, "
				   "lit, colour, pets, doors");
}

static void key_without_value_is_refused(void **state)
{
	expect_error("floors: 1\npets:\n", "f:2: 'pets' has no value: give it one, or leave the "
					   "key out");
	expect_error("floors: ~\n", "f:1: 'floors' has no value: give it one, or leave the key "
				    "out");
	expect_error("floors: 1\ndoors:\n  - name: null\n",
		     "f:3: 'doors[0].name' has no value: give it one, or leave the key out");
}

static void quoted_null_is_a_text(void **state)
{
	struct house *h = load("floors: 1\npets: ['null']\n");

	assert_string_equal(h->pets[0], "null");
	conf_free(&schema, h);
}

static void empty_file_is_refused(void **state)
{
	expect_error("", "f: is empty");
	expect_error("# floors: 1\n", "f: is empty");
	expect_error("---\n", "f: is empty");
}

static void broken_yaml_names_its_line(void **state)
{
	expect_error("floors: 1\n  lit: true\n",
		     "f:2: is not valid YAML: mapping values are not allowed in this context");
	expect_error("floors: 1\npets: [cat\n", "f:3: is not valid YAML: did not find expected ',' "
						"or ']' while parsing a flow sequence");
	expect_error("floors: 1\nlit: @\n",
		     "f:2: is not valid YAML: found character that cannot start any token while "
		     "scanning for the next token");
}

static void bytes_that_are_no_text_are_refused(void **state)
{
	expect_error("floors: 1\nlit: \xff\n",
		     "f:2: is not valid YAML: invalid leading UTF-8 octet");
	expect_error("floors: 1\nlit: \x01\n",
		     "f:2: is not valid YAML: control characters are not allowed");
	expect_error("floors: 1\npets: [\"a\\0b\"]\n", "f:2: a text holds a zero byte (\\0)");
}

static void aliases_anchors_and_tags_are_refused(void **state)
{
	expect_error("floors: &n 1\n", "f:1: anchors (&name) are not supported");
	expect_error("floors: 1\npets: &p [cat]\n", "f:2: anchors (&name) are not supported");
	expect_error("floors: 1\ndoors: [*d]\n", "f:2: aliases (*name) are not supported");
	expect_error("floors: !!int 1\n", "f:1: tags (!name) are not supported");
	expect_error("!house\nfloors: 1\n", "f:1: tags (!name) are not supported");
}

static void second_document_is_refused(void **state)
{
	expect_error("floors: 1\n---\nfloors: 2\n",
		     "f:2: a second document begins; one is allowed");
}

static void depth_is_limited(void **state)
{
	char yaml[100000];

	memset(yaml, '[', sizeof(yaml) - 1);
	yaml[sizeof(yaml) - 1] = '\0';
	expect_error(yaml, "f:1: is nested too deeply");
}

static void size_is_limited(void **state)
{
	struct conf_error error;
	char *bytes = malloc(CONF_FILE_MAX + 1);
	void *data;

	assert_non_null(bytes);
	memset(bytes, '#', CONF_FILE_MAX + 1);
	memcpy(bytes, "floors: 1\n", 10);
	write_bytes(bytes, CONF_FILE_MAX + 1);
	assert_int_equal(conf_load("f", &schema, &data, &error), -EINVAL);
	assert_string_equal(error.text, "f: is larger than 1048576 bytes");
	write_bytes(bytes, CONF_FILE_MAX);
	assert_int_equal(conf_load("f", &schema, &data, &error), 0);
	conf_free(&schema, data);
	free(bytes);
}

static void file_that_cannot_be_read_is_told(void **state)
{
	struct conf_error error;
	void *data;

	write_text("");
	assert_int_equal(conf_load("none", &schema, &data, &error), -ENOENT);
	assert_string_equal(error.text, "none: cannot be read: No such file or directory");
	assert_int_equal(conf_load("/", &schema, &data, &error), -EINVAL);
	assert_string_equal(error.text, "/: cannot be read: Is a directory");
	assert_int_equal(mkfifo("fifo", 0600), 0);
	assert_int_equal(conf_load("fifo", &schema, &data, &error), -EINVAL);
	assert_string_equal(error.text, "fifo: is not a regular file");
	assert_int_equal(unlink("fifo"), 0);
}

static void expect_fail(const char *yaml_path, const char *text)
{
	struct conf_error error;

	assert_int_equal(conf_fail(&error, "f", yaml_path, "%s it is", "so"), -EINVAL);
	assert_string_equal(error.text, text);
}

static void fail_finds_the_line_of_a_path(void **state)
{
	const char *yaml = "floors: 1\n"
			   "pets:\n"
			   "  - cat\n"
			   "  - dog\n"
			   "doors:\n"
			   "  - name: a\n"
			   "    width:\n"
			   "      80\n";

	write_text(yaml);
	expect_fail("floors", "f:1: so it is");
	expect_fail("pets", "f:2: so it is");
	expect_fail("pets[1]", "f:4: so it is");
	expect_fail("doors[0].width", "f:7: so it is");
	expect_fail("", "f: so it is");
}

static void fail_falls_back_to_what_is_there(void **state)
{
	write_text("floors: 1\ndoors:\n  - name: a\n");
	expect_fail("doors[0].width", "f:3: so it is");
	expect_fail("doors[7].width", "f:2: so it is");
	expect_fail("roof", "f:1: so it is");
	write_text("[");
	expect_fail("roof", "f: so it is");
}

static void a_long_path_is_cut_and_terminated(void **state)
{
	struct conf_error error;
	char path[2000];

	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	write_text("");
	assert_int_equal(conf_fail(&error, path, "a", "text"), -EINVAL);
	assert_int_equal(strlen(error.text), CONF_ERROR_MAX - 1);
}

#define in_folder(_test) cmocka_unit_test_setup_teardown(_test, enter_folder, leave_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_folder(texts_are_wiped_in_the_file_and_in_its_tree),
		in_folder(values_are_decoded),
		in_folder(bytes_that_were_read_load_as_the_file_does),
		in_folder(absent_keys_are_null),
		in_folder(unknown_key_lists_what_is_allowed),
		in_folder(required_key_is_missed),
		in_folder(key_given_twice_names_both_lines),
		in_folder(numbers_are_digits_within_their_range),
		in_folder(words_are_out_of_their_list),
		in_folder(texts_have_lengths_and_are_never_quoted),
		in_folder(lists_and_mappings_are_what_they_are),
		in_folder(key_without_value_is_refused),
		in_folder(quoted_null_is_a_text),
		in_folder(empty_file_is_refused),
		in_folder(broken_yaml_names_its_line),
		in_folder(bytes_that_are_no_text_are_refused),
		in_folder(aliases_anchors_and_tags_are_refused),
		in_folder(second_document_is_refused),
		in_folder(depth_is_limited),
		in_folder(size_is_limited),
		in_folder(file_that_cannot_be_read_is_told),
		in_folder(fail_finds_the_line_of_a_path),
		in_folder(fail_falls_back_to_what_is_there),
		in_folder(a_long_path_is_cut_and_terminated),
	};

	return cmocka_run_group_tests_name("base/conf", tests, NULL, NULL);
}

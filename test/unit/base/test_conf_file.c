/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/base/conf_file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sstp/base/conf.h"
#include "test/support/cmocka.h"

static void expect_resolved(const char *conf_path, const char *file, const char *wanted)
{
	char *path = conf_file_resolve(conf_path, file);

	assert_string_equal(path, wanted);
	free(path);
}

static void relative_file_is_in_the_folder_of_the_configuration(void **state)
{
	expect_resolved("/etc/a/b.yaml", "c.pem", "/etc/a/c.pem");
	expect_resolved("/etc/a/b.yaml", "../c.pem", "/etc/a/../c.pem");
	expect_resolved("a/b.yaml", "c.pem", "a/c.pem");
	expect_resolved("b.yaml", "c.pem", "c.pem");
	expect_resolved("/b.yaml", "c.pem", "/c.pem");
}

static void absolute_file_stays(void **state)
{
	expect_resolved("/etc/a/b.yaml", "/c.pem", "/c.pem");
}

static const char *pem_problem(const char *content, const char *label)
{
	static char buf[CONF_PROBLEM_MAX];
	char path[] = "/tmp/test-pem-XXXXXX";
	int fd = mkstemp(path);
	const char *problem;

	assert_int_equal(write(fd, content, strlen(content)), strlen(content));
	close(fd);
	problem = conf_file_pem_problem(path, label, buf);
	unlink(path);
	return problem;
}

static void pem_of_the_label_is_found(void **state)
{
	assert_null(pem_problem("-----BEGIN CERTIFICATE-----\n", "CERTIFICATE"));
	assert_null(pem_problem("words\r\n-----BEGIN EC PRIVATE KEY-----\r\n", "PRIVATE KEY"));
	assert_null(pem_problem("-----BEGIN PRIVATE KEY-----", "PRIVATE KEY"));
}

static void other_content_is_no_pem(void **state)
{
	static const char *const wrong[] = {
		"",
		"-----BEGIN CERTIFICATE REQUEST-----\n",
		"-----BEGIN PRIVATE KEY-----\n",
		" -----BEGIN CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE----\n",
		"-----BEGIN -----\n",
		"-----BEGIN CERTIFICATE----- x\n",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_string_equal(pem_problem(wrong[i], "CERTIFICATE"),
				    "holds no PEM block '-----BEGIN ... CERTIFICATE-----'");
}

static void file_that_cannot_be_read_says_why(void **state)
{
	char buf[CONF_PROBLEM_MAX];

	assert_string_equal(conf_file_pem_problem("/nowhere/x", "CERTIFICATE", buf),
			    "cannot be read: No such file or directory");
	assert_string_equal(conf_file_pem_problem("/", "CERTIFICATE", buf),
			    "cannot be read: Is a directory");
}

static void exposed_is_what_every_user_can_read(void **state)
{
	char path[] = "/tmp/test-exposed-XXXXXX";
	int fd = mkstemp(path);

	assert_int_equal(fchmod(fd, 0640), 0);
	assert_int_equal(conf_file_is_exposed(path), false);
	assert_int_equal(fchmod(fd, 0644), 0);
	assert_int_equal(conf_file_is_exposed(path), true);
	close(fd);
	unlink(path);
	assert_int_equal(conf_file_is_exposed(path), false);
}

static const cyaml_schema_field_t fields[] = {
	{.key = "t", .value = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, 1000)}},
	CYAML_FIELD_END,
};
static const cyaml_schema_value_t schema = {
	CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, char *, fields)};

static void printed_text_loads_as_the_same_bytes(void **state)
{
	static const char text[] = "\x01\x1f\x7f \"\\': #\xc3\xa4\xf0\x9f\x98\x80\n\t~";
	char path[] = "/tmp/test-print-XXXXXX";
	FILE *f = fdopen(mkstemp(path), "w");
	struct conf_error error = {""};
	void *data = NULL;

	fputs("t: ", f);
	conf_print_text(f, text);
	fclose(f);
	conf_load(path, &schema, &data, &error);
	unlink(path);
	assert_string_equal(error.text, "");
	assert_string_equal(*(char **)data, text);
	conf_free(&schema, data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(relative_file_is_in_the_folder_of_the_configuration),
		cmocka_unit_test(absolute_file_stays),
		cmocka_unit_test(pem_of_the_label_is_found),
		cmocka_unit_test(other_content_is_no_pem),
		cmocka_unit_test(file_that_cannot_be_read_says_why),
		cmocka_unit_test(exposed_is_what_every_user_can_read),
		cmocka_unit_test(printed_text_loads_as_the_same_bytes),
	};

	return cmocka_run_group_tests_name("base/conf_file", tests, NULL, NULL);
}

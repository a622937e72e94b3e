/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/password.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/support/cmocka.h"

/* Reads a file of these bytes; the problem, or "" */
static const char *read_bytes(const void *bytes, size_t len, struct secret *ret_password)
{
	static char buf[PASSWORD_PROBLEM_MAX];
	char path[] = "/tmp/test-password-XXXXXX";
	int fd = mkstemp(path);
	const char *problem;

	assert_int_equal(write(fd, bytes, len), len);
	close(fd);
	problem = password_read(path, ret_password, buf);
	unlink(path);
	return problem ? problem : "";
}

static void expect_password(const char *text, const char *wanted)
{
	struct secret password = {0};

	assert_string_equal(read_bytes(text, strlen(text), &password), "");
	assert_int_equal(password.len, strlen(wanted));
	assert_memory_equal(password.data, wanted, strlen(wanted));
}

static void first_line_is_the_password(void **state)
{
	expect_password("secret\n", "secret");
	expect_password("secret", "secret");
	expect_password("secret\r\n", "secret");
	expect_password("secret\nother\n", "secret");
}

static void blanks_and_other_bytes_belong_to_it(void **state)
{
	expect_password(" a b \t\n", " a b \t");
	expect_password("p\xc3\xa4ss#\r", "p\xc3\xa4ss#\r");
	expect_password("\r\r\n", "\r");
}

static void longest_password_fits(void **state)
{
	struct secret password = {0};
	char line[PASSWORD_MAX + 3];

	memset(line, 'x', PASSWORD_MAX);
	memcpy(line + PASSWORD_MAX, "\r\n", 3);
	assert_string_equal(read_bytes(line, PASSWORD_MAX + 2, &password), "");
	assert_int_equal(password.len, PASSWORD_MAX);
	assert_string_equal(read_bytes(line, PASSWORD_MAX, &password), "");
	assert_int_equal(password.len, PASSWORD_MAX);
}

static void longer_lines_are_refused(void **state)
{
	static const size_t lens[] = {PASSWORD_MAX + 1, PASSWORD_MAX + 2, PASSWORD_MAX + 3, 9000};
	struct secret password = {0};
	char line[9001];

	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		memset(line, 'x', sizeof(line));
		line[lens[i]] = '\n';
		assert_string_equal(read_bytes(line, lens[i], &password),
				    "has a first line of more than 256 bytes");
		assert_string_equal(read_bytes(line, lens[i] + 1, &password),
				    "has a first line of more than 256 bytes");
	}
	assert_int_equal(password.len, 0);
}

static void empty_first_line_is_refused(void **state)
{
	struct secret password = {0};

	assert_string_equal(read_bytes("", 0, &password), "has an empty first line");
	assert_string_equal(read_bytes("\nx\n", 3, &password), "has an empty first line");
	assert_string_equal(read_bytes("\r\n", 2, &password), "has an empty first line");
}

static void zero_byte_is_refused(void **state)
{
	struct secret password = {0};

	assert_string_equal(read_bytes("a\0b\n", 4, &password), "holds a zero byte");
	assert_int_equal(password.len, 0);
}

static void unreadable_file_says_why(void **state)
{
	struct secret password = {0};
	char buf[PASSWORD_PROBLEM_MAX];

	assert_string_equal(password_read("/nowhere/x", &password, buf),
			    "cannot be read: No such file or directory");
	assert_string_equal(password_read("/", &password, buf), "cannot be read: Is a directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_line_is_the_password),
		cmocka_unit_test(blanks_and_other_bytes_belong_to_it),
		cmocka_unit_test(longest_password_fits),
		cmocka_unit_test(longer_lines_are_refused),
		cmocka_unit_test(empty_first_line_is_refused),
		cmocka_unit_test(zero_byte_is_refused),
		cmocka_unit_test(unreadable_file_says_why),
	};

	return cmocka_run_group_tests_name("worker/password", tests, NULL, NULL);
}

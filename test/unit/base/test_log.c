/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/support/cmocka.h"

static void expect_escaped(const char *src, size_t len, const char *wanted)
{
	char buf[64];

	assert_ptr_equal(log_escape(buf, sizeof(buf), src, len), buf);
	assert_string_equal(buf, wanted);
}

static void printable_text_is_copied(void **state)
{
	expect_escaped("", 0, "");
	expect_escaped("CORP\x5c"
		       "a",
		       6, "CORP\\x5ca");
	expect_escaped("a b~", 4, "a b~");
}

static void everything_else_becomes_hex(void **state)
{
	expect_escaped("\r\n\t\0\x1b", 5, "\\x0d\\x0a\\x09\\x00\\x1b");
	expect_escaped("\"\\\x7f\xff", 4, "\\x22\\x5c\\x7f\\xff");
}

static void every_byte_gives_printable_text(void **state)
{
	char buf[8];

	for (unsigned byte = 0; byte < 256; byte++) {
		char c = (char)byte;
		size_t len = strlen(log_escape(buf, sizeof(buf), &c, 1));

		assert_true(len == 1 || len == 4);
		for (size_t i = 0; i < len; i++)
			assert_in_range(buf[i], 0x20, 0x7e);
	}
}

static void text_is_cut_between_characters(void **state)
{
	char buf[9];

	memset(buf, 'x', sizeof(buf));
	assert_string_equal(log_escape(buf, 8, "abcd\n", 5), "abcd");
	assert_int_equal(buf[8], 'x');
	assert_string_equal(log_escape(buf, 9, "abcd\n", 5), "abcd\\x0a");
	assert_string_equal(log_escape(buf, 1, "abcd", 4), "");
}

/* What a call writes to standard error. */
static void capture(void (*call)(void), char *buf, size_t size)
{
	FILE *f = tmpfile();
	int saved = dup(STDERR_FILENO);
	size_t n;

	fflush(stderr);
	dup2(fileno(f), STDERR_FILENO);
	call();
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(f);
	n = fread(buf, 1, size - 1, f);
	buf[n] = '\0';
	fclose(f);
}

static void write_all_levels(void)
{
	log_error("one %d", 1);
	log_warning("two");
	log_info("three");
	log_debug("four");
}

static void lines_up_to_the_level_are_written(void **state)
{
	char buf[512];
	const char *second;

	assert_int_equal(log_open("ident", LOG_TARGET_STDERR, LOG_LEVEL_WARNING), 0);
	capture(write_all_levels, buf, sizeof(buf));
	/* behind "2024-05-17T10:11:12.345Z" */
	assert_memory_equal(buf + 23, "Z ident error: one 1\n", 21);
	second = strchr(buf, '\n') + 1;
	assert_string_equal(second + 23, "Z ident warning: two\n");
}

static void write_endless(void)
{
	char text[5000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_error("%s", text);
}

static void long_line_is_cut_and_ends(void **state)
{
	char buf[6000];

	capture(write_endless, buf, sizeof(buf));
	assert_int_equal(strlen(buf), strlen("2024-05-17T10:11:12.345Z ident error: ") + 1023 + 1);
	assert_int_equal(buf[strlen(buf) - 1], '\n');
}

static void enabled_follows_the_level(void **state)
{
	log_open("ident", LOG_TARGET_STDERR, LOG_LEVEL_INFO);
	assert_int_equal(log_enabled(LOG_LEVEL_INFO), true);
	assert_int_equal(log_enabled(LOG_LEVEL_DEBUG), false);
	log_open("ident", LOG_TARGET_STDERR, LOG_LEVEL_DEBUG);
	assert_int_equal(log_enabled(LOG_LEVEL_DEBUG), true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(printable_text_is_copied),
		cmocka_unit_test(everything_else_becomes_hex),
		cmocka_unit_test(every_byte_gives_printable_text),
		cmocka_unit_test(text_is_cut_between_characters),
		cmocka_unit_test(lines_up_to_the_level_are_written),
		cmocka_unit_test(long_line_is_cut_and_ends),
		cmocka_unit_test(enabled_follows_the_level),
	};

	return cmocka_run_group_tests_name("base/log", tests, NULL, NULL);
}

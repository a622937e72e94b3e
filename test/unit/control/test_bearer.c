/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/bearer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "test/support/cmocka.h"
#include "test/support/testcert.h"

#define TOKEN_A "0123456789abcdef0123456789abcdef"
#define TOKEN_B "ABCDEFGHIJKLMNOPQRSTUVWXYZ-._~+/="

static struct bearer *of(const char *text)
{
	struct bearer *b = NULL;
	struct certs_error e = {{0}};

	assert_int_equal(bearer_parse(text, "tokens", &b, &e), 0);
	return b;
}

static enum bearer_verdict judge(const struct bearer *b, const char *head)
{
	return bearer_judge(b, head, strlen(head));
}

static void every_token_of_the_file_is_right_and_no_other(void **state)
{
	struct bearer *b = of("# two of them\n\n" TOKEN_A "\r\n" TOKEN_B);

	assert_int_equal(judge(b, "GET / HTTP/1.1\r\nAuthorization: Bearer " TOKEN_A "\r\n\r\n"),
			 BEARER_RIGHT);
	assert_int_equal(judge(b, "GET / HTTP/1.1\r\nHost: x\r\nauthorization:bearer  " TOKEN_B
				  " \t\r\nAccept: *\r\n\r\n"),
			 BEARER_RIGHT);
	assert_int_equal(judge(b, "GET / HTTP/1.1\nAuthorization: Bearer " TOKEN_A "0\n\n"),
			 BEARER_WRONG);
	assert_int_equal(judge(b, "GET / HTTP/1.1\r\nAuthorization: Bearer # two of them\r\n\r\n"),
			 BEARER_WRONG);
	assert_int_equal(judge(NULL, "GET / HTTP/1.1\r\nAuthorization: Bearer " TOKEN_A "\r\n\r\n"),
			 BEARER_WRONG);
	bearer_free(b);
}

static void other_schemes_and_several_tokens_are_wrong(void **state)
{
	static const char *const wrong[] = {
		"Authorization: Basic YTpi\r\n",
		"Authorization: " TOKEN_A "\r\n",
		"Authorization:\r\n",
		"Authorization: Bearer\r\n",
		"Authorization: Bearer \r\n",
		"Authorization:\r\n Bearer " TOKEN_A "\r\n",
		"Authorization: Bearer " TOKEN_A "\r\nAuthorization: Bearer " TOKEN_A "\r\n",
		"Authorization: Basic YTpi\r\nAuthorization: Bearer " TOKEN_A "\r\n",
		"Authorization: Bearer " TOKEN_A " " TOKEN_A "\r\n",
	};
	struct bearer *b = of(TOKEN_A);

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_int_equal(judge(b, wrong[i]), BEARER_WRONG);
	bearer_free(b);
}

static void head_without_the_field_shows_none(void **state)
{
	struct bearer *b = of(TOKEN_A);

	assert_int_equal(judge(b, ""), BEARER_NONE);
	assert_int_equal(judge(b, "\r\n\r\n"), BEARER_NONE);
	assert_int_equal(judge(b, "GET /Authorization: Bearer " TOKEN_A " HTTP/1.1\r\n\r\n"),
			 BEARER_NONE);
	assert_int_equal(judge(b, "X-Authorization: Bearer " TOKEN_A "\r\n\r\n"), BEARER_NONE);
	assert_int_equal(bearer_judge(b, NULL, 0), BEARER_NONE);
	assert_int_equal(bearer_judge(b, "a\0Authorization: Bearer " TOKEN_A, 56), BEARER_NONE);
	bearer_free(b);
}

static void what_is_no_token_is_refused_with_its_line(void **state)
{
	char many[(BEARER_TOKENS_MAX + 1) * sizeof(TOKEN_A) + 1] = "";
	char longest[BEARER_TOKEN_MAX + 2];
	struct bearer *b = NULL;
	struct certs_error e;

	assert_int_equal(bearer_parse("", "f", &b, &e), -EINVAL);
	assert_string_equal(e.text, "f: holds no token");
	assert_int_equal(bearer_parse(TOKEN_A "\nshort\n", "f", &b, &e), -EINVAL);
	assert_int_equal(strncmp(e.text, "f:2: a token has 32 to 256 letters", 34), 0);
	assert_int_equal(bearer_parse("\n\n0123456789abcdef 0123456789abcdef", "f", &b, &e),
			 -EINVAL);
	assert_int_equal(strncmp(e.text, "f:3: ", 5), 0);
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(bearer_parse(longest, "f", &b, &e), -EINVAL);
	bearer_free(of(longest + 1));
	for (int i = 0; i <= BEARER_TOKENS_MAX; i++)
		strcat(many, TOKEN_A "\n");
	assert_int_equal(bearer_parse(many, "f", &b, &e), -EINVAL);
	assert_string_equal(e.text, "f:17: more than 16 tokens");
	assert_null(b);
}

static void file_is_read_or_named_in_the_error(void **state)
{
	const char *path = testcert_path("tokens");
	struct bearer *b = NULL;
	struct certs_error e;
	FILE *f = fopen(path, "w");

	fputs(TOKEN_A "\n", f);
	fclose(f);
	assert_int_equal(bearer_load(path, &b, &e), 0);
	assert_int_equal(judge(b, "Authorization: Bearer " TOKEN_A), BEARER_RIGHT);
	bearer_free(b);
	assert_int_equal(bearer_load(testcert_path("none"), &b, &e), -ENOENT);
	assert_non_null(strstr(e.text, "none: No such file"));
	f = fopen(path, "w");
	for (int i = 0; i < 20000; i++)
		fputc('#', f);
	fclose(f);
	assert_int_equal(bearer_load(path, &b, &e), -EINVAL);
	assert_non_null(strstr(e.text, "longer than"));
}

static void head_ends_with_its_empty_line(void **state)
{
	assert_int_equal(bearer_head_len("GET / HTTP/1.1\r\n\r\nbody\r\n\r\n", 26), 18);
	assert_int_equal(bearer_head_len("GET / HTTP/1.1\r\n\r\n", 17), 0);
	assert_int_equal(bearer_head_len("GET / HTTP/1.1\n\n", 16), 0);
	assert_int_equal(bearer_head_len(NULL, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_token_of_the_file_is_right_and_no_other),
		cmocka_unit_test(other_schemes_and_several_tokens_are_wrong),
		cmocka_unit_test(head_without_the_field_shows_none),
		cmocka_unit_test(what_is_no_token_is_refused_with_its_line),
		cmocka_unit_test(file_is_read_or_named_in_the_error),
		cmocka_unit_test(head_ends_with_its_empty_line),
	};

	return cmocka_run_group_tests_name("control/bearer", tests, NULL, NULL);
}

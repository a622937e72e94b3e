/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/multipart.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "test/support/cmocka.h"

static struct multipart_part parts[MULTIPART_PARTS_MAX];

static int parse(const char *type, const char *body)
{
	return multipart_parse(type, body, strlen(body), parts);
}

static void expect_part(int i, const char *type, const char *body)
{
	assert_int_equal(parts[i].type_len, strlen(type));
	assert_memory_equal(parts[i].type, type, strlen(type));
	assert_int_equal(parts[i].len, strlen(body));
	assert_memory_equal(parts[i].body, body, strlen(body));
}

static void parts_come_with_type_and_body(void **state)
{
	assert_int_equal(
		parse("multipart/mixed; boundary=b",
		      "preamble\r\n--b\r\nContent-Type: application/json\r\n\r\n{}\r\n"
		      "--b\r\ncontent-type:\ttext/plain; x=y \r\nOther: 1\r\n\r\na\r\nb\r\n\r\n"
		      "--b--\r\nepilogue"),
		2);
	expect_part(0, "application/json", "{}");
	expect_part(1, "text/plain; x=y", "a\r\nb\r\n");
}

static void lines_may_end_with_lf_alone(void **state)
{
	assert_int_equal(
		parse("multipart/mixed;boundary=b", "--b\nContent-Type: a/b\n\nx\ny\n--b--"), 1);
	expect_part(0, "a/b", "x\ny");
}

static void empty_part_has_an_empty_body(void **state)
{
	assert_int_equal(parse("multipart/mixed; boundary=b", "--b\r\n\r\n--b\r\n\r\n\r\n--b--"),
			 2);
	expect_part(0, "", "");
	expect_part(1, "", "");
}

static void boundary_may_be_quoted_and_stand_among_others(void **state)
{
	static const char body[] = "--a b:1\r\n\r\nx\r\n--a b:1--";

	assert_int_equal(parse("Multipart/Mixed; charset=x; BOUNDARY=\"a b:1\"", body), 1);
	expect_part(0, "", "x");
}

static void what_only_begins_like_the_boundary_is_content(void **state)
{
	assert_int_equal(parse("multipart/mixed; boundary=b", "--b\n\n--bb\n-b\n --b\n--b-\n--b--"),
			 1);
	expect_part(0, "", "--bb\n-b\n --b\n--b-");
}

static void without_its_end_a_part_is_no_part(void **state)
{
	assert_int_equal(parse("multipart/mixed; boundary=b", ""), -EBADMSG);
	assert_int_equal(parse("multipart/mixed; boundary=b", "x"), -EBADMSG);
	assert_int_equal(parse("multipart/mixed; boundary=b", "--b"), -EBADMSG);
	assert_int_equal(parse("multipart/mixed; boundary=b", "--b\n\nx"), -EBADMSG);
	assert_int_equal(parse("multipart/mixed; boundary=b", "--b\nContent-Type: a/b\n--b--"),
			 -EBADMSG);
	assert_int_equal(parse("multipart/mixed; boundary=b", "--b--"), -EBADMSG);
}

static void another_type_or_no_boundary_is_refused(void **state)
{
	static const char body[] = "--b\n\nx\n--b--";

	assert_int_equal(parse("multipart/mixed", body), -EBADMSG);
	assert_int_equal(parse("multipart/mixed; boundary=", body), -EBADMSG);
	assert_int_equal(parse("multipart/mixed; boundary=\"\"", body), -EBADMSG);
	assert_int_equal(parse("multipart/mixed; boundary=\"b", body), -EBADMSG);
	assert_int_equal(parse("multipart/mixed; boundary=\"b \"", body), -EBADMSG);
	assert_int_equal(parse("multipart/form-data; boundary=b", body), -EBADMSG);
	assert_int_equal(parse("", body), -EBADMSG);
}

static void boundary_has_at_most_seventy_characters(void **state)
{
	char type[160], body[320], b[72];

	memset(b, 'b', sizeof(b));
	for (int len = 70; len <= 71; len++) {
		snprintf(type, sizeof(type), "multipart/mixed; boundary=%.*s", len, b);
		snprintf(body, sizeof(body), "--%.*s\n\nx\n--%.*s--", len, b, len, b);
		assert_int_equal(parse(type, body), len == 70 ? 1 : -EBADMSG);
	}
}

static void no_more_parts_than_there_is_room_for(void **state)
{
	char body[256] = "";

	for (int i = 0; i < MULTIPART_PARTS_MAX; i++)
		strcat(body, "--b\n\nx\n");
	assert_int_equal(parse("multipart/mixed; boundary=b", strcat(body, "--b--")),
			 MULTIPART_PARTS_MAX);
	body[strlen(body) - 2] = '\0';
	assert_int_equal(parse("multipart/mixed; boundary=b", strcat(body, "\n\nx\n--b--")),
			 -EBADMSG);
}

static void type_is_compared_without_parameters_and_case(void **state)
{
	static const char type[] = "Application/PKCS7-mime ; smime-type=certs-only";

	assert_true(multipart_is_type(type, strlen(type), "application/pkcs7-mime"));
	assert_false(multipart_is_type(type, strlen(type), "application/pkcs7"));
	assert_false(multipart_is_type("", 0, "application/json"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_come_with_type_and_body),
		cmocka_unit_test(lines_may_end_with_lf_alone),
		cmocka_unit_test(empty_part_has_an_empty_body),
		cmocka_unit_test(boundary_may_be_quoted_and_stand_among_others),
		cmocka_unit_test(what_only_begins_like_the_boundary_is_content),
		cmocka_unit_test(without_its_end_a_part_is_no_part),
		cmocka_unit_test(another_type_or_no_boundary_is_refused),
		cmocka_unit_test(boundary_has_at_most_seventy_characters),
		cmocka_unit_test(no_more_parts_than_there_is_room_for),
		cmocka_unit_test(type_is_compared_without_parameters_and_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a header block is made of; its limits are tested where blocks are parsed, in test_http.c and test_est.c. */
#include "sstp/proto/http_block.h"

#include <errno.h>
#include <string.h>

#include "test/support/cmocka.h"

static struct http_text text(const char *s)
{
	return (struct http_text){s, strlen(s)};
}

static void assert_text(struct http_text t, const char *expected)
{
	assert_int_equal(t.len, strlen(expected));
	assert_memory_equal(t.p, expected, t.len);
}

static void text_is_itself_in_any_case_or_not(void **state)
{
	assert_true(http_text_is(text("Host"), "Host"));
	assert_false(http_text_is(text("host"), "Host"));
	assert_false(http_text_is(text("Hos"), "Host"));
	assert_false(http_text_is(text("Hosts"), "Host"));
	assert_true(http_text_is_nocase(text("hOST"), "Host"));
	assert_false(http_text_is_nocase(text("hOS"), "Host"));
}

static void text_is_cut_at_the_first_of_a_byte(void **state)
{
	struct http_text t = text("a:b:c"), head = {NULL, 0};

	assert_true(http_text_cut(&t, ':', &head));
	assert_text(head, "a");
	assert_text(t, "b:c");
	assert_false(http_text_cut(&t, ';', &head));
	assert_text(head, "a");
	assert_text(t, "b:c");
}

static void text_is_trimmed_of_blanks_and_tabs(void **state)
{
	assert_text(http_text_trim(text(" \t a b\t ")), "a b");
	assert_text(http_text_trim(text(" \t")), "");
}

static void token_has_no_blank_and_is_not_empty(void **state)
{
	assert_true(http_is_token(text("X-a_1.~")));
	assert_false(http_is_token(text("")));
	assert_false(http_is_token(text("a b")));
	assert_false(http_is_token(text("a(b")));
}

static void request_line_has_three_parts(void **state)
{
	struct http_text method, target;

	assert_int_equal(http_split_request(text("GET /a HTTP/1.1"), &method, &target), 0);
	assert_text(method, "GET");
	assert_text(target, "/a");
	assert_int_equal(http_split_request(text("GET /a HTTP/1.0"), &method, &target), 505);
	assert_int_equal(http_split_request(text("GET /a HTTP/x.1"), &method, &target), 400);
	assert_int_equal(http_split_request(text("GET /a"), &method, &target), 400);
	assert_int_equal(http_split_request(text("GET  HTTP/1.1"), &method, &target), 400);
	assert_int_equal(http_split_request(text("G(T /a HTTP/1.1"), &method, &target), 400);
}

static void field_has_a_name_and_a_value(void **state)
{
	struct http_text name, value;

	assert_int_equal(http_split_field(text("Host: a:1 "), &name, &value), 0);
	assert_text(name, "Host");
	assert_text(value, "a:1");
	assert_int_equal(http_split_field(text("Host:"), &name, &value), 0);
	assert_text(value, "");
	assert_int_equal(http_split_field(text("Host"), &name, &value), -EBADMSG);
	assert_int_equal(http_split_field(text("Host : a"), &name, &value), -EBADMSG);
	assert_int_equal(http_split_field(text(": a"), &name, &value), -EBADMSG);
}

static int count_lines(void *arg, unsigned n, struct http_text line)
{
	unsigned *lines = arg;

	assert_int_equal(n, *lines);
	++*lines;
	return http_text_is(line, "stop") ? -EPROTO : 0;
}

static int walk(const char *s, unsigned *ret_lines)
{
	*ret_lines = 0;
	return http_walk_block(s, strlen(s), count_lines, ret_lines);
}

static void walk_tells_each_line_up_to_the_empty_one(void **state)
{
	unsigned lines;

	assert_int_equal(walk("a\r\nb\r\n\r\nc\r\n", &lines), 8);
	assert_int_equal(lines, 2);
	assert_int_equal(walk("a\r\nb\r\n\r", &lines), 0);
	assert_int_equal(lines, 2);
	assert_int_equal(walk("a\r\nstop\r\nb\r\n\r\n", &lines), -EPROTO);
	assert_int_equal(lines, 2);
	assert_int_equal(walk("\r\n", &lines), -EBADMSG);
	assert_int_equal(walk("a\n", &lines), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_itself_in_any_case_or_not),
		cmocka_unit_test(text_is_cut_at_the_first_of_a_byte),
		cmocka_unit_test(text_is_trimmed_of_blanks_and_tabs),
		cmocka_unit_test(token_has_no_blank_and_is_not_empty),
		cmocka_unit_test(request_line_has_three_parts),
		cmocka_unit_test(field_has_a_name_and_a_value),
		cmocka_unit_test(walk_tells_each_line_up_to_the_empty_one),
	};

	return cmocka_run_group_tests_name("proto/http_block", tests, NULL, NULL);
}

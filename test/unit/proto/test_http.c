/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/proto/http.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "test/support/cmocka.h"

#define PATH	"/sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/"
#define LINE	"SSTP_DUPLEX_POST " PATH " HTTP/1.1\r\n"
#define ENDLESS "Content-Length: 18446744073709551615\r\n"
#define GUID	"{E6A5D3B4-0F1E-4B6C-9C5A-0123456789AB}"
#define REQUEST LINE ENDLESS "Host: vpn.example.com\r\nSSTPCORRELATIONID: " GUID "\r\n\r\n"

/* Untouched outputs show as these. */
enum {
	NO_STATUS = -1
};

static int parse(const char *s, struct http_request *req, int *status)
{
	*status = NO_STATUS;
	memset(req, 0, sizeof(*req));
	return http_parse_request(s, strlen(s), req, status);
}

static void assert_refused(const char *s, int expected)
{
	struct http_request req;
	int status;

	assert_int_equal(parse(s, &req, &status), -EBADMSG);
	assert_int_equal(status, expected);
}

static void assert_accepted(const char *s)
{
	struct http_request req;
	int status;

	assert_int_equal(parse(s, &req, &status), strlen(s));
	assert_int_equal(status, NO_STATUS);
}

static void request_of_every_known_client_is_accepted(void **state)
{
	struct http_request req;
	int status;

	assert_int_equal(parse(REQUEST, &req, &status), strlen(REQUEST));
	assert_string_equal(req.host, "vpn.example.com");
	assert_string_equal(req.correlation_id, GUID);
	assert_true(req.has_endless_length);
}

static void field_names_have_no_case_and_fields_no_order(void **state)
{
	static const char s[] = LINE "sstpcorrelationid:x\r\nHOST:\t a.b \t\r\n"
				     "content-length: 18446744073709551615 \r\n\r\n";
	struct http_request req;
	int status;

	assert_int_equal(parse(s, &req, &status), strlen(s));
	assert_string_equal(req.host, "a.b");
	assert_string_equal(req.correlation_id, "x");
	assert_true(req.has_endless_length);
}

static void every_field_may_be_missing(void **state)
{
	struct http_request req;
	int status;

	assert_int_equal(parse(LINE "\r\n", &req, &status), strlen(LINE "\r\n"));
	assert_string_equal(req.host, "");
	assert_string_equal(req.correlation_id, "");
	assert_false(req.has_endless_length);
}

static void any_other_content_length_is_accepted_and_told(void **state)
{
	static const char *const values[] = {
		"0", "18446744073709551616", "-1", "99999999999999999999999999", "x", ""};

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		struct http_request req;
		char s[256];
		int status;

		snprintf(s, sizeof(s), LINE "Content-Length: %s\r\n\r\n", values[i]);
		assert_int_equal(parse(s, &req, &status), strlen(s));
		assert_false(req.has_endless_length);
	}
}

static void path_has_no_case_and_a_query_is_not_looked_at(void **state)
{
	assert_accepted("SSTP_DUPLEX_POST /SRA_{ba195980-cd49-458B-9e23-c84ee0adcd75}/ "
			"HTTP/1.1\r\n\r\n");
	assert_accepted("SSTP_DUPLEX_POST " PATH "?tenantid=foo HTTP/1.1\r\n\r\n");
	assert_accepted("SSTP_DUPLEX_POST " PATH "? HTTP/1.1\r\n\r\n");
}

static void client_that_reads_packet_by_packet_is_known_by_its_correlation_id(void **state)
{
	static const struct {
		const char *id;
		bool is_one;
	} cases[] = {
		{"{586A9A0A-2C5A-A531-2F4D14D8}", true},
		{"{00000000-abcd-ef01-ffffffff}", true},
		{"{596E97DA-6D4E-1B6E-128E057}", true},
		{"{1-2-3-4}", true},
		{"{1-2-3-}", false},
		{"{1-2-3-4-5}", false},
		{"{1-2-34567-8}", false},
		{"{", false},
		{GUID, false},
		{"", false},
		{"{586A9A0A-2C5A-A531-2F4D14D8", false},
		{"586A9A0A-2C5A-A531-2F4D14D8", false},
		{"{586A9A0A-2C5A-A531-2F4D14D8} ", false},
		{"{586A9A0A-2C5A-A531-2F4D14DG}", false},
		{"{586A9A0A-2C5A-A531-2F4D14D80}", false},
		{"{586A9A0A-2C5A-A531-2F4D1-D8}", false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_request req = {0};

		snprintf(req.correlation_id, sizeof(req.correlation_id), "%s", cases[i].id);
		assert_int_equal(http_reads_packet_by_packet(&req), cases[i].is_one);
	}
}

static void correlation_id_is_opaque_and_cut_to_fit(void **state)
{
	char s[512] = LINE "SSTPCORRELATIONID: ";
	struct http_request req;
	int status;

	memset(s + strlen(s), 'a', 100);
	strcat(s, "\r\n\r\n");
	assert_int_equal(parse(s, &req, &status), strlen(s));
	assert_int_equal(strlen(req.correlation_id), HTTP_CORRELATION_MAX - 1);
}

static void first_of_two_hosts_counts(void **state)
{
	struct http_request req;
	int status;

	assert_true(parse(LINE "Host: a\r\nHost: b\r\n\r\n", &req, &status) > 0);
	assert_string_equal(req.host, "a");
}

static void sstp_behind_the_blank_line_is_not_consumed(void **state)
{
	static const char s[] = REQUEST "\x10\x01\x00\x0e";
	struct http_request req;
	int status;

	assert_int_equal(parse(s, &req, &status), strlen(REQUEST));
}

static void every_prefix_of_a_request_needs_more(void **state)
{
	for (size_t len = 0; len < strlen(REQUEST); len++) {
		struct http_request req = {.stray_left = 77};
		int status = NO_STATUS;

		assert_int_equal(http_parse_request(REQUEST, len, &req, &status), 0);
		assert_int_equal(status, NO_STATUS);
		assert_int_equal(req.stray_left, 77);
	}
}

static void stray_line_ends_that_are_there_are_consumed_once(void **state)
{
	struct http_request req;
	int status;

	assert_int_equal(parse(REQUEST "\r\n\r\n\x10", &req, &status), strlen(REQUEST) + 4);
	assert_int_equal(req.stray_left, 0);
	assert_int_equal(parse(REQUEST "\r\n\r\n\r\n\x10", &req, &status), strlen(REQUEST) + 4);
	assert_int_equal(parse(REQUEST "\n\x10", &req, &status), strlen(REQUEST) + 1);
	assert_int_equal(req.stray_left, 0);
}

static void stray_line_ends_that_come_later_are_skipped_up_to_the_limit(void **state)
{
	struct http_request req;
	int status;

	parse(REQUEST "\r", &req, &status);
	assert_int_equal(req.stray_left, 3);
	assert_int_equal(http_skip_stray(&req, "", 0), 0);
	assert_int_equal(http_skip_stray(&req, "\n", 1), 1);
	assert_int_equal(http_skip_stray(&req, "\r\n\r\n", 4), 2);
	assert_int_equal(http_skip_stray(&req, "\r\n", 2), 0);
}

static void no_line_end_is_stray_behind_the_first_sstp_byte(void **state)
{
	struct http_request req;
	int status;

	parse(REQUEST, &req, &status);
	assert_int_equal(http_skip_stray(&req, "\x10\r\n", 3), 0);
	assert_int_equal(http_skip_stray(&req, "\r\n", 2), 0);
}

static void other_paths_and_methods_of_the_web_are_not_found(void **state)
{
	assert_refused("SSTP_DUPLEX_POST / HTTP/1.1\r\n\r\n", 404);
	assert_refused("SSTP_DUPLEX_POST " PATH "x HTTP/1.1\r\n\r\n", 404);
	assert_refused("SSTP_DUPLEX_POST /x" PATH " HTTP/1.1\r\n\r\n", 404);
	assert_refused("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 404);
	assert_refused("HEAD / HTTP/1.1\r\n\r\n", 404);
	assert_refused("POST " PATH " HTTP/1.1\r\n\r\n", 404);
}

static void method_that_nobody_knows_is_not_allowed(void **state)
{
	assert_refused("SSTP_DUPLEX_PUT " PATH " HTTP/1.1\r\n\r\n", 405);
	assert_refused("sstp_duplex_post " PATH " HTTP/1.1\r\n\r\n", 405);
	assert_refused("get / HTTP/1.1\r\n\r\n", 405);
}

static void other_version_is_not_supported(void **state)
{
	assert_refused("SSTP_DUPLEX_POST " PATH " HTTP/1.0\r\n\r\n", 505);
	assert_refused("GET / HTTP/1.0\r\n\r\n", 505);
	assert_refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505);
}

static void malformed_request_line_is_a_bad_request(void **state)
{
	assert_refused("\r\n", 400);
	assert_refused("SSTP_DUPLEX_POST\r\n", 400);
	assert_refused("SSTP_DUPLEX_POST " PATH "\r\n", 400);
	assert_refused("SSTP_DUPLEX_POST  " PATH " HTTP/1.1\r\n", 400);
	assert_refused("SSTP_DUPLEX_POST " PATH " HTTP/1.1 \r\n", 400);
	assert_refused("SSTP_DUPLEX_POST " PATH " http/1.1\r\n", 400);
	assert_refused("SSTP_DUPLEX_POST " PATH " HTTP/1.x\r\n", 400);
	assert_refused(" / HTTP/1.1\r\n", 400);
	assert_refused("G(T / HTTP/1.1\r\n", 400);
}

static void malformed_field_is_a_bad_request(void **state)
{
	assert_refused(LINE "Host\r\n", 400);
	assert_refused(LINE ": x\r\n", 400);
	assert_refused(LINE "Host : x\r\n", 400);
	assert_refused(LINE "Host: a\r\n folded\r\n", 400);
	assert_refused(LINE "H\xc3\xb6st: a\r\n", 400);
}

static void transfer_encoding_is_a_bad_request(void **state)
{
	assert_refused(LINE "Transfer-Encoding: chunked\r\n\r\n", 400);
	assert_refused(LINE "TRANSFER-ENCODING:identity\r\n\r\n", 400);
}

static void line_that_does_not_end_with_cr_lf_is_a_bad_request(void **state)
{
	assert_refused("GET / HTTP/1.1\nHost: a\n\n", 400);
	assert_refused("GET / HTTP/1.1\rHost: a\r\r", 400);
	assert_refused(LINE "Host: a\n", 400);
	assert_refused(LINE "\rx", 400);
}

static void control_byte_is_refused_before_its_line_is_whole(void **state)
{
	for (int c = 0; c < ' '; c++) {
		char s[] = "SSTP_DUPLEX_POST /?";
		struct http_request req;
		int status = NO_STATUS;
		bool may_stand = c == '\t' || c == '\r';

		s[sizeof(s) - 2] = (char)c;
		assert_int_equal(http_parse_request(s, sizeof(s) - 1, &req, &status),
				 may_stand ? 0 : -EBADMSG);
		assert_int_equal(status, may_stand ? NO_STATUS : 400);
	}
	assert_refused("GET /\x7f", 400);
	assert_refused("\x16\x03\x01\x02", 400); /* a TLS hello inside TLS */
}

static void bytes_that_are_not_ascii_may_stand_in_a_value(void **state)
{
	assert_accepted(LINE "X: \xff\x80\r\n\r\n");
}

/* A request line, then one field whose length fills the block up to size bytes. */
static void make_block(char *buf, size_t size)
{
	size_t fill = size - strlen(LINE "X: \r\n\r\n");

	memcpy(buf, LINE "X: ", strlen(LINE "X: "));
	memset(buf + strlen(LINE "X: "), 'x', fill);
	memcpy(buf + size - 4, "\r\n\r\n", 4);
}

static void block_of_4096_bytes_is_accepted_and_of_one_more_too_large(void **state)
{
	char buf[HTTP_HEADER_MAX + 64];
	struct http_request req;
	int status = NO_STATUS;

	memset(buf, 0x10, sizeof(buf));
	make_block(buf, HTTP_HEADER_MAX);
	assert_int_equal(http_parse_request(buf, sizeof(buf), &req, &status), HTTP_HEADER_MAX);
	make_block(buf, HTTP_HEADER_MAX + 1);
	assert_int_equal(http_parse_request(buf, HTTP_HEADER_MAX - 1, &req, &status), 0);
	assert_int_equal(http_parse_request(buf, HTTP_HEADER_MAX, &req, &status), -EBADMSG);
	assert_int_equal(status, 431);
	status = NO_STATUS;
	assert_int_equal(http_parse_request(buf, HTTP_HEADER_MAX + 1, &req, &status), -EBADMSG);
	assert_int_equal(status, 431);
}

static void sixtyfour_lines_are_accepted_and_one_more_too_large(void **state)
{
	char s[HTTP_HEADER_MAX] = LINE;

	for (int i = 1; i < HTTP_LINES_MAX; i++)
		strcat(s, "a:\r\n");
	strcat(s, "\r\n");
	assert_accepted(s);
	strcpy(s + strlen(s) - 2, "a:\r\n\r\n");
	assert_refused(s, 431);
}

static int parse_reply(const char *s, int *status)
{
	*status = NO_STATUS;
	return http_parse_reply(s, strlen(s), status);
}

static void reply_is_accepted_by_its_first_line_alone(void **state)
{
	static const char *const replies[] = {
		"HTTP/1.1 200 OK\r\n" ENDLESS "Server: x\r\n\r\n",
		"HTTP/1.1 200\r\n\r\n",
		"HTTP/1.1 200 \r\n\r\n",
		"HTTP/1.1 200 Fine, really\r\nContent-Length: 0\r\nno field at all\r\n\r\n",
	};

	for (size_t i = 0; i < sizeof(replies) / sizeof(*replies); i++) {
		int status;

		assert_int_equal(parse_reply(replies[i], &status), strlen(replies[i]));
		assert_int_equal(status, 200);
	}
}

static void every_prefix_of_a_reply_needs_more(void **state)
{
	static const char s[] = "HTTP/1.1 200 OK\r\nDate: x\r\n\r\n";

	for (size_t len = 0; len < strlen(s); len++) {
		int status = NO_STATUS;

		assert_int_equal(http_parse_reply(s, len, &status), 0);
		assert_int_equal(status, NO_STATUS);
	}
}

static void sstp_behind_a_reply_is_not_consumed(void **state)
{
	int status;

	assert_int_equal(parse_reply("HTTP/1.1 200 OK\r\n\r\n\x10\x01", &status), 19);
}

static void other_status_is_told_with_its_line(void **state)
{
	int status;

	assert_int_equal(parse_reply("HTTP/1.1 404 Not Found\r\n", &status), -EPROTO);
	assert_int_equal(status, 404);
	assert_int_equal(parse_reply("HTTP/1.1 407\r\n", &status), -EPROTO);
	assert_int_equal(status, 407);
	assert_int_equal(parse_reply("HTTP/1.1 100 Continue\r\n", &status), -EPROTO);
	assert_int_equal(status, 100);
}

static void what_is_no_reply_of_http_1_1_is_refused(void **state)
{
	static const char *const replies[] = {
		"\r\n",
		"HTTP/1.0 200 OK\r\n",
		"HTTP/2 200 OK\r\n",
		"http/1.1 200 OK\r\n",
		"HTTP/1.1  200 OK\r\n",
		"HTTP/1.1 20\r\n",
		"HTTP/1.1 2000\r\n",
		"HTTP/1.1 2x0 OK\r\n",
		"HTTP/1.1 200OK\r\n",
		"HTTP/1.1\r\n",
		"HTTP/1.1 000\r\n",
		"HTTP/1.1 200 OK\n",
		"HTTP/1.1 200 OK\r\nDate: \x01",
	};

	for (size_t i = 0; i < sizeof(replies) / sizeof(*replies); i++) {
		int status;

		assert_int_equal(parse_reply(replies[i], &status), -EBADMSG);
		assert_int_equal(status, NO_STATUS);
	}
}

static void reply_without_an_end_is_refused_at_the_limit(void **state)
{
	char buf[HTTP_HEADER_MAX];
	int status = NO_STATUS;

	memset(buf, 'a', sizeof(buf));
	memcpy(buf, "HTTP/1.1 200 OK\r\n", 17);
	assert_int_equal(http_parse_reply(buf, sizeof(buf) - 1, &status), 0);
	assert_int_equal(http_parse_reply(buf, sizeof(buf), &status), -EBADMSG);
	assert_int_equal(status, NO_STATUS);
}

static void ok_reply_is_what_every_client_accepts(void **state)
{
	static const char expected[] = "HTTP/1.1 200 OK\r\n"
				       "Content-Length: 18446744073709551615\r\n"
				       "Server: Microsoft-HTTPAPI/2.0\r\n"
				       "Date: Thu, 09 Nov 2006 00:51:09 GMT\r\n"
				       "\r\n";
	char buf[256];
	int status;
	int len = http_write_ok(buf, sizeof(buf), "Thu, 09 Nov 2006 00:51:09 GMT");

	assert_int_equal(len, strlen(expected));
	assert_string_equal(buf, expected);
	assert_int_equal(parse_reply(buf, &status), len);
}

static void error_reply_closes_and_names_no_product(void **state)
{
	static const struct {
		int status;
		const char *line;
	} replies[] = {
		{400, "400 Bad Request"},
		{404, "404 Not Found"},
		{405, "405 Method Not Allowed"},
		{408, "408 Request Timeout"},
		{431, "431 Request Header Fields Too Large"},
		{503, "503 Service Unavailable"},
		{505, "505 HTTP Version Not Supported"},
		{418, "418 Error"},
	};

	for (size_t i = 0; i < sizeof(replies) / sizeof(*replies); i++) {
		char expected[256];
		char buf[256];
		int len = snprintf(expected, sizeof(expected),
				   "HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
				   replies[i].line);

		assert_int_equal(http_write_error(buf, sizeof(buf), replies[i].status), len);
		assert_string_equal(buf, expected);
	}
}

static void written_request_is_one_that_is_accepted(void **state)
{
	struct http_request req;
	char buf[512];
	int status;
	int len = http_write_request(buf, sizeof(buf), "vpn.example.com", GUID, "");

	assert_string_equal(buf, REQUEST);
	assert_int_equal(parse(buf, &req, &status), len);
}

static void ipv6_address_is_written_in_brackets(void **state)
{
	struct http_request req;
	char buf[512];
	int status;
	int len = http_write_request(buf, sizeof(buf), "2001:db8::1", GUID, "");

	assert_int_equal(parse(buf, &req, &status), len);
	assert_string_equal(req.host, "[2001:db8::1]");
}

static void B45_request_says_which_session_it_takes_over_from(void **state)
{
	struct http_request req;
	char buf[512];
	int status;
	int len = http_write_request(buf, sizeof(buf), "vpn.example.com", GUID, "172.16.177.205");

	assert_int_equal(parse(buf, &req, &status), len);
	assert_string_equal(req.replaces, "172.16.177.205");
	assert_string_equal(req.correlation_id, GUID);
	assert_int_equal(parse(REQUEST, &req, &status), strlen(REQUEST));
	assert_string_equal(req.replaces, "");
}

static void what_does_not_fit_is_not_written(void **state)
{
	char buf[512];
	int ok = http_write_ok(buf, sizeof(buf), "now");
	int error = http_write_error(buf, sizeof(buf), 404);
	int request = http_write_request(buf, sizeof(buf), "a", "b", "");

	assert_int_equal(http_write_ok(buf, (size_t)ok, "now"), -ENOSPC);
	assert_int_equal(http_write_ok(buf, (size_t)ok + 1, "now"), ok);
	assert_int_equal(http_write_error(buf, (size_t)error, 404), -ENOSPC);
	assert_int_equal(http_write_request(buf, (size_t)request, "a", "b", ""), -ENOSPC);
	assert_int_equal(http_write_request(buf, 0, "a", "b", ""), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_of_every_known_client_is_accepted),
		cmocka_unit_test(field_names_have_no_case_and_fields_no_order),
		cmocka_unit_test(every_field_may_be_missing),
		cmocka_unit_test(any_other_content_length_is_accepted_and_told),
		cmocka_unit_test(path_has_no_case_and_a_query_is_not_looked_at),
		cmocka_unit_test(client_that_reads_packet_by_packet_is_known_by_its_correlation_id),
		cmocka_unit_test(correlation_id_is_opaque_and_cut_to_fit),
		cmocka_unit_test(first_of_two_hosts_counts),
		cmocka_unit_test(sstp_behind_the_blank_line_is_not_consumed),
		cmocka_unit_test(every_prefix_of_a_request_needs_more),
		cmocka_unit_test(stray_line_ends_that_are_there_are_consumed_once),
		cmocka_unit_test(stray_line_ends_that_come_later_are_skipped_up_to_the_limit),
		cmocka_unit_test(no_line_end_is_stray_behind_the_first_sstp_byte),
		cmocka_unit_test(other_paths_and_methods_of_the_web_are_not_found),
		cmocka_unit_test(method_that_nobody_knows_is_not_allowed),
		cmocka_unit_test(other_version_is_not_supported),
		cmocka_unit_test(malformed_request_line_is_a_bad_request),
		cmocka_unit_test(malformed_field_is_a_bad_request),
		cmocka_unit_test(transfer_encoding_is_a_bad_request),
		cmocka_unit_test(line_that_does_not_end_with_cr_lf_is_a_bad_request),
		cmocka_unit_test(control_byte_is_refused_before_its_line_is_whole),
		cmocka_unit_test(bytes_that_are_not_ascii_may_stand_in_a_value),
		cmocka_unit_test(block_of_4096_bytes_is_accepted_and_of_one_more_too_large),
		cmocka_unit_test(sixtyfour_lines_are_accepted_and_one_more_too_large),
		cmocka_unit_test(reply_is_accepted_by_its_first_line_alone),
		cmocka_unit_test(every_prefix_of_a_reply_needs_more),
		cmocka_unit_test(sstp_behind_a_reply_is_not_consumed),
		cmocka_unit_test(other_status_is_told_with_its_line),
		cmocka_unit_test(what_is_no_reply_of_http_1_1_is_refused),
		cmocka_unit_test(reply_without_an_end_is_refused_at_the_limit),
		cmocka_unit_test(ok_reply_is_what_every_client_accepts),
		cmocka_unit_test(error_reply_closes_and_names_no_product),
		cmocka_unit_test(written_request_is_one_that_is_accepted),
		cmocka_unit_test(ipv6_address_is_written_in_brackets),
		cmocka_unit_test(B45_request_says_which_session_it_takes_over_from),
		cmocka_unit_test(what_does_not_fit_is_not_written),
	};

	return cmocka_run_group_tests_name("proto/http", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/proto/est.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/proto/http.h"
#include "test/support/cmocka.h"

#define HOST   "Host: gateway.test\r\n"
#define SECRET "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN-_0"
#define BEARER "Authorization: Bearer " SECRET "\r\n"
#define TYPE   "Content-Type: application/pkcs10\r\n"
#define LENGTH "Content-Length: 700\r\n"
#define ENROL  "POST /.well-known/est/simpleenroll HTTP/1.1\r\n"
#define RENEW  "POST /.well-known/est/simplereenroll HTTP/1.1\r\n"

/* SECRET's bytes. */
static const uint8_t secret[EST_SECRET_SIZE] = {0x69, 0xb7, 0x1d, 0x79, 0xf8, 0x21, 0x8a, 0x39,
						0x25, 0x9a, 0x7a, 0x29, 0xaa, 0xbb, 0x2d, 0xba,
						0xfc, 0x31, 0xcb, 0x30, 0x01, 0x08, 0x31, 0x05,
						0x18, 0x72, 0x09, 0x28, 0xb3, 0x0d, 0xfb, 0xfd};

static int parse(const char *s, struct est_head *ret_head, struct est_reply *ret_refusal)
{
	assert_true(est_is_request(s, strlen(s)));
	return est_parse_head(s, strlen(s), ret_head, ret_refusal);
}

static struct est_head accepted(const char *s)
{
	struct est_head head = {.body_len = 77};
	struct est_reply refusal = {.status = 0};
	int n = parse(s, &head, &refusal);

	assert_int_equal(refusal.status, 0);
	assert_int_equal(n, strlen(s));
	return head;
}

static void refused(const char *s, int status)
{
	struct est_head head;
	struct est_reply refusal = {.status = 0};

	assert_int_equal(parse(s, &head, &refusal), -EBADMSG);
	assert_int_equal(refusal.status, status);
	assert_string_equal(refusal.content_type, "text/plain");
	assert_int_equal(refusal.body_len, strlen(refusal.body));
}

/* ---- which requests these are ---- */

static bool is_request(const char *s)
{
	return est_is_request(s, strlen(s));
}

static void path_decides_by_the_first_line(void **state)
{
	assert_true(is_request("GET /.well-known/est/"));
	assert_true(is_request("GET /.well-known/est HTTP/1.1\r\n"));
	assert_true(is_request("BREW /.well-known/est?x"));
	assert_false(is_request("GET /.well-known/est"));
	assert_false(is_request("GET /.well-known/estuary"));
	assert_false(is_request("GET /.well-known/acme-challenge/x"));
	assert_false(is_request("get"));
	assert_false(is_request(" /.well-known/est/"));
	assert_false(is_request("SSTP_DUPLEX_POST /.well-known/est/cacerts HTTP/1.1"));
	assert_false(est_is_request(NULL, 0));
}

static void operations_have_the_names_of_their_paths(void **state)
{
	assert_string_equal(est_operation_name(EST_CACERTS), "cacerts");
	assert_string_equal(est_operation_name(EST_SIMPLEENROLL), "simpleenroll");
	assert_string_equal(est_operation_name(EST_SIMPLEREENROLL), "simplereenroll");
	assert_string_equal(est_operation_name(EST_CSRATTRS), "csrattrs");
}

static void each_path_has_its_operation(void **state)
{
	assert_int_equal(
		accepted("GET /.well-known/est/cacerts HTTP/1.1\r\n" HOST "\r\n").operation,
		EST_CACERTS);
	assert_int_equal(
		accepted("GET /.well-known/est/csrattrs?x=y HTTP/1.1\r\n" HOST "\r\n").operation,
		EST_CSRATTRS);
	assert_int_equal(accepted(ENROL HOST BEARER TYPE LENGTH "\r\n").operation,
			 EST_SIMPLEENROLL);
	assert_int_equal(accepted(RENEW HOST TYPE LENGTH "\r\n").operation, EST_SIMPLEREENROLL);
}

static void other_paths_and_labels_are_not_found(void **state)
{
	static const char *const paths[] = {
		"/.well-known/est",
		"/.well-known/est/",
		"/.well-known/est?cacerts",
		"/.well-known/est/cacert",
		"/.well-known/est/cacertss",
		"/.well-known/est/cacerts/",
		"/.well-known/est/CACERTS",
		"/.well-known/est/label/cacerts",
		"/.well-known/est/serverkeygen",
		"/.well-known/est/fullcmc",
		"/.well-known/est//cacerts",
		"/.well-known/est/../est/cacerts",
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		char s[256];

		snprintf(s, sizeof(s), "GET %s HTTP/1.1\r\n" HOST "\r\n", paths[i]);
		refused(s, 404);
	}
}

static void other_method_is_told_which_is_allowed(void **state)
{
	struct est_head head;
	struct est_reply refusal = {.status = 0};

	assert_int_equal(
		parse("POST /.well-known/est/cacerts HTTP/1.1\r\n" HOST "\r\n", &head, &refusal),
		-EBADMSG);
	assert_int_equal(refusal.status, 405);
	assert_string_equal(refusal.allow, "GET");
	assert_int_equal(parse("PUT /.well-known/est/simpleenroll HTTP/1.1\r\n" HOST "\r\n", &head,
			       &refusal),
			 -EBADMSG);
	assert_int_equal(refusal.status, 405);
	assert_string_equal(refusal.allow, "POST");
	refused("get /.well-known/est/cacerts HTTP/1.1\r\n" HOST "\r\n", 405);
	refused("HEAD /.well-known/est/cacerts HTTP/1.1\r\n" HOST "\r\n", 405);
}

/* ---- fields ---- */

static void assert_secret(struct est_head head)
{
	assert_true(head.has_secret);
	assert_memory_equal(head.secret, secret, sizeof(secret));
}

static void secret_comes_as_bearer_or_as_password(void **state)
{
	assert_secret(accepted(ENROL HOST BEARER TYPE LENGTH "\r\n"));
	/* "app:" and the secret */
	assert_secret(accepted(ENROL HOST
			       "authorization: basic "
			       "YXBwOmFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6QUJDREVGR0hJSktMTU4tXzA="
			       "\r\n" TYPE LENGTH "\r\n"));
	/* ":" and the secret */
	assert_secret(accepted(ENROL HOST
			       "Authorization: Basic "
			       "OmFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6QUJDREVGR0hJSktMTU4tXzA="
			       "\r\n" TYPE LENGTH "\r\n"));
}

static void what_can_be_no_secret_is_none(void **state)
{
	static const char *const values[] = {
		"",
		"Bearer",
		"Bearer ",
		"Bearer abc",
		"Bearer " SECRET "x",
		"Bearer abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN+/0",
		"Bearer abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN-_=",
		"Digest " SECRET,
		SECRET,
		"Basic " SECRET,
		"Bearer abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN-_1", /* not the text of 32 bytes */
		"Basic YXBwOg==",				      /* "app:" */
		"Basic YXBw",					      /* "app" */
		"Basic YXB",
		"Basic ====",
		"Basic =",
		"Basic YXBwOmFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6QUJDREVGR0hJSktMTU4tXzA",
		"Basic YXBwOmFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6QUJDREVGR0hJSktMTU4t_zA=",
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		char s[512];

		snprintf(s, sizeof(s), ENROL HOST TYPE LENGTH "Authorization: %s\r\n\r\n",
			 values[i]);
		refused(s, 401);
	}
	refused(ENROL HOST TYPE LENGTH "\r\n", 401);
}

static void login_that_is_too_long_is_no_secret(void **state)
{
	char s[2048] = ENROL HOST TYPE LENGTH "Authorization: Basic ";

	memset(s + strlen(s), 'A', 1024);
	strcat(s, "\r\n\r\n");
	refused(s, 401);
}

static void renewal_and_questions_need_no_secret_but_pass_it_on(void **state)
{
	assert_false(accepted(RENEW HOST TYPE LENGTH "\r\n").has_secret);
	assert_secret(accepted(RENEW HOST TYPE LENGTH BEARER "\r\n"));
	assert_false(accepted(RENEW HOST TYPE LENGTH "Authorization: x\r\n\r\n").has_secret);
	assert_secret(accepted("GET /.well-known/est/cacerts HTTP/1.1\r\n" HOST BEARER "\r\n"));
}

static void length_of_a_post_is_one_number_within_the_limit(void **state)
{
	static const struct {
		const char *value;
		int status;
		size_t len;
	} rows[] = {
		{"1", 0, 1},
		{"016384", 0, 16384},
		{"16384", 0, 16384},
		{"16385", 413, 0},
		{"18446744073709551615", 413, 0},
		{"18446744073709551617", 413, 0},
		{"99999999999999999999999999999999999999", 413, 0},
		{"0", 400, 0},
		{"", 400, 0},
		{"-1", 400, 0},
		{"+1", 400, 0},
		{"1,1", 400, 0},
		{"1 1", 400, 0},
		{"0x10", 400, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char s[512];

		snprintf(s, sizeof(s), ENROL HOST BEARER TYPE "Content-Length: %s\r\n\r\n",
			 rows[i].value);
		if (rows[i].status)
			refused(s, rows[i].status);
		else
			assert_int_equal(accepted(s).body_len, rows[i].len);
	}
	refused(ENROL HOST BEARER TYPE "\r\n", 411);
}

static void field_that_may_stand_once_stands_once(void **state)
{
	refused(ENROL HOST BEARER TYPE LENGTH LENGTH "\r\n", 400);
	refused(ENROL HOST BEARER TYPE TYPE LENGTH "\r\n", 400);
	refused(ENROL HOST BEARER BEARER TYPE LENGTH "\r\n", 400);
	refused(ENROL HOST HOST BEARER TYPE LENGTH "\r\n", 400);
	refused(ENROL BEARER TYPE LENGTH "\r\n", 400);
}

static void transfer_coding_is_refused_with_a_length_and_without(void **state)
{
	refused(ENROL HOST BEARER TYPE "Transfer-Encoding: chunked\r\n\r\n", 501);
	refused(ENROL HOST BEARER TYPE LENGTH "transfer-encoding: identity\r\n\r\n", 501);
	refused("GET /.well-known/est/cacerts HTTP/1.1\r\n" HOST "Transfer-Encoding: x\r\n\r\n",
		501);
}

static void type_of_a_post_is_pkcs10(void **state)
{
	accepted(ENROL HOST BEARER LENGTH "Content-Type: Application/PKCS10; x=y\r\n\r\n");
	refused(ENROL HOST BEARER LENGTH "\r\n", 415);
	refused(ENROL HOST BEARER LENGTH "Content-Type: application/pkcs10x\r\n\r\n", 415);
	refused(ENROL HOST BEARER LENGTH "Content-Type: text/plain\r\n\r\n", 415);
}

static void question_has_no_body(void **state)
{
	accepted("GET /.well-known/est/cacerts HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n");
	refused("GET /.well-known/est/cacerts HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n", 400);
	refused("GET /.well-known/est/cacerts HTTP/1.1\r\n" HOST "Content-Length: 99999\r\n\r\n",
		400);
}

static void expectation_is_to_go_on(void **state)
{
	assert_false(accepted(ENROL HOST BEARER TYPE LENGTH "\r\n").expects_continue);
	assert_true(accepted(ENROL HOST BEARER TYPE LENGTH "Expect: 100-Continue\r\n\r\n")
			    .expects_continue);
	refused(ENROL HOST BEARER TYPE LENGTH "Expect: 200-ok\r\n\r\n", 417);
	refused(ENROL HOST TYPE LENGTH "Expect: 100-continue\r\n\r\n", 401);
}

static void network_is_wanted_by_accept(void **state)
{
	static const struct {
		const char *value;
		bool wants;
	} rows[] = {
		{"multipart/mixed", true},
		{"application/pkcs7-mime, Multipart/Mixed;q=0.5", true},
		{" multipart/mixed ; boundary=x , */*", true},
		{"*/*", false},
		{"multipart/*", false},
		{"multipart/mixedx", false},
		{"x;y=multipart/mixed", false},
		{"", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char s[512];

		snprintf(s, sizeof(s), ENROL HOST BEARER TYPE LENGTH "Accept: %s\r\n\r\n",
			 rows[i].value);
		assert_int_equal(accepted(s).wants_network, rows[i].wants);
	}
	assert_true(accepted(ENROL HOST BEARER TYPE LENGTH "Accept: multipart/mixed\r\n"
							   "Accept: */*\r\n\r\n")
			    .wants_network);
}

/* ---- the block ---- */

static void malformed_blocks_are_refused(void **state)
{
	refused(ENROL "Host\r\n\r\n", 400);
	refused(ENROL "Host : a\r\n\r\n", 400);
	refused(ENROL "Host: a\n\n", 400);
	refused(ENROL " folded\r\n\r\n", 400);
	refused("GET /.well-known/est/cacerts HTTP/1.1 \r\n\r\n", 400);
	refused("GET /.well-known/est/cacerts\r\n\r\n", 400);
	refused("GET /.well-known/est/cacerts HTTP/1.0\r\n" HOST "\r\n", 505);
	refused("GET /.well-known/est/cacerts HTTP/2.0\r\n" HOST "\r\n", 505);
}

static void block_over_the_limits_is_too_large(void **state)
{
	char s[HTTP_HEADER_MAX + 64] = ENROL "X: ";

	memset(s + strlen(s), 'a', sizeof(s) - strlen(s) - 1);
	s[sizeof(s) - 1] = '\0';
	refused(s, 431);
	strcpy(s, ENROL);
	for (int i = 0; i < HTTP_LINES_MAX; i++)
		strcat(s, "a:\r\n");
	strcat(s, "\r\n");
	refused(s, 431);
}

static void every_prefix_of_a_block_needs_more(void **state)
{
	static const char s[] = ENROL HOST BEARER TYPE LENGTH "\r\n";

	for (size_t len = 0; len < strlen(s); len++) {
		struct est_head head = {.body_len = 77};
		struct est_reply refusal = {.status = 0};

		assert_int_equal(est_parse_head(s, len, &head, &refusal), 0);
		assert_int_equal(head.body_len, 77);
		assert_int_equal(refusal.status, 0);
	}
}

static void bytes_behind_the_block_are_not_consumed(void **state)
{
	static const char s[] = ENROL HOST BEARER TYPE LENGTH "\r\nMIIB\n\n";
	struct est_head head;
	struct est_reply refusal;

	assert_int_equal(parse(s, &head, &refusal), strlen(s) - 6);
}

/* ---- the body ---- */

static void body_comes_in_pieces_and_no_further_than_its_length(void **state)
{
	struct est_body b = {.want = 3000};
	uint8_t piece[1000];
	size_t used = 0;

	for (size_t i = 0; i < sizeof(piece); i++)
		piece[i] = (uint8_t)i;
	while (!est_body_is_whole(&b)) {
		int n = est_body_take(&b, piece, 999);

		assert_in_range(n, 1, 999);
		used += (size_t)n;
	}
	assert_int_equal(used, 3000);
	for (size_t i = 0; i < 3000; i++)
		assert_int_equal(b.bytes[i], piece[i % 999]);
	assert_int_equal(est_body_take(&b, piece, sizeof(piece)), 0);
	est_body_done(&b);
	assert_null(b.bytes);
	est_body_done(&b);
}

static void room_grows_with_what_came_and_not_with_what_was_told(void **state)
{
	struct est_body b = {.want = EST_BODY_MAX};
	uint8_t byte = 'x';

	assert_int_equal(est_body_take(&b, &byte, 0), 0);
	assert_int_equal(b.room, 0);
	for (size_t i = 0; i < EST_BODY_MAX; i++) {
		assert_int_equal(est_body_take(&b, &byte, 1), 1);
		assert_in_range(b.room, b.len, b.len < 1024 ? 1024 : 2 * b.len);
	}
	assert_true(est_body_is_whole(&b));
	est_body_done(&b);
}

static void request_without_a_body_is_whole_at_once(void **state)
{
	assert_true(est_body_is_whole(&(struct est_body){.want = 0}));
}

/* ---- replies ---- */

static void written(const struct est_reply *reply, const char *expected)
{
	char buf[1024];
	int n = est_write_reply(buf, sizeof(buf), reply);

	assert_in_range(n, 0, sizeof(buf));
	assert_int_equal(n, strlen(expected));
	assert_memory_equal(buf, expected, n);
}

static void certificate_is_written_as_rfc_7030_has_it(void **state)
{
	written(&(struct est_reply){.status = 200,
				    .content_type = "application/pkcs7-mime; smime-type=certs-only",
				    .encoding = "base64",
				    .body = "MIIB\n",
				    .body_len = 5},
		"HTTP/1.1 200 OK\r\n"
		"Content-Type: application/pkcs7-mime; smime-type=certs-only\r\n"
		"Content-Transfer-Encoding: base64\r\n"
		"Content-Length: 5\r\n"
		"Connection: close\r\n"
		"\r\n"
		"MIIB\n");
}

static void refusals_are_written_with_what_helps_the_client(void **state)
{
	struct est_reply reply = est_refusal(401, "No.\n");

	written(&reply, "HTTP/1.1 401 Unauthorized\r\n"
			"Content-Type: text/plain\r\n"
			"WWW-Authenticate: Basic realm=\"enrolment\"\r\n"
			"WWW-Authenticate: Bearer realm=\"enrolment\"\r\n"
			"Content-Length: 4\r\n"
			"Connection: close\r\n"
			"\r\n"
			"No.\n");
	reply = est_refusal(503, "Later.\n");
	reply.retry_after_s = 30;
	written(&reply, "HTTP/1.1 503 Service Unavailable\r\n"
			"Content-Type: text/plain\r\n"
			"Retry-After: 30\r\n"
			"Content-Length: 7\r\n"
			"Connection: close\r\n"
			"\r\n"
			"Later.\n");
	reply = est_refusal(405, "x");
	reply.allow = "GET";
	written(&reply, "HTTP/1.1 405 Method Not Allowed\r\n"
			"Content-Type: text/plain\r\n"
			"Allow: GET\r\n"
			"Content-Length: 1\r\n"
			"Connection: close\r\n"
			"\r\n"
			"x");
}

static void reply_without_a_body_says_so(void **state)
{
	written(&(struct est_reply){.status = 204}, "HTTP/1.1 204 No Content\r\n"
						    "Connection: close\r\n"
						    "\r\n");
	written(&(struct est_reply){.status = 202, .retry_after_s = 60}, "HTTP/1.1 202 Accepted\r\n"
									 "Retry-After: 60\r\n"
									 "Content-Length: 0\r\n"
									 "Connection: close\r\n"
									 "\r\n");
}

static void every_status_that_is_used_has_its_reason(void **state)
{
	static const struct {
		int status;
		const char *line;
	} rows[] = {
		{200, "200 OK"},
		{400, "400 Bad Request"},
		{403, "403 Forbidden"},
		{404, "404 Not Found"},
		{408, "408 Request Timeout"},
		{409, "409 Conflict"},
		{411, "411 Length Required"},
		{413, "413 Content Too Large"},
		{415, "415 Unsupported Media Type"},
		{417, "417 Expectation Failed"},
		{429, "429 Too Many Requests"},
		{431, "431 Request Header Fields Too Large"},
		{500, "500 Internal Server Error"},
		{501, "501 Not Implemented"},
		{505, "505 HTTP Version Not Supported"},
		{418, "418 Other"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char expected[128];

		snprintf(expected, sizeof(expected),
			 "HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
			 rows[i].line);
		written(&(struct est_reply){.status = rows[i].status}, expected);
	}
}

/* What cannot be sent as it is: the client gets a 500. */
static void assert_unsendable(const struct est_reply *reply)
{
	written(reply, "HTTP/1.1 500 Internal Server Error\r\n"
		       "Content-Type: text/plain\r\n"
		       "Content-Length: 27\r\n"
		       "Connection: close\r\n"
		       "\r\n"
		       "The answer cannot be sent.\n");
}

static void owners_mistakes_do_not_reach_the_client(void **state)
{
	char endless[EST_TYPE_MAX + 1];

	memset(endless, 'a', sizeof(endless) - 1);
	endless[sizeof(endless) - 1] = '\0';
	assert_unsendable(&(struct est_reply){.status = 100});
	assert_unsendable(&(struct est_reply){.status = 600});
	assert_unsendable(&(struct est_reply){.status = 200, .body = "x", .body_len = 1});
	assert_unsendable(&(struct est_reply){.status = 204, .content_type = "text/plain"});
	assert_unsendable(
		&(struct est_reply){.status = 200, .content_type = "", .body = "x", .body_len = 1});
	assert_unsendable(&(struct est_reply){.status = 200, .encoding = "a\r\nX: y"});
	assert_unsendable(&(struct est_reply){.status = 200, .content_type = endless});
	assert_unsendable(&(struct est_reply){.status = 200, .content_type = "a\r\nX: y"});
	assert_unsendable(&(struct est_reply){.status = 200,
					      .content_type = "text/plain",
					      .body = "x",
					      .body_len = EST_REPLY_MAX + 1});
}

static void largest_head_fits_the_room_that_is_promised(void **state)
{
	char type[EST_TYPE_MAX], encoding[EST_TYPE_MAX], buf[EST_REPLY_HEAD_MAX + 4];
	struct est_reply reply = {
		.status = 401,
		.content_type = type,
		.encoding = encoding,
		.retry_after_s = UINT32_MAX,
		.allow = "POST",
		.body = "body",
		.body_len = 4,
	};
	int n;

	memset(type, 'a', sizeof(type) - 1);
	type[sizeof(type) - 1] = '\0';
	memcpy(encoding, type, sizeof(type));
	n = est_write_reply(buf, sizeof(buf), &reply);
	assert_in_range(n, 600, sizeof(buf));
	for (int size = 0; size < n; size++)
		assert_int_equal(est_write_reply(buf, (size_t)size, &reply), -ENOSPC);
}

/* ---- copies ---- */

static void copy_of_a_request_borrows_nothing(void **state)
{
	uint8_t body[] = "body", cert[] = "cert";
	struct est_request request = {
		.operation = EST_SIMPLEREENROLL,
		.wants_network = true,
		.has_secret = true,
		.peer = "192.0.2.1:5",
		.session = 7,
		.body = body,
		.body_len = 4,
		.cert = cert,
		.cert_len = 4,
	};
	struct est_request *copy;

	memcpy(request.secret, secret, sizeof(secret));
	copy = est_request_dup(&request);

	assert_non_null(copy);
	memset(body, 0, sizeof(body));
	memset(cert, 0, sizeof(cert));
	assert_int_equal(copy->operation, EST_SIMPLEREENROLL);
	assert_true(copy->wants_network);
	assert_true(copy->has_secret);
	assert_memory_equal(copy->secret, secret, sizeof(secret));
	assert_string_equal(copy->peer, "192.0.2.1:5");
	assert_int_equal(copy->session, 7);
	assert_int_equal(copy->body_len, 4);
	assert_memory_equal(copy->body, "body", 4);
	assert_int_equal(copy->cert_len, 4);
	assert_memory_equal(copy->cert, "cert", 4);
	est_request_free(copy);
	request.cert = NULL;
	request.cert_len = 0;
	copy = est_request_dup(&request);
	assert_non_null(copy);
	assert_null(copy->cert);
	est_request_free(copy);
	est_request_free(NULL);
}

static void copy_of_a_reply_borrows_nothing(void **state)
{
	char type[] = "text/plain", body[] = "No.\n", allow[] = "GET", encoding[] = "base64",
	     reason[] = "not today";
	struct est_reply *copy = est_reply_dup(&(struct est_reply){
		.status = 405,
		.content_type = type,
		.encoding = encoding,
		.allow = allow,
		.reason = reason,
		.body = body,
		.body_len = 4,
	});

	assert_non_null(copy);
	memset(type, 'x', sizeof(type));
	memset(body, 'x', sizeof(body));
	memset(allow, 'x', sizeof(allow));
	memset(encoding, 'x', sizeof(encoding));
	memset(reason, 'x', sizeof(reason));
	assert_string_equal(copy->reason, "not today");
	written(copy, "HTTP/1.1 405 Method Not Allowed\r\n"
		      "Content-Type: text/plain\r\n"
		      "Content-Transfer-Encoding: base64\r\n"
		      "Allow: GET\r\n"
		      "Content-Length: 4\r\n"
		      "Connection: close\r\n"
		      "\r\n"
		      "No.\n");
	est_reply_free(copy);
	copy = est_reply_dup(&(struct est_reply){.status = 204});
	assert_non_null(copy);
	assert_null(copy->content_type);
	assert_null(copy->allow);
	est_reply_free(copy);
	est_reply_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(path_decides_by_the_first_line),
		cmocka_unit_test(operations_have_the_names_of_their_paths),
		cmocka_unit_test(each_path_has_its_operation),
		cmocka_unit_test(other_paths_and_labels_are_not_found),
		cmocka_unit_test(other_method_is_told_which_is_allowed),
		cmocka_unit_test(secret_comes_as_bearer_or_as_password),
		cmocka_unit_test(what_can_be_no_secret_is_none),
		cmocka_unit_test(login_that_is_too_long_is_no_secret),
		cmocka_unit_test(renewal_and_questions_need_no_secret_but_pass_it_on),
		cmocka_unit_test(length_of_a_post_is_one_number_within_the_limit),
		cmocka_unit_test(field_that_may_stand_once_stands_once),
		cmocka_unit_test(transfer_coding_is_refused_with_a_length_and_without),
		cmocka_unit_test(type_of_a_post_is_pkcs10),
		cmocka_unit_test(question_has_no_body),
		cmocka_unit_test(expectation_is_to_go_on),
		cmocka_unit_test(network_is_wanted_by_accept),
		cmocka_unit_test(malformed_blocks_are_refused),
		cmocka_unit_test(block_over_the_limits_is_too_large),
		cmocka_unit_test(every_prefix_of_a_block_needs_more),
		cmocka_unit_test(bytes_behind_the_block_are_not_consumed),
		cmocka_unit_test(body_comes_in_pieces_and_no_further_than_its_length),
		cmocka_unit_test(room_grows_with_what_came_and_not_with_what_was_told),
		cmocka_unit_test(request_without_a_body_is_whole_at_once),
		cmocka_unit_test(certificate_is_written_as_rfc_7030_has_it),
		cmocka_unit_test(refusals_are_written_with_what_helps_the_client),
		cmocka_unit_test(reply_without_a_body_says_so),
		cmocka_unit_test(every_status_that_is_used_has_its_reason),
		cmocka_unit_test(owners_mistakes_do_not_reach_the_client),
		cmocka_unit_test(largest_head_fits_the_room_that_is_promised),
		cmocka_unit_test(copy_of_a_request_borrows_nothing),
		cmocka_unit_test(copy_of_a_reply_borrows_nothing),
	};

	return cmocka_run_group_tests_name("proto/est", tests, NULL, NULL);
}

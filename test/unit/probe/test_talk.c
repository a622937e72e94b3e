/* SPDX-License-Identifier: Apache-2.0 */
/* The other end is written out here, byte by byte. */
#include "tools/probe/talk.h"

#include <errno.h>
#include <string.h>

#include "test/support/cmocka.h"

#define OK_REPLY "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n"

/* offers: EAP, MS-CHAPv2, PAP */
#define CONF_REQUEST_EAP  "\x10\x00\x00\x10\xff\x03\xc0\x21\x01\x01\x00\x08\x03\x04\xc2\x27"
#define CONF_REQUEST_CHAP "\x10\x00\x00\x11\xff\x03\xc0\x21\x01\x02\x00\x09\x03\x05\xc2\x23\x81"
#define CONF_REQUEST_PAP  "\x10\x00\x00\x10\xff\x03\xc0\x21\x01\x03\x00\x08\x03\x04\xc0\x23"
#define TERM_REQUEST	  "\x10\x00\x00\x0c\xff\x03\xc0\x21\x05\x09\x00\x04"

struct rig {
	struct talk t;
	uint8_t out[TALK_OUT_MAX];
	size_t len; /* of out */
};

static void receive(struct rig *r, const void *bytes, size_t len)
{
	struct wire_writer w = wire_writer(r->out, sizeof(r->out));
	size_t size;
	uint8_t *at = talk_space(&r->t, &size);

	assert_true(len <= size);
	memcpy(at, bytes, len);
	talk_received(&r->t, len, &w);
	assert_false(w.failed);
	r->len = wire_len(&w);
}

#define RECEIVE(r, text) receive(r, text, sizeof(text) - 1)
#define SENDS(r, text)                                         \
	do {                                                   \
		assert_int_equal((r)->len, sizeof(text) - 1);  \
		assert_memory_equal((r)->out, text, (r)->len); \
	} while (0)

static void begin(struct rig *r)
{
	struct wire_writer w = wire_writer(r->out, sizeof(r->out));

	assert_int_equal(talk_start(&r->t, "gw.test", "{1}", &w), 0);
	r->len = wire_len(&w);
}

/* Up to our Configure-Request, with these hashes. */
static void connect_call(struct rig *r, uint8_t hashes)
{
	uint8_t ack[48] = "\x10\x01\x00\x30\x00\x02\x00\x01\x00\x04\x00\x28";

	ack[15] = hashes;
	memset(ack + 16, 7, 32);
	begin(r);
	RECEIVE(r, OK_REPLY);
	SENDS(r, "\x10\x01\x00\x0e\x00\x01\x00\x01\x00\x01\x00\x06\x00\x01");
	receive(r, ack, sizeof(ack));
	SENDS(r,
	      "\x10\x00\x00\x16\xff\x03\xc0\x21\x01\x01\x00\x0e\x01\x04\x0f\xfb\x05\x06\x00\x00ST");
	assert_true(r->t.is_connected);
	assert_int_equal(r->t.hashes, hashes);
	assert_true(r->t.has_nonce);
}

static void request_is_that_of_sstp(void **state)
{
	struct rig r;
	uint8_t small[8];
	struct wire_writer w = wire_writer(small, sizeof(small));

	begin(&r);
	r.out[r.len] = '\0';
	assert_non_null(strstr((char *)r.out, "SSTP_DUPLEX_POST /sra_"));
	assert_non_null(strstr((char *)r.out, "gw.test"));
	assert_int_equal(talk_start(&r.t, "gw.test", "{1}", &w), -ENOSPC);
}

static void all_methods_are_learned_one_by_one(void **state)
{
	struct rig r;

	connect_call(&r, 3);
	RECEIVE(&r, CONF_REQUEST_CHAP);
	SENDS(&r, "\x10\x00\x00\x10\xff\x03\xc0\x21\x03\x02\x00\x08\x03\x04\xc2\x27");
	RECEIVE(&r, CONF_REQUEST_EAP);
	SENDS(&r, "\x10\x00\x00\x10\xff\x03\xc0\x21\x03\x01\x00\x08\x03\x04\xc0\x23");
	assert_int_equal(r.t.end, TALK_GOES_ON);
	RECEIVE(&r, CONF_REQUEST_PAP);
	SENDS(&r,
	      "\x10\x01\x00\x14\x00\x06\x00\x01\x00\x02\x00\x0c\x00\x00\x00\x00\x00\x00\x00\x00");
	assert_int_equal(r.t.end, TALK_COMPLETE);
	assert_int_equal(r.t.methods, TALK_METHODS);
}

static void method_that_is_not_followed_is_not_there(void **state)
{
	struct rig r;

	connect_call(&r, 2);
	RECEIVE(&r, CONF_REQUEST_CHAP); /* EAP? */
	RECEIVE(&r, CONF_REQUEST_CHAP); /* no; PAP? */
	SENDS(&r, "\x10\x00\x00\x10\xff\x03\xc0\x21\x03\x02\x00\x08\x03\x04\xc0\x23");
	RECEIVE(&r, CONF_REQUEST_CHAP);
	assert_int_equal(r.t.end, TALK_COMPLETE);
	assert_int_equal(r.t.methods, TALK_MSCHAPV2);
}

static void server_that_gives_up_has_told_what_it_has(void **state)
{
	struct rig r;

	connect_call(&r, 2);
	RECEIVE(&r, CONF_REQUEST_PAP TERM_REQUEST);
	assert_int_equal(r.t.end, TALK_COMPLETE);
	assert_int_equal(r.t.methods, TALK_PAP);
	connect_call(&r, 2);
	RECEIVE(&r, TERM_REQUEST);
	assert_int_equal(r.t.end, TALK_TERMINATED);
}

static void unknown_options_are_rejected_first(void **state)
{
	struct rig r;

	connect_call(&r, 3);
	RECEIVE(&r,
		"\x10\x00\x00\x17\xff\x03\xc0\x21\x01\x05\x00\x0f\x03\x04\xc2\x27\x01\x04\x05\xdc"
		"\x0d\x03\x06");
	SENDS(&r, "\x10\x00\x00\x0f\xff\x03\xc0\x21\x04\x05\x00\x07\x0d\x03\x06");
	assert_int_equal(r.t.mru, 1500);
	assert_int_equal(r.t.methods, 0);
	RECEIVE(&r, CONF_REQUEST_EAP);
	assert_int_equal(r.t.methods, TALK_EAP);
}

static void refused_options_of_ours_are_left_out_once(void **state)
{
	struct rig r;

	connect_call(&r, 3);
	RECEIVE(&r, "\x10\x00\x00\x12\xff\x03\xc0\x21\x04\x01\x00\x0a\x05\x06\x00\x00\x53\x54");
	SENDS(&r, "\x10\x00\x00\x0c\xff\x03\xc0\x21\x01\x02\x00\x04");
	RECEIVE(&r, "\x10\x00\x00\x12\xff\x03\xc0\x21\x04\x02\x00\x0a\x05\x06\x00\x00\x53\x54");
	assert_int_equal(r.len, 0);
}

static void no_authentication_is_seen(void **state)
{
	struct rig r;

	connect_call(&r, 3);
	RECEIVE(&r, "\x10\x00\x00\x10\xff\x03\xc0\x21\x01\x01\x00\x08\x01\x04\x05\xdc");
	assert_int_equal(r.t.end, TALK_COMPLETE);
	assert_true(r.t.is_open);
}

static void each_end_before_that_has_its_name(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		enum talk_end end;
		int http_status;
		uint32_t status;
	} cases[] = {
#define CASE(text, end, http, status) {text, sizeof(text) - 1, end, http, status}
		CASE("SSH-2.0-OpenSSH_9.2\r\n", TALK_NO_HTTP, 0, 0),
		CASE("HTTP/1.1 404 Not Found\r\n\r\n", TALK_HTTP_REFUSED, 404, 0),
		CASE("HTTP/1.0 200 OK\r\n\r\n", TALK_NO_HTTP, 0, 0),
		CASE(OK_REPLY "<html>", TALK_NO_SSTP, 200, 0),
		CASE(OK_REPLY "\x10\x01\x00\x0a\x00\x02\x00\x01\x00\x04", TALK_NO_SSTP, 200, 0),
		CASE(OK_REPLY "\x10\x01\x00\x08\x00\x02\x00\x00", TALK_NO_BINDING, 200, 0),
		CASE(OK_REPLY
		     "\x10\x01\x00\x14\x00\x03\x00\x01\x00\x02\x00\x0c\x00\x00\x00\x01\x00\x00\x00"
		     "\x04",
		     TALK_NAK, 200, SSTP_STATUS_VALUE_NOT_SUPPORTED),
		CASE(OK_REPLY
		     "\x10\x01\x00\x14\x00\x05\x00\x01\x00\x02\x00\x0c\x00\x00\x00\x02\x00\x00\x00"
		     "\x05",
		     TALK_ABORTED, 200, SSTP_STATUS_UNACCEPTED_FRAME_RECEIVED),
		CASE(OK_REPLY "\x10\x01\x00\x08\x00\x06\x00\x00", TALK_ABORTED, 200, 0),
#undef CASE
	};
	struct rig r;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(&r);
		receive(&r, cases[i].bytes, cases[i].len);
		assert_int_equal(r.t.end, cases[i].end);
		if (cases[i].http_status)
			assert_int_equal(r.t.http_status, cases[i].http_status);
		assert_int_equal(r.t.status, cases[i].status);
		RECEIVE(&r, "anything");
		assert_int_equal(r.len, 0);
	}
}

static void pieces_of_one_byte_are_the_same(void **state)
{
	static const char bytes[] =
		OK_REPLY "\x10\x01\x00\x08\x00\x08\x00\x00"
			 "\x10\x00\x00\x10\xff\x03\xc0\x21\x01\x01\x00\x08\x03\x04\xc2\x27";
	struct rig r;
	size_t sent = 0;

	begin(&r);
	for (size_t i = 0; i < sizeof(bytes) - 1; i++) {
		receive(&r, bytes + i, 1);
		sent += r.len;
	}
	/* the request, and the answer to the echo; LCP before the ACK is not looked at */
	assert_int_equal(sent, 14 + 8);
	assert_int_equal(r.t.end, TALK_GOES_ON);
	assert_false(r.t.has_asked);
}

static void server_that_never_stays_is_left_after_some_rounds(void **state)
{
	/* an offer of CHAP with MD5, which is no method of ours */
	static const char odd[] =
		"\x10\x00\x00\x11\xff\x03\xc0\x21\x01\x02\x00\x09\x03\x05\xc2\x23\x05";
	struct rig r;
	int rounds;

	connect_call(&r, 3);
	for (rounds = 0; rounds < 100 && r.t.end == TALK_GOES_ON; rounds++)
		RECEIVE(&r, odd);
	assert_int_equal(rounds, 4);
	assert_int_equal(r.t.methods, 0);
	assert_true(r.t.has_asked);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_is_that_of_sstp),
		cmocka_unit_test(all_methods_are_learned_one_by_one),
		cmocka_unit_test(method_that_is_not_followed_is_not_there),
		cmocka_unit_test(server_that_gives_up_has_told_what_it_has),
		cmocka_unit_test(unknown_options_are_rejected_first),
		cmocka_unit_test(refused_options_of_ours_are_left_out_once),
		cmocka_unit_test(no_authentication_is_seen),
		cmocka_unit_test(each_end_before_that_has_its_name),
		cmocka_unit_test(pieces_of_one_byte_are_the_same),
		cmocka_unit_test(server_that_never_stays_is_left_after_some_rounds),
	};

	return cmocka_run_group_tests_name("probe/talk", tests, NULL, NULL);
}

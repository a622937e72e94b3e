/* SPDX-License-Identifier: Apache-2.0 */
/* What gateway and worker tell each other in band, and how a worker watches its gateway, packet by packet. */
#include <stdio.h>

#include "test/support/hex.h"
#include "test/unit/ppp/rig.h"

#define OUI	  "025347"
#define SUBSCRIBE "ff03c0210009000c" RIG_PEER_MAGIC OUI "01"
/* of the gateway to a client: "abc" and a close for good */
#define DESCRIPTION "ff03c02100090017" RIG_PEER_MAGIC OUI "020000000300000000616263"
#define CLOSE	    "ff03c02100090010" RIG_PEER_MAGIC OUI "0301627965"

static void open_server(struct rig *r)
{
	rig_server_open(r);
	assert_int_equal(rig_feed(r, SUBSCRIBE), LINK_EV_SUBSCRIBED);
}

/* What a worker's client does: it asks at once whether the gateway answers, and for its description. */
static void open_client(struct rig *r)
{
	rig_client_authenticated(r);
	r->link.params.subscribe = true;
	r->link.params.echo_every_ns = 2 * CLOCK_NS_PER_S;
	rig_client_ipcp(r);
	rig_expect(r, "ff03c02109020008" RIG_MAGIC);
	rig_expect(r, "ff03c0210003000c" RIG_MAGIC OUI "01");
}

static size_t describe(struct rig *r, const char *text, size_t len, size_t offset)
{
	outbox_clear(&r->out);
	r->read = 0;
	return link_describe(&r->link, text, len, offset, &r->out);
}

static void server_tells_nobody_who_has_not_subscribed(void **state)
{
	struct rig r;

	rig_server_open(&r);
	assert_false(link_is_subscribed(&r.link));
	assert_int_equal(describe(&r, "abc", 3, 0), 0);
	link_announce_close(&r.link, 1, "bye", &r.out);
	rig_expect_silence(&r);
}

static void server_describes_and_closes_who_has_subscribed(void **state)
{
	struct rig r;

	open_server(&r);
	assert_true(link_is_subscribed(&r.link));
	rig_expect_silence(&r);
	assert_int_equal(describe(&r, "abc", 3, 0), 3);
	rig_expect(&r, "ff03c02100020017" RIG_MAGIC OUI "020000000300000000616263");
	link_announce_close(&r.link, 1, "bye", &r.out);
	rig_expect(&r, "ff03c02100030010" RIG_MAGIC OUI "0301627965");
	rig_expect_silence(&r);
	assert_int_equal(rig_feed(&r, SUBSCRIBE), 0); /* once is enough */
}

static void description_is_cut_to_the_peers_mru(void **state)
{
	static char text[4000];
	struct rig r;
	size_t len, at = 0, n = 0;
	uint8_t *msg;

	memset(text, 'x', sizeof(text));
	open_server(&r);
	for (; at < sizeof(text); n++) {
		at = describe(&r, text, sizeof(text), at);
		assert_true(outbox_next(&r.out, &r.read, &msg, &len));
		assert_in_range(len, 1, PPP_FRAME_HEADER + 1500);
		rig_expect_silence(&r);
	}
	assert_int_equal(n, 3);
}

static void reason_of_a_close_is_cut_to_what_fits(void **state)
{
	char why[400];
	struct rig r;
	uint8_t *msg;
	size_t len;

	memset(why, 'x', sizeof(why));
	why[sizeof(why) - 1] = '\0';
	open_server(&r);
	describe(&r, "", 0, 0);
	rig_skip(&r);
	link_announce_close(&r.link, 1, why, &r.out);
	assert_true(outbox_next(&r.out, &r.read, &msg, &len));
	assert_int_equal(len, 8 + 9 + VENDOR_REASON_MAX);
}

static void subscription_before_the_link_is_open_is_nothing(void **state)
{
	struct rig r;

	rig_server_authenticated(&r);
	assert_int_equal(rig_feed(&r, SUBSCRIBE), 0);
	assert_false(link_is_subscribed(&r.link));
	rig_expect_silence(&r);
}

static void subscription_ends_with_the_link(void **state)
{
	struct rig r;

	open_server(&r);
	assert_int_equal(link_down(&r.link), LINK_EV_DOWN);
	assert_false(link_is_subscribed(&r.link));
	assert_int_equal(describe(&r, "abc", 3, 0), 0);
	rig_expect_silence(&r);
}

static void code_0_of_another_vendor_is_rejected(void **state)
{
	struct rig r;

	rig_server_open(&r);
	assert_int_equal(rig_feed(&r, "ff03c0210009000c" RIG_PEER_MAGIC "00000c01"), 0);
	rig_expect(&r, "ff03c02107020010"
		       "0009000c" RIG_PEER_MAGIC "00000c01");
}

static void malformed_packets_of_ours_are_counted_and_get_no_answer(void **state)
{
	struct rig r;
	unsigned before;

	rig_server_open(&r);
	before = link_malformed(&r.link);
	assert_int_equal(rig_feed(&r, "ff03c0210009000c" RIG_PEER_MAGIC OUI "63"), 0);
	assert_int_equal(rig_feed(&r, "ff03c0210009000c" RIG_PEER_MAGIC OUI "02"), 0);
	rig_expect_silence(&r);
	assert_int_equal(link_malformed(&r.link), before + 2);
}

static void server_takes_no_description_and_no_close(void **state)
{
	struct rig r;

	open_server(&r);
	assert_int_equal(rig_feed(&r, DESCRIPTION), 0);
	assert_int_equal(rig_feed(&r, CLOSE), 0);
	rig_expect_silence(&r);
	assert_null(r.link.description.bytes);
}

static void client_gets_its_description(void **state)
{
	const char *text;
	struct rig r;
	size_t len;

	open_client(&r);
	assert_int_equal(
		rig_feed(&r, "ff03c02100090016" RIG_PEER_MAGIC OUI "0200000003000000006162"), 0);
	assert_int_equal(rig_feed(&r, "ff03c02100090015" RIG_PEER_MAGIC OUI "02000000030000000263"),
			 LINK_EV_DESCRIPTION);
	text = link_description(&r.link, &len);
	assert_int_equal(len, 3);
	assert_memory_equal(text, "abc", 3);
	rig_expect_silence(&r);
	link_done(&r.link);
}

static void client_is_told_why_it_is_closed(void **state)
{
	struct rig r;

	open_client(&r);
	assert_int_equal(rig_feed(&r, CLOSE), LINK_EV_CLOSE);
	assert_int_equal(link_close_code(&r.link), 1);
	assert_string_equal(link_reason(&r.link), "the gateway closes the connection: \"bye\"");
	assert_true(link_is_up(&r.link));
}

static void client_that_did_not_ask_takes_nothing(void **state)
{
	struct rig r;

	rig_client_open(&r);
	assert_int_equal(rig_feed(&r, DESCRIPTION), 0);
	assert_int_equal(rig_feed(&r, CLOSE), 0);
	assert_null(r.link.description.bytes);
	rig_expect_silence(&r);
}

/* As every other SSTP server answers: it is not asked again, and the link goes on. */
static void code_reject_of_a_subscription_is_harmless(void **state)
{
	struct rig r;

	open_client(&r);
	assert_int_equal(rig_feed(&r, "ff03c02107090010"
				      "0003000c" RIG_MAGIC OUI "01"),
			 0);
	rig_expect_silence(&r);
	assert_true(link_is_up(&r.link));
	assert_int_equal(rig_feed(&r, DESCRIPTION), 0);
	assert_int_equal(rig_feed(&r, CLOSE), 0);
	assert_true(link_is_up(&r.link));
	rig_feed(&r, "ff03c02109070008345f64ca");
	rig_expect(&r, "ff03c0210a070008" RIG_MAGIC);
}

static void hostile_descriptions_leave_the_link_as_it_is(void **state)
{
	static const char *const hostile[] = {
		"0000000600000003616263", /* a gap */
		"ffffffff00000000616263", /* endless */
		"0000000300000001626364", /* past its end */
		"00000003fffffffe616263", "000000030000000061626364",
	};
	struct rig r;

	open_client(&r);
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		char frame[128];

		snprintf(frame, sizeof(frame), "ff03c0210009%04zx" RIG_PEER_MAGIC OUI "02%s",
			 4 + 8 + strlen(hostile[i]) / 2, hostile[i]);
		assert_int_equal(rig_feed(&r, frame), 0);
		rig_expect_silence(&r);
	}
	assert_int_equal(link_malformed(&r.link), 5);
	assert_int_equal(rig_feed(&r, DESCRIPTION), LINK_EV_DESCRIPTION);
	link_done(&r.link);
}

/* ---- probes ---- */

#define TRACE_VALUE "00000007cafe00010050ee49040a140002"
#define TRACED_VALUE                                     \
	"0102000000000001000000fe0000000200000001000000" \
	"00"
#define TRACE_FROM_PEER "ff03c0210009001d" RIG_PEER_MAGIC OUI "05" TRACE_VALUE
#define TRACED_FROM_PEER                           \
	"ff03c02100090028" RIG_PEER_MAGIC OUI "06" \
	"00000007" TRACED_VALUE

static const struct vendor_trace question = {
	.id = 7, .number = 0xcafe0001, .port = 80, .own = 61001, .to = {4, {10, 20, 0, 2}}};

static void ask_for_probe(struct rig *r)
{
	outbox_clear(&r->out);
	r->read = 0;
	assert_true(link_trace(&r->link, &question, &r->out));
	rig_expect(r, "ff03c0210002001d" RIG_MAGIC OUI "05" TRACE_VALUE);
}

static void server_that_has_asked_for_a_probe_takes_one_answer(void **state)
{
	struct rig r;
	size_t len;

	open_server(&r);
	ask_for_probe(&r);
	assert_int_equal(rig_feed(&r, TRACED_FROM_PEER), LINK_EV_TRACED);
	assert_non_null(link_in_band(&r.link, &len));
	assert_int_equal(len, 28);
	assert_int_equal(link_malformed(&r.link), 0);
	assert_int_equal(rig_feed(&r, TRACED_FROM_PEER), 0);
	assert_int_equal(link_malformed(&r.link), 1);
	rig_expect_silence(&r);
}

static void answers_that_nobody_asked_for_are_malformed(void **state)
{
	struct rig r;

	open_server(&r);
	assert_int_equal(rig_feed(&r, TRACED_FROM_PEER), 0);
	ask_for_probe(&r);
	assert_int_equal(rig_feed(&r, "ff03c02100090028" RIG_PEER_MAGIC OUI "06"
				      "00000008" TRACED_VALUE),
			 0);
	assert_int_equal(rig_feed(&r, "ff03c02100090010" RIG_PEER_MAGIC OUI "0600000007"), 0);
	assert_int_equal(link_malformed(&r.link), 3);
	assert_int_equal(rig_feed(&r, TRACED_FROM_PEER), LINK_EV_TRACED);
	assert_true(link_is_up(&r.link));
}

static void peer_that_has_not_subscribed_is_not_asked_and_not_heard(void **state)
{
	struct rig r;

	rig_server_open(&r);
	assert_false(link_trace(&r.link, &question, &r.out));
	rig_expect_silence(&r);
	assert_int_equal(rig_feed(&r, TRACED_FROM_PEER), 0);
	assert_int_equal(link_malformed(&r.link), 1);
	assert_int_equal(rig_feed(&r, TRACE_FROM_PEER), 0); /* the wrong way round */
	rig_expect_silence(&r);
}

static void client_is_asked_for_a_probe_and_answers(void **state)
{
	const struct vendor_traced answer = {.id = 7,
					     .route = 1,
					     .outcome = 2,
					     .took_us = 1,
					     .table = 254,
					     .sent = 2,
					     .received = 1};
	struct rig r;
	size_t len;

	open_client(&r);
	assert_int_equal(rig_feed(&r, TRACE_FROM_PEER), LINK_EV_TRACE);
	assert_non_null(link_in_band(&r.link, &len));
	assert_int_equal(len, 17);
	rig_expect_silence(&r);
	outbox_clear(&r.out);
	r.read = 0;
	link_traced(&r.link, &answer, &r.out);
	rig_expect(&r, "ff03c02100040028" RIG_MAGIC OUI "06"
		       "00000007" TRACED_VALUE);
	assert_int_equal(rig_feed(&r, TRACED_FROM_PEER), 0); /* the wrong way round */
	assert_int_equal(rig_feed(&r, "ff03c02100090010" RIG_PEER_MAGIC OUI "0500000007"), 0);
	assert_int_equal(link_malformed(&r.link), 1);
}

static void client_that_did_not_subscribe_is_not_asked_for_probes(void **state)
{
	struct rig r;

	rig_client_open(&r);
	assert_int_equal(rig_feed(&r, TRACE_FROM_PEER), 0);
	rig_expect_silence(&r);
}

/* ---- is the gateway there? ---- */

static void client_misses_a_gateway_that_falls_silent_within_8_s(void **state)
{
	struct rig r;

	open_client(&r);
	rig_feed(&r, "ff03c0210a020008" RIG_PEER_MAGIC);
	assert_int_equal(rig_wait(&r, 1999), 0);
	rig_expect_silence(&r);
	assert_int_equal(rig_wait(&r, 6000), 0);
	assert_int_equal(rig_skip(&r), 3);
	assert_int_equal(rig_wait(&r, 1), LINK_EV_DOWN | LINK_EV_FINISHED | LINK_EV_SILENT);
	rig_expect_silence(&r);
	assert_string_equal(link_reason(&r.link), "the peer answers no echo request");
}

static void answered_echoes_keep_a_client_up(void **state)
{
	struct rig r;

	open_client(&r);
	for (int i = 0; i < 100; i++) {
		rig_feed(&r, "ff03c0210a020008" RIG_PEER_MAGIC);
		assert_int_equal(rig_wait(&r, 2000), 0);
		assert_int_equal(rig_skip(&r), 1);
	}
}

static void server_that_answers_no_echo_at_all_is_not_given_up(void **state)
{
	struct rig r;

	open_client(&r);
	assert_int_equal(rig_wait(&r, 6000), 0);
	assert_int_equal(rig_skip(&r), 3);
	assert_int_equal(rig_wait(&r, 1000000), 0);
	rig_expect_silence(&r);
	assert_true(link_is_up(&r.link));
}

static void server_that_rejects_echoes_is_not_asked_again(void **state)
{
	struct rig r;

	open_client(&r);
	rig_feed(&r, "ff03c0210709000c"
		     "09020008" RIG_MAGIC);
	assert_int_equal(rig_wait(&r, 1000000), 0);
	rig_expect_silence(&r);
	assert_true(link_is_up(&r.link));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(server_tells_nobody_who_has_not_subscribed),
		cmocka_unit_test(server_describes_and_closes_who_has_subscribed),
		cmocka_unit_test(description_is_cut_to_the_peers_mru),
		cmocka_unit_test(reason_of_a_close_is_cut_to_what_fits),
		cmocka_unit_test(subscription_before_the_link_is_open_is_nothing),
		cmocka_unit_test(subscription_ends_with_the_link),
		cmocka_unit_test(code_0_of_another_vendor_is_rejected),
		cmocka_unit_test(malformed_packets_of_ours_are_counted_and_get_no_answer),
		cmocka_unit_test(server_takes_no_description_and_no_close),
		cmocka_unit_test(client_gets_its_description),
		cmocka_unit_test(client_is_told_why_it_is_closed),
		cmocka_unit_test(client_that_did_not_ask_takes_nothing),
		cmocka_unit_test(code_reject_of_a_subscription_is_harmless),
		cmocka_unit_test(hostile_descriptions_leave_the_link_as_it_is),
		cmocka_unit_test(server_that_has_asked_for_a_probe_takes_one_answer),
		cmocka_unit_test(answers_that_nobody_asked_for_are_malformed),
		cmocka_unit_test(peer_that_has_not_subscribed_is_not_asked_and_not_heard),
		cmocka_unit_test(client_is_asked_for_a_probe_and_answers),
		cmocka_unit_test(client_that_did_not_subscribe_is_not_asked_for_probes),
		cmocka_unit_test(client_misses_a_gateway_that_falls_silent_within_8_s),
		cmocka_unit_test(answered_echoes_keep_a_client_up),
		cmocka_unit_test(server_that_answers_no_echo_at_all_is_not_given_up),
		cmocka_unit_test(server_that_rejects_echoes_is_not_asked_again),
	};

	return cmocka_run_group_tests_name("ppp/in_band", tests, NULL, NULL);
}

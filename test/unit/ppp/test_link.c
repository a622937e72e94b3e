/* SPDX-License-Identifier: Apache-2.0 */
/* What the link itself decides: which frame when, Protocol-Reject, and the order of the phases. */
#include <stdio.h>
#include <string.h>

#include "test/support/hex.h"
#include "test/unit/ppp/rig.h"

static const char ccp[] = "ff0380fd0107000a120601000040";
static const char ipv6cp[] = "ff0380570106000e010a0123456789abcdef";

static void P70_ccp_is_protocol_rejected_at_once(void **state)
{
	struct rig r;

	rig_server_open(&r);
	rig_feed(&r, ipv6cp);
	rig_expect(&r, "ff03c0210802001480570106000e010a0123456789abcdef");
	rig_feed(&r, ccp);
	rig_expect(&r, "ff03c0210803001080fd0107000a120601000040");
	rig_expect_silence(&r);
}

static void P71_mppe_in_ccp_is_no_reason_to_negotiate_it(void **state)
{
	struct rig r;

	rig_server_authenticated(&r);
	rig_feed(&r, ccp);
	rig_expect(&r, "ff03c0210802001080fd0107000a120601000040");
}

static void P72_ipv6cp_terminate_request_leaves_ipv4_up(void **state)
{
	struct rig r;

	rig_server_open(&r);
	assert_int_equal(rig_feed(&r, "ff03805705090004"), 0);
	rig_expect(&r, "ff03c0210802000a805705090004");
	assert_true(link_is_up(&r.link));
}

static void P69_known_protocols_out_of_phase_get_no_reject(void **state)
{
	static const char *const early[] = {
		"ff03c0230103000e04746573740474657374", /* PAP, MS-CHAPv2 being agreed on */
		"ff03c2270101000501",			/* EAP */
		"ff0380210101000a030600000000",		/* IPCP */
		"ff03002145000014",			/* IPv4 */
		"ff03005760000000",			/* IPv6 */
	};
	struct rig r;

	rig_server_lcp(&r, LINK_AUTH_MSCHAPV2);
	for (size_t i = 0; i < sizeof(early) / sizeof(early[0]); i++) {
		assert_int_equal(rig_feed(&r, early[i]), 0);
		rig_expect_silence(&r);
	}
}

static void unknown_protocols_get_no_reject_before_lcp_is_open(void **state)
{
	struct rig r;

	rig_init(&r, LINK_SERVER, LINK_AUTH_MSCHAPV2, RIG_MAGIC);
	rig_up(&r);
	rig_feed(&r, ccp);
	rig_expect_silence(&r);
	rig_feed(&r, "ff03c02101000004");
	rig_skip(&r);
	rig_feed(&r, ccp);
	rig_expect_silence(&r);
}

static void X23_protocol_reject_goes_out_once_a_second_and_protocol(void **state)
{
	struct rig r;

	rig_server_open(&r);
	rig_feed(&r, ccp);
	rig_expect_start(&r, "ff03c02108");
	for (int i = 0; i < 100; i++)
		rig_feed(&r, ccp);
	rig_expect_silence(&r);
	rig_feed(&r, ipv6cp);
	rig_expect_start(&r, "ff03c02108");
	rig_wait(&r, 1000);
	rig_feed(&r, ccp);
	rig_expect_start(&r, "ff03c02108");
}

static size_t flood(struct rig *r, int first, int count)
{
	size_t replies = 0;
	char hex[32];

	for (int i = 0; i < count; i++) {
		snprintf(hex, sizeof(hex), "ff03%02x0301010004", 0x90 + 2 * (first + i) % 0x20);
		rig_feed(r, hex);
		replies += rig_skip(r);
	}
	return replies;
}

static void X23_many_protocols_draw_eight_rejects_a_second(void **state)
{
	struct rig r;

	rig_server_open(&r);
	assert_int_equal(flood(&r, 0, 16), 8);
	rig_wait(&r, 1000);
	assert_int_equal(flood(&r, 0, 16), 8);
}

static void X23_a_stranger_draws_16_protocol_rejects_in_total(void **state)
{
	struct rig r;
	size_t replies = 0;

	rig_server_lcp(&r, LINK_AUTH_MSCHAPV2);
	for (int second = 0; second < 5; second++) {
		replies += flood(&r, 0, 8);
		rig_wait(&r, 1000);
		rig_skip(&r);
	}
	assert_int_equal(replies, 16);
}

static void X05_protocol_reject_of_a_full_frame_stays_within_the_mru(void **state)
{
	static const size_t mrus[][2] = {{576, 576}, {65535, 4087}};
	static uint8_t frame[4091] = {0xff, 3, 0x80, 0xfd, 1, 1};

	for (size_t i = 0; i < 2; i++) {
		struct rig r;
		char hex[64];
		uint8_t *msg;
		size_t len;

		rig_init(&r, LINK_SERVER, LINK_AUTH_MSCHAPV2, RIG_MAGIC);
		rig_up(&r);
		snprintf(hex, sizeof(hex), "ff03c021010100080104%04zx", mrus[i][0]);
		rig_feed(&r, hex);
		rig_skip(&r);
		rig_ack(&r, "ff03c02101010013010405dc0305c223810506" RIG_MAGIC);
		rig_skip(&r);
		rig_feed_bytes(&r, frame, sizeof(frame));
		assert_true(outbox_next(&r.out, &r.read, &msg, &len));
		assert_int_equal(len, PPP_FRAME_HEADER + mrus[i][1]);
		assert_int_equal(link_peer_mru(&r.link), mrus[i][1]);
	}
}

static void P40_largest_packet_is_swallowed_when_it_is_to_be_discarded(void **state)
{
	static const uint8_t frame[4091] = {0xff, 3, 0xc0, 0x21, LCP_DISCARD, 1, 0x0f, 0xf7};
	struct rig r;

	rig_server_open(&r);
	assert_int_equal(rig_feed_bytes(&r, frame, sizeof(frame)), 0);
	rig_expect_silence(&r);
	assert_int_equal(link_malformed(&r.link), 0);
	assert_true(link_is_up(&r.link));
}

static void X16_frames_of_0_to_3_bytes_are_dropped(void **state)
{
	static const char *const tiny[] = {"",	 "ff",	 "ff03",   "ff03c0",
					   "c0", "c021", "c02101", "21"};
	struct rig r;

	rig_server_open(&r);
	for (size_t i = 0; i < sizeof(tiny) / sizeof(tiny[0]); i++) {
		assert_int_equal(rig_feed(&r, tiny[i]), 0);
		rig_expect_silence(&r);
	}
	assert_int_equal(link_malformed(&r.link), 7); /* "21" is empty IPv4: the session's */
}

static void X31_ipcp_before_authentication_gets_no_ack(void **state)
{
	struct rig r;

	rig_server_lcp(&r, LINK_AUTH_MSCHAPV2);
	rig_feed(&r, "ff0380210101000a03060a000005");
	rig_expect_silence(&r);
	rig_feed(&r, rig_response);
	rig_feed(&r, "ff0380210101000a03060a000005");
	rig_expect_silence(&r);
	assert_false(link_is_up(&r.link));
	assert_int_equal(rig_address(&r, "10.0.0.1", "10.0.0.5", NULL, NULL), 0);
	rig_expect_silence(&r);
}

static void X31_client_opens_no_ipcp_before_the_server_has_proved_itself(void **state)
{
	struct rig r;

	rig_client_lcp(&r, LINK_AUTH_MSCHAPV2);
	rig_feed(&r, "ff0380210101000a03060a000001");
	rig_expect_silence(&r);
	rig_feed(&r, "ff03c2230101001710" RIG_CHALLENGE "6777");
	rig_skip(&r);
	rig_feed(&r, "ff0380210101000a03060a000001");
	rig_expect_silence(&r);
}

static void client_is_authenticated(struct rig *r)
{
	rig_client_lcp(r, LINK_AUTH_MSCHAPV2);
	rig_feed(r, "ff03c2230101001710" RIG_CHALLENGE "6777");
	rig_skip(r);
	assert_int_equal(rig_feed(r, rig_success), LINK_EV_AUTH_OK);
}

/* CALL_CONNECTED, which the session sends now, comes before the first IPCP packet. */
static void client_begins_ipcp_in_the_call_after_authentication(void **state)
{
	struct rig r;

	client_is_authenticated(&r);
	rig_expect_silence(&r);
	assert_int_equal(link_deadline(&r.link), r.now);
	rig_wait(&r, 0);
	rig_expect(&r, "ff03802101010016030600000000810600000000830600000000");
	assert_int_equal(link_deadline(&r.link), r.now + CP_RESTART_NS);
}

static void servers_first_ipcp_packet_begins_ipcp_of_the_client(void **state)
{
	struct rig r;

	client_is_authenticated(&r);
	rig_feed(&r, "ff0380210101000a03060a000001");
	rig_expect(&r, "ff03802101010016030600000000810600000000830600000000");
	rig_expect(&r, "ff0380210201000a03060a000001");
	rig_wait(&r, 0);
	rig_expect_silence(&r);
}

static void client_closed_before_ipcp_begins_never_begins_it(void **state)
{
	struct rig r;

	client_is_authenticated(&r);
	assert_int_equal(rig_close(&r, NULL), 0);
	rig_expect_start(&r, "ff03c02105");
	rig_wait(&r, 0);
	rig_expect_silence(&r);
}

static void P82_ipv6cp_before_ipcp_does_not_disturb(void **state)
{
	struct rig r;

	rig_server_authenticated(&r);
	rig_address(&r, "10.0.0.1", "10.0.0.5", NULL, NULL);
	rig_skip(&r);
	rig_feed(&r, ipv6cp);
	rig_expect_start(&r, "ff03c02108");
	rig_feed(&r, "ff0380210107000a03060a000005");
	rig_expect(&r, "ff0380210207000a03060a000005");
	assert_int_equal(rig_feed(&r, "ff0380210201000a03060a000001"), LINK_EV_UP);
}

static void link_is_established_from_lcp_s_opening_to_its_end(void **state)
{
	struct rig r;

	rig_init(&r, LINK_SERVER, LINK_AUTH_MSCHAPV2, RIG_MAGIC RIG_CHALLENGE);
	rig_up(&r);
	assert_false(link_is_established(&r.link));
	rig_server_lcp(&r, LINK_AUTH_MSCHAPV2);
	assert_true(link_is_established(&r.link));
	rig_server_authenticated(&r);
	assert_true(link_is_established(&r.link));
	rig_server_open(&r);
	assert_true(link_is_established(&r.link));
	rig_close(&r, NULL);
	rig_skip(&r);
	assert_false(link_is_established(&r.link));
}

static void a_link_that_is_not_open_after_90_s_is_terminated(void **state)
{
	struct rig r;
	char hex[64];
	int seconds = 0;

	/* a peer that keeps LCP busy: it asks for another MRU each time LCP has opened */
	rig_init(&r, LINK_SERVER, LINK_AUTH_MSCHAPV2, RIG_MAGIC RIG_CHALLENGE);
	rig_up(&r);
	for (int round = 0; r.link.phase < LINK_PHASE_TERMINATE; round++) {
		snprintf(hex, sizeof(hex), "ff03c0210101000801040%03x", 0x300 + round);
		rig_feed(&r, hex);
		rig_skip(&r);
		snprintf(hex, sizeof(hex), "ff03c02101%02x0013010405dc0305c223810506" RIG_MAGIC,
			 r.link.lcp.cp.sent_id);
		rig_ack(&r, hex);
		rig_skip(&r);
		rig_wait(&r, 1000);
		rig_skip(&r);
		seconds++;
	}
	assert_int_equal(seconds, 90);
	assert_int_equal(rig_wait(&r, 6000), LINK_EV_FINISHED);
	rig_skip(&r);
}

static void closing_during_authentication_finishes_without_an_opinion(void **state)
{
	struct rig r;

	rig_server_lcp(&r, LINK_AUTH_MSCHAPV2);
	assert_int_equal(rig_close(&r, NULL), 0);
	rig_expect(&r, "ff03c02105020004");
	assert_int_equal(rig_feed(&r, rig_response), 0);
	rig_expect_silence(&r);
	assert_int_equal(rig_feed(&r, "ff03c02106020004"), LINK_EV_FINISHED);
	assert_int_equal(link_deadline(&r.link), CLOCK_NEVER);
}

static void finished_link_does_not_begin_anew(void **state)
{
	struct rig r;

	rig_server_open(&r);
	rig_close(&r, NULL);
	rig_skip(&r);
	assert_int_equal(rig_feed(&r, "ff03c02106020004"), LINK_EV_FINISHED);
	assert_int_equal(rig_feed(&r, "ff03c0210101000a0506" RIG_PEER_MAGIC), 0);
	rig_expect(&r, "ff03c02106010004");
	rig_feed(&r, rig_response);
	rig_expect_silence(&r);
	assert_int_equal(rig_close(&r, NULL), 0);
	rig_expect_silence(&r);
}

static void a_full_outbox_loses_frames_not_the_link(void **state)
{
	uint8_t small[OUTBOX_HEADROOM + 8];
	struct outbox none = outbox(small, sizeof(small));
	struct rig r;

	rig_init(&r, LINK_SERVER, LINK_AUTH_MSCHAPV2, RIG_MAGIC RIG_CHALLENGE);
	rig_up(&r);
	r.now += CLOCK_NS_PER_S;
	assert_int_equal(link_on_timer(&r.link, r.now, &none), 0);
	assert_int_equal(none.dropped, 1);
	rig_wait(&r, 3000);
	rig_expect(&r, "ff03c02101010013010405dc0305c223810506" RIG_MAGIC);
}

static void farewell_is_told_to_the_peer_and_its_own_is_the_reason(void **state)
{
	struct rig r;

	rig_server_lcp(&r, LINK_AUTH_MSCHAPV2);
	rig_skip(&r);
	rig_close(&r, "bye");
	rig_expect(&r, "ff03c02105020007627965");
	rig_server_lcp(&r, LINK_AUTH_MSCHAPV2);
	rig_skip(&r);
	rig_feed(&r, "ff03c02105090008676f0a74");
	assert_string_equal(link_reason(&r.link), "the peer ended the link: \"go\\x0at\"");
}

static void context_of_another_name_takes_the_first_one_s_place(void **state)
{
	char first, second; /* nothing is asked of them before the link is up */
	struct link_params params = {.role = LINK_SERVER,
				     .auth = LINK_AUTH_EAP_TLS,
				     .random = &random_system,
				     .eap_tls = (struct eap_tls_ctx *)&first};
	struct link l;

	link_init(&l, &params);
	link_set_eap_tls(&l, (struct eap_tls_ctx *)&second);
	assert_ptr_equal(l.params.eap_tls, &second);
	assert_ptr_equal(l.auth.params.eap_tls, &second);
	link_done(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(link_is_established_from_lcp_s_opening_to_its_end),
		cmocka_unit_test(context_of_another_name_takes_the_first_one_s_place),
		cmocka_unit_test(P70_ccp_is_protocol_rejected_at_once),
		cmocka_unit_test(P71_mppe_in_ccp_is_no_reason_to_negotiate_it),
		cmocka_unit_test(P72_ipv6cp_terminate_request_leaves_ipv4_up),
		cmocka_unit_test(P69_known_protocols_out_of_phase_get_no_reject),
		cmocka_unit_test(unknown_protocols_get_no_reject_before_lcp_is_open),
		cmocka_unit_test(X23_protocol_reject_goes_out_once_a_second_and_protocol),
		cmocka_unit_test(X23_many_protocols_draw_eight_rejects_a_second),
		cmocka_unit_test(X23_a_stranger_draws_16_protocol_rejects_in_total),
		cmocka_unit_test(X05_protocol_reject_of_a_full_frame_stays_within_the_mru),
		cmocka_unit_test(P40_largest_packet_is_swallowed_when_it_is_to_be_discarded),
		cmocka_unit_test(X16_frames_of_0_to_3_bytes_are_dropped),
		cmocka_unit_test(X31_ipcp_before_authentication_gets_no_ack),
		cmocka_unit_test(X31_client_opens_no_ipcp_before_the_server_has_proved_itself),
		cmocka_unit_test(client_begins_ipcp_in_the_call_after_authentication),
		cmocka_unit_test(servers_first_ipcp_packet_begins_ipcp_of_the_client),
		cmocka_unit_test(client_closed_before_ipcp_begins_never_begins_it),
		cmocka_unit_test(P82_ipv6cp_before_ipcp_does_not_disturb),
		cmocka_unit_test(a_link_that_is_not_open_after_90_s_is_terminated),
		cmocka_unit_test(closing_during_authentication_finishes_without_an_opinion),
		cmocka_unit_test(finished_link_does_not_begin_anew),
		cmocka_unit_test(a_full_outbox_loses_frames_not_the_link),
		cmocka_unit_test(farewell_is_told_to_the_peer_and_its_own_is_the_reason),
	};

	return cmocka_run_group_tests_name("ppp/link", tests, NULL, NULL);
}

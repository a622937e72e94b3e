/* SPDX-License-Identifier: Apache-2.0 */
/* LCP as the server's and the client's peers meet it, packet by packet. */
#include <stdio.h>

#include "test/support/hex.h"
#include "test/unit/ppp/rig.h"

static const char own_request[] = "ff03c02101010013010405dc0305c223810506" RIG_MAGIC;
static const char peer_request[] = "ff03c0210101000a0506" RIG_PEER_MAGIC;
static const char peer_request_acked[] = "ff03c0210201000a0506" RIG_PEER_MAGIC;

static void start_server(struct rig *r, unsigned auth)
{
	rig_init(r, LINK_SERVER, auth, RIG_MAGIC RIG_CHALLENGE);
	assert_int_equal(rig_up(r), 0);
}

/* Both Configure-Requests are out; ours is not answered yet. */
static void start_negotiating(struct rig *r)
{
	start_server(r, LINK_AUTH_MSCHAPV2);
	assert_int_equal(rig_feed(r, peer_request), 0);
	rig_expect(r, own_request);
	rig_expect(r, peer_request_acked);
}

static void start_client(struct rig *r, unsigned auth)
{
	rig_init(r, LINK_CLIENT, auth, RIG_MAGIC);
	assert_int_equal(rig_up(r), 0);
	rig_expect(r, "ff03c0210101000e010405dc0506" RIG_MAGIC);
}

static void P52_server_waits_a_second_for_the_client_to_speak_first(void **state)
{
	struct rig r;

	start_server(&r, LINK_AUTH_MSCHAPV2);
	assert_int_equal(rig_wait(&r, 999), 0);
	rig_expect_silence(&r);
	assert_int_equal(rig_wait(&r, 1), 0);
	rig_expect(&r, own_request);
	rig_expect_silence(&r);
}

static void P52_server_speaks_at_once_when_the_client_has(void **state)
{
	struct rig r;

	start_server(&r, LINK_AUTH_MSCHAPV2);
	assert_int_equal(rig_wait(&r, 300), 0);
	assert_int_equal(rig_feed(&r, peer_request), 0);
	rig_expect(&r, own_request);
	rig_expect(&r, peer_request_acked);
	rig_expect_silence(&r);
}

static void client_speaks_at_once(void **state)
{
	struct rig r;

	start_client(&r, LINK_AUTH_MSCHAPV2);
	rig_expect_silence(&r);
}

/* As a Windows client does: MRU 4091, magic, PFC, ACFC, callback; then without the last three. */
static void windows_client_gets_options_7_8_and_13_rejected(void **state)
{
	struct rig r;

	start_server(&r, LINK_AUTH_MSCHAPV2);
	rig_feed(&r, "ff03c0210100001501040ffb0506345f64ca070208020d0306");
	rig_expect(&r, own_request);
	rig_expect(&r, "ff03c0210400000b070208020d0306");
	rig_expect_silence(&r);
	rig_feed(&r, "ff03c0210101000e01040ffb0506345f64ca");
	rig_expect(&r, "ff03c0210201000e01040ffb0506345f64ca");
	rig_expect_silence(&r);
	assert_int_equal(link_peer_mru(&r.link), 4087);
}

static void pppd_client_gets_only_pfc_and_acfc_rejected(void **state)
{
	struct rig r;

	start_server(&r, LINK_AUTH_MSCHAPV2);
	rig_feed(&r, "ff03c02101010014020600000000050604e6480507020802");
	rig_expect(&r, own_request);
	rig_expect(&r, "ff03c0210401000807020802");
	rig_feed(&r, "ff03c02101020010020600000000050604e64805");
	rig_expect(&r, "ff03c02102020010020600000000050604e64805");
	assert_int_equal(link_peer_mru(&r.link), 1500);
}

static void requests_offer_the_first_method_allowed(void **state)
{
	struct rig r;

	start_server(&r, LINK_AUTH_MSCHAPV2 | LINK_AUTH_PAP);
	rig_wait(&r, 1000);
	rig_expect(&r, own_request);
	start_server(&r, LINK_AUTH_PAP);
	rig_wait(&r, 1000);
	rig_expect(&r, "ff03c02101010012010405dc0304c0230506" RIG_MAGIC);
	start_server(&r, LINK_AUTH_EAP_MSCHAPV2 | LINK_AUTH_MSCHAPV2 | LINK_AUTH_PAP);
	rig_wait(&r, 1000);
	rig_expect(&r, own_request);
	start_server(&r, LINK_AUTH_EAP_MSCHAPV2 | LINK_AUTH_PAP);
	rig_wait(&r, 1000);
	rig_expect(&r, "ff03c02101010012010405dc0304c2270506" RIG_MAGIC);
	/* EAP-TLS without a certificate is not to be had */
	start_server(&r, LINK_AUTH_EAP_TLS | LINK_AUTH_PAP);
	rig_wait(&r, 1000);
	rig_expect(&r, "ff03c02101010012010405dc0304c0230506" RIG_MAGIC);
}

static void P56_reject_of_the_magic_number_is_accepted(void **state)
{
	struct rig r;

	start_server(&r, LINK_AUTH_MSCHAPV2);
	rig_feed(&r, "ff03c02101000008010405dc");
	rig_expect(&r, own_request);
	rig_expect(&r, "ff03c02102000008010405dc");
	rig_feed(&r, "ff03c0210401000a0506" RIG_MAGIC);
	rig_expect(&r, "ff03c0210102000d010405dc0305c22381");
	rig_feed(&r, "ff03c0210202000d010405dc0305c22381");
	rig_expect_start(&r, "ff03c2230101");
	/* and our echo is without a magic number from now on */
	rig_feed(&r, "ff03c02109070008345f64ca");
	rig_expect(&r, "ff03c0210a07000800000000");
}

static void P57_nak_of_our_mru_is_followed(void **state)
{
	struct rig r;

	start_negotiating(&r);
	rig_feed(&r, "ff03c0210301000801040578");
	rig_expect(&r, "ff03c02101020013010405780305c223810506" RIG_MAGIC);
	rig_feed(&r, "ff03c0210302000801040100");
	rig_expect(&r, "ff03c02101030013010405780305c223810506" RIG_MAGIC);
	rig_feed(&r, "ff03c0210403000801040578");
	rig_expect(&r, "ff03c0210104000f0305c223810506" RIG_MAGIC);
}

static void P58_callback_option_is_rejected(void **state)
{
	struct rig r;

	start_server(&r, LINK_AUTH_MSCHAPV2);
	rig_feed(&r, "ff03c021010500070d0306");
	rig_expect(&r, own_request);
	rig_expect(&r, "ff03c021040500070d0306");
}

static void P59_empty_request_gets_an_empty_ack(void **state)
{
	struct rig r;

	start_server(&r, LINK_AUTH_MSCHAPV2);
	rig_feed(&r, "ff03c02101000004");
	rig_expect(&r, own_request);
	rig_expect(&r, "ff03c02102000004");
	rig_feed(&r, "ff03c02101000004");
	rig_expect(&r, "ff03c02102000004");
}

static void P59_nothing_but_lcp_before_both_directions_are_acked(void **state)
{
	struct rig r;

	start_negotiating(&r);
	rig_expect_silence(&r);
	rig_wait(&r, 2999);
	rig_expect_silence(&r);
	rig_ack(&r, own_request);
	rig_expect_start(&r, "ff03c2230101");

	start_server(&r, LINK_AUTH_MSCHAPV2);
	rig_wait(&r, 1000);
	rig_expect(&r, own_request);
	rig_ack(&r, own_request);
	rig_expect_silence(&r);
	rig_feed(&r, peer_request);
	rig_expect(&r, peer_request_acked);
	rig_expect_start(&r, "ff03c2230101");
}

static void P60_identification_and_time_remaining_get_no_reply(void **state)
{
	struct rig r;

	start_negotiating(&r);
	rig_feed(&r, "ff03c0210c030012345f64ca4d5352415356352e3230");
	rig_expect_silence(&r);
	rig_ack(&r, own_request);
	rig_skip(&r);
	rig_feed(&r, "ff03c0210c030012345f64ca4d5352415356352e3230");
	rig_feed(&r, "ff03c0210d04000c345f64ca00000e10");
	rig_feed(&r, "ff03c0210b050008345f64ca");
	rig_expect_silence(&r);
}

static void P61_echo_reply_is_cut_to_the_peers_mru(void **state)
{
	uint8_t frame[1408] = {0xff, 3, 0xc0, 0x21, 9, 1, 1404 >> 8, 1404 & 255, 1, 2, 3, 4};
	struct rig r;
	uint8_t *msg;
	size_t len;

	start_server(&r, LINK_AUTH_MSCHAPV2);
	rig_feed(&r, "ff03c0210101000801040240");
	rig_skip(&r);
	rig_ack(&r, own_request);
	rig_skip(&r);
	rig_feed_bytes(&r, frame, sizeof(frame));
	assert_true(outbox_next(&r.out, &r.read, &msg, &len));
	assert_int_equal(len, PPP_FRAME_HEADER + 576);
	assert_int_equal(msg[6] << 8 | msg[7], 576);
}

static void P62_no_request_is_sent_while_opened(void **state)
{
	struct rig r;

	rig_server_open(&r);
	for (int minute = 0; minute < 10; minute++) {
		for (int i = 0; i < 6; i++) {
			assert_int_equal(rig_wait(&r, 10000), 0);
			rig_expect_silence(&r);
			link_on_traffic(&r.link, r.now);
		}
	}
	assert_true(link_is_up(&r.link));
}

static void P63_answers_with_a_stale_identifier_are_dropped(void **state)
{
	struct rig r;

	start_negotiating(&r);
	rig_feed(&r, "ff03c02102000013010405dc0305c223810506" RIG_MAGIC);
	rig_feed(&r, "ff03c021030200080104057a");
	rig_feed(&r, "ff03c021040200080305c22381");
	rig_expect_silence(&r);
	rig_ack(&r, own_request);
	rig_expect_start(&r, "ff03c2230101");
	/* and a second answer to the same request */
	assert_int_equal(rig_ack(&r, own_request), 0);
	rig_expect_silence(&r);
}

static void ack_must_repeat_our_options_to_the_byte(void **state)
{
	struct rig r;

	start_negotiating(&r);
	rig_feed(&r, "ff03c02102010013010405dc0305c223800506" RIG_MAGIC);
	rig_feed(&r, "ff03c0210201000d010405dc0305c22381");
	rig_expect_silence(&r);
}

static void reject_of_what_we_did_not_ask_is_dropped(void **state)
{
	struct rig r;

	start_negotiating(&r);
	rig_feed(&r, "ff03c021040100060702");
	rig_feed(&r, "ff03c0210401000e0506" RIG_MAGIC "010405dc"); /* not in our order */
	rig_feed(&r, "ff03c02104010004");
	rig_expect_silence(&r);
}

static void P64_nak_for_a_method_we_lack_moves_to_the_next_allowed(void **state)
{
	struct rig r;

	start_server(&r, LINK_AUTH_MSCHAPV2 | LINK_AUTH_PAP);
	rig_wait(&r, 1000);
	rig_expect(&r, own_request);
	rig_feed(&r, "ff03c021030100080304c227");
	rig_expect(&r, "ff03c02101020012010405dc0304c0230506" RIG_MAGIC);
	rig_feed(&r, "ff03c021030200080304c227");
	rig_expect_start(&r, "ff03c0210503");
	assert_string_equal(link_reason(&r.link),
			    "the peer takes none of the authentication methods allowed");
}

static void P64_nak_for_eap_is_followed_where_eap_is_allowed(void **state)
{
	struct rig r;

	start_server(&r, LINK_AUTH_EAP_MSCHAPV2 | LINK_AUTH_MSCHAPV2);
	rig_wait(&r, 1000);
	rig_expect(&r, own_request);
	rig_feed(&r, "ff03c021030100080304c227"); /* Windows */
	rig_expect(&r, "ff03c02101020012010405dc0304c2270506" RIG_MAGIC);
	rig_feed(&r, "ff03c021030200090305c22381"); /* without EAP after all */
	rig_expect(&r, "ff03c02101030013010405dc0305c223810506" RIG_MAGIC);
	rig_feed(&r, "ff03c021030300080304c023"); /* not allowed, and all was offered */
	rig_expect_start(&r, "ff03c0210504");
	assert_string_equal(link_reason(&r.link),
			    "the peer takes none of the authentication methods allowed");
}

static void nak_without_a_wish_goes_down_the_list(void **state)
{
	static const char md5[] = "ff03c0210301000803" /* CHAP with MD5 */
				  "04c223";
	struct rig r;

	start_server(&r, LINK_AUTH_EAP_MSCHAPV2 | LINK_AUTH_MSCHAPV2 | LINK_AUTH_PAP);
	rig_wait(&r, 1000);
	rig_expect(&r, own_request);
	rig_feed(&r, md5);
	rig_expect_start(&r, "ff03c02101020012010405dc0304c227");
	rig_feed(&r, "ff03c021030200080304c223");
	rig_expect_start(&r, "ff03c02101030012010405dc0304c023");
	rig_feed(&r, "ff03c021030300080304c223");
	rig_expect_start(&r, "ff03c0210504");
}

static void peers_nak_for_an_allowed_method_is_followed(void **state)
{
	struct rig r;

	start_server(&r, LINK_AUTH_MSCHAPV2 | LINK_AUTH_PAP);
	rig_wait(&r, 1000);
	rig_expect(&r, own_request);
	rig_feed(&r, "ff03c021030100080304c023");
	rig_expect(&r, "ff03c02101020012010405dc0304c0230506" RIG_MAGIC);
	rig_feed(&r, "ff03c021030200090305c22381");
	rig_expect(&r, "ff03c02101030013010405dc0305c223810506" RIG_MAGIC);
}

static void X35_wishes_for_other_methods_end_after_four_rounds(void **state)
{
	struct rig r;

	start_server(&r, LINK_AUTH_MSCHAPV2 | LINK_AUTH_PAP);
	rig_wait(&r, 1000);
	rig_skip(&r);
	rig_feed(&r, "ff03c021030100080304c023");
	rig_skip(&r);
	rig_feed(&r, "ff03c021030200090305c22381");
	rig_skip(&r);
	rig_feed(&r, "ff03c021030300080304c023");
	rig_skip(&r);
	rig_feed(&r, "ff03c021030400090305c22381");
	rig_expect_start(&r, "ff03c0210105");
	rig_feed(&r, "ff03c021030500080304c023");
	rig_expect_start(&r, "ff03c0210506");
}

static void X35_reject_of_authentication_terminates(void **state)
{
	struct rig r;

	start_negotiating(&r);
	rig_feed(&r, "ff03c021040100090305c22381");
	rig_expect(&r, "ff03c02105020004");
	rig_expect_silence(&r);
	assert_string_equal(link_reason(&r.link), "the peer refuses to authenticate itself");
	assert_int_equal(rig_feed(&r, "ff03c02106020004"), LINK_EV_FINISHED);
}

static void X42_pap_that_is_not_allowed_cannot_be_reached_by_nak(void **state)
{
	struct rig r;

	start_negotiating(&r);
	rig_feed(&r, "ff03c021030100080304c023");
	rig_expect_start(&r, "ff03c0210502");
}

static void server_rejects_to_authenticate_itself(void **state)
{
	struct rig r;

	start_server(&r, LINK_AUTH_MSCHAPV2);
	rig_feed(&r, "ff03c021010100080304c023");
	rig_expect(&r, own_request);
	rig_expect(&r, "ff03c021040100080304c023");
}

static void P65_client_naks_pap_to_mschapv2(void **state)
{
	struct rig r;

	start_client(&r, LINK_AUTH_MSCHAPV2);
	rig_feed(&r, "ff03c0210101001201040578"
		     "0304c0230506" RIG_PEER_MAGIC);
	rig_expect(&r, "ff03c021030100090305c22381");
	rig_feed(&r, "ff03c021010200130104057803"
		     "05c223810506" RIG_PEER_MAGIC);
	rig_expect(&r, "ff03c02102020013010405780305c223810506" RIG_PEER_MAGIC);
	rig_feed(&r, "ff03c0210201000e010405dc0506" RIG_MAGIC);
	rig_expect_silence(&r);
	assert_int_equal(link_auth_method(&r.link), LINK_AUTH_MSCHAPV2);
}

static void client_takes_eap_where_it_is_allowed_and_naks_to_it(void **state)
{
	struct rig r;

	start_client(&r, LINK_AUTH_EAP_MSCHAPV2 | LINK_AUTH_MSCHAPV2);
	rig_feed(&r, "ff03c021010100080304c023");
	rig_expect(&r, "ff03c021030100090305c22381");
	rig_feed(&r, "ff03c021010200080304c227");
	rig_expect(&r, "ff03c021020200080304c227");
	start_client(&r, LINK_AUTH_MSCHAPV2);
	rig_feed(&r, "ff03c021010100080304c227");
	rig_expect(&r, "ff03c021030100090305c22381");
	/* and the other one is no less welcome */
	start_client(&r, LINK_AUTH_EAP_MSCHAPV2 | LINK_AUTH_MSCHAPV2);
	rig_feed(&r, "ff03c021010100090305c22381");
	rig_expect(&r, "ff03c021020100090305c22381");
}

static void X42_server_that_insists_on_pap_never_gets_a_password(void **state)
{
	struct rig r;

	start_client(&r, LINK_AUTH_MSCHAPV2);
	for (int i = 0; i < CP_MAX_FAILURE; i++) {
		rig_feed(&r, "ff03c021010100080304c023");
		rig_expect(&r, "ff03c021030100090305c22381");
	}
	for (int i = CP_MAX_FAILURE; i < CP_MAX_ROUNDS; i++) {
		rig_feed(&r, "ff03c021010100080304c023");
		rig_expect(&r, "ff03c021040100080304c023");
	}
	rig_feed(&r, "ff03c021010100080304c023");
	rig_expect_start(&r, "ff03c02105");
}

static void X42_server_without_authentication_is_refused(void **state)
{
	struct rig r;

	start_client(&r, LINK_AUTH_MSCHAPV2);
	rig_feed(&r, peer_request);
	rig_expect(&r, peer_request_acked);
	rig_feed(&r, "ff03c0210201000e010405dc0506" RIG_MAGIC);
	rig_expect_start(&r, "ff03c02105");
	assert_string_equal(link_reason(&r.link), "the server does not ask for authentication");
}

static void X42_server_that_takes_its_demand_for_authentication_back_is_refused(void **state)
{
	struct rig r;

	rig_client_lcp(&r, LINK_AUTH_MSCHAPV2);
	assert_int_equal(rig_feed(&r, peer_request), 0);
	rig_expect_start(&r, "ff03c02101");
	rig_expect(&r, peer_request_acked);
	rig_feed(&r, "ff03c0210202000e010405dc050621402324");
	rig_ack(&r, "ff03c0210102000e010405dc0506" RIG_MAGIC);
	rig_expect_start(&r, "ff03c02105");
	assert_string_equal(link_reason(&r.link), "the server does not ask for authentication");
}

/* RRAS: MRU 4091, EAP, magic, PFC, ACFC, callback, MRRU, endpoint discriminator */
static void P66_client_rejects_what_rras_offers_too_much(void **state)
{
	struct rig r;

	start_client(&r, LINK_AUTH_MSCHAPV2);
	rig_feed(&r, "ff03c0210100003401040ffb0304c2270506" RIG_PEER_MAGIC "070208020d0306"
		     "1104064e"
		     "1317010011223344556677889900112233445566778899");
	rig_expect(&r, "ff03c02104000026070208020d03061104064e"
		       "1317010011223344556677889900112233445566778899");
	rig_feed(&r, "ff03c0210101001201040ffb0304c2270506" RIG_PEER_MAGIC);
	rig_expect(&r, "ff03c021030100090305c22381");
}

static void P67_echo_with_compressed_header_is_answered(void **state)
{
	struct rig r;

	rig_server_open(&r);
	rig_feed(&r, "c02109070008345f64ca");
	rig_expect(&r, "ff03c0210a070008" RIG_MAGIC);
}

static void echo_is_answered_with_our_magic_and_the_peers_data(void **state)
{
	struct rig r;

	rig_server_open(&r);
	rig_feed(&r, "ff03c0210907000c345f64ca01020304");
	rig_expect(&r, "ff03c0210a07000c" RIG_MAGIC "01020304");
	/* our own magic number: a loop; too short for one: nothing */
	rig_feed(&r, "ff03c02109070008" RIG_MAGIC);
	rig_feed(&r, "ff03c02109070006"
		     "3344");
	rig_expect_silence(&r);
}

static void echo_before_lcp_is_open_gets_no_reply(void **state)
{
	struct rig r;

	start_negotiating(&r);
	rig_feed(&r, "ff03c02109070008345f64ca");
	rig_expect_silence(&r);
}

static void P85_terminate_request_is_acknowledged_before_lcp_is_open(void **state)
{
	struct rig r;

	start_server(&r, LINK_AUTH_MSCHAPV2);
	assert_int_equal(rig_feed(&r, "ff03c02105090004"), LINK_EV_PEER_TERMINATED);
	rig_expect(&r, own_request);
	rig_expect(&r, "ff03c02106090004");
	rig_expect(&r, "ff03c02105020004");
	assert_int_equal(rig_feed(&r, "ff03c02106020004"), LINK_EV_FINISHED);
}

static void P85_terminate_request_is_acknowledged_when_open_and_after(void **state)
{
	struct rig r;

	rig_server_open(&r);
	assert_int_equal(rig_feed(&r, "ff03c0210509001031323334003ccd74000002a0"),
			 LINK_EV_DOWN | LINK_EV_PEER_TERMINATED);
	rig_expect(&r, "ff03c02106090004");
	assert_false(link_is_up(&r.link));
	rig_feed(&r, "ff03c02105090004");
	rig_expect(&r, "ff03c02106090004");
	assert_int_equal(rig_wait(&r, 3000), LINK_EV_FINISHED);
	rig_feed(&r, "ff03c02105090004");
	rig_expect(&r, "ff03c02106090004");
}

static void terminate_text_of_the_peer_is_escaped(void **state)
{
	struct rig r;

	rig_server_open(&r);
	rig_feed(&r, "ff03c021050900086279650a");
	rig_skip(&r);
	assert_string_equal(link_reason(&r.link), "the peer ended the link: \"bye\\x0a\"");
}

static void X03_request_with_a_bad_option_is_ignored_and_the_next_answered(void **state)
{
	struct rig r;

	start_negotiating(&r);
	rig_feed(&r, "ff03c021010100060100");
	rig_feed(&r, "ff03c021010100060101");
	rig_feed(&r, "ff03c0210101000c0702010405dc01");
	rig_expect_silence(&r);
	rig_feed(&r, peer_request);
	rig_expect(&r, peer_request_acked);
}

static void X04_packet_longer_than_its_frame_is_dropped_and_counted(void **state)
{
	struct rig r;

	start_negotiating(&r);
	rig_feed(&r, "ff03c021010100ff01040578");
	for (int length = 0; length < 4; length++) {
		char hex[32];

		snprintf(hex, sizeof(hex), "ff03c0210101%04x01040578", length);
		rig_feed(&r, hex);
	}
	rig_expect_silence(&r);
	assert_int_equal(link_malformed(&r.link), 5);
}

static void X05_reject_of_4000_bytes_of_options_stays_within_the_mru(void **state)
{
	uint8_t frame[4008] = {0xff, 3, 0xc0, 0x21, 1, 7, 4004 >> 8, 4004 & 255};
	struct rig r;
	uint8_t *msg;
	size_t len;

	for (size_t i = 8; i < sizeof(frame); i += 20) {
		frame[i] = 0x77;
		frame[i + 1] = 20;
	}
	start_negotiating(&r);
	rig_feed_bytes(&r, frame, sizeof(frame));
	assert_true(outbox_next(&r.out, &r.read, &msg, &len));
	assert_int_equal(msg[4], CP_CONF_REJECT);
	assert_int_equal(len, 8 + 1480);
	assert_int_equal(msg[6] << 8 | msg[7], 4 + 1480);
	assert_memory_equal(msg + 8, frame + 8, 1480);
	rig_expect_silence(&r);
}

static void same_option_twice_is_rejected_once(void **state)
{
	struct rig r;

	start_negotiating(&r);
	rig_feed(&r, "ff03c0210102000c010405dc010405dc");
	rig_expect(&r, "ff03c02104020008010405dc");
}

static void small_mru_is_naked_twice_then_taken_or_refused(void **state)
{
	struct rig r;

	start_negotiating(&r);
	for (int i = 0; i < 2; i++) {
		rig_feed(&r, "ff03c0210101000801040080");
		rig_expect(&r, "ff03c0210301000801040578");
	}
	rig_feed(&r, "ff03c0210101000801040080");
	rig_expect(&r, "ff03c0210201000801040080");
	assert_int_equal(link_peer_mru(&r.link), 128);

	start_negotiating(&r);
	for (int i = 0; i < 2; i++) {
		rig_feed(&r, "ff03c021010100080104007f");
		rig_expect(&r, "ff03c0210301000801040578");
	}
	rig_feed(&r, "ff03c021010100080104007f");
	rig_expect_start(&r, "ff03c02105");
	assert_string_equal(link_reason(&r.link), "the peer's MRU is too small");
}

static void our_own_magic_number_is_naked_and_in_the_end_a_loop(void **state)
{
	struct rig r;

	start_negotiating(&r);
	for (int i = 0; i < CP_MAX_FAILURE; i++) {
		rig_feed(&r, "ff03c0210102000a0506" RIG_MAGIC);
		rig_expect_start(&r, "ff03c0210302000a0506");
	}
	rig_feed(&r, "ff03c0210102000a0506" RIG_MAGIC);
	rig_expect_start(&r, "ff03c02105");
	assert_string_equal(link_reason(&r.link), "the line is looped back");
}

static void zero_magic_number_is_naked(void **state)
{
	struct rig r;

	start_negotiating(&r);
	rig_feed(&r, "ff03c0210102000a050600000000");
	rig_expect(&r, "ff03c0210302000a05065b5d7c7d");
}

static void X23_unknown_codes_are_rejected_once_each(void **state)
{
	struct rig r;
	size_t replies = 0;

	start_negotiating(&r);
	rig_feed(&r, "ff03c0210e01000401020304");
	rig_expect(&r, "ff03c021070200080e010004");
	for (int i = 0; i < 200; i++) {
		rig_feed(&r, "ff03c0210e010004");
		replies += rig_skip(&r);
	}
	assert_int_equal(replies, 0);
	rig_feed(&r, "ff03c0210f0100050a");
	rig_expect(&r, "ff03c021070300090f0100050a");
}

static void X23_too_many_packets_before_open_terminate(void **state)
{
	struct rig r;

	start_negotiating(&r);
	for (int i = 1; i < 256; i++) {
		assert_int_equal(rig_feed(&r, "ff03c0210b010004"), 0);
		rig_expect_silence(&r);
	}
	rig_feed(&r, "ff03c0210b010004");
	rig_expect_start(&r, "ff03c02105");
	assert_string_equal(link_reason(&r.link), "too many packets before the link was open");
	assert_int_equal(rig_wait(&r, 6000), LINK_EV_FINISHED);
}

static void X24_peer_that_always_naks_is_terminated(void **state)
{
	struct rig r;
	char hex[64];

	start_negotiating(&r);
	for (int id = 1; id <= CP_MAX_ROUNDS; id++) {
		snprintf(hex, sizeof(hex), "ff03c02103%02x00080104%04x", id, 600 + id);
		rig_feed(&r, hex);
		snprintf(hex, sizeof(hex), "ff03c02101%02x", id + 1);
		rig_expect_start(&r, hex);
	}
	rig_feed(&r, "ff03c021030b000801040578");
	rig_expect_start(&r, "ff03c02105");
	assert_string_equal(link_reason(&r.link), "the peer refuses our options again and again");
}

static void X24_peer_that_never_takes_a_reject_is_terminated(void **state)
{
	struct rig r;

	start_negotiating(&r);
	for (int i = 0; i < CP_MAX_ROUNDS; i++) {
		rig_feed(&r, "ff03c021010100060702");
		rig_expect(&r, "ff03c021040100060702");
	}
	rig_feed(&r, "ff03c021010100060702");
	rig_expect_start(&r, "ff03c02105");
}

static void request_is_repeated_ten_times_with_the_same_identifier(void **state)
{
	struct rig r;

	start_server(&r, LINK_AUTH_MSCHAPV2);
	rig_wait(&r, 1000);
	rig_expect(&r, own_request);
	for (int i = 1; i < CP_MAX_CONFIGURE; i++) {
		rig_wait(&r, 2999);
		rig_expect_silence(&r);
		rig_wait(&r, 1);
		rig_expect(&r, own_request);
	}
	assert_int_equal(rig_wait(&r, 3000), LINK_EV_FINISHED);
	rig_expect_silence(&r);
	assert_string_equal(link_reason(&r.link), "the peer does not answer");
	assert_int_equal(link_deadline(&r.link), CLOCK_NEVER);
	/* the peer wakes up: too late */
	assert_int_equal(rig_feed(&r, peer_request), 0);
	rig_expect(&r, "ff03c02106010004");
	rig_expect_silence(&r);
}

static void terminate_request_is_repeated_once(void **state)
{
	struct rig r;

	rig_server_open(&r);
	assert_int_equal(rig_close(&r, NULL), LINK_EV_DOWN);
	rig_expect(&r, "ff03c02105020004");
	assert_int_equal(rig_wait(&r, 3000), 0);
	rig_expect(&r, "ff03c02105020004");
	assert_int_equal(rig_wait(&r, 3000), LINK_EV_FINISHED);
	rig_expect_silence(&r);
	assert_string_equal(link_reason(&r.link), "closed on our side");
}

static void code_reject_of_what_we_need_ends_the_link(void **state)
{
	struct rig r;

	rig_server_open(&r);
	assert_int_equal(rig_feed(&r, "ff03c0210709000801010004"), LINK_EV_DOWN);
	rig_expect(&r, "ff03c02105020004");
	assert_int_equal(rig_wait(&r, 6000), LINK_EV_FINISHED);
	rig_skip(&r);
	assert_string_equal(link_reason(&r.link), "the peer does not know a code that we need");
}

static void request_equal_to_the_last_one_in_opened_is_acked_again(void **state)
{
	struct rig r;

	rig_server_open(&r);
	assert_int_equal(rig_feed(&r, "ff03c0210108000a0506" RIG_PEER_MAGIC), 0);
	rig_expect(&r, "ff03c0210208000a0506" RIG_PEER_MAGIC);
	rig_expect_silence(&r);
	assert_true(link_is_up(&r.link));
}

static void other_request_before_the_peer_said_who_it_is_restarts(void **state)
{
	struct rig r;

	rig_server_lcp(&r, LINK_AUTH_MSCHAPV2);
	assert_int_equal(rig_feed(&r, "ff03c02101080008010405d0"), 0);
	rig_expect(&r, "ff03c02101020013010405dc0305c223810506" RIG_MAGIC);
	rig_expect(&r, "ff03c02102080008010405d0");
	assert_int_equal(link_auth_method(&r.link), 0);
	/* the old challenge is worth nothing any more */
	assert_int_equal(rig_feed(&r, rig_response), 0);
	rig_ack(&r, "ff03c02101020013010405dc0305c223810506" RIG_MAGIC);
	rig_expect_start(&r, "ff03c2230102");
	assert_int_equal(rig_feed(&r, rig_response), 0);
}

static void X38_other_request_after_the_peer_said_who_it_is_terminates(void **state)
{
	struct rig r;

	rig_server_lcp(&r, LINK_AUTH_MSCHAPV2);
	assert_int_equal(rig_feed(&r, rig_response), LINK_EV_USER);
	rig_feed(&r, "ff03c02101080008010405d0");
	rig_expect_start(&r, "ff03c02105");
	assert_int_equal(rig_user(&r, RIG_PASSWORD), 0);

	rig_server_open(&r);
	assert_int_equal(rig_feed(&r, "ff03c02101080008010405d0"), LINK_EV_DOWN);
	rig_expect_start(&r, "ff03c02105");
	rig_expect_silence(&r);
}

static void protocol_reject_of_ipcp_ends_the_link_and_of_others_does_not(void **state)
{
	struct rig r;

	rig_server_open(&r);
	assert_int_equal(rig_feed(&r, "ff03c0210801000a805701010004"), 0);
	rig_expect_silence(&r);
	assert_int_equal(rig_feed(&r, "ff03c0210801000a802101010004"), LINK_EV_DOWN);
	rig_expect_start(&r, "ff03c02105");
	rig_server_open(&r);
	assert_int_equal(rig_feed(&r, "ff03c0210801000ac02101010004"), LINK_EV_DOWN);
	rig_expect_start(&r, "ff03c02105");
}

static void protocol_reject_before_lcp_is_open_is_ignored(void **state)
{
	struct rig r;

	start_negotiating(&r);
	assert_int_equal(rig_feed(&r, "ff03c0210801000ac02101010004"), 0);
	assert_int_equal(rig_feed(&r, "ff03c02108010005c0"), 0);
	rig_ack(&r, own_request);
	rig_expect_start(&r, "ff03c2230101");
}

static void an_ack_forgets_the_naks_before_it(void **state)
{
	struct rig r;

	start_negotiating(&r);
	for (int i = 0; i < 3; i++) {
		rig_feed(&r, "ff03c0210102000a050600000000");
		rig_expect_start(&r, "ff03c0210302000a0506");
	}
	rig_feed(&r, peer_request);
	rig_expect(&r, peer_request_acked);
	for (int i = 0; i < CP_MAX_FAILURE; i++) {
		rig_feed(&r, "ff03c0210102000a050600000000");
		rig_expect_start(&r, "ff03c0210302000a0506");
	}
	rig_feed(&r, "ff03c0210102000a050600000000");
	rig_expect(&r, "ff03c0210402000a050600000000");
}

static void server_asks_for_life_after_30_s_of_silence_and_gives_up_after_three(void **state)
{
	struct rig r;

	rig_server_open(&r);
	assert_int_equal(rig_wait(&r, 29999), 0);
	rig_expect_silence(&r);
	assert_int_equal(rig_wait(&r, 1), 0);
	rig_expect(&r, "ff03c02109020008" RIG_MAGIC);
	assert_int_equal(rig_wait(&r, 60000), 0);
	rig_expect(&r, "ff03c02109030008" RIG_MAGIC);
	rig_expect(&r, "ff03c02109040008" RIG_MAGIC);
	assert_int_equal(rig_wait(&r, 30000), LINK_EV_DOWN | LINK_EV_FINISHED | LINK_EV_SILENT);
	rig_expect_silence(&r);
	assert_string_equal(link_reason(&r.link), "the peer answers no echo request");
	assert_int_equal(link_deadline(&r.link), CLOCK_NEVER);
}

static void an_echo_reply_and_data_both_count_as_life(void **state)
{
	struct rig r;

	rig_server_open(&r);
	for (int i = 2; i < 20; i++) {
		assert_int_equal(rig_wait(&r, 30000), 0);
		assert_int_equal(rig_skip(&r), 1);
		if (i % 2)
			rig_feed(&r, "ff03c0210a02000811223344");
		else
			link_on_traffic(&r.link, r.now);
	}
	assert_true(link_is_up(&r.link));
}

static void peer_that_rejects_echo_requests_is_not_asked_again(void **state)
{
	struct rig r;

	rig_server_open(&r);
	rig_wait(&r, 30000);
	rig_skip(&r);
	rig_feed(&r, "ff03c0210701000c09020008" RIG_MAGIC);
	assert_int_equal(rig_wait(&r, 1000000), 0);
	rig_expect_silence(&r);
	assert_true(link_is_up(&r.link));
}

static void client_that_is_not_told_to_ask_answers_echoes_and_sends_none(void **state)
{
	struct rig r;

	rig_client_open(&r);
	rig_feed(&r, "ff03c02109070008345f64ca");
	rig_expect(&r, "ff03c0210a070008" RIG_MAGIC);
	assert_int_equal(rig_wait(&r, 1000000), 0);
	rig_expect_silence(&r);
}

static void layer_below_going_down_stops_everything(void **state)
{
	struct rig r;

	rig_server_open(&r);
	assert_int_equal(link_down(&r.link), LINK_EV_DOWN);
	assert_int_equal(link_deadline(&r.link), CLOCK_NEVER);
	assert_int_equal(rig_feed(&r, "ff03c02109070008345f64ca"), 0);
	rig_expect_silence(&r);
	assert_string_equal(link_reason(&r.link), "the layer below went down");
	start_negotiating(&r);
	assert_int_equal(link_down(&r.link), 0);
	assert_int_equal(link_deadline(&r.link), CLOCK_NEVER);
}

static void close_while_waiting_for_the_client_finishes_at_once(void **state)
{
	struct rig r;

	start_server(&r, LINK_AUTH_MSCHAPV2);
	assert_int_equal(rig_close(&r, NULL), LINK_EV_FINISHED);
	rig_expect_silence(&r);
	assert_int_equal(link_deadline(&r.link), CLOCK_NEVER);
	assert_int_equal(rig_close(&r, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(P52_server_waits_a_second_for_the_client_to_speak_first),
		cmocka_unit_test(P52_server_speaks_at_once_when_the_client_has),
		cmocka_unit_test(client_speaks_at_once),
		cmocka_unit_test(windows_client_gets_options_7_8_and_13_rejected),
		cmocka_unit_test(pppd_client_gets_only_pfc_and_acfc_rejected),
		cmocka_unit_test(requests_offer_the_first_method_allowed),
		cmocka_unit_test(P56_reject_of_the_magic_number_is_accepted),
		cmocka_unit_test(P57_nak_of_our_mru_is_followed),
		cmocka_unit_test(P58_callback_option_is_rejected),
		cmocka_unit_test(P59_empty_request_gets_an_empty_ack),
		cmocka_unit_test(P59_nothing_but_lcp_before_both_directions_are_acked),
		cmocka_unit_test(P60_identification_and_time_remaining_get_no_reply),
		cmocka_unit_test(P61_echo_reply_is_cut_to_the_peers_mru),
		cmocka_unit_test(P62_no_request_is_sent_while_opened),
		cmocka_unit_test(P63_answers_with_a_stale_identifier_are_dropped),
		cmocka_unit_test(ack_must_repeat_our_options_to_the_byte),
		cmocka_unit_test(reject_of_what_we_did_not_ask_is_dropped),
		cmocka_unit_test(P64_nak_for_a_method_we_lack_moves_to_the_next_allowed),
		cmocka_unit_test(P64_nak_for_eap_is_followed_where_eap_is_allowed),
		cmocka_unit_test(nak_without_a_wish_goes_down_the_list),
		cmocka_unit_test(peers_nak_for_an_allowed_method_is_followed),
		cmocka_unit_test(X35_wishes_for_other_methods_end_after_four_rounds),
		cmocka_unit_test(X35_reject_of_authentication_terminates),
		cmocka_unit_test(X42_pap_that_is_not_allowed_cannot_be_reached_by_nak),
		cmocka_unit_test(server_rejects_to_authenticate_itself),
		cmocka_unit_test(P65_client_naks_pap_to_mschapv2),
		cmocka_unit_test(client_takes_eap_where_it_is_allowed_and_naks_to_it),
		cmocka_unit_test(X42_server_that_insists_on_pap_never_gets_a_password),
		cmocka_unit_test(X42_server_without_authentication_is_refused),
		cmocka_unit_test(
			X42_server_that_takes_its_demand_for_authentication_back_is_refused),
		cmocka_unit_test(P66_client_rejects_what_rras_offers_too_much),
		cmocka_unit_test(P67_echo_with_compressed_header_is_answered),
		cmocka_unit_test(echo_is_answered_with_our_magic_and_the_peers_data),
		cmocka_unit_test(echo_before_lcp_is_open_gets_no_reply),
		cmocka_unit_test(P85_terminate_request_is_acknowledged_before_lcp_is_open),
		cmocka_unit_test(P85_terminate_request_is_acknowledged_when_open_and_after),
		cmocka_unit_test(terminate_text_of_the_peer_is_escaped),
		cmocka_unit_test(X03_request_with_a_bad_option_is_ignored_and_the_next_answered),
		cmocka_unit_test(X04_packet_longer_than_its_frame_is_dropped_and_counted),
		cmocka_unit_test(X05_reject_of_4000_bytes_of_options_stays_within_the_mru),
		cmocka_unit_test(same_option_twice_is_rejected_once),
		cmocka_unit_test(small_mru_is_naked_twice_then_taken_or_refused),
		cmocka_unit_test(our_own_magic_number_is_naked_and_in_the_end_a_loop),
		cmocka_unit_test(zero_magic_number_is_naked),
		cmocka_unit_test(X23_unknown_codes_are_rejected_once_each),
		cmocka_unit_test(X23_too_many_packets_before_open_terminate),
		cmocka_unit_test(X24_peer_that_always_naks_is_terminated),
		cmocka_unit_test(X24_peer_that_never_takes_a_reject_is_terminated),
		cmocka_unit_test(request_is_repeated_ten_times_with_the_same_identifier),
		cmocka_unit_test(terminate_request_is_repeated_once),
		cmocka_unit_test(code_reject_of_what_we_need_ends_the_link),
		cmocka_unit_test(request_equal_to_the_last_one_in_opened_is_acked_again),
		cmocka_unit_test(other_request_before_the_peer_said_who_it_is_restarts),
		cmocka_unit_test(X38_other_request_after_the_peer_said_who_it_is_terminates),
		cmocka_unit_test(protocol_reject_of_ipcp_ends_the_link_and_of_others_does_not),
		cmocka_unit_test(protocol_reject_before_lcp_is_open_is_ignored),
		cmocka_unit_test(an_ack_forgets_the_naks_before_it),
		cmocka_unit_test(
			server_asks_for_life_after_30_s_of_silence_and_gives_up_after_three),
		cmocka_unit_test(an_echo_reply_and_data_both_count_as_life),
		cmocka_unit_test(peer_that_rejects_echo_requests_is_not_asked_again),
		cmocka_unit_test(client_that_is_not_told_to_ask_answers_echoes_and_sends_none),
		cmocka_unit_test(layer_below_going_down_stops_everything),
		cmocka_unit_test(close_while_waiting_for_the_client_finishes_at_once),
	};

	return cmocka_run_group_tests_name("ppp/lcp", tests, NULL, NULL);
}

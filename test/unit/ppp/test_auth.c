/* SPDX-License-Identifier: Apache-2.0 */
/* PAP and MS-CHAPv2, server and client, with honest and other peers. */
#include <stdio.h>
#include <string.h>

#include "sstp/ppp/chap.h"
#include "sstp/ppp/pap.h"
#include "test/support/hex.h"
#include "test/unit/ppp/rig.h"

#define CHALLENGE_01 "ff03c2230101001710" RIG_CHALLENGE "6777"

static const char pap_request[] = "ff03c0230103000e04746573740474657374"; /* test, test */
static const char pap_ack[] = "ff03c0230203000500";
static const char pap_nak[] = "ff03c0230303000500";

/* MS-CHAPv2, server */

static void mschapv2_server_conversation_is_that_of_rfc_2759(void **state)
{
	struct rig r;

	rig_server_lcp(&r, LINK_AUTH_MSCHAPV2);
	assert_int_equal(rig_feed(&r, rig_response), LINK_EV_USER);
	rig_expect_silence(&r);
	assert_string_equal(link_user_name(&r.link), "User");
	assert_int_equal(rig_user(&r, "clientPass"), LINK_EV_AUTH_OK);
	rig_expect(&r, rig_success);
	assert_int_equal(link_auth_method(&r.link), LINK_AUTH_MSCHAPV2);
	rig_expect_key(&r);
}

static void P53_success_goes_out_with_the_answer_about_the_user(void **state)
{
	struct rig r;

	rig_server_lcp(&r, LINK_AUTH_MSCHAPV2);
	rig_feed(&r, rig_response);
	assert_int_equal(rig_wait(&r, 1900), 0);
	rig_expect_silence(&r);
	assert_int_equal(rig_user(&r, RIG_PASSWORD), LINK_EV_AUTH_OK);
	rig_expect(&r, rig_success);
}

static void domain_in_front_of_the_name_does_not_change_the_proof(void **state)
{
	struct rig r;

	rig_server_lcp(&r, LINK_AUTH_MSCHAPV2);
	assert_int_equal(
		rig_feed(&r, "ff03c2230201003e3121402324255e262a28295f2b3a337c7e0000000000000000"
			     "82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df00444f4d5c55736572"),
		LINK_EV_USER);
	assert_string_equal(link_user_name(&r.link), "DOM\\User");
	assert_int_equal(rig_user(&r, RIG_PASSWORD), LINK_EV_AUTH_OK);
	rig_expect(&r, rig_success);
}

static void fail_and_expect_691(const char *password, const char *reason)
{
	struct rig r;

	rig_server_lcp(&r, LINK_AUTH_MSCHAPV2);
	rig_feed(&r, rig_response);
	assert_int_equal(rig_user(&r, password), LINK_EV_AUTH_FAILED);
	rig_expect(&r, rig_failure);
	rig_expect(&r, "ff03c02105020004");
	rig_expect_silence(&r);
	assert_string_equal(link_reason(&r.link), reason);
	rig_expect_no_key(&r);
	assert_int_equal(rig_feed(&r, "ff03c02106020004"), LINK_EV_FINISHED);
}

static void wrong_password_gets_failure_691_then_terminate(void **state)
{
	fail_and_expect_691("clientpass", "wrong password");
}

static void X33_unknown_user_gets_the_same_bytes_as_a_wrong_password(void **state)
{
	fail_and_expect_691(NULL, "no such user");
}

static void password_of_zero_hash_does_not_open_the_unknown_user(void **state)
{
	/* a response made with the hash that stands in for nobody's */
	static const uint8_t nobody[LINK_NT_HASH_SIZE];
	struct mschapv2_exchange x = {.name = "User", .name_len = 4};
	uint8_t frame[128];
	struct rig r;
	size_t len = hex_decode(rig_response, frame, sizeof(frame));

	rig_server_lcp(&r, LINK_AUTH_MSCHAPV2);
	hex_decode(RIG_CHALLENGE, x.authenticator_challenge, 16);
	memcpy(x.peer_challenge, frame + 9, 16);
	mschapv2_nt_response(&x, nobody, frame + 33);
	assert_int_equal(rig_feed_bytes(&r, frame, len), LINK_EV_USER);
	assert_int_equal(rig_user(&r, NULL), LINK_EV_AUTH_FAILED);
	rig_skip(&r);
}

static void user_without_a_password_cannot_come_in_by_one(void **state)
{
	/* not even by that whose hash stands in for it */
	static const struct link_user user;
	struct rig r;

	rig_server_lcp(&r, LINK_AUTH_MSCHAPV2);
	rig_feed(&r, rig_response);
	assert_int_equal(link_on_user(&r.link, r.now, &user, &r.out), LINK_EV_AUTH_FAILED);
	rig_expect(&r, rig_failure);
	rig_skip(&r);
	assert_string_equal(link_reason(&r.link), "the user comes in by certificate only");
}

static void P68_repeated_response_gets_the_same_success(void **state)
{
	struct rig r;

	rig_server_authenticated(&r);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(rig_feed(&r, rig_response), 0);
		rig_expect(&r, rig_success);
		rig_expect_silence(&r);
	}
	rig_server_open(&r);
	assert_int_equal(rig_feed(&r, rig_response), 0);
	rig_expect(&r, rig_success);
}

static void repeated_response_gets_the_same_failure(void **state)
{
	struct rig r;

	rig_server_lcp(&r, LINK_AUTH_MSCHAPV2);
	rig_feed(&r, rig_response);
	rig_user(&r, NULL);
	rig_skip(&r);
	assert_int_equal(rig_feed(&r, rig_response), 0);
	rig_expect(&r, rig_failure);
	rig_expect_silence(&r);
}

static void X37_response_to_another_challenge_is_discarded(void **state)
{
	uint8_t frame[128];
	struct rig r;
	size_t len = hex_decode(rig_response, frame, sizeof(frame));

	rig_server_lcp(&r, LINK_AUTH_MSCHAPV2);
	frame[5] = 2;
	assert_int_equal(rig_feed_bytes(&r, frame, len), 0);
	rig_expect_silence(&r);
}

static void X38_second_response_of_another_user_is_discarded(void **state)
{
	uint8_t frame[128];
	struct rig r;
	size_t len = hex_decode(rig_response, frame, sizeof(frame));

	rig_server_authenticated(&r);
	frame[len - 1] = 'x';
	assert_int_equal(rig_feed_bytes(&r, frame, len), 0);
	frame[len - 1] = 'r';
	frame[40] ^= 1; /* within the NT response */
	assert_int_equal(rig_feed_bytes(&r, frame, len), 0);
	rig_expect_silence(&r);
	assert_string_equal(link_user_name(&r.link), "User");
}

static void second_response_while_the_user_is_looked_up_is_discarded(void **state)
{
	struct rig r;

	rig_server_lcp(&r, LINK_AUTH_MSCHAPV2);
	assert_int_equal(rig_feed(&r, rig_response), LINK_EV_USER);
	assert_int_equal(rig_feed(&r, rig_response), 0);
	rig_expect_silence(&r);
}

static void X36_challenge_sent_to_the_server_is_ignored(void **state)
{
	struct rig r;

	rig_server_lcp(&r, LINK_AUTH_MSCHAPV2);
	assert_int_equal(rig_feed(&r, CHALLENGE_01), 0);
	assert_int_equal(rig_feed(&r, rig_success), 0);
	assert_int_equal(rig_feed(&r, rig_failure), 0);
	rig_expect_silence(&r);
	assert_int_equal(rig_feed(&r, rig_response), LINK_EV_USER);
}

static unsigned feed_response(struct rig *r, uint8_t value_size, size_t value, size_t name)
{
	return rig_feed_named(r, "ff03c22302010000", value_size, value, name);
}

static void X06_names_from_0_to_256_bytes_are_taken_longer_ones_fail(void **state)
{
	static const size_t good[] = {0, 1, 255, 256};
	static const size_t bad[] = {257, 1400};
	struct rig r;

	for (size_t i = 0; i < 4; i++) {
		rig_server_lcp(&r, LINK_AUTH_MSCHAPV2);
		assert_int_equal(feed_response(&r, 49, 49, good[i]), LINK_EV_USER);
		assert_int_equal(strlen(link_user_name(&r.link)), good[i]);
	}
	for (size_t i = 0; i < 2; i++) {
		rig_server_lcp(&r, LINK_AUTH_MSCHAPV2);
		assert_int_equal(feed_response(&r, 49, 49, bad[i]), LINK_EV_AUTH_FAILED);
		rig_expect(&r, rig_failure);
		rig_skip(&r);
		assert_string_equal(link_user_name(&r.link), "");
	}
}

static void X06_value_sizes_other_than_49_are_dropped(void **state)
{
	static const uint8_t sizes[] = {0, 48, 50, 255};
	struct rig r;

	rig_server_lcp(&r, LINK_AUTH_MSCHAPV2);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(feed_response(&r, sizes[i], 49, 4), 0);
		assert_int_equal(feed_response(&r, sizes[i], sizes[i], 4), 0);
	}
	assert_int_equal(feed_response(&r, 49, 48, 0), 0);
	rig_feed(&r, "ff03c22302010004");
	rig_expect_silence(&r);
}

static void X10_name_with_a_zero_byte_fails_without_a_lookup(void **state)
{
	uint8_t frame[128];
	struct rig r;
	size_t len = hex_decode(rig_response, frame, sizeof(frame));

	rig_server_lcp(&r, LINK_AUTH_MSCHAPV2);
	frame[len - 2] = '\0';
	assert_int_equal(rig_feed_bytes(&r, frame, len), LINK_EV_AUTH_FAILED);
	rig_expect(&r, rig_failure);
	rig_skip(&r);
	assert_string_equal(link_reason(&r.link), "malformed user name: \"Us\\x00r\"");
}

static void challenge_is_repeated_until_authentication_took_30_s(void **state)
{
	struct rig r;

	rig_server_lcp(&r, LINK_AUTH_MSCHAPV2);
	for (int i = 1; i < AUTH_MAX_TRIES; i++) {
		assert_int_equal(rig_wait(&r, 3000), 0);
		rig_expect(&r, CHALLENGE_01);
		rig_expect_silence(&r);
	}
	assert_int_equal(rig_wait(&r, 3000), 0); /* late is not refused */
	rig_expect(&r, "ff03c02105020004");
	rig_expect_silence(&r);
	assert_string_equal(link_reason(&r.link), "authentication took too long");
}

static void P83_user_directory_that_does_not_answer_becomes_a_failure(void **state)
{
	struct rig r;

	rig_server_lcp(&r, LINK_AUTH_MSCHAPV2);
	rig_feed(&r, rig_response);
	assert_int_equal(rig_wait(&r, 9999), 0);
	rig_expect_silence(&r);
	assert_int_equal(rig_wait(&r, 1), 0); /* not the peer's fault */
	rig_expect(&r, rig_failure);
	rig_expect(&r, "ff03c02105020004");
	/* the answer comes after all */
	assert_int_equal(rig_user(&r, RIG_PASSWORD), 0);
	rig_expect_silence(&r);
	assert_string_equal(link_reason(&r.link), "the user directory did not answer");
}

static void answer_about_a_user_that_nobody_asked_for_is_ignored(void **state)
{
	struct rig r;

	rig_server_lcp(&r, LINK_AUTH_MSCHAPV2);
	assert_int_equal(rig_user(&r, RIG_PASSWORD), 0);
	rig_expect_silence(&r);
	rig_server_open(&r);
	assert_int_equal(rig_user(&r, NULL), 0);
	rig_expect_silence(&r);
}

/* MS-CHAPv2, client */

static void mschapv2_client_conversation_is_that_of_rfc_2759(void **state)
{
	struct rig r;

	rig_client_lcp(&r, LINK_AUTH_MSCHAPV2);
	assert_int_equal(rig_feed(&r, CHALLENGE_01), 0);
	rig_expect(&r, rig_response);
	rig_expect_silence(&r);
	assert_int_equal(rig_feed(&r, rig_success), LINK_EV_AUTH_OK);
	rig_expect_key(&r);
	assert_string_equal(link_user_name(&r.link), "User");
	rig_skip(&r);
}

static void P79_repeated_challenge_gets_the_same_response(void **state)
{
	struct rig r;

	rig_client_lcp(&r, LINK_AUTH_MSCHAPV2);
	for (int i = 0; i < 3; i++) {
		rig_feed(&r, CHALLENGE_01);
		rig_expect(&r, rig_response);
		rig_expect_silence(&r);
	}
}

static void P79_new_challenge_with_the_old_identifier_gets_a_new_response(void **state)
{
	struct rig r;

	rig_client_lcp(&r, LINK_AUTH_MSCHAPV2);
	rig_feed(&r, CHALLENGE_01);
	rig_expect(&r, rig_response);
	rig_feed(&r, "ff03c223010100171000112233445566778899aabbccddeeff6777");
	/* another peer challenge: the script of the rig goes on with its magic number */
	rig_expect_start(&r, "ff03c2230201003a31deadbeef");
	/* and the old one's proof is worth nothing */
	assert_int_equal(rig_feed(&r, rig_success), LINK_EV_AUTH_FAILED);
	rig_skip(&r);
}

static void challenges_without_end_are_refused(void **state)
{
	struct rig r;

	rig_client_lcp(&r, LINK_AUTH_MSCHAPV2);
	for (int i = 0; i < AUTH_MAX_TRIES; i++) {
		assert_int_equal(rig_feed(&r, CHALLENGE_01), 0);
		rig_expect(&r, rig_response);
	}
	assert_int_equal(rig_feed(&r, CHALLENGE_01), LINK_EV_AUTH_FAILED);
	rig_expect_start(&r, "ff03c02105");
	rig_expect_silence(&r);
}

static void X36_challenge_equal_to_our_own_is_refused(void **state)
{
	struct rig r;

	rig_client_lcp(&r, LINK_AUTH_MSCHAPV2);
	rig_feed(&r, CHALLENGE_01);
	rig_expect(&r, rig_response);
	assert_int_equal(rig_feed(&r, "ff03c223010200171021402324255e262a28295f2b3a337c7e6777"),
			 LINK_EV_AUTH_FAILED);
	rig_expect_start(&r, "ff03c02105");
	rig_expect_silence(&r);
}

static void X36_response_sent_to_the_client_is_ignored(void **state)
{
	struct rig r;

	rig_client_lcp(&r, LINK_AUTH_MSCHAPV2);
	assert_int_equal(rig_feed(&r, rig_response), 0);
	rig_expect_silence(&r);
}

static void X38_client_authenticates_only_once(void **state)
{
	struct rig r;

	rig_client_open(&r);
	assert_int_equal(rig_feed(&r, CHALLENGE_01), 0);
	assert_int_equal(rig_feed(&r, rig_failure), 0);
	rig_expect_silence(&r);
	assert_true(link_is_up(&r.link));
}

static void expect_success_refused(const char *success)
{
	struct rig r;

	rig_client_lcp(&r, LINK_AUTH_MSCHAPV2);
	rig_feed(&r, CHALLENGE_01);
	rig_expect(&r, rig_response);
	assert_int_equal(rig_feed(&r, success), LINK_EV_AUTH_FAILED);
	rig_expect_start(&r, "ff03c02105");
	rig_expect_silence(&r);
	assert_string_equal(link_reason(&r.link), "the server does not know our password");
	rig_expect_no_key(&r);
}

static void X42_success_with_a_wrong_or_no_proof_is_a_failure(void **state)
{
	expect_success_refused(
		"ff03c2230301002e533d343037413535383931313546443044363230394635313046"
		"45394330343536363933324344413537");
	expect_success_refused("ff03c2230301000a4d3d68656c6c");
	expect_success_refused("ff03c22303010004");
	expect_success_refused(
		"ff03c2230301002d533d343037413535383931313546443044363230394635313046"
		"453943303435363639333243444135");
}

static void proof_may_be_lower_case_and_stand_alone(void **state)
{
	struct rig r;

	rig_client_lcp(&r, LINK_AUTH_MSCHAPV2);
	rig_feed(&r, CHALLENGE_01);
	rig_expect(&r, rig_response);
	assert_int_equal(
		rig_feed(&r, "ff03c2230301002e733d343037613535383931313566643064363230396635313066"
			     "65396330343536363933326364613536"),
		LINK_EV_AUTH_OK);
	rig_skip(&r);
}

static void success_before_any_response_is_ignored(void **state)
{
	static const char zero_proof[] =
		"ff03c2230301002e533d303030303030303030303030303030303030303030303030"
		"3030303030303030303030303030303030";
	struct rig r;

	rig_client_lcp(&r, LINK_AUTH_MSCHAPV2);
	assert_int_equal(rig_feed(&r, rig_success), 0);
	assert_int_equal(rig_feed(&r, zero_proof), 0);
	rig_expect_silence(&r);
}

static void servers_failure_is_final_and_its_text_is_kept_escaped(void **state)
{
	struct rig r;

	rig_client_lcp(&r, LINK_AUTH_MSCHAPV2);
	rig_feed(&r, CHALLENGE_01);
	rig_skip(&r);
	assert_int_equal(rig_feed(&r, "ff03c2230402000e453d3639310a22523d31"), 0);
	assert_int_equal(rig_feed(&r, "ff03c2230401000e453d3639310a22523d31"), LINK_EV_AUTH_FAILED);
	rig_expect_start(&r, "ff03c02105");
	assert_string_equal(link_reason(&r.link),
			    "the server refuses our name or password: \"E=691\\x0a\\x22R=1\"");
}

static void client_does_not_wait_for_a_result_longer_than_30_s(void **state)
{
	struct rig r;

	rig_client_lcp(&r, LINK_AUTH_MSCHAPV2);
	rig_feed(&r, CHALLENGE_01);
	rig_skip(&r);
	assert_int_equal(rig_wait(&r, 29999), 0);
	rig_expect_silence(&r);
	assert_int_equal(rig_wait(&r, 1), 0); /* the password may be right */
	rig_skip(&r);
}

static void password_that_is_not_utf8_fails_before_it_is_used(void **state)
{
	struct rig r;

	rig_client_lcp(&r, LINK_AUTH_MSCHAPV2);
	secret_set(&r.password, "\xff\xfe", 2);
	link_init(&r.link, &r.link.params);
	rig_up(&r);
	rig_skip(&r);
	rig_feed(&r, "ff03c021010100090305c22381");
	rig_skip(&r);
	rig_feed(&r, "ff03c0210201000e010405dc0506deadbeef");
	rig_feed(&r, "ff03c0210201000e010405dc050621402324");
	assert_int_equal(rig_feed(&r, CHALLENGE_01), LINK_EV_AUTH_FAILED);
	rig_expect_start(&r, "ff03c02105");
	assert_string_equal(link_reason(&r.link), "our password is not valid UTF-8");
}

/* PAP, server */

static void pap_server_takes_the_right_password(void **state)
{
	struct rig r;

	rig_server_lcp(&r, LINK_AUTH_PAP);
	rig_expect_silence(&r);
	assert_int_equal(rig_feed(&r, pap_request), LINK_EV_USER);
	assert_string_equal(link_user_name(&r.link), "test");
	assert_int_equal(rig_user(&r, "test"), LINK_EV_AUTH_OK);
	rig_expect(&r, pap_ack);
	assert_int_equal(link_auth_method(&r.link), LINK_AUTH_PAP);
	rig_expect_no_key(&r);
}

static void pap_server_refuses_the_wrong_password_and_the_unknown_user_alike(void **state)
{
	static const char *const passwords[] = {"Test", NULL};

	for (size_t i = 0; i < 2; i++) {
		struct rig r;

		rig_server_lcp(&r, LINK_AUTH_PAP);
		rig_feed(&r, pap_request);
		assert_int_equal(rig_user(&r, passwords[i]), LINK_EV_AUTH_FAILED);
		rig_expect(&r, pap_nak);
		rig_expect(&r, "ff03c02105020004");
		rig_expect_silence(&r);
		/* and again, for who did not hear it */
		assert_int_equal(rig_feed(&r, pap_request), 0);
		rig_expect(&r, pap_nak);
	}
}

static void repeated_pap_request_gets_the_same_answer_with_its_identifier(void **state)
{
	struct rig r;

	rig_server_lcp(&r, LINK_AUTH_PAP);
	rig_feed(&r, pap_request);
	assert_int_equal(rig_feed(&r, "ff03c0230104000e04746573740474657374"), 0);
	rig_expect_silence(&r);
	rig_user(&r, "test");
	rig_expect(&r, "ff03c0230204000500");
	assert_int_equal(rig_feed(&r, "ff03c0230105000e04746573740474657374"), 0);
	rig_expect(&r, "ff03c0230205000500");
}

static void X38_second_pap_request_as_another_user_is_ignored(void **state)
{
	struct rig r;

	rig_server_lcp(&r, LINK_AUTH_PAP);
	rig_feed(&r, pap_request);
	rig_user(&r, "test");
	rig_skip(&r);
	rig_feed(&r, "ff03c0230105000e04746578740474657374");
	rig_feed(&r, "ff03c0230105000e04746573740474657378");
	rig_expect_silence(&r);
	assert_string_equal(link_user_name(&r.link), "test");
}

static void X10_pap_lengths_beyond_the_packet_are_dropped(void **state)
{
	struct rig r;

	rig_server_lcp(&r, LINK_AUTH_PAP);
	rig_feed(&r, "ff03c0230103000e09746573740474657374");
	rig_feed(&r, "ff03c0230103000e04746573740574657374");
	rig_feed(&r, "ff03c02301030005ff");
	rig_feed(&r, "ff03c0230103000904746573740474657374");
	rig_feed(&r, "ff03c02301030004");
	rig_expect_silence(&r);
	/* padding inside the packet is none of our business */
	assert_int_equal(rig_feed(&r, "ff03c02301030010047465737404746573740000"), LINK_EV_USER);
}

static void X10_password_with_a_zero_byte_is_not_cut_there(void **state)
{
	struct rig r;

	rig_server_lcp(&r, LINK_AUTH_PAP);
	assert_int_equal(rig_feed(&r, "ff03c0230103001004746573740674657374"
				      "0078"),
			 LINK_EV_USER);
	assert_int_equal(rig_user(&r, "test"), LINK_EV_AUTH_FAILED);
	rig_skip(&r);
	rig_server_lcp(&r, LINK_AUTH_PAP);
	assert_int_equal(rig_feed(&r, "ff03c02301030010067465737400780474657374"),
			 LINK_EV_AUTH_FAILED);
	rig_expect(&r, pap_nak);
	rig_skip(&r);
}

static void pap_password_that_is_not_utf8_is_wrong(void **state)
{
	struct rig r;

	rig_server_lcp(&r, LINK_AUTH_PAP);
	assert_int_equal(rig_feed(&r, "ff03c0230103000b047465737401ff"), LINK_EV_USER);
	/* its hash would be all zero */
	assert_int_equal(
		link_on_user(&r.link, r.now, &(struct link_user){.has_password = true}, &r.out),
		LINK_EV_AUTH_FAILED);
	rig_skip(&r);
}

static void X36_pap_answers_sent_to_the_server_are_ignored(void **state)
{
	struct rig r;

	rig_server_lcp(&r, LINK_AUTH_PAP);
	assert_int_equal(rig_feed(&r, pap_ack), 0);
	assert_int_equal(rig_feed(&r, pap_nak), 0);
	rig_expect_silence(&r);
}

static void method_that_was_not_agreed_on_is_ignored(void **state)
{
	struct rig r;

	rig_server_lcp(&r, LINK_AUTH_MSCHAPV2);
	assert_int_equal(rig_feed(&r, pap_request), 0);
	rig_expect_silence(&r);
	rig_server_lcp(&r, LINK_AUTH_PAP);
	assert_int_equal(rig_feed(&r, rig_response), 0);
	rig_expect_silence(&r);
}

/* PAP, client */

static const char own_pap_request[] = "ff03c023010100140455736572"
				      "0a636c69656e7450617373";

static void pap_client_asks_until_it_is_answered(void **state)
{
	struct rig r;

	rig_client_lcp(&r, LINK_AUTH_PAP);
	rig_expect(&r, own_pap_request);
	rig_wait(&r, 3000);
	rig_expect(&r, own_pap_request);
	assert_int_equal(rig_feed(&r, "ff03c0230202000500"), 0);
	assert_int_equal(rig_feed(&r, "ff03c02302010004"), LINK_EV_AUTH_OK);
	rig_wait(&r, 0);
	rig_expect_start(&r, "ff0380210101");
	rig_expect_no_key(&r);
}

static void expect_pap_refusal(const char *nak, const char *reason)
{
	struct rig r;

	rig_client_lcp(&r, LINK_AUTH_PAP);
	rig_skip(&r);
	assert_int_equal(rig_feed(&r, nak), LINK_EV_AUTH_FAILED);
	rig_expect_start(&r, "ff03c02105");
	assert_string_equal(link_reason(&r.link), reason);
}

static void pap_client_gives_the_text_of_a_refusal(void **state)
{
	expect_pap_refusal("ff03c02303010008036e6f21",
			   "the server refuses our name or password: \"no!\"");
	expect_pap_refusal("ff03c0230301000500", "the server refuses our name or password");
	/* a text that is longer than the packet: no text */
	expect_pap_refusal("ff03c02303010008046e6f21", "the server refuses our name or password");
}

static void X36_pap_request_sent_to_the_client_is_ignored(void **state)
{
	struct rig r;

	rig_client_lcp(&r, LINK_AUTH_PAP);
	rig_skip(&r);
	assert_int_equal(rig_feed(&r, own_pap_request), 0);
	rig_expect_silence(&r);
}

static void password_too_long_for_pap_fails_before_it_is_cut(void **state)
{
	static char password[256];
	struct rig r;

	memset(password, 'p', sizeof(password));
	rig_init(&r, LINK_CLIENT, LINK_AUTH_PAP, RIG_MAGIC);
	secret_set(&r.password, password, sizeof(password));
	rig_up(&r);
	rig_skip(&r);
	rig_feed(&r, "ff03c021010100080304c023");
	rig_skip(&r);
	assert_int_equal(rig_feed(&r, "ff03c0210201000e010405dc0506" RIG_MAGIC),
			 LINK_EV_AUTH_FAILED);
	rig_expect_start(&r, "ff03c02105");
	rig_expect_silence(&r);
}

static void X45_key_is_wiped_when_the_link_is_open(void **state)
{
	static const uint8_t no_hash[LINK_NT_HASH_SIZE];
	struct rig r;

	rig_server_open(&r);
	rig_expect_no_key(&r);
	/* and the answer can still be repeated */
	rig_feed(&r, rig_response);
	rig_expect(&r, rig_success);
	rig_client_open(&r);
	rig_expect_no_key(&r);
	assert_memory_equal(r.link.auth.nt_hash, no_hash, sizeof(no_hash));
}

static void X45_done_wipes_keys_and_hashes(void **state)
{
	struct rig r;

	rig_server_authenticated(&r);
	link_done(&r.link);
	rig_expect_no_key(&r);
	assert_string_equal(link_user_name(&r.link), "");
	link_done(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mschapv2_server_conversation_is_that_of_rfc_2759),
		cmocka_unit_test(P53_success_goes_out_with_the_answer_about_the_user),
		cmocka_unit_test(domain_in_front_of_the_name_does_not_change_the_proof),
		cmocka_unit_test(wrong_password_gets_failure_691_then_terminate),
		cmocka_unit_test(X33_unknown_user_gets_the_same_bytes_as_a_wrong_password),
		cmocka_unit_test(password_of_zero_hash_does_not_open_the_unknown_user),
		cmocka_unit_test(user_without_a_password_cannot_come_in_by_one),
		cmocka_unit_test(P68_repeated_response_gets_the_same_success),
		cmocka_unit_test(repeated_response_gets_the_same_failure),
		cmocka_unit_test(X37_response_to_another_challenge_is_discarded),
		cmocka_unit_test(X38_second_response_of_another_user_is_discarded),
		cmocka_unit_test(second_response_while_the_user_is_looked_up_is_discarded),
		cmocka_unit_test(X36_challenge_sent_to_the_server_is_ignored),
		cmocka_unit_test(X06_names_from_0_to_256_bytes_are_taken_longer_ones_fail),
		cmocka_unit_test(X06_value_sizes_other_than_49_are_dropped),
		cmocka_unit_test(X10_name_with_a_zero_byte_fails_without_a_lookup),
		cmocka_unit_test(challenge_is_repeated_until_authentication_took_30_s),
		cmocka_unit_test(P83_user_directory_that_does_not_answer_becomes_a_failure),
		cmocka_unit_test(answer_about_a_user_that_nobody_asked_for_is_ignored),
		cmocka_unit_test(mschapv2_client_conversation_is_that_of_rfc_2759),
		cmocka_unit_test(P79_repeated_challenge_gets_the_same_response),
		cmocka_unit_test(P79_new_challenge_with_the_old_identifier_gets_a_new_response),
		cmocka_unit_test(challenges_without_end_are_refused),
		cmocka_unit_test(X36_challenge_equal_to_our_own_is_refused),
		cmocka_unit_test(X36_response_sent_to_the_client_is_ignored),
		cmocka_unit_test(X38_client_authenticates_only_once),
		cmocka_unit_test(X42_success_with_a_wrong_or_no_proof_is_a_failure),
		cmocka_unit_test(proof_may_be_lower_case_and_stand_alone),
		cmocka_unit_test(success_before_any_response_is_ignored),
		cmocka_unit_test(servers_failure_is_final_and_its_text_is_kept_escaped),
		cmocka_unit_test(client_does_not_wait_for_a_result_longer_than_30_s),
		cmocka_unit_test(password_that_is_not_utf8_fails_before_it_is_used),
		cmocka_unit_test(pap_server_takes_the_right_password),
		cmocka_unit_test(pap_server_refuses_the_wrong_password_and_the_unknown_user_alike),
		cmocka_unit_test(repeated_pap_request_gets_the_same_answer_with_its_identifier),
		cmocka_unit_test(X38_second_pap_request_as_another_user_is_ignored),
		cmocka_unit_test(X10_pap_lengths_beyond_the_packet_are_dropped),
		cmocka_unit_test(X10_password_with_a_zero_byte_is_not_cut_there),
		cmocka_unit_test(pap_password_that_is_not_utf8_is_wrong),
		cmocka_unit_test(X36_pap_answers_sent_to_the_server_are_ignored),
		cmocka_unit_test(method_that_was_not_agreed_on_is_ignored),
		cmocka_unit_test(pap_client_asks_until_it_is_answered),
		cmocka_unit_test(pap_client_gives_the_text_of_a_refusal),
		cmocka_unit_test(X36_pap_request_sent_to_the_client_is_ignored),
		cmocka_unit_test(password_too_long_for_pap_fails_before_it_is_cut),
		cmocka_unit_test(X45_key_is_wiped_when_the_link_is_open),
		cmocka_unit_test(X45_done_wipes_keys_and_hashes),
	};

	return cmocka_run_group_tests_name("ppp/auth", tests, NULL, NULL);
}

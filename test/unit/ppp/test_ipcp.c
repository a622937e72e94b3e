/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "test/support/hex.h"
#include "test/unit/ppp/rig.h"

static const char own_request[] = "ff0380210101000a03060a000001";

static void start_server(struct rig *r, const char *dns1, const char *dns2)
{
	rig_server_authenticated(r);
	assert_int_equal(rig_address(r, "10.0.0.1", "10.0.0.5", dns1, dns2), 0);
	rig_expect(r, own_request);
}

static void start_client(struct rig *r)
{
	rig_client_lcp(r, LINK_AUTH_PAP);
	rig_skip(r);
	assert_int_equal(rig_feed(r, "ff03c0230201000500"), LINK_EV_AUTH_OK);
	assert_int_equal(rig_wait(r, 0), 0);
	rig_expect(r, "ff03802101010016030600000000810600000000830600000000");
}

/* The packets of a Windows client and their answers, to the byte. */
static void windows_client_gets_its_address_in_three_rounds(void **state)
{
	struct rig r;

	start_server(&r, "10.0.0.1", "8.8.8.8");
	rig_feed(&r, "ff03802101070022030600000000810600000000820600000000"
		     "830600000000840600000000");
	rig_expect(&r, "ff03802104070010820600000000840600000000");
	rig_feed(&r, "ff03802101080016030600000000810600000000830600000000");
	rig_expect(&r, "ff0380210308001603060a00000581060a000001830608080808");
	rig_feed(&r, "ff0380210109001603060a00000581060a000001830608080808");
	rig_expect(&r, "ff0380210209001603060a00000581060a000001830608080808");
	rig_expect_silence(&r);
	assert_int_equal(rig_ack(&r, own_request), LINK_EV_UP);
	assert_true(link_is_up(&r.link));
	assert_int_equal(link_addresses(&r.link)->peer, inet_addr("10.0.0.5"));
}

static void pppd_client_gets_header_compression_rejected(void **state)
{
	struct rig r;

	start_server(&r, "10.0.0.1", "8.8.8.8");
	rig_feed(&r, "ff0380210101001c0306000000000206002d0f01810600000000830600000000");
	rig_expect(&r, "ff0380210401000a0206002d0f01");
}

static void P73_server_always_tells_its_own_address(void **state)
{
	struct rig r;

	start_server(&r, NULL, NULL);
	/* the peer would like another: the same again, with a new identifier */
	rig_feed(&r, "ff0380210301000a03060a707070");
	rig_expect(&r, "ff0380210102000a03060a000001");
	rig_wait(&r, 3000);
	rig_expect(&r, "ff0380210102000a03060a000001");
	rig_feed(&r, "ff0380210402000a03060a000001");
	rig_expect(&r, "ff03802101030004");
}

static void P74_nak_holds_only_what_was_asked_for(void **state)
{
	struct rig r;

	start_server(&r, "10.0.0.1", "8.8.8.8");
	rig_feed(&r, "ff03802101000010030600000000810600000000");
	rig_expect(&r, "ff0380210300001003060a00000581060a000001");
}

static void dns_servers_that_there_are_not_are_rejected(void **state)
{
	struct rig r;

	start_server(&r, "10.0.0.1", NULL);
	rig_feed(&r, "ff03802101080016030600000000810600000000830600000000");
	rig_expect(&r, "ff0380210408000a830600000000");
	start_server(&r, NULL, NULL);
	rig_feed(&r, "ff03802101080016030600000000810600000000830600000000");
	rig_expect(&r, "ff03802104080010810600000000830600000000");
}

static void X53_addresses_other_than_the_assigned_one_are_naked_then_refused(void **state)
{
	static const char *const wanted[] = {
		"0a000001", "0a000006", "e0000001", "ffffffff", "7f000001",
	};
	char hex[64];
	struct rig r;

	start_server(&r, NULL, NULL);
	for (size_t i = 0; i < 5; i++) {
		snprintf(hex, sizeof(hex), "ff0380210105000a0306%s", wanted[i]);
		assert_int_equal(rig_feed(&r, hex), 0);
		rig_expect(&r, "ff0380210305000a03060a000005");
	}
	rig_feed(&r, hex);
	rig_expect_start(&r, "ff03c02105");
	assert_string_equal(link_reason(&r.link), "the peer insists on another address");
}

static void request_without_an_address_is_naked_once_then_refused(void **state)
{
	struct rig r;

	start_server(&r, "10.0.0.1", NULL);
	rig_feed(&r, "ff0380210101000a810600000000");
	rig_expect(&r, "ff0380210301001081060a00000103060a000005");
	rig_feed(&r, "ff0380210102000a81060a000001");
	rig_expect_start(&r, "ff03c02105");
}

static void X03_bad_option_spoils_the_packet_not_the_link(void **state)
{
	struct rig r;

	start_server(&r, NULL, NULL);
	rig_feed(&r, "ff0380210101000c03060a0000050300");
	rig_feed(&r, "ff0380210101000803060a00");
	rig_feed(&r, "ff0380210101000a03070a000005");
	rig_expect_silence(&r);
	rig_feed(&r, "ff0380210101000a03060a000005");
	rig_expect(&r, "ff0380210201000a03060a000005");
}

static void known_option_of_another_length_is_rejected(void **state)
{
	struct rig r;

	start_server(&r, "10.0.0.1", NULL);
	rig_feed(&r, "ff0380210101000f03060a00000581050a0000");
	rig_expect(&r, "ff0380210401000981050a0000");
}

static void X24_rounds_are_bounded(void **state)
{
	struct rig r;

	start_server(&r, NULL, NULL);
	for (int i = 0; i < CP_MAX_ROUNDS; i++) {
		rig_feed(&r, "ff0380210101000a820600000000");
		rig_expect(&r, "ff0380210401000a820600000000");
	}
	rig_feed(&r, "ff0380210101000a820600000000");
	rig_expect_start(&r, "ff03c02105");
}

static void requests_are_ignored_until_the_address_is_known(void **state)
{
	struct rig r;

	rig_server_authenticated(&r);
	rig_feed(&r, "ff0380210101000a03060a000005");
	rig_feed(&r, "ff03802105010004");
	rig_feed(&r, "ff0380210901000400000000");
	rig_expect_silence(&r);
	rig_address(&r, "10.0.0.1", "10.0.0.5", NULL, NULL);
	rig_expect(&r, own_request);
	/* a second answer changes nothing */
	rig_address(&r, "10.0.0.1", "10.0.0.6", NULL, NULL);
	rig_expect_silence(&r);
	assert_int_equal(link_addresses(&r.link)->peer, inet_addr("10.0.0.5"));
}

static void no_address_left_terminates(void **state)
{
	struct rig r;

	rig_server_authenticated(&r);
	outbox_clear(&r.out);
	r.read = 0;
	assert_int_equal(link_on_address(&r.link, r.now, NULL, &r.out), 0);
	rig_expect_start(&r, "ff03c02105");
	assert_string_equal(link_reason(&r.link), "there is no address for the peer");
}

static void ipcp_that_does_not_open_in_30_s_terminates(void **state)
{
	struct rig r;

	rig_server_authenticated(&r);
	assert_int_equal(rig_wait(&r, 29999), 0);
	rig_expect_silence(&r);
	assert_int_equal(rig_wait(&r, 1), 0);
	rig_expect_start(&r, "ff03c02105");
	assert_string_equal(link_reason(&r.link), "IPCP did not open in time");
}

static void same_request_when_open_is_acked_again(void **state)
{
	struct rig r;

	rig_server_open(&r);
	assert_int_equal(rig_feed(&r, "ff0380210107000a03060a000005"), 0);
	rig_expect(&r, "ff0380210207000a03060a000005");
	rig_expect_silence(&r);
}

static void other_request_when_open_terminates(void **state)
{
	struct rig r;

	rig_server_open(&r);
	assert_int_equal(rig_feed(&r, "ff0380210107000a03060a000006"), LINK_EV_DOWN);
	rig_expect_start(&r, "ff03c02105");
	rig_expect_silence(&r);
	assert_false(link_is_up(&r.link));
}

static void terminate_request_for_ipcp_ends_the_link(void **state)
{
	struct rig r;

	rig_server_open(&r);
	assert_int_equal(rig_feed(&r, "ff03802105090004"), LINK_EV_DOWN);
	rig_expect(&r, "ff03802106090004");
	rig_expect_start(&r, "ff03c02105");
	rig_expect_silence(&r);
	assert_int_equal(rig_wait(&r, 6000), LINK_EV_FINISHED);
	rig_skip(&r);
}

static void P55_codes_above_7_are_rejected_and_never_answered_otherwise(void **state)
{
	struct rig r;

	start_server(&r, NULL, NULL);
	rig_feed(&r, "ff03802109070008345f64ca");
	rig_expect(&r, "ff0380210702000c09070008345f64ca");
	rig_feed(&r, "ff03802109070008345f64ca");
	rig_expect_silence(&r);
}

/* client */

static void client_takes_address_and_dns_from_the_servers_nak(void **state)
{
	const struct link_address *a;
	struct rig r;

	rig_client_open(&r);
	a = link_addresses(&r.link);
	assert_int_equal(a->local, inet_addr("10.0.0.5"));
	assert_int_equal(a->peer, inet_addr("10.0.0.1"));
	assert_int_equal(a->dns[0], inet_addr("10.0.0.1"));
	assert_int_equal(a->dns[1], inet_addr("8.8.8.8"));
}

static void client_asks_no_more_for_a_dns_server_that_is_naked_with_zero(void **state)
{
	struct rig r;

	start_client(&r);
	rig_feed(&r, "ff0380210301001603060a000005810600000000830608080808");
	rig_expect(&r, "ff0380210102001003060a000005830608080808");
	rig_expect_silence(&r);
	rig_feed(&r, "ff0380210101000a03060a000001");
	rig_skip(&r);
	assert_int_equal(rig_ack(&r, "ff0380210102001003060a000005830608080808"), LINK_EV_UP);
	assert_int_equal(link_addresses(&r.link)->dns[0], 0);
	assert_int_equal(link_addresses(&r.link)->dns[1], inet_addr("8.8.8.8"));
}

static void client_drops_dns_that_is_rejected(void **state)
{
	struct rig r;

	start_client(&r);
	rig_feed(&r, "ff0380210401000a830600000000");
	rig_expect(&r, "ff03802101020010030600000000810600000000");
	/* what it does not ask for any more cannot be given */
	rig_feed(&r, "ff0380210302001003060a00000583060a000009");
	rig_expect(&r, "ff0380210103001003060a000005810600000000");
	assert_int_equal(link_addresses(&r.link)->dns[1], 0);
}

static void client_takes_whatever_address_the_server_has(void **state)
{
	static const char *const theirs[] = {"01000001", "c0000008", "a9fe0001"};
	char hex[64], ack[64];

	for (size_t i = 0; i < 3; i++) {
		struct rig r;

		start_client(&r);
		snprintf(hex, sizeof(hex), "ff0380210101000a0306%s", theirs[i]);
		snprintf(ack, sizeof(ack), "ff0380210201000a0306%s", theirs[i]);
		rig_feed(&r, hex);
		rig_expect(&r, ack);
	}
}

static void client_rejects_all_else_from_the_server(void **state)
{
	struct rig r;

	start_client(&r);
	rig_feed(&r, "ff03802101010016"
		     "03060a000001"
		     "0206002d0f01"
		     "81060a000001");
	rig_expect(&r, "ff03802104010010"
		       "0206002d0f01"
		       "81060a000001");
}

static void client_refuses_addresses_that_no_host_can_have(void **state)
{
	static const char *const bad[] = {
		"00000000", "7f000001", "7fffffff", "e0000001", "efffffff", "ffffffff",
	};
	char hex[96];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct rig r;

		start_client(&r);
		rig_feed(&r, "ff0380210101000a03060a000001");
		rig_skip(&r);
		snprintf(hex, sizeof(hex), "ff0380210301000a0306%s", bad[i]);
		rig_feed(&r, hex);
		rig_skip(&r);
		snprintf(hex, sizeof(hex), "ff038021020200160306%s810600000000830600000000",
			 bad[i]);
		assert_int_equal(rig_feed(&r, hex), 0);
		rig_expect_start(&r, "ff03c02105");
		assert_string_equal(link_reason(&r.link), "the server gives us no usable address");
	}
}

static void client_without_the_address_option_is_not_up(void **state)
{
	struct rig r;

	start_client(&r);
	rig_feed(&r, "ff0380210101000a03060a000001");
	rig_skip(&r);
	rig_feed(&r, "ff0380210401000a030600000000");
	rig_expect(&r, "ff03802101020010810600000000830600000000");
	assert_int_equal(rig_feed(&r, "ff03802102020010810600000000830600000000"), 0);
	rig_expect_start(&r, "ff03c02105");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows_client_gets_its_address_in_three_rounds),
		cmocka_unit_test(pppd_client_gets_header_compression_rejected),
		cmocka_unit_test(P73_server_always_tells_its_own_address),
		cmocka_unit_test(P74_nak_holds_only_what_was_asked_for),
		cmocka_unit_test(dns_servers_that_there_are_not_are_rejected),
		cmocka_unit_test(X53_addresses_other_than_the_assigned_one_are_naked_then_refused),
		cmocka_unit_test(request_without_an_address_is_naked_once_then_refused),
		cmocka_unit_test(X03_bad_option_spoils_the_packet_not_the_link),
		cmocka_unit_test(known_option_of_another_length_is_rejected),
		cmocka_unit_test(X24_rounds_are_bounded),
		cmocka_unit_test(requests_are_ignored_until_the_address_is_known),
		cmocka_unit_test(no_address_left_terminates),
		cmocka_unit_test(ipcp_that_does_not_open_in_30_s_terminates),
		cmocka_unit_test(same_request_when_open_is_acked_again),
		cmocka_unit_test(other_request_when_open_terminates),
		cmocka_unit_test(terminate_request_for_ipcp_ends_the_link),
		cmocka_unit_test(P55_codes_above_7_are_rejected_and_never_answered_otherwise),
		cmocka_unit_test(client_takes_address_and_dns_from_the_servers_nak),
		cmocka_unit_test(client_asks_no_more_for_a_dns_server_that_is_naked_with_zero),
		cmocka_unit_test(client_drops_dns_that_is_rejected),
		cmocka_unit_test(client_takes_whatever_address_the_server_has),
		cmocka_unit_test(client_rejects_all_else_from_the_server),
		cmocka_unit_test(client_refuses_addresses_that_no_host_can_have),
		cmocka_unit_test(client_without_the_address_option_is_not_up),
	};

	return cmocka_run_group_tests_name("ppp/ipcp", tests, NULL, NULL);
}

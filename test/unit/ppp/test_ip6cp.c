/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "test/support/hex.h"
#include "test/unit/ppp/rig.h"

#define REQUEST(id, n) \
	"ff038057"     \
	"01" id "000e010a" n
#define ACK(id, n) \
	"ff038057" \
	"02" id "000e010a" n
#define NAK(id, n) \
	"ff038057" \
	"03" id "000e010a" n
#define REJECT(id, n) \
	"ff038057"    \
	"04" id "000e010a" n
#define OURS	  "0000000000000002"
#define ASSIGNED  "0000000000000001"
#define OTHER	  "0123456789abcdef"
#define NONE	  "0000000000000000"
#define SUBSCRIBE "ff03c0210009000c" RIG_PEER_MAGIC "02534701"
#define ADDRESS	  "20010db800000007" ASSIGNED

static const char ipcp_request[] = "ff0380210101000a03060a000001";

/* A server whose peer gets 2001:db8:0:7::/64; its requests are out. */
static void start_server(struct rig *r)
{
	struct link_address a = {
		.local = inet_addr("10.0.0.1"),
		.peer = inet_addr("10.0.0.5"),
		.prefix6 = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 7},
	};

	rig_server_authenticated(r);
	outbox_clear(&r->out);
	r->read = 0;
	assert_int_equal(link_on_address(&r->link, r->now, &a, &r->out), 0);
	rig_expect(r, ipcp_request);
	rig_expect(r, REQUEST("01", OURS));
	rig_expect_silence(r);
}

static void open_ipcp(struct rig *r)
{
	rig_feed(r, "ff0380210101000a03060a000005");
	rig_expect(r, "ff0380210201000a03060a000005");
	assert_int_equal(rig_ack(r, ipcp_request), LINK_EV_UP);
}

static void open_ip6cp(struct rig *r)
{
	assert_int_equal(rig_ack(r, REQUEST("01", OURS)), 0);
	assert_int_equal(rig_feed(r, REQUEST("01", ASSIGNED)), LINK_EV_UP6);
	rig_expect(r, ACK("01", ASSIGNED));
}

static void open_server(struct rig *r)
{
	start_server(r);
	open_ipcp(r);
	open_ip6cp(r);
	assert_true(link_is_up6(&r->link));
}

/* A client that wants IPv6, with IPCP open and the request for IPV6CP out. */
static void start_client(struct rig *r)
{
	rig_client_authenticated(r);
	r->link.wants_ip6 = true; /* as of its parameters */
	assert_int_equal(rig_wait(r, 0), 0);
	rig_expect(r, "ff03802101010016030600000000810600000000830600000000");
	rig_expect(r, REQUEST("01", NONE));
	rig_feed(r, "ff0380210101000a03060a000001");
	rig_expect(r, "ff0380210201000a03060a000001");
	rig_feed(r, "ff0380210301001603060a00000581060a000001830608080808");
	rig_expect(r, "ff0380210102001603060a00000581060a000001830608080808");
	assert_int_equal(rig_feed(r, "ff0380210202001603060a00000581060a000001830608080808"),
			 LINK_EV_UP);
}

static void open_client(struct rig *r)
{
	start_client(r);
	assert_int_equal(rig_feed(r, NAK("01", ASSIGNED)), 0);
	rig_expect(r, REQUEST("02", ASSIGNED));
	assert_int_equal(rig_feed(r, ACK("02", ASSIGNED)), 0);
	assert_int_equal(rig_feed(r, REQUEST("01", OURS)), LINK_EV_UP6);
	rig_expect(r, ACK("01", OURS));
}

/* ---- what the server says of a request ---- */

/* The first Nak, Ack or Reject of a request with these options, in either role. */
static void every_kind_of_option_gets_its_verdict(void **state)
{
	static const struct {
		const char *options, *of_server, *of_client;
	} rows[] = {
		{"010a" ASSIGNED, "02:010a" ASSIGNED, "02:010a" ASSIGNED},
		{"010a" NONE, "03:010a" ASSIGNED, "04:010a" NONE},
		{"010a" OTHER, "03:010a" ASSIGNED, "02:010a" OTHER},
		{"010a" OURS, "03:010a" ASSIGNED, "02:010a" OURS},
		{"0109"
		 "01234567890abc",
		 "04:0109"
		 "01234567890abc",
		 "04:0109"
		 "01234567890abc"},
		{"010b" OTHER "00", "04:010b" OTHER "00", "04:010b" OTHER "00"},
		{"0102", "04:0102", "04:0102"},
		{"0204"
		 "004f",
		 "04:0204"
		 "004f",
		 "04:0204"
		 "004f"}, /* compression */
		{"0306"
		 "0a000005",
		 "04:0306"
		 "0a000005",
		 "04:0306"
		 "0a000005"},
		{"010a" ASSIGNED "010a" ASSIGNED, "04:010a" ASSIGNED, "04:010a" ASSIGNED},
		{"010a" OTHER "0204"
		 "004f",
		 "04:0204"
		 "004f",
		 "04:0204"
		 "004f"},
		{"", "03:010a" ASSIGNED, "02:"},
	};

	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		bool server = i % 2 == 0;
		const char *answer = server ? rows[i / 2].of_server : rows[i / 2].of_client;
		char request[128], expected[128];
		struct rig r;

		if (server)
			start_server(&r);
		else
			start_client(&r);
		snprintf(request, sizeof(request), "ff0380570109%04zx%s",
			 4 + strlen(rows[i / 2].options) / 2, rows[i / 2].options);
		snprintf(expected, sizeof(expected), "ff038057%.2s09%04zx%s", answer,
			 4 + strlen(answer + 3) / 2, answer + 3);
		assert_int_equal(rig_feed(&r, request), 0);
		rig_expect(&r, expected);
		rig_expect_silence(&r);
	}
}

/* A pppd that was not told to give way asks for the same for ever. */
static void who_insists_keeps_its_identifier(void **state)
{
	struct rig r;

	start_server(&r);
	open_ipcp(&r);
	rig_ack(&r, REQUEST("01", OURS));
	for (int i = 0; i < IP6CP_INSIST; i++) {
		assert_int_equal(rig_feed(&r, REQUEST("07", OTHER)), 0);
		rig_expect(&r, NAK("07", ASSIGNED));
	}
	assert_int_equal(rig_feed(&r, REQUEST("07", OTHER)), LINK_EV_UP6);
	rig_expect(&r, ACK("07", OTHER));
	assert_memory_equal(link_address6(&r.link),
			    "\x20\x01\x0d\xb8\0\0\0\7\x01\x23\x45\x67\x89\xab\xcd\xef", 16);
}

static void zero_and_our_own_are_never_taken(void **state)
{
	static const char *const wanted[] = {NONE, OURS};

	for (size_t w = 0; w < 2; w++) {
		char hex[64];
		struct rig r;

		start_server(&r);
		open_ipcp(&r);
		snprintf(hex, sizeof(hex), "ff0380570107000e010a%s", wanted[w]);
		for (int i = 0; i < CP_MAX_FAILURE; i++) {
			rig_feed(&r, hex);
			rig_expect(&r, NAK("07", ASSIGNED));
		}
		for (int i = CP_MAX_FAILURE; i < CP_MAX_ROUNDS; i++) {
			rig_feed(&r, hex);
			rig_expect_start(&r, "ff0380570407");
		}
		assert_int_equal(rig_feed(&r, hex), 0);
		rig_expect(&r, "ff03805705020004"); /* and that is the end of it */
		assert_true(link_is_up(&r.link));
		assert_false(link_is_up6(&r.link));
	}
}

static void servers_own_identifier_is_not_negotiable(void **state)
{
	struct rig r;

	start_server(&r);
	rig_feed(&r, NAK("01", OTHER));
	rig_expect(&r, REQUEST("02", OURS));
	rig_feed(&r, REJECT("02", OURS));
	rig_expect(&r, "ff03805701030004");
}

static void request_without_an_identifier_is_naked_once_then_closed(void **state)
{
	struct rig r;

	start_server(&r);
	open_ipcp(&r);
	rig_feed(&r, "ff03805701010004");
	rig_expect(&r, NAK("01", ASSIGNED));
	assert_int_equal(rig_feed(&r, "ff03805701020004"), 0);
	rig_expect(&r, "ff03805705020004");
	assert_true(link_is_up(&r.link));
}

/* ---- the client ---- */

static void client_takes_what_it_is_given(void **state)
{
	struct rig r;

	open_client(&r);
	assert_true(link_is_up6(&r.link));
	assert_memory_equal(link_identifier6(&r.link), "\0\0\0\0\0\0\0\1", 8);
	assert_null(link_address6(&r.link));
}

static void client_without_an_identifier_has_no_ipv6(void **state)
{
	static const char *const answers[] = {ACK("01", NONE), REJECT("01", NONE)};

	for (size_t i = 0; i < 2; i++) {
		struct rig r;

		start_client(&r);
		rig_feed(&r, REQUEST("01", OURS));
		rig_expect(&r, ACK("01", OURS));
		rig_feed(&r, answers[i]);
		if (i == 1) {
			rig_expect(&r, "ff03805701020004");
			rig_feed(&r, "ff03805702020004");
		}
		rig_expect_start(&r, "ff03805705");
		rig_expect_silence(&r);
		assert_false(link_is_up6(&r.link));
		assert_true(link_is_up(&r.link));
	}
}

static void client_that_is_naked_with_zero_again_and_again_gives_up(void **state)
{
	struct rig r;

	start_client(&r);
	for (int i = 0; i < CP_MAX_ROUNDS; i++) {
		char nak[64], request[64];

		snprintf(nak, sizeof(nak), "ff03805703%02x000e010a" NONE, i + 1);
		snprintf(request, sizeof(request), "ff03805701%02x000e010a" NONE, i + 2);
		rig_feed(&r, nak);
		rig_expect(&r, request);
	}
	rig_feed(&r, NAK("0b", NONE));
	rig_expect(&r, "ff038057050c0004");
	assert_true(link_is_up(&r.link));
}

static void client_that_does_not_ask_rejects_the_protocol(void **state)
{
	struct rig r;

	rig_client_open(&r);
	rig_feed(&r, REQUEST("01", OURS));
	rig_expect(&r, "ff03c0210802001480570101000e010a" OURS);
}

/* As servers without IPv6 do: it does not insist. */
static void client_whose_protocol_is_rejected_says_no_more_of_it(void **state)
{
	struct rig r;

	start_client(&r);
	assert_int_equal(rig_feed(&r, "ff03c0210801001480570101000e010a" NONE), 0);
	assert_int_equal(rig_wait(&r, 100000), 0);
	rig_expect_silence(&r);
	assert_true(link_is_up(&r.link));
	rig_feed(&r, REQUEST("01", OURS));
	rig_expect(&r, "ff03805706010004");
}

static void server_that_never_answers_is_asked_ten_times(void **state)
{
	struct rig r;

	start_client(&r);
	assert_int_equal(rig_wait(&r, 100000), 0);
	assert_int_equal(rig_skip(&r), CP_MAX_CONFIGURE - 1);
	assert_true(link_is_up(&r.link));
	assert_int_equal(link_deadline(&r.link), CLOCK_NEVER);
}

/* ---- one and the other ---- */

static void P82_order_of_both_does_not_matter(void **state)
{
	struct rig r;

	start_server(&r);
	open_ip6cp(&r);
	assert_false(link_is_up6(&r.link));
	open_ipcp(&r);
	assert_true(link_is_up6(&r.link));
}

/* Windows begins with it, right behind its authentication. */
static void P82_early_request_is_left_to_be_repeated(void **state)
{
	struct rig r;

	rig_server_authenticated(&r);
	assert_int_equal(rig_feed(&r, REQUEST("01", OTHER)), 0);
	rig_expect_silence(&r);
}

static void ipv4_stays_whatever_becomes_of_ipv6(void **state)
{
	static const struct {
		const char *frame, *answer;
	} rows[] = {
		{"ff03805705090004", "ff03805706090004"},		       /* terminated */
		{REQUEST("09", OTHER), "ff03805705020004"},		       /* negotiated anew */
		{"ff03c0210801001480570101000e010a" OURS, "ff03805705020004"}, /* rejected */
		{"ff03805707090008"
		 "01010004",
		 "ff03805705020004"},	 /* as is a code of it */
		{ACK("02", OURS), NULL}, /* nonsense */
		{NAK("01", OTHER), NULL},
		{"ff0380570909000800000000", "ff0380570702000c0909000800000000"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct rig r;
		unsigned events;

		open_server(&r);
		events = rig_feed(&r, rows[i].frame);
		if (rows[i].answer)
			rig_expect(&r, rows[i].answer);
		rig_expect_silence(&r);
		assert_int_equal(events, i < 4 ? LINK_EV_DOWN6 : 0);
		assert_int_equal(link_is_up6(&r.link), i >= 4);
		rig_wait(&r, 20000);
		rig_skip(&r);
		assert_true(link_is_up(&r.link));
		assert_int_equal(link_address6(&r.link) != NULL, i >= 4);
	}
}

static void ipv6_ends_with_ipv4(void **state)
{
	struct rig r;

	open_server(&r);
	assert_int_equal(rig_feed(&r, "ff03802105090004"), LINK_EV_DOWN);
	rig_skip(&r);
	assert_false(link_is_up6(&r.link));
	assert_int_equal(rig_wait(&r, 20000), LINK_EV_FINISHED);
	rig_skip(&r);
	rig_feed(&r, REQUEST("01", ASSIGNED));
	rig_expect_silence(&r);
}

static void ipv6_ends_with_the_layer_below(void **state)
{
	struct rig r;

	open_server(&r);
	assert_int_equal(link_down(&r.link), LINK_EV_DOWN);
	assert_false(link_is_up6(&r.link));
	assert_int_equal(link_deadline(&r.link), CLOCK_NEVER);
}

static void server_without_a_prefix_rejects_the_protocol(void **state)
{
	struct rig r;

	rig_server_open(&r);
	rig_feed(&r, REQUEST("01", OTHER));
	rig_expect(&r, "ff03c0210802001480570101000e010a" OTHER);
	assert_false(link_is_up6(&r.link));
}

/* RFC 8200 section 5: what comes through must hold 1280 bytes. */
static void mru_that_is_too_small_for_ipv6_leaves_ipv4(void **state)
{
	struct link_address a = {.local = 1, .peer = 2, .prefix6 = {0xfd}};
	struct rig r;

	rig_server_authenticated(&r);
	r.link.lcp.cp.peer_mru = 1279;
	outbox_clear(&r.out);
	r.read = 0;
	link_on_address(&r.link, r.now, &a, &r.out);
	rig_expect_start(&r, "ff038021");
	rig_expect_silence(&r);
	rig_feed(&r, REQUEST("01", OTHER));
	rig_expect_start(&r, "ff03c02108");
}

static void X03_bad_options_spoil_the_packet_not_the_protocol(void **state)
{
	static const char *const bad[] = {
		"ff0380570101000801010000",
		"ff03805701010008010a0001",
		"ff0380570101000501",
		("ff038057010100100100010a" OTHER),
	};
	struct rig r;

	start_server(&r);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		rig_feed(&r, bad[i]);
		rig_expect_silence(&r);
	}
	open_ip6cp(&r);
}

/* ---- the address in band ---- */

static void worker_is_told_its_address_whatever_comes_first(void **state)
{
	static const char told[] = "ff03c0210002001c" RIG_MAGIC "02534704" ADDRESS;
	struct rig r;

	open_server(&r);
	assert_int_equal(rig_feed(&r, SUBSCRIBE), LINK_EV_SUBSCRIBED);
	rig_expect(&r, told);
	rig_expect_silence(&r);

	start_server(&r);
	open_ipcp(&r);
	assert_int_equal(rig_feed(&r, SUBSCRIBE), LINK_EV_SUBSCRIBED);
	rig_expect_silence(&r);
	open_ip6cp(&r);
	rig_expect(&r, told);
}

static void client_learns_its_address_while_ipv6_is_open(void **state)
{
	static const char told[] = "ff03c0210009001c" RIG_PEER_MAGIC "02534704" ADDRESS;
	struct rig r;

	start_client(&r);
	r.link.params.subscribe = true;
	assert_int_equal(rig_feed(&r, told), 0);
	assert_null(link_address6(&r.link));

	open_client(&r);
	assert_int_equal(rig_feed(&r, told), 0); /* it did not ask */
	r.link.params.subscribe = true;
	assert_int_equal(rig_feed(&r, told), LINK_EV_ADDRESS6);
	assert_memory_equal(link_address6(&r.link), "\x20\x01\x0d\xb8\0\0\0\7\0\0\0\0\0\0\0\1", 16);
	assert_int_equal(rig_feed(&r, "ff03805705090004"), LINK_EV_DOWN6);
	rig_skip(&r);
	assert_null(link_address6(&r.link));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_option_gets_its_verdict),
		cmocka_unit_test(who_insists_keeps_its_identifier),
		cmocka_unit_test(zero_and_our_own_are_never_taken),
		cmocka_unit_test(servers_own_identifier_is_not_negotiable),
		cmocka_unit_test(request_without_an_identifier_is_naked_once_then_closed),
		cmocka_unit_test(client_takes_what_it_is_given),
		cmocka_unit_test(client_without_an_identifier_has_no_ipv6),
		cmocka_unit_test(client_that_is_naked_with_zero_again_and_again_gives_up),
		cmocka_unit_test(client_that_does_not_ask_rejects_the_protocol),
		cmocka_unit_test(client_whose_protocol_is_rejected_says_no_more_of_it),
		cmocka_unit_test(server_that_never_answers_is_asked_ten_times),
		cmocka_unit_test(P82_order_of_both_does_not_matter),
		cmocka_unit_test(P82_early_request_is_left_to_be_repeated),
		cmocka_unit_test(ipv4_stays_whatever_becomes_of_ipv6),
		cmocka_unit_test(ipv6_ends_with_ipv4),
		cmocka_unit_test(ipv6_ends_with_the_layer_below),
		cmocka_unit_test(server_without_a_prefix_rejects_the_protocol),
		cmocka_unit_test(mru_that_is_too_small_for_ipv6_leaves_ipv4),
		cmocka_unit_test(X03_bad_options_spoil_the_packet_not_the_protocol),
		cmocka_unit_test(worker_is_told_its_address_whatever_comes_first),
		cmocka_unit_test(client_learns_its_address_while_ipv6_is_open),
	};

	return cmocka_run_group_tests_name("ppp/ip6cp", tests, NULL, NULL);
}

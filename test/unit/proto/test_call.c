/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the cells do not show: what a message is worth, timers over time, and both ends together.
 * Keys are test_call_binding.c's.
 */
#include "sstp/proto/call.h"

#include "test/support/cmocka.h"
#include "test/support/hex.h"
#include "test/unit/proto/call_bench.h"

#define S(seconds) ((seconds)*CLOCK_NS_PER_S)

enum {
	BOTH = SSTP_HASH_SHA1 | SSTP_HASH_SHA256
};

/* Carries what `from` sent last to `to`; returns the last message's result. */
static unsigned carry(const struct call_bench *from, struct call_bench *to)
{
	uint8_t *msg;
	size_t pos = 0, len;
	unsigned todo = 0;

	while (outbox_next(&from->out, &pos, &msg, &len)) {
		assert_int_equal(sstp_packet_len(msg, len), len);
		todo = bench_control(to, msg, len);
	}
	return todo;
}

/* A whole call between both roles; returns the hash that the client chose. */
static uint8_t connect_both(uint8_t server_hashes, uint8_t client_hashes)
{
	struct call_bench server, client;
	const uint8_t *connected;
	uint8_t hash;
	size_t len;

	bench_init(&server, CALL_SERVER, server_hashes, 1);
	bench_init(&client, CALL_CLIENT, client_hashes, 2);
	assert_int_equal(bench_start(&server), 0);
	assert_int_equal(bench_start(&client), 0);
	assert_int_equal(carry(&client, &server), CALL_DO_LINK_UP);
	assert_int_equal(carry(&server, &client), CALL_DO_LINK_UP);
	assert_int_equal(bench_auth_ok(&server), 0);
	assert_int_equal(bench_auth_ok(&client), CALL_DO_OPEN);
	connected = bench_sent(&client, &len);
	hash = connected[15];
	assert_int_equal(carry(&client, &server), CALL_DO_OPEN);
	assert_int_equal(server.call.state, CALL_CONNECTED);
	assert_int_equal(client.call.state, CALL_CONNECTED);
	bench_expect_no_key(&server.call);
	bench_expect_no_key(&client.call);
	return hash;
}

static void both_roles_connect_each_other_with_the_strongest_common_hash(void **state)
{
	assert_int_equal(connect_both(BOTH, BOTH), SSTP_HASH_SHA256);
	assert_int_equal(connect_both(BOTH, SSTP_HASH_SHA1), SSTP_HASH_SHA1);
	assert_int_equal(connect_both(SSTP_HASH_SHA1, BOTH), SSTP_HASH_SHA1);
	assert_int_equal(connect_both(SSTP_HASH_SHA256, BOTH), SSTP_HASH_SHA256);
}

static void nonces_of_a_thousand_acks_differ(void **state)
{
	static uint8_t nonces[1000][SSTP_NONCE_SIZE];

	for (unsigned i = 0; i < 1000; i++) {
		struct call_bench b;
		size_t len;

		bench_init(&b, CALL_SERVER, BOTH, i);
		b.call.params.random = &random_system;
		bench_reach(&b, CALL_CONNECTED_PENDING);
		memcpy(nonces[i], bench_sent(&b, &len) + 16, SSTP_NONCE_SIZE);
		for (unsigned k = 0; k < i; k++)
			assert_memory_not_equal(nonces[i], nonces[k], SSTP_NONCE_SIZE);
	}
}

static void nonce_is_the_whole_of_what_the_random_source_gave(void **state)
{
	struct call_bench b;
	struct prng twin = {.state = 1};
	uint8_t expected[SSTP_NONCE_SIZE];
	struct random_source source = prng_source(&twin);
	size_t len;

	random_fill(&source, expected, sizeof(expected));
	bench_init_at(&b, CALL_SERVER, CALL_CONNECTED_PENDING);
	assert_memory_equal(bench_sent(&b, &len) + 16, expected, sizeof(expected));
}

/* Inputs that break a rule, with the exact answer to each. */
static const struct violation {
	enum call_role role;
	enum call_state state;
	const char *input;
	const char *answer; /* NULL: the connection is closed without a message */
} violations[] = {
	/* the header: the call is told as if the stream had been delineated */
	{CALL_SERVER, CALL_CONNECT_REQUEST_PENDING, "10010004", NULL},
	{CALL_SERVER, CALL_CONNECTED, "10010007 000800", NULL},
	/* R bits of the length and reserved bits are masked */
	{CALL_SERVER, CALL_CONNECTED, "10fff008 00080000", REPLY_HEX},
	/* attributes that do not fill the packet */
	{CALL_SERVER, CALL_CONNECT_REQUEST_PENDING, "1001000c 0001 0001 00010000",
	 ABORT_HEX("0000000200000007")},
	{CALL_SERVER, CALL_CONNECT_REQUEST_PENDING, "1001000c 0001 0001 00010003",
	 ABORT_HEX("0000000200000007")},
	{CALL_SERVER, CALL_CONNECT_REQUEST_PENDING, "1001000e 0001 0001 00010007 0001",
	 ABORT_HEX("0000000200000007")},
	{CALL_SERVER, CALL_CONNECT_REQUEST_PENDING, "1001000e 0001 0000 00010006 0001",
	 ABORT_HEX("0000000200000007")},
	{CALL_SERVER, CALL_CONNECT_REQUEST_PENDING, "1001000e 0001 ffff 00010006 0001",
	 ABORT_HEX("0000000200000007")},
	{CALL_SERVER, CALL_CONNECT_REQUEST_PENDING, "1001000f 0001 0001 00010006 0001 00",
	 ABORT_HEX("0000000200000007")},
	{CALL_CLIENT, CALL_CONNECT_REQUEST_SENT, "1001000c 0003 0001 00020000",
	 ABORT_HEX("0000000200000007")},
	{CALL_CLIENT, CALL_CONNECTED, "1001000c 0009 0001 00020000", ABORT_HEX("0000000200000007")},
	/* a known type in a wrong state */
	{CALL_SERVER, CALL_CONNECTED_PENDING, REQUEST_HEX, ABORT_HEX("0000000200000005")},
	{CALL_SERVER, CALL_CONNECTED, REQUEST_HEX, ABORT_HEX("0000000200000005")},
	{CALL_SERVER, CALL_CONNECT_REQUEST_PENDING, ECHO_HEX, ABORT_HEX("0000000200000005")},
	{CALL_CLIENT, CALL_CONNECTED, ACK_HEX("3"), ABORT_HEX("0000000200000005")},
	{CALL_CLIENT, CALL_CONNECTED, DACK_HEX, ABORT_HEX("0000000200000005")},
	/* an unknown type, whatever its attributes are */
	{CALL_SERVER, CALL_CONNECTED, "10010008 0000 0000", ABORT_HEX("0000000200000007")},
	{CALL_SERVER, CALL_CONNECTED, "10010008 0108 0000", ABORT_HEX("0000000200000007")},
	{CALL_CLIENT, CALL_CONNECTED, "10010008 ffff 0001", ABORT_HEX("0000000200000007")},
	/* CALL_CONNECT_REQUEST */
	{CALL_SERVER, CALL_CONNECT_REQUEST_PENDING,
	 "1001001a 0001 0002 00010006 0001 0002000c 0000000000000001",
	 "10010014000300010002000c000000020000000b"},
	{CALL_SERVER, CALL_CONNECT_REQUEST_PENDING, "1001000f 0001 0001 00010007 000100",
	 "10010014000300010002000c0000000100000003"},
	{CALL_SERVER, CALL_CONNECT_REQUEST_PENDING,
	 "10010014 0001 0002 00010006 0001 00010006 0001",
	 "10010014000300010002000c0000000100000001"},
	{CALL_SERVER, CALL_CONNECT_REQUEST_PENDING, "10010012 0001 0002 00010006 0001 00090004",
	 "10010014000300010002000c0000000900000002"},
	{CALL_SERVER, CALL_CONNECT_REQUEST_PENDING, "1001000e 0001 0001 00010006 0002",
	 "10010016000300010002000e00000001000000040002"},
	{CALL_SERVER, CALL_CONNECT_REQUEST_PENDING, "10010008 0001 0000", NAK_HEX},
	{CALL_SERVER, CALL_CONNECT_REQUEST_PENDING, "1001000c 0001 0001 00090004",
	 "10010020000300020002000c00000009000000020002000c000000020000000a"},
	/* CALL_CONNECT_ACK */
	{CALL_CLIENT, CALL_CONNECT_REQUEST_SENT, "10010008 0002 0000",
	 ABORT_HEX("0000000200000009")},
	{CALL_CLIENT, CALL_CONNECT_REQUEST_SENT, "10010010 0002 0001 00040008 00000003",
	 ABORT_HEX("0000000200000009")},
	{CALL_CLIENT, CALL_CONNECT_REQUEST_SENT,
	 "10010031 0002 0001 00040029 00000003" NONCE_HEX "00", ABORT_HEX("0000000200000009")},
	{CALL_CLIENT, CALL_CONNECT_REQUEST_SENT,
	 "10010034 0002 0002 00040028 00000003" NONCE_HEX "00090004",
	 ABORT_HEX("0000000200000009")},
	{CALL_CLIENT, CALL_CONNECT_REQUEST_SENT, "10010030 0002 0001 00030028 00000003" NONCE_HEX,
	 ABORT_HEX("0000000200000009")},
	{CALL_CLIENT, CALL_CONNECT_REQUEST_SENT, "10010030 0002 0001 000400ff 00000003" NONCE_HEX,
	 ABORT_HEX("0000000200000009")},
	{CALL_CLIENT, CALL_CONNECT_REQUEST_SENT, ACK_HEX("0"), ABORT_HEX("0000000400000004")},
	{CALL_CLIENT, CALL_CONNECT_REQUEST_SENT, ACK_HEX("c"), ABORT_HEX("0000000400000004")},
	{CALL_CLIENT, CALL_CONNECT_REQUEST_SENT, ACK_HEX("e"), ""},
	/* CALL_CONNECTED: its structure, before the authentication's result as after */
	{CALL_SERVER, CALL_CONNECTED_PENDING, "10010008 0004 0000", ABORT_HEX("0000000200000009")},
	{CALL_SERVER, CALL_CONNECTED_PENDING, "10010010 0004 0001 00030008 00000002",
	 ABORT_HEX("0000000200000009")},
	{CALL_SERVER, CALL_CONNECTED_PENDING, "10010014 0004 0001 0002000c 00000000 00000001",
	 ABORT_HEX("0000000200000009")},
	{CALL_SERVER, CALL_CONNECTED_PENDING,
	 "10010070 0004 0001 00030067 00000002" NONCE_HEX NONCE_HEX NONCE_HEX,
	 ABORT_HEX("0000000200000009")},
	{CALL_SERVER, CALL_CONNECTED_PENDING,
	 "10010070 0004 0002 00030068 00000002" NONCE_HEX NONCE_HEX NONCE_HEX,
	 ABORT_HEX("0000000200000009")},
	{CALL_SERVER, CALL_CONNECTED_PENDING,
	 "10010070 0004 0001 00040068 00000002" NONCE_HEX NONCE_HEX NONCE_HEX,
	 ABORT_HEX("0000000200000009")},
	{CALL_SERVER, CALL_CONNECTED_PENDING,
	 "10010071 0004 0001 00030069 00000002" NONCE_HEX NONCE_HEX NONCE_HEX "00",
	 ABORT_HEX("0000000200000009")},
	{CALL_SERVER, CALL_CONNECTED_PENDING,
	 "10010074 0004 0002 00030068 00000002" NONCE_HEX NONCE_HEX NONCE_HEX "00090004",
	 ABORT_HEX("0000000200000009")},
	{CALL_SERVER, CALL_CONNECT_REQUEST_PENDING, "10010008 0004 0000",
	 ABORT_HEX("0000000200000005")},
	/* ABORT and DISCONNECT count with any attributes and with none */
	{CALL_SERVER, CALL_CONNECTED, "10010008 0005 0000", ABORT_HEX("0000000200000005")},
	{CALL_SERVER, CALL_CONNECTED, "10010008 0005 0007", ABORT_HEX("0000000200000005")},
	{CALL_SERVER, CALL_CONNECTED, "1001000c 0005 0001 00020002", ABORT_HEX("0000000200000005")},
	{CALL_CLIENT, CALL_CONNECTED,
	 "1001002c 0005 0003 0002000c 0000000300000004 0002000c 0000000300000004 0009000c "
	 "0000000300000004",
	 ABORT_HEX("0000000200000005")},
	{CALL_SERVER, CALL_CONNECTED, "10010008 0006 0000", DACK_HEX},
	{CALL_CLIENT, CALL_CONNECTED, "10010008 0006 0001", DACK_HEX},
	{CALL_SERVER, CALL_CONNECT_REQUEST_PENDING, "1001000c 0006 0001 00090004", DACK_HEX},
	/* ECHO and DISCONNECT_ACK with attributes */
	{CALL_SERVER, CALL_CONNECTED, "1001000c 0008 0001 00090004", REPLY_HEX},
	{CALL_SERVER, CALL_CONNECTED, "1001000c 0009 0001 00090004", ""},
	{CALL_SERVER, CALL_DISCONNECT_ACK_PENDING, "1001000c 0007 0001 00090004", NULL},
	{CALL_SERVER, CALL_DISCONNECT_ACK_PENDING, "1001000c 0007 0002 00090003", NULL},
	/* nothing counts any more once the end is on its way */
	{CALL_SERVER, CALL_ABORT_PENDING, "1001000c 0001 0001 00010000", ""},
	{CALL_CLIENT, CALL_DISCONNECT_TIMEOUT_PENDING, "10010008 ffff 0001", ""},
};

static void every_violation_costs_what_it_should(void **state)
{
	for (size_t i = 0; i < sizeof(violations) / sizeof(*violations); i++) {
		const struct violation *v = &violations[i];
		struct call_bench b;
		unsigned todo;

		print_message("# %s\n", v->input);
		bench_init_at(&b, v->role, v->state);
		todo = bench_control_hex(&b, v->input);
		bench_expect_sent(&b, v->answer ? v->answer : "");
		assert_int_equal(todo & CALL_DO_CLOSE, v->answer ? 0 : CALL_DO_CLOSE);
	}
}

static void three_bad_requests_are_refused_and_the_fourth_aborts(void **state)
{
	static const char bad[] = "1001000e00010001000100060002";
	struct call_bench b;

	bench_init_at(&b, CALL_SERVER, CALL_CONNECT_REQUEST_PENDING);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(bench_control_hex(&b, bad), 0);
		bench_expect_sent(&b, "10010016000300010002000e00000001000000040002");
	}
	assert_int_equal(bench_control_hex(&b, bad), 0);
	bench_expect_sent(&b, ABORT_HEX("0000000200000006"));
	assert_int_equal(b.call.trace[0].attribute, 2);
	assert_int_equal(b.call.trace[0].status, SSTP_STATUS_RETRY_COUNT_EXCEEDED);
}

static void good_request_after_three_bad_ones_is_accepted(void **state)
{
	struct call_bench b;

	bench_init_at(&b, CALL_SERVER, CALL_CONNECT_REQUEST_PENDING);
	for (int i = 0; i < 3; i++)
		bench_control_hex(&b, "1001000800010000");
	assert_int_equal(bench_control_hex(&b, REQUEST_HEX), CALL_DO_LINK_UP);
	assert_int_equal(b.call.state, CALL_CONNECTED_PENDING);
}

static void client_repeats_its_request_three_times_and_then_aborts(void **state)
{
	struct call_bench b;

	bench_init_at(&b, CALL_CLIENT, CALL_CONNECT_REQUEST_SENT);
	bench_expect_sent(&b, REQUEST_HEX);
	for (int i = 0; i < 3; i++) {
		bench_control_hex(&b, NAK_HEX);
		bench_expect_sent(&b, REQUEST_HEX);
		assert_int_equal(b.call.trace[0].status, SSTP_STATUS_REQUIRED_ATTRIBUTE_MISSING);
	}
	bench_control_hex(&b, NAK_HEX);
	bench_expect_sent(&b, ABORT_HEX("0000000200000006"));
}

/* --- timers --- */

static void no_timer_runs_before_the_start(void **state)
{
	struct call_bench b;

	bench_init(&b, CALL_SERVER, BOTH, 1);
	assert_true(call_deadline(&b.call) == CLOCK_NEVER);
	assert_int_equal(bench_timer(&b), 0);
	assert_int_equal(bench_lost(&b), 0);
	call_done(&b.call);
}

static void authentication_alone_does_not_stop_the_negotiation_timer(void **state)
{
	struct call_bench b;

	bench_init_at(&b, CALL_SERVER, CALL_CONNECTED_PENDING);
	b.now += S(30);
	bench_auth_ok(&b);
	b.now += S(30) - 1;
	assert_int_equal(bench_timer(&b), 0);
	bench_expect_sent(&b, "");
	b.now += 1;
	assert_int_equal(bench_timer(&b), CALL_DO_LINK_DOWN);
	bench_expect_sent(&b, ABORT_HEX("0000000200000008"));
	b.now += S(3);
	assert_int_equal(bench_timer(&b), CALL_DO_CLOSE);
	assert_true(call_deadline(&b.call) == CLOCK_NEVER);
}

static void refused_request_does_not_restart_the_servers_timer(void **state)
{
	struct call_bench b;
	uint64_t deadline;

	bench_init_at(&b, CALL_SERVER, CALL_CONNECT_REQUEST_PENDING);
	deadline = call_deadline(&b.call);
	b.now += S(20);
	bench_control_hex(&b, "1001000800010000");
	assert_int_equal(call_deadline(&b.call), deadline);
}

static void acknowledged_request_restarts_the_negotiation_timer_of_both(void **state)
{
	struct call_bench server, client;

	bench_init_at(&server, CALL_SERVER, CALL_CONNECT_REQUEST_PENDING);
	server.now += S(59);
	bench_control_hex(&server, REQUEST_HEX);
	assert_int_equal(call_deadline(&server.call), server.now + S(60));
	bench_init_at(&client, CALL_CLIENT, CALL_CONNECT_REQUEST_SENT);
	client.now += S(59);
	bench_control_hex(&client, NAK_HEX);
	assert_int_equal(call_deadline(&client.call), client.now + S(60));
	client.now += S(59);
	bench_control_hex(&client, ACK_HEX("3"));
	assert_int_equal(call_deadline(&client.call), client.now + S(60));
}

static void traffic_before_the_call_is_connected_restarts_nothing(void **state)
{
	struct call_bench b;
	uint64_t deadline;

	bench_init_at(&b, CALL_SERVER, CALL_CONNECTED_PENDING);
	deadline = call_deadline(&b.call);
	b.now += S(10);
	call_on_traffic(&b.call, b.now);
	assert_int_equal(call_deadline(&b.call), deadline);
}

static void silence_is_asked_once_and_then_ends_the_call_without_an_abort(void **state)
{
	struct call_bench b;

	bench_init_at(&b, CALL_CLIENT, CALL_CONNECTED);
	b.now += S(60) - 1;
	assert_int_equal(bench_timer(&b), 0);
	bench_expect_sent(&b, "");
	b.now += 1;
	assert_int_equal(bench_timer(&b), 0);
	bench_expect_sent(&b, ECHO_HEX);
	assert_int_equal(call_deadline(&b.call), b.now + S(60));
	b.now += S(60);
	assert_int_equal(bench_timer(&b), CALL_DO_LINK_DOWN | CALL_DO_CLOSE);
	bench_expect_sent(&b, "");
}

static void any_packet_counts_as_the_answer_to_an_echo(void **state)
{
	struct call_bench b;

	bench_init_at(&b, CALL_SERVER, CALL_CONNECTED);
	for (int i = 0; i < 10; i++) {
		b.now += S(60);
		bench_timer(&b);
		bench_expect_sent(&b, ECHO_HEX);
		b.now += S(59);
		call_on_traffic(&b.call, b.now);
	}
	assert_int_equal(b.call.state, CALL_CONNECTED);
}

static void constant_data_needs_no_echo(void **state)
{
	struct call_bench b;

	bench_init_at(&b, CALL_SERVER, CALL_CONNECTED);
	for (int i = 0; i < 150; i++) {
		b.now += S(1);
		call_on_traffic(&b.call, b.now);
		assert_int_equal(bench_timer(&b), 0);
		bench_expect_sent(&b, "");
	}
	assert_int_equal(call_deadline(&b.call), b.now + S(60));
}

/* --- echoes --- */

static void a_hundred_echoes_get_a_hundred_answers(void **state)
{
	static const struct {
		enum call_role role;
		enum call_state state;
	} places[] = {
		{CALL_SERVER, CALL_CONNECTED_PENDING},
		{CALL_SERVER, CALL_CONNECTED},
		{CALL_CLIENT, CALL_CONNECT_ACK_RECEIVED},
		{CALL_CLIENT, CALL_CONNECTED},
	};

	for (size_t p = 0; p < sizeof(places) / sizeof(*places); p++) {
		struct call_bench b;

		bench_init_at(&b, places[p].role, places[p].state);
		for (int i = 0; i < 100; i++) {
			assert_int_equal(bench_control_hex(&b, ECHO_HEX), 0);
			bench_expect_sent(&b, REPLY_HEX);
			assert_int_equal(b.call.ntrace, 0);
		}
		assert_int_equal(b.call.state, places[p].state);
	}
}

/* --- the end --- */

static void crossing_disconnects_are_both_acknowledged(void **state)
{
	struct call_bench server, client;

	bench_init_at(&server, CALL_SERVER, CALL_CONNECTED);
	bench_init_at(&client, CALL_CLIENT, CALL_CONNECTED);
	assert_int_equal(bench_disconnect(&server), CALL_DO_LINK_DOWN);
	assert_int_equal(bench_disconnect(&client), CALL_DO_LINK_DOWN);
	assert_int_equal(bench_control_hex(&server, DISCONNECT_HEX), 0);
	bench_expect_sent(&server, DACK_HEX);
	assert_int_equal(bench_control_hex(&client, DISCONNECT_HEX), 0);
	bench_expect_sent(&client, DACK_HEX);
	assert_int_equal(carry(&client, &server), 0);
	assert_int_equal(carry(&server, &client), 0);
	server.now += S(1);
	client.now += S(1);
	assert_int_equal(bench_timer(&server), CALL_DO_CLOSE);
	assert_int_equal(bench_timer(&client), CALL_DO_CLOSE);
}

static void disconnect_ends_with_the_peers_ack(void **state)
{
	struct call_bench server, client;

	bench_init_at(&server, CALL_SERVER, CALL_CONNECTED);
	bench_init_at(&client, CALL_CLIENT, CALL_CONNECTED);
	assert_int_equal(bench_disconnect(&client), CALL_DO_LINK_DOWN);
	assert_int_equal(carry(&client, &server), CALL_DO_LINK_DOWN);
	assert_int_equal(carry(&server, &client), CALL_DO_CLOSE);
	assert_int_equal(bench_lost(&server), CALL_DO_CLOSE);
}

static void abort_is_answered_once_and_the_answer_not_again(void **state)
{
	struct call_bench server, client;

	bench_init_at(&server, CALL_SERVER, CALL_CONNECTED);
	bench_init_at(&client, CALL_CLIENT, CALL_CONNECTED);
	assert_int_equal(bench_abort(&client, SSTP_STATUS_INVALID_FRAME_RECEIVED),
			 CALL_DO_LINK_DOWN);
	assert_int_equal(carry(&client, &server), CALL_DO_LINK_DOWN);
	assert_int_equal(bench_count_sent(&server), 1);
	assert_int_equal(carry(&server, &client), 0);
	bench_expect_sent(&client, "");
	assert_int_equal(client.call.state, CALL_ABORT_TIMEOUT_PENDING);
	assert_int_equal(call_deadline(&client.call), client.now + S(1));
}

static void lost_connection_takes_everything_down_once(void **state)
{
	struct call_bench b;

	bench_init_at(&b, CALL_SERVER, CALL_CONNECTED);
	assert_int_equal(bench_lost(&b), CALL_DO_LINK_DOWN | CALL_DO_CLOSE);
	assert_int_equal(bench_lost(&b), 0);
	assert_int_equal(bench_disconnect(&b), 0);
	bench_expect_sent(&b, "");
	assert_true(call_deadline(&b.call) == CLOCK_NEVER);
}

static void trace_tells_what_the_peer_said(void **state)
{
	struct call_bench b;
	const struct call_transition *t = &b.call.trace[0];

	bench_init_at(&b, CALL_CLIENT, CALL_CONNECTED);
	bench_control_hex(&b, ABORT_HEX("0000000300000004"));
	assert_int_equal(b.call.ntrace, 1);
	assert_int_equal(t->from, CALL_CONNECTED);
	assert_int_equal(t->event, CALL_EV_ABORT);
	assert_int_equal(t->to, CALL_ABORT_TIMEOUT_PENDING);
	assert_int_equal(t->attribute, 3);
	assert_int_equal(t->status, 4);
	bench_init_at(&b, CALL_CLIENT, CALL_CONNECTED);
	bench_control_hex(&b, "1001000800050000");
	assert_int_equal(t->attribute, 0);
	assert_int_equal(t->status, 0);
}

static void trace_tells_what_was_sent(void **state)
{
	struct call_bench b;
	const struct call_transition *t = &b.call.trace[0];

	bench_init_at(&b, CALL_SERVER, CALL_CONNECT_REQUEST_PENDING);
	bench_control_hex(&b, "1001000e00010001000100060002");
	assert_int_equal(b.call.ntrace, 1);
	assert_int_equal(t->event, CALL_EV_REQUEST_BAD);
	assert_int_equal(t->to, CALL_CONNECT_REQUEST_PENDING);
	assert_int_equal(t->attribute, 1);
	assert_int_equal(t->status, SSTP_STATUS_VALUE_NOT_SUPPORTED);
	bench_abort(&b, SSTP_STATUS_NEGOTIATION_TIMEOUT);
	assert_int_equal(t->attribute, 2);
	assert_int_equal(t->status, SSTP_STATUS_NEGOTIATION_TIMEOUT);
}

static void full_outbox_loses_the_message_and_not_the_state(void **state)
{
	struct call_bench b;

	bench_init_at(&b, CALL_SERVER, CALL_CONNECTED);
	b.out.cap = 10;
	assert_int_equal(bench_disconnect(&b), CALL_DO_LINK_DOWN);
	assert_int_equal(b.out.dropped, 1);
	assert_int_equal(b.call.state, CALL_DISCONNECT_ACK_PENDING);
}

static void key_is_wiped_with_the_call(void **state)
{
	struct call_bench b;

	bench_init_at(&b, CALL_SERVER, CALL_CONNECTED_PENDING);
	bench_auth_ok(&b);
	assert_int_equal(b.call.hlak[0], 0xd5);
	call_done(&b.call);
	bench_expect_no_key(&b.call);
}

/* --- whatever comes, in whatever order --- */

/* What a run has seen so far. */
struct tally {
	unsigned aborts, acks, link_ups, link_downs, closes;
};

static void tally_message(struct tally *t, const uint8_t *msg, size_t len)
{
	struct sstp_control decoded;

	assert_int_equal(sstp_packet_len(msg, len), len);
	assert_int_equal(msg[1], 1);
	assert_int_equal(msg[2] & 0xf0, 0);
	assert_int_equal(sstp_decode_control(msg, len, &decoded), 0);
	assert_false(decoded.malformed);
	t->aborts += decoded.type == SSTP_MSG_CALL_ABORT;
	t->acks += decoded.type == SSTP_MSG_CALL_DISCONNECT_ACK;
	if (decoded.type == SSTP_MSG_CALL_ABORT || decoded.type == SSTP_MSG_CALL_DISCONNECT)
		assert_int_equal(len, 20);
}

static void tally_fact(struct tally *t, const struct call_bench *b, unsigned todo)
{
	uint8_t *msg;
	size_t pos = 0, len;

	while (outbox_next(&b->out, &pos, &msg, &len))
		tally_message(t, msg, len);
	t->link_ups += !!(todo & CALL_DO_LINK_UP);
	t->link_downs += !!(todo & CALL_DO_LINK_DOWN);
	t->closes += !!(todo & CALL_DO_CLOSE);
	assert_true(t->aborts <= 1);
	assert_true(t->acks <= 1);
	assert_true(t->link_ups <= 1);
	assert_true(t->link_downs <= t->link_ups);
	assert_int_equal(t->closes, b->call.state == CALL_DISCONNECTED);
	assert_true(b->call.ntrace <= CALL_TRACE_MAX);
	if (b->call.state != CALL_CONNECTED_PENDING)
		bench_expect_no_key(&b->call);
}

static unsigned random_message(struct call_bench *b, struct prng *p)
{
	static const char *const messages[] = {
		REQUEST_HEX, "1001000800010000", ACK_HEX("3"),	     ACK_HEX("0"),
		NAK_HEX,     DISCONNECT_HEX,	 DACK_HEX,	     "1001000800050000",
		ECHO_HEX,    REPLY_HEX,		 "1001000800ff0000", "1001000800080001",
	};
	uint32_t n = prng_below(p, 2 + sizeof(messages) / sizeof(*messages));
	uint8_t msg[SSTP_CALL_CONNECTED_SIZE];

	if (n >= 2)
		return bench_control_hex(b, messages[n - 2]);
	bench_seal(b, SSTP_HASH_SHA256, msg);
	msg[80] ^= (uint8_t)n;
	return bench_control(b, msg, sizeof(msg));
}

static unsigned random_fact(struct call_bench *b, struct prng *p)
{
	switch (prng_below(p, 24)) {
	case 0: return bench_disconnect(b);
	case 1: return bench_abort(b, SSTP_STATUS_INVALID_FRAME_RECEIVED);
	case 2: return bench_lost(b);
	case 3: b->now += S(prng_below(p, 61)); return bench_timer(b);
	case 4:
	case 5:
	case 6: return bench_auth_ok(b);
	case 7:
	case 8:
	case 9: return bench_control_hex(b, REQUEST_HEX);
	case 10:
	case 11:
	case 12: return bench_control_hex(b, ACK_HEX("3"));
	case 13:
	case 14: return bench_control_hex(b, ECHO_HEX);
	default: return random_message(b, p);
	}
}

static void in_any_order_each_end_is_reached_once(void **state)
{
	struct prng p;

	prng_init(&p, 20240423);
	for (int run = 0; run < 20000; run++) {
		enum call_role role = run % 2 ? CALL_CLIENT : CALL_SERVER;
		struct tally tally = {0};
		struct call_bench b;

		bench_init(&b, role, BOTH, prng_next(&p));
		bench_start(&b);
		while (b.call.state != CALL_DISCONNECTED)
			tally_fact(&tally, &b, random_fact(&b, &p));
		assert_int_equal(tally.link_downs, tally.link_ups);
	}
}

static void names_exist_for_everything_and_more(void **state)
{
	struct call_bench b;

	bench_init(&b, CALL_SERVER, BOTH, 1);
	assert_string_equal(call_state_name(&b.call, CALL_CONNECTED), "Server_Call_Connected");
	assert_string_equal(call_state_name(&b.call, CALL_STATES), "unknown state");
	bench_init(&b, CALL_CLIENT, BOTH, 1);
	assert_string_equal(call_state_name(&b.call, CALL_CONNECTED), "Client_Call_Connected");
	assert_string_equal(call_event_name(CALL_EVENTS), "unknown event");
	assert_string_equal(sstp_status_name(0xb), "STATUS_INFO_NOT_SUPPORTED_IN_MSG");
	assert_string_equal(sstp_status_name(0xc), "unknown status");
	assert_string_equal(sstp_status_name(UINT32_MAX), "unknown status");
	for (unsigned i = 0; i < CALL_EVENTS; i++)
		assert_non_null(call_event_name(i));
	for (unsigned i = 0; i < CALL_STATES; i++)
		assert_non_null(call_state_name(&b.call, i));
	for (unsigned i = 0; i <= 0xb; i++)
		assert_non_null(sstp_status_name(i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_roles_connect_each_other_with_the_strongest_common_hash),
		cmocka_unit_test(nonces_of_a_thousand_acks_differ),
		cmocka_unit_test(nonce_is_the_whole_of_what_the_random_source_gave),
		cmocka_unit_test(every_violation_costs_what_it_should),
		cmocka_unit_test(three_bad_requests_are_refused_and_the_fourth_aborts),
		cmocka_unit_test(good_request_after_three_bad_ones_is_accepted),
		cmocka_unit_test(client_repeats_its_request_three_times_and_then_aborts),
		cmocka_unit_test(no_timer_runs_before_the_start),
		cmocka_unit_test(authentication_alone_does_not_stop_the_negotiation_timer),
		cmocka_unit_test(refused_request_does_not_restart_the_servers_timer),
		cmocka_unit_test(acknowledged_request_restarts_the_negotiation_timer_of_both),
		cmocka_unit_test(traffic_before_the_call_is_connected_restarts_nothing),
		cmocka_unit_test(silence_is_asked_once_and_then_ends_the_call_without_an_abort),
		cmocka_unit_test(any_packet_counts_as_the_answer_to_an_echo),
		cmocka_unit_test(constant_data_needs_no_echo),
		cmocka_unit_test(a_hundred_echoes_get_a_hundred_answers),
		cmocka_unit_test(crossing_disconnects_are_both_acknowledged),
		cmocka_unit_test(disconnect_ends_with_the_peers_ack),
		cmocka_unit_test(abort_is_answered_once_and_the_answer_not_again),
		cmocka_unit_test(lost_connection_takes_everything_down_once),
		cmocka_unit_test(trace_tells_what_the_peer_said),
		cmocka_unit_test(trace_tells_what_was_sent),
		cmocka_unit_test(full_outbox_loses_the_message_and_not_the_state),
		cmocka_unit_test(key_is_wiped_with_the_call),
		cmocka_unit_test(in_any_order_each_end_is_reached_once),
		cmocka_unit_test(names_exist_for_everything_and_more),
	};

	return cmocka_run_group_tests_name("proto/call", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* CALL_CONNECTED at the server: right or wrong, by a second key, before the authentication's result and after it. */
#include "sstp/proto/call.h"

#include "test/support/cmocka.h"
#include "test/support/hex.h"
#include "test/unit/proto/call_bench.h"

#define S(seconds) ((seconds)*CLOCK_NS_PER_S)

enum {
	BOTH = SSTP_HASH_SHA1 | SSTP_HASH_SHA256
};

/* --- the crypto binding in the server --- */

struct tamper {
	unsigned offset;
	uint8_t flip;
};

static void every_wrong_binding_gets_the_same_answer(void **state)
{
	static const struct tamper tampers[] = {
		{15, 0x01}, /* hash: 3 is no hash, although both bits were offered */
		{15, 0x02}, /* none */
		{15, 0x06}, /* unknown */
		{15, 0x03}, /* SHA-1 with a SHA-256 digest */
		{15, 0x80}, /* a bit more */
		{16, 0x01}, /* nonce, first byte */
		{47, 0x80}, /* nonce, last byte */
		{48, 0x01}, /* certificate */
		{79, 0x80},
		{80, 0x01}, /* MAC, one bit */
		{111, 0x80},
		{1, 0x02}, /* a reserved bit that the sender did not have under its MAC */
	};

	for (size_t i = 0; i < sizeof(tampers) / sizeof(*tampers); i++) {
		uint8_t msg[SSTP_CALL_CONNECTED_SIZE];
		struct call_bench b;

		bench_init_at(&b, CALL_SERVER, CALL_CONNECTED_PENDING);
		bench_auth_ok(&b);
		bench_seal(&b, SSTP_HASH_SHA256, msg);
		msg[tampers[i].offset] ^= tampers[i].flip;
		assert_int_equal(bench_control(&b, msg, sizeof(msg)), CALL_DO_LINK_DOWN);
		bench_expect_sent(&b, ABORT_HEX("0000000300000004"));
		bench_expect_no_key(&b.call);
	}
}

static void binding_of_a_hash_that_was_not_offered_is_refused(void **state)
{
	uint8_t msg[SSTP_CALL_CONNECTED_SIZE];
	struct call_bench b;

	bench_init(&b, CALL_SERVER, SSTP_HASH_SHA256, 1);
	bench_reach(&b, CALL_CONNECTED_PENDING);
	bench_auth_ok(&b);
	bench_seal(&b, SSTP_HASH_SHA1, msg);
	bench_control(&b, msg, sizeof(msg));
	bench_expect_sent(&b, ABORT_HEX("0000000300000004"));
}

static void binding_with_sha1_is_accepted_when_both_are_offered(void **state)
{
	uint8_t msg[SSTP_CALL_CONNECTED_SIZE];
	struct call_bench b;

	bench_init_at(&b, CALL_SERVER, CALL_CONNECTED_PENDING);
	bench_auth_ok(&b);
	bench_seal(&b, SSTP_HASH_SHA1, msg);
	assert_int_equal(bench_control(&b, msg, sizeof(msg)), CALL_DO_OPEN);
}

static void binding_with_reserved_bits_under_its_mac_is_accepted(void **state)
{
	static const uint8_t hlak[SSTP_HLAK_SIZE] = {0xd5, 0xf0, 0xe9, 0x52};
	uint8_t msg[SSTP_CALL_CONNECTED_SIZE];
	struct call_bench b;

	bench_init_at(&b, CALL_SERVER, CALL_CONNECTED_PENDING);
	bench_auth_ok(&b);
	bench_seal(&b, SSTP_HASH_SHA256, msg);
	msg[1] |= 0xfe;
	msg[2] |= 0xf0;
	msg[10] |= 0xf0;
	assert_int_equal(binding_mac(SSTP_HASH_SHA256, hlak, msg, msg + 80), 0);
	assert_int_equal(sstp_packet_len(msg, sizeof(msg)), sizeof(msg));
	assert_int_equal(bench_control(&b, msg, sizeof(msg)), CALL_DO_OPEN);
}

static void binding_of_another_calls_nonce_is_refused(void **state)
{
	uint8_t msg[SSTP_CALL_CONNECTED_SIZE];
	struct call_bench b, other;

	bench_init_at(&b, CALL_SERVER, CALL_CONNECTED_PENDING);
	bench_init(&other, CALL_SERVER, BOTH, 2);
	bench_reach(&other, CALL_CONNECTED_PENDING);
	bench_seal(&other, SSTP_HASH_SHA256, msg);
	bench_auth_ok(&b);
	bench_control(&b, msg, sizeof(msg));
	bench_expect_sent(&b, ABORT_HEX("0000000300000004"));
}

/* --- the second key --- */

#define CERT_HEX  "a61b70636296d547abac6e9472847dfd117608fe149aaa7920dc47267f146074"
#define BOUND_HEX "10010070000400010003006800000002" NONCE_HEX CERT_HEX

/*
 * One EAP-TLS handshake: the key, and what pppd before 2.5 makes of it; CALL_CONNECTED with the one
 * and with the other.
 */
static const char right_key[] = "b2f6519f69dbc137a84ceaa212e3b31a8153bae80a01ac4f4657100e83db56b4";
static const char pppd_key[] = "b2f6519f69dbc137a84ceaa212e3b31af913fac91fbc0b8b92a7ab3d4d6a9d73";
static const char v5[] =
	BOUND_HEX "37ccb4729add9e94957c01d09ba98f04407f7a3d1259426e2be49f7a61bdcaca";
static const char v7[] =
	BOUND_HEX "4a29679436401877372182dc034c2dbba3196daa8e06dd74d94eff40bd135470";

/* A server that waits for the CALL_CONNECTED of that handshake. */
static void reach_handshake(struct call_bench *b)
{
	bench_init_at(b, CALL_SERVER, CALL_CONNECTED_PENDING);
	hex_decode(NONCE_HEX, b->call.nonce, sizeof(b->call.nonce));
	hex_decode(CERT_HEX, b->call.params.cert_sha256, sizeof(b->call.params.cert_sha256));
}

static unsigned authenticate(struct call_bench *b, const char *first, const char *second)
{
	uint8_t hlak[SSTP_HLAK_SIZE];

	if (second) {
		hex_decode(second, hlak, sizeof(hlak));
		call_allow_second_hlak(&b->call, hlak);
	}
	hex_decode(first, hlak, sizeof(hlak));
	outbox_clear(&b->out);
	return call_on_auth_ok(&b->call, b->now, hlak, &b->out);
}

static void P45_binding_of_old_pppd_is_refused_unless_its_key_is_allowed(void **state)
{
	struct call_bench b;

	reach_handshake(&b);
	authenticate(&b, right_key, NULL);
	assert_int_equal(bench_control_hex(&b, v7), CALL_DO_LINK_DOWN);
	bench_expect_sent(&b, ABORT_HEX("0000000300000004"));
	assert_false(call_used_second_hlak(&b.call));

	reach_handshake(&b);
	authenticate(&b, right_key, pppd_key);
	assert_int_equal(bench_control_hex(&b, v7), CALL_DO_OPEN);
	assert_true(call_used_second_hlak(&b.call));
	bench_expect_no_key(&b.call);
}

static void P45_old_pppds_key_is_allowed_for_a_parked_binding_too(void **state)
{
	struct call_bench b;

	reach_handshake(&b);
	assert_int_equal(bench_control_hex(&b, v7), 0);
	assert_int_equal(authenticate(&b, right_key, pppd_key), CALL_DO_OPEN);
	assert_true(call_used_second_hlak(&b.call));
	bench_expect_no_key(&b.call);
}

static void binding_under_the_first_key_needs_no_second_one(void **state)
{
	struct call_bench b;

	reach_handshake(&b);
	authenticate(&b, right_key, pppd_key);
	assert_int_equal(bench_control_hex(&b, v5), CALL_DO_OPEN);
	assert_false(call_used_second_hlak(&b.call));
	bench_expect_no_key(&b.call);
}

static void binding_under_neither_key_is_refused(void **state)
{
	struct call_bench b;
	uint8_t msg[SSTP_CALL_CONNECTED_SIZE];

	reach_handshake(&b);
	authenticate(&b, right_key, pppd_key);
	hex_decode(v7, msg, sizeof(msg));
	msg[111] ^= 1;
	assert_int_equal(bench_control(&b, msg, sizeof(msg)), CALL_DO_LINK_DOWN);
	bench_expect_sent(&b, ABORT_HEX("0000000300000004"));
	assert_false(call_used_second_hlak(&b.call));
	bench_expect_no_key(&b.call);
	/* and there is no third attempt */
	assert_int_equal(bench_control_hex(&b, v7), 0);
}

static void second_key_is_of_no_use_to_a_client_or_at_another_time(void **state)
{
	static const uint8_t key[SSTP_HLAK_SIZE] = {1};
	struct call_bench b;

	bench_init_at(&b, CALL_CLIENT, CALL_CONNECT_ACK_RECEIVED);
	call_allow_second_hlak(&b.call, key);
	bench_expect_no_key(&b.call);
	bench_init_at(&b, CALL_SERVER, CALL_CONNECTED);
	call_allow_second_hlak(&b.call, key);
	bench_expect_no_key(&b.call);
}

/* --- CALL_CONNECTED before the authentication's result --- */

static void park(struct call_bench *b, uint8_t flip)
{
	uint8_t msg[SSTP_CALL_CONNECTED_SIZE];

	bench_init_at(b, CALL_SERVER, CALL_CONNECTED_PENDING);
	bench_seal(b, SSTP_HASH_SHA256, msg);
	msg[111] ^= flip;
	assert_int_equal(bench_control(b, msg, sizeof(msg)), 0);
	bench_expect_sent(b, "");
	assert_int_equal(b->call.state, CALL_CONNECTED_PENDING);
	assert_int_equal(call_gate(&b->call), CALL_GATE_CONTROL);
}

static void parked_binding_that_holds_connects_with_the_result(void **state)
{
	struct call_bench b;

	park(&b, 0);
	assert_int_equal(bench_auth_ok(&b), CALL_DO_OPEN);
	bench_expect_sent(&b, "");
	assert_int_equal(b.call.state, CALL_CONNECTED);
	assert_int_equal(b.call.ntrace, 1);
	assert_int_equal(b.call.trace[0].event, CALL_EV_CONNECTED);
	bench_expect_no_key(&b.call);
}

static void parked_binding_that_does_not_hold_aborts_with_the_result(void **state)
{
	struct call_bench b;

	park(&b, 1);
	assert_int_equal(bench_auth_ok(&b), CALL_DO_LINK_DOWN);
	bench_expect_sent(&b, ABORT_HEX("0000000300000004"));
	bench_expect_no_key(&b.call);
}

static void second_binding_before_the_result_aborts(void **state)
{
	uint8_t msg[SSTP_CALL_CONNECTED_SIZE];
	struct call_bench b;

	park(&b, 0);
	bench_seal(&b, SSTP_HASH_SHA256, msg);
	assert_int_equal(bench_control(&b, msg, sizeof(msg)), CALL_DO_LINK_DOWN);
	bench_expect_sent(&b, ABORT_HEX("0000000200000005"));
	bench_expect_no_key(&b.call);
	assert_int_equal(bench_auth_ok(&b), 0);
	bench_expect_no_key(&b.call);
}

static void parked_binding_without_a_result_ends_with_the_timer(void **state)
{
	struct call_bench b;
	uint64_t begun;

	park(&b, 0);
	begun = b.now;
	assert_int_equal(call_deadline(&b.call), begun + S(60));
	b.now += S(60);
	assert_int_equal(bench_timer(&b), CALL_DO_LINK_DOWN);
	bench_expect_sent(&b, ABORT_HEX("0000000200000008"));
	bench_expect_no_key(&b.call);
}

static void failed_authentication_ends_a_parked_binding_in_order(void **state)
{
	struct call_bench b;

	park(&b, 0);
	assert_int_equal(bench_disconnect(&b), CALL_DO_LINK_DOWN);
	bench_expect_sent(&b, DISCONNECT_HEX);
	bench_expect_no_key(&b.call);
}

static void binding_may_come_long_after_the_result(void **state)
{
	uint8_t msg[SSTP_CALL_CONNECTED_SIZE];
	struct call_bench b;

	bench_init_at(&b, CALL_SERVER, CALL_CONNECTED_PENDING);
	bench_auth_ok(&b);
	b.now += S(59);
	assert_int_equal(bench_timer(&b), 0);
	assert_int_equal(call_gate(&b.call), CALL_GATE_CONTROL);
	bench_seal(&b, SSTP_HASH_SHA256, msg);
	assert_int_equal(bench_control(&b, msg, sizeof(msg)), CALL_DO_OPEN);
	assert_int_equal(call_gate(&b.call), CALL_GATE_OPEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_wrong_binding_gets_the_same_answer),
		cmocka_unit_test(binding_of_a_hash_that_was_not_offered_is_refused),
		cmocka_unit_test(binding_with_sha1_is_accepted_when_both_are_offered),
		cmocka_unit_test(binding_with_reserved_bits_under_its_mac_is_accepted),
		cmocka_unit_test(binding_of_another_calls_nonce_is_refused),
		cmocka_unit_test(P45_binding_of_old_pppd_is_refused_unless_its_key_is_allowed),
		cmocka_unit_test(P45_old_pppds_key_is_allowed_for_a_parked_binding_too),
		cmocka_unit_test(binding_under_the_first_key_needs_no_second_one),
		cmocka_unit_test(binding_under_neither_key_is_refused),
		cmocka_unit_test(second_key_is_of_no_use_to_a_client_or_at_another_time),
		cmocka_unit_test(parked_binding_that_holds_connects_with_the_result),
		cmocka_unit_test(parked_binding_that_does_not_hold_aborts_with_the_result),
		cmocka_unit_test(second_binding_before_the_result_aborts),
		cmocka_unit_test(parked_binding_without_a_result_ends_with_the_timer),
		cmocka_unit_test(failed_authentication_ends_a_parked_binding_in_order),
		cmocka_unit_test(binding_may_come_long_after_the_result),
	};

	return cmocka_run_group_tests_name("proto/call_binding", tests, NULL, NULL);
}

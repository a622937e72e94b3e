/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/proto/call_bench.h"

#include <stdlib.h>

#include "test/support/cmocka.h"
#include "test/support/hex.h"

static const uint8_t hlak[SSTP_HLAK_SIZE] = {0xd5, 0xf0, 0xe9, 0x52};

void bench_init(struct call_bench *b, enum call_role role, uint8_t hashes, uint64_t seed)
{
	struct call_params params = {.role = role, .hashes = hashes, .random = &b->random};

	memset(params.cert_sha1, 0x11, sizeof(params.cert_sha1));
	memset(params.cert_sha256, 0x22, sizeof(params.cert_sha256));
	b->prng.state = seed;
	b->random = prng_source(&b->prng);
	b->now = 1000 * CLOCK_NS_PER_S;
	b->out = outbox(b->buf, sizeof(b->buf));
	call_init(&b->call, &params);
}

unsigned bench_start(struct call_bench *b)
{
	outbox_clear(&b->out);
	return call_start(&b->call, b->now, &b->out);
}

unsigned bench_control(struct call_bench *b, const uint8_t *pkt, size_t len)
{
	outbox_clear(&b->out);
	call_on_traffic(&b->call, b->now);
	return call_on_control(&b->call, b->now, pkt, len, &b->out);
}

unsigned bench_control_hex(struct call_bench *b, const char *hex)
{
	uint8_t pkt[SSTP_PACKET_MAX];
	size_t len = hex_decode(hex, pkt, sizeof(pkt));

	return bench_control(b, pkt, len);
}

unsigned bench_auth_ok(struct call_bench *b)
{
	outbox_clear(&b->out);
	return call_on_auth_ok(&b->call, b->now, hlak, &b->out);
}

unsigned bench_disconnect(struct call_bench *b)
{
	outbox_clear(&b->out);
	return call_disconnect(&b->call, b->now, &b->out);
}

unsigned bench_abort(struct call_bench *b, enum sstp_status status)
{
	outbox_clear(&b->out);
	return call_abort(&b->call, b->now, status, &b->out);
}

unsigned bench_lost(struct call_bench *b)
{
	outbox_clear(&b->out);
	return call_on_lost(&b->call, b->now);
}

unsigned bench_timer(struct call_bench *b)
{
	outbox_clear(&b->out);
	return call_on_timer(&b->call, b->now, &b->out);
}

void bench_seal(const struct call_bench *b, enum sstp_hash hash,
		uint8_t ret_msg[SSTP_CALL_CONNECTED_SIZE])
{
	struct binding_terms terms = {
		.hashes = (uint8_t)hash,
		.nonce = b->call.nonce,
		.cert_sha1 = b->call.params.cert_sha1,
		.cert_sha256 = b->call.params.cert_sha256,
	};

	if (binding_seal(&terms, hlak, ret_msg) < 0)
		abort();
}

static void connect_server(struct call_bench *b)
{
	uint8_t msg[SSTP_CALL_CONNECTED_SIZE];

	bench_auth_ok(b);
	bench_seal(b, SSTP_HASH_SHA256, msg);
	bench_control(b, msg, sizeof(msg));
}

static void connect(struct call_bench *b)
{
	if (b->call.params.role == CALL_SERVER)
		connect_server(b);
	else
		bench_auth_ok(b);
}

static void authenticate(struct call_bench *b)
{
	bench_control_hex(b, b->call.params.role == CALL_SERVER ? REQUEST_HEX : ACK_HEX("3"));
}

static void leave(struct call_bench *b, enum call_state state)
{
	switch (state) {
	case CALL_ABORT_PENDING: bench_abort(b, SSTP_STATUS_INVALID_FRAME_RECEIVED); break;
	case CALL_ABORT_TIMEOUT_PENDING: bench_control_hex(b, "1001000800050000"); break;
	case CALL_DISCONNECT_ACK_PENDING: bench_disconnect(b); break;
	case CALL_DISCONNECT_TIMEOUT_PENDING: bench_control_hex(b, "1001000800060000"); break;
	default: break;
	}
}

void bench_reach(struct call_bench *b, enum call_state state)
{
	if (state == CALL_DISCONNECTED)
		return;
	bench_start(b);
	if (state == b->call.state)
		return;
	authenticate(b);
	if (state == b->call.state)
		return;
	connect(b);
	leave(b, state);
	if (state != b->call.state)
		abort();
}

size_t bench_count_sent(const struct call_bench *b)
{
	uint8_t *msg;
	size_t len, pos = 0, n = 0;

	while (outbox_next(&b->out, &pos, &msg, &len))
		n++;
	return n;
}

const uint8_t *bench_sent(const struct call_bench *b, size_t *ret_len)
{
	uint8_t *msg;
	size_t pos = 0;

	if (!outbox_next(&b->out, &pos, &msg, ret_len))
		return NULL;
	return msg;
}

void bench_init_at(struct call_bench *b, enum call_role role, enum call_state state)
{
	bench_init(b, role, SSTP_HASH_SHA1 | SSTP_HASH_SHA256, 1);
	bench_reach(b, state);
}

void bench_expect_sent(const struct call_bench *b, const char *hex)
{
	uint8_t expected[256];
	size_t expected_len = hex_decode(hex, expected, sizeof(expected));
	size_t len = 0;
	const uint8_t *msg = bench_sent(b, &len);

	assert_int_equal(bench_count_sent(b), expected_len ? 1 : 0);
	assert_int_equal(len, expected_len);
	if (len)
		assert_memory_equal(msg, expected, len);
}

void bench_expect_no_key(const struct call *c)
{
	static const uint8_t zeros[SSTP_CALL_CONNECTED_SIZE];

	assert_false(c->have_hlak);
	assert_false(c->have_parked);
	assert_false(c->have_second_hlak);
	assert_memory_equal(c->hlak, zeros, sizeof(c->hlak));
	assert_memory_equal(c->second_hlak, zeros, sizeof(c->second_hlak));
	assert_memory_equal(c->parked, zeros, sizeof(c->parked));
}

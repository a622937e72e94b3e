/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_PROTO_CALL_BENCH_H
#define TEST_UNIT_PROTO_CALL_BENCH_H
/*
 * A call on a fake clock, with what it sent last, and the peer's messages that drive it to any
 * state.
 */
#include "sstp/proto/call.h"
#include "sstp/proto/call_table.h"
#include "test/support/prng.h"

#define REQUEST_HEX    "1001000e00010001000100060001"
#define ACK_HEX(mask)  "1001003000020001000400280000000" mask NONCE_HEX
#define NAK_HEX	       "10010014000300010002000c000000020000000a"
#define ABORT_HEX(as)  "10010014000500010002000c" as
#define DISCONNECT_HEX "10010014000600010002000c0000000000000000"
#define DACK_HEX       "1001000800070000"
#define ECHO_HEX       "1001000800080000"
#define REPLY_HEX      "1001000800090000"
#define NONCE_HEX      "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

struct call_bench {
	struct call call;
	struct prng prng;
	struct random_source random;
	uint64_t now;
	struct outbox out; /* what the latest fact caused to be sent */
	uint8_t buf[4096];
};

/* A call that has not started. The nonces follow from the seed. */
void bench_init(struct call_bench *b, enum call_role role, uint8_t hashes, uint64_t seed);

/* The same with both hashes, in this state. */
void bench_init_at(struct call_bench *b, enum call_role role, enum call_state state);

/* Drives a new call there by messages and local facts as they come in practice. */
void bench_reach(struct call_bench *b, enum call_state state);

/*
 * The facts, on the bench's clock and into its emptied outbox; each returns what the call returns.
 */
unsigned bench_start(struct call_bench *b);
unsigned bench_control(struct call_bench *b, const uint8_t *pkt, size_t len);
unsigned bench_control_hex(struct call_bench *b, const char *hex);
unsigned bench_auth_ok(struct call_bench *b);
unsigned bench_disconnect(struct call_bench *b);
unsigned bench_abort(struct call_bench *b, enum sstp_status status);
unsigned bench_lost(struct call_bench *b);
unsigned bench_timer(struct call_bench *b);

/*
 * The CALL_CONNECTED that a server's bench expects: its nonce, its certificate, bench_auth_ok()'s
 * key.
 */
void bench_seal(const struct call_bench *b, enum sstp_hash hash,
		uint8_t ret_msg[SSTP_CALL_CONNECTED_SIZE]);

/* Messages in the outbox, and the first of them (borrowed until the next fact). */
size_t bench_count_sent(const struct call_bench *b);
const uint8_t *bench_sent(const struct call_bench *b, size_t *ret_len);
/* This message was sent and no other; "": none. */
void bench_expect_sent(const struct call_bench *b, const char *hex);

/* Nothing in the call knows a key any more. */
void bench_expect_no_key(const struct call *c);

#endif

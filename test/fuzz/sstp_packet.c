/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input is the stream of packets that a peer sends. It is played to both roles in each of their
 * states; data packets only count as traffic.
 */
#include <stdlib.h>

#include "test/unit/proto/call_bench.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void check_sent(const struct call_bench *b)
{
	uint8_t *msg;
	size_t pos = 0, len;

	must(b->out.dropped == 0);
	while (outbox_next(&b->out, &pos, &msg, &len)) {
		struct sstp_control decoded;

		must(sstp_packet_len(msg, len) == (int)len);
		must(msg[1] == 1 && (msg[2] & 0xf0) == 0);
		must(sstp_decode_control(msg, len, &decoded) == 0 && !decoded.malformed);
	}
}

static void check_call(const struct call_bench *b, enum call_state before, unsigned todo)
{
	bool is_over = b->call.state == CALL_DISCONNECTED && before != CALL_DISCONNECTED;

	must(!!(todo & CALL_DO_CLOSE) == is_over);
	must(b->call.ntrace <= CALL_TRACE_MAX);
	must(call_deadline(&b->call) > b->now);
	check_sent(b);
}

/* In memory of its own size, so that a read past the packet is seen. */
static unsigned play_packet(struct call_bench *b, const uint8_t *pkt, size_t len)
{
	uint8_t *copy = malloc(len);
	unsigned todo;

	must(copy != NULL);
	memcpy(copy, pkt, len);
	todo = bench_control(b, copy, len);
	free(copy);
	return todo;
}

/* False at the end of the stream: a packet that is not whole, or none at all. */
static bool play_next(struct call_bench *b, struct wire_reader *r)
{
	enum call_state before = b->call.state;
	int len = sstp_packet_len(r->pos, wire_left(r));
	const uint8_t *pkt;

	must(len < 0 || len == 0 || (len >= SSTP_HEADER_SIZE && len <= SSTP_PACKET_MAX));
	if (len < 0) {
		check_call(b, before, bench_lost(b));
		return false;
	}
	pkt = len ? wire_bytes(r, (size_t)len) : NULL;
	if (!pkt)
		return false;
	if (sstp_packet_is_control(pkt))
		check_call(b, before, play_packet(b, pkt, (size_t)len));
	else
		call_on_traffic(&b->call, b->now);
	return true;
}

static void play(enum call_role role, enum call_state state, bool is_authenticated,
		 const uint8_t *data, size_t size)
{
	struct wire_reader r = wire_reader(data, size);
	struct call_bench b;

	bench_init(&b, role, SSTP_HASH_SHA1 | SSTP_HASH_SHA256, 1);
	bench_reach(&b, state);
	if (is_authenticated)
		bench_auth_ok(&b);
	while (play_next(&b, &r))
		;
	call_done(&b.call);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (int state = 0; state < CALL_STATES; state++) {
		if (state != CALL_CONNECT_REQUEST_SENT && state != CALL_CONNECT_ACK_RECEIVED)
			play(CALL_SERVER, state, false, data, size);
		if (state != CALL_CONNECT_REQUEST_PENDING && state != CALL_CONNECTED_PENDING)
			play(CALL_CLIENT, state, false, data, size);
	}
	play(CALL_SERVER, CALL_CONNECTED_PENDING, true, data, size);
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A probe as the packets of a thread show it. */
#include "sstp/session/trace.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "test/support/cmocka.h"
#include "test/support/prng.h"

static const struct probe connection = {
	.family = AF_INET,
	.src = {172, 16, 0, 1},
	.dst = {10, 20, 0, 2},
	.port = 80,
	.own = 61001,
	.number = 1000,
};

static const struct probe echo6 = {
	.family = AF_INET6,
	.src = {0xfd, [15] = 1},
	.dst = {0xfd, [15] = 2},
	.own = 61002,
	.number = 0x12345678,
};

/* What the target would say: the question the other way round. */
static size_t put_answer(const struct probe *p, uint8_t packet[PROBE_PACKET_MAX])
{
	struct probe back = *p;
	size_t len, header = p->family == AF_INET6 ? 40 : 20;

	memcpy(back.src, p->dst, sizeof(back.src));
	memcpy(back.dst, p->src, sizeof(back.dst));
	back.own = p->port ? p->port : p->own;
	back.port = p->port ? p->own : 0;
	len = probe_put(&back, packet);
	if (p->port) {
		packet[header + 13] = 0x12; /* SYN, ACK */
		packet[header + 8] = (uint8_t)((p->number + 1) >> 24);
		packet[header + 9] = (uint8_t)((p->number + 1) >> 16);
		packet[header + 10] = (uint8_t)((p->number + 1) >> 8);
		packet[header + 11] = (uint8_t)(p->number + 1);
	} else {
		packet[header] = p->family == AF_INET6 ? 129 : 0;
	}
	return len;
}

static void see(struct trace_watch *w, enum tap_point point, unsigned verdict, const uint8_t *bytes,
		size_t len, bool is_own, uint64_t now)
{
	struct tap_packet p = {.point = point, .verdict = verdict, .bytes = bytes, .len = len};

	trace_watch_see(w, &p, is_own, now);
}

static void see_question(struct trace_watch *w, const struct probe *p, unsigned verdict)
{
	uint8_t packet[PROBE_PACKET_MAX];
	size_t len = probe_put(p, packet);

	see(w, TAP_FROM_CLIENT, verdict, packet, len, true, 1000);
}

static void see_answer(struct trace_watch *w, const struct probe *p, enum tap_point point,
		       unsigned verdict)
{
	uint8_t packet[PROBE_PACKET_MAX];
	size_t len = put_answer(p, packet);

	see(w, point, verdict, packet, len, false, 3000);
}

/* The number of a connection is not known before: it is the first SYN's. */
static struct trace_watch watch_connection(void)
{
	struct probe p = connection;
	struct trace_watch w;

	p.number = 0;
	trace_watch_init(&w, &p);
	return w;
}

static void probe_is_followed_there_and_back(void **state)
{
	struct trace_watch w = watch_connection();

	see_question(&w, &connection, TAP_PASSED);
	see_answer(&w, &connection, TAP_FROM_NETWORK, TAP_PASSED);
	see_answer(&w, &connection, TAP_TO_CLIENT, TAP_PASSED);
	assert_int_equal(w.sent, 1);
	assert_int_equal(w.passed, 1);
	assert_int_equal(w.why, DROP_REASONS);
	assert_int_equal(w.answered, 1);
	assert_int_equal(w.answer.outcome, PROBE_OPEN);
	assert_int_equal(w.delivered, 1);
	assert_int_equal(w.back_why, DROP_REASONS);
	assert_int_equal(w.answered_at - w.sent_at, 2000);
}

static void echo_is_followed_by_its_number(void **state)
{
	struct probe other = echo6;
	struct trace_watch w;

	trace_watch_init(&w, &echo6);
	other.number++;
	see_question(&w, &other, TAP_PASSED);
	assert_int_equal(w.sent, 0);
	see_question(&w, &echo6, TAP_PASSED);
	see_answer(&w, &echo6, TAP_FROM_NETWORK, TAP_PASSED);
	assert_int_equal(w.passed, 1);
	assert_int_equal(w.answer.outcome, PROBE_ECHO);
}

/* Of a client's /64 every address is his. */
static void answer_goes_to_the_source_that_passed(void **state)
{
	struct probe other = echo6;
	struct trace_watch w;

	trace_watch_init(&w, &echo6);
	other.src[15] = 0x99;
	see_question(&w, &other, TAP_PASSED);
	see_answer(&w, &other, TAP_FROM_NETWORK, TAP_PASSED);
	assert_int_equal(w.answered, 1);
	assert_int_equal(w.source[15], 0x99);
}

static void drop_is_kept_with_the_source_that_was_seen(void **state)
{
	struct probe other = connection;
	struct trace_watch w = watch_connection();

	other.src[3] = 9;
	see_question(&w, &other, DROP_SOURCE);
	assert_int_equal(w.sent, 1);
	assert_int_equal(w.passed, 0);
	assert_int_equal(w.why, DROP_SOURCE);
	assert_int_equal(w.source[3], 9);
}

static void device_that_refuses_what_has_passed_takes_that_back(void **state)
{
	struct trace_watch w = watch_connection();

	see_question(&w, &connection, TAP_PASSED);
	see_question(&w, &connection, DROP_DEVICE);
	assert_int_equal(w.sent, 1);
	assert_int_equal(w.passed, 0);
	assert_int_equal(w.why, DROP_DEVICE);
}

static void answer_that_is_dropped_is_not_delivered(void **state)
{
	struct trace_watch w = watch_connection();

	see_question(&w, &connection, TAP_PASSED);
	see_answer(&w, &connection, TAP_FROM_NETWORK, TAP_PASSED);
	see_answer(&w, &connection, TAP_TO_CLIENT, DROP_QUEUE_FULL);
	assert_int_equal(w.delivered, 0);
	assert_int_equal(w.back_why, DROP_QUEUE_FULL);
}

/* Another session's, another port's, an answer before there was a question, and what follows the SYN. */
static void packets_of_others_are_passed_over(void **state)
{
	struct trace_watch w = watch_connection();
	struct probe other = connection;
	uint8_t packet[PROBE_PACKET_MAX];
	size_t len = probe_put(&connection, packet);

	see(&w, TAP_FROM_CLIENT, TAP_PASSED, packet, len, false, 1);
	other.own++;
	see_question(&w, &other, TAP_PASSED);
	other = connection;
	other.port++;
	see_question(&w, &other, TAP_PASSED);
	other = connection;
	other.dst[3]++;
	see_question(&w, &other, TAP_PASSED);
	see_answer(&w, &connection, TAP_FROM_NETWORK, TAP_PASSED);
	packet[20 + 13] = 0x10; /* an ACK */
	see(&w, TAP_FROM_CLIENT, TAP_PASSED, packet, len, true, 1);
	see_question(&w, &echo6, TAP_PASSED);
	assert_int_equal(w.sent, 0);
	assert_int_equal(w.answered, 0);
	see_question(&w, &connection, TAP_PASSED);
	other = connection;
	other.number++; /* another connection from the same port */
	see_question(&w, &other, TAP_PASSED);
	assert_int_equal(w.sent, 1);
}

/* Whatever comes, in memory of exactly its size, is looked at within its bounds. */
static void noise_is_looked_at_within_its_bounds(void **state)
{
	struct trace_watch w = watch_connection();
	struct prng prng;

	prng_init(&prng, 71);
	for (int i = 0; i < 20000; i++) {
		uint8_t packet[PROBE_PACKET_MAX];
		size_t len =
			i & 1 ? probe_put(&connection, packet) : put_answer(&connection, packet);
		uint8_t *copy;

		packet[prng_below(&prng, (uint32_t)len)] = (uint8_t)prng_below(&prng, 256);
		len -= prng_below(&prng, (uint32_t)len);
		copy = malloc(len);
		assert_non_null(copy);
		memcpy(copy, packet, len);
		see(&w, i & 1 ? TAP_FROM_CLIENT : TAP_FROM_NETWORK, TAP_PASSED, copy, len, true, 1);
		free(copy);
	}
	assert_true(w.passed <= w.sent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(probe_is_followed_there_and_back),
		cmocka_unit_test(echo_is_followed_by_its_number),
		cmocka_unit_test(answer_goes_to_the_source_that_passed),
		cmocka_unit_test(drop_is_kept_with_the_source_that_was_seen),
		cmocka_unit_test(device_that_refuses_what_has_passed_takes_that_back),
		cmocka_unit_test(answer_that_is_dropped_is_not_delivered),
		cmocka_unit_test(packets_of_others_are_passed_over),
		cmocka_unit_test(noise_is_looked_at_within_its_bounds),
	};

	return cmocka_run_group_tests_name("session/trace", tests, NULL, NULL);
}

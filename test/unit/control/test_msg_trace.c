/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/msg_trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "sstp/control/msg_probe.h"
#include "test/support/cmocka.h"
#include "test/support/prng.h"

enum {
	FRAME_MAX = 4096, /* of the samples */
};

static const struct msg_trace question = {
	.id = UINT64_C(0xfedcba9876543210),
	.session = 7,
	.app = "shop",
	.vnet = "blue",
	.destination = {.family = AF_INET, .len = 32, .addr = {10, 1, 0, 9}},
	.port = 443,
	.own = 61001,
};

static const struct msg_traced answer = {
	.id = 3,
	.end = MSG_TRACE_NO_WORKER,
	.session = 9,
	.address = {.family = AF_INET6, .len = 128, .addr = {0xfd, [15] = 1}},
	.worker = {.route = 1,
		   .outcome = 2,
		   .error = 113,
		   .took_us = 4,
		   .table = 254,
		   .sent = 5,
		   .received = 6,
		   .via = {.family = AF_INET, .len = 32, .addr = {10, 0, 0, 1}},
		   .source = {.family = AF_INET},
		   .device = "vnet0",
		   .drop = "source"},
	.watch = {.sent = 7,
		  .passed = 8,
		  .drop = "peering",
		  .source = {.family = AF_INET},
		  .answered = 9,
		  .answer = MSG_OUTCOME_ICMP,
		  .from = {.family = AF_INET, .len = 32, .addr = {10, 0, 0, 2}},
		  .type = 3,
		  .code = 13,
		  .delivered = 10,
		  .back_drop = "queue_full",
		  .round_trip_us = UINT32_MAX},
	.counters = {{"rx_packets", 1}, {"peering", UINT64_MAX}},
	.n_counters = 2,
};

static int encode(bool is_answer, uint8_t **frame, size_t *len)
{
	return is_answer ? msg_traced_encode(&answer, frame, len)
			 : msg_trace_encode(&question, frame, len);
}

/* A sample's payload; returns its length. */
static size_t sample(bool is_answer, uint8_t payload[FRAME_MAX])
{
	uint8_t *frame;
	size_t len;

	assert_int_equal(encode(is_answer, &frame, &len), 0);
	assert_in_range(len, MSG_HEAD_SIZE, FRAME_MAX);
	memcpy(payload, frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE);
	msg_frame_free(frame, len);
	return len - MSG_HEAD_SIZE;
}

/* In memory of exactly its size: 1 when it is taken. */
static int decode(bool is_answer, const uint8_t *payload, size_t len)
{
	struct msg_trace q;
	struct msg_traced a;
	uint8_t *copy = malloc(len + !len);
	int r;

	assert_non_null(copy);
	memcpy(copy, payload, len);
	r = is_answer ? msg_traced_decode(copy, len, &a) : msg_trace_decode(copy, len, &q);
	free(copy);
	assert_true(r == 0 || r == -EBADMSG);
	return r == 0;
}

static void question_comes_back_as_it_was(void **state)
{
	uint8_t payload[FRAME_MAX];
	size_t len = sample(false, payload);
	struct msg_trace got;

	assert_int_equal(msg_trace_decode(payload, len, &got), 0);
	assert_true(got.id == question.id && got.session == 7);
	assert_string_equal(got.app, "shop");
	assert_string_equal(got.vnet, "blue");
	assert_true(prefix_equal(&got.destination, &question.destination));
	assert_int_equal(got.port, 443);
	assert_int_equal(got.own, 61001);
}

static void what_the_worker_says_comes_back_as_it_was(void **state)
{
	uint8_t payload[FRAME_MAX];
	size_t len = sample(true, payload);
	struct msg_traced got;

	assert_int_equal(msg_traced_decode(payload, len, &got), 0);
	assert_int_equal(got.id, 3);
	assert_int_equal(got.end, MSG_TRACE_NO_WORKER);
	assert_int_equal(got.session, 9);
	assert_true(prefix_equal(&got.address, &answer.address));
	assert_int_equal(got.worker.route, 1);
	assert_int_equal(got.worker.outcome, 2);
	assert_int_equal(got.worker.error, 113);
	assert_int_equal(got.worker.took_us, 4);
	assert_int_equal(got.worker.table, 254);
	assert_int_equal(got.worker.sent, 5);
	assert_int_equal(got.worker.received, 6);
	assert_true(prefix_equal(&got.worker.via, &answer.worker.via));
	assert_true(prefix_equal(&got.worker.source, &answer.worker.source));
	assert_string_equal(got.worker.device, "vnet0");
	assert_string_equal(got.worker.drop, "source");
}

static void what_was_seen_comes_back_as_it_was(void **state)
{
	uint8_t payload[FRAME_MAX];
	size_t len = sample(true, payload);
	struct msg_traced got;

	assert_int_equal(msg_traced_decode(payload, len, &got), 0);
	assert_int_equal(got.watch.sent, 7);
	assert_int_equal(got.watch.passed, 8);
	assert_string_equal(got.watch.drop, "peering");
	assert_int_equal(got.watch.answered, 9);
	assert_int_equal(got.watch.answer, MSG_OUTCOME_ICMP);
	assert_true(prefix_equal(&got.watch.from, &answer.watch.from));
	assert_int_equal(got.watch.type, 3);
	assert_int_equal(got.watch.code, 13);
	assert_int_equal(got.watch.delivered, 10);
	assert_string_equal(got.watch.back_drop, "queue_full");
	assert_true(got.watch.round_trip_us == UINT32_MAX);
	assert_int_equal(got.n_counters, 2);
	assert_string_equal(got.counters[1].name, "peering");
	assert_true(got.counters[1].by == UINT64_MAX);
}

static void head_is_taken_in_its_own_direction_only(void **state)
{
	for (int is_answer = 0; is_answer < 2; is_answer++) {
		enum msg_kind kind;
		uint8_t *frame;
		size_t len, payload_len;

		assert_int_equal(encode(is_answer, &frame, &len), 0);
		assert_true(msg_head(frame, is_answer, &kind, &payload_len));
		assert_int_equal(kind, is_answer ? MSG_TRACED : MSG_TRACE);
		assert_false(msg_head(frame, !is_answer, &kind, &payload_len));
		msg_frame_free(frame, len);
	}
}

static void what_cannot_be_is_not_encoded(void **state)
{
	struct msg_trace q = question;
	struct msg_traced a = answer;
	uint8_t *frame;
	size_t len;

	q.destination.len = 24;
	assert_int_equal(msg_trace_encode(&q, &frame, &len), -EMSGSIZE);
	q = question;
	q.own = 0;
	assert_int_equal(msg_trace_encode(&q, &frame, &len), -EMSGSIZE);
	q = question;
	q.app = NULL;
	assert_int_equal(msg_trace_encode(&q, &frame, &len), -EINVAL);
	a.end = MSG_TRACE_ENDS;
	assert_int_equal(msg_traced_encode(&a, &frame, &len), -EINVAL);
	a = answer;
	a.watch.answer = MSG_OUTCOME_COUNT;
	assert_int_equal(msg_traced_encode(&a, &frame, &len), -EINVAL);
	a = answer;
	a.n_counters = MSG_COUNTERS_MAX + 1;
	assert_int_equal(msg_traced_encode(&a, &frame, &len), -EMSGSIZE);
	a = answer;
	a.worker.device = "0123456789abcdef";
	assert_int_equal(msg_traced_encode(&a, &frame, &len), -EMSGSIZE);
}

static void numbers_that_there_are_not_are_refused(void **state)
{
	uint8_t payload[FRAME_MAX];
	size_t len = sample(true, payload);

	assert_int_equal(payload[8], MSG_TRACE_NO_WORKER);
	payload[8] = MSG_TRACE_ENDS;
	assert_int_equal(decode(true, payload, len), 0);
	len = sample(false, payload);
	payload[len - 1] = payload[len - 2] = 0; /* own */
	assert_int_equal(decode(false, payload, len), 0);
}

static void payload_that_is_cut_or_has_more_behind_it_is_refused(void **state)
{
	for (int is_answer = 0; is_answer < 2; is_answer++) {
		uint8_t payload[FRAME_MAX + 1] = {0};
		size_t len = sample(is_answer, payload);

		assert_int_equal(decode(is_answer, payload, len), 1);
		payload[len] = 0;
		assert_int_equal(decode(is_answer, payload, len + 1), 0);
		for (size_t n = 0; n < len; n++)
			assert_int_equal(decode(is_answer, payload, n), 0);
	}
}

static void payload_with_any_bytes_changed_is_taken_or_refused(void **state)
{
	struct prng prng;

	prng_init(&prng, 72);
	for (int is_answer = 0; is_answer < 2; is_answer++) {
		uint8_t payload[FRAME_MAX];
		size_t len = sample(is_answer, payload);

		for (unsigned i = 0; i < 20000; i++) {
			uint8_t copy[FRAME_MAX];

			memcpy(copy, payload, len);
			copy[prng_below(&prng, (uint32_t)len)] = (uint8_t)prng_below(&prng, 256);
			decode(is_answer, copy, len);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(question_comes_back_as_it_was),
		cmocka_unit_test(what_the_worker_says_comes_back_as_it_was),
		cmocka_unit_test(what_was_seen_comes_back_as_it_was),
		cmocka_unit_test(head_is_taken_in_its_own_direction_only),
		cmocka_unit_test(what_cannot_be_is_not_encoded),
		cmocka_unit_test(numbers_that_there_are_not_are_refused),
		cmocka_unit_test(payload_that_is_cut_or_has_more_behind_it_is_refused),
		cmocka_unit_test(payload_with_any_bytes_changed_is_taken_or_refused),
	};

	return cmocka_run_group_tests_name("control/msg_trace", tests, NULL, NULL);
}

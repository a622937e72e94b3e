/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/msg_probe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "test/support/cmocka.h"
#include "test/support/prng.h"

enum {
	FRAME_MAX = 1024, /* of the samples */
};

static const struct msg_probe probe = {
	.id = UINT64_C(0xfedcba9876543210),
	.session = 7,
	.app = "shop",
	.vnet = "blue",
	.destination = {.family = AF_INET, .len = 32, .addr = {10, 1, 0, 9}},
	.port = 443,
	.size = MSG_PROBE_FULL,
	.ttl = 3,
	.source = MSG_PROBE_SOURCES,
};

static const struct msg_probed refused = {
	.id = 3,
	.outcome = MSG_OUTCOME_REFUSED,
	.source = {.family = AF_INET6, .len = 128, .addr = {0xfd, [15] = 1}},
	.from = {.family = AF_INET},
	.type = 3,
	.code = 13,
	.drop = "peering",
	.round_trip_us = UINT32_MAX,
	.size = 1352,
};

static int decode_into_nothing(bool is_answer, const uint8_t *payload, size_t len)
{
	struct msg_probe p;
	struct msg_probed a;

	return is_answer ? msg_probed_decode(payload, len, &a) : msg_probe_decode(payload, len, &p);
}

/* In memory of exactly its size: 1 when it is taken. */
static int decode(bool is_answer, const uint8_t *payload, size_t len)
{
	uint8_t *copy = malloc(len + !len);
	int r;

	assert_non_null(copy);
	memcpy(copy, payload, len);
	r = decode_into_nothing(is_answer, copy, len);
	free(copy);
	assert_true(r == 0 || r == -EBADMSG);
	return r == 0;
}

/* A sample's payload; returns its length. */
static size_t sample(bool is_answer, uint8_t payload[FRAME_MAX])
{
	uint8_t *frame;
	size_t len;

	if (is_answer)
		assert_int_equal(msg_probed_encode(&refused, &frame, &len), 0);
	else
		assert_int_equal(msg_probe_encode(&probe, &frame, &len), 0);
	memcpy(payload, frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE);
	msg_frame_free(frame, len);
	return len - MSG_HEAD_SIZE;
}

static void probe_comes_back_as_it_was(void **state)
{
	uint8_t payload[FRAME_MAX];
	size_t len = sample(false, payload);
	struct msg_probe got;

	assert_int_equal(msg_probe_decode(payload, len, &got), 0);
	assert_true(got.id == probe.id && got.session == 7);
	assert_string_equal(got.app, "shop");
	assert_string_equal(got.vnet, "blue");
	assert_true(prefix_equal(&got.destination, &probe.destination));
	assert_int_equal(got.port, 443);
	assert_int_equal(got.size, MSG_PROBE_FULL);
	assert_int_equal(got.ttl, 3);
	assert_int_equal(got.source, MSG_PROBE_SOURCES);
}

static void answer_comes_back_as_it_was(void **state)
{
	uint8_t payload[FRAME_MAX];
	size_t len = sample(true, payload);
	struct msg_probed got;

	assert_int_equal(msg_probed_decode(payload, len, &got), 0);
	assert_true(got.id == 3);
	assert_int_equal(got.outcome, MSG_OUTCOME_REFUSED);
	assert_true(prefix_equal(&got.source, &refused.source));
	assert_true(prefix_equal(&got.from, &refused.from));
	assert_int_equal(got.type, 3);
	assert_int_equal(got.code, 13);
	assert_string_equal(got.drop, "peering");
	assert_true(got.round_trip_us == UINT32_MAX);
	assert_int_equal(got.size, 1352);
}

static void head_is_taken_in_its_own_direction_only(void **state)
{
	for (int is_answer = 0; is_answer < 2; is_answer++) {
		enum msg_kind kind;
		uint8_t *frame;
		size_t len, payload_len;

		if (is_answer)
			assert_int_equal(msg_probed_encode(&refused, &frame, &len), 0);
		else
			assert_int_equal(msg_probe_encode(&probe, &frame, &len), 0);
		assert_true(msg_head(frame, is_answer, &kind, &payload_len));
		assert_int_equal(kind, is_answer ? MSG_PROBED : MSG_PROBE);
		assert_false(msg_head(frame, !is_answer, &kind, &payload_len));
		msg_frame_free(frame, len);
	}
}

static void destination_is_one_address(void **state)
{
	struct msg_probe m = probe;
	uint8_t payload[FRAME_MAX];
	uint8_t *frame;
	size_t len = sample(false, payload);
	size_t at = 16 + 4 + strlen("shop") + 1 + 4 + strlen("blue") + 1 + 1;

	m.destination.len = 24;
	assert_int_equal(msg_probe_encode(&m, &frame, &len), -EMSGSIZE);
	len = sample(false, payload);
	assert_int_equal(payload[at], 32);
	payload[at] = 24; /* 10.1.0, and the rest moves up */
	memmove(payload + at + 4, payload + at + 5, len - at - 5);
	assert_int_equal(decode(false, payload, len - 1), 0);
}

static void outcome_that_there_is_not_is_refused(void **state)
{
	struct msg_probed m = refused;
	uint8_t payload[FRAME_MAX];
	size_t len = sample(true, payload);
	uint8_t *frame;

	assert_int_equal(payload[8], MSG_OUTCOME_REFUSED);
	payload[8] = MSG_OUTCOME_COUNT;
	assert_int_equal(decode(true, payload, len), 0);
	m.outcome = MSG_OUTCOME_COUNT;
	assert_int_equal(msg_probed_encode(&m, &frame, &len), -EINVAL);
}

static void source_that_there_is_not_is_refused(void **state)
{
	struct msg_probe m = probe;
	uint8_t payload[FRAME_MAX];
	size_t len = sample(false, payload);
	uint8_t *frame;

	assert_int_equal(payload[len - 1], MSG_PROBE_SOURCES);
	payload[len - 1]++;
	assert_int_equal(decode(false, payload, len), 0);
	m.source++;
	assert_int_equal(msg_probe_encode(&m, &frame, &len), -EMSGSIZE);
}

static void text_that_is_missing_or_too_long_is_not_encoded(void **state)
{
	char text[MSG_NAME_MAX + 2] = {0};
	struct msg_probe p = probe;
	struct msg_probed a = refused;
	uint8_t *frame;
	size_t len;

	p.app = NULL;
	assert_int_equal(msg_probe_encode(&p, &frame, &len), -EINVAL);
	memset(text, 'a', MSG_NAME_MAX + 1);
	p.app = text;
	assert_int_equal(msg_probe_encode(&p, &frame, &len), -EMSGSIZE);
	text[MSG_DROP_MAX + 1] = '\0';
	a.drop = text;
	assert_int_equal(msg_probed_encode(&a, &frame, &len), -EMSGSIZE);
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

	prng_init(&prng, 6);
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
		cmocka_unit_test(probe_comes_back_as_it_was),
		cmocka_unit_test(answer_comes_back_as_it_was),
		cmocka_unit_test(head_is_taken_in_its_own_direction_only),
		cmocka_unit_test(destination_is_one_address),
		cmocka_unit_test(outcome_that_there_is_not_is_refused),
		cmocka_unit_test(source_that_there_is_not_is_refused),
		cmocka_unit_test(text_that_is_missing_or_too_long_is_not_encoded),
		cmocka_unit_test(payload_that_is_cut_or_has_more_behind_it_is_refused),
		cmocka_unit_test(payload_with_any_bytes_changed_is_taken_or_refused),
	};

	return cmocka_run_group_tests_name("control/msg_probe", tests, NULL, NULL);
}

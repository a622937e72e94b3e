/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/msg_timeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"
#include "test/support/prng.h"

enum {
	FRAME_MAX = 1024, /* of the sample */
	SIDE_AT = 8 + 8 + 8 + 8 + 1 + 1,
	ROUNDS = 20000,
};

static const struct msg_timeline sample = {
	.boot = UINT64_C(0xfedcba9876543210),
	.id = 7,
	.began_us = INT64_C(1790000000123456),
	.lasted_us = UINT64_C(1) << 40,
	.has_ended = true,
	.is_enrolment = false,
	.ended_by = MSG_SIDE_NETWORK,
	.untold = 5,
	.stages_us = {0, 1500, MSG_STAGE_NEVER, 4, 5, 6, 7, 8, 9, MSG_STAGE_NEVER},
	.address_be = 0x01020304,
	.app = "shop",
	.vnet = "blue",
	.user = "shop@blue",
	.source = "192.0.2.9:50123",
	.dialled = "gw.example.com",
	.tls = "TLSv1.3 TLS_AES_128_GCM_SHA256",
	.correlation = "{1}",
	.auth = "EAP-TLS",
	.thumbprint = "0123",
	.reason = "connection lost",
};

/* Its payload; returns its length. */
static size_t encode(const struct msg_timeline *m, uint8_t payload[FRAME_MAX])
{
	uint8_t *frame;
	size_t len;

	assert_int_equal(msg_timeline_encode(m, &frame, &len), 0);
	assert_in_range(len, MSG_HEAD_SIZE, FRAME_MAX);
	memcpy(payload, frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE);
	msg_frame_free(frame, len);
	return len - MSG_HEAD_SIZE;
}

/* In memory of exactly its size: true when it is taken. */
static bool is_taken(const uint8_t *payload, size_t len)
{
	uint8_t *copy = malloc(len + !len);
	struct msg_timeline m;
	int r;

	assert_non_null(copy);
	memcpy(copy, payload, len);
	r = msg_timeline_decode(copy, len, &m);
	free(copy);
	assert_true(r == 0 || r == -EBADMSG);
	return r == 0;
}

static void time_line_comes_back_as_it_was(void **state)
{
	uint8_t payload[FRAME_MAX];
	size_t len = encode(&sample, payload);
	struct msg_timeline m;

	assert_int_equal(msg_timeline_decode(payload, len, &m), 0);
	assert_true(m.boot == sample.boot && m.id == 7 && m.began_us == sample.began_us);
	assert_true(m.lasted_us == sample.lasted_us && m.has_ended && !m.is_enrolment);
	assert_int_equal(m.ended_by, MSG_SIDE_NETWORK);
	assert_int_equal(m.untold, 5);
	assert_int_equal(m.address_be, 0x01020304);
	assert_memory_equal(m.stages_us, sample.stages_us, sizeof(m.stages_us));
	assert_string_equal(m.app, sample.app);
	assert_string_equal(m.vnet, sample.vnet);
	assert_string_equal(m.user, sample.user);
	assert_string_equal(m.source, sample.source);
	assert_string_equal(m.dialled, sample.dialled);
	assert_string_equal(m.tls, sample.tls);
	assert_string_equal(m.correlation, sample.correlation);
	assert_string_equal(m.auth, sample.auth);
	assert_string_equal(m.thumbprint, sample.thumbprint);
	assert_string_equal(m.reason, sample.reason);
}

static void head_is_taken_on_its_way_to_control_only(void **state)
{
	enum msg_kind kind;
	uint8_t *frame;
	size_t len, payload_len;

	assert_int_equal(msg_timeline_encode(&sample, &frame, &len), 0);
	assert_true(msg_head(frame, true, &kind, &payload_len));
	assert_int_equal(kind, MSG_TIMELINE);
	assert_false(msg_head(frame, false, &kind, &payload_len));
	msg_frame_free(frame, len);
}

static void side_that_there_is_not_is_refused(void **state)
{
	struct msg_timeline m = sample;
	uint8_t payload[FRAME_MAX], *frame;
	size_t len = encode(&sample, payload);

	assert_int_equal(payload[SIDE_AT], MSG_SIDE_NETWORK);
	payload[SIDE_AT] = MSG_SIDES;
	assert_false(is_taken(payload, len));
	m.ended_by = MSG_SIDES;
	assert_int_equal(msg_timeline_encode(&m, &frame, &len), -EINVAL);
}

static void text_that_is_missing_or_too_long_is_not_encoded(void **state)
{
	char text[MSG_TLS_MAX + 2];
	struct msg_timeline m = sample;
	uint8_t *frame;
	size_t len;

	m.tls = NULL;
	assert_int_equal(msg_timeline_encode(&m, &frame, &len), -EINVAL);
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	m.tls = text;
	assert_int_equal(msg_timeline_encode(&m, &frame, &len), -EMSGSIZE);
}

static void text_that_is_no_line_is_refused(void **state)
{
	uint8_t payload[FRAME_MAX];
	size_t len = encode(&sample, payload);
	uint8_t *at = memmem(payload, len, "connection lost", 15);

	assert_non_null(at);
	at[3] = '\n';
	assert_false(is_taken(payload, len));
	at[3] = 0xc3;
	assert_false(is_taken(payload, len));
	at[3] = 'n';
	assert_true(is_taken(payload, len));
}

static void what_is_cut_or_goes_on_is_refused(void **state)
{
	uint8_t payload[FRAME_MAX + 1];
	size_t len = encode(&sample, payload);

	for (size_t i = 0; i < len; i++)
		assert_false(is_taken(payload, i));
	payload[len] = 0;
	assert_false(is_taken(payload, len + 1));
}

static void bytes_that_were_changed_are_refused_or_are_another_one(void **state)
{
	uint8_t payload[FRAME_MAX];
	struct prng p;

	prng_init(&p, 0x71e);
	for (unsigned i = 0; i < ROUNDS; i++) {
		size_t len = encode(&sample, payload);

		for (unsigned n = 1 + prng_below(&p, 3); n > 0; n--)
			payload[prng_below(&p, (uint32_t)len)] = (uint8_t)prng_next(&p);
		is_taken(payload, len - (prng_below(&p, 4) == 0));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_line_comes_back_as_it_was),
		cmocka_unit_test(head_is_taken_on_its_way_to_control_only),
		cmocka_unit_test(side_that_there_is_not_is_refused),
		cmocka_unit_test(text_that_is_missing_or_too_long_is_not_encoded),
		cmocka_unit_test(text_that_is_no_line_is_refused),
		cmocka_unit_test(what_is_cut_or_goes_on_is_refused),
		cmocka_unit_test(bytes_that_were_changed_are_refused_or_are_another_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

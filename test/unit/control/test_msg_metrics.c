/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/msg_metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"
#include "test/support/prng.h"

static const struct msg_sample samples[] = {
	{.metric = METRIC_DROPS, .labels = {"blue", "no_route"}, .value = 7},
	{.metric = METRIC_ACCEPTS, .value = UINT64_MAX},
	{.metric = METRIC_SETUP_STAGE,
	 .labels = {"tls"},
	 .times = {.counts = {1, 2, [TIMES_BOUNDS] = 3}, .sum_us = UINT64_C(1) << 40}},
};

static const struct msg_metrics sample = {
	.id = UINT64_C(0xfedcba9876543210),
	.samples = (struct msg_sample *)(uintptr_t)samples,
	.n_samples = sizeof(samples) / sizeof(samples[0]),
};

/* Owned; without the head. */
static uint8_t *payload_of(const struct msg_metrics *m, size_t *ret_len)
{
	uint8_t *frame, *payload;
	size_t len;

	assert_int_equal(msg_metrics_encode(m, &frame, &len), 0);
	*ret_len = len - MSG_HEAD_SIZE;
	payload = malloc(*ret_len);
	assert_non_null(payload);
	memcpy(payload, frame + MSG_HEAD_SIZE, *ret_len);
	msg_frame_free(frame, len);
	return payload;
}

static int decode(const uint8_t *payload, size_t len)
{
	uint8_t *copy = malloc(len + !len);
	struct msg_metrics m;
	int r;

	assert_non_null(copy);
	memcpy(copy, payload, len);
	r = msg_metrics_decode(copy, len, &m);
	if (r == 0)
		msg_metrics_done(&m);
	free(copy);
	assert_true(r == 0 || r == -EBADMSG);
	return r;
}

static void values_come_back_as_they_were(void **state)
{
	size_t len;
	uint8_t *payload = payload_of(&sample, &len);
	struct msg_metrics got;

	assert_int_equal(msg_metrics_decode(payload, len, &got), 0);
	assert_true(got.id == sample.id);
	assert_int_equal(got.n_samples, sample.n_samples);
	for (size_t i = 0; i < got.n_samples; i++) {
		assert_int_equal(got.samples[i].metric, samples[i].metric);
		assert_true(got.samples[i].value == samples[i].value);
		assert_memory_equal(&got.samples[i].times, &samples[i].times,
				    sizeof(samples[i].times));
		for (size_t k = 0; k < metric_labels(samples[i].metric); k++)
			assert_string_equal(got.samples[i].labels[k], samples[i].labels[k]);
	}
	msg_metrics_done(&got);
	free(payload);
}

static void question_comes_back_as_it_was(void **state)
{
	uint8_t *frame;
	size_t len;
	uint64_t id = 0;

	assert_int_equal(msg_metrics_ask_encode(sample.id, &frame, &len), 0);
	assert_int_equal(msg_metrics_ask_decode(frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE, &id),
			 0);
	assert_true(id == sample.id);
	assert_int_equal(
		msg_metrics_ask_decode(frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE - 1, &id),
		-EBADMSG);
	msg_frame_free(frame, len);
}

static void each_goes_its_own_way_only(void **state)
{
	enum msg_kind kind;
	uint8_t *frame;
	size_t len, payload_len;

	assert_int_equal(msg_metrics_ask_encode(1, &frame, &len), 0);
	assert_true(msg_head(frame, false, &kind, &payload_len));
	assert_int_equal(kind, MSG_METRICS_ASK);
	assert_false(msg_head(frame, true, &kind, &payload_len));
	msg_frame_free(frame, len);
	assert_int_equal(msg_metrics_encode(&sample, &frame, &len), 0);
	assert_true(msg_head(frame, true, &kind, &payload_len));
	assert_int_equal(kind, MSG_METRICS);
	assert_false(msg_head(frame, false, &kind, &payload_len));
	msg_frame_free(frame, len);
}

static void what_is_not_the_data_planes_to_tell_is_refused(void **state)
{
	struct msg_sample up = {.metric = METRIC_UP, .value = 1};
	struct msg_metrics m = {.samples = &up, .n_samples = 1};
	uint8_t *frame, *payload;
	size_t len;

	assert_int_equal(msg_metrics_encode(&m, &frame, &len), -EINVAL);
	up.metric = METRIC_ACCEPTS;
	payload = payload_of(&m, &len);
	assert_int_equal(payload[10], METRIC_ACCEPTS);
	assert_int_equal(decode(payload, len), 0);
	payload[10] = METRIC_UP;
	assert_int_equal(decode(payload, len), -EBADMSG);
	payload[10] = METRICS;
	assert_int_equal(decode(payload, len), -EBADMSG);
	free(payload);
}

static void label_is_a_short_line(void **state)
{
	char label[MSG_LABEL_MAX + 2];
	struct msg_sample s = {.metric = METRIC_SESSIONS, .labels = {label}};
	struct msg_metrics m = {.samples = &s, .n_samples = 1};
	uint8_t *frame, *payload;
	size_t len;

	memset(label, 'x', sizeof(label));
	label[MSG_LABEL_MAX + 1] = '\0';
	assert_int_equal(msg_metrics_encode(&m, &frame, &len), -EMSGSIZE);
	label[MSG_LABEL_MAX] = '\0';
	payload = payload_of(&m, &len);
	assert_int_equal(decode(payload, len), 0);
	payload[15] = '\n';
	assert_int_equal(decode(payload, len), -EBADMSG);
	free(payload);
	s.labels[0] = NULL;
	assert_int_equal(msg_metrics_encode(&m, &frame, &len), -EINVAL);
}

static void there_are_so_many_samples_at_most(void **state)
{
	struct msg_sample *many = calloc(MSG_SAMPLES_MAX + 1, sizeof(*many));
	struct msg_metrics m = {.samples = many, .n_samples = MSG_SAMPLES_MAX + 1};
	uint8_t *frame, *payload;
	size_t len;

	assert_non_null(many);
	for (size_t i = 0; i <= MSG_SAMPLES_MAX; i++)
		many[i] = (struct msg_sample){.metric = METRIC_SESSIONS, .labels = {"blue"}};
	assert_int_equal(msg_metrics_encode(&m, &frame, &len), -EMSGSIZE);
	m.n_samples--;
	payload = payload_of(&m, &len);
	assert_int_equal(decode(payload, len), 0);
	payload[9]++; /* of the count */
	assert_int_equal(decode(payload, len), -EBADMSG);
	free(payload);
	free(many);
}

/* Each byte is needed, and whatever stands there is refused or taken whole. */
static void what_is_cut_or_damaged_is_refused_or_taken_whole(void **state)
{
	size_t len;
	uint8_t *payload = payload_of(&sample, &len);
	struct prng rng;

	prng_init(&rng, 99);
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(decode(payload, cut), -EBADMSG);
	for (int i = 0; i < 20000; i++) {
		size_t at = prng_below(&rng, (uint32_t)len);
		uint8_t was = payload[at];

		payload[at] = (uint8_t)prng_next(&rng);
		decode(payload, len);
		payload[at] = was;
	}
	free(payload);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_come_back_as_they_were),
		cmocka_unit_test(question_comes_back_as_it_was),
		cmocka_unit_test(each_goes_its_own_way_only),
		cmocka_unit_test(what_is_not_the_data_planes_to_tell_is_refused),
		cmocka_unit_test(label_is_a_short_line),
		cmocka_unit_test(there_are_so_many_samples_at_most),
		cmocka_unit_test(what_is_cut_or_damaged_is_refused_or_taken_whole),
	};

	return cmocka_run_group_tests_name("control/msg_metrics", tests, NULL, NULL);
}

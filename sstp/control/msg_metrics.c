/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/msg_metrics.h"

#include <errno.h>
#include <stdlib.h>

#include "sstp/control/msg_wire.h"

_Static_assert((int)METRIC_BUCKETS == (int)TIMES_BUCKETS, "a histogram's buckets are all told");

int msg_metrics_ask_encode(uint64_t id, uint8_t **ret_frame, size_t *ret_len)
{
	struct msg_frame f;

	if (msg_frame_begin(&f, MSG_METRICS_ASK) < 0)
		return -ENOMEM;
	msg_put_be64(&f, id);
	return msg_frame_end(&f, ret_frame, ret_len);
}

int msg_metrics_ask_decode(const uint8_t *payload, size_t len, uint64_t *ret_id)
{
	struct wire_reader r = wire_reader(payload, len);
	uint64_t id = msg_get_be64(&r);

	if (!wire_done(&r))
		return -EBADMSG;
	*ret_id = id;
	return 0;
}

static bool is_told(unsigned metric)
{
	return metric < METRICS && metric_info((enum metric)metric)->is_told;
}

static bool is_histogram(enum metric metric)
{
	return metric_info(metric)->type == METRIC_HISTOGRAM;
}

static void put_sample(struct msg_frame *f, const struct msg_sample *s)
{
	if (!is_told(s->metric)) {
		f->is_null = true;
		return;
	}
	wire_put_u8(&f->w, (uint8_t)s->metric);
	for (size_t i = 0; i < metric_labels(s->metric); i++)
		msg_put_text(f, s->labels[i], MSG_LABEL_MAX);
	if (!is_histogram(s->metric)) {
		msg_put_be64(f, s->value);
		return;
	}
	for (unsigned i = 0; i < TIMES_BUCKETS; i++)
		msg_put_be64(f, s->times.counts[i]);
	msg_put_be64(f, s->times.sum_us);
}

int msg_metrics_encode(const struct msg_metrics *m, uint8_t **ret_frame, size_t *ret_len)
{
	struct msg_frame f;

	if (m->n_samples > MSG_SAMPLES_MAX)
		return -EMSGSIZE;
	if (msg_frame_begin(&f, MSG_METRICS) < 0)
		return -ENOMEM;
	msg_put_be64(&f, m->id);
	wire_put_be16(&f.w, (uint16_t)m->n_samples);
	for (size_t i = 0; i < m->n_samples; i++)
		put_sample(&f, &m->samples[i]);
	return msg_frame_end(&f, ret_frame, ret_len);
}

static void get_sample(struct wire_reader *r, struct msg_sample *s)
{
	unsigned metric = wire_u8(r);

	if (!is_told(metric)) {
		r->failed = true;
		return;
	}
	s->metric = (enum metric)metric;
	for (size_t i = 0; i < metric_labels(s->metric); i++)
		s->labels[i] = msg_get_line(r, MSG_LABEL_MAX);
	if (!is_histogram(s->metric)) {
		s->value = msg_get_be64(r);
		return;
	}
	for (unsigned i = 0; i < TIMES_BUCKETS; i++)
		s->times.counts[i] = msg_get_be64(r);
	s->times.sum_us = msg_get_be64(r);
}

int msg_metrics_decode(const uint8_t *payload, size_t len, struct msg_metrics *ret_metrics)
{
	struct wire_reader r = wire_reader(payload, len);
	struct msg_metrics m = {.id = msg_get_be64(&r)};

	m.n_samples = msg_get_count(&r, MSG_SAMPLES_MAX);
	if (m.n_samples) {
		m.samples = calloc(m.n_samples, sizeof(*m.samples));
		if (!m.samples)
			return -ENOMEM;
	}
	for (size_t i = 0; i < m.n_samples && wire_ok(&r); i++)
		get_sample(&r, &m.samples[i]);
	if (!wire_done(&r)) {
		msg_metrics_done(&m);
		return -EBADMSG;
	}
	*ret_metrics = m;
	return 0;
}

void msg_metrics_done(struct msg_metrics *m)
{
	free(m->samples);
	m->samples = NULL;
	m->n_samples = 0;
}

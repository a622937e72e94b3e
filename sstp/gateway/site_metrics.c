/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/gateway/site_metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "sstp/control/msg_metrics.h"
#include "sstp/session/dataplane.h"

enum {
	US_PER_CLOCK = 1000000 / CLOCKS_PER_SEC
};

/* What a server's session can end by. */
static const enum session_end ends[] = {
	SESSION_END_NORMAL, SESSION_END_LOST,	 SESSION_END_CERTIFICATE,
	SESSION_END_AUTH,   SESSION_END_REFUSED,
};

/* Samples on their way. A data plane with all VNets that it may have fills less than half of it. */
struct list {
	struct msg_sample *samples;
	size_t n;
};

/* Where the next one goes, its labels filled in. What is one too many takes the spare place. */
static struct msg_sample *next(struct list *l, enum metric metric, const char *label,
			       const char *second)
{
	struct msg_sample *s = &l->samples[l->n];

	l->n += l->n < MSG_SAMPLES_MAX;
	*s = (struct msg_sample){.metric = metric, .labels = {label, second}};
	return s;
}

static void add(struct list *l, enum metric metric, const char *label, uint64_t value)
{
	next(l, metric, label, NULL)->value = value;
}

static void add_two(struct list *l, enum metric metric, const char *label, const char *second,
		    uint64_t value)
{
	next(l, metric, label, second)->value = value;
}

static void add_times(struct list *l, enum metric metric, const char *label,
		      const struct times *times)
{
	next(l, metric, label, NULL)->times = *times;
}

static void add_process(struct list *l, const struct dataplane_stats *stats, unsigned threads,
			int64_t started)
{
	add(l, METRIC_START_TIME, "data", (uint64_t)started);
	add(l, METRIC_CPU, "data", (uint64_t)clock() * US_PER_CLOCK);
	add(l, METRIC_HEAP, "data", stats->heap_bytes);
	add(l, METRIC_THREADS, NULL, threads);
}

static void add_admission(struct list *l, const struct admission_counts *counts)
{
	add(l, METRIC_CONNECTIONS, "half_open", counts->half_open);
	add(l, METRIC_CONNECTIONS, "logged_in", counts->sessions - counts->half_open);
	add(l, METRIC_ACCEPTS, NULL, counts->accepted);
	for (unsigned i = 0; i < ADMISSION_REFUSALS; i++)
		add(l, METRIC_REFUSED, admission_refusal_name((enum admission_refusal)i),
		    counts->refused_by[i]);
}

/* Of stage i. */
static void add_failures(struct list *l, const struct metrics *m, unsigned i)
{
	for (size_t e = 0; e < sizeof(ends) / sizeof(ends[0]); e++)
		add_two(l, METRIC_SETUP_FAILURES, stage_name((enum stage)i),
			metrics_end_name(ends[e]), m->failed[i][ends[e]]);
}

static void add_setups(struct list *l, const struct metrics *m)
{
	static const char *const methods[METRICS_METHODS] = {
		[METRICS_BY_PASSWORD] = "password",
		[METRICS_BY_CERTIFICATE] = "certificate",
	};

	add_times(l, METRIC_SETUP, NULL, &m->setup);
	for (unsigned i = STAGE_TLS; i <= STAGE_IPCP; i++) {
		add_times(l, METRIC_SETUP_STAGE, stage_name((enum stage)i), &m->stages[i]);
		add_failures(l, m, i);
	}
	for (size_t e = 0; e < sizeof(ends) / sizeof(ends[0]); e++)
		add(l, METRIC_ENDED, metrics_end_name(ends[e]), m->ended[ends[e]]);
	for (unsigned i = 0; i < METRICS_METHODS; i++) {
		add_two(l, METRIC_AUTHENTICATIONS, methods[i], "ok", m->auth_ok[i]);
		add_two(l, METRIC_AUTHENTICATIONS, methods[i], "failed", m->auth_failed[i]);
	}
	add(l, METRIC_ENROLMENTS, NULL, m->enrolments);
}

/* vnet: "": none. */
static void add_traffic(struct list *l, const char *vnet, const struct traffic *t)
{
	add_two(l, METRIC_BYTES, vnet, "from_clients", t->rx_bytes);
	add_two(l, METRIC_BYTES, vnet, "to_clients", t->tx_bytes);
	add_two(l, METRIC_PACKETS, vnet, "from_clients", t->rx_packets);
	add_two(l, METRIC_PACKETS, vnet, "to_clients", t->tx_packets);
	add_two(l, METRIC_ANSWERS, vnet, "sent", t->answered);
	add_two(l, METRIC_ANSWERS, vnet, "withheld", t->unanswered);
	add(l, METRIC_MARKED, vnet, t->tx_marked);
	for (unsigned i = 0; i < DROP_REASONS; i++)
		add_two(l, METRIC_DROPS, vnet, drop_reason_name((enum drop_reason)i), t->drops[i]);
}

static void add_vnet(struct list *l, const struct dataplane_stats *stats, unsigned id)
{
	const struct shard_vnet_stats *v = &stats->sum.vnets[id];
	const char *name = stats->vnets[id].name;
	struct traffic all = v->of_sessions;

	traffic_add(&all, &v->traffic);
	add_traffic(l, name, &all);
	add(l, METRIC_SESSIONS, name, v->sessions);
	add(l, METRIC_HANDED_OVER, name, v->handed_over);
	add(l, METRIC_POOL_USED, name, stats->vnets[id].used);
	add(l, METRIC_POOL_SIZE, name, stats->vnets[id].size);
}

int site_metrics_encode(uint64_t id, const struct dataplane_stats *stats, unsigned threads,
			int64_t started, uint8_t **ret_frame, size_t *ret_len)
{
	struct list l = {.samples = calloc(MSG_SAMPLES_MAX + 1, sizeof(*l.samples))};
	struct msg_metrics m = {.id = id, .samples = l.samples};
	int r;

	if (!l.samples)
		return -ENOMEM;
	add_process(&l, stats, threads, started);
	add_admission(&l, &stats->admission);
	add_setups(&l, &stats->sum.metrics);
	add_times(&l, METRIC_QUEUE_DELAY, NULL, &stats->sum.waits);
	add_traffic(&l, "", &stats->sum.no_vnets);
	for (unsigned i = 0; i < SHARD_VNETS_MAX; i++)
		if (stats->vnets[i].name)
			add_vnet(&l, stats, i);
	m.n_samples = l.n;
	r = msg_metrics_encode(&m, ret_frame, ret_len);
	free(l.samples);
	return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page is written metric by metric: what this process knows of it, then what the data plane has told. What has to be
 * asked of the store is read before, all of it at one moment.
 */
#include "sstp/control/metrics.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "sstp/base/log.h"
#include "sstp/control/model_internal.h"
#include "sstp/control/prometheus.h"
#include "sstp/control/reply.h"

enum {
	DAY_S = 86400,
	US_PER_CLOCK = 1000000 / CLOCKS_PER_SEC,
	OTHER = METRIC_PLANS_MAX, /* the pair of all pairs that are too many */
};

/* Of a VNet and a plan; its place stays its own for as long as this process runs, so that counters never go back. */
struct pair {
	char vnet[MSG_LABEL_MAX + 1];
	char plan[MSG_LABEL_MAX + 1]; /* "": of no app's */
	uint64_t sessions;
	uint64_t from_bytes, to_bytes, from_packets, to_packets;
};

/* Who waits. */
struct waiting {
	struct front_later *later;
	enum prometheus_form form;
};

struct metrics {
	struct metrics_params params;
	struct loop_timer *timer; /* of the data plane's patience */
	struct waiting waiting[METRICS_MAX];
	size_t n_waiting;
	uint64_t last_id;
	int64_t started; /* seconds since 1970 */
	struct pair pairs[METRIC_PLANS_MAX + 1];
	size_t n_pairs; /* without the last one */
	bool has_other;
};

/* ---- what the store says of plans ---- */

/* What is behind the last slash. */
#define LAST(t) "replace(" t ", rtrim(" t ", replace(" t ", '/', '')), '')"

static const char sessions_sql[] =
	"SELECT vnet, " LAST("plan") " AS name, count(*) FROM session WHERE ended IS NULL"
				     " GROUP BY vnet COLLATE NOCASE, name COLLATE NOCASE";
static const char usage_sql[] = "SELECT vnet, " LAST(
	"plan") " AS name, sum(sent_bytes), sum(received_bytes),"
		" sum(sent_packets), sum(received_packets) FROM usage WHERE day >= :day"
		" GROUP BY vnet COLLATE NOCASE, name COLLATE NOCASE";

static struct pair *pair_of(struct metrics *m, const char *vnet, const char *plan)
{
	struct pair *p;

	for (size_t i = 0; i < m->n_pairs; i++)
		if (strcasecmp(m->pairs[i].vnet, vnet) == 0 &&
		    strcasecmp(m->pairs[i].plan, plan) == 0)
			return &m->pairs[i];
	if (m->n_pairs == METRIC_PLANS_MAX) {
		m->has_other = true;
		return &m->pairs[OTHER];
	}
	p = &m->pairs[m->n_pairs++];
	snprintf(p->vnet, sizeof(p->vnet), "%s", vnet);
	snprintf(p->plan, sizeof(p->plan), "%s", plan);
	return p;
}

static void take_sessions(struct pair *p, struct store_query *q)
{
	p->sessions += (uint64_t)store_query_number(q, 2);
}

static void take_usage(struct pair *p, struct store_query *q)
{
	p->from_bytes += (uint64_t)store_query_number(q, 2);
	p->to_bytes += (uint64_t)store_query_number(q, 3);
	p->from_packets += (uint64_t)store_query_number(q, 4);
	p->to_packets += (uint64_t)store_query_number(q, 5);
}

static int read_rows(struct metrics *m, const char *sql,
		     void (*take)(struct pair *p, struct store_query *q), struct certs_error *e)
{
	const struct store_value day = {
		.name = ":day", .number = m->started / DAY_S, .is_number = true};
	struct store_query *q;
	int r = store_query(m->params.model->store, sql, &day, 1, &q, e);

	if (r < 0)
		return r;
	while ((r = store_query_next(q, e)) > 0)
		take(pair_of(m, store_query_text(q, 0), store_query_text(q, 1)), q);
	store_query_end(q);
	return r;
}

static void read_pairs(struct metrics *m)
{
	struct certs_error e;

	for (size_t i = 0; i <= METRIC_PLANS_MAX; i++) {
		struct pair *p = &m->pairs[i];

		p->sessions = p->from_bytes = p->to_bytes = p->from_packets = p->to_packets = 0;
	}
	if (read_rows(m, sessions_sql, take_sessions, &e) < 0 ||
	    read_rows(m, usage_sql, take_usage, &e) < 0)
		log_error("metrics of plans are missing: %s", e.text);
}

/* ---- what this process knows ---- */

/* A page on its way. */
struct page {
	struct metrics *m;
	struct prometheus *out;
	const struct msg_metrics *told; /* NULL: the data plane has not answered */
	int64_t now;
};

static void add(struct page *p, enum metric metric, uint64_t value, const char *label)
{
	prometheus_add(p->out,
		       &(struct msg_sample){.metric = metric, .labels = {label}, .value = value});
}

static void add_up(struct page *p, enum metric metric)
{
	add(p, metric, p->told != NULL, NULL);
}

static void add_build(struct page *p, enum metric metric)
{
	add(p, metric, 1, SSTP_VERSION);
}

static void add_start(struct page *p, enum metric metric)
{
	add(p, metric, (uint64_t)p->m->started, "control");
}

static void add_cpu(struct page *p, enum metric metric)
{
	add(p, metric, (uint64_t)clock() * US_PER_CLOCK, "control");
}

static void add_heap(struct page *p, enum metric metric)
{
	add(p, metric, mallinfo2().uordblks, "control");
}

static void add_certificates(struct page *p, enum metric metric)
{
	uint64_t counts[CERT_STATUS_COUNT] = {0};
	size_t n = authority_cert_count(p->m->params.authority);

	for (size_t i = 0; i < n; i++) {
		struct authority_cert_info info;

		authority_cert_at(p->m->params.authority, i, p->now, &info);
		counts[info.status]++;
	}
	for (unsigned i = 0; i < CERT_STATUS_COUNT; i++)
		add(p, metric, counts[i], status_text((enum cert_status)i));
}

/* Of those that are in use: one that was renewed is not waited for. */
static void add_next_expiry(struct page *p, enum metric metric)
{
	size_t n = authority_cert_count(p->m->params.authority);
	int64_t first = INT64_MAX;

	for (size_t i = 0; i < n; i++) {
		struct authority_cert_info info;

		authority_cert_at(p->m->params.authority, i, p->now, &info);
		if (status_is_live(info.status) && !*info.renewed_by &&
		    info.facts.not_after < first)
			first = info.facts.not_after;
	}
	if (first != INT64_MAX)
		add(p, metric, (uint64_t)first, NULL);
}

static void add_server_expiry(struct page *p, enum metric metric)
{
	struct authority_server_info info;

	if (authority_server_show(p->m->params.authority, p->now, &info) == 0)
		add(p, metric, (uint64_t)info.facts.not_after, NULL);
}

/* ---- of VNets */

typedef void vnet_fn(struct page *p, enum metric metric, const char *vnet, bool is_up);

/* Those with a gateway; of a data plane that is gone none is up. */
static void for_each_vnet(struct page *p, enum metric metric, vnet_fn *fn)
{
	static const char sql[] =
		"SELECT name, EXISTS (SELECT 1 FROM gateway_state s WHERE s.vnet = v.name"
		" AND s.why = '') FROM vnet v WHERE v.source <> 'gone'"
		" AND EXISTS (SELECT 1 FROM gateway g WHERE g.vnet_id = v.id) ORDER BY name";
	struct store_query *q;
	struct certs_error e;
	int r = store_query(p->m->params.model->store, sql, NULL, 0, &q, &e);

	if (r == 0) {
		while ((r = store_query_next(q, &e)) > 0)
			fn(p, metric, store_query_text(q, 0), store_query_number(q, 1) != 0);
		store_query_end(q);
	}
	if (r < 0)
		log_error("metrics of VNets are missing: %s", e.text);
}

static void add_vnet_up(struct page *p, enum metric metric, const char *vnet, bool is_up)
{
	add(p, metric, is_up, vnet);
}

static void add_gateways(struct page *p, enum metric metric)
{
	for_each_vnet(p, metric, add_vnet_up);
}

static void add_vnet_learned(struct page *p, enum metric metric, const char *vnet, bool is_up)
{
	(void)is_up;
	add(p, metric, learned_of(bgp_learned(p->m->params.bgp), vnet, LEARNED_LOOKUP).n, vnet);
}

static void add_learned(struct page *p, enum metric metric)
{
	for_each_vnet(p, metric, add_vnet_learned);
}

static void add_vnet_announced(struct page *p, enum metric metric, const char *vnet, bool is_up)
{
	struct bgp_state state = {.n_announced = 0};

	(void)is_up;
	if (bgp_state(p->m->params.bgp, vnet, &state) < 0)
		state.n_announced = 0;
	add(p, metric, state.n_announced, vnet);
}

static void add_announced(struct page *p, enum metric metric)
{
	for_each_vnet(p, metric, add_vnet_announced);
}

/* ---- of plans */

static void add_pair(struct page *p, enum metric metric, const struct pair *pair)
{
	bool is_bytes = metric == METRIC_PLAN_BYTES;
	struct msg_sample s = {.metric = metric, .labels = {pair->vnet, pair->plan}};

	if (metric == METRIC_PLAN_SESSIONS) {
		s.value = pair->sessions;
		prometheus_add(p->out, &s);
		return;
	}
	s.labels[2] = "from_clients";
	s.value = is_bytes ? pair->from_bytes : pair->from_packets;
	prometheus_add(p->out, &s);
	s.labels[2] = "to_clients";
	s.value = is_bytes ? pair->to_bytes : pair->to_packets;
	prometheus_add(p->out, &s);
}

static void add_pairs(struct page *p, enum metric metric)
{
	for (size_t i = 0; i < p->m->n_pairs; i++)
		add_pair(p, metric, &p->m->pairs[i]);
	if (p->m->has_other)
		add_pair(p, metric, &p->m->pairs[OTHER]);
}

/* ---- a page ---- */

static void add_own(struct page *p, enum metric metric)
{
	static void (*const own[METRICS])(struct page * p, enum metric metric) = {
		[METRIC_UP] = add_up,
		[METRIC_BUILD_INFO] = add_build,
		[METRIC_START_TIME] = add_start,
		[METRIC_CPU] = add_cpu,
		[METRIC_HEAP] = add_heap,
		[METRIC_GATEWAY_UP] = add_gateways,
		[METRIC_PLAN_SESSIONS] = add_pairs,
		[METRIC_PLAN_BYTES] = add_pairs,
		[METRIC_PLAN_PACKETS] = add_pairs,
		[METRIC_CERTIFICATES] = add_certificates,
		[METRIC_NEXT_EXPIRY] = add_next_expiry,
		[METRIC_SERVER_EXPIRY] = add_server_expiry,
		[METRIC_ROUTES_LEARNED] = add_learned,
		[METRIC_ROUTES_ANNOUNCED] = add_announced,
	};

	if (own[metric])
		own[metric](p, metric);
}

/* Owned; NULL without memory. */
static char *write_page(struct metrics *m, enum prometheus_form form,
			const struct msg_metrics *told)
{
	struct page p = {
		.m = m, .out = prometheus_new(form), .told = told, .now = (int64_t)time(NULL)};

	if (!p.out)
		return NULL;
	for (unsigned metric = 0; metric < METRICS; metric++) {
		add_own(&p, (enum metric)metric);
		for (size_t i = 0; told && i < told->n_samples; i++)
			if (told->samples[i].metric == (enum metric)metric)
				prometheus_add(p.out, &told->samples[i]);
	}
	return prometheus_end(p.out);
}

/* ---- who waits ---- */

static void fill_reply(struct front_reply *reply, enum prometheus_form form, char *text)
{
	if (!text) {
		reply_refuse(reply, 500, "out of memory", NULL);
		return;
	}
	*reply = (struct front_reply){.status = 200, .json = text};
	if (form == PROMETHEUS_TEXT)
		reply->content_type = PROMETHEUS_TYPE;
}

static void answer_all(struct metrics *m, const struct msg_metrics *told)
{
	loop_timer_set(m->timer, CLOCK_NEVER);
	if (m->n_waiting)
		read_pairs(m);
	while (m->n_waiting) {
		const struct waiting *w = &m->waiting[--m->n_waiting];
		struct front_reply reply;

		fill_reply(&reply, w->form, write_page(m, w->form, told));
		front_answer(w->later, &reply);
	}
}

static void on_timer(void *arg)
{
	answer_all(arg, NULL);
}

static int ask(struct metrics *m)
{
	uint8_t *frame;
	size_t len;
	int r = msg_metrics_ask_encode(++m->last_id, &frame, &len);

	if (r == 0)
		r = m->params.send(m->params.arg, frame, len);
	return r;
}

/* The first one asks; without a data plane there is nothing to wait for. */
static void wait_for_data(struct metrics *m, struct front_later *later, enum prometheus_form form)
{
	m->waiting[m->n_waiting++] = (struct waiting){later, form};
	if (m->n_waiting > 1)
		return;
	loop_timer_set(m->timer, loop_now(m->params.loop) + METRICS_PATIENCE);
	if (ask(m) < 0)
		answer_all(m, NULL);
}

void metrics_on_told(struct metrics *m, const struct msg_metrics *told)
{
	if (told->id == m->last_id)
		answer_all(m, told);
}

void metrics_on_lost(struct metrics *m)
{
	answer_all(m, NULL);
}

/* ---- requests ---- */

static const struct {
	const char *path;
	enum prometheus_form form;
} routes[] = {
	{"/metrics", PROMETHEUS_TEXT},
	{"/v1/metrics", PROMETHEUS_JSON},
};

const char *metrics_route(size_t i, enum front_method *ret_method)
{
	*ret_method = FRONT_GET;
	return i < sizeof(routes) / sizeof(routes[0]) ? routes[i].path : NULL;
}

bool metrics_has_path(const char *path)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (strcmp(routes[i].path, path) == 0)
			return true;
	return false;
}

void metrics_answer(struct metrics *m, const struct front_request *request,
		    struct front_reply *ret_reply)
{
	bool is_text = strcmp(request->path, routes[0].path) == 0;
	struct front_later *later;

	if (request->method != FRONT_GET) {
		reply_refuse(ret_reply, 405, "this path has no such method", NULL);
		return;
	}
	if (m->n_waiting == METRICS_MAX) {
		reply_refuse(ret_reply, 429, "too many ask for metrics at once: ask again", NULL);
		return;
	}
	later = front_later(request);
	if (!later)
		reply_refuse(ret_reply, 500, "nobody waits for the data plane's answer", NULL);
	else
		wait_for_data(m, later, is_text ? PROMETHEUS_TEXT : PROMETHEUS_JSON);
}

/* ---- life ---- */

struct metrics *metrics_new(const struct metrics_params *params)
{
	struct metrics *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->params = *params;
	m->started = (int64_t)time(NULL);
	strcpy(m->pairs[OTHER].vnet, "other");
	strcpy(m->pairs[OTHER].plan, "other");
	m->timer = loop_timer_new(params->loop, on_timer, m);
	if (m->timer)
		return m;
	free(m);
	return NULL;
}

void metrics_free(struct metrics *m)
{
	if (!m)
		return;
	while (m->n_waiting) {
		struct front_reply reply;

		reply_refuse(&reply, 500, "the gateway ends", NULL);
		front_answer(m->waiting[--m->n_waiting].later, &reply);
	}
	loop_timer_free(m->timer);
	free(m);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Traces of a thread's sessions: the worker is asked for a probe, and the packets of the thread are watched for it until the
 * worker has answered, or for TRACE_PATIENCE_NS.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/base/random.h"
#include "sstp/session/shard_internal.h"

/* A little longer than the worker takes (worker/trace.h). */
#define TRACE_PATIENCE_NS (5 * CLOCK_NS_PER_S)

enum {
	TRACES_MAX = 16, /* of a thread */
};

struct trace_run {
	struct trace_run *next;
	struct client *client;
	struct tap tap;
	struct loop_timer *timer;
	uint64_t id;
	struct trace_watch watch;
	struct traffic from, vnet_from; /* when it began */
};

/* ---- the end ---- */

static void forget(struct trace_run *run)
{
	struct shard *s = run->client->shard;
	struct trace_run **at = &s->traces;

	while (*at != run)
		at = &(*at)->next;
	*at = run->next;
	tap_remove(&s->env.taps, &run->tap);
	loop_timer_free(run->timer);
	free(run);
}

static void add_moved(const struct traffic *from, const struct traffic *to, struct traffic *moved)
{
	moved->rx_packets += to->rx_packets - from->rx_packets;
	moved->tx_packets += to->tx_packets - from->tx_packets;
	moved->answered += to->answered - from->answered;
	moved->unanswered += to->unanswered - from->unanswered;
	for (unsigned i = 0; i < DROP_REASONS; i++)
		moved->drops[i] += to->drops[i] - from->drops[i];
}

/* traced NULL: the worker has said nothing. */
static void finish(struct trace_run *run, enum trace_end end, const struct vendor_traced *traced)
{
	struct client *c = run->client;
	struct trace_desk *desk = c->shard->params.traces;
	struct trace_result result = {
		.id = run->id, .session = c->ticket.id, .end = end, .watch = run->watch};

	if (traced)
		result.worker = *traced;
	add_moved(&run->from, session_traffic(c->session), &result.moved);
	if (c->lease.queue)
		add_moved(&run->vnet_from, vnet_queue_traffic(c->lease.queue), &result.moved);
	forget(run);
	trace_desk_tell(desk, &result);
}

static void on_timer(void *arg)
{
	finish(arg, TRACE_SILENT, NULL);
}

static struct trace_run *find_run(const struct client *c)
{
	struct trace_run *run = c->shard->traces;

	while (run && run->client != c)
		run = run->next;
	return run;
}

void client_traced(struct client *c, const struct vendor_traced *traced)
{
	struct trace_run *run = find_run(c);

	if (run)
		finish(run, TRACE_ANSWERED, traced);
}

void client_trace_lost(struct client *c)
{
	struct trace_run *run = find_run(c);

	if (run)
		finish(run, TRACE_LOST, NULL);
}

/* ---- the begin ---- */

static void show(struct tap *tap, const struct tap_packet *p)
{
	struct trace_run *run = (void *)((char *)tap - offsetof(struct trace_run, tap));
	const struct client *c = run->client;

	trace_watch_see(&run->watch, p, p->session == c->session, loop_now(c->shard->loop));
}

/* False: the session has no address of the destination's family. */
static bool make_probe(const struct client *c, const struct trace_request *r, struct probe *ret)
{
	bool is_6 = r->destination.family == AF_INET6;

	*ret = (struct probe){.family = r->destination.family, .port = r->port, .own = r->own};
	if (is_6 && !session_has_ipv6(c->session))
		return false;
	if (is_6)
		vnet_lease_address6(&c->lease, ret->src);
	else
		memcpy(ret->src, &c->lease.address_be, sizeof(c->lease.address_be));
	memcpy(ret->dst, r->destination.addr, sizeof(ret->dst));
	random_fill(&random_system, &ret->number, sizeof(ret->number));
	return true;
}

static struct trace_run *run_new(struct client *c, uint64_t id, const struct probe *probe)
{
	struct shard *s = c->shard;
	struct trace_run *run = calloc(1, sizeof(*run));

	if (!run)
		return NULL;
	*run = (struct trace_run){.client = c, .id = id, .tap.show = show};
	run->timer = loop_timer_new(s->loop, on_timer, run);
	if (!run->timer) {
		free(run);
		return NULL;
	}
	loop_timer_set(run->timer, clock_now() + TRACE_PATIENCE_NS);
	trace_watch_init(&run->watch, probe);
	run->from = *session_traffic(c->session);
	run->vnet_from = *vnet_queue_traffic(c->lease.queue);
	run->next = s->traces;
	s->traces = run;
	tap_add(&s->env.taps, &run->tap);
	return run;
}

static unsigned count_runs(const struct shard *s)
{
	unsigned n = 0;

	for (const struct trace_run *run = s->traces; run; run = run->next)
		n++;
	return n;
}

/* As the worker hears it; its id is another each time. */
static struct vendor_trace question_of(const struct probe *p)
{
	struct vendor_trace q = {
		.number = p->number,
		.port = p->port,
		.own = p->own,
		.to.family = p->family == AF_INET6 ? 6 : 4,
	};

	random_fill(&random_system, &q.id, sizeof(q.id));
	memcpy(q.to.bytes, p->dst, sizeof(q.to.bytes));
	return q;
}

/* What no worker of ours can send is sent in its name. */
static void probe_instead(const struct client *c, const struct trace_request *r)
{
	const struct probe_request probe = {
		.id = r->id,
		.session = c->ticket.id,
		.app = "",
		.vnet = "",
		.destination = r->destination,
		.port = r->port,
		.own = r->own,
	};

	vnet_probe(&c->lease, c->session, &probe, c->shard->params.probes);
}

/* TRACE_ANSWERED: it is under way. TRACE_LOST: the session is gone, and so is c: it did not read what was sent to it. */
static enum trace_end begin(struct client *c, const struct trace_request *r,
			    const struct probe *probe)
{
	const struct vendor_trace question = question_of(probe);

	if (find_run(c) || count_runs(c->shard) >= TRACES_MAX)
		return TRACE_BUSY;
	if (session_trace(c->session, &question) < 0)
		return TRACE_LOST;
	return run_new(c, r->id, probe) ? TRACE_ANSWERED : TRACE_BUSY;
}

static void trace(struct client *c, const struct trace_request *r)
{
	struct trace_desk *desk = c->shard->params.traces;
	struct trace_result result = {
		.id = r->id, .session = c->ticket.id, .end = TRACE_NO_ADDRESS};
	struct probe probe;
	bool is_worker = session_is_worker(c->session);

	if (make_probe(c, r, &probe))
		result.end = is_worker ? begin(c, r, &probe) : TRACE_NO_WORKER;
	if (result.end == TRACE_ANSWERED)
		return;
	trace_watch_init(&result.watch, &probe);
	trace_desk_tell(desk, &result);
	if (result.end == TRACE_NO_WORKER)
		probe_instead(c, r);
}

int shard_trace(struct shard *s, const struct trace_request *r)
{
	const struct probe_request which = {.session = r->session, .app = r->app, .vnet = r->vnet};

	for (struct client *c = s->clients; c; c = c->next) {
		if (!client_is_asked_for(c, &which))
			continue;
		trace(c, r);
		return 1;
	}
	return 0;
}

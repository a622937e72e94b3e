/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/gateway/site.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sstp/base/clock.h"
#include "sstp/base/log.h"
#include "sstp/base/random.h"
#include "sstp/control/msg_metrics.h"
#include "sstp/control/msg_probe.h"
#include "sstp/control/msg_site.h"
#include "sstp/control/msg_timeline.h"
#include "sstp/control/msg_trace.h"
#include "sstp/gateway/site_metrics.h"
#include "sstp/gateway/site_routes.h"
#include "sstp/gateway/site_vnets.h"
#include "sstp/net/loop.h"
#include "sstp/session/session.h"
#include "sstp/session/vnet_probe.h"

/* VNets that are not up are tried again, and what sessions have moved is told: that much a kill takes with it. */
#define TICK CLOCK_NS_PER_S

enum {
	RECENT_MAX = 4096, /* of the last words about sessions that came or went; see remember() */
	RECENT_TICKS = 10,
};

/* A message that came before the data plane. */
struct early {
	struct early *next;
	enum msg_kind kind;
	size_t len;
	uint8_t payload[];
};

/* A SESSION_UP or SESSION_DOWN; data NULL: none. */
struct recent {
	uint8_t *data;
	size_t len;
	unsigned tick;
};

struct gateway_site {
	struct loop *loop;
	struct gateway_site_params params; /* all zero: not open yet */
	struct site_vnets *vnets;
	struct site_routes *routes;
	struct loop_timer *timer;
	unsigned ticks;
	uint64_t boot;
	int64_t started; /* s since 1970 */
	bool is_behind;	 /* something could not be told */
	bool is_listing; /* what is told of sessions is no news */
	struct early *first, **end;
	size_t early_bytes;
	struct recent recent[RECENT_MAX]; /* a ring */
	unsigned next_recent;
};

/* ---- to control */

struct frame {
	uint8_t *data;
	size_t len;
};

/* f is there if r, the encoder's word, is 0. */
static void send_frame(struct gateway_site *s, int r, const struct frame *f)
{
	if (r == 0)
		r = s->params.send(s->params.arg, f->data, f->len);
	if (r < 0)
		s->is_behind = true;
}

static void send_name(struct gateway_site *s, enum msg_kind kind)
{
	struct frame f;

	send_frame(s, msg_name_encode(kind, "", &f.data, &f.len), &f);
}

static struct msg_counts counts_of(const struct report_counts *c)
{
	return (struct msg_counts){
		.sent_packets = c->sent_packets,
		.sent_bytes = c->sent_bytes,
		.received_packets = c->received_packets,
		.received_bytes = c->received_bytes,
	};
}

static void forget(struct recent *e)
{
	msg_frame_free(e->data, e->len);
	*e = (struct recent){0};
}

/* Returns owned; NULL without memory. */
static uint8_t *copy_of(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len);

	return copy ? memcpy(copy, data, len) : NULL;
}

/*
 * Control stores what it hears half a second later, and hears nothing while it starts. Of sessions that are up it is told
 * all again; of one that has ended meanwhile, only this is left: that it came, if that is as short ago, and how it went.
 * Who has heard it twice counts it once. While control is away nothing is forgotten but what is over RECENT_MAX, the
 * oldest first.
 */
static void remember(struct gateway_site *s, const struct frame *f)
{
	struct recent *e = &s->recent[s->next_recent];

	s->next_recent = (s->next_recent + 1) % RECENT_MAX;
	forget(e);
	e->data = copy_of(f->data, f->len);
	e->len = e->data ? f->len : 0;
	e->tick = s->ticks;
}

static void tell_recent(struct gateway_site *s)
{
	for (unsigned i = 0; i < RECENT_MAX; i++) {
		const struct recent *e = &s->recent[(s->next_recent + i) % RECENT_MAX];
		struct frame f = {.data = e->data ? copy_of(e->data, e->len) : NULL, .len = e->len};

		if (e->data)
			send_frame(s, f.data ? 0 : -ENOMEM, &f);
	}
}

/* Control has had the time to store them. */
static void forget_recent(struct gateway_site *s)
{
	for (unsigned i = 0; i < RECENT_MAX; i++)
		if (s->recent[i].data && s->ticks - s->recent[i].tick > RECENT_TICKS)
			forget(&s->recent[i]);
}

/* "": none. */
static const char *address6_text(const uint8_t address[16], char buf[INET6_ADDRSTRLEN])
{
	static const uint8_t none[16];

	if (memcmp(address, none, sizeof(none)) == 0)
		return "";
	return inet_ntop(AF_INET6, address, buf, INET6_ADDRSTRLEN);
}

static int encode_up(const struct gateway_site *s, const struct report_session *r, struct frame *f)
{
	char user[MSG_REASON_MAX + 1];
	char address6[INET6_ADDRSTRLEN];
	struct msg_session_up m = {
		.boot = s->boot,
		.id = r->id,
		.since = r->since,
		.app = r->app,
		.vnet = r->vnet,
		.user = user,
		.owner = strlen(r->owner) <= MSG_OWNER_MAX ? r->owner : "",
		.address_be = r->address_be,
		.address6 = address6_text(r->address6, address6),
		.source = r->source,
		.correlation = r->correlation,
		.thumbprint = r->thumbprint,
		.counts = counts_of(&r->counts),
	};

	/* a name that is too long to be kept gets an address like a stranger's after a restart */
	snprintf(user, sizeof(user), "%s", r->user);
	return msg_session_up_encode(&m, &f->data, &f->len);
}

static void on_session_up(void *arg, const struct report_session *r)
{
	struct gateway_site *s = arg;
	struct frame f;
	int result = encode_up(s, r, &f);

	if (result == 0 && !s->is_listing)
		remember(s, &f);
	send_frame(s, result, &f);
}

static void on_session_down(void *arg, uint64_t id, const char *reason,
			    const struct report_counts *counts)
{
	struct gateway_site *s = arg;
	struct frame f;
	struct msg_session_down m = {
		.boot = s->boot, .id = id, .reason = reason, .counts = counts_of(counts)};

	int r = msg_session_down_encode(&m, &f.data, &f.len);

	if (r == 0)
		remember(s, &f);
	send_frame(s, r, &f);
}

_Static_assert((int)MSG_STAGES == (int)STAGES, "stages");
_Static_assert((int)MSG_STAGE_BOUND == (int)STAGE_BOUND, "stages");
_Static_assert((int)MSG_STAGE_SUBSCRIBED == (int)STAGE_SUBSCRIBED, "stages");
_Static_assert((int)MSG_SIDE_GATEWAY == (int)SESSION_BY_US, "sides");
_Static_assert((int)MSG_SIDE_CLIENT == (int)SESSION_BY_PEER, "sides");
_Static_assert((int)MSG_SIDE_NETWORK == (int)SESSION_BY_NETWORK, "sides");

static int encode_timeline(const struct gateway_site *s, const struct report_timeline *t,
			   struct frame *f)
{
	char user[MSG_REASON_MAX + 1];
	struct msg_timeline m = {
		.boot = s->boot,
		.id = t->id,
		.began_us = t->began_us,
		.lasted_us = t->lasted_us,
		.has_ended = t->has_ended,
		.is_enrolment = t->is_enrolment,
		.ended_by = t->ended_by,
		.untold = t->untold,
		.address_be = t->address_be,
		.app = t->app,
		.vnet = t->vnet,
		.user = user,
		.source = t->source,
		.dialled = t->dialled,
		.tls = t->tls,
		.correlation = t->correlation,
		.auth = t->auth,
		.thumbprint = t->thumbprint,
		.reason = t->reason,
	};

	for (unsigned i = 0; i < STAGES; i++)
		m.stages_us[i] = stages_has_passed(&t->stages, i) ? stages_at_us(&t->stages, i)
								  : MSG_STAGE_NEVER;
	snprintf(user, sizeof(user), "%s", t->user);
	return msg_timeline_encode(&m, &f->data, &f->len);
}

/* One that has ended cannot be told again: what is lost of those is lost. */
static void on_timeline(void *arg, const struct report_timeline *t)
{
	struct gateway_site *s = arg;
	struct frame f;
	int r = encode_timeline(s, t, &f);

	if (r == 0)
		r = s->params.send(s->params.arg, f.data, f.len);
	if (r < 0 && !t->has_ended)
		s->is_behind = true;
}

static void on_lost(void *arg)
{
	struct gateway_site *s = arg;

	s->is_behind = true;
}

static const struct report_ops report_ops = {
	.on_up = on_session_up,
	.on_down = on_session_down,
	.on_timeline = on_timeline,
	.on_lost = on_lost,
};

static void on_traffic(void *arg, const struct report_traffic *entries, size_t n)
{
	struct gateway_site *s = arg;
	struct msg_traffic_entry *list = calloc(MSG_TRAFFIC_MAX, sizeof(*list));
	struct msg_traffic m = {.boot = s->boot, .entries = list};

	for (size_t at = 0; list && at < n; at += m.n_entries) {
		struct frame f;

		m.n_entries = n - at < MSG_TRAFFIC_MAX ? n - at : MSG_TRAFFIC_MAX;
		for (size_t i = 0; i < m.n_entries; i++)
			list[i] = (struct msg_traffic_entry){entries[at + i].id,
							     counts_of(&entries[at + i].counts)};
		send_frame(s, msg_traffic_encode(&m, &f.data, &f.len), &f);
	}
	free(list);
}

static void on_vnet_state(void *arg, const char *name, const char *why)
{
	struct msg_vnet_state m = {.vnet = name, .why = why};
	struct frame f;

	send_frame(arg, msg_vnet_state_encode(&m, &f.data, &f.len), &f);
}

static void on_vnet(void *arg, const char *name, bool is_gone)
{
	on_vnet_state(arg, name, is_gone ? "its TUN device is gone" : "");
}

void gateway_site_tell_all(struct gateway_site *s)
{
	if (!s->params.dataplane)
		return;
	s->is_behind = false;
	send_name(s, MSG_SESSIONS_BEGIN);
	dataplane_tell_vnets(s->params.dataplane);
	site_vnets_tell_missing(s->vnets);
	tell_recent(s); /* first: an address of theirs may be somebody else's by now */
	s->is_listing = true;
	if (dataplane_tell_sessions(s->params.dataplane) < 0)
		s->is_behind = true;
	s->is_listing = false;
	if (!s->is_behind) /* else control would end those that it has not heard of */
		send_name(s, MSG_SESSIONS_END);
}

static void on_timer(void *arg)
{
	struct gateway_site *s = arg;

	site_vnets_retry(s->vnets);
	if (s->is_behind)
		gateway_site_tell_all(s);
	else
		forget_recent(s);
	s->ticks++;
	dataplane_tell_traffic(s->params.dataplane, on_traffic, s);
	loop_timer_set(s->timer, loop_now(s->loop) + TICK);
}

/* ---- from control */

static int take_vnet(struct gateway_site *s, const uint8_t *payload, size_t len)
{
	struct msg_site_vnet *m = malloc(sizeof(*m)); /* some kilobytes of pointers */
	int r = m ? msg_site_vnet_decode(payload, len, m) : -ENOMEM;

	if (r == 0)
		r = site_vnets_set(s->vnets, m);
	free(m);
	return r;
}

static int take_connection(struct gateway_site *s, const uint8_t *payload, size_t len)
{
	struct msg_connection m;
	struct site_connection c;
	int r = msg_connection_decode(payload, len, &m);

	if (r < 0)
		return r;
	c = (struct site_connection){
		.app = m.app,
		.vnet = m.vnet,
		.refusal = m.refusal,
		.routes = m.routes,
		.n_routes = m.n_routes,
		.description = m.description,
	};
	_Static_assert(sizeof(c.dns_be) == sizeof(m.dns_be), "as many name servers");
	memcpy(c.dns_be, m.dns_be, sizeof(c.dns_be));
	r = site_set(dataplane_site(s->params.dataplane), &c);
	msg_connection_done(&m);
	return r;
}

static int take_routes(struct gateway_site *s, const uint8_t *payload, size_t len)
{
	struct msg_vnet_routes m;
	int r = msg_vnet_routes_decode(payload, len, &m);

	if (r < 0)
		return r;
	r = site_routes_take(s->routes, &m);
	msg_vnet_routes_done(&m);
	return r;
}

_Static_assert((int)MSG_OUTCOME_COUNT == (int)PROBE_BUSY + 1, "outcomes");
_Static_assert((int)MSG_OUTCOME_SILENCE == (int)PROBE_SILENCE, "outcomes");
_Static_assert((int)MSG_OUTCOME_ICMP == (int)PROBE_ICMP, "outcomes");
_Static_assert((int)MSG_PROBE_SOURCES == (int)VNET_PROBE_SOURCES, "sources");

/* 0.0.0.0/0: none. */
static struct prefix address_of(uint8_t family, const uint8_t address[PROBE_ADDRESS_SIZE])
{
	static const uint8_t none[PROBE_ADDRESS_SIZE];
	struct prefix p = {.family = AF_INET};

	if (!family || memcmp(address, none, sizeof(none)) == 0)
		return p;
	p.family = family;
	p.len = family == AF_INET6 ? 128 : 32;
	memcpy(p.addr, address, p.len / 8);
	return p;
}

static void on_probed(void *arg, const struct probe_result *r)
{
	struct gateway_site *s = arg;
	struct frame f;
	struct msg_probed m = {
		.id = r->id,
		.outcome = (uint8_t)r->answer.outcome,
		.source = address_of(r->probe.family, r->probe.src),
		.from = address_of(r->probe.family, r->answer.from),
		.type = r->answer.type,
		.code = r->answer.code,
		.drop = r->drop,
		.round_trip_us = r->round_trip_us,
		.size = r->size,
	};

	if (msg_probed_encode(&m, &f.data, &f.len) < 0 ||
	    s->params.send(s->params.arg, f.data, f.len) < 0)
		log_error("control is not told what came of a probe");
}

static int take_probe(struct gateway_site *s, const uint8_t *payload, size_t len)
{
	struct msg_probe m;
	int r = msg_probe_decode(payload, len, &m);

	if (r < 0)
		return r;
	dataplane_probe(s->params.dataplane, &(struct probe_request){
						     .id = m.id,
						     .session = m.session,
						     .app = m.app,
						     .vnet = m.vnet,
						     .destination = m.destination,
						     .port = m.port,
						     .size = m.size,
						     .ttl = m.ttl,
						     .source = m.source,
					     });
	return 0;
}

/* An answer that comes too late is passed over there. */
static int take_metrics_ask(struct gateway_site *s, const uint8_t *payload, size_t len)
{
	struct dataplane *d = s->params.dataplane;
	struct dataplane_stats *stats;
	struct frame f;
	uint64_t id;
	int r = msg_metrics_ask_decode(payload, len, &id);

	if (r < 0)
		return r;
	stats = dataplane_stats(d);
	r = stats ? site_metrics_encode(id, stats, dataplane_threads(d), s->started, &f.data,
					&f.len)
		  : -ENOMEM;
	free(stats);
	return r < 0 ? r : s->params.send(s->params.arg, f.data, f.len);
}

/* ---- traces */

static struct prefix vendor_address(const struct vendor_address *a)
{
	return address_of(a->family == 6 ? AF_INET6 : AF_INET, a->bytes);
}

static struct msg_trace_worker worker_of(const struct vendor_traced *v)
{
	return (struct msg_trace_worker){
		.route = v->route,
		.outcome = v->outcome,
		.error = v->error,
		.took_us = v->took_us,
		.table = v->table,
		.sent = v->sent,
		.received = v->received,
		.via = vendor_address(&v->via),
		.source = vendor_address(&v->source),
		.device = v->device,
		.drop = v->drop,
	};
}

static const char *drop_name(unsigned why)
{
	return why < DROP_REASONS ? drop_reason_name((enum drop_reason)why) : "";
}

static struct msg_trace_watch watch_of(const struct trace_watch *w)
{
	return (struct msg_trace_watch){
		.sent = w->sent,
		.passed = w->passed,
		.drop = drop_name(w->why),
		.source = address_of(w->probe.family, w->source),
		.answered = w->answered,
		.answer = (uint8_t)w->answer.outcome,
		.from = address_of(w->probe.family, w->answer.from),
		.type = w->answer.type,
		.code = w->answer.code,
		.delivered = w->delivered,
		.back_drop = drop_name(w->back_why),
		.round_trip_us = (uint32_t)((w->answered_at - w->sent_at) / 1000),
	};
}

static void count(struct msg_traced *m, const char *name, uint64_t by)
{
	if (by && m->n_counters < MSG_COUNTERS_MAX)
		m->counters[m->n_counters++] = (struct msg_counter){name, by};
}

static void add_counters(struct msg_traced *m, const struct traffic *moved)
{
	count(m, "rx_packets", moved->rx_packets);
	count(m, "tx_packets", moved->tx_packets);
	count(m, "told_why", moved->answered);
	count(m, "not_told_why", moved->unanswered);
	for (unsigned i = 0; i < DROP_REASONS; i++)
		count(m, drop_reason_name((enum drop_reason)i), moved->drops[i]);
}

static void on_traced(void *arg, const struct trace_result *r)
{
	static const uint8_t ends[TRACE_ENDS] = {
		[TRACE_ANSWERED] = MSG_TRACE_ANSWERED,
		[TRACE_SILENT] = MSG_TRACE_SILENT,
		[TRACE_LOST] = MSG_TRACE_LOST,
		[TRACE_NO_WORKER] = MSG_TRACE_NO_WORKER,
		[TRACE_NO_SESSION] = MSG_TRACE_NO_SESSION,
		[TRACE_NO_ADDRESS] = MSG_TRACE_NO_ADDRESS,
		[TRACE_BUSY] = MSG_TRACE_BUSY,
	};
	struct gateway_site *s = arg;
	struct frame f;
	struct msg_traced m = {
		.id = r->id,
		.end = ends[r->end],
		.session = r->session,
		.address = address_of(r->watch.probe.family, r->watch.probe.src),
		.worker = worker_of(&r->worker),
		.watch = watch_of(&r->watch),
	};

	add_counters(&m, &r->moved);
	if (msg_traced_encode(&m, &f.data, &f.len) < 0 ||
	    s->params.send(s->params.arg, f.data, f.len) < 0)
		log_error("control is not told what came of a trace");
}

static int take_trace(struct gateway_site *s, const uint8_t *payload, size_t len)
{
	struct msg_trace m;
	int r = msg_trace_decode(payload, len, &m);

	if (r < 0)
		return r;
	dataplane_trace(s->params.dataplane, &(struct trace_request){
						     .id = m.id,
						     .session = m.session,
						     .app = m.app,
						     .vnet = m.vnet,
						     .destination = m.destination,
						     .port = m.port,
						     .own = m.own,
					     });
	return 0;
}

static int take_leases(struct gateway_site *s, const uint8_t *payload, size_t len)
{
	struct msg_leases m;
	int r = msg_leases_decode(payload, len, &m);

	if (r < 0)
		return r;
	for (size_t i = 0; i < m.n_leases; i++)
		if (*m.leases[i].owner)
			dataplane_remember_lease(s->params.dataplane, m.vnet,
						 m.leases[i].address_be, m.leases[i].owner);
	msg_leases_done(&m);
	return 0;
}

static int take_disconnect(struct gateway_site *s, const uint8_t *payload, size_t len)
{
	struct msg_disconnect m;
	int r = msg_disconnect_decode(payload, len, &m);

	if (r < 0)
		return r;
	dataplane_disconnect(s->params.dataplane, &(struct site_disconnect){
							  .session = m.session,
							  .app = m.app,
							  .vnet = m.vnet,
							  .reason = m.reason,
							  .is_restart = m.is_restart,
						  });
	return 0;
}

static int take_name(struct gateway_site *s, enum msg_kind kind, const uint8_t *payload, size_t len)
{
	struct site *site = dataplane_site(s->params.dataplane);
	const char *name;
	int r = msg_name_decode(payload, len, &name);

	if (r < 0)
		return r;
	switch (kind) {
	case MSG_SITE_BEGIN:
		site_vnets_begin(s->vnets);
		site_begin(site);
		dataplane_begin_reach(s->params.dataplane);
		break;
	case MSG_SITE_END:
		site_end(site); /* first: whoever has no connection any more is told that */
		site_vnets_end(s->vnets);
		dataplane_end_reach(s->params.dataplane);
		break;
	case MSG_VNET_GONE:
		site_vnets_drop(s->vnets, name);
		dataplane_drop_reach(s->params.dataplane, name);
		break;
	case MSG_CONNECTION_GONE: site_drop(site, name); break;
	default: return -ENOENT;
	}
	return 0;
}

static int take(struct gateway_site *s, enum msg_kind kind, const uint8_t *payload, size_t len)
{
	switch (kind) {
	case MSG_VNET: return take_vnet(s, payload, len);
	case MSG_CONNECTION: return take_connection(s, payload, len);
	case MSG_VNET_ROUTES: return take_routes(s, payload, len);
	case MSG_PROBE: return take_probe(s, payload, len);
	case MSG_METRICS_ASK: return take_metrics_ask(s, payload, len);
	case MSG_TRACE: return take_trace(s, payload, len);
	case MSG_LEASES: return take_leases(s, payload, len);
	case MSG_DISCONNECT: return take_disconnect(s, payload, len);
	default: return take_name(s, kind, payload, len);
	}
}

static bool is_of_the_site(enum msg_kind kind)
{
	return (kind >= MSG_SITE_BEGIN && kind <= MSG_METRICS_ASK) || kind == MSG_TRACE;
}

/* 0; -ENOBUFS: there is more than SITE_EARLY_MAX; -ENOMEM. */
static int keep(struct gateway_site *s, enum msg_kind kind, const uint8_t *payload, size_t len)
{
	struct early *e;

	if (len > SITE_EARLY_MAX - s->early_bytes)
		return -ENOBUFS;
	e = malloc(sizeof(*e) + len);
	if (!e)
		return -ENOMEM;
	e->next = NULL;
	e->kind = kind;
	e->len = len;
	memcpy(e->payload, payload, len);
	*s->end = e;
	s->end = &e->next;
	s->early_bytes += len;
	return 0;
}

/* With s: takes it as if it came now. */
static void drop_early(struct gateway_site *s, bool is_taken)
{
	while (s->first) {
		struct early *e = s->first;
		int r = is_taken ? take(s, e->kind, e->payload, e->len) : 0;

		if (r < 0)
			log_error("a message of the control process is lost: %s", strerror(-r));
		s->first = e->next;
		free(e);
	}
	s->end = &s->first;
	s->early_bytes = 0;
}

int gateway_site_on_message(struct gateway_site *s, enum msg_kind kind, const uint8_t *payload,
			    size_t len)
{
	if (!is_of_the_site(kind))
		return -ENOENT;
	return s->params.dataplane ? take(s, kind, payload, len) : keep(s, kind, payload, len);
}

/* ---- life */

struct gateway_site *gateway_site_new(struct loop *loop)
{
	struct gateway_site *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->loop = loop;
	s->end = &s->first;
	s->timer = loop_timer_new(loop, on_timer, s);
	s->started = time(NULL);
	random_fill(&random_system, &s->boot, sizeof(s->boot));
	if (s->timer)
		return s;
	free(s);
	return NULL;
}

int gateway_site_open(struct gateway_site *s, const struct gateway_site_params *params)
{
	s->vnets = site_vnets_new(&(struct site_vnets_params){
		.dataplane = params->dataplane,
		.mtu = params->mtu,
		.offload = params->offload,
		.on_state = on_vnet_state,
		.arg = s,
	});
	s->routes = site_routes_new(params->dataplane);
	if (!s->vnets || !s->routes)
		return -ENOMEM;
	s->params = *params;
	drop_early(s, true);
	dataplane_set_reports(params->dataplane, &report_ops, s);
	dataplane_set_probe_owner(params->dataplane, on_probed, s);
	dataplane_set_trace_owner(params->dataplane, on_traced, s);
	dataplane_set_vnet_listener(params->dataplane, on_vnet, s);
	gateway_site_tell_all(s);
	loop_timer_set(s->timer, loop_now(s->loop) + TICK);
	return 0;
}

void gateway_site_free(struct gateway_site *s)
{
	if (!s)
		return;
	if (s->params.dataplane) {
		dataplane_set_reports(s->params.dataplane, NULL, NULL);
		dataplane_set_probe_owner(s->params.dataplane, NULL, NULL);
		dataplane_set_trace_owner(s->params.dataplane, NULL, NULL);
		dataplane_set_vnet_listener(s->params.dataplane, NULL, NULL);
	}
	drop_early(s, false);
	for (unsigned i = 0; i < RECENT_MAX; i++)
		forget(&s->recent[i]);
	site_vnets_free(s->vnets);
	site_routes_free(s->routes);
	loop_timer_free(s->timer);
	free(s);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The site between a control process that this test plays and a real data plane, in a network namespace of the test's own:
 * root and /dev/net/tun. VNet "yaml" is of gateway.yaml. Time passes when the test says so.
 */
#include "sstp/gateway/site.h"
#include "sstp/gateway/site_metrics.h"
#include "sstp/gateway/site_routes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/base/log.h"
#include "sstp/control/msg_metrics.h"
#include "sstp/control/msg_probe.h"
#include "sstp/control/msg_site.h"
#include "sstp/control/msg_timeline.h"
#include "sstp/control/msg_trace.h"
#include "sstp/net/loop.h"
#include "sstp/session/session.h"
#include "test/support/cmocka.h"
#include "tun/netns.h"

enum {
	TOLD_MAX = 32,
};

static struct scene {
	struct loop *loop;
	struct dataplane *dataplane;
	struct gateway_site *site;
	struct prefix space, pool;
	char told[TOLD_MAX][400]; /* what control was told */
	unsigned n;
	unsigned n_all;
	bool only_last; /* three of them stay */
	int send_error; /* of the next frames; 0: they are sent */
	bool is_moving; /* sessions move something */
	unsigned loses; /* so many frames from now, one is lost; 0: none */
	/* what the linker gives to this test */
	void (*on_timer)(void *arg);
	void *timer_arg;
	bool is_making; /* the site's timer is being made */
	const struct report_ops *ops;
	void *ops_arg;
	struct site_disconnect disconnect;
	char disconnect_reason[64];
	unsigned disconnects;
} s;

struct loop_timer *__real_loop_timer_new(struct loop *loop, void (*cb)(void *), void *arg);
struct loop_timer *__wrap_loop_timer_new(struct loop *loop, void (*cb)(void *), void *arg);
struct loop_timer *__wrap_loop_timer_new(struct loop *loop, void (*cb)(void *), void *arg)
{
	if (s.is_making) {
		s.on_timer = cb;
		s.timer_arg = arg;
	}
	return __real_loop_timer_new(loop, cb, arg);
}

void __real_dataplane_set_reports(struct dataplane *d, const struct report_ops *ops, void *arg);
void __wrap_dataplane_set_reports(struct dataplane *d, const struct report_ops *ops, void *arg);
void __wrap_dataplane_set_reports(struct dataplane *d, const struct report_ops *ops, void *arg)
{
	s.ops = ops;
	s.ops_arg = arg;
	__real_dataplane_set_reports(d, ops, arg);
}

void __wrap_dataplane_disconnect(struct dataplane *d, const struct site_disconnect *which);
void __wrap_dataplane_disconnect(struct dataplane *d, const struct site_disconnect *which)
{
	s.disconnect = *which;
	snprintf(s.disconnect_reason, sizeof(s.disconnect_reason), "%s|%s|%s", which->app,
		 which->vnet, which->reason);
	s.disconnects++;
}

int __wrap_dataplane_tell_traffic(struct dataplane *d, dataplane_traffic_fn *fn, void *arg);
int __wrap_dataplane_tell_traffic(struct dataplane *d, dataplane_traffic_fn *fn, void *arg)
{
	static struct report_traffic entries[MSG_TRAFFIC_MAX + 1];

	entries[MSG_TRAFFIC_MAX] = (struct report_traffic){7, {1, 2, 3, 4}};
	if (s.is_moving)
		fn(arg, entries, MSG_TRAFFIC_MAX + 1);
	return 0;
}

static void note(const char *text);

int __real_dataplane_set_reach(struct dataplane *d, const char *name, struct reach *reach);
int __wrap_dataplane_set_reach(struct dataplane *d, const char *name, struct reach *reach);
int __wrap_dataplane_set_reach(struct dataplane *d, const char *name, struct reach *reach)
{
	char text[100];
	size_t n;

	reach_routes(reach, &n);
	snprintf(text, sizeof(text), "reach %s %zu%s", name, n,
		 reach_refuses(reach) ? " refuses" : "");
	note(text);
	return __real_dataplane_set_reach(d, name, reach);
}

/* ---- control's end */

static void note(const char *text)
{
	s.n_all++;
	if (s.only_last && s.n == 3) {
		memmove(s.told[0], s.told[1], 2 * sizeof(s.told[0]));
		s.n = 2;
	}
	assert_in_range(s.n, 0, TOLD_MAX - 1);
	snprintf(s.told[s.n++], sizeof(s.told[0]), "%s", text);
}

static void note_up(const uint8_t *payload, size_t len)
{
	struct msg_session_up m;
	char text[400];

	assert_int_equal(msg_session_up_decode(payload, len, &m), 0);
	assert_true(m.boot != 0);
	snprintf(text, sizeof(text), "up %u %s %s owner=%.8s user=%zu%s%s", (unsigned)m.id, m.app,
		 m.vnet, m.owner, strlen(m.user), *m.address6 ? " " : "", m.address6);
	note(text);
}

static void note_down(const uint8_t *payload, size_t len)
{
	struct msg_session_down m;
	char text[400];

	assert_int_equal(msg_session_down_decode(payload, len, &m), 0);
	snprintf(text, sizeof(text), "down %u %s %u", (unsigned)m.id, m.reason,
		 (unsigned)m.counts.sent_bytes);
	note(text);
}

static void note_state(const uint8_t *payload, size_t len)
{
	struct msg_vnet_state m;
	char text[400];

	assert_int_equal(msg_vnet_state_decode(payload, len, &m), 0);
	snprintf(text, sizeof(text), "state %s: %.300s", m.vnet, m.why);
	note(text);
}

static void note_traffic(const uint8_t *payload, size_t len)
{
	struct msg_traffic m;
	char text[400];

	assert_int_equal(msg_traffic_decode(payload, len, &m), 0);
	snprintf(text, sizeof(text), "traffic %zu, the last %u", m.n_entries,
		 (unsigned)m.entries[m.n_entries - 1].id);
	note(text);
	msg_traffic_done(&m);
}

static bool is_same_series(const struct msg_sample *a, const struct msg_sample *b)
{
	for (size_t i = 0; a->metric == b->metric && i < metric_labels(a->metric); i++)
		if (strcmp(a->labels[i], b->labels[i]) != 0)
			return false;
	return a->metric == b->metric;
}

/* Of VNet yaml; UINT64_MAX: it is not there. */
static uint64_t value_of(const struct msg_metrics *m, enum metric metric)
{
	for (size_t i = 0; i < m->n_samples; i++)
		if (m->samples[i].metric == metric && !strcmp(m->samples[i].labels[0], "yaml"))
			return m->samples[i].value;
	return UINT64_MAX;
}

static void note_metrics(const uint8_t *payload, size_t len)
{
	struct msg_metrics m;
	char text[400];
	unsigned drops = 0;

	assert_int_equal(msg_metrics_decode(payload, len, &m), 0);
	for (size_t i = 0; i < m.n_samples; i++)
		drops += m.samples[i].metric == METRIC_DROPS &&
			 !strcmp(m.samples[i].labels[0], "yaml");
	snprintf(text, sizeof(text),
		 "metrics %u of yaml: %u sessions, %u of %u addresses, %u drops", (unsigned)m.id,
		 (unsigned)value_of(&m, METRIC_SESSIONS), (unsigned)value_of(&m, METRIC_POOL_USED),
		 (unsigned)value_of(&m, METRIC_POOL_SIZE), drops);
	note(text);
	msg_metrics_done(&m);
}

static void note_answer(const uint8_t *payload, size_t len)
{
	struct msg_probed m;
	char text[100];

	assert_int_equal(msg_probed_decode(payload, len, &m), 0);
	snprintf(text, sizeof(text), "probed %u outcome %u source %u from %u", (unsigned)m.id,
		 m.outcome, m.source.len, m.from.len);
	note(text);
}

static void note_timeline(const uint8_t *payload, size_t len)
{
	struct msg_timeline m;
	char text[400];

	assert_int_equal(msg_timeline_decode(payload, len, &m), 0);
	assert_true(m.boot != 0);
	snprintf(text, sizeof(text), "timeline %u %s tls %u auth %d by %u %s user=%zu %u untold",
		 (unsigned)m.id, m.has_ended ? "ended" : "up", m.stages_us[MSG_STAGE_TLS],
		 (int)m.stages_us[MSG_STAGE_AUTH], m.ended_by, m.reason, strlen(m.user), m.untold);
	note(text);
}

static void note_traced(const uint8_t *payload, size_t len)
{
	struct msg_traced m;
	char text[100];

	assert_int_equal(msg_traced_decode(payload, len, &m), 0);
	snprintf(text, sizeof(text), "traced %u end %u session %u counters %zu", (unsigned)m.id,
		 m.end, (unsigned)m.session, m.n_counters);
	note(text);
}

static int send_frame(void *arg, uint8_t *frame, size_t len)
{
	enum msg_kind kind;
	size_t payload_len;
	bool is_lost;

	assert_non_null(frame);
	assert_true(msg_head(frame, true, &kind, &payload_len));
	assert_int_equal(payload_len, len - MSG_HEAD_SIZE);
	is_lost = s.send_error < 0 || (s.loses && --s.loses == 0);
	if (is_lost)
		note("lost");
	else if (kind == MSG_SESSIONS_BEGIN)
		note("begin");
	else if (kind == MSG_SESSIONS_END)
		note("end");
	else if (kind == MSG_SESSION_UP)
		note_up(frame + MSG_HEAD_SIZE, payload_len);
	else if (kind == MSG_SESSION_DOWN)
		note_down(frame + MSG_HEAD_SIZE, payload_len);
	else if (kind == MSG_VNET_STATE)
		note_state(frame + MSG_HEAD_SIZE, payload_len);
	else if (kind == MSG_PROBED)
		note_answer(frame + MSG_HEAD_SIZE, payload_len);
	else if (kind == MSG_TIMELINE)
		note_timeline(frame + MSG_HEAD_SIZE, payload_len);
	else if (kind == MSG_METRICS)
		note_metrics(frame + MSG_HEAD_SIZE, payload_len);
	else if (kind == MSG_TRACED)
		note_traced(frame + MSG_HEAD_SIZE, payload_len);
	else if (kind == MSG_TRAFFIC)
		note_traffic(frame + MSG_HEAD_SIZE, payload_len);
	msg_frame_free(frame, len);
	return is_lost ? -ENOBUFS : 0;
}

/* Takes frame, as an encoder made it. */
static int hear(int r, uint8_t *frame, size_t len)
{
	enum msg_kind kind;
	size_t payload_len;

	assert_int_equal(r, 0);
	assert_true(msg_head(frame, false, &kind, &payload_len));
	r = gateway_site_on_message(s.site, kind, frame + MSG_HEAD_SIZE, payload_len);
	msg_frame_free(frame, len);
	return r;
}

static int hear_name(enum msg_kind kind, const char *name)
{
	uint8_t *frame;
	size_t len;
	int r = msg_name_encode(kind, name, &frame, &len);

	return hear(r, frame, len);
}

static int hear_connection(const char *app)
{
	const struct prefix route = {.family = AF_INET, .len = 8, .addr = {10}};
	struct msg_connection m = {.app = app,
				   .vnet = "yaml",
				   .refusal = "",
				   .routes = &route,
				   .n_routes = 1,
				   .description = "{}"};
	uint8_t *frame;
	size_t len;
	int r = msg_connection_encode(&m, &frame, &len);

	return hear(r, frame, len);
}

static int hear_vnet(const char *name, const char *device, const char *space, const char *pool)
{
	struct msg_site_vnet m = {.vnet = {.name = name,
					   .spaces = {space},
					   .n_spaces = 1,
					   .pools = {pool},
					   .n_pools = 1,
					   .dns = {"10.50.0.2"},
					   .n_dns = 1,
					   .gateway = "192.0.0.8"},
				  .device = device};
	uint8_t *frame;
	size_t len;
	int r = msg_site_vnet_encode(&m, &frame, &len);

	return hear(r, frame, len);
}

/* n routes that begin with 10.7, the last one refused. */
static int hear_routes_of(const char *vnet, enum msg_part part, size_t n, enum msg_verdict verdict)
{
	static struct msg_route routes[MSG_VNET_ROUTES_MAX];
	struct msg_vnet_routes m = {
		.vnet = vnet, .part = (uint8_t)part, .routes = routes, .n_routes = n};
	uint8_t *frame;
	size_t len;
	int r;

	for (size_t i = 0; i < n; i++)
		routes[i] = (struct msg_route){{.family = AF_INET,
						.len = 32,
						.addr = {10, 7, (uint8_t)(i / 256), (uint8_t)i}},
					       i + 1 < n ? (uint8_t)verdict : MSG_VERDICT_PEERING};
	r = msg_vnet_routes_encode(&m, &frame, &len);
	return hear(r, frame, len);
}

static int hear_routes(const char *vnet, enum msg_part part, size_t n)
{
	return hear_routes_of(vnet, part, n, MSG_VERDICT_VNET);
}

/* ---- the scene */

static int make_vnet(void)
{
	struct vnet_params params = {
		.name = "yaml",
		.address_spaces = &s.space,
		.naddress_spaces = 1,
		.pools = &s.pool,
		.npools = 1,
		.gateway_be = inet_addr("192.0.0.8"),
		.tun_name = "yaml0",
		.netns = "",
		.mtu = 1400,
	};
	char error[256];

	assert_int_equal(prefix_parse("10.20.0.0/24", &s.space), 0);
	assert_int_equal(prefix_parse("172.16.77.0/30", &s.pool), 0);
	return dataplane_set_vnet(s.dataplane, &params, error);
}

static int set_up(void **state)
{
	memset(&s, 0, sizeof(s));
	s.loop = loop_new();
	assert_non_null(s.loop);
	s.dataplane = dataplane_new(s.loop, 1, "gw");
	assert_non_null(s.dataplane);
	assert_int_equal(make_vnet(), 0);
	s.is_making = true;
	s.site = gateway_site_new(s.loop);
	s.is_making = false;
	assert_non_null(s.site);
	return 0;
}

static int tear_down(void **state)
{
	gateway_site_free(s.site);
	dataplane_free(s.dataplane);
	loop_free(s.loop);
	return 0;
}

static void open_site(void)
{
	assert_int_equal(
		gateway_site_open(s.site, &(struct gateway_site_params){.dataplane = s.dataplane,
									.mtu = 1400,
									.send = send_frame}),
		0);
	s.n = 0;
}

static void tick(void)
{
	s.on_timer(s.timer_arg);
}

static bool has_device(const char *name)
{
	return if_nametoindex(name) != 0;
}

/* An app's session asks: 0, or -errno of site_join(). */
static int try_join(const char *app)
{
	struct connection *c;
	struct connection_terms *t;
	char why[SITE_WHY_MAX];
	int r = site_join(dataplane_site(s.dataplane), app, "yaml", &c, &t, why);

	if (r < 0)
		return r;
	connection_terms_unref(t);
	connection_unref(c);
	return 0;
}

/* ---- */

static void what_control_tells_before_the_data_plane_is_there_takes_effect_then(void **state)
{
	assert_int_equal(hear_name(MSG_SITE_BEGIN, ""), 0);
	assert_int_equal(hear_vnet("blue", "sstp7", "10.50.0.0/24", "172.16.78.0/30"), 0);
	assert_int_equal(hear_connection("shop"), 0);
	assert_int_equal(hear_name(MSG_SITE_END, ""), 0);
	assert_false(has_device("sstp7"));
	assert_int_equal(try_join("shop"), -EAGAIN);
	open_site();
	assert_true(has_device("sstp7"));
	assert_int_equal(try_join("shop"), 0);
	assert_int_equal(try_join("till"), -ENOENT);
}

static void more_than_can_be_kept_before_is_lost(void **state)
{
	static uint8_t big[4 << 20];
	unsigned n = 0;

	while (gateway_site_on_message(s.site, MSG_LEASES, big, sizeof(big)) == 0)
		n++;
	assert_int_equal(n, SITE_EARLY_MAX / sizeof(big));
	assert_int_equal(gateway_site_on_message(s.site, MSG_LEASES, big, 1), -ENOBUFS);
}

static void control_is_told_how_all_is_when_it_begins(void **state)
{
	open_site();
	assert_int_equal(hear_vnet("blue", "sstp7", "10.50.0.0/24", "172.16.78.0/30"), 0);
	s.n = 0;
	gateway_site_tell_all(s.site);
	assert_int_equal(s.n, 4);
	assert_string_equal(s.told[0], "begin");
	assert_string_equal(s.told[1], "state yaml: ");
	assert_string_equal(s.told[2], "state blue: ");
	assert_string_equal(s.told[3], "end");
}

static void network_comes_changes_and_goes(void **state)
{
	int id;

	open_site();
	assert_int_equal(hear_vnet("blue", "sstp7", "10.50.0.0/24", "172.16.78.0/30"), 0);
	assert_string_equal(s.told[0], "state blue: ");
	id = dataplane_vnet_id(s.dataplane, "blue");
	assert_in_range(id, 0, 63);
	/* other spaces: the same device */
	assert_int_equal(hear_vnet("blue", "sstp7", "10.60.0.0/24", "172.16.78.0/30"), 0);
	assert_true(has_device("sstp7"));
	/* another pool: all anew, and by another device */
	assert_int_equal(hear_vnet("blue", "sstp8", "10.60.0.0/24", "172.16.79.0/30"), 0);
	assert_false(has_device("sstp7"));
	assert_true(has_device("sstp8"));
	assert_true(dataplane_remember_lease(s.dataplane, "blue", inet_addr("172.16.79.2"), "l1"));
	assert_int_equal(hear_name(MSG_VNET_GONE, "blue"), 0);
	assert_false(has_device("sstp8"));
	assert_int_equal(dataplane_vnet_id(s.dataplane, "blue"), -ENOENT);
	assert_int_equal(hear_name(MSG_VNET_GONE, "blue"), 0);
	/* the same device may come again at once */
	assert_int_equal(hear_vnet("red", "sstp8", "10.60.0.0/24", "172.16.79.0/30"), 0);
	assert_true(has_device("sstp8"));
}

static void routes_of_a_network_are_put_together_of_their_parts(void **state)
{
	open_site();
	assert_int_equal(hear_routes("yaml", MSG_PART_ONLY, 3), 0);
	assert_int_equal(hear_routes("yaml", MSG_PART_FIRST, 1000), 0);
	assert_int_equal(hear_routes("yaml", MSG_PART_MIDDLE, 1), 0);
	assert_int_equal(hear_routes("yaml", MSG_PART_LAST, 0), 0);
	assert_int_equal(hear_routes("yaml", MSG_PART_ONLY, 0), 0);
	assert_int_equal(s.n, 3);
	assert_string_equal(s.told[0], "reach yaml 3 refuses");
	assert_string_equal(s.told[1], "reach yaml 1001 refuses");
	assert_string_equal(s.told[2], "reach yaml 0");
}

static void part_that_does_not_follow_is_dropped_with_what_came_before(void **state)
{
	open_site();
	assert_int_equal(hear_routes("yaml", MSG_PART_LAST, 1), -EPROTO);
	assert_int_equal(hear_routes("yaml", MSG_PART_FIRST, 1), 0);
	assert_int_equal(hear_routes("blue", MSG_PART_LAST, 1), -EPROTO);
	assert_int_equal(hear_routes("yaml", MSG_PART_LAST, 1), -EPROTO);
	assert_int_equal(hear_routes("yaml", MSG_PART_FIRST, 1), 0);
	assert_int_equal(hear_routes("yaml", MSG_PART_FIRST, 2), 0); /* begins anew */
	assert_int_equal(hear_routes("yaml", MSG_PART_LAST, 2), 0);
	assert_int_equal(s.n, 1);
	assert_string_equal(s.told[0], "reach yaml 4 refuses");
}

static void routes_beyond_the_limit_leave_what_was_in_effect(void **state)
{
	int r;

	open_site();
	assert_int_equal(hear_routes("yaml", MSG_PART_ONLY, 1), 0);
	r = hear_routes("yaml", MSG_PART_FIRST, MSG_VNET_ROUTES_MAX);
	for (unsigned i = 0; i < REACH_MAX / MSG_VNET_ROUTES_MAX && r == 0; i++)
		r = hear_routes("yaml", MSG_PART_MIDDLE, MSG_VNET_ROUTES_MAX);
	assert_int_equal(r, -E2BIG);
	assert_int_equal(hear_routes("yaml", MSG_PART_LAST, 0), -EPROTO);
	assert_int_equal(s.n, 1);
	assert_string_equal(s.told[0], "reach yaml 1 refuses");
}

/* Or a peering that is closed after them would stay open. */
static void learned_routes_leave_room_for_what_is_closed(void **state)
{
	const unsigned parts = REACH_MAX / MSG_VNET_ROUTES_MAX + 2;
	char expected[64];

	open_site();
	assert_int_equal(hear_routes_of("yaml", MSG_PART_FIRST, 0, MSG_VERDICT_OPEN), 0);
	for (unsigned i = 0; i < parts; i++)
		assert_int_equal(hear_routes_of("yaml", MSG_PART_MIDDLE, MSG_VNET_ROUTES_MAX,
						MSG_VERDICT_OPEN),
				 0);
	assert_int_equal(hear_routes("yaml", MSG_PART_LAST, 5), 0);
	assert_int_equal(s.n, 1);
	snprintf(expected, sizeof(expected), "reach yaml %u refuses",
		 SITE_ROUTES_OPEN_MAX + parts + 5);
	assert_string_equal(s.told[0], expected);
}

static void metrics_are_told_to_who_asks(void **state)
{
	uint8_t *frame;
	size_t len;
	int r;

	open_site();
	r = msg_metrics_ask_encode(9, &frame, &len);
	assert_int_equal(hear(r, frame, len), 0);
	assert_int_equal(s.n, 1);
	assert_string_equal(s.told[0], "metrics 9 of yaml: 0 sessions, 0 of 4 addresses, 17 drops");
}

/* All that there can be fits into one message, and no two samples are of the same series. */
static void metrics_of_a_full_data_plane_fit(void **state)
{
	static char names[SHARD_VNETS_MAX][MSG_LABEL_MAX + 1];
	struct dataplane_stats *stats = calloc(1, sizeof(*stats));
	struct msg_metrics m;
	uint8_t *frame;
	size_t len;

	assert_non_null(stats);
	for (unsigned i = 0; i < SHARD_VNETS_MAX; i++) {
		snprintf(names[i], sizeof(names[i]), "%0*u", MSG_LABEL_MAX, i);
		stats->vnets[i].name = names[i];
	}
	assert_int_equal(site_metrics_encode(1, stats, 64, 1700000000, &frame, &len), 0);
	assert_int_equal(msg_metrics_decode(frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE, &m), 0);
	assert_in_range(m.n_samples, SHARD_VNETS_MAX * (DROP_REASONS + 8), MSG_SAMPLES_MAX / 2);
	for (size_t i = 0; i < m.n_samples; i++)
		for (size_t k = 0; k < i; k++)
			assert_false(is_same_series(&m.samples[i], &m.samples[k]));
	msg_metrics_done(&m);
	msg_frame_free(frame, len);
	free(stats);
}

static void note_probed(void *arg)
{
	loop_stop(s.loop);
}

static void probe_in_the_name_of_nobody_is_answered_so(void **state)
{
	struct msg_probe m = {.id = 9,
			      .app = "shop",
			      .vnet = "yaml",
			      .destination = {.family = AF_INET, .len = 32, .addr = {10, 20, 0, 2}},
			      .port = 443};
	struct loop_timer *patience = loop_timer_new(s.loop, note_probed, NULL);
	uint8_t *frame;
	size_t len;
	int r;

	open_site();
	r = msg_probe_encode(&m, &frame, &len);
	assert_int_equal(hear(r, frame, len), 0);
	loop_timer_set(patience, loop_now(s.loop)); /* behind what is posted already */
	assert_int_equal(loop_run(s.loop), 0);
	assert_int_equal(s.n, 1);
	assert_string_equal(s.told[0], "probed 9 outcome 6 source 0 from 0");
	loop_timer_free(patience);
}

static void trace_in_the_name_of_nobody_is_answered_so(void **state)
{
	struct msg_trace m = {.id = 9,
			      .app = "shop",
			      .vnet = "yaml",
			      .destination = {.family = AF_INET, .len = 32, .addr = {10, 20, 0, 2}},
			      .own = 61001};
	struct loop_timer *patience = loop_timer_new(s.loop, note_probed, NULL);
	uint8_t *frame;
	size_t len;
	int r;

	open_site();
	r = msg_trace_encode(&m, &frame, &len);
	assert_int_equal(hear(r, frame, len), 0);
	loop_timer_set(patience, loop_now(s.loop)); /* behind what is posted already */
	assert_int_equal(loop_run(s.loop), 0);
	assert_int_equal(s.n, 1);
	assert_string_equal(s.told[0], "traced 9 end 4 session 0 counters 0");
	loop_timer_free(patience);
}

static void networks_of_the_configuration_are_not_controls_to_change(void **state)
{
	open_site();
	assert_int_equal(hear_vnet("yaml", "sstp7", "10.50.0.0/24", "172.16.78.0/30"), -EEXIST);
	assert_false(has_device("sstp7"));
	assert_int_equal(hear_name(MSG_VNET_GONE, "yaml"), 0);
	assert_true(has_device("yaml0"));
	assert_true(dataplane_vnet_is_up(s.dataplane, "yaml"));
}

static void network_with_an_address_that_is_none_is_refused(void **state)
{
	open_site();
	assert_int_equal(hear_vnet("blue", "sstp7", "10.50.0.1/24", "172.16.78.0/30"), -EINVAL);
	assert_int_equal(hear_vnet("blue", "sstp7", "10.50.0.0/24", "2001:db8::1/56"), -EINVAL);
	assert_int_equal(hear_vnet("blue", "sstp7", "10.50.0.0/24", "172.16.78.1/30"), -EINVAL);
	assert_int_equal(dataplane_vnet_id(s.dataplane, "blue"), -ENOENT);
}

static int hear_vnet_of_both_families(const char *pool6)
{
	struct msg_site_vnet m = {.vnet = {.name = "blue",
					   .spaces = {"10.50.0.0/24", "fd00:50::/64"},
					   .n_spaces = 2,
					   .pools = {"172.16.78.0/30", pool6},
					   .n_pools = 2,
					   .dns = {"fd00:50::1", "10.50.0.2", "fd00:50::2",
						   "fd00:50::3", "10.50.0.3", "10.50.0.4"},
					   .n_dns = 6,
					   .gateway = "192.0.0.8"},
				  .device = "sstp7"};
	uint8_t *frame;
	size_t len;
	int r = msg_site_vnet_encode(&m, &frame, &len);

	return hear(r, frame, len);
}

static bool is_routed_to(const char *prefix, const char *device)
{
	char command[128];

	snprintf(command, sizeof(command), "ip -6 route show %s | grep -q 'dev %s'", prefix,
		 device);
	return system(command) == 0;
}

static void network_of_both_families_is_made_anew_with_another_pool(void **state)
{
	open_site();
	assert_int_equal(hear_vnet_of_both_families("fd00:78::/56"), 0);
	assert_true(dataplane_vnet_is_up(s.dataplane, "blue"));
	assert_true(is_routed_to("fd00:78::/56", "sstp7"));
	assert_int_equal(hear_vnet_of_both_families("fd00:79::/56"), 0);
	assert_true(is_routed_to("fd00:79::/56", "sstp7"));
	assert_false(is_routed_to("fd00:78::/56", "sstp7"));
	assert_int_equal(hear_vnet_of_both_families("fd00:79::/63"), 0);
	assert_false(
		dataplane_vnet_is_up(s.dataplane, "blue")); /* it has no /64 for each address */
}

static void network_that_cannot_be_made_says_why_and_is_tried_again(void **state)
{
	open_site();
	assert_int_equal(system("ip link add sstp7 type veth peer name other7"), 0);
	assert_int_equal(hear_vnet("blue", "sstp7", "10.50.0.0/24", "172.16.78.0/30"), 0);
	assert_int_equal(s.n, 1);
	assert_non_null(strstr(s.told[0], "state blue: vnet blue: cannot create"));
	tick();
	assert_non_null(strstr(s.told[1], "state blue: vnet blue: cannot create"));
	s.n = 0;
	gateway_site_tell_all(s.site);
	assert_non_null(strstr(s.told[2], "state blue: vnet blue: cannot create"));
	assert_int_equal(system("ip link del sstp7"), 0);
	s.n = 0;
	tick();
	assert_int_equal(s.n, 1);
	assert_string_equal(s.told[0], "state blue: ");
	tick();
	assert_int_equal(s.n, 1);
}

static void stop_when_told(void *arg)
{
	if (s.n)
		loop_stop(s.loop);
}

static void device_that_is_taken_away_is_told_and_made_anew(void **state)
{
	open_site();
	assert_int_equal(hear_vnet("blue", "sstp7", "10.50.0.0/24", "172.16.78.0/30"), 0);
	s.n = 0;
	assert_int_equal(loop_on_pass_end(s.loop, stop_when_told, NULL), 0);
	assert_int_equal(system("ip link del sstp7"), 0);
	assert_int_equal(loop_run(s.loop), 0);
	assert_string_equal(s.told[0], "state blue: its TUN device is gone");
	s.n = 0;
	tick();
	assert_string_equal(s.told[0], "state blue: ");
	assert_true(has_device("sstp7"));
}

/* Control has started anew, and the site is another one. */
static void what_is_not_told_again_is_gone(void **state)
{
	open_site();
	assert_int_equal(hear_vnet("blue", "sstp7", "10.50.0.0/24", "172.16.78.0/30"), 0);
	assert_int_equal(hear_vnet("red", "sstp8", "10.60.0.0/24", "172.16.79.0/30"), 0);
	assert_int_equal(hear_connection("shop"), 0);
	assert_int_equal(hear_connection("till"), 0);
	assert_int_equal(hear_name(MSG_SITE_BEGIN, ""), 0);
	assert_int_equal(hear_vnet("red", "sstp8", "10.60.0.0/24", "172.16.79.0/30"), 0);
	assert_int_equal(hear_connection("till"), 0);
	assert_true(has_device("sstp7"));
	assert_int_equal(try_join("shop"), 0);
	assert_int_equal(hear_name(MSG_SITE_END, ""), 0);
	assert_false(has_device("sstp7"));
	assert_true(has_device("sstp8"));
	assert_int_equal(try_join("shop"), -ENOENT);
	assert_int_equal(try_join("till"), 0);
	assert_int_equal(hear_name(MSG_CONNECTION_GONE, "till"), 0);
	assert_int_equal(try_join("till"), -ENOENT);
}

static void leases_are_remembered_and_disconnects_passed_on(void **state)
{
	const struct msg_lease list[] = {{inet_addr("172.16.77.2"), "l1"},
					 {inet_addr("172.16.77.3"), ""}};
	struct msg_leases leases = {.vnet = "yaml", .leases = list, .n_leases = 2};
	struct msg_disconnect d = {
		.session = 7, .app = "shop", .vnet = "", .reason = "why", .is_restart = true};
	uint8_t *frame;
	size_t len;
	int r;

	open_site();
	r = msg_leases_encode(&leases, &frame, &len);
	assert_int_equal(hear(r, frame, len), 0);
	assert_false(dataplane_remember_lease(s.dataplane, "yaml", list[0].address_be, "l2"));
	assert_true(dataplane_remember_lease(s.dataplane, "yaml", list[1].address_be, "l2"));
	r = msg_disconnect_encode(&d, &frame, &len);
	assert_int_equal(hear(r, frame, len), 0);
	assert_int_equal(s.disconnects, 1);
	assert_int_equal(s.disconnect.session, 7);
	assert_string_equal(s.disconnect_reason, "shop||why");
	assert_true(s.disconnect.is_restart);
}

static void sessions_are_told_as_they_come_and_go(void **state)
{
	static char user[2000], owner[300];
	struct report_session r = {.id = 7,
				   .app = "shop",
				   .vnet = "yaml",
				   .user = "shop@yaml",
				   .owner = "l1",
				   .source = "192.0.2.9:1",
				   .correlation = "",
				   .thumbprint = ""};
	struct report_counts counts = {.sent_bytes = 9};

	open_site();
	s.ops->on_up(s.ops_arg, &r);
	memset(user, 'u', sizeof(user) - 1);
	memset(owner, 'o', sizeof(owner) - 1);
	r.user = user;
	r.owner = owner;
	s.ops->on_up(s.ops_arg, &r);
	s.ops->on_down(s.ops_arg, 7, "goodbye", &counts);
	memcpy(r.address6, "\xfd\0\0\x77\0\0\0\2\0\0\0\0\0\0\0\1", 16);
	s.ops->on_up(s.ops_arg, &r);
	assert_int_equal(s.n, 4);
	assert_string_equal(s.told[0], "up 7 shop yaml owner=l1 user=9");
	assert_string_equal(s.told[1], "up 7 shop yaml owner= user=511");
	assert_string_equal(s.told[2], "down 7 goodbye 9");
	assert_string_equal(s.told[3], "up 7 shop yaml owner= user=511 fd00:77:0:2::1");
}

static void time_lines_are_told_and_those_of_sessions_that_are_up_told_again(void **state)
{
	static char user[2000];
	struct report_timeline t = {.id = 7,
				    .stages = {{1, 501}},
				    .app = "shop",
				    .vnet = "yaml",
				    .user = user,
				    .source = "192.0.2.9:1",
				    .dialled = "gw",
				    .tls = "TLSv1.3",
				    .correlation = "",
				    .auth = "PAP",
				    .thumbprint = "",
				    .reason = ""};

	open_site();
	memset(user, 'u', sizeof(user) - 1);
	s.ops->on_timeline(s.ops_arg, &t);
	t.has_ended = true;
	t.ended_by = SESSION_BY_PEER;
	t.reason = "goodbye";
	t.untold = 4;
	s.ops->on_timeline(s.ops_arg, &t);
	assert_int_equal(s.n, 2);
	assert_string_equal(s.told[0], "timeline 7 up tls 500 auth -1 by 0  user=511 0 untold");
	assert_string_equal(s.told[1],
			    "timeline 7 ended tls 500 auth -1 by 1 goodbye user=511 4 untold");
	s.send_error = -ENOBUFS;
	s.ops->on_timeline(s.ops_arg, &t);
	s.send_error = 0;
	tick();
	assert_int_equal(s.n, 3); /* lost */
	t.has_ended = false;
	s.send_error = -ENOBUFS;
	s.ops->on_timeline(s.ops_arg, &t);
	s.send_error = 0;
	tick();
	assert_string_equal(s.told[4], "begin");
}

static void traffic_is_told_every_second_in_messages_of_their_limit(void **state)
{
	open_site();
	tick();
	assert_int_equal(s.n, 0);
	s.is_moving = true;
	tick();
	assert_int_equal(s.n, 2);
	assert_string_equal(s.told[0], "traffic 4096, the last 0");
	assert_string_equal(s.told[1], "traffic 1, the last 7");
}

static void what_could_not_be_told_is_told_anew(void **state)
{
	struct report_counts counts = {0};

	open_site();
	s.send_error = -ENOBUFS;
	s.ops->on_down(s.ops_arg, 7, "goodbye", &counts);
	assert_string_equal(s.told[0], "lost");
	s.send_error = 0;
	s.n = 0;
	tick();
	assert_string_equal(s.told[0], "begin");
	assert_string_equal(s.told[s.n - 1], "end");
	s.n = 0;
	tick();
	assert_int_equal(s.n, 0);
	s.ops->on_lost(s.ops_arg); /* in the data plane, on its way to here */
	tick();
	assert_string_equal(s.told[0], "begin");
}

/* Control was killed before it stored it, or was not there. */
static void end_of_a_session_is_told_again_to_a_control_that_starts_anew(void **state)
{
	struct report_counts counts = {.sent_bytes = 9};

	open_site();
	s.ops->on_down(s.ops_arg, 7, "goodbye", &counts);
	s.n = 0;
	gateway_site_tell_all(s.site);
	assert_string_equal(s.told[0], "begin");
	assert_string_equal(s.told[2], "down 7 goodbye 9");
	assert_string_equal(s.told[s.n - 1], "end");
	for (int i = 0; i < 12; i++)
		tick();
	s.n = 0;
	gateway_site_tell_all(s.site);
	for (unsigned i = 0; i < s.n; i++)
		assert_string_not_equal(s.told[i], "down 7 goodbye 9");
}

static void tell_up(uint64_t id)
{
	struct report_session r = {.id = id,
				   .app = "shop",
				   .vnet = "yaml",
				   .user = "u",
				   .owner = "l1",
				   .source = "192.0.2.9:1",
				   .correlation = "",
				   .thumbprint = ""};

	s.ops->on_up(s.ops_arg, &r);
}

static void session_that_comes_and_goes_while_control_is_away_is_told_when_it_is_back(void **state)
{
	struct report_counts counts = {.sent_bytes = 9};

	open_site();
	s.send_error = -ENOTCONN;
	tell_up(7);
	s.ops->on_down(s.ops_arg, 7, "goodbye", &counts);
	for (int i = 0; i < 12; i++) { /* longer than what is told is remembered */
		s.n = 0;
		tick();
	}
	s.send_error = 0;
	s.n = 0;
	gateway_site_tell_all(s.site); /* what control's coming up does */
	assert_string_equal(s.told[0], "begin");
	assert_string_equal(s.told[2], "up 7 shop yaml owner=l1 user=1");
	assert_string_equal(s.told[3], "down 7 goodbye 9");
	assert_string_equal(s.told[4], "end");
	for (int i = 0; i < 12; i++)
		tick();
	s.n = 0;
	gateway_site_tell_all(s.site);
	assert_int_equal(s.n, 3); /* as without any session */
}

/* A ring: the oldest go first, those that came before those that went. */
static void of_too_many_that_come_and_go_the_last_are_told(void **state)
{
	struct report_counts counts = {0};

	open_site();
	s.send_error = -ENOTCONN;
	for (uint64_t id = 1; id <= 3000; id++) {
		s.n = 0;
		tell_up(id);
		s.ops->on_down(s.ops_arg, id, "goodbye", &counts);
	}
	s.send_error = 0;
	s.n = 0;
	s.n_all = 0;
	s.only_last = true;
	gateway_site_tell_all(s.site);
	assert_int_equal(s.n_all, 4096 + 3);
	assert_string_equal(s.told[1], "down 3000 goodbye 0");
	assert_string_equal(s.told[0], "up 3000 shop yaml owner=l1 user=1");
	assert_string_equal(s.told[2], "end");
}

/* Control would end the sessions that it has not heard of. */
static void list_with_a_gap_has_no_end_and_is_told_anew(void **state)
{
	open_site();
	s.loses = 2;
	gateway_site_tell_all(s.site);
	assert_string_equal(s.told[0], "begin");
	assert_string_equal(s.told[1], "lost");
	assert_string_not_equal(s.told[s.n - 1], "end");
	s.n = 0;
	tick();
	assert_string_equal(s.told[0], "begin");
	assert_string_equal(s.told[s.n - 1], "end");
}

static void what_is_no_message_is_refused(void **state)
{
	static const enum msg_kind kinds[] = {MSG_SITE_BEGIN, MSG_SITE_END,   MSG_VNET,
					      MSG_VNET_GONE,  MSG_CONNECTION, MSG_CONNECTION_GONE,
					      MSG_LEASES,     MSG_DISCONNECT};

	open_site();
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		assert_int_equal(
			gateway_site_on_message(s.site, kinds[i], (const uint8_t *)"\xff", 1),
			-EBADMSG);
	assert_int_equal(gateway_site_on_message(s.site, MSG_ACCESS, (const uint8_t *)"", 0),
			 -ENOENT);
	assert_int_equal(s.n, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(what_control_tells_before_the_data_plane_is_there_takes_effect_then),
		TEST(more_than_can_be_kept_before_is_lost),
		TEST(control_is_told_how_all_is_when_it_begins),
		TEST(network_comes_changes_and_goes),
		TEST(routes_of_a_network_are_put_together_of_their_parts),
		TEST(part_that_does_not_follow_is_dropped_with_what_came_before),
		TEST(routes_beyond_the_limit_leave_what_was_in_effect),
		TEST(learned_routes_leave_room_for_what_is_closed),
		TEST(metrics_are_told_to_who_asks),
		TEST(metrics_of_a_full_data_plane_fit),
		TEST(probe_in_the_name_of_nobody_is_answered_so),
		TEST(trace_in_the_name_of_nobody_is_answered_so),
		TEST(networks_of_the_configuration_are_not_controls_to_change),
		TEST(network_with_an_address_that_is_none_is_refused),
		TEST(network_of_both_families_is_made_anew_with_another_pool),
		TEST(network_that_cannot_be_made_says_why_and_is_tried_again),
		TEST(device_that_is_taken_away_is_told_and_made_anew),
		TEST(what_is_not_told_again_is_gone),
		TEST(leases_are_remembered_and_disconnects_passed_on),
		TEST(sessions_are_told_as_they_come_and_go),
		TEST(time_lines_are_told_and_those_of_sessions_that_are_up_told_again),
		TEST(traffic_is_told_every_second_in_messages_of_their_limit),
		TEST(what_could_not_be_told_is_told_anew),
		TEST(end_of_a_session_is_told_again_to_a_control_that_starts_anew),
		TEST(session_that_comes_and_goes_while_control_is_away_is_told_when_it_is_back),
		TEST(of_too_many_that_come_and_go_the_last_are_told),
		TEST(list_with_a_gap_has_no_end_and_is_told_anew),
		TEST(what_is_no_message_is_refused),
	};
	int netns = netns_create();

	log_open("test-gateway-site", LOG_TARGET_STDERR, LOG_LEVEL_ERROR);
	if (netns < 0 || netns_enter(netns) < 0) {
		fprintf(stderr, "a network namespace is needed: run as root\n");
		return 1;
	}
	return cmocka_run_group_tests_name("gateway/site", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/sessions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sstp/control/api.h"
#include "sstp/control/model_internal.h"
#include "sstp/control/store_schema.h"
#include "sstp/control/tally.h"
#include "test/support/cmocka.h"
#include "test/unit/control/world.h"

enum {
	BOOT = 7,
	DAY_S = 86400,
	DAY = MINT_NOW / DAY_S,
	MIDNIGHT = (DAY + 1) * DAY_S, /* the one to come */
};

struct scene {
	struct world *w;
	struct sessions *sessions;
};

static void scene_init(struct scene *s)
{
	s->w = world_new();
	s->sessions = sessions_new(s->w->model);
	assert_non_null(s->sessions);
	world_connect(s->w, "shop", "blue");
}

static void scene_done(struct scene *s)
{
	sessions_free(s->sessions);
	world_free(s->w);
}

/* ---- what the data plane says ---- */

/* Takes frame. */
static int take(struct scene *s, uint8_t *frame, size_t len, int64_t now)
{
	struct certs_error e;
	enum msg_kind kind;
	size_t payload;
	int r;

	assert_true(msg_head(frame, true, &kind, &payload));
	r = sessions_take(s->sessions, kind, frame + MSG_HEAD_SIZE, payload, now, &e);
	msg_frame_free(frame, len);
	if (r < 0 && r != -EBADMSG)
		fail_msg("%s", e.text);
	return r;
}

static void name(struct scene *s, enum msg_kind kind, int64_t now)
{
	uint8_t *frame;
	size_t len;

	assert_int_equal(msg_name_encode(kind, "", &frame, &len), 0);
	assert_int_equal(take(s, frame, len, now), 1);
}

static struct msg_session_up session_of(uint64_t id, const char *app, uint32_t address)
{
	return (struct msg_session_up){.boot = BOOT,
				       .id = id,
				       .since = MINT_NOW - 5,
				       .app = app,
				       .vnet = "blue",
				       .user = *app ? app : "bob",
				       .owner = *app ? app : "bob",
				       .address_be = htobe32(address),
				       .address6 = "",
				       .source = "192.0.2.9:50123",
				       .correlation = "",
				       .thumbprint = ""};
}

static int up_of(struct scene *s, const struct msg_session_up *m, int64_t now)
{
	uint8_t *frame;
	size_t len;

	assert_int_equal(msg_session_up_encode(m, &frame, &len), 0);
	return take(s, frame, len, now);
}

static void up(struct scene *s, uint64_t id, const char *app, uint32_t address, int64_t now)
{
	struct msg_session_up m = session_of(id, app, address);

	assert_int_equal(up_of(s, &m, now), 1);
}

static struct msg_counts bytes(uint64_t sent, uint64_t received)
{
	return (struct msg_counts){.sent_packets = sent / 100,
				   .sent_bytes = sent,
				   .received_packets = received / 100,
				   .received_bytes = received};
}

static void down(struct scene *s, uint64_t id, const char *reason, struct msg_counts counts,
		 int64_t now)
{
	const struct msg_session_down m = {
		.boot = BOOT, .id = id, .reason = reason, .counts = counts};
	uint8_t *frame;
	size_t len;

	assert_int_equal(msg_session_down_encode(&m, &frame, &len), 0);
	assert_int_equal(take(s, frame, len, now), 1);
}

static void traffic(struct scene *s, uint64_t id, struct msg_counts counts, int64_t now)
{
	const struct msg_traffic_entry entry = {.id = id, .counts = counts};
	const struct msg_traffic m = {.boot = BOOT, .entries = &entry, .n_entries = 1};
	uint8_t *frame;
	size_t len;

	assert_int_equal(msg_traffic_encode(&m, &frame, &len), 0);
	assert_int_equal(take(s, frame, len, now), 1);
}

static void settle(struct scene *s, int64_t now)
{
	struct certs_error e;

	if (sessions_settle(s->sessions, now, &e) < 0)
		fail_msg("%s", e.text);
}

static void state(struct scene *s, const char *vnet, const char *why, int64_t now)
{
	const struct msg_vnet_state m = {.vnet = vnet, .why = why};
	uint8_t *frame;
	size_t len;

	assert_int_equal(msg_vnet_state_encode(&m, &frame, &len), 0);
	assert_int_equal(take(s, frame, len, now), 1);
}

/* ---- what the store has ---- */

/* The rows of a statement, "|" between columns, "; " between rows; good until the next call. */
static const char *rows(struct model *m, const char *sql, int columns)
{
	static char text[2048];
	struct store_query *q;
	struct certs_error e;

	*text = '\0';
	if (store_query(m->store, sql, NULL, 0, &q, &e) < 0)
		fail_msg("%s", e.text);
	while (store_query_next(q, &e) > 0) {
		if (*text)
			strcat(text, "; ");
		for (int i = 0; i < columns; i++) {
			const char *value = store_query_text(q, i);

			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
				 i ? "|" : "", value ? value : "-");
		}
	}
	store_query_end(q);
	return text;
}

static const char *sessions_now(struct scene *s)
{
	return rows(s->w->model,
		    "SELECT number, app, sent_bytes, received_bytes, ended IS NULL, reason"
		    " FROM session ORDER BY id",
		    6);
}

static const char *usage_now(struct scene *s)
{
	return rows(s->w->model,
		    "SELECT day - 0, app, vnet, sent_bytes, sent_packets, received_bytes,"
		    " received_packets FROM usage ORDER BY day, app",
		    7);
}

static const char *leases_now(struct scene *s)
{
	return rows(s->w->model,
		    "SELECT v.name, address, owner FROM lease JOIN vnet v ON v.id = vnet_id"
		    " ORDER BY vnet_id, at, address",
		    3);
}

#define ADDRESS 0xac104d05 /* 172.16.77.5 */

/* ---- sessions ---- */

static void session_comes_moves_something_and_goes(void **state)
{
	struct scene s;

	scene_init(&s);
	up(&s, 1, "shop", ADDRESS, MINT_NOW);
	assert_string_equal(sessions_now(&s), "1|shop|0|0|1|");
	traffic(&s, 1, bytes(1000, 500), MINT_NOW + 5);
	assert_string_equal(sessions_now(&s), "1|shop|0|0|1|"); /* it waits */
	settle(&s, MINT_NOW + 6);
	assert_string_equal(sessions_now(&s), "1|shop|1000|500|1|");
	down(&s, 1, "the client hung up", bytes(1500, 700), MINT_NOW + 9);
	assert_string_equal(sessions_now(&s), "1|shop|1500|700|0|the client hung up");
	assert_string_equal(rows(s.w->model, "SELECT plan, vnet, ended - since FROM session", 3),
			    "/subscriptions/default/resourceGroups/default/providers/"
			    "Microsoft.Web/serverfarms/blue|blue|14");
	scene_done(&s);
}

static void what_is_told_twice_counts_once(void **state)
{
	struct scene s;
	struct msg_session_up again = session_of(1, "shop", ADDRESS);
	char expected[128];

	snprintf(expected, sizeof(expected), "%d|shop|blue|1500|15|700|7", DAY);
	scene_init(&s);
	up(&s, 1, "shop", ADDRESS, MINT_NOW);
	traffic(&s, 1, bytes(1000, 500), MINT_NOW);
	settle(&s, MINT_NOW);
	traffic(&s, 1, bytes(1000, 500), MINT_NOW);
	settle(&s, MINT_NOW);
	again.counts = bytes(1200, 500);
	assert_int_equal(up_of(&s, &again, MINT_NOW), 1);
	down(&s, 1, "bye", bytes(1500, 700), MINT_NOW);
	down(&s, 1, "bye", bytes(1500, 700), MINT_NOW);
	assert_string_equal(usage_now(&s), expected);
	scene_done(&s);
}

/* What came a second before is counted, though it was not stored yet. */
static void data_plane_that_is_gone_has_what_it_told(void **state)
{
	struct scene s;
	char expected[128];

	snprintf(expected, sizeof(expected), "%d|shop|blue|1000|10|500|5", DAY);
	scene_init(&s);
	up(&s, 1, "shop", ADDRESS, MINT_NOW);
	traffic(&s, 1, bytes(1000, 500), MINT_NOW + 1);
	assert_int_equal(sessions_lost(s.sessions, MINT_NOW + 2, NULL), 0);
	assert_string_equal(usage_now(&s), expected);
	scene_done(&s);
}

/* In the same second: it came, moved something and went. */
static void end_of_a_session_counts_over_what_waits(void **state)
{
	struct scene s;

	scene_init(&s);
	up(&s, 1, "shop", ADDRESS, MINT_NOW);
	traffic(&s, 1, bytes(1000, 500), MINT_NOW);
	down(&s, 1, "bye", bytes(1500, 700), MINT_NOW);
	settle(&s, MINT_NOW);
	assert_string_equal(sessions_now(&s), "1|shop|1500|700|0|bye");
	scene_done(&s);
}

static void more_sessions_than_wait_are_stored_at_once(void **state)
{
	struct scene s;

	scene_init(&s);
	up(&s, 1, "shop", ADDRESS, MINT_NOW);
	for (uint64_t i = 1; i <= TALLY_MAX; i++)
		traffic(&s, i, bytes(1000, 500), MINT_NOW);
	assert_string_equal(sessions_now(&s), "1|shop|0|0|1|");
	traffic(&s, 2 * TALLY_MAX, bytes(1000, 500), MINT_NOW);
	assert_string_equal(sessions_now(&s), "1|shop|1000|500|1|");
	scene_done(&s);
}

static void counter_that_goes_back_adds_nothing(void **state)
{
	struct scene s;
	char expected[128];

	snprintf(expected, sizeof(expected), "%d|shop|blue|1000|10|900|9", DAY);
	scene_init(&s);
	up(&s, 1, "shop", ADDRESS, MINT_NOW);
	traffic(&s, 1, bytes(1000, 500), MINT_NOW);
	settle(&s, MINT_NOW);
	traffic(&s, 1, bytes(100, 900), MINT_NOW);
	settle(&s, MINT_NOW);
	assert_string_equal(usage_now(&s), expected);
	assert_string_equal(sessions_now(&s), "1|shop|1000|900|1|");
	scene_done(&s);
}

/* Of a data plane that is a stranger's by now: nothing overflows, and others are counted on. */
static void counter_that_cannot_be_is_cut(void **state)
{
	struct scene s;

	scene_init(&s);
	for (uint64_t i = 1; i <= 3000; i++) {
		up(&s, i, "shop", ADDRESS, MINT_NOW);
		traffic(&s, i, bytes(UINT64_MAX, 0), MINT_NOW);
	}
	settle(&s, MINT_NOW);
	assert_string_equal(rows(s.w->model, "SELECT sent_bytes = 1 << 62 FROM usage", 1), "1");
	up(&s, UINT64_MAX, "shop", ADDRESS, MINT_NOW);
	down(&s, UINT64_MAX, "bye", bytes(1, 0), MINT_NOW);
	assert_string_equal(rows(s.w->model, "SELECT reason FROM session WHERE number = -1", 1),
			    "bye");
	scene_done(&s);
}

static void B47_each_day_has_what_was_moved_on_it(void **state)
{
	struct scene s;
	char expected[256];

	snprintf(expected, sizeof(expected),
		 "%d|shop|blue|1000|10|0|0; %d|shop|blue|500|5|200|2; %d|stock|blue|300|3|0|0", DAY,
		 DAY + 1, DAY + 1);
	scene_init(&s);
	world_connect(s.w, "stock", "blue");
	up(&s, 1, "shop", ADDRESS, MINT_NOW);
	up(&s, 2, "stock", ADDRESS + 1, MINT_NOW);
	traffic(&s, 1, bytes(1000, 0), MIDNIGHT - 1);
	settle(&s, MIDNIGHT - 1);
	traffic(&s, 1, bytes(1500, 200), MIDNIGHT);
	traffic(&s, 2, bytes(300, 0), MIDNIGHT + 1);
	settle(&s, MIDNIGHT + 1);
	assert_string_equal(usage_now(&s), expected);
	scene_done(&s);
}

static void only_apps_and_networks_of_the_model_are_known(void **state)
{
	struct scene s;
	struct msg_session_up m = session_of(3, "shop", ADDRESS);
	char expected[128];

	snprintf(expected, sizeof(expected), "%d||blue|100|1|0|0", DAY);
	scene_init(&s);
	up(&s, 1, "nobody", ADDRESS, MINT_NOW);
	traffic(&s, 1, bytes(100, 0), MINT_NOW);
	traffic(&s, 99, bytes(100, 0), MINT_NOW); /* there is no such session */
	settle(&s, MINT_NOW);
	m.vnet = "green";
	assert_int_equal(up_of(&s, &m, MINT_NOW), -EBADMSG);
	assert_string_equal(sessions_now(&s), "1||100|0|1|");
	assert_string_equal(usage_now(&s), expected);
	scene_done(&s);
}

static void what_a_stranger_may_have_said_is_printable(void **state)
{
	struct scene s;
	struct msg_session_up m = session_of(1, "", ADDRESS);

	scene_init(&s);
	m.user = "bob\n\xff";
	assert_int_equal(up_of(&s, &m, MINT_NOW), 1);
	down(&s, 1, "a\tb", bytes(0, 0), MINT_NOW);
	assert_string_equal(rows(s.w->model, "SELECT user, reason FROM session", 2),
			    "bob\\x0a\\xff|a\\x09b");
	scene_done(&s);
}

static void what_is_no_message_is_refused_and_what_is_another_s_left_alone(void **state)
{
	struct scene s;
	struct certs_error e;

	scene_init(&s);
	for (enum msg_kind kind = MSG_SESSION_UP; kind <= MSG_VNET_STATE; kind++)
		assert_int_equal(
			sessions_take(s.sessions, kind, (const uint8_t *)"?", 1, MINT_NOW, &e),
			-EBADMSG);
	assert_int_equal(sessions_take(s.sessions, MSG_CONFIG, NULL, 0, MINT_NOW, &e), 0);
	scene_done(&s);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* How long it takes is printed, and asserted by nobody. */
static void traffic_of_many_sessions_is_one_batch(void **state)
{
	enum {
		MANY = 4096
	};
	static struct msg_traffic_entry entries[MANY];
	struct msg_traffic m = {.boot = BOOT, .entries = entries, .n_entries = MANY};
	double from, heard;
	struct scene s;
	uint8_t *frame;
	size_t len;

	scene_init(&s);
	for (uint64_t i = 0; i < MANY; i++) {
		up(&s, i + 1, "shop", ADDRESS + (uint32_t)i, MINT_NOW);
		entries[i] = (struct msg_traffic_entry){.id = i + 1, .counts = bytes(1000, 10)};
	}
	assert_int_equal(msg_traffic_encode(&m, &frame, &len), 0);
	from = now_ms();
	assert_int_equal(take(&s, frame, len, MINT_NOW), 1);
	heard = now_ms();
	settle(&s, MINT_NOW);
	printf("# traffic of %d sessions: heard in %.1f ms, stored in %.0f ms\n", MANY,
	       heard - from, now_ms() - heard);
	assert_string_equal(rows(s.w->model, "SELECT sent_bytes FROM usage", 1), "4096000");
	scene_done(&s);
}

/* ---- lists ---- */

static void session_that_is_not_on_the_list_has_ended(void **state)
{
	struct scene s;

	scene_init(&s);
	up(&s, 1, "shop", ADDRESS, MINT_NOW);
	up(&s, 2, "shop", ADDRESS + 1, MINT_NOW);
	name(&s, MSG_SESSIONS_BEGIN, MINT_NOW + 1);
	up(&s, 2, "shop", ADDRESS + 1, MINT_NOW + 1);
	assert_string_equal(sessions_now(&s), "1|shop|0|0|1|; 2|shop|0|0|1|");
	name(&s, MSG_SESSIONS_END, MINT_NOW + 1);
	assert_string_equal(sessions_now(&s),
			    "1|shop|0|0|0|it was lost: the gateway has started anew; "
			    "2|shop|0|0|1|");
	name(&s, MSG_SESSIONS_END, MINT_NOW + 1); /* of no list: nothing ends */
	assert_string_equal(rows(s.w->model, "SELECT count(*) FROM session WHERE ended IS NULL", 1),
			    "1");
	scene_done(&s);
}

static void sessions_of_a_data_plane_that_has_ended_have_ended(void **state)
{
	struct scene s;

	scene_init(&s);
	up(&s, 1, "shop", ADDRESS, MINT_NOW);
	assert_int_equal(sessions_lost(s.sessions, MINT_NOW + 1, NULL), 0);
	assert_string_equal(sessions_now(&s),
			    "1|shop|0|0|0|it was lost: the gateway has started anew");
	up(&s, 1, "shop", ADDRESS, MINT_NOW + 2); /* it was not: only the line was */
	assert_string_equal(sessions_now(&s), "1|shop|0|0|1|");
	scene_done(&s);
}

/* Nothing was flushed when it ended; the next one is told again. */
static void control_process_that_was_killed_has_lost_nothing(void **state)
{
	struct scene s;
	char path[512], expected[128];
	struct msg_session_up again = session_of(1, "shop", ADDRESS);

	snprintf(path, sizeof(path), "%s.sqlite", scene_folder());
	snprintf(expected, sizeof(expected), "%d|shop|blue|1200|12|0|0", DAY);
	scene_init(&s);
	for (int life = 0; life < 2; life++) {
		model_close(s.w->model);
		sessions_free(s.sessions);
		networks_free(s.w->est.networks);
		assert_int_equal(model_open(path, &s.w->model, NULL), 0);
		s.w->est.networks = networks_new(s.w->model);
		s.sessions = sessions_new(s.w->model);
		if (life == 1)
			break;
		world_set_dns(s.w, "10.1.0.4");
		world_connect(s.w, "shop", "blue");
		up(&s, 1, "shop", ADDRESS, MINT_NOW);
		traffic(&s, 1, bytes(1000, 0), MINT_NOW);
		settle(&s, MINT_NOW);
		assert_int_equal(model_flush(s.w->model, NULL), 0);
		traffic(&s, 1, bytes(1100, 0), MINT_NOW);
		settle(&s, MINT_NOW);
	}
	assert_string_equal(sessions_now(&s), "1|shop|1000|0|1|");
	again.counts = bytes(1200, 0);
	name(&s, MSG_SESSIONS_BEGIN, MINT_NOW);
	assert_int_equal(up_of(&s, &again, MINT_NOW), 1);
	name(&s, MSG_SESSIONS_END, MINT_NOW);
	assert_string_equal(usage_now(&s), expected);
	scene_done(&s);
}

/* ---- leases ---- */

static void address_is_remembered_as_its_last_owner_s(void **state)
{
	struct scene s;

	scene_init(&s);
	world_connect(s.w, "stock", "blue");
	up(&s, 1, "shop", ADDRESS, MINT_NOW);
	up(&s, 2, "stock", ADDRESS + 1, MINT_NOW + 1);
	assert_string_equal(leases_now(&s), "blue|2886749445|shop; blue|2886749446|stock");
	down(&s, 1, "bye", bytes(0, 0), MINT_NOW + 9); /* he had it last */
	assert_string_equal(leases_now(&s), "blue|2886749446|stock; blue|2886749445|shop");
	up(&s, 3, "stock", ADDRESS, MINT_NOW + 10);
	assert_string_equal(leases_now(&s), "blue|2886749446|stock; blue|2886749445|stock");
	assert_int_equal(
		model_set_networks(s.w->model, &(struct msg_config){.dial = ""}, MINT_NOW, NULL),
		0);
	assert_string_not_equal(leases_now(&s), ""); /* its apps may come back */
	scene_done(&s);
}

/* ---- gateways ---- */

static const char *gateway_time(struct scene *s)
{
	return rows(s->w->model, "SELECT day, vnet, seconds FROM gateway_time ORDER BY day, vnet",
		    3);
}

static void B47_time_that_a_gateway_was_up_is_counted_by_the_day(void **state_)
{
	struct scene s;
	char expected[128];

	snprintf(expected, sizeof(expected), "%d|blue|40; %d|blue|20", DAY, DAY + 1);
	scene_init(&s);
	state(&s, "blue", "", MIDNIGHT - 40);
	state(&s, "green", "", MIDNIGHT - 40); /* there is none */
	assert_int_equal(sessions_tick(s.sessions, MIDNIGHT - 30, NULL), 0);
	assert_int_equal(sessions_tick(s.sessions, MIDNIGHT + 15, NULL), 0);
	state(&s, "blue", "its device is gone", MIDNIGHT + 20);
	assert_int_equal(sessions_tick(s.sessions, MIDNIGHT + 60, NULL), 0);
	assert_string_equal(gateway_time(&s), expected);
	scene_done(&s);
}

static void time_that_nobody_watched_is_not_counted(void **state_)
{
	struct scene s;
	char expected[128];

	snprintf(expected, sizeof(expected), "%d|blue|10", DAY);
	scene_init(&s);
	state(&s, "blue", "", MIDNIGHT - 20000);
	assert_int_equal(sessions_tick(s.sessions, MIDNIGHT - 10000, NULL), 0); /* it stood still */
	assert_int_equal(sessions_tick(s.sessions, MIDNIGHT - 9990, NULL), 0);
	assert_int_equal(sessions_tick(s.sessions, MIDNIGHT - 19000, NULL), 0); /* it went back */
	assert_int_equal(sessions_lost(s.sessions, MIDNIGHT - 19000, NULL), 0);
	assert_int_equal(sessions_tick(s.sessions, MIDNIGHT - 18990, NULL), 0);
	assert_string_equal(gateway_time(&s), expected);
	scene_done(&s);
}

/* ---- limits ---- */

static void oldest_of_those_that_have_ended_is_forgotten_first(void **state)
{
	struct scene s;
	struct certs_error e;

	scene_init(&s);
	up(&s, 1, "shop", ADDRESS, MINT_NOW);
	up(&s, 2, "shop", ADDRESS, MINT_NOW);
	up(&s, 3, "shop", ADDRESS, MINT_NOW);
	down(&s, 3, "bye", bytes(0, 0), MINT_NOW + 1);
	down(&s, 2, "bye", bytes(0, 0), MINT_NOW + 2);
	if (store_run(
		    s.w->model->store,
		    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
		    " WHERE i < 99998) INSERT INTO session (boot, number, app, plan, vnet, user,"
		    " address, source, correlation, thumbprint, since, ended) SELECT 8, i, '', '',"
		    " 'blue', '', 0, '', '', '', 0, 1700000000000 FROM n",
		    NULL, 0, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(sessions_tick(s.sessions, MINT_NOW + 3, NULL), 0);
	assert_string_equal(
		rows(s.w->model, "SELECT number FROM session WHERE boot = 7 ORDER BY number", 1),
		"1; 2");
	assert_string_equal(rows(s.w->model, "SELECT count(*) FROM session", 1), "100000");
	assert_int_equal(sessions_tick(s.sessions, MINT_NOW + 3 + SESSIONS_KEPT_S, NULL), 0);
	assert_string_equal(
		rows(s.w->model, "SELECT number FROM session WHERE boot = 7 ORDER BY number", 1),
		"1");
	scene_done(&s);
}

static void usage_of_long_ago_is_forgotten(void **state)
{
	struct scene s;

	scene_init(&s);
	up(&s, 1, "shop", ADDRESS, MINT_NOW);
	traffic(&s, 1, bytes(1000, 0), MINT_NOW);
	settle(&s, MINT_NOW);
	assert_int_equal(
		sessions_tick(s.sessions, MINT_NOW + (int64_t)USAGE_DAYS_MAX * DAY_S, NULL), 0);
	assert_string_not_equal(usage_now(&s), "");
	assert_int_equal(
		sessions_tick(s.sessions, MINT_NOW + (int64_t)(USAGE_DAYS_MAX + 1) * DAY_S, NULL),
		0);
	assert_string_equal(usage_now(&s), "");
	sessions_free(NULL);
	scene_done(&s);
}

/* ---- from version 1 ---- */

static void store_of_version_1_is_brought_up_to_date(void **state)
{
	struct store_schema first = store_schema_model;
	struct store *store;
	struct model *m;
	struct certs_error e;
	char path[512];

	first.n_steps = 1;
	snprintf(path, sizeof(path), "%s.sqlite", scene_folder());
	if (store_open(path, &first, &store, &e) < 0)
		fail_msg("%s", e.text);
	assert_int_equal(store_script(store,
				      "INSERT INTO plan (id, subscription, resource_group, name)"
				      " VALUES (1, 's', 'g', 'p');"
				      "INSERT INTO vnet (id, subscription, resource_group, name)"
				      " VALUES (1, 's', 'g', 'v');",
				      NULL),
			 0);
	store_close(store);
	if (model_open(path, &m, &e) < 0)
		fail_msg("%s", e.text);
	assert_string_equal(rows(m, "SELECT name, (SELECT count(*) FROM session) FROM plan", 2),
			    "p|0");
	assert_string_equal(rows(m, "SELECT name, tunnel_address FROM vnet", 2), "v|192.0.0.8");
	model_close(m);
}

#define TEST(name) cmocka_unit_test_setup(name, scene_set_up)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(session_comes_moves_something_and_goes),
		TEST(what_is_told_twice_counts_once),
		TEST(data_plane_that_is_gone_has_what_it_told),
		TEST(end_of_a_session_counts_over_what_waits),
		TEST(more_sessions_than_wait_are_stored_at_once),
		TEST(counter_that_goes_back_adds_nothing),
		TEST(counter_that_cannot_be_is_cut),
		TEST(B47_each_day_has_what_was_moved_on_it),
		TEST(only_apps_and_networks_of_the_model_are_known),
		TEST(what_a_stranger_may_have_said_is_printable),
		TEST(what_is_no_message_is_refused_and_what_is_another_s_left_alone),
		TEST(traffic_of_many_sessions_is_one_batch),
		TEST(session_that_is_not_on_the_list_has_ended),
		TEST(sessions_of_a_data_plane_that_has_ended_have_ended),
		TEST(control_process_that_was_killed_has_lost_nothing),
		TEST(address_is_remembered_as_its_last_owner_s),
		TEST(B47_time_that_a_gateway_was_up_is_counted_by_the_day),
		TEST(time_that_nobody_watched_is_not_counted),
		TEST(oldest_of_those_that_have_ended_is_forgotten_first),
		TEST(usage_of_long_ago_is_forgotten),
		TEST(store_of_version_1_is_brought_up_to_date),
	};

	return cmocka_run_group_tests_name("control/sessions", tests, NULL, scene_tear_down);
}

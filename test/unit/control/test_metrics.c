/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks, the data plane and the clock are the test's: answers that come later are kept, what is sent is counted, and time
 * passes when the test says so.
 */
#include "sstp/control/metrics.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sstp/control/model_internal.h"
#include "sstp/control/prometheus.h"
#include "sstp/control/sessions.h"
#include "test/support/cmocka.h"
#include "test/unit/control/world.h"

enum {
	ANSWERS_MAX = METRICS_MAX + 2
};

static struct scene {
	struct world *w;
	struct loop *loop;
	struct bgp *bgp;
	struct metrics *metrics;
	bool is_down; /* the data plane */
	unsigned asked;
	uint64_t id; /* of the last question */
	uint64_t now;
	uint64_t timer_at;
	void (*on_timer)(void *arg);
	void *timer_arg;
	bool is_making; /* the metrics' timer */
	struct loop_timer *timer;
	unsigned n_later; /* who wait or have waited */
	unsigned n_answers;
	struct front_reply answers[ANSWERS_MAX]; /* by the number of who waited */
} s;

/* ---- what the linker gives to this test ---- */

uint64_t __wrap_loop_now(const struct loop *loop);
uint64_t __wrap_loop_now(const struct loop *loop)
{
	return s.now;
}

struct loop_timer *__real_loop_timer_new(struct loop *loop, void (*cb)(void *), void *arg);
struct loop_timer *__wrap_loop_timer_new(struct loop *loop, void (*cb)(void *), void *arg);
struct loop_timer *__wrap_loop_timer_new(struct loop *loop, void (*cb)(void *), void *arg)
{
	struct loop_timer *t = __real_loop_timer_new(loop, cb, arg);

	if (s.is_making) {
		s.timer = t;
		s.on_timer = cb;
		s.timer_arg = arg;
	}
	return t;
}

void __real_loop_timer_set(struct loop_timer *t, uint64_t at);
void __wrap_loop_timer_set(struct loop_timer *t, uint64_t at);
void __wrap_loop_timer_set(struct loop_timer *t, uint64_t at)
{
	if (t == s.timer)
		s.timer_at = at;
	else
		__real_loop_timer_set(t, at);
}

struct front_later *__wrap_front_later(const struct front_request *request);
struct front_later *__wrap_front_later(const struct front_request *request)
{
	return request->call ? (struct front_later *)&s.answers[s.n_later++] : NULL;
}

void __wrap_front_answer(struct front_later *later, struct front_reply *reply);
void __wrap_front_answer(struct front_later *later, struct front_reply *reply)
{
	*(struct front_reply *)later = *reply;
	s.n_answers++;
}

/* ---- the scene ---- */

static int send_frame(void *arg, uint8_t *frame, size_t len)
{
	int r = s.is_down ? -ENOTCONN : 0;

	if (!s.is_down) {
		s.asked++;
		assert_int_equal(
			msg_metrics_ask_decode(frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE, &s.id),
			0);
	}
	msg_frame_free(frame, len);
	return r;
}

static int ask_nobody(void *arg, const struct parent_msg *m, const int *fds)
{
	return -ENOTCONN;
}

static int set_up(void **state)
{
	scene_set_up(state);
	memset(&s, 0, sizeof(s));
	s.w = world_new();
	s.loop = loop_new();
	s.bgp = bgp_new(
		&(struct bgp_params){.loop = s.loop, .model = s.w->model, .ask = ask_nobody});
	s.is_making = true;
	s.metrics = metrics_new(&(struct metrics_params){
		.loop = s.loop,
		.model = s.w->model,
		.authority = s.w->est.authority,
		.bgp = s.bgp,
		.send = send_frame,
	});
	s.is_making = false;
	assert_non_null(s.metrics);
	return 0;
}

static int tear_down(void **state)
{
	metrics_free(s.metrics);
	for (unsigned i = 0; i < ANSWERS_MAX; i++)
		free(s.answers[i].json);
	bgp_free(s.bgp);
	loop_free(s.loop);
	world_free(s.w);
	return 0;
}

/* Somebody asks; he is answered at once, or waits (status 0). */
static struct front_reply ask(enum front_method method, const char *path)
{
	struct front_request request = {
		.method = method, .path = path, .call = (struct front_call *)&s};
	struct front_reply reply = {0};

	metrics_answer(s.metrics, &request, &reply);
	return reply;
}

static void waits(const char *path)
{
	assert_int_equal(ask(FRONT_GET, path).status, 0);
}

static void tell(uint64_t id)
{
	struct msg_sample samples[] = {
		{.metric = METRIC_SESSIONS, .labels = {"blue"}, .value = 42},
		{.metric = METRIC_HEAP, .labels = {"data"}, .value = 4711},
	};

	metrics_on_told(s.metrics,
			&(struct msg_metrics){.id = id, .samples = samples, .n_samples = 2});
}

static bool says(unsigned who, const char *line)
{
	return s.answers[who].json && strstr(s.answers[who].json, line);
}

/* ---- */

static void what_the_data_plane_tells_is_answered_beside_our_own(void **state)
{
	waits("/metrics");
	assert_int_equal(s.asked, 1);
	tell(s.id);
	assert_int_equal(s.n_answers, 1);
	assert_int_equal(s.answers[0].status, 200);
	assert_string_equal(s.answers[0].content_type, PROMETHEUS_TYPE);
	assert_true(says(0, "\nsstp_up 1\n"));
	assert_true(says(0, "\nsstp_sessions{vnet=\"blue\"} 42\n"));
	assert_true(says(0, "\nsstp_build_info{version=\"" SSTP_VERSION "\"} 1\n"));
	assert_true(says(0, "\nsstp_process_heap_bytes{process=\"control\"} "));
	assert_true(says(0, "\nsstp_process_heap_bytes{process=\"data\"} 4711\n"));
	assert_true(says(0, "\nsstp_certificates{status=\"valid\"} 0\n"));
	assert_true(s.timer_at == CLOCK_NEVER);
}

static void data_plane_that_is_not_there_is_said_at_once(void **state)
{
	s.is_down = true;
	waits("/metrics");
	assert_int_equal(s.n_answers, 1);
	assert_true(says(0, "\nsstp_up 0\n"));
	assert_true(says(0, "\nsstp_build_info"));
	assert_false(says(0, "sstp_sessions{"));
}

static void data_plane_that_is_silent_is_waited_for_a_second(void **state)
{
	s.now = 7;
	waits("/metrics");
	assert_true(s.timer_at == 7 + METRICS_PATIENCE);
	assert_int_equal(s.n_answers, 0);
	s.on_timer(s.timer_arg);
	assert_int_equal(s.n_answers, 1);
	assert_true(says(0, "\nsstp_up 0\n"));
	tell(s.id); /* late */
	assert_int_equal(s.n_answers, 1);
}

static void data_plane_that_ends_keeps_nobody_waiting(void **state)
{
	waits("/metrics");
	metrics_on_lost(s.metrics);
	assert_int_equal(s.n_answers, 1);
	assert_true(says(0, "\nsstp_up 0\n"));
}

static void late_answer_is_none_to_the_next_question(void **state)
{
	uint64_t first;

	waits("/metrics");
	first = s.id;
	s.on_timer(s.timer_arg);
	waits("/metrics");
	tell(first);
	assert_int_equal(s.n_answers, 1);
	tell(s.id);
	assert_int_equal(s.n_answers, 2);
	assert_true(says(1, "\nsstp_up 1\n"));
}

static void all_who_wait_get_the_same_answer_in_their_own_form(void **state)
{
	waits("/metrics");
	waits("/v1/metrics");
	assert_int_equal(s.asked, 1);
	tell(s.id);
	assert_int_equal(s.n_answers, 2);
	assert_true(says(0, "\nsstp_sessions{vnet=\"blue\"} 42\n"));
	assert_null(s.answers[1].content_type);
	assert_true(says(
		1, "{\"name\":\"sstp_sessions\",\"labels\":{\"vnet\":\"blue\"},\"value\":42}"));
}

static void one_too_many_is_asked_to_come_again(void **state)
{
	struct front_reply reply;

	for (unsigned i = 0; i < METRICS_MAX; i++)
		waits("/metrics");
	reply = ask(FRONT_GET, "/metrics");
	assert_int_equal(reply.status, 429);
	free(reply.json);
	tell(s.id);
	assert_int_equal(s.n_answers, METRICS_MAX);
}

static void other_methods_and_paths_are_not_ours(void **state)
{
	struct front_reply reply = ask(FRONT_DELETE, "/metrics");
	enum front_method method;

	assert_int_equal(reply.status, 405);
	free(reply.json);
	assert_true(metrics_has_path("/metrics"));
	assert_true(metrics_has_path("/v1/metrics"));
	assert_false(metrics_has_path("/metrics/"));
	assert_string_equal(metrics_route(0, &method), "/metrics");
	assert_string_equal(metrics_route(1, &method), "/v1/metrics");
	assert_null(metrics_route(2, &method));
}

static void request_that_cannot_wait_is_refused(void **state)
{
	struct front_request request = {.method = FRONT_GET, .path = "/metrics"};
	struct front_reply reply;

	metrics_answer(s.metrics, &request, &reply);
	assert_int_equal(reply.status, 500);
	free(reply.json);
	assert_int_equal(s.asked, 0);
}

static void who_waits_in_the_end_is_told(void **state)
{
	waits("/metrics");
	metrics_free(s.metrics);
	s.metrics = NULL;
	assert_int_equal(s.n_answers, 1);
	assert_int_equal(s.answers[0].status, 500);
}

/* ---- plans ---- */

static void run(const char *sql)
{
	struct certs_error e;

	assert_int_equal(store_script(s.w->model->store, sql, &e), 0);
}

/* As if the data plane had told: now, or long ago. */
static void moved(const char *plan, int from, int to, bool is_long_ago)
{
	char sql[512];

	snprintf(sql, sizeof(sql),
		 "INSERT INTO usage (day, app, plan, vnet, sent_packets, sent_bytes, "
		 "received_packets,"
		 " received_bytes) VALUES (%lld, '%s-app%d', '%s%s', 'blue', 1, %d, 2, %d);",
		 is_long_ago ? 1LL : (long long)time(NULL) / 86400, plan, from,
		 *plan ? "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/serverfarms/"
		       : "",
		 plan, from, to);
	run(sql);
}

static void traffic_of_plans_is_that_since_this_process_runs(void **state)
{
	moved("web", 10, 100, false);
	moved("web", 1, 5, false);
	moved("web", 70000, 70000, true);
	moved("", 3, 4, false);
	waits("/metrics");
	tell(s.id);
	assert_true(says(0, "\nsstp_plan_bytes_total{vnet=\"blue\",plan=\"web\",direction=\"from_"
			    "clients\"} 11\n"));
	assert_true(says(0, "\nsstp_plan_bytes_total{vnet=\"blue\",plan=\"web\",direction=\"to_"
			    "clients\"} 105\n"));
	assert_true(says(0, "\nsstp_plan_packets_total{vnet=\"blue\",plan=\"web\",direction=\"to_"
			    "clients\"} 4\n"));
	assert_true(says(0, "\nsstp_plan_bytes_total{vnet=\"blue\",plan=\"\",direction=\"from_"
			    "clients\"} 3\n"));
	assert_true(says(0, "\nsstp_plan_sessions{vnet=\"blue\",plan=\"web\"} 0\n"));
}

static unsigned count_of(const char *text, const char *what)
{
	unsigned n = 0;

	for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
		n++;
	return n;
}

static void plans_that_are_too_many_are_counted_together(void **state)
{
	char plan[16];

	for (int i = 0; i < METRIC_PLANS_MAX + 3; i++) {
		snprintf(plan, sizeof(plan), "plan%03d", i);
		moved(plan, 10, 0, false);
	}
	waits("/metrics");
	tell(s.id);
	assert_int_equal(count_of(s.answers[0].json, "\nsstp_plan_sessions{"),
			 METRIC_PLANS_MAX + 1);
	assert_true(says(0, "\nsstp_plan_bytes_total{vnet=\"other\",plan=\"other\",direction="
			    "\"from_clients\"} 30\n"));
}

static void gateway_that_is_not_up_is_none(void **state)
{
	struct sessions *sessions = sessions_new(s.w->model);
	struct certs_error e;

	waits("/metrics");
	tell(s.id);
	assert_int_equal(sessions_set_state(sessions, "blue", "", 1, &e), 0);
	waits("/metrics");
	tell(s.id);
	assert_int_equal(sessions_set_state(sessions, "blue", "its device is gone", 2, &e), 0);
	waits("/metrics");
	tell(s.id);
	assert_true(says(0, "\nsstp_gateway_up{vnet=\"blue\"} 0\n"));
	assert_true(says(1, "\nsstp_gateway_up{vnet=\"blue\"} 1\n"));
	assert_true(says(2, "\nsstp_gateway_up{vnet=\"blue\"} 0\n"));
	assert_true(says(0, "\nsstp_routes_learned{vnet=\"blue\"} 0\n"));
	assert_true(says(0, "\nsstp_routes_announced{vnet=\"blue\"} 0\n"));
	sessions_free(sessions);
}

int main(void)
{
#define in_scene(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		in_scene(what_the_data_plane_tells_is_answered_beside_our_own),
		in_scene(data_plane_that_is_not_there_is_said_at_once),
		in_scene(data_plane_that_is_silent_is_waited_for_a_second),
		in_scene(data_plane_that_ends_keeps_nobody_waiting),
		in_scene(late_answer_is_none_to_the_next_question),
		in_scene(all_who_wait_get_the_same_answer_in_their_own_form),
		in_scene(one_too_many_is_asked_to_come_again),
		in_scene(other_methods_and_paths_are_not_ours),
		in_scene(request_that_cannot_wait_is_refused),
		in_scene(who_waits_in_the_end_is_told),
		in_scene(traffic_of_plans_is_that_since_this_process_runs),
		in_scene(plans_that_are_too_many_are_counted_together),
		in_scene(gateway_that_is_not_up_is_none),
	};

	return cmocka_run_group_tests_name("control/metrics", tests, NULL, scene_tear_down);
}

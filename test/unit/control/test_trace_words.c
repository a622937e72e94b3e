/* SPDX-License-Identifier: Apache-2.0 */
/* What was said and seen of a probe becomes evidence, and words. */
#include "sstp/control/trace_words.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "sstp/ppp/vendor_trace.h"
#include "test/support/cmocka.h"

/* A probe that went all the way. */
static struct trace_facts facts_of_success(void)
{
	return (struct trace_facts){
		.app = "shop",
		.vnet = "hub",
		.target = "10.2.0.4:1433",
		.address = {AF_INET, 32, {10, 2, 0, 4}},
		.port = 1433,
		.own = 61001,
		.has_kernel = true,
		.kernel = {.kind = RTNL_GOT_FORWARDED, .device = "eth0", .table = 254},
		.device = "sstp0",
		.seen = {.was_open = true,
			 .in = 1,
			 .left = 1,
			 .back = 1,
			 .out = 1,
			 .source = {AF_INET, 32, {172, 16, 0, 1}}},
		.own_said = TRACE_SAID_GOOD,
		.was_traced = true,
		.traced = {.end = MSG_TRACE_ANSWERED,
			   .session = 7,
			   .address = {AF_INET, 32, {172, 16, 0, 1}},
			   .worker = {.route = VENDOR_ROUTE_TUNNEL,
				      .outcome = VENDOR_OUTCOME_OPEN,
				      .took_us = 1500,
				      .device = "vnet0",
				      .drop = "",
				      .sent = 1,
				      .received = 1},
			   .watch = {.sent = 1,
				     .passed = 1,
				     .drop = "",
				     .answered = 1,
				     .answer = MSG_OUTCOME_OPEN,
				     .from = {AF_INET, 32, {10, 2, 0, 4}},
				     .delivered = 1,
				     .back_drop = ""},
			   .counters = {{"rx_packets", 2}, {"tx_packets", 1}, {"not_in_plan", 3}},
			   .n_counters = 3},
	};
}

/* Owned. */
static json_t *told(const struct trace_facts *f)
{
	char *text = trace_json(f);
	json_t *json;

	assert_non_null(text);
	json = json_loads(text, 0, NULL);
	assert_non_null(json);
	free(text);
	return json;
}

static const char *text_at(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text ? text : "";
}

static const json_t *stage_at(const json_t *json, enum trace_stage stage)
{
	const json_t *found = json_array_get(json_object_get(json, "stages"), stage);

	assert_string_equal(text_at(found, "stage"), trace_stage_name(stage));
	return found;
}

static json_int_t counter_at(const json_t *json, enum trace_stage stage, const char *name)
{
	const json_t *counters = json_object_get(stage_at(json, stage), "counters");

	return json_integer_value(json_object_get(counters, name));
}

static void probe_that_arrived_is_ok_at_every_stage(void **state)
{
	struct trace_facts f = facts_of_success();
	json_t *json = told(&f);

	assert_string_equal(text_at(json, "verdict"), "Arrived");
	assert_true(json_is_null(json_object_get(json, "stoppedAt")));
	assert_true(json_is_null(json_object_get(json, "next")));
	assert_string_equal(text_at(json, "message"), "Port 1433 of 10.2.0.4 answers app shop.");
	assert_string_equal(text_at(json, "source"), "172.16.0.1");
	for (enum trace_stage s = 0; s < TRACE_STAGES; s++)
		assert_string_equal(text_at(stage_at(json, s), "result"), "ok");
	json_decref(json);
}

static void counters_stand_at_the_stage_where_they_count(void **state)
{
	struct trace_facts f = facts_of_success();
	json_t *json = told(&f);

	assert_int_equal(counter_at(json, TRACE_TUN, "rx_packets"), 2);
	assert_int_equal(counter_at(json, TRACE_BACK, "tx_packets"), 1);
	assert_int_equal(counter_at(json, TRACE_LOOKUP, "not_in_plan"), 3);
	assert_int_equal(counter_at(json, TRACE_TUNNEL, "worker_sent"), 1);
	assert_int_equal(counter_at(json, TRACE_APP, "worker_received"), 1);
	assert_int_equal(counter_at(json, TRACE_GATEWAY_ROUTE, "kernel_left"), 1);
	assert_int_equal(counter_at(json, TRACE_RETURN_ROUTE, "kernel_back"), 1);
	json_decref(json);
}

static void stages_behind_the_stop_are_not_reached(void **state)
{
	struct trace_facts f = facts_of_success();
	json_t *json;

	f.traced.watch.passed = f.traced.watch.answered = f.traced.watch.delivered = 0;
	f.traced.watch.drop = "peering";
	f.traced.worker.outcome = VENDOR_OUTCOME_UNREACHABLE;
	f.traced.worker.error = EHOSTUNREACH;
	json = told(&f);
	assert_string_equal(text_at(json, "verdict"), "PeeringClosed");
	assert_string_equal(text_at(json, "stoppedAt"), "peering");
	assert_string_equal(text_at(stage_at(json, TRACE_LOOKUP), "result"), "ok");
	assert_string_equal(text_at(stage_at(json, TRACE_PEERING), "result"), "failed");
	assert_string_equal(text_at(stage_at(json, TRACE_TUN), "result"), "notReached");
	assert_string_equal(text_at(stage_at(json, TRACE_TUN), "finding"), "");
	assert_true(strlen(text_at(json, "next")) > 0);
	json_decref(json);
}

/* The numbers of the wire are those that it is read by. */
static void outcomes_of_the_worker_are_evidence(void **state)
{
	static const struct {
		enum vendor_outcome outcome;
		enum trace_said said;
	} outcomes[] = {
		{VENDOR_OUTCOME_UNSENT, TRACE_SAID_NOTHING},
		{VENDOR_OUTCOME_OPEN, TRACE_SAID_GOOD},
		{VENDOR_OUTCOME_CLOSED, TRACE_SAID_CLOSED},
		{VENDOR_OUTCOME_ECHO, TRACE_SAID_GOOD},
		{VENDOR_OUTCOME_UNREACHABLE, TRACE_SAID_UNREACHABLE},
		{VENDOR_OUTCOME_SILENCE, TRACE_SAID_SILENCE},
		{VENDOR_OUTCOME_FAILED, TRACE_SAID_FAILED},
	};
	static const struct {
		enum vendor_route route;
		enum trace_route found;
	} routes[] = {
		{VENDOR_ROUTE_TUNNEL, TRACE_ROUTE_RIGHT},
		{VENDOR_ROUTE_OTHER, TRACE_ROUTE_ELSEWHERE},
		{VENDOR_ROUTE_LOCAL, TRACE_ROUTE_LOCAL},
		{VENDOR_ROUTE_NONE, TRACE_ROUTE_NONE},
		{VENDOR_ROUTE_UNKNOWN, TRACE_ROUTE_UNKNOWN},
	};
	struct trace_facts f = facts_of_success();

	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++) {
		f.traced.worker.outcome = (uint8_t)outcomes[i].outcome;
		assert_int_equal(trace_evidence(&f).app, outcomes[i].said);
	}
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		f.traced.worker.route = (uint8_t)routes[i].route;
		assert_int_equal(trace_evidence(&f).worker_route, routes[i].found);
	}
	f.traced.worker.outcome = VENDOR_OUTCOME_BUSY;
	assert_int_equal(trace_evidence(&f).sender, TRACE_BY_BUSY);
}

static void ends_of_a_trace_say_who_has_sent_it(void **state)
{
	static const struct {
		enum msg_trace_end end;
		enum trace_sender sender;
	} ends[] = {
		{MSG_TRACE_ANSWERED, TRACE_BY_WORKER},
		{MSG_TRACE_SILENT, TRACE_BY_SILENT_WORKER},
		{MSG_TRACE_LOST, TRACE_WITHOUT_SESSION},
		{MSG_TRACE_NO_WORKER, TRACE_WITHOUT_ANSWER}, /* until it was probed */
		{MSG_TRACE_NO_SESSION, TRACE_BY_NOBODY},
		{MSG_TRACE_NO_ADDRESS, TRACE_WITHOUT_ADDRESS},
		{MSG_TRACE_BUSY, TRACE_BY_BUSY},
	};
	struct trace_facts f = facts_of_success();

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		f.traced.end = (uint8_t)ends[i].end;
		assert_int_equal(trace_evidence(&f).sender, ends[i].sender);
	}
	f.traced.end = MSG_TRACE_NO_WORKER;
	f.was_probed = true;
	f.probed = (struct msg_probed){.outcome = MSG_OUTCOME_CLOSED, .drop = ""};
	assert_int_equal(trace_evidence(&f).sender, TRACE_BY_GATEWAY);
	assert_int_equal(trace_evidence(&f).answer, TRACE_ANSWER_CLOSED);
	f.probed.outcome = MSG_OUTCOME_BUSY;
	assert_int_equal(trace_evidence(&f).sender, TRACE_BY_BUSY);
	f.was_traced = false;
	assert_int_equal(trace_evidence(&f).sender, TRACE_WITHOUT_ANSWER);
}

static void icmp_error_of_who_finds_nobody_is_told_from_a_router_s(void **state)
{
	struct trace_facts f = facts_of_success();

	f.traced.watch.answer = MSG_OUTCOME_ICMP;
	f.traced.watch.type = 3;
	f.traced.watch.code = 1;
	assert_int_equal(trace_evidence(&f).answer, TRACE_ANSWER_NEIGHBOUR);
	f.traced.watch.code = 13;
	assert_int_equal(trace_evidence(&f).answer, TRACE_ANSWER_UNREACHABLE);
	f.traced.watch.from = (struct prefix){AF_INET6, 128, {0xfd}};
	f.traced.watch.type = 1;
	f.traced.watch.code = 3;
	assert_int_equal(trace_evidence(&f).answer, TRACE_ANSWER_NEIGHBOUR);
}

static void route_of_the_gateway_s_kernel_is_evidence(void **state)
{
	struct trace_facts f = facts_of_success();

	assert_int_equal(trace_evidence(&f).gateway_route, TRACE_ROUTE_RIGHT);
	strcpy(f.kernel.device, "sstp0");
	assert_int_equal(trace_evidence(&f).gateway_route, TRACE_ROUTE_ELSEWHERE);
	f.kernel.kind = RTNL_GOT_LOCAL;
	assert_int_equal(trace_evidence(&f).gateway_route, TRACE_ROUTE_LOCAL);
	f.kernel_error = -ENETUNREACH;
	assert_int_equal(trace_evidence(&f).gateway_route, TRACE_ROUTE_NONE);
	f.has_kernel = false;
	assert_int_equal(trace_evidence(&f).gateway_route, TRACE_ROUTE_UNKNOWN);
	f.seen.was_open = false;
	assert_int_equal(trace_evidence(&f).has_left, TRACE_UNKNOWN);
}

static void way_back_that_is_missing_names_the_pool(void **state)
{
	struct prefix list[] = {{AF_INET, 16, {10, 0}}, {AF_INET, 24, {172, 16, 0}}};
	struct fabric_prefixes pools = {.list = list, .n = 2};
	struct trace_facts f = facts_of_success();
	json_t *json;

	f.pools = &pools;
	f.traced.watch.answered = f.traced.watch.delivered = 0;
	f.seen.back = f.seen.out = 0;
	f.traced.worker.outcome = VENDOR_OUTCOME_SILENCE;
	json = told(&f);
	assert_string_equal(text_at(json, "verdict"), "NoWayBack");
	assert_non_null(strstr(text_at(json, "next"), "a route to 172.16.0.0/24 by this gateway"));
	json_decref(json);
}

static void source_that_is_translated_is_said(void **state)
{
	struct trace_facts f = facts_of_success();
	json_t *json = told(&f);

	assert_null(strstr(text_at(stage_at(json, TRACE_GATEWAY_ROUTE), "finding"), "translated"));
	json_decref(json);
	f.seen.source.addr[0] = 10;
	json = told(&f);
	assert_non_null(strstr(text_at(stage_at(json, TRACE_GATEWAY_ROUTE), "finding"),
			       "as from 10.16.0.1: its source is translated"));
	json_decref(json);
}

/* Whatever the evidence, there are words: no place of a sentence is left open. */
static void every_fact_has_its_words(void **state)
{
	struct trace_facts f = facts_of_success();

	for (unsigned i = 0; i < 7 * 6 * 9 * 4; i++) {
		json_t *json;

		f.traced.end = i % MSG_TRACE_ENDS;
		f.traced.worker.route = (uint8_t)(1 + i / 7 % 6);
		f.traced.worker.outcome = (uint8_t)(1 + i / 42 % 9);
		f.traced.watch.sent = i & 1;
		f.traced.watch.passed = i >> 1 & 1;
		json = told(&f);
		assert_true(strlen(text_at(json, "message")) > 0);
		assert_null(strchr(text_at(json, "message"), '%'));
		assert_null(strchr(text_at(json, "next"), '%'));
		json_decref(json);
	}
}

static void session_stands_for_the_app_that_there_is_not(void **state)
{
	struct trace_facts f = facts_of_success();
	json_t *json;

	f.app = "";
	f.session = 7;
	json = told(&f);
	assert_true(json_is_null(json_object_get(json, "app")));
	assert_string_equal(text_at(json, "message"), "Port 1433 of 10.2.0.4 answers session 7.");
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(probe_that_arrived_is_ok_at_every_stage),
		cmocka_unit_test(counters_stand_at_the_stage_where_they_count),
		cmocka_unit_test(stages_behind_the_stop_are_not_reached),
		cmocka_unit_test(outcomes_of_the_worker_are_evidence),
		cmocka_unit_test(ends_of_a_trace_say_who_has_sent_it),
		cmocka_unit_test(icmp_error_of_who_finds_nobody_is_told_from_a_router_s),
		cmocka_unit_test(route_of_the_gateway_s_kernel_is_evidence),
		cmocka_unit_test(way_back_that_is_missing_names_the_pool),
		cmocka_unit_test(source_that_is_translated_is_said),
		cmocka_unit_test(every_fact_has_its_words),
		cmocka_unit_test(session_stands_for_the_app_that_there_is_not),
	};

	return cmocka_run_group_tests_name("control/trace_words", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/api_timelines.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"

#define NEVER MSG_STAGE_NEVER

/* 2026-09-21T14:13:20.000001Z */
#define BEGAN INT64_C(1790000000000001)

static const struct msg_timeline up = {
	.boot = 0x1234,
	.id = 7,
	.began_us = BEGAN,
	.lasted_us = 900,
	.stages_us = {0, 100, 150, 200, 300, 400, 400, 500, NEVER, 450},
	.app = "shop",
	.vnet = "blue",
	.user = "shop@blue",
	.source = "192.0.2.9:50123",
	.dialled = "",
	.tls = "TLSv1.3 X",
	.correlation = "{AB-12}",
	.auth = "EAP-TLS",
	.thumbprint = "AB12",
	.reason = "",
};

static const struct msg_timeline refused = {
	.boot = 0x1234,
	.id = 8,
	.began_us = BEGAN,
	.lasted_us = 700,
	.has_ended = true,
	.ended_by = MSG_SIDE_CLIENT,
	.untold = 3,
	.stages_us = {0, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER, NEVER},
	.app = "",
	.vnet = "",
	.user = "",
	.source = "192.0.2.9:50124",
	.dialled = "gw.test",
	.tls = "",
	.correlation = "",
	.auth = "",
	.thumbprint = "",
	.reason = "closed by the peer",
};

static void take(struct timelines *t, const struct msg_timeline *m)
{
	assert_int_equal(timelines_take(t, m), 0);
}

static struct timelines *book(void)
{
	struct timelines *t = timelines_new(&(struct timelines_limits){20, 20});
	struct msg_timeline m = up;

	assert_non_null(t);
	m.address_be = htonl(0xac104d05);
	take(t, &m);
	timelines_note(t, &(struct timelines_whose){0}, BEGAN + 600, "probe", "asked");
	take(t, &refused);
	return t;
}

static void ask(const struct timelines *t, enum front_method method, const char *query, int status,
		json_t **ret_json)
{
	const struct front_request request = {
		.method = method, .path = "/v1/timelines", .query = query};
	struct front_reply reply = {0};

	assert_true(api_timelines_has_path(request.path));
	api_timelines_answer(t, &request, &reply);
	if (reply.status != status)
		fail_msg("%s: %d: %s", query, reply.status, reply.json);
	*ret_json = json_loads(reply.json, 0, NULL);
	assert_non_null(*ret_json);
	free(reply.json);
}

/* The only one that is found, owned. */
static json_t *one(const char *query)
{
	struct timelines *t = book();
	json_t *answer, *row;

	ask(t, FRONT_GET, query, 200, &answer);
	assert_int_equal(json_array_size(json_object_get(answer, "value")), 1);
	assert_int_equal(json_integer_value(json_object_get(answer, "untold")), 3);
	row = json_incref(json_array_get(json_object_get(answer, "value"), 0));
	json_decref(answer);
	timelines_free(t);
	return row;
}

static void has(const json_t *row, const char *key, const char *expected)
{
	const char *text = json_string_value(json_object_get(row, key));

	if (!text || !expected)
		assert_true(text == expected && json_is_null(json_object_get(row, key)));
	else
		assert_string_equal(text, expected);
}

/* Takes row. */
static void expect_events(json_t *row, const char *const *expected, size_t n)
{
	const json_t *list = json_object_get(row, "events");
	char text[300];

	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *e = json_array_get(list, i);

		snprintf(text, sizeof(text), "%lld %lld %s %s",
			 json_integer_value(json_object_get(e, "offsetUs")),
			 json_integer_value(json_object_get(e, "gapUs")),
			 json_string_value(json_object_get(e, "event")),
			 json_string_value(json_object_get(e, "detail")));
		assert_string_equal(text, i < n ? expected[i] : "nothing");
	}
	assert_int_equal(json_array_size(list), n);
	json_decref(row);
}

static void session_that_is_up_has_all_that_is_known(void **state)
{
	json_t *row = one("session=7");

	has(row, "vpnConnectionId", "SSTP_0000000000001234-7");
	has(row, "state", "up");
	has(row, "app", "shop");
	has(row, "vnet", "blue");
	has(row, "vpnUserName", "shop@blue");
	has(row, "authentication", "EAP-TLS");
	has(row, "certThumbprint", "AB12");
	has(row, "publicIpAddress", "192.0.2.9:50123");
	has(row, "privateIpAddress", "172.16.77.5");
	has(row, "dialled", NULL);
	has(row, "tls", "TLSv1.3 X");
	has(row, "correlationId", "{AB-12}");
	has(row, "began", "2026-09-21T14:13:20.000001Z");
	has(row, "ended", NULL);
	has(row, "stoppedAt", NULL);
	has(row, "endedBy", NULL);
	has(row, "reason", NULL);
	assert_true(json_is_null(json_object_get(row, "durationUs")));
	json_decref(row);
}

static void events_stand_in_the_order_of_time(void **state)
{
	static const char *const expected[] = {
		"0 0 tcp from 192.0.2.9:50123",
		"100 100 tls TLSv1.3 X, name dialled: none",
		"150 50 http correlation {AB-12}",
		"200 50 sstp call accepted",
		"300 100 lcp PPP agreed on EAP-TLS",
		"400 100 auth EAP-TLS as shop@blue, certificate AB12",
		"400 0 bound crypto binding holds",
		"450 50 subscribed a worker of ours asks for its network",
		"500 50 ipcp address 172.16.77.5",
		"600 100 probe asked",
	};

	expect_events(one("app=shop"), expected, sizeof(expected) / sizeof(expected[0]));
}

static void session_that_never_came_up_says_where_it_stopped_and_who_ended_it(void **state)
{
	static const char *const expected[] = {
		"0 0 tcp from 192.0.2.9:50124",
		"700 700 ended by the client: closed by the peer",
	};
	json_t *row = one("session=8");

	has(row, "state", "failed");
	has(row, "stoppedAt", "tls");
	has(row, "endedBy", "client");
	has(row, "reason", "closed by the peer");
	has(row, "dialled", "gw.test");
	has(row, "privateIpAddress", NULL);
	has(row, "ended", "2026-09-21T14:13:20.000701Z");
	assert_int_equal(json_integer_value(json_object_get(row, "durationUs")), 700);
	expect_events(row, expected, 2);
}

static void expect_state(const struct msg_timeline *m, const char *name, const char *stop)
{
	struct timelines *t = timelines_new(&(struct timelines_limits){20, 20});
	json_t *answer;

	take(t, m);
	ask(t, FRONT_GET, NULL, 200, &answer);
	has(json_array_get(json_object_get(answer, "value"), 0), "state", name);
	has(json_array_get(json_object_get(answer, "value"), 0), "stoppedAt", stop);
	json_decref(answer);
	timelines_free(t);
}

static void state_is_of_how_far_it_came(void **state)
{
	struct msg_timeline m = up;

	expect_state(&m, "up", NULL);
	m.has_ended = true;
	expect_state(&m, "ended", NULL);
	m.stages_us[MSG_STAGE_IPCP] = NEVER;
	expect_state(&m, "failed", "ipcp");
	m.stages_us[MSG_STAGE_BOUND] = NEVER;
	expect_state(&m, "failed", "bound");
	m.is_enrolment = true;
	expect_state(&m, "enrolment", NULL);
}

static void as_many_are_listed_as_are_asked_for_the_newest_first(void **state)
{
	struct timelines *t = book();
	struct msg_timeline m = refused;
	json_t *answer;

	for (m.id = 10; m.id < 20; m.id++)
		take(t, &m);
	ask(t, FRONT_GET, NULL, 200, &answer);
	assert_int_equal(json_array_size(json_object_get(answer, "value")), API_TIMELINES_LIMIT);
	has(json_array_get(json_object_get(answer, "value"), 0), "vpnConnectionId",
	    "SSTP_0000000000001234-19");
	json_decref(answer);
	ask(t, FRONT_GET, "limit=2", 200, &answer);
	assert_int_equal(json_array_size(json_object_get(answer, "value")), 2);
	json_decref(answer);
	ask(t, FRONT_GET, "correlation=ab-12&limit=3", 200, &answer);
	assert_int_equal(json_array_size(json_object_get(answer, "value")), 1);
	json_decref(answer);
	timelines_free(t);
}

static void what_is_no_question_is_refused(void **state)
{
	static const char *const queries[] = {"limit=0",     "limit=",	    "limit=x", "limit=-1",
					      "limit=99999", "session=%zz", "user=x"};
	struct timelines *t = book();
	json_t *answer;

	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		ask(t, FRONT_GET, queries[i], 400, &answer);
		json_decref(answer);
	}
	ask(t, FRONT_POST, NULL, 405, &answer);
	json_decref(answer);
	assert_false(api_timelines_has_path("/v1/timelines/7"));
	timelines_free(t);
}

static void there_is_one_route(void **state)
{
	enum front_method method;

	assert_string_equal(api_timelines_route(0, &method), "/v1/timelines");
	assert_int_equal(method, FRONT_GET);
	assert_null(api_timelines_route(1, &method));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(session_that_is_up_has_all_that_is_known),
		cmocka_unit_test(events_stand_in_the_order_of_time),
		cmocka_unit_test(session_that_never_came_up_says_where_it_stopped_and_who_ended_it),
		cmocka_unit_test(state_is_of_how_far_it_came),
		cmocka_unit_test(as_many_are_listed_as_are_asked_for_the_newest_first),
		cmocka_unit_test(what_is_no_question_is_refused),
		cmocka_unit_test(there_is_one_route),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The operator asks about sessions that were written into the store; the data plane is a list of lines. */
#include "sstp/control/api_sessions.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/control/model_internal.h"
#include "sstp/control/msg_site.h"
#include "test/support/cmocka.h"
#include "test/unit/control/world.h"

#define PRIMARY                                                                      \
	"/subscriptions/default/resourceGroups/default/providers/Microsoft.Network/" \
	"virtualNetworks/blue/virtualNetworkGateways/primary"
#define HEALTH	   PRIMARY "/getVpnClientConnectionHealth"
#define DISCONNECT PRIMARY "/disconnectVirtualNetworkGatewayVpnConnections"

struct scene {
	struct world *w;
	char said[1024]; /* to the data plane */
	bool is_deaf;
};

static int hear(void *arg, uint8_t *frame, size_t len)
{
	struct scene *s = arg;
	struct msg_disconnect m;
	size_t end = strlen(s->said);
	int r = s->is_deaf ? -EPIPE : 0;

	if (r == 0) {
		assert_int_equal(
			msg_disconnect_decode(frame + MSG_HEAD_SIZE, len - MSG_HEAD_SIZE, &m), 0);
		assert_false(m.is_restart);
		snprintf(s->said + end, sizeof(s->said) - end, "%s%llu app '%s' vnet '%s'",
			 end ? "; " : "", (unsigned long long)m.session, m.app, m.vnet);
	}
	msg_frame_free(frame, len);
	return r;
}

static void run(struct scene *s, const char *sql)
{
	struct certs_error e;

	if (store_run(s->w->model->store, sql, NULL, 0, &e) < 0)
		fail_msg("%s", e.text);
}

/* 1 and 2 are there, of shop and of nobody; 3, of shop, was. */
static void scene_init(struct scene *s)
{
	*s = (struct scene){.w = world_new()};
	world_connect(s->w, "shop", "blue");
	run(s, "INSERT INTO session (boot, number, app, plan, vnet, user, address, source,"
	       " correlation, thumbprint, since, ended, reason, sent_packets, sent_bytes,"
	       " received_packets, received_bytes) VALUES"
	       " (-2, 3, 'shop', '/x/serverfarms/blue', 'blue', 'shop@blue', 0xac104d05,"
	       "  '192.0.2.9:1', '', '', 1700000000, 1700000060, 'the client hung up', 0, 0, 0, 0),"
	       " (-1, 1, 'shop', '/x/serverfarms/blue', 'blue', 'shop@blue', 0xac104d05,"
	       "  '192.0.2.9:50123', '{c}', 'AB12', 1700000000, NULL, '', 1, 10, 2, 20),"
	       " (-1, 2, '', '', 'blue', 'bob', 0xac104d06, '[2001:db8::1]:5', '', '',"
	       "  1700000000, NULL, '', 0, 0, 0, 0)");
}

static void scene_done(struct scene *s)
{
	world_free(s->w);
}

/* Owned. */
static json_t *ask(struct scene *s, enum front_method method, const char *path, const char *query,
		   const char *body, int status)
{
	const struct api_sessions_world w = {.model = s->w->model, .send = hear, .arg = s};
	const struct front_request request = {.method = method,
					      .path = path,
					      .query = query,
					      .body = body,
					      .body_len = strlen(body)};
	struct front_reply reply;
	json_t *json;

	assert_true(api_sessions_has_path(path));
	api_sessions_answer(&w, &request, 1700000100, &reply);
	if (reply.status != status)
		fail_msg("%s?%s: %d instead of %d: %s", path, query, reply.status, status,
			 reply.json);
	json = json_loads(reply.json, 0, NULL);
	assert_non_null(json);
	free(reply.json);
	return json;
}

static void answers(struct scene *s, const char *path, const char *query, const char *expected)
{
	json_t *got = ask(s, FRONT_GET, path, query, "", 200);
	json_t *want = json_loads(expected, 0, NULL);
	char *text = json_dumps(got, JSON_INDENT(1));

	assert_non_null(want);
	if (!json_equal(got, want))
		fail_msg("%s?%s: %s", path, query, text);
	free(text);
	json_decref(got);
	json_decref(want);
}

/* Of each row, blank between. */
static void list_has(struct scene *s, const char *path, const char *query, const char *key,
		     const char *expected)
{
	json_t *json = ask(s, FRONT_GET, path, query, "", 200);
	char text[512] = "";
	size_t i;
	json_t *row;

	json_array_foreach(json_object_get(json, "value"), i, row)
	{
		char *dump = json_dumps(json_object_get(row, key), JSON_ENCODE_ANY);

		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? " " : "",
			 dump);
		free(dump);
	}
	assert_string_equal(text, expected);
	json_decref(json);
}

static void refuses(struct scene *s, enum front_method method, const char *path, const char *query,
		    const char *body, int status, const char *part)
{
	json_t *json = ask(s, method, path, query, body, status);
	const char *text =
		json_string_value(json_object_get(json_object_get(json, "error"), "message"));

	if (!strstr(text, part))
		fail_msg("%s?%s: '%s' says nothing of '%s'", path, query, text, part);
	json_decref(json);
}

static void disconnects(struct scene *s, const char *path, const char *body, int n,
			const char *said)
{
	json_t *json = ask(s, FRONT_POST, path, NULL, body, 200);

	assert_int_equal(json_integer_value(json_object_get(json, "disconnected")), n);
	assert_string_equal(s->said, said);
	*s->said = '\0';
	json_decref(json);
}

/* ---- who is there ---- */

static void session_has_the_fields_of_the_original_and_what_it_hides(void **state)
{
	struct scene s;

	scene_init(&s);
	answers(&s, "/v1/sessions/SSTP_ffffffffffffffff-1", NULL,
		"{\"vpnConnectionId\":\"SSTP_ffffffffffffffff-1\",\"state\":\"Connected\","
		"\"app\":\"shop\",\"plan\":\"blue\",\"planId\":\"/x/serverfarms/blue\","
		"\"vnet\":\"blue\",\"vpnUserName\":\"shop@blue\","
		"\"publicIpAddress\":\"192.0.2.9:50123\",\"privateIpAddress\":\"172.16.77.5\","
		"\"vpnConnectionTime\":\"2023-11-14T22:13:20Z\",\"vpnConnectionDuration\":100,"
		"\"ended\":null,\"reason\":null,\"correlationId\":\"{c}\","
		"\"certThumbprint\":\"AB12\",\"maxBandwidth\":0,\"maxPacketsPerSecond\":0,"
		"\"egressPacketsTransferred\":2,\"egressBytesTransferred\":20,"
		"\"ingressPacketsTransferred\":1,\"ingressBytesTransferred\":10}");
	scene_done(&s);
}

static void list_has_those_that_are_there_or_those_that_were_too(void **state)
{
	struct scene s;

	scene_init(&s);
	list_has(&s, "/v1/sessions", NULL, "vpnUserName", "\"bob\" \"shop@blue\"");
	list_has(&s, "/v1/sessions", "app=SHOP", "vpnConnectionId", "\"SSTP_ffffffffffffffff-1\"");
	list_has(&s, "/v1/sessions", "plan=Blue", "app", "\"shop\"");
	list_has(&s, "/v1/sessions", "vnet=green", "app", "");
	list_has(&s, "/v1/sessions", "ended=true&app=shop", "vpnConnectionDuration", "100 60");
	list_has(&s, "/v1/sessions", "ended=true", "state",
		 "\"Connected\" \"Connected\" \"Disconnected\"");
	list_has(&s, "/v1/sessions", "ended&limit=1", "app", "null");
	list_has(&s, "/v1/sessions", "ended=false&api-version=1", "ended", "null null");
	refuses(&s, FRONT_GET, "/v1/sessions", "ended=maybe", "", 400, "true or false");
	refuses(&s, FRONT_GET, "/v1/sessions", "limit=0", "", 400, "from 1 to");
	refuses(&s, FRONT_GET, "/v1/sessions", "limit=100001", "", 400, "from 1 to");
	refuses(&s, FRONT_GET, "/v1/sessions", "limit=7x", "", 400, "from 1 to");
	refuses(&s, FRONT_GET, "/v1/sessions", "user=bob", "", 400, "'user' is not known");
	scene_done(&s);
}

static void what_is_no_session_is_not_there(void **state)
{
	static const char *const ids[] = {"1",
					  "SSTP_ffffffffffffffff-7",
					  "SSTP_fffffffffffffff-1",
					  "SSTP_fffffffffffffffff-1",
					  "SSTP_ffffffffffffffff-",
					  "SSTP_ffffffffffffffff-1x",
					  "SSTP_gfffffffffffffff-1",
					  "OVPN_ffffffffffffffff-1"};
	struct scene s;
	char path[128];

	scene_init(&s);
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		snprintf(path, sizeof(path), "/v1/sessions/%s", ids[i]);
		refuses(&s, FRONT_GET, path, NULL, "", 404, "no such session");
	}
	refuses(&s, FRONT_DELETE, "/v1/sessions", NULL, "", 405, "no such method");
	assert_false(api_sessions_has_path("/v1/session"));
	assert_false(api_sessions_has_path("/v1/sessions/1/x"));
	assert_false(api_sessions_has_path(PRIMARY));
	scene_done(&s);
}

/* ---- the end of some ---- */

static void session_is_disconnected_by_its_id(void **state)
{
	struct scene s;

	scene_init(&s);
	disconnects(&s, "/v1/sessions/sstp_FFFFFFFFFFFFFFFF-1/disconnect", "", 1,
		    "1 app '' vnet ''");
	refuses(&s, FRONT_POST, "/v1/sessions/SSTP_fffffffffffffffe-3/disconnect", NULL, "", 409,
		"ended already");
	s.is_deaf = true;
	refuses(&s, FRONT_POST, "/v1/sessions/SSTP_ffffffffffffffff-1/disconnect", NULL, "", 500,
		"cannot be told");
	scene_done(&s);
}

static void sessions_of_an_app_or_a_network_or_all_are_disconnected(void **state)
{
	struct scene s;

	scene_init(&s);
	disconnects(&s, "/v1/sessions/disconnect", "{\"app\":\"shop\"}", 1, "0 app 'shop' vnet ''");
	disconnects(&s, "/v1/sessions/disconnect", "{\"vnet\":\"blue\"}", 2,
		    "0 app '' vnet 'blue'");
	disconnects(&s, "/v1/sessions/disconnect", "{\"app\":\"shop\",\"vnet\":\"blue\"}", 1,
		    "0 app 'shop' vnet 'blue'");
	disconnects(&s, "/v1/sessions/disconnect", "{\"all\":true}", 2, "0 app '' vnet ''");
	disconnects(&s, "/v1/sessions/disconnect", "{\"app\":\"stock\"}", 0, "");
	refuses(&s, FRONT_POST, "/v1/sessions/disconnect", NULL, "", 400, "say whose");
	refuses(&s, FRONT_POST, "/v1/sessions/disconnect", NULL, "{\"all\":false}", 400,
		"say whose");
	refuses(&s, FRONT_POST, "/v1/sessions/disconnect", NULL, "{\"app\":\"a b\"}", 400,
		"'app' is no name");
	refuses(&s, FRONT_POST, "/v1/sessions/disconnect", NULL, "{\"apps\":\"a\"}", 400,
		"'apps' is not known");
	refuses(&s, FRONT_POST, "/v1/sessions/disconnect", NULL, "{\"all\":1}", 400, "'all'");
	refuses(&s, FRONT_POST, "/v1/sessions/disconnect", NULL, "[]", 400, "JSON object");
	refuses(&s, FRONT_POST, "/v1/sessions/disconnect", NULL, "{", 400, "no JSON");
	assert_string_equal(s.said, "");
	scene_done(&s);
}

/* ---- as the original has it ---- */

static void health_of_a_gateway_has_its_sessions(void **state)
{
	struct scene s;
	json_t *json;

	scene_init(&s);
	run(&s, "UPDATE session SET vnet = 'green' WHERE number = 2");
	json = ask(&s, FRONT_POST, HEALTH, "api-version=2023-09-01", "", 200);
	assert_int_equal(json_array_size(json_object_get(json, "value")), 1);
	json_decref(json);
	refuses(&s, FRONT_GET, HEALTH, NULL, "", 405, "no such method");
	refuses(&s, FRONT_POST,
		"/subscriptions/default/resourceGroups/default/providers/Microsoft.Network/"
		"virtualNetworks/blue/virtualNetworkGateways/other/getVpnClientConnectionHealth",
		NULL, "", 404, "no such virtual network gateway");
	scene_done(&s);
}

static void sessions_of_a_gateway_are_disconnected_all_or_none(void **state)
{
	struct scene s;

	scene_init(&s);
	disconnects(&s, DISCONNECT,
		    "{\"vpnConnectionIds\":[\"SSTP_ffffffffffffffff-1\","
		    "\"SSTP_ffffffffffffffff-2\"]}",
		    2, "1 app '' vnet ''; 2 app '' vnet ''");
	disconnects(&s, DISCONNECT, "{\"vpnConnectionIds\":[]}", 0, "");
	refuses(&s, FRONT_POST, DISCONNECT, NULL,
		"{\"vpnConnectionIds\":[\"SSTP_ffffffffffffffff-1\",\"SSTP_fffffffffffffffe-3\"]}",
		404, "no longer");
	run(&s, "UPDATE session SET vnet = 'green' WHERE number = 2");
	refuses(&s, FRONT_POST, DISCONNECT, NULL,
		"{\"vpnConnectionIds\":[\"SSTP_ffffffffffffffff-2\"]}", 404, "one of this gateway");
	refuses(&s, FRONT_POST, DISCONNECT, NULL, "{\"vpnConnectionIds\":[1]}", 400,
		"list of texts");
	refuses(&s, FRONT_POST, DISCONNECT, NULL, "{\"vpnConnectionIds\":\"x\"}", 400,
		"at most 1000");
	refuses(&s, FRONT_POST, DISCONNECT, NULL, "{}", 400, "must be there");
	assert_string_equal(s.said, "");
	scene_done(&s);
}

/* ---- usage ---- */

static void fill_usage(struct scene *s)
{
	run(s, "INSERT INTO usage VALUES"
	       " (19674, 'shop', '/x/serverfarms/blue', 'blue', 1, 10, 2, 20),"
	       " (19675, 'shop', '/x/serverfarms/blue', 'blue', 3, 30, 4, 40),"
	       " (19675, 'stock', '/x/serverfarms/blue', 'blue', 5, 50, 6, 60),"
	       " (19675, '', '', 'green', 7, 70, 8, 80)");
	run(s, "INSERT INTO gateway_time VALUES (19675, 'blue', 5400), (19675, 'red', 86400)");
}

static void B47_usage_is_what_each_connection_has_moved_on_each_day(void **state)
{
	struct scene s;

	scene_init(&s);
	fill_usage(&s);
	answers(&s, "/v1/usage", "app=shop&from=2023-11-14",
		"{\"value\":[{\"day\":\"2023-11-14\",\"app\":\"shop\",\"plan\":\"blue\","
		"\"planId\":\"/x/serverfarms/blue\",\"vnet\":\"blue\",\"egressBytes\":40,"
		"\"egressPackets\":4,\"ingressBytes\":30,\"ingressPackets\":3}]}");
	list_has(&s, "/v1/usage", NULL, "egressBytes", "20 80 40 60");
	list_has(&s, "/v1/usage", "to=2023-11-13", "egressBytes", "20");
	list_has(&s, "/v1/usage", "to=2023-12-13", "egressBytes", "80 40 60");
	list_has(&s, "/v1/usage", "plan=BLUE&per=all", "egressBytes", "60 60");
	list_has(&s, "/v1/usage", "by=app", "app", "\"shop\" null \"shop\" \"stock\"");
	list_has(&s, "/v1/usage", "by=app&per=all", "ingressBytes", "70 40 50");
	list_has(&s, "/v1/usage", "by=plan&per=day&vnet=blue", "ingressPackets", "1 8");
	scene_done(&s);
}

static void B47_gateway_hours_stand_beside_what_went_through(void **state)
{
	struct scene s;

	scene_init(&s);
	fill_usage(&s);
	answers(&s, "/v1/usage", "by=vnet&per=all",
		"{\"value\":[{\"vnet\":\"blue\",\"egressBytes\":120,\"egressPackets\":12,"
		"\"ingressBytes\":90,\"ingressPackets\":9,\"gatewayHours\":1.5},"
		"{\"vnet\":\"green\",\"egressBytes\":80,\"egressPackets\":8,\"ingressBytes\":70,"
		"\"ingressPackets\":7,\"gatewayHours\":0.0},"
		"{\"vnet\":\"red\",\"egressBytes\":0,\"egressPackets\":0,\"ingressBytes\":0,"
		"\"ingressPackets\":0,\"gatewayHours\":24.0}]}");
	list_has(&s, "/v1/usage", "by=vnet", "day",
		 "\"2023-11-13\" \"2023-11-14\" \"2023-11-14\" \"2023-11-14\"");
	scene_done(&s);
}

static void what_is_no_day_or_no_grouping_is_refused(void **state)
{
	static const char *const days[] = {"",		 "2023",       "2023-11-1",   "2023-11-31",
					   "2023-02-29", "2023-13-01", "2023-00-01",  "2023-01-00",
					   "1969-12-31", "2023-1-011", "20231-01-01", "2023-11--1"};
	struct scene s;
	char query[64];

	scene_init(&s);
	for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
		snprintf(query, sizeof(query), "from=%s", days[i]);
		refuses(&s, FRONT_GET, "/v1/usage", query, "", 400, "'from' must be a day");
	}
	refuses(&s, FRONT_GET, "/v1/usage", "by=user", "", 400, "'by' must be");
	refuses(&s, FRONT_GET, "/v1/usage", "per=week", "", 400, "'per' must be");
	list_has(&s, "/v1/usage", "from=1970-01-01&to=9999-12-31", "app", "");
	scene_done(&s);
}

/* Usage of each day is found by that day's name, which SQLite's calendar has given it. */
static void days_are_those_of_the_calendar(void **state)
{
	struct scene s;
	json_t *json;
	size_t i;
	json_t *row;

	scene_init(&s);
	run(&s,
	    "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 400)"
	    " INSERT INTO usage SELECT i * 365 + i % 62, 'shop', '', 'blue', 0, 0, 0, i FROM n");
	json = ask(&s, FRONT_GET, "/v1/usage", "from=1970-01-01&to=9999-12-31", "", 200);
	assert_int_equal(json_array_size(json_object_get(json, "value")), 401);
	json_array_foreach(json_object_get(json, "value"), i, row)
	{
		const char *day = json_string_value(json_object_get(row, "day"));
		char query[64], expected[32];

		snprintf(query, sizeof(query), "from=%s&to=%s", day, day);
		snprintf(expected, sizeof(expected), "%zu", i);
		list_has(&s, "/v1/usage", query, "egressBytes", expected);
	}
	json_decref(json);
	scene_done(&s);
}

static void more_rows_than_an_answer_has_are_refused(void **state)
{
	struct scene s;

	scene_init(&s);
	run(&s, "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
		" INSERT INTO usage SELECT 19675, 'a' || i, '', 'blue', 1, 1, 1, 1 FROM n");
	refuses(&s, FRONT_GET, "/v1/usage", NULL, "", 400, "more than 100000 rows");
	list_has(&s, "/v1/usage", "by=vnet", "egressBytes", "100001");
	scene_done(&s);
}

#define TEST(name) cmocka_unit_test_setup(name, scene_set_up)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(session_has_the_fields_of_the_original_and_what_it_hides),
		TEST(list_has_those_that_are_there_or_those_that_were_too),
		TEST(what_is_no_session_is_not_there),
		TEST(session_is_disconnected_by_its_id),
		TEST(sessions_of_an_app_or_a_network_or_all_are_disconnected),
		TEST(health_of_a_gateway_has_its_sessions),
		TEST(sessions_of_a_gateway_are_disconnected_all_or_none),
		TEST(B47_usage_is_what_each_connection_has_moved_on_each_day),
		TEST(B47_gateway_hours_stand_beside_what_went_through),
		TEST(what_is_no_day_or_no_grouping_is_refused),
		TEST(days_are_those_of_the_calendar),
		TEST(more_rows_than_an_answer_has_are_refused),
	};

	return cmocka_run_group_tests_name("control/api_sessions", tests, NULL, scene_tear_down);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Sites, applied to a model in memory. What each refusal says is in test/golden/api. */
#include "sstp/control/apply.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"

enum {
	NOW = 1700000000,
	REPLY_MAX = 4096,
};

#define SITE(plans, vnets)                                                                   \
	"{\"subscriptions\":[{\"name\":\"s\",\"resourceGroups\":[{\"name\":\"g\",\"plans\":" \
	"[" plans "],\"vnets\":[" vnets "]}]}]}"
#define PLAN(name, tier, apps) "{\"name\":\"" name "\",\"tier\":\"" tier "\",\"apps\":[" apps "]}"
#define APP(name, vnet)	       "{\"name\":\"" name "\",\"vnet\":\"" vnet "\"}"
#define VNET(name, n)                                                                              \
	"{\"name\":\"" name "\",\"addressSpaces\":[\"10." #n ".0.0/16\"],\"gateways\":[{\"name\":" \
	"\"gw\",\"pools\":[\"172.16." #n ".0/24\"]}]}"

static int set_up(void **state)
{
	return model_open(":memory:", (struct model **)state, NULL);
}

static int tear_down(void **state)
{
	model_close(*state);
	return 0;
}

/* What the answer is, good until the next one. */
static const char *ask(struct model *m, enum front_method method, const char *path,
		       const char *body, struct apply_watch *watch)
{
	static char text[REPLY_MAX];
	struct front_request request = {
		.method = method, .path = path, .body = body, .body_len = strlen(body)};
	struct front_reply reply;

	apply_answer(m, &request, NOW, watch, &reply);
	snprintf(text, sizeof(text), "%d %s", reply.status, reply.json);
	free(reply.json);
	return text;
}

static const char *apply(struct model *m, const char *site, const char *more)
{
	char body[REPLY_MAX];

	snprintf(body, sizeof(body), "{\"site\":%s%s}", site, more);
	return ask(m, FRONT_POST, "/v1/apply", body, NULL);
}

static const char *site_now(struct model *m)
{
	return ask(m, FRONT_GET, "/v1/site", "", NULL);
}

static bool has(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

/* "create plan; update app; ..." */
static const char *changes(const char *reply)
{
	static char text[REPLY_MAX];
	json_t *json = json_loads(reply + 4, 0, NULL);
	const json_t *change;
	size_t i, len = 0;

	*text = '\0';
	json_array_foreach(json_object_get(json, "changes"), i, change) len +=
		(size_t)snprintf(text + len, sizeof(text) - len, "%s%s %s", len ? "; " : "",
				 json_string_value(json_object_get(change, "action")),
				 json_string_value(json_object_get(change, "kind")));
	json_decref(json);
	return text;
}

static void what_is_declared_is_made_in_its_order_and_stays_as_it_is(void **state)
{
	static const char site[] = SITE(PLAN("p", "Basic", APP("a", "v")), VNET("v", 1));
	const char *reply;

	assert_string_equal(
		changes(apply(*state, site, "")),
		"create vnet; create gateway; create plan; create app; create connection");
	reply = apply(*state, site, "");
	assert_string_equal(changes(reply), "");
	assert_true(has(reply, "\"unchanged\":5"));
}

static void difference_is_written_alone_and_shown_with_both_values(void **state)
{
	const char *reply;

	apply(*state, SITE(PLAN("p", "Basic", APP("a", "v")), VNET("v", 1)), "");
	reply = apply(*state, SITE(PLAN("p", "Standard", APP("a", "v")), VNET("v", 1)), "");
	assert_string_equal(changes(reply), "update plan");
	assert_true(has(reply, "\"fields\":[{\"name\":\"tier\",\"old\":\"Basic\",\"new\":"
			       "\"Standard\"}]"));
	assert_true(has(reply, "\"unchanged\":4"));
}

static void for_show_the_answer_is_the_same_and_nothing_is_kept(void **state)
{
	static const char site[] = SITE(PLAN("p", "Basic", ""), "");

	assert_string_equal(changes(apply(*state, site, ",\"dryRun\":true")), "create plan");
	assert_string_equal(site_now(*state), "200 {\"subscriptions\":[]}");
	assert_string_equal(changes(apply(*state, site, "")), "create plan");
}

static void what_is_not_declared_goes_only_when_it_is_to_be_pruned(void **state)
{
	static const char less[] = SITE(PLAN("p", "Basic", ""), "");

	apply(*state,
	      SITE(PLAN("p", "Basic", APP("a", "v")) "," PLAN("q", "Basic", ""), VNET("v", 1)), "");
	assert_string_equal(changes(apply(*state, less, "")), "");
	assert_true(has(site_now(*state), "\"q\""));
	assert_string_equal(
		changes(apply(*state, less, ",\"prune\":true")),
		"delete connection; delete app; delete gateway; delete vnet; delete plan");
	assert_false(has(site_now(*state), "\"q\""));
}

static void first_refusal_takes_all_back_and_names_the_culprit(void **state)
{
	const char *reply = apply(
		*state,
		SITE(PLAN("p", "Basic", "") "," PLAN("q", "Free", APP("a", "v")), VNET("v", 1)),
		"");

	assert_int_equal(strncmp(reply, "409 ", 4), 0);
	assert_true(
		has(reply, "\"target\":\"subscriptions[0].resourceGroups[0].plans[1].apps[0]\""));
	assert_string_equal(site_now(*state), "200 {\"subscriptions\":[]}");
}

/* How many networks a plan has is asked of the result: neither would fit in beside all five of the other. */
static void apps_change_places_in_plans_that_are_full(void **state)
{
#define FIVE(p, a, b, c, d, e) \
	PLAN(p, "Basic", APP(p "1", a) "," APP(p "2", b) "," APP(p "3", c) "," APP(p "4", d) "," e)
#define ALL           \
	VNET("v1", 1) \
	"," VNET("v2", 2) "," VNET("v3", 3) "," VNET("v4", 4) "," VNET("v5", 5) "," VNET("v6", 6)
	static const char before[] =
		SITE(FIVE("p", "v1", "v2", "v3", "v4",
			  APP("x", "v5")) "," FIVE("q", "v1", "v2", "v3", "v4", APP("y", "v6")),
		     ALL);
	static const char after[] = SITE(FIVE("p", "v1", "v2", "v3", "v4", APP("y", "v6")) "," FIVE(
						 "q", "v1", "v2", "v3", "v4", APP("x", "v5")),
					 ALL);

	assert_int_equal(strncmp(apply(*state, before, ""), "200 ", 4), 0);
	assert_string_equal(changes(apply(*state, after, "")), "update app; update app");
}

static void steps_are_counted_and_one_that_is_cancelled_leaves_nothing(void **state)
{
	static const char body[] = "{\"site\":" SITE(PLAN("p", "Basic", ""), VNET("v", 1)) "}";
	struct apply_watch watch = {0};
	const char *reply;

	atomic_store(&watch.is_cancelled, true);
	reply = ask(*state, FRONT_POST, "/v1/apply", body, &watch);
	assert_int_equal(strncmp(reply, "500 ", 4), 0);
	assert_true(has(reply, "the gateway ends"));
	assert_string_equal(site_now(*state), "200 {\"subscriptions\":[]}");
	watch = (struct apply_watch){0};
	reply = ask(*state, FRONT_POST, "/v1/apply", body, &watch);
	assert_int_equal(strncmp(reply, "200 ", 4), 0);
	assert_int_equal(atomic_load(&watch.total), 2 * 3 + 1);
	assert_int_equal(atomic_load(&watch.done), 2 * 3 + 1);
}

static void etag_of_the_site_guards_against_lost_updates(void **state)
{
	struct front_request get = {.method = FRONT_GET, .path = "/v1/site", .body = ""};
	struct front_request post = {.method = FRONT_POST, .path = "/v1/apply", .body = "{}"};
	struct front_reply site, reply;

	apply_answer(*state, &get, NOW, NULL, &site);
	post.if_match = site.etag;
	assert_true(apply_matches(*state, &post, &reply));
	apply(*state, SITE(PLAN("p", "Basic", ""), ""), "");
	assert_false(apply_matches(*state, &post, &reply));
	assert_int_equal(reply.status, 412);
	free(reply.json);
	post.if_match = "*";
	assert_true(apply_matches(*state, &post, &reply));
	post.if_match = NULL;
	assert_true(apply_matches(*state, &post, &reply));
	get.if_match = "\"no\""; /* of no account */
	assert_true(apply_matches(*state, &get, &reply));
	free(site.json);
}

static void what_is_no_request_is_refused(void **state)
{
	static const struct {
		const char *body, *status, *why;
	} cases[] = {
		{"{", "400", "the body is no JSON: line 1"},
		{"[]", "400", "the body must be a JSON object"},
		{"{}", "400", "'site' is missing"},
		{"{\"site\": {\"subscriptions\": []}, \"force\": true}", "400", "force"},
		{"{\"site\": {\"subscriptions\": []}, \"prune\": 1}", "400", "prune"},
		{"{\"site\": []}", "400", "must be"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *reply = ask(*state, FRONT_POST, "/v1/apply", cases[i].body, NULL);

		if (strncmp(reply, cases[i].status, 3) != 0 || !has(reply, cases[i].why))
			fail_msg("%s: %s", cases[i].body, reply);
	}
	assert_int_equal(strncmp(ask(*state, FRONT_GET, "/v1/apply", "", NULL), "405", 3), 0);
	assert_int_equal(strncmp(ask(*state, FRONT_PUT, "/v1/site", "", NULL), "405", 3), 0);
	assert_true(apply_has_path("/v1/site") && apply_has_path("/v1/apply"));
	assert_false(apply_has_path("/v1/apply/x"));
}

static void routes_are_those_two(void **state)
{
	enum front_method method;

	assert_string_equal(apply_route(0, &method), "/v1/apply");
	assert_int_equal(method, FRONT_POST);
	assert_string_equal(apply_route(1, &method), "/v1/site");
	assert_int_equal(method, FRONT_GET);
	assert_null(apply_route(2, &method));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(what_is_declared_is_made_in_its_order_and_stays_as_it_is),
		TEST(difference_is_written_alone_and_shown_with_both_values),
		TEST(for_show_the_answer_is_the_same_and_nothing_is_kept),
		TEST(what_is_not_declared_goes_only_when_it_is_to_be_pruned),
		TEST(first_refusal_takes_all_back_and_names_the_culprit),
		TEST(apps_change_places_in_plans_that_are_full),
		TEST(steps_are_counted_and_one_that_is_cancelled_leaves_nothing),
		TEST(etag_of_the_site_guards_against_lost_updates),
		TEST(what_is_no_request_is_refused),
		cmocka_unit_test(routes_are_those_two),
	};

	return cmocka_run_group_tests_name("control/apply", tests, NULL, NULL);
}

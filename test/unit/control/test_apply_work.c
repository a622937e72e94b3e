/* SPDX-License-Identifier: Apache-2.0 */
/* Large sites, applied by a thread beside a loop that asks how far it is. */
#include "sstp/control/apply_work.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sstp/control/api.h"
#include "test/support/cmocka.h"
#include "test/support/testcert.h"

enum {
	NOW = 1700000000,
	ROUTES = 1000,
};

static const char plan_path[] =
	"/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/serverfarms/p";

struct scene {
	struct loop *loop;
	struct model *model;
	struct operations *operations;
	struct loop_timer *look;
	int n_ends; /* on_end() */
	bool was_lent;
	json_t *last;
};

static void on_end(void *arg)
{
	struct scene *s = arg;

	s->n_ends++;
	s->was_lent = model_is_lent(s->model);
}

/* A plan with a network and so many routes; tier: what stands there. Owned. */
static char *site(const char *tier, int n_routes, const char *more)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	fprintf(f,
		"{\"site\": {\"subscriptions\": [{\"name\": \"s\", \"resourceGroups\": [{\"name\": "
		"\"g\", \"vnets\": [{\"name\": \"v\", \"addressSpaces\": [\"10.1.0.0/16\"], "
		"\"gateways\": [{\"name\": \"gw\", \"pools\": [\"172.16.0.0/24\"]}]}], \"plans\": "
		"[{\"name\": \"p\", \"tier\": \"%s\", \"apps\": [{\"name\": \"a\", \"vnet\": "
		"\"v\"}], \"routes\": [",
		tier);
	for (int i = 0; i < n_routes; i++)
		fprintf(f,
			"%s{\"name\": \"r%d\", \"vnet\": \"v\", \"startAddress\": "
			"\"198.18.%d.%d/30\"}",
			i ? ", " : "", i, i / 64, i % 64 * 4);
	fprintf(f, "]}]}]}]}%s}", more);
	fclose(f);
	return text;
}

static json_t *take(struct scene *s, struct front_reply *reply, int status)
{
	json_decref(s->last);
	s->last = json_loads(reply->json, 0, NULL);
	free(reply->json);
	assert_int_equal(reply->status, status);
	return s->last;
}

/* Takes body. */
static json_t *begin(struct scene *s, char *body, int status)
{
	struct front_request request = {
		.method = FRONT_POST, .path = "/v1/apply", .body = body, .body_len = strlen(body)};
	const struct apply_work_params params = {.model = s->model, .on_end = on_end, .arg = s};
	struct front_reply reply;

	apply_work_begin(s->operations, &params, &request, NOW, &reply);
	free(body);
	if (status == 202)
		assert_string_equal(reply.location, "/v1/operations/1");
	return take(s, &reply, status);
}

static json_t *operation(struct scene *s)
{
	struct front_request request = {.method = FRONT_GET, .path = "/v1/operations/1"};
	struct front_reply reply;

	operations_answer(s->operations, &request, &reply);
	return take(s, &reply, 200);
}

static json_t *ask(struct scene *s, enum front_method method, const char *body, int status)
{
	struct front_request request = {
		.method = method, .path = plan_path, .body = body, .body_len = strlen(body)};
	struct front_reply reply;

	api_answer(s->model, &request, NOW, &reply);
	return take(s, &reply, status);
}

static void look(void *arg)
{
	struct scene *s = arg;
	const json_t *json = operation(s);

	if (strcmp(json_string_value(json_object_get(json, "status")), "Running") != 0)
		loop_stop(s->loop);
	else
		loop_timer_set(s->look, loop_now(s->loop) + OPERATIONS_PAUSE_NS);
}

/* Returns the operation. */
static const json_t *wait_for_the_end(struct scene *s)
{
	loop_timer_set(s->look, loop_now(s->loop));
	assert_int_equal(loop_run(s->loop), 0);
	assert_int_equal(s->n_ends, 1);
	assert_false(s->was_lent);
	return s->last;
}

static int scene_up(void **state)
{
	static unsigned n;
	struct scene *s = calloc(1, sizeof(*s));
	struct certs_error e;
	char name[32];

	snprintf(name, sizeof(name), "model%u.sqlite", n++);
	assert_int_equal(model_open(testcert_path(name), &s->model, &e), 0);
	s->loop = loop_new();
	s->operations = operations_new(s->loop);
	s->look = loop_timer_new(s->loop, look, s);
	*state = s;
	return 0;
}

static int scene_down(void **state)
{
	struct scene *s = *state;

	json_decref(s->last);
	operations_free(s->operations);
	loop_timer_free(s->look);
	model_close(s->model);
	loop_free(s->loop);
	free(s);
	return 0;
}

static void large_site_is_an_operation_with_the_same_answer(void **state)
{
	struct scene *s = *state;
	const json_t *json = begin(s, site("Basic", ROUTES, ""), 202);
	const json_t *result;

	assert_string_equal(json_string_value(json_object_get(json, "kind")), "apply");
	json = wait_for_the_end(s);
	assert_string_equal(json_string_value(json_object_get(json, "status")), "Succeeded");
	/* VNet, gateway, plan, app, connection and the routes, twice, and the sync */
	assert_int_equal(json_integer_value(json_object_get(json, "total")), 2 * (ROUTES + 5) + 1);
	assert_int_equal(json_integer_value(json_object_get(json, "done")), 2 * (ROUTES + 5) + 1);
	result = json_object_get(json, "result");
	assert_int_equal(json_array_size(json_object_get(result, "changes")), ROUTES + 5);
	ask(s, FRONT_GET, "", 200);
}

static void others_read_what_stood_before_and_change_nothing_meanwhile(void **state)
{
	struct scene *s = *state;
	struct certs_error e;
	const json_t *error;

	begin(s, site("Basic", 1, ""), 202);
	assert_true(model_is_lent(s->model));
	error = json_object_get(ask(s, FRONT_PUT, "{\"sku\": {\"tier\": \"Standard\"}}", 409),
				"error");
	assert_string_equal(json_string_value(json_object_get(error, "message")),
			    "A site is being applied, and nothing else is changed until that has "
			    "ended: see /v1/operations.");
	assert_int_equal(model_batch(s->model, &e), -EINPROGRESS);
	begin(s, site("Basic", 1, ""), 409);
	wait_for_the_end(s);
	ask(s, FRONT_PUT, "{\"sku\": {\"tier\": \"Standard\"}}", 200);
}

static void what_another_thread_has_not_committed_is_not_there(void **state)
{
	const struct store_value plan = {.name = ":name", .text = "x"};
	struct scene *s = *state;
	struct certs_error e;
	struct model *lent;

	assert_int_equal(model_lend(s->model, &lent, &e), 0);
	assert_int_equal(model_batch(lent, &e), 0);
	assert_int_equal(store_run(model_store(lent),
				   "INSERT INTO plan (subscription, resource_group, name)"
				   " VALUES ('s', 'g', 'p')",
				   &plan, 1, &e),
			 1);
	ask(s, FRONT_GET, "", 404);
	assert_int_equal(model_flush(lent, &e), 0);
	ask(s, FRONT_GET, "", 200);
	assert_int_equal(model_lend(s->model, &lent, &e), -EINPROGRESS);
	assert_int_equal(model_take_back(s->model, lent, &e), 0);
}

static void refused_site_leaves_nothing_and_says_where(void **state)
{
	struct scene *s = *state;
	const json_t *json, *error;

	begin(s, site("Free", ROUTES, ""), 202);
	json = wait_for_the_end(s);
	assert_string_equal(json_string_value(json_object_get(json, "status")), "Failed");
	error = json_object_get(json, "error");
	assert_string_equal(json_string_value(json_object_get(error, "code")), "Conflict");
	assert_string_equal(json_string_value(json_object_get(error, "target")),
			    "subscriptions[0].resourceGroups[0].plans[0].apps[0]");
	assert_string_equal(json_string_value(json_object_get(json, "message")),
			    json_string_value(json_object_get(error, "message")));
	ask(s, FRONT_GET, "", 404);
}

static void gateway_that_ends_takes_it_back(void **state)
{
	struct scene *s = *state;
	struct certs_error e;
	struct store *other;

	/* somebody holds the store: the thread does not come far */
	assert_int_equal(store_open_beside(model_store(s->model), &other, &e), 0);
	assert_int_equal(store_begin(other, &e), 0);
	begin(s, site("Basic", ROUTES, ""), 202);
	store_close(other);
	operations_cancel(s->operations);
	assert_int_equal(s->n_ends, 1);
	assert_string_equal(json_string_value(json_object_get(operation(s), "status")), "Failed");
	ask(s, FRONT_GET, "", 404);
	operations_cancel(s->operations);
	assert_int_equal(s->n_ends, 1);
}

static bool is_long(struct scene *s, char *body)
{
	struct front_request request = {
		.method = FRONT_POST, .path = "/v1/apply", .body = body, .body_len = strlen(body)};
	bool answer = apply_is_long(s->model, &request);

	free(body);
	return answer;
}

static void small_site_is_applied_at_once_unless_it_removes_much(void **state)
{
	struct scene *s = *state;
	struct front_request request = {.method = FRONT_GET, .path = "/v1/site", .body = ""};

	assert_false(apply_is_long(s->model, &request));
	assert_false(is_long(s, site("Basic", 10, "")));
	assert_false(is_long(s, site("Basic", 10, ", \"prune\": true")));
	assert_true(is_long(s, site("Basic", ROUTES, "")));
	begin(s, site("Basic", APPLY_AT_ONCE_ROWS, ""), 202);
	wait_for_the_end(s);
	assert_false(is_long(s, site("Basic", 10, "")));
	assert_true(is_long(s, site("Basic", 10, ", \"prune\": true")));
}

static void model_in_memory_is_not_lent(void **state)
{
	struct model *m, *lent;
	struct certs_error e;

	assert_int_equal(model_open(":memory:", &m, &e), 0);
	assert_int_equal(model_lend(m, &lent, &e), -EINVAL);
	assert_false(model_is_lent(m));
	model_close(m);
}

int main(void)
{
#define in_scene(test) cmocka_unit_test_setup_teardown(test, scene_up, scene_down)
	const struct CMUnitTest tests[] = {
		in_scene(large_site_is_an_operation_with_the_same_answer),
		in_scene(others_read_what_stood_before_and_change_nothing_meanwhile),
		in_scene(what_another_thread_has_not_committed_is_not_there),
		in_scene(refused_site_leaves_nothing_and_says_where),
		in_scene(gateway_that_ends_takes_it_back),
		in_scene(small_site_is_applied_at_once_unless_it_removes_much),
		cmocka_unit_test(model_in_memory_is_not_lent),
	};

	return cmocka_run_group_tests_name("control/apply_work", tests, NULL, NULL);
}

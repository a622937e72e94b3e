/* SPDX-License-Identifier: Apache-2.0 */
/* A copy of a model in a folder, step by step in a loop, as the operator sees it. */
#include "sstp/control/operations.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sstp/control/api.h"
#include "sstp/control/backups.h"
#include "sstp/control/openapi.h"
#include "test/support/cmocka.h"
#include "test/support/testcert.h"

enum {
	NOW = 1700000000
};

struct scene {
	struct loop *loop;
	struct model *model;
	struct operations *operations;
	struct backups *backups;
	struct loop_timer *look;
	char state[256];
	char path[300];
	json_t *last;
};

static json_t *ask(struct scene *s, enum front_method method, const char *path, int status)
{
	struct front_request request = {.method = method, .path = path, .body = ""};
	struct front_reply reply = {0};

	assert_true(operations_has_path(path) || backups_has_path(path));
	if (backups_has_path(path))
		backups_answer(s->backups, &request, NOW, &reply);
	else
		operations_answer(s->operations, &request, &reply);
	assert_int_equal(reply.status, status);
	if (status == 202)
		assert_string_equal(reply.location, "/v1/operations/1");
	else
		assert_string_equal(reply.location, "");
	json_decref(s->last);
	s->last = json_loads(reply.json, 0, NULL);
	free(reply.json);
	return s->last;
}

static const char *text_of(const json_t *json, const char *key)
{
	return json_string_value(json_object_get(json, key));
}

static void put_plan(struct scene *s, const char *name, const char *tier)
{
	char path[200];
	char body[64];
	struct front_request request = {.method = FRONT_PUT, .path = path, .body = body};
	struct front_reply reply = {0};

	snprintf(path, sizeof(path),
		 "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/serverfarms/%s", name);
	request.body_len =
		(size_t)snprintf(body, sizeof(body), "{\"sku\": {\"tier\": \"%s\"}}", tier);
	api_answer(s->model, &request, NOW, &reply);
	assert_int_equal(reply.status, 200);
	free(reply.json);
}

static int plans(struct scene *s)
{
	static const char path[] = "/subscriptions/s/providers/Microsoft.Web/serverfarms";
	struct front_request request = {.method = FRONT_GET, .path = path, .body = ""};
	struct front_reply reply = {0};
	json_t *json;
	int n;

	api_answer(s->model, &request, NOW, &reply);
	json = json_loads(reply.json, 0, NULL);
	n = (int)json_array_size(json_object_get(json, "value"));
	json_decref(json);
	free(reply.json);
	return n;
}

static int scene_up(void **state)
{
	static unsigned n;
	struct scene *s = calloc(1, sizeof(*s));
	struct certs_error e;
	char name[16];

	snprintf(name, sizeof(name), "state%u", n++);
	snprintf(s->state, sizeof(s->state), "%s", testcert_path(name));
	assert_int_equal(mkdir(s->state, 0700), 0);
	snprintf(s->path, sizeof(s->path), "%s/model.sqlite", s->state);
	assert_int_equal(model_open(s->path, &s->model, &e), 0);
	s->loop = loop_new();
	s->operations = operations_new(s->loop);
	s->backups = backups_new(s->operations, s->model, s->state);
	*state = s;
	return 0;
}

static int scene_down(void **state)
{
	struct scene *s = *state;

	json_decref(s->last);
	operations_free(s->operations);
	backups_free(s->backups);
	loop_timer_free(s->look);
	model_close(s->model);
	loop_free(s->loop);
	free(s);
	return 0;
}

static void look(void *arg)
{
	struct scene *s = arg;
	const json_t *json = ask(s, FRONT_GET, "/v1/operations/1", 200);

	if (strcmp(text_of(json, "status"), "Running") != 0)
		loop_stop(s->loop);
	else
		loop_timer_set(s->look, loop_now(s->loop));
}

static void wait_for_the_end(struct scene *s)
{
	if (!s->look)
		s->look = loop_timer_new(s->loop, look, s);
	loop_timer_set(s->look, loop_now(s->loop));
	assert_int_equal(loop_run(s->loop), 0);
}

static void backup_is_begun_asked_about_and_restored(void **state)
{
	struct scene *s = *state;
	char file[400];
	struct certs_error e;
	struct stat st;

	put_plan(s, "p1", "Basic");
	assert_string_equal(text_of(ask(s, FRONT_POST, "/v1/backups", 202), "status"), "Running");
	put_plan(s, "p2", "Basic"); /* while it is under way: it is in it */
	wait_for_the_end(s);
	assert_string_equal(text_of(s->last, "status"), "Succeeded");
	assert_int_equal(json_integer_value(json_object_get(s->last, "done")),
			 json_integer_value(json_object_get(s->last, "total")));
	assert_true(json_integer_value(json_object_get(s->last, "total")) > 0);
	snprintf(file, sizeof(file), "%s/backups/%s", s->state,
		 text_of(json_object_get(s->last, "result"), "name"));
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);

	put_plan(s, "p3", "Basic");
	assert_int_equal(plans(s), 3);
	assert_int_equal(model_restore(s->path, file, &e), -EAGAIN);
	operations_free(s->operations);
	s->operations = NULL;
	model_close(s->model);
	s->model = NULL;
	assert_int_equal(model_restore(s->path, file, &e), 0);
	assert_int_equal(model_open(s->path, &s->model, &e), 0);
	assert_int_equal(plans(s), 2);
}

static void backups_are_listed_the_newest_first(void **state)
{
	struct scene *s = *state;
	const json_t *list = json_object_get(ask(s, FRONT_GET, "/v1/backups", 200), "value");

	assert_int_equal(json_array_size(list), 0);
	ask(s, FRONT_POST, "/v1/backups", 202);
	wait_for_the_end(s);
	list = json_object_get(ask(s, FRONT_GET, "/v1/backups", 200), "value");
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(text_of(json_array_get(list, 0), "name"),
			    "2023-11-14T22:13:20Z-1.sqlite");
	list = json_object_get(ask(s, FRONT_GET, "/v1/operations", 200), "value");
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(text_of(json_array_get(list, 0), "status"), "Succeeded");
}

static void second_backup_at_a_time_is_refused(void **state)
{
	struct scene *s = *state;

	ask(s, FRONT_POST, "/v1/backups", 202);
	ask(s, FRONT_POST, "/v1/backups", 409);
}

static void backup_that_is_not_finished_leaves_nothing_behind(void **state)
{
	struct scene *s = *state;
	char file[400];

	ask(s, FRONT_POST, "/v1/backups", 202);
	snprintf(file, sizeof(file), "%s/backups/2023-11-14T22:13:20Z-1.sqlite.part", s->state);
	assert_int_equal(access(file, F_OK), 0);
	operations_free(s->operations);
	assert_int_equal(access(file, F_OK), -1);
	s->operations = NULL;
}

static void folder_that_cannot_be_written_fails_with_a_sentence(void **state)
{
	struct scene *s = *state;
	char folder[300];
	FILE *f;

	snprintf(folder, sizeof(folder), "%s/backups", s->state);
	f = fopen(folder, "w");
	fclose(f);
	ask(s, FRONT_POST, "/v1/backups", 500);
	assert_non_null(
		strstr(text_of(json_object_get(s->last, "error"), "message"), "Not a directory"));
	assert_int_equal(
		json_array_size(json_object_get(ask(s, FRONT_GET, "/v1/operations", 200), "value")),
		0);
}

static void what_is_no_operation_is_404_and_what_is_no_method_405(void **state)
{
	static const char *const none[] = {
		"/v1/operations/1",  "/v1/operations/0",  "/v1/operations/01",
		"/v1/operations/1x", "/v1/operations/-1", "/v1/operations/99999999999999999999"};
	struct scene *s = *state;

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		ask(s, FRONT_GET, none[i], 404);
	ask(s, FRONT_DELETE, "/v1/backups", 405);
	ask(s, FRONT_POST, "/v1/operations", 405);
	assert_false(operations_has_path("/v1/operation"));
	assert_false(operations_has_path("/v1/operations/1/2"));
}

static void description_is_served_as_json(void **state)
{
	struct front_request request = {.method = FRONT_GET, .path = "/openapi.json"};
	struct front_reply reply = {0};
	json_t *json;

	assert_true(openapi_has_path("/openapi.json"));
	assert_false(openapi_has_path("/openapi.jsonx"));
	openapi_answer(&request, &reply);
	assert_int_equal(reply.status, 200);
	json = json_loads(reply.json, 0, NULL);
	assert_string_equal(text_of(json, "openapi"), "3.1.0");
	json_decref(json);
	free(reply.json);
	request.method = FRONT_PUT;
	openapi_answer(&request, &reply);
	assert_int_equal(reply.status, 405);
	free(reply.json);
}

int main(void)
{
#define in_scene(test) cmocka_unit_test_setup_teardown(test, scene_up, scene_down)
	const struct CMUnitTest tests[] = {
		in_scene(backup_is_begun_asked_about_and_restored),
		in_scene(backups_are_listed_the_newest_first),
		in_scene(second_backup_at_a_time_is_refused),
		in_scene(backup_that_is_not_finished_leaves_nothing_behind),
		in_scene(folder_that_cannot_be_written_fails_with_a_sentence),
		in_scene(what_is_no_operation_is_404_and_what_is_no_method_405),
		cmocka_unit_test(description_is_served_as_json),
	};

	return cmocka_run_group_tests_name("control/operations", tests, NULL, NULL);
}

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

#include "certs/vault.h"
#include "sstp/control/api.h"
#include "sstp/control/backups.h"
#include "sstp/control/openapi.h"
#include "sstp/control/state_files.h"
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

static json_t *ask_with(struct scene *s, enum front_method method, const char *path,
			const char *body, int status)
{
	struct front_request request = {
		.method = method, .path = path, .body = body, .body_len = strlen(body)};
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

static json_t *ask(struct scene *s, enum front_method method, const char *path, int status)
{
	return ask_with(s, method, path, "", status);
}

static void post_backup(struct scene *s, const char *body, int status)
{
	ask_with(s, FRONT_POST, "/v1/backups", body, status);
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

/* A file of an authority, or of what apps were handed: only its place and its bytes count. */
static void put_file(struct scene *s, const char *folder, const char *name, const char *text)
{
	char path[400];
	struct vault *v;
	struct certs_error e;

	snprintf(path, sizeof(path), "%s/%s", s->state, folder);
	assert_int_equal(vault_open(path, &v, &e), 0);
	assert_int_equal(vault_write(v, name, text, strlen(text), &e), 0);
	vault_close(v);
}

/* "" when it is not there; good until the next call. */
static const char *file_text(struct scene *s, const char *name)
{
	static char text[100];
	char path[400];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", s->state, name);
	f = fopen(path, "r");
	if (!f)
		return "";
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	return text;
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
	put_file(s, "authority", "authority.json", "{}");
	put_file(s, "authority", "root.key", "secret 1");
	put_file(s, "apps", "handed.json", "[]");
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

static void name_of_last(struct scene *s, char ret_file[400])
{
	snprintf(ret_file, 400, "%s/backups/%s", s->state,
		 text_of(json_object_get(s->last, "result"), "name"));
}

/* As before a restore. */
static void close_model(struct scene *s)
{
	operations_free(s->operations);
	s->operations = NULL;
	model_close(s->model);
	s->model = NULL;
}

static bool has_word(const char *path, const char *word)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 1 << 20);
	size_t n = fread(text, 1, 1 << 20, f);
	bool has = memmem(text, n, word, strlen(word)) != NULL;

	assert_true(n > 0 && n < 1 << 20);
	fclose(f);
	free(text);
	return has;
}

static void backup_is_begun_asked_about_and_restored(void **state)
{
	struct scene *s = *state;
	bool has_authority;
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
	name_of_last(s, file);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);

	put_plan(s, "p3", "Basic");
	put_file(s, "authority", "root.key", "secret 2");
	put_file(s, "authority", "newer.key", "secret 3");
	assert_int_equal(plans(s), 3);
	assert_int_equal(backups_restore(s->state, file, &has_authority, &e), -EAGAIN);
	close_model(s);
	assert_int_equal(backups_restore(s->state, file, &has_authority, &e), 0);
	assert_true(has_authority);
	assert_int_equal(model_open(s->path, &s->model, &e), 0);
	assert_int_equal(plans(s), 2);
	assert_string_equal(file_text(s, "authority/root.key"), "secret 1");
	assert_string_equal(file_text(s, "authority/newer.key"), "");
	assert_string_equal(file_text(s, "apps/handed.json"), "[]");
	assert_false(has_word(s->path, "secret"));
}

/* Between the two steps of a restore: the model is put back, the files are not yet. */
static void restore_that_was_killed_is_finished_by_the_next_start(void **state)
{
	struct scene *s = *state;
	struct state_folders *folders;
	char file[400];
	struct certs_error e;

	put_plan(s, "p1", "Basic");
	ask(s, FRONT_POST, "/v1/backups", 202);
	wait_for_the_end(s);
	name_of_last(s, file);
	put_plan(s, "p2", "Basic");
	put_file(s, "authority", "root.key", "secret 2");
	close_model(s);
	assert_int_equal(model_restore(s->path, file, &e), 0);
	assert_string_equal(file_text(s, "authority/root.key"), "secret 2");

	assert_int_equal(model_open(s->path, &s->model, &e), 0);
	assert_int_equal(plans(s), 1);
	assert_int_equal(state_folders_open(s->state, &folders, &e), 0);
	assert_int_equal(backups_settle(s->model, folders, &e), 1);
	assert_string_equal(file_text(s, "authority/root.key"), "secret 1");
	assert_int_equal(backups_settle(s->model, folders, &e), 0);
	state_folders_close(folders);
}

/* As of a version that did not put the authority into it. */
static void backup_without_an_authority_leaves_that_as_it_is(void **state)
{
	struct scene *s = *state;
	bool has_authority;
	char file[400];
	struct certs_error e;

	put_plan(s, "p1", "Basic");
	snprintf(file, sizeof(file), "%s/old.sqlite", s->state);
	assert_int_equal(store_backup(model_store(s->model), file, &e), 0);
	put_plan(s, "p2", "Basic");
	put_file(s, "authority", "root.key", "secret 2");
	close_model(s);
	assert_int_equal(backups_restore(s->state, file, &has_authority, &e), 0);
	assert_false(has_authority);
	assert_string_equal(file_text(s, "authority/root.key"), "secret 2");
	assert_int_equal(model_open(s->path, &s->model, &e), 0);
	assert_int_equal(plans(s), 1);
}

static void restore_waits_for_no_gateway_that_has_the_authority_open(void **state)
{
	struct scene *s = *state;
	struct state_folders *folders;
	bool has_authority;
	struct certs_error e;

	assert_int_equal(state_folders_open(s->state, &folders, &e), 0);
	close_model(s);
	assert_int_equal(backups_restore(s->state, "none", &has_authority, &e), -EBUSY);
	state_folders_close(folders);
}

static void backups_over_the_number_to_keep_are_removed_the_oldest_first(void **state)
{
	static const char *const older[] = {"2020-01-01T00:00:00Z-1", "2021-01-01T00:00:00Z-2"};
	struct scene *s = *state;
	const json_t *list;
	char path[400];

	snprintf(path, sizeof(path), "%s/backups", s->state);
	assert_int_equal(mkdir(path, 0700), 0);
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/backups/%s.sqlite", s->state, older[i]);
		fclose(fopen(path, "w"));
	}
	post_backup(s, "{\"keep\": 0}", 400);
	post_backup(s, "{\"keep\": 1001}", 400);
	post_backup(s, "{\"keep\": 2, \"all\": true}", 400);
	post_backup(s, "[]", 400);
	post_backup(s, "{\"keep\": 2}", 202);
	wait_for_the_end(s);
	list = json_object_get(ask(s, FRONT_GET, "/v1/backups", 200), "value");
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(text_of(json_array_get(list, 1), "name"),
			    "2021-01-01T00:00:00Z-2.sqlite");
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
		in_scene(restore_that_was_killed_is_finished_by_the_next_start),
		in_scene(backup_without_an_authority_leaves_that_as_it_is),
		in_scene(restore_waits_for_no_gateway_that_has_the_authority_open),
		in_scene(backups_over_the_number_to_keep_are_removed_the_oldest_first),
		in_scene(backups_are_listed_the_newest_first),
		in_scene(second_backup_at_a_time_is_refused),
		in_scene(backup_that_is_not_finished_leaves_nothing_behind),
		in_scene(folder_that_cannot_be_written_fails_with_a_sentence),
		in_scene(what_is_no_operation_is_404_and_what_is_no_method_405),
		cmocka_unit_test(description_is_served_as_json),
	};

	return cmocka_run_group_tests_name("control/operations", tests, NULL, NULL);
}

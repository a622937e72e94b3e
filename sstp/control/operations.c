/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/operations.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "certs/calendar.h"
#include "sstp/base/log.h"
#include "sstp/control/path.h"
#include "sstp/control/reply.h"

enum {
	FILE_NAME_MAX = 40,
	BACKUPS_SHOWN_MAX = 1000,
};

struct operation {
	unsigned id; /* 0: never */
	int status;  /* 1: runs; 0: has succeeded; -errno */
	int done;
	int total;
	int64_t started;
	int64_t ended; /* 0: not yet */
	char name[FILE_NAME_MAX];
	struct certs_error error;
};

struct operations {
	struct loop *loop;
	struct model *model;
	const char *state;
	struct loop_timer *timer;
	struct operation list[OPERATIONS_MAX]; /* the one with ID at ID % OPERATIONS_MAX */
	unsigned last_id;
	struct operation *running; /* NULL: nothing does */
	struct store_copy *copy;
	int64_t skew; /* from the loop's seconds to the request's */
};

/* ---- what runs ---- */

static void end(struct operations *o, int status)
{
	struct operation *op = o->running;

	op->status = status;
	op->ended = (int64_t)(loop_now(o->loop) / CLOCK_NS_PER_S) + o->skew;
	store_copy_free(o->copy);
	o->copy = NULL;
	o->running = NULL;
	if (status < 0)
		log_error("backup %s has failed: %s", op->name, op->error.text);
	else
		log_info("backup %s is made", op->name);
}

/* Nobody's change is in the middle: a batch is committed first. */
static int step(struct operations *o, struct operation *op)
{
	int r = model_flush(o->model, &op->error);

	return r < 0 ? r
		     : store_copy_step(o->copy, OPERATIONS_STEP_PAGES, &op->done, &op->total,
				       &op->error);
}

static void on_timer(void *arg)
{
	struct operations *o = arg;
	struct operation *op = o->running;
	int before = op->done;
	int r = step(o, op);

	if (r > 0)
		loop_timer_set(o->timer,
			       loop_now(o->loop) + (op->done > before ? 0 : OPERATIONS_PAUSE_NS));
	else
		end(o, r);
}

static int begin(struct operations *o, int64_t now, struct certs_error *e)
{
	struct operation *op = &o->list[++o->last_id % OPERATIONS_MAX];
	char path[PATH_MAX];
	char text[CALENDAR_TEXT_MAX];
	int r;

	*op = (struct operation){.id = o->last_id, .status = 1, .started = now};
	snprintf(op->name, sizeof(op->name), "%s-%u.sqlite", calendar_text(now, text), op->id);
	snprintf(path, sizeof(path), "%s/backups", o->state);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return certs_fail(e, -errno, "%s: %s", path, strerror(errno));
	snprintf(path, sizeof(path), "%s/backups/%s", o->state, op->name);
	r = store_copy_begin(model_store(o->model), path, &o->copy, e);
	if (r < 0)
		return r;
	o->running = op;
	o->skew = now - (int64_t)(loop_now(o->loop) / CLOCK_NS_PER_S);
	loop_timer_set(o->timer, loop_now(o->loop));
	return 0;
}

/* ---- answers ---- */

static json_t *time_json(int64_t t)
{
	char text[CALENDAR_TEXT_MAX];

	return t ? json_string(calendar_text(t, text)) : json_null();
}

static json_t *operation_json(const struct operation *op)
{
	const char *status = op->status > 0 ? "Running" : op->status < 0 ? "Failed" : "Succeeded";
	json_t *result = op->status == 0 ? json_pack("{s:s}", "name", op->name) : json_null();
	char id[16];

	snprintf(id, sizeof(id), "%u", op->id);
	return json_pack("{s:s, s:s, s:s, s:i, s:i, s:o, s:o, s:o, s:o}", "id", id, "kind",
			 "backup", "status", status, "done", op->done, "total", op->total,
			 "started", time_json(op->started), "ended", time_json(op->ended), "result",
			 result, "message",
			 op->status < 0 ? json_string(op->error.text) : json_null());
}

/* Takes json. */
static void answer(struct front_reply *reply, int status, json_t *json)
{
	*reply = (struct front_reply){.status = status};
	reply->json = json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(json);
}

static void list_operations(struct operations *o, struct front_reply *reply)
{
	json_t *list = json_array();

	for (unsigned id = o->last_id; id && o->last_id - id < OPERATIONS_MAX; id--)
		if (o->list[id % OPERATIONS_MAX].id == id)
			json_array_append_new(list, operation_json(&o->list[id % OPERATIONS_MAX]));
	answer(reply, 200, json_pack("{s:o}", "value", list));
}

static void show_operation(struct operations *o, const char *text, struct front_reply *reply)
{
	unsigned id = (unsigned)strtoul(text, NULL, 10);
	const struct operation *op = &o->list[id % OPERATIONS_MAX];
	char canonical[16];

	snprintf(canonical, sizeof(canonical), "%u", id);
	if (id && op->id == id && strcmp(text, canonical) == 0)
		answer(reply, 200, operation_json(op));
	else
		reply_refuse(reply, 404, "there is no such operation; the last 16 are kept", NULL);
}

static void begin_backup(struct operations *o, int64_t now, struct front_reply *reply)
{
	struct certs_error e;
	int r;

	if (o->running) {
		reply_refuse(reply, 409, "a backup is under way: see /v1/operations", NULL);
		return;
	}
	r = begin(o, now, &e);
	if (r < 0) {
		o->last_id--;
		reply_refuse(reply, r == -ENOSPC ? 507 : 500, e.text, NULL);
		return;
	}
	answer(reply, 202, operation_json(o->running));
	snprintf(reply->location, sizeof(reply->location), "/v1/operations/%u", o->last_id);
}

/* Names sort as their times do. */
static int by_name_backwards(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*b)->d_name, (*a)->d_name);
}

static int is_backup(const struct dirent *entry)
{
	static const char end_of_name[] = ".sqlite";
	size_t len = strlen(entry->d_name);

	return len > strlen(end_of_name) &&
	       strcmp(entry->d_name + len - strlen(end_of_name), end_of_name) == 0;
}

static json_t *backup_json(const char *folder, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder, name) >= sizeof(path) ||
	    stat(path, &st) < 0)
		return NULL;
	return json_pack("{s:s, s:I, s:o}", "name", name, "bytes", (json_int_t)st.st_size,
			 "created", time_json(st.st_mtime));
}

static void list_backups(struct operations *o, struct front_reply *reply)
{
	json_t *list = json_array();
	struct dirent **entries = NULL;
	char folder[PATH_MAX];
	int n;

	snprintf(folder, sizeof(folder), "%s/backups", o->state);
	n = scandir(folder, &entries, is_backup, by_name_backwards);
	for (int i = 0; i < n; i++) {
		json_t *json =
			i < BACKUPS_SHOWN_MAX ? backup_json(folder, entries[i]->d_name) : NULL;

		if (json)
			json_array_append_new(list, json);
		free(entries[i]);
	}
	free(entries);
	answer(reply, 200, json_pack("{s:o}", "value", list));
}

/* ---- which one it is ---- */

static const char backups_path[] = "/v1/backups";
static const char operations_path[] = "/v1/operations";
static const char operation_path[] = "/v1/operations/:id";

const char *operations_route(size_t i, enum front_method *ret_method)
{
	static const struct {
		enum front_method method;
		const char *path;
	} routes[] = {
		{FRONT_GET, backups_path},
		{FRONT_POST, backups_path},
		{FRONT_GET, operations_path},
		{FRONT_GET, operation_path},
	};

	if (i >= sizeof(routes) / sizeof(routes[0]))
		return NULL;
	*ret_method = routes[i].method;
	return routes[i].path;
}

bool operations_has_path(const char *path)
{
	struct path_names names;

	return path_match(backups_path, path, &names) ||
	       path_match(operations_path, path, &names) ||
	       path_match(operation_path, path, &names);
}

void operations_answer(struct operations *o, const struct front_request *request, int64_t now,
		       struct front_reply *ret_reply)
{
	struct path_names names;
	bool is_backups = path_match(backups_path, request->path, &names);

	if (is_backups && request->method == FRONT_POST)
		begin_backup(o, now, ret_reply);
	else if (request->method != FRONT_GET)
		reply_refuse(ret_reply, 405, "this path has no such method", NULL);
	else if (is_backups)
		list_backups(o, ret_reply);
	else if (path_match(operation_path, request->path, &names))
		show_operation(o, names.texts[0], ret_reply);
	else
		list_operations(o, ret_reply);
}

/* ---- life ---- */

struct operations *operations_new(struct loop *loop, struct model *model, const char *state)
{
	struct operations *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	*o = (struct operations){.loop = loop, .model = model, .state = state};
	o->timer = loop_timer_new(loop, on_timer, o);
	if (o->timer)
		return o;
	free(o);
	return NULL;
}

void operations_free(struct operations *o)
{
	if (!o)
		return;
	loop_timer_free(o->timer);
	store_copy_free(o->copy);
	free(o);
}

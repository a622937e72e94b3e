/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/operations.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/calendar.h"
#include "sstp/base/log.h"
#include "sstp/control/path.h"
#include "sstp/control/reply.h"

enum {
	ID_MAX = 16,
};

struct operation {
	unsigned id; /* 0: never */
	const struct operation_kind *kind;
	bool is_running;
	int done;
	int total;
	int64_t started;
	int64_t ended; /* 0: not yet */
	char *result;  /* JSON, as it goes out: it may be long; owned; NULL: none */
	json_t *error; /* of one that has failed; owned; NULL: none */
};

struct operations {
	struct loop *loop;
	struct loop_timer *timer;
	struct operation list[OPERATIONS_MAX]; /* the one with ID at ID % OPERATIONS_MAX */
	unsigned last_id;
	struct operation *running; /* NULL: nothing does */
	void *work;		   /* its own; owned */
	int64_t skew;		   /* from the loop's seconds to the request's */
};

/* ---- what runs ---- */

static void operation_done(struct operation *op)
{
	free(op->result);
	json_decref(op->error);
	*op = (struct operation){0};
}

/* A result may be large: of each kind one is enough. */
static void drop_results(struct operations *o, const struct operation_kind *kind)
{
	for (size_t i = 0; i < OPERATIONS_MAX; i++) {
		if (o->list[i].kind != kind)
			continue;
		free(o->list[i].result);
		o->list[i].result = NULL;
	}
}

static const char *why_of(const struct operation *op)
{
	return json_string_value(json_object_get(op->error, "message"));
}

/* Takes what reply holds. */
static void end(struct operations *o, struct front_reply *reply)
{
	struct operation *op = o->running;
	json_t *json;

	if (reply->status == 200) {
		drop_results(o, op->kind);
		op->result = reply->json;
		log_info("operation %u is done: %s", op->id, op->kind->name);
	} else {
		json = json_loads(reply->json ? reply->json : "{}", 0, NULL);
		op->error = json_incref(json_object_get(json, "error"));
		json_decref(json);
		free(reply->json);
		log_error("operation %u has failed: %s: %s", op->id, op->kind->name, why_of(op));
	}
	op->is_running = false;
	op->ended = (int64_t)(loop_now(o->loop) / CLOCK_NS_PER_S) + o->skew;
	o->running = NULL;
	op->kind->free(o->work);
	o->work = NULL;
}

static void on_timer(void *arg)
{
	struct operations *o = arg;
	struct operation *op = o->running;
	struct front_reply reply = {0};
	int before = op->done;
	int r = op->kind->step(o->work, &op->done, &op->total, &reply);

	if (r > 0)
		loop_timer_set(o->timer,
			       loop_now(o->loop) + (op->done > before ? 0 : OPERATIONS_PAUSE_NS));
	else
		end(o, &reply);
}

/* ---- beginning ---- */

bool operations_may_begin(const struct operations *o, struct front_reply *ret_reply)
{
	char why[120];

	if (!o->running)
		return true;
	snprintf(why, sizeof(why), "operation %u is under way, %s: see /v1/operations/%u",
		 o->running->id, o->running->kind->name, o->running->id);
	reply_refuse(ret_reply, 409, why, NULL);
	return false;
}

static char *operation_text(const struct operation *op, bool has_result);

void operations_begin(struct operations *o, const struct operation_kind *kind, void *work,
		      int64_t now, struct front_reply *ret_reply)
{
	struct operation *op = &o->list[++o->last_id % OPERATIONS_MAX];

	operation_done(op);
	*op = (struct operation){
		.id = o->last_id, .kind = kind, .is_running = true, .started = now};
	o->running = op;
	o->work = work;
	o->skew = now - (int64_t)(loop_now(o->loop) / CLOCK_NS_PER_S);
	loop_timer_set(o->timer, loop_now(o->loop));
	*ret_reply = (struct front_reply){.status = 202, .json = operation_text(op, true)};
	snprintf(ret_reply->location, sizeof(ret_reply->location), "/v1/operations/%u", op->id);
}

void operations_cancel(struct operations *o)
{
	struct front_reply reply;

	if (!o->running)
		return;
	loop_timer_set(o->timer, CLOCK_NEVER);
	reply_refuse(&reply, 500, "the gateway ends", NULL);
	end(o, &reply);
}

/* ---- answers ---- */

static json_t *time_json(int64_t t)
{
	char text[CALENDAR_TEXT_MAX];

	return t ? json_string(calendar_text(t, text)) : json_null();
}

static json_t *operation_json(const struct operation *op)
{
	const char *status = op->is_running ? "Running" : op->error ? "Failed" : "Succeeded";
	char id[ID_MAX];

	snprintf(id, sizeof(id), "%u", op->id);
	return json_pack("{s:s, s:s, s:s, s:i, s:i, s:o, s:o, s:O?, s:s?}", "id", id, "kind",
			 op->kind->name, "status", status, "done", op->done, "total", op->total,
			 "started", time_json(op->started), "ended", time_json(op->ended), "error",
			 op->error, "message", why_of(op));
}

/* The result is put in as it is; owned, NULL without memory. */
static char *operation_text(const struct operation *op, bool has_result)
{
	json_t *json = operation_json(op);
	char *head = json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII);
	char *text = NULL;

	if (head && asprintf(&text, "%.*s,\"result\":%s}", (int)strlen(head) - 1, head,
			     has_result && op->result ? op->result : "null") < 0)
		text = NULL;
	free(head);
	json_decref(json);
	return text;
}

static void list_operations(struct operations *o, struct front_reply *reply)
{
	char *list = NULL;
	size_t len;
	FILE *f = open_memstream(&list, &len);

	if (f)
		fputs("{\"value\":[", f);
	for (unsigned id = o->last_id; f && id && o->last_id - id < OPERATIONS_MAX; id--) {
		char *text = operation_text(&o->list[id % OPERATIONS_MAX], false);

		fprintf(f, "%s%s", id == o->last_id ? "" : ",", text ? text : "null");
		free(text);
	}
	if (f)
		fputs("]}", f);
	if (f && fclose(f) == 0)
		*reply = (struct front_reply){.status = 200, .json = list};
	else
		reply_refuse(reply, 500, "out of memory", NULL);
}

static void show_operation(struct operations *o, const char *text, struct front_reply *reply)
{
	unsigned id = (unsigned)strtoul(text, NULL, 10);
	const struct operation *op = &o->list[id % OPERATIONS_MAX];
	char canonical[ID_MAX];

	snprintf(canonical, sizeof(canonical), "%u", id);
	if (id && op->id == id && strcmp(text, canonical) == 0)
		*reply = (struct front_reply){.status = 200, .json = operation_text(op, true)};
	else
		reply_refuse(reply, 404, "there is no such operation; the last 16 are kept", NULL);
}

/* ---- which one it is ---- */

static const char operations_path[] = "/v1/operations";
static const char operation_path[] = "/v1/operations/:id";

const char *operations_route(size_t i, enum front_method *ret_method)
{
	static const char *const paths[] = {operations_path, operation_path};

	if (i >= sizeof(paths) / sizeof(paths[0]))
		return NULL;
	*ret_method = FRONT_GET;
	return paths[i];
}

bool operations_has_path(const char *path)
{
	struct path_names names;

	return path_match(operations_path, path, &names) ||
	       path_match(operation_path, path, &names);
}

void operations_answer(struct operations *o, const struct front_request *request,
		       struct front_reply *ret_reply)
{
	struct path_names names;

	if (request->method != FRONT_GET)
		reply_refuse(ret_reply, 405, "this path has no such method", NULL);
	else if (path_match(operation_path, request->path, &names))
		show_operation(o, names.texts[0], ret_reply);
	else
		list_operations(o, ret_reply);
}

/* ---- life ---- */

struct operations *operations_new(struct loop *loop)
{
	struct operations *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->loop = loop;
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
	if (o->running)
		o->running->kind->free(o->work);
	for (size_t i = 0; i < OPERATIONS_MAX; i++)
		operation_done(&o->list[i]);
	free(o);
}

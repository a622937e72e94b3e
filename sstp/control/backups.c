/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/backups.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certs/calendar.h"
#include "sstp/base/log.h"
#include "sstp/control/reply.h"
#include "sstp/control/state_files.h"

enum {
	FILE_NAME_MAX = 40,
	STEP_PAGES = 256, /* 1 MB, in between other requests */
};

struct backups {
	struct operations *operations;
	struct model *model;
	const char *state;
	unsigned n; /* begun, so that two of one second have two names */
};

/* Takes json. */
static void answer(struct front_reply *reply, int status, json_t *json)
{
	*reply = (struct front_reply){.status = status};
	reply->json = json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(json);
}

/* ---- those that are there ---- */

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

/* The names, the newest first, owned as scandir() says; how many, or -1. */
static int read_names(const struct backups *b, char folder[PATH_MAX], struct dirent ***ret_entries)
{
	snprintf(folder, PATH_MAX, "%s/backups", b->state);
	return scandir(folder, ret_entries, is_backup, by_name_backwards);
}

static void remove_old(const struct backups *b, int keep)
{
	struct dirent **entries = NULL;
	char folder[PATH_MAX];
	char path[PATH_MAX];
	int n = read_names(b, folder, &entries);

	for (int i = 0; i < n; i++) {
		if (i >= keep) {
			snprintf(path, sizeof(path), "%.3000s/%s", folder, entries[i]->d_name);
			if (unlink(path) < 0)
				log_error("%s cannot be removed: %s", path, strerror(errno));
			else
				log_info("%s is removed: newer ones are there", path);
		}
		free(entries[i]);
	}
	free(entries);
}

/* ---- one that is under way ---- */

struct work {
	struct backups *backups;
	struct store_copy *copy;
	char name[FILE_NAME_MAX];
	int keep; /* 0: all */
};

/* The files, as they are at the moment at which the last page was copied. */
static int finish(struct work *w, struct certs_error *e)
{
	struct state_files files;
	int r = state_files_read(w->backups->state, &files, e);

	if (r == 0)
		r = store_copy_finish(w->copy, files.list, files.n, e);
	state_files_done(&files);
	return r;
}

/* Nobody's change is in the middle: a batch is committed first. */
static int step(void *arg, int *ret_done, int *ret_total, struct front_reply *ret_reply)
{
	struct work *w = arg;
	struct certs_error e;
	int r = model_flush(w->backups->model, &e);

	if (r == 0)
		r = store_copy_step(w->copy, STEP_PAGES, ret_done, ret_total, &e);
	if (r == 0)
		r = finish(w, &e);
	if (r == 0 && w->keep)
		remove_old(w->backups, w->keep);
	if (r == 0)
		answer(ret_reply, 200, json_pack("{s:s}", "name", w->name));
	else if (r < 0)
		reply_refuse(ret_reply, r == -ENOSPC ? 507 : 500, e.text, NULL);
	return r > 0;
}

static void work_free(void *arg)
{
	struct work *w = arg;

	store_copy_free(w->copy);
	free(w);
}

static const struct operation_kind backup_kind = {
	.name = "backup", .step = step, .free = work_free};

/* False: refused. */
static bool read_keep(const struct front_request *request, int *ret_keep, struct front_reply *reply)
{
	json_t *body = request->body_len ? json_loadb(request->body, request->body_len,
						      JSON_REJECT_DUPLICATES, NULL)
					 : json_object();
	const json_t *keep = json_object_get(body, "keep");
	json_int_t n = keep ? json_integer_value(keep) : 0;
	bool is_good = json_is_object(body) && json_object_size(body) == (keep ? 1 : 0) &&
		       (!keep || (n >= 1 && n <= BACKUPS_KEPT_MAX));

	json_decref(body);
	if (is_good)
		*ret_keep = (int)n;
	else
		reply_refuse(reply, 400,
			     "the body of a backup is {\"keep\": N}, N from 1 to 1000, or there is "
			     "none",
			     NULL);
	return is_good;
}

static int begin(struct backups *b, int64_t now, struct work *w, struct certs_error *e)
{
	char path[PATH_MAX];
	char text[CALENDAR_TEXT_MAX];

	w->backups = b;
	snprintf(w->name, sizeof(w->name), "%s-%u.sqlite", calendar_text(now, text), ++b->n);
	snprintf(path, sizeof(path), "%s/backups", b->state);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return certs_fail(e, -errno, "%s: %s", path, strerror(errno));
	snprintf(path, sizeof(path), "%s/backups/%s", b->state, w->name);
	return store_copy_begin(model_store(b->model), path, &w->copy, e);
}

static void begin_backup(struct backups *b, const struct front_request *request, int64_t now,
			 struct front_reply *reply)
{
	struct work *w;
	struct certs_error e;
	int keep;
	int r;

	if (!read_keep(request, &keep, reply) || !operations_may_begin(b->operations, reply))
		return;
	w = calloc(1, sizeof(*w));
	if (w)
		w->keep = keep;
	r = w ? begin(b, now, w, &e) : certs_fail(&e, -ENOMEM, "out of memory");
	if (r == 0) {
		operations_begin(b->operations, &backup_kind, w, now, reply);
		return;
	}
	free(w);
	reply_refuse(reply, r == -ENOSPC ? 507 : 500, e.text, NULL);
}

static json_t *backup_json(const char *folder, const char *name)
{
	char path[PATH_MAX];
	char text[CALENDAR_TEXT_MAX];
	struct stat st;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder, name) >= sizeof(path) ||
	    stat(path, &st) < 0)
		return NULL;
	return json_pack("{s:s, s:I, s:s}", "name", name, "bytes", (json_int_t)st.st_size,
			 "created", calendar_text(st.st_mtime, text));
}

static void list_backups(struct backups *b, struct front_reply *reply)
{
	json_t *list = json_array();
	struct dirent **entries = NULL;
	char folder[PATH_MAX];
	int n = read_names(b, folder, &entries);

	for (int i = 0; i < n; i++) {
		json_t *json =
			i < BACKUPS_KEPT_MAX ? backup_json(folder, entries[i]->d_name) : NULL;

		if (json)
			json_array_append_new(list, json);
		free(entries[i]);
	}
	free(entries);
	answer(reply, 200, json_pack("{s:o}", "value", list));
}

/* ---- taking one back ---- */

int backups_settle(struct model *model, struct state_folders *folders,
		   struct certs_error *ret_error)
{
	return store_take_files(model_store(model), state_folders_write, folders, ret_error);
}

/* The model is what it was in the backup; its files are in the store, to be put into their folders. */
static int settle_at(const char *path, struct state_folders *folders, struct certs_error *e)
{
	struct certs_error why;
	struct model *model;
	int r = model_open(path, &model, &why);

	if (r == 0) {
		r = backups_settle(model, folders, &why);
		model_close(model);
	}
	if (r < 0)
		certs_fail(e, r,
			   "the authority is put back by the next start of the gateway: %.300s",
			   why.text);
	return r;
}

int backups_restore(const char *state, const char *file, bool *ret_has_authority,
		    struct certs_error *ret_error)
{
	struct state_folders *folders;
	char path[PATH_MAX];
	int r = state_folders_open(state, &folders, ret_error);

	if (r < 0)
		return r;
	if ((size_t)snprintf(path, sizeof(path), "%s/model.sqlite", state) >= sizeof(path))
		r = certs_fail(ret_error, -ENAMETOOLONG, "state folder %s: too long", state);
	if (r == 0)
		r = model_restore(path, file, ret_error);
	if (r == 0)
		r = settle_at(path, folders, ret_error);
	state_folders_close(folders);
	if (r < 0)
		return r;
	*ret_has_authority = r > 0;
	return 0;
}

/* ---- which one it is ---- */

static const char backups_path[] = "/v1/backups";

const char *backups_route(size_t i, enum front_method *ret_method)
{
	static const enum front_method methods[] = {FRONT_GET, FRONT_POST};

	if (i >= sizeof(methods) / sizeof(methods[0]))
		return NULL;
	*ret_method = methods[i];
	return backups_path;
}

bool backups_has_path(const char *path)
{
	return strcmp(path, backups_path) == 0;
}

void backups_answer(struct backups *b, const struct front_request *request, int64_t now,
		    struct front_reply *ret_reply)
{
	if (request->method == FRONT_POST)
		begin_backup(b, request, now, ret_reply);
	else if (request->method == FRONT_GET)
		list_backups(b, ret_reply);
	else
		reply_refuse(ret_reply, 405, "this path has no such method", NULL);
}

/* ---- life ---- */

struct backups *backups_new(struct operations *operations, struct model *model, const char *state)
{
	struct backups *b = calloc(1, sizeof(*b));

	if (b)
		*b = (struct backups){.operations = operations, .model = model, .state = state};
	return b;
}

void backups_free(struct backups *b)
{
	free(b);
}

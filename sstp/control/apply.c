/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is removed goes first, so that its names and its places are free, but for plans: apps may have
 * to leave them. What is written follows, kind by kind; then the rules about the result.
 */
#include "sstp/control/apply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sstp/base/log.h"
#include "sstp/control/kind_sql.h"
#include "sstp/control/model_internal.h"
#include "sstp/control/reply.h"
#include "sstp/control/site.h"

/* One site on its way into the model. */
struct work {
	struct model *m;
	struct site site;
	bool is_dry;
	bool prunes;
	struct model_values base; /* of the transaction */
	bool *is_changed;	  /* per item of the site */
	json_t *changes;
	json_int_t n_unchanged;
	struct model_answer *answer; /* with status and why, once refused */
	const char *target;	     /* of the refusal; "": nothing in the site */
	struct apply_watch *watch;   /* NULL: nobody does */
};

static bool out_of_memory(struct work *w)
{
	struct certs_error e;

	model_fail(w->answer, certs_fail(&e, -ENOMEM, "out of memory"), &e);
	return false;
}

/* So many steps are to come. */
static void expect(struct work *w, size_t n)
{
	if (w->watch)
		atomic_fetch_add(&w->watch->total, (int)n);
}

/* One step is done. False: there is to be no further one. */
static bool advance(struct work *w)
{
	struct certs_error e;

	if (!w->watch)
		return true;
	atomic_fetch_add(&w->watch->done, 1);
	if (!atomic_load(&w->watch->is_cancelled))
		return true;
	model_fail(w->answer, certs_fail(&e, -ECANCELED, "the gateway ends"), &e);
	return false;
}

/* What the statements of one resource get. Borrows names; takes no body. */
static struct model_values values_of(const struct work *w, const struct model_names *names)
{
	struct model_values v = w->base;

	for (size_t i = 0; i < names->n; i++)
		v.list[v.n++] = names->values[i];
	return v;
}

/* Takes fields. */
static bool report(struct work *w, const char *action, enum site_kind kind,
		   const struct model_names *names, json_t *fields)
{
	char id[SITE_ID_MAX];
	json_t *change = json_pack("{s:s, s:s, s:s, s:o}", "action", action, "kind",
				   site_resource(kind)->name, "id", site_id(kind, names, id),
				   "fields", fields);

	return json_array_append_new(w->changes, change) == 0 || out_of_memory(w);
}

/* ---- what is written ---- */

/* Names of networks are unique: where one of the two is a name alone, it is the name that counts. */
static bool is_same_network(const char *a, const char *b)
{
	const char *name_a = strrchr(a, '/');
	const char *name_b = strrchr(b, '/');

	if (name_a && name_b)
		return strcasecmp(a, b) == 0;
	return strcasecmp(name_a ? name_a + 1 : a, name_b ? name_b + 1 : b) == 0;
}

/* A plan's path counts in any case, like all that is made of names. */
static bool is_same(const char *field, const json_t *a, const json_t *b)
{
	if (strcmp(field, "plan") == 0)
		return strcasecmp(json_string_value(a), json_string_value(b)) == 0;
	if (strcmp(field, "remote_vnet") == 0)
		return is_same_network(json_string_value(a), json_string_value(b));
	return json_equal(a, b);
}

/* The differences, in the site's words; owned. */
static json_t *compare(const struct site_item *item, json_t *old)
{
	json_t *list = json_array();
	const char *field;
	json_t *value;

	json_object_foreach(item->fields, field, value)
	{
		json_t *before = json_object_get(old, field);

		if (!is_same(field, before, value))
			json_array_append_new(
				list,
				json_pack("{s:s, s:o, s:o}", "name", site_key(item->kind, field),
					  "old", site_value(item->kind, field, before), "new",
					  site_value(item->kind, field, value)));
	}
	return list;
}

/* A connection is there or not, with nothing that could differ; its view shows up to all routes. */
static int look_for_connection(struct work *w, const struct site_item *item, struct certs_error *e)
{
	struct store_query *q = NULL;
	int r = store_query(w->m->store, "SELECT 1 FROM connection WHERE " SQL_CONNECTION,
			    item->names.values, item->names.n, &q, e);

	if (r == 0)
		r = store_query_next(q, e);
	store_query_end(q);
	return r;
}

/* 1: it is there, with its fields in ret_fields: owned; 0: it is not there. */
static int look_for_fields(struct work *w, const struct site_item *item, json_t **ret_fields,
			   struct certs_error *e)
{
	const struct resource_kind *kind = site_resource(item->kind);
	struct model_answer old = {0};
	char why[RESOURCE_WHY_MAX];
	json_t *json;
	int r = model_fetch(w->m, kind, &item->names, &old, e);

	if (r <= 0)
		return r;
	json = json_loads(old.json, 0, NULL);
	free(old.json);
	/* what the model shows, it takes */
	if (!json || resource_read(kind, json, NULL, ret_fields, why) < 0)
		r = certs_fail(e, -ENOMEM, "out of memory");
	json_decref(json);
	return r;
}

/* 1: it is there, and differs as ret_differences says, which is owned and may be empty; 0: it is not there. */
static int look(struct work *w, const struct site_item *item, json_t **ret_differences)
{
	struct certs_error e;
	json_t *fields = NULL;
	int r = item->kind == SITE_CONNECTION ? look_for_connection(w, item, &e)
					      : look_for_fields(w, item, &fields, &e);

	if (r < 0)
		model_fail(w->answer, r, &e);
	else if (r > 0)
		*ret_differences = fields ? compare(item, fields) : json_array();
	json_decref(fields);
	return r;
}

static bool write_item(struct work *w, const struct site_item *item, bool is_there)
{
	struct model_values v = values_of(w, &item->names);
	bool good = model_set_body(&v, item->fields) == 0
			    ? model_write(w->m, site_resource(item->kind), is_there, &v, w->answer)
			    : out_of_memory(w);

	free(v.body);
	return good;
}

static bool take_item(struct work *w, const struct site_item *item, bool *ret_is_changed)
{
	json_t *fields = NULL;
	int r = look(w, item, &fields);

	*ret_is_changed = r == 0 || json_array_size(fields);
	if (r >= 0 && !*ret_is_changed)
		w->n_unchanged++;
	if (r < 0 || !*ret_is_changed || !write_item(w, item, r > 0)) {
		json_decref(fields);
		return r >= 0 && !*ret_is_changed;
	}
	return report(w, r > 0 ? "update" : "create", item->kind, &item->names,
		      fields ? fields : json_array());
}

static bool take_items(struct work *w)
{
	for (size_t i = 0; i < w->site.n; i++) {
		w->target = w->site.items[i].target;
		if (!take_item(w, &w->site.items[i], &w->is_changed[i]) || !advance(w))
			return false;
	}
	w->target = "";
	return true;
}

/* ---- what is removed ---- */

/* Everything of a kind that the API could have made: its names, in this order. */
static const struct {
	const char *sql;
	const char *names[MODEL_NAMES_MAX];
} all[] = {
	[SITE_VNET] = {"SELECT subscription, resource_group, name FROM vnet WHERE source = 'api'"
		       " ORDER BY 1, 2, 3",
		       {":subscription", ":group", ":vnet", NULL}},
	[SITE_GATEWAY] = {"SELECT v.subscription, v.resource_group, v.name, g.name FROM gateway g"
			  " JOIN vnet v ON v.id = g.vnet_id WHERE v.source = 'api'"
			  " ORDER BY 1, 2, 3, 4",
			  {":subscription", ":group", ":vnet", ":gateway", NULL}},
	[SITE_PEERING] = {"SELECT subscription, resource_group, vnet, name FROM peering_now"
			  " ORDER BY 1, 2, 3, 4",
			  {":subscription", ":group", ":vnet", ":peering", NULL}},
	[SITE_PLAN] = {"SELECT subscription, resource_group, name FROM plan ORDER BY 1, 2, 3",
		       {":subscription", ":group", ":plan", NULL}},
	[SITE_APP] = {"SELECT subscription, resource_group, name FROM app ORDER BY 1, 2, 3",
		      {":subscription", ":group", ":app", NULL}},
	[SITE_CONNECTION] = {"SELECT a.subscription, a.resource_group, a.name, v.name"
			     " FROM connection c JOIN app a ON a.id = c.app_id"
			     " JOIN vnet v ON v.id = c.vnet_id ORDER BY 1, 2, 3, 4",
			     {":subscription", ":group", ":app", ":vnet", NULL}},
	[SITE_ROUTE] = {"SELECT p.subscription, p.resource_group, p.name, v.name, r.name"
			" FROM route r JOIN plan p ON p.id = r.plan_id"
			" JOIN vnet v ON v.id = r.vnet_id ORDER BY 1, 2, 3, 4, 5",
			{":subscription", ":group", ":plan", ":vnet", ":route", NULL}},
};

/* Names of one row; texts is what they borrow. */
static struct model_names names_in(enum site_kind kind, const json_t *texts)
{
	struct model_names names = {0};

	for (; all[kind].names[names.n]; names.n++)
		names.values[names.n] = (struct store_value){
			.name = all[kind].names[names.n],
			.text = json_string_value(json_array_get(texts, names.n))};
	return names;
}

/* The rows that the site does not declare, each a list of its names; owned. NULL: refused. */
static json_t *find_others(struct work *w, enum site_kind kind)
{
	json_t *others = json_array();
	struct store_query *q = NULL;
	struct certs_error e;
	int r = store_query(w->m->store, all[kind].sql, NULL, 0, &q, &e);

	while (r >= 0 && (r = store_query_next(q, &e)) > 0) {
		json_t *row = json_array();
		struct model_names names;

		for (int i = 0; all[kind].names[i]; i++)
			json_array_append_new(row, json_string(store_query_text(q, i)));
		names = names_in(kind, row);
		if (!site_has(&w->site, kind, &names))
			json_array_append(others, row);
		json_decref(row);
	}
	store_query_end(q);
	if (r == 0)
		return others;
	model_fail(w->answer, r, &e);
	json_decref(others);
	return NULL;
}

static bool prune(struct work *w, enum site_kind kind)
{
	json_t *others = w->prunes ? find_others(w, kind) : json_array();
	bool good = others != NULL;
	size_t i;
	const json_t *row;

	expect(w, json_array_size(others));
	json_array_foreach(others, i, row)
	{
		struct model_names names = names_in(kind, row);
		struct model_values v = values_of(w, &names);

		good = model_remove(w->m, site_resource(kind), &v, w->answer) &&
		       report(w, "delete", kind, &names, json_array()) && advance(w);
		if (!good)
			break;
	}
	json_decref(others);
	return good;
}

static bool prune_all(struct work *w)
{
	static const enum site_kind order[] = {SITE_ROUTE,   SITE_CONNECTION, SITE_APP,
					       SITE_PEERING, SITE_GATEWAY,    SITE_VNET};

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (!prune(w, order[i]))
			return false;
	return true;
}

/* ---- rules about the result ---- */

static bool keeps_own(struct work *w, const struct site_item *item)
{
	struct model_values v = values_of(w, &item->names);

	return model_keeps(w->m, site_resource(item->kind)->after_write, &v, w->answer);
}

static bool touch(struct work *w, const struct site_item *item)
{
	const struct resource_kind *kind = site_resource(item->kind);
	struct model_values v = values_of(w, &item->names);
	struct certs_error e;

	return store_run(w->m->store, "DELETE FROM touched", NULL, 0, &e) >= 0 &&
	       (!kind->touch || model_run(w->m, kind, kind->touch, &v, w->answer) >= 0);
}

/* Whose change it is: the rules that refused all are asked of each alone, the last one first (B3). */
static void find_culprit(struct work *w)
{
	for (size_t i = w->site.n; i-- > 0;) {
		const struct site_item *item = &w->site.items[i];
		struct model_answer alone = {0};
		struct model_answer *all_of_it = w->answer;
		bool is_it;

		if (!w->is_changed[i])
			continue;
		w->answer = &alone;
		is_it = !touch(w, item) ||
			!model_keeps(w->m, site_resource(item->kind)->after_all, &w->base, &alone);
		w->answer = all_of_it;
		if (is_it) {
			w->target = item->target;
			return;
		}
	}
}

static bool has_changed(const struct work *w, enum site_kind kind)
{
	for (size_t i = 0; i < w->site.n; i++)
		if (w->is_changed[i] && w->site.items[i].kind == kind)
			return true;
	return false;
}

static bool keeps_all(struct work *w)
{
	for (size_t i = 0; i < w->site.n; i++) {
		w->target = w->site.items[i].target;
		if ((w->is_changed[i] && !keeps_own(w, &w->site.items[i])) || !advance(w))
			return false;
	}
	w->target = "";
	for (enum site_kind kind = 0; kind < SITE_KINDS; kind++) {
		if (!has_changed(w, kind) ||
		    model_keeps(w->m, site_resource(kind)->after_all, &w->base, w->answer))
			continue;
		find_culprit(w);
		return false;
	}
	return true;
}

/* ---- the whole ---- */

static bool settle(struct work *w)
{
	struct certs_error e;
	int r = model_settle(w->m, &w->base, &e);

	if (r < 0)
		model_fail(w->answer, r, &e);
	return r == 0;
}

/* Each item is written and looked at once more; settling is a step. */
static void apply(struct work *w, int64_t now)
{
	struct certs_error e;
	bool good;
	int r = model_begin(w->m, NULL, now, &w->base, &e);

	expect(w, 2 * w->site.n + 1);
	if (r == 0) {
		good = prune_all(w) && take_items(w) && prune(w, SITE_PLAN) && keeps_all(w) &&
		       settle(w) && advance(w);
		r = model_end(w->m, good && !w->is_dry && json_array_size(w->changes), &w->base,
			      &e);
	}
	if (r < 0)
		model_fail(w->answer, r, &e);
}

/* Owned; NULL: out of memory. */
static char *answer_text(const struct work *w)
{
	json_t *json = json_pack("{s:O, s:I, s:b}", "changes", w->changes, "unchanged",
				 w->n_unchanged, "dryRun", w->is_dry);
	char *text = json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII);

	json_decref(json);
	return text;
}

static void apply_site(struct model *m, const json_t *body, int64_t now, struct apply_watch *watch,
		       struct front_reply *ret_reply)
{
	struct model_answer answer = {.status = 200};
	struct site_error error = {.why = "out of memory"};
	struct work w = {
		.m = m,
		.is_dry = json_is_true(json_object_get(body, "dryRun")),
		.prunes = json_is_true(json_object_get(body, "prune")),
		.changes = json_array(),
		.answer = &answer,
		.target = "",
		.watch = watch,
	};
	int r = site_read(json_object_get(body, "site"), &w.site, &error);

	w.is_changed = calloc(w.site.n + 1, sizeof(*w.is_changed));
	if (r < 0 || !w.is_changed || !w.changes) {
		reply_refuse(ret_reply, r == -EINVAL ? 400 : 500, error.why, error.target);
	} else {
		apply(&w, now);
		if (*answer.why) {
			reply_refuse(ret_reply, answer.status, answer.why, w.target);
		} else {
			*ret_reply = (struct front_reply){.status = 200, .json = answer_text(&w)};
			log_info("a site is applied%s: %zu changes, %lld as they were",
				 w.is_dry ? " for show" : "", json_array_size(w.changes),
				 (long long)w.n_unchanged);
		}
	}
	free(w.is_changed);
	json_decref(w.changes);
	site_done(&w.site);
}

/* ---- requests ---- */

static const struct resource_field fields[] = {
	{"dryRun", RESOURCE_BOOL, "dry_run", "false", 0, NULL, NULL},
	{"prune", RESOURCE_BOOL, "prune", "false", 0, NULL, NULL},
	{.path = "site", .type = RESOURCE_READ_ONLY},
};
static const struct resource_kind request_kind = {
	.fields = fields,
	.n_fields = sizeof(fields) / sizeof(fields[0]),
	.is_bare = true,
};

static void post_apply(struct model *m, const struct front_request *request, int64_t now,
		       struct apply_watch *watch, struct front_reply *ret_reply)
{
	char why[RESOURCE_WHY_MAX];
	json_error_t error;
	json_t *body = json_loadb(request->body, request->body_len, JSON_REJECT_DUPLICATES, &error);

	if (!body) {
		snprintf(why, sizeof(why), "the body is no JSON: line %d: %.150s", error.line,
			 error.text);
		reply_refuse(ret_reply, 400, why, NULL);
	} else if (!json_is_object(body)) {
		reply_refuse(ret_reply, 400, "the body must be a JSON object", NULL);
	} else if (resource_check(&request_kind, body, why) < 0) {
		reply_refuse(ret_reply, 400, why, NULL);
	} else if (!json_object_get(body, "site")) {
		reply_refuse(ret_reply, 400, "'site' is missing", NULL);
	} else {
		apply_site(m, body, now, watch, ret_reply);
	}
	json_decref(body);
}

/* A number of the model's; -1: nobody knows. */
static int64_t number_of(struct model *m, const char *sql)
{
	struct store_query *q;
	struct certs_error e;
	int64_t n = -1;

	if (store_query(m->store, sql, NULL, 0, &q, &e) < 0)
		return n;
	if (store_query_next(q, &e) > 0)
		n = store_query_number(q, 0);
	store_query_end(q);
	return n;
}

/* Of the whole site: it is another one behind every change of anything. */
static const char *etag_of(struct model *m, char buf[FRONT_ETAG_MAX])
{
	snprintf(buf, FRONT_ETAG_MAX, "\"%lld\"",
		 (long long)number_of(m, "SELECT revision FROM state"));
	return buf;
}

static void get_site(struct model *m, struct front_reply *ret_reply)
{
	struct model_answer answer;

	site_show(m, &answer);
	if (!answer.json) {
		reply_refuse(ret_reply, answer.status, answer.why, NULL);
		return;
	}
	*ret_reply = (struct front_reply){.status = 200, .json = answer.json};
	etag_of(m, ret_reply->etag);
}

static const char apply_path[] = "/v1/apply";
static const char site_path[] = "/v1/site";

const char *apply_route(size_t i, enum front_method *ret_method)
{
	static const enum front_method methods[] = {FRONT_POST, FRONT_GET};
	static const char *const paths[] = {apply_path, site_path};

	if (i >= sizeof(paths) / sizeof(paths[0]))
		return NULL;
	*ret_method = methods[i];
	return paths[i];
}

bool apply_has_path(const char *path)
{
	return strcmp(path, apply_path) == 0 || strcmp(path, site_path) == 0;
}

bool apply_matches(struct model *model, const struct front_request *request,
		   struct front_reply *ret_reply)
{
	char etag[FRONT_ETAG_MAX];
	char why[RESOURCE_WHY_MAX];

	if (strcmp(request->path, apply_path) != 0 || !request->if_match ||
	    strcmp(request->if_match, "*") == 0 ||
	    strcmp(request->if_match, etag_of(model, etag)) == 0)
		return true;
	snprintf(why, sizeof(why), "If-Match: the site has been changed since; it is %s by now.",
		 etag);
	reply_refuse(ret_reply, 412, why, NULL);
	return false;
}

bool apply_is_long(struct model *model, const struct front_request *request)
{
	json_t *body;
	bool prunes;

	if (strcmp(request->path, apply_path) != 0 || request->method != FRONT_POST)
		return false;
	if (request->body_len > APPLY_AT_ONCE_BYTES)
		return true;
	body = json_loadb(request->body, request->body_len, JSON_REJECT_DUPLICATES, NULL);
	prunes = json_is_true(json_object_get(body, "prune"));
	json_decref(body);
	return prunes &&
	       number_of(model, "SELECT (SELECT count(*) FROM route) +"
				" (SELECT count(*) FROM connection)") > APPLY_AT_ONCE_ROWS;
}

void apply_answer(struct model *model, const struct front_request *request, int64_t now,
		  struct apply_watch *watch, struct front_reply *ret_reply)
{
	if (strcmp(request->path, site_path) == 0 && request->method == FRONT_GET)
		get_site(model, ret_reply);
	else if (strcmp(request->path, apply_path) == 0 && request->method == FRONT_POST)
		post_apply(model, request, now, watch, ret_reply);
	else
		reply_refuse(ret_reply, 405, "this path has no such method", NULL);
}

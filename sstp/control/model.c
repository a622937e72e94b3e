/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/model.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "routing/aggregate.h"
#include "routing/overlap.h"
#include "routing/prefix.h"
#include "routing/range.h"
#include "sstp/control/kinds.h"
#include "sstp/control/model_internal.h"
#include "sstp/control/store_schema.h"

static const struct resource_kind *const kinds[] = {
	&kind_plan,	  &kind_app,	 &kind_vnet,	     &kind_gateway,	 &kind_peering,
	&kind_connection, &kind_package, &kind_plan_network, &kind_plan_package, &kind_route,
};

/* ---- what SQL cannot do ---- */

/* The smaller of two prefixes that overlap. */
static char *common_prefix(const char *const *args)
{
	struct prefix a;
	struct prefix b;

	if (!args[0] || !args[1] || prefix_parse(args[0], &a) < 0 || prefix_parse(args[1], &b) < 0)
		return NULL;
	return prefix_overlaps(&a, &b) ? strdup(args[a.len < b.len]) : NULL;
}

/* Sorted; owned. NULL: out of memory. What is no prefix is left out. */
static struct prefix *prefixes_in(const char *list, size_t *ret_n)
{
	json_t *texts = json_loads(list, 0, NULL);
	struct prefix *prefixes = calloc(json_array_size(texts) + 1, sizeof(*prefixes));
	size_t n = 0, i;
	const json_t *text;

	json_array_foreach(texts, i, text)
	{
		if (prefixes && json_is_string(text) &&
		    prefix_parse(json_string_value(text), &prefixes[n]) == 0)
			n++;
	}
	json_decref(texts);
	*ret_n = prefixes ? aggregate_sort(prefixes, n) : 0;
	return prefixes;
}

/* Two prefixes of two JSON lists that have addresses in common: "10.1.0.0/16 and 10.1.2.0/24". */
static char *overlap(const char *const *args)
{
	char text[2][PREFIX_TEXT_MAX];
	struct prefix *lists[2] = {NULL, NULL};
	struct prefix found[2];
	size_t n[2] = {0, 0};
	char *out = NULL;

	for (size_t i = 0; i < 2 && args[i]; i++)
		lists[i] = prefixes_in(args[i], &n[i]);
	if (overlap_find(lists[0], n[0], lists[1], n[1], &found[0], &found[1]) &&
	    asprintf(&out, "%s and %s", prefix_format(&found[0], text[0]),
		     prefix_format(&found[1], text[1])) < 0)
		out = NULL;
	free(lists[0]);
	free(lists[1]);
	return out;
}

/* How many bits it takes to tell so many things from each other. */
static char *ceil_log2(const char *const *args)
{
	unsigned long long n = args[0] ? strtoull(args[0], NULL, 10) : 0;
	char text[8];
	int bits = 0;

	while (bits < 63 && 1ULL << bits < n)
		bits++;
	snprintf(text, sizeof(text), "%d", bits);
	return strdup(text);
}

/* A JSON list of the prefixes of a route's two addresses. */
static char *prefixes_of(const char *const *args)
{
	struct prefix list[RANGE_PREFIXES_MAX];
	char text[PREFIX_TEXT_MAX];
	struct range range;
	const char *why;
	json_t *json;
	char *out;
	size_t n;

	if (!args[0] || range_parse(args[0], args[1], &range, &why) < 0)
		return NULL;
	n = range_prefixes(&range, list);
	json = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(json, json_string(prefix_format(&list[i], text)));
	out = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	return out;
}

/* ---- life ---- */

/* What every connection to the store needs. */
static int add_views(struct store *s, struct certs_error *e)
{
	int r = store_function(s, "common_prefix", 2, common_prefix, e);

	if (r == 0)
		r = store_function(s, "overlap", 2, overlap, e);
	if (r == 0)
		r = store_function(s, "ceil_log2", 1, ceil_log2, e);
	if (r == 0)
		r = store_function(s, "range_prefixes", 2, prefixes_of, e);
	if (r == 0)
		r = store_script(s, store_schema_views, e);
	for (size_t i = 0; r == 0 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i]->view)
			r = store_script(s, kinds[i]->view, e);
	return r;
}

int model_open(const char *path, struct model **ret_model, struct certs_error *ret_error)
{
	struct model *m = calloc(1, sizeof(*m));
	int r = m ? store_open(path, &store_schema_model, &m->store, ret_error)
		  : certs_fail(ret_error, -ENOMEM, "out of memory");

	if (r == 0)
		r = add_views(m->store, ret_error);
	if (r == 0)
		*ret_model = m;
	else
		model_close(m);
	return r;
}

void model_close(struct model *m)
{
	if (!m)
		return;
	store_close(m->store);
	free(m);
}

struct store *model_store(struct model *m)
{
	return m->store;
}

int model_restore(const char *path, const char *file, struct certs_error *ret_error)
{
	struct store *s;
	int r = store_open(path, &store_schema_model, &s, ret_error);

	if (r < 0)
		return r;
	/* leaving the write-ahead log needs the file for oneself; opening it goes back to that */
	r = store_script(s, "PRAGMA journal_mode = DELETE", ret_error);
	if (r == 0)
		r = store_restore(s, file, ret_error);
	store_close(s);
	return r;
}

int model_set_strict(struct model *m, bool is_strict, struct certs_error *ret_error)
{
	const struct store_value value = {
		.name = ":strict", .number = is_strict, .is_number = true};
	int r = store_run(m->store,
			  "UPDATE setting SET is_strict = :strict WHERE is_strict <> :strict",
			  &value, 1, ret_error);

	if (r >= 0)
		m->is_strict = is_strict;
	return r;
}

/* ---- one for another thread ---- */

/* What is told beside the store is in tables of the connection's own. */
static int copy_table(struct store *from, struct store *to, const char *select, const char *insert,
		      struct certs_error *e)
{
	static const char *const names[] = {":a", ":b", ":c", ":d", ":e"};
	struct store_value values[sizeof(names) / sizeof(names[0])];
	const size_t n = sizeof(names) / sizeof(names[0]);
	struct store_query *q;
	int r = store_query(from, select, NULL, 0, &q, e);

	if (r < 0)
		return r;
	while (r >= 0 && (r = store_query_next(q, e)) > 0) {
		for (size_t i = 0; i < n; i++)
			values[i] = (struct store_value){.name = names[i],
							 .text = store_query_text(q, (int)i)};
		r = store_run(to, insert, values, n, e);
	}
	store_query_end(q);
	return r;
}

static int copy_told(struct store *from, struct store *to, struct certs_error *e)
{
	int r = copy_table(from, to, "SELECT app, vnet, thumbprint, blob, status FROM certificate",
			   "INSERT INTO certificate VALUES (:a, :b, :c, :d, :e)", e);

	if (r < 0)
		return r;
	return copy_table(from, to, "SELECT vnet, why, counted, NULL, NULL FROM gateway_state",
			  "INSERT INTO gateway_state VALUES (:a, :b, :c)", e);
}

static int refuse_lent(struct certs_error *e)
{
	return certs_fail(
		e, -EINPROGRESS,
		"A site is being applied, and nothing else is changed until that has ended: see "
		"/v1/operations.");
}

int model_lend(struct model *m, struct model **ret_lent, struct certs_error *ret_error)
{
	struct model *lent;
	int r = m->is_lent ? refuse_lent(ret_error) : model_flush(m, ret_error);

	if (r < 0)
		return r;
	lent = calloc(1, sizeof(*lent));
	r = lent ? store_open_beside(m->store, &lent->store, ret_error)
		 : certs_fail(ret_error, -ENOMEM, "out of memory");
	if (r == 0)
		r = add_views(lent->store, ret_error);
	if (r == 0)
		r = copy_told(m->store, lent->store, ret_error);
	if (r == 0)
		r = model_set_strict(lent, m->is_strict, ret_error);
	if (r < 0) {
		model_close(lent);
		return r;
	}
	m->is_lent = true;
	*ret_lent = lent;
	return 0;
}

/* As the triggers on gateway_state do, where it was this model that removed something. */
int model_take_back(struct model *m, struct model *lent, struct certs_error *ret_error)
{
	int r;

	model_close(lent);
	m->is_lent = false;
	r = store_run(m->store,
		      "DELETE FROM gateway_state WHERE vnet NOT IN"
		      " (SELECT v.name FROM vnet v JOIN gateway g ON g.vnet_id = v.id)",
		      NULL, 0, ret_error);
	return r < 0 ? r : 0;
}

bool model_is_lent(const struct model *m)
{
	return m->is_lent;
}

/* ---- answers ---- */

static void refuse(struct model_answer *a, int status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void refuse(struct model_answer *a, int status, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(a->why, sizeof(a->why), fmt, args);
	va_end(args);
	a->status = status;
}

void model_fail(struct model_answer *a, int error, const struct certs_error *e)
{
	int status = error == -ENOSPC ? 507 : error == -EINPROGRESS ? 409 : 500;

	refuse(a, status, "%s", e->text);
}

int model_fetch(struct model *m, const struct resource_kind *kind, const struct model_names *names,
		struct model_answer *a, struct certs_error *e)
{
	struct store_query *q;
	int r = store_query(m->store, kind->get, names->values, names->n, &q, e);

	if (r < 0)
		return r;
	r = store_query_next(q, e);
	if (r > 0) {
		a->status = 200;
		a->json = strdup(store_query_text(q, 0));
		snprintf(a->etag, sizeof(a->etag), "\"%lld\"", (long long)store_query_number(q, 1));
		if (!a->json)
			r = certs_fail(e, -ENOMEM, "out of memory");
	}
	store_query_end(q);
	return r;
}

void model_get(struct model *m, const struct resource_kind *kind, const struct model_names *names,
	       struct model_answer *ret_answer)
{
	struct certs_error e;
	int r;

	*ret_answer = (struct model_answer){.status = 500};
	r = model_fetch(m, kind, names, ret_answer, &e);
	if (r < 0)
		model_fail(ret_answer, r, &e);
	else if (r == 0)
		refuse(ret_answer, 404, "%s", kind->missing);
}

void model_list(struct model *m, const char *sql, bool is_bare, const struct model_names *names,
		struct model_answer *ret_answer)
{
	struct store_query *q = NULL;
	struct certs_error e;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	const char *comma = "";
	int r = f ? store_query(m->store, sql, names->values, names->n, &q, &e)
		  : certs_fail(&e, -ENOMEM, "out of memory");

	*ret_answer = (struct model_answer){.status = 200};
	if (r == 0)
		fputs(is_bare ? "[" : "{\"value\":[", f);
	while (r >= 0 && (r = store_query_next(q, &e)) > 0) {
		fprintf(f, "%s%s", comma, store_query_text(q, 0));
		comma = ",";
	}
	store_query_end(q);
	if (r == 0)
		fputs(is_bare ? "]" : "]}", f);
	if (f && fclose(f) != 0 && r == 0)
		r = certs_fail(&e, -ENOMEM, "out of memory");
	if (r == 0) {
		ret_answer->json = text;
		return;
	}
	free(text);
	model_fail(ret_answer, r, &e);
}

/* ---- transactions ---- */

static void add(struct model_values *v, struct store_value value)
{
	v->list[v->n++] = value;
}

static int next_revision(struct model *m, int64_t *ret_revision, struct certs_error *e)
{
	struct store_query *q;
	int r = store_query(m->store, "UPDATE state SET revision = revision + 1 RETURNING revision",
			    NULL, 0, &q, e);

	if (r < 0)
		return r;
	r = store_query_next(q, e);
	if (r > 0)
		*ret_revision = store_query_number(q, 0);
	while (r > 0)
		r = store_query_next(q, e);
	store_query_end(q);
	return r;
}

int model_batch(struct model *m, struct certs_error *ret_error)
{
	int r = 0;

	if (m->is_lent)
		return refuse_lent(ret_error);
	if (!m->is_batch)
		r = store_begin(m->store, ret_error);
	if (r == 0)
		m->is_batch = true;
	return r;
}

int model_flush(struct model *m, struct certs_error *ret_error)
{
	if (!m->is_batch)
		return 0;
	m->is_batch = false;
	return store_commit(m->store, ret_error);
}

int model_begin(struct model *m, const struct model_names *names, int64_t now,
		struct model_values *ret_values, struct certs_error *ret_error)
{
	int64_t revision = 0;
	int r = m->is_lent ? refuse_lent(ret_error) : model_flush(m, ret_error);

	*ret_values = (struct model_values){0};
	if (r == 0)
		r = store_begin(m->store, ret_error);
	if (r < 0)
		return r;
	r = next_revision(m, &revision, ret_error);
	if (r == 0)
		r = store_run(m->store, "DELETE FROM touched", NULL, 0, ret_error);
	if (r < 0) {
		store_rollback(m->store);
		return r;
	}
	for (size_t i = 0; names && i < names->n; i++)
		add(ret_values, names->values[i]);
	add(ret_values,
	    (struct store_value){.name = ":revision", .number = revision, .is_number = true});
	add(ret_values, (struct store_value){.name = ":now", .number = now, .is_number = true});
	add(ret_values,
	    (struct store_value){.name = ":strict", .number = m->is_strict, .is_number = true});
	return 0;
}

int model_set_body(struct model_values *v, const json_t *body)
{
	v->body = json_dumps(body, JSON_COMPACT);
	if (!v->body)
		return -ENOMEM;
	add(v, (struct store_value){.name = ":body", .text = v->body});
	return 0;
}

int model_end(struct model *m, bool is_good, struct model_values *v, struct certs_error *ret_error)
{
	free(v->body);
	v->body = NULL;
	if (is_good)
		return store_commit(m->store, ret_error);
	store_rollback(m->store);
	return 0;
}

int model_settle(struct model *m, const struct model_values *v, struct certs_error *ret_error)
{
	int r = store_run(m->store,
			  "UPDATE connection SET synced = n.now, synced_at = :now,"
			  " version = :revision FROM connection_now n"
			  " WHERE connection.app_id IN (SELECT app_id FROM touched)"
			  " AND n.app_id = connection.app_id AND n.synced <> n.now"
			  " AND n.source <> 'gone' AND (n.synced = '{}'"
			  " OR (n.auto_sync AND n.vnet_subscription = n.plan_subscription))",
			  v->list, v->n, ret_error);

	return r < 0 ? r : 0;
}

/* ---- one change ---- */

bool model_keeps(struct model *m, const struct resource_rule *rules, const struct model_values *v,
		 struct model_answer *a)
{
	for (; rules && rules->sql && !*a->why; rules++) {
		struct store_query *q;
		struct certs_error e;
		int r = store_query(m->store, rules->sql, v->list, v->n, &q, &e);

		if (r == 0) {
			r = store_query_next(q, &e);
			if (r > 0)
				refuse(a, rules->status, "%s", store_query_text(q, 0));
			store_query_end(q);
		}
		if (r < 0)
			model_fail(a, r, &e);
	}
	return !*a->why;
}

int model_run(struct model *m, const struct resource_kind *kind, const char *sql,
	      const struct model_values *v, struct model_answer *a)
{
	struct certs_error e;
	int r = store_run(m->store, sql, v->list, v->n, &e);

	if (r >= 0)
		return r;
	if (r == -EEXIST && kind->taken)
		refuse(a, 409, "%s", kind->taken);
	else if (r == -EINVAL || r == -EEXIST)
		refuse(a, 409, "This %s cannot be written: %s", kind->name, e.text);
	else
		model_fail(a, r, &e);
	return -1;
}

static const char *or_missing(const struct resource_kind *kind, const char *text)
{
	return text ? text : kind->missing;
}

static bool matches(const struct model_change *c, const struct model_answer *old,
		    struct model_answer *a)
{
	if (c->if_none_match && strcmp(c->if_none_match, "*") == 0 && old->json) {
		refuse(a, 412, "If-None-Match: it is there already; it is %s.", old->etag);
		return false;
	}
	if (!c->if_match)
		return true;
	if (old->json && (strcmp(c->if_match, "*") == 0 || strcmp(c->if_match, old->etag) == 0))
		return true;
	refuse(a, 412,
	       old->json ? "If-Match: it has been changed since; it is %s by now."
			 : "If-Match: it is not there%s.",
	       old->etag);
	return false;
}

static bool read_body(const struct model_change *c, const struct model_answer *old,
		      struct model_values *v, struct model_answer *a)
{
	json_t *before = c->verb == MODEL_PATCH ? json_loads(old->json, 0, NULL) : NULL;
	json_t *fields = NULL;
	int r = resource_check(c->kind, c->body, a->why);

	if (r == 0)
		r = resource_read(c->kind, c->body, before, &fields, a->why);
	if (r == 0)
		r = model_set_body(v, fields);
	if (r == -EINVAL)
		a->status = 400;
	else if (r < 0)
		refuse(a, 500, "out of memory");
	json_decref(fields);
	json_decref(before);
	return r == 0;
}

bool model_write(struct model *m, const struct resource_kind *kind, bool is_there,
		 const struct model_values *v, struct model_answer *a)
{
	int n;

	if (!model_keeps(m, kind->before_write, v, a))
		return false;
	if (!is_there && model_run(m, kind, kind->insert, v, a) < 0)
		return false;
	n = model_run(m, kind, kind->update, v, a);
	if (n == 0)
		refuse(a, 404, "%s", kind->missing);
	return n > 0 && (!kind->touch || model_run(m, kind, kind->touch, v, a) >= 0);
}

bool model_remove(struct model *m, const struct resource_kind *kind, const struct model_values *v,
		  struct model_answer *a)
{
	return model_keeps(m, kind->before_remove, v, a) &&
	       model_run(m, kind, kind->remove, v, a) >= 0;
}

static bool write_or_remove(struct model *m, const struct model_change *c,
			    const struct model_answer *old, struct model_values *v,
			    struct model_answer *a)
{
	bool may_insert = c->verb == MODEL_PUT && c->kind->insert;

	if (!matches(c, old, a))
		return false;
	if (!old->json && !may_insert) {
		const char *text = c->verb == MODEL_DELETE  ? c->kind->missing_remove
				   : c->verb == MODEL_PATCH ? c->kind->missing_update
							    : NULL;

		refuse(a, 404, "%s", or_missing(c->kind, text));
		return false;
	}
	if (c->verb == MODEL_DELETE)
		return model_remove(m, c->kind, v, a);
	if (c->verb != MODEL_POST && !read_body(c, old, v, a))
		return false;
	return model_write(m, c->kind, old->json != NULL, v, a) &&
	       model_keeps(m, c->kind->after_write, v, a) &&
	       model_keeps(m, c->kind->after_all, v, a);
}

bool model_apply(struct model *m, const struct model_change *change, struct model_values *v,
		 struct model_answer *ret_answer)
{
	struct model_answer old = {0};
	struct certs_error e;
	bool good;
	int r = model_fetch(m, change->kind, &change->names, &old, &e);

	good = r >= 0 && write_or_remove(m, change, &old, v, ret_answer);
	if (good)
		r = model_settle(m, v, &e);
	free(old.json);
	if (r < 0)
		model_fail(ret_answer, r, &e);
	return good && r >= 0;
}

/* What there is after it; {} when it is gone. */
static void show(struct model *m, const struct model_change *c, struct model_answer *a)
{
	if (c->verb != MODEL_DELETE) {
		model_get(m, c->kind, &c->names, a);
		return;
	}
	a->status = 200;
	a->json = strdup("{}");
}

void model_change(struct model *m, const struct model_change *change,
		  struct model_answer *ret_answer)
{
	struct model_values v;
	struct certs_error e;
	bool good;
	int r;

	*ret_answer = (struct model_answer){.status = 500};
	r = model_begin(m, &change->names, change->now, &v, &e);
	if (r == 0) {
		good = model_apply(m, change, &v, ret_answer);
		r = model_end(m, good, &v, &e);
		if (good && r == 0)
			show(m, change, ret_answer);
	}
	if (r < 0)
		model_fail(ret_answer, r, &e);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/control/store_internal.h"

enum {
	ARGS_MAX = 4 /* of a function */
};

/* ---- the statements that are kept ---- */

static struct store_query *find_kept(struct store *s, const char *sql)
{
	for (size_t i = 0; i < s->n_kept; i++)
		if (s->kept[i].sql == sql && !s->kept[i].is_busy)
			return &s->kept[i];
	return NULL;
}

/* A place in the cache, or one of its own when that is full; NULL without memory. */
static struct store_query *new_place(struct store *s)
{
	struct store_query *q;

	if (s->n_kept == STORE_STATEMENTS_MAX)
		return calloc(1, sizeof(*q));
	q = &s->kept[s->n_kept++];
	*q = (struct store_query){.is_kept = true};
	return q;
}

static void drop_place(struct store_query *q)
{
	if (q->is_kept)
		q->store->n_kept--; /* it was the last one */
	else
		free(q);
}

static int prepare(struct store *s, const char *sql, struct store_query **ret_query,
		   struct certs_error *ret_error)
{
	struct store_query *q = new_place(s);
	int r;

	if (!q)
		return certs_fail(ret_error, -ENOMEM, "out of memory");
	q->store = s;
	q->sql = sql;
	if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &q->stmt, NULL)) {
		r = store_fail(s->db, s->path, "prepare", ret_error);
		drop_place(q);
		return r;
	}
	*ret_query = q;
	return 0;
}

/* ---- values ---- */

static const struct store_value *find_value(const struct store_value *values, size_t n,
					    const char *name)
{
	for (size_t i = 0; name && i < n; i++)
		if (strcmp(values[i].name, name) == 0)
			return &values[i];
	return NULL;
}

static int bind(sqlite3_stmt *stmt, int at, const struct store_value *v)
{
	if (v && v->text)
		return sqlite3_bind_text(stmt, at, v->text, -1, SQLITE_TRANSIENT);
	if (v && v->is_number)
		return sqlite3_bind_int64(stmt, at, v->number);
	return sqlite3_bind_null(stmt, at);
}

int store_query(struct store *s, const char *sql, const struct store_value *values, size_t n,
		struct store_query **ret_query, struct certs_error *ret_error)
{
	struct store_query *q = find_kept(s, sql);
	int r = q ? 0 : prepare(s, sql, &q, ret_error);

	if (r < 0)
		return r;
	q->is_busy = true;
	for (int at = 1; at <= sqlite3_bind_parameter_count(q->stmt); at++) {
		const char *name = sqlite3_bind_parameter_name(q->stmt, at);

		if (bind(q->stmt, at, find_value(values, n, name)) == SQLITE_OK)
			continue;
		r = store_fail(s->db, s->path, "bind", ret_error);
		store_query_end(q);
		return r;
	}
	*ret_query = q;
	return 0;
}

int store_query_next(struct store_query *q, struct certs_error *ret_error)
{
	switch (sqlite3_step(q->stmt)) {
	case SQLITE_ROW: return 1;
	case SQLITE_DONE: return 0;
	default: return store_fail(q->store->db, q->store->path, "statement", ret_error);
	}
}

const char *store_query_text(struct store_query *q, int column)
{
	return (const char *)sqlite3_column_text(q->stmt, column);
}

int64_t store_query_number(struct store_query *q, int column)
{
	return sqlite3_column_int64(q->stmt, column);
}

void store_query_end(struct store_query *q)
{
	if (!q)
		return;
	sqlite3_reset(q->stmt);
	sqlite3_clear_bindings(q->stmt);
	q->is_busy = false;
	if (q->is_kept)
		return;
	sqlite3_finalize(q->stmt);
	free(q);
}

int store_run(struct store *s, const char *sql, const struct store_value *values, size_t n,
	      struct certs_error *ret_error)
{
	int64_t before = sqlite3_total_changes64(s->db);
	struct store_query *q;
	int r = store_query(s, sql, values, n, &q, ret_error);

	if (r < 0)
		return r;
	do
		r = store_query_next(q, ret_error);
	while (r > 0);
	store_query_end(q);
	return r < 0 ? r : (int)(sqlite3_total_changes64(s->db) - before);
}

/* ---- functions ---- */

static void call(sqlite3_context *context, int n, sqlite3_value **values)
{
	store_function_body **body = sqlite3_user_data(context);
	const char *args[ARGS_MAX];
	char *text;

	for (int i = 0; i < n; i++)
		args[i] = (const char *)sqlite3_value_text(values[i]);
	text = (*body)(args);
	sqlite3_result_text(context, text, -1, free);
}

/* A function's address is not an object's: it lies in one, freed with the connection. */
int store_function(struct store *s, const char *name, int n_args, store_function_body *body,
		   struct certs_error *ret_error)
{
	store_function_body **held = malloc(sizeof(*held));

	if (!held || n_args > ARGS_MAX) {
		free(held);
		return certs_fail(ret_error, held ? -EINVAL : -ENOMEM, "function %s cannot be made",
				  name);
	}
	*held = body;
	if (sqlite3_create_function_v2(s->db, name, n_args,
				       SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, held,
				       call, NULL, NULL, free) == SQLITE_OK)
		return 0;
	return store_fail(s->db, s->path, name, ret_error);
}

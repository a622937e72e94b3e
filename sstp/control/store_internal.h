/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_STORE_INTERNAL_H
#define SSTP_CONTROL_STORE_INTERNAL_H
/* What the files of the store share. */
#include <sqlite3.h>

#include "sstp/control/store.h"

struct store_query {
	struct store *store;
	const char *sql; /* its name in the cache */
	sqlite3_stmt *stmt;
	bool is_busy;
	bool is_kept;
};

struct store {
	sqlite3 *db;
	const struct store_schema *schema;
	const char *path; /* owned by db; "" in memory */
	struct store_query kept[STORE_STATEMENTS_MAX];
	size_t n_kept;
};

/* -errno of what SQLite said last on db, and the sentence. doing: "commit", for the sentence. */
int store_fail(sqlite3 *db, const char *path, const char *doing, struct certs_error *ret_error);

/* The first row's number; -errno. */
int store_number(sqlite3 *db, const char *path, const char *sql, int64_t *ret_number,
		 struct certs_error *ret_error);

/* That db is ours, not newer, and whole. */
int store_check(sqlite3 *db, const char *path, const struct store_schema *schema,
		struct certs_error *ret_error);

/* Brings it to the schema's version. */
int store_migrate(sqlite3 *db, const char *path, const struct store_schema *schema,
		  struct certs_error *ret_error);

#endif

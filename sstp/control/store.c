/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sstp/control/store_internal.h"

enum {
	BUSY_MS = 2000,		/* somebody looks at the file with a tool of his own */
	BUSY_BESIDE_MS = 10000, /* no loop stands still meanwhile */
};

/* ---- errors ---- */

static int errno_of_constraint(int extended)
{
	switch (extended) {
	case SQLITE_CONSTRAINT_UNIQUE:
	case SQLITE_CONSTRAINT_PRIMARYKEY:
	case SQLITE_CONSTRAINT_ROWID: return -EEXIST;
	case SQLITE_CONSTRAINT_FOREIGNKEY: return -EBUSY;
	default: return -EINVAL;
	}
}

static int errno_of(int extended)
{
	switch (extended & 0xff) {
	case SQLITE_CONSTRAINT: return errno_of_constraint(extended);
	case SQLITE_FULL: return -ENOSPC;
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN: return -EROFS;
	case SQLITE_PERM:
	case SQLITE_AUTH: return -EACCES;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB: return -EBADMSG;
	case SQLITE_BUSY:
	case SQLITE_LOCKED: return -EAGAIN;
	case SQLITE_TOOBIG: return -EMSGSIZE;
	case SQLITE_NOMEM: return -ENOMEM;
	case SQLITE_IOERR: return extended == SQLITE_IOERR_NOMEM ? -ENOMEM : -EIO;
	default: return -EINVAL;
	}
}

static const char *advice_for(int error)
{
	switch (error) {
	case -ENOSPC: return "; make room on its disk: nothing of this change was written";
	case -EROFS: return "; its folder must be writable for the gateway's user";
	case -EBADMSG: return "; it is damaged, or no store: put a backup in its place";
	case -EAGAIN: return "; another process holds it";
	default: return "";
	}
}

int store_fail(sqlite3 *db, const char *path, const char *doing, struct certs_error *ret_error)
{
	int extended = db ? sqlite3_extended_errcode(db) : SQLITE_NOMEM;
	int error = errno_of(extended);
	int system = db && (extended & 0xff) == SQLITE_IOERR ? sqlite3_system_errno(db) : 0;

	return certs_fail(ret_error, error, "store %s: %.40s: %.160s%s%s%s",
			  *path ? path : ":memory:", doing,
			  db ? sqlite3_errmsg(db) : "out of memory", system ? ": " : "",
			  system ? strerror(system) : "", advice_for(error));
}

static int run(sqlite3 *db, const char *path, const char *sql, struct certs_error *ret_error)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK
		       ? 0
		       : store_fail(db, path, sql, ret_error);
}

/* ---- is it ours, is it whole ---- */

int store_number(sqlite3 *db, const char *path, const char *sql, int64_t *ret_number,
		 struct certs_error *ret_error)
{
	sqlite3_stmt *stmt = NULL;
	bool done = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK &&
		    sqlite3_step(stmt) == SQLITE_ROW;
	int r = done ? 0 : store_fail(db, path, sql, ret_error);

	if (done)
		*ret_number = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return r;
}

/* It answers with one row, "ok". */
static int check_pages(sqlite3 *db, const char *path, struct certs_error *ret_error)
{
	sqlite3_stmt *stmt = NULL;
	const char *text = NULL;
	int r = 0;

	if (sqlite3_prepare_v2(db, "PRAGMA integrity_check(1)", -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		text = (const char *)sqlite3_column_text(stmt, 0);
	if (!text)
		r = store_fail(db, path, "integrity check", ret_error);
	else if (strcmp(text, "ok") != 0)
		r = certs_fail(ret_error, -EBADMSG, "store %s is damaged: %.160s%s", path, text,
			       advice_for(-EBADMSG));
	sqlite3_finalize(stmt);
	return r;
}

static int check_references(sqlite3 *db, const char *path, struct certs_error *ret_error)
{
	int64_t n = 0;
	int r = store_number(db, path, "SELECT count(*) FROM pragma_foreign_key_check", &n,
			     ret_error);

	if (r < 0 || n == 0)
		return r;
	return certs_fail(ret_error, -EBADMSG, "store %s is damaged: %lld rows refer to nothing%s",
			  path, (long long)n, advice_for(-EBADMSG));
}

static int check_head(sqlite3 *db, const char *path, const struct store_schema *schema,
		      struct certs_error *ret_error)
{
	int64_t id = 0;
	int64_t version = 0;
	int64_t n = 0;
	int r = store_number(db, path, "PRAGMA application_id", &id, ret_error);

	if (r == 0)
		r = store_number(db, path, "PRAGMA user_version", &version, ret_error);
	if (r == 0)
		r = store_number(db, path, "SELECT count(*) FROM sqlite_schema", &n, ret_error);
	if (r < 0)
		return r;
	if (id != schema->application_id && (id || version || n))
		return certs_fail(ret_error, -EBADMSG, "%s is no store of this program", path);
	if (version > schema->n_steps)
		return certs_fail(ret_error, -EBADMSG,
				  "store %s was written by a newer version of this program (%lld, "
				  "this one knows %d): update, or put a backup in its place",
				  path, (long long)version, schema->n_steps);
	return 0;
}

int store_check(sqlite3 *db, const char *path, const struct store_schema *schema,
		struct certs_error *ret_error)
{
	int r = check_head(db, path, schema, ret_error);

	if (r == 0)
		r = check_pages(db, path, ret_error);
	return r == 0 ? check_references(db, path, ret_error) : r;
}

/* ---- versions ---- */

static int take_step(sqlite3 *db, const char *path, const struct store_schema *schema, int version,
		     struct certs_error *ret_error)
{
	char head[128];
	int r = run(db, path, "BEGIN IMMEDIATE", ret_error);

	if (r < 0)
		return r;
	snprintf(head, sizeof(head), "PRAGMA application_id = %d; PRAGMA user_version = %d",
		 (int)schema->application_id, version + 1);
	r = run(db, path, schema->steps[version], ret_error);
	if (r == 0)
		r = run(db, path, head, ret_error);
	if (r == 0)
		r = run(db, path, "COMMIT", ret_error);
	if (r < 0)
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return r;
}

int store_migrate(sqlite3 *db, const char *path, const struct store_schema *schema,
		  struct certs_error *ret_error)
{
	int64_t version = 0;
	int r = store_number(db, path, "PRAGMA user_version", &version, ret_error);

	for (; r == 0 && version < schema->n_steps; version++)
		r = take_step(db, path, schema, (int)version, ret_error);
	return r;
}

/* ---- life ---- */

/* Makes the file before SQLite does: 0600 from its first moment. */
static int make_file(const char *path, struct certs_error *ret_error)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);

	if (fd < 0)
		return certs_fail(ret_error, -errno, "store %s: %s", path, strerror(errno));
	if (fstat(fd, &st) < 0) {
		int error = errno;

		close(fd);
		return certs_fail(ret_error, -error, "store %s: %s", path, strerror(error));
	}
	close(fd);
	if (!S_ISREG(st.st_mode))
		return certs_fail(ret_error, -EACCES, "store %s is no regular file", path);
	if (st.st_uid != geteuid() || (st.st_mode & 077))
		return certs_fail(ret_error, -EACCES,
				  "store %s can be read by others than its owner, or belongs to "
				  "another user: chown it, and chmod 600",
				  path);
	return 0;
}

static int configure(struct store *s, struct certs_error *ret_error)
{
	char pages[64];

	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, BUSY_MS);
	sqlite3_limit(s->db, SQLITE_LIMIT_LENGTH, STORE_TEXT_MAX);
	sqlite3_limit(s->db, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	snprintf(pages, sizeof(pages), "PRAGMA max_page_count = %u",
		 s->schema->max_pages ? s->schema->max_pages : 1U << 30);
	return run(s->db, s->path, pages, ret_error);
}

/* WAL is what the file becomes, so only once it is known to be ours. */
static int use_wal(struct store *s, struct certs_error *ret_error)
{
	return run(s->db, s->path,
		   "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
		   "PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY",
		   ret_error);
}

static int prepare(struct store *s, struct certs_error *ret_error)
{
	int r = configure(s, ret_error);

	if (r == 0)
		r = store_check(s->db, s->path, s->schema, ret_error);
	if (r == 0)
		r = use_wal(s, ret_error);
	return r == 0 ? store_migrate(s->db, s->path, s->schema, ret_error) : r;
}

static int open_file(struct store *s, const char *path, struct certs_error *ret_error)
{
	int r = 0;

	if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL))
		r = store_fail(s->db, path, "open", ret_error);
	s->path = s->db ? sqlite3_db_filename(s->db, "main") : "";
	return r;
}

int store_open(const char *path, const struct store_schema *schema, struct store **ret_store,
	       struct certs_error *ret_error)
{
	struct store *s = calloc(1, sizeof(*s));
	int r = s ? 0 : certs_fail(ret_error, -ENOMEM, "out of memory");

	if (r == 0 && strcmp(path, ":memory:") != 0)
		r = make_file(path, ret_error);
	if (r < 0) {
		free(s);
		return r;
	}
	s->schema = schema;
	r = open_file(s, path, ret_error);
	if (r == 0)
		r = prepare(s, ret_error);
	if (r == 0)
		*ret_store = s;
	else
		store_close(s);
	return r;
}

int store_open_beside(const struct store *s, struct store **ret_store,
		      struct certs_error *ret_error)
{
	struct store *beside;
	int r;

	if (!*s->path)
		return certs_fail(ret_error, -EINVAL, "a store in memory has one connection");
	beside = calloc(1, sizeof(*beside));
	if (!beside)
		return certs_fail(ret_error, -ENOMEM, "out of memory");
	beside->schema = s->schema;
	r = open_file(beside, s->path, ret_error);
	if (r == 0)
		r = configure(beside, ret_error);
	if (r == 0)
		sqlite3_busy_timeout(beside->db, BUSY_BESIDE_MS);
	if (r == 0)
		r = use_wal(beside, ret_error);
	if (r == 0)
		*ret_store = beside;
	else
		store_close(beside);
	return r;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_kept; i++)
		sqlite3_finalize(s->kept[i].stmt);
	sqlite3_close_v2(s->db);
	free(s);
}

/* ---- transactions ---- */

int store_begin(struct store *s, struct certs_error *ret_error)
{
	return run(s->db, s->path, "BEGIN IMMEDIATE", ret_error);
}

int store_commit(struct store *s, struct certs_error *ret_error)
{
	int r = run(s->db, s->path, "COMMIT", ret_error);

	if (r < 0)
		store_rollback(s);
	return r;
}

void store_rollback(struct store *s)
{
	if (!sqlite3_get_autocommit(s->db))
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

int store_script(struct store *s, const char *sql, struct certs_error *ret_error)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK
		       ? 0
		       : store_fail(s->db, s->path, "script", ret_error);
}

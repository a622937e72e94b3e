/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sstp/control/store_internal.h"

/* The table of the files that a copy has. No schema knows it: a store has it only from a restore to the next start. */
#define KEPT "kept_file"

/* Every page in one go; one that fails leaves to as it was. */
static int copy(sqlite3 *to, sqlite3 *from, const char *path, struct certs_error *ret_error)
{
	sqlite3_backup *b = sqlite3_backup_init(to, "main", from, "main");

	if (b) {
		sqlite3_backup_step(b, -1);
		if (sqlite3_backup_finish(b) == SQLITE_OK)
			return 0;
	}
	return store_fail(to, path, "copy", ret_error);
}

/* ---- backup ---- */

/* So that a crash does not leave the name with the old file. */
static int sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];
	int fd;
	int r;

	snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path + 1) : 1,
		 slash ? path : ".");
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = fd < 0 || fsync(fd) < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	return r;
}

/* Beside its place, under another name, until it is whole. */
struct store_copy {
	sqlite3 *db;
	sqlite3_backup *backup; /* NULL: finished, or never begun */
	bool is_made;		/* the file of the other name */
	char path[PATH_MAX];
	char part[PATH_MAX];
};

static int make_part(struct store_copy *c, const char *path, struct certs_error *e)
{
	int fd;

	snprintf(c->path, sizeof(c->path), "%s", path);
	if ((size_t)snprintf(c->part, sizeof(c->part), "%s.part", path) >= sizeof(c->part))
		return certs_fail(e, -ENAMETOOLONG, "backup: the path is too long");
	if (unlink(c->part) < 0 && errno != ENOENT)
		return certs_fail(e, -errno, "backup %s: %s", c->part, strerror(errno));
	fd = open(c->part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return certs_fail(e, -errno, "backup %s: %s", c->part, strerror(errno));
	close(fd);
	c->is_made = true;
	return 0;
}

int store_copy_begin(struct store *s, const char *path, struct store_copy **ret_copy,
		     struct certs_error *ret_error)
{
	struct store_copy *c = calloc(1, sizeof(*c));
	int r = c ? make_part(c, path, ret_error) : certs_fail(ret_error, -ENOMEM, "out of memory");

	if (r == 0 &&
	    sqlite3_open_v2(c->part, &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL))
		r = store_fail(c->db, c->part, "open", ret_error);
	if (r == 0) {
		c->backup = sqlite3_backup_init(c->db, "main", s->db, "main");
		if (!c->backup)
			r = store_fail(c->db, c->part, "copy", ret_error);
	}
	if (r == 0)
		*ret_copy = c;
	else
		store_copy_free(c);
	return r;
}

/* A single file, flushed: whoever copies it away needs no log beside it. */
static int leave_log(struct store_copy *c, struct certs_error *e)
{
	int r = sqlite3_backup_finish(c->backup);

	c->backup = NULL;
	if (r)
		return store_fail(c->db, c->part, "copy", e);
	if (sqlite3_exec(c->db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL))
		return store_fail(c->db, c->part, "backup", e);
	return 0;
}

int store_copy_step(struct store_copy *c, int n_pages, int *ret_done, int *ret_total,
		    struct certs_error *ret_error)
{
	int r = sqlite3_backup_step(c->backup, n_pages);

	*ret_total = sqlite3_backup_pagecount(c->backup);
	*ret_done = *ret_total - sqlite3_backup_remaining(c->backup);
	/* in the middle of somebody's change: it can go on later */
	if (n_pages >= 0 && (r == SQLITE_BUSY || r == SQLITE_LOCKED))
		return 1;
	return r == SQLITE_OK ? 1 : leave_log(c, ret_error);
}

static int add_file(sqlite3_stmt *stmt, const struct store_file *file)
{
	sqlite3_reset(stmt);
	if (sqlite3_bind_text(stmt, 1, file->name, -1, SQLITE_STATIC) ||
	    sqlite3_bind_blob(stmt, 2, file->data, (int)file->len, SQLITE_STATIC))
		return -1;
	return sqlite3_step(stmt) == SQLITE_DONE ? 0 : -1;
}

/* In one transaction: each flush is one of the disk's. */
static int add_files(struct store_copy *c, const struct store_file *files, size_t n,
		     struct certs_error *e)
{
	sqlite3_stmt *stmt = NULL;
	int r = 0;

	if (sqlite3_exec(
		    c->db,
		    "BEGIN; CREATE TABLE IF NOT EXISTS " KEPT
		    " (name TEXT PRIMARY KEY, content BLOB NOT NULL) STRICT; DELETE FROM " KEPT,
		    NULL, NULL, NULL) ||
	    sqlite3_prepare_v2(c->db, "INSERT INTO " KEPT " VALUES (?, ?)", -1, &stmt, NULL))
		r = store_fail(c->db, c->part, "files", e);
	for (size_t i = 0; r == 0 && i < n; i++)
		if (add_file(stmt, &files[i]) < 0)
			r = store_fail(c->db, c->part, files[i].name, e);
	sqlite3_finalize(stmt);
	if (r == 0 && sqlite3_exec(c->db, "COMMIT", NULL, NULL, NULL))
		r = store_fail(c->db, c->part, "files", e);
	return r;
}

int store_copy_finish(struct store_copy *c, const struct store_file *files, size_t n,
		      struct certs_error *ret_error)
{
	int r = n ? add_files(c, files, n, ret_error) : 0;

	if (r < 0)
		return r;
	sqlite3_close_v2(c->db);
	c->db = NULL;
	if (rename(c->part, c->path) < 0)
		return certs_fail(ret_error, -errno, "backup %s: %s", c->path, strerror(errno));
	c->is_made = false;
	r = sync_folder(c->path);
	return r < 0 ? certs_fail(ret_error, r, "backup %s: %s", c->path, strerror(-r)) : 0;
}

void store_copy_free(struct store_copy *c)
{
	if (!c)
		return;
	sqlite3_backup_finish(c->backup);
	sqlite3_close_v2(c->db);
	if (c->is_made)
		unlink(c->part);
	free(c);
}

int store_backup(struct store *s, const char *path, struct certs_error *ret_error)
{
	struct store_copy *c;
	int done, total;
	int r = store_copy_begin(s, path, &c, ret_error);

	if (r < 0)
		return r;
	r = store_copy_step(c, -1, &done, &total, ret_error);
	if (r == 0)
		r = store_copy_finish(c, NULL, 0, ret_error);
	store_copy_free(c);
	return r;
}

/* ---- restore ---- */

/* Its tables with their columns, as a text; owned. NULL: ret_error says why. */
static char *shape_of(sqlite3 *db, const char *path, struct certs_error *ret_error)
{
	sqlite3_stmt *stmt = NULL;
	char *shape = NULL;

	if (sqlite3_prepare_v2(
		    db,
		    "SELECT coalesce(group_concat(line), '') FROM (SELECT m.name || '.' ||"
		    " c.name || ' ' || c.type AS line FROM sqlite_schema m,"
		    " pragma_table_xinfo(m.name) c WHERE m.type = 'table'"
		    " AND m.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND m.name <> '" KEPT "'"
		    " ORDER BY m.name, c.cid)",
		    -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		shape = sqlite3_mprintf("%s", sqlite3_column_text(stmt, 0));
	if (!shape)
		store_fail(db, path, "schema", ret_error);
	sqlite3_finalize(stmt);
	return shape;
}

/*
 * The head says which version it is: are the tables those of that? One that only says so would take the
 * store's place, and nothing could be opened any more.
 */
static int check_tables(sqlite3 *db, const char *path, const struct store_schema *schema,
			int64_t version, struct certs_error *e)
{
	struct store_schema as_then = *schema;
	sqlite3 *fresh = NULL;
	char *wanted = NULL;
	char *shape = NULL;
	int r;

	as_then.n_steps = (int)version;
	r = sqlite3_open_v2(":memory:", &fresh,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX, NULL)
		    ? store_fail(fresh, ":memory:", "open", e)
		    : store_migrate(fresh, ":memory:", &as_then, e);
	if (r == 0) {
		wanted = shape_of(fresh, ":memory:", e);
		shape = wanted ? shape_of(db, path, e) : NULL;
		r = shape ? 0 : -EBADMSG;
	}
	if (r == 0 && strcmp(shape, wanted) != 0)
		r = certs_fail(
			e, -EBADMSG,
			"%s has other tables than version %lld of a store: no backup of this "
			"program",
			path, (long long)version);
	sqlite3_free(shape);
	sqlite3_free(wanted);
	sqlite3_close_v2(fresh);
	return r;
}

int store_restore(struct store *s, const char *path, struct certs_error *ret_error)
{
	sqlite3 *db = NULL;
	int64_t version = 0;
	int r;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL))
		r = store_fail(db, path, "open", ret_error);
	else
		r = store_check(db, path, s->schema, ret_error);
	if (r == 0)
		r = store_number(db, path, "PRAGMA user_version", &version, ret_error);
	if (r == 0 && version == 0)
		r = certs_fail(ret_error, -EBADMSG, "%s is empty: no backup of this program", path);
	if (r == 0)
		r = check_tables(db, path, s->schema, version, ret_error);
	if (r == 0)
		r = copy(s->db, db, s->path, ret_error);
	sqlite3_close_v2(db);
	return r == 0 ? store_migrate(s->db, s->path, s->schema, ret_error) : r;
}

/* ---- the files of a restore ---- */

static void files_done(struct store_file *files, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		explicit_bzero((char *)files[i].data, files[i].len);
		free((char *)files[i].data);
		free((char *)files[i].name);
	}
	free(files);
}

/* 0; -1: no memory. */
static int copy_row(sqlite3_stmt *stmt, struct store_file *ret_file)
{
	size_t len = (size_t)sqlite3_column_bytes(stmt, 1);
	char *data = malloc(len + 1);
	char *name = strdup((const char *)sqlite3_column_text(stmt, 0));

	if (!data || !name) {
		free(data);
		free(name);
		return -1;
	}
	if (len)
		memcpy(data, sqlite3_column_blob(stmt, 1), len);
	*ret_file = (struct store_file){.name = name, .data = data, .len = len};
	return 0;
}

static int read_files(struct store *s, struct store_file **ret_files, size_t *ret_n,
		      struct certs_error *e)
{
	struct store_file *files = NULL, *more;
	sqlite3_stmt *stmt = NULL;
	size_t n = 0;
	int step = SQLITE_ERROR;

	if (sqlite3_prepare_v2(s->db, "SELECT name, content FROM " KEPT, -1, &stmt, NULL) == 0)
		while ((step = sqlite3_step(stmt)) == SQLITE_ROW) {
			more = realloc(files, (n + 1) * sizeof(*files));
			if (more)
				files = more;
			if (!more || copy_row(stmt, &files[n]) < 0)
				break;
			n++;
		}
	sqlite3_finalize(stmt);
	if (step == SQLITE_DONE) {
		*ret_files = files;
		*ret_n = n;
		return 0;
	}
	files_done(files, n);
	return step == SQLITE_ROW ? certs_fail(e, -ENOMEM, "out of memory")
				  : store_fail(s->db, s->path, "files", e);
}

/* Their pages are overwritten: there are keys among them. */
static int drop_files(struct store *s, struct certs_error *e)
{
	if (sqlite3_exec(s->db,
			 "PRAGMA secure_delete = ON; DROP TABLE " KEPT
			 "; PRAGMA secure_delete = OFF; PRAGMA wal_checkpoint(TRUNCATE)",
			 NULL, NULL, NULL))
		return store_fail(s->db, s->path, "files", e);
	return 0;
}

int store_take_files(struct store *s, store_take_body *take, void *arg,
		     struct certs_error *ret_error)
{
	struct store_file *files = NULL;
	int64_t is_there = 0;
	size_t n = 0;
	int r = store_number(s->db, s->path,
			     "SELECT count(*) FROM sqlite_schema WHERE name = '" KEPT "'",
			     &is_there, ret_error);

	if (r < 0 || !is_there)
		return r;
	r = read_files(s, &files, &n, ret_error);
	if (r < 0)
		return r;
	r = take(arg, files, n, ret_error);
	if (r == 0)
		r = drop_files(s, ret_error);
	files_done(files, n);
	return r < 0 ? r : 1;
}

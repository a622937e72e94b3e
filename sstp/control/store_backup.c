/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sstp/control/store_internal.h"

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

/* A single file: whoever copies it away needs no log beside it. */
static int write_copy(struct store *s, const char *path, struct certs_error *ret_error)
{
	sqlite3 *db = NULL;
	int r;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL))
		r = store_fail(db, path, "open", ret_error);
	else
		r = copy(db, s->db, path, ret_error);
	if (r == 0 && sqlite3_exec(db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL))
		r = store_fail(db, path, "backup", ret_error);
	sqlite3_close_v2(db);
	return r;
}

int store_backup(struct store *s, const char *path, struct certs_error *ret_error)
{
	char part[PATH_MAX];
	int fd;
	int r;

	if ((size_t)snprintf(part, sizeof(part), "%s.part", path) >= sizeof(part))
		return certs_fail(ret_error, -ENAMETOOLONG, "backup: the path is too long");
	if (unlink(part) < 0 && errno != ENOENT)
		return certs_fail(ret_error, -errno, "backup %s: %s", part, strerror(errno));
	fd = open(part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return certs_fail(ret_error, -errno, "backup %s: %s", part, strerror(errno));
	close(fd);
	r = write_copy(s, part, ret_error);
	if (r == 0 && rename(part, path) < 0)
		r = certs_fail(ret_error, -errno, "backup %s: %s", path, strerror(errno));
	if (r < 0) {
		unlink(part);
		return r;
	}
	r = sync_folder(path);
	return r < 0 ? certs_fail(ret_error, r, "backup %s: %s", path, strerror(-r)) : 0;
}

/* ---- restore ---- */

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
		r = copy(s->db, db, s->path, ret_error);
	sqlite3_close_v2(db);
	return r == 0 ? store_migrate(s->db, s->path, s->schema, ret_error) : r;
}

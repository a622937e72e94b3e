/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/vault.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define BESIDE "%s.tmp"
#define LOCK   "lock"

enum {
	BESIDE_MAX = VAULT_NAME_MAX + 4,
	OTHERS = 077, /* mode bits that nobody else may have */
};

struct vault {
	int folder;
	int lock;
	const struct vault_hook *hook;
	char path[]; /* for sentences */
};

static int ask(const struct vault *v, enum vault_step step, const char *name)
{
	return v->hook ? v->hook->before(v->hook->arg, step, name) : 0;
}

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && strcmp(text + n - m, end) == 0;
}

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_' || c == '.';
}

static int check_name(const char *name, struct certs_error *ret_error)
{
	size_t n = 0;

	while (is_name_char(name[n]))
		n++;
	if (n == 0 || n >= VAULT_NAME_MAX || name[n] != '\0' || name[0] == '.' ||
	    ends_with(name, ".tmp") || strcmp(name, LOCK) == 0)
		return certs_fail(ret_error, -EINVAL, "'%s' is no name for a file here", name);
	return 0;
}

/* ---- opening ---- */

static int check_private(const struct stat *st, const char *path, const char *name,
			 struct certs_error *ret_error)
{
	const char *slash = *name ? "/" : "";

	if (st->st_uid != geteuid())
		return certs_fail(ret_error, -EACCES,
				  "%s%s%s belongs to user %u, and this process is user %u: chown "
				  "it, or run as its owner",
				  path, slash, name, (unsigned)st->st_uid, (unsigned)geteuid());
	if (st->st_mode & OTHERS)
		return certs_fail(ret_error, -EACCES,
				  "%s%s%s can be used by others (mode %04o), and holds keys: chmod "
				  "%s it; if others may have read it, make new keys",
				  path, slash, name, st->st_mode & 07777,
				  S_ISDIR(st->st_mode) ? "0700" : "0600");
	return 0;
}

/* The folder is there for good only when its parent is flushed. */
static int sync_parent(int folder)
{
	int parent = openat(folder, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err = parent < 0 || fsync(parent) != 0 ? -errno : 0;

	if (parent >= 0)
		close(parent);
	return err;
}

static int open_folder(const char *path, struct certs_error *ret_error)
{
	bool is_new = mkdir(path, 0700) == 0;
	int folder, err = is_new || errno == EEXIST ? 0 : -errno;

	if (err)
		return certs_fail(ret_error, err, "cannot make the folder %s: %s", path,
				  strerror(-err));
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return certs_fail(ret_error, -errno, "cannot open the folder %s: %s", path,
				  strerror(errno));
	err = is_new ? sync_parent(folder) : 0;
	if (err) {
		close(folder);
		return certs_fail(ret_error, err, "cannot flush the folder above %s: %s", path,
				  strerror(-err));
	}
	return folder;
}

static int take_lock(struct vault *v, struct certs_error *ret_error)
{
	v->lock = openat(v->folder, LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (v->lock < 0)
		return certs_fail(ret_error, -errno, "cannot open %s/%s: %s", v->path, LOCK,
				  strerror(errno));
	if (flock(v->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return certs_fail(ret_error, -EBUSY, "another process has %s open", v->path);
	return certs_fail(ret_error, -errno, "cannot lock %s: %s", v->path, strerror(errno));
}

static int remove_if_beside(void *arg, const char *name)
{
	struct vault *v = arg;

	return ends_with(name, ".tmp") && unlinkat(v->folder, name, 0) != 0 ? -errno : 0;
}

static int set_up(struct vault *v, struct certs_error *ret_error)
{
	struct stat st;
	int err;

	v->folder = open_folder(v->path, ret_error);
	if (v->folder < 0)
		return v->folder;
	if (fstat(v->folder, &st) != 0)
		return certs_fail(ret_error, -errno, "%s: %s", v->path, strerror(errno));
	err = check_private(&st, v->path, "", ret_error);
	if (!err)
		err = take_lock(v, ret_error);
	if (err)
		return err;
	err = vault_walk(v, remove_if_beside, v);
	return err ? certs_fail(ret_error, err, "cannot tidy up %s: %s", v->path, strerror(-err))
		   : 0;
}

int vault_open(const char *folder, struct vault **ret_vault, struct certs_error *ret_error)
{
	struct vault *v = calloc(1, sizeof(*v) + strlen(folder) + 1);
	int err;

	if (!v)
		return certs_fail(ret_error, -ENOMEM, "out of memory");
	v->folder = v->lock = -1;
	memcpy(v->path, folder, strlen(folder) + 1);
	err = set_up(v, ret_error);
	if (err)
		vault_close(v);
	else
		*ret_vault = v;
	return err;
}

void vault_close(struct vault *v)
{
	if (!v)
		return;
	if (v->lock >= 0)
		close(v->lock);
	if (v->folder >= 0)
		close(v->folder);
	free(v);
}

void vault_set_hook(struct vault *v, const struct vault_hook *hook)
{
	v->hook = hook;
}

/* ---- reading ---- */

static int read_all(int fd, char *data, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = read(fd, data + done, len - done);

		if (n == 0)
			return -EIO; /* it was longer a moment ago, and we have the lock */
		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	data[len] = '\0';
	return 0;
}

static int check_file(const struct vault *v, const char *name, const struct stat *st,
		      struct certs_error *ret_error)
{
	if (!S_ISREG(st->st_mode))
		return certs_fail(ret_error, -EINVAL, "%s/%s is not a regular file", v->path, name);
	if (st->st_size > VAULT_FILE_MAX)
		return certs_fail(ret_error, -EFBIG, "%s/%s is larger than %d bytes", v->path, name,
				  VAULT_FILE_MAX);
	return check_private(st, v->path, name, ret_error);
}

static int read_file(const struct vault *v, const char *name, int fd, char **ret_data,
		     size_t *ret_len, struct certs_error *ret_error)
{
	struct stat st;
	char *data;
	int err;

	if (fstat(fd, &st) != 0)
		return certs_fail(ret_error, -errno, "%s/%s: %s", v->path, name, strerror(errno));
	err = check_file(v, name, &st, ret_error);
	if (err)
		return err;
	data = malloc((size_t)st.st_size + 1);
	if (!data)
		return certs_fail(ret_error, -ENOMEM, "out of memory");
	err = read_all(fd, data, (size_t)st.st_size);
	if (err) {
		vault_data_free(data, (size_t)st.st_size);
		return certs_fail(ret_error, err, "cannot read %s/%s: %s", v->path, name,
				  strerror(-err));
	}
	*ret_data = data;
	*ret_len = (size_t)st.st_size;
	return 0;
}

int vault_read(struct vault *v, const char *name, char **ret_data, size_t *ret_len,
	       struct certs_error *ret_error)
{
	int err = check_name(name, ret_error);
	int fd;

	if (err)
		return err;
	/* not blocking: what lies there could be a pipe */
	fd = openat(v->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return certs_fail(ret_error, errno == ELOOP ? -EINVAL : -errno,
				  "cannot open %s/%s: %s", v->path, name, strerror(errno));
	err = read_file(v, name, fd, ret_data, ret_len, ret_error);
	close(fd);
	return err;
}

void vault_data_free(char *data, size_t len)
{
	if (data)
		OPENSSL_cleanse(data, len);
	free(data);
}

/* ---- writing ---- */

static int create_beside(const struct vault *v, const char *name, const char *beside)
{
	int err = ask(v, VAULT_CREATE, name);
	int fd;

	if (err)
		return err;
	/* what an earlier write left behind that failed */
	if (unlinkat(v->folder, beside, 0) != 0 && errno != ENOENT)
		return -errno;
	fd = openat(v->folder, beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? -errno : fd;
}

static int write_all(const struct vault *v, const char *name, int fd, const char *data, size_t len)
{
	int err = ask(v, VAULT_WRITE, name);

	while (!err && len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno != EINTR)
			err = -errno;
		data += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return err;
}

static int sync_file(const struct vault *v, const char *name, int fd)
{
	int err = ask(v, VAULT_SYNC, name);

	return err || fsync(fd) == 0 ? err : -errno;
}

static int move_into_place(const struct vault *v, const char *name, const char *beside)
{
	int err = ask(v, VAULT_RENAME, name);

	return err || renameat(v->folder, beside, v->folder, name) == 0 ? err : -errno;
}

static int sync_folder(const struct vault *v, const char *name)
{
	int err = ask(v, VAULT_SYNC_FOLDER, name);

	return err || fsync(v->folder) == 0 ? err : -errno;
}

static int write_beside(const struct vault *v, const char *name, const char *beside,
			const void *data, size_t len)
{
	int fd = create_beside(v, name, beside);
	int err = fd < 0 ? fd : write_all(v, name, fd, data, len);

	if (!err)
		err = sync_file(v, name, fd);
	if (fd >= 0 && close(fd) != 0 && !err)
		err = -errno;
	if (!err)
		err = move_into_place(v, name, beside);
	if (err && fd >= 0)
		unlinkat(v->folder, beside, 0);
	return err;
}

int vault_write(struct vault *v, const char *name, const void *data, size_t len,
		struct certs_error *ret_error)
{
	int err = check_name(name, ret_error);
	char beside[BESIDE_MAX];

	if (err)
		return err;
	if (len > VAULT_FILE_MAX)
		return certs_fail(ret_error, -EFBIG, "%s/%s would be larger than %d bytes", v->path,
				  name, VAULT_FILE_MAX);
	snprintf(beside, sizeof(beside), BESIDE, name);
	err = write_beside(v, name, beside, data, len);
	if (!err)
		err = sync_folder(v, name);
	return err ? certs_fail(ret_error, err, "cannot write %s/%s: %s", v->path, name,
				strerror(-err))
		   : 0;
}

int vault_remove(struct vault *v, const char *name, struct certs_error *ret_error)
{
	int err = check_name(name, ret_error);

	if (err)
		return err;
	err = ask(v, VAULT_UNLINK, name);
	if (!err && unlinkat(v->folder, name, 0) != 0 && errno != ENOENT)
		err = -errno;
	if (!err)
		err = sync_folder(v, name);
	return err ? certs_fail(ret_error, err, "cannot remove %s/%s: %s", v->path, name,
				strerror(-err))
		   : 0;
}

/* ---- walking ---- */

static bool is_visited(const char *name)
{
	return strcmp(name, ".") != 0 && strcmp(name, "..") != 0 && strcmp(name, LOCK) != 0;
}

int vault_walk(struct vault *v, int (*visit)(void *arg, const char *name), void *arg)
{
	int fd = openat(v->folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	int found = 0, err = dir ? 0 : -errno;
	const struct dirent *entry;

	if (!dir && fd >= 0)
		close(fd);
	while (!err && (entry = readdir(dir))) {
		if (!is_visited(entry->d_name))
			continue;
		err = found++ < VAULT_FILES_MAX ? visit(arg, entry->d_name) : -E2BIG;
	}
	if (dir)
		closedir(dir);
	return err;
}

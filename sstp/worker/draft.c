/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/draft.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct draft {
	char *path;
	char *folder;
	char *beside;
	char *kept;
	const char *where; /* what was written is now; NULL: nothing is */
	size_t len;	   /* of the last write that was whole */
	int lock;
	int fd; /* -1: none */
};

/* ---- names ---- */

/* Owned; NULL without memory. */
static char *sibling(const char *path, const char *prefix, const char *suffix)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	char *text;

	return asprintf(&text, "%.*s%s%s%s", (int)(name - path), path, prefix, name, suffix) < 0
		       ? NULL
		       : text;
}

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
}

static bool set_names(struct draft *d, const char *path)
{
	d->path = strdup(path);
	d->folder = folder_of(path);
	d->beside = sibling(path, ".", ".new");
	d->kept = sibling(path, "", ".kept");
	return d->path && d->folder && d->beside && d->kept;
}

/* ---- the lock ---- */

static int take_lock(struct draft *d)
{
	char *name = sibling(d->path, ".", ".lock");
	int r;

	if (!name)
		return -ENOMEM;
	d->lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
	free(name);
	if (d->lock < 0)
		return -errno;
	do
		r = flock(d->lock, LOCK_EX) < 0 ? -errno : 0;
	while (r == -EINTR);
	return r;
}

/* Whoever made it had the lock, and has it no more. */
static int sweep(const struct draft *d)
{
	return unlink(d->beside) < 0 && errno != ENOENT ? -errno : 0;
}

int draft_new(const char *path, struct draft **ret_draft)
{
	struct draft *d;
	int r;

	if (!*path || path[strlen(path) - 1] == '/')
		return -EISDIR;
	d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->lock = d->fd = -1;
	r = set_names(d, path) ? take_lock(d) : -ENOMEM;
	if (r == 0)
		r = sweep(d);
	if (r < 0)
		draft_free(d);
	else
		*ret_draft = d;
	return r;
}

/* ---- writing ---- */

static int create(struct draft *d)
{
	if (d->fd >= 0)
		return 0;
	d->fd = open(d->beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	d->where = d->fd < 0 ? NULL : d->beside;
	return d->fd < 0 ? -errno : 0;
}

static int write_all(int fd, const char *bytes, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pwrite(fd, bytes + done, len - done, (off_t)done);

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

int draft_write(struct draft *d, const char *bytes, size_t len)
{
	int r = create(d);

	if (r == 0)
		r = write_all(d->fd, bytes, len);
	if (r == 0 && (ftruncate(d->fd, (off_t)len) < 0 || fsync(d->fd) < 0))
		r = -errno;
	if (r == 0)
		d->len = len;
	return r;
}

int draft_reserve(struct draft *d, size_t bytes)
{
	int error = posix_fallocate(d->fd, 0, (off_t)bytes);

	return error == EOPNOTSUPP || error == EINVAL ? 0 : -error;
}

/* ---- its place ---- */

/* Not every file system knows RENAME_NOREPLACE: there only those who take the lock are kept out. */
static int rename_to_free(const char *from, const char *to)
{
	struct stat st;

	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	if (lstat(to, &st) == 0)
		return -EEXIST;
	return rename(from, to) < 0 ? -errno : 0;
}

/* Some file systems cannot sync a folder (EINVAL), and need not. */
static int sync_folder(const char *folder)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 || fsync(fd) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return r == -EINVAL ? 0 : r;
}

static void moved(struct draft *d, const char *to)
{
	d->where = to;
	close(d->fd);
	d->fd = -1;
}

int draft_put(struct draft *d, bool replace)
{
	int r = 0;

	if (!replace)
		r = rename_to_free(d->beside, d->path);
	else if (rename(d->beside, d->path) < 0)
		r = -errno;
	if (r < 0)
		return r;
	moved(d, d->path);
	return sync_folder(d->folder);
}

/* What cannot have another name stays under the one that it has. */
const char *draft_keep(struct draft *d)
{
	if (d->fd < 0)
		return d->where;
	if (ftruncate(d->fd, (off_t)d->len) < 0 || rename_to_free(d->beside, d->kept) < 0)
		moved(d, d->beside);
	else
		moved(d, d->kept);
	return d->where;
}

void draft_free(struct draft *d)
{
	if (!d)
		return;
	if (d->fd >= 0) {
		unlink(d->beside);
		close(d->fd);
	}
	if (d->lock >= 0)
		close(d->lock);
	free(d->path);
	free(d->folder);
	free(d->beside);
	free(d->kept);
	free(d);
}

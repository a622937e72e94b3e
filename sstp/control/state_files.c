/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/state_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certs/vault.h"

static const char *const folders[] = {"authority", "apps"};

enum {
	FOLDERS = sizeof(folders) / sizeof(folders[0]),
	NAME_BYTES = VAULT_NAME_MAX + 16,
};

/* ---- reading ---- */

static void file_done(struct store_file *file)
{
	if (file->data)
		explicit_bzero((char *)file->data, file->len);
	free((char *)file->data);
	free((char *)file->name);
}

void state_files_done(struct state_files *f)
{
	for (size_t i = 0; i < f->n; i++)
		file_done(&f->list[i]);
	free(f->list);
	*f = (struct state_files){0};
}

/* 0 or -errno; -EFBIG: more than a store takes. */
static int read_all(int fd, struct store_file *file)
{
	struct stat st;
	size_t done = 0;
	ssize_t n = 1;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size >= STORE_TEXT_MAX)
		return -EFBIG;
	file->len = (size_t)st.st_size;
	file->data = malloc(file->len + 1);
	if (!file->data)
		return -ENOMEM;
	while (done < file->len && n > 0) {
		n = read(fd, (char *)file->data + done, file->len - done);
		done += n > 0 ? (size_t)n : 0;
	}
	return n < 0 ? -errno : done < file->len ? -EIO : 0;
}

static int read_file(const char *state, const char *folder, const char *name,
		     struct store_file *ret_file, struct certs_error *e)
{
	char path[PATH_MAX];
	int fd, r;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s/%s", state, folder, name) >= sizeof(path))
		return certs_fail(e, -ENAMETOOLONG, "%s/%s: the path is too long", state, folder);
	if (asprintf((char **)&ret_file->name, "%s/%s", folder, name) < 0) {
		ret_file->name = NULL;
		return certs_fail(e, -ENOMEM, "out of memory");
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	r = fd < 0 ? -errno : read_all(fd, ret_file);
	if (fd >= 0)
		close(fd);
	return r < 0 ? certs_fail(e, r, "%s: %s", path, strerror(-r)) : 0;
}

/* Not the lock, nor what a vault has beside. */
static int is_kept(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return *entry->d_name != '.' && strcmp(entry->d_name, "lock") != 0 &&
	       (len < 4 || strcmp(entry->d_name + len - 4, ".tmp") != 0);
}

static int read_folder(struct state_files *f, const char *state, const char *folder,
		       struct certs_error *e)
{
	struct dirent **entries = NULL;
	struct store_file *more;
	char path[PATH_MAX];
	int r = 0;
	int n;

	snprintf(path, sizeof(path), "%s/%s", state, folder);
	n = scandir(path, &entries, is_kept, alphasort);
	if (n < 0)
		return certs_fail(e, -errno, "%s: %s", path, strerror(errno));
	more = realloc(f->list, (f->n + (size_t)n + 1) * sizeof(*more));
	if (more)
		f->list = more;
	else
		r = certs_fail(e, -ENOMEM, "out of memory");
	for (int i = 0; i < n; i++) {
		if (r == 0) {
			f->list[f->n] = (struct store_file){0};
			r = read_file(state, folder, entries[i]->d_name, &f->list[f->n++], e);
		}
		free(entries[i]);
	}
	free(entries);
	return r;
}

int state_files_read(const char *state, struct state_files *ret_files,
		     struct certs_error *ret_error)
{
	int r = 0;

	*ret_files = (struct state_files){0};
	for (size_t i = 0; r == 0 && i < FOLDERS; i++)
		r = read_folder(ret_files, state, folders[i], ret_error);
	return r;
}

/* ---- writing ---- */

struct state_folders {
	struct vault *vaults[FOLDERS];
};

int state_folders_open(const char *state, struct state_folders **ret_folders,
		       struct certs_error *ret_error)
{
	struct state_folders *f = calloc(1, sizeof(*f));
	char path[PATH_MAX];
	int r = f ? 0 : certs_fail(ret_error, -ENOMEM, "out of memory");

	if (r == 0 && mkdir(state, 0700) < 0 && errno != EEXIST)
		r = certs_fail(ret_error, -errno, "state folder %s: %s", state, strerror(errno));
	for (size_t i = 0; r == 0 && i < FOLDERS; i++) {
		snprintf(path, sizeof(path), "%s/%s", state, folders[i]);
		r = vault_open(path, &f->vaults[i], ret_error);
	}
	if (r == 0)
		*ret_folders = f;
	else
		state_folders_close(f);
	return r;
}

void state_folders_close(struct state_folders *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < FOLDERS; i++)
		vault_close(f->vaults[i]);
	free(f);
}

/* What stands behind the folder's name and its slash; NULL: it is in another folder. */
static const char *name_in(const char *folder, const char *name)
{
	size_t len = strlen(folder);

	return strncmp(name, folder, len) == 0 && name[len] == '/' ? name + len + 1 : NULL;
}

static int write_file(struct state_folders *f, const struct store_file *file, struct certs_error *e)
{
	for (size_t i = 0; i < FOLDERS; i++) {
		const char *name = name_in(folders[i], file->name);

		if (name)
			return vault_write(f->vaults[i], name, file->data, file->len, e);
	}
	return certs_fail(e, -EBADMSG, "'%.100s' is no file of the state folder", file->name);
}

struct sweep {
	struct vault *vault;
	const char *folder;
	const struct store_file *files;
	size_t n;
	struct certs_error *e;
};

static int remove_other(void *arg, const char *name)
{
	const struct sweep *s = arg;
	char full[NAME_BYTES];

	snprintf(full, sizeof(full), "%s/%s", s->folder, name);
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->files[i].name, full) == 0)
			return 0;
	return vault_remove(s->vault, name, s->e);
}

int state_folders_write(void *arg, const struct store_file *files, size_t n,
			struct certs_error *ret_error)
{
	struct state_folders *f = arg;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = write_file(f, &files[i], ret_error);
	for (size_t i = 0; r == 0 && i < FOLDERS; i++) {
		struct sweep sweep = {f->vaults[i], folders[i], files, n, ret_error};

		r = vault_walk(f->vaults[i], remove_other, &sweep);
		if (r < 0)
			certs_fail(ret_error, r, "what is not in the backup cannot be removed: %s",
				   strerror(-r));
	}
	return r;
}

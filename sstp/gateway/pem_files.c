/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes: u16 how many; of each u16 errno, u32 length, text. */
#include "sstp/gateway/pem_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sstp/base/secret.h"
#include "sstp/base/wire.h"

enum {
	ERRNO_MAX = 4095,
	HEAD_SIZE = 2,
	FILE_HEAD_SIZE = 6,
};

static void file_done(struct pem_file *f)
{
	if (f->text)
		secret_wipe_bytes(f->text, strlen(f->text));
	free(f->text);
	f->text = NULL;
}

/* -EINVAL for what ends before its end: a text that is none. */
static int read_whole(int fd, size_t size, struct pem_file *f)
{
	size_t got = 0;

	f->text = calloc(1, size + 1);
	if (!f->text)
		return -ENOMEM;
	while (got < size) {
		ssize_t n = read(fd, f->text + got, size - got);

		if (n == 0)
			break;
		if (n < 0 && errno != EINTR)
			return -errno;
		got += n > 0 ? (size_t)n : 0;
	}
	return strlen(f->text) == got ? 0 : -EINVAL;
}

/* Opening a pipe must not block. */
static int read_file(const char *path, struct pem_file *f)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;
	int r = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		r = -errno;
	else if (!S_ISREG(st.st_mode))
		r = S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
	else if (st.st_size > PEM_FILE_MAX)
		r = -EFBIG;
	else
		r = read_whole(fd, (size_t)st.st_size, f);
	close(fd);
	return r;
}

int pem_files_read(const char *const *paths, size_t n, struct pem_files *ret_files)
{
	struct pem_files files = {.files = calloc(n + 1, sizeof(*files.files)), .n = n};

	if (!files.files)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct pem_file *f = &files.files[i];

		f->error = read_file(paths[i], f);
		if (f->error < 0)
			file_done(f);
	}
	*ret_files = files;
	return 0;
}

static size_t text_len(const struct pem_file *f)
{
	return f->text ? strlen(f->text) : 0;
}

int pem_files_encode(const struct pem_files *files, uint8_t **ret_bytes, size_t *ret_len)
{
	size_t size = HEAD_SIZE;
	struct wire_writer w;
	uint8_t *bytes;

	for (size_t i = 0; i < files->n; i++)
		size += FILE_HEAD_SIZE + text_len(&files->files[i]);
	if (size > PEM_FILES_BYTES_MAX || files->n > PEM_FILES_MAX)
		return -EMSGSIZE;
	bytes = malloc(size);
	if (!bytes)
		return -ENOMEM;
	w = wire_writer(bytes, size);
	wire_put_be16(&w, (uint16_t)files->n);
	for (size_t i = 0; i < files->n; i++) {
		const struct pem_file *f = &files->files[i];

		wire_put_be16(&w, (uint16_t)-f->error);
		wire_put_be32(&w, (uint32_t)text_len(f));
		wire_put(&w, f->text, text_len(f));
	}
	*ret_bytes = bytes;
	*ret_len = size;
	return 0;
}

/* A text, or an error. False without memory. */
static bool get_file(struct wire_reader *r, struct pem_file *f)
{
	unsigned error = wire_be16(r);
	size_t len = wire_be32(r);
	const uint8_t *text = wire_bytes(r, len);

	if (error > ERRNO_MAX || (error && len) || len > PEM_FILE_MAX)
		r->failed = true;
	f->error = -(int)error;
	if (!wire_ok(r) || error)
		return true;
	if (memchr(text, 0, len))
		r->failed = true;
	f->text = strndup((const char *)text, len);
	return f->text;
}

int pem_files_decode(const uint8_t *bytes, size_t len, struct pem_files *ret_files)
{
	struct wire_reader r = wire_reader(bytes, len);
	struct pem_files files = {.n = wire_be16(&r)};
	bool has_memory;

	if (files.n > PEM_FILES_MAX)
		return -EBADMSG;
	files.files = calloc(files.n + 1, sizeof(*files.files));
	has_memory = files.files;
	for (size_t i = 0; has_memory && i < files.n && wire_ok(&r); i++)
		has_memory = get_file(&r, &files.files[i]);
	if (!has_memory || !wire_done(&r)) {
		pem_files_done(&files);
		return has_memory ? -EBADMSG : -ENOMEM;
	}
	*ret_files = files;
	return 0;
}

void pem_files_wipe(uint8_t *bytes, size_t len)
{
	if (bytes)
		secret_wipe_bytes(bytes, len);
	free(bytes);
}

void pem_files_done(struct pem_files *files)
{
	for (size_t i = 0; files->files && i < files->n; i++)
		file_done(&files->files[i]);
	free(files->files);
	*files = (struct pem_files){0};
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/password.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum {
	LINE_MAX_BYTES = PASSWORD_MAX + 2 /* with CR LF */
};

/* Reads until the line ends or can only be too long. Bytes read, or -errno. */
static ssize_t read_line(int fd, char *buf, size_t size)
{
	size_t len = 0;
	ssize_t n;

	do {
		n = read(fd, buf + len, size - len);
		if (n < 0 && errno != EINTR)
			return -errno;
		len += n > 0 ? (size_t)n : 0;
	} while (n != 0 && len < size && !memchr(buf, '\n', len));
	return (ssize_t)len;
}

static ssize_t read_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t len;

	if (fd < 0)
		return -errno;
	len = read_line(fd, buf, size);
	close(fd);
	return len;
}

static size_t line_length(const char *buf, size_t len)
{
	const char *end = memchr(buf, '\n', len);

	if (!end)
		return len;
	len = (size_t)(end - buf);
	return len && buf[len - 1] == '\r' ? len - 1 : len;
}

static const char *take_line(const char *line, size_t len, struct secret *ret_password)
{
	if (len == 0)
		return "has an empty first line";
	if (len > PASSWORD_MAX)
		return "has a first line of more than 256 bytes";
	if (memchr(line, '\0', len))
		return "holds a zero byte";
	secret_set(ret_password, line, len);
	return NULL;
}

const char *password_read(const char *path, struct secret *ret_password,
			  char buf[PASSWORD_PROBLEM_MAX])
{
	char line[LINE_MAX_BYTES];
	ssize_t len = read_file(path, line, sizeof(line));
	const char *problem;

	if (len < 0) {
		snprintf(buf, PASSWORD_PROBLEM_MAX, "cannot be read: %s", strerror((int)-len));
		return buf;
	}
	problem = take_line(line, line_length(line, (size_t)len), ret_password);
	secret_wipe_bytes(line, sizeof(line));
	return problem;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
	LINE_MAX_BYTES = 1024,
	FRAME_MAX_BYTES = 256, /* what stands around a line */
};

/*
 * Each of them is true by itself, so that writers need no lock: one who sees the new level with the old target
 * writes a line to the old target.
 */
static struct {
	_Atomic(const char *) ident;
	atomic_int level;
	atomic_int journal; /* kept_socket, or -1: standard error */
	int kept_socket;    /* connected datagram socket, -1: never was; for log_open() only */
} target = {.ident = "sstp", .level = LOG_LEVEL_INFO, .journal = -1, .kept_socket = -1};

static const char *const level_names[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

/* syslog severities, which journald keeps as PRIORITY */
static const int level_priorities[] = {
	[LOG_LEVEL_ERROR] = 3,
	[LOG_LEVEL_WARNING] = 4,
	[LOG_LEVEL_INFO] = 6,
	[LOG_LEVEL_DEBUG] = 7,
};

static int journal_connect(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX,
				   .sun_path = "/run/systemd/journal/socket"};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

/*
 * Connects the one socket anew. dup3() puts the new connection behind the old number in one step: a writer that has
 * read the number reaches the one or the other, and never somebody else's descriptor.
 */
static int journal_open(void)
{
	int fd = journal_connect();
	int r = 0;

	if (fd < 0)
		return fd;
	if (target.kept_socket < 0) {
		target.kept_socket = fd;
		return 0;
	}
	if (dup3(fd, target.kept_socket, O_CLOEXEC) < 0)
		r = -errno;
	close(fd);
	return r;
}

int log_open(const char *ident, enum log_target to, enum log_level level)
{
	int error = to == LOG_TARGET_JOURNAL ? journal_open() : 0;
	bool is_journal = to == LOG_TARGET_JOURNAL && !error;

	atomic_store(&target.ident, ident);
	atomic_store(&target.level, (int)level);
	atomic_store(&target.journal, is_journal ? target.kept_socket : -1);
	return error;
}

bool log_enabled(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&target.level, memory_order_relaxed);
}

/* No strftime(): it takes the time zone's lock, and looks at the zone's file for every line. */
static void write_stderr(enum log_level level, const char *line)
{
	char msg[LINE_MAX_BYTES + FRAME_MAX_BYTES];
	struct timespec ts;
	struct tm tm;
	int len;

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	len = snprintf(msg, sizeof(msg), "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ %.100s %s: %s\n",
		       tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
		       tm.tm_sec, ts.tv_nsec / 1000000, atomic_load(&target.ident),
		       level_names[level], line);
	/* there is nowhere to report that the log cannot be written */
	if (write(STDERR_FILENO, msg, (size_t)len) < 0)
		return;
}

static void write_journal(int fd, enum log_level level, const char *line)
{
	char msg[LINE_MAX_BYTES + FRAME_MAX_BYTES];
	int len = snprintf(msg, sizeof(msg), "PRIORITY=%d\nSYSLOG_IDENTIFIER=%.100s\nMESSAGE=%s\n",
			   level_priorities[level], atomic_load(&target.ident), line);

	if (send(fd, msg, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		write_stderr(level, line);
}

void log_write(enum log_level level, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	va_list ap;
	int journal;

	if (!log_enabled(level))
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	journal = atomic_load(&target.journal);
	if (journal >= 0)
		write_journal(journal, level, line);
	else
		write_stderr(level, line);
}

const char *log_escape(char *dst, size_t size, const void *src, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *p = src;
	char *out = dst;
	char *end = dst + size - 1;

	for (size_t i = 0; i < len; i++) {
		if (p[i] >= 0x20 && p[i] < 0x7f && p[i] != '\\' && p[i] != '"') {
			if (end - out < 1)
				break;
			*out++ = (char)p[i];
			continue;
		}
		if (end - out < 4)
			break;
		*out++ = '\\';
		*out++ = 'x';
		*out++ = hex[p[i] >> 4];
		*out++ = hex[p[i] & 15];
	}
	*out = '\0';
	return dst;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
	LINE_MAX_BYTES = 1024
};

static struct {
	const char *ident;
	enum log_level level;
	int journal; /* connected datagram socket, or -1: standard error */
} target = {.ident = "sstp", .level = LOG_LEVEL_INFO, .journal = -1};

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

int log_open(const char *ident, enum log_target to, enum log_level level)
{
	int fd = -1;

	target.ident = ident;
	target.level = level;
	if (to == LOG_TARGET_JOURNAL)
		fd = journal_connect();
	if (target.journal >= 0)
		close(target.journal);
	target.journal = fd >= 0 ? fd : -1;
	return to == LOG_TARGET_JOURNAL && fd < 0 ? fd : 0;
}

bool log_enabled(enum log_level level)
{
	return level <= target.level;
}

static void write_stderr(enum log_level level, const char *line)
{
	struct timespec ts;
	struct tm tm;
	char when[32];

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	fprintf(stderr, "%s.%03ldZ %s %s: %s\n", when, ts.tv_nsec / 1000000, target.ident,
		level_names[level], line);
}

static void write_journal(enum log_level level, const char *line)
{
	char msg[LINE_MAX_BYTES + 128];
	int len = snprintf(msg, sizeof(msg), "PRIORITY=%d\nSYSLOG_IDENTIFIER=%s\nMESSAGE=%s\n",
			   level_priorities[level], target.ident, line);

	if (send(target.journal, msg, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		write_stderr(level, line);
}

void log_write(enum log_level level, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	va_list ap;

	if (!log_enabled(level))
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (target.journal >= 0)
		write_journal(level, line);
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

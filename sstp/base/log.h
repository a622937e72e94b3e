/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_BASE_LOG_H
#define SSTP_BASE_LOG_H
/*
 * One line per event, to standard error or to journald's native socket. The target and the level are
 * the only mutable globals of the project. Engines never log; sessions and daemons do.
 * Any thread may log, also while another calls log_open(). A line is one system call, so lines never mix.
 * Text from a peer goes through log_escape() first: a line can never hold a control character.
 */
#include <stdbool.h>
#include <stddef.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

enum log_target {
	LOG_TARGET_STDERR,
	LOG_TARGET_JOURNAL,
};

/*
 * Starts or changes logging, from one thread at a time; ident is borrowed for ever ("sstp-gateway"; 100 bytes of
 * it are shown). Falls back to standard error and returns -errno when journald's socket cannot be reached. Called
 * again, it reaches a journald that was restarted. The socket is never closed again: another thread may be about to write to it.
 */
int log_open(const char *ident, enum log_target target, enum log_level level);
bool log_enabled(enum log_level level);
void log_write(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)	 log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)	 log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)                                           \
	do {                                                     \
		if (log_enabled(LOG_LEVEL_DEBUG))                \
			log_write(LOG_LEVEL_DEBUG, __VA_ARGS__); \
	} while (0)

/*
 * Copies len bytes of src into dst as printable ASCII: everything else, backslash and double quote
 * become \xHH. Cut to fit, always terminated. Returns dst.
 */
const char *log_escape(char *dst, size_t size, const void *src, size_t len);

#endif

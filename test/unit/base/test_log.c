/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "test/support/cmocka.h"

static void expect_escaped(const char *src, size_t len, const char *wanted)
{
	char buf[64];

	assert_ptr_equal(log_escape(buf, sizeof(buf), src, len), buf);
	assert_string_equal(buf, wanted);
}

static void printable_text_is_copied(void **state)
{
	expect_escaped("", 0, "");
	expect_escaped("CORP\x5c"
		       "a",
		       6, "CORP\\x5ca");
	expect_escaped("a b~", 4, "a b~");
}

static void everything_else_becomes_hex(void **state)
{
	expect_escaped("\r\n\t\0\x1b", 5, "\\x0d\\x0a\\x09\\x00\\x1b");
	expect_escaped("\"\\\x7f\xff", 4, "\\x22\\x5c\\x7f\\xff");
}

static void every_byte_gives_printable_text(void **state)
{
	char buf[8];

	for (unsigned byte = 0; byte < 256; byte++) {
		char c = (char)byte;
		size_t len = strlen(log_escape(buf, sizeof(buf), &c, 1));

		assert_true(len == 1 || len == 4);
		for (size_t i = 0; i < len; i++)
			assert_in_range(buf[i], 0x20, 0x7e);
	}
}

static void text_is_cut_between_characters(void **state)
{
	char buf[9];

	memset(buf, 'x', sizeof(buf));
	assert_string_equal(log_escape(buf, 8, "abcd\n", 5), "abcd");
	assert_int_equal(buf[8], 'x');
	assert_string_equal(log_escape(buf, 9, "abcd\n", 5), "abcd\\x0a");
	assert_string_equal(log_escape(buf, 1, "abcd", 4), "");
}

/* What a call writes to standard error. */
static void capture(void (*call)(void), char *buf, size_t size)
{
	FILE *f = tmpfile();
	int saved = dup(STDERR_FILENO);
	size_t n;

	fflush(stderr);
	dup2(fileno(f), STDERR_FILENO);
	call();
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(f);
	n = fread(buf, 1, size - 1, f);
	buf[n] = '\0';
	fclose(f);
}

static void write_all_levels(void)
{
	log_error("one %d", 1);
	log_warning("two");
	log_info("three");
	log_debug("four");
}

static void lines_up_to_the_level_are_written(void **state)
{
	char buf[512];
	const char *second;

	assert_int_equal(log_open("ident", LOG_TARGET_STDERR, LOG_LEVEL_WARNING), 0);
	capture(write_all_levels, buf, sizeof(buf));
	/* behind "2024-05-17T10:11:12.345Z" */
	assert_memory_equal(buf + 23, "Z ident error: one 1\n", 21);
	second = strchr(buf, '\n') + 1;
	assert_string_equal(second + 23, "Z ident warning: two\n");
}

static void write_endless(void)
{
	char text[5000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_error("%s", text);
}

static void long_line_is_cut_and_ends(void **state)
{
	char buf[6000];

	capture(write_endless, buf, sizeof(buf));
	assert_int_equal(strlen(buf), strlen("2024-05-17T10:11:12.345Z ident error: ") + 1023 + 1);
	assert_int_equal(buf[strlen(buf) - 1], '\n');
}

static void enabled_follows_the_level(void **state)
{
	log_open("ident", LOG_TARGET_STDERR, LOG_LEVEL_INFO);
	assert_int_equal(log_enabled(LOG_LEVEL_INFO), true);
	assert_int_equal(log_enabled(LOG_LEVEL_DEBUG), false);
	log_open("ident", LOG_TARGET_STDERR, LOG_LEVEL_DEBUG);
	assert_int_equal(log_enabled(LOG_LEVEL_DEBUG), true);
}

/* journald's socket is one of this program's own, by a name that no file system sees. */
int __real_connect(int fd, const struct sockaddr *addr, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *addr, socklen_t len);

static struct sockaddr_un stand_in(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	snprintf(addr.sun_path + 1, sizeof(addr.sun_path) - 1, "test-base-log-%d", (int)getpid());
	return addr;
}

int __wrap_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	struct sockaddr_un own = stand_in();
	const struct sockaddr_un *wanted = (const struct sockaddr_un *)addr;

	assert_string_equal(wanted->sun_path, "/run/systemd/journal/socket");
	return __real_connect(fd, (struct sockaddr *)&own, sizeof(own));
}

static int journald_start(void)
{
	struct sockaddr_un addr = stand_in();
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

static void assert_received(int journald, const char *expected)
{
	char buf[2048];
	ssize_t len = recv(journald, buf, sizeof(buf) - 1, MSG_DONTWAIT);

	assert_true(len > 0);
	buf[len] = '\0';
	assert_string_equal(buf, expected);
}

static void journal_gets_a_datagram_with_priority_and_name(void **state)
{
	int journald = journald_start();

	assert_int_equal(log_open("ident", LOG_TARGET_JOURNAL, LOG_LEVEL_INFO), 0);
	log_warning("two %d", 2);
	assert_received(journald, "PRIORITY=4\nSYSLOG_IDENTIFIER=ident\nMESSAGE=two 2\n");
	assert_int_equal(log_open("ident", LOG_TARGET_STDERR, LOG_LEVEL_INFO), 0);
	close(journald);
}

static void write_two(void)
{
	assert_int_equal(log_open("ident", LOG_TARGET_JOURNAL, LOG_LEVEL_INFO), -ECONNREFUSED);
	log_warning("two");
}

static void journal_that_is_not_there_is_an_error_and_lines_go_to_standard_error(void **state)
{
	char buf[512];

	capture(write_two, buf, sizeof(buf));
	assert_string_equal(buf + 23, "Z ident warning: two\n");
}

static void
journal_that_was_restarted_is_reached_by_opening_again_and_no_descriptor_is_lost(void **state)
{
	int journald = journald_start();
	int unused;

	assert_int_equal(log_open("ident", LOG_TARGET_JOURNAL, LOG_LEVEL_INFO), 0);
	close(journald);
	journald = journald_start();
	unused = dup(journald);
	close(unused);
	for (int i = 0; i < 3; i++)
		assert_int_equal(log_open("ident", LOG_TARGET_JOURNAL, LOG_LEVEL_INFO), 0);
	log_error("again");
	assert_received(journald, "PRIORITY=3\nSYSLOG_IDENTIFIER=ident\nMESSAGE=again\n");
	assert_int_equal(dup(journald), unused);
	close(unused);
	close(journald);
	log_open("ident", LOG_TARGET_STDERR, LOG_LEVEL_INFO);
}

/*
 * Threads that log while the target and the level change: every line arrives, at the one place or the other, whole
 * and once.
 */
enum {
	WRITERS = 3,
	LINES = 2000,
};

static struct {
	atomic_int n_writing;
	int journald;
	unsigned char seen[WRITERS][LINES];
	unsigned n_garbled;
} crowd;

static void *write_lines(void *arg)
{
	int writer = (int)(intptr_t)arg;

	for (int i = 0; i < LINES; i++)
		log_error("line %d of %d: %0*d.", i, writer, i % 700 + 1, i);
	atomic_fetch_sub(&crowd.n_writing, 1);
	return NULL;
}

/* line: from "line" on, without the newline */
static void note_line(const char *line)
{
	char expected[1024];
	int i, writer;

	if (sscanf(line, "line %d of %d:", &i, &writer) != 2 || i < 0 || i >= LINES || writer < 0 ||
	    writer >= WRITERS) {
		crowd.n_garbled++;
		return;
	}
	snprintf(expected, sizeof(expected), "line %d of %d: %0*d.", i, writer, i % 700 + 1, i);
	if (strcmp(line, expected) == 0)
		crowd.seen[writer][i]++;
	else
		crowd.n_garbled++;
}

static void drain_journald(void)
{
	static const char head[] = "PRIORITY=3\nSYSLOG_IDENTIFIER=crowd\nMESSAGE=";
	char buf[2048];
	ssize_t len;

	while ((len = recv(crowd.journald, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		buf[len - 1] = '\0';
		if (strncmp(buf, head, strlen(head)) == 0)
			note_line(buf + strlen(head));
		else
			crowd.n_garbled++;
	}
}

static void log_in_a_crowd(void)
{
	pthread_t threads[WRITERS];

	atomic_store(&crowd.n_writing, WRITERS);
	for (int i = 0; i < WRITERS; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, write_lines, (void *)(intptr_t)i), 0);
	for (unsigned i = 0; atomic_load(&crowd.n_writing); i++) {
		log_open("crowd", i % 3 ? LOG_TARGET_JOURNAL : LOG_TARGET_STDERR,
			 i % 2 ? LOG_LEVEL_ERROR : LOG_LEVEL_DEBUG);
		drain_journald();
	}
	for (int i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	drain_journald();
}

static void note_lines_of_standard_error(char *buf)
{
	static const char head[] = "2024-05-17T10:11:12.345Z crowd error: ";
	char *end;

	for (; *buf; buf = end + 1) {
		end = strchr(buf, '\n');
		assert_non_null(end);
		*end = '\0';
		if (strlen(buf) > strlen(head) &&
		    memcmp(buf + 23, head + 23, strlen(head) - 23) == 0)
			note_line(buf + strlen(head));
		else
			crowd.n_garbled++;
	}
}

static void lines_of_many_threads_arrive_whole_and_once_while_the_target_changes(void **state)
{
	enum {
		ROOM = 8 << 20
	};
	char *buf = malloc(ROOM);

	assert_non_null(buf);
	memset(&crowd, 0, sizeof(crowd));
	crowd.journald = journald_start();
	log_open("crowd", LOG_TARGET_JOURNAL, LOG_LEVEL_INFO);
	capture(log_in_a_crowd, buf, ROOM);
	note_lines_of_standard_error(buf);
	assert_int_equal(crowd.n_garbled, 0);
	for (int writer = 0; writer < WRITERS; writer++)
		for (int i = 0; i < LINES; i++)
			assert_int_equal(crowd.seen[writer][i], 1);
	close(crowd.journald);
	free(buf);
	log_open("ident", LOG_TARGET_STDERR, LOG_LEVEL_INFO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(printable_text_is_copied),
		cmocka_unit_test(everything_else_becomes_hex),
		cmocka_unit_test(every_byte_gives_printable_text),
		cmocka_unit_test(text_is_cut_between_characters),
		cmocka_unit_test(lines_up_to_the_level_are_written),
		cmocka_unit_test(long_line_is_cut_and_ends),
		cmocka_unit_test(enabled_follows_the_level),
		cmocka_unit_test(journal_gets_a_datagram_with_priority_and_name),
		cmocka_unit_test(
			journal_that_is_not_there_is_an_error_and_lines_go_to_standard_error),
		cmocka_unit_test(
			journal_that_was_restarted_is_reached_by_opening_again_and_no_descriptor_is_lost),
		cmocka_unit_test(
			lines_of_many_threads_arrive_whole_and_once_while_the_target_changes),
	};

	return cmocka_run_group_tests_name("base/log", tests, NULL, NULL);
}

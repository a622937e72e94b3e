/* SPDX-License-Identifier: Apache-2.0 */
/* What is told to the disk, and in which order, is noted; renameat2() and rename() fail when they are told to. */
#include "sstp/worker/draft.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/support/cmocka.h"
#include "test/support/testcert.h"

static char events[128];
static int renameat2_error, rename_error;

static void note(const char *event)
{
	size_t len = strlen(events);

	snprintf(events + len, sizeof(events) - len, "%s%s", len ? ", " : "", event);
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __real_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);
int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags);

int __wrap_fsync(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	note(S_ISDIR(st.st_mode) ? "sync folder" : "sync file");
	return __real_fsync(fd);
}

int __wrap_rename(const char *from, const char *to)
{
	note("rename");
	errno = rename_error;
	return rename_error ? -1 : __real_rename(from, to);
}

int __wrap_renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	note("rename");
	errno = renameat2_error;
	return renameat2_error ? -1 : __real_renameat2(from_fd, from, to_fd, to, flags);
}

static int reset(void **state)
{
	events[0] = '\0';
	renameat2_error = rename_error = 0;
	return 0;
}

static struct draft *draft_of(const char *name)
{
	struct draft *d = NULL;

	assert_int_equal(draft_new(testcert_path(name), &d), 0);
	return d;
}

static void write_text(struct draft *d, const char *text)
{
	assert_int_equal(draft_write(d, text, strlen(text)), 0);
}

static void put(const char *name, const char *text)
{
	struct draft *d = draft_of(name);

	write_text(d, text);
	assert_int_equal(draft_put(d, true), 0);
	draft_free(d);
}

static bool is_there(const char *name)
{
	return access(testcert_path(name), F_OK) == 0;
}

static void assert_holds(const char *name, const char *text)
{
	char got[256] = "";
	FILE *f = fopen(testcert_path(name), "r");

	assert_non_null(f);
	assert_true(fread(got, 1, sizeof(got) - 1, f) < sizeof(got));
	fclose(f);
	assert_string_equal(got, text);
}

static void content_is_on_the_disk_before_its_name_and_its_name_before_the_end(void **state)
{
	struct draft *d = draft_of("synced");
	struct stat st;

	write_text(d, "text");
	assert_int_equal(draft_put(d, false), 0);
	assert_string_equal(events, "sync file, rename, sync folder");
	draft_free(d);
	put("synced", "newer");
	assert_string_equal(events, "sync file, rename, sync folder, "
				    "sync file, rename, sync folder");
	assert_holds("synced", "newer");
	assert_int_equal(stat(testcert_path("synced"), &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_false(is_there(".synced.new"));
}

static void nothing_is_left_of_what_was_not_put(void **state)
{
	struct draft *d = draft_of("dropped");

	write_text(d, "text");
	assert_true(is_there(".dropped.new"));
	draft_free(d);
	assert_false(is_there(".dropped.new"));
	assert_false(is_there("dropped"));
	draft_free(NULL);
}

static void nothing_is_left_when_the_place_is_refused(void **state)
{
	struct draft *d = draft_of("folder");

	assert_int_equal(mkdir(testcert_path("folder"), 0700), 0);
	write_text(d, "text");
	assert_int_equal(draft_put(d, true), -EISDIR);
	draft_free(d);
	assert_false(is_there(".folder.new"));
}

static void what_is_there_is_replaced_only_when_asked(void **state)
{
	struct draft *d;

	put("there", "old");
	for (int i = 0; i < 2; i++) {
		renameat2_error = i == 0 ? 0 : EINVAL; /* no RENAME_NOREPLACE here */
		d = draft_of("there");
		write_text(d, "new");
		assert_int_equal(draft_put(d, false), -EEXIST);
		draft_free(d);
		assert_holds("there", "old");
	}
	put("there", "new");
	assert_holds("there", "new");
}

static void file_system_that_knows_plain_renames_only_will_do(void **state)
{
	struct draft *d = draft_of("plain");

	renameat2_error = EINVAL;
	write_text(d, "text");
	assert_int_equal(draft_put(d, false), 0);
	draft_free(d);
	assert_holds("plain", "text");
}

static void later_write_has_all_of_it(void **state)
{
	struct draft *d = draft_of("twice");

	write_text(d, "key");
	assert_int_equal(draft_reserve(d, 4096), 0);
	write_text(d, "key, certificate");
	assert_int_equal(draft_put(d, false), 0);
	draft_free(d);
	assert_holds("twice", "key, certificate");
}

static void what_is_kept_stays_and_says_where(void **state)
{
	struct draft *d = draft_of("kept");

	write_text(d, "key");
	assert_int_equal(draft_reserve(d, 4096), 0);
	rename_error = EIO;
	assert_int_equal(draft_put(d, true), -EIO);
	assert_string_equal(draft_keep(d), testcert_path("kept.kept"));
	draft_free(d);
	assert_holds("kept.kept", "key");
	assert_false(is_there(".kept.new"));
}

static void what_cannot_be_renamed_is_kept_where_it_is(void **state)
{
	struct draft *d = draft_of("stuck");

	write_text(d, "key");
	rename_error = renameat2_error = EIO;
	assert_int_equal(draft_put(d, false), -EIO);
	assert_string_equal(draft_keep(d), testcert_path(".stuck.new"));
	draft_free(d);
	assert_holds(".stuck.new", "key");
}

/* A process that holds the lock and has written; it waits, and goes when a failed test ends. */
static pid_t start_writer(const char *name)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		write_text(draft_of(name), "key");
		byte = 'x';
		if (write(ready[1], &byte, 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void end_writer(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void lock_is_held_from_the_first_moment_to_the_last(void **state)
{
	pid_t writer = start_writer("locked");
	int fd = open(testcert_path(".locked.lock"), O_RDWR);

	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_SH | LOCK_NB), -1); /* it is exclusive, too */
	assert_int_equal(errno, EWOULDBLOCK);
	end_writer(writer);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	close(fd);
	put("locked", "text");
	fd = open(testcert_path(".locked.lock"), O_RDWR);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
	close(fd);
}

static void what_a_killed_writer_left_goes_and_nothing_else(void **state)
{
	struct draft *d;

	put("killed", "old");
	put(".other.new", "somebody else's");
	end_writer(start_writer("killed"));
	assert_holds(".killed.new", "key");
	d = draft_of("killed");
	assert_false(is_there(".killed.new"));
	draft_free(d);
	assert_holds("killed", "old");
	assert_holds(".other.new", "somebody else's");
}

static void path_without_a_file_s_name_is_refused(void **state)
{
	struct draft *d = NULL;

	assert_int_equal(draft_new("", &d), -EISDIR);
	assert_int_equal(draft_new("/tmp/", &d), -EISDIR);
	assert_int_equal(draft_new("/nowhere/file", &d), -ENOENT);
	assert_null(d);
}

#define CASE(_name) cmocka_unit_test_setup(_name, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(content_is_on_the_disk_before_its_name_and_its_name_before_the_end),
		CASE(nothing_is_left_of_what_was_not_put),
		CASE(nothing_is_left_when_the_place_is_refused),
		CASE(what_is_there_is_replaced_only_when_asked),
		CASE(file_system_that_knows_plain_renames_only_will_do),
		CASE(later_write_has_all_of_it),
		CASE(what_is_kept_stays_and_says_where),
		CASE(what_cannot_be_renamed_is_kept_where_it_is),
		CASE(lock_is_held_from_the_first_moment_to_the_last),
		CASE(what_a_killed_writer_left_goes_and_nothing_else),
		CASE(path_without_a_file_s_name_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

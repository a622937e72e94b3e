/* SPDX-License-Identifier: Apache-2.0 */
/* Every way in which a file's bytes can become others, in a folder of real files. Every wait has a watchdog. */
#include "sstp/gateway/cert_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sstp/base/clock.h"
#include "test/support/cmocka.h"

enum {
	ROUNDS = 3
};

struct scene {
	struct loop *loop;
	struct loop_timer *watchdog;
	struct cert_watch *watch;
	char folder[64];
	unsigned changes;
	unsigned until;
};

static bool inotify_fails;

int __real_inotify_init1(int flags);
int __wrap_inotify_init1(int flags);

int __wrap_inotify_init1(int flags)
{
	if (!inotify_fails)
		return __real_inotify_init1(flags);
	errno = EMFILE;
	return -1;
}

static void on_change(void *arg)
{
	struct scene *s = arg;

	if (++s->changes == s->until)
		loop_stop(s->loop);
}

static void watchdog_expired(void *arg)
{
	fail_msg("no change was noticed for five seconds");
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(close(fd), 0);
}

static int set_up(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	strcpy(s->folder, "/tmp/test-cert-watch-XXXXXX");
	s->loop = loop_new();
	s->watchdog = s->loop ? loop_timer_new(s->loop, watchdog_expired, s) : NULL;
	inotify_fails = false;
	*state = s;
	return s->watchdog && mkdtemp(s->folder) && chdir(s->folder) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
	struct scene *s = *state;
	char command[96];

	cert_watch_free(s->watch);
	loop_timer_free(s->watchdog);
	loop_free(s->loop);
	snprintf(command, sizeof(command), "rm -rf %s", s->folder);
	free(s);
	return chdir("/") | system(command);
}

/* Gathers for a millisecond, and polls every two where it has to. */
static void watch(struct scene *s, const char *a, const char *b)
{
	const char *files[] = {a, b};
	struct cert_watch_params params = {
		.files = files,
		.n_files = b ? 2 : 1,
		.gather_ns = CLOCK_NS_PER_MS,
		.poll_ns = 2 * CLOCK_NS_PER_MS,
		.on_change = on_change,
		.arg = s,
	};

	s->watch = cert_watch_new(s->loop, &params);
	assert_non_null(s->watch);
}

/* Runs until there was one more change than before. */
static void is_noticed(struct scene *s)
{
	s->until = s->changes + 1;
	loop_timer_set(s->watchdog, clock_now() + 5 * CLOCK_NS_PER_S);
	assert_int_equal(loop_run(s->loop), 0);
	loop_timer_set(s->watchdog, CLOCK_NEVER);
	assert_int_equal(s->changes, s->until);
}

static void file_written_in_place_is_noticed(void **state)
{
	struct scene *s = *state;

	write_file("a", "one");
	watch(s, "a", NULL);
	write_file("a", "two");
	is_noticed(s);
	/* the same length, and the same file */
	write_file("a", "new");
	is_noticed(s);
}

static void file_renamed_over_is_noticed_again_and_again(void **state)
{
	struct scene *s = *state;
	char text[16];

	write_file("a", "0");
	watch(s, "a", NULL);
	for (int i = 1; i <= 5; i++) {
		snprintf(text, sizeof(text), "%d", i);
		write_file("a.new", text);
		assert_int_equal(rename("a.new", "a"), 0);
		is_noticed(s);
	}
}

static void file_that_goes_and_one_that_comes_are_noticed(void **state)
{
	struct scene *s = *state;

	write_file("a", "one");
	watch(s, "a", "b");
	assert_int_equal(unlink("a"), 0);
	is_noticed(s);
	write_file("b", "two");
	is_noticed(s);
	/* back is another change: who could not load it without tries again */
	write_file("a", "one");
	is_noticed(s);
}

static void file_in_a_folder_that_comes_later_is_noticed(void **state)
{
	struct scene *s = *state;

	watch(s, "later/still/a", NULL);
	assert_int_equal(mkdir("later", 0700), 0);
	assert_int_equal(mkdir("later/still", 0700), 0);
	write_file("later/still/a", "one");
	is_noticed(s);
	write_file("later/still/a", "two");
	is_noticed(s);
}

static void folder_renamed_under_the_path_is_noticed(void **state)
{
	struct scene *s = *state;
	char path[96];

	assert_int_equal(mkdir("top", 0700), 0);
	assert_int_equal(mkdir("top/live", 0700), 0);
	assert_int_equal(mkdir("top2", 0700), 0);
	assert_int_equal(mkdir("top2/live", 0700), 0);
	write_file("top/live/a", "one");
	write_file("top2/live/a", "two");
	snprintf(path, sizeof(path), "%s/top/live/a", s->folder);
	watch(s, path, NULL);
	assert_int_equal(rename("top", "old"), 0);
	is_noticed(s);
	assert_int_equal(rename("top2", "top"), 0);
	is_noticed(s);
}

static void link_set(const char *target, const char *path)
{
	char temporary[64];

	snprintf(temporary, sizeof(temporary), "%s.tmp", path);
	assert_int_equal(symlink(target, temporary), 0);
	assert_int_equal(rename(temporary, path), 0);
}

/* live/a -> ../archive/a1: the link is replaced, as certbot does. */
static void link_that_leads_to_another_file_is_noticed(void **state)
{
	struct scene *s = *state;

	assert_int_equal(mkdir("live", 0700), 0);
	assert_int_equal(mkdir("archive", 0700), 0);
	write_file("archive/a1", "one");
	write_file("archive/a2", "two");
	link_set("../archive/a1", "live/a");
	watch(s, "live/a", NULL);
	link_set("../archive/a2", "live/a");
	is_noticed(s);
	/* the file behind the link, in a folder that the path does not name */
	write_file("archive/a2", "three");
	is_noticed(s);
}

/* a -> ..data/a, ..data -> ..1: a link on the way is replaced and the old folder removed, as Kubernetes does. */
static void link_to_a_folder_on_the_way_is_noticed_again_and_again(void **state)
{
	struct scene *s = *state;
	char folder[16], file[24], old[24];

	assert_int_equal(mkdir("..0", 0700), 0);
	write_file("..0/a", "0");
	link_set("..0", "..data");
	link_set("..data/a", "a");
	watch(s, "a", NULL);
	for (int i = 1; i <= 4; i++) {
		snprintf(folder, sizeof(folder), "..%d", i);
		snprintf(file, sizeof(file), "..%d/a", i);
		assert_int_equal(mkdir(folder, 0700), 0);
		write_file(file, folder);
		link_set(folder, "..data");
		snprintf(old, sizeof(old), "..%d/a", i - 1);
		assert_int_equal(unlink(old), 0);
		snprintf(old, sizeof(old), "..%d", i - 1);
		assert_int_equal(rmdir(old), 0);
		is_noticed(s);
	}
}

static void absolute_link_and_one_that_leads_to_itself_are_followed_as_the_kernel_does(void **state)
{
	struct scene *s = *state;
	char target[96];

	assert_int_equal(mkdir("there", 0700), 0);
	write_file("there/a", "one");
	snprintf(target, sizeof(target), "%s/there", s->folder);
	link_set(target, "here");
	link_set("loop", "loop");
	watch(s, "here/a", "loop");
	write_file("there/a", "two");
	is_noticed(s);
	link_set("there/a", "loop");
	is_noticed(s);
}

static void stop(void *arg)
{
	loop_stop(((struct scene *)arg)->loop);
}

/*
 * Others' files in the folder, a touch and the same bytes again are looked at, and there is nothing to tell. How long that
 * takes is told by a second watch, of a file that does change: it gets the same signs.
 */
static void same_bytes_are_no_change(void **state)
{
	struct scene *s = *state;
	const char *file = "clock";
	struct cert_watch_params params = {.files = &file,
					   .n_files = 1,
					   .gather_ns = 2 * CLOCK_NS_PER_MS,
					   .on_change = stop,
					   .arg = s};
	struct cert_watch *clock;
	char text[16];

	write_file("a", "one");
	watch(s, "a", NULL);
	clock = cert_watch_new(s->loop, &params);
	assert_non_null(clock);
	for (int i = 0; i < ROUNDS; i++) {
		write_file("b", "one");
		write_file("a", "one");
		assert_int_equal(chmod("a", 0640), 0);
		assert_int_equal(rename("b", "a"), 0);
		snprintf(text, sizeof(text), "%d", i);
		write_file("clock", text);
		loop_timer_set(s->watchdog, clock_now() + 5 * CLOCK_NS_PER_S);
		assert_int_equal(loop_run(s->loop), 0);
	}
	assert_int_equal(s->changes, 0);
	cert_watch_free(clock);
	write_file("a", "two");
	is_noticed(s);
}

/* ---- what is beside them ---- */

/* The kernel's word on whether a file is opened. Returns a descriptor. */
static int observe(const char *path)
{
	int fd = __real_inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	assert_true(fd >= 0);
	assert_true(inotify_add_watch(fd, path, IN_OPEN) >= 0);
	return fd;
}

static bool was_opened(int observer)
{
	char events[1024];

	return read(observer, events, sizeof(events)) > 0;
}

/* All that can be done to a file, and it is there again afterwards. */
static void disturb(const char *path, const char *text)
{
	char aside[64];

	snprintf(aside, sizeof(aside), "%s.aside", path);
	write_file(path, text);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(rename(path, aside), 0);
	assert_int_equal(symlink(aside, path), 0);
	assert_int_equal(rename(aside, path), 0);
}

/*
 * In the file's folder, in those on the way, and in the one that a link leads to. A second watch, of a file written
 * last, gets the same events and tells when all of them are through.
 */
static void files_beside_it_change_a_thousand_times_and_nothing_is_read(void **state)
{
	static const char *const others[] = {"b", "live/b", "archive/b", "live/a1", "archive/a"};
	struct scene *s = *state;
	const char *file = "live/clock";
	struct cert_watch_params params = {.files = &file,
					   .n_files = 1,
					   .gather_ns = 2 * CLOCK_NS_PER_MS,
					   .on_change = stop,
					   .arg = s};
	struct cert_watch *clock;
	char path[96], text[16];
	int observer;

	assert_int_equal(mkdir("live", 0700), 0);
	assert_int_equal(mkdir("archive", 0700), 0);
	write_file("archive/a1", "one");
	link_set("../archive/a1", "live/a");
	snprintf(path, sizeof(path), "%s/live/a", s->folder);
	watch(s, path, NULL);
	clock = cert_watch_new(s->loop, &params);
	assert_non_null(clock);
	observer = observe("archive/a1");
	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "%d", i);
		disturb(others[i % 5], text);
	}
	write_file("live/clock", "it is time");
	loop_timer_set(s->watchdog, clock_now() + 5 * CLOCK_NS_PER_S);
	assert_int_equal(loop_run(s->loop), 0);
	assert_int_equal(s->changes, 0);
	assert_false(was_opened(observer));
	cert_watch_free(clock);
	/* the observer would have seen it */
	disturb("live/a", "two");
	is_noticed(s);
	assert_true(was_opened(observer));
	close(observer);
}

static unsigned events_max(void)
{
	FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
	unsigned max;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%u", &max), 1);
	fclose(f);
	return max;
}

/* It drops those that come last, and the one that counts is among them. */
static void change_behind_more_events_than_the_kernel_keeps_is_noticed(void **state)
{
	struct scene *s = *state;

	write_file("a", "one");
	write_file("b", "");
	watch(s, "a", NULL);
	/* two events each, and never the same as the one before, which the kernel would make one of */
	for (unsigned left = events_max() / 4 + 1; left; left--) {
		assert_int_equal(rename("b", "c"), 0);
		assert_int_equal(rename("c", "b"), 0);
	}
	write_file("a", "two");
	is_noticed(s);
}

static void folder_replaced_by_another_and_back_is_noticed(void **state)
{
	struct scene *s = *state;

	assert_int_equal(mkdir("live", 0700), 0);
	assert_int_equal(mkdir("next", 0700), 0);
	write_file("live/a", "one");
	write_file("next/a", "two");
	watch(s, "live/a", NULL);
	/* no moment without a folder of this name */
	assert_int_equal(renameat2(AT_FDCWD, "next", AT_FDCWD, "live", RENAME_EXCHANGE), 0);
	is_noticed(s);
	assert_int_equal(renameat2(AT_FDCWD, "next", AT_FDCWD, "live", RENAME_EXCHANGE), 0);
	is_noticed(s);
}

static void changes_of_one_moment_are_told_once(void **state)
{
	struct scene *s = *state;

	write_file("a", "one");
	write_file("b", "one");
	watch(s, "a", "b");
	for (int i = 0; i < 100; i++) {
		write_file("a", i % 2 ? "two" : "three");
		write_file("b", i % 2 ? "two" : "three");
	}
	is_noticed(s);
	write_file("a", "four");
	is_noticed(s);
	assert_int_equal(s->changes, 2);
}

/* Half of it, and the rest later: each is a change, so that who could not use the half gets the whole. */
static void half_written_file_is_told_again_when_it_is_whole(void **state)
{
	struct scene *s = *state;
	int fd;

	write_file("a", "0123456789");
	watch(s, "a", NULL);
	write_file("a", "01234");
	is_noticed(s);
	fd = open("a", O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_int_equal(write(fd, "abcde", 5), 5);
	assert_int_equal(close(fd), 0);
	is_noticed(s);
}

static void pipe_in_the_place_of_a_file_does_not_block(void **state)
{
	struct scene *s = *state;

	assert_int_equal(mkfifo("a", 0600), 0);
	watch(s, "a", NULL);
	write_file("b", "one");
	assert_int_equal(rename("b", "a"), 0);
	is_noticed(s);
}

static void without_inotify_files_are_looked_at_and_later_watched(void **state)
{
	struct scene *s = *state;

	write_file("a", "one");
	inotify_fails = true;
	watch(s, "a", NULL);
	write_file("a", "two");
	is_noticed(s);
	/* it comes back by itself */
	inotify_fails = false;
	write_file("a", "three");
	is_noticed(s);
	write_file("a", "four");
	is_noticed(s);
}

static void nothing_can_be_freed(void **state)
{
	cert_watch_free(NULL);
}

#define in_scene(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_scene(file_written_in_place_is_noticed),
		in_scene(file_renamed_over_is_noticed_again_and_again),
		in_scene(file_that_goes_and_one_that_comes_are_noticed),
		in_scene(file_in_a_folder_that_comes_later_is_noticed),
		in_scene(folder_renamed_under_the_path_is_noticed),
		in_scene(link_that_leads_to_another_file_is_noticed),
		in_scene(link_to_a_folder_on_the_way_is_noticed_again_and_again),
		in_scene(
			absolute_link_and_one_that_leads_to_itself_are_followed_as_the_kernel_does),
		in_scene(same_bytes_are_no_change),
		in_scene(files_beside_it_change_a_thousand_times_and_nothing_is_read),
		in_scene(change_behind_more_events_than_the_kernel_keeps_is_noticed),
		in_scene(folder_replaced_by_another_and_back_is_noticed),
		in_scene(changes_of_one_moment_are_told_once),
		in_scene(half_written_file_is_told_again_when_it_is_whole),
		in_scene(pipe_in_the_place_of_a_file_does_not_block),
		in_scene(without_inotify_files_are_looked_at_and_later_watched),
		cmocka_unit_test(nothing_can_be_freed),
	};

	return cmocka_run_group_tests_name("gateway/cert_watch", tests, NULL, NULL);
}

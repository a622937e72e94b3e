/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sstp/base/clock.h"
#include "sstp/net/loop.h"
#include "test/support/cmocka.h"

/* What happened, in order: one character each. */
static struct {
	struct loop *loop;
	char events[64];
	struct loop_timer *timers[4];
	struct loop_io *ios[2];
	int pair[2];
	uint64_t fired_at;
} t;

static void note(char c)
{
	size_t n = strlen(t.events);

	assert_true(n + 1 < sizeof(t.events));
	t.events[n] = c;
}

static int setup(void **state)
{
	memset(&t, 0, sizeof(t));
	t.loop = loop_new();
	assert_non_null(t.loop);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, t.pair), 0);
	return 0;
}

static int teardown(void **state)
{
	for (int i = 0; i < 4; i++)
		loop_timer_free(t.timers[i]);
	for (int i = 0; i < 2; i++) {
		loop_io_free(t.ios[i]);
		close(t.pair[i]);
	}
	loop_free(t.loop);
	return 0;
}

static void say(void *arg)
{
	note(*(const char *)arg);
}

static void say_and_stop(void *arg)
{
	say(arg);
	loop_stop(t.loop);
}

static struct loop_timer *timer(int i, void (*cb)(void *arg), const char *arg, uint64_t at)
{
	t.timers[i] = loop_timer_new(t.loop, cb, (void *)(uintptr_t)arg);
	assert_non_null(t.timers[i]);
	loop_timer_set(t.timers[i], at);
	return t.timers[i];
}

static uint64_t in_ms(uint64_t ms)
{
	return clock_now() + ms * CLOCK_NS_PER_MS;
}

static void timers_fire_in_the_order_of_their_times(void **state)
{
	timer(0, say_and_stop, "3", in_ms(40));
	timer(1, say, "1", in_ms(5));
	timer(2, say, "2", in_ms(20));
	assert_int_equal(loop_run(t.loop), 0);
	assert_string_equal(t.events, "123");
}

static void timer_moved_earlier_fires_earlier(void **state)
{
	timer(0, say_and_stop, "2", in_ms(30));
	timer(1, say, "1", in_ms(60000));
	loop_timer_set(t.timers[1], in_ms(5));
	assert_int_equal(loop_run(t.loop), 0);
	assert_string_equal(t.events, "12");
}

static void fired_and_stop(void *arg)
{
	t.fired_at = loop_now(t.loop);
	say_and_stop(arg);
}

static void timer_moved_later_fires_once_and_not_before(void **state)
{
	uint64_t at;

	timer(0, fired_and_stop, "m", in_ms(2));
	for (int i = 0; i < 20; i++) {
		at = in_ms(10 + (uint64_t)i);
		loop_timer_set(t.timers[0], at);
	}
	assert_int_equal(loop_run(t.loop), 0);
	assert_string_equal(t.events, "m");
	assert_in_range(t.fired_at, at, at + CLOCK_NS_PER_S);
}

static void disarmed_timer_does_not_fire_and_can_be_armed_again(void **state)
{
	timer(0, say, "x", in_ms(1));
	loop_timer_set(t.timers[0], CLOCK_NEVER);
	timer(1, say_and_stop, "s", in_ms(10));
	assert_int_equal(loop_run(t.loop), 0);
	assert_string_equal(t.events, "s");
	loop_timer_set(t.timers[0], in_ms(1));
	loop_timer_set(t.timers[1], in_ms(10));
	assert_int_equal(loop_run(t.loop), 0);
	assert_string_equal(t.events, "sxs");
}

static void say_and_set_second(void *arg)
{
	say(arg);
	loop_timer_set(t.timers[1], 1);
	note('.');
}

static void count_pass(void *arg)
{
	note('|');
}

static void time_that_has_passed_fires_in_the_next_pass(void **state)
{
	timer(0, say_and_set_second, "a", 1);
	timer(1, say_and_stop, "b", CLOCK_NEVER);
	assert_int_equal(loop_on_pass_end(t.loop, count_pass, NULL), 0);
	assert_int_equal(loop_run(t.loop), 0);
	assert_string_equal(t.events, "|a.|b|");
}

static void free_self(void *arg)
{
	say_and_stop(arg);
	loop_timer_free(t.timers[0]);
	t.timers[0] = NULL;
}

static void timer_can_be_freed_inside_its_callback(void **state)
{
	timer(0, free_self, "f", 1);
	assert_int_equal(loop_run(t.loop), 0);
	assert_string_equal(t.events, "f");
}

static void set_again(void *arg)
{
	say(arg);
	if (strlen(t.events) == 3)
		loop_stop(t.loop);
	else
		loop_timer_set(t.timers[0], loop_now(t.loop) + CLOCK_NS_PER_MS);
}

static void timer_can_be_set_inside_its_callback(void **state)
{
	timer(0, set_again, "r", 1);
	assert_int_equal(loop_run(t.loop), 0);
	assert_string_equal(t.events, "rrr");
}

static void check_now(void *arg)
{
	assert_true(loop_now(t.loop) <= clock_now());
	if (t.fired_at)
		assert_int_equal(loop_now(t.loop), t.fired_at);
	else
		t.fired_at = loop_now(t.loop);
	/* the clock goes on, now does not */
	for (uint64_t begin = clock_now(); clock_now() == begin;)
		;
}

static void now_stands_still_within_a_pass_and_is_fresh_in_the_next(void **state)
{
	uint64_t begin = clock_now();

	timer(0, check_now, NULL, 1);
	timer(1, check_now, NULL, 2);
	timer(2, say_and_stop, "s", 3);
	assert_int_equal(loop_run(t.loop), 0);
	assert_int_equal(loop_now(t.loop), t.fired_at);
	assert_true(t.fired_at >= begin);
	loop_timer_set(t.timers[2], 1);
	assert_int_equal(loop_run(t.loop), 0);
	assert_true(loop_now(t.loop) > t.fired_at);
}

struct body {
	struct loop_reap reap;
	char name;
	struct body *next; /* reaped by this one's reaping */
};

static void reap(struct loop_reap *node)
{
	struct body *b = (struct body *)node;

	note(b->name);
	if (b->next)
		loop_reap(t.loop, &b->next->reap);
}

static void reap_in_hook(void *arg)
{
	static struct body last = {.reap.free_fn = reap, .name = 'd'};

	note('h');
	if (!strchr(t.events, 'd'))
		loop_reap(t.loop, &last.reap);
}

static void die_in_callback(void *arg)
{
	static struct body third = {.reap.free_fn = reap, .name = 'c'};
	static struct body second = {.reap.free_fn = reap, .name = 'b'};
	static struct body first = {.reap.free_fn = reap, .name = 'a', .next = &third};

	/* the first pass, which ends before anything was waited for, is not of interest */
	memset(t.events, 0, sizeof(t.events));
	loop_reap(t.loop, &first.reap);
	loop_reap(t.loop, &second.reap);
	say_and_stop(arg);
}

static void reaping_follows_the_hooks_in_order_and_includes_what_it_causes(void **state)
{
	timer(0, die_in_callback, "!", 1);
	assert_int_equal(loop_on_pass_end(t.loop, say, (void *)(uintptr_t) "1"), 0);
	assert_int_equal(loop_on_pass_end(t.loop, reap_in_hook, NULL), 0);
	assert_int_equal(loop_on_pass_end(t.loop, say, (void *)(uintptr_t) "2"), 0);
	assert_int_equal(loop_run(t.loop), 0);
	assert_string_equal(t.events, "!1h2abdc");
}

static void what_waits_for_reaping_goes_with_the_loop(void **state)
{
	struct body late = {.reap.free_fn = reap, .name = 'z'};

	loop_reap(t.loop, &late.reap);
	loop_free(t.loop);
	assert_string_equal(t.events, "z");
	t.loop = NULL;
	loop_free(NULL);
}

static void io_says(void *arg, unsigned ready)
{
	note(ready == LOOP_READ ? 'r' : ready == LOOP_WRITE ? 'w' : '?');
	if (strlen(t.events) == 2)
		loop_stop(t.loop);
}

static void descriptor_is_watched_by_level_and_for_what_is_asked(void **state)
{
	t.ios[0] = loop_io_new(t.loop, t.pair[0], LOOP_READ, io_says, NULL);
	assert_non_null(t.ios[0]);
	assert_int_equal(write(t.pair[1], "x", 1), 1);
	/* nobody reads the byte: it is told again */
	assert_int_equal(loop_run(t.loop), 0);
	assert_string_equal(t.events, "rr");

	memset(t.events, 0, sizeof(t.events));
	assert_int_equal(loop_io_watch(t.ios[0], LOOP_WRITE), 0);
	assert_int_equal(loop_run(t.loop), 0);
	assert_string_equal(t.events, "ww");

	memset(t.events, 0, sizeof(t.events));
	assert_int_equal(loop_io_watch(t.ios[0], 0), 0);
	timer(0, say_and_stop, "t", in_ms(2));
	assert_int_equal(loop_run(t.loop), 0);
	assert_string_equal(t.events, "t");
}

static void descriptor_that_cannot_be_watched_is_an_error(void **state)
{
	errno = 0;
	assert_null(loop_io_new(t.loop, 9999, LOOP_READ, io_says, NULL));
	assert_int_equal(errno, EBADF);
}

static void free_both(void *arg, unsigned ready)
{
	note('b');
	for (int i = 0; i < 2; i++) {
		loop_io_free(t.ios[i]);
		t.ios[i] = NULL;
	}
	loop_stop(t.loop);
}

static void io_freed_by_another_in_the_same_pass_is_not_called(void **state)
{
	for (int i = 0; i < 2; i++) {
		assert_int_equal(write(t.pair[i], "x", 1), 1);
		t.ios[i] = loop_io_new(t.loop, t.pair[i], LOOP_READ | LOOP_WRITE, free_both, NULL);
		assert_non_null(t.ios[i]);
	}
	assert_int_equal(loop_run(t.loop), 0);
	assert_string_equal(t.events, "b");
}

static void signal_came(void *arg, int signo)
{
	note(signo == SIGUSR1 ? '1' : '?');
	loop_stop(t.loop);
}

static void signal_is_told_in_a_pass(void **state)
{
	assert_int_equal(loop_on_signal(t.loop, SIGUSR1, signal_came, NULL), 0);
	raise(SIGUSR1);
	assert_string_equal(t.events, "");
	assert_int_equal(loop_run(t.loop), 0);
	assert_string_equal(t.events, "1");
}

static void signal_that_does_not_exist_is_an_error(void **state)
{
	assert_int_equal(loop_on_signal(t.loop, 9999, signal_came, NULL), -EINVAL);
}

/* What the loop writes to its eventfd is counted on the way. */
int __real_eventfd_write(int fd, eventfd_t value);
int __wrap_eventfd_write(int fd, eventfd_t value);

static atomic_uint n_wakeups;

int __wrap_eventfd_write(int fd, eventfd_t value)
{
	atomic_fetch_add(&n_wakeups, 1);
	return __real_eventfd_write(fd, value);
}

struct job {
	struct loop_task task;
	char name;
	bool stops;
	int again; /* so many times it posts itself */
};

static void run_job(struct loop_task *task)
{
	struct job *job = (struct job *)task;

	note(job->name);
	if (job->again-- > 0)
		loop_post(t.loop, &job->task);
	else if (job->stops)
		loop_stop(t.loop);
}

static void tasks_run_in_the_order_of_posting(void **state)
{
	struct job jobs[] = {
		{.task.run = run_job, .name = 'a'},
		{.task.run = run_job, .name = 'b'},
		{.task.run = run_job, .name = 'c', .stops = true},
	};

	atomic_store(&n_wakeups, 0);
	for (int i = 0; i < 3; i++)
		loop_post(t.loop, &jobs[i].task);
	assert_string_equal(t.events, "");
	assert_int_equal(loop_run(t.loop), 0);
	assert_string_equal(t.events, "abc");
	/* only the first found nobody waiting */
	assert_int_equal(atomic_load(&n_wakeups), 1);
}

static void task_that_posts_itself_runs_once_in_a_pass_and_starves_nobody(void **state)
{
	struct job job = {.task.run = run_job, .name = 'j', .stops = true, .again = 2};
	struct job other = {.task.run = run_job, .name = 'o'};

	assert_int_equal(loop_on_pass_end(t.loop, count_pass, NULL), 0);
	loop_post(t.loop, &job.task);
	loop_post(t.loop, &other.task);
	assert_int_equal(loop_run(t.loop), 0);
	assert_string_equal(t.events, "|jo|j|j|");
}

static void task_wakes_for_one_pass_and_no_more(void **state)
{
	struct job job = {.task.run = run_job, .name = 'j'};

	assert_int_equal(loop_on_pass_end(t.loop, count_pass, NULL), 0);
	loop_post(t.loop, &job.task);
	timer(0, say_and_stop, "t", in_ms(5));
	assert_int_equal(loop_run(t.loop), 0);
	assert_memory_equal(t.events, "|j|", 3);
	/* "t|", and a pass without a callback when the timer wakes a tick early */
	assert_in_range(strlen(t.events), 5, 7);
}

static void free_task(struct loop_task *task)
{
	free(task);
	note('f');
	loop_stop(t.loop);
}

static void task_can_be_freed_when_it_runs(void **state)
{
	struct loop_task *task = calloc(1, sizeof(*task));

	assert_non_null(task);
	task->run = free_task;
	loop_post(t.loop, task);
	assert_int_equal(loop_run(t.loop), 0);
	assert_string_equal(t.events, "f");
}

static void task_that_has_not_run_is_dropped_with_the_loop(void **state)
{
	struct job job = {.task.run = run_job, .name = 'x'};

	loop_post(t.loop, &job.task);
	loop_free(t.loop);
	t.loop = NULL;
	assert_string_equal(t.events, "");
}

/* A task and its answer, so that the loop is about to sleep, or does, when the next one is posted. */
struct echo {
	struct loop_task task;
	sem_t has_run;
	unsigned n;
};

enum {
	ECHOES = 2000,
	POSTERS = 4,
	POSTS = 5000,
};

static void run_echo(struct loop_task *task)
{
	struct echo *echo = (struct echo *)task;

	if (++echo->n == ECHOES)
		loop_stop(t.loop);
	sem_post(&echo->has_run);
}

static void *post_echoes(void *arg)
{
	struct echo *echo = arg;

	for (int i = 0; i < ECHOES; i++) {
		loop_post(t.loop, &echo->task);
		sem_wait(&echo->has_run);
	}
	return NULL;
}

static void task_of_another_thread_wakes_a_sleeping_loop(void **state)
{
	struct echo echo = {.task.run = run_echo};
	pthread_t thread;

	assert_int_equal(sem_init(&echo.has_run, 0, 0), 0);
	assert_int_equal(pthread_create(&thread, NULL, post_echoes, &echo), 0);
	/* nothing else would ever wake it */
	assert_int_equal(loop_run(t.loop), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(echo.n, ECHOES);
	sem_destroy(&echo.has_run);
}

struct letter {
	struct loop_task task;
	struct poster *from;
	unsigned number;
};

struct poster {
	pthread_t thread;
	struct letter letters[POSTS];
	unsigned n_arrived;
	unsigned n_out_of_order;
};

static unsigned n_letters;

static void run_letter(struct loop_task *task)
{
	struct letter *letter = (struct letter *)task;
	struct poster *from = letter->from;

	from->n_out_of_order += letter->number != from->n_arrived;
	from->n_arrived++;
	if (++n_letters == POSTERS * POSTS)
		loop_stop(t.loop);
}

static void *post_letters(void *arg)
{
	struct poster *poster = arg;

	for (unsigned i = 0; i < POSTS; i++) {
		poster->letters[i] =
			(struct letter){.task.run = run_letter, .from = poster, .number = i};
		loop_post(t.loop, &poster->letters[i].task);
	}
	return NULL;
}

static void tasks_of_many_threads_all_arrive_each_thread_s_in_order(void **state)
{
	struct poster *posters = calloc(POSTERS, sizeof(*posters));

	assert_non_null(posters);
	n_letters = 0;
	for (int i = 0; i < POSTERS; i++)
		assert_int_equal(
			pthread_create(&posters[i].thread, NULL, post_letters, &posters[i]), 0);
	assert_int_equal(loop_run(t.loop), 0);
	for (int i = 0; i < POSTERS; i++) {
		assert_int_equal(pthread_join(posters[i].thread, NULL), 0);
		assert_int_equal(posters[i].n_arrived, POSTS);
		assert_int_equal(posters[i].n_out_of_order, 0);
	}
	assert_int_equal(n_letters, POSTERS * POSTS);
	free(posters);
}

/* w: a wake hook ran; | the pass's end */
static void watch_passes(void)
{
	assert_int_equal(loop_on_wake(t.loop, say, (void *)(uintptr_t) "w"), 0);
	assert_int_equal(loop_on_pass_end(t.loop, count_pass, NULL), 0);
}

static void wake_hooks_run_before_a_timer(void **state)
{
	watch_passes();
	assert_int_equal(loop_on_wake(t.loop, say, (void *)(uintptr_t) "v"), 0);
	timer(0, say_and_stop, "t", 1);
	assert_int_equal(loop_run(t.loop), 0);
	assert_string_equal(t.events, "wv|wvt|");
}

static void io_says_and_stops(void *arg, unsigned ready)
{
	note(ready == LOOP_READ ? 'r' : 'w');
	loop_stop(t.loop);
}

static void wake_hook_runs_before_a_descriptor_s_callback(void **state)
{
	watch_passes();
	t.ios[0] = loop_io_new(t.loop, t.pair[0], LOOP_READ, io_says_and_stops, NULL);
	assert_int_equal(write(t.pair[1], "x", 1), 1);
	assert_int_equal(loop_run(t.loop), 0);
	assert_string_equal(t.events, "w|wr|");
}

static void wake_hook_runs_before_a_signal_s_callback(void **state)
{
	watch_passes();
	assert_int_equal(loop_on_signal(t.loop, SIGUSR1, signal_came, NULL), 0);
	raise(SIGUSR1);
	assert_int_equal(loop_run(t.loop), 0);
	assert_string_equal(t.events, "w|w1|");
}

static void wake_hook_runs_before_a_task(void **state)
{
	struct job job = {.task.run = run_job, .name = 'j', .stops = true};

	watch_passes();
	loop_post(t.loop, &job.task);
	assert_int_equal(loop_run(t.loop), 0);
	assert_string_equal(t.events, "w|wj|");
}

static void note_wake_and_time(void *arg)
{
	t.fired_at = loop_now(t.loop);
	note('w');
}

static void wake_hook_runs_once_however_much_is_ready(void **state)
{
	struct job job = {.task.run = run_job, .name = 'j', .stops = true};
	char first[8];

	assert_int_equal(loop_on_wake(t.loop, note_wake_and_time, NULL), 0);
	assert_int_equal(loop_on_pass_end(t.loop, count_pass, NULL), 0);
	timer(0, say_and_stop, "t", 1);
	loop_post(t.loop, &job.task);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(write(t.pair[i], "x", 1), 1);
		t.ios[i] = loop_io_new(t.loop, t.pair[i], LOOP_READ, io_says_and_stops, NULL);
	}
	assert_int_equal(loop_run(t.loop), 0);
	/* the four come in libevent's order */
	memcpy(first, t.events, 3);
	first[3] = '\0';
	assert_string_equal(first, "w|w");
	assert_int_equal(strlen(t.events), strlen("w|w") + 4 + strlen("|"));
	assert_null(strchr(t.events + 3, 'w'));
	assert_int_equal(t.events[7], '|');
	assert_int_equal(loop_now(t.loop), t.fired_at);
}

static void ask_for_rest(void *arg, unsigned ready)
{
	if (*t.events)
		loop_stop(t.loop);
	note('r');
	t.fired_at = loop_now(t.loop);
	loop_rest(t.loop, *(const uint64_t *)arg, false);
}

static uint64_t yield_takes; /* ns; another process had the CPU */

int __wrap_sched_yield(void);
int __wrap_sched_yield(void)
{
	uint64_t until = clock_now() + yield_takes;

	while (clock_now() < until)
		;
	return 0;
}

enum {
	SHARED_PASSES = 40,
};

/* Ends after some passes, or as soon as one came without a rest. */
static void ask_for_rest_if_shared(void *arg, unsigned ready)
{
	const uint64_t *rest = arg;
	bool at_once = t.fired_at && loop_now(t.loop) - t.fired_at < *rest;

	t.fired_at = loop_now(t.loop);
	if (!at_once)
		note('r');
	if (at_once || strlen(t.events) == SHARED_PASSES)
		loop_stop(t.loop);
	loop_rest(t.loop, *rest, true);
}

/* Both ends are writable at once, and always. */
static void watch_writable(int i, void (*cb)(void *arg, unsigned ready), uint64_t *arg)
{
	t.ios[i] = loop_io_new(t.loop, t.pair[i], LOOP_WRITE, cb, arg);
	assert_non_null(t.ios[i]);
}

static void rest_lies_between_two_passes(void **state)
{
	uint64_t rest = 3 * CLOCK_NS_PER_MS, before = clock_now();

	watch_writable(0, ask_for_rest, &rest);
	assert_int_equal(loop_run(t.loop), 0);
	assert_string_equal(t.events, "rr");
	assert_in_range(t.fired_at - before, rest, rest + CLOCK_NS_PER_S);
}

static void rest_is_taken_only_when_one_descriptor_was_ready(void **state)
{
	uint64_t rest = CLOCK_NS_PER_S - 1, before = clock_now();

	watch_writable(0, ask_for_rest, &rest);
	watch_writable(1, ask_for_rest, &rest);
	assert_int_equal(loop_run(t.loop), 0);
	assert_in_range(clock_now() - before, 0, rest - 1);
}

static void rest_if_shared_is_taken_when_another_has_the_cpu(void **state)
{
	uint64_t rest = CLOCK_NS_PER_MS;

	yield_takes = CLOCK_NS_PER_MS / 10;
	watch_writable(0, ask_for_rest_if_shared, &rest);
	assert_int_equal(loop_run(t.loop), 0);
	assert_int_equal(strlen(t.events), SHARED_PASSES);
}

/* One pass of them, for a loaded machine can take the CPU away at any time. */
static void rest_if_shared_is_not_taken_alone(void **state)
{
	uint64_t rest = 50 * CLOCK_NS_PER_MS;

	yield_takes = 0;
	watch_writable(0, ask_for_rest_if_shared, &rest);
	assert_int_equal(loop_run(t.loop), 0);
	assert_in_range(strlen(t.events), 1, SHARED_PASSES - 1);
}

static void ask_and_stop(void *arg)
{
	loop_rest(t.loop, *(const uint64_t *)arg, false);
	loop_stop(t.loop);
}

static void ignore_ready(void *arg, unsigned ready)
{
}

static void rest_is_not_taken_beside_a_timer(void **state)
{
	uint64_t rest = CLOCK_NS_PER_S - 1, before = clock_now();

	t.timers[0] = loop_timer_new(t.loop, ask_and_stop, &rest);
	assert_non_null(t.timers[0]);
	loop_timer_set(t.timers[0], before);
	watch_writable(0, ignore_ready, NULL);
	assert_int_equal(loop_run(t.loop), 0);
	assert_in_range(clock_now() - before, 0, rest - 1);
}

#define on_loop(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_loop(timers_fire_in_the_order_of_their_times),
		on_loop(timer_moved_earlier_fires_earlier),
		on_loop(timer_moved_later_fires_once_and_not_before),
		on_loop(disarmed_timer_does_not_fire_and_can_be_armed_again),
		on_loop(time_that_has_passed_fires_in_the_next_pass),
		on_loop(timer_can_be_freed_inside_its_callback),
		on_loop(timer_can_be_set_inside_its_callback),
		on_loop(now_stands_still_within_a_pass_and_is_fresh_in_the_next),
		on_loop(reaping_follows_the_hooks_in_order_and_includes_what_it_causes),
		on_loop(what_waits_for_reaping_goes_with_the_loop),
		on_loop(descriptor_is_watched_by_level_and_for_what_is_asked),
		on_loop(descriptor_that_cannot_be_watched_is_an_error),
		on_loop(io_freed_by_another_in_the_same_pass_is_not_called),
		on_loop(rest_lies_between_two_passes),
		on_loop(rest_is_taken_only_when_one_descriptor_was_ready),
		on_loop(rest_if_shared_is_taken_when_another_has_the_cpu),
		on_loop(rest_if_shared_is_not_taken_alone),
		on_loop(rest_is_not_taken_beside_a_timer),
		on_loop(signal_is_told_in_a_pass),
		on_loop(signal_that_does_not_exist_is_an_error),
		on_loop(tasks_run_in_the_order_of_posting),
		on_loop(task_that_posts_itself_runs_once_in_a_pass_and_starves_nobody),
		on_loop(task_wakes_for_one_pass_and_no_more),
		on_loop(task_can_be_freed_when_it_runs),
		on_loop(task_that_has_not_run_is_dropped_with_the_loop),
		on_loop(task_of_another_thread_wakes_a_sleeping_loop),
		on_loop(tasks_of_many_threads_all_arrive_each_thread_s_in_order),
		on_loop(wake_hooks_run_before_a_timer),
		on_loop(wake_hook_runs_before_a_descriptor_s_callback),
		on_loop(wake_hook_runs_before_a_signal_s_callback),
		on_loop(wake_hook_runs_before_a_task),
		on_loop(wake_hook_runs_once_however_much_is_ready),
	};

	return cmocka_run_group_tests_name("net/loop", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/background.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "test/support/cmocka.h"

struct scene {
	struct loop *loop;
	struct background *background;
	int gate; /* the work waits until it is readable; -1: it does not */
	pthread_t worker;
	sigset_t blocked;
	bool worked;
	unsigned done;
	bool free_in_done;
};

static void work(void *arg)
{
	struct scene *s = arg;
	eventfd_t count;

	if (s->gate >= 0)
		eventfd_read(s->gate, &count);
	s->worker = pthread_self();
	pthread_sigmask(SIG_SETMASK, NULL, &s->blocked);
	s->worked = true;
}

static void done(void *arg)
{
	struct scene *s = arg;

	assert_true(s->worked);
	s->done++;
	if (s->free_in_done) {
		background_free(s->background);
		s->background = NULL;
	}
	loop_stop(s->loop);
}

static struct scene begin(int gate)
{
	struct scene s = {.loop = loop_new(), .gate = gate};

	assert_non_null(s.loop);
	return s;
}

static void start(struct scene *s)
{
	s->background = background_start(s->loop, work, done, s);
	assert_non_null(s->background);
}

static void end(struct scene *s)
{
	background_free(s->background);
	loop_free(s->loop);
}

static void work_is_done_in_another_thread_and_told_in_the_loop(void **state)
{
	struct scene s = begin(-1);

	start(&s);
	assert_int_equal(loop_run(s.loop), 0);
	assert_int_equal(s.done, 1);
	assert_false(pthread_equal(s.worker, pthread_self()));
	assert_true(sigismember(&s.blocked, SIGTERM) == 1 && sigismember(&s.blocked, SIGCHLD) == 1);
	end(&s);
}

static void waiting_sees_the_work_and_done_comes_once_all_the_same(void **state)
{
	int gate = eventfd(0, EFD_CLOEXEC);
	struct scene s = begin(gate);

	start(&s);
	eventfd_write(gate, 1);
	background_wait(s.background);
	background_wait(s.background);
	assert_true(s.worked);
	assert_int_equal(s.done, 0);
	assert_int_equal(loop_run(s.loop), 0);
	assert_int_equal(s.done, 1);
	end(&s);
	close(gate);
}

static void freed_one_has_worked_and_is_told_no_more(void **state)
{
	int gate = eventfd(0, EFD_CLOEXEC);
	struct scene s = begin(gate);

	start(&s);
	eventfd_write(gate, 1);
	background_free(s.background);
	assert_true(s.worked);
	assert_int_equal(s.done, 0);
	s.background = NULL;
	end(&s);
	close(gate);
	background_free(NULL);
}

static void it_can_be_freed_where_it_is_told(void **state)
{
	struct scene s = begin(-1);

	s.free_in_done = true;
	start(&s);
	assert_int_equal(loop_run(s.loop), 0);
	assert_int_equal(s.done, 1);
	assert_null(s.background);
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(work_is_done_in_another_thread_and_told_in_the_loop),
		cmocka_unit_test(waiting_sees_the_work_and_done_comes_once_all_the_same),
		cmocka_unit_test(freed_one_has_worked_and_is_told_no_more),
		cmocka_unit_test(it_can_be_freed_where_it_is_told),
	};

	return cmocka_run_group_tests_name("worker/background", tests, NULL, NULL);
}

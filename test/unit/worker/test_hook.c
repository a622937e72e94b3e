/* SPDX-License-Identifier: Apache-2.0 */
/* The operator's command: one at a time, in order, with what has changed. */
#include "sstp/worker/hook.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sstp/base/log.h"
#include "test/support/cmocka.h"

pid_t __wrap_child_start(const char *program, char *const argv[], char *const envp[], int stdin_fd);
struct loop_timer *__wrap_loop_timer_new(struct loop *loop, void (*fn)(void *arg), void *arg);
struct loop_timer *__real_loop_timer_new(struct loop *loop, void (*fn)(void *arg), void *arg);
int __wrap_kill(pid_t pid, int signo);

static unsigned started;
static char told[512]; /* the variables of ours, of each that was started */
static int refuse;
static void (*limit)(void *arg);
static void *limit_arg;
static pid_t killed;

pid_t __wrap_child_start(const char *program, char *const argv[], char *const envp[], int stdin_fd)
{
	size_t len = strlen(told);
	char byte;

	if (refuse)
		return refuse;
	assert_string_equal(program, "/bin/sh");
	assert_string_equal(argv[1], "-c");
	assert_string_equal(argv[2], "the command");
	assert_true(stdin_fd >= 0);
	assert_int_equal(read(stdin_fd, &byte, 1), 0); /* the app's input is not for it */
	for (size_t i = 0; envp[i]; i++)
		if (strncmp(envp[i], "SSTP_", 5) == 0)
			len += (size_t)snprintf(told + len, sizeof(told) - len, "%s%s",
						len ? " " : "", envp[i]);
	return (pid_t)(100 + ++started);
}

struct loop_timer *__wrap_loop_timer_new(struct loop *loop, void (*fn)(void *arg), void *arg)
{
	limit = fn;
	limit_arg = arg;
	return __real_loop_timer_new(loop, fn, arg);
}

int __wrap_kill(pid_t pid, int signo)
{
	assert_int_equal(signo, SIGKILL);
	killed = pid;
	return 0;
}

struct scene {
	struct loop *loop;
	struct hook *hook;
};

static int set_up(void **state)
{
	static struct scene s;

	log_open("test", LOG_TARGET_STDERR, LOG_LEVEL_ERROR);
	started = 0;
	refuse = 0;
	killed = 0;
	told[0] = '\0';
	s.loop = loop_new();
	s.hook = hook_new(s.loop, "the command");
	*state = &s;
	return s.hook ? 0 : -1;
}

static int tear_down(void **state)
{
	struct scene *s = *state;

	hook_free(s->hook);
	loop_free(s->loop);
	return 0;
}

static void event_comes_with_its_values(void **state)
{
	static const struct hook_variable variables[] = {{"SSTP_ADDRESS", "172.16.77.3"},
							 {"SSTP_OLD_ADDRESS", NULL}};
	struct scene *s = *state;

	setenv("SSTP_ADDRESS", "of somebody else", 1);
	assert_true(hook_is_idle(s->hook));
	assert_int_equal(hook_fire(s->hook, "up", variables, 2), 0);
	assert_string_equal(told, "SSTP_EVENT=up SSTP_ADDRESS=172.16.77.3 SSTP_OLD_ADDRESS=");
	assert_false(hook_is_idle(s->hook));
	hook_on_child(s->hook, 101, 0);
	assert_true(hook_is_idle(s->hook));
	unsetenv("SSTP_ADDRESS");
}

static void events_are_told_in_order_one_at_a_time(void **state)
{
	struct scene *s = *state;

	assert_int_equal(hook_fire(s->hook, "up", NULL, 0), 0);
	assert_int_equal(hook_fire(s->hook, "network-changed", NULL, 0), 0);
	assert_int_equal(hook_fire(s->hook, "down", NULL, 0), 0);
	assert_string_equal(told, "SSTP_EVENT=up");
	hook_on_child(s->hook, 7, 0);
	assert_int_equal(started, 1);
	hook_on_child(s->hook, 101, 0);
	hook_on_child(s->hook, 102, 1 << 8);
	assert_string_equal(told, "SSTP_EVENT=up SSTP_EVENT=network-changed SSTP_EVENT=down");
}

static void queue_has_an_end(void **state)
{
	struct scene *s = *state;

	assert_int_equal(hook_fire(s->hook, "up", NULL, 0), 0);
	for (int i = 0; i < HOOK_QUEUE_MAX; i++)
		assert_int_equal(hook_fire(s->hook, "down", NULL, 0), 0);
	assert_int_equal(hook_fire(s->hook, "up", NULL, 0), -ENOBUFS);
	for (int i = 0; i <= HOOK_QUEUE_MAX; i++)
		hook_on_child(s->hook, 101 + i, 0);
	assert_true(hook_is_idle(s->hook));
	assert_int_equal(started, HOOK_QUEUE_MAX + 1);
}

static void command_that_cannot_be_started_does_not_stop_the_next(void **state)
{
	struct scene *s = *state;

	refuse = -EAGAIN;
	assert_int_equal(hook_fire(s->hook, "up", NULL, 0), 0);
	assert_true(hook_is_idle(s->hook));
	refuse = 0;
	assert_int_equal(hook_fire(s->hook, "down", NULL, 0), 0);
	assert_string_equal(told, "SSTP_EVENT=down");
}

static void command_that_does_not_end_is_killed(void **state)
{
	struct scene *s = *state;

	assert_int_equal(hook_fire(s->hook, "up", NULL, 0), 0);
	limit(limit_arg);
	assert_int_equal(killed, 101);
}

static void no_hook_is_idle_and_told_nothing(void **state)
{
	assert_true(hook_is_idle(NULL));
	assert_int_equal(hook_fire(NULL, "up", NULL, 0), 0);
	hook_on_child(NULL, 1, 0);
	hook_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(event_comes_with_its_values, set_up, tear_down),
		cmocka_unit_test_setup_teardown(events_are_told_in_order_one_at_a_time, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(queue_has_an_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			command_that_cannot_be_started_does_not_stop_the_next, set_up, tear_down),
		cmocka_unit_test_setup_teardown(command_that_does_not_end_is_killed, set_up,
						tear_down),
		cmocka_unit_test(no_hook_is_idle_and_told_nothing),
	};

	return cmocka_run_group_tests_name("worker/hook", tests, NULL, NULL);
}

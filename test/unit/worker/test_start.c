/* SPDX-License-Identifier: Apache-2.0 */
/* How an app's start fails, and what a signal meets between fork() and exec(). */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sstp/worker/app.h"
#include "test/support/cmocka.h"

static char shell[] = "sh", option[] = "-c", script[] = "exit 0";
static char *const argv[] = {shell, option, script, NULL};

static struct app_params app(void)
{
	return (struct app_params){.argv = argv, .netns_fd = -1, .private_ip = "172.16.77.1"};
}

static void set_up_that_fails_is_not_the_app_s_fault(void **state)
{
	struct app_params p = app();
	char error[256] = "";
	pid_t pid = -7;

	p.netns_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(app_start(&p, &pid, error), -ECHILD);
	assert_string_equal(
		error, "cannot start 'sh': cannot enter the network namespace: Invalid argument");
	assert_int_equal(pid, -7);
	close(p.netns_fd);
}

static void no_descriptors_left_is_said(void **state)
{
	struct app_params p = app();
	struct rlimit before, none;
	char error[256] = "";
	pid_t pid = -7;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(app_start(&p, &pid, error), -ECHILD);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_string_equal(error, "cannot start 'sh': cannot make a process: Too many open files");
	assert_int_equal(pid, -7);
}

static void swallow(int signo)
{
	/* as the worker's handler would, in the wrong process */
}

static void raise_in_child(void)
{
	raise(SIGTERM);
}

static void signal_behind_fork_is_not_swallowed(void **state)
{
	struct app_params p = app();
	char error[256] = "";
	int status = -1;
	pid_t pid;

	signal(SIGTERM, swallow);
	assert_int_equal(pthread_atfork(NULL, NULL, raise_in_child), 0);
	assert_int_equal(app_start(&p, &pid, error), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(app_exit_status(status), 128 + SIGTERM);
	signal(SIGTERM, SIG_DFL);
}

static void own_signals_are_not_blocked_afterwards(void **state)
{
	struct app_params p = app();
	sigset_t now;
	char error[256] = "";
	pid_t pid;

	assert_int_equal(app_start(&p, &pid, error), 0);
	waitpid(pid, NULL, 0);
	assert_int_equal(sigprocmask(SIG_BLOCK, NULL, &now), 0);
	for (int signo = 1; signo < SIGRTMIN; signo++)
		assert_int_equal(sigismember(&now, signo), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_up_that_fails_is_not_the_app_s_fault),
		cmocka_unit_test(no_descriptors_left_is_said),
		cmocka_unit_test(own_signals_are_not_blocked_afterwards),
		/* last: its fork handler stays */
		cmocka_unit_test(signal_behind_fork_is_not_swallowed),
	};

	return cmocka_run_group_tests_name("worker/start", tests, NULL, NULL);
}

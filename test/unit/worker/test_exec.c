/* SPDX-License-Identifier: Apache-2.0 */
/* Against a status of this test's own making; with a real worker it is test/netns/apptools.sh. */
#include "sstp/worker/exec.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sstp/worker/config.h"
#include "sstp/worker/status.h"
#include "test/support/cmocka.h"
#include "test/unit/worker/private_etc.h"

#define OUTPUT "/run/output"

/* This process is the worker. */
static void worker_is(enum status_state state, const char *netns)
{
	struct status s = {.name = "shop", .state = state, .since = 1700000000, .tun = "vnet0"};

	s.netns = netns;
	s.last_error = state == STATUS_UP ? NULL : "no route to host";
	s.environment[0] = (struct app_variable){"WEBSITE_PRIVATE_IP", "172.16.77.2"};
	s.environment[1] = (struct app_variable){"WEBSITE_PRIVATE_POOL", "172.16.77.0/24"};
	assert_int_equal(status_write(&s), 0);
}

/* In a process of its own, its standard error in OUTPUT; the exit status. */
static int run(const char *const *argv)
{
	int argc = 0, status = 0;
	pid_t pid;

	while (argv[argc])
		argc++;
	pid = fork();
	if (pid == 0) {
		int fd = open(OUTPUT, O_WRONLY | O_CREAT | O_TRUNC, 0644);

		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		status = exec_run(argc, (char **)(uintptr_t)argv);
		fflush(stdout);
		_exit(status);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define RUN(...) run((const char *const[]){"sstp-worker", "exec", __VA_ARGS__, NULL})

static void command_has_the_environment_and_ends_as_it_does(void **state)
{
	worker_is(STATUS_UP, "/proc/self/ns/net");
	assert_int_equal(RUN("shop", "--", "sh", "-c", "env | grep ^WEBSITE | sort; exit 7"), 7);
	assert_string_equal(read_text(OUTPUT), "WEBSITE_PRIVATE_IP=172.16.77.2\n"
					       "WEBSITE_PRIVATE_POOL=172.16.77.0/24\n");
	assert_int_equal(RUN("vnet0", "sh", "-c", "exit 8"), 8);
	status_remove();
}

static void tunnel_that_is_not_up_is_told_first(void **state)
{
	worker_is(STATUS_DOWN, "/proc/self/ns/net");
	assert_int_equal(RUN("shop", "echo", "done"), 0);
	assert_string_equal(read_text(OUTPUT),
			    "sstp-worker: the tunnel of 'shop' is not up: down since "
			    "2023-11-14T22:13:20Z, last error: no route to host; what is for the "
			    "VNet is refused\ndone\n");
	status_remove();
}

static void what_cannot_be_brought_there_has_a_status_of_its_own(void **state)
{
	assert_int_equal(RUN("shop", "true"), WORKER_EXIT_INTERNAL);
	assert_string_equal(read_text(OUTPUT), "sstp-worker: no worker 'shop' runs here; see: "
					       "sstp-worker status\n");
	worker_is(STATUS_UP, "/etc/no-namespace");
	assert_int_equal(RUN("shop", "true"), WORKER_EXIT_INTERNAL);
	assert_non_null(
		strstr(read_text(OUTPUT), "cannot open the app's network namespace: No such"));
	worker_is(STATUS_UP, "/proc/self/ns/net");
	assert_int_equal(RUN("shop", "no-such-program"), WORKER_EXIT_NOT_FOUND);
	assert_int_equal(RUN("shop", "/etc"), WORKER_EXIT_CANNOT_EXEC);
	status_remove();
}

static void words_are_a_name_and_a_command(void **state)
{
	static const char *const yes[] = {"sstp-worker", "exec", "shop"};
	static const char *const no[] = {"sstp-worker", "--", "exec"};

	assert_true(exec_is_meant(3, (char *const *)(uintptr_t)yes));
	assert_false(exec_is_meant(3, (char *const *)(uintptr_t)no));
	assert_false(exec_is_meant(1, (char *const *)(uintptr_t)yes));
	assert_int_equal(RUN("shop"), WORKER_EXIT_USAGE);
	assert_int_equal(RUN("shop", "--"), WORKER_EXIT_USAGE);
	assert_int_equal(RUN("--", "shop", "true"), WORKER_EXIT_USAGE);
	assert_int_equal(RUN("--help"), 0);
	assert_non_null(strstr(read_text(OUTPUT), "Usage: sstp-worker exec NAME"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(command_has_the_environment_and_ends_as_it_does),
		cmocka_unit_test(tunnel_that_is_not_up_is_told_first),
		cmocka_unit_test(what_cannot_be_brought_there_has_a_status_of_its_own),
		cmocka_unit_test(words_are_a_name_and_a_command),
	};

	return cmocka_run_group_tests_name("worker/exec", tests, private_etc, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/child.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/support/cmocka.h"

enum {
	STARTS = 20
};

static char *const no_environment[] = {NULL};

static int status_of(const char *script, char *const envp[], int stdin_fd)
{
	char *const argv[] = {(char *)"sh", (char *)"-c", (char *)script, NULL};
	pid_t pid = child_start("/bin/sh", argv, envp, stdin_fd);
	int status = -1;

	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void child_has_the_environment_and_the_input_that_it_is_given(void **state)
{
	char *const envp[] = {(char *)"WORD=here", NULL};
	int fd = memfd_create("input", 0);

	assert_int_equal(write(fd, "line\n", 5), 5);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(status_of("read x; test \"$x\" = line && test \"$WORD\" = here", envp, fd),
			 0);
	close(fd);
}

/* Whatever the worker ignores and blocks. */
static void child_begins_with_default_signals(void **state)
{
	sigset_t term;
	int status;

	signal(SIGTERM, SIG_IGN);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	status = status_of("kill -TERM $$; exit 3", no_environment, -1);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
	sigprocmask(SIG_UNBLOCK, &term, NULL);
	signal(SIGTERM, SIG_DFL);
}

static void program_that_is_not_there_has_its_error(void **state)
{
	char *const argv[] = {(char *)"x", NULL};

	assert_int_equal(child_start("/nonexistent/x", argv, no_environment, -1), -ENOENT);
}

static void file_that_is_no_program_ends_like_in_a_shell(void **state)
{
	char *const argv[] = {(char *)"x", NULL};
	char path[] = "/tmp/sstp-child.XXXXXX";
	int fd = mkstemp(path), status = -1;
	pid_t pid;

	assert_int_equal(write(fd, "\177ELF", 4), 4);
	assert_int_equal(fchmod(fd, 0700), 0);
	close(fd);
	pid = child_start(path, argv, no_environment, -1);
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), CHILD_NO_EXEC);
	unlink(path);
}

/* Who waits for the program's start gives its processor up each time. */
static void starter_does_not_wait_for_the_program(void **state)
{
	char *const argv[] = {(char *)"true", NULL};
	struct rusage before, after;
	pid_t pids[STARTS];

	getrusage(RUSAGE_THREAD, &before);
	for (int i = 0; i < STARTS; i++)
		pids[i] = child_start("/bin/true", argv, no_environment, -1);
	getrusage(RUSAGE_THREAD, &after);
	for (int i = 0; i < STARTS; i++)
		assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
	assert_in_range(after.ru_nvcsw - before.ru_nvcsw, 0, STARTS / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(child_has_the_environment_and_the_input_that_it_is_given),
		cmocka_unit_test(child_begins_with_default_signals),
		cmocka_unit_test(program_that_is_not_there_has_its_error),
		cmocka_unit_test(file_that_is_no_program_ends_like_in_a_shell),
		cmocka_unit_test(starter_does_not_wait_for_the_program),
	};

	return cmocka_run_group_tests_name("worker/child", tests, NULL, NULL);
}

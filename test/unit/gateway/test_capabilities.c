/* SPDX-License-Identifier: Apache-2.0 */
/* In a child, which has them no more. */
#include "sstp/gateway/capabilities.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/support/cmocka.h"

/* The lines of /proc/self/status that begin with "Cap", all zeros? */
static bool has_none(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[256];
	unsigned lines = 0;
	bool is_none = f;

	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "Cap", 3) != 0)
			continue;
		lines++;
		is_none &= strtoull(line + strlen("CapInh:"), NULL, 16) == 0;
	}
	if (f)
		fclose(f);
	return is_none && lines == 5;
}

static bool may_open_raw_socket(void)
{
	int fd = socket(AF_INET, SOCK_RAW, 1);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static int in_child(int (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(fn());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int drop_and_look(void)
{
	if (capabilities_drop() < 0)
		return 1;
	if (!has_none())
		return 2;
	if (may_open_raw_socket())
		return 3;
	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 4;
}

static int drop_twice(void)
{
	return capabilities_drop() < 0 || capabilities_drop() < 0;
}

/* Root again by its user id: a program that is executed. */
static int drop_and_execute(void)
{
	if (capabilities_drop() < 0)
		return 1;
	execl("/bin/sh", "sh", "-c", "grep -q '^CapEff:.0*$' /proc/self/status", (char *)NULL);
	return 2;
}

static void nothing_is_left_and_nothing_privileged_works(void **state)
{
	assert_int_equal(in_child(drop_and_look), 0);
}

static void there_may_be_none_to_give_up(void **state)
{
	assert_int_equal(in_child(drop_twice), 0);
}

static void program_that_is_executed_has_none_either(void **state)
{
	assert_int_equal(in_child(drop_and_execute), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_left_and_nothing_privileged_works),
		cmocka_unit_test(there_may_be_none_to_give_up),
		cmocka_unit_test(program_that_is_executed_has_none_either),
	};

	return cmocka_run_group_tests_name("gateway/capabilities", tests, NULL, NULL);
}

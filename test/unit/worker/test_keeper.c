/* SPDX-License-Identifier: Apache-2.0 */
/* One process at a time keeps the last description, whatever comes meanwhile. */
#include "sstp/worker/keeper.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sstp/base/log.h"
#include "test/support/cmocka.h"

pid_t __wrap_child_start(const char *program, char *const argv[], char *const envp[], int stdin_fd);

/* What was started, and what it reads. */
static unsigned started;
static char words[64], text[64];
static int refuse; /* with this error */

pid_t __wrap_child_start(const char *program, char *const argv[], char *const envp[], int stdin_fd)
{
	ssize_t n;

	if (refuse)
		return refuse;
	snprintf(words, sizeof(words), "%s %s %s %s %s", program, argv[0], argv[1], argv[2],
		 argv[3]);
	n = read(stdin_fd, text, sizeof(text) - 1);
	assert_true(n >= 0);
	text[n] = '\0';
	return (pid_t)(100 + ++started);
}

static int reset(void **state)
{
	log_open("test", LOG_TARGET_STDERR, LOG_LEVEL_ERROR);
	started = 0;
	refuse = 0;
	return 0;
}

static int store(struct keeper *k, const char *description)
{
	return keeper_store(k, description, strlen(description));
}

static void description_goes_to_a_process_of_its_own(void **state)
{
	struct keeper *k = keeper_new("/tmp/lab.yaml");

	assert_int_equal(store(k, "one"), 0);
	assert_int_equal(started, 1);
	assert_string_equal(words, "/proc/self/exe sstp-worker profile update /tmp/lab.yaml");
	assert_string_equal(text, "one");
	keeper_free(k);
}

static void last_of_those_that_come_meanwhile_is_next(void **state)
{
	struct keeper *k = keeper_new("/tmp/lab.yaml");

	assert_int_equal(store(k, "one"), 0);
	assert_int_equal(store(k, "two"), 0);
	assert_int_equal(store(k, "three"), 0);
	assert_int_equal(started, 1);
	keeper_on_child(k, 7, 0);
	assert_int_equal(started, 1);
	keeper_on_child(k, 101, 0);
	assert_int_equal(started, 2);
	assert_string_equal(text, "three");
	keeper_on_child(k, 102, 1 << 8);
	assert_int_equal(started, 2);
	assert_int_equal(store(k, "four"), 0);
	assert_int_equal(started, 3);
	keeper_free(k);
}

static void process_that_cannot_be_started_is_told(void **state)
{
	struct keeper *k = keeper_new("/tmp/lab.yaml");

	refuse = -EAGAIN;
	assert_int_equal(store(k, "one"), -EAGAIN);
	refuse = 0;
	assert_int_equal(store(k, "two"), 0);
	assert_int_equal(started, 1);
	assert_string_equal(text, "two");
	keeper_free(k);
}

static void without_a_profile_nothing_is_kept(void **state)
{
	assert_int_equal(store(NULL, "one"), 0);
	keeper_on_child(NULL, 1, 0);
	keeper_free(NULL);
	assert_int_equal(started, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(description_goes_to_a_process_of_its_own, reset),
		cmocka_unit_test_setup(last_of_those_that_come_meanwhile_is_next, reset),
		cmocka_unit_test_setup(process_that_cannot_be_started_is_told, reset),
		cmocka_unit_test_setup(without_a_profile_nothing_is_kept, reset),
	};

	return cmocka_run_group_tests_name("worker/keeper", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/base/sealed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/support/cmocka.h"

static void bytes_are_read_again_as_often_as_wanted(void **state)
{
	static const uint8_t bytes[] = {'a', 0, 'b'};
	int fd = sealed_new("test", bytes, sizeof(bytes));
	uint8_t *got;
	size_t len;

	assert_true(fd >= 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(sealed_read(fd, sizeof(bytes), &got, &len), 0);
		assert_int_equal(len, sizeof(bytes));
		assert_memory_equal(got, bytes, sizeof(bytes));
		assert_int_equal(got[len], 0);
		free(got);
	}
	close(fd);
}

static void nobody_changes_them(void **state)
{
	int fd = sealed_new("test", "abc", 3);

	assert_int_equal(pwrite(fd, "x", 1, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(fd, 0), -1);
	close(fd);
}

static void none_are_read_as_none(void **state)
{
	int fd = sealed_new("test", NULL, 0);
	uint8_t *got;
	size_t len = 1;

	assert_int_equal(sealed_read(fd, 0, &got, &len), 0);
	assert_int_equal(len, 0);
	free(got);
	close(fd);
}

static void too_many_and_what_was_not_sealed_are_refused(void **state)
{
	int fd = sealed_new("test", "abcd", 4);
	uint8_t *got = NULL;
	size_t len;
	int pipe_fds[2];

	assert_int_equal(sealed_read(fd, 3, &got, &len), -EFBIG);
	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(sealed_read(pipe_fds[0], 3, &got, &len), -EBADF);
	assert_null(got);
	close(fd);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_read_again_as_often_as_wanted),
		cmocka_unit_test(nobody_changes_them),
		cmocka_unit_test(none_are_read_as_none),
		cmocka_unit_test(too_many_and_what_was_not_sealed_are_refused),
	};

	return cmocka_run_group_tests_name("base/sealed", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/state_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/support/cmocka.h"
#include "test/support/testcert.h"

/* A state folder of the test's own, which is not there yet. */
static const char *fresh(void)
{
	static char path[256];
	static unsigned n;
	char name[32];

	snprintf(name, sizeof(name), "state%u", n++);
	snprintf(path, sizeof(path), "%s", testcert_path(name));
	return path;
}

#define FILE_OF(file, text)                  \
	{                                    \
		file, text, sizeof(text) - 1 \
	}

static int put(const char *state, const struct store_file *files, size_t n)
{
	struct state_folders *f;
	struct certs_error e;
	int r;

	assert_int_equal(state_folders_open(state, &f, &e), 0);
	r = state_folders_write(f, files, n, &e);
	state_folders_close(f);
	return r;
}

static void files_are_read_as_they_were_put_back(void **state)
{
	static const struct store_file files[] = {FILE_OF("authority/authority.json", "{}"),
						  FILE_OF("authority/root.key", ""),
						  FILE_OF("apps/handed.json", "x\0y")};
	const char *folder = fresh();
	struct state_files got;
	struct certs_error e;

	assert_int_equal(put(folder, files, 3), 0);
	assert_int_equal(state_files_read(folder, &got, &e), 0);
	assert_int_equal(got.n, 3);
	for (size_t i = 0; i < got.n; i++) {
		assert_string_equal(got.list[i].name, files[i].name);
		assert_int_equal(got.list[i].len, files[i].len);
		assert_memory_equal(got.list[i].data, files[i].data, files[i].len);
	}
	state_files_done(&got);
}

static void what_is_not_among_them_is_removed(void **state)
{
	static const struct store_file first[] = {FILE_OF("authority/a.key", "1"),
						  FILE_OF("apps/b", "2")};
	static const struct store_file second[] = {FILE_OF("authority/c.key", "3")};
	const char *folder = fresh();
	struct state_files got;
	struct certs_error e;

	assert_int_equal(put(folder, first, 2), 0);
	assert_int_equal(put(folder, second, 1), 0);
	assert_int_equal(state_files_read(folder, &got, &e), 0);
	assert_int_equal(got.n, 1);
	assert_string_equal(got.list[0].name, "authority/c.key");
	state_files_done(&got);
}

static void names_out_of_the_two_folders_are_refused(void **state)
{
	static const struct store_file none[] = {
		FILE_OF("model.sqlite", "x"),
		FILE_OF("authority", "x"),
		FILE_OF("authorityx/a", "x"),
		FILE_OF("other/a", "x"),
		FILE_OF("", "x"),
	};
	static const struct store_file bad[] = {FILE_OF("authority/../model.sqlite", "x"),
						FILE_OF("authority/", "x"),
						FILE_OF("apps/.hidden", "x")};
	const char *folder = fresh();

	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_int_equal(put(folder, &none[i], 1), -EBADMSG);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(put(folder, &bad[i], 1), -EINVAL);
}

static void folders_that_are_open_are_not_opened_again(void **state)
{
	struct state_folders *first, *second;
	const char *folder = fresh();
	struct certs_error e;

	assert_int_equal(state_folders_open(folder, &first, &e), 0);
	assert_int_equal(state_folders_open(folder, &second, &e), -EBUSY);
	state_folders_close(first);
	state_folders_close(NULL);
}

static void folder_that_is_missing_fails_with_a_sentence(void **state)
{
	struct state_files got;
	struct certs_error e;

	assert_int_equal(state_files_read(fresh(), &got, &e), -ENOENT);
	assert_non_null(strstr(e.text, "/authority: No such file or directory"));
	state_files_done(&got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_read_as_they_were_put_back),
		cmocka_unit_test(what_is_not_among_them_is_removed),
		cmocka_unit_test(names_out_of_the_two_folders_are_refused),
		cmocka_unit_test(folders_that_are_open_are_not_opened_again),
		cmocka_unit_test(folder_that_is_missing_fails_with_a_sentence),
	};

	return cmocka_run_group_tests_name("control/state_files", tests, NULL, NULL);
}

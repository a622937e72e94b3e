/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/gateway/pem_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test/support/cmocka.h"

static char folder[] = "/tmp/test-pem-files-XXXXXX";

static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void write_bytes(const char *name, const char *bytes, size_t len)
{
	FILE *f = fopen(path_of(name), "we");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	fclose(f);
}

static int make_folder(void **state)
{
	assert_non_null(mkdtemp(folder));
	return 0;
}

static int remove_folder(void **state)
{
	static const char *const names[] = {"good", "nul", "large", "pipe"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(path_of(names[i]));
	return rmdir(folder);
}

static struct pem_file read_one(const char *name)
{
	const char *path = path_of(name);
	struct pem_files files;
	struct pem_file f;

	assert_int_equal(pem_files_read(&path, 1, &files), 0);
	assert_int_equal(files.n, 1);
	f = files.files[0];
	free(files.files);
	return f;
}

static void file_is_read_whole_or_its_error_kept(void **state)
{
	struct pem_file f;

	write_bytes("good", "text\n", 5);
	write_bytes("nul", "te\0xt", 5);
	assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
	f = read_one("good");
	assert_string_equal(f.text, "text\n");
	assert_int_equal(f.error, 0);
	free(f.text);
	assert_int_equal(read_one("none").error, -ENOENT);
	assert_int_equal(read_one("nul").error, -EINVAL);
	assert_int_equal(read_one("pipe").error, -EINVAL);
	assert_int_equal(read_one(".").error, -EISDIR);
	write_bytes("large", "", 0);
	assert_int_equal(truncate(path_of("large"), PEM_FILE_MAX + 1), 0);
	assert_int_equal(read_one("large").error, -EFBIG);
}

static void what_is_encoded_decodes_as_the_same(void **state)
{
	struct pem_file list[] = {
		{.text = (char *)"one"}, {.error = -EACCES}, {.text = (char *)""}};
	struct pem_files files = {list, 3}, got;
	uint8_t *bytes;
	size_t len;

	assert_int_equal(pem_files_encode(&files, &bytes, &len), 0);
	assert_int_equal(pem_files_decode(bytes, len, &got), 0);
	assert_int_equal(got.n, 3);
	assert_string_equal(got.files[0].text, "one");
	assert_null(got.files[1].text);
	assert_int_equal(got.files[1].error, -EACCES);
	assert_string_equal(got.files[2].text, "");
	pem_files_done(&got);
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(pem_files_decode(bytes, cut, &got), -EBADMSG);
	pem_files_wipe(bytes, len);
	pem_files_done(&(struct pem_files){0});
	pem_files_wipe(NULL, 0);
}

static void what_cannot_be_is_no_message(void **state)
{
	static const uint8_t too_many[] = {0xff, 0xff};
	static const uint8_t no_errno[] = {0, 1, 0xff, 0xff, 0, 0, 0, 0};
	static const uint8_t both[] = {0, 1, 0, 2, 0, 0, 0, 1, 'a'};
	static const uint8_t nul[] = {0, 1, 0, 0, 0, 0, 0, 1, 0};
	static const uint8_t more[] = {0, 0, 0};
	struct pem_files got;

	assert_int_equal(pem_files_decode(too_many, sizeof(too_many), &got), -EBADMSG);
	assert_int_equal(pem_files_decode(no_errno, sizeof(no_errno), &got), -EBADMSG);
	assert_int_equal(pem_files_decode(both, sizeof(both), &got), -EBADMSG);
	assert_int_equal(pem_files_decode(nul, sizeof(nul), &got), -EBADMSG);
	assert_int_equal(pem_files_decode(more, sizeof(more), &got), -EBADMSG);
}

static void more_than_the_limit_is_not_encoded(void **state)
{
	static struct pem_file list[PEM_FILES_MAX + 1];
	struct pem_files files = {list, PEM_FILES_MAX + 1};
	uint8_t *bytes;
	size_t len;

	assert_int_equal(pem_files_encode(&files, &bytes, &len), -EMSGSIZE);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(file_is_read_whole_or_its_error_kept),
		cmocka_unit_test(what_is_encoded_decodes_as_the_same),
		cmocka_unit_test(what_cannot_be_is_no_message),
		cmocka_unit_test(more_than_the_limit_is_not_encoded),
	};

	return cmocka_run_group_tests_name("gateway/pem_files", tests, make_folder, remove_folder);
}

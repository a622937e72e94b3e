/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/support/cmocka.h"

static char base[] = "/tmp/certs-vault-XXXXXX";
static char folder[64];

static int set_up(void **state)
{
	static int n;

	if (n == 0)
		assert_non_null(mkdtemp(base));
	snprintf(folder, sizeof(folder), "%s/%d", base, n++);
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", base);
	return system(command);
}

static struct vault *opened(void)
{
	struct certs_error error;
	struct vault *v = NULL;

	if (vault_open(folder, &v, &error) != 0)
		fail_msg("%s", error.text);
	return v;
}

static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void put_file(const char *name, const char *text, mode_t mode)
{
	FILE *f = fopen(path_of(name), "we");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path_of(name), mode), 0);
}

static void assert_holds(struct vault *v, const char *name, const char *text)
{
	struct certs_error error;
	size_t len = 0;
	char *data;

	if (vault_read(v, name, &data, &len, &error) != 0)
		fail_msg("%s", error.text);
	assert_string_equal(data, text);
	assert_int_equal(len, strlen(text));
	vault_data_free(data, len);
}

static unsigned mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

/* ---- what was flushed: fsync() is wrapped ---- */

enum {
	FLUSHES_MAX = 16
};

static ino_t flushed[FLUSHES_MAX];
static size_t n_flushed;

int __real_fsync(int fd);
int __wrap_fsync(int fd);

int __wrap_fsync(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	flushed[n_flushed++ % FLUSHES_MAX] = st.st_ino;
	return __real_fsync(fd);
}

static ino_t inode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

/* A loss of power leaves what was flushed: the file before it has its name, then the folder. */
static void file_folder_and_the_folder_above_are_flushed(void **state)
{
	struct vault *v;

	n_flushed = 0;
	v = opened();
	assert_int_equal(n_flushed, 1);
	assert_int_equal(flushed[0], inode_of(base));
	assert_int_equal(vault_write(v, "a.json", "first", 5, NULL), 0);
	assert_int_equal(n_flushed, 3);
	assert_int_equal(flushed[1], inode_of(path_of("a.json")));
	assert_int_equal(flushed[2], inode_of(folder));
	assert_int_equal(vault_remove(v, "a.json", NULL), 0);
	assert_int_equal(n_flushed, 4);
	assert_int_equal(flushed[3], inode_of(folder));
	vault_close(v);
	n_flushed = 0;
	vault_close(opened());
	assert_int_equal(n_flushed, 0);
}

static void what_was_written_is_read(void **state)
{
	struct vault *v = opened();

	assert_int_equal(vault_write(v, "a.json", "first", 5, NULL), 0);
	assert_holds(v, "a.json", "first");
	assert_int_equal(vault_write(v, "a.json", "second time", 11, NULL), 0);
	vault_close(v);
	v = opened();
	assert_holds(v, "a.json", "second time");
	assert_int_equal(vault_write(v, "a.json", "", 0, NULL), 0);
	assert_holds(v, "a.json", "");
	vault_close(v);
}

static void only_the_owner_can_read_what_is_made(void **state)
{
	mode_t before = umask(0);
	struct vault *v = opened();

	assert_int_equal(vault_write(v, "a.key", "x", 1, NULL), 0);
	assert_int_equal(mode_of(folder), 0700);
	assert_int_equal(mode_of(path_of("a.key")), 0600);
	assert_int_equal(mode_of(path_of("lock")), 0600);
	umask(before);
	vault_close(v);
}

/* The sentence has the folder's path between its two halves. */
static void assert_not_opened(int code, const char *before, const char *after)
{
	struct certs_error error;
	struct vault *v = NULL;
	char expected[256];

	assert_int_equal(vault_open(folder, &v, &error), code);
	snprintf(expected, sizeof(expected), "%s%s%s", before, folder, after);
	assert_string_equal(error.text, expected);
	assert_null(v);
}

static void a_folder_that_others_can_read_is_refused(void **state)
{
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(chmod(folder, 0750), 0);
	assert_not_opened(-EACCES, "",
			  " can be used by others (mode 0750), and holds keys: chmod 0700 it; if "
			  "others may have read it, make new keys");
	assert_int_equal(chmod(folder, 0700), 0);
	vault_close(opened());
}

static void a_file_that_others_can_read_is_refused(void **state)
{
	struct vault *v = opened();
	struct certs_error error;
	char expected[256], *data = NULL;
	size_t len;

	put_file("a.key", "secret", 0604);
	assert_int_equal(vault_read(v, "a.key", &data, &len, &error), -EACCES);
	snprintf(expected, sizeof(expected),
		 "%s/a.key can be used by others (mode 0604), and holds keys: chmod 0600 it; if "
		 "others may have read it, make new keys",
		 folder);
	assert_string_equal(error.text, expected);
	assert_null(data);
	vault_close(v);
}

static void somebody_elses_folder_is_refused(void **state)
{
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(chown(folder, 1, 1), 0); /* only root can give a folder away */
	assert_not_opened(-EACCES, "",
			  " belongs to user 1, and this process is user 0: chown it, or run as its "
			  "owner");
}

static void what_is_no_folder_is_refused(void **state)
{
	FILE *f = fopen(folder, "we");

	assert_non_null(f);
	fclose(f);
	assert_not_opened(-ENOTDIR, "cannot open the folder ", ": Not a directory");
	strcat(folder, "/below/it");
	assert_not_opened(-ENOTDIR, "cannot make the folder ", ": Not a directory");
	snprintf(folder, sizeof(folder), "%s/missing/x", base);
	assert_not_opened(-ENOENT, "cannot make the folder ", ": No such file or directory");
}

static void only_one_process_has_it_open(void **state)
{
	struct vault *v = opened();

	/* flock belongs to the open file, so the same process is as good as another one */
	assert_not_opened(-EBUSY, "another process has ", " open");
	vault_close(v);
	vault_close(opened());
}

static void odd_files_are_not_read(void **state)
{
	struct vault *v = opened();
	char *data = NULL;
	size_t len;

	assert_int_equal(vault_read(v, "missing", &data, &len, NULL), -ENOENT);
	put_file("real", "x", 0600);
	assert_int_equal(symlink("real", path_of("link")), 0);
	assert_int_equal(vault_read(v, "link", &data, &len, NULL), -EINVAL);
	assert_int_equal(mkfifo(path_of("pipe"), 0600), 0);
	assert_int_equal(vault_read(v, "pipe", &data, &len, NULL), -EINVAL);
	put_file("huge", "", 0600);
	assert_int_equal(truncate(path_of("huge"), (off_t)VAULT_FILE_MAX + 1), 0);
	assert_int_equal(vault_read(v, "huge", &data, &len, NULL), -EFBIG);
	assert_int_equal(vault_write(v, "huge", "", (size_t)VAULT_FILE_MAX + 1, NULL), -EFBIG);
	assert_null(data);
	vault_close(v);
}

static void names_that_lead_elsewhere_are_refused(void **state)
{
	static const char *const bad[] = {"",	  ".",	  "..",	   ".x",  "a/b",
					  "../a", "lock", "a.tmp", "a b", "a\n"};
	char longest[VAULT_NAME_MAX + 1];
	struct vault *v = opened();
	struct certs_error error;
	char *data;
	size_t len;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(vault_write(v, bad[i], "x", 1, &error), -EINVAL);
		assert_int_equal(vault_read(v, bad[i], &data, &len, NULL), -EINVAL);
		assert_int_equal(vault_remove(v, bad[i], NULL), -EINVAL);
	}
	assert_string_equal(error.text, "'a?' is no name for a file here");
	memset(longest, 'a', sizeof(longest));
	longest[VAULT_NAME_MAX] = '\0';
	assert_int_equal(vault_write(v, longest, "x", 1, NULL), -EINVAL);
	longest[VAULT_NAME_MAX - 1] = '\0';
	assert_int_equal(vault_write(v, longest, "x", 1, NULL), 0);
	vault_close(v);
}

/* ---- failing, and crashing, at each step ---- */

struct fault {
	int at; /* the step, counted over all of them */
	int asked;
	bool is_crash; /* the process ends there; else the step fails */
};

static int fail_step(void *arg, enum vault_step step, const char *name)
{
	struct fault *fault = arg;

	if (fault->asked++ != fault->at)
		return 0;
	if (fault->is_crash)
		_exit(0);
	return -EIO;
}

static void a_write_that_fails_leaves_the_old_content(void **state)
{
	static const char *const expected[] = {"old", "old", "old", "old", "new"};
	struct vault *v = opened();
	struct certs_error error;
	char sentence[128];

	snprintf(sentence, sizeof(sentence), "cannot write %s/a: Input/output error", folder);
	for (int at = 0; at < 5; at++) {
		struct fault fault = {.at = at};
		struct vault_hook hook = {fail_step, &fault};

		assert_int_equal(vault_write(v, "a", "old", 3, NULL), 0);
		vault_set_hook(v, &hook);
		assert_int_equal(vault_write(v, "a", "new", 3, &error), -EIO);
		assert_string_equal(error.text, sentence);
		assert_int_equal(fault.asked, at + 1);
		vault_set_hook(v, NULL);
		assert_holds(v, "a", expected[at]);
		assert_int_equal(access(path_of("a.tmp"), F_OK), -1);
		assert_int_equal(vault_write(v, "a", "again", 5, NULL), 0);
		assert_holds(v, "a", "again");
	}
	vault_close(v);
}

static void write_in_child(int at)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct fault fault = {.at = at, .is_crash = true};
		struct vault_hook hook = {fail_step, &fault};
		struct vault *v;

		if (vault_open(folder, &v, NULL) != 0)
			_exit(1);
		vault_set_hook(v, &hook);
		vault_write(v, "a", "new", 3, NULL);
		_exit(2); /* it should not have come here */
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_crash_leaves_the_old_content_or_the_new(void **state)
{
	static const char *const expected[] = {"old", "old", "old", "old", "new"};
	struct vault *v;

	for (int at = 0; at < 5; at++) {
		v = opened();
		assert_int_equal(vault_write(v, "a", "old", 3, NULL), 0);
		vault_close(v);
		write_in_child(at);
		v = opened();
		assert_holds(v, "a", expected[at]);
		assert_int_equal(access(path_of("a.tmp"), F_OK), -1);
		vault_close(v);
	}
}

static void what_a_crash_left_beside_is_removed(void **state)
{
	struct vault *v = opened();

	vault_close(v);
	put_file("a.json.tmp", "half of it", 0600);
	put_file("a.json", "whole", 0600);
	v = opened();
	assert_int_equal(access(path_of("a.json.tmp"), F_OK), -1);
	assert_holds(v, "a.json", "whole");
	vault_close(v);
}

static void a_removal_is_done_or_not(void **state)
{
	struct fault fault = {.at = 0};
	struct vault_hook hook = {fail_step, &fault};
	struct vault *v = opened();
	char *data;
	size_t len;

	assert_int_equal(vault_write(v, "a", "x", 1, NULL), 0);
	vault_set_hook(v, &hook);
	assert_int_equal(vault_remove(v, "a", NULL), -EIO);
	assert_holds(v, "a", "x");
	assert_int_equal(vault_remove(v, "a", NULL), 0);
	assert_int_equal(vault_read(v, "a", &data, &len, NULL), -ENOENT);
	assert_int_equal(vault_remove(v, "a", NULL), 0);
	vault_close(v);
}

struct seen {
	struct vault *vault;
	int n;
	bool remove;
};

static int count_file(void *arg, const char *name)
{
	struct seen *seen = arg;

	seen->n++;
	return seen->remove ? vault_remove(seen->vault, name, NULL) : 0;
}

static void all_files_but_the_lock_are_visited(void **state)
{
	struct vault *v = opened();
	struct seen seen = {.vault = v};
	char name[16];

	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		put_file(name, "x", 0600);
	}
	assert_int_equal(vault_walk(v, count_file, &seen), 0);
	assert_int_equal(seen.n, 100);
	seen = (struct seen){.vault = v, .remove = true};
	assert_int_equal(vault_walk(v, count_file, &seen), 0);
	assert_int_equal(seen.n, 100);
	seen = (struct seen){.vault = v};
	assert_int_equal(vault_walk(v, count_file, &seen), 0);
	assert_int_equal(seen.n, 0);
	vault_close(v);
}

static void too_many_files_end_the_walk(void **state)
{
	struct vault *v = opened();
	struct seen seen = {.vault = v};
	char name[16];

	for (int i = 0; i <= VAULT_FILES_MAX; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		put_file(name, "", 0600);
	}
	assert_int_equal(vault_walk(v, count_file, &seen), -E2BIG);
	assert_int_equal(seen.n, VAULT_FILES_MAX);
	vault_close(v);
}

static void nothing_is_closed_and_freed(void **state)
{
	vault_close(NULL);
	vault_data_free(NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(file_folder_and_the_folder_above_are_flushed, set_up),
		cmocka_unit_test_setup(what_was_written_is_read, set_up),
		cmocka_unit_test_setup(only_the_owner_can_read_what_is_made, set_up),
		cmocka_unit_test_setup(a_folder_that_others_can_read_is_refused, set_up),
		cmocka_unit_test_setup(a_file_that_others_can_read_is_refused, set_up),
		cmocka_unit_test_setup(somebody_elses_folder_is_refused, set_up),
		cmocka_unit_test_setup(what_is_no_folder_is_refused, set_up),
		cmocka_unit_test_setup(only_one_process_has_it_open, set_up),
		cmocka_unit_test_setup(odd_files_are_not_read, set_up),
		cmocka_unit_test_setup(names_that_lead_elsewhere_are_refused, set_up),
		cmocka_unit_test_setup(a_write_that_fails_leaves_the_old_content, set_up),
		cmocka_unit_test_setup(a_crash_leaves_the_old_content_or_the_new, set_up),
		cmocka_unit_test_setup(what_a_crash_left_beside_is_removed, set_up),
		cmocka_unit_test_setup(a_removal_is_done_or_not, set_up),
		cmocka_unit_test_setup(all_files_but_the_lock_are_visited, set_up),
		cmocka_unit_test_setup(too_many_files_end_the_walk, set_up),
		cmocka_unit_test(nothing_is_closed_and_freed),
	};

	return cmocka_run_group_tests_name("vault", tests, NULL, tear_down);
}

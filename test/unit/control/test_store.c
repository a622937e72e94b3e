/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/store.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/support/cmocka.h"
#include "test/support/prng.h"
#include "test/support/testcert.h"

enum {
	NOBODY = 65534,
	KILLS = 60,
};

static const char *const steps[] = {
	"CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, data TEXT) STRICT;"
	"CREATE TABLE child (parent INTEGER NOT NULL REFERENCES parent, n INTEGER CHECK (n < 10))"
	" STRICT",
	"ALTER TABLE parent ADD COLUMN age INTEGER NOT NULL DEFAULT 7",
};

static const struct store_schema older = {
	.application_id = 0x54535430, .steps = steps, .n_steps = 1};
static const struct store_schema schema = {
	.application_id = 0x54535430, .steps = steps, .n_steps = 2};
static const struct store_schema foreign = {.application_id = 1, .steps = steps, .n_steps = 2};
static const struct store_schema small = {
	.application_id = 0x54535430, .steps = steps, .n_steps = 2, .max_pages = 24};

/* A path in the test's folder where nothing is. */
static const char *fresh(const char *name)
{
	const char *path = testcert_path(name);
	char beside[512];

	unlink(path);
	snprintf(beside, sizeof(beside), "%s-wal", path);
	unlink(beside);
	snprintf(beside, sizeof(beside), "%s-shm", path);
	unlink(beside);
	return path;
}

static struct store *opened(const char *path, const struct store_schema *as)
{
	struct store *s = NULL;
	struct certs_error e;

	if (store_open(path, as, &s, &e) < 0)
		fail_msg("%s", e.text);
	return s;
}

static void refuses(const char *path, const struct store_schema *as, int error, const char *part)
{
	struct store *s = NULL;
	struct certs_error e = {""};

	assert_int_equal(store_open(path, as, &s, &e), error);
	assert_null(s);
	if (!strstr(e.text, part))
		fail_msg("'%s' says nothing of '%s'", e.text, part);
}

static int insert(struct store *s, const char *name, struct certs_error *e)
{
	const struct store_value values[] = {{.name = ":name", .text = name},
					     {.name = ":data", .text = "x"}};

	return store_run(s, "INSERT INTO parent (name, data) VALUES (:name, :data)", values, 2, e);
}

static int64_t number(struct store *s, const char *sql)
{
	struct store_query *q;
	int64_t n;

	assert_int_equal(store_query(s, sql, NULL, 0, &q, NULL), 0);
	assert_int_equal(store_query_next(q, NULL), 1);
	n = store_query_number(q, 0);
	store_query_end(q);
	return n;
}

static int64_t parents(struct store *s)
{
	return number(s, "SELECT count(*) FROM parent");
}

static void what_is_committed_is_there_and_what_is_taken_back_is_not(void **state)
{
	const char *path = fresh("store");
	struct store *s = opened(path, &schema);

	assert_int_equal(store_begin(s, NULL), 0);
	assert_int_equal(insert(s, "kept", NULL), 1);
	assert_int_equal(store_commit(s, NULL), 0);
	assert_int_equal(store_begin(s, NULL), 0);
	assert_int_equal(insert(s, "lost", NULL), 1);
	assert_int_equal(parents(s), 2);
	store_rollback(s);
	store_rollback(s);
	assert_int_equal(parents(s), 1);
	assert_int_equal(store_begin(s, NULL), 0);
	assert_int_equal(insert(s, "lost", NULL), 1);
	store_close(s);
	s = opened(path, &schema);
	assert_int_equal(parents(s), 1);
	store_close(s);
}

static void values_are_bound_by_name_and_come_back(void **state)
{
	struct store *s = opened(":memory:", &schema);
	const struct store_value values[] = {
		{.name = ":b", .text = "text"},
		{.name = ":a", .number = 42, .is_number = true},
		{.name = ":c"},
		{.name = ":unused", .text = "x"},
	};
	struct store_query *q;

	assert_int_equal(store_query(s, "SELECT :a, :b, :c, :absent", values, 4, &q, NULL), 0);
	assert_int_equal(store_query_next(q, NULL), 1);
	assert_int_equal(store_query_number(q, 0), 42);
	assert_string_equal(store_query_text(q, 1), "text");
	assert_null(store_query_text(q, 2));
	assert_null(store_query_text(q, 3));
	assert_int_equal(store_query_next(q, NULL), 0);
	store_query_end(q);
	store_query_end(NULL);
	store_close(s);
}

static void statement_may_be_used_again_while_it_is_in_use(void **state)
{
	static const char sql[] = "SELECT name FROM parent ORDER BY name";
	struct store *s = opened(":memory:", &schema);
	struct store_query *outer;
	struct store_query *inner;

	insert(s, "a", NULL);
	insert(s, "b", NULL);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(store_query(s, sql, NULL, 0, &outer, NULL), 0);
		assert_int_equal(store_query_next(outer, NULL), 1);
		assert_int_equal(store_query(s, sql, NULL, 0, &inner, NULL), 0);
		assert_int_equal(store_query_next(inner, NULL), 1);
		assert_int_equal(store_query_next(inner, NULL), 1);
		assert_string_equal(store_query_text(inner, 0), "b");
		assert_string_equal(store_query_text(outer, 0), "a");
		store_query_end(inner);
		store_query_end(outer);
	}
	store_close(s);
}

static void more_statements_than_are_kept_work_as_well(void **state)
{
	static char texts[2 * STORE_STATEMENTS_MAX][32];
	struct store *s = opened(":memory:", &schema);

	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 2 * STORE_STATEMENTS_MAX; i++) {
			snprintf(texts[i], sizeof(texts[i]), "SELECT %d", i);
			assert_int_equal(number(s, texts[i]), i);
		}
	store_close(s);
}

static void each_constraint_has_its_own_error(void **state)
{
	struct store *s = opened(":memory:", &schema);
	struct certs_error e;

	assert_int_equal(insert(s, "a", &e), 1);
	assert_int_equal(insert(s, "a", &e), -EEXIST);
	assert_non_null(strstr(e.text, "parent.name"));
	assert_int_equal(insert(s, NULL, &e), -EINVAL);
	assert_int_equal(store_run(s, "INSERT INTO child VALUES (99, 1)", NULL, 0, &e), -EBUSY);
	assert_int_equal(store_run(s, "INSERT INTO child VALUES (1, 10)", NULL, 0, &e), -EINVAL);
	assert_int_equal(store_run(s, "INSERT INTO child VALUES (1, 9)", NULL, 0, &e), 1);
	assert_int_equal(store_run(s, "nonsense", NULL, 0, &e), -EINVAL);
	assert_int_equal(store_script(s, "CREATE TEMP VIEW v AS SELECT 5; nonsense", &e), -EINVAL);
	assert_int_equal(number(s, "SELECT * FROM temp.v"), 5);
	store_close(s);
}

static char *join(const char *const *args)
{
	char *text = NULL;

	if (!args[0] || !args[1] || asprintf(&text, "%s+%s", args[0], args[1]) < 0)
		return NULL;
	return text;
}

static void function_is_called_by_statements(void **state)
{
	struct store *s = opened(":memory:", &schema);

	assert_int_equal(store_function(s, "join_texts", 2, join, NULL), 0);
	assert_int_equal(number(s, "SELECT join_texts('a', 'b') = 'a+b'"), 1);
	assert_int_equal(number(s, "SELECT join_texts('a', NULL) IS NULL"), 1);
	assert_int_equal(store_function(s, "five", 5, join, NULL), -EINVAL);
	store_close(s);
}

static void file_is_its_owners_alone_and_others_are_refused(void **state)
{
	const char *path = fresh("store");
	struct stat st;

	store_close(opened(path, &schema));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	chmod(path, 0640);
	refuses(path, &schema, -EACCES, "chmod 600");
	unlink(path);
	assert_int_equal(symlink("/dev/null", path), 0);
	refuses(path, &schema, -ELOOP, path);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	refuses(path, &schema, -EACCES, "no regular file");
	unlink(path);
	refuses("/nonexistent/store", &schema, -ENOENT, "/nonexistent/store");
}

static void older_version_is_brought_up_and_a_newer_one_refused(void **state)
{
	const char *path = fresh("store");
	struct store *s = opened(path, &older);

	insert(s, "old", NULL);
	store_close(s);
	s = opened(path, &schema);
	assert_int_equal(number(s, "SELECT age FROM parent"), 7);
	store_close(s);
	refuses(path, &older, -EBADMSG, "newer version");
	refuses(path, &foreign, -EBADMSG, "no store of this program");
	s = opened(path, &schema);
	assert_int_equal(parents(s), 1);
	store_close(s);
}

static void step_that_fails_leaves_the_version_before(void **state)
{
	static const char *const broken[] = {
		NULL,
		"ALTER TABLE parent ADD COLUMN half INTEGER; CREATE TABLE parent (x INTEGER)"};
	const char *list[] = {steps[0], broken[1]};
	const struct store_schema bad = {.application_id = 0x54535430, .steps = list, .n_steps = 2};
	const char *path = fresh("store");
	struct store *s;

	refuses(path, &bad, -EINVAL, "already exists");
	s = opened(path, &schema);
	assert_int_equal(number(s, "SELECT count(*) FROM pragma_table_info('parent')"), 4);
	store_close(s);
}

/* Overwrites bytes of a file. */
static void damage(const char *path, long at, size_t len)
{
	FILE *f = fopen(path, "r+");

	assert_non_null(f);
	assert_int_equal(fseek(f, at, SEEK_SET), 0);
	for (size_t i = 0; i < len; i++)
		fputc(0x55, f);
	assert_int_equal(fclose(f), 0);
}

static void damaged_file_is_refused_with_what_to_do(void **state)
{
	const char *path = fresh("store");
	struct store *s = opened(path, &schema);

	insert(s, "a", NULL);
	store_close(s);
	damage(path, STORE_PAGE_SIZE, 3000);
	refuses(path, &schema, -EBADMSG, "backup");
	damage(path, 0, 100);
	refuses(path, &schema, -EBADMSG, "backup");
}

static void rows_that_refer_to_nothing_are_damage(void **state)
{
	const char *path = fresh("store");
	struct store *s = opened(path, &schema);

	assert_int_equal(store_script(s,
				      "PRAGMA foreign_keys = OFF;"
				      "INSERT INTO child VALUES (5, 1)",
				      NULL),
			 0);
	store_close(s);
	refuses(path, &schema, -EBADMSG, "1 rows refer to nothing");
}

static void full_store_says_so_and_keeps_what_it_has(void **state)
{
	static char big[60000];
	const char *path = fresh("store");
	struct store *s = opened(path, &small);
	const struct store_value value = {.name = ":data", .text = big};
	struct certs_error e;
	int r;

	memset(big, 'x', sizeof(big) - 1);
	insert(s, "a", NULL);
	assert_int_equal(store_begin(s, NULL), 0);
	insert(s, "b", NULL);
	r = store_run(s, "UPDATE parent SET data = :data", &value, 1, &e);
	assert_int_equal(r, -ENOSPC);
	assert_non_null(strstr(e.text, "make room"));
	store_rollback(s);
	assert_int_equal(parents(s), 1);
	assert_int_equal(insert(s, "c", &e), 1);
	store_close(s);
}

/* In a child, exit code 0 when all holds; what fails prints its reason there. */
static void in_a_child(void (*run)(const char *path), const char *path)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		run(path);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void check(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "%s\n", what);
	_exit(1);
}

/* The kernel refuses what is written behind the limit, as a disk that fails. */
static void write_over_the_limit(const char *path)
{
	struct store *s = opened(path, &schema);
	struct certs_error e = {""};
	int r = 0;

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){100000, 100000});
	for (int i = 0; i < 1000 && r >= 0; i++) {
		char name[32];

		snprintf(name, sizeof(name), "n%d", i);
		r = insert(s, name, &e);
	}
	check(r == -EIO || r == -ENOSPC, e.text);
	check(strstr(e.text, "store ") != NULL, e.text);
	check(parents(s) > 0, "nothing is left");
}

static void disk_that_fails_is_an_error_and_the_store_goes_on(void **state)
{
	const char *path = fresh("store");
	struct store *s;

	in_a_child(write_over_the_limit, path);
	s = opened(path, &schema);
	assert_true(parents(s) > 0);
	assert_int_equal(insert(s, "again", NULL), 1);
	store_close(s);
}

static void open_as_nobody(const char *path)
{
	struct store *s = NULL;
	struct certs_error e = {""};
	int r;

	if (geteuid() == 0)
		check(setuid(NOBODY) == 0, "setuid");
	r = store_open(path, &schema, &s, &e);
	check(r == -EACCES || r == -EROFS, e.text);
	check(strstr(e.text, path) != NULL, e.text);
}

static void open_in_readonly_folder(const char *path)
{
	if (geteuid() == 0)
		check(chown(path, NOBODY, NOBODY) == 0, "chown");
	open_as_nobody(path);
}

static void folder_that_cannot_be_written_is_an_error_with_the_path(void **state)
{
	static char folder[] = "/tmp/store-folder-XXXXXX";
	char path[64];

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/store", folder);
	store_close(opened(path, &schema));
	if (geteuid() == 0)
		assert_int_equal(chown(folder, NOBODY, NOBODY), 0);
	assert_int_equal(chmod(folder, 0500), 0);
	in_a_child(open_in_readonly_folder, path); /* no log can be made beside it */
	unlink(path);
	in_a_child(open_as_nobody, path); /* nor the file */
	assert_int_equal(chmod(folder, 0700), 0);
	assert_int_equal(rmdir(folder), 0);
}

static void backup_is_a_copy_that_can_be_restored(void **state)
{
	const char *path = fresh("store");
	const char *copy = fresh("copy");
	struct store *s = opened(path, &schema);
	struct certs_error e;
	struct stat st;

	insert(s, "a", NULL);
	assert_int_equal(store_backup(s, copy, &e), 0);
	assert_int_equal(stat(copy, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	insert(s, "b", NULL);
	assert_int_equal(store_backup(s, copy, &e), 0);
	insert(s, "c", NULL);
	assert_int_equal(store_restore(s, copy, &e), 0);
	assert_int_equal(parents(s), 2);
	store_close(s);
	s = opened(path, &schema);
	assert_int_equal(parents(s), 2);
	assert_int_equal(store_backup(s, "/nonexistent/copy", &e), -ENOENT);
	store_close(s);
	s = opened(copy, &schema); /* put in its place by hand */
	assert_int_equal(parents(s), 2);
	store_close(s);
}

static void restore_of_what_is_no_backup_changes_nothing(void **state)
{
	const char *copy = fresh("copy");
	struct store *s = opened(fresh("store"), &older);
	struct store *other = opened(copy, &schema);
	struct certs_error e;

	insert(s, "mine", NULL);
	insert(other, "other", NULL);
	store_close(other);
	assert_int_equal(store_restore(s, copy, &e), -EBADMSG);
	assert_non_null(strstr(e.text, "newer version"));
	damage(copy, STORE_PAGE_SIZE, 3000);
	assert_int_equal(store_restore(s, copy, &e), -EBADMSG);
	assert_int_equal(store_restore(s, fresh("copy"), &e), -EROFS);
	close(open(copy, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(store_restore(s, copy, &e), -EBADMSG);
	assert_int_equal(number(s, "SELECT name = 'mine' FROM parent"), 1);
	store_close(s);
}

/* The head of one, and nothing behind it that could be opened: the store stays as it was. */
static void restore_of_other_tables_changes_nothing(void **state)
{
	static const char *const other_steps[] = {"CREATE TABLE parent (id INTEGER PRIMARY KEY)",
						  "CREATE TABLE other (n INTEGER)"};
	static const struct store_schema hollow = {
		.application_id = 0x54535430, .steps = other_steps, .n_steps = 2};
	const char *copy = fresh("copy");
	struct store *s = opened(fresh("store"), &schema);
	struct certs_error e;

	insert(s, "mine", NULL);
	store_close(opened(copy, &hollow));
	assert_int_equal(store_restore(s, copy, &e), -EBADMSG);
	assert_non_null(strstr(e.text, "other tables than version 2"));
	assert_int_equal(number(s, "SELECT name = 'mine' FROM parent"), 1);
	store_close(s);
}

static void older_backup_is_brought_up_to_date(void **state)
{
	const char *copy = fresh("copy");
	struct store *s = opened(fresh("store"), &schema);
	struct store *other = opened(copy, &older);

	insert(other, "other", NULL);
	store_close(other);
	assert_int_equal(store_restore(s, copy, NULL), 0);
	assert_int_equal(number(s, "SELECT age FROM parent WHERE name = 'other'"), 7);
	store_close(s);
}

/* ---- a child that is killed ---- */

/* One row here and three there in each transaction; then its number goes into the pipe. */
static void write_for_ever(const char *path, int fd)
{
	struct store *s = opened(path, &schema);

	for (int64_t i = parents(s) + 1;; i++) {
		const struct store_value id = {.name = ":id", .number = i, .is_number = true};

		check(store_begin(s, NULL) == 0, "begin");
		store_run(s, "INSERT INTO parent (id, name) VALUES (:id, 'n' || :id)", &id, 1,
			  NULL);
		for (int k = 0; k < 3; k++)
			store_run(s, "INSERT INTO child VALUES (:id, 1)", &id, 1, NULL);
		check(store_commit(s, NULL) == 0, "commit");
		check(write(fd, &i, sizeof(i)) == sizeof(i), "write");
	}
}

/* Kills it some time after it has acknowledged n more; returns the last that it did. */
static int64_t kill_after(const char *path, unsigned n, unsigned turns)
{
	volatile unsigned spin = turns;
	int64_t last = 0;
	int64_t i;
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		write_for_ever(path, fds[1]);
	}
	close(fds[1]);
	while (n-- > 0 && read(fds[0], &i, sizeof(i)) == sizeof(i))
		last = i;
	while (spin > 0)
		spin--;
	kill(pid, SIGKILL);
	while (read(fds[0], &i, sizeof(i)) == sizeof(i))
		last = i;
	close(fds[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return last;
}

static void writer_killed_at_any_moment_loses_nothing_it_acknowledged(void **state)
{
	const char *path = fresh("store");
	struct prng p;
	int64_t before = 0;

	prng_init(&p, 9);
	for (int round = 0; round < KILLS; round++) {
		unsigned n = 1 + prng_below(&p, 12);
		int64_t last = kill_after(path, n, prng_below(&p, 2000000));
		struct store *s = opened(path, &schema);
		int64_t there = parents(s);

		assert_true(last >= before + n);
		assert_true(there == last || there == last + 1);
		assert_int_equal(number(s, "SELECT max(id) FROM parent"), there);
		assert_int_equal(number(s, "SELECT count(*) FROM child"), 3 * there);
		assert_int_equal(number(s, "SELECT count(*) FROM (SELECT 1 FROM child"
					   " GROUP BY parent HAVING count(*) = 3)"),
				 there);
		before = there;
		store_close(s);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_committed_is_there_and_what_is_taken_back_is_not),
		cmocka_unit_test(values_are_bound_by_name_and_come_back),
		cmocka_unit_test(statement_may_be_used_again_while_it_is_in_use),
		cmocka_unit_test(more_statements_than_are_kept_work_as_well),
		cmocka_unit_test(each_constraint_has_its_own_error),
		cmocka_unit_test(function_is_called_by_statements),
		cmocka_unit_test(file_is_its_owners_alone_and_others_are_refused),
		cmocka_unit_test(older_version_is_brought_up_and_a_newer_one_refused),
		cmocka_unit_test(step_that_fails_leaves_the_version_before),
		cmocka_unit_test(damaged_file_is_refused_with_what_to_do),
		cmocka_unit_test(rows_that_refer_to_nothing_are_damage),
		cmocka_unit_test(full_store_says_so_and_keeps_what_it_has),
		cmocka_unit_test(disk_that_fails_is_an_error_and_the_store_goes_on),
		cmocka_unit_test(folder_that_cannot_be_written_is_an_error_with_the_path),
		cmocka_unit_test(backup_is_a_copy_that_can_be_restored),
		cmocka_unit_test(restore_of_what_is_no_backup_changes_nothing),
		cmocka_unit_test(restore_of_other_tables_changes_nothing),
		cmocka_unit_test(older_backup_is_brought_up_to_date),
		cmocka_unit_test(writer_killed_at_any_moment_loses_nothing_it_acknowledged),
	};

	return cmocka_run_group_tests_name("control/store", tests, NULL, NULL);
}

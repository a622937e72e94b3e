/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/handed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "test/support/cmocka.h"
#include "test/unit/certs/scene.h"

static struct handed *open_it(void)
{
	struct handed *h = NULL;
	struct certs_error e;

	if (handed_open(scene_folder(), &h, &e) < 0)
		fail_msg("%s", e.text);
	return h;
}

static void set(struct handed *h, const char *app, const char *network, int64_t at)
{
	struct handed_entry entry = {.roots = "r", .at = at};

	snprintf(entry.app, sizeof(entry.app), "%s", app);
	snprintf(entry.network, sizeof(entry.network), "%s", network);
	assert_int_equal(handed_set(h, &entry, NULL), 0);
}

static void what_was_handed_last_is_there_again(void **state)
{
	struct handed *h = open_it();
	const struct handed_entry *e;

	assert_null(handed_find(h, "shop"));
	set(h, "shop", "old", 1);
	set(h, "stock", "other", 2);
	set(h, "Shop", "new", 3); /* names are the same in any case */
	handed_close(h);
	h = open_it();
	e = handed_find(h, "SHOP");
	assert_non_null(e);
	assert_string_equal(e->network, "new");
	assert_string_equal(e->roots, "r");
	assert_true(e->at == 3);
	assert_string_equal(handed_find(h, "stock")->network, "other");
	handed_close(h);
}

static void file_that_is_none_is_an_empty_list_and_is_written_anew(void **state)
{
	static const char *const texts[] = {
		"",
		"{}",
		"[{}]",
		"[{\"app\":\"a\",\"network\":\"n\",\"roots\":7,\"at\":1}]",
		"[{\"app\":\"a\",\"network\":\"n\",\"roots\":\"r\",\"at\":1}, {}]",
		"[{\"app\":\"a\",\"app\":\"b\",\"network\":\"n\",\"roots\":\"r\",\"at\":1}]",
	};
	struct handed *h = open_it();

	set(h, "shop", "n", 1);
	handed_close(h);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		FILE *f = fopen(scene_path("handed.json"), "we");

		assert_non_null(f);
		fputs(texts[i], f);
		fclose(f);
		h = open_it();
		assert_null(handed_find(h, "a"));
		assert_null(handed_find(h, ""));
		set(h, "shop", "n", 1);
		handed_close(h);
		h = open_it();
		assert_non_null(handed_find(h, "shop"));
		handed_close(h);
	}
}

/* Of HANDED_MAX apps, the one in the middle was handed something longest ago. */
static void write_full_list(void)
{
	FILE *f = fopen(scene_path("handed.json"), "we");

	assert_non_null(f);
	for (unsigned i = 0; i < HANDED_MAX; i++)
		fprintf(f, "%s{\"app\":\"a%u\",\"network\":\"n\",\"roots\":\"r\",\"at\":%u}",
			i ? "," : "[", i, i == HANDED_MAX / 2 ? 5 : 10 + i);
	fputs("]", f);
	fclose(f);
}

static void full_list_forgets_who_was_handed_something_longest_ago(void **state)
{
	char oldest[16];
	struct handed *h;

	handed_close(open_it()); /* makes the folder */
	write_full_list();
	assert_int_equal(chmod(scene_path("handed.json"), 0600), 0);
	h = open_it();
	snprintf(oldest, sizeof(oldest), "a%d", HANDED_MAX / 2);
	assert_non_null(handed_find(h, oldest));
	set(h, "a0", "again", 20000); /* who is there takes nobody's place */
	assert_non_null(handed_find(h, oldest));
	set(h, "new", "n", 20001);
	assert_null(handed_find(h, oldest));
	assert_non_null(handed_find(h, "new"));
	assert_non_null(handed_find(h, "a1"));
	set(h, "newer", "n", 20002);
	assert_null(handed_find(h, "a1"));
	handed_close(h);
}

static void folder_is_for_one_process(void **state)
{
	struct handed *h = open_it();
	struct handed *other = NULL;

	assert_int_equal(handed_open(scene_folder(), &other, NULL), -EBUSY);
	assert_null(other);
	handed_close(h);
	handed_close(NULL);
}

#define TEST(name) cmocka_unit_test_setup(name, scene_set_up)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(what_was_handed_last_is_there_again),
		TEST(file_that_is_none_is_an_empty_list_and_is_written_anew),
		TEST(full_list_forgets_who_was_handed_something_longest_ago),
		TEST(folder_is_for_one_process),
	};

	return cmocka_run_group_tests_name("control/handed", tests, NULL, scene_tear_down);
}

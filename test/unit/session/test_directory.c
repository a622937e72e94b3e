/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sstp/session/directory.h"
#include "test/support/cmocka.h"

static const uint8_t hash_a[LINK_NT_HASH_SIZE] = "aaaaaaaaaaaaaaa";
static const uint8_t hash_b[LINK_NT_HASH_SIZE] = "bbbbbbbbbbbbbbb";

static void user_is_found_by_bytes_and_by_the_part_behind_the_domain(void **state)
{
	struct directory *d = directory_new(2);
	struct link_user user;
	const char *own, *vnet;

	assert_int_equal(directory_add(d, "alice", hash_a, "blue"), 0);
	assert_int_equal(directory_add(d, "bob@example.org", hash_b, "red"), 0);
	assert_true(directory_find(d, "alice", &user, &own, &vnet));
	assert_string_equal(vnet, "blue");
	assert_memory_equal(user.nt_hash, hash_a, sizeof(hash_a));
	assert_string_equal(own, "alice");
	assert_true(directory_find(d, "CORP\\alice", &user, &own, &vnet));
	assert_string_equal(own, "alice");
	assert_true(directory_find(d, "bob@example.org", &user, &own, &vnet));
	assert_string_equal(vnet, "red");
	assert_false(directory_find(d, "Alice", &user, &own, &vnet));
	assert_false(directory_find(d, "bob", &user, &own, &vnet));
	assert_false(directory_find(d, "alice\\", &user, &own, &vnet));
	assert_false(directory_find(d, "", &user, &own, &vnet));
	directory_unref(d);
}

static void same_name_twice_and_one_too_many_are_refused(void **state)
{
	struct directory *d = directory_new(1);

	assert_int_equal(directory_add(d, "alice", hash_a, "blue"), 0);
	assert_int_equal(directory_add(d, "alice", hash_b, "blue"), -EEXIST);
	assert_int_equal(directory_add(d, "bob", hash_b, "blue"), -ENOSPC);
	directory_unref(d);
}

static void every_one_of_many_users_is_found(void **state)
{
	struct directory *d = directory_new(1000);
	struct link_user user;
	const char *own, *vnet;
	char name[16];

	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "user%d", i);
		assert_int_equal(directory_add(d, name, i % 2 ? hash_a : hash_b, name), 0);
	}
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "user%d", i);
		assert_true(directory_find(d, name, &user, &own, &vnet));
		assert_string_equal(vnet, name);
	}
	assert_false(directory_find(d, "user1000", &user, &own, &vnet));
	directory_unref(d);
}

static void empty_directory_knows_nobody(void **state)
{
	struct directory *d = directory_new(0);
	struct link_user user;
	const char *own, *vnet;

	assert_false(directory_find(d, "alice", &user, &own, &vnet));
	directory_unref(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(user_is_found_by_bytes_and_by_the_part_behind_the_domain),
		cmocka_unit_test(same_name_twice_and_one_too_many_are_refused),
		cmocka_unit_test(every_one_of_many_users_is_found),
		cmocka_unit_test(empty_directory_knows_nobody),
	};

	return cmocka_run_group_tests_name("session/directory", tests, NULL, NULL);
}

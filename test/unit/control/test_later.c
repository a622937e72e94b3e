/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/later.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"

static void messages_come_out_as_they_came_in(void **state)
{
	struct later *l = later_new();
	struct later_message m;
	uint8_t payload[] = {1, 2, 3};

	assert_false(later_first(l, &m));
	assert_int_equal(later_add(l, &(struct later_message){MSG_TRAFFIC, 7, payload, 3}), 0);
	assert_int_equal(later_add(l, &(struct later_message){MSG_SESSIONS_END, 8, NULL, 0}), 0);
	payload[0] = 9; /* it has a copy */
	assert_true(later_first(l, &m));
	assert_int_equal(m.kind, MSG_TRAFFIC);
	assert_int_equal(m.at, 7);
	assert_int_equal(m.len, 3);
	assert_memory_equal(m.payload, ((uint8_t[]){1, 2, 3}), 3);
	later_drop_first(l);
	assert_true(later_first(l, &m));
	assert_int_equal(m.kind, MSG_SESSIONS_END);
	assert_int_equal(m.len, 0);
	later_drop_first(l);
	assert_false(later_first(l, &m));
	later_free(l);
}

static void what_is_too_much_is_refused_until_there_is_room(void **state)
{
	struct later *l = later_new();
	const size_t len = LATER_BYTES_MAX / 4;
	uint8_t *payload = calloc(1, len);
	const struct later_message m = {MSG_SESSION_UP, 1, payload, len};

	for (int i = 0; i < 3; i++)
		assert_int_equal(later_add(l, &m), 0);
	assert_int_equal(later_add(l, &m), -ENOSPC);
	assert_int_equal(later_add(l, &(struct later_message){MSG_SESSION_UP, 1, payload, 100}), 0);
	later_drop_first(l);
	assert_int_equal(later_add(l, &m), 0);
	free(payload);
	later_free(l); /* with what is left in it */
	later_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_come_out_as_they_came_in),
		cmocka_unit_test(what_is_too_much_is_refused_until_there_is_room),
	};

	return cmocka_run_group_tests_name("control/later", tests, NULL, NULL);
}

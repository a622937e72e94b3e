/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions are told apart by their address only: nobody looks into them. */
#include "sstp/session/vnet_seat.h"

#include "test/support/cmocka.h"

enum {
	OLD = 1001,
	NEW,
	NEWER,
	NEWEST,
};

static char places[4];

static struct session *session(int n)
{
	return (struct session *)&places[n];
}

/* In thread 1 with OLD, in thread 2 with NEW, in thread 1 with NEWER: all attached. */
static struct vnet_seat seat_of(uint32_t holders)
{
	struct vnet_seat seat = {0};

	for (uint32_t i = 0; i < holders; i++) {
		vnet_seat_add(&seat, 1 + i % 2, OLD + i);
		vnet_seat_attach(&seat, OLD + i, session((int)i));
	}
	return seat;
}

static const struct session *newest(const struct vnet_seat *seat, uint32_t thread)
{
	const struct vnet_holder *h = vnet_seat_newest(seat, thread);

	return h ? h->session : NULL;
}

static void seat_that_is_nobodys_has_no_newest_holder(void **state)
{
	struct vnet_seat seat = {0};

	assert_null(vnet_seat_newest(&seat, 0));
	vnet_seat_add(&seat, 1, 0);
	assert_null(vnet_seat_newest(&seat, 0));
	assert_true(vnet_seat_remove(&seat, 0));
}

static void newest_counts_for_all_and_for_each_thread(void **state)
{
	struct vnet_seat seat = seat_of(2);

	assert_ptr_equal(newest(&seat, 0), session(1));
	assert_ptr_equal(newest(&seat, 1), session(0));
	assert_ptr_equal(newest(&seat, 2), session(1));
	assert_null(newest(&seat, 3));
}

static void holder_that_is_not_attached_does_not_count(void **state)
{
	struct vnet_seat seat = seat_of(1);

	vnet_seat_add(&seat, 1, NEW);
	assert_ptr_equal(newest(&seat, 0), session(0));
	vnet_seat_attach(&seat, NEW, session(1));
	assert_ptr_equal(newest(&seat, 0), session(1));
	vnet_seat_attach(&seat, OLD, session(0)); /* late */
	assert_ptr_equal(newest(&seat, 0), session(1));
}

static void holders_leave_in_any_order_and_one_is_the_last(void **state)
{
	static const uint64_t orders[][3] = {
		{OLD, NEW, NEWER}, {OLD, NEWER, NEW}, {NEW, OLD, NEWER},
		{NEW, NEWER, OLD}, {NEWER, OLD, NEW}, {NEWER, NEW, OLD},
	};

	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		struct vnet_seat seat = seat_of(3);
		const uint64_t *gone = orders[i];

		assert_false(vnet_seat_remove(&seat, gone[0]));
		assert_ptr_equal(newest(&seat, 0), session(gone[0] == NEWER ? 1 : 2));
		assert_false(vnet_seat_remove(&seat, gone[1]));
		assert_ptr_equal(newest(&seat, 0), session((int)(gone[2] - OLD)));
		assert_true(vnet_seat_remove(&seat, gone[2]));
		assert_null(newest(&seat, 0));
	}
}

static void only_another_certificate_is_admitted_while_there_is_room(void **state)
{
	struct vnet_seat seat = seat_of(2), by_password = {0};

	assert_true(vnet_seat_admits(&seat, NEWER));
	assert_false(vnet_seat_admits(&seat, OLD));
	assert_false(vnet_seat_admits(&seat, NEW));
	assert_false(vnet_seat_admits(&seat, 0));
	vnet_seat_add(&seat, 1, NEWER);
	assert_false(vnet_seat_admits(&seat, NEWEST));
	vnet_seat_add(&by_password, 1, 0);
	assert_false(vnet_seat_admits(&by_password, NEW));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(seat_that_is_nobodys_has_no_newest_holder),
		cmocka_unit_test(newest_counts_for_all_and_for_each_thread),
		cmocka_unit_test(holder_that_is_not_attached_does_not_count),
		cmocka_unit_test(holders_leave_in_any_order_and_one_is_the_last),
		cmocka_unit_test(only_another_certificate_is_admitted_while_there_is_room),
	};

	return cmocka_run_group_tests_name("session/vnet_seat", tests, NULL, NULL);
}

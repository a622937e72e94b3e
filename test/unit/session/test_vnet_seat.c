/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions are told apart by their address only: nobody looks into them. */
#include "sstp/session/vnet_seat.h"

#include <string.h>

#include "test/support/cmocka.h"

/* Holder i has the certificate "i", which was renewed from "i - 1". */
static struct vnet_holder holders[5];
static char places[5];

static struct session *session(int n)
{
	return (struct session *)&places[n];
}

static struct vnet_holder *holder(uint32_t i)
{
	holders[i] = (struct vnet_holder){.id = i, .thread = 1 + i % 2};
	holders[i].thumbprint[0] = (char)('0' + i);
	return &holders[i];
}

/* In thread 1 with "0", in thread 2 with "1", in thread 1 with "2": all attached. */
static struct vnet_seat seat_of(uint32_t n)
{
	struct vnet_seat seat = {0};

	for (uint32_t i = 0; i < n; i++) {
		vnet_seat_add(&seat, holder(i));
		holders[i].session = session((int)i);
	}
	return seat;
}

static bool is_lower(void *arg, const char *thumbprint)
{
	return strcmp(thumbprint, arg) < 0;
}

static bool admits(const struct vnet_seat *seat, const char *thumbprint)
{
	struct vnet_claim claim = {thumbprint, is_lower, (void *)thumbprint};

	return vnet_seat_admits(seat, &claim);
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
	vnet_seat_add(&seat, holder(0));
	assert_null(vnet_seat_newest(&seat, 0));
	assert_true(vnet_seat_remove(&seat, &holders[0]));
	assert_null(seat.newest);
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
	struct vnet_seat seat = {0};

	vnet_seat_add(&seat, holder(0));
	vnet_seat_add(&seat, holder(1));
	holders[0].session = session(0);
	assert_ptr_equal(newest(&seat, 0), session(0));
	holders[1].session = session(1);
	assert_ptr_equal(newest(&seat, 0), session(1));
	holders[0].session = NULL;
	assert_ptr_equal(newest(&seat, 0), session(1));
}

static void holders_leave_in_any_order_and_one_is_the_last(void **state)
{
	static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
					{1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		struct vnet_seat seat = seat_of(3);
		const int *gone = orders[i];

		assert_false(vnet_seat_remove(&seat, &holders[gone[0]]));
		assert_ptr_equal(newest(&seat, 0), session(gone[0] == 2 ? 1 : 2));
		assert_false(vnet_seat_remove(&seat, &holders[gone[1]]));
		assert_ptr_equal(newest(&seat, 0), session(gone[2]));
		assert_true(vnet_seat_remove(&seat, &holders[gone[2]]));
		assert_null(newest(&seat, 0));
	}
}

static void only_a_renewal_of_all_there_are_is_admitted_while_there_is_room(void **state)
{
	struct vnet_seat seat = seat_of(2), by_password = {0};

	assert_true(admits(&seat, "2"));
	assert_true(admits(&seat, "1")); /* it has dialled again */
	assert_false(admits(&seat, "0"));
	assert_false(admits(&seat, "05")); /* from one of them only */
	assert_false(admits(&seat, ""));
	assert_false(admits(&seat, NULL));
	assert_false(vnet_seat_admits(&seat, &(struct vnet_claim){.thumbprint = "1"}));
	vnet_seat_add(&seat, holder(2));
	assert_false(admits(&seat, "3"));
	holders[1].displaced_by = 4;
	assert_true(admits(&seat, "3"));
	vnet_seat_add(&by_password, holder(3));
	holders[3].thumbprint[0] = '\0';
	assert_false(admits(&by_password, "4"));
}

static void certificate_without_renewals_follows_itself_only(void **state)
{
	struct vnet_seat seat = seat_of(1);

	assert_true(vnet_seat_admits(&seat, &(struct vnet_claim){.thumbprint = "0"}));
	assert_false(vnet_seat_admits(&seat, &(struct vnet_claim){.thumbprint = "1"}));
}

/* Like holder i, with the certificate of another. */
static struct vnet_holder *again(uint32_t i, uint32_t other)
{
	holder(i)->thumbprint[0] = (char)('0' + other);
	return &holders[i];
}

static void holder_is_displaced_once_by_a_newer_one_of_his_certificate_that_is_up(void **state)
{
	struct vnet_seat seat = seat_of(2);

	assert_null(vnet_seat_displace(&seat));
	vnet_seat_add(&seat, again(4, 1));
	assert_null(vnet_seat_displace(&seat));
	holders[4].session = session(4);
	assert_ptr_equal(vnet_seat_displace(&seat), &holders[1]);
	assert_int_equal(holders[1].displaced_by, 4);
	assert_null(vnet_seat_displace(&seat));
	assert_int_equal(holders[0].displaced_by, 0);
	assert_int_equal(holders[4].displaced_by, 0);
}

/* The older one comes up behind the newer. */
static void late_holder_is_displaced_when_he_comes_up(void **state)
{
	struct vnet_seat seat = {0};

	vnet_seat_add(&seat, holder(1));
	vnet_seat_add(&seat, again(4, 1));
	holders[4].session = session(4);
	assert_null(vnet_seat_displace(&seat));
	holders[1].session = session(1);
	assert_ptr_equal(vnet_seat_displace(&seat), &holders[1]);
	assert_ptr_equal(newest(&seat, 0), session(4));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(seat_that_is_nobodys_has_no_newest_holder),
		cmocka_unit_test(newest_counts_for_all_and_for_each_thread),
		cmocka_unit_test(holder_that_is_not_attached_does_not_count),
		cmocka_unit_test(holders_leave_in_any_order_and_one_is_the_last),
		cmocka_unit_test(certificate_without_renewals_follows_itself_only),
		cmocka_unit_test(
			holder_is_displaced_once_by_a_newer_one_of_his_certificate_that_is_up),
		cmocka_unit_test(late_holder_is_displaced_when_he_comes_up),
		cmocka_unit_test(only_a_renewal_of_all_there_are_is_admitted_while_there_is_room),
	};

	return cmocka_run_group_tests_name("session/vnet_seat", tests, NULL, NULL);
}

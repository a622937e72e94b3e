/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sstp/session/stages.h"
#include "test/support/cmocka.h"

#define US 1000 /* ns */

static void every_stage_has_a_name_of_its_own(void **state)
{
	for (unsigned i = 0; i < STAGES; i++) {
		assert_non_null(stage_name(i));
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(stage_name(i), stage_name(j));
	}
}

static void nothing_is_passed_in_the_beginning(void **state)
{
	struct stages s = {0};

	for (unsigned i = 0; i < STAGES; i++) {
		assert_false(stages_has_passed(&s, i));
		assert_int_equal(stages_at_us(&s, i), 0);
		assert_int_equal(stages_took_us(&s, i), 0);
	}
	assert_int_equal(stages_last(&s), STAGES);
}

static void first_time_stands(void **state)
{
	struct stages s = {0};

	assert_true(stages_pass(&s, STAGE_TCP, 0));
	assert_true(stages_has_passed(&s, STAGE_TCP));
	assert_true(stages_pass(&s, STAGE_IPCP, 700 * US + 999));
	assert_false(stages_pass(&s, STAGE_IPCP, 900 * US));
	assert_int_equal(stages_at_us(&s, STAGE_TCP), 0);
	assert_int_equal(stages_at_us(&s, STAGE_IPCP), 700);
}

static void stage_took_the_time_since_the_one_before_it(void **state)
{
	struct stages s = {0};

	stages_pass(&s, STAGE_TCP, 0);
	stages_pass(&s, STAGE_TLS, 1500 * US);
	stages_pass(&s, STAGE_HTTP, 1800 * US);
	assert_int_equal(stages_took_us(&s, STAGE_TCP), 0);
	assert_int_equal(stages_took_us(&s, STAGE_TLS), 1500);
	assert_int_equal(stages_took_us(&s, STAGE_HTTP), 300);
	assert_int_equal(stages_took_us(&s, STAGE_SSTP), 0);
	assert_int_equal(stages_last(&s), STAGE_HTTP);
}

static void stages_count_in_the_order_of_their_stamps(void **state)
{
	struct stages s = {0};

	stages_pass(&s, STAGE_IPCP, 5000 * US);
	stages_pass(&s, STAGE_SUBSCRIBED, 6000 * US);
	stages_pass(&s, STAGE_IP6CP, 8000 * US);
	assert_int_equal(stages_took_us(&s, STAGE_SUBSCRIBED), 1000);
	assert_int_equal(stages_took_us(&s, STAGE_IP6CP), 2000);
	assert_int_equal(stages_last(&s), STAGE_IP6CP);
}

static void with_one_stamp_the_later_stage_is_the_last(void **state)
{
	struct stages s = {0};

	stages_pass(&s, STAGE_LCP, 40 * US);
	stages_pass(&s, STAGE_AUTH, 70 * US);
	stages_pass(&s, STAGE_BOUND, 70 * US);
	assert_int_equal(stages_took_us(&s, STAGE_AUTH), 30);
	assert_int_equal(stages_took_us(&s, STAGE_BOUND), 0);
	assert_int_equal(stages_last(&s), STAGE_BOUND);
}

static void stamps_stand_still_behind_their_end(void **state)
{
	struct stages s = {0};

	stages_pass(&s, STAGE_SUBSCRIBED, UINT64_MAX);
	assert_int_equal(stages_at_us(&s, STAGE_SUBSCRIBED), UINT32_MAX - 1);
}

static void stamps_stay_within_the_bytes_that_a_session_has_for_them(void **state)
{
	assert_true(sizeof(struct stages) <= 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_stage_has_a_name_of_its_own),
		cmocka_unit_test(nothing_is_passed_in_the_beginning),
		cmocka_unit_test(first_time_stands),
		cmocka_unit_test(stage_took_the_time_since_the_one_before_it),
		cmocka_unit_test(stages_count_in_the_order_of_their_stamps),
		cmocka_unit_test(with_one_stamp_the_later_stage_is_the_last),
		cmocka_unit_test(stamps_stand_still_behind_their_end),
		cmocka_unit_test(stamps_stay_within_the_bytes_that_a_session_has_for_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

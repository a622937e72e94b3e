/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/metrics.h"

#include "sstp/base/clock.h"
#include "test/support/cmocka.h"

/* All stages up to and with `last`, a millisecond each. */
static struct stages up_to(enum stage last)
{
	struct stages s = {0};

	for (unsigned i = 0; i <= last; i++)
		stages_pass(&s, (enum stage)i, i * CLOCK_NS_PER_MS);
	return s;
}

static void each_stage_of_a_set_up_is_counted_once_and_the_whole(void **state)
{
	struct metrics m = {0};
	struct stages s = up_to(STAGE_IPCP);

	metrics_on_up(&m, &s);
	assert_int_equal(times_total(&m.setup), 1);
	assert_int_equal(m.setup.sum_us, STAGE_IPCP * 1000);
	assert_int_equal(times_total(&m.stages[STAGE_TCP]), 0);
	for (unsigned i = STAGE_TLS; i <= STAGE_IPCP; i++) {
		assert_int_equal(times_total(&m.stages[i]), 1);
		assert_int_equal(m.stages[i].sum_us, 1000);
	}
	assert_int_equal(times_total(&m.stages[STAGE_IP6CP]), 0);
}

static void set_up_that_fails_is_counted_by_the_stage_that_it_did_not_pass(void **state)
{
	struct metrics m = {0};

	for (unsigned last = STAGE_TCP; last < STAGE_IPCP; last++) {
		struct stages s = up_to((enum stage)last);

		metrics_on_end(&m, &s, false, SESSION_END_LOST);
		assert_int_equal(m.failed[last + 1][SESSION_END_LOST], 1);
	}
	assert_int_equal(m.ended[SESSION_END_LOST], 0);
}

/* Open, but the binding is not there: no packet flows. */
static void stage_in_between_that_is_missing_is_the_one(void **state)
{
	struct metrics m = {0};
	struct stages s = up_to(STAGE_AUTH);

	stages_pass(&s, STAGE_IPCP, CLOCK_NS_PER_S);
	metrics_on_end(&m, &s, false, SESSION_END_REFUSED);
	assert_int_equal(m.failed[STAGE_BOUND][SESSION_END_REFUSED], 1);
}

static void session_that_was_up_has_ended_and_not_failed(void **state)
{
	struct metrics m = {0};
	struct stages s = up_to(STAGE_SUBSCRIBED);

	metrics_on_end(&m, &s, true, SESSION_END_NORMAL);
	assert_int_equal(m.ended[SESSION_END_NORMAL], 1);
	for (unsigned i = 0; i < STAGES; i++)
		assert_int_equal(m.failed[i][SESSION_END_NORMAL], 0);
}

static void threads_add_up(void **state)
{
	struct metrics sum = {.auth_failed = {[METRICS_BY_CERTIFICATE] = 2}, .enrolments = 1};
	struct metrics m = {
		.auth_ok = {[METRICS_BY_PASSWORD] = 7},
		.auth_failed = {[METRICS_BY_CERTIFICATE] = 3},
		.enrolments = 4,
	};
	struct stages s = up_to(STAGE_IPCP);

	metrics_on_up(&m, &s);
	metrics_on_end(&m, &s, true, SESSION_END_AUTH);
	s = up_to(STAGE_LCP);
	metrics_on_end(&m, &s, false, SESSION_END_AUTH);
	metrics_add(&sum, &m);
	metrics_add(&sum, &m);
	assert_int_equal(times_total(&sum.setup), 2);
	assert_int_equal(sum.stages[STAGE_TLS].sum_us, 2000);
	assert_int_equal(sum.ended[SESSION_END_AUTH], 2);
	assert_int_equal(sum.failed[STAGE_AUTH][SESSION_END_AUTH], 2);
	assert_int_equal(sum.auth_ok[METRICS_BY_PASSWORD], 14);
	assert_int_equal(sum.auth_failed[METRICS_BY_CERTIFICATE], 8);
	assert_int_equal(sum.enrolments, 9);
}

static void every_end_has_a_name_of_its_own(void **state)
{
	for (unsigned i = 0; i < METRICS_ENDS; i++)
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(metrics_end_name((enum session_end)i),
						metrics_end_name((enum session_end)k));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_stage_of_a_set_up_is_counted_once_and_the_whole),
		cmocka_unit_test(set_up_that_fails_is_counted_by_the_stage_that_it_did_not_pass),
		cmocka_unit_test(stage_in_between_that_is_missing_is_the_one),
		cmocka_unit_test(session_that_was_up_has_ended_and_not_failed),
		cmocka_unit_test(threads_add_up),
		cmocka_unit_test(every_end_has_a_name_of_its_own),
	};

	return cmocka_run_group_tests_name("session/metrics", tests, NULL, NULL);
}

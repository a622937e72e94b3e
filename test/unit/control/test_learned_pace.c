/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/learned_pace.h"

#include "test/support/cmocka.h"

#define MS CLOCK_NS_PER_MS
#define T0 (1000 * CLOCK_NS_PER_S)

static void change_after_quiet_is_in_both_views_at_once(void **state)
{
	struct learned_pace p = learned_pace_new();

	assert_int_equal(learned_pace_next(&p), CLOCK_NEVER);
	learned_pace_on_change(&p, T0);
	assert_int_equal(learned_pace_next(&p), T0 + 50 * MS);
	assert_false(learned_pace_take(&p, LEARNED_LOOKUP, T0 + 50 * MS - 1));
	assert_true(learned_pace_take(&p, LEARNED_LOOKUP, T0 + 50 * MS));
	learned_pace_on_renewal(&p, T0 + 50 * MS);
	assert_true(learned_pace_take(&p, LEARNED_WORKERS, T0 + 50 * MS));
	assert_int_equal(learned_pace_next(&p), CLOCK_NEVER);
}

static void renewal_that_changes_nothing_is_not_for_workers(void **state)
{
	struct learned_pace p = learned_pace_new();

	learned_pace_on_change(&p, T0);
	assert_true(learned_pace_take(&p, LEARNED_LOOKUP, T0 + 50 * MS));
	assert_false(learned_pace_take(&p, LEARNED_WORKERS, T0 + 60 * CLOCK_NS_PER_S));
}

struct tally {
	unsigned n[LEARNED_VIEWS];
	uint64_t last[LEARNED_VIEWS];
	uint64_t least[LEARNED_VIEWS]; /* between two of them */
};

static void note(struct tally *t, enum learned_view view, uint64_t now)
{
	if (t->n[view] && (t->n[view] == 1 || now - t->last[view] < t->least[view]))
		t->least[view] = now - t->last[view];
	t->last[view] = now;
	t->n[view]++;
}

/* A change every 10 ms, for 20 s. */
static void flapping_is_told_every_half_second_and_to_workers_every_five(void **state)
{
	struct learned_pace p = learned_pace_new();
	struct tally t = {0};
	uint64_t now = T0;

	for (; now <= T0 + 20 * CLOCK_NS_PER_S; now += 10 * MS) {
		learned_pace_on_change(&p, now);
		if (learned_pace_take(&p, LEARNED_LOOKUP, now)) {
			note(&t, LEARNED_LOOKUP, now);
			learned_pace_on_renewal(&p, now);
		}
		if (learned_pace_take(&p, LEARNED_WORKERS, now))
			note(&t, LEARNED_WORKERS, now);
	}
	assert_int_equal(t.least[LEARNED_LOOKUP], 500 * MS);
	assert_int_equal(t.n[LEARNED_LOOKUP], 40);
	assert_int_equal(t.least[LEARNED_WORKERS], 5 * CLOCK_NS_PER_S);
	assert_int_equal(t.n[LEARNED_WORKERS], 4);
	/* and the last of all is told too */
	assert_true(learned_pace_next(&p) <= now + 500 * MS);
	assert_true(learned_pace_take(&p, LEARNED_LOOKUP, now + 500 * MS));
	learned_pace_on_renewal(&p, now + 500 * MS);
	assert_int_equal(learned_pace_next(&p), t.last[LEARNED_WORKERS] + 5 * CLOCK_NS_PER_S);
	assert_true(learned_pace_take(&p, LEARNED_WORKERS, learned_pace_next(&p)));
	assert_int_equal(learned_pace_next(&p), CLOCK_NEVER);
}

static void later_changes_do_not_put_off_the_first(void **state)
{
	struct learned_pace p = learned_pace_new();

	for (uint64_t at = T0; at < T0 + 50 * MS; at += MS)
		learned_pace_on_change(&p, at);
	assert_int_equal(learned_pace_next(&p), T0 + 50 * MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(change_after_quiet_is_in_both_views_at_once),
		cmocka_unit_test(renewal_that_changes_nothing_is_not_for_workers),
		cmocka_unit_test(flapping_is_told_every_half_second_and_to_workers_every_five),
		cmocka_unit_test(later_changes_do_not_put_off_the_first),
	};

	return cmocka_run_group_tests_name("control/learned_pace", tests, NULL, NULL);
}

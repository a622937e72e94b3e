/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/tally.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"

enum {
	BOOTS = 3,
	IDS = 400,
	ROUNDS = 20000,
};

static struct msg_counts counts_of(uint64_t n)
{
	return (struct msg_counts){n, 2 * n, 3 * n, 4 * n};
}

static void last_word_of_each_session_is_kept(void **state)
{
	const struct msg_counts back = {200, 1, 1, 900};
	struct tally *t = tally_new();
	struct msg_counts got;
	uint64_t boot, id;

	assert_int_equal(tally_count(t), 0);
	assert_int_equal(tally_add(t, 1, 7, &(struct msg_counts){1, 1, 1, 1}), 0);
	assert_int_equal(tally_add(t, 2, 7, &(struct msg_counts){5, 5, 5, 5}), 0);
	assert_int_equal(tally_add(t, 1, 7, &(struct msg_counts){100, 200, 300, 400}), 0);
	assert_int_equal(tally_add(t, 1, 7, &back), 0); /* what goes back is no news */
	assert_int_equal(tally_count(t), 2);
	tally_at(t, 0, &boot, &id, &got);
	assert_int_equal(boot, 1);
	assert_int_equal(id, 7);
	assert_memory_equal(&got, &((struct msg_counts){200, 200, 300, 900}), sizeof(got));
	tally_clear(t);
	assert_int_equal(tally_count(t), 0);
	assert_int_equal(tally_add(t, 2, 7, &back), 0);
	tally_at(t, 0, &boot, &id, &got);
	assert_int_equal(boot, 2);
	assert_memory_equal(&got, &back, sizeof(got));
	tally_free(t);
}

static void more_than_it_holds_is_refused_until_it_is_emptied(void **state)
{
	const struct msg_counts counts = counts_of(1);
	struct tally *t = tally_new();

	for (uint64_t id = 0; id < TALLY_MAX; id++)
		assert_int_equal(tally_add(t, 9, id, &counts), 0);
	assert_int_equal(tally_add(t, 9, TALLY_MAX, &counts), -ENOSPC);
	assert_int_equal(tally_add(t, 9, 5, &counts), 0);
	assert_int_equal(tally_count(t), TALLY_MAX);
	tally_clear(t);
	assert_int_equal(tally_add(t, 9, TALLY_MAX, &counts), 0);
	tally_free(t);
	tally_free(NULL);
}

static void random_counts_agree_with_a_slow_list(void **state)
{
	static uint64_t slow[BOOTS][IDS];
	struct tally *t = tally_new();
	const char *seed = getenv("TEST_SEED");
	unsigned n = seed ? (unsigned)strtoul(seed, NULL, 0) : 11;
	size_t n_slow = 0;

	printf("# seed: TEST_SEED=%#x\n", n);
	srand(n);
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t *was = &slow[rand() % BOOTS][rand() % IDS];
		size_t at = (size_t)(was - &slow[0][0]);
		uint64_t value = (uint64_t)(rand() % 1000) + 1;
		struct msg_counts counts = counts_of(value);

		n_slow += *was == 0;
		*was = value > *was ? value : *was;
		/* boots and ids that collide in each other's bits */
		assert_int_equal(tally_add(t, at / IDS, at % IDS, &counts), 0);
	}
	assert_int_equal(tally_count(t), n_slow);
	for (size_t i = 0; i < tally_count(t); i++) {
		struct msg_counts got, want;
		uint64_t boot, id;

		tally_at(t, i, &boot, &id, &got);
		want = counts_of(slow[boot][id]);
		assert_memory_equal(&got, &want, sizeof(got));
	}
	tally_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(last_word_of_each_session_is_kept),
		cmocka_unit_test(more_than_it_holds_is_refused_until_it_is_emptied),
		cmocka_unit_test(random_counts_agree_with_a_slow_list),
	};

	return cmocka_run_group_tests_name("control/tally", tests, NULL, NULL);
}

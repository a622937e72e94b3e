/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/moderate.h"

#include "test/support/cmocka.h"

#define US 1000

/* A pass every `step` ns with so many packets; how many of the passes said that it is a flood. */
static unsigned run(struct moderate *m, uint64_t *now, unsigned passes, uint64_t step,
		    uint32_t packets)
{
	unsigned floods = 0;

	for (unsigned i = 0; i < passes; i++) {
		*now += step;
		floods += moderate_on_pass(m, *now, packets);
	}
	return floods;
}

static void a_lone_packet_is_no_flood(void **state)
{
	struct moderate m = {0};
	uint64_t now = CLOCK_NS_PER_S;

	assert_int_equal(run(&m, &now, 1000, 100 * CLOCK_NS_PER_MS, 1), 0);
}

static void a_burst_after_silence_is_no_flood(void **state)
{
	struct moderate m = {0};
	uint64_t now = CLOCK_NS_PER_S;

	assert_int_equal(run(&m, &now, 100, 100 * CLOCK_NS_PER_MS, 128), 0);
}

static void the_rate_of_a_window_decides_on_the_next(void **state)
{
	struct moderate m = {0};
	uint64_t now = CLOCK_NS_PER_S;

	run(&m, &now, 1, 0, 0); /* a window begins */
	/* a packet each 30 us is more than 32 in a millisecond, one each 35 us is less */
	assert_int_equal(run(&m, &now, 34, 30 * US, 1), 1);
	assert_int_equal(run(&m, &now, 10, 30 * US, 1), 10);
	run(&m, &now, 1, CLOCK_NS_PER_MS, 1);
	assert_int_equal(run(&m, &now, MODERATE_PACKETS, 35 * US, 1), 0);
}

static void it_ends_when_the_device_falls_silent(void **state)
{
	struct moderate m = {0};
	uint64_t now = CLOCK_NS_PER_S;

	run(&m, &now, 1000, 10 * US, 1);
	assert_true(moderate_on_pass(&m, now, 0));
	assert_false(moderate_on_pass(&m, now + CLOCK_NS_PER_S, 1));
}

static void a_packet_the_other_way_ends_it_and_counts_for_its_window(void **state)
{
	struct moderate m = {0};
	uint64_t now = CLOCK_NS_PER_S;

	run(&m, &now, 1000, 10 * US, 1);
	assert_true(moderate_on_pass(&m, now, 1));
	moderate_on_other_way(&m);
	assert_false(moderate_on_pass(&m, now, 1));
	for (int i = 0; i < 1000; i++) { /* as an acknowledgement for each 16 packets would */
		assert_int_equal(run(&m, &now, 16, 10 * US, 1), 0);
		moderate_on_other_way(&m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lone_packet_is_no_flood),
		cmocka_unit_test(a_burst_after_silence_is_no_flood),
		cmocka_unit_test(the_rate_of_a_window_decides_on_the_next),
		cmocka_unit_test(it_ends_when_the_device_falls_silent),
		cmocka_unit_test(a_packet_the_other_way_ends_it_and_counts_for_its_window),
	};

	return cmocka_run_group_tests_name("session/moderate", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/base/clock.h"
#include "sstp/net/pace.h"
#include "test/support/cmocka.h"

#define MS CLOCK_NS_PER_MS

enum {
	MBIT = 1000 * 1000 / 8, /* bytes per second */
};

/* A path, and a sender that keeps it full. */
struct scene {
	struct pace p;
	uint64_t now;
	struct pace_facts f;
	uint64_t rate;
	bool is_full;
};

static struct scene path(uint64_t rate, uint32_t min_rtt_us, uint32_t rtt_us)
{
	struct scene s = {
		.now = CLOCK_NS_PER_S,
		.f = {.rtt_us = rtt_us, .min_rtt_us = min_rtt_us, .in_flight = 40, .window = 40},
		.rate = rate,
		.is_full = true,
	};

	pace_init(&s.p);
	return s;
}

static void run(struct scene *s, unsigned ms)
{
	for (unsigned i = 0; i < ms; i++) {
		if (pace_is_due(&s->p, s->now))
			pace_on_facts(&s->p, s->now, &s->f, s->is_full);
		s->now += MS;
		s->f.acked += s->rate / 1000;
		s->f.busy_us += 1000;
	}
}

static void nothing_known_is_no_limit(void **state)
{
	struct scene s = path(100 * MBIT, 200, 40000);

	assert_true(pace_is_due(&s.p, 0));
	assert_int_equal(s.p.record, 16384);
	assert_int_equal(s.p.burst, 262144);
	assert_int_equal(s.p.unsent, 131072);
	assert_int_equal(s.p.held, 0);
	/* one look is no rate yet */
	run(&s, 1);
	assert_int_equal(s.p.record, 16384);
	assert_int_equal(s.p.held, 0);
}

static void sizes_follow_the_rate(void **state)
{
	/* Mbit/s, record, burst, unsent */
	static const uint32_t wanted[][4] = {
		{1, 1400, 1400, 4096},	       {10, 1400, 1400, 4096},
		{20, 2500, 2500, 5000},	       {100, 12500, 12500, 25000},
		{131, 16375, 16375, 32750},    {200, 16384, 25000, 50000},
		{1000, 16384, 125000, 131072}, {8000, 16384, 262144, 131072},
	};

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		struct scene s = path((uint64_t)wanted[i][0] * MBIT, 200, 300);

		run(&s, 1000);
		assert_int_equal(s.p.rate, wanted[i][0] * (uint64_t)MBIT);
		assert_int_equal(s.p.record, wanted[i][1]);
		assert_int_equal(s.p.burst, wanted[i][2]);
		assert_int_equal(s.p.unsent, wanted[i][3]);
		assert_int_equal(s.p.held, 0);
	}
}

static void slow_path_with_a_queue_is_filled_and_a_few_milliseconds_more(void **state)
{
	/* shortest round trip, and the milliseconds that are held: half of it and 4 ms more */
	static const uint32_t wanted[][2] = {{0, 4}, {10000, 19}, {40000, 64}};

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		struct scene s = path(100 * MBIT, wanted[i][0], wanted[i][0] + 5000);

		run(&s, 500);
		assert_int_equal(s.p.held, wanted[i][1] * 12500);
	}
}

static void very_slow_path_may_hold_a_few_packets(void **state)
{
	struct scene s = path(1 * MBIT, 200, 9000);

	run(&s, 500);
	assert_int_equal(s.p.held, PACE_HELD_MIN);
}

static void path_without_a_queue_or_fast_or_long_is_not_held(void **state)
{
	struct scene empty = path(100 * MBIT, 20000, 22900), fast = path(501 * MBIT, 200, 20000),
		     fat = path(400 * MBIT, 100000, 130000);

	run(&empty, 500);
	run(&fast, 500);
	run(&fat, 3000);
	assert_int_equal(empty.p.held, 0);
	assert_int_equal(fast.p.held, 0);
	assert_int_equal(fat.p.held, 0);
	/* once held it stays so when the queue goes, which is why it goes */
	empty.f.rtt_us = 23100;
	run(&empty, 100);
	assert_int_equal(empty.p.held, 34 * 12500);
	empty.f.rtt_us = 20000;
	run(&empty, 100);
	assert_int_equal(empty.p.held, 34 * 12500);
}

static void path_that_becomes_faster_is_let_go_within_a_second(void **state)
{
	struct scene s = path(10 * MBIT, 200, 6000);

	run(&s, 500);
	assert_int_not_equal(s.p.held, 0);
	s.rate = 600 * MBIT;
	s.f.rtt_us = 250;
	run(&s, 1000);
	assert_int_equal(s.p.held, 0);
	assert_int_equal(s.p.record, 16384);
}

static void sender_that_has_little_to_send_does_not_make_a_path_slow(void **state)
{
	struct scene s = path(1 * MBIT, 200, 9000);

	s.is_full = false;
	s.f.window = 60;
	run(&s, 5000);
	assert_int_equal(s.p.rate, 0);
	assert_int_equal(s.p.record, 16384);
	/* when congestion control allows no more, it is the path */
	s.f.in_flight = 53;
	run(&s, 500);
	assert_int_equal(s.p.rate, MBIT);
	s.f.in_flight = 10;
	s.rate = MBIT / 2;
	run(&s, 500);
	assert_int_equal(s.p.rate, MBIT);
	s.rate = 3 * MBIT;
	run(&s, 2000);
	assert_in_range(s.p.rate, 3 * MBIT - 10, 3 * MBIT);
}

static void idle_time_is_not_counted(void **state)
{
	struct scene s = path(100 * MBIT, 200, 300);

	run(&s, 500);
	s.now += 3600 * CLOCK_NS_PER_S;
	run(&s, 20);
	assert_int_equal(s.p.rate, 100 * MBIT);
	/* nothing was busy at all: no division by it */
	pace_on_facts(&s.p, s.now, &s.p.last, true);
	assert_int_equal(s.p.rate, 100 * MBIT);
}

static void facts_are_due_once_a_round_trip_but_10_to_100_ms(void **state)
{
	static const uint32_t wanted[][2] = {{200, 10}, {25000, 25}, {300000, 100}};

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		struct scene s = path(100 * MBIT, 200, wanted[i][0]);

		run(&s, 1);
		assert_false(pace_is_due(&s.p, s.now + (wanted[i][1] - 1) * MS - 1));
		assert_true(pace_is_due(&s.p, s.now + (wanted[i][1] - 1) * MS));
	}
}

/* Milliseconds until it is held or not held any more. */
static unsigned until_held_is(struct scene *s, bool held, unsigned limit_ms)
{
	unsigned ms = 0;

	for (; ms < limit_ms && (s->p.held != 0) != held; ms++)
		run(s, 1);
	return ms;
}

static void queue_that_stays_is_somebody_elses_and_left_to_him_for_longer_each_time(void **state)
{
	struct scene s = path(100 * MBIT, 200, 40000);

	until_held_is(&s, true, 1000);
	/* never by more than half of it, however often it is asked */
	for (int ms = 0; ms < 400; ms++) {
		assert_in_range(s.p.held, 20000 * 125 / 10, 21000 * 125 / 10);
		run(&s, 1);
	}
	assert_in_range(until_held_is(&s, false, 20000), 100, 200);
	assert_in_range(until_held_is(&s, true, 20000), 8000, 8100);
	assert_in_range(until_held_is(&s, false, 20000), 500, 600);
	assert_in_range(until_held_is(&s, true, 30000), 16000, 16100);
	for (int i = 0; i < 5; i++) {
		until_held_is(&s, false, 20000);
		until_held_is(&s, true, 300000);
	}
	until_held_is(&s, false, 20000);
	assert_in_range(until_held_is(&s, true, 300000), 256000, 256100);
	/* after a minute without a queue it is the first one again */
	s.f.rtt_us = 200;
	run(&s, 61000);
	s.f.rtt_us = 40000;
	assert_in_range(until_held_is(&s, false, 20000), 500, 600);
	assert_in_range(until_held_is(&s, true, 20000), 8000, 8100);
}

/* A long round trip takes its time to become shorter. */
static void queue_on_a_long_path_is_judged_after_four_round_trips(void **state)
{
	struct scene s = path(10 * MBIT, 100000, 300000);

	until_held_is(&s, true, 1000);
	assert_in_range(until_held_is(&s, false, 20000), 1200, 1450);
}

static void lower_rate_while_we_hold_back_for_a_queue_is_our_own_doing(void **state)
{
	struct scene s = path(100 * MBIT, 200, 40000);

	until_held_is(&s, true, 1000);
	run(&s, 50);
	s.rate = 50 * MBIT;
	run(&s, 300);
	assert_int_equal(s.p.rate, 100 * MBIT);
	/* it becomes shorter, and so it was ours */
	s.f.rtt_us = 6000;
	run(&s, 300);
	assert_in_range(s.p.rate, 50 * MBIT, 51 * MBIT);
}

static void queue_that_becomes_shorter_was_ours(void **state)
{
	struct scene s = path(100 * MBIT, 200, 40000);

	until_held_is(&s, true, 1000);
	for (; s.f.rtt_us > 6000; s.f.rtt_us -= s.f.rtt_us / 3) {
		run(&s, 400);
		assert_int_not_equal(s.p.held, 0);
	}
	run(&s, 10000);
	assert_int_equal(s.p.held, 4300 * 125 / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_known_is_no_limit),
		cmocka_unit_test(sizes_follow_the_rate),
		cmocka_unit_test(slow_path_with_a_queue_is_filled_and_a_few_milliseconds_more),
		cmocka_unit_test(very_slow_path_may_hold_a_few_packets),
		cmocka_unit_test(path_without_a_queue_or_fast_or_long_is_not_held),
		cmocka_unit_test(path_that_becomes_faster_is_let_go_within_a_second),
		cmocka_unit_test(sender_that_has_little_to_send_does_not_make_a_path_slow),
		cmocka_unit_test(idle_time_is_not_counted),
		cmocka_unit_test(facts_are_due_once_a_round_trip_but_10_to_100_ms),
		cmocka_unit_test(
			queue_that_stays_is_somebody_elses_and_left_to_him_for_longer_each_time),
		cmocka_unit_test(queue_on_a_long_path_is_judged_after_four_round_trips),
		cmocka_unit_test(lower_rate_while_we_hold_back_for_a_queue_is_our_own_doing),
		cmocka_unit_test(queue_that_becomes_shorter_was_ours),
	};

	return cmocka_run_group_tests_name("net/pace", tests, NULL, NULL);
}

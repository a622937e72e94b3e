/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop is closed: what is delivered follows from what is held, and what is held from what is delivered. A path is a
 * link with a buffer; the streams on it have windows that grow until the buffer overflows. A step is a millisecond.
 */
#include "sstp/base/clock.h"
#include "sstp/net/pace.h"
#include "test/support/cmocka.h"

#define MS CLOCK_NS_PER_MS

enum {
	MBIT = 1000 * 1000 / 8, /* bytes per second */
	PACKET = 1448,
	FIRST_WINDOW = 10 * PACKET,
	UNLIMITED = 64 * 1024 * 1024,
};

/* The window of a stream, as congestion control has it: times two, then slowly; a third less after a loss. */
struct flow {
	double window, slow_start_until;
};

struct scene {
	struct pace p;
	uint64_t now;
	struct pace_facts f;
	/* the path */
	double rate;	   /* bytes per second */
	double base_ms;	   /* round trip without a queue */
	double buffer_ms;  /* of the bottleneck */
	double jitter_ms;  /* packets wait up to so long for a slot */
	double memory_per; /* byte in the send buffer */
	bool is_shared;
	/* the sender */
	double demand; /* bytes that the sender would have under way */
	bool is_held;  /* as pace says; else the yardstick */
	struct flow own, foreign;
	double rtt_ms, queue_ms;
	double delivered, queue_sum_ms, queue_max_ms;
};

static struct scene path(unsigned mbit, double base_ms, double buffer_ms)
{
	struct flow first = {.window = FIRST_WINDOW, .slow_start_until = UNLIMITED};
	struct scene s = {
		.now = CLOCK_NS_PER_S,
		.f = {.min_rtt_us = (uint32_t)(base_ms * 1000)},
		.rate = (double)mbit * MBIT,
		.base_ms = base_ms,
		.buffer_ms = buffer_ms,
		.memory_per = 1.05,
		.demand = UNLIMITED,
		.is_held = true,
		.own = first,
		.foreign = first,
		.rtt_ms = base_ms,
	};

	pace_init(&s.p);
	return s;
}

static double least(double a, double b)
{
	return a < b ? a : b;
}

static void grow(struct flow *flow, double sent, double rtt_ms)
{
	if (sent < flow->window)
		return;
	flow->window += flow->window < flow->slow_start_until ? flow->window / rtt_ms
							      : 4.0 * PACKET / rtt_ms;
}

static void lose(struct flow *flow)
{
	flow->window *= 0.7;
	flow->slow_start_until = flow->window;
}

/* What the stream has under way: the limit is on average filled by five sixths. */
static double under_way(const struct scene *s)
{
	double may = least(s->own.window, s->demand);

	return s->is_held && s->p.held ? least(may, s->p.held / s->memory_per * 5 / 6) : may;
}

static void tell(struct scene *s, double own, double delivered)
{
	double limit = s->p.held / s->memory_per;

	s->f.acked += (uint64_t)delivered;
	s->f.busy_us += own > 0 ? 1000 : 0;
	s->f.rtt_us = (uint32_t)(s->rtt_ms * 1000);
	s->f.in_flight = (uint32_t)(own / PACKET);
	s->f.window = (uint32_t)(s->own.window / PACKET);
	s->f.waiting = (uint32_t)own;
	s->f.memory = (uint32_t)(own * s->memory_per);
	if (pace_is_due(&s->p, s->now))
		pace_on_facts(&s->p, s->now, &s->f,
			      s->demand >= s->own.window || (s->p.held && s->demand > limit));
}

static void step(struct scene *s)
{
	double own = under_way(s), foreign = s->is_shared ? s->foreign.window : 0;
	/* waiting for a slot is no time in which the link could not send */
	double slot_ms =
		s->jitter_ms ? s->jitter_ms * (0.5 + 0.25 * (double)(s->now / MS / 50 % 2)) : 0;
	double empty_ms = s->base_ms + slot_ms;
	double queued = own + foreign - s->rate * empty_ms / 1000;

	s->queue_ms = queued > 0 ? queued * 1000 / s->rate : 0;
	/* the smoothed round trip follows within two round trips */
	s->rtt_ms += (empty_ms + s->queue_ms - s->rtt_ms) / (1 + s->rtt_ms);
	grow(&s->own, own, s->rtt_ms);
	grow(&s->foreign, foreign, s->rtt_ms);
	if (s->queue_ms > s->buffer_ms) {
		lose(&s->own);
		lose(&s->foreign);
	}
	s->now += MS;
	s->delivered += own / (empty_ms + s->queue_ms);
	s->queue_sum_ms += s->queue_ms;
	s->queue_max_ms = s->queue_ms > s->queue_max_ms ? s->queue_ms : s->queue_max_ms;
	tell(s, own, own / (empty_ms + s->queue_ms));
}

static void run(struct scene *s, unsigned ms)
{
	s->delivered = s->queue_sum_ms = s->queue_max_ms = 0;
	while (ms--)
		step(s);
}

/* In percent: what the stream gets, of what it would get if it were not held. */
static unsigned share_of(struct scene s, unsigned ms)
{
	struct scene yardstick = s;

	yardstick.is_held = false;
	run(&s, ms);
	run(&yardstick, ms);
	return (unsigned)(100 * s.delivered / yardstick.delivered);
}

/* ---- sizes */

static void nothing_known_is_no_limit(void **state)
{
	struct scene s = path(100, 0.2, 50);

	assert_true(pace_is_due(&s.p, 0));
	run(&s, 1);
	assert_int_equal(s.p.record, 16384);
	assert_int_equal(s.p.burst, 262144);
	assert_int_equal(s.p.unsent, 131072);
	assert_int_equal(s.p.held, 0);
}

/* Facts of a path of which only the rate counts, every 10 ms. */
static void tell_rate(struct scene *s, unsigned ms, bool is_full)
{
	for (unsigned i = 0; i < ms; i += 10) {
		pace_on_facts(&s->p, s->now, &s->f, is_full);
		s->now += 10 * MS;
		s->f.acked += (uint64_t)(s->rate / 100);
		s->f.busy_us += 10000;
	}
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
		struct scene s = path(wanted[i][0], 0.2, 50);

		tell_rate(&s, 200, true);
		assert_int_equal(s.p.rate, wanted[i][0] * (uint64_t)MBIT);
		assert_int_equal(s.p.record, wanted[i][1]);
		assert_int_equal(s.p.burst, wanted[i][2]);
		assert_int_equal(s.p.unsent, wanted[i][3]);
	}
}

static void sender_that_has_little_to_send_does_not_make_a_path_slow(void **state)
{
	struct scene s = path(1, 0.2, 50);

	s.f.window = 60;
	tell_rate(&s, 5000, false);
	assert_int_equal(s.p.rate, 0);
	/* when congestion control allows no more, it is the path */
	s.f.in_flight = 53;
	tell_rate(&s, 500, false);
	assert_int_equal(s.p.rate, MBIT);
	s.f.in_flight = 10;
	s.rate = MBIT / 2;
	tell_rate(&s, 500, false);
	assert_int_equal(s.p.rate, MBIT);
	s.rate = 3 * MBIT;
	tell_rate(&s, 500, false);
	assert_int_equal(s.p.rate, 3 * MBIT);
}

static void idle_time_is_not_counted(void **state)
{
	struct scene s = path(100, 0.2, 50);

	tell_rate(&s, 500, true);
	s.now += 3600 * CLOCK_NS_PER_S;
	tell_rate(&s, 200, true);
	assert_int_equal(s.p.rate, 100 * MBIT);
	/* nothing was busy at all: no division by it */
	pace_on_facts(&s.p, s.now + CLOCK_NS_PER_S, &s.f, true);
	pace_on_facts(&s.p, s.now + 2 * CLOCK_NS_PER_S, &s.f, true);
	assert_int_equal(s.p.rate, 100 * MBIT);
}

static void facts_are_due_once_a_round_trip_but_10_to_100_ms(void **state)
{
	static const uint32_t wanted[][2] = {{200, 10}, {25000, 25}, {300000, 100}};

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		struct scene s = path(100, 0.2, 50);

		s.f.rtt_us = wanted[i][0];
		pace_on_facts(&s.p, s.now, &s.f, true);
		assert_false(pace_is_due(&s.p, s.now + wanted[i][1] * MS - 1));
		assert_true(pace_is_due(&s.p, s.now + wanted[i][1] * MS));
	}
}

/* ---- what is held */

static void queue_of_our_own_becomes_short_within_two_seconds_and_stays_so(void **state)
{
	struct scene s = path(100, 0.2, 50);

	run(&s, 2000);
	for (int i = 0; i < 60; i++) {
		run(&s, 1000);
		assert_in_range((uint64_t)s.queue_sum_ms, 1000, 10000);
		/* a probe */
		assert_in_range((uint64_t)s.queue_max_ms, 1, 15);
		assert_in_range((uint64_t)(s.delivered / 125000), 97, 100);
	}
	assert_int_not_equal(s.p.held, 0);
}

static void longer_path_is_filled_and_half_of_it_more(void **state)
{
	struct scene s = path(100, 20, 80);

	run(&s, 6000);
	run(&s, 20000);
	assert_in_range((uint64_t)(s.queue_sum_ms / 20000), 1, 25);
	assert_in_range((uint64_t)(s.delivered / 20 / 125000), 95, 100);
}

static void small_sends_that_take_twice_their_memory_are_counted_so(void **state)
{
	struct scene s = path(10, 20, 200);

	s.memory_per = 2;
	run(&s, 10000);
	assert_int_not_equal(s.p.held, 0);
	run(&s, 20000);
	assert_in_range((uint64_t)(s.delivered / 20 / 12500), 95, 100);
}

static void very_slow_path_may_hold_a_few_packets(void **state)
{
	struct scene s = path(1, 0.2, 400);

	run(&s, 20000);
	assert_in_range(s.p.held, PACE_HELD_MIN, PACE_HELD_MIN * 3 / 2);
}

static void short_buffer_or_fast_path_is_never_held(void **state)
{
	struct scene scenes[] = {path(100, 8, 5), path(100, 0.2, 9), path(501, 0.2, 50)};

	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++)
		for (int ms = 0; ms < 20000; ms++) {
			run(&scenes[i], 1);
			assert_int_equal(scenes[i].p.held, 0);
		}
}

/* ---- and what it may cost */

static void alone_on_any_path_costs_at_most_a_tenth(void **state)
{
	static const unsigned mbits[] = {2, 10, 100, 400};
	static const double base_ms[] = {0.2, 2, 8, 20, 100}, buffer_ms[] = {5, 20, 50, 100, 300};
	static const double jitter_ms[] = {0, 8, 20};

	for (unsigned i = 0; i < 4 * 5 * 5 * 3; i++) {
		struct scene s = path(mbits[i % 4], base_ms[i / 4 % 5], buffer_ms[i / 20 % 5]);

		s.jitter_ms = jitter_ms[i / 100];
		if (share_of(s, 30000) < 90)
			fail_msg("%u Mbit/s, %.1f ms, buffer %.0f ms, jitter %.0f ms: %u %%",
				 mbits[i % 4], s.base_ms, s.buffer_ms, s.jitter_ms,
				 share_of(s, 30000));
	}
}

static void beside_a_foreign_stream_costs_at_most_a_tenth(void **state)
{
	static const double base_ms[] = {0.2, 2, 8, 20, 100}, buffer_ms[] = {5, 10, 20, 50, 100};

	for (unsigned i = 0; i < 5 * 5; i++) {
		struct scene s = path(100, base_ms[i % 5], buffer_ms[i / 5]);

		s.is_shared = true;
		if (share_of(s, 60000) < 90)
			fail_msg("%.1f ms, buffer %.0f ms: %u %%", s.base_ms, s.buffer_ms,
				 share_of(s, 60000));
	}
}

static void foreign_stream_that_comes_later_does_not_take_it_all(void **state)
{
	struct scene s = path(100, 2, 50);

	run(&s, 5000);
	assert_int_not_equal(s.p.held, 0);
	s.is_shared = true;
	s.foreign = (struct flow){.window = FIRST_WINDOW, .slow_start_until = UNLIMITED};
	run(&s, 5000);
	assert_in_range(share_of(s, 60000), 90, 200);
}

static void path_that_becomes_faster_is_used_within_three_seconds(void **state)
{
	static const double base_ms[] = {0.2, 8, 40};

	for (int i = 0; i < 3; i++) {
		struct scene s = path(10, base_ms[i], 100);

		run(&s, 10000);
		assert_int_not_equal(s.p.held, 0);
		s.rate *= 5;
		run(&s, 3000);
		assert_in_range(share_of(s, 20000), 90, 200);
	}
}

static void path_that_becomes_slower_is_held_shorter(void **state)
{
	struct scene s = path(100, 0.2, 100);

	run(&s, 5000);
	assert_int_not_equal(s.p.held, 0);
	s.rate /= 10;
	run(&s, 5000);
	run(&s, 10000);
	assert_in_range((uint64_t)(s.queue_sum_ms / 10000), 2, 12);
	assert_in_range((uint64_t)(s.delivered / 12500 / 10), 95, 100);
}

/* The kernel tells the old shortest round trip for minutes. */
static void round_trip_that_becomes_longer_for_good_costs_at_most_a_tenth(void **state)
{
	static const double longer_ms[] = {5, 10, 30, 100};

	for (int i = 0; i < 4; i++) {
		struct scene s = path(100, 2, 50);

		run(&s, 5000);
		assert_int_not_equal(s.p.held, 0);
		s.base_ms += longer_ms[i];
		run(&s, 3000);
		if (share_of(s, 60000) < 90)
			fail_msg("%.0f ms longer: %u %%", longer_ms[i], share_of(s, 60000));
	}
}

/* Milliseconds until it is held or not held any more. */
static unsigned until_held_is(struct scene *s, bool held, unsigned limit_ms)
{
	unsigned ms = 0;

	for (; ms < limit_ms && (s->p.held != 0) != held; ms++)
		step(s);
	return ms;
}

static void trial_that_fails_is_repeated_after_8_s_and_twice_as_long_each_time(void **state)
{
	struct scene s = path(100, 40, 3);

	/* no queue at all: a round trip that is longer than it was */
	s.f.min_rtt_us = 200;
	assert_in_range(until_held_is(&s, true, 30000), 100, 30000);
	for (unsigned ms = 8000; ms < 512000; ms *= 2) {
		assert_in_range(until_held_is(&s, false, 30000), 50, 500);
		assert_in_range(until_held_is(&s, true, 600000), ms - 500, ms + 1500);
	}
	until_held_is(&s, false, 30000);
	assert_in_range(until_held_is(&s, true, 600000), 255000, 258000);
}

static void pause_of_the_sender_decides_nothing(void **state)
{
	struct scene s = path(100, 2, 50);
	uint32_t held;

	run(&s, 5000);
	held = s.p.held;
	assert_int_not_equal(held, 0);
	for (int i = 0; i < 50; i++) {
		s.demand = 10 * PACKET;
		run(&s, 700);
		s.demand = UNLIMITED;
		run(&s, 1400);
		/* a probe may be under way */
		assert_in_range(s.p.held, held, held + held / 2);
	}
}

/* Every tenth of a second the sender stops, and no span is full. */
static void limit_that_is_felt_and_never_probed_lapses(void **state)
{
	struct scene s = path(100, 2, 50);

	run(&s, 5000);
	assert_int_not_equal(s.p.held, 0);
	for (int i = 0; i < 400 && s.p.held; i++) {
		s.demand = i % 2 ? UNLIMITED : 0;
		run(&s, 50);
	}
	assert_int_equal(s.p.held, 0);
}

static void limit_that_nobody_feels_stays(void **state)
{
	struct scene s = path(100, 2, 50);
	uint32_t held;

	run(&s, 5000);
	held = s.p.held;
	assert_int_not_equal(held, 0);
	s.demand = 10 * PACKET;
	run(&s, 60000);
	s.now += 3600 * CLOCK_NS_PER_S;
	run(&s, 60000);
	assert_int_equal(s.p.held, held);
}

static void limit_is_let_go_when_the_rate_is_never_steady(void **state)
{
	struct scene s = path(100, 2, 50);

	run(&s, 5000);
	assert_int_not_equal(s.p.held, 0);
	for (int i = 0; i < 80 && s.p.held; i++) {
		s.rate = (i % 2 ? 50 : 100) * MBIT;
		/* a span and the begin of the next */
		run(&s, 110);
	}
	assert_int_equal(s.p.held, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_known_is_no_limit),
		cmocka_unit_test(sizes_follow_the_rate),
		cmocka_unit_test(sender_that_has_little_to_send_does_not_make_a_path_slow),
		cmocka_unit_test(idle_time_is_not_counted),
		cmocka_unit_test(facts_are_due_once_a_round_trip_but_10_to_100_ms),
		cmocka_unit_test(queue_of_our_own_becomes_short_within_two_seconds_and_stays_so),
		cmocka_unit_test(longer_path_is_filled_and_half_of_it_more),
		cmocka_unit_test(small_sends_that_take_twice_their_memory_are_counted_so),
		cmocka_unit_test(very_slow_path_may_hold_a_few_packets),
		cmocka_unit_test(short_buffer_or_fast_path_is_never_held),
		cmocka_unit_test(alone_on_any_path_costs_at_most_a_tenth),
		cmocka_unit_test(beside_a_foreign_stream_costs_at_most_a_tenth),
		cmocka_unit_test(foreign_stream_that_comes_later_does_not_take_it_all),
		cmocka_unit_test(path_that_becomes_faster_is_used_within_three_seconds),
		cmocka_unit_test(path_that_becomes_slower_is_held_shorter),
		cmocka_unit_test(round_trip_that_becomes_longer_for_good_costs_at_most_a_tenth),
		cmocka_unit_test(
			trial_that_fails_is_repeated_after_8_s_and_twice_as_long_each_time),
		cmocka_unit_test(pause_of_the_sender_decides_nothing),
		cmocka_unit_test(limit_that_is_felt_and_never_probed_lapses),
		cmocka_unit_test(limit_that_nobody_feels_stays),
		cmocka_unit_test(limit_is_let_go_when_the_rate_is_never_steady),
	};

	return cmocka_run_group_tests_name("net/pace", tests, NULL, NULL);
}

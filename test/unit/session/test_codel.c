/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/base/clock.h"
#include "sstp/session/codel.h"
#include "test/support/cmocka.h"
#include "test/support/prng.h"

#define MS CLOCK_NS_PER_MS

enum {
	MUCH = 100000, /* bytes behind the packet */
};

/* One packet a millisecond from `from` on, each having waited `waited_ms`, until one is due; returns when. */
static uint64_t next_due_ms(struct codel *c, uint64_t from, uint64_t waited_ms, size_t left)
{
	for (uint64_t ms = from; ms < from + 2000; ms++)
		if (codel_is_due(c, ms * MS, waited_ms * MS, left))
			return ms;
	return UINT64_MAX;
}

static void drops_begin_after_an_interval_and_come_faster_by_the_square_root(void **state)
{
	/* 100 ms divided by the square root of 1, 2, 3, ..., each counted from when the one before was due */
	static const uint64_t due_ms[] = {1100, 1200, 1271, 1329, 1379, 1424, 1464};
	struct codel c = {0};
	uint64_t at = 1000;

	for (size_t i = 0; i < sizeof(due_ms) / sizeof(due_ms[0]); i++) {
		at = next_due_ms(&c, at, 6, MUCH);
		assert_int_equal(at, due_ms[i]);
		at++;
	}
}

static void queue_below_the_target_is_left_alone(void **state)
{
	struct codel c = {0};

	assert_int_equal(next_due_ms(&c, 1000, 4, MUCH), UINT64_MAX);
	assert_int_equal(next_due_ms(&c, 4000, 5, MUCH), 4100);
}

static void last_packet_of_a_queue_is_never_dropped(void **state)
{
	struct codel c = {0};

	assert_int_equal(next_due_ms(&c, 1000, 500, 1514), UINT64_MAX);
	assert_int_equal(next_due_ms(&c, 4000, 500, 1515), 4100);
}

static void one_good_packet_begins_the_interval_anew(void **state)
{
	struct codel c = {0};

	assert_false(codel_is_due(&c, 1000 * MS, 50 * MS, MUCH));
	assert_false(codel_is_due(&c, 1099 * MS, 1 * MS, MUCH));
	assert_int_equal(next_due_ms(&c, 1100, 50, MUCH), 1200);
	codel_on_empty(&c);
	assert_int_equal(next_due_ms(&c, 1201, 50, MUCH), 1301);
}

static void queue_that_is_soon_bad_again_goes_on_where_it_was(void **state)
{
	struct codel soon = {0}, late;
	uint64_t at = 1000;

	for (int i = 0; i < 10; i++)
		at = next_due_ms(&soon, at, 6, MUCH) + 1;
	assert_false(codel_is_due(&soon, at * MS, 0, MUCH));
	late = soon;
	at = next_due_ms(&soon, at + 1, 6, MUCH);
	assert_int_equal(soon.count, 9);
	assert_int_equal(next_due_ms(&soon, at + 1, 6, MUCH), at + 34);
	at = next_due_ms(&late, 10000, 6, MUCH);
	assert_int_equal(late.count, 1);
	assert_int_equal(next_due_ms(&late, at + 1, 6, MUCH), at + 100);
}

/* RFC 8289's appendix as it stands there, on a whole queue and with real numbers, in whole ns. */
struct oracle {
	double first_above, drop_next, now;
	unsigned count, lastcount;
	bool dropping;
};

struct arrival {
	double at;
};

struct line {
	struct arrival packet[4096];
	size_t head, tail;
};

static bool oracle_dodequeue(struct oracle *o, struct line *l, bool *ret_got)
{
	double sojourn;

	*ret_got = l->head < l->tail;
	if (!*ret_got) {
		o->first_above = 0;
		return false;
	}
	sojourn = o->now - l->packet[l->head++].at;
	if (sojourn < 5e6 || l->tail == l->head) {
		o->first_above = 0;
		return false;
	}
	if (o->first_above == 0) {
		o->first_above = o->now + 100e6;
		return false;
	}
	return o->now >= o->first_above;
}

/* The index of the packet that leaves, or -1; those dropped before it are gone. */
static long oracle_dequeue(struct oracle *o, struct line *l)
{
	bool got, ok = oracle_dodequeue(o, l, &got);

	if (o->dropping) {
		if (!ok)
			o->dropping = false;
		while (o->dropping && o->now >= o->drop_next) {
			o->count++;
			ok = oracle_dodequeue(o, l, &got);
			if (!ok)
				o->dropping = false;
			else
				o->drop_next += floor(100e6 / sqrt(o->count));
		}
	} else if (ok) {
		unsigned delta = o->count - o->lastcount;

		oracle_dodequeue(o, l, &got);
		o->dropping = true;
		o->count = delta > 1 && o->now - o->drop_next < 16 * 100e6 ? delta : 1;
		o->drop_next = o->now + floor(100e6 / sqrt(o->count));
		o->lastcount = o->count;
	}
	return got ? (long)l->head - 1 : -1;
}

/* Packets of 1515 bytes, so that the last one alone counts as little. */
static long dequeue(struct codel *c, struct line *l, uint64_t now)
{
	while (l->head < l->tail) {
		uint64_t waited = now - (uint64_t)l->packet[l->head++].at;

		if (!codel_is_due(c, now, waited, 1515 * (l->tail - l->head)))
			return (long)l->head - 1;
	}
	codel_on_empty(c);
	return -1;
}

static void same_packets_leave_as_by_the_pseudocode_of_the_rfc(void **state)
{
	static struct line a, b;
	struct codel c = {0};
	struct oracle o = {0};
	struct prng prng;
	uint64_t now = CLOCK_NS_PER_S, drops = 0;

	prng_init(&prng, 8289);
	for (int round = 0; round < 200; round++) {
		uint32_t busy = 1 + prng_below(&prng, 100);

		a.head = a.tail = b.head = b.tail = 0;
		while (a.tail < 4000) {
			now += 1 + prng_below(&prng, 2 * (uint32_t)MS);
			if (prng_below(&prng, 200) < busy + 60)
				a.packet[a.tail++].at = b.packet[b.tail++].at = (double)now;
			if (prng_below(&prng, 2)) {
				size_t head = b.head;
				long left = oracle_dequeue((o.now = (double)now, &o), &a);

				assert_int_equal(dequeue(&c, &b, now), left);
				drops += b.head - head - (left >= 0);
			}
		}
	}
	assert_in_range(drops, 1000, UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(drops_begin_after_an_interval_and_come_faster_by_the_square_root),
		cmocka_unit_test(queue_below_the_target_is_left_alone),
		cmocka_unit_test(last_packet_of_a_queue_is_never_dropped),
		cmocka_unit_test(one_good_packet_begins_the_interval_anew),
		cmocka_unit_test(queue_that_is_soon_bad_again_goes_on_where_it_was),
		cmocka_unit_test(same_packets_leave_as_by_the_pseudocode_of_the_rfc),
	};

	return cmocka_run_group_tests_name("session/codel", tests, NULL, NULL);
}

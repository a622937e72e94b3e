/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/net/pace.h"

#include "sstp/base/clock.h"

#define US_PER_S UINT64_C(1000000)
#define US_TO_NS UINT64_C(1000)

enum {
	DUE_MIN_MS = 10,
	DUE_MAX_MS = 100,
	/* a faster path is never held: its queues are short, and a pass of ours is longer */
	HELD_RATE_MAX = 500 * 1000 * 1000 / 8,
	/* what we may add to the shortest round trip: the bottleneck never runs dry between two of our passes */
	OURS_US = 4000,
	/* a queue that is worth holding back for */
	SEEN_US = 3000,
	/* longer than what we add by this much: it is not (only) ours */
	FOREIGN_US = 6000,
};

/* how long a queue may stay as it is while we hold back, or four round trips */
static const uint64_t judge_min_ns = 500 * CLOCK_NS_PER_MS;
/* after so long without anybody else's queue the next one is met as the first */
static const uint64_t calm_ns = 60 * CLOCK_NS_PER_S;
static const uint64_t yield_min_ns = 8 * CLOCK_NS_PER_S;
static const uint64_t yield_max_ns = 256 * CLOCK_NS_PER_S;

void pace_init(struct pace *p)
{
	*p = (struct pace){
		.record = PACE_RECORD_MAX,
		.burst = PACE_BURST_MAX,
		.unsent = PACE_UNSENT_MAX,
		.yield_ns = yield_min_ns,
	};
}

static uint32_t clamp(uint64_t value, uint32_t min, uint32_t max)
{
	if (value < min)
		return min;
	return value > max ? max : (uint32_t)value;
}

static bool is_windowful(const struct pace_facts *f)
{
	return f->in_flight >= f->window - f->window / 8;
}

/* Up by half of what is missing, down by a quarter: a pause of ours looks like a slow path. */
static void note_rate(struct pace *p, const struct pace_facts *f, bool is_the_paths)
{
	uint64_t busy_us = f->busy_us - p->last.busy_us;
	uint64_t rate;

	if (!p->due_at || busy_us == 0)
		return;
	rate = (f->acked - p->last.acked) * US_PER_S / busy_us;
	if (rate > p->rate && (p->rate || is_the_paths))
		p->rate += p->rate ? (rate - p->rate) / 2 : rate;
	else if (is_the_paths)
		p->rate -= (p->rate - rate) / 4;
}

/*
 * Half a round trip more than fills the path: the kernel reports room when a third of the limit is free, and the other
 * two thirds have to keep the path full until we have filled it up.
 */
static uint32_t ours_us(const struct pace_facts *f)
{
	return f->min_rtt_us / 2 + OURS_US;
}

static uint32_t queue_us(const struct pace_facts *f)
{
	return f->rtt_us > f->min_rtt_us ? f->rtt_us - f->min_rtt_us : 0;
}

/* Longer than what we mean to add. */
static bool is_long(const struct pace_facts *f)
{
	return queue_us(f) > ours_us(f) + FOREIGN_US;
}

/* We hold back: does it help? A queue of ours becomes shorter within a few round trips, each time by half. */
static void judge_queue(struct pace *p, uint64_t now, const struct pace_facts *f)
{
	uint64_t wait_ns = 4 * US_TO_NS * f->rtt_us;

	if (!is_long(f)) {
		p->judge_at = 0;
		if (now > p->yield_until + calm_ns)
			p->yield_ns = yield_min_ns;
	} else if (!p->judge_at || queue_us(f) < p->queue_us - p->queue_us / 4) {
		p->queue_us = queue_us(f);
		p->judge_at = now + (wait_ns > judge_min_ns ? wait_ns : judge_min_ns);
	} else if (now >= p->judge_at) {
		p->judge_at = 0;
		p->yield_until = now + p->yield_ns;
		p->yield_ns = 2 * p->yield_ns < yield_max_ns ? 2 * p->yield_ns : yield_max_ns;
	}
}

/* What fills the path, and of a queue half of what it is, until that is what we mean to add. */
static uint32_t fill_bytes(const struct pace *p, const struct pace_facts *f)
{
	uint64_t queue = queue_us(f) / 2 > ours_us(f) ? queue_us(f) / 2 : ours_us(f);

	return clamp(p->rate * (f->min_rtt_us + queue) / US_PER_S, PACE_HELD_MIN, PACE_HELD_MAX);
}

static void set_held(struct pace *p, uint64_t now, const struct pace_facts *f)
{
	if (p->held)
		judge_queue(p, now, f);
	if (p->rate == 0 || p->rate > HELD_RATE_MAX || now < p->yield_until) {
		p->held = 0;
		return;
	}
	if (p->held || queue_us(f) > SEEN_US)
		p->held = fill_bytes(p, f);
	if (p->held == PACE_HELD_MAX)
		p->held = 0;
}

static void set_sizes(struct pace *p)
{
	uint64_t per_ms = p->rate / 1000;

	if (p->rate == 0)
		return;
	p->record = clamp(per_ms, PACE_RECORD_MIN, PACE_RECORD_MAX);
	p->burst = clamp(per_ms, PACE_RECORD_MIN, PACE_BURST_MAX);
	p->unsent = clamp(2 * per_ms, PACE_UNSENT_MIN, PACE_UNSENT_MAX);
}

void pace_on_facts(struct pace *p, uint64_t now, const struct pace_facts *f, bool is_full)
{
	uint64_t wait_ms = clamp(f->rtt_us / 1000, DUE_MIN_MS, DUE_MAX_MS);

	/* while it is seen whose the queue is, a lower rate is our own doing */
	note_rate(p, f, (is_full || is_windowful(f)) && !p->judge_at);
	set_held(p, now, f);
	set_sizes(p);
	p->last = *f;
	p->due_at = now + wait_ms * CLOCK_NS_PER_MS;
}

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
	/* longer than what we add by this much: worth holding back for */
	LONG_US = 6000,
	/* in round trips */
	SPAN_RTTS = 3,
	SETTLE_RTTS = 2,
	PROBE_RTTS = 30,
};

static const uint64_t span_min_ns = 100 * CLOCK_NS_PER_MS;
static const uint64_t probe_min_ns = CLOCK_NS_PER_S;
/* how long the limit may be felt after a probe was due and could not be made */
static const uint64_t lapse_ns = 4 * CLOCK_NS_PER_S;
static const uint64_t free_min_ns = 8 * CLOCK_NS_PER_S;
static const uint64_t free_max_ns = 256 * CLOCK_NS_PER_S;

void pace_init(struct pace *p)
{
	*p = (struct pace){
		.record = PACE_RECORD_MAX,
		.burst = PACE_BURST_MAX,
		.unsent = PACE_UNSENT_MAX,
		.free_ns = free_min_ns,
	};
}

static uint32_t clamp(uint64_t value, uint32_t min, uint32_t max)
{
	if (value < min)
		return min;
	return value > max ? max : (uint32_t)value;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t rtts_ns(const struct pace_facts *f, unsigned count)
{
	return count * US_TO_NS * f->rtt_us;
}

/* ---- spans */

static uint32_t queue_us(const struct pace_facts *f)
{
	return f->rtt_us > f->min_rtt_us ? f->rtt_us - f->min_rtt_us : 0;
}

static bool is_windowful(const struct pace_facts *f)
{
	return f->in_flight >= f->window - f->window / 8;
}

static void span_begin(struct pace_span *span, uint64_t now, const struct pace_facts *f)
{
	*span = (struct pace_span){
		.begin_at = now,
		.acked = f->acked,
		.busy_us = f->busy_us,
		.queue_us = UINT32_MAX,
	};
}

static void span_note(struct pace_span *span, const struct pace_facts *f, bool is_full)
{
	span->looks++;
	span->full_looks += is_full || is_windowful(f);
	if (queue_us(f) < span->queue_us)
		span->queue_us = queue_us(f);
}

static bool span_is_over(const struct pace_span *span, uint64_t now, const struct pace_facts *f)
{
	return now >= span->begin_at + larger(span_min_ns, rtts_ns(f, SPAN_RTTS));
}

/* Bytes per second of the time in which there was something to acknowledge; 0: there was none. */
static uint64_t span_rate(const struct pace_span *span, const struct pace_facts *f)
{
	uint64_t busy_us = f->busy_us - span->busy_us;

	return busy_us ? (f->acked - span->acked) * US_PER_S / busy_us : 0;
}

static uint64_t span_busy_ns(const struct pace_span *span, const struct pace_facts *f)
{
	return US_TO_NS * (f->busy_us - span->busy_us);
}

/* The sender gave all that the socket took, all the time: the rate is the path's, or that of our limit. */
static bool span_was_full(const struct pace_span *span, uint64_t now, const struct pace_facts *f)
{
	uint64_t ns = now - span->begin_at;

	return 2 * span->full_looks > span->looks && span_busy_ns(span, f) >= ns - ns / 8;
}

/* How long a limit may have been felt. */
static uint64_t span_felt_ns(const struct pace_span *span, uint64_t now, const struct pace_facts *f)
{
	uint64_t ns = now - span->begin_at, busy_ns = span_busy_ns(span, f);

	if (!span->full_looks)
		return 0;
	return busy_ns < ns ? busy_ns : ns;
}

/* ---- what follows from the rate */

static void set_sizes(struct pace *p, uint64_t rate)
{
	uint64_t per_ms = rate / 1000;

	p->rate = rate;
	p->record = clamp(per_ms, PACE_RECORD_MIN, PACE_RECORD_MAX);
	p->burst = clamp(per_ms, PACE_RECORD_MIN, PACE_BURST_MAX);
	p->unsent = clamp(2 * per_ms, PACE_UNSENT_MIN, PACE_UNSENT_MAX);
}

/* ---- the experiment */

static bool fell(const struct pace *p, uint64_t rate)
{
	return rate < p->base_rate - p->base_rate / 10;
}

static bool rose(const struct pace *p, uint64_t rate)
{
	return rate > p->base_rate + p->base_rate / 10;
}

/*
 * Half a round trip more than fills the path: the kernel reports room when a third of the limit is free, and the other
 * two thirds have to keep the path full until we have filled it up.
 */
static uint32_t ours_us(const struct pace_facts *f)
{
	return f->min_rtt_us / 2 + OURS_US;
}

/* Longer than what we mean to add, or than what the smallest limit lets stand. */
static bool is_long(const struct pace *p, const struct pace_facts *f)
{
	uint64_t smallest_us = PACE_HELD_MIN * US_PER_S / p->rate;

	return p->span.queue_us > larger(ours_us(f), smallest_us) + LONG_US;
}

/* The limit counts memory: small sends take up to twice what they carry. */
static uint64_t memory_bytes(const struct pace_facts *f, uint64_t bytes)
{
	return f->waiting && f->memory > f->waiting ? bytes * f->memory / f->waiting : bytes;
}

static void enter(struct pace *p, enum pace_stage stage, uint32_t held, uint64_t settled_at)
{
	p->stage = stage;
	p->held = held < PACE_HELD_MAX ? held : 0;
	p->settled_at = settled_at;
}

static void let_go(struct pace *p, uint64_t now)
{
	enter(p, PACE_FREE, 0, now);
	p->base_rate = 0;
}

static void let_go_for_long(struct pace *p, uint64_t now)
{
	let_go(p, now);
	p->next_at = now + p->free_ns;
	p->free_ns = 2 * p->free_ns < free_max_ns ? 2 * p->free_ns : free_max_ns;
}

/* What fills the path at this rate, and of the queue half of what it is, until that is what we mean to add. */
static void hold_back(struct pace *p, uint64_t now, const struct pace_facts *f)
{
	uint64_t queue = larger(p->span.queue_us / 2, ours_us(f));
	uint64_t bytes = p->base_rate * (f->min_rtt_us + queue) / US_PER_S;

	p->base_queue_us = p->span.queue_us;
	enter(p, PACE_TRIED, clamp(memory_bytes(f, bytes), PACE_HELD_MIN, PACE_HELD_MAX),
	      now + rtts_ns(f, SETTLE_RTTS));
}

/* The rate neither rises by itself nor recovers from losses: what a change does to it can be told. Notes it. */
static bool is_steady(struct pace *p, uint64_t rate)
{
	bool is = p->base_rate && !rose(p, rate) && !fell(p, rate);

	p->base_rate = rate;
	return is;
}

static void after_free(struct pace *p, uint64_t now, const struct pace_facts *f, uint64_t rate)
{
	if (is_steady(p, rate) && now >= p->next_at && rate <= HELD_RATE_MAX && is_long(p, f))
		hold_back(p, now, f);
}

static void hold(struct pace *p, uint64_t now, const struct pace_facts *f, uint32_t held)
{
	enter(p, PACE_HELD, held, now + rtts_ns(f, SETTLE_RTTS));
	p->next_at = now + larger(probe_min_ns, rtts_ns(f, PROBE_RTTS));
}

static void after_trial(struct pace *p, uint64_t now, const struct pace_facts *f, uint64_t rate)
{
	bool is_shorter = p->span.queue_us < p->base_queue_us - p->base_queue_us / 4;

	if (fell(p, rate) || (is_long(p, f) && !is_shorter))
		let_go_for_long(p, now);
	else if (is_long(p, f))
		hold_back(p, now, f);
	else
		hold(p, now, f, p->held);
}

static void after_holding(struct pace *p, uint64_t now, const struct pace_facts *f, uint64_t rate)
{
	if (is_long(p, f) || rate > HELD_RATE_MAX) {
		let_go(p, now);
		return;
	}
	if (!is_steady(p, rate) || now < p->next_at)
		return;
	p->usual = p->held;
	enter(p, PACE_PROBED, p->held + p->held / 2, now + rtts_ns(f, SETTLE_RTTS));
}

static void after_probe(struct pace *p, uint64_t now, const struct pace_facts *f, uint64_t rate)
{
	if (rose(p, rate)) {
		let_go_for_long(p, now);
		return;
	}
	p->free_ns = free_min_ns;
	hold(p, now, f, p->usual);
}

static void conclude(struct pace *p, uint64_t now, const struct pace_facts *f, uint64_t rate)
{
	switch (p->stage) {
	case PACE_FREE: after_free(p, now, f, rate); break;
	case PACE_TRIED: after_trial(p, now, f, rate); break;
	case PACE_HELD: after_holding(p, now, f, rate); break;
	case PACE_PROBED: after_probe(p, now, f, rate); break;
	}
}

/* The sender did not press, or not always: a limit that is not known to be harmless goes. */
static void leave_open(struct pace *p, uint64_t now, const struct pace_facts *f)
{
	switch (p->stage) {
	case PACE_FREE:
	case PACE_HELD: p->base_rate = 0; break;
	case PACE_TRIED: let_go(p, now); break;
	case PACE_PROBED: hold(p, now, f, p->usual); break;
	}
}

/* A limit that cannot be probed lapses; while nobody feels it, its time stands still. */
static void grow_older(struct pace *p, uint64_t now, const struct pace_facts *f)
{
	p->next_at += now - p->span.begin_at - span_felt_ns(&p->span, now, f);
	if (now > p->next_at + lapse_ns)
		let_go(p, now);
}

static void span_end(struct pace *p, uint64_t now, const struct pace_facts *f)
{
	uint64_t rate = span_rate(&p->span, f);
	bool was_full = rate && span_was_full(&p->span, now, f);

	/* a higher one is never the sender's doing */
	if (was_full || (p->rate && rate > p->rate))
		set_sizes(p, rate);
	if (p->stage == PACE_HELD)
		grow_older(p, now, f);
	if (was_full)
		conclude(p, now, f, rate);
	else
		leave_open(p, now, f);
}

void pace_on_facts(struct pace *p, uint64_t now, const struct pace_facts *f, bool is_full)
{
	bool is_first = !p->due_at;

	span_note(&p->span, f, is_full);
	if (!is_first && now > p->settled_at && span_is_over(&p->span, now, f)) {
		span_end(p, now, f);
		span_begin(&p->span, now, f);
	} else if (is_first || now <= p->settled_at) {
		span_begin(&p->span, now, f);
	}
	p->due_at = now + clamp(f->rtt_us / 1000, DUE_MIN_MS, DUE_MAX_MS) * CLOCK_NS_PER_MS;
}

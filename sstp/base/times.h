/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_BASE_TIMES_H
#define SSTP_BASE_TIMES_H
/*
 * How often something took how long, in buckets that each reach twice as far as the one before, from 64 us on to more
 * than a minute: coarse enough to be shown whole, bucket by bucket, to whoever collects metrics. To count is a handful of
 * instructions; hist.h is for percentiles.
 */
#include <stdint.h>

enum {
	TIMES_FIRST_BITS = 6, /* the first one ends at 2^6 us */
	TIMES_BOUNDS = 21,    /* the last of them at 2^26 us, 67 s */
	TIMES_BUCKETS = TIMES_BOUNDS + 1,
};

/* All zero: nothing was counted. */
struct times {
	uint64_t counts[TIMES_BUCKETS]; /* what is above all bounds is in the last one */
	uint64_t sum_us;
};

/* The largest time of a bucket below TIMES_BOUNDS, us. */
static inline uint64_t times_bound_us(unsigned bucket)
{
	return UINT64_C(1) << (TIMES_FIRST_BITS + bucket);
}

static inline unsigned times_bucket(uint64_t us)
{
	unsigned bits = us > 1 ? 64 - (unsigned)__builtin_clzll(us - 1) : 0;

	if (bits <= TIMES_FIRST_BITS)
		return 0;
	bits -= TIMES_FIRST_BITS;
	return bits < TIMES_BOUNDS ? bits : TIMES_BOUNDS;
}

static inline void times_count(struct times *t, uint64_t us)
{
	t->counts[times_bucket(us)]++;
	t->sum_us += us;
}

void times_add(struct times *sum, const struct times *t);
/* How many were counted. */
uint64_t times_total(const struct times *t);

#endif

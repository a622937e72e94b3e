/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/base/hist.h"

/* A value of as many bits as a step number or fewer is its own bucket; others are told by their highest bits. */
unsigned hist_bucket(uint64_t value)
{
	unsigned shift;

	if (value < HIST_STEPS)
		return (unsigned)value;
	shift = 63 - HIST_STEP_BITS - (unsigned)__builtin_clzll(value);
	return shift * HIST_STEPS + (unsigned)(value >> shift);
}

uint64_t hist_bucket_max(unsigned bucket)
{
	unsigned shift;
	uint64_t top;

	if (bucket < 2 * HIST_STEPS)
		return bucket;
	shift = bucket / HIST_STEPS - 1;
	top = bucket - shift * HIST_STEPS;
	return (top << shift) | ((UINT64_C(1) << shift) - 1);
}

static uint64_t add_capped(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t multiply_capped(uint64_t a, uint64_t b)
{
	uint64_t product;

	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

static void widen(struct hist *h, uint64_t min, uint64_t max)
{
	if (!h->count || min < h->min)
		h->min = min;
	if (!h->count || max > h->max)
		h->max = max;
}

void hist_add(struct hist *h, uint64_t value, uint64_t n)
{
	if (!n)
		return;
	widen(h, value, value);
	h->count += n;
	h->sum = add_capped(h->sum, multiply_capped(value, n));
	h->buckets[hist_bucket(value)] += n;
}

void hist_merge(struct hist *h, const struct hist *other)
{
	if (!other->count)
		return;
	widen(h, other->min, other->max);
	h->count += other->count;
	h->sum = add_capped(h->sum, other->sum);
	for (unsigned i = 0; i < HIST_BUCKETS; i++)
		h->buckets[i] += other->buckets[i];
}

/* How many of n are `percent` of them, rounded up, at least one. */
static uint64_t rank_of(uint64_t n, double percent)
{
	double exact = (double)n * percent / 100;
	uint64_t rank;

	if (!(exact > 1))
		return 1;
	if (exact >= (double)n)
		return n;
	rank = (uint64_t)exact;
	return (double)rank < exact ? rank + 1 : rank;
}

uint64_t hist_percentile(const struct hist *h, double percent)
{
	uint64_t rank = rank_of(h->count, percent);
	uint64_t seen = 0;
	unsigned i = 0;
	uint64_t value;

	if (!h->count)
		return 0;
	while ((seen += h->buckets[i]) < rank)
		i++;
	value = hist_bucket_max(i);
	return value < h->max ? value : h->max;
}

double hist_mean(const struct hist *h)
{
	return h->count ? (double)h->sum / (double)h->count : 0;
}

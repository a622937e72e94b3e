/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_BASE_HIST_H
#define SSTP_BASE_HIST_H
/*
 * A histogram of any 64-bit values, in whatever unit they are: which percentile of them is how large.
 *
 * Buckets are as wide as the values in them allow: each power of two is cut into HIST_STEPS equal ones, and
 * values below HIST_STEPS have one each. What hist_percentile() says is never below the true value, and above
 * it by at most 1/HIST_STEPS of it (3.2 %); count, sum, least and largest are exact. The memory is fixed:
 * sizeof(struct hist), 15 KB, whatever comes. One owner at a time: threads have their own and add them up.
 */
#include <stdint.h>

enum {
	HIST_STEP_BITS = 5,
	HIST_STEPS = 1 << HIST_STEP_BITS,
	HIST_BUCKETS = (64 - HIST_STEP_BITS + 1) * HIST_STEPS,
};

/* All zero: empty. */
struct hist {
	uint64_t count;
	uint64_t sum; /* stays at UINT64_MAX once it is more */
	uint64_t min; /* of no account while it is empty, as max */
	uint64_t max;
	uint64_t buckets[HIST_BUCKETS];
};

/* n times the same value. */
void hist_add(struct hist *h, uint64_t value, uint64_t n);
/* As if all that is in other had been added to h. */
void hist_merge(struct hist *h, const struct hist *other);
/* The value that `percent` (0..100, what is outside counts as these) of all are not above; 0 when it is empty. */
uint64_t hist_percentile(const struct hist *h, double percent);
/* 0 when it is empty. */
double hist_mean(const struct hist *h);

/* Where a value is counted, 0..HIST_BUCKETS - 1, and the largest value that is counted there: for charts. */
unsigned hist_bucket(uint64_t value);
uint64_t hist_bucket_max(unsigned bucket);

#endif

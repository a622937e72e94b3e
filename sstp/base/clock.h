/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_BASE_CLOCK_H
#define SSTP_BASE_CLOCK_H
/* Time as all engines see it: nanoseconds on a clock that never goes back, handed in as `now`. */
#include <stdint.h>
#include <time.h>

#define CLOCK_NS_PER_S	UINT64_C(1000000000)
#define CLOCK_NS_PER_MS UINT64_C(1000000)

/* A deadline that is not set. Deadlines compare as numbers, so the earliest is the minimum. */
#define CLOCK_NEVER UINT64_MAX

/* Only loops and tests' drivers read it; engines never do. */
static inline uint64_t clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * CLOCK_NS_PER_S + (uint64_t)ts.tv_nsec;
}

static inline uint64_t clock_earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_BASE_BUCKET_H
#define SSTP_BASE_BUCKET_H
/* Token bucket: `burst` events at once, then one every `interval_ns`. Interval 0 never refuses. */
#include <stdbool.h>
#include <stdint.h>

struct bucket {
	uint64_t interval_ns;
	uint64_t burst_ns; /* burst * interval_ns */
	uint64_t full_at;  /* when the bucket will be full again; in the past: it is full */
};

/* rate in events per second (0: unlimited), burst in events (at least 1). */
void bucket_init(struct bucket *b, uint32_t rate, uint32_t burst);

/* Another rate and burst for a bucket in use: what was taken stays taken. */
void bucket_set(struct bucket *b, uint32_t rate, uint32_t burst);

/* Takes one token; false when there is none. */
bool bucket_take(struct bucket *b, uint64_t now);

#endif

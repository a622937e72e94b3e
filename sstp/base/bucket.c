/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/base/bucket.h"

#include "sstp/base/clock.h"

void bucket_set(struct bucket *b, uint32_t rate, uint32_t burst)
{
	b->interval_ns = rate ? CLOCK_NS_PER_S / rate : 0;
	b->burst_ns = b->interval_ns * (burst ? burst : 1);
}

void bucket_init(struct bucket *b, uint32_t rate, uint32_t burst)
{
	bucket_set(b, rate, burst);
	b->full_at = 0;
}

bool bucket_take(struct bucket *b, uint64_t now)
{
	uint64_t full_at = b->full_at > now ? b->full_at : now;

	if (b->interval_ns && full_at + b->interval_ns > now + b->burst_ns)
		return false;
	b->full_at = full_at + b->interval_ns;
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/base/times.h"

void times_add(struct times *sum, const struct times *t)
{
	for (unsigned i = 0; i < TIMES_BUCKETS; i++)
		sum->counts[i] += t->counts[i];
	sum->sum_us += t->sum_us;
}

uint64_t times_total(const struct times *t)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < TIMES_BUCKETS; i++)
		n += t->counts[i];
	return n;
}

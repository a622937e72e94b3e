/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A clock on the wall that is wrong, for whole programs: with this library in LD_PRELOAD time() is FAKE_CLOCK_S seconds
 * later than it is. What intervals are measured by, CLOCK_MONOTONIC, stays as it is.
 */
#include <stdlib.h>
#include <time.h>

time_t time(time_t *ret_now)
{
	const char *later_s = getenv("FAKE_CLOCK_S");
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (later_s)
		now.tv_sec += strtoll(later_s, NULL, 10);
	if (ret_now)
		*ret_now = now.tv_sec;
	return now.tv_sec;
}

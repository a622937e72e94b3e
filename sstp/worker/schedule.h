/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_SCHEDULE_H
#define SSTP_WORKER_SCHEDULE_H
/*
 * When a certificate is renewed: from the second on that it is near expiry (less than 6 calendar
 * months left, status.h), and when somebody asks. What failed is tried again after an hour, then
 * after twice as long each time, up to a day: the months that are left are enough, and a gateway
 * that is down is not besieged. No clock and no timer; `now` in seconds since 1970, UTC, and it may
 * jump.
 */
#include <stdbool.h>
#include <stdint.h>

enum {
	SCHEDULE_RETRY_FIRST_S = 3600,
	SCHEDULE_RETRY_MAX_S = 86400,
};

/* Embedded; zeros: nothing is ever due but what is asked for. */
struct schedule {
	int64_t due; /* near expiry from here on; 0: no certificate */
	int64_t tried;
	int64_t wait_s; /* after `tried`; 0: the last attempt did not fail */
	bool asked;
};

/* A certificate with this end is in use from now on; what failed before is forgotten. */
void schedule_set(struct schedule *s, int64_t not_after);

/* Somebody wants it now, whatever the dates say. */
void schedule_ask(struct schedule *s);

/* Is it to be renewed now? A clock that was set back does not keep it waiting for longer than wait_s. */
bool schedule_is_due(const struct schedule *s, int64_t now);

/* An attempt has failed. */
void schedule_failed(struct schedule *s, int64_t now);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_SCHEDULE_H
#define SSTP_WORKER_SCHEDULE_H
/*
 * When a certificate is renewed: from the second on that it is near expiry (less than 6 calendar
 * months left, status.h), but not before two thirds of its life are over, or one that lives for a
 * few months would be renewed again and again; and when somebody asks.
 *
 * What failed is tried again after an hour, then after twice as long each time, up to a day, each
 * wait cut by a random part of its half, so that many workers do not come back in step: the months
 * that are left are enough, and a gateway that is down, or refuses, is not besieged. No clock and
 * no timer; `now` in seconds since 1970, UTC, and it may jump.
 */
#include <stdbool.h>
#include <stdint.h>

enum {
	SCHEDULE_RETRY_FIRST_S = 3600,
	SCHEDULE_RETRY_MAX_S = 86400,
};

/* Embedded; zeros: nothing is ever due but what is asked for. */
struct schedule {
	int64_t due; /* from here on; 0: no certificate */
	int64_t tried;
	int64_t row_s;	/* of the row above; 0: the last attempt did not fail */
	int64_t wait_s; /* after `tried`: row_s, cut */
	bool asked;
};

/* A certificate with this life is in use from now on; what failed before is forgotten. */
void schedule_set(struct schedule *s, int64_t not_before, int64_t not_after);

/* Somebody wants it now, whatever the dates say. */
void schedule_ask(struct schedule *s);

/*
 * Is it to be renewed now? A clock that was set back does not keep it waiting for longer than
 * wait_s.
 */
bool schedule_is_due(const struct schedule *s, int64_t now);

/*
 * An attempt has failed. random: any number, by which the wait is cut: 0 by half, UINT32_MAX not at
 * all.
 */
void schedule_failed(struct schedule *s, int64_t now, uint32_t random);

#endif

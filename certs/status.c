/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/status.h"

#include "certs/calendar.h"

/*
 * One moment is computed from not_after, and `now` is compared with it. The other way, `now` plus
 * six months against not_after, can go back from near expiry to valid at the end of a month.
 */
int64_t status_near_expiry_from(int64_t not_after)
{
	return calendar_add_months(not_after, -STATUS_NEAR_EXPIRY_MONTHS) + 1;
}

enum cert_status status_at(const struct status_facts *facts, int64_t now)
{
	if (facts->is_revoked)
		return CERT_REVOKED;
	if (now > facts->not_after)
		return CERT_EXPIRED;
	if (now < facts->not_before)
		return CERT_NOT_YET_VALID;
	if (facts->is_out_of_sync)
		return CERT_OUT_OF_SYNC;
	if (now >= status_near_expiry_from(facts->not_after))
		return CERT_NEAR_EXPIRY;
	return CERT_VALID;
}

bool status_is_live(enum cert_status status)
{
	return status == CERT_VALID || status == CERT_NEAR_EXPIRY || status == CERT_OUT_OF_SYNC;
}

const char *status_text(enum cert_status status)
{
	static const char *const texts[CERT_STATUS_COUNT] = {
		[CERT_VALID] = "valid",
		[CERT_NEAR_EXPIRY] = "near expiry",
		[CERT_OUT_OF_SYNC] = "out of sync",
		[CERT_NOT_YET_VALID] = "not yet valid",
		[CERT_EXPIRED] = "expired",
		[CERT_REVOKED] = "revoked",
	};

	return texts[status];
}

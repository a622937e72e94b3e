/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_STATUS_H
#define CERTS_STATUS_H
/* How a certificate stands at a moment, in the words that an operator is shown. */
#include <stdbool.h>
#include <stdint.h>

enum {
	STATUS_NEAR_EXPIRY_MONTHS = 6
};

enum cert_status {
	CERT_VALID,
	/* less than 6 calendar months left; with 6 months to the second it is still valid */
	CERT_NEAR_EXPIRY,
	CERT_OUT_OF_SYNC, /* in force, but the two ends know different certificates: needs a sync */
	CERT_NOT_YET_VALID,
	CERT_EXPIRED, /* from the second after not_after on */
	CERT_REVOKED,
	CERT_STATUS_COUNT,
};

/* not_before, not_after: the first and the last second of its life. */
struct status_facts {
	int64_t not_before;
	int64_t not_after;
	bool is_revoked;
	bool is_out_of_sync;
};

/*
 * Where several are true, the one that keeps it from working counts: revoked, then expired, not yet
 * valid, out of sync, near expiry. `now` in seconds since 1970, UTC.
 */
enum cert_status status_at(const struct status_facts *facts, int64_t now);

/* True when a session may be made with it: valid, near expiry, out of sync. */
bool status_is_live(enum cert_status status);

/* The first second at which it is near expiry: calendar months, to the day, in UTC. */
int64_t status_near_expiry_from(int64_t not_after);

/* "valid", "near expiry", "out of sync", "not yet valid", "expired", "revoked". A literal. */
const char *status_text(enum cert_status status);

#endif

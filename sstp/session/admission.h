/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_ADMISSION_H
#define SSTP_SESSION_ADMISSION_H
/*
 * Whether a new connection may come in, counted over all threads: limits for the whole gateway, and for each source
 * address (session/sources.h). Any thread calls these functions; a lock is held for the time of a table lookup, twice or
 * three times in a connection's life.
 */
#include "sstp/session/sources.h"

struct admission_limits {
	uint32_t sessions;  /* connections in all, authenticated or not; 0: no limit */
	uint32_t half_open; /* of them not yet authenticated; 0: no limit */
	struct sources_limits per_source;
};

enum admission_refusal {
	ADMISSION_SESSIONS,  /* as many as there may be */
	ADMISSION_HALF_OPEN, /* likewise of those that have not logged in */
	/* of the source's address, as enum source_verdict: */
	ADMISSION_SOURCE_HALF_OPEN,
	ADMISSION_SOURCE_RATE,
	ADMISSION_SOURCE_BANNED,
	ADMISSION_SOURCES_FULL,
	ADMISSION_FAILED, /* out of memory, or of something else */
	ADMISSION_REFUSALS,
};

struct admission_counts {
	uint32_t sessions, half_open;		 /* now */
	uint64_t accepted, refused;		 /* since the start */
	uint64_t refused_by[ADMISSION_REFUSALS]; /* of them, or of those about to be among them */
};

struct admission;

/* Without limits. Returns owned; NULL without memory. */
struct admission *admission_new(void);
/* Takes NULL; every connection must have left. */
void admission_free(struct admission *a);

void admission_set_limits(struct admission *a, const struct admission_limits *limits);

/* What a connection that came in holds. */
struct admission_ticket {
	uint64_t id;	       /* of the session: counted from 1, over all threads */
	struct source *source; /* borrowed while it is half-open; NULL: it has logged in */
};

/*
 * A connection from peer begins. NULL: it is counted, as half-open, until admission_leave(). Otherwise it must be closed,
 * and the text says why.
 */
const char *admission_enter(struct admission *a, const struct sockaddr_storage *peer, uint64_t now,
			    struct admission_ticket *ret_ticket);

/* It has authenticated: half-open no more. */
void admission_log_in(struct admission *a, struct admission_ticket *ticket);

/* It has ended. */
void admission_leave(struct admission *a, struct admission_ticket *ticket);

/* Its log-in failed. */
void admission_auth_failed(struct admission *a, const struct sockaddr_storage *peer, uint64_t now);

/* A connection was refused, for what admission_enter() has said or for another reason: counted, and logged once a second at most. */
void admission_refuse(struct admission *a, const struct sockaddr_storage *peer, uint64_t now,
		      const char *why);

struct admission_counts admission_counts(struct admission *a);

/* "sessions", "half_open", "source_half_open", ...: for labels. */
const char *admission_refusal_name(enum admission_refusal refusal);

#endif

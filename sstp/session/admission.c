/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/admission.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#include "sstp/base/bucket.h"
#include "sstp/base/log.h"
#include "sstp/net/listen.h"

struct admission {
	pthread_mutex_t lock;
	struct admission_limits limits;
	struct admission_counts counts;
	struct sources *sources;
	struct bucket refusal_log; /* refusals come at a stranger's will */
	uint64_t now; /* the latest that any thread has told: each reads the clock for itself */
};

/* Time never goes back for what is kept here. */
static uint64_t latest(struct admission *a, uint64_t now)
{
	if (now > a->now)
		a->now = now;
	return a->now;
}

struct admission *admission_new(void)
{
	struct admission *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->sources = sources_new(&a->limits.per_source);
	if (!a->sources) {
		free(a);
		return NULL;
	}
	pthread_mutex_init(&a->lock, NULL);
	bucket_init(&a->refusal_log, 1, 5);
	return a;
}

void admission_free(struct admission *a)
{
	if (!a)
		return;
	sources_free(a->sources);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

void admission_set_limits(struct admission *a, const struct admission_limits *limits)
{
	pthread_mutex_lock(&a->lock);
	a->limits = *limits;
	sources_set_limits(a->sources, &limits->per_source);
	pthread_mutex_unlock(&a->lock);
}

_Static_assert(ADMISSION_SOURCES_FULL - ADMISSION_SOURCE_HALF_OPEN ==
		       SOURCE_TABLE_FULL - SOURCE_TOO_MANY,
	       "refusals of a source are the verdicts about it, in their order");

/* ADMISSION_REFUSALS: it may come in. */
static enum admission_refusal judge(struct admission *a, const struct sockaddr_storage *peer,
				    uint64_t now, struct source **ret_source)
{
	const struct admission_limits *max = &a->limits;
	enum source_verdict verdict;

	if (max->sessions && a->counts.sessions >= max->sessions)
		return ADMISSION_SESSIONS;
	if (max->half_open && a->counts.half_open >= max->half_open)
		return ADMISSION_HALF_OPEN;
	verdict = sources_enter(a->sources, peer, latest(a, now), ret_source);
	if (verdict == SOURCE_OK)
		return ADMISSION_REFUSALS;
	return ADMISSION_SOURCE_HALF_OPEN + (verdict - SOURCE_TOO_MANY);
}

/* For the log. */
static const char *why_not(enum admission_refusal refusal)
{
	switch (refusal) {
	case ADMISSION_SESSIONS: return "the session limit is reached";
	case ADMISSION_HALF_OPEN:
		return "the limit of connections that have not logged in is reached";
	default:
		return source_verdict_name(SOURCE_TOO_MANY +
					   (refusal - ADMISSION_SOURCE_HALF_OPEN));
	}
}

/* admission_enter() has said and counted it. */
static bool is_judged(const char *why)
{
	for (unsigned i = 0; i < ADMISSION_FAILED; i++)
		if (why == why_not((enum admission_refusal)i))
			return true;
	return false;
}

const char *admission_enter(struct admission *a, const struct sockaddr_storage *peer, uint64_t now,
			    struct admission_ticket *ret_ticket)
{
	struct source *source;
	enum admission_refusal refusal;

	pthread_mutex_lock(&a->lock);
	refusal = judge(a, peer, now, &source);
	if (refusal == ADMISSION_REFUSALS) {
		a->counts.sessions++;
		a->counts.half_open++;
		*ret_ticket = (struct admission_ticket){++a->counts.accepted, source};
	} else {
		a->counts.refused_by[refusal]++;
	}
	pthread_mutex_unlock(&a->lock);
	return refusal == ADMISSION_REFUSALS ? NULL : why_not(refusal);
}

static void leave_half_open(struct admission *a, struct admission_ticket *ticket)
{
	if (!ticket->source)
		return;
	source_leave(ticket->source);
	ticket->source = NULL;
	a->counts.half_open--;
}

void admission_log_in(struct admission *a, struct admission_ticket *ticket)
{
	pthread_mutex_lock(&a->lock);
	leave_half_open(a, ticket);
	pthread_mutex_unlock(&a->lock);
}

void admission_leave(struct admission *a, struct admission_ticket *ticket)
{
	pthread_mutex_lock(&a->lock);
	leave_half_open(a, ticket);
	a->counts.sessions--;
	pthread_mutex_unlock(&a->lock);
}

void admission_auth_failed(struct admission *a, const struct sockaddr_storage *peer, uint64_t now)
{
	pthread_mutex_lock(&a->lock);
	sources_auth_failed(a->sources, peer, latest(a, now));
	pthread_mutex_unlock(&a->lock);
}

void admission_refuse(struct admission *a, const struct sockaddr_storage *peer, uint64_t now,
		      const char *why)
{
	char text[ADDRESS_TEXT_MAX];
	uint64_t refused;
	bool is_logged;

	pthread_mutex_lock(&a->lock);
	refused = ++a->counts.refused;
	a->counts.refused_by[ADMISSION_FAILED] += !is_judged(why);
	is_logged = bucket_take(&a->refusal_log, latest(a, now));
	pthread_mutex_unlock(&a->lock);
	if (is_logged)
		log_warning("connection from %s refused: %s (%" PRIu64 " refused so far)",
			    address_format(peer, text), why, refused);
}

struct admission_counts admission_counts(struct admission *a)
{
	struct admission_counts counts;

	pthread_mutex_lock(&a->lock);
	counts = a->counts;
	pthread_mutex_unlock(&a->lock);
	return counts;
}

const char *admission_refusal_name(enum admission_refusal refusal)
{
	static const char *const names[ADMISSION_REFUSALS] = {
		[ADMISSION_SESSIONS] = "sessions",
		[ADMISSION_HALF_OPEN] = "half_open",
		[ADMISSION_SOURCE_HALF_OPEN] = "source_half_open",
		[ADMISSION_SOURCE_RATE] = "source_rate",
		[ADMISSION_SOURCE_BANNED] = "source_banned",
		[ADMISSION_SOURCES_FULL] = "sources_full",
		[ADMISSION_FAILED] = "failed",
	};

	return names[refusal];
}

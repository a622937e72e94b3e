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

static const char *judge(struct admission *a, const struct sockaddr_storage *peer, uint64_t now,
			 struct source **ret_source)
{
	const struct admission_limits *max = &a->limits;
	enum source_verdict verdict;

	if (max->sessions && a->counts.sessions >= max->sessions)
		return "the session limit is reached";
	if (max->half_open && a->counts.half_open >= max->half_open)
		return "the limit of connections that have not logged in is reached";
	verdict = sources_enter(a->sources, peer, latest(a, now), ret_source);
	return verdict == SOURCE_OK ? NULL : source_verdict_name(verdict);
}

const char *admission_enter(struct admission *a, const struct sockaddr_storage *peer, uint64_t now,
			    struct admission_ticket *ret_ticket)
{
	struct source *source;
	const char *why;

	pthread_mutex_lock(&a->lock);
	why = judge(a, peer, now, &source);
	if (!why) {
		a->counts.sessions++;
		a->counts.half_open++;
		*ret_ticket = (struct admission_ticket){++a->counts.accepted, source};
	}
	pthread_mutex_unlock(&a->lock);
	return why;
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

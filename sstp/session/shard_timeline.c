/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What control is told of how sessions come up and end. Whoever was authenticated is told of; of strangers, who may be as
 * many as they like, each thread tells of STRANGERS_PER_S in a second and counts the rest.
 */
#include <string.h>
#include <time.h>

#include "sstp/base/log.h"
#include "sstp/session/shard_internal.h"

enum {
	STRANGERS_PER_S = 20,
	STRANGERS_BURST = 100,
	DIALLED_MAX = 255, /* bytes, escaped: what is longer is no host name */
	NS_PER_US = 1000,
};

/* What the texts lie in. */
struct words {
	char app[NAME_LABEL_MAX];
	char source[ADDRESS_TEXT_MAX];
	char correlation[64];
	char dialled[DIALLED_MAX + 1];
	char reason[SESSION_REASON_MAX];
};

static const char *escape(char *buf, size_t size, const char *text)
{
	return log_escape(buf, size, text, strlen(text));
}

static int64_t wall_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / NS_PER_US;
}

/* reason: NULL: it has not ended. */
static struct report_timeline timeline_of(const struct client *c, const char *reason,
					  struct words *w)
{
	const struct session *s = c->session;
	uint64_t lasted_us = (loop_now(c->shard->loop) - session_began_at(s)) / NS_PER_US;

	if (!c->connection || !client_app(c, w->app))
		*w->app = '\0';
	return (struct report_timeline){
		.id = c->ticket.id,
		.began_us = wall_us() - (int64_t)lasted_us,
		.lasted_us = lasted_us,
		.has_ended = reason != NULL,
		.is_enrolment = session_is_enrolment(s),
		.ended_by = (uint8_t)session_ended_by(s),
		.stages = *session_stages(s),
		.address_be = c->lease.address_be,
		.app = w->app,
		.vnet = c->vnet,
		.user = session_user(s),
		.source = address_format(&c->peer, w->source),
		.dialled = escape(w->dialled, sizeof(w->dialled), session_dialled(s)),
		.tls = session_tls_name(s),
		.correlation =
			escape(w->correlation, sizeof(w->correlation), session_correlation(s)),
		.auth = session_auth_name(s),
		.thumbprint = session_thumbprint(s),
		.reason = escape(w->reason, sizeof(w->reason), reason ? reason : ""),
	};
}

void timelines_init(struct shard *s)
{
	bucket_init(&s->strangers, STRANGERS_PER_S, STRANGERS_BURST);
}

static void tell(struct client *c, const char *reason)
{
	struct shard *s = c->shard;
	struct report_timeline t;
	struct words w;

	if (!report_is_open(s->params.reports))
		return;
	t = timeline_of(c, reason, &w);
	t.untold = s->untold;
	s->untold = 0;
	report_timeline(s->params.reports, &t);
}

void client_tell_timeline(struct client *c)
{
	if (c->since)
		tell(c, NULL);
}

void client_end_timeline(struct client *c, const char *reason)
{
	struct shard *s = c->shard;

	if (stages_has_passed(session_stages(c->session), STAGE_AUTH) ||
	    bucket_take(&s->strangers, loop_now(s->loop)))
		tell(c, reason);
	else
		s->untold++;
}

int client_list_timeline(const struct client *c, struct report_list *list)
{
	struct words w;
	struct report_timeline t = timeline_of(c, NULL, &w);

	return report_list_add_timeline(list, &t);
}

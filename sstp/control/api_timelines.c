/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/api_timelines.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/calendar.h"
#include "sstp/control/path.h"
#include "sstp/control/query.h"
#include "sstp/control/reply.h"

#define US_PER_S 1000000

enum {
	EVENTS_MAX = MSG_STAGES + TIMELINE_NOTES_MAX + 1,
	TIME_TEXT_MAX = CALENDAR_TEXT_MAX + 8,
	DETAIL_MAX = 1024,
};

static const char path[] = "/v1/timelines";

/* One line of it. */
struct event {
	int64_t at_us; /* since 1970 */
	const char *name;
	char detail[DETAIL_MAX];
};

/* ---- what is said ---- */

static const char *const stage_names[MSG_STAGES] = {
	[MSG_STAGE_TCP] = "tcp",     [MSG_STAGE_TLS] = "tls",
	[MSG_STAGE_HTTP] = "http",   [MSG_STAGE_SSTP] = "sstp",
	[MSG_STAGE_LCP] = "lcp",     [MSG_STAGE_AUTH] = "auth",
	[MSG_STAGE_BOUND] = "bound", [MSG_STAGE_IPCP] = "ipcp",
	[MSG_STAGE_IP6CP] = "ip6cp", [MSG_STAGE_SUBSCRIBED] = "subscribed",
};

static const char *const side_names[MSG_SIDES] = {
	[MSG_SIDE_GATEWAY] = "gateway",
	[MSG_SIDE_CLIENT] = "client",
	[MSG_SIDE_NETWORK] = "network",
};

static void say_auth(const struct msg_timeline *m, char *detail)
{
	snprintf(detail, DETAIL_MAX, "%s as %s%s%s", m->auth, m->user,
		 *m->thumbprint ? ", certificate " : "", m->thumbprint);
}

static const char *address_text(const struct msg_timeline *m, char buf[INET_ADDRSTRLEN])
{
	return m->address_be ? inet_ntop(AF_INET, &m->address_be, buf, INET_ADDRSTRLEN) : "";
}

/* What there is to know of a stage that was passed. */
static void say_stage(const struct msg_timeline *m, enum msg_stage stage, char *detail)
{
	char address[INET_ADDRSTRLEN];

	switch (stage) {
	case MSG_STAGE_TCP: snprintf(detail, DETAIL_MAX, "from %s", m->source); break;
	case MSG_STAGE_TLS:
		snprintf(detail, DETAIL_MAX, "%s, name dialled: %s", m->tls,
			 *m->dialled ? m->dialled : "none");
		break;
	case MSG_STAGE_HTTP:
		snprintf(detail, DETAIL_MAX, "correlation %s",
			 *m->correlation ? m->correlation : "none");
		break;
	case MSG_STAGE_SSTP: snprintf(detail, DETAIL_MAX, "call accepted"); break;
	case MSG_STAGE_LCP:
		snprintf(detail, DETAIL_MAX, "PPP agreed on %s", *m->auth ? m->auth : "nothing");
		break;
	case MSG_STAGE_AUTH: say_auth(m, detail); break;
	case MSG_STAGE_BOUND: snprintf(detail, DETAIL_MAX, "crypto binding holds"); break;
	case MSG_STAGE_IPCP:
		snprintf(detail, DETAIL_MAX, "address %s", address_text(m, address));
		break;
	case MSG_STAGE_IP6CP: snprintf(detail, DETAIL_MAX, "IPv6 flows"); break;
	default: snprintf(detail, DETAIL_MAX, "a worker of ours asks for its network"); break;
	}
}

static const char *state_of(const struct timeline *e)
{
	if (e->told.is_enrolment)
		return "enrolment";
	if (!e->told.has_ended)
		return "up";
	return timeline_has_passed(e, MSG_STAGE_IPCP) ? "ended" : "failed";
}

/* NULL: nowhere. */
static const char *stopped_at(const struct timeline *e)
{
	if (e->told.is_enrolment || !e->told.has_ended)
		return NULL;
	for (unsigned i = MSG_STAGE_TCP; i <= MSG_STAGE_IPCP; i++)
		if (!timeline_has_passed(e, i))
			return stage_names[i];
	return NULL;
}

/* ---- events in their order ---- */

/* Behind those of the same time. Returns it. */
static struct event *insert(struct event *events, size_t *n, int64_t at_us, const char *name)
{
	size_t at = *n;

	while (at && events[at - 1].at_us > at_us)
		at--;
	memmove(&events[at + 1], &events[at], (*n - at) * sizeof(*events));
	(*n)++;
	events[at].at_us = at_us;
	events[at].name = name;
	return &events[at];
}

static size_t list_events(const struct timeline *e, struct event events[EVENTS_MAX])
{
	const struct msg_timeline *m = &e->told;
	size_t n = 0;

	for (unsigned i = 0; i < MSG_STAGES; i++)
		if (timeline_has_passed(e, i))
			say_stage(m, i,
				  insert(events, &n, m->began_us + m->stages_us[i], stage_names[i])
					  ->detail);
	for (const struct timeline_note *note = e->notes; note; note = note->next)
		snprintf(insert(events, &n, note->at_us, note->event)->detail, DETAIL_MAX, "%s",
			 note->detail);
	if (m->has_ended)
		snprintf(insert(events, &n, m->began_us + (int64_t)m->lasted_us, "ended")->detail,
			 DETAIL_MAX, "by the %s: %s", side_names[m->ended_by], m->reason);
	return n;
}

/* ---- in JSON ---- */

static json_t *time_json(int64_t us)
{
	char seconds[CALENDAR_TEXT_MAX], text[TIME_TEXT_MAX];

	calendar_text(us / US_PER_S, seconds);
	snprintf(text, sizeof(text), "%.19s.%06uZ", seconds, (unsigned)(us % US_PER_S));
	return json_string(text);
}

/* "": none */
static json_t *text_json(const char *text)
{
	return *text ? json_string(text) : json_null();
}

static json_t *events_json(const struct timeline *e)
{
	struct event *events = calloc(EVENTS_MAX, sizeof(*events));
	json_t *list = json_array();
	int64_t before = e->told.began_us;
	size_t n = events ? list_events(e, events) : 0;

	for (size_t i = 0; i < n; i++) {
		int64_t at = events[i].at_us;

		json_array_append_new(
			list,
			json_pack("{s:s, s:o, s:I, s:I, s:s}", "event", events[i].name, "at",
				  time_json(at), "offsetUs", (json_int_t)(at - e->told.began_us),
				  "gapUs", (json_int_t)(at - before), "detail", events[i].detail));
		before = at;
	}
	free(events);
	return list;
}

static json_t *timeline_json(const struct timeline *e)
{
	const struct msg_timeline *m = &e->told;
	char id[TIMELINE_ID_MAX], address[INET_ADDRSTRLEN];
	const char *stop = stopped_at(e);
	int64_t ended_us = m->began_us + (int64_t)m->lasted_us;

	return json_pack(
		"{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
		"s:o, s:o, s:I, s:o}",
		"vpnConnectionId", timeline_id(e, id), "state", state_of(e), "app",
		text_json(m->app), "vnet", text_json(m->vnet), "vpnUserName", text_json(m->user),
		"authentication", text_json(m->auth), "certThumbprint", text_json(m->thumbprint),
		"publicIpAddress", m->source, "privateIpAddress",
		text_json(address_text(m, address)), "dialled", text_json(m->dialled), "tls",
		text_json(m->tls), "correlationId", text_json(m->correlation), "began",
		time_json(m->began_us), "ended", m->has_ended ? time_json(ended_us) : json_null(),
		"stoppedAt", stop ? json_string(stop) : json_null(), "endedBy",
		m->has_ended ? json_string(side_names[m->ended_by]) : json_null(), "reason",
		text_json(m->reason), "events", events_json(e), "eventsForgotten",
		(json_int_t)e->forgotten, "durationUs",
		m->has_ended ? json_integer((json_int_t)m->lasted_us) : json_null());
}

/* ---- the answer ---- */

/* False: refused. */
static bool read_limit(const struct query *q, unsigned long *ret_limit, struct front_reply *reply)
{
	const char *text = query_get(q, "limit");
	char *end;

	*ret_limit = API_TIMELINES_LIMIT;
	if (!text)
		return true;
	*ret_limit = strtoul(text, &end, 10);
	if (*text >= '0' && *text <= '9' && !*end && *ret_limit >= 1 &&
	    *ret_limit <= TIMELINE_SESSIONS_MAX)
		return true;
	reply_refuse(reply, 400, "'limit' must be a number from 1 to 16384", NULL);
	return false;
}

static void list(const struct timelines *t, const struct query *q, struct front_reply *reply)
{
	const struct timelines_key key = {.session = query_get(q, "session"),
					  .correlation = query_get(q, "correlation"),
					  .app = query_get(q, "app")};
	const struct timeline *e = NULL;
	json_t *rows, *answer;
	unsigned long limit;

	if (!read_limit(q, &limit, reply))
		return;
	rows = json_array();
	while (json_array_size(rows) < limit && (e = timelines_next(t, &key, e)))
		json_array_append_new(rows, timeline_json(e));
	answer = json_pack("{s:o, s:I}", "value", rows, "untold", (json_int_t)timelines_untold(t));
	*reply = (struct front_reply){.status = 200,
				      .json = json_dumps(answer, JSON_COMPACT | JSON_ENSURE_ASCII)};
	json_decref(answer);
}

bool api_timelines_has_path(const char *asked)
{
	struct path_names names;

	return path_match(path, asked, &names);
}

void api_timelines_answer(const struct timelines *t, const struct front_request *request,
			  struct front_reply *ret_reply)
{
	static const char *const keys[] = {"session", "correlation", "app", "limit", NULL};
	char why[QUERY_WHY_MAX];
	struct query query;

	if (request->method != FRONT_GET)
		reply_refuse(ret_reply, 405, "this path has no such method", NULL);
	else if (query_parse(request->query, keys, &query, why) < 0)
		reply_refuse(ret_reply, 400, why, NULL);
	else
		list(t, &query, ret_reply);
}

const char *api_timelines_route(size_t i, enum front_method *ret_method)
{
	*ret_method = FRONT_GET;
	return i == 0 ? path : NULL;
}

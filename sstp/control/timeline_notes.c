/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/timeline_notes.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/base/log.h"
#include "sstp/control/front.h"
#include "sstp/control/msg_probe.h"
#include "sstp/control/msg_site.h"
#include "sstp/control/msg_trace.h"
#include "sstp/control/path.h"

enum {
	KIND_AT = 4, /* in a frame's head */
};

/* What is noted, and for whom. */
struct noting {
	struct timelines *t;
	const char *who;
	int64_t now_us;
};

static void note(const struct noting *n, const struct timelines_whose *whose, const char *event,
		 const char *what)
{
	char said[TIMELINE_DETAIL_MAX + 1], detail[TIMELINE_DETAIL_MAX + 1];

	snprintf(said, sizeof(said), "%s%s%s", what, n->who ? ", by " : "", n->who ? n->who : "");
	log_escape(detail, sizeof(detail), said, strlen(said));
	timelines_note(n->t, whose, n->now_us, event, detail);
}

static const char *given(const char *text)
{
	return *text ? text : NULL;
}

static void on_disconnect(const struct noting *n, const uint8_t *payload, size_t len)
{
	struct msg_disconnect m;

	if (msg_disconnect_decode(payload, len, &m) == 0)
		note(n, &(struct timelines_whose){m.session, given(m.app), given(m.vnet)},
		     m.is_restart ? "restart" : "disconnect", m.reason);
}

static void on_connection(const struct noting *n, const uint8_t *payload, size_t len)
{
	char what[TIMELINE_DETAIL_MAX + 1];
	struct msg_connection m;

	if (msg_connection_decode(payload, len, &m) < 0)
		return;
	if (*m.refusal)
		snprintf(what, sizeof(what), "its connection is refused: %s", m.refusal);
	else
		snprintf(what, sizeof(what), "it is told of its network: %zu routes", m.n_routes);
	note(n, &(struct timelines_whose){.app = m.app, .vnet = m.vnet}, "network", what);
	msg_connection_done(&m);
}

static void on_connection_gone(const struct noting *n, const uint8_t *payload, size_t len)
{
	const char *app;

	if (msg_name_decode(payload, len, &app) == 0)
		note(n, &(struct timelines_whose){.app = app}, "network",
		     "its connection is taken away");
}

/* Those that follow one with another size, hop limit or source are parts of the same question. */
static void on_probe(const struct noting *n, const uint8_t *payload, size_t len)
{
	char address[PREFIX_TEXT_MAX], what[TIMELINE_DETAIL_MAX + 1];
	struct msg_probe m;

	if (msg_probe_decode(payload, len, &m) < 0 || m.size || m.ttl || m.source)
		return;
	prefix_format_address(&m.destination, address);
	if (m.port)
		snprintf(what, sizeof(what), "%s port %u is asked in the name of the %s", address,
			 m.port, m.session ? "session" : "app");
	else
		snprintf(what, sizeof(what), "%s is asked for an echo in the name of the %s",
			 address, m.session ? "session" : "app");
	note(n, &(struct timelines_whose){m.session, given(m.app), given(m.vnet)}, "probe", what);
}

static void on_trace(const struct noting *n, const uint8_t *payload, size_t len)
{
	char address[PREFIX_TEXT_MAX], what[TIMELINE_DETAIL_MAX + 1];
	struct msg_trace m;

	if (msg_trace_decode(payload, len, &m) < 0)
		return;
	prefix_format_address(&m.destination, address);
	if (m.port)
		snprintf(what, sizeof(what), "a probe to %s port %u is followed", address, m.port);
	else
		snprintf(what, sizeof(what), "an echo to %s is followed", address);
	note(n, &(struct timelines_whose){m.session, given(m.app), given(m.vnet)}, "trace", what);
}

void timeline_notes_on_frame(struct timelines *t, const uint8_t *frame, size_t len, const char *who,
			     int64_t now_us)
{
	const struct noting n = {t, who, now_us};
	const uint8_t *payload = frame + MSG_HEAD_SIZE;
	size_t payload_len = len - MSG_HEAD_SIZE;

	switch (frame[KIND_AT]) {
	case MSG_DISCONNECT: on_disconnect(&n, payload, payload_len); break;
	case MSG_CONNECTION: on_connection(&n, payload, payload_len); break;
	case MSG_CONNECTION_GONE: on_connection_gone(&n, payload, payload_len); break;
	case MSG_PROBE: on_probe(&n, payload, payload_len); break;
	case MSG_TRACE: on_trace(&n, payload, payload_len); break;
	}
}

/* The answer says whose certificate it was; null: nobody knows. */
void timeline_notes_on_answer(struct timelines *t, const struct front_request *request,
			      const struct front_reply *reply, int64_t now_us)
{
	const struct noting n = {t, request->who, now_us};
	char what[TIMELINE_DETAIL_MAX + 1] = "all certificates of its app are revoked";
	struct path_names names;
	json_t *answer;
	const char *app;

	if (request->method != FRONT_POST || reply->status != 200 || !reply->json)
		return;
	if (path_match("/v1/certificates/:thumbprint/revoke", request->path, &names))
		snprintf(what, sizeof(what), "certificate %s of its app, and its renewals, revoked",
			 names.texts[0]);
	else if (!path_match("/v1/apps/:app/revoke", request->path, &names))
		return;
	answer = json_loads(reply->json, 0, NULL);
	app = json_string_value(json_object_get(answer, "app"));
	if (app)
		note(&n, &(struct timelines_whose){.app = app}, "revocation", what);
	json_decref(answer);
}

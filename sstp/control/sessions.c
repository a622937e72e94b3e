/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/sessions.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/base/log.h"
#include "sstp/control/model_internal.h"
#include "sstp/control/tally.h"

enum {
	VALUES_MAX = 24,
	DAY_S = 86400,
	/* a gateway was not watched for longer than that: nobody knows whether it was up */
	UNWATCHED_S_MAX = 5 * SESSIONS_TICK_S,
	NEW_MAX = 1000, /* sessions between two looks at the limits */
};

/* Of any counter: sums of a thousand of them are still numbers of SQLite's. */
#define COUNT_MAX (INT64_C(1) << 53)

struct sessions {
	struct model *model;
	bool is_listing;     /* between SESSIONS_BEGIN and SESSIONS_END */
	unsigned n_new;	     /* since the limits were looked at */
	struct tally *tally; /* what TRAFFIC has said, not stored yet */
};

struct sessions *sessions_new(struct model *model)
{
	struct sessions *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->model = model;
	s->tally = tally_new();
	if (s->tally)
		return s;
	free(s);
	return NULL;
}

void sessions_free(struct sessions *s)
{
	if (!s)
		return;
	tally_free(s->tally);
	free(s);
}

/* ---- statements ---- */

struct values {
	size_t n;
	struct store_value list[VALUES_MAX];
};

static void add_text(struct values *v, const char *name, const char *text)
{
	v->list[v->n++] = (struct store_value){.name = name, .text = text};
}

static void add_number(struct values *v, const char *name, int64_t number)
{
	v->list[v->n++] = (struct store_value){.name = name, .number = number, .is_number = true};
}

static void add_count(struct values *v, const char *name, uint64_t count)
{
	add_number(v, name, count < (uint64_t)COUNT_MAX ? (int64_t)count : COUNT_MAX);
}

static void add_counts(struct values *v, const struct msg_counts *c)
{
	add_count(v, ":sent_packets", c->sent_packets);
	add_count(v, ":sent_bytes", c->sent_bytes);
	add_count(v, ":received_packets", c->received_packets);
	add_count(v, ":received_bytes", c->received_bytes);
}

/* boot and id are 64 bits each, of which SQLite knows the sign only. */
static struct values values_of(uint64_t boot, uint64_t id, int64_t now)
{
	struct values v = {0};

	add_number(&v, ":boot", (int64_t)boot);
	add_number(&v, ":number", (int64_t)id);
	add_number(&v, ":now", now);
	add_number(&v, ":day", now / DAY_S);
	return v;
}

/* Rows changed; -errno. */
static int run(struct sessions *s, const char *sql, const struct values *v, struct certs_error *e)
{
	int r = model_batch(s->model, e);

	return r < 0 ? r : store_run(s->model->store, sql, v->list, v->n, e);
}

/* Each in turn; 0 or -errno. */
static int run_all(struct sessions *s, const char *const *sql, size_t n, const struct values *v,
		   struct certs_error *e)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < n; i++)
		r = run(s, sql[i], v, e);
	return r < 0 ? r : 0;
}

#define RUN_ALL(s, list, v, e) run_all(s, list, sizeof(list) / sizeof((list)[0]), v, e)

/* ---- sessions ---- */

#define THIS "boot = :boot AND number = :number"

#define MORE(counter) "max(0, :" counter " - " counter ")"
#define SUM(counter)  counter " = min(" counter " + excluded." counter ", 1 << 62)"
#define GROW(counter) counter " = max(" counter ", :" counter ")"

/* clang-format off */
/* The day's sum first: it is the difference to what the session has. */
static const char *const count_sql[] = {
	"INSERT INTO usage SELECT :day, app, plan, vnet, " MORE("sent_packets") ", " MORE("sent_bytes")
	", " MORE("received_packets") ", " MORE("received_bytes") " FROM session WHERE " THIS
	" AND (sent_bytes < :sent_bytes OR sent_packets < :sent_packets"
	" OR received_bytes < :received_bytes OR received_packets < :received_packets)"
	" ON CONFLICT DO UPDATE SET " SUM("sent_packets") ", " SUM("sent_bytes")
	", " SUM("received_packets") ", " SUM("received_bytes"),

	"UPDATE session SET " GROW("sent_packets") ", " GROW("sent_bytes")
	", " GROW("received_packets") ", " GROW("received_bytes") " WHERE " THIS,
};
/* clang-format on */

/* An app that is not the model's is nobody's. */
static const char up_sql[] =
	"INSERT INTO session (boot, number, app, plan, vnet, user, address, source, correlation,"
	" thumbprint, since) SELECT :boot, :number, coalesce(a.name, ''),"
	" coalesce(p.resource_id, ''), v.name, :user, :address, :source, :correlation, :thumbprint,"
	" :since FROM vnet v LEFT JOIN app a ON a.name = :app LEFT JOIN plan p ON p.id = a.plan_id"
	" WHERE v.name = :vnet"
	" ON CONFLICT (boot, number) DO UPDATE SET ended = NULL, reason = ''";

static const char lease_sql[] =
	"INSERT INTO lease SELECT id, :address, :owner, :now FROM vnet WHERE name = :vnet"
	" ON CONFLICT DO UPDATE SET owner = excluded.owner, at = excluded.at";

static const char listed_sql[] = "INSERT OR IGNORE INTO listed VALUES (:boot, :number)";

static int keep_limits(struct sessions *s, int64_t now, struct certs_error *e);

static int on_up(struct sessions *s, const struct msg_session_up *m, int64_t now,
		 struct certs_error *e)
{
	struct values v = values_of(m->boot, m->id, now);
	char user[MSG_REASON_MAX + 1];
	char correlation[MSG_CORRELATION_MAX + 1];
	int r;

	log_escape(user, sizeof(user), m->user, strlen(m->user));
	log_escape(correlation, sizeof(correlation), m->correlation, strlen(m->correlation));
	add_text(&v, ":app", m->app);
	add_text(&v, ":vnet", m->vnet);
	add_text(&v, ":user", user);
	add_text(&v, ":owner", m->owner);
	add_number(&v, ":address", ntohl(m->address_be));
	add_text(&v, ":source", m->source);
	add_text(&v, ":correlation", correlation);
	add_text(&v, ":thumbprint", m->thumbprint);
	add_number(&v, ":since", m->since > 0 && m->since < now ? m->since : now);
	add_counts(&v, &m->counts);
	r = run(s, up_sql, &v, e);
	if (r == 0)
		return certs_fail(e, -EBADMSG, "session %llu is in a VNet that is not there",
				  (unsigned long long)m->id);
	if (r > 0 && *m->owner && m->address_be)
		r = run(s, lease_sql, &v, e);
	if (r >= 0 && s->is_listing)
		r = run(s, listed_sql, &v, e);
	if (r >= 0)
		r = RUN_ALL(s, count_sql, &v, e);
	if (r == 0 && ++s->n_new >= NEW_MAX)
		r = keep_limits(s, now, e);
	return r;
}

/* His address is kept for him from now on for as long as there are others. */
static const char *const down_sql[] = {
	"UPDATE lease SET at = :now FROM session s JOIN vnet v ON v.name = s.vnet"
	" WHERE s.boot = :boot AND s.number = :number AND lease.vnet_id = v.id"
	" AND lease.address = s.address",
	"UPDATE session SET ended = :now, reason = :reason WHERE ended IS NULL AND " THIS,
};

static int on_down(struct sessions *s, const struct msg_session_down *m, int64_t now,
		   struct certs_error *e)
{
	struct values v = values_of(m->boot, m->id, now);
	char reason[MSG_REASON_MAX + 1];
	int r;

	log_escape(reason, sizeof(reason), m->reason, strlen(m->reason));
	add_text(&v, ":reason", reason);
	add_counts(&v, &m->counts);
	r = RUN_ALL(s, count_sql, &v, e);
	return r == 0 ? RUN_ALL(s, down_sql, &v, e) : r;
}

int sessions_settle(struct sessions *s, int64_t now, struct certs_error *ret_error)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < tally_count(s->tally); i++) {
		struct msg_counts counts;
		uint64_t boot, id;
		struct values v;

		tally_at(s->tally, i, &boot, &id, &counts);
		v = values_of(boot, id, now);
		add_counts(&v, &counts);
		r = RUN_ALL(s, count_sql, &v, ret_error);
	}
	if (r == 0)
		tally_clear(s->tally);
	return r;
}

/* Full: what there is is stored first. */
static int on_traffic(struct sessions *s, const struct msg_traffic *m, int64_t now,
		      struct certs_error *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->n_entries; i++) {
		const struct msg_traffic_entry *entry = &m->entries[i];

		r = tally_add(s->tally, m->boot, entry->id, &entry->counts);
		if (r == -ENOSPC)
			r = sessions_settle(s, now, e);
		else if (r < 0)
			return certs_fail(e, r, "out of memory");
		else
			continue;
		if (r == 0)
			r = tally_add(s->tally, m->boot, entry->id, &entry->counts);
	}
	return r;
}

/* ---- gateways ---- */

/* Up to midnight is that day's, what is behind it the next one's. */
static const char *const watch_sql[] = {
	"INSERT INTO gateway_time SELECT counted / 86400, vnet,"
	" min(:now, (counted / 86400 + 1) * 86400) - counted FROM gateway_state"
	" WHERE why = '' AND counted < :now AND :now - counted <= :longest"
	" ON CONFLICT DO UPDATE SET seconds = seconds + excluded.seconds",

	"INSERT INTO gateway_time SELECT :now / 86400, vnet, :now % 86400 FROM gateway_state"
	" WHERE why = '' AND counted / 86400 < :now / 86400 AND :now % 86400 > 0"
	" AND :now - counted <= :longest"
	" ON CONFLICT DO UPDATE SET seconds = seconds + excluded.seconds",

	"UPDATE gateway_state SET counted = :now",
};

static int count_time(struct sessions *s, int64_t now, struct certs_error *e)
{
	struct values v = {0};

	add_number(&v, ":now", now);
	add_number(&v, ":longest", UNWATCHED_S_MAX);
	return RUN_ALL(s, watch_sql, &v, e);
}

int sessions_set_state(struct sessions *s, const char *vnet, const char *why, int64_t now,
		       struct certs_error *ret_error)
{
	struct values v = {0};
	int r = count_time(s, now, ret_error);

	add_text(&v, ":vnet", vnet);
	add_text(&v, ":why", why);
	add_number(&v, ":now", now);
	if (r == 0)
		r = run(s,
			"INSERT OR REPLACE INTO gateway_state SELECT name, :why, :now FROM vnet"
			" WHERE name = :vnet",
			&v, ret_error);
	if (r > 0 && *why)
		log_warning("the gateway of VNet %s is not up: %s", vnet, why);
	return r < 0 ? r : 0;
}

/* ---- all of them ---- */

static const char *const begin_sql[] = {
	"DELETE FROM listed",
	"DELETE FROM gateway_state",
};

static int on_begin(struct sessions *s, int64_t now, struct certs_error *e)
{
	struct values v = {0};
	int r = sessions_settle(s, now, e);

	if (r == 0)
		r = count_time(s, now, e);
	s->is_listing = true;
	return r == 0 ? RUN_ALL(s, begin_sql, &v, e) : r;
}

static const char *const end_sql[] = {
	"UPDATE session SET ended = :now, reason = 'it was lost: the gateway has started anew'"
	" WHERE ended IS NULL AND NOT EXISTS (SELECT 1 FROM listed l WHERE l.boot = session.boot"
	" AND l.number = session.number)",
	"DELETE FROM listed",
};

static int on_end(struct sessions *s, int64_t now, struct certs_error *e)
{
	struct values v = {0};

	if (!s->is_listing)
		return 0;
	s->is_listing = false;
	add_number(&v, ":now", now);
	return RUN_ALL(s, end_sql, &v, e);
}

int sessions_lost(struct sessions *s, int64_t now, struct certs_error *ret_error)
{
	int r = on_begin(s, now, ret_error);

	return r == 0 ? on_end(s, now, ret_error) : r;
}

/* ---- limits ---- */

/* The end of a list sorts behind the time of any end. */
static const char *const limit_sql[] = {
	"DELETE FROM session WHERE ended < :kept",

	("DELETE FROM session WHERE id IN (SELECT id FROM session"
	 " ORDER BY ended IS NULL, ended, id"
	 " LIMIT max(0, (SELECT count(*) FROM session) - :sessions))"),

	"DELETE FROM usage WHERE day < :day",

	"DELETE FROM gateway_time WHERE day < :day",

	("DELETE FROM lease WHERE (vnet_id, address) IN (SELECT vnet_id, address FROM lease"
	 " ORDER BY at LIMIT max(0, (SELECT count(*) FROM lease) - :leases))"),
};

static int keep_limits(struct sessions *s, int64_t now, struct certs_error *e)
{
	struct values v = {0};

	s->n_new = 0;
	add_number(&v, ":kept", now - SESSIONS_KEPT_S);
	add_number(&v, ":sessions", SESSIONS_MAX);
	add_number(&v, ":leases", LEASES_MAX);
	add_number(&v, ":day", now / DAY_S - USAGE_DAYS_MAX);
	return RUN_ALL(s, limit_sql, &v, e);
}

int sessions_tick(struct sessions *s, int64_t now, struct certs_error *ret_error)
{
	int r = sessions_settle(s, now, ret_error);

	if (r == 0)
		r = count_time(s, now, ret_error);
	return r == 0 ? keep_limits(s, now, ret_error) : r;
}

/* ---- messages ---- */

static int take_up(struct sessions *s, const uint8_t *payload, size_t len, int64_t now,
		   struct certs_error *e)
{
	struct msg_session_up m;
	int r = msg_session_up_decode(payload, len, &m);

	return r < 0 ? certs_fail(e, r, "SESSION_UP is no message") : on_up(s, &m, now, e);
}

static int take_down(struct sessions *s, const uint8_t *payload, size_t len, int64_t now,
		     struct certs_error *e)
{
	struct msg_session_down m;
	int r = msg_session_down_decode(payload, len, &m);

	return r < 0 ? certs_fail(e, r, "SESSION_DOWN is no message") : on_down(s, &m, now, e);
}

static int take_traffic(struct sessions *s, const uint8_t *payload, size_t len, int64_t now,
			struct certs_error *e)
{
	struct msg_traffic m;
	int r = msg_traffic_decode(payload, len, &m);

	if (r < 0)
		return certs_fail(e, r, "TRAFFIC is no message");
	r = on_traffic(s, &m, now, e);
	msg_traffic_done(&m);
	return r;
}

static int take_state(struct sessions *s, const uint8_t *payload, size_t len, int64_t now,
		      struct certs_error *e)
{
	struct msg_vnet_state m;
	int r = msg_vnet_state_decode(payload, len, &m);

	return r < 0 ? certs_fail(e, r, "VNET_STATE is no message")
		     : sessions_set_state(s, m.vnet, m.why, now, e);
}

bool sessions_takes(enum msg_kind kind)
{
	switch (kind) {
	case MSG_SESSIONS_BEGIN:
	case MSG_SESSIONS_END:
	case MSG_SESSION_UP:
	case MSG_SESSION_DOWN:
	case MSG_TRAFFIC:
	case MSG_VNET_STATE: return true;
	default: return false;
	}
}

int sessions_take(struct sessions *s, enum msg_kind kind, const uint8_t *payload, size_t len,
		  int64_t now, struct certs_error *ret_error)
{
	int r;

	switch (kind) {
	case MSG_SESSIONS_BEGIN: r = on_begin(s, now, ret_error); break;
	case MSG_SESSIONS_END: r = on_end(s, now, ret_error); break;
	case MSG_SESSION_UP: r = take_up(s, payload, len, now, ret_error); break;
	case MSG_SESSION_DOWN: r = take_down(s, payload, len, now, ret_error); break;
	case MSG_TRAFFIC: r = take_traffic(s, payload, len, now, ret_error); break;
	case MSG_VNET_STATE: r = take_state(s, payload, len, now, ret_error); break;
	default: return 0;
	}
	return r < 0 ? r : 1;
}

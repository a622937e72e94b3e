/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A thread's sessions as the site sees them: by which connection each has come in, what its worker is told of it, what
 * control is told of the session, and who must go.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "sstp/base/log.h"
#include "sstp/session/shard_internal.h"

/* ---- in by a connection */

bool client_app(const struct client *c, char ret_app[NAME_LABEL_MAX])
{
	return session_has_certificate(c->session) && session_memo(c->session) &&
	       door_app(session_memo(c->session), session_user(c->session), ret_app);
}

bool client_join(struct client *c, const char **ret_why_not)
{
	char app[NAME_LABEL_MAX];
	char why[SITE_WHY_MAX];

	client_leave(c);
	if (!client_app(c, app))
		return true;
	if (site_join(c->shard->params.site, app, c->vnet, &c->connection, &c->terms, why) == 0)
		return true;
	snprintf(c->refused, sizeof(c->refused), "%.250s", why);
	*ret_why_not = c->refused;
	return false;
}

void client_set_dns(const struct client *c, struct link_address *address)
{
	if (c->terms)
		memcpy(address->dns, c->terms->dns_be, sizeof(c->terms->dns_be));
}

void client_leave(struct client *c)
{
	connection_terms_unref(c->terms);
	connection_unref(c->connection);
	c->terms = NULL;
	c->connection = NULL;
}

/* ---- what his worker is told */

/* One that is no worker of ours, or cannot be told, has the routes that it has. */
static void describe(struct client *c)
{
	int r = session_describe(c->session, c->terms->description, strlen(c->terms->description));

	if (r < 0)
		session_log(c->session, LOG_LEVEL_WARNING,
			    "its worker is not told of its network: %s", strerror(-r));
}

static void close_client(struct client *c, enum session_close code, const char *why)
{
	c->shown_out = true;
	session_close_connection(c->session, code, why);
}

/* The session may end, and free c. */
static void look_at_connection(struct client *c)
{
	char why[SITE_WHY_MAX];

	if (!c->connection || c->shown_out || !connection_has_changed(c->connection, c->terms))
		return;
	if (connection_is_gone(c->connection)) {
		close_client(c, SESSION_CLOSE_DISCONNECTED, connection_epitaph(c->connection, why));
		return;
	}
	connection_terms_unref(c->terms);
	c->terms = connection_terms(c->connection);
	if (!*c->terms->refusal) {
		describe(c);
		return;
	}
	snprintf(why, sizeof(why), "%s", c->terms->refusal); /* c may take it along */
	close_client(c, SESSION_CLOSE_DISABLED, why);
}

void shard_look_at_site(struct shard *s)
{
	struct client *next;

	for (struct client *c = s->clients; c; c = next) {
		next = c->next; /* the session may end, and free c, at once */
		look_at_connection(c);
	}
}

/* ---- what control is told */

static struct report_counts counts_of(const struct client *c)
{
	const struct traffic *t = session_traffic(c->session);

	return (struct report_counts){
		.sent_packets = t->rx_packets,
		.sent_bytes = t->rx_bytes,
		.received_packets = t->tx_packets,
		.received_bytes = t->tx_bytes,
	};
}

/* What the texts lie in. */
struct words {
	char app[NAME_LABEL_MAX];
	char source[ADDRESS_TEXT_MAX];
	char correlation[64];
};

static struct report_session report_of(const struct client *c, struct words *w)
{
	const char *correlation = session_correlation(c->session);
	struct report_session report;

	if (!c->connection || !client_app(c, w->app))
		*w->app = '\0';
	log_escape(w->correlation, sizeof(w->correlation), correlation, strlen(correlation));
	report = (struct report_session){
		.id = c->ticket.id,
		.since = c->since,
		.app = w->app,
		.vnet = c->vnet,
		.user = session_user(c->session),
		.owner = c->owner,
		.address_be = c->lease.address_be,
		.source = address_format(&c->peer, w->source),
		.correlation = w->correlation,
		.thumbprint =
			session_has_certificate(c->session) ? session_thumbprint(c->session) : "",
		.counts = counts_of(c),
	};
	vnet_lease_address6(&c->lease, report.address6);
	return report;
}

void client_up(struct client *c)
{
	struct words words;
	struct report_session r;

	c->since = time(NULL);
	r = report_of(c, &words);
	report_up(c->shard->params.reports, &r);
	client_tell_timeline(c);
	if (c->terms)
		describe(c);
}

void client_down(struct client *c, const char *reason)
{
	struct report_counts counts = counts_of(c);

	if (c->since)
		report_down(c->shard->params.reports, c->ticket.id, reason, &counts);
}

int shard_list_sessions(const struct shard *s, struct report_list *list)
{
	int r = 0;

	for (const struct client *c = s->clients; c && r == 0; c = c->next) {
		struct words words;
		struct report_session report;

		if (!c->lease.queue || !c->since)
			continue;
		report = report_of(c, &words);
		r = report_list_add(list, &report);
		if (r == 0)
			r = client_list_timeline(c, list);
	}
	return r;
}

int shard_list_traffic(struct shard *s, struct report_traffic_list *list)
{
	int r = 0;

	for (struct client *c = s->clients; c && r == 0; c = c->next) {
		struct report_counts counts = counts_of(c);
		uint64_t moved = counts.sent_packets + counts.received_packets;

		if (!c->since || moved == c->moved)
			continue;
		c->moved = moved;
		r = report_traffic_add(list, &(struct report_traffic){c->ticket.id, counts});
	}
	return r;
}

/* ---- what the network says to him */

bool client_is_asked_for(const struct client *c, const struct probe_request *r)
{
	char app[NAME_LABEL_MAX];

	if (!c->lease.queue || !c->since || (r->session && r->session != c->ticket.id))
		return false;
	if (*r->vnet && strcasecmp(r->vnet, c->vnet) != 0)
		return false;
	return !*r->app || (client_app(c, app) && strcasecmp(r->app, app) == 0);
}

int shard_probe(struct shard *s, const struct probe_request *r)
{
	for (const struct client *c = s->clients; c; c = c->next) {
		if (!client_is_asked_for(c, r))
			continue;
		vnet_probe(&c->lease, c->session, r, s->params.probes);
		return 1;
	}
	return 0;
}

/* ---- who must go */

static bool is_meant(const struct client *c, const struct site_disconnect *d)
{
	char app[NAME_LABEL_MAX];

	if (!c->lease.queue || c->shown_out || (d->session && d->session != c->ticket.id))
		return false;
	if (*d->vnet && strcasecmp(d->vnet, c->vnet) != 0)
		return false;
	return !*d->app || (client_app(c, app) && strcasecmp(d->app, app) == 0);
}

void shard_disconnect(struct shard *s, const struct site_disconnect *d)
{
	struct client *next;

	for (struct client *c = s->clients; c; c = next) {
		next = c->next; /* as above */
		if (!is_meant(c, d))
			continue;
		c->shown_out = true;
		if (d->is_restart)
			session_close_connection(c->session, SESSION_CLOSE_RESTART, d->reason);
		else
			session_disconnect(c->session, d->reason);
	}
}

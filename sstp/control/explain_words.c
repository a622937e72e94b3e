/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/explain_words.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sstp/control/explain_cause.h"
#include "sstp/control/explain_telling.h"

enum {
	ANSWER_MAX = 512, /* of a name server, in words */
};

#define UNPROBED "the verdict is without a probe"

void telling_step(struct telling *t, const char *name, const char *result, const char *fmt, ...)
{
	char finding[FINDING_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(finding, sizeof(finding), fmt, args);
	va_end(args);
	json_array_append_new(t->steps, json_pack("{s:s, s:s, s:s}", "step", name, "result", result,
						  "finding", finding));
}

bool telling_conclude(struct telling *t, const char *verdict, const char *fmt, ...)
{
	va_list args;

	if (t->verdict)
		return false;
	va_start(args, fmt);
	vsnprintf(t->message, sizeof(t->message), fmt, args);
	va_end(args);
	t->verdict = verdict;
	return true;
}

void telling_cause(struct telling *t, const char *fmt, ...)
{
	char cause[FINDING_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(cause, sizeof(cause), fmt, args);
	va_end(args);
	json_array_append_new(t->causes, json_string(cause));
}

const char *telling_address(const struct prefix *p, char buf[EXPLAIN_ADDRESS_MAX])
{
	return inet_ntop(p->family, p->addr, buf, EXPLAIN_ADDRESS_MAX);
}

/* ---- name ---- */

bool explain_is_answer(const struct explain_server *s)
{
	return !s->error && s->answer.outcome != DNS_SILENCE && s->answer.outcome != DNS_REFUSED;
}

static const char *outcome_text(enum dns_outcome outcome)
{
	switch (outcome) {
	case DNS_NO_NAME: return "there is no such name";
	case DNS_NO_ADDRESS: return "the name is there, and has no address";
	case DNS_SILENCE: return "no answer in 3 s";
	default: return "it refuses to answer";
	}
}

/* A sentence about what a server says to the gateway, without its end. Returns buf. */
static const char *write_answer(const struct telling *t, const struct explain_server *s,
				char buf[ANSWER_MAX])
{
	char found[EXPLAIN_ADDRESS_MAX];

	if (s->error)
		snprintf(buf, ANSWER_MAX, "it cannot be asked: %s", strerror(-s->error));
	else if (s->answer.outcome == DNS_FOUND)
		snprintf(buf, ANSWER_MAX, "%s is %s%s", t->f->host,
			 telling_address(&s->answer.addresses[0], found),
			 s->answer.n > 1 ? ", and more" : "");
	else
		snprintf(buf, ANSWER_MAX, "%s", outcome_text(s->answer.outcome));
	return buf;
}

/*
 * The gateway asks from its own machine, past its own rules: these say whether the app's question gets to the server.
 * Why it does not, sentences; empty: it does. Returns buf.
 */
static const char *why_not_asked(const struct telling *t, const struct explain_server *s,
				 char buf[FABRIC_WHY_MAX])
{
	const struct effective_shown *shown = t->f->shown;
	const struct fabric_peer *peer = effective_closed_by(shown, &s->address);

	*buf = '\0';
	if (peer)
		fabric_why(shown->gate->vnet, peer, buf);
	else if (effective_fate(shown, &s->address) == EFFECTIVE_NOT_ROUTED)
		snprintf(buf, FABRIC_WHY_MAX, "No route %shas it.",
			 t->f->app ? "of the connection " : "");
	return buf;
}

static void tell_server(struct telling *t, const struct explain_server *s)
{
	char server[EXPLAIN_ADDRESS_MAX];
	char answer[ANSWER_MAX];
	char why[FABRIC_WHY_MAX];
	bool is_ok = !s->error && s->answer.outcome == DNS_FOUND;

	telling_address(&s->address, server);
	write_answer(t, s, answer);
	if (*why_not_asked(t, s, why))
		telling_step(
			t, "name", "failed",
			"Name server %s: no question of %s gets there: %s Asked by the gateway "
			"itself: %s.",
			server, t->f->app ? "the app" : "a client", why, answer);
	else
		telling_step(t, "name", is_ok ? "ok" : "failed", "Name server %s: %s.", server,
			     answer);
}

/* The first server that a question does not get to, or the first that it gets to and that says something; NULL. */
static const struct explain_server *find_server(const struct telling *t, bool is_reached)
{
	char why[FABRIC_WHY_MAX];

	for (size_t i = 0; i < t->f->n_servers; i++) {
		const struct explain_server *s = &t->f->servers[i];
		bool gets_there = !*why_not_asked(t, s, why);

		if (gets_there == is_reached && (!is_reached || explain_is_answer(s)))
			return s;
	}
	return NULL;
}

/* None has said anything that counts. */
static void conclude_dead_servers(struct telling *t)
{
	const struct explain_facts *f = t->f;
	char servers[FINDING_MAX / 2] = "", server[EXPLAIN_ADDRESS_MAX], answer[ANSWER_MAX];

	for (size_t i = 0; i < f->n_servers; i++) {
		size_t len = strlen(servers);

		snprintf(servers + len, sizeof(servers) - len, "%s%s (%s)", len ? ", " : "",
			 telling_address(&f->servers[i].address, server),
			 write_answer(t, &f->servers[i], answer));
	}
	telling_conclude(
		t, "NameServerDead",
		"%s is not resolved in virtual network %s: no name server answers: %s. See "
		"that it runs, and that port 53 is open to the gateway and to the app's "
		"pool.",
		f->host, f->vnet, servers);
}

/* As a resolver does it: the first one that is reached and says something is believed. */
static void conclude_name(struct telling *t)
{
	const struct explain_facts *f = t->f;
	const struct explain_server *heard = find_server(t, true);
	const struct explain_server *closed = find_server(t, false);
	char server[EXPLAIN_ADDRESS_MAX];
	char why[FABRIC_WHY_MAX];

	if (heard && heard->answer.outcome == DNS_FOUND)
		return;
	if (!heard && closed)
		telling_conclude(
			t, "NameServerNotReached",
			"%s is not resolved in virtual network %s: name server %s is not reached: "
			"%s",
			f->host, f->vnet, telling_address(&closed->address, server),
			why_not_asked(t, closed, why));
	else if (!f->n_servers)
		telling_conclude(t, "NameNotResolved",
				 "%s is not resolved in virtual network %s: it has no name server. "
				 "Give it one: sstpctl vnet set %s --dns ADDRESS.",
				 f->host, f->vnet, f->vnet);
	else if (heard)
		telling_conclude(
			t, "NameNotResolved",
			"%s is not resolved in virtual network %s: name server %s says that "
			"%s. See that the name is right, or add it to that server's zone.",
			f->host, f->vnet, telling_address(&heard->address, server),
			outcome_text(heard->answer.outcome));
	else
		conclude_dead_servers(t);
}

static void tell_name(struct telling *t)
{
	const struct explain_facts *f = t->f;

	if (!f->is_name) {
		telling_step(t, "name", "info", "%s is an address: no name server is asked.",
			     f->host);
		return;
	}
	for (size_t i = 0; i < f->n_servers; i++)
		tell_server(t, &f->servers[i]);
	if (!f->n_servers)
		telling_step(t, "name", "failed", "Virtual network %s has no name server.",
			     f->vnet);
	conclude_name(t);
}

/* ---- connection ---- */

/* Why a worker that is there may not come in. */
static void tell_certificate(struct telling *t)
{
	const struct explain_facts *f = t->f;
	bool is_revoked = f->certificate && strcmp(f->certificate, "revoked") == 0;
	bool is_expired = f->certificate && strcmp(f->certificate, "expired") == 0;
	const char *what = is_revoked ? "revoked" : "expired";

	if (!is_revoked && !is_expired)
		return;
	telling_step(t, "certificate", "failed", "The certificate of app %s is %s.", f->app, what);
	telling_conclude(
		t, is_revoked ? "CertificateRevoked" : "CertificateExpired",
		"The certificate of app %s is %s: its worker is refused. Give it a new one: "
		"sstpctl token create --app %s --vnet %s --gateway HOST, then sstp-worker "
		"enrol TOKEN.",
		f->app, what, f->app, f->vnet);
}

static void tell_connection(struct telling *t)
{
	const struct explain_facts *f = t->f;

	if (!f->app)
		return;
	if (*f->refusal) {
		telling_step(t, "connection", "failed", "The connection is disabled: %s",
			     f->refusal);
		telling_conclude(t, "Disabled", "The connection of app %s is disabled: %s", f->app,
				 f->refusal);
	} else if (f->n_sessions) {
		telling_step(t, "connection", "ok", "Sessions of app %s that are up: %lld.", f->app,
			     (long long)f->n_sessions);
	} else {
		telling_step(t, "connection", "failed",
			     "No session of app %s is up: no worker is connected.", f->app);
		tell_certificate(t);
	}
}

/* ---- route ---- */

static const struct ruleset_rule *rules_of(const struct telling *t)
{
	size_t n;

	return ruleset_rules(t->f->shown->connection.set, &n);
}

static const struct ruleset_entry *entries_of(const struct telling *t)
{
	size_t n;

	return ruleset_entries(t->f->shown->connection.set, &n);
}

static void tell_rule(struct telling *t, uint32_t i, const char *result, const char *head)
{
	const struct ruleset_rule *rule = &rules_of(t)[i];
	char prefix[PREFIX_TEXT_MAX];
	char origin[EFFECTIVE_ORIGIN_MAX];
	char what[EFFECTIVE_WHY_MAX];

	telling_step(t, "route", result, "%s%s, %s (%s): %s", head,
		     prefix_format(&rule->prefix, prefix),
		     effective_source((enum ruleset_source)rule->source),
		     effective_origin(t->f->shown, rule, origin),
		     effective_what(t->f->shown, rule, what));
}

/* The one that wins, then all others that have the address, the longest first. */
static void tell_rules(struct telling *t, uint32_t entry, uint32_t winner)
{
	const struct ruleset_entry *e = entries_of(t);

	for (uint32_t at = entry; at != RULESET_NONE; at = e[at].parent)
		for (uint32_t i = e[at].rules; i < e[at].rules + e[at].n_rules; i++)
			if (i == winner)
				tell_rule(t, i, "ok", "It wins: ");
	for (uint32_t at = entry; at != RULESET_NONE; at = e[at].parent)
		for (uint32_t i = e[at].rules; i < e[at].rules + e[at].n_rules; i++)
			if (i != winner)
				tell_rule(t, i, "info", "Beside it: ");
}

/* What it does not say is no fault: another daemon may run. */
static void tell_bird(struct telling *t)
{
	const struct explain_bgp *b = t->f->bird;
	char prefix[PREFIX_TEXT_MAX];

	if (b && *b->why)
		telling_step(t, "route", "unknown", "Neighbours and AS paths are not known: %s.",
			     b->why);
	else if (b && b->has_route)
		telling_step(t, "route", "info", "BGP learns %s%s%s, AS path %s.",
			     prefix_format(&b->dst, prefix), *b->from ? " from neighbour " : "",
			     b->from, b->as_path);
}

static void tell_route(struct telling *t)
{
	const struct ruleset *set = t->f->shown->connection.set;
	uint32_t entry = ruleset_find(set, &t->f->address);
	uint32_t winner = entry == RULESET_NONE ? RULESET_NONE : entries_of(t)[entry].route;

	tell_rules(t, entry, winner);
	tell_bird(t);
	if (winner != RULESET_NONE)
		return;
	telling_step(t, "route", "failed", "No route has %s.", t->address);
	if (t->f->app)
		telling_conclude(
			t, "NotRouted",
			"No route of the connection has %s: the app's traffic does not enter the "
			"tunnel. A route of the plan, a custom route or the default routes must "
			"cover it.",
			t->address);
	else if (!effective_closed_by(t->f->shown, &t->f->address)) /* else its peering says why */
		telling_conclude(t, "NotRouted",
				 "%s is no part of what clients of virtual network %s reach.",
				 t->address, t->f->vnet);
}

/* ---- peering ---- */

/* Whose addresses these are, if they are a peer's; NULL. */
static const struct fabric_peer *peer_of(const struct telling *t)
{
	const struct effective_shown *s = t->f->shown;
	const struct ruleset *set = s->gate ? s->gate->set : NULL;
	uint32_t entry = set ? ruleset_find(set, &t->f->address) : RULESET_NONE;
	const struct ruleset_rule *gate;
	size_t n;

	if (entry == RULESET_NONE || ruleset_entries(set, &n)[entry].gate == RULESET_NONE)
		return NULL;
	gate = &ruleset_rules(set, &n)[ruleset_entries(set, &n)[entry].gate];
	if (gate->source != RULESET_PEERED && gate->source != RULESET_TWO_HOPS)
		return NULL;
	return &s->gate->peers[gate->origin];
}

static void tell_flags(struct telling *t, const struct fabric_peer *peer)
{
	const char *hub = t->f->shown->gate->vnet->name;

	if (peer->hops == 1)
		telling_step(
			t, "peering", "info",
			"It lies in virtual network %s. Asked are, of peering %s of %s: "
			"allowVirtualNetworkAccess, allowForwardedTraffic, allowGatewayTransit; of "
			"peering %s of %s: allowVirtualNetworkAccess, allowForwardedTraffic, "
			"useRemoteGateways.",
			peer->vnet->name, peer->hub_name ? peer->hub_name : "(none)", hub,
			peer->spoke_name ? peer->spoke_name : "(none)", peer->vnet->name);
}

static void tell_peering(struct telling *t)
{
	const struct fabric_peer *peer = peer_of(t);
	char why[FABRIC_WHY_MAX];

	if (!peer) {
		telling_step(t, "peering", "info", "No peering has to do with %s.", t->address);
		return;
	}
	tell_flags(t, peer);
	fabric_why(t->f->shown->gate->vnet, peer, why);
	if (!*why) {
		telling_step(t, "peering", "ok", "All of them are set: the peering is open.");
		return;
	}
	telling_step(t, "peering", "failed", "%s", why);
	telling_conclude(t, "PeeringClosed", "The peering with virtual network %s is closed: %s",
			 peer->vnet->name, why);
}

/* ---- the gateway's kernel ---- */

static void tell_kernel_route(struct telling *t)
{
	const struct rtnl_got *got = &t->f->kernel;
	char via[INET6_ADDRSTRLEN] = "";

	if (got->via_family)
		inet_ntop(got->via_family, got->via, via, sizeof(via));
	if (*t->f->device && strcmp(got->device, t->f->device) == 0) {
		telling_step(t, "gatewayRoute", "warning",
			     "The gateway's kernel sends %s back into the tunnel device %s.",
			     t->address, got->device);
		return;
	}
	telling_step(t, "gatewayRoute", "ok",
		     "The gateway's kernel sends %s%s%s out of %s (table %u).", t->address,
		     *via ? " by " : "", via, *got->device ? got->device : "no device", got->table);
}

static void tell_kernel(struct telling *t)
{
	const struct explain_facts *f = t->f;

	if (!f->has_kernel) {
		telling_step(t, "gatewayRoute", "unknown",
			     "The gateway's kernel could not be asked: %s.",
			     strerror(-f->kernel_error));
	} else if (f->kernel_error || f->kernel.kind == RTNL_GOT_UNREACHABLE) {
		int error = f->kernel_error ? -f->kernel_error : EHOSTUNREACH;

		telling_step(t, "gatewayRoute", "failed",
			     "The gateway's kernel has no route to %s: %s.", t->address,
			     strerror(error));
		telling_conclude(
			t, "GatewayHasNoRoute",
			"The gateway has no way to %s: its kernel says %s. Add a route there, or "
			"have BGP learn one.",
			t->address, strerror(error));
	} else if (f->kernel.kind == RTNL_GOT_LOCAL) {
		telling_step(t, "gatewayRoute", "failed", "%s is an address of the gateway itself.",
			     t->address);
		telling_conclude(t, "Gateway",
				 "%s is the gateway itself, which clients do not reach.",
				 t->address);
	} else {
		tell_kernel_route(t);
	}
}

/* ---- the way back ---- */

const struct prefix *explain_pool(const struct explain_facts *f)
{
	for (size_t i = 0; f->pools && i < f->pools->n; i++)
		if (f->pools->list[i].family == f->address.family)
			return &f->pools->list[i];
	return NULL;
}

static bool is_announced(const struct explain_facts *f, const struct prefix *pool)
{
	for (size_t i = 0; i < f->n_announced; i++)
		if (prefix_covers(&f->announced[i], pool))
			return true;
	return false;
}

static void tell_neighbors(struct telling *t, const char *pool)
{
	const struct explain_bgp *b = t->f->bird;

	if (!b || *b->why)
		return;
	if (*b->told)
		telling_step(t, "returnRoute", "ok", "Neighbours that BIRD tells of %s: %s.", pool,
			     b->told);
	else
		telling_step(t, "returnRoute", "warning", "BIRD tells no neighbour of %s.", pool);
}

static void tell_way_back(struct telling *t)
{
	const struct explain_facts *f = t->f;
	char text[PREFIX_TEXT_MAX];

	for (size_t i = 0; f->pools && i < f->pools->n; i++) {
		const struct prefix *pool = &f->pools->list[i];

		if (pool->family != f->address.family)
			continue;
		prefix_format(pool, text);
		if (is_announced(f, pool)) {
			telling_step(
				t, "returnRoute", "ok",
				"The pool %s is announced: who learns from kernel table %u of the "
				"gateway "
				"has the way back.",
				text, f->announce_table);
			if (pool == explain_pool(f))
				tell_neighbors(t, text);
		} else {
			telling_step(t, "returnRoute", "warning",
				     "The pool %s is not announced%s: the far side needs a route "
				     "to it by "
				     "this "
				     "gateway.",
				     text, f->has_bgp ? " now" : " (enableBgp is off)");
		}
	}
}

/* ---- the probe ---- */

/* Announced, and where BIRD says whom it tells, somebody is told. */
static bool is_told(const struct explain_facts *f, const struct prefix *pool)
{
	const struct explain_bgp *b = f->bird;
	bool is_asked = b && !*b->why && pool == explain_pool(f);

	return is_announced(f, pool) && (!is_asked || *b->told);
}

/* The pool that the question came from, if nobody is told of it; NULL. */
const struct prefix *explain_pool_without_a_way(const struct explain_facts *f)
{
	const struct prefix *source = &f->probed.source;

	for (size_t i = 0; f->pools && i < f->pools->n; i++) {
		const struct prefix *pool = &f->pools->list[i];

		if (pool->family == f->address.family && !is_told(f, pool) &&
		    (!source->len || prefix_covers(pool, source)))
			return pool;
	}
	return NULL;
}

static void tell_silence(struct telling *t)
{
	const struct prefix *pool = explain_pool_without_a_way(t->f);
	const char *what = t->f->port ? "SYN" : "ping";
	enum explain_cause cause =
		explain_find_cause(t->f->probes, t->f->n_probes, (uint16_t)t->f->port).cause;
	char text[PREFIX_TEXT_MAX];
	telling_step(t, "probe", "failed", "A %s to %s was forwarded, and nothing came back%s.",
		     what, t->address,
		     pool && cause == EXPLAIN_NO_CAUSE ? ": no return path suspected" : "");
	if (t->verdict || explain_tell_silence(t))
		return;
	if (pool)
		telling_conclude(
			t, "NoReturnPathSuspected",
			"No return path suspected: a %s to %s was forwarded, and nothing came "
			"back. The far side needs a route to the pool %s by this gateway. Where "
			"it has one, a firewall drops it, or the host is down.",
			what, t->address, prefix_format(pool, text));
	else
		telling_conclude(
			t, "NoReply",
			"A %s to %s was forwarded, and nothing came back, although the pool is "
			"announced: a firewall there drops it, the host is down, or the far side "
			"does not take what is announced.",
			what, t->address);
}

static const char *icmp_reason(uint8_t family, uint8_t type, uint8_t code)
{
	static const struct {
		uint8_t family, type, code;
		const char *text;
	} reasons[] = {
		{AF_INET, 3, 0, "network unreachable"},
		{AF_INET, 3, 1, "host unreachable"},
		{AF_INET, 3, 2, "protocol unreachable"},
		{AF_INET, 3, 3, "port unreachable"},
		{AF_INET, 3, 6, "network unknown"},
		{AF_INET, 3, 7, "host unknown"},
		{AF_INET, 3, 9, "network administratively prohibited"},
		{AF_INET, 3, 10, "host administratively prohibited"},
		{AF_INET, 3, 13, "administratively prohibited"},
		{AF_INET, 11, 0, "time to live exceeded"},
		{AF_INET6, 1, 0, "no route"},
		{AF_INET6, 1, 1, "administratively prohibited"},
		{AF_INET6, 1, 2, "beyond the scope of the source address"},
		{AF_INET6, 1, 3, "address unreachable"},
		{AF_INET6, 1, 4, "port unreachable"},
		{AF_INET6, 1, 5, "source address against its policy"},
		{AF_INET6, 1, 6, "rejected route"},
		{AF_INET6, 3, 0, "hop limit exceeded"},
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].family == family && reasons[i].type == type &&
		    reasons[i].code == code)
			return reasons[i].text;
	return "not delivered";
}

static void tell_icmp(struct telling *t)
{
	const struct msg_probed *p = &t->f->probed;
	const char *reason = icmp_reason(p->from.family, p->type, p->code);
	char from[EXPLAIN_ADDRESS_MAX];
	const char *who = strcmp(telling_address(&p->from, from), t->address) == 0 ? "" : "Router ";

	telling_step(t, "probe", "failed", "%s%s says: %s (ICMP type %u, code %u).", who, from,
		     reason, p->type, p->code);
	if (explain_is_down(p) &&
	    telling_conclude(t, "HostDown",
			     "%s is down, or there is no such host: %s%s says %s. Start it, or see "
			     "that the address is right.",
			     t->address, *who ? "router " : "", from, reason))
		return;
	telling_conclude(t, "Unreachable",
			 "%s cannot be reached. %s%s says: %s (ICMP type %u, code %u).", t->address,
			 who, from, reason, p->type, p->code);
}

/* Nobody has answered a question, or there was none. */
static void tell_unprobed(struct telling *t)
{
	const struct explain_facts *f = t->f;
	const char *why = "No session is up to probe from";

	if (!f->app)
		why = "There is no app whose session could be probed from";
	else if (!f->was_probed)
		why = "The data plane does not say what a probe meets";
	else if (f->probed.outcome == MSG_OUTCOME_BUSY)
		why = "Too much is being probed just now";
	telling_step(t, "probe", f->app ? "unknown" : "info", "%s: " UNPROBED ".", why);
}

static void tell_probe(struct telling *t)
{
	const struct msg_probed *p = &t->f->probed;
	double ms = p->round_trip_us / 1e3;

	if (!t->f->was_probed) {
		tell_unprobed(t);
		return;
	}
	if (p->outcome == MSG_OUTCOME_ECHO || p->outcome == MSG_OUTCOME_OPEN)
		explain_tell_sizes(t);
	switch ((enum msg_outcome)p->outcome) {
	case MSG_OUTCOME_ECHO:
		telling_step(t, "probe", "ok", "%s answers a ping in %.1f ms.", t->address, ms);
		telling_conclude(t, "Reachable", "%s is reachable: it answers a ping.", t->address);
		break;
	case MSG_OUTCOME_OPEN:
		telling_step(t, "probe", "ok", "Port %u of %s is open: it answers in %.1f ms.",
			     t->f->port, t->address, ms);
		telling_conclude(t, "Reachable", "Port %u of %s is open.", t->f->port, t->address);
		break;
	case MSG_OUTCOME_CLOSED:
		telling_step(t, "probe", "failed", "%s is there, and nobody listens at port %u.",
			     t->address, t->f->port);
		telling_conclude(t, "PortClosed",
				 "Port %u is refused by the host: %s itself is reached.",
				 t->f->port, t->address);
		break;
	case MSG_OUTCOME_ICMP: tell_icmp(t); break;
	case MSG_OUTCOME_REFUSED:
		telling_step(t, "probe", "failed", "The gateway itself drops it: %s.", p->drop);
		telling_conclude(t, "Dropped", "The gateway drops it: %s.", p->drop);
		break;
	case MSG_OUTCOME_SILENCE: tell_silence(t); break;
	default: tell_unprobed(t); break;
	}
}

/* ---- all of it ---- */

/* A step only when it is down. */
static void tell_gateway(struct telling *t)
{
	const struct explain_facts *f = t->f;

	if (!*f->down)
		return;
	telling_step(t, "gateway", "failed", "The gateway of virtual network %s is down: %s.",
		     f->vnet, f->down);
	telling_conclude(
		t, "GatewayDown",
		"The gateway of virtual network %s is down: %s. "
		"Nobody comes in by it until that is mended: sstpctl vnet show %s, and the "
		"gateway's log.",
		f->vnet, f->down, f->vnet);
}

static void tell_ways(struct telling *t)
{
	tell_route(t);
	tell_peering(t);
	tell_gateway(t);
	tell_kernel(t);
	tell_way_back(t);
	tell_probe(t);
	if (t->f->app && !t->f->n_sessions)
		telling_conclude(
			t, "NotConnected",
			"Nothing speaks against it, but no session of app %s is up, and " UNPROBED
			": start its worker.",
			t->f->app);
	telling_conclude(t, "Allowed",
			 "Nothing speaks against it here: %s is routed and allowed; " UNPROBED ".",
			 t->address);
}

char *explain_json(const struct explain_facts *f)
{
	struct telling t = {.f = f, .steps = json_array(), .causes = json_array()};
	json_t *json;
	char *text;

	tell_name(&t);
	tell_connection(&t);
	if (f->has_address) {
		telling_address(&f->address, t.address);
		tell_ways(&t);
	}
	json = json_pack("{s:s?, s:s, s:s, s:s?, s:s, s:s, s:o, s:o}", "app", f->app, "vnet",
			 f->vnet, "target", f->target, "address", *t.address ? t.address : NULL,
			 "verdict", t.verdict, "message", t.message, "causes", t.causes, "steps",
			 t.steps);
	text = json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(json);
	return text;
}

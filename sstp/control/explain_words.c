/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/explain_words.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	FINDING_MAX = 2048
};

/* What comes of it all; the first that is set stays. */
struct telling {
	const struct explain_facts *f;
	json_t *steps;
	const char *verdict; /* NULL: nothing speaks against it so far */
	char message[FINDING_MAX];
	char address[EXPLAIN_ADDRESS_MAX]; /* "": none */
};

static void step(struct telling *t, const char *name, const char *result, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
static void conclude(struct telling *t, const char *verdict, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void step(struct telling *t, const char *name, const char *result, const char *fmt, ...)
{
	char finding[FINDING_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(finding, sizeof(finding), fmt, args);
	va_end(args);
	json_array_append_new(t->steps, json_pack("{s:s, s:s, s:s}", "step", name, "result", result,
						  "finding", finding));
}

static void conclude(struct telling *t, const char *verdict, const char *fmt, ...)
{
	va_list args;

	if (t->verdict)
		return;
	va_start(args, fmt);
	vsnprintf(t->message, sizeof(t->message), fmt, args);
	va_end(args);
	t->verdict = verdict;
}

static const char *write_address(const struct prefix *p, char buf[EXPLAIN_ADDRESS_MAX])
{
	return inet_ntop(p->family, p->addr, buf, EXPLAIN_ADDRESS_MAX);
}

/* ---- name ---- */

static const char *outcome_text(enum dns_outcome outcome)
{
	switch (outcome) {
	case DNS_NO_NAME: return "there is no such name";
	case DNS_NO_ADDRESS: return "the name is there, and has no address";
	case DNS_SILENCE: return "no answer in 3 s";
	default: return "it refuses to answer";
	}
}

static void tell_server(struct telling *t, const struct explain_server *s)
{
	char server[EXPLAIN_ADDRESS_MAX];
	char found[EXPLAIN_ADDRESS_MAX];

	write_address(&s->address, server);
	if (s->error)
		step(t, "name", "failed", "Name server %s cannot be asked: %s.", server,
		     strerror(-s->error));
	else if (s->answer.outcome == DNS_FOUND)
		step(t, "name", "ok", "Name server %s: %s is %s%s.", server, t->f->host,
		     write_address(&s->answer.addresses[0], found),
		     s->answer.n > 1 ? ", and more" : "");
	else
		step(t, "name", "failed", "Name server %s: %s.", server,
		     outcome_text(s->answer.outcome));
}

static void tell_name(struct telling *t)
{
	const struct explain_facts *f = t->f;

	if (!f->is_name) {
		step(t, "name", "info", "%s is an address: no name server is asked.", f->host);
		return;
	}
	for (size_t i = 0; i < f->n_servers; i++)
		tell_server(t, &f->servers[i]);
	if (!f->n_servers)
		step(t, "name", "failed", "Virtual network %s has no name server.", f->vnet);
	if (!f->has_address)
		conclude(t, "NameNotResolved", "%s is not resolved in virtual network %s: %s.",
			 f->host, f->vnet,
			 f->n_servers ? "none of its name servers knows an address"
				      : "it has no name server");
}

/* ---- connection ---- */

static void tell_connection(struct telling *t)
{
	const struct explain_facts *f = t->f;

	if (!f->app)
		return;
	if (*f->refusal) {
		step(t, "connection", "failed", "The connection is disabled: %s", f->refusal);
		conclude(t, "Disabled", "The connection of app %s is disabled: %s", f->app,
			 f->refusal);
	} else if (f->n_sessions) {
		step(t, "connection", "ok", "Sessions of app %s that are up: %lld.", f->app,
		     (long long)f->n_sessions);
	} else {
		step(t, "connection", "failed",
		     "No session of app %s is up: no worker is connected.", f->app);
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

	step(t, "route", result, "%s%s, %s (%s): %s", head, prefix_format(&rule->prefix, prefix),
	     effective_source((enum ruleset_source)rule->source),
	     effective_origin(t->f->shown, rule, origin), effective_what(t->f->shown, rule, what));
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

static void tell_route(struct telling *t)
{
	const struct ruleset *set = t->f->shown->connection.set;
	uint32_t entry = ruleset_find(set, &t->f->address);
	uint32_t winner = entry == RULESET_NONE ? RULESET_NONE : entries_of(t)[entry].route;

	tell_rules(t, entry, winner);
	if (winner != RULESET_NONE)
		return;
	step(t, "route", "failed", "No route has %s.", t->address);
	if (t->f->app)
		conclude(t, "NotRouted",
			 "No route of the connection has %s: the app's traffic does not enter the "
			 "tunnel. A route of the plan, a custom route or the default routes must "
			 "cover it.",
			 t->address);
	else
		conclude(t, "NotRouted",
			 "%s is no part of what clients of virtual network %s reach.", t->address,
			 t->f->vnet);
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
		step(t, "peering", "info",
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
		step(t, "peering", "info", "No peering has to do with %s.", t->address);
		return;
	}
	tell_flags(t, peer);
	fabric_why(t->f->shown->gate->vnet, peer, why);
	if (!*why) {
		step(t, "peering", "ok", "All of them are set: the peering is open.");
		return;
	}
	step(t, "peering", "failed", "%s", why);
	conclude(t, "PeeringClosed", "The peering with virtual network %s is closed: %s",
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
		step(t, "gatewayRoute", "warning",
		     "The gateway's kernel sends %s back into the tunnel device %s.", t->address,
		     got->device);
		return;
	}
	step(t, "gatewayRoute", "ok", "The gateway's kernel sends %s%s%s out of %s (table %u).",
	     t->address, *via ? " by " : "", via, *got->device ? got->device : "no device",
	     got->table);
}

static void tell_kernel(struct telling *t)
{
	const struct explain_facts *f = t->f;

	if (!f->has_kernel) {
		step(t, "gatewayRoute", "unknown", "The gateway's kernel could not be asked: %s.",
		     strerror(-f->kernel_error));
	} else if (f->kernel_error || f->kernel.kind == RTNL_GOT_UNREACHABLE) {
		int error = f->kernel_error ? -f->kernel_error : EHOSTUNREACH;

		step(t, "gatewayRoute", "failed", "The gateway's kernel has no route to %s: %s.",
		     t->address, strerror(error));
		conclude(t, "GatewayHasNoRoute",
			 "The gateway has no way to %s: its kernel says %s. Add a route there, or "
			 "have BGP learn one.",
			 t->address, strerror(error));
	} else if (f->kernel.kind == RTNL_GOT_LOCAL) {
		step(t, "gatewayRoute", "failed", "%s is an address of the gateway itself.",
		     t->address);
		conclude(t, "Gateway", "%s is the gateway itself, which clients do not reach.",
			 t->address);
	} else {
		tell_kernel_route(t);
	}
}

/* ---- the way back ---- */

static bool is_announced(const struct explain_facts *f, const struct prefix *pool)
{
	for (size_t i = 0; i < f->n_announced; i++)
		if (prefix_covers(&f->announced[i], pool))
			return true;
	return false;
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
		if (is_announced(f, pool))
			step(t, "returnRoute", "ok",
			     "The pool %s is announced: who learns from kernel table %u of the "
			     "gateway "
			     "has the way back.",
			     text, f->announce_table);
		else
			step(t, "returnRoute", "warning",
			     "The pool %s is not announced%s: the far side needs a route to it by "
			     "this "
			     "gateway.",
			     text, f->has_bgp ? " now" : " (enableBgp is off)");
	}
}

/* ---- the probe ---- */

static void tell_silence(struct telling *t)
{
	step(t, "probe", "failed",
	     "A %s to %s was forwarded, and nothing came back: no return path suspected, or a "
	     "firewall drops it.",
	     t->f->port ? "SYN" : "ping", t->address);
	conclude(t, "NoReply",
		 "Packets leave for %s, and nothing comes back: no return path suspected. The far "
		 "side "
		 "needs a route to the pool by this gateway; or a firewall there drops it.",
		 t->address);
}

static void tell_icmp(struct telling *t)
{
	const struct msg_probed *p = &t->f->probed;
	char from[EXPLAIN_ADDRESS_MAX];

	write_address(&p->from, from);
	step(t, "probe", "failed", "%s says that it is unreachable: ICMP type %u, code %u.", from,
	     p->type, p->code);
	conclude(t, "Unreachable", "%s says that %s cannot be reached (ICMP type %u, code %u).",
		 from, t->address, p->type, p->code);
}

static void tell_probe(struct telling *t)
{
	const struct msg_probed *p = &t->f->probed;
	double ms = p->round_trip_us / 1e3;

	if (!t->f->was_probed)
		return;
	switch ((enum msg_outcome)p->outcome) {
	case MSG_OUTCOME_ECHO:
		step(t, "probe", "ok", "%s answers a ping in %.1f ms.", t->address, ms);
		conclude(t, "Reachable", "%s is reached.", t->address);
		break;
	case MSG_OUTCOME_OPEN:
		step(t, "probe", "ok", "Port %u of %s is open: it answers in %.1f ms.", t->f->port,
		     t->address, ms);
		conclude(t, "Reachable", "Port %u of %s is reached.", t->f->port, t->address);
		break;
	case MSG_OUTCOME_CLOSED:
		step(t, "probe", "failed", "%s is there, and nobody listens at port %u.",
		     t->address, t->f->port);
		conclude(t, "PortClosed", "%s is reached, and refuses port %u.", t->address,
			 t->f->port);
		break;
	case MSG_OUTCOME_ICMP: tell_icmp(t); break;
	case MSG_OUTCOME_REFUSED:
		step(t, "probe", "failed", "The gateway itself drops it: %s.", p->drop);
		conclude(t, "Dropped", "The gateway drops it: %s.", p->drop);
		break;
	case MSG_OUTCOME_SILENCE: tell_silence(t); break;
	case MSG_OUTCOME_NO_SESSION:
		step(t, "probe", "unknown", "No session is up that could be probed with.");
		break;
	default: step(t, "probe", "unknown", "Too much is being probed just now."); break;
	}
}

/* ---- all of it ---- */

static void tell_ways(struct telling *t)
{
	tell_route(t);
	tell_peering(t);
	tell_kernel(t);
	tell_way_back(t);
	tell_probe(t);
	if (t->f->app && !t->f->n_sessions)
		conclude(t, "NotConnected",
			 "Nothing speaks against it, but no session of app %s is up: start its "
			 "worker.",
			 t->f->app);
	conclude(t, "Allowed", "Nothing speaks against it here: %s is routed and allowed.",
		 t->address);
}

char *explain_json(const struct explain_facts *f)
{
	struct telling t = {.f = f, .steps = json_array()};
	json_t *json;
	char *text;

	tell_name(&t);
	tell_connection(&t);
	if (f->has_address) {
		write_address(&f->address, t.address);
		tell_ways(&t);
	}
	json = json_pack("{s:s?, s:s, s:s, s:s?, s:s, s:s, s:o}", "app", f->app, "vnet", f->vnet,
			 "target", f->target, "address", *t.address ? t.address : NULL, "verdict",
			 t.verdict, "message", t.message, "steps", t.steps);
	text = json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(json);
	return text;
}

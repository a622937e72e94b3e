/* SPDX-License-Identifier: Apache-2.0 */
/* What follow-up questions (explain_cause.h) say, in words. Each names the pool, which is what firewalls and routes must know. */
#include <stdio.h>
#include <string.h>

#include "sstp/control/explain_telling.h"

enum {
	WHAT_MAX = 96,
	LINE_MAX_BYTES = 512,
};

/* What is common to all sentences. */
struct words {
	struct telling *t;
	const struct explain_reason *r;
	char pool[PREFIX_TEXT_MAX];
	char source[EXPLAIN_ADDRESS_MAX]; /* the app's address */
	char own[EXPLAIN_ADDRESS_MAX];	  /* the gateway's; "": it is not known */
	char hop[EXPLAIN_ADDRESS_MAX];	  /* the last router that answers the app; "": none */
	char lost[EXPLAIN_ADDRESS_MAX];
	char what[WHAT_MAX];  /* "port 443 of 10.1.0.9" */
	char allow[WHAT_MAX]; /* "TCP port 443" */
};

static void write_who(char buf[EXPLAIN_ADDRESS_MAX], const struct prefix *p)
{
	*buf = '\0';
	if (p->len)
		telling_address(p, buf);
}

/* The pool that the app's address is of. */
static const struct prefix *pool_of(const struct explain_facts *f)
{
	for (size_t i = 0; f->pools && i < f->pools->n; i++)
		if (prefix_covers(&f->pools->list[i], &f->probed.source))
			return &f->pools->list[i];
	return explain_pool(f);
}

static struct words words_of(struct telling *t, const struct explain_reason *r)
{
	const struct explain_facts *f = t->f;
	const struct prefix *pool = pool_of(f);
	struct words w = {.t = t, .r = r, .pool = "of the virtual network"};

	if (pool)
		prefix_format(pool, w.pool);
	write_who(w.source, &f->probed.source);
	if (r->gateway)
		write_who(w.own, &r->gateway->answer.source);
	if (r->hop)
		write_who(w.hop, &r->hop->answer.from);
	if (r->lost)
		write_who(w.lost, &r->lost->answer.from);
	if (f->port) {
		snprintf(w.what, sizeof(w.what), "port %u of %s", f->port, t->address);
		snprintf(w.allow, sizeof(w.allow), "TCP port %u", f->port);
	} else {
		snprintf(w.what, sizeof(w.what), "%s", t->address);
		snprintf(w.allow, sizeof(w.allow), "ICMP echo");
	}
	return w;
}

/* ---- steps ---- */

/* "the gateway itself (10.20.0.1)" */
static const char *gateway_itself(const struct words *w, char buf[LINE_MAX_BYTES])
{
	snprintf(buf, LINE_MAX_BYTES, "the gateway itself%s%s%s", *w->own ? " (" : "", w->own,
		 *w->own ? ")" : "");
	return buf;
}

/* B55: what a VM beside the gateway would see. */
static void step_gateway(const struct words *w)
{
	const struct explain_probe *p = w->r->gateway;
	char itself[LINE_MAX_BYTES];

	if (!p)
		return;
	gateway_itself(w, itself);
	itself[0] = 'T';
	switch ((enum msg_outcome)p->answer.outcome) {
	case MSG_OUTCOME_OPEN:
		telling_step(w->t, "gatewayProbe", "ok", "%s reaches %s: it is open.", itself,
			     w->what);
		break;
	case MSG_OUTCOME_ECHO:
		telling_step(w->t, "gatewayProbe", "ok", "%s reaches %s: it answers a ping.",
			     itself, w->t->address);
		break;
	case MSG_OUTCOME_CLOSED:
		telling_step(w->t, "gatewayProbe", "ok", "%s reaches %s: port %u is refused.",
			     itself, w->t->address, p->port);
		break;
	default:
		telling_step(w->t, "gatewayProbe", "failed", "%s gets no answer from %s either.",
			     itself, w->t->address);
	}
}

static void step_host(const struct words *w)
{
	const struct explain_probe *p = w->r->host;

	if (p && p->port)
		telling_step(w->t, "hostProbe", "ok", "%s answers the app at port %u.",
			     w->t->address, p->port);
	else if (p)
		telling_step(w->t, "hostProbe", "ok", "%s answers a ping of the app's.",
			     w->t->address);
}

static void step_pool(const struct words *w)
{
	char other[EXPLAIN_ADDRESS_MAX] = "";

	if (!w->r->others)
		return;
	if (w->r->other)
		write_who(other, &w->r->other->answer.source);
	telling_step(w->t, "poolProbe", w->r->other ? "warning" : "info",
		     "Of %u other addresses of the pool %s, %u are answered%s%s.", w->r->others,
		     w->pool, w->r->others_answered, *other ? ", first " : "", other);
}

static void step_hops(const struct words *w)
{
	if (*w->hop)
		telling_step(w->t, "hops", "info", "The last router that answers the app is %s.",
			     w->hop);
	if (*w->lost)
		telling_step(w->t, "hops", "warning",
			     "Router %s answers the gateway itself, and not the app.", w->lost);
}

/* ---- causes: B56 ---- */

static void cause_firewall(const struct words *w)
{
	telling_cause(
		w->t,
		"A firewall or NSG at %s, or before it, does not allow the pool: allow %s from "
		"%s, all of it, since an app's address can change within it.",
		w->t->address, w->allow, w->pool);
}

static void cause_vm_route(const struct words *w)
{
	telling_cause(
		w->t,
		"%s has no route for the pool %s: its answers must go to this gateway. On the "
		"VM, ip route get %s (Windows: Find-NetRoute -RemoteIPAddress %s) says where "
		"they go.",
		w->t->address, w->pool, w->source, w->source);
}

static void cause_network_route(const struct words *w)
{
	telling_cause(w->t,
		      "The network of %s has no route for the pool: add one for %s by this gateway "
		      "(a route table of its subnet, the router on-premises), or announce it by "
		      "BGP.",
		      w->t->address, w->pool);
}

static void cause_tell_apart(const struct words *w)
{
	telling_cause(w->t,
		      "What tells them apart: on the VM, tcpdump -ni any host %s. Questions and no "
		      "answers: its firewall; answers as well: the way back; nothing: a firewall "
		      "before it.",
		      w->source);
}

/* ---- verdicts ---- */

static void conclude_answered(const struct words *w)
{
	static const char lost[] = "the first packet was lost, the next one was not. Where that "
				   "comes again, packets are lost on the way.";
	unsigned port = w->t->f->port;

	if (w->r->again->answer.outcome == MSG_OUTCOME_CLOSED)
		telling_conclude(w->t, "PortClosed",
				 "Port %u is refused by the host: %s itself is "
				 "reached; %s",
				 port, w->t->address, lost);
	else if (port)
		telling_conclude(w->t, "Reachable", "Port %u of %s is open; %s", port,
				 w->t->address, lost);
	else
		telling_conclude(w->t, "Reachable", "%s is reachable; %s", w->t->address, lost);
}

static void conclude_port(const struct words *w)
{
	const struct explain_probe *p = w->r->host;
	const char *how = p->port ? "is reached" : "answers the app's ping";

	if (w->t->f->port)
		telling_conclude(w->t, "FirewallDropsPort",
				 "A firewall drops TCP port %u at %s, for everybody: the host %s, "
				 "but nothing comes back from that port, to the gateway itself "
				 "neither. Allow TCP port %u from the pool %s.",
				 w->t->f->port, w->t->address, how, w->t->f->port, w->pool);
	else
		telling_conclude(w->t, "FirewallDropsPort",
				 "%s is reached, and does not answer pings. Ask for a port: "
				 "HOST:PORT. For pings, allow ICMP echo from the pool %s.",
				 w->t->address, w->pool);
	telling_cause(w->t, "The host's own firewall, or an NSG, drops the port: allow %s from %s.",
		      w->allow, w->pool);
}

static void conclude_port_for_pool(const struct words *w)
{
	char itself[LINE_MAX_BYTES];

	telling_conclude(w->t, "FirewallDropsPool",
			 "A firewall keeps the pool from %s: %s is answered there, and the host "
			 "answers the app otherwise. Allow %s from the pool %s.",
			 w->what, gateway_itself(w, itself), w->allow, w->pool);
	cause_firewall(w);
}

static void conclude_partly(const struct words *w)
{
	char other[EXPLAIN_ADDRESS_MAX];

	write_who(other, &w->r->other->answer.source);
	telling_conclude(w->t, "FirewallAllowsPartOfPool",
			 "A firewall allows only a part of the pool to %s: %s of the same pool is "
			 "answered, the app's %s is not. Allow all of %s: an app's address can "
			 "change within it.",
			 w->what, other, w->source, w->pool);
	cause_firewall(w);
}

static void conclude_down(const struct words *w)
{
	char who[EXPLAIN_ADDRESS_MAX];

	write_who(who, &w->r->down->answer.from);
	telling_conclude(w->t, "HostDown",
			 "%s is down, or there is no such host: %s%s says host unreachable. Start "
			 "it, or see that the address is right.",
			 w->t->address, *who ? "router " : "the gateway's kernel", who);
}

static void conclude_no_way_back(const struct words *w)
{
	telling_conclude(
		w->t, "NoReturnPath",
		"No return path: router %s answers the gateway itself, and not the app. It "
		"has no route to the pool %s by this gateway: add one there.",
		w->lost, w->pool);
	cause_network_route(w);
	cause_firewall(w);
	cause_tell_apart(w);
}

static void conclude_pool(const struct words *w)
{
	char itself[LINE_MAX_BYTES];

	telling_conclude(w->t, "FirewallDropsPool",
			 "A firewall drops the pool at %s: %s is answered, the app is not, though "
			 "router %s before it answers the app. Allow %s from the pool %s.",
			 w->t->address, gateway_itself(w, itself), w->hop, w->allow, w->pool);
	cause_firewall(w);
	cause_vm_route(w);
	cause_tell_apart(w);
}

/* B56: the gateway reaches it, the app does not, and nobody on the way says why. */
static void conclude_pool_or_way(const struct words *w, bool is_announced)
{
	char itself[LINE_MAX_BYTES];

	telling_conclude(w->t, is_announced ? "NoReply" : "NoReturnPathSuspected",
			 "%s: %s reaches %s, the app does not. The far side needs a route to the "
			 "pool %s by this gateway, and its firewalls must allow it.",
			 is_announced ? "No reply to the pool" : "No return path suspected",
			 gateway_itself(w, itself), w->t->address, w->pool);
	if (!is_announced)
		cause_network_route(w);
	cause_firewall(w);
	if (is_announced)
		cause_network_route(w);
	cause_vm_route(w);
	cause_tell_apart(w);
}

static void conclude_nobody(const struct words *w)
{
	char itself[LINE_MAX_BYTES], last[LINE_MAX_BYTES] = "";

	if (*w->hop)
		snprintf(last, sizeof(last), " The last router that answers is %s.", w->hop);
	telling_conclude(w->t, "HostDown",
			 "%s answers nobody, %s neither: the host is down, or a firewall there "
			 "drops everybody.%s Start it; then allow %s from the pool %s.",
			 w->t->address, gateway_itself(w, itself), last, w->allow, w->pool);
	telling_cause(w->t, "%s is down, or there is no such host: see from a VM of its subnet.",
		      w->t->address);
	cause_firewall(w);
	cause_network_route(w);
}

bool explain_tell_silence(struct telling *t)
{
	const struct explain_facts *f = t->f;
	struct explain_reason r = explain_find_cause(f->probes, f->n_probes, (uint16_t)f->port);
	struct words w = words_of(t, &r);

	step_gateway(&w);
	step_host(&w);
	step_pool(&w);
	step_hops(&w);
	switch (r.cause) {
	case EXPLAIN_ANSWERED_LATER: conclude_answered(&w); break;
	case EXPLAIN_PORT_DROPPED: conclude_port(&w); break;
	case EXPLAIN_PORT_DROPPED_FOR_POOL: conclude_port_for_pool(&w); break;
	case EXPLAIN_POOL_PARTLY_ALLOWED: conclude_partly(&w); break;
	case EXPLAIN_HOST_DOWN: conclude_down(&w); break;
	case EXPLAIN_NO_WAY_BACK: conclude_no_way_back(&w); break;
	case EXPLAIN_POOL_DROPPED: conclude_pool(&w); break;
	case EXPLAIN_POOL_OR_WAY: conclude_pool_or_way(&w, !explain_pool_without_a_way(f)); break;
	case EXPLAIN_NOBODY_ANSWERED: conclude_nobody(&w); break;
	default: return false;
	}
	return true;
}

void explain_tell_sizes(struct telling *t)
{
	const struct explain_facts *f = t->f;
	struct explain_reason r = explain_find_size(f->probes, f->n_probes);
	struct words w = words_of(t, &r);
	unsigned mtu = r.passes >= 576 ? r.passes : r.stuck > 1280 ? 1280 : 576;

	if (r.cause != EXPLAIN_MTU)
		return;
	telling_step(t, "sizes", "failed",
		     "A packet of %u bytes is lost, and nobody says that it is too big%s.", r.stuck,
		     r.passes ? "; shorter ones are answered" : "");
	if (!telling_conclude(
		    t, "MtuBlackHole",
		    "MTU black hole: %s is reached by short packets, but one of %u bytes is "
		    "lost, and no router says that it is too big: connections open, and hang. "
		    "Set mtu: %u in gateway.yaml, or let ICMP type 3 code 4 (IPv6: type 2) "
		    "through to the pool %s.",
		    t->address, r.stuck, mtu, w.pool))
		return;
	telling_cause(t,
		      "A link on the way has a smaller MTU, and its router says nothing, or a "
		      "firewall drops what it says: ICMP must pass to the pool %s.",
		      w.pool);
	if (!r.passes)
		telling_cause(t,
			      "%s answers no pings: a firewall that drops a SYN with data looks "
			      "the same.",
			      t->address);
}

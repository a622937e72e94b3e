/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/effective_view.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sstp/control/model_internal.h"

/* In the order of enum ruleset_source. */
static const char *const sources[RULESET_SOURCES] = {
	"INHERITED", "STATIC", "CUSTOM", "ON_PREMISES", "BGP", "PEERED", "TWO_HOPS", "DEFAULT",
};

const char *effective_source(enum ruleset_source source)
{
	return sources[source];
}

enum ruleset_source effective_source_of(const char *name)
{
	unsigned i = 0;

	while (i < RULESET_SOURCES && strcasecmp(name, sources[i]) != 0)
		i++;
	return (enum ruleset_source)i;
}

const char *effective_fate_text(enum effective_fate fate)
{
	static const char *const texts[] = {"NotRouted", "Routed", "Closed"};

	return texts[fate];
}

static const struct ruleset_rule *rule_at(const struct ruleset *set, uint32_t i)
{
	size_t n;

	return &ruleset_rules(set, &n)[i];
}

static const struct ruleset_entry *entry_at(const struct ruleset *set, uint32_t i)
{
	size_t n;

	return &ruleset_entries(set, &n)[i];
}

/* ---- what becomes of traffic ---- */

/* Of the VNet's clients, which the gate of a connection is as well. */
static const struct ruleset *gate_of(const struct effective_shown *s)
{
	return s->is_connection ? (s->gate ? s->gate->set : NULL) : s->connection.set;
}

const struct fabric_peer *effective_closed_by(const struct effective_shown *s,
					      const struct prefix *p)
{
	const struct ruleset *set = gate_of(s);
	uint32_t entry = set ? ruleset_find(set, p) : RULESET_NONE;

	if (entry == RULESET_NONE || ruleset_outcome(set, entry) != RULESET_CLOSED)
		return NULL;
	return &s->gate->peers[rule_at(set, entry_at(set, entry)->gate)->origin];
}

enum effective_fate effective_fate(const struct effective_shown *s, const struct prefix *p)
{
	const struct ruleset *set = s->connection.set;
	uint32_t entry = ruleset_find(set, p);

	if (effective_closed_by(s, p))
		return EFFECTIVE_CLOSED;
	return entry != RULESET_NONE && entry_at(set, entry)->route != RULESET_NONE
		       ? EFFECTIVE_ROUTED
		       : EFFECTIVE_NOT_ROUTED;
}

/* ---- whose it is ---- */

static const struct learned_route *learned_at(const struct effective_shown *s,
					      const struct ruleset_rule *rule)
{
	return &s->learned.routes[rule->origin];
}

const char *effective_origin(const struct effective_shown *s, const struct ruleset_rule *rule,
			     char buf[EFFECTIVE_ORIGIN_MAX])
{
	char protocol[LEARNED_PROTOCOL_MAX];
	const struct fabric_peer *peer;
	const char *gateway = s->gate ? s->gate->vnet->gateway : NULL;

	*buf = '\0';
	switch ((enum ruleset_source)rule->source) {
	case RULESET_INHERITED:
		snprintf(buf, EFFECTIVE_ORIGIN_MAX, "%s", s->gate ? s->gate->vnet->name : "");
		break;
	case RULESET_STATIC:
		snprintf(buf, EFFECTIVE_ORIGIN_MAX, "%s", s->connection.names[rule->origin]);
		break;
	case RULESET_CUSTOM:
	case RULESET_ON_PREMISES:
		snprintf(buf, EFFECTIVE_ORIGIN_MAX, "%s", gateway ? gateway : "");
		break;
	case RULESET_BGP:
		snprintf(buf, EFFECTIVE_ORIGIN_MAX, "%s",
			 learned_protocol(learned_at(s, rule)->protocol, protocol));
		break;
	case RULESET_PEERED:
		snprintf(buf, EFFECTIVE_ORIGIN_MAX, "%s", s->gate->peers[rule->origin].vnet->name);
		break;
	case RULESET_TWO_HOPS:
		peer = &s->gate->peers[rule->origin];
		snprintf(buf, EFFECTIVE_ORIGIN_MAX, "%s behind %s", peer->vnet->name,
			 peer->via->name);
		break;
	case RULESET_DEFAULT: snprintf(buf, EFFECTIVE_ORIGIN_MAX, "RFC 1918"); break;
	case RULESET_SOURCES: break;
	}
	return buf;
}

/* ---- why ---- */

static void why_peered(const struct effective_shown *s, const struct ruleset_rule *rule,
		       char buf[EFFECTIVE_WHY_MAX])
{
	const struct fabric_peer *peer = &s->gate->peers[rule->origin];

	if (peer->missing || peer->hops > 1)
		fabric_why(s->gate->vnet, peer, buf);
	else if (rule->verdict == RULESET_ROUTE)
		snprintf(buf, EFFECTIVE_WHY_MAX,
			 "Peered: every flag is set on peering %s of virtual network %s and on %s "
			 "of "
			 "%s.",
			 peer->hub_name, s->gate->vnet->name, peer->spoke_name, peer->vnet->name);
	else
		snprintf(buf, EFFECTIVE_WHY_MAX,
			 "The peering is open, but routes nothing by itself (propagatePeerings is "
			 "off): a route of the plan, a custom route or the default routes must "
			 "cover "
			 "it.");
}

/* Of one that does not count. */
static const char *why_not_learned(const struct effective_shown *s, const struct ruleset_rule *rule)
{
	const struct fabric_vnet *v = s->gate->vnet;

	if (!v->propagates_bgp)
		return "Learned, but shown only: propagateBgp is off, and no custom route covers "
		       "it.";
	if (!fabric_permits(v, &rule->prefix))
		return "Learned, but bgpFilters does not permit it.";
	return "Learned, but more than 4000 prefixes pass bgpFilters: workers are told of none.";
}

/* What the rule is, whatever comes of it. */
static void why_source(const struct effective_shown *s, const struct ruleset_rule *rule,
		       char buf[EFFECTIVE_WHY_MAX])
{
	char origin[EFFECTIVE_ORIGIN_MAX];
	const char *synced = s->is_connection ? ", as last synced" : "";

	effective_origin(s, rule, origin);
	switch ((enum ruleset_source)rule->source) {
	case RULESET_INHERITED:
		snprintf(buf, EFFECTIVE_WHY_MAX, "Address space of virtual network %s%s.", origin,
			 synced);
		break;
	case RULESET_STATIC:
		snprintf(buf, EFFECTIVE_WHY_MAX, "Route %s of the plan.", origin);
		break;
	case RULESET_CUSTOM:
		snprintf(buf, EFFECTIVE_WHY_MAX, "Custom route of gateway %s%s.", origin, synced);
		break;
	case RULESET_ON_PREMISES:
		snprintf(buf, EFFECTIVE_WHY_MAX,
			 "Declared to be on-premises, which no peering closes; routed only where "
			 "another "
			 "route covers it.");
		break;
	case RULESET_BGP:
		snprintf(buf, EFFECTIVE_WHY_MAX, "%s",
			 rule->verdict == RULESET_SHOW ? why_not_learned(s, rule)
						       : "Learned, and propagated.");
		break;
	case RULESET_PEERED:
	case RULESET_TWO_HOPS: why_peered(s, rule, buf); break;
	case RULESET_DEFAULT:
		snprintf(buf, EFFECTIVE_WHY_MAX,
			 "A private range: the app wants the default routes.");
		break;
	case RULESET_SOURCES: break;
	}
}

const char *effective_what(const struct effective_shown *s, const struct ruleset_rule *rule,
			   char buf[EFFECTIVE_WHY_MAX])
{
	if (rule->source == RULESET_PEERED || rule->source == RULESET_TWO_HOPS)
		snprintf(buf, EFFECTIVE_WHY_MAX, "Address space of virtual network %s.",
			 s->gate->peers[rule->origin].vnet->name);
	else
		why_source(s, rule, buf);
	return buf;
}

static void append(char buf[EFFECTIVE_WHY_MAX], const char *text)
{
	size_t len = strlen(buf);

	snprintf(buf + len, EFFECTIVE_WHY_MAX - len, " %s", text);
}

/* The peer that closes what this rule routes. */
static void why_closed(const struct effective_shown *s, const struct ruleset_rule *rule,
		       char buf[EFFECTIVE_WHY_MAX])
{
	const struct fabric_peer *peer = effective_closed_by(s, &rule->prefix);
	char why[FABRIC_WHY_MAX];

	if (!peer)
		return;
	append(buf, "It opens no closed peering:");
	append(buf, fabric_why(s->gate->vnet, peer, why));
}

static void why_lost(const struct effective_shown *s, uint32_t entry, char buf[EFFECTIVE_WHY_MAX])
{
	const struct ruleset_entry *e = entry_at(s->connection.set, entry);
	const struct ruleset_rule *winner = rule_at(s->connection.set, e->rules);
	char origin[EFFECTIVE_ORIGIN_MAX];
	char text[EFFECTIVE_ORIGIN_MAX + 64];

	snprintf(text, sizeof(text), "%s (%s) says the same of this prefix, and comes first.",
		 sources[winner->source], effective_origin(s, winner, origin));
	append(buf, text);
}

const char *effective_why(const struct effective_shown *s, uint32_t entry, uint32_t rule,
			  char buf[EFFECTIVE_WHY_MAX])
{
	const struct ruleset_rule *r = rule_at(s->connection.set, rule);

	why_source(s, r, buf);
	if (r->verdict == RULESET_ROUTE && r->source != RULESET_PEERED)
		why_closed(s, r, buf);
	if (ruleset_fate(s->connection.set, entry, rule) == RULESET_LOSES)
		why_lost(s, entry, buf);
	return buf;
}

/* ---- JSON ---- */

/* null when it is nothing. */
static json_t *text_or_null(const char *text)
{
	return *text ? json_string(text) : json_null();
}

static json_t *next_hop(const struct effective_shown *s, const struct ruleset_rule *rule)
{
	char text[INET6_ADDRSTRLEN];
	const struct learned_route *l;

	if (rule->source != RULESET_BGP)
		return json_null();
	l = learned_at(s, rule);
	if (!l->via_family || !inet_ntop(l->via_family, l->via, text, sizeof(text)))
		return json_null();
	return json_string(text);
}

static json_t *rule_json(const struct effective_shown *s, uint32_t entry, uint32_t i)
{
	const struct ruleset_rule *rule = rule_at(s->connection.set, i);
	enum effective_fate fate = effective_fate(s, &rule->prefix);
	bool is_routed = fate == EFFECTIVE_ROUTED && rule->verdict == RULESET_ROUTE &&
			 ruleset_fate(s->connection.set, entry, i) == RULESET_WINS;
	char prefix[PREFIX_TEXT_MAX];
	char origin[EFFECTIVE_ORIGIN_MAX];
	char why[EFFECTIVE_WHY_MAX];

	return json_pack("{s:s, s:s, s:o, s:b, s:s, s:o, s:n, s:s}", "prefix",
			 prefix_format(&rule->prefix, prefix), "source", sources[rule->source],
			 "origin", text_or_null(effective_origin(s, rule, origin)), "routed",
			 is_routed, "verdict", effective_fate_text(fate), "nextHop",
			 next_hop(s, rule), "asPath", "why", effective_why(s, entry, i, why));
}

/* Counts all of them, and takes limit of them at most. */
static size_t take_rules(const struct effective_shown *s, enum ruleset_source source, size_t limit,
			 json_t *list)
{
	size_t n;
	const struct ruleset_entry *entries = ruleset_entries(s->connection.set, &n);
	size_t total = 0;

	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = entries[i].rules; k < entries[i].rules + entries[i].n_rules;
		     k++) {
			if (source != RULESET_SOURCES &&
			    rule_at(s->connection.set, k)->source != source)
				continue;
			if (total++ < limit)
				json_array_append_new(list, rule_json(s, i, k));
		}
	return total;
}

static json_t *learned_json(const struct effective_shown *s)
{
	return json_pack("{s:I, s:I, s:I, s:b}", "total", (json_int_t)s->learned.n, "permitted",
			 (json_int_t)(s->gate ? s->gate->n_permitted : 0), "told",
			 (json_int_t)(s->gate ? s->gate->n_told : 0), "isCut", s->learned.is_cut);
}

char *effective_json(const struct effective_shown *s, enum ruleset_source source, size_t limit)
{
	json_t *list = json_array();
	size_t total = take_rules(s, source, limit, list);
	json_t *json = json_pack("{s:o, s:I, s:o}", "value", list, "total", (json_int_t)total,
				 "learned", learned_json(s));
	char *text = json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII);

	json_decref(json);
	return text;
}

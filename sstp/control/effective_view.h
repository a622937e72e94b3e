/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_EFFECTIVE_VIEW_H
#define SSTP_CONTROL_EFFECTIVE_VIEW_H
/*
 * Effective routes in words: what came of each rule, and why.
 *
 *   {"prefix": "10.2.0.0/16", "source": "PEERED", "origin": "spoke", "routed": false, "verdict": "Closed",
 *    "nextHop": null, "asPath": null, "why": "allowGatewayTransit is not set on peering a of virtual network hub."}
 *
 * routed: this rule is the one that carries traffic to what no longer prefix has. verdict: what becomes of
 * that traffic, by whatever rule: Routed, Closed (by a peering) or NotRouted.
 */
#include "sstp/control/effective.h"

enum {
	EFFECTIVE_WHY_MAX = FABRIC_WHY_MAX + 256,
	EFFECTIVE_ORIGIN_MAX = 192,
	EFFECTIVE_LIMIT = 10000, /* rules in an answer, unless told otherwise */
};

/* What becomes of traffic. */
enum effective_fate {
	EFFECTIVE_NOT_ROUTED,
	EFFECTIVE_ROUTED,
	EFFECTIVE_CLOSED,
};

/* "INHERITED", ...; a constant. */
const char *effective_source(enum ruleset_source source);
/* The source of a name, without case; RULESET_SOURCES: there is none. */
enum ruleset_source effective_source_of(const char *name);
/* "Routed", ...; a constant. */
const char *effective_fate_text(enum effective_fate fate);

/* Of what lies in p, and in nothing longer: in the connection's set and behind its VNet's gate, or in the VNet's own. */
enum effective_fate effective_fate(const struct effective_shown *s, const struct prefix *p);

/* The peer whose gate closes p; NULL: none does. */
const struct fabric_peer *effective_closed_by(const struct effective_shown *s,
					      const struct prefix *p);

/* What a rule of the set is of: a VNet, a route's name, a daemon. Returns buf. */
const char *effective_origin(const struct effective_shown *s, const struct ruleset_rule *rule,
			     char buf[EFFECTIVE_ORIGIN_MAX]);

/* A sentence about a rule of the set, whatever came of it. Returns buf. */
const char *effective_what(const struct effective_shown *s, const struct ruleset_rule *rule,
			   char buf[EFFECTIVE_WHY_MAX]);

/* A sentence or more about a rule, and what came of it. Returns buf. */
const char *effective_why(const struct effective_shown *s, uint32_t entry, uint32_t rule,
			  char buf[EFFECTIVE_WHY_MAX]);

/*
 * {"value": [...], "total": N, "learned": {"total", "permitted", "told", "isCut"}}: the rules of a source
 * (RULESET_SOURCES: of any), limit of them at most; total counts them all. Owned (free); NULL without memory.
 */
char *effective_json(const struct effective_shown *s, enum ruleset_source source, size_t limit);

#endif

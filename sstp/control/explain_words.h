/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_EXPLAIN_WORDS_H
#define SSTP_CONTROL_EXPLAIN_WORDS_H
/*
 * What was found on the way from an app, or from a VNet's client, to a destination, in words:
 *
 *   {"app": "shop", "vnet": "hub", "target": "db.corp:1433", "address": "10.2.0.4", "verdict": "PeeringClosed",
 *    "message": "...", "causes": ["..."], "steps": [{"step": "name", "result": "ok", "finding": "..."}, ...]}
 *
 * causes: what may be behind the verdict where that is not all, the likeliest first, and how to tell them apart.
 * Steps, in their order: name, connection, certificate, route, peering, gateway, gatewayRoute, returnRoute, probe, and what was
 * asked after it: gatewayProbe, hostProbe, poolProbe, hops, sizes. Of one there may be several, or none. result: ok, failed,
 * warning (it may well be wrong), info, unknown (it could not be found out).
 */
#include "sstp/control/dns_ask.h"
#include "sstp/control/effective_view.h"
#include "sstp/control/explain_bgp.h"
#include "sstp/control/explain_cause.h"
#include "sstp/control/msg_probe.h"
#include "tun/rtnl_get.h"

enum {
	EXPLAIN_SERVERS_MAX = MSG_SERVERS_MAX,
	EXPLAIN_ADDRESS_MAX = 64,
};

/* Of one name server that was asked. */
struct explain_server {
	struct prefix address;
	int error; /* -errno: it could not be asked */
	struct dns_answer answer;
};

/* All borrowed. */
struct explain_facts {
	const char *app; /* NULL: from the VNet */
	const char *vnet;
	const char *target;
	const char *host;
	bool is_name; /* the host is one, and not an address */
	bool has_address;
	struct prefix address;
	unsigned port; /* 0: none was given */
	struct explain_server servers[EXPLAIN_SERVERS_MAX];
	size_t n_servers;    /* that were asked */
	const char *refusal; /* of the connection; "": none */
	const char *
		down; /* why nobody comes in by the gateway, as the data plane says it; "": it is up */
	int64_t n_sessions;
	const struct effective_shown *shown;
	bool has_kernel; /* it was asked */
	int kernel_error;
	struct rtnl_got kernel;
	const char *device;		     /* of the VNet's tunnels; "": it is not known */
	const struct fabric_prefixes *pools; /* NULL: there is no such VNet */
	bool has_bgp;
	uint32_t announce_table;
	const struct prefix *announced;
	size_t n_announced;
	const struct explain_bgp *bird; /* NULL: it was not asked */
	bool was_probed;
	struct msg_probed probed;	    /* what the first question met */
	const struct explain_probe *probes; /* what was asked after it (explain_cause.h) */
	size_t n_probes;		    /* 0: nothing more */
	const char *certificate; /* the app's: its status, as the authority says it; NULL: none */
};

/* It was an answer to the question, that there is no such name too: a resolver asks nobody else then. */
bool explain_is_answer(const struct explain_server *s);

/* The pool whose way back bird is asked for: the first one of the address's family. NULL: none. */
const struct prefix *explain_pool(const struct explain_facts *f);

/* The pool that the question came from, if nobody is told of it; NULL. */
const struct prefix *explain_pool_without_a_way(const struct explain_facts *f);

/* Owned (free); NULL without memory. */
char *explain_json(const struct explain_facts *f);

#endif

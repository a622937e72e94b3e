/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_FABRIC_H
#define SSTP_CONTROL_FABRIC_H
/*
 * The virtual networks, what their gateways say, and how they are peered: a copy of these tables of the
 * model in memory, read again when one of them has changed.
 *
 * A peering is a gate at the gateway, asked from the side of the VNet that has it, the hub. What lies in the
 * other one, the spoke, is open to the hub's clients when both sides exist and all of these are set:
 *
 *   hub's side      allowVirtualNetworkAccess  allowForwardedTraffic  allowGatewayTransit
 *   spoke's side    allowVirtualNetworkAccess  allowForwardedTraffic  useRemoteGateways
 *
 * One side alone makes them peers, whose gate is closed. Peering is not transitive: a VNet behind a peer, two
 * hops away or more, is closed, whatever the flags between those two say.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "routing/prefix.h"
#include "sstp/control/bgp_filter.h"
#include "sstp/control/model.h"

struct fabric_prefixes {
	struct prefix *list; /* owned */
	size_t n;
};

/* Owned by the fabric, all of it. */
struct fabric_vnet {
	int64_t id;
	char *name;
	char *gateway; /* the name of its VPN gateway; NULL: there is none */
	struct fabric_prefixes spaces;
	struct fabric_prefixes pools;
	struct fabric_prefixes custom;
	struct fabric_prefixes on_premises;
	struct bgp_filter *filters;
	size_t n_filters;
	char *netns; /* of its device, as the API says; "" */
	char **dns;  /* addresses */
	size_t n_dns;
	bool has_bgp;
	bool propagates_bgp;
	bool propagates_peerings;
};

/* What a gate lacks; the hub's first. */
enum {
	FABRIC_HUB_PEERING = 1 << 0, /* the hub has no peering to the other one */
	FABRIC_HUB_ACCESS = 1 << 1,
	FABRIC_HUB_FORWARDED = 1 << 2,
	FABRIC_HUB_TRANSIT = 1 << 3,
	FABRIC_SPOKE_PEERING = 1 << 4,
	FABRIC_SPOKE_ACCESS = 1 << 5,
	FABRIC_SPOKE_FORWARDED = 1 << 6,
	FABRIC_SPOKE_REMOTE = 1 << 7,
};

struct fabric_peer {
	const struct fabric_vnet *vnet;
	const struct fabric_vnet *via; /* of two hops and more: the one before it; else NULL */
	unsigned hops;		       /* 1: peered */
	unsigned missing;	       /* of one hop; 0: open */
	const char *hub_name;	       /* the hub's peering; NULL: it has none */
	const char *spoke_name;
};

enum {
	FABRIC_WHY_MAX = 1536
};

struct fabric;

/* One for a model. 0 with an owned fabric, empty so far; -errno with a sentence. */
int fabric_new(struct model *model, struct fabric **ret_fabric, struct certs_error *ret_error);
/* Takes NULL. */
void fabric_free(struct fabric *f);

/* As the model is now. What was borrowed before is good no longer if the generation is another one. 0 or -errno. */
int fabric_refresh(struct fabric *f, struct certs_error *ret_error);
uint64_t fabric_generation(const struct fabric *f);

/* All of them, by id. Borrowed until it is read again. */
const struct fabric_vnet *fabric_vnets(const struct fabric *f, size_t *ret_n);
/* Likewise; NULL: there is none. Names without case. */
const struct fabric_vnet *fabric_find(const struct fabric *f, int64_t id);
const struct fabric_vnet *fabric_find_name(const struct fabric *f, const char *name);

/*
 * All that can be reached over peerings, the nearer ones first; a VNet once. 0 with an owned list (free);
 * -ENOMEM.
 */
int fabric_peers(const struct fabric *f, const struct fabric_vnet *hub,
		 struct fabric_peer **ret_peers, size_t *ret_n);

/*
 * Why a peer is closed, sentences with flag and side: "allowGatewayTransit is not set on peering a of virtual
 * network hub." Empty when it is open. Returns buf.
 */
const char *fabric_why(const struct fabric_vnet *hub, const struct fabric_peer *peer,
		       char buf[FABRIC_WHY_MAX]);

/* Whether the VNet's bgpFilters let a learned prefix through: the first match counts; none: no, unless there are no filters. */
bool fabric_permits(const struct fabric_vnet *v, const struct prefix *p);

#endif

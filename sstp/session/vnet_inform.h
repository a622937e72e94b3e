/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_VNET_INFORM_H
#define SSTP_SESSION_VNET_INFORM_H
/*
 * What a standard client is told of its VNet, beside its addresses: the control thread works it out when the settings or
 * what the clients reach change, and a client gets it when it asks (session/dhcp.h). Routes are the fewest prefixes
 * with all that the VNet's clients reach; an app's session has its connection's routes and name servers instead. A worker
 * of ours is told in band, and not here.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "routing/prefix.h"
#include "sstp/session/vnet.h"
#include "tun/ip.h"

struct session;
struct vnet_lease;
struct vnet_policy;

enum {
	VNET_INFORM_ROUTES_MAX = 1024, /* of IPv4; more fit in no answer */
};

/* The VNet's, under its lock. All zero: nothing. */
struct vnet_inform {
	struct prefix *routes; /* owned; IPv4 */
	size_t n_routes;
	char *domains[VNET_DOMAINS_MAX]; /* owned */
	size_t n_domains;
};

/* ---- the control thread */

/* What policy lets the clients reach, from now on, also in advertisements. Without memory: what was said before. */
void vnet_inform_set_routes(struct vnet *v, const struct vnet_policy *policy);
void vnet_inform_set_domains(struct vnet *v, const char *const *domains, size_t n);
void vnet_inform_done(struct vnet_inform *i);

/* ---- a data thread */

/*
 * A packet of the session's that goes nowhere. True: it was a question of a standard client's that is answered; at most one
 * a second and session is. now: the loop's.
 */
bool vnet_inform(struct vnet *v, const struct vnet_lease *lease, struct session *s,
		 const uint8_t *pkt, const struct ip_info *ip, uint64_t now);

#endif

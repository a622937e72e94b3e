/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_NETWORK_H
#define SSTP_CONTROL_NETWORK_H
/*
 * What an app's connection is by now: the VNet as it was last synced to, the rest as it is (effective.h).
 * From it come the lookup of the data plane, and the description that the worker is given, with its
 * certificate and again whenever it changes:
 *
 *   {"vnetName": "lab", "addressSpaces": ["10.20.0.0/16"],
 *    "routes": ["10.20.0.0/16", "192.168.7.0/24", "fd00:20::/48"], "dnsServers": ["10.20.0.4"],
 *    "searchDomains": ["corp.example.com"], "pointToSiteAddressSpaces": ["172.16.81.0/24"],
 *    "gateway": "192.0.0.8", "appName": "shop", "digest": "5f0c..."}
 *
 * "routes" is all that goes into the tunnel, of both families: what is routed in the connection's effective
 * set, a closed peering's too, so that its traffic is refused here and goes nowhere else; each once, none left
 * out for another that covers it: a worker may have routes of its own in between. The digest is
 * SHA-256 over all in front of it: equal as long as nothing has changed.
 *
 * Connections of one plan to one VNet share nearly all: what they have in common is kept from one
 * question to the next, until the model changes. Reading one costs about 20 us with 50 routes.
 *
 * Limit: MSG_ROUTES_MAX prefixes, not counting learned ones, and MSG_DESCRIPTION_MAX bytes; a connection with more is
 * refused with a sentence, and has none. Learned ones that make a description too long are left out of it.
 */
#include <stddef.h>
#include <stdint.h>

#include "routing/prefix.h"
#include "sstp/control/effective.h"
#include "sstp/control/model.h"
#include "sstp/control/msg_site.h"

enum {
	NETWORK_DIGEST_MAX = 65 /* 64 hex digits and a NUL */
};

/* All borrowed until the next question, or the model's next change. */
struct network {
	const char *app;
	const char *vnet;
	const char *refusal;	     /* a sentence; "": none */
	const struct prefix *routes; /* the fewest that say it */
	size_t n_routes;
	uint32_t dns_be[MSG_DNS_MAX]; /* 0: none */
	const char *description;
	const char *digest;
};

struct networks;

/* One for a model, which is borrowed. Returns owned; NULL without memory. */
struct networks *networks_new(struct model *model);
/* Takes NULL. */
void networks_free(struct networks *n);

/* What they are made of; borrowed. */
struct effective *networks_effective(struct networks *n);

/* The connection of the app with this id of the model's. 1: there is one; 0: there is none; -errno. */
int networks_read(struct networks *n, int64_t app_id, struct network *ret_network,
		  struct certs_error *ret_error);

/* The connection between these two, in any case. As networks_read(). */
int networks_find(struct networks *n, const char *app, const char *vnet,
		  struct network *ret_network, struct certs_error *ret_error);

/* Whether there is a VNet of this name that apps can be connected to. 1, 0, -errno. */
int networks_has_vnet(struct networks *n, const char *vnet, struct certs_error *ret_error);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_NETWORK_H
#define SSTP_CONTROL_NETWORK_H
/*
 * What a worker has to know of its VNet, as it goes with an enrolment (one transaction: certificate
 * and network together):
 *
 *   {"vnetName": "lab", "appName": "shop", "addressSpaces": ["10.20.0.0/16"],
 *    "dnsServers": ["10.20.0.4"], "gateway": "192.0.0.8", "digest": "5f0c..."}
 *
 * The digest is SHA-256 over all but the app's name and itself: equal as long as nothing has
 * changed.
 */
#include <stddef.h>

#include "sstp/control/msg.h"

enum {
	NETWORK_DIGEST_MAX = 65 /* 64 hex digits and a NUL */
};

/* The networks of a gateway. Immutable. */
struct networks;

/* Copies what it needs. Returns owned; NULL without memory. */
struct networks *networks_new(const struct msg_config *config);
/* Takes NULL. */
void networks_free(struct networks *n);

/* The digest of a VNet, in any case; returns borrowed, or NULL: there is no such VNet. */
const char *networks_digest(const struct networks *n, const char *vnet);

/* The description for an app, owned (free); NULL: no such VNet, or no memory. */
char *networks_describe(const struct networks *n, const char *vnet, const char *app);

#endif

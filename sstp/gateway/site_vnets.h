/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_GATEWAY_SITE_VNETS_H
#define SSTP_GATEWAY_SITE_VNETS_H
/*
 * The virtual networks that are not of gateway.yaml, as control has told them: made, changed and taken away in the data plane. One that
 * cannot be made, or whose device somebody has taken away, is tried again whenever asked for.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sstp/control/msg_site.h"
#include "sstp/session/dataplane.h"

struct site_vnets;

/* What gateway.yaml says for all of them. */
struct site_vnets_params {
	struct dataplane *dataplane; /* borrowed */
	uint16_t mtu;
	unsigned offload;
	/* How one is served has changed: name and why ("": it is up) are borrowed for the call. */
	void (*on_state)(void *arg, const char *name, const char *why);
	void *arg;
};

/* Returns owned; NULL without memory. */
struct site_vnets *site_vnets_new(const struct site_vnets_params *params);
/* The VNets themselves stay the data plane's. Takes NULL. */
void site_vnets_free(struct site_vnets *v);

/*
 * Adds one, or changes it: with other pools, another device or another address of the gateway it is another one, and the
 * sessions of the old one end. -EINVAL: an address is none; -EEXIST: there is one of that name in gateway.yaml; -ENOMEM. What else can
 * go wrong is its state.
 */
int site_vnets_set(struct site_vnets *v, const struct msg_site_vnet *m);
/* Its sessions end. One that is not there: nothing happens. */
void site_vnets_drop(struct site_vnets *v, const char *name);

/* All are told anew: _end() drops what was not set since _begin(). */
void site_vnets_begin(struct site_vnets *v);
void site_vnets_end(struct site_vnets *v);

/* Makes those again that are not up. */
void site_vnets_retry(struct site_vnets *v);

/* Those that the data plane does not have, with on_state. */
void site_vnets_tell_missing(struct site_vnets *v);

#endif

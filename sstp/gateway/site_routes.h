/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_GATEWAY_SITE_ROUTES_H
#define SSTP_GATEWAY_SITE_ROUTES_H
/*
 * What the clients of each virtual network may reach, as control tells it in parts: they are put together here, and go to
 * the data plane as one.
 *
 * Of learned ranges, which are open to everybody, there may be more than anybody wants to keep: those beyond
 * SITE_ROUTES_OPEN_MAX are left out, so that there always is room for what is closed. A left-out range is what the range
 * around it is, or nothing.
 */
#include "sstp/control/msg_site.h"
#include "sstp/session/dataplane.h"

enum {
	SITE_ROUTES_OPEN_MAX = REACH_MAX / 8 * 7,
};

struct site_routes;

/* Borrows the data plane. Returns owned; NULL without memory. */
struct site_routes *site_routes_new(struct dataplane *dataplane);
/* Takes NULL. */
void site_routes_free(struct site_routes *s);

/*
 * A part. 0; -EPROTO: it does not follow, and is dropped with what came before; -E2BIG: more than REACH_MAX, likewise; -ENOMEM
 * and other -errno: what was in effect still is.
 */
int site_routes_take(struct site_routes *s, const struct msg_vnet_routes *m);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_API_ROUTES_H
#define SSTP_CONTROL_API_ROUTES_H
/*
 * The effective routes, for who asks (effective_view.h):
 *
 *   GET .../Microsoft.Web/sites/APP/virtualNetworkConnections/VNET/effectiveRoutes
 *   GET .../Microsoft.Network/virtualNetworks/VNET/effectiveRoutes
 *
 * ?source= shows one source only, &limit= that many (EFFECTIVE_LIMIT): "total" counts them all.
 */
#include "sstp/control/effective.h"
#include "sstp/control/front.h"

enum {
	API_ROUTES_LIMIT_MAX = 1 << 20
};

/* All borrowed. */
struct api_routes_world {
	struct model *model;
	struct effective *effective;
};

/* True when the path is one of these, good or not. */
bool api_routes_has_path(const char *path);

/* Always fills ret_reply. */
void api_routes_answer(const struct api_routes_world *w, const struct front_request *request,
		       struct front_reply *ret_reply);

/* The i-th route there is, as ":vnet" stands for a name; NULL behind the last. */
const char *api_routes_route(size_t i, enum front_method *ret_method);

#endif

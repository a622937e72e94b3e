/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_API_H
#define SSTP_CONTROL_API_H
/*
 * The management API: the original's resource paths, verbs, bodies and status codes, over the model.
 *
 *   /subscriptions
 *   /subscriptions/S/providers/Microsoft.Web/{serverfarms,sites}                     all of a subscription
 *   /subscriptions/S/providers/Microsoft.Web/virtualNetworkConnections                likewise, without routes
 *   /subscriptions/S/resourceGroups/G/providers/Microsoft.Web/serverfarms/PLAN
 *     .../virtualNetworkConnections[/VNET[/sync | /gateways/primary | /routes[/ROUTE]]]
 *   /subscriptions/S/resourceGroups/G/providers/Microsoft.Web/sites/APP
 *     .../virtualNetworkConnections[/VNET[/gateways/primary]]
 *   /subscriptions/S/resourceGroups/G/providers/Microsoft.Network/virtualNetworks/VNET
 *     .../virtualNetworkGateways[/GATEWAY]
 *
 * Literal parts and names are compared without case, as resource names of the original. A list below
 * an app or a plan is a bare array, as the original's; the others are {"value": [...]}. Refusals are
 * {"error": {"code", "message"}}. Each resource has an ETag; with If-Match a change is only made of
 * what it was given for (412). Connect is the app's, sync and routes are the plan's: the wrong level
 * is refused with the right one's path.
 */
#include "sstp/control/front.h"
#include "sstp/control/model.h"

/* The i-th route there is, as ":plan" stands for a name; NULL behind the last. */
const char *api_route(size_t i, enum front_method *ret_method);

/* True when the path is one of ours to answer, good or not. */
bool api_has_path(const char *path);

/* Always fills ret_reply. now: seconds since 1970. */
void api_answer(struct model *model, const struct front_request *request, int64_t now,
		struct front_reply *ret_reply);

#endif

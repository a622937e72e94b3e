/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_API_SESSIONS_H
#define SSTP_CONTROL_API_SESSIONS_H
/*
 * What the operator may ask about sessions and what was used, and how he ends some.
 *
 *   GET  /v1/sessions                 ?app= &vnet= &plan= ; those that are there, or with &ended=true those
 *                                     that were, too, the newest first, &limit= of them (1000)
 *   GET  /v1/sessions/ID
 *   POST /v1/sessions/ID/disconnect
 *   POST /v1/sessions/disconnect      {"app"?, "vnet"?, "all"?: true}: those of both; the answer says
 *                                     {"disconnected": N}
 *   GET  /v1/usage                    ?from=YYYY-MM-DD &to= (both days count; 30 days up to today)
 *                                     &by=connection|app|plan|vnet &per=day|all &app= &vnet= &plan=
 *
 * and, as the original has them, for the sessions of a VNet's gateway:
 *
 *   POST .../virtualNetworks/VNET/virtualNetworkGateways/GATEWAY/getVpnClientConnectionHealth
 *   POST .../virtualNetworkGateways/GATEWAY/disconnectVirtualNetworkGatewayVpnConnections
 *        {"vpnConnectionIds": ["SSTP_..."]}
 *
 * A session has the original's fields of a connection's health, and what the original hides: the address
 * that it comes from, whose it is, what it stood on, why it has ended. Egress is what has gone out of
 * the VNet to the app: what the original charges for. With by=vnet there are "gatewayHours" too.
 *
 * A session that is disconnected is dialled again by its worker, as with the original. Limits: ROWS_MAX
 * rows in an answer; what would have more is refused with 400.
 */
#include "sstp/control/front.h"
#include "sstp/control/model.h"

enum {
	API_SESSIONS_LIMIT = 1000, /* of ended ones, unless told otherwise */
	API_SESSIONS_ROWS_MAX = 100000,
};

/* All borrowed. */
struct api_sessions_world {
	struct model *model;
	/* To the data plane. Takes frame in every case; 0 or -errno. */
	int (*send)(void *arg, uint8_t *frame, size_t len);
	void *arg;
};

/* True when the path is one of these, good or not. */
bool api_sessions_has_path(const char *path);

/* Always fills ret_reply. now: seconds since 1970. */
void api_sessions_answer(const struct api_sessions_world *w, const struct front_request *request,
			 int64_t now, struct front_reply *ret_reply);

/* The i-th route there is, as ":id" stands for a name; NULL behind the last. */
const char *api_sessions_route(size_t i, enum front_method *ret_method);

#endif

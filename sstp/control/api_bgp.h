/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_API_BGP_H
#define SSTP_CONTROL_API_BGP_H
/*
 * What a gateway with enableBgp says of it, below .../virtualNetworks/VNET/virtualNetworkGateways/GATEWAY; names are the original's,
 * whose operations these are, but for the last one:
 *
 *   POST /getBgpPeerStatus         {"value": [{"localAddress", "neighbor", "asn", "state": "Unknown" | "Stopped" | "Idle" |
 *                                  "Connecting" | "Connected", "connectedDuration", "routesReceived", "messagesSent",
 *                                  "messagesReceived"}]}, and ours: "name", "routesAdvertised", "lastError"
 *   POST /getLearnedRoutes         {"value": [{"localAddress", "network", "nextHop", "sourcePeer", "origin", "asPath", "weight"}]},
 *                                  and ours: "protocol", "total", "neverLearned", "message"
 *   POST /getAdvertisedRoutes      ?peer=ADDRESS, or to all of them: the same
 *   GET  /bgpConfiguration         {"text"} of BIRD (bgp_config.h); ?neighbor=ADDRESS&as=NUMBER
 *
 * Neighbours, what they are told and AS paths are BIRD's to say: without it (FRR, or it does not run) the first and the third are
 * refused with 502, and what is learned has neither, with the reason in "message". What BIRD does not tell is null.
 * ?limit= shows that many routes, API_BGP_LIMIT unless told; "total" counts them all.
 */
#include "sstp/control/bgp.h"
#include "sstp/control/front.h"

enum {
	API_BGP_LIMIT = 10000,
	API_BGP_LIMIT_MAX = 1 << 20,
};

/* All borrowed. */
struct api_bgp_world {
	struct model *model;
	const struct bgp *bgp;
	const char *socket; /* of BIRD, as bird_socket_path() takes it */
};

/* True when the path is one of these, good or not. */
bool api_bgp_has_path(const char *path);

/* Always fills ret_reply. */
void api_bgp_answer(const struct api_bgp_world *w, const struct front_request *request,
		    struct front_reply *ret_reply);

/* The i-th route there is, as ":vnet" stands for a name; NULL behind the last. */
const char *api_bgp_route(size_t i, enum front_method *ret_method);

#endif

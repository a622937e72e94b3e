/* SPDX-License-Identifier: Apache-2.0 */
/* What a gateway's routing daemon does. */
#include <stdio.h>

#include "tools/sstpctl/nouns.h"

static const struct column peers_columns[] = {
	{"NEIGHBOR", "neighbor", FORMAT_PLAIN},
	{"AS", "asn", FORMAT_PLAIN},
	{"STATE", "state", FORMAT_PLAIN},
	{"FOR", "connectedDuration", FORMAT_PLAIN},
	{"RECEIVED", "routesReceived", FORMAT_PLAIN},
	{"ADVERTISED", "routesAdvertised", FORMAT_PLAIN},
	{"LOCAL ADDRESS", "localAddress", FORMAT_PLAIN},
	{"NAME", "name", FORMAT_PLAIN},
	{"LAST ERROR", "lastError", FORMAT_PLAIN},
};

static const struct column routes_columns[] = {
	{"NETWORK", "network", FORMAT_PLAIN},	{"NEXT HOP", "nextHop", FORMAT_PLAIN},
	{"PEER", "sourcePeer", FORMAT_PLAIN},	{"ORIGIN", "origin", FORMAT_PLAIN},
	{"AS PATH", "asPath", FORMAT_PLAIN},	{"WEIGHT", "weight", FORMAT_PLAIN},
	{"PROTOCOL", "protocol", FORMAT_PLAIN},
};

const struct view bgp_peers_view = {
	.shape = VIEW_TABLE, .hides_empty = true, VIEW_COLUMNS(peers_columns)};
const struct view bgp_routes_view = {
	.shape = VIEW_TABLE, .hides_empty = true, VIEW_COLUMNS(routes_columns)};

static int print_config(struct call *c, const json_t *answer)
{
	const char *text = json_string_value(json_object_get(answer, "text"));

	if (!text)
		return view_fail_without("text");
	fputs(text, stdout);
	return 0;
}

const struct view bgp_config_view = {.shape = VIEW_OWN, .print = print_config};

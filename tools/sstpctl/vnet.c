/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual networks, their gateways and their peerings. */
#include <stdio.h>

#include "tools/sstpctl/nouns.h"
#include "tools/sstpctl/place.h"
#include "tools/sstpctl/request.h"

const struct body_field vnet_body[] = {
	{"ADDRESS-SPACES", "properties.addressSpace.addressPrefixes", BODY_TEXTS},
	{"DNS", "properties.dhcpOptions.dnsServers", BODY_TEXTS},
	{"SEARCH-DOMAINS", "properties.dhcpOptions.searchDomains", BODY_TEXTS},
	{"NETWORK-NAMESPACE", "properties.attach.networkNamespace", BODY_TEXT},
	{"LOCATION", "location", BODY_TEXT},
	{NULL, NULL, BODY_TEXT},
};

#define CLIENTS "properties.vpnClientConfiguration."

const struct body_field gateway_body[] = {
	{"TYPE", "properties.gatewayType", BODY_TEXT},
	{"VPN-TYPE", "properties.vpnType", BODY_TEXT},
	{"SKU", "properties.sku.name", BODY_TEXT},
	{"POOLS", CLIENTS "vpnClientAddressPool.addressPrefixes", BODY_TEXTS},
	{"PROTOCOLS", CLIENTS "vpnClientProtocols", BODY_TEXTS},
	{"CUSTOM-ROUTES", "properties.customRoutes.addressPrefixes", BODY_TEXTS},
	{"ON-PREMISES", "properties.localNetworkAddressSpace.addressPrefixes", BODY_TEXTS},
	{"BGP", "properties.enableBgp", BODY_SWITCH},
	{"ASN", "properties.bgpSettings.asn", BODY_NUMBER},
	{"KERNEL-TABLE", "properties.bgpSettings.kernelTable", BODY_NUMBER},
	{"ANNOUNCE-TABLE", "properties.bgpSettings.announceTable", BODY_NUMBER},
	{"PROPAGATE-BGP", "properties.propagateBgp", BODY_SWITCH},
	{"BGP-FILTERS", "properties.bgpFilters", BODY_FILTERS},
	{"ADVERTISE-HOST-ROUTES", "properties.advertiseHostRoutes", BODY_SWITCH},
	{"PROPAGATE-PEERINGS", "properties.propagatePeerings", BODY_SWITCH},
	{NULL, NULL, BODY_TEXT},
};

#define PEERING_SWITCHES                                                                      \
	{"ALLOW-VNET-ACCESS", "properties.allowVirtualNetworkAccess", BODY_SWITCH},           \
		{"ALLOW-FORWARDED-TRAFFIC", "properties.allowForwardedTraffic", BODY_SWITCH}, \
		{"ALLOW-GATEWAY-TRANSIT", "properties.allowGatewayTransit", BODY_SWITCH},     \
		{"USE-REMOTE-GATEWAYS", "properties.useRemoteGateways", BODY_SWITCH},         \
	{                                                                                     \
		NULL, NULL, BODY_TEXT                                                         \
	}

const struct body_field peering_body[] = {
	{"REMOTE-VNET", "properties.remoteVirtualNetwork.id", BODY_TEXT}, PEERING_SWITCHES};

/* Whose side it is stays. */
const struct body_field peering_set_body[] = {PEERING_SWITCHES};

static const struct column list_columns[] = {
	{"NAME", "name", FORMAT_PLAIN},
	{"ADDRESS SPACES", "properties.addressSpace.addressPrefixes", FORMAT_PLAIN},
	{"DNS SERVERS", "properties.dhcpOptions.dnsServers", FORMAT_PLAIN},
	{"APPS", "properties.apps", FORMAT_PLAIN},
	{"DEVICE", "properties.device", FORMAT_PLAIN},
	{"SOURCE", "properties.source", FORMAT_PLAIN},
	{"LOCATION", "location", FORMAT_PLAIN},
	{"SUBSCRIPTION", "id", FORMAT_SUBSCRIPTION},
	{"RESOURCE GROUP", "id", FORMAT_GROUP},
};

static const struct column columns[] = {
	{"VNet", "name", FORMAT_PLAIN},
	{"Subscription", "id", FORMAT_SUBSCRIPTION},
	{"Resource group", "id", FORMAT_GROUP},
	{"Location", "location", FORMAT_PLAIN},
	{"Address spaces", "properties.addressSpace.addressPrefixes", FORMAT_PLAIN},
	{"DNS servers", "properties.dhcpOptions.dnsServers", FORMAT_PLAIN},
	{"Search domains", "properties.dhcpOptions.searchDomains", FORMAT_PLAIN},
	{"Source", "properties.source", FORMAT_PLAIN},
	{"Device", "properties.device", FORMAT_PLAIN},
	{"Network namespace", "properties.attach.networkNamespace", FORMAT_PLAIN},
	{"Apps", "properties.apps", FORMAT_PLAIN},
	{"Version", "etag", FORMAT_PLAIN},
};

static const struct column gateway_list_columns[] = {
	{"VNET", "id", FORMAT_VNET},
	{"NAME", "name", FORMAT_PLAIN},
	{"TYPE", "properties.gatewayType", FORMAT_PLAIN},
	{"VPN TYPE", "properties.vpnType", FORMAT_PLAIN},
	{"SKU", "properties.sku.name", FORMAT_PLAIN},
	{"PROTOCOLS", CLIENTS "vpnClientProtocols", FORMAT_PLAIN},
	{"POOLS", CLIENTS "vpnClientAddressPool.addressPrefixes", FORMAT_PLAIN},
	{"STATUS", "properties.gatewayStatus", FORMAT_PLAIN},
};

static const struct column gateway_columns[] = {
	{"Gateway", "name", FORMAT_PLAIN},
	{"VNet", "id", FORMAT_VNET},
	{"Status", "properties.gatewayStatus", FORMAT_PLAIN},
	{"Why not up", "properties.gatewayReason", FORMAT_PLAIN},
	{"Type", "properties.gatewayType", FORMAT_PLAIN},
	{"VPN type", "properties.vpnType", FORMAT_PLAIN},
	{"SKU", "properties.sku.name", FORMAT_PLAIN},
	{"Protocols", CLIENTS "vpnClientProtocols", FORMAT_PLAIN},
	{"Point-to-site address space", CLIENTS "vpnClientAddressPool.addressPrefixes",
	 FORMAT_PLAIN},
	{"Site-to-site address space", "properties.localNetworkAddressSpace.addressPrefixes",
	 FORMAT_PLAIN},
	{"Custom routes", "properties.customRoutes.addressPrefixes", FORMAT_PLAIN},
	{"Peerings propagated", "properties.propagatePeerings", FORMAT_PLAIN},
	{"BGP", "properties.enableBgp", FORMAT_PLAIN},
	{"ASN", "properties.bgpSettings.asn", FORMAT_PLAIN},
	{"Tables learned/announced",
	 "properties.bgpSettings.kernelTable|properties.bgpSettings.announceTable", FORMAT_PLAIN},
	{"BGP propagated", "properties.propagateBgp", FORMAT_PLAIN},
	{"BGP filters", "properties.bgpFilters", FORMAT_FILTER},
	{"Host routes announced", "properties.advertiseHostRoutes", FORMAT_PLAIN},
	{"Version", "etag", FORMAT_PLAIN},
};

#define REMOTE "properties.remoteVirtualNetwork.id"

static const struct column peering_list_columns[] = {
	{"VNET", "id", FORMAT_VNET},
	{"NAME", "name", FORMAT_PLAIN},
	{"REMOTE", REMOTE, FORMAT_LAST},
	{"STATE", "properties.peeringState", FORMAT_PLAIN},
	{"ACCESS", "properties.allowVirtualNetworkAccess", FORMAT_PLAIN},
	{"FORWARDED", "properties.allowForwardedTraffic", FORMAT_PLAIN},
	{"TRANSIT", "properties.allowGatewayTransit", FORMAT_PLAIN},
	{"USES REMOTE", "properties.useRemoteGateways", FORMAT_PLAIN},
	{"REMOTE SPACES", "properties.remoteAddressSpace.addressPrefixes", FORMAT_PLAIN},
};

static const struct column peering_columns[] = {
	{"Peering", "name", FORMAT_PLAIN},
	{"VNet", "id", FORMAT_VNET},
	{"Remote VNet", REMOTE, FORMAT_PLAIN},
	{"Remote address spaces", "properties.remoteAddressSpace.addressPrefixes", FORMAT_PLAIN},
	{"State", "properties.peeringState", FORMAT_PLAIN},
	{"Sync level", "properties.peeringSyncLevel", FORMAT_PLAIN},
	{"Allow VNet access", "properties.allowVirtualNetworkAccess", FORMAT_PLAIN},
	{"Allow forwarded traffic", "properties.allowForwardedTraffic", FORMAT_PLAIN},
	{"Allow gateway transit", "properties.allowGatewayTransit", FORMAT_PLAIN},
	{"Use remote gateways", "properties.useRemoteGateways", FORMAT_PLAIN},
	{"Version", "etag", FORMAT_PLAIN},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const struct view vnet_list_view = {.shape = VIEW_TABLE, VIEW_COLUMNS(list_columns)};
const struct view gateway_list_view = {.shape = VIEW_TABLE, VIEW_COLUMNS(gateway_list_columns)};
const struct view gateway_view = {.shape = VIEW_LINES, VIEW_COLUMNS(gateway_columns)};
const struct view peering_list_view = {.shape = VIEW_TABLE, VIEW_COLUMNS(peering_list_columns)};
const struct view peering_view = {.shape = VIEW_LINES, VIEW_COLUMNS(peering_columns)};

/* What belongs to a virtual network, as its id goes on. */
static const char gateways_key[] = "virtualNetworkGateways";
static const char peerings_key[] = "virtualNetworkPeerings";

static int print_vnet(struct call *c, const json_t *vnet)
{
	const json_t *peerings = json_object_get(vnet, peerings_key);
	size_t i;
	const json_t *gateway;

	table_print_lines(stdout, 0, columns, COUNT(columns), vnet);
	json_array_foreach(json_object_get(vnet, gateways_key), i, gateway)
	{
		putchar('\n');
		table_print_lines(stdout, 0, gateway_columns, COUNT(gateway_columns), gateway);
	}
	if (json_array_size(peerings)) {
		putchar('\n');
		/* without the VNet's own name */
		table_print(stdout, 0, peering_list_columns + 1, COUNT(peering_list_columns) - 1,
			    peerings);
	}
	return 0;
}

const struct view vnet_view = {.shape = VIEW_OWN, .print = print_vnet};

/* What belongs to the virtual network of this id becomes its key's, or goes into a list. */
static int get_parts(struct call *c, const char *id, const char *key, json_t **ret_list)
{
	char path[PLACE_ID_MAX + 32];
	json_t *answer;
	int code;

	snprintf(path, sizeof(path), "%s/%s", id, key);
	code = place_get(c, path, &answer);
	if (code)
		return code;
	*ret_list = json_incref(json_object_get(answer, "value"));
	json_decref(answer);
	return 0;
}

static int add_part(struct call *c, const char *key, json_t *vnet)
{
	const char *id = json_string_value(json_object_get(vnet, "id"));
	json_t *list;
	int code = id ? get_parts(c, id, key, &list) : view_fail_without("id");

	if (code == 0)
		json_object_set_new(vnet, key, list);
	return code;
}

int vnet_show(struct call *c)
{
	json_t *vnet = NULL;
	int code = request_send(c, "GET", "{/VNET}", NULL, &vnet);

	if (code == 0)
		code = add_part(c, gateways_key, vnet);
	if (code == 0)
		code = add_part(c, peerings_key, vnet);
	if (code == 0)
		code = view_print(c, vnet);
	json_decref(vnet);
	return code;
}

/* ---- lists of what belongs to virtual networks ---- */

/* Adds those of one virtual network to value. */
static int add_parts(struct call *c, const char *id, const char *key, json_t *value)
{
	json_t *list;
	int code = get_parts(c, id, key, &list);

	if (code)
		return code;
	json_array_extend(value, list);
	json_decref(list);
	return 0;
}

static int add_all_parts(struct call *c, const char *key, json_t *value)
{
	json_t *vnets;
	const json_t *vnet;
	size_t i;
	int code = place_list(c, "Microsoft.Network/virtualNetworks", &vnets);

	if (code)
		return code;
	json_array_foreach(json_object_get(vnets, "value"), i, vnet)
	{
		const char *id = json_string_value(json_object_get(vnet, "id"));

		if (code == 0 && id)
			code = add_parts(c, id, key, value);
	}
	json_decref(vnets);
	return code;
}

/* Of one virtual network, or of all. */
static int list_parts(struct call *c, const char *key)
{
	json_t *value = json_array(), *answer;
	char id[PLACE_ID_MAX];
	int code = 0;

	if (c->arguments[0])
		code = place_find(c, "VNET", c->arguments[0], false, id);
	if (code == 0)
		code = c->arguments[0] ? add_parts(c, id, key, value)
				       : add_all_parts(c, key, value);
	answer = json_pack("{s:o}", "value", value);
	if (code == 0)
		code = view_print(c, answer);
	json_decref(answer);
	return code;
}

int gateway_list(struct call *c)
{
	return list_parts(c, gateways_key);
}

int peering_list(struct call *c)
{
	return list_parts(c, peerings_key);
}

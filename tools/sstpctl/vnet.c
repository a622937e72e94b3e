/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual networks and their gateways. */
#include <stdio.h>

#include "tools/sstpctl/nouns.h"
#include "tools/sstpctl/place.h"
#include "tools/sstpctl/request.h"

const struct body_field vnet_body[] = {
	{"ADDRESS-SPACES", "properties.addressSpace.addressPrefixes", BODY_TEXTS},
	{"DNS", "properties.dhcpOptions.dnsServers", BODY_TEXTS},
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
	{NULL, NULL, BODY_TEXT},
};

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
	{"Source", "properties.source", FORMAT_PLAIN},
	{"Device", "properties.device", FORMAT_PLAIN},
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
	{"Version", "etag", FORMAT_PLAIN},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const struct view vnet_list_view = {.shape = VIEW_TABLE, VIEW_COLUMNS(list_columns)};
const struct view gateway_list_view = {.shape = VIEW_TABLE, VIEW_COLUMNS(gateway_list_columns)};
const struct view gateway_view = {.shape = VIEW_LINES, VIEW_COLUMNS(gateway_columns)};

static int print_vnet(struct call *c, const json_t *vnet)
{
	size_t i;
	const json_t *gateway;

	table_print_lines(stdout, 0, columns, COUNT(columns), vnet);
	json_array_foreach(json_object_get(vnet, "virtualNetworkGateways"), i, gateway)
	{
		putchar('\n');
		table_print_lines(stdout, 0, gateway_columns, COUNT(gateway_columns), gateway);
	}
	return 0;
}

const struct view vnet_view = {.shape = VIEW_OWN, .print = print_vnet};

int vnet_show(struct call *c)
{
	json_t *vnet = NULL, *gateways;
	int code = request_send(c, "GET", "{/VNET}", NULL, &vnet);

	if (code == 0)
		code = request_send(c, "GET", "{/VNET}/virtualNetworkGateways", NULL, &gateways);
	if (code == 0) {
		json_object_set(vnet, "virtualNetworkGateways", json_object_get(gateways, "value"));
		json_decref(gateways);
		code = view_print(c, vnet);
	}
	json_decref(vnet);
	return code;
}

/* ---- gateways ---- */

/* Adds those of one virtual network to value. */
static int add_gateways(struct call *c, const char *id, json_t *value)
{
	char path[PLACE_ID_MAX + 32];
	json_t *answer;
	int code;

	snprintf(path, sizeof(path), "%s/virtualNetworkGateways", id);
	code = place_get(c, path, &answer);
	if (code)
		return code;
	json_array_extend(value, json_object_get(answer, "value"));
	json_decref(answer);
	return 0;
}

static int add_all_gateways(struct call *c, json_t *value)
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
			code = add_gateways(c, id, value);
	}
	json_decref(vnets);
	return code;
}

/* Of one virtual network, or of all. */
int gateway_list(struct call *c)
{
	json_t *value = json_array(), *answer;
	char id[PLACE_ID_MAX];
	int code = 0;

	if (c->arguments[0])
		code = place_find(c, "VNET", c->arguments[0], false, id);
	if (code == 0)
		code = c->arguments[0] ? add_gateways(c, id, value) : add_all_gateways(c, value);
	answer = json_pack("{s:o}", "value", value);
	if (code == 0)
		code = view_print(c, answer);
	json_decref(answer);
	return code;
}

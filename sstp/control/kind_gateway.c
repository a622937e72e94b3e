/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/field_check.h"
#include "sstp/control/kind_sql.h"
#include "sstp/control/kinds.h"

enum {
	POOLS_MAX = 16,
	PREFIXES_MAX = 256,
};

static const char *const gateway_types[] = {"Vpn", "ExpressRoute", NULL};
static const char *const vpn_types[] = {"RouteBased", "PolicyBased", NULL};
static const char *const protocols[] = {"SSTP", "IkeV2", "OpenVPN", NULL};
static const char *const skus[] = {
	"Basic",    "VpnGw1",	"VpnGw2",   "VpnGw3",	"VpnGw4",   "VpnGw5",	       "VpnGw1AZ",
	"VpnGw2AZ", "VpnGw3AZ", "VpnGw4AZ", "VpnGw5AZ", "Standard", "HighPerformance", NULL};

static const struct resource_field fields[] = {
	/* clang-format off */
	{"location", RESOURCE_READ_ONLY, NULL, NULL, 0, NULL, NULL},
	{.path = "properties.gatewayStatus", .type = RESOURCE_READ_ONLY},
	{.path = "properties.gatewayReason", .type = RESOURCE_READ_ONLY},
	{"properties.gatewayType",
		RESOURCE_TEXT, "gateway_type", "\"Vpn\"", 16, gateway_types, NULL},
	{"properties.vpnType",
		RESOURCE_TEXT, "vpn_type", "\"RouteBased\"", 16, vpn_types, NULL},
	{"properties.sku.name",
		RESOURCE_TEXT, "sku", "\"VpnGw1\"", 16, skus, NULL},
	{"properties.vpnClientConfiguration.vpnClientAddressPool.addressPrefixes",
		RESOURCE_TEXTS, "pools", "[]", POOLS_MAX, NULL, field_check_pool},
	{"properties.vpnClientConfiguration.vpnClientProtocols",
		RESOURCE_TEXTS, "protocols", "[\"SSTP\"]", 3, protocols, NULL},
	{"properties.customRoutes.addressPrefixes",
		RESOURCE_TEXTS, "custom_routes", "[]", PREFIXES_MAX, NULL, field_check_prefix},
	{"properties.localNetworkAddressSpace.addressPrefixes",
		RESOURCE_TEXTS, "on_premises", "[]", PREFIXES_MAX, NULL, field_check_prefix},
	/* clang-format on */
};

#define FROM                                                    \
	" FROM gateway_json WHERE subscription = :subscription" \
	" AND resource_group = :group AND vnet = :vnet"
#define WHERE " WHERE vnet_id = " SQL_VNET_ID " AND name = :gateway"

const char kind_gateway_list[] = "SELECT json" FROM " ORDER BY name";

const struct resource_kind kind_gateway = {
	.name = "gateway",
	.fields = fields,
	.n_fields = sizeof(fields) / sizeof(fields[0]),
	.view = "CREATE TEMP VIEW gateway_json AS SELECT v.subscription, v.resource_group,"
		" v.name AS vnet, g.name, g.version, json_object('id', '/subscriptions/' ||"
		"  v.subscription || '/resourceGroups/' || v.resource_group ||"
		"  '/providers/Microsoft.Network/virtualNetworks/' || v.name ||"
		"  '/virtualNetworkGateways/' || g.name, 'name', g.name,"
		"  'type', 'Microsoft.Network/virtualNetworkGateways',"
		"  'etag', '\"' || g.version || '\"', 'properties', json_object("
		"   'gatewayType', gateway_type, 'vpnType', vpn_type,"
		"   'sku', json_object('name', sku), 'vpnClientConfiguration', json_object("
		"    'vpnClientAddressPool', json_object('addressPrefixes', json(pools)),"
		"    'vpnClientProtocols', json(protocols)),"
		"   'customRoutes', json_object('addressPrefixes', json(custom_routes)),"
		"   'localNetworkAddressSpace', json_object('addressPrefixes', json(on_premises)),"
		/* as a connection's view says it */
		"   'gatewayStatus', iif(u.why = '', 'Up', 'NotConnected'),"
		"   'gatewayReason', nullif(u.why, '')))"
		" AS json FROM gateway g JOIN vnet v ON v.id = g.vnet_id"
		" LEFT JOIN gateway_state u ON u.vnet = v.name AND gateway_type = 'Vpn'",
	.get = "SELECT json, version" FROM " AND name = :gateway",
	.insert = "INSERT INTO gateway (vnet_id, name, gateway_type) SELECT id, :gateway,"
		  " :body ->> 'gateway_type' FROM vnet WHERE " SQL_VNET,
	.update = "UPDATE gateway SET gateway_type = :body ->> 'gateway_type',"
		  " vpn_type = :body ->> 'vpn_type', sku = :body ->> 'sku',"
		  " pools = :body -> 'pools', protocols = :body -> 'protocols',"
		  " custom_routes = :body -> 'custom_routes',"
		  " on_premises = :body -> 'on_premises', version = :revision" WHERE,
	.remove = "DELETE FROM gateway" WHERE,
	.touch = "INSERT INTO touched SELECT app_id FROM connection WHERE vnet_id = " SQL_VNET_ID,
	.missing = "There is no such virtual network gateway.",
	.taken = "The virtual network has a gateway of this type already.",
	.before_write = rules_gateway_before_write,
	.before_remove = rules_gateway_before_remove,
	.after_write = rules_gateway_after_write,
	.after_all = rules_gateway_after_all,
};

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>

#include "sstp/control/bgp_filter.h"
#include "sstp/control/field_check.h"
#include "sstp/control/kind_sql.h"
#include "sstp/control/kinds.h"

enum {
	POOLS_MAX = 16,
	PREFIXES_MAX = 256,
	/* of the kernel's route tables */
	TABLE_DEFAULT = 253,
	TABLE_MAIN = 254,
	TABLE_LOCAL = 255,
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
	{"properties.enableBgp", RESOURCE_BOOL, "enable_bgp", "false", 0, NULL, NULL},
	{"properties.bgpSettings.asn", RESOURCE_NUMBER, "asn", "65515", UINT32_MAX, NULL, NULL},
	{"properties.bgpSettings.kernelTable",
		RESOURCE_NUMBER, "bgp_table", "254", UINT32_MAX, NULL, NULL},
	{"properties.bgpSettings.announceTable",
		RESOURCE_NUMBER, "announce_table", "0", UINT32_MAX, NULL, NULL},
	{"properties.propagateBgp", RESOURCE_BOOL, "propagate_bgp", "false", 0, NULL, NULL},
	{"properties.bgpFilters",
		RESOURCE_OBJECTS, "bgp_filters", "[]", BGP_FILTERS_MAX, NULL, NULL},
	{"properties.propagatePeerings",
		RESOURCE_BOOL, "propagate_peerings", "false", 0, NULL, NULL},
	{"properties.advertiseHostRoutes",
		RESOURCE_BOOL, "announce_hosts", "false", 0, NULL, NULL},
	/* clang-format on */
};

/* ---- BGP ---- */

/* NULL: it can be a gateway's. 65515 is the default, and so no other's either (facts 2.6). */
static const char *check_asn(json_int_t asn)
{
	if (asn == 0)
		return "ASN 0 is none: it must be from 1 to 4294967295.";
	if (asn == 8074 || asn == 8075 || asn == 12076 || (asn >= 65517 && asn <= 65520))
		return "This ASN is reserved: 8074, 8075, 12076 and 65517 to 65520 cannot be a "
		       "gateway's.";
	return NULL;
}

static const char *check_tables(json_int_t kernel, json_int_t announce)
{
	if (kernel == 0 || kernel == TABLE_DEFAULT || kernel == TABLE_LOCAL)
		return "kernelTable must be the number of a route table, but not 253 or 255, which "
		       "are the kernel's.";
	if (announce >= TABLE_DEFAULT && announce <= TABLE_LOCAL)
		return "announceTable must be a route table of its own (0: one is chosen), not "
		       "253, "
		       "254 or 255, which are the kernel's.";
	if (announce == kernel)
		return "kernelTable and announceTable must differ: what is announced is not what "
		       "was learned.";
	return NULL;
}

static json_int_t number(const json_t *body, const char *name)
{
	return json_integer_value(json_object_get(body, name));
}

static int check(const json_t *body, char ret_why[RESOURCE_WHY_MAX])
{
	struct bgp_filter filters[BGP_FILTERS_MAX];
	size_t n;
	const char *wrong = check_asn(number(body, "asn"));

	if (!wrong)
		wrong = check_tables(number(body, "bgp_table"), number(body, "announce_table"));
	if (!wrong)
		return bgp_filters_read(json_object_get(body, "bgp_filters"), filters, &n, ret_why);
	snprintf(ret_why, RESOURCE_WHY_MAX, "%s", wrong);
	return -EINVAL;
}

/* ---- statements ---- */

#define FROM                                                    \
	" FROM gateway_json WHERE subscription = :subscription" \
	" AND resource_group = :group AND vnet = :vnet"
#define WHERE " WHERE vnet_id = " SQL_VNET_ID " AND name = :gateway"

const char kind_gateway_list[] = "SELECT json" FROM " ORDER BY name";

const struct resource_kind kind_gateway = {
	.name = "gateway",
	.fields = fields,
	.n_fields = sizeof(fields) / sizeof(fields[0]),
	.check = check,
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
		"   'enableBgp', " SQL_BOOL(
			"enable_bgp") ", 'bgpSettings', json_object('asn', asn,"
				      "    'kernelTable', bgp_table, 'announceTable', "
				      "announce_table),"
				      "   'propagateBgp', " SQL_BOOL(
					      "propagate_bgp") ","
							       "   'bgpFilters', json(bgp_filters),"
							       "   'propagatePeerings', " SQL_BOOL(
								       "propagate_peerings") ","
											     "   "
											     "'adve"
											     "rtise"
											     "HostR"
											     "outes"
											     "',"
											     " " SQL_BOOL(
												     "announce_hosts") ","
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
		  " on_premises = :body -> 'on_premises', enable_bgp = :body ->> 'enable_bgp',"
		  " asn = :body ->> 'asn', bgp_table = :body ->> 'bgp_table',"
		  " announce_table = :body ->> 'announce_table',"
		  " bgp_filters = :body -> 'bgp_filters',"
		  " propagate_bgp = :body ->> 'propagate_bgp',"
		  " propagate_peerings = :body ->> 'propagate_peerings',"
		  " announce_hosts = :body ->> 'announce_hosts', version = :revision" WHERE,
	.remove = "DELETE FROM gateway" WHERE,
	.touch = "INSERT INTO touched SELECT app_id FROM connection WHERE vnet_id = " SQL_VNET_ID,
	.missing = "There is no such virtual network gateway.",
	.taken = "The virtual network has a gateway of this type already.",
	.before_write = rules_gateway_before_write,
	.before_remove = rules_gateway_before_remove,
	.after_write = rules_gateway_after_write,
	.after_all = rules_gateway_after_all,
};

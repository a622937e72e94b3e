/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One side of a peering, which its VNet has; the other side is a resource of the other VNet, and a VNet of
 * gateway.yaml may have some as well. What a peering's other side is called need not be there yet.
 *
 * The addresses of the other side are looked up whenever they are asked for, where the original has a copy
 * that must be synced: so the two are in sync as soon as both are there. And a side that is Disconnected is
 * Connected again when the other one comes back, which the original refuses until it is made anew.
 */
#include "sstp/control/field_check.h"
#include "sstp/control/kind_sql.h"
#include "sstp/control/kinds.h"

enum {
	ID_MAX = 300
};

static const struct resource_field fields[] = {
	/* clang-format off */
	{"properties.remoteVirtualNetwork.id",
		RESOURCE_TEXT, "remote_vnet", NULL, ID_MAX, NULL, field_check_vnet},
	{"properties.allowVirtualNetworkAccess",
		RESOURCE_BOOL, "allow_access", "true", 0, NULL, NULL},
	{"properties.allowForwardedTraffic",
		RESOURCE_BOOL, "allow_forwarded", "false", 0, NULL, NULL},
	{"properties.allowGatewayTransit",
		RESOURCE_BOOL, "allow_transit", "false", 0, NULL, NULL},
	{"properties.useRemoteGateways",
		RESOURCE_BOOL, "use_remote", "false", 0, NULL, NULL},
	{.path = "properties.peeringState",       .type = RESOURCE_READ_ONLY},
	{.path = "properties.peeringSyncLevel",   .type = RESOURCE_READ_ONLY},
	{.path = "properties.remoteAddressSpace", .type = RESOURCE_READ_ONLY},
	/* clang-format on */
};

#define FROM                                                    \
	" FROM peering_json WHERE subscription = :subscription" \
	" AND resource_group = :group AND vnet = :vnet"
#define WHERE " WHERE vnet_id = " SQL_VNET_ID " AND name = :peering"

const char kind_peering_list[] = "SELECT json" FROM " ORDER BY name";

const struct resource_kind kind_peering = {
	.name = "peering",
	.fields = fields,
	.n_fields = sizeof(fields) / sizeof(fields[0]),
	.view = "CREATE TEMP VIEW peering_json AS SELECT q.subscription, q.resource_group,"
		" q.vnet, q.name, q.version, json_object('id', q.vnet_resource_id ||"
		"  '/virtualNetworkPeerings/' || q.name, 'name', q.name,"
		"  'type', 'Microsoft.Network/virtualNetworks/virtualNetworkPeerings',"
		"  'etag', '\"' || q.version || '\"', 'properties', json_object("
		"   'remoteVirtualNetwork', json_object('id', coalesce(q.remote_resource_id,"
		"    q.remote_vnet)),"
		"   'allowVirtualNetworkAccess', " SQL_BOOL(
			"q.allow_access") ","
					  "   'allowForwardedTraffic', " SQL_BOOL(
						  "q.allow_forwarded") ","
								       "   "
								       "'allowGatewayTransit',"
								       " " SQL_BOOL(
									       "q.allow_"
									       "transit") ","
											  "   "
											  "'us"
											  "eRe"
											  "mot"
											  "eGa"
											  "tew"
											  "ays"
											  "',"
											  " " SQL_BOOL(
												  "q.use_remote") ","
														  "   'peeringState', q.state, 'peeringSyncLevel', CASE q.state"
														  "    WHEN 'Connected' THEN 'FullyInSync' ELSE 'RemoteNotInSync' END,"
														  "   'remoteAddressSpace', json_object('addressPrefixes',"
														  "    json(coalesce(q.remote_spaces, '[]'))))) AS json FROM peering_now q",
	.get = "SELECT json, version" FROM " AND name = :peering",
	.insert = "INSERT INTO peering (vnet_id, name) SELECT id, :peering FROM vnet"
		  " WHERE " SQL_VNET,
	/* written again, one that has lost its other side waits for it as a new one does */
	.update = "UPDATE peering SET remote_vnet = :body ->> 'remote_vnet',"
		  " allow_access = :body ->> 'allow_access',"
		  " allow_forwarded = :body ->> 'allow_forwarded',"
		  " allow_transit = :body ->> 'allow_transit', use_remote = :body ->> 'use_remote',"
		  " was_connected = 0, version = :revision" WHERE,
	.remove = "DELETE FROM peering" WHERE,
	.missing = "There is no such virtual network peering.",
	.taken = "The virtual network is peered with this one already.",
	.before_write = rules_peering_before_write,
	.after_write = rules_peering_after_write,
	.after_all = rules_peering_after_all,
};

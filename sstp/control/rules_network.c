/* SPDX-License-Identifier: Apache-2.0 */
/* What virtual networks and their gateways refuse. */
#include "sstp/control/kind_sql.h"
#include "sstp/control/kinds.h"
#include "sstp/control/rules_peering.h"

/* What gateway.yaml says is changed there: two places to write one thing would be one too many. */
#define NOT_FROM_YAML                                                                       \
	{                                                                                   \
		409, "SELECT 'Virtual network ' || name || ' is written in gateway.yaml: '" \
		     " || 'change it there, and reload the gateway.' FROM vnet"             \
		     " WHERE name = :vnet AND source = 'gateway.yaml'"                      \
	}

/* B28: the names of the apps, the first ten. */
#define IN_USE(what)                                                                          \
	{                                                                                     \
		409, "SELECT '" what " is in use by the apps ' || (SELECT group_concat(name," \
		     " ', ') FROM (SELECT a.name FROM connection c JOIN app a ON a.id ="      \
		     " c.app_id WHERE c.vnet_id = v.id ORDER BY a.name LIMIT 10)) ||"         \
		     " iif((SELECT count(*) FROM connection WHERE vnet_id = v.id) > 10,"      \
		     " ', ...', '') || ': disconnect them first.' FROM vnet v"                \
		     " WHERE v.name = :vnet AND EXISTS (SELECT 1 FROM connection c"           \
		     " WHERE c.vnet_id = v.id)"                                               \
	}

/* Two prefixes of one list, or of two, that have addresses in common. */
#define TWICE(what, list)                                                                         \
	{                                                                                         \
		400, "SELECT 'In " what " ' || x.value || ' and ' || y.value || ' overlap.'"      \
		     " FROM vnet v LEFT JOIN gateway g ON g.vnet_id = v.id,"                      \
		     " json_each(" list ") x, json_each(" list ") y WHERE v.name = :vnet"         \
		     " AND x.key < y.key AND common_prefix(x.value, y.value) IS NOT NULL LIMIT 1" \
	}
#define MEET(a, list_a, b, list_b)                                                             \
	{                                                                                      \
		400, "SELECT '" a " ' || x.value || ' overlaps with " b " ' || y.value || '.'" \
		     " FROM vnet v JOIN gateway g ON g.vnet_id = v.id,"                        \
		     " json_each(" list_a ") x, json_each(" list_b ") y WHERE v.name = :vnet"  \
		     " AND common_prefix(x.value, y.value) IS NOT NULL LIMIT 1"                \
	}

/*
 * Packets for an address of a pool go into the device of its VNet: in one network namespace only one can have it. A
 * namespace that gateway.yaml says by its path is another one here than that of a name: the gateway's parent process, which
 * can look, sees whether they are the same.
 */
#define POOLS_OF_OTHERS                                                                            \
	{                                                                                          \
		409, "SELECT 'The address pool ' || x.value || ' overlaps with the address pool '" \
		     " || y.value || ' of virtual network ' || o.name || ', which is in the same"  \
		     " network namespace: attach one of them to another one.'"                     \
		     " FROM vnet v JOIN gateway g ON g.vnet_id = v.id"                             \
		     " JOIN vnet o ON o.attach_netns = v.attach_netns AND o.id <> v.id"            \
		     " AND o.source <> 'gone' JOIN gateway h ON h.vnet_id = o.id,"                 \
		     " json_each(g.pools) x, json_each(h.pools) y WHERE v.name = :vnet"            \
		     " AND v.source = 'api' AND common_prefix(x.value, y.value) IS NOT NULL "      \
		     "LIMIT 1"                                                                     \
	}

/* Peerings of the VNet, and those with it. */
#define IS_PEERED "(q.vnet_id = " SQL_VNET_ID " OR q.remote = :vnet)"

const struct resource_rule rules_vnet_before_write[] = {
	NOT_FROM_YAML,
	{0, NULL},
};

const struct resource_rule rules_vnet_before_remove[] = {
	NOT_FROM_YAML,
	IN_USE("Virtual network ' || v.name || '"),
	{0, NULL},
};

const struct resource_rule rules_vnet_after_all[] = {
	{409, "SELECT 'The gateway holds at most 1000 virtual networks.'"
	      " WHERE (SELECT count(*) FROM vnet) > 1000"},
	{0, NULL},
};

const struct resource_rule rules_vnet_after_write[] = {
	TWICE("the address space", "v.spaces"),
	MEET("The address pool", "g.pools", "the address space", "v.spaces"),
	POOLS_OF_OTHERS,
	RULES_PEERED_SPACES(IS_PEERED),
	RULES_SPACES_OF_TWO_PEERS("q.remote = :vnet"),
	RULES_PEERED_POOLS(IS_PEERED),
	{0, NULL},
};

const struct resource_rule rules_gateway_before_write[] = {
	{404, "SELECT 'Virtual network does not exist.' WHERE " SQL_VNET_ID " IS NULL"},
	NOT_FROM_YAML,
	{0, NULL},
};

const struct resource_rule rules_gateway_before_remove[] = {
	NOT_FROM_YAML,
	IN_USE("The gateway of virtual network ' || v.name || '"),
	{0, NULL},
};

/* May this VNet, which one app at least is connected to or is to be, be connected to (facts 1.3)? */
#define OF_TOUCHED                                                                              \
	" FROM (SELECT DISTINCT n.vnet_id FROM touched JOIN connection_now n USING (app_id)) t" \
	" JOIN vnet v ON v.id = t.vnet_id LEFT JOIN gateway g ON g.vnet_id = v.id"              \
	" AND g.gateway_type = 'Vpn'"
#define HAS_EXPRESSROUTE                                                               \
	"EXISTS (SELECT 1 FROM gateway e WHERE e.vnet_id = v.id AND e.gateway_type = " \
	"'ExpressRoute')"
#define SPEAKS(protocol) \
	"EXISTS (SELECT 1 FROM json_each(g.protocols) WHERE value = '" protocol "')"

#define ELIGIBLE                                                                                   \
	{409,                                                                                      \
	 "SELECT 'This gateway is not of the Vpn type. It cannot be joined to an App.'" OF_TOUCHED \
	 " WHERE g.id IS NULL AND " HAS_EXPRESSROUTE},                                             \
		{409,                                                                              \
		 "SELECT 'This VNET has no gateway: create one of type Vpn first.'" OF_TOUCHED     \
		 " WHERE g.id IS NULL"},                                                           \
		{409,                                                                              \
		 "SELECT 'This gateway coexists with an ExpressRoute gateway. It cannot be joined" \
		 " to an App.'" OF_TOUCHED " WHERE " HAS_EXPRESSROUTE},                            \
		{409, "SELECT 'This gateways Vpn type is not RouteBased. It cannot be joined to "  \
		      "an App.'" OF_TOUCHED " WHERE g.vpn_type <> 'RouteBased'"},                  \
		{409, "SELECT 'This gateway has no point-to-site address pool: give it a"          \
		      " vpnClientAddressPool in CIDR notation.'" OF_TOUCHED                        \
		      " WHERE json_array_length(g.pools) = 0"},                                    \
		{409, "SELECT 'SSTP is not among the protocols of this gateway: "                  \
		      "vpnClientProtocols must"                                                    \
		      " have it.'" OF_TOUCHED " WHERE NOT " SPEAKS("SSTP")},                       \
	{                                                                                          \
		409, "SELECT 'IKEv2 is among the protocols of this gateway, whose SKU is ' || "    \
		     "g.sku ||"                                                                    \
		     " ': it must be disabled, and SSTP selected.'" OF_TOUCHED                     \
		     " WHERE " SPEAKS("IkeV2")                                                     \
	}

/* Of each IPv6 pool of the VNet's gateway: its length, and n, how many addresses IPv4 pools have. */
#define LENGTH(prefix) "CAST(substr(" prefix ", 1 + instr(" prefix ", '/')) AS INTEGER)"
/* clang-format off */
#define POOL_SIZES                                                                             \
	"SELECT x.value, " LENGTH("x.value") " AS len, (SELECT coalesce(sum(1 << (32 - "        \
	LENGTH("y.value") ")), 0) FROM json_each(g.pools) y WHERE instr(y.value, ':') = 0) AS n" \
	" FROM gateway g, json_each(g.pools) x WHERE g.vnet_id = " SQL_VNET_ID                  \
	" AND instr(x.value, ':')"
/* clang-format on */

/* The route table that a gateway announces. */
#define ANNOUNCES(g) "coalesce(nullif(" g ".announce_table, 0), 8400 + " g ".vnet_id)"

const struct resource_rule rules_gateway_after_write[] = {
	{400, "SELECT 'The Basic SKU has no other point-to-site protocol than SSTP.' FROM gateway g"
	      " WHERE g.vnet_id = " SQL_VNET_ID " AND g.sku = 'Basic' AND EXISTS ("
	      "SELECT 1 FROM json_each(g.protocols) WHERE value <> 'SSTP')"},
	TWICE("the address pool", "g.pools"),
	MEET("The address pool", "g.pools", "the address space", "v.spaces"),
	MEET("The address pool", "g.pools", "the on-premises range", "g.on_premises"),
	POOLS_OF_OTHERS,
	/* how each session finds a /64 of its own: by the index of its IPv4 address */
	{400, "SELECT 'In the address pool there are ' || group_concat(value, ' and ') || ': it has"
	      " one IPv6 prefix at most.' FROM gateway g, json_each(g.pools)"
	      " WHERE g.vnet_id = " SQL_VNET_ID " AND instr(value, ':')"
	      " GROUP BY g.id HAVING count(*) > 1"},
	{400, "SELECT 'The IPv6 address pool ' || s.value || ' has no networks of /64 for the ' ||"
	      " s.n || ' addresses of the IPv4 address pool: it must have ' || (64 - "
	      "ceil_log2(s.n)) ||"
	      " ' bits or fewer.' FROM (" POOL_SIZES ") s WHERE s.n > 0 AND"
	      " s.len + ceil_log2(s.n) > 64"},
	{400, "SELECT 'The IPv6 address pool ' || s.value || ' needs an IPv4 address pool beside"
	      " it.' FROM (" POOL_SIZES ") s WHERE s.n = 0"},
	{409, "SELECT 'Virtual network ' || q.vnet || ' uses the gateways of ' || q.remote ||"
	      " ' by its peering ' || q.vnet || '/' || q.name || ': it cannot have a gateway of its"
	      " own.' FROM peering_now q WHERE q.vnet_id = " SQL_VNET_ID " AND q.use_remote"},
	/* clang-format off */
	{409, "SELECT 'Route table ' || " ANNOUNCES("g") " || ' is announced by the gateway of virtual"
	      " network ' || v.name || '.' FROM gateway g JOIN gateway o ON o.enable_bgp AND"
	      " o.vnet_id <> g.vnet_id AND " ANNOUNCES("o") " = " ANNOUNCES("g")
	      " JOIN vnet v ON v.id = o.vnet_id WHERE g.vnet_id = " SQL_VNET_ID " AND g.enable_bgp"},
	/* clang-format on */
	RULES_PEERED_POOLS(IS_PEERED),
	{0, NULL},
};

const struct resource_rule rules_gateway_after_all[] = {
	ELIGIBLE,
	{0, NULL},
};

/* ---- connections ---- */

const struct resource_rule rules_connection_before_write[] = {
	{404, "SELECT 'There is no such app.' WHERE " SQL_APP_ID " IS NULL"},
	{404, "SELECT 'Virtual network does not exist.' WHERE NOT EXISTS ("
	      "SELECT 1 FROM vnet WHERE name = :vnet AND source <> 'gone')"},
	{400, "SELECT 'vnetResourceId names another virtual network than the path.' FROM vnet v"
	      " WHERE v.name = :vnet AND :body ->> 'vnet_resource_id' <> '' AND"
	      " '/subscriptions/' || v.subscription || '/resourceGroups/' || v.resource_group ||"
	      " '/providers/Microsoft.Network/virtualNetworks/' || v.name <>"
	      " (:body ->> 'vnet_resource_id') COLLATE NOCASE"},
	{409, "SELECT 'Currently connected to VNET ' || v.name || ': an app has one VNET at a time,"
	      " disconnect it first.' FROM connection c JOIN vnet v ON v.id = c.vnet_id"
	      " WHERE c.app_id = " SQL_APP_ID " AND v.name <> :vnet"},
	{409,
	 "SELECT 'VNET Integration is not available in the ' || p.tier || ' tier: scale the App"
	 " Service plan to Basic, Standard, Premium, PremiumV2 or PremiumV3.' FROM plan p"
	 " JOIN app a ON a.plan_id = p.id WHERE a.id = " SQL_APP_ID
	 " AND p.tier IN ('Free', 'Shared')"},
	/* B14; what the data plane has not said yet is no reason */
	{409, "SELECT 'The gateway of virtual network ' || v.name || ' is not up: ' || u.why ||"
	      " '. Connect again when it is.' FROM gateway_state u JOIN vnet v ON v.name = u.vnet"
	      " WHERE v.name = :vnet AND u.why <> '' AND NOT EXISTS (SELECT 1 FROM connection c"
	      " WHERE c.vnet_id = v.id AND c.app_id = " SQL_APP_ID ")"},
	{409, "SELECT 'Gateway-required VNET Integration is not available for Linux apps.'"
	      " FROM plan p JOIN app a ON a.plan_id = p.id WHERE a.id = " SQL_APP_ID
	      " AND p.is_linux AND :strict"},
	{409, "SELECT 'Gateway-required VNET Integration is not available for containers.'"
	      " FROM app a WHERE a.id = " SQL_APP_ID " AND a.is_container AND :strict"},
	{0, NULL},
};

const struct resource_rule rules_connection_after_all[] = {
	ELIGIBLE,
	{409, SQL_SIXTH_VNET},
	{0, NULL},
};

const struct resource_rule rules_sync_before_write[] = {
	{409,
	 "SELECT 'Sync network does not work across subscriptions: the App Service plan is in ' ||"
	 " :subscription || ', virtual network ' || v.name || ' in ' || v.subscription || '.'"
	 " FROM vnet v WHERE v.name = :vnet AND v.subscription <> :subscription"
	 " AND EXISTS (SELECT 1 FROM connection WHERE " SQL_PLAN_CONNECTIONS ")"},
	{0, NULL},
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What peerings refuse, and what is refused because of them (facts: B24). What gateways say of transit is
 * asked when UseRemoteGateways is set, as the original does: a remote side that is not there yet is no
 * reason against it, nor is one that takes its permission back later. Then nothing crosses.
 */
#include "sstp/control/rules_peering.h"
#include "sstp/control/kind_sql.h"
#include "sstp/control/kinds.h"

#define IS_THIS "q.vnet_id = " SQL_VNET_ID " AND q.name = :peering"
#define THIS	" FROM peering_now q WHERE " IS_THIS
#define PEERING "'Peering ' || q.vnet || '/' || q.name || '"
#define REMOTE	SQL_LAST("(:body ->> 'remote_vnet')")

const struct resource_rule rules_peering_before_write[] = {
	{404, "SELECT 'Virtual network does not exist.' WHERE NOT EXISTS (SELECT 1 FROM vnet"
	      " WHERE id = " SQL_VNET_ID " AND source <> 'gone')"},
	{400, "SELECT 'Virtual network ' || :vnet || ' cannot be peered with itself.'"
	      " WHERE " REMOTE " = :vnet COLLATE NOCASE"},
	{400, "SELECT 'remoteVirtualNetwork names another virtual network than ' ||"
	      " v.resource_id || ', which is the one of that name.' FROM vnet v"
	      " WHERE v.name = " REMOTE " AND v.source <> 'gone' AND"
	      " instr(:body ->> 'remote_vnet', '/') AND v.resource_id <> :body ->> 'remote_vnet'"},
	{409,
	 "SELECT 'The remote virtual network of a peering cannot be changed: ' || q.vnet ||"
	 " '/' || q.name || ' is with ' || q.remote || '. Delete it, and make another one.'" THIS
	 " AND q.remote <> " REMOTE},
	{409, "SELECT 'Virtual network ' || q.vnet || ' is peered with ' || q.remote ||"
	      " ' already, by peering ' || q.vnet || '/' || q.name || '.' FROM peering_now q"
	      " WHERE q.vnet_id = " SQL_VNET_ID " AND q.name <> :peering AND q.remote = " REMOTE},
	{0, NULL},
};

#define CANNOT_USE PEERING " cannot have UseRemoteGateways flag set to true, because "

const struct resource_rule rules_peering_after_write[] = {
	{400, "SELECT " CANNOT_USE "another peering ' || w.vnet || '/' || w.name || ' already has"
	      " UseRemoteGateways flag set to true.' FROM peering_now q JOIN peering_now w"
	      " ON w.vnet_id = q.vnet_id AND w.id <> q.id AND w.use_remote"
	      " WHERE " IS_THIS " AND q.use_remote"},
	{400,
	 "SELECT " CANNOT_USE "virtual network ' || q.vnet || ' has a gateway of its own.'" THIS
	 " AND q.use_remote AND EXISTS (SELECT 1 FROM gateway WHERE vnet_id = q.vnet_id)"},
	{400, "SELECT " CANNOT_USE "remote virtual network ' || q.remote_name || ' referenced by"
	      " the peering does not have any gateways.'" THIS " AND q.use_remote AND"
	      " q.remote_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM gateway"
	      " WHERE vnet_id = q.remote_id)"},
	{400, "SELECT " CANNOT_USE "corresponding remote peering ' || q.remote_name || '/' ||"
	      " q.opposite || ' has AllowGatewayTransit flag set to false.'" THIS
	      " AND q.use_remote AND NOT q.opposite_transit"},
	RULES_PEERED_SPACES(IS_THIS),
	RULES_SPACES_OF_TWO_PEERS(IS_THIS),
	RULES_PEERED_POOLS(IS_THIS),
	{0, NULL},
};

const struct resource_rule rules_peering_after_all[] = {
	{409, "SELECT 'The gateway holds at most 4096 peerings.'"
	      " WHERE (SELECT count(*) FROM peering) > 4096"},
	{409, "SELECT 'A virtual network has at most 500 peerings.' FROM peering"
	      " GROUP BY vnet_id HAVING count(*) > 500 LIMIT 1"},
	{0, NULL},
};

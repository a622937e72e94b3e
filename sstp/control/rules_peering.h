/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_RULES_PEERING_H
#define SSTP_CONTROL_RULES_PEERING_H
/*
 * Rules about VNets that are peered, as initializers: they are asked of whatever changes them, the peering, a
 * VNet or a gateway. "which" says of which peerings q of peering_now; both sides of each are looked at.
 */

#define RULES_PEERED_SPACES(which)                                                                \
	{                                                                                         \
		400, "SELECT 'Virtual networks ' || q.vnet || ' and ' || q.remote_name ||"        \
		     " ' cannot be peered because their address spaces overlap: ' ||"             \
		     " overlap(q.spaces, q.remote_spaces) || '.' FROM peering_now q WHERE " which \
		     " AND overlap(q.spaces, q.remote_spaces) IS NOT NULL LIMIT 1"                \
	}

/* Each pair of peers once: a network may be the peer of many that have the same others. */
#define RULES_SPACES_OF_TWO_PEERS(which)                                                           \
	{                                                                                          \
		400, "SELECT 'Virtual network ' || vnet || ' cannot be peered with both ' ||"      \
		     " peer || ' and ' || other || ' because their address spaces overlap: ' ||"   \
		     " overlap(spaces, others) || '.' FROM (SELECT q.vnet, q.remote_name AS peer," \
		     " q.remote_spaces AS spaces, w.remote_name AS other,"                         \
		     " w.remote_spaces AS others FROM peering_now q JOIN peering_now w"            \
		     " ON w.vnet_id = q.vnet_id AND w.id <> q.id WHERE " which                     \
		     " GROUP BY q.remote_id, w.remote_id)"                                         \
		     " WHERE overlap(spaces, others) IS NOT NULL LIMIT 1"                          \
	}

#define RULES_PEERED_POOLS(which)                                                                 \
	{400, "SELECT 'The address pool of virtual network ' || q.vnet || ' overlaps with the"    \
	      " address space of ' || q.remote_name || ', which it is peered with: ' ||"          \
	      " overlap(g.pools, q.remote_spaces) || '.' FROM peering_now q JOIN gateway g"       \
	      " ON g.vnet_id = q.vnet_id WHERE " which                                            \
	      " AND overlap(g.pools, q.remote_spaces) IS NOT NULL LIMIT 1"},                      \
	{                                                                                         \
		400, "SELECT 'The address pool of virtual network ' || q.remote_name ||"          \
		     " ' overlaps with the address space of ' || q.vnet || ', which it is peered" \
		     " with: ' || overlap(g.pools, q.spaces) || '.' FROM peering_now q"           \
		     " JOIN gateway g ON g.vnet_id = q.remote_id WHERE " which                    \
		     " AND overlap(g.pools, q.spaces) IS NOT NULL LIMIT 1"                        \
	}

#endif

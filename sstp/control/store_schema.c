/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists (prefixes, addresses, protocols) are JSON texts in a column: they are changed as a whole, and
 * json_each() takes them apart where a rule has to look inside.
 *
 * A connection keeps in "synced" what it was last synced to; the view connection_now has beside it
 * what is so now, so that resyncRequired is a comparison of two texts.
 */
#include "sstp/control/store_schema.h"

enum {
	MAX_PAGES = 1 << 18 /* 1 GiB: about a hundred times what all limits together allow */
};

static const char version_1[] =
	"CREATE TABLE state ("
	"  id INTEGER PRIMARY KEY CHECK (id = 1),"
	"  revision INTEGER NOT NULL) STRICT;"
	"INSERT INTO state VALUES (1, 0);"

	"CREATE TABLE plan ("
	"  id INTEGER PRIMARY KEY,"
	"  subscription TEXT NOT NULL COLLATE NOCASE CHECK (length(subscription) BETWEEN 1 AND 64),"
	"  resource_group TEXT NOT NULL COLLATE NOCASE"
	"    CHECK (length(resource_group) BETWEEN 1 AND 64),"
	"  name TEXT NOT NULL COLLATE NOCASE CHECK (length(name) BETWEEN 1 AND 64),"
	"  location TEXT NOT NULL DEFAULT '',"
	"  tier TEXT NOT NULL DEFAULT 'Basic' CHECK (tier IN ('Free', 'Shared', 'Basic',"
	"    'Standard', 'Premium', 'PremiumV2', 'PremiumV3')),"
	"  is_linux INTEGER NOT NULL DEFAULT 0 CHECK (is_linux IN (0, 1)),"
	"  auto_sync INTEGER NOT NULL DEFAULT 1 CHECK (auto_sync IN (0, 1)),"
	"  version INTEGER NOT NULL DEFAULT 0,"
	"  resource_id TEXT COLLATE NOCASE AS ('/subscriptions/' || subscription ||"
	"    '/resourceGroups/' || resource_group || '/providers/Microsoft.Web/serverfarms/' ||"
	"    name),"
	"  UNIQUE (subscription, resource_group, name)) STRICT;"
	"CREATE INDEX plan_by_resource_id ON plan (resource_id);"

	"CREATE TABLE app ("
	"  id INTEGER PRIMARY KEY,"
	"  subscription TEXT NOT NULL COLLATE NOCASE CHECK (length(subscription) BETWEEN 1 AND 64),"
	"  resource_group TEXT NOT NULL COLLATE NOCASE"
	"    CHECK (length(resource_group) BETWEEN 1 AND 64),"
	"  name TEXT NOT NULL COLLATE NOCASE UNIQUE CHECK (length(name) BETWEEN 1 AND 64),"
	"  plan_id INTEGER NOT NULL REFERENCES plan DEFERRABLE INITIALLY DEFERRED,"
	"  location TEXT NOT NULL DEFAULT '',"
	"  is_container INTEGER NOT NULL DEFAULT 0 CHECK (is_container IN (0, 1)),"
	"  has_default_routes INTEGER NOT NULL DEFAULT 0 CHECK (has_default_routes IN (0, 1)),"
	"  version INTEGER NOT NULL DEFAULT 0) STRICT;"
	"CREATE INDEX app_by_plan ON app (plan_id);"

	"CREATE TABLE vnet ("
	"  id INTEGER PRIMARY KEY,"
	"  subscription TEXT NOT NULL COLLATE NOCASE CHECK (length(subscription) BETWEEN 1 AND 64),"
	"  resource_group TEXT NOT NULL COLLATE NOCASE"
	"    CHECK (length(resource_group) BETWEEN 1 AND 64),"
	"  name TEXT NOT NULL COLLATE NOCASE UNIQUE CHECK (length(name) BETWEEN 1 AND 64),"
	"  location TEXT NOT NULL DEFAULT '',"
	"  source TEXT NOT NULL DEFAULT 'api' CHECK (source IN ('api', 'gateway.yaml', 'gone')),"
	"  device TEXT UNIQUE,"
	"  spaces TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(spaces)),"
	"  dns TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(dns)),"
	"  version INTEGER NOT NULL DEFAULT 0) STRICT;"

	"CREATE TABLE gateway ("
	"  id INTEGER PRIMARY KEY,"
	"  vnet_id INTEGER NOT NULL REFERENCES vnet ON DELETE CASCADE,"
	"  name TEXT NOT NULL COLLATE NOCASE CHECK (length(name) BETWEEN 1 AND 64),"
	"  gateway_type TEXT NOT NULL CHECK (gateway_type IN ('Vpn', 'ExpressRoute')),"
	"  vpn_type TEXT NOT NULL DEFAULT 'RouteBased'"
	"    CHECK (vpn_type IN ('RouteBased', 'PolicyBased')),"
	"  sku TEXT NOT NULL DEFAULT 'VpnGw1',"
	"  pools TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(pools)),"
	"  protocols TEXT NOT NULL DEFAULT '[\"SSTP\"]' CHECK (json_valid(protocols)),"
	"  on_premises TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(on_premises)),"
	"  custom_routes TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(custom_routes)),"
	"  version INTEGER NOT NULL DEFAULT 0,"
	"  UNIQUE (vnet_id, name),"
	"  UNIQUE (vnet_id, gateway_type)) STRICT;"

	"CREATE TABLE connection ("
	"  app_id INTEGER PRIMARY KEY REFERENCES app ON DELETE CASCADE,"
	"  vnet_id INTEGER NOT NULL REFERENCES vnet,"
	"  synced TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(synced)),"
	"  synced_at INTEGER NOT NULL DEFAULT 0,"
	"  package_uri TEXT,"
	"  version INTEGER NOT NULL DEFAULT 0) STRICT;"
	"CREATE INDEX connection_by_vnet ON connection (vnet_id);"

	"CREATE TABLE route ("
	"  id INTEGER PRIMARY KEY,"
	"  plan_id INTEGER NOT NULL REFERENCES plan ON DELETE CASCADE,"
	"  vnet_id INTEGER NOT NULL REFERENCES vnet ON DELETE CASCADE,"
	"  name TEXT NOT NULL COLLATE NOCASE CHECK (length(name) BETWEEN 1 AND 64),"
	"  start_address TEXT NOT NULL DEFAULT '',"
	"  end_address TEXT NOT NULL DEFAULT '',"
	"  version INTEGER NOT NULL DEFAULT 0,"
	"  UNIQUE (plan_id, vnet_id, name)) STRICT;"
	"CREATE INDEX route_by_vnet ON route (vnet_id);";

/* Our end of every tunnel in the VNet; gateway.yaml has another one where that is taken. */
static const char version_2[] =
	"ALTER TABLE vnet ADD COLUMN tunnel_address TEXT NOT NULL DEFAULT '192.0.0.8';";

#define COUNTS                                           \
	"  sent_packets INTEGER NOT NULL DEFAULT 0,"     \
	"  sent_bytes INTEGER NOT NULL DEFAULT 0,"       \
	"  received_packets INTEGER NOT NULL DEFAULT 0," \
	"  received_bytes INTEGER NOT NULL DEFAULT 0"

/*
 * What the data plane tells of sessions. Names are texts, not references: what was used stays known
 * when the app is gone. Days are counted since 1970, in UTC.
 */
static const char version_3[] = "CREATE TABLE session ("
				"  id INTEGER PRIMARY KEY,"
				"  boot INTEGER NOT NULL,"
				"  number INTEGER NOT NULL,"
				"  app TEXT NOT NULL COLLATE NOCASE,"
				"  plan TEXT NOT NULL COLLATE NOCASE,"
				"  vnet TEXT NOT NULL COLLATE NOCASE,"
				"  user TEXT NOT NULL,"
				"  address INTEGER NOT NULL,"
				"  source TEXT NOT NULL,"
				"  correlation TEXT NOT NULL,"
				"  thumbprint TEXT NOT NULL,"
				"  since INTEGER NOT NULL,"
				"  ended INTEGER,"
				"  reason TEXT NOT NULL DEFAULT ''," COUNTS ","
				"  UNIQUE (boot, number)) STRICT;"
				"CREATE INDEX session_by_end ON session (ended);"
				"CREATE INDEX session_by_app ON session (app);"

				"CREATE TABLE usage ("
				"  day INTEGER NOT NULL,"
				"  app TEXT NOT NULL COLLATE NOCASE,"
				"  plan TEXT NOT NULL COLLATE NOCASE,"
				"  vnet TEXT NOT NULL COLLATE NOCASE," COUNTS ","
				"  PRIMARY KEY (day, app, plan, vnet)) STRICT, WITHOUT ROWID;"

				"CREATE TABLE gateway_time ("
				"  day INTEGER NOT NULL,"
				"  vnet TEXT NOT NULL COLLATE NOCASE,"
				"  seconds INTEGER NOT NULL,"
				"  PRIMARY KEY (day, vnet)) STRICT, WITHOUT ROWID;"

				"CREATE TABLE lease ("
				"  vnet_id INTEGER NOT NULL REFERENCES vnet ON DELETE CASCADE,"
				"  address INTEGER NOT NULL,"
				"  owner TEXT NOT NULL,"
				"  at INTEGER NOT NULL,"
				"  PRIMARY KEY (vnet_id, address)) STRICT, WITHOUT ROWID;"
				"CREATE INDEX lease_by_age ON lease (vnet_id, at, address);";

/*
 * Routes and names. What a peering's other side is called stays a text: a VNet may be peered with one
 * that is not there yet. was_connected: both sides have been there at once, since it was written last.
 * A table's number is that of the gateway's kernel; announce_table 0: 8400 and the VNet's own number.
 */
static const char version_4[] =
	"ALTER TABLE vnet ADD COLUMN attach_netns TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE vnet ADD COLUMN search_domains TEXT NOT NULL DEFAULT '[]'"
	"  CHECK (json_valid(search_domains));"
	"ALTER TABLE vnet ADD COLUMN resource_id TEXT COLLATE NOCASE AS ('/subscriptions/' ||"
	"  subscription || '/resourceGroups/' || resource_group ||"
	"  '/providers/Microsoft.Network/virtualNetworks/' || name);"

	"ALTER TABLE gateway ADD COLUMN enable_bgp INTEGER NOT NULL DEFAULT 0"
	"  CHECK (enable_bgp IN (0, 1));"
	"ALTER TABLE gateway ADD COLUMN asn INTEGER NOT NULL DEFAULT 65515"
	"  CHECK (asn BETWEEN 1 AND 4294967295);"
	"ALTER TABLE gateway ADD COLUMN bgp_table INTEGER NOT NULL DEFAULT 254"
	"  CHECK (bgp_table BETWEEN 1 AND 4294967295);"
	"ALTER TABLE gateway ADD COLUMN announce_table INTEGER NOT NULL DEFAULT 0"
	"  CHECK (announce_table BETWEEN 0 AND 4294967295);"
	"ALTER TABLE gateway ADD COLUMN bgp_filters TEXT NOT NULL DEFAULT '[]'"
	"  CHECK (json_valid(bgp_filters));"
	"ALTER TABLE gateway ADD COLUMN propagate_bgp INTEGER NOT NULL DEFAULT 0"
	"  CHECK (propagate_bgp IN (0, 1));"
	"ALTER TABLE gateway ADD COLUMN propagate_peerings INTEGER NOT NULL DEFAULT 0"
	"  CHECK (propagate_peerings IN (0, 1));"
	"ALTER TABLE gateway ADD COLUMN announce_hosts INTEGER NOT NULL DEFAULT 0"
	"  CHECK (announce_hosts IN (0, 1));"

	"CREATE TABLE peering ("
	"  id INTEGER PRIMARY KEY,"
	"  vnet_id INTEGER NOT NULL REFERENCES vnet ON DELETE CASCADE,"
	"  name TEXT NOT NULL COLLATE NOCASE CHECK (length(name) BETWEEN 1 AND 64),"
	"  remote_vnet TEXT NOT NULL DEFAULT '' COLLATE NOCASE," /* its resource's id, or its name */
	"  allow_access INTEGER NOT NULL DEFAULT 1 CHECK (allow_access IN (0, 1)),"
	"  allow_forwarded INTEGER NOT NULL DEFAULT 0 CHECK (allow_forwarded IN (0, 1)),"
	"  allow_transit INTEGER NOT NULL DEFAULT 0 CHECK (allow_transit IN (0, 1)),"
	"  use_remote INTEGER NOT NULL DEFAULT 0 CHECK (use_remote IN (0, 1)),"
	"  was_connected INTEGER NOT NULL DEFAULT 0 CHECK (was_connected IN (0, 1)),"
	"  version INTEGER NOT NULL DEFAULT 0,"
	/* the name alone: what is behind the last slash */
	"  remote TEXT COLLATE NOCASE AS (substr(remote_vnet,"
	"    1 + length(rtrim(remote_vnet, replace(remote_vnet, '/', ''))))),"
	"  UNIQUE (vnet_id, name),"
	"  UNIQUE (vnet_id, remote)) STRICT;"
	"CREATE INDEX peering_by_remote ON peering (remote);"

	/* what connections are synced to has these as well from now on: nothing of it has changed */
	"UPDATE connection SET synced = json_set(synced, '$.searchDomains', json('[]'))"
	"  WHERE synced <> '{}';";

static const char *const steps[] = {version_1, version_2, version_3, version_4};

const struct store_schema store_schema_model = {
	.application_id = 0x53535450, /* "SSTP" */
	.steps = steps,
	.n_steps = sizeof(steps) / sizeof(steps[0]),
	.max_pages = MAX_PAGES,
};

const char store_schema_views[] =
	/* the newest certificate of each app, as the authority has it */
	"CREATE TEMP TABLE certificate ("
	"  app TEXT PRIMARY KEY COLLATE NOCASE, vnet TEXT COLLATE NOCASE, thumbprint TEXT,"
	"  blob TEXT, status TEXT);"
	/* the connections that a change has to do with: what rules look at, and what is synced */
	"CREATE TEMP TABLE touched (app_id INTEGER PRIMARY KEY ON CONFLICT IGNORE);"
	/* how the data plane serves each VNet; why: '': it does; counted: till when it has its time */
	"CREATE TEMP TABLE gateway_state ("
	"  vnet TEXT PRIMARY KEY COLLATE NOCASE, why TEXT, counted INTEGER);"
	"CREATE TEMP TRIGGER gateway_state_vnet AFTER DELETE ON main.vnet BEGIN"
	"  DELETE FROM gateway_state WHERE vnet = old.name; END;"
	"CREATE TEMP TRIGGER gateway_state_gateway AFTER DELETE ON main.gateway BEGIN"
	"  DELETE FROM gateway_state WHERE vnet = (SELECT name FROM vnet WHERE id = old.vnet_id);"
	"  END;"
	/* what gateway.yaml says of all of it */
	"CREATE TEMP TABLE setting (is_strict INTEGER);"
	"INSERT INTO setting VALUES (0);"
	/* the sessions of a list on its way */
	"CREATE TEMP TABLE listed (boot INTEGER, number INTEGER, PRIMARY KEY (boot, number))"
	"  WITHOUT ROWID;"

	/*
	 * Peerings with both of their sides, and opposite, the peering of the other VNet with this one;
	 * NULL: it is not there. state: what the original calls it.
	 */
	"CREATE TEMP VIEW peering_now AS SELECT p.*, v.name AS vnet, v.subscription,"
	"  v.resource_group, v.resource_id AS vnet_resource_id, v.spaces, r.id AS remote_id,"
	"  r.name AS remote_name, r.resource_id AS remote_resource_id, r.spaces AS remote_spaces,"
	"  o.id AS opposite_id, o.name AS opposite, o.allow_transit AS opposite_transit,"
	"  CASE WHEN o.id IS NOT NULL THEN 'Connected' WHEN p.was_connected THEN 'Disconnected'"
	"    ELSE 'Initiated' END AS state"
	" FROM peering p JOIN vnet v ON v.id = p.vnet_id"
	" LEFT JOIN vnet r ON r.name = p.remote AND r.source <> 'gone'"
	"  AND p.remote_vnet IN (p.remote, r.resource_id)"
	" LEFT JOIN peering o ON o.vnet_id = r.id AND o.remote = v.name AND v.source <> 'gone'"
	"  AND o.remote_vnet IN (o.remote, v.resource_id);"
	"CREATE TEMP TRIGGER peering_connects AFTER UPDATE OF remote_vnet ON main.peering BEGIN"
	"  UPDATE peering SET was_connected = 1 WHERE id IN (SELECT id FROM peering_now"
	"    WHERE new.id IN (id, opposite_id) AND opposite_id IS NOT NULL); END;"

	"CREATE TEMP VIEW connection_now AS SELECT c.app_id, c.vnet_id, c.synced, c.synced_at,"
	"  c.version, a.name AS app, a.subscription, a.resource_group, a.is_container,"
	"  a.has_default_routes, a.plan_id, p.name AS plan, p.subscription AS plan_subscription,"
	"  p.tier, p.tier NOT IN ('Free', 'Shared') AND NOT (s.is_strict AND (p.is_linux OR"
	"  a.is_container)) AS is_enabled, p.is_linux, p.auto_sync,"
	"  v.name AS vnet, v.subscription AS vnet_subscription, v.location, v.source, v.spaces,"
	"  v.tunnel_address,"
	"  '/subscriptions/' || v.subscription || '/resourceGroups/' || v.resource_group ||"
	"  '/providers/Microsoft.Network/virtualNetworks/' || v.name AS vnet_resource_id,"
	"  g.id AS gateway_id, g.vpn_type, g.sku, coalesce(g.pools, '[]') AS pools,"
	"  coalesce(g.protocols, '[]') AS protocols,"
	"  coalesce(g.on_premises, '[]') AS on_premises,"
	/* why nobody comes in by it: what the rules of connecting say, where it is so by now */
	"  CASE WHEN v.source = 'gone' THEN 'Virtual network ' || v.name ||"
	"      ' is not in gateway.yaml any more.'"
	"    WHEN p.tier IN ('Free', 'Shared') THEN 'VNET Integration is not available in the ' ||"
	"      p.tier || ' tier: scale the App Service plan to Basic, Standard, Premium, PremiumV2 "
	"or'"
	"      || ' PremiumV3.'"
	"    WHEN s.is_strict AND p.is_linux"
	"      THEN 'Gateway-required VNET Integration is not available for Linux apps.'"
	"    WHEN s.is_strict AND a.is_container"
	"      THEN 'Gateway-required VNET Integration is not available for containers.'"
	"    WHEN g.id IS NULL THEN 'This VNET has no gateway: create one of type Vpn first.'"
	"    WHEN EXISTS (SELECT 1 FROM gateway e WHERE e.vnet_id = v.id"
	"      AND e.gateway_type = 'ExpressRoute')"
	"      THEN 'This gateway coexists with an ExpressRoute gateway. It cannot be joined to an "
	"App.'"
	"    WHEN g.vpn_type <> 'RouteBased'"
	"      THEN 'This gateways Vpn type is not RouteBased. It cannot be joined to an App.'"
	"    WHEN json_array_length(g.pools) = 0"
	"      THEN 'This gateway has no point-to-site address pool.'"
	"    WHEN NOT EXISTS (SELECT 1 FROM json_each(g.protocols) WHERE value = 'SSTP')"
	"      THEN 'SSTP is not among the protocols of this gateway.' ELSE '' END AS refusal,"
	"  u.why IS NOT NULL AND u.why = '' AS is_up, nullif(u.why, '') AS down_reason,"
	"  t.thumbprint, t.blob, t.status,"
	"  json_object('certThumbprint', t.thumbprint, 'dnsServers', json(v.dns), 'addressSpaces',"
	"    json(v.spaces), 'customRoutes', json(coalesce(g.custom_routes, '[]')),"
	"    'searchDomains', json(v.search_domains)) AS now"
	" FROM connection c JOIN app a ON a.id = c.app_id JOIN plan p ON p.id = a.plan_id"
	" JOIN vnet v ON v.id = c.vnet_id CROSS JOIN setting s"
	" LEFT JOIN gateway g ON g.vnet_id = v.id AND g.gateway_type = 'Vpn'"
	" LEFT JOIN gateway_state u ON u.vnet = v.name"
	" LEFT JOIN certificate t ON t.app = a.name AND t.vnet = v.name;";

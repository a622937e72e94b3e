/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What connects an app to a VNet, as the app sees it and as its plan does. A certificate is the app's
 * own here, where the original has one for all apps of a subscription: so the app's view shows it, and
 * the plan's names the apps.
 */
#include <errno.h>
#include <stdio.h>

#include "sstp/control/field_check.h"
#include "sstp/control/kind_sql.h"
#include "sstp/control/kinds.h"

enum {
	ID_MAX = 300,
	URI_MAX = 2048,
};

static const struct resource_field fields[] = {
	/* clang-format off */
	{"properties.vnetResourceId", RESOURCE_TEXT, "vnet_resource_id", "\"\"", ID_MAX, NULL, NULL},
	{"properties.isSwift",        RESOURCE_BOOL, "is_swift", "false", 0, NULL, NULL},
	{.path = "properties.vnetName",                   .type = RESOURCE_READ_ONLY},
	{.path = "properties.certThumbprint",             .type = RESOURCE_READ_ONLY},
	{.path = "properties.certBlob",                   .type = RESOURCE_READ_ONLY},
	{.path = "properties.routes",                     .type = RESOURCE_READ_ONLY},
	{.path = "properties.resyncRequired",             .type = RESOURCE_READ_ONLY},
	{.path = "properties.dnsServers",                 .type = RESOURCE_READ_ONLY},
	{.path = "properties.location",                   .type = RESOURCE_READ_ONLY},
	{.path = "properties.state",                      .type = RESOURCE_READ_ONLY},
	{.path = "properties.certificateStatus",          .type = RESOURCE_READ_ONLY},
	{.path = "properties.gatewayStatus",              .type = RESOURCE_READ_ONLY},
	{.path = "properties.gatewayReason",              .type = RESOURCE_READ_ONLY},
	{.path = "properties.addressSpaces",              .type = RESOURCE_READ_ONLY},
	{.path = "properties.pointToSiteAddressSpaces",   .type = RESOURCE_READ_ONLY},
	{.path = "properties.siteToSiteAddressSpaces",    .type = RESOURCE_READ_ONLY},
	/* clang-format on */
};

static const struct resource_field package_fields[] = {
	{.path = "properties.vnetName", .type = RESOURCE_READ_ONLY},
	{"properties.vpnPackageUri", RESOURCE_TEXT, "uri", NULL, URI_MAX, NULL, field_check_uri},
};

static int check(const json_t *body, char ret_why[RESOURCE_WHY_MAX])
{
	if (!json_is_true(json_object_get(body, "is_swift")))
		return 0;
	snprintf(ret_why, RESOURCE_WHY_MAX,
		 "'properties.isSwift' is true: regional integration needs no gateway, and is not "
		 "done by one");
	return -EINVAL;
}

/* ---- what the views show ---- */

/* clang-format off */
#define ROUTE(name, start, end, type)                                                  \
	"SELECT json_object('name', " name ", 'properties', json_object('startAddress', " \
	start ", 'endAddress', " end ", 'routeType', '" type "')) AS r"

/* Of the row that a view stands at: what it was last synced to, and what the plan says now. */
#define ROUTES                                                             \
	"(SELECT json_group_array(json(r)) FROM ("                         \
	ROUTE("value", "value", "NULL", "INHERITED")                       \
	" FROM json_each(n.synced, '$.addressSpaces') UNION ALL "          \
	ROUTE("value", "value", "NULL", "INHERITED")                       \
	" FROM json_each(n.synced, '$.customRoutes') UNION ALL "           \
	ROUTE("name", "start_address", "nullif(end_address, '')", "STATIC") \
	" FROM route WHERE plan_id = n.plan_id AND vnet_id = n.vnet_id UNION ALL " \
	ROUTE("value", "value", "NULL", "DEFAULT")                         \
	" FROM json_each('[\"10.0.0.0/8\",\"172.16.0.0/12\",\"192.168.0.0/16\"]')" \
	" WHERE n.has_default_routes))"
/* clang-format on */

#define DNS \
	"'dnsServers', (SELECT group_concat(value, ',') FROM json_each(n.synced, '$.dnsServers'))"
#define GATEWAY \
	"'gatewayStatus', iif(n.is_up, 'Up', 'NotConnected'), 'gatewayReason', n.down_reason"
#define STATE "'state', iif(n.is_enabled, 'Enabled', 'Disabled')"
/* of an app's own */
#define CERTIFICATE                                                                               \
	"'certificateStatus', CASE WHEN n.thumbprint IS NULL THEN 'None'"                         \
	" WHEN n.synced ->> 'certThumbprint' IS NOT n.thumbprint THEN 'OutOfSync' ELSE n.status " \
	"END"
#define RESYNC "'resyncRequired', " SQL_BOOL("n.synced <> n.now")

#define NETWORK                                                                             \
	"'vnetName', n.vnet, 'vnetResourceId', n.vnet_resource_id, 'location', n.location," \
	" 'isSwift', json('false')," DNS ", " GATEWAY ","                                   \
	" 'addressSpaces', json(n.spaces), 'pointToSiteAddressSpaces', json(n.pools),"      \
	" 'siteToSiteAddressSpaces', json(n.on_premises), 'routes', json(" ROUTES ")," STATE

#define APP_ID                                                                          \
	"'/subscriptions/' || n.subscription || '/resourceGroups/' || n.resource_group" \
	" || '/providers/Microsoft.Web/sites/' || n.app"

#define PLAN_ID "(SELECT resource_id FROM plan WHERE id = n.plan_id)"

/* ---- an app's connection ---- */

static const char view[] =
	"CREATE TEMP VIEW connection_json AS SELECT n.subscription, n.resource_group, n.app,"
	" n.vnet, n.version, json_object('id', " APP_ID
	" || '/virtualNetworkConnections/' || n.vnet, 'name', n.vnet,"
	"  'type', 'Microsoft.Web/sites/virtualNetworkConnections',"
	"  'etag', '\"' || n.version || '\"', 'properties', json_object(" NETWORK ","
	"  'certThumbprint', n.thumbprint, 'certBlob', n.blob," CERTIFICATE ", " RESYNC
	")) AS json FROM connection_now n";

#define FROM                                                       \
	" FROM connection_json WHERE subscription = :subscription" \
	" AND resource_group = :group AND app = :app"
#define TOUCH "INSERT INTO touched SELECT app_id FROM connection WHERE "

/* Without routes and certificates: there may be thousands of these. */
const char kind_connection_list_all[] =
	"SELECT json_object('id', " APP_ID " || '/virtualNetworkConnections/' || n.vnet,"
	" 'name', n.vnet, 'type', 'Microsoft.Web/sites/virtualNetworkConnections',"
	" 'etag', '\"' || n.version || '\"', 'properties', json_object('app', n.app,"
	"  'serverFarmId', " PLAN_ID ", 'vnetName', n.vnet,"
	"  'vnetResourceId', n.vnet_resource_id, 'certThumbprint', n.thumbprint," DNS ", " GATEWAY
	", " STATE ", " CERTIFICATE ", " RESYNC "))"
	" FROM connection_now n WHERE n.subscription = :subscription ORDER BY n.vnet, n.app";

const char kind_connection_list[] = "SELECT json" FROM " ORDER BY vnet";

const struct resource_kind kind_connection = {
	.name = "connection",
	.fields = fields,
	.n_fields = sizeof(fields) / sizeof(fields[0]),
	.check = check,
	.view = view,
	.get = "SELECT json, version" FROM " AND vnet = :vnet",
	.insert = "INSERT INTO connection (app_id, vnet_id) VALUES (" SQL_APP_ID
		  ", " SQL_VNET_BY_NAME ")",
	/* declared again it is synced again */
	.update = "UPDATE connection SET synced = '{}', version = :revision WHERE " SQL_CONNECTION,
	.remove = "DELETE FROM connection WHERE " SQL_CONNECTION,
	.touch = TOUCH SQL_CONNECTION,
	.missing = "Virtual network does not exist.",
	.before_write = rules_connection_before_write,
	.after_all = rules_connection_after_all,
};

#define PACKAGE_JSON(id, type)                                                          \
	"SELECT json_object('id', " id " || '/virtualNetworkConnections/' || n.vnet ||" \
	" '/gateways/primary', 'name', 'primary', 'type', 'Microsoft.Web/" type         \
	"/virtualNetworkConnections/gateways', 'etag', '\"' || max(n.version) || '\"'," \
	" 'properties', json_object('vnetName', n.vnet)), max(n.version)"               \
	" FROM connection_now n WHERE :gateway = 'primary' COLLATE NOCASE AND n."
#define PACKAGE_SET                                                                \
	"UPDATE connection SET package_uri = :body ->> 'uri', version = :revision" \
	" WHERE :gateway = 'primary' COLLATE NOCASE AND "

const struct resource_kind kind_package = {
	.name = "connection's gateway",
	.fields = package_fields,
	.n_fields = sizeof(package_fields) / sizeof(package_fields[0]),
	.get = PACKAGE_JSON(APP_ID, "sites") SQL_CONNECTION " HAVING count(*)",
	.update = PACKAGE_SET SQL_CONNECTION,
	.missing = "Named gateway does not exist. Only the \"primary\" gateway is supported "
		   "currently.",
};

/* ---- what a plan's apps connect to ---- */

/*
 * The first of the apps stands for them: sync is the plan's, so they were synced alike. The plan is looked
 * up inside: a view would group the connections of all plans, for one of them.
 */
#define PLAN_NETWORKS(and)                                                                    \
	"(SELECT a.plan_id, c.vnet_id, min(c.app_id) AS app_id, max(c.version) AS version"    \
	" FROM app a JOIN connection c ON c.app_id = a.id WHERE a.plan_id = " SQL_PLAN_ID and \
		" GROUP BY c.vnet_id) x"

/* clang-format off */
#define PLAN_JSON                                                                       \
	"json_object('id', " PLAN_ID " || '/virtualNetworkConnections/' || n.vnet, 'name', n.vnet,"     \
	"  'type', 'Microsoft.Web/serverfarms/virtualNetworkConnections',"                            \
	"  'etag', '\"' || x.version || '\"', 'properties', json_object(" NETWORK ","              \
	"  'certificateStatus', iif(EXISTS (SELECT 1 FROM connection_now o WHERE"                  \
	"    o.plan_id = x.plan_id AND o.vnet_id = x.vnet_id AND o.thumbprint IS NOT"              \
	"    o.synced ->> 'certThumbprint'), 'OutOfSync', 'InSync'),"                              \
	"  'resyncRequired', " SQL_BOOL("EXISTS (SELECT 1 FROM connection_now o WHERE"             \
	"    o.plan_id = x.plan_id AND o.vnet_id = x.vnet_id AND o.synced <> o.now)") ","          \
	"  'apps', (SELECT json_group_array(name) FROM (SELECT a.name FROM connection c"           \
	"    JOIN app a ON a.id = c.app_id WHERE a.plan_id = x.plan_id"                            \
	"    AND c.vnet_id = x.vnet_id ORDER BY a.name))))"
/* clang-format on */

#define PLAN_FROM(and) \
	" FROM " PLAN_NETWORKS(and) " CROSS JOIN connection_now n ON n.app_id = x.app_id"

const char kind_plan_network_list[] = "SELECT " PLAN_JSON PLAN_FROM("") " ORDER BY n.vnet";

/* Written to without a body: synced. */
const struct resource_kind kind_plan_network = {
	.name = "plan's virtual network",
	.get = "SELECT " PLAN_JSON ", x.version" PLAN_FROM(" AND c.vnet_id = " SQL_VNET_BY_NAME),
	.update = "UPDATE connection SET synced = '{}', version = :revision "
		  "WHERE " SQL_PLAN_CONNECTIONS,
	.touch = TOUCH SQL_PLAN_CONNECTIONS,
	.missing = "Virtual network could not be found.",
	.before_write = rules_sync_before_write,
};

const struct resource_kind kind_plan_package = {
	.name = "plan's gateway",
	.fields = package_fields,
	.n_fields = sizeof(package_fields) / sizeof(package_fields[0]),
	.get = PACKAGE_JSON(PLAN_ID, "serverfarms") SQL_PLAN_CONNECTIONS " HAVING count(*)",
	.update = PACKAGE_SET SQL_PLAN_CONNECTIONS,
	.missing = "Only the 'primary' gateway is supported.",
};

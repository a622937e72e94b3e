/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/kind_sql.h"
#include "sstp/control/kinds.h"

static const struct resource_field fields[] = {
	/* clang-format off */
	{"location",                RESOURCE_TEXT, "location",     "\"\"",  64,  NULL, NULL},
	{"properties.serverFarmId", RESOURCE_TEXT, "plan",         NULL,    300, NULL, NULL},
	{"properties.isContainer",  RESOURCE_BOOL, "is_container", "false", 0,   NULL, NULL},
	{"properties.vnetDefaultRoutesEnabled",
	                            RESOURCE_BOOL, "has_default_routes", "false", 0, NULL, NULL},
	{.path = "properties.reserved",            .type = RESOURCE_READ_ONLY},
	{.path = "properties.siteConfig.vnetName", .type = RESOURCE_READ_ONLY},
	{.path = "properties.remarks",             .type = RESOURCE_READ_ONLY},
	/* clang-format on */
};

#define FROM " FROM app_json WHERE subscription = :subscription"

const char kind_app_list[] = "SELECT json" FROM " AND resource_group = :group ORDER BY name";
const char kind_app_list_all[] = "SELECT json" FROM " ORDER BY name";

const struct resource_kind kind_app =
	{
		.name = "app",
		.fields = fields,
		.n_fields = sizeof(fields) / sizeof(fields[0]),
		/* clang-format off */
	.view =
		"CREATE TEMP VIEW app_json AS SELECT a.subscription, a.resource_group, a.name, a.version,"
		" json_object('id', '/subscriptions/' || a.subscription || '/resourceGroups/' ||"
		"   a.resource_group || '/providers/Microsoft.Web/sites/' || a.name,"
		"  'name', a.name, 'type', 'Microsoft.Web/sites',"
		"  'kind', iif(p.is_linux, 'app,linux', 'app') || iif(a.is_container, ',container', ''),"
		"  'etag', '\"' || a.version || '\"', 'location', a.location,"
		"  'properties', json_object('serverFarmId', p.resource_id,"
		"   'reserved', " SQL_BOOL("p.is_linux") ","
		"   'isContainer', " SQL_BOOL("a.is_container") ","
		"   'vnetDefaultRoutesEnabled', " SQL_BOOL("a.has_default_routes") ","
		"   'siteConfig', json_object('vnetName', v.name),"
		"   'remarks', iif(p.is_linux OR a.is_container, json_array('Linux apps and containers"
		" are excluded by the original; this gateway takes them unless it is strict.'),"
		"    json_array()))) AS json"
		" FROM app a JOIN plan p ON p.id = a.plan_id"
		" LEFT JOIN connection c ON c.app_id = a.id LEFT JOIN vnet v ON v.id = c.vnet_id",
	.get = "SELECT json, version" FROM " AND resource_group = :group AND name = :app",
	.insert =
		"INSERT INTO app (subscription, resource_group, name, plan_id)"
		" VALUES (:subscription, :group, :app, 0)",
	.update =
		"UPDATE app SET location = :body ->> 'location', plan_id = " SQL_PLAN_OF_BODY ","
		" is_container = :body ->> 'is_container',"
		" has_default_routes = :body ->> 'has_default_routes', version = :revision"
		" WHERE " SQL_APP,
		/* clang-format on */
		.remove = "DELETE FROM app WHERE " SQL_APP,
		.touch = "INSERT INTO touched SELECT app_id FROM connection"
			 " WHERE app_id = " SQL_APP_ID,
		.missing = "There is no such app.",
		.taken = "An app of this name is there already, in another resource group or "
			 "subscription: "
			 "names of apps are unique over the gateway.",
		.before_write = rules_app_before_write,
		.after_all = rules_app_after_all,
};

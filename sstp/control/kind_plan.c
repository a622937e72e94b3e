/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/kind_sql.h"
#include "sstp/control/kinds.h"

static const char *const tiers[] = {"Free",    "Shared",    "Basic",	 "Standard",
				    "Premium", "PremiumV2", "PremiumV3", NULL};

static const struct resource_field fields[] = {
	/* clang-format off */
	{"location",                       RESOURCE_TEXT, "location",  "\"\"",  64, NULL,  NULL},
	{"sku.tier",                       RESOURCE_TEXT, "tier",      NULL,    16, tiers, NULL},
	{"properties.reserved",            RESOURCE_BOOL, "is_linux",  "false", 0,  NULL,  NULL},
	{"properties.autoSync",            RESOURCE_BOOL, "auto_sync", "true",  0,  NULL,  NULL},
	{.path = "properties.numberOfSites",       .type = RESOURCE_READ_ONLY},
	{.path = "properties.vnetConnectionsUsed", .type = RESOURCE_READ_ONLY},
	{.path = "properties.vnetConnectionsMax",  .type = RESOURCE_READ_ONLY},
	/* clang-format on */
};

#define FROM " FROM plan_json WHERE subscription = :subscription"

const char kind_plan_list[] = "SELECT json" FROM " AND resource_group = :group ORDER BY name";
const char kind_plan_list_all[] = "SELECT json" FROM " ORDER BY resource_group, name";

const char kind_subscription_list[] =
	"SELECT json_object('id', '/subscriptions/' || s, 'subscriptionId', s) FROM ("
	" SELECT subscription AS s FROM plan UNION SELECT subscription FROM app"
	" UNION SELECT subscription FROM vnet) ORDER BY s";

const struct resource_kind kind_plan = {
	.name = "plan",
	.fields = fields,
	.n_fields = sizeof(fields) / sizeof(fields[0]),
	/* clang-format off */
	.view =
		"CREATE TEMP VIEW plan_json AS SELECT subscription, resource_group, name, version,"
		" json_object('id', resource_id, 'name', name, 'type', 'Microsoft.Web/serverfarms',"
		"  'kind', iif(is_linux, 'linux', 'app'), 'etag', " SQL_ETAG ","
		"  'location', location, 'sku', json_object('tier', tier),"
		"  'properties', json_object("
		"   'reserved', " SQL_BOOL("is_linux") ", 'autoSync', " SQL_BOOL("auto_sync") ","
		"   'numberOfSites', (SELECT count(*) FROM app WHERE plan_id = plan.id),"
		"   'vnetConnectionsUsed', (SELECT count(DISTINCT vnet_id) FROM connection"
		"    JOIN app ON app.id = app_id WHERE plan_id = plan.id),"
		"   'vnetConnectionsMax', 5)) AS json FROM plan",
	/* clang-format on */
	.get = "SELECT json, version" FROM " AND resource_group = :group AND name = :plan",
	.insert = "INSERT INTO plan (subscription, resource_group, name)"
		  " VALUES (:subscription, :group, :plan)",
	.update = "UPDATE plan SET location = :body ->> 'location', tier = :body ->> 'tier',"
		  " is_linux = :body ->> 'is_linux', auto_sync = :body ->> 'auto_sync',"
		  " version = :revision WHERE " SQL_PLAN,
	.remove = "DELETE FROM plan WHERE " SQL_PLAN,
	.touch = "INSERT INTO touched SELECT app_id FROM app JOIN connection ON app_id = app.id"
		 " WHERE plan_id = " SQL_PLAN_ID,
	.missing = "There is no such App Service plan.",
	.taken = "An App Service plan of this name is there already.",
	.before_remove = rules_plan_before_remove,
	.after_all = rules_plan_after_all,
};

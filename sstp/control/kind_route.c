/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "routing/range.h"
#include "sstp/control/kind_sql.h"
#include "sstp/control/kinds.h"

static const char *const types[] = {"STATIC", NULL};

static const struct resource_field fields[] = {
	/* clang-format off */
	{"properties.startAddress", RESOURCE_TEXT, "start", NULL,         50, NULL,  NULL},
	{"properties.endAddress",   RESOURCE_TEXT, "end",   "\"\"",       50, NULL,  NULL},
	{"properties.routeType",    RESOURCE_TEXT, "type",  "\"STATIC\"", 16, types, NULL},
	{.path = "properties.addressPrefixes", .type = RESOURCE_READ_ONLY},
	/* clang-format on */
};

static int check(const json_t *body, char ret_why[RESOURCE_WHY_MAX])
{
	struct range range;
	const char *why;

	if (range_parse(json_string_value(json_object_get(body, "start")),
			json_string_value(json_object_get(body, "end")), &range, &why) == 0)
		return 0;
	snprintf(ret_why, RESOURCE_WHY_MAX, "%s", why);
	return -EINVAL;
}

#define FROM " FROM route_json WHERE plan_id = " SQL_PLAN_ID " AND vnet_id = " SQL_VNET_BY_NAME
#define WHERE \
	" WHERE plan_id = " SQL_PLAN_ID " AND vnet_id = " SQL_VNET_BY_NAME " AND name = :route"

const char kind_route_list[] = "SELECT json" FROM " ORDER BY name";
const char kind_route_get[] = "SELECT json" FROM " AND name = :route";

const struct resource_kind kind_route = {
	.name = "route",
	.fields = fields,
	.n_fields = sizeof(fields) / sizeof(fields[0]),
	.check = check,
	.check_text = "Invalid request. Ensure that required parameters are given, and that "
		      "addresses and address spaces are valid.",
	.view = "CREATE TEMP VIEW route_json AS SELECT r.plan_id, r.vnet_id, r.name, r.version,"
		" json_object('id', p.resource_id || '/virtualNetworkConnections/' || v.name ||"
		"  '/routes/' || r.name, 'name', r.name,"
		"  'type', 'Microsoft.Web/serverfarms/virtualNetworkConnections/routes',"
		"  'etag', '\"' || r.version || '\"', 'properties', json_object("
		"   'startAddress', start_address, 'endAddress', nullif(end_address, ''),"
		"   'routeType', 'STATIC',"
		"   'addressPrefixes', json(range_prefixes(start_address, end_address)))) AS json"
		" FROM route r JOIN plan p ON p.id = r.plan_id JOIN vnet v ON v.id = r.vnet_id",
	.get = "SELECT json, version" FROM " AND name = :route",
	.insert = "INSERT INTO route (plan_id, vnet_id, name) VALUES (" SQL_PLAN_ID
		  ", " SQL_VNET_BY_NAME ", :route)",
	.update = "UPDATE route SET start_address = :body ->> 'start', end_address = :body ->> "
		  "'end', version = :revision" WHERE,
	.remove = "DELETE FROM route" WHERE,
	.missing = "Specified route does not exist.",
	.missing_update = "Route not found.",
	.missing_remove = "Specified Virtual Network route does not exist.",
	.before_write = rules_route_before_write,
	.after_all = rules_route_after_all,
};

/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "tools/sstpctl/nouns.h"
#include "tools/sstpctl/request.h"

const struct body_field app_body[] = {
	{"PLAN", "properties.serverFarmId", BODY_PLAN},
	{"CONTAINER", "properties.isContainer", BODY_SWITCH},
	{"DEFAULT-ROUTES", "properties.vnetDefaultRoutesEnabled", BODY_SWITCH},
	{"LOCATION", "location", BODY_TEXT},
	{NULL, NULL, BODY_TEXT},
};

static const struct column list_columns[] = {
	{"NAME", "name", FORMAT_PLAIN},
	{"PLAN", "properties.serverFarmId", FORMAT_LAST},
	{"KIND", "kind", FORMAT_PLAIN},
	{"VNET", "properties.siteConfig.vnetName", FORMAT_PLAIN},
	{"LOCATION", "location", FORMAT_PLAIN},
	{"SUBSCRIPTION", "id", FORMAT_SUBSCRIPTION},
	{"RESOURCE GROUP", "id", FORMAT_GROUP},
};

static const struct column columns[] = {
	{"App", "name", FORMAT_PLAIN},
	{"Subscription", "id", FORMAT_SUBSCRIPTION},
	{"Resource group", "id", FORMAT_GROUP},
	{"Location", "location", FORMAT_PLAIN},
	{"Plan", "properties.serverFarmId", FORMAT_LAST},
	{"Kind", "kind", FORMAT_PLAIN},
	{"Default routes", "properties.vnetDefaultRoutesEnabled", FORMAT_PLAIN},
	{"VNet", "properties.siteConfig.vnetName", FORMAT_PLAIN},
	{"Remarks", "properties.remarks", FORMAT_PLAIN},
	{"Version", "etag", FORMAT_PLAIN},
};

const struct view app_list_view = {.shape = VIEW_TABLE, VIEW_COLUMNS(list_columns)};

static int print_app(struct call *c, const json_t *app)
{
	size_t i;
	const json_t *connection;

	table_print_lines(stdout, 0, columns, sizeof(columns) / sizeof(columns[0]), app);
	json_array_foreach(json_object_get(app, "virtualNetworkConnections"), i, connection)
	{
		putchar('\n');
		connection_print(connection);
	}
	return 0;
}

const struct view app_view = {.shape = VIEW_OWN, .print = print_app};

int app_show(struct call *c)
{
	json_t *app = NULL, *connections;
	int code = request_send(c, "GET", "{/APP}", NULL, &app);

	if (code == 0)
		code = request_send(c, "GET", "{/APP}/virtualNetworkConnections", NULL,
				    &connections);
	if (code == 0) {
		json_object_set_new(app, "virtualNetworkConnections", connections);
		code = view_print(c, app);
	}
	json_decref(app);
	return code;
}

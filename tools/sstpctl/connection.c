/* SPDX-License-Identifier: Apache-2.0 */
/* What connects apps and virtual networks, and the plans' routes. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tools/sstpctl/nouns.h"
#include "tools/sstpctl/place.h"
#include "tools/sstpctl/request.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const struct body_field route_body[] = {
	{"PREFIX", "properties.startAddress", BODY_TEXT},
	{"START", "properties.startAddress", BODY_TEXT},
	{"END", "properties.endAddress", BODY_TEXT},
	{NULL, NULL, BODY_TEXT},
};

static const struct column list_columns[] = {
	{"APP", "properties.app", FORMAT_PLAIN},
	{"VNET", "name", FORMAT_PLAIN},
	{"PLAN", "properties.serverFarmId", FORMAT_LAST},
	{"STATE", "properties.state", FORMAT_PLAIN},
	{"GATEWAY", "properties.gatewayStatus", FORMAT_PLAIN},
	{"CERTIFICATE", "properties.certificateStatus", FORMAT_PLAIN},
	{"RESYNC", "properties.resyncRequired", FORMAT_PLAIN},
	{"DNS SERVERS", "properties.dnsServers", FORMAT_PLAIN},
	{"SUBSCRIPTION", "id", FORMAT_SUBSCRIPTION},
	{"RESOURCE GROUP", "id", FORMAT_GROUP},
};

/* In the order of the original's portal; "Apps" is the plan's, "Thumbprint" the app's. */
static const struct column head_columns[] = {
	{"VNet", "name", FORMAT_PLAIN},
	{"Location", "properties.location", FORMAT_PLAIN},
	{"State", "properties.state", FORMAT_PLAIN},
	{"Certificate status", "properties.certificateStatus", FORMAT_PLAIN},
	{"Gateway status", "properties.gatewayStatus", FORMAT_PLAIN},
	{"Why not up", "properties.gatewayReason", FORMAT_PLAIN},
	{"Resync required", "properties.resyncRequired", FORMAT_PLAIN},
	{"VNet address space", "properties.addressSpaces", FORMAT_PLAIN},
	{"Point-to-site address space", "properties.pointToSiteAddressSpaces", FORMAT_PLAIN},
	{"Site-to-site address space", "properties.siteToSiteAddressSpaces", FORMAT_PLAIN},
	{"DNS servers", "properties.dnsServers", FORMAT_PLAIN},
};
static const struct column apps_column[] = {{"Apps", "properties.apps", FORMAT_PLAIN}};
static const struct column thumbprint_column[] = {
	{"Thumbprint", "properties.certThumbprint", FORMAT_PLAIN}};

static const struct column routed_columns[] = {
	{"START", "properties.startAddress", FORMAT_PLAIN},
	{"END", "properties.endAddress", FORMAT_PLAIN},
	{"TYPE", "properties.routeType", FORMAT_PLAIN},
	{"NAME", "name", FORMAT_PLAIN},
};

static const struct column route_list_columns[] = {
	{"NAME", "name", FORMAT_PLAIN},
	{"VNET", "id", FORMAT_NETWORK},
	{"START", "properties.startAddress", FORMAT_PLAIN},
	{"END", "properties.endAddress", FORMAT_PLAIN},
	{"PREFIXES", "properties.addressPrefixes", FORMAT_PLAIN},
};

static const struct column route_columns[] = {
	{"Route", "name", FORMAT_PLAIN},
	{"VNet", "id", FORMAT_NETWORK},
	{"Start", "properties.startAddress", FORMAT_PLAIN},
	{"End", "properties.endAddress", FORMAT_PLAIN},
	{"Prefixes", "properties.addressPrefixes", FORMAT_PLAIN},
	{"Version", "etag", FORMAT_PLAIN},
};

static const struct column effective_columns[] = {
	{"PREFIX", "prefix", FORMAT_PLAIN},   {"SOURCE", "source", FORMAT_PLAIN},
	{"ORIGIN", "origin", FORMAT_PLAIN},   {"ROUTED", "routed", FORMAT_PLAIN},
	{"VERDICT", "verdict", FORMAT_PLAIN}, {"NEXT HOP", "nextHop", FORMAT_PLAIN},
	{"AS PATH", "asPath", FORMAT_PLAIN},  {"WHY", "why", FORMAT_PLAIN},
};

const struct view effective_view = {
	.shape = VIEW_TABLE, VIEW_COLUMNS(effective_columns), .hides_empty = true};
const struct view connection_list_view = {.shape = VIEW_TABLE, VIEW_COLUMNS(list_columns)};
const struct view route_list_view = {.shape = VIEW_TABLE, VIEW_COLUMNS(route_list_columns)};
const struct view route_view = {.shape = VIEW_LINES, VIEW_COLUMNS(route_columns)};

void connection_print(const json_t *connection)
{
	const json_t *properties = json_object_get(connection, "properties");
	struct column columns[COUNT(head_columns) + 1];

	memcpy(columns, head_columns, sizeof(head_columns));
	columns[COUNT(head_columns)] =
		json_object_get(properties, "apps") ? apps_column[0] : thumbprint_column[0];
	table_print_lines(stdout, 0, columns, COUNT(columns), connection);
	puts("IPs routed to the VNet:");
	table_print(stdout, 2, routed_columns, COUNT(routed_columns),
		    json_object_get(properties, "routes"));
}

static int print_connection(struct call *c, const json_t *connection)
{
	connection_print(connection);
	return 0;
}

const struct view connection_view = {.shape = VIEW_OWN, .print = print_connection};

/* ---- all of them ---- */

/* The name at the end of an id, or the id itself. */
static bool is_called(const char *id, const char *name)
{
	const char *last = strrchr(id, '/');

	return strcasecmp(id, name) == 0 || (last && strcasecmp(last + 1, name) == 0);
}

static const char *text_at(const json_t *row, const char *path)
{
	const char *text = json_string_value(table_value(row, path, strlen(path)));

	return text ? text : "";
}

static bool is_in_group(const char *id, const char *group)
{
	static const char head[] = "/resourceGroups/";
	const char *at = strstr(id, head);
	size_t len = strlen(group);

	return at && strncasecmp(at + strlen(head), group, len) == 0 &&
	       at[strlen(head) + len] == '/';
}

static bool is_wanted(const struct call *c, const char *group, const json_t *row)
{
	const char *plan = c->options[OPTION_PLAN], *vnet = c->options[OPTION_VNET];

	return (!plan || is_called(text_at(row, "properties.serverFarmId"), plan)) &&
	       (!vnet || is_called(text_at(row, "properties.vnetResourceId"), vnet)) &&
	       (!group || is_in_group(text_at(row, "id"), group));
}

/* Of whole subscriptions: the rest of what is asked is looked for here. */
int connection_list(struct call *c)
{
	const char *group = c->options[OPTION_RESOURCE_GROUP];
	json_t *answer, *list;
	size_t i;
	int code;

	c->options[OPTION_RESOURCE_GROUP] = NULL;
	code = place_list(c, "Microsoft.Web/virtualNetworkConnections", &answer);
	if (code)
		return code;
	list = json_object_get(answer, "value");
	for (i = json_array_size(list); i-- > 0;)
		if (!is_wanted(c, group, json_array_get(list, i)))
			json_array_remove(list, i);
	code = view_print(c, answer);
	json_decref(answer);
	return code;
}

/* ---- one of them ---- */

/* The only one that the app has, when none is named. Owned. 0 or an exit code. */
static int find_connection(struct call *c, json_t **ret_connection)
{
	json_t *list;
	int code;

	if (c->arguments[1])
		return request_send(c, "GET", "{/APP}/virtualNetworkConnections/{VNET}", NULL,
				    ret_connection);
	code = request_send(c, "GET", "{/APP}/virtualNetworkConnections", NULL, &list);
	if (code)
		return code;
	if (json_array_size(list) == 0)
		code = call_fail(EXIT_REFUSED, "app %s is not connected to a VNet",
				 c->arguments[0]);
	else
		*ret_connection = json_incref(json_array_get(list, 0));
	json_decref(list);
	return code;
}

int connection_show(struct call *c)
{
	json_t *connection = NULL;
	int code = find_connection(c, &connection);

	if (code == 0)
		code = view_print(c, connection);
	json_decref(connection);
	return code;
}

int connection_disconnect(struct call *c)
{
	json_t *connection = NULL, *answer = NULL;
	int code = c->arguments[1] ? 0 : find_connection(c, &connection);

	if (code == 0 && !c->arguments[1])
		c->arguments[1] = json_string_value(json_object_get(connection, "name"));
	if (code == 0)
		code = request_send(c, "DELETE", "{/APP}/virtualNetworkConnections/{VNET}", NULL,
				    &answer);
	if (code == 0)
		code = view_print(c, answer);
	json_decref(answer);
	json_decref(connection);
	return code;
}

/* What is routed there, by whose word, and why. */
int connection_routes(struct call *c)
{
	json_t *connection = NULL, *answer = NULL;
	int code = c->arguments[1] ? 0 : find_connection(c, &connection);

	if (code == 0 && !c->arguments[1])
		c->arguments[1] = json_string_value(json_object_get(connection, "name"));
	if (code == 0)
		code = request_send(c, "GET", c->verb->path, NULL, &answer);
	if (code == 0)
		code = view_print(c, answer);
	json_decref(answer);
	json_decref(connection);
	return code;
}

/* ---- routes ---- */

static int add_routes(struct call *c, const char *vnet, json_t *value)
{
	struct call one = *c;
	json_t *routes;
	int code;

	one.arguments[1] = vnet;
	code = request_send(&one, "GET", "{/PLAN}/virtualNetworkConnections/{VNET}/routes", NULL,
			    &routes);
	if (code)
		return code;
	json_array_extend(value, routes);
	json_decref(routes);
	return 0;
}

static int add_all_routes(struct call *c, json_t *value)
{
	json_t *networks;
	const json_t *network;
	size_t i;
	int code = request_send(c, "GET", "{/PLAN}/virtualNetworkConnections", NULL, &networks);

	if (code)
		return code;
	json_array_foreach(networks, i, network)
	{
		if (code == 0)
			code = add_routes(c, json_string_value(json_object_get(network, "name")),
					  value);
	}
	json_decref(networks);
	return code;
}

/* Of one network of a plan, or of all. */
int route_list(struct call *c)
{
	json_t *value = json_array(), *answer = json_pack("{s:o}", "value", value);
	int code =
		c->arguments[1] ? add_routes(c, c->arguments[1], value) : add_all_routes(c, value);

	if (code == 0)
		code = view_print(c, answer);
	json_decref(answer);
	return code;
}

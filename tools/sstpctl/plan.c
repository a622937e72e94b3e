/* SPDX-License-Identifier: Apache-2.0 */
/* App Service plans: what the original's portal shows of them is shown here in one go. */
#include <stdio.h>

#include "tools/sstpctl/nouns.h"
#include "tools/sstpctl/request.h"

const struct body_field plan_body[] = {
	{"TIER", "sku.tier", BODY_TEXT},
	{"PLATFORM", "properties.reserved", BODY_LINUX},
	{"AUTO-SYNC", "properties.autoSync", BODY_SWITCH},
	{"LOCATION", "location", BODY_TEXT},
	{NULL, NULL, BODY_TEXT},
};

static const struct column list_columns[] = {
	{"NAME", "name", FORMAT_PLAIN},
	{"TIER", "sku.tier", FORMAT_PLAIN},
	{"KIND", "kind", FORMAT_PLAIN},
	{"AUTO SYNC", "properties.autoSync", FORMAT_PLAIN},
	{"APPS", "properties.numberOfSites", FORMAT_PLAIN},
	{"VNETS", "properties.vnetConnectionsUsed|properties.vnetConnectionsMax", FORMAT_PLAIN},
	{"LOCATION", "location", FORMAT_PLAIN},
	{"SUBSCRIPTION", "id", FORMAT_SUBSCRIPTION},
	{"RESOURCE GROUP", "id", FORMAT_GROUP},
};

static const struct column columns[] = {
	{"Plan", "name", FORMAT_PLAIN},
	{"Subscription", "id", FORMAT_SUBSCRIPTION},
	{"Resource group", "id", FORMAT_GROUP},
	{"Location", "location", FORMAT_PLAIN},
	{"Tier", "sku.tier", FORMAT_PLAIN},
	{"Kind", "kind", FORMAT_PLAIN},
	{"Auto sync", "properties.autoSync", FORMAT_PLAIN},
	{"Apps", "properties.numberOfSites", FORMAT_PLAIN},
	{"VNets used/max", "properties.vnetConnectionsUsed|properties.vnetConnectionsMax",
	 FORMAT_PLAIN},
	{"Version", "etag", FORMAT_PLAIN},
};

const struct view plan_list_view = {.shape = VIEW_TABLE, VIEW_COLUMNS(list_columns)};

static int print_plan(struct call *c, const json_t *plan)
{
	size_t i;
	const json_t *network;

	table_print_lines(stdout, 0, columns, sizeof(columns) / sizeof(columns[0]), plan);
	json_array_foreach(json_object_get(plan, "virtualNetworkConnections"), i, network)
	{
		putchar('\n');
		connection_print(network);
	}
	return 0;
}

const struct view plan_view = {.shape = VIEW_OWN, .print = print_plan};

int plan_show(struct call *c)
{
	json_t *plan = NULL, *networks;
	int code = request_send(c, "GET", "{/PLAN}", NULL, &plan);

	if (code == 0)
		code = request_send(c, "GET", "{/PLAN}/virtualNetworkConnections", NULL, &networks);
	if (code == 0) {
		json_object_set_new(plan, "virtualNetworkConnections", networks);
		code = view_print(c, plan);
	}
	json_decref(plan);
	return code;
}

/* ---- sync ---- */

static int print_synced(struct call *c, const json_t *answer)
{
	size_t i;
	const json_t *network;

	json_array_foreach(json_object_get(answer, "value"), i, network)
	{
		printf("network %s is synced\n",
		       json_string_value(json_object_get(network, "name")));
	}
	return 0;
}

const struct view plan_synced_view = {.shape = VIEW_OWN, .print = print_synced};

/* Adds what the gateway says to done. */
static int sync_one(struct call *c, const char *vnet, json_t *done)
{
	static const struct body_field body[] = {
		{"RESTART", "restart", BODY_GIVEN},
		{NULL, NULL, BODY_TEXT},
	};
	struct call one = *c;
	json_t *answer;
	int code;

	one.arguments[1] = vnet;
	code = request_send(&one, "POST", "{/PLAN}/virtualNetworkConnections/{VNET}/sync",
			    c->options[OPTION_RESTART] ? body : NULL, &answer);
	if (code == 0)
		json_array_append_new(done, answer);
	return code;
}

static int sync_all(struct call *c, json_t *done)
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
			code = sync_one(c, json_string_value(json_object_get(network, "name")),
					done);
	}
	json_decref(networks);
	return code;
}

/* What was synced before one that is refused is shown all the same. */
int plan_sync(struct call *c)
{
	json_t *done = json_array(), *answer = json_pack("{s:O}", "value", done);
	int code = c->arguments[1] ? sync_one(c, c->arguments[1], done) : sync_all(c, done);

	if (code == 0 || json_array_size(done) > 0)
		view_print(c, answer);
	json_decref(answer);
	json_decref(done);
	return code;
}

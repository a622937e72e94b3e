/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "certs/name.h"
#include "sstp/base/log.h"
#include "sstp/control/kinds.h"
#include "sstp/control/reply.h"

enum {
	SEGMENT_MAX = 64, /* bytes of a part of a path */
	SHOWN_MAX = 100,
};

/* One request on its way. */
struct call {
	struct model *model;
	int64_t now;
	const struct front_request *request;
	struct model_names names;
	char texts[MODEL_NAMES_MAX][SEGMENT_MAX + 1]; /* what names borrow */
	struct model_answer answer;
};

struct route {
	enum front_method method;
	const char *path; /* ":name" stands for a name */
	void (*run)(struct call *c, const struct route *route);
	const struct resource_kind *kind;
	const char *text; /* of a list: the statement; of a refusal: the sentence */
};

/* ---- what is done ---- */

static void refuse(struct call *c, int status, const char *message)
{
	c->answer.status = status;
	snprintf(c->answer.why, sizeof(c->answer.why), "%s", message);
}

static void get(struct call *c, const struct route *route)
{
	model_get(c->model, route->kind, &c->names, &c->answer);
}

static void list(struct call *c, const struct route *route)
{
	model_list(c->model, route->text, false, &c->names, &c->answer);
}

/* A bare array below what is there, or not. */
static void array(struct call *c, const struct route *route)
{
	char etag[MODEL_ETAG_MAX];

	get(c, route);
	if (c->answer.status != 200)
		return;
	free(c->answer.json);
	memcpy(etag, c->answer.etag, sizeof(etag));
	model_list(c->model, route->text, true, &c->names, &c->answer);
	memcpy(c->answer.etag, etag, sizeof(etag));
}

static void change(struct call *c, const struct route *route, enum model_verb verb,
		   const json_t *body)
{
	const struct model_change ch = {
		.verb = verb,
		.kind = route->kind,
		.names = c->names,
		.body = body,
		.if_match = c->request->if_match,
		.if_none_match = c->request->if_none_match,
		.now = c->now,
	};

	model_change(c->model, &ch, &c->answer);
}

static void write_body(struct call *c, const struct route *route, enum model_verb verb)
{
	json_error_t error;
	json_t *body =
		json_loadb(c->request->body, c->request->body_len, JSON_REJECT_DUPLICATES, &error);
	char text[256];

	if (json_is_object(body)) {
		change(c, route, verb, body);
	} else if (body) {
		refuse(c, 400, "the body must be a JSON object");
	} else {
		snprintf(text, sizeof(text), "the body is no JSON: line %d: %.150s", error.line,
			 error.text);
		refuse(c, 400, text);
	}
	json_decref(body);
}

static void put(struct call *c, const struct route *route)
{
	write_body(c, route, MODEL_PUT);
}

static void patch(struct call *c, const struct route *route)
{
	write_body(c, route, MODEL_PATCH);
}

static void post(struct call *c, const struct route *route)
{
	change(c, route, MODEL_POST, NULL);
}

static void drop(struct call *c, const struct route *route)
{
	change(c, route, MODEL_DELETE, NULL);
}

static void wrong_level(struct call *c, const struct route *route)
{
	refuse(c, 405, route->text);
}

/* ---- which one it is ---- */

#define SUBSCRIPTION "/subscriptions/:subscription"
#define GROUP	     SUBSCRIPTION "/resourceGroups/:group/providers"
#define PLANS	     GROUP "/Microsoft.Web/serverfarms"
#define PLAN	     PLANS "/:plan"
#define PLAN_VNETS   PLAN "/virtualNetworkConnections"
#define PLAN_VNET    PLAN_VNETS "/:vnet"
#define APPS	     GROUP "/Microsoft.Web/sites"
#define APP	     APPS "/:app"
#define APP_VNETS    APP "/virtualNetworkConnections"
#define APP_VNET     APP_VNETS "/:vnet"
#define VNETS	     GROUP "/Microsoft.Network/virtualNetworks"
#define VNET	     VNETS "/:vnet"
#define GATEWAYS     VNET "/virtualNetworkGateways"
#define PEERINGS     VNET "/virtualNetworkPeerings"

static const char is_apps[] = "An app is connected and disconnected at its own level: "
			      ".../sites/{app}/virtualNetworkConnections/{vnet}.";
static const char is_plans_sync[] = "A network is synced at the level of the App Service plan: "
				    ".../serverfarms/{plan}/virtualNetworkConnections/{vnet}/sync.";
static const char is_plans_route[] =
	"Routes belong to the App Service plan: "
	".../serverfarms/{plan}/virtualNetworkConnections/{vnet}/routes/{route}.";

static const struct route routes[] = {
	/* clang-format off */
	{FRONT_GET,    "/subscriptions",                list,  NULL, kind_subscription_list},
	{FRONT_GET,    SUBSCRIPTION "/providers/Microsoft.Web/serverfarms",
	                                                list,  NULL, kind_plan_list_all},
	{FRONT_GET,    SUBSCRIPTION "/providers/Microsoft.Web/sites",
	                                                list,  NULL, kind_app_list_all},
	{FRONT_GET,    SUBSCRIPTION "/providers/Microsoft.Web/virtualNetworkConnections",
	                                                list,  NULL, kind_connection_list_all},
	{FRONT_GET,    SUBSCRIPTION "/providers/Microsoft.Network/virtualNetworks",
	                                                list,  NULL, kind_vnet_list_all},

	{FRONT_GET,    PLANS,                           list,  NULL, kind_plan_list},
	{FRONT_GET,    PLAN,                            get,   &kind_plan, NULL},
	{FRONT_PUT,    PLAN,                            put,   &kind_plan, NULL},
	{FRONT_PATCH,  PLAN,                            patch, &kind_plan, NULL},
	{FRONT_DELETE, PLAN,                            drop,  &kind_plan, NULL},
	{FRONT_GET,    PLAN_VNETS,                      array, &kind_plan, kind_plan_network_list},
	{FRONT_GET,    PLAN_VNET,                       get,   &kind_plan_network, NULL},
	{FRONT_PUT,    PLAN_VNET,                       wrong_level, NULL, is_apps},
	{FRONT_PATCH,  PLAN_VNET,                       wrong_level, NULL, is_apps},
	{FRONT_DELETE, PLAN_VNET,                       wrong_level, NULL, is_apps},
	{FRONT_POST,   PLAN_VNET "/sync",               post,  &kind_plan_network, NULL},
	{FRONT_GET,    PLAN_VNET "/gateways/:gateway",  get,   &kind_plan_package, NULL},
	{FRONT_PUT,    PLAN_VNET "/gateways/:gateway",  put,   &kind_plan_package, NULL},
	{FRONT_GET,    PLAN_VNET "/routes",             array, &kind_plan_network, kind_route_list},
	{FRONT_GET,    PLAN_VNET "/routes/:route",      array, &kind_route, kind_route_get},
	{FRONT_PUT,    PLAN_VNET "/routes/:route",      put,   &kind_route, NULL},
	{FRONT_PATCH,  PLAN_VNET "/routes/:route",      patch, &kind_route, NULL},
	{FRONT_DELETE, PLAN_VNET "/routes/:route",      drop,  &kind_route, NULL},

	{FRONT_GET,    APPS,                            list,  NULL, kind_app_list},
	{FRONT_GET,    APP,                             get,   &kind_app, NULL},
	{FRONT_PUT,    APP,                             put,   &kind_app, NULL},
	{FRONT_PATCH,  APP,                             patch, &kind_app, NULL},
	{FRONT_DELETE, APP,                             drop,  &kind_app, NULL},
	{FRONT_GET,    APP_VNETS,                       array, &kind_app, kind_connection_list},
	{FRONT_GET,    APP_VNET,                        get,   &kind_connection, NULL},
	{FRONT_PUT,    APP_VNET,                        put,   &kind_connection, NULL},
	{FRONT_PATCH,  APP_VNET,                        patch, &kind_connection, NULL},
	{FRONT_DELETE, APP_VNET,                        drop,  &kind_connection, NULL},
	{FRONT_GET,    APP_VNET "/gateways/:gateway",   get,   &kind_package, NULL},
	{FRONT_PUT,    APP_VNET "/gateways/:gateway",   put,   &kind_package, NULL},
	{FRONT_PATCH,  APP_VNET "/gateways/:gateway",   patch, &kind_package, NULL},
	{FRONT_POST,   APP_VNET "/sync",                wrong_level, NULL, is_plans_sync},
	{FRONT_PUT,    APP_VNET "/routes/:route",       wrong_level, NULL, is_plans_route},
	{FRONT_PATCH,  APP_VNET "/routes/:route",       wrong_level, NULL, is_plans_route},
	{FRONT_DELETE, APP_VNET "/routes/:route",       wrong_level, NULL, is_plans_route},

	{FRONT_GET,    VNETS,                           list,  NULL, kind_vnet_list},
	{FRONT_GET,    VNET,                            get,   &kind_vnet, NULL},
	{FRONT_PUT,    VNET,                            put,   &kind_vnet, NULL},
	{FRONT_PATCH,  VNET,                            patch, &kind_vnet, NULL},
	{FRONT_DELETE, VNET,                            drop,  &kind_vnet, NULL},
	{FRONT_GET,    GATEWAYS,                        list,  NULL, kind_gateway_list},
	{FRONT_GET,    GATEWAYS "/:gateway",            get,   &kind_gateway, NULL},
	{FRONT_PUT,    GATEWAYS "/:gateway",            put,   &kind_gateway, NULL},
	{FRONT_PATCH,  GATEWAYS "/:gateway",            patch, &kind_gateway, NULL},
	{FRONT_DELETE, GATEWAYS "/:gateway",            drop,  &kind_gateway, NULL},
	{FRONT_GET,    PEERINGS,                        list,  NULL, kind_peering_list},
	{FRONT_GET,    PEERINGS "/:peering",            get,   &kind_peering, NULL},
	{FRONT_PUT,    PEERINGS "/:peering",            put,   &kind_peering, NULL},
	{FRONT_PATCH,  PEERINGS "/:peering",            patch, &kind_peering, NULL},
	{FRONT_DELETE, PEERINGS "/:peering",            drop,  &kind_peering, NULL},
	/* clang-format on */
};

const char *api_route(size_t i, enum front_method *ret_method)
{
	if (i >= sizeof(routes) / sizeof(routes[0]))
		return NULL;
	*ret_method = routes[i].method;
	return routes[i].path;
}

/* The pattern's name with its end, as values need it. */
static const char *known_name(const char *pattern, size_t len)
{
	static const char *const known[] = {":subscription", ":group",	 ":plan",  ":app",
					    ":vnet",	     ":gateway", ":route", ":peering"};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i]) == len && strncmp(known[i], pattern, len) == 0)
			return known[i];
	return NULL;
}

/* A part of the pattern against one of the path, both without their slash. */
static bool take_segment(struct call *c, const char *pattern, size_t pattern_len, const char *path,
			 size_t len)
{
	char *text = c->texts[c->names.n];

	if (*pattern != ':')
		return len == pattern_len && strncasecmp(pattern, path, len) == 0;
	if (len == 0 || len > SEGMENT_MAX)
		return false;
	memcpy(text, path, len);
	text[len] = '\0';
	c->names.values[c->names.n++] =
		(struct store_value){.name = known_name(pattern, pattern_len), .text = text};
	return true;
}

static bool matches(struct call *c, const char *pattern, const char *path)
{
	c->names.n = 0;
	while (*pattern == '/' && *path == '/') {
		size_t pattern_len = strcspn(++pattern, "/");
		size_t len = strcspn(++path, "/");

		if (!take_segment(c, pattern, pattern_len, path, len))
			return false;
		pattern += pattern_len;
		path += len;
	}
	return !*pattern && !*path;
}

static bool check_names(struct call *c)
{
	char shown[SHOWN_MAX];
	char text[256];

	for (size_t i = 0; i < c->names.n; i++) {
		const char *name = c->names.values[i].text;

		if (name_is_label(name))
			continue;
		snprintf(text, sizeof(text),
			 "'%s' is no name: 1 to 64 letters, digits, '-', '_', '.', the first of "
			 "them a "
			 "letter or a digit",
			 log_escape(shown, sizeof(shown), name, strlen(name)));
		refuse(c, 400, text);
		return false;
	}
	return true;
}

static void dispatch(struct call *c)
{
	bool is_known = false;

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (!matches(c, routes[i].path, c->request->path))
			continue;
		is_known = true;
		if (routes[i].method != c->request->method)
			continue;
		if (check_names(c))
			routes[i].run(c, &routes[i]);
		return;
	}
	if (is_known)
		refuse(c, 405, "this path has no such method");
	else
		refuse(c, 404, "there is no such path");
}

/* ---- answers ---- */

bool api_has_path(const char *path)
{
	static const char head[] = "/subscriptions";
	size_t len = strlen(head);

	return strncasecmp(path, head, len) == 0 && (!path[len] || path[len] == '/');
}

void api_answer(struct model *model, const struct front_request *request, int64_t now,
		struct front_reply *ret_reply)
{
	struct call c = {.model = model, .now = now, .request = request};

	dispatch(&c);
	if (!c.answer.json) {
		reply_refuse(ret_reply, c.answer.status, c.answer.why, NULL);
		return;
	}
	*ret_reply = (struct front_reply){.status = c.answer.status, .json = c.answer.json};
	snprintf(ret_reply->etag, sizeof(ret_reply->etag), "%s", c.answer.etag);
}

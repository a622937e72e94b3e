/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/api_routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/control/effective_view.h"
#include "sstp/control/kind_sql.h"
#include "sstp/control/model_internal.h"
#include "sstp/control/path.h"
#include "sstp/control/query.h"
#include "sstp/control/reply.h"

/* One request on its way. */
struct call {
	const struct api_routes_world *w;
	const struct front_request *request;
	struct path_names names;
	struct query query;
	struct front_reply *reply;
};

static void refuse(struct call *c, int status, const char *message)
{
	reply_refuse(c->reply, status, message, NULL);
}

/* ---- what is asked for ---- */

/* 0: it is no number in that range. */
static size_t read_limit(const char *text)
{
	char *end;
	long number = text ? strtol(text, &end, 10) : EFFECTIVE_LIMIT;

	if (text && (!*text || *end))
		return 0;
	return number < 1 || number > API_ROUTES_LIMIT_MAX ? 0 : (size_t)number;
}

/* False: refused. */
static bool read_query(struct call *c, enum ruleset_source *ret_source, size_t *ret_limit)
{
	const char *source = query_get(&c->query, "source");

	*ret_source = source ? effective_source_of(source) : RULESET_SOURCES;
	*ret_limit = read_limit(query_get(&c->query, "limit"));
	if (source && *ret_source == RULESET_SOURCES)
		refuse(c, 400,
		       "'source' must be INHERITED, STATIC, CUSTOM, ON_PREMISES, BGP, PEERED, "
		       "TWO_HOPS or DEFAULT");
	else if (!*ret_limit)
		refuse(c, 400, "'limit' must be a number from 1 to 1048576");
	else
		return true;
	return false;
}

/* query NULL: the VNet's own. */
static void show(struct call *c, int64_t vnet, const struct effective_query *query)
{
	struct effective_shown shown;
	struct certs_error e;
	enum ruleset_source source;
	size_t limit;
	int r;

	if (!read_query(c, &source, &limit))
		return;
	r = effective_show(c->w->effective, vnet, query, &shown, &e);
	if (r <= 0) {
		refuse(c, r < 0 ? 500 : 404, r < 0 ? e.text : "There is no such virtual network.");
		return;
	}
	*c->reply =
		(struct front_reply){.status = 200, .json = effective_json(&shown, source, limit)};
	effective_shown_done(&shown);
	if (!c->reply->json)
		refuse(c, 500, "out of memory");
}

/* The row that the names of the path stand for, for store_query_end(). NULL: refused. */
static struct store_query *find(struct call *c, const char *sql, const char *const *names,
				const char *missing)
{
	struct store_value values[PATH_NAMES_MAX];
	struct store_query *q;
	struct certs_error e;
	int r;

	for (size_t i = 0; i < c->names.n; i++)
		values[i] = (struct store_value){.name = names[i], .text = c->names.texts[i]};
	r = store_query(c->w->model->store, sql, values, c->names.n, &q, &e);
	if (r < 0) {
		refuse(c, 500, e.text);
		return NULL;
	}
	r = store_query_next(q, &e);
	if (r > 0)
		return q;
	refuse(c, r < 0 ? 500 : 404, r < 0 ? e.text : missing);
	store_query_end(q);
	return NULL;
}

static void show_vnet(struct call *c)
{
	static const char *const names[] = {":subscription", ":group", ":vnet"};
	struct store_query *q = find(c, "SELECT id FROM vnet WHERE " SQL_VNET, names,
				     "There is no such virtual network.");

	if (!q)
		return;
	show(c, store_query_number(q, 0), NULL);
	store_query_end(q);
}

static void show_connection(struct call *c)
{
	static const char *const names[] = {":subscription", ":group", ":app", ":vnet"};
	struct store_query *q = find(c,
				     "SELECT plan_id, vnet_id, has_default_routes, synced"
				     " FROM connection_now WHERE " SQL_CONNECTION,
				     names, "Virtual network does not exist.");
	struct effective_query query;

	if (!q)
		return;
	query = (struct effective_query){.plan = store_query_number(q, 0),
					 .vnet = store_query_number(q, 1),
					 .has_defaults = store_query_number(q, 2) != 0,
					 .synced = store_query_text(q, 3)};
	show(c, query.vnet, &query);
	store_query_end(q);
}

/* ---- which one it is ---- */

#define PROVIDERS "/subscriptions/:subscription/resourceGroups/:group/providers"

static const char *const keys[] = {"source", "limit", NULL};

static const struct route {
	const char *path;
	void (*run)(struct call *c);
} routes[] = {
	{PROVIDERS "/Microsoft.Web/sites/:app/virtualNetworkConnections/:vnet/effectiveRoutes",
	 show_connection},
	{PROVIDERS "/Microsoft.Network/virtualNetworks/:vnet/effectiveRoutes", show_vnet},
};

const char *api_routes_route(size_t i, enum front_method *ret_method)
{
	if (i >= sizeof(routes) / sizeof(routes[0]))
		return NULL;
	*ret_method = FRONT_GET;
	return routes[i].path;
}

static const struct route *find_route(const char *path, struct path_names *ret_names)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (path_match(routes[i].path, path, ret_names))
			return &routes[i];
	return NULL;
}

bool api_routes_has_path(const char *path)
{
	struct path_names names;

	return find_route(path, &names) != NULL;
}

void api_routes_answer(const struct api_routes_world *w, const struct front_request *request,
		       struct front_reply *ret_reply)
{
	struct call c = {.w = w, .request = request, .reply = ret_reply};
	const struct route *route = find_route(request->path, &c.names);
	char why[QUERY_WHY_MAX];

	if (!route)
		refuse(&c, 404, "there is no such path");
	else if (request->method != FRONT_GET)
		refuse(&c, 405, "this path has no such method");
	else if (query_parse(request->query, keys, &c.query, why) < 0)
		refuse(&c, 400, why);
	else
		route->run(&c);
}

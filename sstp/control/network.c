/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/name.h"
#include "routing/aggregate.h"
#include "sstp/base/log.h"
#include "sstp/control/model_internal.h"

enum {
	ADDED_MAX = NAME_LABEL_MAX + NETWORK_DIGEST_MAX + 32 /* to a group's text */
};

struct routes {
	struct prefix *list; /* owned */
	size_t n;
};

/* What the connections of a plan to a VNet, synced alike, have in common. */
struct group {
	int64_t revision; /* of the model, when it was read; -1: nothing is known */
	uint64_t
		generation; /* of what the VNet adds: peered and learned ranges; 0: it is not there */
	int64_t plan;
	int64_t vnet;
	bool has_defaults;
	char *synced; /* owned, as all that follow; what it was made of */
	struct routes routes;
	bool has_too_many; /* then there are none */
	uint32_t dns_be[MSG_DNS_MAX];
	char *text; /* the description without the app and the digest */
};

struct networks {
	struct model *model;
	struct effective *effective; /* owned */
	struct group group;
	char app[NAME_LABEL_MAX];
	char vnet[NAME_LABEL_MAX];
	char refusal[MSG_REASON_MAX + 1];
	char digest[NETWORK_DIGEST_MAX];
	char *description; /* owned */
};

struct networks *networks_new(struct model *model)
{
	struct networks *n = calloc(1, sizeof(*n));
	struct certs_error e;

	if (!n)
		return NULL;
	n->model = model;
	n->group.revision = -1;
	if (effective_new(model, &n->effective, &e) == 0)
		return n;
	log_error("effective routes: %s", e.text);
	free(n);
	return NULL;
}

struct effective *networks_effective(struct networks *n)
{
	return n->effective;
}

static void group_done(struct group *g)
{
	free(g->synced);
	free(g->routes.list);
	free(g->text);
	*g = (struct group){.revision = -1};
}

void networks_free(struct networks *n)
{
	if (!n)
		return;
	group_done(&n->group);
	effective_free(n->effective);
	free(n->description);
	free(n);
}

static int no_memory(struct certs_error *e)
{
	return certs_fail(e, -ENOMEM, "out of memory");
}

/* ---- what a group has in common ---- */

/* The first ones of IPv4: IPCP has no other. */
static void read_dns(struct group *g, const json_t *synced)
{
	const json_t *list = json_object_get(synced, "dnsServers");
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(list) && n < MSG_DNS_MAX; i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (text && inet_pton(AF_INET, text, &g->dns_be[n]) == 1)
			n++;
	}
}

static json_t *prefixes_json(const struct prefix *list, size_t n)
{
	json_t *json = json_array();
	char text[PREFIX_TEXT_MAX];

	for (size_t i = 0; i < n; i++)
		json_array_append_new(json, json_string(prefix_format(&list[i], text)));
	return json;
}

/* "[]" where there is none. */
static json_t *list_of(const json_t *synced, const char *key)
{
	json_t *list = json_object_get(synced, key);

	return list ? json_incref(list) : json_array();
}

/* As they are now: a firewall has to let them in, whenever the connection was synced. */
static json_t *pools_json(const struct effective_vnet *gate)
{
	return gate ? prefixes_json(gate->vnet->pools.list, gate->vnet->pools.n) : json_array();
}

/* Owned; NULL without memory. */
static char *text_of(const struct networks *n, const json_t *synced, const char *gateway,
		     const struct effective_vnet *gate, const struct prefix *list, size_t n_list)
{
	json_t *json =
		json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:s}", "vnetName", n->vnet,
			  "addressSpaces", list_of(synced, "addressSpaces"), "routes",
			  prefixes_json(list, n_list), "dnsServers", list_of(synced, "dnsServers"),
			  "searchDomains", list_of(synced, "searchDomains"),
			  "pointToSiteAddressSpaces", pools_json(gate), "gateway", gateway);
	char *text = json_dumps(json, JSON_COMPACT);

	json_decref(json);
	return text;
}

static bool is_too_long(const char *text)
{
	return strlen(text) > MSG_DESCRIPTION_MAX - ADDED_MAX;
}

/*
 * What a description says, which is no longer than one may be: without what is learned, if that makes it so;
 * else without any route.
 */
static int describe_group(struct networks *n, const json_t *synced, const char *gateway,
			  const struct effective_connection *c, struct prefix *list)
{
	static const unsigned sources[] = {RULESET_ALL, RULESET_ALL & ~(1u << RULESET_BGP), 0};
	struct group *g = &n->group;

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		size_t n_list = g->has_too_many ? 0 : ruleset_routed(c->set, sources[i], list);

		free(g->text);
		g->text = text_of(n, synced, gateway, c->gate, list, n_list);
		if (!g->text)
			return -ENOMEM;
		if (!is_too_long(g->text))
			break;
		g->has_too_many = sources[i] != RULESET_ALL;
	}
	return 0;
}

/* The data plane lets everybody reach what is learned: that is not in the connection's own list. */
static int take_routes(struct networks *n, const json_t *synced, const char *gateway,
		       const struct effective_connection *c)
{
	static const unsigned own = RULESET_ALL & ~(1u << RULESET_BGP);
	struct group *g = &n->group;
	size_t n_entries;
	struct prefix *list;

	ruleset_entries(c->set, &n_entries);
	list = g->routes.list = calloc(n_entries ? n_entries : 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	g->has_too_many = c->has_too_many || ruleset_routed(c->set, own, list) > MSG_ROUTES_MAX;
	if (describe_group(n, synced, gateway, c, list) < 0)
		return -ENOMEM;
	g->routes.n = ruleset_routed(c->set, g->has_too_many ? 0 : own, list);
	g->routes.n = aggregate_minimal(list, g->routes.n);
	return 0;
}

/* Too many are none: half of them would lead traffic to where nobody wants it. */
static int fill_group(struct networks *n, const char *gateway, struct certs_error *e)
{
	struct group *g = &n->group;
	const struct effective_query query = {.plan = g->plan,
					      .vnet = g->vnet,
					      .has_defaults = g->has_defaults,
					      .synced = g->synced};
	json_t *synced = json_loads(g->synced, 0, NULL);
	struct effective_connection c = {.gate = NULL};
	int r = synced ? effective_connection(n->effective, &query, &c, e) : no_memory(e);

	if (r >= 0) {
		read_dns(g, synced);
		g->generation = c.gate ? c.gate->generation : 0;
		r = take_routes(n, synced, gateway, &c) == 0 ? 0 : no_memory(e);
	}
	effective_connection_done(&c);
	json_decref(synced);
	return r;
}

static int revision_of(struct networks *n, int64_t *ret_revision, struct certs_error *e)
{
	struct store_query *q;
	int r = store_query(n->model->store, "SELECT revision FROM state", NULL, 0, &q, e);

	if (r < 0)
		return r;
	r = store_query_next(q, e);
	if (r > 0)
		*ret_revision = store_query_number(q, 0);
	store_query_end(q);
	return r < 0 ? r : 0;
}

/* Column by column of row_sql. */
static bool is_group_of(const struct group *g, struct store_query *row, int64_t revision,
			uint64_t generation)
{
	return g->revision == revision && g->generation == generation &&
	       g->plan == store_query_number(row, 2) && g->vnet == store_query_number(row, 3) &&
	       g->has_defaults == (store_query_number(row, 4) != 0) &&
	       strcmp(g->synced, store_query_text(row, 5)) == 0;
}

static int take_group(struct networks *n, struct store_query *row, int64_t revision,
		      struct certs_error *e)
{
	struct group *g = &n->group;
	const struct effective_vnet *gate;
	int r = effective_vnet(n->effective, store_query_number(row, 3), &gate, e);

	if (r < 0 || is_group_of(g, row, revision, r > 0 ? gate->generation : 0))
		return r < 0 ? r : 0;
	group_done(g);
	g->plan = store_query_number(row, 2);
	g->vnet = store_query_number(row, 3);
	g->has_defaults = store_query_number(row, 4) != 0;
	g->synced = strdup(store_query_text(row, 5));
	r = g->synced ? fill_group(n, store_query_text(row, 6), e) : no_memory(e);
	if (r == 0)
		g->revision = revision;
	return r;
}

/* ---- one connection ---- */

static bool digest_of(const char *text, size_t len, char ret_digest[NETWORK_DIGEST_MAX])
{
	unsigned char hash[32];

	if (EVP_Digest(text, len, hash, NULL, EVP_sha256(), NULL) != 1)
		return false;
	for (size_t i = 0; i < sizeof(hash); i++)
		snprintf(ret_digest + 2 * i, 3, "%02x", hash[i]);
	return true;
}

/* A name needs no escaping: see name_is_label(). */
static int describe(struct networks *n, struct certs_error *e)
{
	size_t len = strlen(n->group.text) - 1; /* without the brace */
	char *text = malloc(len + ADDED_MAX);
	size_t end;

	if (!text)
		return no_memory(e);
	memcpy(text, n->group.text, len);
	end = len + (size_t)snprintf(text + len, ADDED_MAX, ",\"appName\":\"%s\"", n->app);
	if (!digest_of(text, end, n->digest)) {
		free(text);
		return no_memory(e);
	}
	snprintf(text + end, len + ADDED_MAX - end, ",\"digest\":\"%s\"}", n->digest);
	free(n->description);
	n->description = text;
	return 0;
}

static void fill(const struct networks *n, struct network *ret_network)
{
	const struct group *g = &n->group;

	*ret_network = (struct network){
		.app = n->app,
		.vnet = n->vnet,
		.refusal = n->refusal,
		.routes = g->routes.list,
		.n_routes = g->routes.n,
		.description = n->description,
		.digest = n->digest,
	};
	memcpy(ret_network->dns_be, g->dns_be, sizeof(g->dns_be));
	if (g->has_too_many && !*n->refusal)
		ret_network->refusal = "The routes of this connection are more than 4096 prefixes: "
				       "a tunnel takes no more. Combine or remove some.";
}

static const char row_sql[] = "SELECT app, vnet, plan_id, vnet_id, has_default_routes,"
			      " json_remove(synced, '$.certThumbprint'), tunnel_address, refusal"
			      " FROM connection_now WHERE app_id = :app";

static int read_row(struct networks *n, struct store_query *row, struct network *ret_network,
		    struct certs_error *e)
{
	int64_t revision = 0;
	int r = revision_of(n, &revision, e);

	if (r < 0)
		return r;
	snprintf(n->app, sizeof(n->app), "%s", store_query_text(row, 0));
	snprintf(n->vnet, sizeof(n->vnet), "%s", store_query_text(row, 1));
	snprintf(n->refusal, sizeof(n->refusal), "%s", store_query_text(row, 7));
	r = take_group(n, row, revision, e);
	if (r == 0)
		r = describe(n, e);
	if (r == 0)
		fill(n, ret_network);
	return r;
}

int networks_read(struct networks *n, int64_t app_id, struct network *ret_network,
		  struct certs_error *ret_error)
{
	const struct store_value value = {.name = ":app", .number = app_id, .is_number = true};
	struct store_query *row;
	int r = store_query(n->model->store, row_sql, &value, 1, &row, ret_error);

	if (r < 0)
		return r;
	r = store_query_next(row, ret_error);
	if (r > 0) {
		int error = read_row(n, row, ret_network, ret_error);

		r = error < 0 ? error : r;
	}
	store_query_end(row);
	return r;
}

/* ---- by name ---- */

/* The first number of the first row. 1, 0: no row, -errno. */
static int find_number(struct networks *n, const char *sql, const struct store_value *values,
		       size_t n_values, int64_t *ret_number, struct certs_error *e)
{
	struct store_query *q;
	int r = store_query(n->model->store, sql, values, n_values, &q, e);

	if (r < 0)
		return r;
	r = store_query_next(q, e);
	if (r > 0)
		*ret_number = store_query_number(q, 0);
	store_query_end(q);
	return r;
}

int networks_find(struct networks *n, const char *app, const char *vnet,
		  struct network *ret_network, struct certs_error *ret_error)
{
	const struct store_value values[] = {{.name = ":app", .text = app},
					     {.name = ":vnet", .text = vnet}};
	int64_t id = 0;
	int r = find_number(n,
			    "SELECT c.app_id FROM connection c JOIN app a ON a.id = c.app_id"
			    " JOIN vnet v ON v.id = c.vnet_id"
			    " WHERE a.name = :app AND v.name = :vnet",
			    values, 2, &id, ret_error);

	return r > 0 ? networks_read(n, id, ret_network, ret_error) : r;
}

int networks_has_vnet(struct networks *n, const char *vnet, struct certs_error *ret_error)
{
	const struct store_value value = {.name = ":vnet", .text = vnet};
	int64_t id = 0;

	return find_number(n, "SELECT id FROM vnet WHERE name = :vnet AND source <> 'gone'", &value,
			   1, &id, ret_error);
}

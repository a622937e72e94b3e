/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/api_bgp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sstp/control/bgp_config.h"
#include "sstp/control/bird.h"
#include "sstp/control/kind_sql.h"
#include "sstp/control/model_internal.h"
#include "sstp/control/path.h"
#include "sstp/control/query.h"
#include "sstp/control/reply.h"

enum {
	OWN_MAX = LEARNED_OWN_MAX,
	PEERS_MAX = 256,
	DURATION_MAX = 32,
	DAY_S = 86400,
};

/* One request on its way. */
struct call {
	const struct api_bgp_world *w;
	struct query query;
	struct front_reply *reply;
	/* the gateway */
	char vnet[PATH_NAME_MAX + 1];
	char netns[PARENT_PATH_MAX + 1];
	uint32_t asn;
	uint32_t table;
	uint32_t announce_table;
	struct prefix own[OWN_MAX];
	size_t n_own;
	char socket[BIRD_SOCKET_MAX];
	/* BIRD's */
	struct bird_peer peers[PEERS_MAX];
	size_t n_peers;
	char why[BIRD_WHY_MAX]; /* it said nothing; "" */
};

static void refuse(struct call *c, int status, const char *message)
{
	reply_refuse(c->reply, status, message, NULL);
}

/* Takes json. */
static void give(struct call *c, json_t *json)
{
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	if (text)
		*c->reply = (struct front_reply){.status = 200, .json = text};
	else
		refuse(c, 500, "out of memory");
}

/* ---- the gateway ---- */

static void add_own(struct call *c, const char *json)
{
	json_t *list = json_loads(json, 0, NULL);

	for (size_t i = 0; i < json_array_size(list) && c->n_own < OWN_MAX; i++) {
		const char *text = json_string_value(json_array_get(list, i));

		c->n_own += text && prefix_parse(text, &c->own[c->n_own]) == 0;
	}
	json_decref(list);
}

static void take_gateway(struct call *c, struct store_query *q)
{
	snprintf(c->vnet, sizeof(c->vnet), "%s", store_query_text(q, 0));
	snprintf(c->netns, sizeof(c->netns), "%s", store_query_text(q, 1));
	c->asn = (uint32_t)store_query_number(q, 2);
	c->table = (uint32_t)store_query_number(q, 3);
	c->announce_table = (uint32_t)store_query_number(q, 4);
	add_own(c, store_query_text(q, 5));
	add_own(c, store_query_text(q, 6));
}

static const char gateway_sql[] =
	"SELECT v.name, v.attach_netns, g.asn, g.bgp_table,"
	" iif(g.announce_table, g.announce_table, 8400 + v.id), v.spaces, g.pools, g.enable_bgp"
	" FROM gateway g JOIN vnet v ON v.id = g.vnet_id WHERE v.id = " SQL_VNET_ID
	" AND g.name = :gateway";

/* False: refused. */
static bool find_gateway(struct call *c, const struct path_names *names, bool must_be_on)
{
	static const char *const keys[] = {":subscription", ":group", ":vnet", ":gateway"};
	struct store_value values[PATH_NAMES_MAX];
	struct store_query *q;
	struct certs_error e;
	bool is_on = false;
	int r;

	for (size_t i = 0; i < names->n; i++)
		values[i] = (struct store_value){.name = keys[i], .text = names->texts[i]};
	r = store_query(c->w->model->store, gateway_sql, values, names->n, &q, &e);
	if (r == 0) {
		r = store_query_next(q, &e);
		if (r > 0) {
			take_gateway(c, q);
			is_on = store_query_number(q, 7) != 0;
		}
		store_query_end(q);
	}
	if (r < 0)
		refuse(c, 500, e.text);
	else if (r == 0)
		refuse(c, 404, "There is no such virtual network gateway.");
	else if (must_be_on && !is_on)
		refuse(c, 409,
		       "BGP is not enabled on this virtual network gateway: set enableBgp (sstpctl "
		       "gateway set VNET --bgp on; a virtual network of gateway.yaml cannot have "
		       "it).");
	else if (bird_socket_path(c->w->socket, c->vnet, c->socket) < 0)
		refuse(c, 500, "the path of BIRD's control socket is too long");
	else
		return true;
	return false;
}

/* ---- BIRD ---- */

static void take_peer(void *arg, const struct bird_peer *peer)
{
	struct call *c = arg;

	if (c->n_peers < PEERS_MAX)
		c->peers[c->n_peers++] = *peer;
}

/* 0 or -errno, with c->why. */
static int ask_peers(struct call *c)
{
	char *text;
	size_t len;
	int r = bird_ask(c->socket, "show protocols all", BIRD_PATIENCE, &text, &len, c->why);

	if (r < 0)
		return r;
	*c->why = '\0';
	bird_reply_peers(text, len, take_peer, c);
	free(text);
	return 0;
}

static const struct bird_peer *peer_named(const struct call *c, const char *name)
{
	for (size_t i = 0; i < c->n_peers; i++)
		if (strcmp(c->peers[i].name, name) == 0)
			return &c->peers[i];
	return NULL;
}

static json_t *text_or_null(const char *text)
{
	return *text ? json_string(text) : json_null();
}

/* ---- neighbours ---- */

static const char *state_of(const struct bird_peer *p)
{
	static const char *const states[][2] = {
		{"Established", "Connected"}, {"Idle", "Idle"},
		{"Connect", "Connecting"},    {"Active", "Connecting"},
		{"OpenSent", "Connecting"},   {"OpenConfirm", "Connecting"},
		{"Down", "Stopped"},	      {"Close", "Stopped"},
	};

	if (strcmp(p->state, "down") == 0)
		return "Stopped";
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(p->bgp_state, states[i][0]) == 0)
			return states[i][1];
	return "Unknown";
}

/* BIRD says the time of today, or a date: then how long is not known to the second, and not said. */
static json_t *duration_of(const struct bird_peer *p)
{
	time_t now = time(NULL);
	struct tm today;
	unsigned hour, minute, second;
	char text[DURATION_MAX];
	int seconds;

	if (strcmp(p->bgp_state, "Established") != 0 ||
	    sscanf(p->since, "%2u:%2u:%2u", &hour, &minute, &second) != 3)
		return json_null();
	localtime_r(&now, &today);
	seconds = (today.tm_hour - (int)hour) * 3600 + (today.tm_min - (int)minute) * 60 +
		  today.tm_sec - (int)second;
	if (seconds < 0)
		seconds += DAY_S;
	snprintf(text, sizeof(text), "%02d:%02d:%02d", seconds / 3600, seconds / 60 % 60,
		 seconds % 60);
	return json_string(text);
}

static json_t *peer_json(const struct bird_peer *p)
{
	return json_pack("{s:s, s:o, s:s, s:I, s:s, s:o, s:I, s:n, s:n, s:I, s:o}", "name", p->name,
			 "localAddress", text_or_null(p->local), "neighbor", p->neighbor, "asn",
			 (json_int_t)p->neighbor_as, "state", state_of(p), "connectedDuration",
			 duration_of(p), "routesReceived", (json_int_t)p->imported, "messagesSent",
			 "messagesReceived", "routesAdvertised", (json_int_t)p->exported,
			 "lastError", text_or_null(p->error));
}

static void show_peers(struct call *c)
{
	json_t *value = json_array();

	if (ask_peers(c) < 0) {
		json_decref(value);
		refuse(c, 502, c->why);
		return;
	}
	for (size_t i = 0; i < c->n_peers; i++)
		json_array_append_new(value, peer_json(&c->peers[i]));
	give(c, json_pack("{s:o}", "value", value));
}

/* ---- routes ---- */

/* False: refused. */
static bool read_limit(struct call *c, size_t *ret_limit)
{
	const char *text = query_get(&c->query, "limit");
	char *end = NULL;
	long number = text ? strtol(text, &end, 10) : API_BGP_LIMIT;

	if ((text && (!*text || *end)) || number < 1 || number > API_BGP_LIMIT_MAX) {
		refuse(c, 400, "'limit' must be a number from 1 to 1048576");
		return false;
	}
	*ret_limit = (size_t)number;
	return true;
}

/* As the original writes it: "65001-65002". */
static json_t *path_json(const char *path, uint32_t in_front)
{
	char text[BIRD_PATH_MAX + 16];
	size_t n =
		in_front ? (size_t)snprintf(text, sizeof(text), "%u%s", in_front, *path ? "-" : "")
			 : 0;

	snprintf(text + n, sizeof(text) - n, "%s", path);
	for (char *p = text; *p; p++)
		if (*p == ' ')
			*p = '-';
	return json_string(text);
}

static const char *origin_of(const struct bird_peer *p)
{
	if (!p)
		return "Network";
	return p->neighbor_as == p->local_as ? "IBgp" : "EBgp";
}

/* The best way that BIRD knows to each route that is shown, whatever else it tells. */
struct ways {
	struct learned_routes shown;
	struct bird_route **list; /* as shown; owned, each; NULL: it knows none */
};

static void take_way(void *arg, const struct bird_route *route)
{
	struct ways *w = arg;
	const struct learned_route *shown = learned_find(&w->shown, &route->dst);
	struct bird_route **way = shown ? &w->list[shown - w->shown.routes] : NULL;

	if (!way || (*way && ((*way)->is_best || !route->is_best)))
		return;
	if (!*way)
		*way = malloc(sizeof(**way));
	if (*way)
		**way = *route;
}

static void ways_done(struct ways *w)
{
	for (size_t i = 0; w->list && i < w->shown.n; i++)
		free(w->list[i]);
	free(w->list);
}

/* What BIRD knows of what is shown; nothing, with c->why, when it says nothing. */
static struct ways ask_ways(struct call *c, struct learned_routes shown)
{
	struct ways w = {.shown = shown};
	char *text;
	size_t len;

	if (ask_peers(c) < 0 ||
	    bird_ask(c->socket, "show route table all where source = RTS_BGP all",
		     BIRD_LONG_PATIENCE, &text, &len, c->why) < 0)
		return w;
	w.list = calloc(shown.n + 1, sizeof(struct bird_route *));
	if (w.list)
		bird_reply_routes(text, len, take_way, &w);
	free(text);
	return w;
}

static json_t *learned_json(const struct call *c, const struct learned_route *r,
			    const struct bird_route *way)
{
	const struct bird_peer *peer = way ? peer_named(c, way->peer) : NULL;
	char network[PREFIX_TEXT_MAX], via[INET6_ADDRSTRLEN] = "", protocol[LEARNED_PROTOCOL_MAX];

	if (r->via_family)
		inet_ntop(r->via_family, r->via, via, sizeof(via));
	return json_pack("{s:o, s:s, s:o, s:o, s:s, s:o, s:o, s:s}", "localAddress",
			 text_or_null(peer ? peer->local : ""), "network",
			 prefix_format(&r->dst, network), "nextHop", text_or_null(via),
			 "sourcePeer", text_or_null(peer ? peer->neighbor : ""), "origin",
			 peer ? origin_of(peer) : "Unknown", "asPath",
			 way ? path_json(way->as_path, 0) : json_null(), "weight",
			 way ? json_integer(way->local_pref) : json_null(), "protocol",
			 learned_protocol(r->protocol, protocol));
}

static void show_learned(struct call *c)
{
	struct learned_routes r = learned_of(bgp_learned(c->w->bgp), c->vnet, LEARNED_LOOKUP);
	struct learned_routes shown = r;
	json_t *value;
	struct ways ways;
	size_t limit;

	if (!read_limit(c, &limit))
		return;
	if (shown.n > limit)
		shown.n = limit;
	ways = ask_ways(c, shown);
	value = json_array();
	for (size_t i = 0; i < shown.n; i++)
		json_array_append_new(
			value, learned_json(c, &r.routes[i], ways.list ? ways.list[i] : NULL));
	ways_done(&ways);
	give(c, json_pack("{s:o, s:I, s:I, s:o}", "value", value, "total", (json_int_t)r.n,
			  "neverLearned", (json_int_t)r.n_never, "message", text_or_null(c->why)));
}

/* ---- what a neighbour is told ---- */

struct telling {
	json_t *value;
	const struct bird_peer *peer;
	uint64_t until; /* for all of them together */
	size_t limit;
	size_t total;
};

static void tell_way(void *arg, const struct bird_route *route)
{
	struct telling *t = arg;
	bool is_external = t->peer->neighbor_as != t->peer->local_as;
	char network[PREFIX_TEXT_MAX];

	if (!route->is_best || t->total++ >= t->limit)
		return;
	json_array_append_new(
		t->value,
		json_pack("{s:o, s:s, s:o, s:s, s:s, s:o, s:n}", "localAddress",
			  text_or_null(t->peer->local), "network",
			  prefix_format(&route->dst, network), "nextHop",
			  text_or_null(t->peer->local), "sourcePeer", t->peer->neighbor, "origin",
			  *route->as_path ? origin_of(t->peer) : "Network", "asPath",
			  path_json(route->as_path, is_external ? t->peer->local_as : 0),
			  "weight"));
}

/* 0 or -errno, with c->why. */
static int tell_peer(struct call *c, struct telling *t)
{
	char command[BIRD_COMMAND_MAX];
	uint64_t now = clock_now();
	char *text;
	size_t len;
	int r;

	if (strcmp(t->peer->bgp_state, "Established") != 0)
		return 0;
	snprintf(command, sizeof(command), "show route export '%s' all", t->peer->name);
	r = bird_ask(c->socket, command, now < t->until ? t->until - now : 0, &text, &len, c->why);
	if (r < 0)
		return r;
	bird_reply_routes(text, len, tell_way, t);
	free(text);
	return 0;
}

static void show_advertised(struct call *c)
{
	const char *address = query_get(&c->query, "peer");
	struct telling t = {.value = json_array(), .until = clock_now() + BIRD_LONG_PATIENCE};
	size_t n = 0;
	int r = read_limit(c, &t.limit) ? ask_peers(c) : 1;

	for (size_t i = 0; i < c->n_peers && r == 0; i++) {
		t.peer = &c->peers[i];
		if (address && strcmp(t.peer->neighbor, address) != 0)
			continue;
		n++;
		r = tell_peer(c, &t);
	}
	if (r < 0)
		refuse(c, 502, c->why);
	else if (r == 0 && address && !n)
		refuse(c, 404, "BIRD has no neighbour of this address.");
	else if (r == 0)
		give(c, json_pack("{s:O, s:I}", "value", t.value, "total", (json_int_t)t.total));
	json_decref(t.value);
}

/* ---- its configuration ---- */

/* False: refused. */
static bool read_neighbor(struct call *c, struct bgp_config *config)
{
	const char *as = query_get(&c->query, "as");
	uint8_t address[16];
	char *end = NULL;
	unsigned long long number = as ? strtoull(as, &end, 10) : 0;

	config->neighbor = query_get(&c->query, "neighbor");
	config->neighbor_as = (uint32_t)number;
	if (!config->neighbor != !as)
		refuse(c, 400, "'neighbor' and 'as' go together");
	else if (config->neighbor && inet_pton(AF_INET, config->neighbor, address) != 1 &&
		 inet_pton(AF_INET6, config->neighbor, address) != 1)
		refuse(c, 400, "'neighbor' must be an address");
	else if (as && (*as < '0' || *as > '9' || *end || number < 1 || number > UINT32_MAX))
		refuse(c, 400, "'as' must be a number from 1 to 4294967295");
	else
		return true;
	return false;
}

static void show_config(struct call *c)
{
	struct bgp_config config = {.vnet = c->vnet,
				    .netns = c->netns,
				    .socket = c->socket,
				    .asn = c->asn,
				    .table = c->table,
				    .announce_table = c->announce_table,
				    .own = c->own,
				    .n_own = c->n_own};
	char *text;

	if (!read_neighbor(c, &config))
		return;
	text = bgp_config_text(&config);
	give(c, text ? json_pack("{s:s}", "text", text) : NULL);
	free(text);
}

/* ---- which one it is ---- */

#define GATEWAY                                                                           \
	"/subscriptions/:subscription/resourceGroups/:group/providers/Microsoft.Network/" \
	"virtualNetworks/:vnet/virtualNetworkGateways/:gateway"

static const char *const no_keys[] = {NULL};
static const char *const learned_keys[] = {"limit", NULL};
static const char *const advertised_keys[] = {"limit", "peer", NULL};
static const char *const config_keys[] = {"neighbor", "as", NULL};

static const struct route {
	enum front_method method;
	const char *path;
	const char *const *keys;
	bool must_be_on;
	void (*run)(struct call *c);
} routes[] = {
	{FRONT_POST, GATEWAY "/getBgpPeerStatus", no_keys, true, show_peers},
	{FRONT_POST, GATEWAY "/getLearnedRoutes", learned_keys, true, show_learned},
	{FRONT_POST, GATEWAY "/getAdvertisedRoutes", advertised_keys, true, show_advertised},
	{FRONT_GET, GATEWAY "/bgpConfiguration", config_keys, false, show_config},
};

const char *api_bgp_route(size_t i, enum front_method *ret_method)
{
	if (i >= sizeof(routes) / sizeof(routes[0]))
		return NULL;
	*ret_method = routes[i].method;
	return routes[i].path;
}

static const struct route *find_route(const char *path, struct path_names *ret_names)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (path_match(routes[i].path, path, ret_names))
			return &routes[i];
	return NULL;
}

bool api_bgp_has_path(const char *path)
{
	struct path_names names;

	return find_route(path, &names) != NULL;
}

static void run(struct call *c, const struct route *route, const struct front_request *request,
		const struct path_names *names)
{
	char why[QUERY_WHY_MAX];

	if (request->method != route->method)
		refuse(c, 405, "this path has no such method");
	else if (query_parse(request->query, route->keys, &c->query, why) < 0)
		refuse(c, 400, why);
	else if (find_gateway(c, names, route->must_be_on))
		route->run(c);
}

void api_bgp_answer(const struct api_bgp_world *w, const struct front_request *request,
		    struct front_reply *ret_reply)
{
	struct path_names names;
	const struct route *route = find_route(request->path, &names);
	struct call *c = calloc(1, sizeof(*c));

	if (!c || !route) {
		reply_refuse(ret_reply, c ? 404 : 500,
			     c ? "there is no such path" : "out of memory", NULL);
		free(c);
		return;
	}
	c->w = w;
	c->reply = ret_reply;
	run(c, route, request, &names);
	free(c);
}

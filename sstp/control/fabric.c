/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/fabric.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "routing/array.h"
#include "sstp/control/model_internal.h"

/* One side of a peering whose other VNet is there. */
struct side {
	uint32_t vnet; /* places in vnets */
	uint32_t remote;
	char *name; /* owned */
	bool allows_access;
	bool allows_forwarded;
	bool allows_transit;
	bool uses_remote;
};

struct fabric {
	struct model *model;
	int64_t epoch;	/* of the tables when they were read; -1: never */
	int64_t others; /* likewise, of what other connections to the store have changed */
	uint64_t generation;
	struct fabric_vnet *vnets; /* owned, as all that follow; by id */
	size_t n_vnets, vnets_cap;
	struct side *sides; /* by VNet, then by remote */
	size_t n_sides, sides_cap;
	uint32_t (*edges)[2]; /* both directions of each peering once, sorted */
	size_t n_edges;
};

static int no_memory(struct certs_error *e)
{
	return certs_fail(e, -ENOMEM, "out of memory");
}

/* ---- life ---- */

#define ON(event, table)                                                                \
	"CREATE TEMP TRIGGER fabric_" table "_" event " AFTER " event " ON main." table \
	" BEGIN UPDATE fabric_epoch SET n = n + 1; END;"
#define ON_ALL(table) ON("INSERT", table) ON("UPDATE", table) ON("DELETE", table)

static const char schema[] =
	"CREATE TEMP TABLE fabric_epoch (n INTEGER);"
	"INSERT INTO fabric_epoch VALUES (0);" ON_ALL("vnet") ON_ALL("gateway") ON_ALL("peering");

int fabric_new(struct model *model, struct fabric **ret_fabric, struct certs_error *ret_error)
{
	struct fabric *f = calloc(1, sizeof(*f));
	int r = f ? store_script(model->store, schema, ret_error) : no_memory(ret_error);

	if (r < 0) {
		free(f);
		return r;
	}
	f->model = model;
	f->epoch = -1;
	*ret_fabric = f;
	return 0;
}

static void vnet_done(struct fabric_vnet *v)
{
	for (size_t i = 0; i < v->n_dns; i++)
		free(v->dns[i]);
	free(v->dns);
	free(v->name);
	free(v->gateway);
	free(v->netns);
	free(v->spaces.list);
	free(v->pools.list);
	free(v->custom.list);
	free(v->on_premises.list);
	free(v->filters);
}

static void clear(struct fabric *f)
{
	for (size_t i = 0; i < f->n_vnets; i++)
		vnet_done(&f->vnets[i]);
	for (size_t i = 0; i < f->n_sides; i++)
		free(f->sides[i].name);
	f->n_vnets = f->n_sides = f->n_edges = 0;
	f->epoch = -1;
	f->generation++;
}

void fabric_free(struct fabric *f)
{
	if (!f)
		return;
	clear(f);
	free(f->vnets);
	free(f->sides);
	free(f->edges);
	free(f);
}

uint64_t fabric_generation(const struct fabric *f)
{
	return f->generation;
}

/* ---- reading VNets ---- */

/* What is no prefix is left out: rules have seen to it that there is none. -ENOMEM. */
static int read_prefixes(const char *text, struct fabric_prefixes *ret)
{
	json_t *json = json_loads(text, 0, NULL);
	size_t n = json_array_size(json);
	int r = -ENOMEM;

	ret->list = calloc(n ? n : 1, sizeof(*ret->list));
	if (json && ret->list) {
		for (size_t i = 0; i < n; i++) {
			const char *one = json_string_value(json_array_get(json, i));

			if (one && prefix_parse(one, &ret->list[ret->n]) == 0)
				ret->n++;
		}
		r = 0;
	}
	json_decref(json);
	return r;
}

static int read_texts(const char *text, char ***ret_list, size_t *ret_n)
{
	json_t *json = json_loads(text, 0, NULL);
	size_t n = json_array_size(json);
	int r = json ? 0 : -ENOMEM;

	*ret_list = calloc(n ? n : 1, sizeof(**ret_list));
	for (size_t i = 0; *ret_list && r == 0 && i < n; i++) {
		const char *one = json_string_value(json_array_get(json, i));

		(*ret_list)[*ret_n] = strdup(one ? one : "");
		if ((*ret_list)[*ret_n])
			++*ret_n;
		else
			r = -ENOMEM;
	}
	json_decref(json);
	return *ret_list ? r : -ENOMEM;
}

static int read_filters(const char *text, struct fabric_vnet *v)
{
	struct bgp_filter filters[BGP_FILTERS_MAX];
	char why[BGP_FILTER_WHY_MAX];
	json_t *json = json_loads(text, 0, NULL);
	/* none of what the model has is refused */
	int r = json ? bgp_filters_read(json, filters, &v->n_filters, why) : -ENOMEM;

	json_decref(json);
	if (r < 0)
		return -ENOMEM;
	v->filters = calloc(v->n_filters + 1, sizeof(*v->filters));
	if (v->filters)
		memcpy(v->filters, filters, v->n_filters * sizeof(*filters));
	return v->filters ? 0 : -ENOMEM;
}

static const char vnets_sql[] =
	"SELECT v.id, v.name, g.name, v.spaces, coalesce(g.pools, '[]'),"
	" coalesce(g.custom_routes, '[]'), coalesce(g.on_premises, '[]'),"
	" coalesce(g.bgp_filters, '[]'), v.attach_netns, v.dns, coalesce(g.enable_bgp, 0),"
	" coalesce(g.propagate_bgp, 0), coalesce(g.propagate_peerings, 0)"
	" FROM vnet v LEFT JOIN gateway g ON g.vnet_id = v.id AND g.gateway_type = 'Vpn'"
	" WHERE v.source <> 'gone' ORDER BY v.id";

/* A row of vnets_sql. -ENOMEM; v is for vnet_done() in any case. */
static int read_vnet(struct store_query *q, struct fabric_vnet *v)
{
	const char *gateway = store_query_text(q, 2);
	int r = 0;

	v->id = store_query_number(q, 0);
	v->name = strdup(store_query_text(q, 1));
	v->gateway = gateway ? strdup(gateway) : NULL;
	v->netns = strdup(store_query_text(q, 8));
	if (!v->name || !v->netns || (gateway && !v->gateway))
		return -ENOMEM;
	r = read_prefixes(store_query_text(q, 3), &v->spaces);
	if (r == 0)
		r = read_prefixes(store_query_text(q, 4), &v->pools);
	if (r == 0)
		r = read_prefixes(store_query_text(q, 5), &v->custom);
	if (r == 0)
		r = read_prefixes(store_query_text(q, 6), &v->on_premises);
	if (r == 0)
		r = read_filters(store_query_text(q, 7), v);
	if (r == 0)
		r = read_texts(store_query_text(q, 9), &v->dns, &v->n_dns);
	v->has_bgp = store_query_number(q, 10) != 0;
	v->propagates_bgp = v->has_bgp && store_query_number(q, 11) != 0;
	v->propagates_peerings = store_query_number(q, 12) != 0;
	return r;
}

static int take_vnet(struct fabric *f, struct store_query *q)
{
	struct fabric_vnet *grown =
		array_reserve(f->vnets, f->n_vnets, &f->vnets_cap, 1, sizeof(*f->vnets));

	if (!grown)
		return -ENOMEM;
	f->vnets = grown;
	f->vnets[f->n_vnets] = (struct fabric_vnet){0};
	return read_vnet(q, &f->vnets[f->n_vnets++]);
}

const struct fabric_vnet *fabric_vnets(const struct fabric *f, size_t *ret_n)
{
	*ret_n = f->n_vnets;
	return f->vnets;
}

/* ---- reading peerings ---- */

static int compare_ids(const void *key, const void *item)
{
	int64_t id = *(const int64_t *)key;
	const struct fabric_vnet *v = item;

	return (id > v->id) - (id < v->id);
}

const struct fabric_vnet *fabric_find(const struct fabric *f, int64_t id)
{
	if (!f->n_vnets)
		return NULL;
	return bsearch(&id, f->vnets, f->n_vnets, sizeof(*f->vnets), compare_ids);
}

const struct fabric_vnet *fabric_find_name(const struct fabric *f, const char *name)
{
	for (size_t i = 0; i < f->n_vnets; i++)
		if (strcasecmp(f->vnets[i].name, name) == 0)
			return &f->vnets[i];
	return NULL;
}

static uint32_t place_of(const struct fabric *f, const struct fabric_vnet *v)
{
	return (uint32_t)(v - f->vnets);
}

/* The other side is named by its id, or by its name alone. */
static const char sides_sql[] =
	"SELECT p.vnet_id, r.id, p.name, p.allow_access, p.allow_forwarded, p.allow_transit,"
	" p.use_remote FROM peering p JOIN vnet v ON v.id = p.vnet_id AND v.source <> 'gone'"
	" JOIN vnet r ON r.name = p.remote AND r.source <> 'gone'"
	" AND (instr(p.remote_vnet, '/') = 0 OR r.resource_id = p.remote_vnet)"
	" WHERE r.id <> v.id ORDER BY p.vnet_id, r.id";

static int take_side(struct fabric *f, struct store_query *q)
{
	const struct fabric_vnet *vnet = fabric_find(f, store_query_number(q, 0));
	const struct fabric_vnet *remote = fabric_find(f, store_query_number(q, 1));
	struct side *grown =
		array_reserve(f->sides, f->n_sides, &f->sides_cap, 1, sizeof(*f->sides));
	struct side s = {.name = NULL};

	if (grown)
		f->sides = grown;
	/* committed by another connection since the VNets were read: next time, for the store has counted it */
	if (!vnet || !remote)
		return 0;
	s.name = strdup(store_query_text(q, 2));
	if (!grown || !s.name) {
		free(s.name);
		return -ENOMEM;
	}
	s.vnet = place_of(f, vnet);
	s.remote = place_of(f, remote);
	s.allows_access = store_query_number(q, 3) != 0;
	s.allows_forwarded = store_query_number(q, 4) != 0;
	s.allows_transit = store_query_number(q, 5) != 0;
	s.uses_remote = store_query_number(q, 6) != 0;
	f->sides[f->n_sides++] = s;
	return 0;
}

static int compare_edges(const void *x, const void *y)
{
	const uint32_t *a = x;
	const uint32_t *b = y;

	return a[0] != b[0] ? (a[0] > b[0] ? 1 : -1) : (a[1] > b[1]) - (a[1] < b[1]);
}

static int make_edges(struct fabric *f)
{
	uint32_t(*edges)[2] = realloc(f->edges, (2 * f->n_sides + 1) * sizeof(*edges));
	size_t n = 0;

	if (!edges)
		return -ENOMEM;
	f->edges = edges;
	for (size_t i = 0; i < f->n_sides; i++) {
		edges[2 * i][0] = edges[2 * i + 1][1] = f->sides[i].vnet;
		edges[2 * i][1] = edges[2 * i + 1][0] = f->sides[i].remote;
	}
	qsort(edges, 2 * f->n_sides, sizeof(*edges), compare_edges);
	for (size_t i = 0; i < 2 * f->n_sides; i++)
		if (n == 0 || compare_edges(edges[n - 1], edges[i]) != 0)
			memmove(edges[n++], edges[i], sizeof(*edges));
	f->n_edges = n;
	return 0;
}

/* ---- reading all ---- */

static int read_rows(struct fabric *f, const char *sql,
		     int (*take)(struct fabric *, struct store_query *), struct certs_error *e)
{
	struct store_query *q;
	int r = store_query(f->model->store, sql, NULL, 0, &q, e);

	if (r < 0)
		return r;
	while ((r = store_query_next(q, e)) > 0)
		if (take(f, q) < 0) {
			r = no_memory(e);
			break;
		}
	store_query_end(q);
	return r;
}

/* Triggers are a connection's own: of what another one has changed the store itself keeps count. */
static int read_epoch(struct fabric *f, int64_t *ret_epoch, int64_t *ret_others,
		      struct certs_error *e)
{
	struct store_query *q;
	int r = store_query(f->model->store,
			    "SELECT n, data_version FROM fabric_epoch, pragma_data_version", NULL,
			    0, &q, e);

	if (r < 0)
		return r;
	r = store_query_next(q, e);
	if (r > 0) {
		*ret_epoch = store_query_number(q, 0);
		*ret_others = store_query_number(q, 1);
	}
	store_query_end(q);
	return r < 0 ? r : 0;
}

int fabric_refresh(struct fabric *f, struct certs_error *ret_error)
{
	int64_t epoch = 0;
	int64_t others = 0;
	int r = read_epoch(f, &epoch, &others, ret_error);

	if (r < 0 || (epoch == f->epoch && others == f->others))
		return r;
	clear(f);
	r = read_rows(f, vnets_sql, take_vnet, ret_error);
	if (r == 0)
		r = read_rows(f, sides_sql, take_side, ret_error);
	if (r == 0 && make_edges(f) < 0)
		r = no_memory(ret_error);
	if (r < 0)
		clear(f);
	if (r == 0) {
		f->epoch = epoch;
		f->others = others;
	}
	return r;
}

/* ---- peers ---- */

static const struct side *find_side(const struct fabric *f, uint32_t vnet, uint32_t remote)
{
	size_t low = 0;
	size_t high = f->n_sides;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct side *s = &f->sides[middle];

		if (s->vnet == vnet && s->remote == remote)
			return s;
		if (s->vnet < vnet || (s->vnet == vnet && s->remote < remote))
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* The whole table of the gate, as the header has it. */
static unsigned missing_of(const struct side *hub, const struct side *spoke)
{
	unsigned missing = 0;

	if (!hub)
		missing |= FABRIC_HUB_PEERING;
	else
		missing |= (hub->allows_access ? 0 : FABRIC_HUB_ACCESS) |
			   (hub->allows_forwarded ? 0 : FABRIC_HUB_FORWARDED) |
			   (hub->allows_transit ? 0 : FABRIC_HUB_TRANSIT);
	if (!spoke)
		missing |= FABRIC_SPOKE_PEERING;
	else
		missing |= (spoke->allows_access ? 0 : FABRIC_SPOKE_ACCESS) |
			   (spoke->allows_forwarded ? 0 : FABRIC_SPOKE_FORWARDED) |
			   (spoke->uses_remote ? 0 : FABRIC_SPOKE_REMOTE);
	return missing;
}

static struct fabric_peer peer_of(const struct fabric *f, uint32_t hub, uint32_t vnet)
{
	const struct side *ours = find_side(f, hub, vnet);
	const struct side *theirs = find_side(f, vnet, hub);

	return (struct fabric_peer){
		.vnet = &f->vnets[vnet],
		.hops = 1,
		.missing = missing_of(ours, theirs),
		.hub_name = ours ? ours->name : NULL,
		.spoke_name = theirs ? theirs->name : NULL,
	};
}

/* Places in edges of those that begin at vnet. */
static size_t first_edge(const struct fabric *f, uint32_t vnet)
{
	size_t low = 0;
	size_t high = f->n_edges;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (f->edges[middle][0] < vnet)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The neighbours of vnet that were not seen yet, behind the n there are. Returns how many there are then. */
static size_t add_neighbours(const struct fabric *f, const struct fabric_vnet *hub,
			     const struct fabric_peer *from, bool *seen, struct fabric_peer *list,
			     size_t n)
{
	uint32_t vnet = place_of(f, from ? from->vnet : hub);

	for (size_t i = first_edge(f, vnet); i < f->n_edges && f->edges[i][0] == vnet; i++) {
		uint32_t to = f->edges[i][1];

		if (seen[to])
			continue;
		seen[to] = true;
		list[n++] = from ? (struct fabric_peer){.vnet = &f->vnets[to],
							.via = from->vnet,
							.hops = from->hops + 1}
				 : peer_of(f, vnet, to);
	}
	return n;
}

int fabric_peers(const struct fabric *f, const struct fabric_vnet *hub,
		 struct fabric_peer **ret_peers, size_t *ret_n)
{
	bool *seen = calloc(f->n_vnets + 1, sizeof(*seen));
	struct fabric_peer *list = calloc(f->n_vnets + 1, sizeof(*list));
	size_t n;

	if (!seen || !list) {
		free(seen);
		free(list);
		return -ENOMEM;
	}
	seen[place_of(f, hub)] = true;
	n = add_neighbours(f, hub, NULL, seen, list, 0);
	for (size_t i = 0; i < n; i++)
		n = add_neighbours(f, hub, &list[i], seen, list, n);
	free(seen);
	*ret_peers = list;
	*ret_n = n;
	return 0;
}

/* ---- words ---- */

static const struct {
	unsigned bit;
	bool is_hub;
	const char *flag; /* NULL: the peering itself */
} words[] = {
	/* clang-format off */
	{FABRIC_HUB_PEERING,     true,  NULL},
	{FABRIC_HUB_ACCESS,      true,  "allowVirtualNetworkAccess"},
	{FABRIC_HUB_FORWARDED,   true,  "allowForwardedTraffic"},
	{FABRIC_HUB_TRANSIT,     true,  "allowGatewayTransit"},
	{FABRIC_SPOKE_PEERING,   false, NULL},
	{FABRIC_SPOKE_ACCESS,    false, "allowVirtualNetworkAccess"},
	{FABRIC_SPOKE_FORWARDED, false, "allowForwardedTraffic"},
	{FABRIC_SPOKE_REMOTE,    false, "useRemoteGateways"},
	/* clang-format on */
};

/* Each one a sentence. */
static void write_missing(const struct fabric_vnet *hub, const struct fabric_peer *peer,
			  char buf[FABRIC_WHY_MAX])
{
	size_t used = 0;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) && used < FABRIC_WHY_MAX; i++) {
		const char *side = words[i].is_hub ? hub->name : peer->vnet->name;
		const char *other = words[i].is_hub ? peer->vnet->name : hub->name;
		const char *name = words[i].is_hub ? peer->hub_name : peer->spoke_name;

		if (!(peer->missing & words[i].bit))
			continue;
		if (words[i].flag)
			used += (size_t)snprintf(
				buf + used, FABRIC_WHY_MAX - used,
				"%s%s is not set on peering %s of virtual network %s.",
				used ? " " : "", words[i].flag, name, side);
		else
			used += (size_t)snprintf(buf + used, FABRIC_WHY_MAX - used,
						 "%sVirtual network %s has no peering to %s.",
						 used ? " " : "", side, other);
	}
}

const char *fabric_why(const struct fabric_vnet *hub, const struct fabric_peer *peer,
		       char buf[FABRIC_WHY_MAX])
{
	*buf = '\0';
	if (peer->hops > 1)
		snprintf(buf, FABRIC_WHY_MAX,
			 "Peering is not transitive: virtual network %s is %u hops away from %s, "
			 "behind %s.",
			 peer->vnet->name, peer->hops, hub->name, peer->via->name);
	else
		write_missing(hub, peer, buf);
	return buf;
}

bool fabric_permits(const struct fabric_vnet *v, const struct prefix *p)
{
	return bgp_filters_permit(v->filters, v->n_filters, p);
}

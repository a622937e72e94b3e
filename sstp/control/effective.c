/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of VNets are kept until the fabric or what is learned changes: with 100,000 learned prefixes one
 * takes 0.1 s to make, and every connection of the VNet asks for it.
 */
#include "sstp/control/effective.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "routing/array.h"
#include "routing/range.h"
#include "sstp/control/model_internal.h"

/* Kept of one VNet. */
struct kept {
	struct effective_vnet v; /* v.vnet NULL: nothing is */
	uint64_t lookup;	 /* generations of what is learned */
	uint64_t workers;
	struct fabric_peer *peers; /* owned, as what follows */
	struct ruleset *set;
	struct prefix *told;
};

struct effective {
	struct model *model;
	struct fabric *fabric;
	uint64_t generation; /* the last one that was given out */
	uint64_t fabric_generation;
	struct kept *kept; /* owned, in the fabric's order */
	size_t n_kept;
	effective_learned_fn *learned;
	void *arg;
};

/* A list of rules that grows. */
struct rules {
	struct ruleset_rule *list; /* owned */
	size_t n, cap;
	int error; /* the first */
};

static int no_memory(struct certs_error *e)
{
	return certs_fail(e, -ENOMEM, "out of memory");
}

static void add(struct rules *r, const struct prefix *p, enum ruleset_source source,
		enum ruleset_verdict verdict, size_t origin)
{
	struct ruleset_rule *grown = array_reserve(r->list, r->n, &r->cap, 1, sizeof(*r->list));

	if (!grown) {
		r->error = -ENOMEM;
		return;
	}
	r->list = grown;
	r->list[r->n++] = (struct ruleset_rule){
		.prefix = *p,
		.source = (uint8_t)source,
		.verdict = (uint8_t)verdict,
		.origin = (uint32_t)origin,
	};
}

static void add_all(struct rules *r, const struct fabric_prefixes *p, enum ruleset_source source,
		    enum ruleset_verdict verdict, size_t origin)
{
	for (size_t i = 0; i < p->n; i++)
		add(r, &p->list[i], source, verdict, origin);
}

/* Takes the rules. NULL without memory, then or before. */
static struct ruleset *make_set(struct rules *r)
{
	struct ruleset *set = r->error ? NULL : ruleset_new(r->list, r->n);

	free(r->list);
	return set;
}

/* ---- life ---- */

int effective_new(struct model *model, struct effective **ret_effective,
		  struct certs_error *ret_error)
{
	struct effective *e = calloc(1, sizeof(*e));
	int r = e ? fabric_new(model, &e->fabric, ret_error) : no_memory(ret_error);

	if (r < 0) {
		free(e);
		return r;
	}
	e->model = model;
	*ret_effective = e;
	return 0;
}

static void kept_done(struct kept *k)
{
	free(k->peers);
	free(k->told);
	ruleset_free(k->set);
	*k = (struct kept){.v = {.vnet = NULL}};
}

static void forget(struct effective *e)
{
	for (size_t i = 0; i < e->n_kept; i++)
		kept_done(&e->kept[i]);
	free(e->kept);
	e->kept = NULL;
	e->n_kept = 0;
}

void effective_free(struct effective *e)
{
	if (!e)
		return;
	forget(e);
	fabric_free(e->fabric);
	free(e);
}

void effective_set_learned(struct effective *e, effective_learned_fn *learned, void *arg)
{
	e->learned = learned;
	e->arg = arg;
}

static struct learned_routes learned(const struct effective *e, const char *vnet,
				     enum learned_view view)
{
	return e->learned ? e->learned(e->arg, vnet, view) : (struct learned_routes){.n = 0};
}

/* Room for what is kept of each VNet that there is. */
static int refresh(struct effective *e, struct certs_error *error)
{
	size_t n;
	int r = fabric_refresh(e->fabric, error);

	if (r < 0 || (e->kept && e->fabric_generation == fabric_generation(e->fabric)))
		return r;
	forget(e);
	fabric_vnets(e->fabric, &n);
	e->kept = calloc(n ? n : 1, sizeof(*e->kept));
	if (!e->kept)
		return no_memory(error);
	e->n_kept = n;
	e->fabric_generation = fabric_generation(e->fabric);
	return 0;
}

const struct fabric *effective_fabric(struct effective *e, int *ret_error,
				      struct certs_error *ret_why)
{
	*ret_error = refresh(e, ret_why);
	return *ret_error < 0 ? NULL : e->fabric;
}

/* ---- a VNet's set ---- */

static void add_peers(struct rules *r, const struct fabric_peer *peers, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool is_peered = peers[i].hops == 1;
		bool is_open = is_peered && peers[i].missing == 0;

		add_all(r, &peers[i].vnet->spaces, is_peered ? RULESET_PEERED : RULESET_TWO_HOPS,
			is_open ? RULESET_ROUTE : RULESET_CLOSE, i);
	}
}

/* all: also what counts for nobody. */
static void add_learned(struct rules *r, const struct fabric_vnet *v,
			const struct learned_routes *l, bool all)
{
	for (size_t i = 0; i < l->n && (all || v->propagates_bgp); i++) {
		bool counts = v->propagates_bgp && fabric_permits(v, &l->routes[i].dst);

		if (counts || all)
			add(r, &l->routes[i].dst, RULESET_BGP,
			    counts ? RULESET_ROUTE : RULESET_SHOW, i);
	}
}

static struct ruleset *make_vnet_set(const struct kept *k, const struct learned_routes *l, bool all)
{
	const struct fabric_vnet *v = k->v.vnet;
	struct rules r = {0};

	add_all(&r, &v->spaces, RULESET_INHERITED, RULESET_ROUTE, 0);
	add_all(&r, &v->custom, RULESET_CUSTOM, RULESET_ROUTE, 0);
	add_all(&r, &v->on_premises, RULESET_ON_PREMISES, RULESET_PASS, 0);
	add_learned(&r, v, l, all);
	add_peers(&r, k->peers, k->v.n_peers);
	return make_set(&r);
}

/* What workers are told of it: nothing when it is too much. */
static int make_told(struct kept *k, const struct learned_routes *l)
{
	const struct fabric_vnet *v = k->v.vnet;
	size_t n = 0;

	k->told = calloc(EFFECTIVE_TOLD_MAX, sizeof(*k->told));
	if (!k->told)
		return -ENOMEM;
	for (size_t i = 0; i < l->n && v->propagates_bgp; i++) {
		if (!fabric_permits(v, &l->routes[i].dst))
			continue;
		if (n < EFFECTIVE_TOLD_MAX)
			k->told[n] = l->routes[i].dst;
		n++;
	}
	k->v.n_permitted = n;
	k->v.n_told = n <= EFFECTIVE_TOLD_MAX ? n : 0;
	return 0;
}

static int make_kept(struct effective *e, const struct fabric_vnet *v, struct kept *k)
{
	struct learned_routes lookup = learned(e, v->name, LEARNED_LOOKUP);
	struct learned_routes workers = learned(e, v->name, LEARNED_WORKERS);
	bool is_other = !k->v.vnet || k->workers != workers.generation;
	uint64_t generation = is_other ? ++e->generation : k->v.generation;

	kept_done(k);
	k->v = (struct effective_vnet){.vnet = v, .generation = generation};
	k->lookup = lookup.generation;
	k->workers = workers.generation;
	if (fabric_peers(e->fabric, v, &k->peers, &k->v.n_peers) < 0 || make_told(k, &workers) < 0)
		return -ENOMEM;
	k->set = make_vnet_set(k, &lookup, false);
	k->v.peers = k->peers;
	k->v.told = k->told;
	k->v.set = k->set;
	return k->set ? 0 : -ENOMEM;
}

static bool is_good(const struct effective *e, const struct kept *k)
{
	const char *name;

	if (!k->v.vnet)
		return false;
	name = k->v.vnet->name;
	return k->lookup == learned(e, name, LEARNED_LOOKUP).generation &&
	       k->workers == learned(e, name, LEARNED_WORKERS).generation;
}

/* 1 with what is kept; 0; -errno. */
static int find_kept(struct effective *e, int64_t id, struct kept **ret_kept,
		     struct certs_error *error)
{
	int r = refresh(e, error);
	const struct fabric_vnet *v = r < 0 ? NULL : fabric_find(e->fabric, id);
	struct kept *k;
	size_t n;

	if (!v)
		return r;
	k = &e->kept[v - fabric_vnets(e->fabric, &n)];
	if (!is_good(e, k) && make_kept(e, v, k) < 0) {
		kept_done(k);
		return no_memory(error);
	}
	*ret_kept = k;
	return 1;
}

int effective_vnet(struct effective *e, int64_t id, const struct effective_vnet **ret_vnet,
		   struct certs_error *ret_error)
{
	struct kept *k;
	int r = find_kept(e, id, &k, ret_error);

	if (r > 0)
		*ret_vnet = &k->v;
	return r;
}

/* ---- the data plane's table ---- */

/* Who it belongs to decides; a learned range is everybody's. */
static enum msg_verdict verdict_of(const struct ruleset *set, uint32_t entry)
{
	size_t n;
	const struct ruleset_entry *e;
	const struct ruleset_rule *rules = ruleset_rules(set, &n);

	switch (ruleset_outcome(set, entry)) {
	case RULESET_CLOSED: return MSG_VERDICT_PEERING;
	case RULESET_UNROUTED: return MSG_VERDICT_NONE;
	default: break;
	}
	e = &ruleset_entries(set, &n)[entry];
	return e->gate != RULESET_NONE && rules[e->gate].source == RULESET_BGP ? MSG_VERDICT_OPEN
									       : MSG_VERDICT_VNET;
}

int effective_table(const struct effective_vnet *v, struct msg_route **ret_list, size_t *ret_n)
{
	size_t n_entries;
	const struct ruleset_entry *entries = ruleset_entries(v->set, &n_entries);
	struct msg_route *list = malloc((n_entries ? n_entries : 1) * sizeof(*list));
	size_t n = 0;

	if (!list)
		return -ENOMEM;
	for (uint32_t i = 0; i < n_entries; i++) {
		enum msg_verdict verdict = verdict_of(v->set, i);

		if (verdict != verdict_of(v->set, entries[i].parent))
			list[n++] = (struct msg_route){.prefix = entries[i].prefix,
						       .verdict = (uint8_t)verdict};
	}
	*ret_list = list;
	*ret_n = n;
	return 0;
}

/* ---- a connection's set ---- */

static void add_texts(struct rules *r, const json_t *texts, enum ruleset_source source)
{
	for (size_t i = 0; i < json_array_size(texts) && r->n < EFFECTIVE_RULES_MAX; i++) {
		const char *text = json_string_value(json_array_get(texts, i));
		struct prefix p;

		if (text && prefix_parse(text, &p) == 0)
			add(r, &p, source, RULESET_ROUTE, 0);
	}
}

static void add_range(struct rules *r, const char *start, const char *end,
		      enum ruleset_source source, size_t origin)
{
	struct prefix list[RANGE_PREFIXES_MAX];
	struct range range;
	const char *why;
	size_t n;

	if (range_parse(start, end, &range, &why) < 0)
		return;
	n = range_prefixes(&range, list);
	for (size_t i = 0; i < n; i++)
		add(r, &list[i], source, RULESET_ROUTE, origin);
}

/* A route of the plan: its name, and what it covers. */
static int add_static(struct effective_connection *c, struct rules *r, struct store_query *q)
{
	char **grown = realloc(c->names, (c->n_names + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	c->names = grown;
	c->names[c->n_names] = strdup(store_query_text(q, 0));
	if (!c->names[c->n_names])
		return -ENOMEM;
	add_range(r, store_query_text(q, 1), store_query_text(q, 2), RULESET_STATIC, c->n_names++);
	return r->error;
}

static int add_plans(struct effective *e, const struct effective_query *query,
		     struct effective_connection *c, struct rules *rules, struct certs_error *error)
{
	const struct store_value values[] = {
		{.name = ":plan", .number = query->plan, .is_number = true},
		{.name = ":vnet", .number = query->vnet, .is_number = true},
	};
	struct store_query *q;
	int r = store_query(e->model->store,
			    "SELECT name, start_address, end_address FROM route"
			    " WHERE plan_id = :plan AND vnet_id = :vnet",
			    values, 2, &q, error);

	if (r < 0)
		return r;
	while (rules->n < EFFECTIVE_RULES_MAX && (r = store_query_next(q, error)) > 0)
		if (add_static(c, rules, q) < 0) {
			r = no_memory(error);
			break;
		}
	store_query_end(q);
	return r < 0 ? r : 0;
}

static void add_defaults(struct rules *r)
{
	static const char *const texts[] = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		add_range(r, texts[i], NULL, RULESET_DEFAULT, 0);
}

/* Each VNet's gate is the VNet's business; here it is only what the app sends. */
static void add_peers_of(struct rules *r, const struct effective_vnet *gate)
{
	for (size_t i = 0; i < gate->n_peers; i++) {
		const struct fabric_peer *p = &gate->peers[i];
		bool is_routed = gate->vnet->propagates_peerings && p->hops == 1 && !p->missing;

		add_all(r, &p->vnet->spaces, p->hops == 1 ? RULESET_PEERED : RULESET_TWO_HOPS,
			is_routed ? RULESET_ROUTE : RULESET_SHOW, i);
	}
}

static void add_told(struct rules *r, const struct effective_vnet *gate)
{
	for (size_t i = 0; i < gate->n_told; i++)
		add(r, &gate->told[i], RULESET_BGP, RULESET_ROUTE, i);
}

/* all: what is not told to workers as well. */
static void add_learned_of(struct rules *r, const struct effective_vnet *gate,
			   const struct learned_routes *all)
{
	for (size_t i = 0; i < all->n; i++) {
		bool is_told = gate->n_told && fabric_permits(gate->vnet, &all->routes[i].dst);

		add(r, &all->routes[i].dst, RULESET_BGP, is_told ? RULESET_ROUTE : RULESET_SHOW, i);
	}
}

/* c->gate is filled in. all: NULL: what is told to workers. */
static int make_connection(struct effective *e, const struct effective_query *query,
			   const struct learned_routes *all, struct effective_connection *c,
			   struct certs_error *error)
{
	json_t *synced = json_loads(query->synced, 0, NULL);
	struct rules rules = {0};
	int r = synced ? add_plans(e, query, c, &rules, error) : no_memory(error);

	if (r == 0) {
		add_texts(&rules, json_object_get(synced, "addressSpaces"), RULESET_INHERITED);
		add_texts(&rules, json_object_get(synced, "customRoutes"), RULESET_CUSTOM);
		c->has_too_many = rules.n >= EFFECTIVE_RULES_MAX;
		if (query->has_defaults)
			add_defaults(&rules);
		if (c->gate)
			add_peers_of(&rules, c->gate);
		if (c->gate && all)
			add_learned_of(&rules, c->gate, all);
		else if (c->gate)
			add_told(&rules, c->gate);
	}
	json_decref(synced);
	c->set = make_set(&rules);
	return r < 0 || c->set ? r : no_memory(error);
}

int effective_connection(struct effective *e, const struct effective_query *query,
			 struct effective_connection *ret_connection, struct certs_error *ret_error)
{
	struct effective_connection c = {.gate = NULL};
	int r = effective_vnet(e, query->vnet, &c.gate, ret_error);

	if (r >= 0)
		r = make_connection(e, query, NULL, &c, ret_error);
	if (r < 0)
		effective_connection_done(&c);
	else
		*ret_connection = c;
	return r;
}

void effective_connection_done(struct effective_connection *c)
{
	for (size_t i = 0; i < c->n_names; i++)
		free(c->names[i]);
	free(c->names);
	ruleset_free(c->set);
	*c = (struct effective_connection){.gate = NULL};
}

/* ---- all that there is ---- */

int effective_show(struct effective *e, int64_t vnet, const struct effective_query *query,
		   struct effective_shown *ret_shown, struct certs_error *ret_error)
{
	struct effective_shown s = {.is_connection = query != NULL};
	struct kept *k = NULL;
	int r = find_kept(e, vnet, &k, ret_error);

	if (r < 0 || (r == 0 && !query))
		return r;
	if (k) {
		s.gate = s.connection.gate = &k->v;
		s.learned = learned(e, k->v.vnet->name, LEARNED_LOOKUP);
	}
	if (query) {
		r = make_connection(e, query, &s.learned, &s.connection, ret_error);
	} else {
		s.connection.set = make_vnet_set(k, &s.learned, true);
		r = s.connection.set ? 0 : no_memory(ret_error);
	}
	if (r < 0) {
		effective_shown_done(&s);
		return r;
	}
	*ret_shown = s;
	return 1;
}

void effective_shown_done(struct effective_shown *s)
{
	effective_connection_done(&s->connection);
	*s = (struct effective_shown){.gate = NULL};
}

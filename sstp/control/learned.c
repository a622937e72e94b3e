/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/learned.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sstp/base/log.h"
#include "sstp/control/learned_pace.h"
#include "tun/rtnl_learn.h"

/* A table that must be read anew is, but not for ever: half of the time at most goes into it. */
#define RESYNC_PAUSE (200 * CLOCK_NS_PER_MS)
#define ASK_PAUSE    CLOCK_NS_PER_S

enum {
	TRIM_ROUTES = 10000, /* from so many on their memory is given back to the system */
};

static const struct {
	uint8_t number;
	const char *name;
} protocols[] = {
	{8, "gated"},  {10, "mrt"},    {11, "zebra"},  {12, "bird"},	    {14, "xorp"},
	{42, "babel"}, {99, "openr"},  {186, "bgp"},   {187, "isis"},	    {188, "ospf"},
	{189, "rip"},  {190, "ripng"}, {192, "eigrp"}, {197, "openfabric"},
};

enum {
	PROTOCOLS = sizeof(protocols) / sizeof(protocols[0])
};

/* Immutable; a view has a share of it. */
struct snapshot {
	unsigned shares;
	struct learned_routes r;
	struct learned_route *routes; /* owned */
};

struct vnet {
	struct vnet *next;
	struct learned *owner;
	char *name;
	char *netns;
	uint32_t table;
	struct prefix *own; /* in order, none within another */
	size_t n_own;
	/* of the kernel */
	struct rtnl_learn *learn; /* NULL: there is no socket */
	struct loop_io *io;
	uint64_t ask_at;  /* for a socket; CLOCK_NEVER: it is on its way, or there */
	uint64_t sync_at; /* not before */
	uint64_t syncs;	  /* when it was looked at last */
	uint64_t changes;
	int error; /* that was logged last */
	/* of what is shown */
	struct loop_timer *timer;
	struct learned_pace pace;
	struct snapshot *views[LEARNED_VIEWS]; /* NULL: nothing has been learned yet */
};

/* A socket that was asked for, for a VNet that was given up meanwhile: the next one of that name is not for its successor. */
struct owed {
	struct owed *next;
	char name[];
};

struct learned {
	struct learned_params params;
	uint64_t generation;
	struct vnet *vnets;
	struct owed *owed;
};

/* ---- names and order ---- */

const char *learned_protocol(uint8_t protocol, char buf[LEARNED_PROTOCOL_MAX])
{
	for (size_t i = 0; i < PROTOCOLS; i++)
		if (protocols[i].number == protocol)
			return protocols[i].name;
	snprintf(buf, LEARNED_PROTOCOL_MAX, "%u", protocol);
	return buf;
}

static int compare_numbers(uint32_t a, uint32_t b)
{
	return a < b ? -1 : a > b;
}

int learned_compare(const struct prefix *a, const struct prefix *b)
{
	int r = compare_numbers(a->family, b->family);

	if (r == 0)
		r = memcmp(a->addr, b->addr, sizeof(a->addr));
	return r ? r : compare_numbers(a->len, b->len);
}

static int by_prefix(const void *a, const void *b)
{
	return learned_compare(a, b);
}

/* The best one of a prefix first. */
static int by_route(const void *a, const void *b)
{
	const struct learned_route *x = a;
	const struct learned_route *y = b;
	int r = learned_compare(&x->dst, &y->dst);

	if (r == 0)
		r = compare_numbers(x->metric, y->metric);
	return r ? r : memcmp(x->via, y->via, sizeof(x->via));
}

const struct learned_route *learned_find(const struct learned_routes *r, const struct prefix *dst)
{
	size_t low = 0, high = r->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = learned_compare(&r->routes[mid].dst, dst);

		if (order == 0)
			return &r->routes[mid];
		if (order < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

static struct prefix shortened(const struct prefix *p, unsigned len)
{
	struct prefix out = {.family = p->family, .len = (uint8_t)len};

	memcpy(out.addr, p->addr, len / 8);
	if (len % 8)
		out.addr[len / 8] = p->addr[len / 8] & (uint8_t)(0xff00 >> len % 8);
	return out;
}

const struct learned_route *learned_cover(const struct learned_routes *r, const struct prefix *dst)
{
	const struct learned_route *found = NULL;

	for (int len = dst->len; len >= 0 && !found; len--) {
		struct prefix p = shortened(dst, (unsigned)len);

		found = learned_find(r, &p);
	}
	return found;
}

/* ---- own prefixes ---- */

/* 0 or -errno. */
static int copy_own(const struct learned_source *source, struct prefix **ret_own, size_t *ret_n)
{
	struct prefix *own;
	size_t n = 0;

	if (source->n_own > LEARNED_OWN_MAX)
		return -E2BIG;
	own = malloc((source->n_own + 1) * sizeof(*own));
	if (!own)
		return -ENOMEM;
	if (source->n_own)
		memcpy(own, source->own, source->n_own * sizeof(*own));
	qsort(own, source->n_own, sizeof(*own), by_prefix);
	for (size_t i = 0; i < source->n_own; i++)
		if (n == 0 || !prefix_covers(&own[n - 1], &own[i]))
			own[n++] = own[i];
	*ret_own = own;
	*ret_n = n;
	return 0;
}

/* As none lies in another, only the last one that does not begin behind p can cover it. */
static bool is_own(const struct vnet *v, const struct prefix *p)
{
	size_t low = 0, high = v->n_own;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (learned_compare(&v->own[mid], p) <= 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low > 0 && prefix_covers(&v->own[low - 1], p);
}

/* ---- snapshots ---- */

static void snapshot_release(struct snapshot *s)
{
	size_t n;

	if (!s || --s->shares)
		return;
	n = s->r.n;
	free(s->routes);
	free(s);
	if (n >= TRIM_ROUTES)
		malloc_trim(0);
}

static struct learned_route describe(const struct rtnl_learned *r)
{
	struct learned_route route = {.dst = r->dst,
				      .protocol = r->protocol,
				      .via_family = r->hop.family,
				      .n_hops = r->n_hops,
				      .metric = r->metric,
				      .ifindex = r->hop.ifindex};

	memcpy(route.via, r->hop.via, sizeof(route.via));
	return route;
}

/* Into routes, which has room for all. How many; *ret_never: and how many are not to be. */
static size_t collect(const struct vnet *v, struct learned_route *routes, size_t *ret_never)
{
	const struct rtnl_mirror *m = rtnl_learn_routes(v->learn);
	size_t n = 0;

	*ret_never = 0;
	for (size_t i = 0; i < rtnl_mirror_count(m); i++) {
		const struct rtnl_learned *r = rtnl_mirror_at(m, i);

		if (!rtnl_mirror_wants(m, r) || !rtnl_learned_is_unicast(r))
			continue;
		if (r->dst.len == 0 || is_own(v, &r->dst))
			++*ret_never;
		else
			routes[n++] = describe(r);
	}
	return n;
}

static size_t drop_repeated(struct learned_route *routes, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (kept == 0 || !prefix_equal(&routes[kept - 1].dst, &routes[i].dst))
			routes[kept++] = routes[i];
	return kept;
}

/* NULL without memory. */
static struct snapshot *take_snapshot(const struct vnet *v)
{
	size_t max = v->learn ? rtnl_mirror_count(rtnl_learn_routes(v->learn)) : 0;
	struct snapshot *s = calloc(1, sizeof(*s));
	struct learned_route *less;

	if (s)
		s->routes = malloc((max + 1) * sizeof(*s->routes));
	if (!s || !s->routes) {
		free(s);
		return NULL;
	}
	s->shares = 1;
	if (max)
		s->r.n = collect(v, s->routes, &s->r.n_never);
	qsort(s->routes, s->r.n, sizeof(*s->routes), by_route);
	s->r.n = drop_repeated(s->routes, s->r.n);
	s->r.is_cut = s->r.n > LEARNED_MAX;
	if (s->r.is_cut)
		s->r.n = LEARNED_MAX;
	less = realloc(s->routes, (s->r.n + 1) * sizeof(*s->routes));
	if (less)
		s->routes = less;
	s->r.routes = s->routes;
	return s;
}

static bool same_route(const struct learned_route *a, const struct learned_route *b)
{
	return prefix_equal(&a->dst, &b->dst) && a->protocol == b->protocol &&
	       a->n_hops == b->n_hops && a->metric == b->metric && a->ifindex == b->ifindex &&
	       a->via_family == b->via_family && memcmp(a->via, b->via, sizeof(a->via)) == 0;
}

static bool same_routes(const struct snapshot *a, const struct snapshot *b)
{
	if (!a || a->r.n != b->r.n || a->r.n_never != b->r.n_never || a->r.is_cut != b->r.is_cut)
		return false;
	for (size_t i = 0; i < a->r.n; i++)
		if (!same_route(&a->routes[i], &b->routes[i]))
			return false;
	return true;
}

static void set_view(struct vnet *v, enum learned_view view, struct snapshot *s)
{
	snapshot_release(v->views[view]);
	v->views[view] = s;
}

static void tell(const struct vnet *v, enum learned_view view)
{
	v->owner->params.on_change(v->owner->params.arg, v->name, view);
}

static void renew_lookup(struct vnet *v, uint64_t now)
{
	struct snapshot *s = take_snapshot(v);

	if (!s) {
		log_error("routes learned for virtual network %s stay as they were: out of memory",
			  v->name);
		learned_pace_on_change(&v->pace, now);
		return;
	}
	if (same_routes(v->views[LEARNED_LOOKUP], s)) {
		snapshot_release(s);
		return;
	}
	s->r.generation = ++v->owner->generation;
	set_view(v, LEARNED_LOOKUP, s);
	learned_pace_on_renewal(&v->pace, now);
	log_debug("virtual network %s: %zu routes learned", v->name, s->r.n);
	tell(v, LEARNED_LOOKUP);
}

static void renew_workers(struct vnet *v)
{
	struct snapshot *s = v->views[LEARNED_LOOKUP];

	s->shares++;
	set_view(v, LEARNED_WORKERS, s);
	tell(v, LEARNED_WORKERS);
}

/* ---- the kernel ---- */

static void log_failure(struct vnet *v, const char *what, int error)
{
	if (error != v->error)
		log_error("virtual network %s: %s: %s; it is tried again", v->name, what,
			  strerror(-error));
	v->error = error;
}

static void drop_socket(struct vnet *v)
{
	loop_io_free(v->io);
	rtnl_learn_free(v->learn);
	v->io = NULL;
	v->learn = NULL;
}

static void ask(struct vnet *v, uint64_t now)
{
	const struct learned_params *params = &v->owner->params;
	int r;

	v->ask_at = CLOCK_NEVER;
	r = params->open(params->arg, v->name, v->netns);
	if (r == 0)
		return;
	v->ask_at = now + ASK_PAUSE;
	log_failure(v, "its routes cannot be learned", r);
}

static void arm(struct vnet *v)
{
	uint64_t at = clock_earlier(v->ask_at, learned_pace_next(&v->pace));

	if (v->learn && rtnl_learn_is_stale(v->learn))
		at = clock_earlier(at, v->sync_at);
	loop_timer_set(v->timer, at);
}

/* After each reading. */
static void look(struct vnet *v, uint64_t now)
{
	uint64_t changes = rtnl_learn_changes(v->learn);

	if (rtnl_learn_syncs(v->learn) != v->syncs) {
		v->syncs = rtnl_learn_syncs(v->learn);
		v->sync_at = now + RESYNC_PAUSE;
	}
	if (rtnl_learn_is_known(v->learn) && changes != v->changes) {
		v->changes = changes;
		learned_pace_on_change(&v->pace, now);
	}
}

/* What was learned stays: it was right a moment ago. */
static void lose_socket(struct vnet *v, int error, uint64_t now)
{
	log_failure(v, "its routes cannot be followed", error);
	drop_socket(v);
	v->ask_at = now + ASK_PAUSE;
}

static void after_reading(struct vnet *v, int r)
{
	uint64_t now = loop_now(v->owner->params.loop);

	if (r < 0)
		lose_socket(v, r, now);
	else
		look(v, now);
	arm(v);
}

static void on_ready(void *arg, unsigned ready)
{
	struct vnet *v = arg;

	after_reading(v, rtnl_learn_read(v->learn));
}

static void on_timer(void *arg)
{
	struct vnet *v = arg;
	uint64_t now = loop_now(v->owner->params.loop);

	if (now >= v->ask_at)
		ask(v, now);
	if (v->learn && rtnl_learn_is_stale(v->learn) && now >= v->sync_at)
		after_reading(v, rtnl_learn_sync(v->learn));
	if (learned_pace_take(&v->pace, LEARNED_LOOKUP, now))
		renew_lookup(v, now);
	if (learned_pace_take(&v->pace, LEARNED_WORKERS, now))
		renew_workers(v);
	arm(v);
}

static const bool *wanted_protocols(bool wanted[256])
{
	memset(wanted, 0, 256 * sizeof(*wanted));
	for (size_t i = 0; i < PROTOCOLS; i++)
		wanted[protocols[i].number] = true;
	return wanted;
}

static int use_socket(struct vnet *v, int fd)
{
	bool wanted[256];
	int r = rtnl_learn_new(fd, v->table, wanted_protocols(wanted), &v->learn);

	if (r < 0)
		return r;
	v->io = loop_io_new(v->owner->params.loop, rtnl_learn_fd(v->learn), LOOP_READ, on_ready, v);
	if (!v->io) {
		drop_socket(v);
		return -ENOMEM;
	}
	v->error = 0;
	v->syncs = 0;
	v->changes = CLOCK_NEVER; /* whatever is there is another one */
	return rtnl_learn_sync(v->learn);
}

/* ---- following ---- */

static struct vnet *find_vnet(const struct learned *l, const char *name)
{
	struct vnet *v = l->vnets;

	while (v && strcmp(v->name, name) != 0)
		v = v->next;
	return v;
}

static bool is_asking(const struct vnet *v)
{
	return !v->learn && v->ask_at == CLOCK_NEVER;
}

/* Without memory the answer is taken for the successor's. */
static void owe(struct learned *l, const char *name)
{
	size_t size = strlen(name) + 1;
	struct owed *o = malloc(sizeof(*o) + size);

	if (!o)
		return;
	memcpy(o->name, name, size);
	o->next = l->owed;
	l->owed = o;
}

/* Answers come in the order of the questions. */
static bool take_owed(struct learned *l, const char *name)
{
	for (struct owed **p = &l->owed; *p; p = &(*p)->next) {
		struct owed *o = *p;

		if (strcmp(o->name, name) != 0)
			continue;
		*p = o->next;
		free(o);
		return true;
	}
	return false;
}

void learned_take(struct learned *l, const char *vnet, int fd_or_errno)
{
	struct vnet *v = find_vnet(l, vnet);
	uint64_t now = loop_now(l->params.loop);
	int r = fd_or_errno;

	if (take_owed(l, vnet) || !v || !is_asking(v)) {
		if (r >= 0)
			close(r);
		return;
	}
	if (r >= 0)
		r = use_socket(v, r);
	if (r < 0)
		lose_socket(v, r, now);
	else
		look(v, now);
	arm(v);
}

static void vnet_free(struct vnet *v)
{
	if (!v)
		return;
	drop_socket(v);
	loop_timer_free(v->timer);
	for (int i = 0; i < LEARNED_VIEWS; i++)
		snapshot_release(v->views[i]);
	free(v->own);
	free(v->netns);
	free(v->name);
	free(v);
}

/* NULL without memory. */
static struct vnet *vnet_new(struct learned *l, const char *name,
			     const struct learned_source *source)
{
	struct vnet *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->owner = l;
	v->name = strdup(name);
	v->netns = strdup(source->netns);
	v->table = source->table;
	v->pace = learned_pace_new();
	v->timer = loop_timer_new(l->params.loop, on_timer, v);
	if (v->name && v->netns && v->timer)
		return v;
	vnet_free(v);
	return NULL;
}

static void set_own(struct vnet *v, struct prefix *own, size_t n)
{
	bool is_same = v->own && n == v->n_own;

	for (size_t i = 0; is_same && i < n; i++)
		is_same = prefix_equal(&own[i], &v->own[i]);
	free(v->own);
	v->own = own;
	v->n_own = n;
	if (!is_same && v->learn && rtnl_learn_is_known(v->learn))
		learned_pace_on_change(&v->pace, loop_now(v->owner->params.loop));
}

int learned_follow(struct learned *l, const char *vnet, const struct learned_source *source)
{
	struct vnet *v = find_vnet(l, vnet);
	struct prefix *own;
	size_t n;
	int r = copy_own(source, &own, &n);

	if (r < 0)
		return r;
	if (v && (v->table != source->table || strcmp(v->netns, source->netns) != 0)) {
		learned_forget(l, vnet);
		v = NULL;
	}
	if (!v) {
		v = vnet_new(l, vnet, source);
		if (!v) {
			free(own);
			return -ENOMEM;
		}
		v->next = l->vnets;
		l->vnets = v;
		ask(v, loop_now(l->params.loop));
	}
	set_own(v, own, n);
	arm(v);
	return 0;
}

void learned_forget(struct learned *l, const char *vnet)
{
	for (struct vnet **p = &l->vnets; *p; p = &(*p)->next) {
		struct vnet *v = *p;

		if (strcmp(v->name, vnet) != 0)
			continue;
		*p = v->next;
		if (is_asking(v))
			owe(l, v->name);
		vnet_free(v);
		return;
	}
}

struct learned_routes learned_of(const struct learned *l, const char *vnet, enum learned_view view)
{
	const struct vnet *v = find_vnet(l, vnet);

	return v && v->views[view] ? v->views[view]->r : (struct learned_routes){0};
}

struct learned *learned_new(const struct learned_params *params)
{
	struct learned *l = calloc(1, sizeof(*l));

	if (l)
		l->params = *params;
	return l;
}

void learned_free(struct learned *l)
{
	struct vnet *v;
	struct owed *o;

	if (!l)
		return;
	while ((v = l->vnets)) {
		l->vnets = v->next;
		vnet_free(v);
	}
	while ((o = l->owed)) {
		l->owed = o->next;
		free(o);
	}
	free(l);
}

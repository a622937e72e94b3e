/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/bgp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sstp/base/log.h"
#include "sstp/base/sealed.h"
#include "sstp/control/prefix_list.h"

enum {
	ANNOUNCE_LEN_MIN = 2, /* of a custom route */
	LIST_MIN = 16,
};

/* What is announced, or to be. */
struct list {
	struct prefix *prefixes; /* owned */
	size_t n, cap;
};

struct vnet {
	struct vnet *next;
	char *name;
	char *netns;
	uint32_t table;
	uint32_t announce_table;
	bool is_seen;		/* in this run */
	uint64_t unknown_since; /* CLOCK_NEVER: it is known how its gateway is */
	bool is_told;		/* to the parent, and not refused */
	uint64_t retry_at;
	struct list announced;
	char refusal[PARENT_TEXT_MAX + 1];
};

struct bgp {
	struct bgp_params params;
	struct learned *learned;
	struct loop_timer *timer;
	uint64_t due;	   /* of the timer */
	uint64_t earliest; /* of the next run */
	struct vnet *vnets;
};

/* ---- lists ---- */

static void list_done(struct list *l)
{
	free(l->prefixes);
	*l = (struct list){0};
}

static int list_add(struct list *l, const struct prefix *p)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : LIST_MIN;
		struct prefix *prefixes = realloc(l->prefixes, cap * sizeof(*prefixes));

		if (!prefixes)
			return -ENOMEM;
		l->prefixes = prefixes;
		l->cap = cap;
	}
	l->prefixes[l->n++] = *p;
	return 0;
}

/* Those of a JSON list that are some. */
static int list_add_texts(struct list *l, const char *json)
{
	json_t *texts = json_loads(json, 0, NULL);
	struct prefix p;
	int r = 0;

	for (size_t i = 0; i < json_array_size(texts) && r == 0; i++) {
		const char *text = json_string_value(json_array_get(texts, i));

		if (text && prefix_parse(text, &p) == 0)
			r = list_add(l, &p);
	}
	json_decref(texts);
	return r;
}

static int by_prefix(const void *a, const void *b)
{
	return learned_compare(a, b);
}

static void list_sort(struct list *l)
{
	size_t n = 0;

	if (!l->n)
		return;
	qsort(l->prefixes, l->n, sizeof(*l->prefixes), by_prefix);
	for (size_t i = 0; i < l->n; i++)
		if (n == 0 || !prefix_equal(&l->prefixes[n - 1], &l->prefixes[i]))
			l->prefixes[n++] = l->prefixes[i];
	l->n = n;
}

static bool list_equal(const struct list *a, const struct list *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!prefix_equal(&a->prefixes[i], &b->prefixes[i]))
			return false;
	return true;
}

/* ---- what is to be announced ---- */

/* Columns of the query. */
enum {
	NAME,
	NETNS,
	TABLE,
	ANNOUNCE_TABLE,
	SPACES,
	POOLS,
	CUSTOM,
	HOSTS,
	WHY,
};

static const char gateways_sql[] =
	"SELECT v.name, v.attach_netns, g.bgp_table, iif(g.announce_table, g.announce_table, 8400 "
	"+ v.id),"
	" v.spaces, g.pools, g.custom_routes, g.announce_hosts, u.why FROM gateway g"
	" JOIN vnet v ON v.id = g.vnet_id LEFT JOIN gateway_state u ON u.vnet = v.name"
	" WHERE g.gateway_type = 'Vpn' AND g.enable_bgp AND v.source <> 'gone'";

static const char hosts_sql[] =
	"SELECT address FROM session WHERE ended IS NULL AND vnet = :vnet LIMIT :max";

/* The session's addresses; they are IPv4 numbers in the store. */
static int add_hosts(struct bgp *b, const struct vnet *v, struct list *l, struct certs_error *e)
{
	const struct store_value values[] = {
		{.name = ":vnet", .text = v->name},
		{.name = ":max", .number = PARENT_ANNOUNCE_MAX, .is_number = true}};
	struct store_query *q;
	int r = store_query(model_store(b->params.model), hosts_sql, values, 2, &q, e);

	if (r < 0)
		return r;
	while ((r = store_query_next(q, e)) > 0) {
		uint32_t address = htonl((uint32_t)store_query_number(q, 0));
		struct prefix p = {.family = AF_INET, .len = 32};

		memcpy(p.addr, &address, sizeof(address));
		if (address && list_add(l, &p) < 0) {
			r = certs_fail(e, -ENOMEM, "out of memory");
			break;
		}
	}
	store_query_end(q);
	return r;
}

/* In order, the first learned one that is not before p, if any, is the only one to begin within it. */
static bool overlaps_learned(const struct learned_routes *r, const struct prefix *p)
{
	size_t low = 0, high = r->n;

	if (learned_cover(r, p))
		return true;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (learned_compare(&r->routes[mid].dst, p) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < r->n && prefix_covers(p, &r->routes[low].dst);
}

static int add_custom(const struct bgp *b, const struct vnet *v, const char *json, struct list *l)
{
	struct learned_routes learned = learned_of(b->learned, v->name, LEARNED_LOOKUP);
	struct list custom = {0};
	int r = list_add_texts(&custom, json);

	for (size_t i = 0; i < custom.n && r == 0; i++) {
		const struct prefix *p = &custom.prefixes[i];

		if (p->len >= ANNOUNCE_LEN_MIN && !overlaps_learned(&learned, p))
			r = list_add(l, p);
	}
	list_done(&custom);
	return r;
}

/* Fills l, which is empty, as far as the gateway is up. 0 or -errno. */
static int collect(struct bgp *b, const struct vnet *v, struct store_query *row, struct list *l,
		   struct certs_error *e)
{
	size_t n;
	int r = list_add_texts(l, store_query_text(row, SPACES));

	if (r == 0)
		r = list_add_texts(l, store_query_text(row, POOLS));
	if (r == 0)
		r = add_custom(b, v, store_query_text(row, CUSTOM), l);
	if (r < 0)
		return certs_fail(e, r, "out of memory");
	n = l->n;
	if (store_query_number(row, HOSTS))
		r = add_hosts(b, v, l, e);
	if (l->n > PARENT_ANNOUNCE_MAX)
		l->n = n;
	list_sort(l);
	return r;
}

/* ---- telling the parent ---- */

static int send_list(struct bgp *b, const struct vnet *v, const struct list *l)
{
	struct parent_msg m = {
		.kind = PARENT_ANNOUNCE,
		.announce = {.vnet = v->name, .netns = v->netns, .table = v->announce_table}};
	uint8_t *bytes;
	size_t len;
	int fd, r = prefix_list_encode(l->prefixes, l->n, &bytes, &len);

	if (r < 0)
		return r;
	fd = sealed_new("announced", bytes, len);
	free(bytes);
	if (fd < 0)
		return fd;
	r = b->params.ask(b->params.arg, &m, &fd);
	close(fd);
	return r;
}

/* Takes l. */
static void announce(struct bgp *b, struct vnet *v, struct list *l, uint64_t now)
{
	int r;

	if (list_equal(l, &v->announced) && (v->is_told || now < v->retry_at)) {
		list_done(l);
		return;
	}
	r = send_list(b, v, l);
	v->is_told = r == 0;
	v->retry_at = now + BGP_RETRY;
	if (r < 0)
		log_error("virtual network %s: what is to be announced cannot be told: %s", v->name,
			  strerror(-r));
	list_done(&v->announced);
	v->announced = *l;
}

/* ---- one run ---- */

static struct vnet *find_vnet(const struct bgp *b, const char *name)
{
	struct vnet *v = b->vnets;

	while (v && strcmp(v->name, name) != 0)
		v = v->next;
	return v;
}

static void vnet_free(struct vnet *v)
{
	list_done(&v->announced);
	free(v->name);
	free(v->netns);
	free(v);
}

/* NULL without memory. */
static struct vnet *ensure_vnet(struct bgp *b, const char *name, uint64_t now)
{
	struct vnet *v = find_vnet(b, name);

	if (v)
		return v;
	v = calloc(1, sizeof(*v));
	if (!v)
		return NULL;
	v->name = strdup(name);
	v->netns = strdup("");
	v->unknown_since = now;
	if (!v->name || !v->netns) {
		vnet_free(v);
		return NULL;
	}
	v->next = b->vnets;
	b->vnets = v;
	return v;
}

/* Another place has to be told, whatever is announced. 0 or -ENOMEM. */
static int set_place(struct vnet *v, struct store_query *row)
{
	const char *netns = store_query_text(row, NETNS);
	uint32_t table = (uint32_t)store_query_number(row, ANNOUNCE_TABLE);
	char *copy;

	v->table = (uint32_t)store_query_number(row, TABLE);
	if (v->announce_table == table && strcmp(v->netns, netns) == 0)
		return 0;
	copy = strdup(netns);
	if (!copy)
		return -ENOMEM;
	free(v->netns);
	v->netns = copy;
	v->announce_table = table;
	v->is_told = false;
	v->retry_at = 0;
	return 0;
}

static int follow(struct bgp *b, const struct vnet *v, struct store_query *row)
{
	struct list own = {0};
	int r = list_add_texts(&own, store_query_text(row, SPACES));

	if (r == 0)
		r = list_add_texts(&own, store_query_text(row, POOLS));
	if (r == 0)
		r = learned_follow(b->learned, v->name,
				   &(struct learned_source){.netns = v->netns,
							    .table = v->table,
							    .own = own.prefixes,
							    .n_own = own.n});
	list_done(&own);
	return r;
}

/* True: it is known how the gateway is, or it has been unknown for too long. */
static bool is_decided(struct vnet *v, bool is_known, uint64_t now)
{
	if (is_known)
		v->unknown_since = CLOCK_NEVER;
	else if (v->unknown_since == CLOCK_NEVER)
		v->unknown_since = now;
	return is_known || now >= v->unknown_since + BGP_GRACE;
}

static int take_gateway(struct bgp *b, struct store_query *row, uint64_t now, struct certs_error *e)
{
	struct vnet *v = ensure_vnet(b, store_query_text(row, NAME), now);
	const char *why = store_query_text(row, WHY);
	struct list l = {0};
	int r = v ? set_place(v, row) : -ENOMEM;

	if (r == 0)
		r = follow(b, v, row);
	if (r < 0)
		return certs_fail(e, r, "virtual network %s: %s", store_query_text(row, NAME),
				  strerror(-r));
	v->is_seen = true;
	if (!is_decided(v, why != NULL, now))
		return 0;
	if (why && !*why)
		r = collect(b, v, row, &l, e);
	if (r < 0)
		list_done(&l);
	else
		announce(b, v, &l, now);
	return r;
}

static int take_gateways(struct bgp *b, uint64_t now, struct certs_error *e)
{
	struct store_query *q;
	int r = store_query(model_store(b->params.model), gateways_sql, NULL, 0, &q, e);

	if (r < 0)
		return r;
	while ((r = store_query_next(q, e)) > 0) {
		r = take_gateway(b, q, now, e);
		if (r < 0)
			break;
	}
	store_query_end(q);
	return r;
}

/* Those that have no BGP any more. */
static void drop_unseen(struct bgp *b, uint64_t now)
{
	struct vnet **p = &b->vnets;

	while (*p) {
		struct vnet *v = *p;
		struct list none = {0};

		if (!v->is_seen) {
			learned_forget(b->learned, v->name);
			announce(b, v, &none, now);
		}
		if (v->is_seen || !v->is_told) {
			p = &v->next;
			continue;
		}
		*p = v->next;
		vnet_free(v);
	}
}

/* When something is to be done that nobody will say. */
static uint64_t next_of(const struct vnet *v, uint64_t now)
{
	if (v->unknown_since != CLOCK_NEVER && now < v->unknown_since + BGP_GRACE)
		return v->unknown_since + BGP_GRACE;
	return v->is_told ? CLOCK_NEVER : v->retry_at;
}

static void arm(struct bgp *b, uint64_t at)
{
	b->due = at;
	loop_timer_set(b->timer, at);
}

static void on_timer(void *arg)
{
	struct bgp *b = arg;
	uint64_t now = loop_now(b->params.loop);
	uint64_t next = CLOCK_NEVER;
	struct certs_error e;

	b->earliest = now + BGP_PAUSE;
	for (struct vnet *v = b->vnets; v; v = v->next)
		v->is_seen = false;
	if (take_gateways(b, now, &e) < 0) {
		log_error("what is announced and learned stays as it was: %s", e.text);
		next = now + BGP_RETRY;
	} else {
		drop_unseen(b, now);
	}
	for (const struct vnet *v = b->vnets; v; v = v->next)
		next = clock_earlier(next, next_of(v, now));
	arm(b, next < b->earliest ? b->earliest : next);
}

void bgp_touch(struct bgp *b)
{
	uint64_t at = loop_now(b->params.loop) + BGP_GATHER;

	if (at < b->earliest)
		at = b->earliest;
	if (at < b->due)
		arm(b, at);
}

/* ---- the parent ---- */

static int ask_for_socket(void *arg, const char *vnet, const char *netns)
{
	struct bgp *b = arg;
	struct parent_msg m = {.kind = PARENT_LEARN, .learn = {.vnet = vnet, .netns = netns}};

	return b->params.ask(b->params.arg, &m, NULL);
}

static void on_announced(struct bgp *b, const struct parent_announced *m)
{
	struct vnet *v = find_vnet(b, m->vnet);

	if (!v)
		return;
	if (m->error) {
		if (strcmp(v->refusal, m->text) != 0)
			log_error("virtual network %s is not announced: %s", v->name, m->text);
		v->is_told = false;
		v->retry_at = loop_now(b->params.loop) + BGP_RETRY;
		bgp_touch(b);
	}
	snprintf(v->refusal, sizeof(v->refusal), "%s", m->error ? m->text : "");
}

void bgp_on_parent(struct bgp *b, const struct parent_msg *m, struct msgsock_fds *fds)
{
	if (m->kind == PARENT_LEARN_SOCKET)
		learned_take(b->learned, m->learn_socket.vnet,
			     m->learn_socket.error ? m->learn_socket.error : msgsock_take_fd(fds));
	else if (m->kind == PARENT_ANNOUNCED)
		on_announced(b, &m->announced);
}

/* ---- asking ---- */

static void on_learned(void *arg, const char *vnet, enum learned_view view)
{
	struct bgp *b = arg;

	if (view == LEARNED_LOOKUP)
		bgp_touch(b); /* custom routes may be on-premises' own now */
	if (b->params.on_learned)
		b->params.on_learned(b->params.arg, vnet, view);
}

const struct learned *bgp_learned(const struct bgp *b)
{
	return b->learned;
}

int bgp_state(const struct bgp *b, const char *vnet, struct bgp_state *ret_state)
{
	const struct vnet *v = find_vnet(b, vnet);

	if (!v)
		return -ENOENT;
	*ret_state = (struct bgp_state){.table = v->table,
					.announce_table = v->announce_table,
					.netns = v->netns,
					.announced = v->announced.prefixes,
					.n_announced = v->announced.n,
					.refusal = v->refusal};
	return 0;
}

/* ---- life ---- */

struct bgp *bgp_new(const struct bgp_params *params)
{
	struct bgp *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->params = *params;
	b->due = CLOCK_NEVER;
	b->timer = loop_timer_new(params->loop, on_timer, b);
	b->learned = learned_new(&(struct learned_params){
		.loop = params->loop, .open = ask_for_socket, .on_change = on_learned, .arg = b});
	if (b->timer && b->learned)
		return b;
	bgp_free(b);
	return NULL;
}

void bgp_free(struct bgp *b)
{
	struct vnet *v;

	if (!b)
		return;
	learned_free(b->learned);
	while ((v = b->vnets)) {
		b->vnets = v->next;
		vnet_free(v);
	}
	loop_timer_free(b->timer);
	free(b);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/push.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/base/log.h"
#include "sstp/control/model_internal.h"
#include "sstp/control/msg_site.h"

enum {
	BATCH = 1024, /* ids that are read before anything is done about them */
	DIGEST_MAX = 65,
	LEASES = 512, /* of a message */
};

struct push {
	struct push_params params;
	bool is_known;		     /* a data plane listens */
	bool is_fresh;		     /* it has not even been told SITE_BEGIN */
	bool is_whole;		     /* it is being told all: SITE_END is to come */
	struct store_value after[3]; /* the lease that was told of last: VNet, time, address */
	size_t bytes;		     /* told in this run */
};

/* ---- what was touched, and what was told ---- */

#define TOUCH_1(table, value)                                        \
	"INSERT INTO " table " SELECT " value " WHERE " value " NOT" \
	" IN (SELECT id FROM " table "); "
#define TOUCH_NAMED(name)                                                 \
	"INSERT INTO changed_vnet SELECT id FROM vnet WHERE name = " name \
	" AND id NOT IN (SELECT id FROM changed_vnet); "
#define TOUCH_PEERS_OF(name)                                                                 \
	"INSERT INTO changed_vnet SELECT DISTINCT vnet_id FROM peering WHERE remote = " name \
	" AND vnet_id NOT IN (SELECT id FROM changed_vnet); "
#define TOUCH_ROUTE(row)                                                                         \
	"INSERT INTO changed_route SELECT " row ".plan_id, " row ".vnet_id WHERE NOT EXISTS"     \
	" (SELECT 1 FROM changed_route x WHERE x.plan_id = " row ".plan_id AND x.vnet_id = " row \
	".vnet_id); "
#define ON(event, table, touch)                                                       \
	"CREATE TEMP TRIGGER push_" table "_" event " AFTER " event " ON main." table \
	" BEGIN " touch "END;"

/* An app's id may be another app's afterwards, so names are kept with what was told. */
static const char schema[] =
	"CREATE TEMP TABLE changed_app (id INTEGER PRIMARY KEY);"
	"CREATE TEMP TABLE changed_plan (id INTEGER PRIMARY KEY);"
	"CREATE TEMP TABLE changed_vnet (id INTEGER PRIMARY KEY);"
	"CREATE TEMP TABLE spread_vnet (id INTEGER PRIMARY KEY);"   /* its connections are known */
	"CREATE TEMP TABLE changed_table (id INTEGER PRIMARY KEY);" /* of a VNet */
	"CREATE TEMP TABLE changed_route (plan_id INTEGER, vnet_id INTEGER,"
	"  PRIMARY KEY (plan_id, vnet_id)) WITHOUT ROWID;"
	"CREATE TEMP TABLE told_app (id INTEGER PRIMARY KEY, name TEXT, vnet TEXT, digest TEXT);"
	"CREATE TEMP TABLE told_vnet (id INTEGER PRIMARY KEY, name TEXT, vnet TEXT, digest TEXT);"
	"CREATE TEMP TABLE told_table (id INTEGER PRIMARY KEY, digest TEXT);"
	"CREATE INDEX temp.told_app_name ON told_app (name);"

	/* clang-format off */
	ON("INSERT", "connection", TOUCH_1("changed_app", "new.app_id"))
	ON("UPDATE", "connection", TOUCH_1("changed_app", "new.app_id"))
	ON("DELETE", "connection", TOUCH_1("changed_app", "old.app_id"))
	ON("UPDATE", "app",        TOUCH_1("changed_app", "new.id"))
	ON("UPDATE", "plan",       TOUCH_1("changed_plan", "new.id"))
	ON("INSERT", "route",      TOUCH_ROUTE("new"))
	ON("UPDATE", "route",      TOUCH_ROUTE("new"))
	ON("DELETE", "route",      TOUCH_ROUTE("old"))
	ON("INSERT", "vnet",       TOUCH_1("changed_vnet", "new.id"))
	ON("UPDATE", "vnet",       TOUCH_1("changed_vnet", "new.id"))
	ON("DELETE", "vnet",       TOUCH_1("changed_vnet", "old.id") TOUCH_PEERS_OF("old.name"))
	ON("INSERT", "gateway",    TOUCH_1("changed_vnet", "new.vnet_id"))
	ON("UPDATE", "gateway",    TOUCH_1("changed_vnet", "new.vnet_id"))
	ON("DELETE", "gateway",    TOUCH_1("changed_vnet", "old.vnet_id"))
	ON("INSERT", "peering",    TOUCH_1("changed_vnet", "new.vnet_id") TOUCH_NAMED("new.remote"))
	ON("UPDATE", "peering",    TOUCH_1("changed_vnet", "new.vnet_id") TOUCH_NAMED("new.remote")
	                           TOUCH_NAMED("old.remote"))
	ON("DELETE", "peering",    TOUCH_1("changed_vnet", "old.vnet_id") TOUCH_NAMED("old.remote"))
	/* clang-format on */
	;

/* The connections that have to do with what was touched. */
static const char *const spread[] = {
	"INSERT INTO changed_app SELECT c.app_id FROM changed_route x JOIN app a"
	" ON a.plan_id = x.plan_id JOIN connection c ON c.app_id = a.id AND c.vnet_id = x.vnet_id"
	" WHERE c.app_id NOT IN (SELECT id FROM changed_app)",
	"DELETE FROM changed_route",
	"INSERT INTO changed_app SELECT c.app_id FROM changed_plan x JOIN app a ON a.plan_id = x.id"
	" JOIN connection c ON c.app_id = a.id WHERE c.app_id NOT IN (SELECT id FROM changed_app)",
	"DELETE FROM changed_plan",
	"INSERT INTO changed_app SELECT c.app_id FROM changed_vnet x JOIN connection c"
	" ON c.vnet_id = x.id WHERE c.app_id NOT IN (SELECT id FROM changed_app)",
	"INSERT OR IGNORE INTO spread_vnet SELECT id FROM changed_vnet",
	/* a table has to do with every VNet that peerings lead to */
	"INSERT OR IGNORE INTO changed_table WITH RECURSIVE link (a, b) AS ("
	"  SELECT p.vnet_id, r.id FROM peering p JOIN vnet r ON r.name = p.remote"
	"  UNION SELECT r.id, p.vnet_id FROM peering p JOIN vnet r ON r.name = p.remote),"
	" reach (id) AS (SELECT id FROM changed_vnet"
	"  UNION SELECT link.b FROM reach JOIN link ON link.a = reach.id) SELECT id FROM reach",
	/* and so have the connections of those that propagate them */
	"INSERT INTO changed_app SELECT c.app_id FROM changed_table x JOIN gateway g"
	" ON g.vnet_id = x.id AND g.propagate_peerings JOIN connection c ON c.vnet_id = x.id"
	" WHERE EXISTS (SELECT 1 FROM changed_vnet)"
	" AND c.app_id NOT IN (SELECT id FROM changed_app)",
	"DELETE FROM changed_vnet",
};

static const char *const all[] = {
	"DELETE FROM told_app",
	"DELETE FROM told_vnet",
	"DELETE FROM told_table",
	"DELETE FROM changed_app",
	"DELETE FROM changed_plan",
	"DELETE FROM changed_route",
	"DELETE FROM changed_vnet",
	"DELETE FROM spread_vnet",
	"DELETE FROM changed_table",
	"INSERT INTO changed_app SELECT app_id FROM connection",
	"INSERT INTO spread_vnet SELECT id FROM vnet",
	"INSERT INTO changed_table SELECT id FROM vnet",
};

static const char *const done[] = {"DELETE FROM spread_vnet"};

static struct store_value number(const char *name, int64_t value)
{
	return (struct store_value){.name = name, .number = value, .is_number = true};
}

static struct store *store_of(const struct push *p)
{
	return p->params.model->store;
}

static int run_all(struct push *p, const char *const *sql, size_t n, struct certs_error *e)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < n; i++)
		r = store_run(store_of(p), sql[i], NULL, 0, e);
	return r < 0 ? r : 0;
}

#define RUN_ALL(p, list, e) run_all(p, list, sizeof(list) / sizeof((list)[0]), e)

int push_new(const struct push_params *params, struct push **ret_push,
	     struct certs_error *ret_error)
{
	struct push *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return certs_fail(ret_error, -ENOMEM, "out of memory");
	p->params = *params;
	r = store_script(store_of(p), schema, ret_error);
	if (r < 0)
		push_free(p);
	else
		*ret_push = p;
	return r;
}

void push_free(struct push *p)
{
	free(p);
}

int push_restart(struct push *p, struct certs_error *ret_error)
{
	p->is_known = true;
	p->is_fresh = true;
	p->is_whole = true;
	p->after[0] = number(":vnet", -1);
	p->after[1] = number(":at", 0);
	p->after[2] = number(":address", 0);
	return RUN_ALL(p, all, ret_error);
}

/* What was told is compared with what is, so what has not changed is not told again. */
int push_touch_all(struct push *p, struct certs_error *ret_error)
{
	static const char *const touch[] = {
		"INSERT OR IGNORE INTO changed_app SELECT app_id FROM connection"
		" UNION SELECT id FROM told_app",
		"INSERT OR IGNORE INTO changed_vnet SELECT id FROM vnet"
		" UNION SELECT id FROM told_vnet",
	};

	return RUN_ALL(p, touch, ret_error);
}

/* ---- sending ---- */

/* Takes frame. */
static int send_frame(struct push *p, uint8_t *frame, size_t len, struct certs_error *e)
{
	int r = p->params.send(p->params.arg, frame, len);

	if (r < 0)
		return certs_fail(e, r, "the data plane takes no more: %s", strerror(-r));
	p->bytes += len;
	return 0;
}

static int send_name(struct push *p, enum msg_kind kind, const char *name, struct certs_error *e)
{
	uint8_t *frame;
	size_t len;
	int r = msg_name_encode(kind, name, &frame, &len);

	return r < 0 ? certs_fail(e, r, "out of memory") : send_frame(p, frame, len, e);
}

/* One thing, with what it takes to be told of: a VNet, or an app's connection. */
struct thing {
	int64_t id;
	const char *told; /* the table's statements */
	const char *keep;
	const char *forget;
	const char *same_name;
	enum msg_kind gone;
};

static const struct thing app_thing = {
	.told = "SELECT name, vnet, digest FROM told_app WHERE id = :id",
	.keep = "INSERT OR REPLACE INTO told_app VALUES (:id, :name, :vnet, :digest)",
	.forget = "DELETE FROM told_app WHERE id = :id",
	.same_name = "SELECT 1 FROM told_app WHERE name = :name AND id <> :id",
	.gone = MSG_CONNECTION_GONE,
};

static const struct thing vnet_thing = {
	.told = "SELECT name, vnet, digest FROM told_vnet WHERE id = :id",
	.keep = "INSERT OR REPLACE INTO told_vnet VALUES (:id, :name, :vnet, :digest)",
	.forget = "DELETE FROM told_vnet WHERE id = :id",
	.same_name = "SELECT 1 FROM told_vnet WHERE name = :name AND id <> :id",
	.gone = MSG_VNET_GONE,
};

/* What was told of it last; name "": nothing. */
struct told {
	char name[MSG_NAME_MAX + 1];
	char vnet[MSG_NAME_MAX + 1];
	char digest[DIGEST_MAX];
};

static int read_told(struct push *p, const struct thing *t, struct told *ret_told,
		     struct certs_error *e)
{
	const struct store_value id = number(":id", t->id);
	struct store_query *q;
	int r = store_query(store_of(p), t->told, &id, 1, &q, e);

	*ret_told = (struct told){.name = ""};
	if (r < 0)
		return r;
	r = store_query_next(q, e);
	if (r > 0) {
		snprintf(ret_told->name, sizeof(ret_told->name), "%s", store_query_text(q, 0));
		snprintf(ret_told->vnet, sizeof(ret_told->vnet), "%s", store_query_text(q, 1));
		snprintf(ret_told->digest, sizeof(ret_told->digest), "%s", store_query_text(q, 2));
	}
	store_query_end(q);
	return r < 0 ? r : 0;
}

static int tell_gone(struct push *p, const struct thing *t, const struct told *told,
		     struct certs_error *e)
{
	const struct store_value id = number(":id", t->id);
	int r = *told->name ? send_name(p, t->gone, told->name, e) : 0;

	return r == 0 ? store_run(store_of(p), t->forget, &id, 1, e) : r;
}

static bool digest_of(const uint8_t *frame, size_t len, char ret_digest[DIGEST_MAX])
{
	unsigned char hash[32];

	if (EVP_Digest(frame, len, hash, NULL, EVP_sha256(), NULL) != 1)
		return false;
	for (size_t i = 0; i < sizeof(hash); i++)
		snprintf(ret_digest + 2 * i, 3, "%02x", hash[i]);
	return true;
}

static int keep(struct push *p, const struct thing *t, const struct told *told,
		struct certs_error *e)
{
	const struct store_value values[] = {
		number(":id", t->id),
		{.name = ":name", .text = told->name},
		{.name = ":vnet", .text = told->vnet},
		{.name = ":digest", .text = told->digest},
	};
	int r = store_run(store_of(p), t->keep, values, 4, e);

	return r < 0 ? r : 0;
}

/* Takes frame, which says what now is; tells it unless that was told last. */
static int tell(struct push *p, const struct thing *t, const char *name, const char *vnet,
		uint8_t *frame, size_t len, struct certs_error *e)
{
	struct told before;
	struct told now;
	int r = read_told(p, t, &before, e);

	snprintf(now.name, sizeof(now.name), "%s", name);
	snprintf(now.vnet, sizeof(now.vnet), "%s", vnet);
	if (r == 0 && !digest_of(frame, len, now.digest))
		r = certs_fail(e, -ENOMEM, "out of memory");
	if (r == 0 && (strcmp(before.name, name) != 0 || strcmp(before.vnet, vnet) != 0))
		r = tell_gone(p, t, &before, e);
	if (r < 0 || strcmp(before.digest, now.digest) == 0) {
		msg_frame_free(frame, len);
		return r < 0 ? r : 0;
	}
	r = send_frame(p, frame, len, e);
	return r == 0 ? keep(p, t, &now, e) : r;
}

/* Another thing has been told of by its name since: that it is gone, would be said of that one. */
static int is_name_taken(struct push *p, const struct thing *t, const char *name,
			 struct certs_error *e)
{
	const struct store_value values[] = {number(":id", t->id), {.name = ":name", .text = name}};
	struct store_query *q;
	int r = store_query(store_of(p), t->same_name, values, 2, &q, e);

	if (r < 0)
		return r;
	r = store_query_next(q, e);
	store_query_end(q);
	return r;
}

/* It is not there: is that news? */
static int tell_absence(struct push *p, const struct thing *t, struct certs_error *e)
{
	struct told before;
	int r = read_told(p, t, &before, e);

	if (r == 0)
		r = is_name_taken(p, t, before.name, e);
	if (r > 0)
		before.name[0] = '\0';
	return r < 0 ? r : tell_gone(p, t, &before, e);
}

/* ---- connections ---- */

/* What cannot be a message is left out, and said: the rest must not wait for it. */
static int unencodable(const char *what, const char *name, int error, struct certs_error *e)
{
	if (error == -ENOMEM)
		return certs_fail(e, error, "out of memory");
	log_error("%s %s cannot be told to the data plane: %s", what, name, strerror(-error));
	return 0;
}

static int push_app(struct push *p, int64_t id, struct certs_error *e)
{
	struct thing t = app_thing;
	struct msg_connection m;
	struct network n;
	uint8_t *frame;
	size_t len;
	int r = networks_read(p->params.networks, id, &n, e);

	t.id = id;
	if (r <= 0)
		return r < 0 ? r : tell_absence(p, &t, e);
	m = (struct msg_connection){.app = n.app,
				    .vnet = n.vnet,
				    .refusal = n.refusal,
				    .routes = n.routes,
				    .n_routes = n.n_routes,
				    .description = n.description};
	memcpy(m.dns_be, n.dns_be, sizeof(m.dns_be));
	r = msg_connection_encode(&m, &frame, &len);
	if (r < 0)
		return unencodable("the connection of app", n.app, r, e);
	return tell(p, &t, n.app, n.vnet, frame, len, e);
}

/* ---- VNets ---- */

/* One that no client could come to is none. */
#define SERVED                                                                               \
	" FROM vnet v JOIN gateway g ON g.vnet_id = v.id AND g.gateway_type = 'Vpn'"         \
	" WHERE v.id = :id AND g.vpn_type = 'RouteBased' AND json_array_length(g.pools) > 0" \
	" AND EXISTS (SELECT 1 FROM json_each(g.protocols) WHERE value = 'SSTP')"

/* Those of gateway.yaml the data plane knows by itself. */
static const char vnet_sql[] =
	"SELECT v.name, v.device, v.tunnel_address, json_object('spaces', json(v.spaces), 'dns',"
	" json(v.dns), 'pools', json(g.pools), 'domains', json(v.search_domains)),"
	" v.attach_netns" SERVED " AND v.source = 'api'";

static size_t texts_of(const json_t *json, const char *key, const char **texts, size_t max)
{
	const json_t *list = json_object_get(json, key);
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(list) && n < max; i++)
		texts[n++] = json_string_value(json_array_get(list, i));
	return n;
}

static int tell_vnet(struct push *p, const struct thing *t, struct store_query *row,
		     struct certs_error *e)
{
	struct msg_site_vnet *m = calloc(1, sizeof(*m));
	json_t *json = json_loads(store_query_text(row, 3), 0, NULL);
	struct msg_vnet *v = m ? &m->vnet : NULL;
	uint8_t *frame;
	size_t len;
	int r = -ENOMEM;

	if (m && json) {
		v->name = store_query_text(row, 0);
		m->device = store_query_text(row, 1);
		v->netns = store_query_text(row, 4);
		v->gateway = store_query_text(row, 2);
		v->n_spaces = texts_of(json, "spaces", v->spaces, MSG_SPACES_MAX);
		v->n_dns = texts_of(json, "dns", v->dns, MSG_SERVERS_MAX);
		v->n_domains = texts_of(json, "domains", v->domains, MSG_DOMAINS_MAX);
		v->n_pools = texts_of(json, "pools", v->pools, MSG_POOLS_MAX);
		r = msg_site_vnet_encode(m, &frame, &len);
	}
	if (r < 0)
		r = unencodable("virtual network", store_query_text(row, 0), r, e);
	else
		r = tell(p, t, v->name, "", frame, len, e);
	json_decref(json);
	free(m);
	return r;
}

/* gone: those that are not there, and nothing else; otherwise those that are. */
static int push_vnet(struct push *p, int64_t id, bool gone, struct certs_error *e)
{
	struct thing t = vnet_thing;
	const struct store_value value = number(":id", id);
	struct store_query *row;
	size_t before = p->bytes;
	int r = store_query(store_of(p), vnet_sql, &value, 1, &row, e);
	int found;

	if (r < 0)
		return r;
	t.id = id;
	found = r = store_query_next(row, e);
	if (found > 0 && !gone)
		r = tell_vnet(p, &t, row, e);
	store_query_end(row);
	if (found == 0 && gone)
		r = tell_absence(p, &t, e);
	if (r >= 0 && p->bytes != before) /* it has no table yet, or none any more */
		r = store_run(store_of(p), "DELETE FROM told_table WHERE id = :id", &value, 1, e);
	return r < 0 ? r : 0;
}

/* ---- what a VNet's clients may reach ---- */

static int send_part(struct push *p, const struct msg_vnet_routes *m, struct certs_error *e)
{
	uint8_t *frame;
	size_t len;
	int r = msg_vnet_routes_encode(m, &frame, &len);

	return r < 0 ? unencodable("a table of virtual network", m->vnet, r, e)
		     : send_frame(p, frame, len, e);
}

static int send_table(struct push *p, const char *vnet, const struct msg_route *list, size_t n,
		      struct certs_error *e)
{
	size_t at = 0;
	int r;

	do {
		size_t some = n - at < MSG_VNET_ROUTES_MAX ? n - at : MSG_VNET_ROUTES_MAX;
		bool is_first = at == 0;
		bool is_last = at + some == n;
		const struct msg_vnet_routes m = {
			.vnet = vnet,
			.part = is_first && is_last ? MSG_PART_ONLY
				: is_first	    ? MSG_PART_FIRST
				: is_last	    ? MSG_PART_LAST
						    : MSG_PART_MIDDLE,
			.routes = list + at,
			.n_routes = some,
		};

		r = send_part(p, &m, e);
		at += some;
	} while (r == 0 && at < n);
	return r;
}

/* 1: this digest was told last. */
static int is_table_told(struct push *p, int64_t id, const char *digest, struct certs_error *e)
{
	const struct store_value values[] = {number(":id", id),
					     {.name = ":digest", .text = digest}};
	struct store_query *q;
	int r = store_query(store_of(p),
			    "SELECT 1 FROM told_table WHERE id = :id AND digest = :digest", values,
			    2, &q, e);

	if (r < 0)
		return r;
	r = store_query_next(q, e);
	store_query_end(q);
	return r;
}

static int tell_table(struct push *p, int64_t id, const char *vnet, const struct msg_route *list,
		      size_t n, struct certs_error *e)
{
	char digest[DIGEST_MAX];
	const struct store_value values[] = {number(":id", id),
					     {.name = ":digest", .text = digest}};
	int r;

	if (!digest_of((const uint8_t *)list, n * sizeof(*list), digest))
		return certs_fail(e, -ENOMEM, "out of memory");
	r = is_table_told(p, id, digest, e);
	if (r != 0)
		return r < 0 ? r : 0;
	r = send_table(p, vnet, list, n, e);
	if (r == 0)
		r = store_run(store_of(p),
			      "INSERT OR REPLACE INTO told_table VALUES (:id, :digest)", values, 2,
			      e);
	return r < 0 ? r : 0;
}

/* 1: the data plane serves it. */
static int is_served(struct push *p, int64_t id, struct certs_error *e)
{
	const struct store_value value = number(":id", id);
	struct store_query *q;
	int r = store_query(store_of(p), "SELECT 1" SERVED " AND v.source <> 'gone'", &value, 1, &q,
			    e);

	if (r < 0)
		return r;
	r = store_query_next(q, e);
	store_query_end(q);
	return r;
}

static int push_table(struct push *p, int64_t id, struct certs_error *e)
{
	struct effective *effective = networks_effective(p->params.networks);
	const struct effective_vnet *v;
	struct msg_route *list;
	size_t n;
	int r = is_served(p, id, e);

	if (r > 0)
		r = effective_vnet(effective, id, &v, e);
	if (r <= 0)
		return r;
	if (effective_table(v, &list, &n) < 0)
		return certs_fail(e, -ENOMEM, "out of memory");
	r = tell_table(p, id, v->vnet->name, list, n, e);
	free(list);
	return r;
}

/* ---- leases ---- */

/* Of one VNet at a time, the one whose owner has been away for longest first. */
static const char lease_sql[] =
	"SELECT l.vnet_id, l.at, l.address, l.owner, v.name FROM lease l JOIN vnet v"
	" ON v.id = l.vnet_id WHERE (l.vnet_id, l.at, l.address) > (:vnet, :at, :address)"
	" ORDER BY l.vnet_id, l.at, l.address";

/* A message's worth. */
struct leases {
	struct msg_leases m;
	struct msg_lease list[LEASES];
	char vnet[MSG_NAME_MAX + 1];
	char owners[LEASES][MSG_OWNER_MAX + 1];
	struct store_value last[3];
};

/* False: it belongs into another message. */
static bool take_lease(struct leases *l, struct store_query *q)
{
	size_t n = l->m.n_leases;

	if (n == LEASES || (n && strcmp(l->vnet, store_query_text(q, 4)) != 0))
		return false;
	snprintf(l->vnet, sizeof(l->vnet), "%s", store_query_text(q, 4));
	snprintf(l->owners[n], sizeof(l->owners[n]), "%s", store_query_text(q, 3));
	l->list[n] = (struct msg_lease){.address_be = htonl((uint32_t)store_query_number(q, 2)),
					.owner = l->owners[n]};
	for (int i = 0; i < 3; i++)
		l->last[i].number = store_query_number(q, i);
	l->m.n_leases++;
	return true;
}

/* How many; -errno. */
static int read_leases(struct push *p, struct leases *l, struct certs_error *e)
{
	struct store_query *q;
	int r = store_query(store_of(p), lease_sql, p->after, 3, &q, e);

	if (r < 0)
		return r;
	memcpy(l->last, p->after, sizeof(l->last));
	l->m = (struct msg_leases){.vnet = l->vnet, .leases = l->list};
	do
		r = store_query_next(q, e);
	while (r > 0 && take_lease(l, q));
	store_query_end(q);
	return r < 0 ? r : (int)l->m.n_leases;
}

static int send_leases(struct push *p, const struct leases *l, struct certs_error *e)
{
	uint8_t *frame;
	size_t len;
	int r = msg_leases_encode(&l->m, &frame, &len);

	if (r == 0)
		r = send_frame(p, frame, len, e);
	else
		r = unencodable("addresses in virtual network", l->vnet, r, e);
	if (r == 0)
		memcpy(p->after, l->last, sizeof(p->after));
	return r;
}

static int push_leases(struct push *p, struct certs_error *e)
{
	struct leases *l = malloc(sizeof(*l));
	int r;

	if (!l)
		return certs_fail(e, -ENOMEM, "out of memory");
	while ((r = read_leases(p, l, e)) > 0) {
		r = send_leases(p, l, e);
		if (r < 0)
			break;
	}
	free(l);
	return r;
}

/* ---- one run ---- */

/* How many ids; -errno. */
static int read_ids(struct push *p, const char *sql, int64_t after, int64_t ids[BATCH],
		    struct certs_error *e)
{
	const struct store_value value = number(":after", after);
	struct store_query *q;
	int n = 0;
	int r = store_query(store_of(p), sql, &value, 1, &q, e);

	if (r < 0)
		return r;
	while (n < BATCH && (r = store_query_next(q, e)) > 0)
		ids[n++] = store_query_number(q, 0);
	store_query_end(q);
	return r < 0 ? r : n;
}

/* Ids do not come back while they are worked on, so they are passed once, from the lowest on. */
static int push_vnets(struct push *p, bool gone, struct certs_error *e)
{
	static const char sql[] = "SELECT id FROM spread_vnet WHERE id > :after ORDER BY id";
	int64_t ids[BATCH];
	int64_t last = -1;
	int n;
	int r = 0;

	while ((n = read_ids(p, sql, last, ids, e)) > 0) {
		for (int i = 0; r == 0 && i < n; i++)
			r = push_vnet(p, ids[i], gone, e);
		if (r < 0)
			return r;
		last = ids[n - 1];
	}
	return n;
}

/* 1: enough for this run. */
static int push_tables(struct push *p, struct certs_error *e)
{
	static const char sql[] = "SELECT id FROM changed_table WHERE id > :after ORDER BY id";
	int64_t ids[BATCH];
	int n;

	while ((n = read_ids(p, sql, -1, ids, e)) > 0) {
		for (int i = 0; i < n; i++) {
			const struct store_value id = number(":id", ids[i]);
			int r = p->bytes > PUSH_BYTES_MAX ? 1 : push_table(p, ids[i], e);

			if (r == 0)
				r = store_run(store_of(p),
					      "DELETE FROM changed_table WHERE id = :id", &id, 1,
					      e);
			if (r < 0 || p->bytes > PUSH_BYTES_MAX)
				return r < 0 ? r : 1;
		}
	}
	return n;
}

/* 1: enough for this run. Neighbours have most in common (network.h). */
static int push_apps(struct push *p, struct certs_error *e)
{
	static const char sql[] =
		"SELECT x.id FROM changed_app x LEFT JOIN app a ON a.id = x.id LEFT JOIN"
		" connection c ON c.app_id = x.id ORDER BY a.plan_id, c.vnet_id,"
		" a.has_default_routes";
	int64_t ids[BATCH];
	int n;

	while ((n = read_ids(p, sql, 0, ids, e)) > 0) {
		for (int i = 0; i < n; i++) {
			const struct store_value id = number(":id", ids[i]);
			int r = p->bytes > PUSH_BYTES_MAX ? 1 : push_app(p, ids[i], e);

			if (r == 0)
				r = store_run(store_of(p), "DELETE FROM changed_app WHERE id = :id",
					      &id, 1, e);
			if (r < 0 || p->bytes > PUSH_BYTES_MAX)
				return r < 0 ? r : 1;
		}
	}
	return n;
}

static int begin_whole(struct push *p, struct certs_error *e)
{
	int r = p->is_fresh ? send_name(p, MSG_SITE_BEGIN, "", e) : 0;

	if (r == 0)
		p->is_fresh = false;
	return r;
}

static int end_whole(struct push *p, struct certs_error *e)
{
	int r = p->is_whole ? send_name(p, MSG_SITE_END, "", e) : 0;

	if (r == 0)
		p->is_whole = false;
	return r;
}

static int push_changes(struct push *p, struct certs_error *e)
{
	int r = begin_whole(p, e);

	if (r == 0)
		r = RUN_ALL(p, spread, e);
	if (r == 0)
		r = push_vnets(p, false, e);
	if (r == 0)
		r = push_tables(p, e);
	if (r == 0 && p->is_whole)
		r = push_leases(p, e);
	if (r == 0)
		r = push_apps(p, e);
	if (r == 0)
		r = push_vnets(p, true, e);
	if (r == 0)
		r = RUN_ALL(p, done, e);
	return r == 0 ? end_whole(p, e) : r;
}

/* 1: something was touched, or there is all to tell. */
static int has_news(struct push *p, struct certs_error *e)
{
	struct store_query *q;
	int r;

	if (p->is_whole)
		return 1;
	r = store_query(store_of(p),
			"SELECT 1 WHERE EXISTS (SELECT 1 FROM changed_app)"
			" OR EXISTS (SELECT 1 FROM changed_plan)"
			" OR EXISTS (SELECT 1 FROM changed_vnet)"
			" OR EXISTS (SELECT 1 FROM spread_vnet)"
			" OR EXISTS (SELECT 1 FROM changed_table)"
			" OR EXISTS (SELECT 1 FROM changed_route)",
			NULL, 0, &q, e);

	if (r < 0)
		return r;
	r = store_query_next(q, e);
	store_query_end(q);
	return r;
}

int push_run(struct push *p, struct certs_error *ret_error)
{
	struct certs_error e;
	int r = p->is_known ? has_news(p, &e) : 0;

	p->bytes = 0;
	if (r > 0)
		r = push_changes(p, &e);
	if (r == -ENOBUFS)
		r = 1;
	else if (r < 0 && ret_error)
		*ret_error = e;
	return r;
}

int push_learned(struct push *p, const char *vnet, enum learned_view view,
		 struct certs_error *ret_error)
{
	static const char *const sql[] = {
		[LEARNED_LOOKUP] = "INSERT OR IGNORE INTO changed_table"
				   " SELECT id FROM vnet WHERE name = :vnet",
		[LEARNED_WORKERS] = "INSERT OR IGNORE INTO changed_vnet"
				    " SELECT id FROM vnet WHERE name = :vnet",
	};
	const struct store_value value = {.name = ":vnet", .text = vnet};
	int r = store_run(store_of(p), sql[view], &value, 1, ret_error);

	return r < 0 ? r : 0;
}

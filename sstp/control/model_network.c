/* SPDX-License-Identifier: Apache-2.0 */
/* What the model is told by others than the operator: the configuration, the authority, a token. */
#include <errno.h>
#include <string.h>

#include "sstp/control/kinds.h"
#include "sstp/control/model_internal.h"

/* Each in turn; rows changed do not count. 0 or -errno. */
static int run_all(struct model *m, const char *const *sql, size_t n, const struct model_values *v,
		   struct certs_error *e)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < n; i++)
		r = store_run(m->store, sql[i], v->list, v->n, e);
	return r < 0 ? r : 0;
}

#define RUN_ALL(m, list, v, e) run_all(m, list, sizeof(list) / sizeof((list)[0]), v, e)

/* ---- gateway.yaml ---- */

static json_t *texts_json(const char *const *texts, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_string(texts[i]));
	return list;
}

static json_t *networks_json(const struct msg_config *config)
{
	json_t *list = json_array();

	for (size_t i = 0; i < config->n_vnets; i++) {
		const struct msg_vnet *v = &config->vnets[i];

		json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:o, s:o, s:s?, s:s?}",
						      "name", v->name, "spaces",
						      texts_json(v->spaces, v->n_spaces), "dns",
						      texts_json(v->dns, v->n_dns), "domains",
						      texts_json(v->domains, v->n_domains), "pools",
						      texts_json(v->pools, v->n_pools), "address",
						      v->gateway, "netns", v->netns));
	}
	return list;
}

/* ":body" is the list. Rows that say the same already keep their version. */
static const char *const network_sql[] = {
	"UPDATE vnet SET source = 'gone', version = :revision WHERE source = 'gateway.yaml'"
	" AND name NOT IN (SELECT value ->> 'name' FROM json_each(:body))",

	"DELETE FROM vnet WHERE source = 'gone' AND id NOT IN (SELECT vnet_id FROM connection)",

	"INSERT INTO vnet (subscription, resource_group, name, source, spaces, dns, search_domains,"
	" attach_netns, tunnel_address, version) SELECT 'default', 'default', value ->> 'name',"
	" 'gateway.yaml', value -> 'spaces', value -> 'dns', value -> 'domains',"
	" coalesce(value ->> 'netns', ''), coalesce(value ->> 'address', '192.0.0.8'), :revision"
	" FROM json_each(:body) WHERE true"
	" ON CONFLICT (name) DO UPDATE SET source = excluded.source, spaces = excluded.spaces,"
	" dns = excluded.dns, search_domains = excluded.search_domains,"
	" attach_netns = excluded.attach_netns, tunnel_address = excluded.tunnel_address,"
	" device = NULL, version = excluded.version WHERE source <> excluded.source OR spaces <> "
	"excluded.spaces"
	" OR dns <> excluded.dns OR search_domains <> excluded.search_domains OR attach_netns <> "
	"excluded.attach_netns OR tunnel_address <> excluded.tunnel_address",

	"DELETE FROM gateway WHERE name <> 'primary' AND vnet_id IN"
	" (SELECT id FROM vnet WHERE source = 'gateway.yaml')",

	"INSERT INTO gateway (vnet_id, name, gateway_type, pools, version)"
	" SELECT v.id, 'primary', 'Vpn', value -> 'pools', :revision FROM json_each(:body)"
	" JOIN vnet v ON v.name = value ->> 'name' WHERE true"
	" ON CONFLICT (vnet_id, name) DO UPDATE SET gateway_type = 'Vpn',"
	" vpn_type = 'RouteBased', sku = 'VpnGw1', protocols = '[\"SSTP\"]', on_premises = '[]',"
	" custom_routes = '[]', enable_bgp = 0, asn = 65515, bgp_table = 254,"
	" announce_table = 0, bgp_filters = '[]', propagate_bgp = 0, propagate_peerings = 0,"
	" announce_hosts = 0, pools = excluded.pools, version = excluded.version"
	" WHERE pools <> excluded.pools OR gateway_type <> 'Vpn' OR vpn_type <> 'RouteBased'"
	" OR protocols <> '[\"SSTP\"]' OR custom_routes <> '[]' OR on_premises <> '[]'"
	" OR enable_bgp OR asn <> 65515 OR bgp_table <> 254 OR announce_table OR bgp_filters <> "
	"'[]'"
	" OR propagate_bgp OR propagate_peerings OR announce_hosts",

	"INSERT INTO touched SELECT app_id FROM connection c JOIN vnet v ON v.id = c.vnet_id"
	" WHERE v.source = 'gateway.yaml'",
};

int model_set_networks(struct model *m, const struct msg_config *config, int64_t now,
		       struct certs_error *ret_error)
{
	struct model_values v;
	json_t *list = networks_json(config);
	int end;
	int r = model_begin(m, NULL, now, &v, ret_error);

	if (r < 0) {
		json_decref(list);
		return r;
	}
	r = list && model_set_body(&v, list) == 0 ? RUN_ALL(m, network_sql, &v, ret_error)
						  : certs_fail(ret_error, -ENOMEM, "out of memory");
	json_decref(list);
	if (r == 0)
		r = model_settle(m, &v, ret_error);
	end = model_end(m, r == 0, &v, ret_error);
	return r < 0 ? r : end;
}

/* ---- the authority ---- */

/* From the oldest on, so that the newest of an app is what stays. */
static int write_certificates(struct model *m, const struct authority *authority, int64_t now,
			      struct certs_error *e)
{
	int r = store_run(m->store, "DELETE FROM certificate", NULL, 0, e);

	for (size_t i = 0; r >= 0 && i < authority_cert_count(authority); i++) {
		struct authority_cert_info info;

		authority_cert_at(authority, i, now, &info);
		r = store_run(m->store,
			      "INSERT OR REPLACE INTO certificate"
			      " VALUES (:app, :vnet, :thumbprint, :blob, :status)",
			      (const struct store_value[]){
				      {.name = ":app", .text = info.app},
				      {.name = ":vnet", .text = info.vnet},
				      {.name = ":thumbprint", .text = info.facts.thumbprint},
				      {.name = ":blob", .text = authority_cert_blob(authority, i)},
				      {.name = ":status", .text = status_text(info.status)},
			      },
			      5, e);
	}
	return r < 0 ? r : 0;
}

/*
 * An app's first certificate comes with its network, in one transaction (B41): it is in sync by
 * that. Later ones are a difference, until they are synced.
 */
static const char *const certificate_sql[] = {
	"UPDATE connection SET synced = json_set(n.synced, '$.certThumbprint', n.thumbprint),"
	" version = :revision FROM connection_now n WHERE n.app_id = connection.app_id"
	" AND n.thumbprint IS NOT NULL AND n.synced ->> 'certThumbprint' IS NULL",

	"INSERT INTO touched SELECT app_id FROM connection_now WHERE synced <> now",
};

/* 1: something is to be written; 0: not. Every call would cost the disk a flush otherwise. */
static int has_news(struct model *m, struct certs_error *e)
{
	struct store_query *q;
	int r = store_query(m->store,
			    "SELECT 1 FROM connection_now WHERE synced <> now AND source <> 'gone'"
			    " AND ((thumbprint IS NOT NULL AND synced ->> 'certThumbprint' IS NULL)"
			    " OR (auto_sync AND vnet_subscription = plan_subscription)) LIMIT 1",
			    NULL, 0, &q, e);

	if (r < 0)
		return r;
	r = store_query_next(q, e);
	store_query_end(q);
	return r;
}

int model_set_certificates(struct model *m, const struct authority *authority, int64_t now,
			   struct certs_error *ret_error)
{
	struct model_values v;
	int end;
	int r = write_certificates(m, authority, now, ret_error);

	if (r == 0)
		r = has_news(m, ret_error);
	if (r <= 0)
		return r;
	r = model_begin(m, NULL, now, &v, ret_error);
	if (r < 0)
		return r;
	r = RUN_ALL(m, certificate_sql, &v, ret_error);
	if (r == 0)
		r = model_settle(m, &v, ret_error);
	end = model_end(m, r == 0, &v, ret_error);
	return r < 0 ? r : end;
}

/* ---- a token ---- */

/* Names of what a token needs, found or "default". */
struct admission {
	struct model *m;
	struct model_values *values;
	int64_t now;
	struct certs_error *e;
};

static int errno_of(int status)
{
	switch (status) {
	case 400: return -EINVAL;
	case 404: return -ENOENT;
	case 409: return -EEXIST;
	case 507: return -ENOSPC;
	default: return -EIO;
	}
}

/* Makes it, unless it is there. Takes body. */
static int ensure(const struct admission *a, const struct resource_kind *kind,
		  const struct model_names *names, json_t *body)
{
	struct model_values v = *a->values; /* revision and such */
	struct model_answer answer = {.status = 500};
	const struct model_change change = {
		.verb = MODEL_PUT, .kind = kind, .names = *names, .body = body, .now = a->now};
	int r = 0;

	model_get(a->m, kind, names, &answer);
	free(answer.json);
	if (answer.status == 404) {
		answer = (struct model_answer){.status = 500};
		v.body = NULL;
		for (size_t i = 0; i < names->n; i++)
			v.list[v.n++] = names->values[i];
		if (!body || !model_apply(a->m, &change, &v, &answer))
			r = certs_fail(a->e, errno_of(answer.status), "%s", answer.why);
		free(v.body);
	} else if (answer.status != 200) {
		r = certs_fail(a->e, errno_of(answer.status), "%s", answer.why);
	}
	json_decref(body);
	return r;
}

static struct store_value named(const char *name, const char *text)
{
	return (struct store_value){.name = name, .text = text};
}

/* 1: the app is there, with its subscription and group in ret_names; 0: it is not. */
static int find_app(const struct admission *a, const char *app, char subscription[NAME_LABEL_MAX],
		    char group[NAME_LABEL_MAX])
{
	const struct store_value value = named(":app", app);
	struct store_query *q;
	int r = store_query(a->m->store,
			    "SELECT subscription, resource_group FROM app WHERE name = :app",
			    &value, 1, &q, a->e);

	if (r < 0)
		return r;
	r = store_query_next(q, a->e);
	if (r > 0) {
		strncpy(subscription, store_query_text(q, 0), NAME_LABEL_MAX - 1);
		strncpy(group, store_query_text(q, 1), NAME_LABEL_MAX - 1);
	}
	store_query_end(q);
	return r;
}

/* In the plan of the VNet's name: one plan for all VNets would be full with the fifth (B3). */
static int ensure_app(const struct admission *a, const char *app, const char *vnet)
{
	const struct model_names plan = {3,
					 {named(":subscription", "default"),
					  named(":group", "default"), named(":plan", vnet)}};
	const struct model_names site = {3,
					 {named(":subscription", "default"),
					  named(":group", "default"), named(":app", app)}};
	int r = ensure(a, &kind_plan, &plan,
		       json_pack("{s:{s:s}, s:{s:b}}", "sku", "tier", "Basic", "properties",
				 "reserved", !a->m->is_strict));

	if (r < 0)
		return r;
	return ensure(a, &kind_app, &site,
		      json_pack("{s:{s:s}}", "properties", "serverFarmId", vnet));
}

static int admit(const struct admission *a, const char *app, const char *vnet)
{
	char subscription[NAME_LABEL_MAX] = "default";
	char group[NAME_LABEL_MAX] = "default";
	struct model_names connection;
	int r = find_app(a, app, subscription, group);

	if (r == 0)
		r = ensure_app(a, app, vnet);
	if (r < 0)
		return r;
	connection =
		(struct model_names){4,
				     {named(":subscription", subscription), named(":group", group),
				      named(":app", app), named(":vnet", vnet)}};
	return ensure(a, &kind_connection, &connection, json_object());
}

int model_admit(struct model *m, const char *app, const char *vnet, int64_t now,
		int (*then)(void *arg), void *arg, struct certs_error *ret_error)
{
	struct model_values v;
	const struct admission a = {.m = m, .values = &v, .now = now, .e = ret_error};
	int end;
	int r = model_begin(m, NULL, now, &v, ret_error);

	if (r < 0)
		return r;
	r = admit(&a, app, vnet);
	if (r == 0)
		r = then(arg);
	end = model_end(m, r == 0, &v, ret_error);
	return r < 0 ? r : end;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "certs/name.h"
#include "sstp/control/model_internal.h"
#include "sstp/control/site.h"

enum {
	KEY_MAX = 2 * NAME_LABEL_MAX + 2
};

/* What is there by now, to put things into: by key, each a reference of its own. */
struct shown {
	json_t *site;
	json_t *index;
};

/* A statement's rows. The columns: what it belongs to, what it is called there; its JSON. */
struct part {
	const char *sql;
	const char *list;   /* where it goes */
	const char *parent; /* what kind of key column 0 is; NULL: columns 0 and 1 name the group */
	const char *self;   /* what kind of key column 2 is; NULL: nothing belongs to it */
};

/* json_patch() leaves out what is null, and so what is default. */
#define OBJECT(...)	   "json_patch('{}', json_object(" __VA_ARGS__ "))"
#define IF_TRUE(column)	   "json(iif(" column ", 'true', NULL))"
#define UNLESS_EMPTY(list) "json(nullif(" list ", '[]'))"

static const struct part parts[] = {
	/* clang-format off */
	{"SELECT subscription, resource_group, id, " OBJECT(
	 "'name', name, 'tier', tier, 'location', nullif(location, ''),"
	 " 'platform', iif(is_linux, 'linux', NULL),"
	 " 'autoSync', json(iif(auto_sync, NULL, 'false'))")
	 " FROM plan ORDER BY subscription, resource_group, name",
	 "plans", NULL, "plan"},

	{"SELECT a.plan_id, NULL, NULL, " OBJECT(
	 "'name', a.name, 'vnet', v.name, 'location', nullif(a.location, ''),"
	 " 'subscription', iif(a.subscription = p.subscription, NULL, a.subscription),"
	 " 'resourceGroup', iif(a.resource_group = p.resource_group, NULL, a.resource_group),"
	 " 'container', " IF_TRUE("a.is_container") ","
	 " 'defaultRoutes', " IF_TRUE("a.has_default_routes"))
	 " FROM app a JOIN plan p ON p.id = a.plan_id LEFT JOIN connection c ON c.app_id = a.id"
	 " LEFT JOIN vnet v ON v.id = c.vnet_id ORDER BY a.plan_id, a.name",
	 "apps", "plan", NULL},

	/* a route whose network no app of the plan is connected to is none that anything shows */
	{"SELECT r.plan_id, NULL, NULL, " OBJECT(
	 "'vnet', v.name, 'name', r.name, 'startAddress', r.start_address,"
	 " 'endAddress', nullif(r.end_address, '')")
	 " FROM route r JOIN vnet v ON v.id = r.vnet_id JOIN (SELECT DISTINCT a.plan_id, c.vnet_id"
	 "  FROM connection c JOIN app a ON a.id = c.app_id) n"
	 "  ON n.plan_id = r.plan_id AND n.vnet_id = r.vnet_id"
	 " ORDER BY r.plan_id, v.name, r.name",
	 "routes", "plan", NULL},

	{"SELECT subscription, resource_group, id, iif(source = 'api', " OBJECT(
	 "'name', name, 'location', nullif(location, ''), 'addressSpaces', json(spaces),"
	 " 'dnsServers', " UNLESS_EMPTY("dns") ", 'searchDomains', " UNLESS_EMPTY("search_domains") ","
	 " 'attach', iif(attach_netns = '', NULL, json_object('networkNamespace', attach_netns))")
	 ", json_object('name', name)) FROM vnet WHERE source = 'api' OR (source = 'gateway.yaml'"
	 " AND EXISTS (SELECT 1 FROM peering WHERE vnet_id = vnet.id))"
	 " ORDER BY subscription, resource_group, name",
	 "vnets", NULL, "vnet"},

	{"SELECT g.vnet_id, NULL, NULL, " OBJECT(
	 "'name', g.name, 'type', nullif(gateway_type, 'Vpn'),"
	 " 'vpnType', nullif(vpn_type, 'RouteBased'), 'sku', nullif(sku, 'VpnGw1'),"
	 " 'pools', " UNLESS_EMPTY("pools") ","
	 " 'protocols', json(nullif(protocols, '[\"SSTP\"]')),"
	 " 'onPremises', " UNLESS_EMPTY("on_premises") ","
	 " 'customRoutes', " UNLESS_EMPTY("custom_routes") ","
	 " 'propagatePeerings', " IF_TRUE("propagate_peerings") ","
	 " 'bgp', json(nullif(" OBJECT(
	  "'enabled', " IF_TRUE("enable_bgp") ", 'asn', nullif(asn, 65515),"
	  " 'kernelTable', nullif(bgp_table, 254), 'announceTable', nullif(announce_table, 0),"
	  " 'propagate', " IF_TRUE("propagate_bgp") ", 'filters', " UNLESS_EMPTY("bgp_filters") ","
	  " 'advertiseHostRoutes', " IF_TRUE("announce_hosts")) ", '{}'))")
	 " FROM gateway g JOIN vnet v ON v.id = g.vnet_id WHERE v.source = 'api'"
	 " ORDER BY g.vnet_id, g.name",
	 "gateways", "vnet", NULL},

	/* the other side by its name, if it is there under it */
	{"SELECT vnet_id, NULL, NULL, " OBJECT(
	 "'name', name, 'remote', coalesce(remote_name, remote_vnet),"
	 " 'allowVirtualNetworkAccess', json(iif(allow_access, NULL, 'false')),"
	 " 'allowForwardedTraffic', " IF_TRUE("allow_forwarded") ","
	 " 'allowGatewayTransit', " IF_TRUE("allow_transit") ","
	 " 'useRemoteGateways', " IF_TRUE("use_remote"))
	 " FROM peering_now WHERE vnet_id IN (SELECT id FROM vnet WHERE source <> 'gone')"
	 " ORDER BY vnet_id, name",
	 "peerings", "vnet", NULL},
	/* clang-format on */
};

/* Takes item; returns it borrowed, or NULL without memory. */
static json_t *append(json_t *parent, const char *list, json_t *item)
{
	json_t *array = json_object_get(parent, list);

	if (!array) {
		array = json_array();
		if (json_object_set_new(parent, list, array) < 0)
			array = NULL;
	}
	return json_array_append_new(array, item) == 0 ? item : NULL;
}

static const char *folded(char key[KEY_MAX])
{
	for (char *c = key; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c + 32);
	return key;
}

/* What has this key, made in the parent's list where it is missing. Borrowed; NULL without memory. */
static json_t *frame(struct shown *s, const char *key, json_t *parent, const char *list,
		     const char *name)
{
	json_t *json = json_object_get(s->index, key);

	if (json || !parent)
		return json;
	json = append(parent, list, json_pack("{s:s}", "name", name));
	return json && json_object_set(s->index, key, json) == 0 ? json : NULL;
}

static json_t *group_of(struct shown *s, const char *subscription, const char *group)
{
	char key[KEY_MAX];
	json_t *parent;

	snprintf(key, sizeof(key), "%s", subscription);
	parent = frame(s, folded(key), s->site, "subscriptions", subscription);
	snprintf(key, sizeof(key), "%s/%s", subscription, group);
	return frame(s, folded(key), parent, "resourceGroups", group);
}

static int take_row(struct shown *s, const struct part *p, struct store_query *q)
{
	char key[KEY_MAX];
	json_t *parent;
	json_t *item;

	if (p->parent) {
		snprintf(key, sizeof(key), "/%s/%s", p->parent, store_query_text(q, 0));
		parent = json_object_get(s->index, key);
	} else {
		parent = group_of(s, store_query_text(q, 0), store_query_text(q, 1));
	}
	item = append(parent, p->list, json_loads(store_query_text(q, 3), 0, NULL));
	if (!item || !p->self)
		return item ? 0 : -ENOMEM;
	snprintf(key, sizeof(key), "/%s/%s", p->self, store_query_text(q, 2));
	return json_object_set(s->index, key, item) < 0 ? -ENOMEM : 0;
}

static int take_part(struct shown *s, struct store *store, const struct part *p,
		     struct certs_error *e)
{
	struct store_query *q;
	int r = store_query(store, p->sql, NULL, 0, &q, e);

	if (r < 0)
		return r;
	while ((r = store_query_next(q, e)) > 0)
		if (take_row(s, p, q) < 0) {
			r = certs_fail(e, -ENOMEM, "out of memory");
			break;
		}
	store_query_end(q);
	return r;
}

void site_show(struct model *m, struct model_answer *ret_answer)
{
	struct shown s = {.site = json_pack("{s:[]}", "subscriptions"), .index = json_object()};
	struct certs_error e;
	int r = 0;

	*ret_answer = (struct model_answer){.status = 200};
	for (size_t i = 0; r == 0 && i < sizeof(parts) / sizeof(parts[0]); i++)
		r = take_part(&s, m->store, &parts[i], &e);
	json_decref(s.index);
	if (r == 0) {
		ret_answer->json = json_dumps(s.site, JSON_COMPACT | JSON_ENSURE_ASCII);
		if (!ret_answer->json)
			r = certs_fail(&e, -ENOMEM, "out of memory");
	}
	json_decref(s.site);
	if (r < 0)
		model_fail(ret_answer, r, &e);
}

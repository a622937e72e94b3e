/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/site.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/name.h"
#include "sstp/base/log.h"
#include "sstp/control/kinds.h"

enum {
	KEYS_MAX = 20, /* of one object */
	DEPTH_MAX = 4, /* subscription, group, plan, app */
	SHOWN_MAX = 100,
};

/* ---- what may stand where ---- */

struct key {
	const char *key;
	const char *name;     /* the resource's field; NULL: read apart, whatever it is */
	const char *words[3]; /* of a field that is true or false, and goes by words here */
	const char *fallback; /* of that, JSON */
};

/* clang-format off */
static const struct key subscription_keys[] = {
	{.key = "name"}, {.key = "resourceGroups"}, {0},
};
static const struct key group_keys[] = {
	{.key = "name"}, {.key = "plans"}, {.key = "vnets"}, {0},
};
static const struct key plan_keys[] = {
	{.key = "name"}, {.key = "apps"}, {.key = "routes"},
	{"tier", "tier", {NULL}, NULL},
	{"location", "location", {NULL}, NULL},
	{"platform", "is_linux", {"windows", "linux", NULL}, "\"windows\""},
	{"autoSync", "auto_sync", {NULL}, NULL},
	{0},
};
static const struct key app_keys[] = {
	{.key = "name"}, {.key = "vnet"}, {.key = "subscription"}, {.key = "resourceGroup"},
	{"location", "location", {NULL}, NULL},
	{"container", "is_container", {NULL}, NULL},
	{"defaultRoutes", "has_default_routes", {NULL}, NULL},
	{0},
};
static const struct key route_keys[] = {
	{.key = "name"}, {.key = "vnet"},
	{"startAddress", "start", {NULL}, NULL},
	{"endAddress", "end", {NULL}, NULL},
	{0},
};
static const struct key vnet_keys[] = {
	{.key = "name"}, {.key = "gateways"}, {.key = "peerings"},
	{"location", "location", {NULL}, NULL},
	{"addressSpaces", "spaces", {NULL}, NULL},
	{"dnsServers", "dns", {NULL}, NULL},
	{"searchDomains", "search_domains", {NULL}, NULL},
	{"attach.networkNamespace", "netns", {NULL}, NULL},
	{0},
};
static const struct key gateway_keys[] = {
	{.key = "name"},
	{"type", "gateway_type", {NULL}, NULL},
	{"vpnType", "vpn_type", {NULL}, NULL},
	{"sku", "sku", {NULL}, NULL},
	{"pools", "pools", {NULL}, NULL},
	{"protocols", "protocols", {NULL}, NULL},
	{"onPremises", "on_premises", {NULL}, NULL},
	{"customRoutes", "custom_routes", {NULL}, NULL},
	{"propagatePeerings", "propagate_peerings", {NULL}, NULL},
	{"bgp.enabled", "enable_bgp", {NULL}, NULL},
	{"bgp.asn", "asn", {NULL}, NULL},
	{"bgp.kernelTable", "bgp_table", {NULL}, NULL},
	{"bgp.announceTable", "announce_table", {NULL}, NULL},
	{"bgp.propagate", "propagate_bgp", {NULL}, NULL},
	{"bgp.filters", "bgp_filters", {NULL}, NULL},
	{"bgp.advertiseHostRoutes", "announce_hosts", {NULL}, NULL},
	{0},
};
static const struct key peering_keys[] = {
	{.key = "name"},
	{"remote", "remote_vnet", {NULL}, NULL},
	{"allowVirtualNetworkAccess", "allow_access", {NULL}, NULL},
	{"allowForwardedTraffic", "allow_forwarded", {NULL}, NULL},
	{"allowGatewayTransit", "allow_transit", {NULL}, NULL},
	{"useRemoteGateways", "use_remote", {NULL}, NULL},
	{0},
};
static const struct key no_keys[] = {{0}};

#define GROUP_ID "/subscriptions/:subscription/resourceGroups/:group/providers"
#define PLAN_ID	 GROUP_ID "/Microsoft.Web/serverfarms/:plan"
#define APP_ID	 GROUP_ID "/Microsoft.Web/sites/:app"
#define VNET_ID	 GROUP_ID "/Microsoft.Network/virtualNetworks/:vnet"

static const struct {
	const struct resource_kind *resource;
	const struct key *keys;
	const char *id;
} kinds[] = {
	[SITE_VNET]       = {&kind_vnet, vnet_keys, VNET_ID},
	[SITE_GATEWAY]    = {&kind_gateway, gateway_keys, VNET_ID "/virtualNetworkGateways/:gateway"},
	[SITE_PEERING]    = {&kind_peering, peering_keys, VNET_ID "/virtualNetworkPeerings/:peering"},
	[SITE_PLAN]       = {&kind_plan, plan_keys, PLAN_ID},
	[SITE_APP]        = {&kind_app, app_keys, APP_ID},
	[SITE_CONNECTION] = {&kind_connection, no_keys, APP_ID "/virtualNetworkConnections/:vnet"},
	[SITE_ROUTE]      = {&kind_route, route_keys,
			     PLAN_ID "/virtualNetworkConnections/:vnet/routes/:route"},
};
/* clang-format on */

const struct resource_kind *site_resource(enum site_kind kind)
{
	return kinds[kind].resource;
}

static const struct key *key_of(enum site_kind kind, const char *field)
{
	for (const struct key *k = kinds[kind].keys; k->key; k++)
		if (k->name && strcmp(k->name, field) == 0)
			return k;
	return NULL;
}

const char *site_key(enum site_kind kind, const char *field)
{
	const struct key *k = key_of(kind, field);

	return k ? k->key : field;
}

json_t *site_value(enum site_kind kind, const char *field, json_t *value)
{
	const struct key *k = key_of(kind, field);

	return k && *k->words ? json_string(k->words[json_is_true(value)]) : json_incref(value);
}

/* ---- paths ---- */

static const char *value_of(const struct model_names *names, const char *name, size_t len)
{
	for (size_t i = 0; i < names->n; i++)
		if (strlen(names->values[i].name) == len &&
		    strncmp(names->values[i].name, name, len) == 0)
			return names->values[i].text;
	return "";
}

const char *site_id(enum site_kind kind, const struct model_names *names, char buf[SITE_ID_MAX])
{
	const char *pattern = kinds[kind].id;
	size_t len = 0;

	while (*pattern && len < SITE_ID_MAX - 1) {
		size_t n = strcspn(pattern, "/");
		const char *text = *pattern == ':' ? value_of(names, pattern, n) : pattern;
		int text_len = *pattern == ':' ? (int)strlen(text) : (int)n;
		bool is_last = !pattern[n];

		len += (size_t)snprintf(buf + len, SITE_ID_MAX - len, "%.*s%s", text_len, text,
					is_last ? "" : "/");
		pattern += n + !is_last;
	}
	return buf;
}

/* Names are the same in any case (name_equal()): these are keys. */
static const char *folded_id(enum site_kind kind, const struct model_names *names,
			     char buf[SITE_ID_MAX])
{
	site_id(kind, names, buf);
	for (char *c = buf; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c + 32);
	return buf;
}

bool site_has(const struct site *s, enum site_kind kind, const struct model_names *names)
{
	char id[SITE_ID_MAX];

	return json_object_get(s->ids, folded_id(kind, names, id)) != NULL;
}

/* ---- reading ---- */

/* Where the reader stands, and what belongs to what. */
struct reader {
	struct site *site;
	struct site_error *e;
	struct {
		const char *list;
		size_t index;
	} path[DEPTH_MAX];
	size_t depth;
	const char *subscription;
	const char *group;
	const char *plan;
	const char *vnet;
};

static void format_target(const struct reader *r, char buf[SITE_TARGET_MAX])
{
	size_t len = 0;

	*buf = '\0';
	for (size_t i = 0; i < r->depth; i++)
		len += (size_t)snprintf(buf + len, SITE_TARGET_MAX - len, "%s%s[%zu]", i ? "." : "",
					r->path[i].list, r->path[i].index);
}

static int refuse(struct reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static int refuse(struct reader *r, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(r->e->why, sizeof(r->e->why), fmt, args);
	va_end(args);
	format_target(r, r->e->target);
	return -EINVAL;
}

static const struct resource_field *field_named(const struct resource_kind *kind, const char *name)
{
	for (size_t i = 0; i < kind->n_fields; i++)
		if (kind->fields[i].name && strcmp(kind->fields[i].name, name) == 0)
			return &kind->fields[i];
	return NULL;
}

/* The resource's field, under the site's name for it. */
static struct resource_field field_of(const struct resource_kind *kind, const struct key *k)
{
	const struct resource_field *f = k->name ? field_named(kind, k->name) : NULL;
	struct resource_field out = f ? *f : (struct resource_field){.type = RESOURCE_READ_ONLY};

	out.path = k->key;
	if (*k->words)
		out = (struct resource_field){.path = k->key,
					      .type = RESOURCE_TEXT,
					      .name = k->name,
					      .fallback = k->fallback,
					      .max = RESOURCE_ITEM_MAX,
					      .allowed = k->words};
	return out;
}

/* Words become true and false. */
static void take_words(const struct key *keys, json_t *fields)
{
	for (const struct key *k = keys; k->key; k++)
		if (*k->words)
			json_object_set_new(fields, k->name,
					    json_boolean(strcmp(json_string_value(json_object_get(
									fields, k->name)),
								k->words[1]) == 0));
}

/* An object of these keys. kind NULL: none of them is a field; ret_fields as resource_read(). */
static int read_keys(struct reader *r, const struct resource_kind *kind, const struct key *keys,
		     const json_t *json, json_t **ret_fields)
{
	struct resource_field fields[KEYS_MAX];
	struct resource_kind as_here = {.fields = fields, .is_bare = true};
	char why[RESOURCE_WHY_MAX];
	int result;

	if (!json_is_object(json))
		return refuse(r, "this must be an object");
	for (const struct key *k = keys; k->key; k++)
		fields[as_here.n_fields++] = field_of(kind, k);
	if (kind) {
		as_here.check = kind->check;
		as_here.check_text = kind->check_text;
	}
	result = resource_check(&as_here, json, why);
	if (result == 0)
		result = resource_read(&as_here, json, NULL, ret_fields, why);
	if (result == 0)
		take_words(keys, *ret_fields);
	return result == -EINVAL ? refuse(r, "%s", why) : result;
}

/* A name; ret_name is borrowed, or fallback when there is none. */
static int read_name(struct reader *r, const json_t *json, const char *key, const char *fallback,
		     const char **ret_name)
{
	json_t *value = json_object_get(json, key);
	const char *name = json_string_value(value);
	char shown[SHOWN_MAX];

	if (!value || json_is_null(value)) {
		*ret_name = fallback;
		return fallback ? 0 : refuse(r, "'%s' is missing", key);
	}
	if (!name)
		return refuse(r, "'%s' must be a text", key);
	if (!name_is_label(name) || strlen(name) != json_string_length(value))
		return refuse(
			r,
			"'%s' is no name: 1 to 64 letters, digits, '-', '_', '.', the first of "
			"them a letter or a digit",
			log_escape(shown, sizeof(shown), name, strlen(name)));
	*ret_name = name;
	return 0;
}

/* Each of a list that need not be there. */
static int read_list(struct reader *r, const json_t *json, const char *list,
		     int (*read)(struct reader *r, const json_t *json))
{
	json_t *value = json_object_get(json, list);
	size_t i;
	const json_t *item;
	int result = 0;

	if (!value || json_is_null(value))
		return 0;
	if (!json_is_array(value))
		return refuse(r, "'%s' must be a list", list);
	json_array_foreach(value, i, item)
	{
		r->path[r->depth].list = list;
		r->path[r->depth++].index = i;
		result = read(r, item);
		if (result < 0)
			break;
		r->depth--;
	}
	return result;
}

static struct store_value named(const char *name, const char *text)
{
	return (struct store_value){.name = name, .text = text};
}

static struct site_item *new_item(struct site *s)
{
	if (s->n == s->cap) {
		size_t cap = s->cap ? 2 * s->cap : 64;
		struct site_item *items = reallocarray(s->items, cap, sizeof(*items));

		if (!items)
			return NULL;
		s->items = items;
		s->cap = cap;
	}
	return &s->items[s->n++];
}

/* Takes fields. */
static int declare(struct reader *r, enum site_kind kind, const struct model_names *names,
		   json_t *fields)
{
	struct site_item *item = new_item(r->site);
	char target[SITE_TARGET_MAX];
	char id[SITE_ID_MAX];

	if (!item) {
		json_decref(fields);
		return -ENOMEM;
	}
	format_target(r, target);
	*item = (struct site_item){
		.kind = kind, .names = *names, .fields = fields, .target = strdup(target)};
	if (site_has(r->site, kind, names))
		return refuse(r, "this is declared a second time: %s", site_id(kind, names, id));
	return item->target && json_object_set_new(r->site->ids, folded_id(kind, names, id),
						   json_true()) == 0
		       ? 0
		       : -ENOMEM;
}

/* ---- kind by kind ---- */

static int connect_app(struct reader *r, const struct model_names *app, const char *vnet)
{
	struct model_names names = *app;
	json_t *fields = NULL;
	json_t *body = json_object();
	char why[RESOURCE_WHY_MAX];
	int result = resource_read(&kind_connection, body, NULL, &fields, why);

	json_decref(body);
	names.values[names.n++] = named(":vnet", vnet);
	return result < 0 ? result : declare(r, SITE_CONNECTION, &names, fields);
}

static int set_plan(const struct reader *r, json_t *fields)
{
	const struct model_names plan = {3,
					 {named(":subscription", r->subscription),
					  named(":group", r->group), named(":plan", r->plan)}};
	char id[SITE_ID_MAX];

	return json_object_set_new(fields, "plan", json_string(site_id(SITE_PLAN, &plan, id)));
}

static int read_app(struct reader *r, const json_t *json)
{
	const char *subscription = NULL, *group = NULL, *name = NULL, *vnet = NULL;
	struct model_names names;
	json_t *fields = NULL;
	int result = read_keys(r, &kind_app, app_keys, json, &fields);

	if (result == 0)
		result = read_name(r, json, "name", NULL, &name);
	if (result == 0)
		result = read_name(r, json, "subscription", r->subscription, &subscription);
	if (result == 0)
		result = read_name(r, json, "resourceGroup", r->group, &group);
	if (result == 0)
		result = read_name(r, json, "vnet", "", &vnet);
	if (result == 0 && set_plan(r, fields) < 0)
		result = -ENOMEM;
	if (result < 0) {
		json_decref(fields);
		return result;
	}
	names = (struct model_names){3,
				     {named(":subscription", subscription), named(":group", group),
				      named(":app", name)}};
	result = declare(r, SITE_APP, &names, fields);
	return result == 0 && *vnet ? connect_app(r, &names, vnet) : result;
}

static int read_route(struct reader *r, const json_t *json)
{
	const char *name = NULL, *vnet = NULL;
	json_t *fields = NULL;
	int result = read_keys(r, &kind_route, route_keys, json, &fields);

	if (result == 0)
		result = read_name(r, json, "name", NULL, &name);
	if (result == 0)
		result = read_name(r, json, "vnet", NULL, &vnet);
	if (result < 0) {
		json_decref(fields);
		return result;
	}
	return declare(r, SITE_ROUTE,
		       &(struct model_names){5,
					     {named(":subscription", r->subscription),
					      named(":group", r->group), named(":plan", r->plan),
					      named(":vnet", vnet), named(":route", name)}},
		       fields);
}

static int read_plan(struct reader *r, const json_t *json)
{
	json_t *fields = NULL;
	int result = read_keys(r, &kind_plan, plan_keys, json, &fields);

	if (result == 0)
		result = read_name(r, json, "name", NULL, &r->plan);
	if (result < 0) {
		json_decref(fields);
		return result;
	}
	result =
		declare(r, SITE_PLAN,
			&(struct model_names){3,
					      {named(":subscription", r->subscription),
					       named(":group", r->group), named(":plan", r->plan)}},
			fields);
	if (result == 0)
		result = read_list(r, json, "apps", read_app);
	return result < 0 ? result : read_list(r, json, "routes", read_route);
}

static int read_gateway(struct reader *r, const json_t *json)
{
	const char *name = NULL;
	json_t *fields = NULL;
	int result = read_keys(r, &kind_gateway, gateway_keys, json, &fields);

	if (result == 0)
		result = read_name(r, json, "name", NULL, &name);
	if (result < 0) {
		json_decref(fields);
		return result;
	}
	return declare(r, SITE_GATEWAY,
		       &(struct model_names){4,
					     {named(":subscription", r->subscription),
					      named(":group", r->group), named(":vnet", r->vnet),
					      named(":gateway", name)}},
		       fields);
}

static int read_peering(struct reader *r, const json_t *json)
{
	const char *name = NULL;
	json_t *fields = NULL;
	int result = read_keys(r, &kind_peering, peering_keys, json, &fields);

	if (result == 0)
		result = read_name(r, json, "name", NULL, &name);
	if (result < 0) {
		json_decref(fields);
		return result;
	}
	return declare(r, SITE_PEERING,
		       &(struct model_names){4,
					     {named(":subscription", r->subscription),
					      named(":group", r->group), named(":vnet", r->vnet),
					      named(":peering", name)}},
		       fields);
}

/* What is said of the VNet itself. */
static int declare_vnet(struct reader *r, const json_t *json)
{
	json_t *fields = NULL;
	int result = read_keys(r, &kind_vnet, vnet_keys, json, &fields);

	if (result < 0) {
		json_decref(fields);
		return result;
	}
	return declare(r, SITE_VNET,
		       &(struct model_names){3,
					     {named(":subscription", r->subscription),
					      named(":group", r->group), named(":vnet", r->vnet)}},
		       fields);
}

/* A VNet of gateway.yaml is only named here, for its peerings. */
static bool has_peerings_only(const json_t *json)
{
	return json_object_size(json) == 2 && json_object_get(json, "name") &&
	       json_object_get(json, "peerings");
}

static int read_vnet(struct reader *r, const json_t *json)
{
	int result = json_is_object(json) ? read_name(r, json, "name", NULL, &r->vnet)
					  : refuse(r, "this must be an object");

	if (result == 0 && !has_peerings_only(json))
		result = declare_vnet(r, json);
	if (result == 0)
		result = read_list(r, json, "gateways", read_gateway);
	return result < 0 ? result : read_list(r, json, "peerings", read_peering);
}

/* What has no fields of its own. */
static int read_frame(struct reader *r, const struct key *keys, const json_t *json,
		      const char **ret_name)
{
	json_t *none = NULL;
	int result = read_keys(r, NULL, keys, json, &none);

	json_decref(none);
	return result < 0 ? result : read_name(r, json, "name", NULL, ret_name);
}

static int read_group(struct reader *r, const json_t *json)
{
	int result = read_frame(r, group_keys, json, &r->group);

	if (result == 0)
		result = read_list(r, json, "plans", read_plan);
	return result < 0 ? result : read_list(r, json, "vnets", read_vnet);
}

static int read_subscription(struct reader *r, const json_t *json)
{
	int result = read_frame(r, subscription_keys, json, &r->subscription);

	return result < 0 ? result : read_list(r, json, "resourceGroups", read_group);
}

/* ---- the whole ---- */

/* As they can be made; those of a kind as they were written: their targets lie in one order. */
static int sort_items(struct site *s)
{
	struct site_item *sorted = calloc(s->n ? s->n : 1, sizeof(*sorted));
	size_t n = 0;

	if (!sorted)
		return -ENOMEM;
	for (enum site_kind kind = 0; kind < SITE_KINDS; kind++)
		for (size_t i = 0; i < s->n; i++)
			if (s->items[i].kind == kind)
				sorted[n++] = s->items[i];
	free(s->items);
	s->items = sorted;
	return 0;
}

int site_read(const json_t *json, struct site *ret_site, struct site_error *ret_error)
{
	static const struct key keys[] = {{.key = "subscriptions"}, {0}};
	struct reader r = {.site = ret_site, .e = ret_error};
	json_t *none = NULL;
	int result;

	*ret_site = (struct site){.ids = json_object()};
	*ret_error = (struct site_error){0};
	if (!ret_site->ids)
		return -ENOMEM;
	result = read_keys(&r, NULL, keys, json, &none);
	json_decref(none);
	if (result == 0)
		result = read_list(&r, json, "subscriptions", read_subscription);
	return result < 0 ? result : sort_items(ret_site);
}

void site_done(struct site *s)
{
	for (size_t i = 0; i < s->n; i++) {
		json_decref(s->items[i].fields);
		free(s->items[i].target);
	}
	free(s->items);
	json_decref(s->ids);
	*s = (struct site){0};
}

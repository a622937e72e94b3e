/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/api_sessions.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "certs/name.h"
#include "sstp/base/log.h"
#include "sstp/control/kinds.h"
#include "sstp/control/model_internal.h"
#include "sstp/control/msg_site.h"
#include "sstp/control/path.h"
#include "sstp/control/query.h"
#include "sstp/control/reply.h"
#include "sstp/control/usage.h"

enum {
	IDS_MAX = 1000, /* of one request to disconnect */
	ID_DIGITS = 16, /* of a boot */
};

/* One request on its way. */
struct call {
	const struct api_sessions_world *w;
	const struct front_request *request;
	int64_t now;
	struct path_names names;
	struct query query;
	json_t *body; /* an object; NULL: there is none */
	struct front_reply *reply;
};

static void refuse(struct call *c, int status, const char *message)
{
	reply_refuse(c->reply, status, message, NULL);
}

/* Takes json. */
static void answer(struct call *c, json_t *json)
{
	*c->reply = (struct front_reply){
		.status = 200, .json = json_dumps(json, JSON_COMPACT | JSON_ENSURE_ASCII)};
	json_decref(json);
}

/* ---- which session ---- */

/* "SSTP_0123456789abcdef-42" */
static bool parse_id(const char *text, uint64_t *ret_boot, uint64_t *ret_number)
{
	static const char head[] = "SSTP_";
	const char *boot = text + strlen(head);
	char *end;

	if (strncasecmp(text, head, strlen(head)) != 0 ||
	    strspn(boot, "0123456789abcdefABCDEF") != ID_DIGITS || boot[ID_DIGITS] != '-' ||
	    strspn(boot + ID_DIGITS + 1, "0123456789") != strlen(boot + ID_DIGITS + 1) ||
	    !boot[ID_DIGITS + 1])
		return false;
	*ret_boot = strtoull(boot, &end, 16);
	*ret_number = strtoull(boot + ID_DIGITS + 1, &end, 10);
	return true;
}

/* clang-format off */
#define TIME(t) "strftime('%Y-%m-%dT%H:%M:%SZ', " t ", 'unixepoch')"
/* What is behind the last slash. */
#define LAST(t) "replace(" t ", rtrim(" t ", replace(" t ", '/', '')), '')"
#define ADDRESS \
	"format('%d.%d.%d.%d', address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255)"

#define SESSION_JSON                                                                \
	"json_object('vpnConnectionId', format('SSTP_%016x-%u', boot, number),"     \
	" 'state', iif(ended IS NULL, 'Connected', 'Disconnected'),"                \
	" 'app', nullif(app, ''), 'plan', nullif(" LAST("plan") ", ''),"            \
	" 'planId', nullif(plan, ''), 'vnet', vnet,"                                \
	" 'vpnUserName', user, 'publicIpAddress', source,"                          \
	" 'privateIpAddress', " ADDRESS ","                                         \
	" 'vpnConnectionTime', " TIME("since") ","                                  \
	" 'vpnConnectionDuration', max(0, coalesce(ended, :now) - since),"          \
	" 'ended', " TIME("ended") ", 'reason', nullif(reason, ''),"                \
	" 'correlationId', nullif(correlation, ''),"                                \
	" 'certThumbprint', nullif(thumbprint, ''), 'maxBandwidth', 0,"             \
	" 'maxPacketsPerSecond', 0, 'egressPacketsTransferred', received_packets,"  \
	" 'egressBytesTransferred', received_bytes,"                                \
	" 'ingressPacketsTransferred', sent_packets,"                               \
	" 'ingressBytesTransferred', sent_bytes)"
/* clang-format on */

#define WANTED                                                              \
	" (:app IS NULL OR app = :app) AND (:vnet IS NULL OR vnet = :vnet)" \
	" AND (:plan IS NULL OR " LAST("plan") " = :plan COLLATE NOCASE)"

static const char live_sql[] =
	"SELECT " SESSION_JSON " FROM session WHERE ended IS NULL AND" WANTED " ORDER BY id DESC";
static const char all_sql[] =
	"SELECT " SESSION_JSON " FROM session WHERE" WANTED " ORDER BY id DESC LIMIT :limit";
static const char one_sql[] =
	"SELECT " SESSION_JSON " FROM session WHERE boot = :boot AND number = :number";

/* ---- what they are ---- */

static struct store_value text_value(const char *name, const char *text)
{
	return (struct store_value){.name = name, .text = text};
}

static struct store_value number_value(const char *name, int64_t number)
{
	return (struct store_value){.name = name, .number = number, .is_number = true};
}

static void list_rows(struct call *c, const char *sql, const struct store_value *values, size_t n)
{
	struct model_names names = {.n = n};
	struct model_answer a;

	memcpy(names.values, values, n * sizeof(*values));
	model_list(c->w->model, sql, false, &names, &a);
	if (a.json)
		*c->reply = (struct front_reply){.status = a.status, .json = a.json};
	else
		refuse(c, a.status, a.why);
}

/* False: refused. */
static bool read_limit(struct call *c, int64_t *ret_limit)
{
	const char *text = query_get(&c->query, "limit");
	char *end;

	*ret_limit = API_SESSIONS_LIMIT;
	if (!text)
		return true;
	*ret_limit = strtoll(text, &end, 10);
	if (*text && !*end && *ret_limit >= 1 && *ret_limit <= API_SESSIONS_ROWS_MAX)
		return true;
	refuse(c, 400, "'limit' must be a number from 1 to 100000");
	return false;
}

static bool read_flag(struct call *c, const char *key, bool *ret_flag)
{
	const char *text = query_get(&c->query, key);
	char why[QUERY_WHY_MAX];

	*ret_flag = text && (!*text || strcmp(text, "true") == 0);
	if (!text || *ret_flag || strcmp(text, "false") == 0)
		return true;
	snprintf(why, sizeof(why), "'%s' must be true or false", key);
	refuse(c, 400, why);
	return false;
}

static void list_sessions(struct call *c)
{
	int64_t limit;
	bool with_ended;

	if (!read_limit(c, &limit) || !read_flag(c, "ended", &with_ended))
		return;
	list_rows(c, with_ended ? all_sql : live_sql,
		  (const struct store_value[]){
			  number_value(":now", c->now),
			  text_value(":app", query_get(&c->query, "app")),
			  text_value(":vnet", query_get(&c->query, "vnet")),
			  text_value(":plan", query_get(&c->query, "plan")),
			  number_value(":limit", limit),
		  },
		  5);
}

/* The session's JSON, owned; NULL: refused. */
static json_t *find_session(struct call *c, const char *id, uint64_t *ret_number)
{
	struct store_value values[3] = {number_value(":now", c->now)};
	struct store_query *q;
	struct certs_error e;
	json_t *json = NULL;
	uint64_t boot;
	int r = 0;

	if (parse_id(id, &boot, ret_number)) {
		values[1] = number_value(":boot", (int64_t)boot);
		values[2] = number_value(":number", (int64_t)*ret_number);
		r = store_query(c->w->model->store, one_sql, values, 3, &q, &e);
		if (r == 0) {
			r = store_query_next(q, &e);
			if (r > 0)
				json = json_loads(store_query_text(q, 0), 0, NULL);
			store_query_end(q);
		}
	}
	if (r == 0)
		refuse(c, 404, "There is no such session.");
	else if (!json)
		refuse(c, 500, r < 0 ? e.text : "out of memory");
	return json;
}

static void show_session(struct call *c)
{
	uint64_t number;
	json_t *json = find_session(c, c->names.texts[0], &number);

	if (json)
		answer(c, json);
}

/* ---- the end of some ---- */

/* False: refused. */
static bool send_disconnect(struct call *c, uint64_t session, const char *app, const char *vnet)
{
	const struct msg_disconnect m = {.session = session,
					 .app = app,
					 .vnet = vnet,
					 .reason = "disconnected by the operator"};
	uint8_t *frame;
	size_t len;
	int r = msg_disconnect_encode(&m, &frame, &len);

	if (r == 0)
		r = c->w->send(c->w->arg, frame, len);
	if (r < 0)
		refuse(c, 500, "the data plane cannot be told: try again");
	return r == 0;
}

static void answer_disconnected(struct call *c, int64_t n)
{
	answer(c, json_pack("{s:I}", "disconnected", (json_int_t)n));
}

static bool is_live(const json_t *session)
{
	return json_is_null(json_object_get(session, "ended"));
}

static void disconnect_one(struct call *c)
{
	uint64_t number;
	json_t *json = find_session(c, c->names.texts[0], &number);

	if (!json)
		return;
	if (!is_live(json))
		refuse(c, 409, "The session has ended already.");
	else if (send_disconnect(c, number, "", "")) {
		log_info("session %" PRIu64 " is disconnected by the operator", number);
		answer_disconnected(c, 1);
	}
	json_decref(json);
}

static bool check_key(struct call *c, const char *key, const json_t *value)
{
	char why[QUERY_WHY_MAX];
	char shown[QUERY_TEXT_MAX];
	bool is_name = strcmp(key, "app") == 0 || strcmp(key, "vnet") == 0;

	if (is_name ? json_is_string(value) && name_is_label(json_string_value(value))
		    : strcmp(key, "all") == 0 && json_is_boolean(value))
		return true;
	log_escape(shown, sizeof(shown), key, strlen(key));
	snprintf(why, sizeof(why),
		 is_name ? "'%s' is no name"
			 : "'%s' is not known here, or has the wrong type: \"app\", \"vnet\", "
			   "\"all\"",
		 shown);
	refuse(c, 400, why);
	return false;
}

static int64_t count_live(struct call *c, const char *app, const char *vnet, struct certs_error *e)
{
	const struct store_value values[] = {text_value(":app", app), text_value(":vnet", vnet),
					     text_value(":plan", NULL)};
	struct store_query *q;
	int64_t n = 0;
	int r = store_query(c->w->model->store,
			    "SELECT count(*) FROM session WHERE ended IS NULL AND" WANTED, values,
			    3, &q, e);

	if (r < 0)
		return r;
	r = store_query_next(q, e);
	if (r > 0)
		n = store_query_number(q, 0);
	store_query_end(q);
	return r < 0 ? r : n;
}

static void disconnect_some(struct call *c)
{
	const char *app = json_string_value(json_object_get(c->body, "app"));
	const char *vnet = json_string_value(json_object_get(c->body, "vnet"));
	struct certs_error e;
	const char *key;
	json_t *value;
	int64_t n;

	json_object_foreach(c->body, key, value)
	{
		if (!check_key(c, key, value))
			return;
	}
	if (!app && !vnet && !json_is_true(json_object_get(c->body, "all"))) {
		refuse(c, 400, "say whose: \"app\", \"vnet\", or \"all\": true");
		return;
	}
	n = count_live(c, app, vnet, &e);
	if (n < 0) {
		refuse(c, 500, e.text);
	} else if (n == 0 || send_disconnect(c, 0, app ? app : "", vnet ? vnet : "")) {
		log_info("%lld sessions are disconnected by the operator: app %s, VNet %s",
			 (long long)n, app ? app : "any", vnet ? vnet : "any");
		answer_disconnected(c, n);
	}
}

/* ---- a gateway's, as the original asks ---- */

/* False: there is no such gateway, which is the answer. */
static bool has_gateway(struct call *c)
{
	const struct model_names names = {4,
					  {text_value(":subscription", c->names.texts[0]),
					   text_value(":group", c->names.texts[1]),
					   text_value(":vnet", c->names.texts[2]),
					   text_value(":gateway", c->names.texts[3])}};
	struct model_answer a;

	model_get(c->w->model, &kind_gateway, &names, &a);
	if (a.status != 200)
		refuse(c, a.status, a.why);
	free(a.json);
	return a.status == 200;
}

static void show_health(struct call *c)
{
	if (!has_gateway(c))
		return;
	list_rows(c, live_sql,
		  (const struct store_value[]){number_value(":now", c->now),
					       text_value(":vnet", c->names.texts[2])},
		  2);
}

/* The number of a session of this VNet's that is there; 0: refused. */
static uint64_t live_number(struct call *c, const char *id)
{
	uint64_t number = 0;
	json_t *json = id ? find_session(c, id, &number) : NULL;
	const char *vnet = json_string_value(json_object_get(json, "vnet"));

	if (!id) {
		refuse(c, 400, "'vpnConnectionIds' must be a list of texts");
	} else if (json && (!is_live(json) || !name_equal(vnet, c->names.texts[2]))) {
		refuse(c, 404,
		       "A session of 'vpnConnectionIds' is not, or no longer, one of this "
		       "gateway's.");
		number = 0;
	} else if (!json) {
		number = 0;
	}
	json_decref(json);
	return number;
}

/* All of them, or none. */
static void disconnect_listed(struct call *c)
{
	const json_t *ids = json_object_get(c->body, "vpnConnectionIds");
	uint64_t numbers[IDS_MAX];
	size_t n = json_array_size(ids);

	if (!has_gateway(c))
		return;
	if (!json_is_array(ids) || n > IDS_MAX || json_object_size(c->body) != 1) {
		refuse(c, 400,
		       "'vpnConnectionIds' must be there, a list of at most 1000 texts, and "
		       "nothing else");
		return;
	}
	for (size_t i = 0; i < n; i++) {
		numbers[i] = live_number(c, json_string_value(json_array_get(ids, i)));
		if (!numbers[i])
			return;
	}
	for (size_t i = 0; i < n; i++)
		if (!send_disconnect(c, numbers[i], "", ""))
			return;
	log_info("%zu sessions of VNet %s are disconnected by the operator", n, c->names.texts[2]);
	answer_disconnected(c, (int64_t)n);
}

/* ---- usage ---- */

static void show_usage(struct call *c)
{
	usage_answer(c->w->model, &c->query, c->now, c->reply);
}

/* ---- which one it is ---- */

#define GATEWAY                                                                           \
	"/subscriptions/:subscription/resourceGroups/:group/providers/Microsoft.Network/" \
	"virtualNetworks/:vnet/virtualNetworkGateways/:gateway"

static const char *const no_keys[] = {NULL};
static const char *const session_keys[] = {"app", "vnet", "plan", "ended", "limit", NULL};

static const struct route {
	enum front_method method;
	const char *path;
	void (*run)(struct call *c);
	const char *const *keys; /* of a query */
} routes[] = {
	/* clang-format off */
	{FRONT_GET,  "/v1/sessions",                list_sessions,   session_keys},
	{FRONT_POST, "/v1/sessions/disconnect",     disconnect_some, no_keys},
	{FRONT_GET,  "/v1/sessions/:id",            show_session,    no_keys},
	{FRONT_POST, "/v1/sessions/:id/disconnect", disconnect_one,  no_keys},
	{FRONT_GET,  "/v1/usage",                   show_usage,      usage_keys},
	{FRONT_POST, GATEWAY "/getVpnClientConnectionHealth", show_health, no_keys},
	{FRONT_POST, GATEWAY "/disconnectVirtualNetworkGatewayVpnConnections",
	                                            disconnect_listed, no_keys},
	/* clang-format on */
};

const char *api_sessions_route(size_t i, enum front_method *ret_method)
{
	if (i >= sizeof(routes) / sizeof(routes[0]))
		return NULL;
	*ret_method = routes[i].method;
	return routes[i].path;
}

static const struct route *find_route(struct call *c, bool *ret_is_known)
{
	*ret_is_known = false;
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (!path_match(routes[i].path, c->request->path, &c->names))
			continue;
		*ret_is_known = true;
		if (routes[i].method == c->request->method)
			return &routes[i];
	}
	return NULL;
}

bool api_sessions_has_path(const char *path)
{
	struct front_request request = {.path = path};
	struct call c = {.request = &request};
	bool is_known;

	find_route(&c, &is_known);
	return is_known;
}

/* False: refused. */
static bool read_body(struct call *c)
{
	json_error_t error;
	char why[QUERY_WHY_MAX];

	if (!c->request->body_len)
		return true;
	c->body =
		json_loadb(c->request->body, c->request->body_len, JSON_REJECT_DUPLICATES, &error);
	if (json_is_object(c->body))
		return true;
	if (c->body)
		snprintf(why, sizeof(why), "the body must be a JSON object");
	else
		snprintf(why, sizeof(why), "the body is no JSON: line %d: %.150s", error.line,
			 error.text);
	refuse(c, 400, why);
	return false;
}

static void dispatch(struct call *c)
{
	bool is_known;
	const struct route *route = find_route(c, &is_known);
	char why[QUERY_WHY_MAX];

	if (!route)
		refuse(c, is_known ? 405 : 404,
		       is_known ? "this path has no such method" : "there is no such path");
	else if (query_parse(c->request->query, route->keys, &c->query, why) < 0)
		refuse(c, 400, why);
	else if (read_body(c))
		route->run(c);
}

void api_sessions_answer(const struct api_sessions_world *w, const struct front_request *request,
			 int64_t now, struct front_reply *ret_reply)
{
	struct call c = {.w = w, .request = request, .now = now, .reply = ret_reply};

	dispatch(&c);
	json_decref(c.body);
}

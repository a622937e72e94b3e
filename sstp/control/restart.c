/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/restart.h"

#include <stdio.h>
#include <string.h>

#include "sstp/control/model_internal.h"
#include "sstp/control/msg_site.h"
#include "sstp/control/path.h"
#include "sstp/control/query.h"
#include "sstp/control/reply.h"

static const char pattern[] =
	"/subscriptions/:subscription/resourceGroups/:group/providers/Microsoft.Web/serverfarms/"
	":plan/virtualNetworkConnections/:vnet/sync";

static bool refuse(struct front_reply *r, const char *why)
{
	reply_refuse(r, 400, why, NULL);
	return false;
}

static bool read_query(const struct front_request *request, bool *ret_is_wanted,
		       struct front_reply *ret_reply)
{
	static const char *const keys[] = {"restart", NULL};
	char why[QUERY_WHY_MAX];
	struct query q;
	const char *text;

	if (query_parse(request->query, keys, &q, why) < 0)
		return refuse(ret_reply, why);
	text = query_get(&q, "restart");
	if (text && strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
		return refuse(ret_reply, "'restart' must be true or false");
	*ret_is_wanted = text && strcmp(text, "true") == 0;
	return true;
}

static bool read_body(const struct front_request *request, bool *ret_is_wanted,
		      struct front_reply *ret_reply)
{
	json_t *body = json_loadb(request->body, request->body_len, JSON_REJECT_DUPLICATES, NULL);
	const json_t *value = json_object_get(body, "restart");
	bool is_good = json_is_object(body) && json_object_size(body) == (value ? 1 : 0) &&
		       (!value || json_is_boolean(value));

	if (is_good && json_is_true(value))
		*ret_is_wanted = true;
	json_decref(body);
	return is_good || refuse(ret_reply, "the body of a sync is {\"restart\": true} or "
					    "{\"restart\": false}, or there is none");
}

bool restart_read(const struct front_request *request, bool *ret_is_wanted,
		  struct front_reply *ret_reply)
{
	struct path_names names;

	*ret_is_wanted = false;
	if (request->method != FRONT_POST || !path_match(pattern, request->path, &names))
		return true;
	return read_query(request, ret_is_wanted, ret_reply) &&
	       (!request->body_len || read_body(request, ret_is_wanted, ret_reply));
}

static int send_one(const char *app, const char *vnet,
		    int (*send)(void *arg, uint8_t *frame, size_t len), void *arg,
		    struct certs_error *e)
{
	const struct msg_disconnect m = {.app = app,
					 .vnet = vnet,
					 .reason = "its network was synced, with a restart",
					 .is_restart = true};
	uint8_t *frame;
	size_t len;
	int r = msg_disconnect_encode(&m, &frame, &len);

	if (r == 0)
		r = send(arg, frame, len);
	return r < 0 ? certs_fail(e, r, "the data plane cannot be told: %s", strerror(-r)) : 0;
}

int restart_apps(struct model *model, const struct front_request *request,
		 int (*send)(void *arg, uint8_t *frame, size_t len), void *arg,
		 struct certs_error *ret_error)
{
	struct path_names names;
	struct store_value values[4];
	static const char *const keys[] = {":subscription", ":group", ":plan", ":vnet"};
	struct store_query *q;
	int n = 0;
	int r;

	if (!path_match(pattern, request->path, &names))
		return 0;
	for (size_t i = 0; i < 4; i++)
		values[i] = (struct store_value){.name = keys[i], .text = names.texts[i]};
	r = store_query(model->store,
			"SELECT a.name, v.name FROM plan p JOIN app a ON a.plan_id = p.id"
			" JOIN connection c ON c.app_id = a.id JOIN vnet v ON v.id = c.vnet_id"
			" WHERE p.subscription = :subscription AND p.resource_group = :group"
			" AND p.name = :plan AND v.name = :vnet ORDER BY a.name",
			values, 4, &q, ret_error);
	if (r < 0)
		return r;
	while ((r = store_query_next(q, ret_error)) > 0) {
		r = send_one(store_query_text(q, 0), store_query_text(q, 1), send, arg, ret_error);
		if (r < 0)
			break;
		n++;
	}
	store_query_end(q);
	return r < 0 ? r : n;
}

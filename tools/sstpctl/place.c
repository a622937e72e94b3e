/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sstpctl/place.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "tools/sstpctl/client.h"
#include "tools/sstpctl/request.h"

enum {
	NAME_BYTES = 256,
	PLACES_SHOWN = 400,
};

static const struct {
	const char *kind;
	const char *type;
	const char *called;
} types[] = {
	{"PLAN", "Microsoft.Web/serverfarms", "App Service plan"},
	{"APP", "Microsoft.Web/sites", "app"},
	{"VNET", "Microsoft.Network/virtualNetworks", "virtual network"},
};

static size_t type_of(const char *kind)
{
	size_t i = 0;

	while (i + 1 < sizeof(types) / sizeof(types[0]) &&
	       strncmp(types[i].kind, kind, strlen(types[i].kind)) != 0)
		i++;
	return i;
}

/* Escaped for a path; what is too long for a name is cut, and no name. */
static const char *escape(const char *name, char buf[NAME_BYTES])
{
	char *escaped = curl_easy_escape(NULL, name, 0);

	snprintf(buf, NAME_BYTES, "%s", escaped ? escaped : "");
	curl_free(escaped);
	return buf;
}

/* ---- asking ---- */

/* The client is there. */
static int ask(struct call *c, const char *path, json_t **ret_answer, struct client_error *e)
{
	const struct client_request q = {.method = "GET", .path = path};

	return client_ask(*c->client, &q, ret_answer, e);
}

int place_get(struct call *c, const char *path, json_t **ret_answer)
{
	struct client *client;
	struct client_error e;
	int code = request_client(c, &client), r;

	if (code)
		return code;
	r = ask(c, path, ret_answer, &e);
	return r < 0 ? call_fail(request_exit_code(r), "%s", e.text) : 0;
}

/* ---- lists ---- */

/* Adds those of one subscription to value. */
static int add_of_subscription(struct call *c, const char *subscription, const char *type,
			       json_t *value)
{
	const char *group = c->options[OPTION_RESOURCE_GROUP];
	char s[NAME_BYTES], g[NAME_BYTES], path[PLACE_ID_MAX * 2];
	json_t *answer;
	int code;

	snprintf(path, sizeof(path), "/subscriptions/%s%s%s/providers/%s", escape(subscription, s),
		 group ? "/resourceGroups/" : "", group ? escape(group, g) : "", type);
	code = place_get(c, path, &answer);
	if (code)
		return code;
	json_array_extend(value, json_object_get(answer, "value"));
	json_decref(answer);
	return 0;
}

static int add_of_all(struct call *c, const char *type, json_t *value)
{
	json_t *subscriptions;
	const json_t *s;
	size_t i;
	int code = place_get(c, "/subscriptions", &subscriptions);

	if (code)
		return code;
	json_array_foreach(json_object_get(subscriptions, "value"), i, s)
	{
		const char *id = json_string_value(json_object_get(s, "subscriptionId"));

		if (code == 0 && id)
			code = add_of_subscription(c, id, type, value);
	}
	json_decref(subscriptions);
	return code;
}

int place_list(struct call *c, const char *type, json_t **ret_answer)
{
	json_t *value = json_array();
	int code = c->options[OPTION_SUBSCRIPTION]
			   ? add_of_subscription(c, c->options[OPTION_SUBSCRIPTION], type, value)
			   : add_of_all(c, type, value);

	if (code)
		json_decref(value);
	else
		*ret_answer = json_pack("{s:o}", "value", value);
	return code;
}

/* ---- one ---- */

static void make_id(const struct call *c, size_t type, const char *name, char ret_id[PLACE_ID_MAX])
{
	const char *subscription = c->options[OPTION_SUBSCRIPTION];
	const char *group = c->options[OPTION_RESOURCE_GROUP];
	char s[NAME_BYTES], g[NAME_BYTES], n[NAME_BYTES];

	/* cut, a name is longer than any there is */
	snprintf(ret_id, PLACE_ID_MAX,
		 "/subscriptions/%.120s/resourceGroups/%.120s/providers/%s/%.120s",
		 escape(subscription ? subscription : "default", s),
		 escape(group ? group : "default", g), types[type].type, escape(name, n));
}

/* Those of list that are called so; the first one's id. */
static size_t count_named(const json_t *list, const char *name, char ret_id[PLACE_ID_MAX],
			  char places[PLACES_SHOWN])
{
	size_t i, n = 0, len = 0;
	const json_t *row;

	json_array_foreach(list, i, row)
	{
		const char *id = json_string_value(json_object_get(row, "id"));
		const char *own = json_string_value(json_object_get(row, "name"));

		if (!id || !own || strcasecmp(own, name) != 0)
			continue;
		if (n++ == 0)
			snprintf(ret_id, PLACE_ID_MAX, "%s", id);
		if (len < PLACES_SHOWN)
			len += (size_t)snprintf(places + len, PLACES_SHOWN - len, "%s%s",
						n > 1 ? ", " : "", id);
	}
	return n;
}

/* Everywhere that the options allow. */
static int look_through(struct call *c, size_t type, const char *name, char ret_id[PLACE_ID_MAX])
{
	char places[PLACES_SHOWN] = "", id[PLACE_ID_MAX];
	json_t *answer;
	int code = place_list(c, types[type].type, &answer);
	size_t n;

	if (code)
		return code;
	n = count_named(json_object_get(answer, "value"), name, id, places);
	json_decref(answer);
	if (n > 1)
		return call_fail(EXIT_USAGE,
				 "%s '%s' is in %zu places (%s): say which with --subscription and "
				 "--resource-group",
				 types[type].called, name, n, places);
	if (n == 1)
		memcpy(ret_id, id, PLACE_ID_MAX);
	return 0;
}

int place_find(struct call *c, const char *kind, const char *name, bool is_new,
	       char ret_id[PLACE_ID_MAX])
{
	bool is_said = c->options[OPTION_SUBSCRIPTION] && c->options[OPTION_RESOURCE_GROUP];
	size_t type = type_of(kind);
	struct client *client;
	struct client_error e;
	json_t *there;
	int code;

	if (*name == '/') {
		snprintf(ret_id, PLACE_ID_MAX, "%s", name);
		return 0;
	}
	if (strchr(name, '/'))
		return call_fail(EXIT_USAGE, "'%s' is no name: it has a slash in it", name);
	make_id(c, type, name, ret_id);
	if (is_said || is_new)
		return 0;
	code = request_client(c, &client);
	if (code)
		return code;
	if (ask(c, ret_id, &there, &e) == 0) {
		json_decref(there);
		return 0;
	}
	return e.status == 404 ? look_through(c, type, name, ret_id) : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/description.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int fail(struct certs_error *e, const char *what)
{
	return certs_fail(e, -EBADMSG, "the gateway's network description: %s", what);
}

static int take_label(const json_t *root, const char *key, bool must, char ret[NAME_LABEL_MAX],
		      struct certs_error *e)
{
	const json_t *value = json_object_get(root, key);
	const char *text = json_string_value(value);

	if (!value && !must)
		return 0;
	if (!text || !name_is_label(text))
		return certs_fail(
			e, -EBADMSG,
			"the gateway's network description: \"%s\" must be a name of 1 to 64 "
			"letters, digits, '.', '_' and '-'",
			key);
	strcpy(ret, text);
	return 0;
}

struct place {
	struct prefix prefix;
	size_t at;
};

static int compare_places(const void *a, const void *b)
{
	const struct place *p = a, *q = b;
	int order = prefix_compare(&p->prefix, &q->prefix);

	return order ? order : (p->at > q->at) - (p->at < q->at);
}

/* Sorted, those that are the same stand side by side, the first one first; the others have no family from then on. */
static void mark_twins(struct prefix *routes, struct place *places, size_t n)
{
	for (size_t i = 0; i < n; i++)
		places[i] = (struct place){.prefix = routes[i], .at = i};
	qsort(places, n, sizeof(*places), compare_places);
	for (size_t i = 1; i < n; i++)
		if (prefix_equal(&places[i].prefix, &places[i - 1].prefix))
			routes[places[i].at].family = 0;
}

int description_unique(struct prefix *routes, size_t n, size_t *ret_n)
{
	struct place *places = calloc(n + 1, sizeof(*places));
	size_t kept = 0;

	if (!places)
		return -ENOMEM;
	mark_twins(routes, places, n);
	free(places);
	for (size_t i = 0; i < n; i++)
		if (routes[i].family)
			routes[kept++] = routes[i];
	*ret_n = kept;
	return 0;
}

static int fail_prefixes(struct certs_error *e, const char *key, const char *what)
{
	return certs_fail(e, -EBADMSG, "the gateway's network description: \"%s\" %s", key, what);
}

/* Of the key; what an earlier one gave is gone then. */
static int take_prefixes(const json_t *root, const char *key, struct description *d,
			 struct certs_error *e)
{
	const json_t *list = json_object_get(root, key);
	size_t n = json_array_size(list);

	if (!json_is_array(list) || n > DESCRIPTION_ROUTES_MAX)
		return fail_prefixes(e, key, "must be a list of at most 4096 prefixes");
	free(d->routes);
	d->n_routes = 0;
	d->routes = calloc(n + 1, sizeof(*d->routes));
	if (!d->routes)
		return certs_fail(e, -ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (!text || prefix_parse(text, &d->routes[i]) < 0)
			return fail_prefixes(e, key,
					     "holds what is no prefix, such as 10.1.0.0/16");
	}
	if (description_unique(d->routes, n, &d->n_routes) < 0)
		return certs_fail(e, -ENOMEM, "out of memory");
	return 0;
}

static int take_routes(const json_t *root, struct description *d, struct certs_error *e)
{
	int r = take_prefixes(root, "addressSpaces", d, e);

	return r == 0 && json_object_get(root, "routes") ? take_prefixes(root, "routes", d, e) : r;
}

int description_server(const char *text, struct prefix *ret_server)
{
	struct in6_addr addr;
	uint8_t family = strchr(text, ':') ? AF_INET6 : AF_INET;

	if (inet_pton(family, text, &addr) != 1)
		return -EINVAL;
	*ret_server = prefix_host(family, &addr);
	return 0;
}

static int take_dns(const json_t *root, struct description *d, struct certs_error *e)
{
	const json_t *list = json_object_get(root, "dnsServers");

	if (list && !json_is_array(list))
		return fail(e, "\"dnsServers\" must be a list of addresses");
	if (json_array_size(list) > DESCRIPTION_DNS_MAX)
		return fail(e, "\"dnsServers\" holds more than eight addresses");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (!text || description_server(text, &d->dns[d->n_dns++]) < 0)
			return fail(e, "\"dnsServers\" holds what is no address");
	}
	return 0;
}

bool description_is_domain(const char *text)
{
	size_t len = strlen(text), label = 0;

	for (const char *p = text; *p; p++) {
		bool is_dot = *p == '.';

		if ((is_dot && label == 0) ||
		    (!is_dot && !isalnum((unsigned char)*p) && !strchr("-_", *p)))
			return false;
		label = is_dot ? 0 : label + 1;
	}
	return len > 0 && len < DESCRIPTION_DOMAIN_MAX;
}

/* They end up in a file that the app's resolver reads. */
static int take_domains(const json_t *root, struct description *d, struct certs_error *e)
{
	const json_t *list = json_object_get(root, "searchDomains");

	if (list && !json_is_array(list))
		return fail(e, "\"searchDomains\" must be a list of domains");
	if (json_array_size(list) > DESCRIPTION_DOMAINS_MAX)
		return fail(e, "\"searchDomains\" holds more than six domains");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (!text || !description_is_domain(text))
			return fail(e, "\"searchDomains\" holds what is no domain");
		strcpy(d->domains[d->n_domains++], text);
	}
	return 0;
}

static int take_pools(const json_t *root, struct description *d, struct certs_error *e)
{
	static const char key[] = "pointToSiteAddressSpaces";
	const json_t *list = json_object_get(root, key);

	if ((list && !json_is_array(list)) || json_array_size(list) > DESCRIPTION_POOLS_MAX)
		return fail_prefixes(e, key, "must be a list of at most 16 prefixes");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (!text || prefix_parse(text, &d->pools[d->n_pools++]) < 0)
			return fail_prefixes(e, key,
					     "holds what is no prefix, such as 172.16.77.0/24");
	}
	return 0;
}

static int take_digest(const json_t *root, struct description *d, struct certs_error *e)
{
	const json_t *value = json_object_get(root, "digest");
	const char *text = json_string_value(value);

	if (!value)
		return 0;
	if (!text || strlen(text) >= sizeof(d->digest))
		return fail(e, "\"digest\" must be a text of at most 128 characters");
	for (const char *p = text; *p; p++)
		if (!isgraph((unsigned char)*p))
			return fail(e, "\"digest\" must be printable");
	strcpy(d->digest, text);
	return 0;
}

static int take(const json_t *root, struct description *d, struct certs_error *e)
{
	int r = json_is_object(root) ? 0 : fail(e, "it must be an object");

	if (r == 0)
		r = take_label(root, "vnetName", true, d->vnet, e);
	if (r == 0)
		r = take_label(root, "appName", false, d->app, e);
	if (r == 0)
		r = take_routes(root, d, e);
	if (r == 0)
		r = take_dns(root, d, e);
	if (r == 0)
		r = take_domains(root, d, e);
	if (r == 0)
		r = take_pools(root, d, e);
	return r == 0 ? take_digest(root, d, e) : r;
}

int description_parse(const char *json, size_t len, struct description *ret_description,
		      struct certs_error *ret_error)
{
	struct description d = {0};
	json_error_t why;
	json_t *root;
	int r;

	if (len > DESCRIPTION_JSON_MAX)
		return certs_fail(ret_error, -EMSGSIZE,
				  "the gateway's network description is longer than 128 KB");
	root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &why);
	if (!root)
		return fail(ret_error, "it is not JSON");
	r = take(root, &d, ret_error);
	json_decref(root);
	if (r < 0)
		description_done(&d);
	else
		*ret_description = d;
	return r;
}

/* Both without twins. Without memory they count as different. */
static bool has_same_routes(const struct description *a, const struct description *b)
{
	struct prefix *both = calloc(a->n_routes + b->n_routes + 1, sizeof(*both));
	size_t n = a->n_routes + b->n_routes, distinct = n;

	if (!both)
		return false;
	if (a->n_routes)
		memcpy(both, a->routes, a->n_routes * sizeof(*both));
	if (b->n_routes)
		memcpy(both + a->n_routes, b->routes, b->n_routes * sizeof(*both));
	if (description_unique(both, n, &distinct) < 0)
		distinct = n;
	free(both);
	return distinct == a->n_routes && distinct == b->n_routes;
}

static bool has_same_names(const struct description *a, const struct description *b)
{
	bool is_same = a->n_dns == b->n_dns && a->n_domains == b->n_domains;

	for (size_t i = 0; i < a->n_dns && is_same; i++)
		is_same = prefix_equal(&a->dns[i], &b->dns[i]);
	for (size_t i = 0; i < a->n_domains && is_same; i++)
		is_same = strcmp(a->domains[i], b->domains[i]) == 0;
	return is_same;
}

static bool has_same_pools(const struct description *a, const struct description *b)
{
	bool is_same = a->n_pools == b->n_pools;

	for (size_t i = 0; i < a->n_pools && is_same; i++)
		is_same = prefix_equal(&a->pools[i], &b->pools[i]);
	return is_same;
}

bool description_equal(const struct description *a, const struct description *b)
{
	if (a->digest[0] && b->digest[0])
		return strcmp(a->digest, b->digest) == 0;
	return strcmp(a->vnet, b->vnet) == 0 && strcmp(a->app, b->app) == 0 &&
	       has_same_names(a, b) && has_same_pools(a, b) && has_same_routes(a, b);
}

int description_copy(const struct description *d, struct description *ret_copy)
{
	struct prefix *routes = calloc(d->n_routes + 1, sizeof(*routes));

	if (!routes)
		return -ENOMEM;
	if (d->n_routes)
		memcpy(routes, d->routes, d->n_routes * sizeof(*routes));
	*ret_copy = *d;
	ret_copy->routes = routes;
	return 0;
}

void description_done(struct description *d)
{
	if (!d)
		return;
	free(d->routes);
	memset(d, 0, sizeof(*d));
}

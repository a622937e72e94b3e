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

static bool has_route(const struct description *d, const struct prefix *p)
{
	for (size_t i = 0; i < d->n_routes; i++)
		if (prefix_equal(&d->routes[i], p))
			return true;
	return false;
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
	struct prefix p;

	if (!json_is_array(list) || n > DESCRIPTION_ROUTES_MAX)
		return fail_prefixes(e, key, "must be a list of at most 4096 prefixes");
	free(d->routes);
	d->n_routes = 0;
	d->routes = calloc(n + 1, sizeof(*d->routes));
	if (!d->routes)
		return certs_fail(e, -ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		const char *text = json_string_value(json_array_get(list, i));

		if (!text || prefix_parse(text, &p) < 0)
			return fail_prefixes(e, key,
					     "holds what is no prefix, such as 10.1.0.0/16");
		if (p.family == AF_INET && !has_route(d, &p))
			d->routes[d->n_routes++] = p;
	}
	return 0;
}

static int take_routes(const json_t *root, struct description *d, struct certs_error *e)
{
	int r = take_prefixes(root, "addressSpaces", d, e);

	return r == 0 && json_object_get(root, "routes") ? take_prefixes(root, "routes", d, e) : r;
}

static bool is_ipv6(const char *text)
{
	struct in6_addr addr;

	return inet_pton(AF_INET6, text, &addr) == 1;
}

static int take_dns(const json_t *root, struct description *d, struct certs_error *e)
{
	const json_t *list = json_object_get(root, "dnsServers");

	if (list && !json_is_array(list))
		return fail(e, "\"dnsServers\" must be a list of addresses");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));
		uint32_t server;

		if (text && is_ipv6(text))
			continue;
		if (!text || inet_pton(AF_INET, text, &server) != 1)
			return fail(e, "\"dnsServers\" holds what is no address");
		if (d->n_dns == DESCRIPTION_DNS_MAX)
			return fail(e, "\"dnsServers\" holds more than two addresses");
		d->dns_be[d->n_dns++] = server;
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

bool description_equal(const struct description *a, const struct description *b)
{
	if (a->digest[0] && b->digest[0])
		return strcmp(a->digest, b->digest) == 0;
	if (a->n_routes != b->n_routes || a->n_dns != b->n_dns || strcmp(a->vnet, b->vnet) != 0 ||
	    strcmp(a->app, b->app) != 0)
		return false;
	for (size_t i = 0; i < a->n_routes; i++)
		if (!has_route(b, &a->routes[i]))
			return false;
	return memcmp(a->dns_be, b->dns_be, sizeof(a->dns_be)) == 0;
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

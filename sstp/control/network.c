/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/network.h"

#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/name.h"

struct network {
	json_t *json; /* without app and digest */
	char digest[NETWORK_DIGEST_MAX];
};

struct networks {
	size_t n;
	struct network list[];
};

/* Owned; NULL without memory. */
static json_t *list_of(const char *const *texts, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < n; i++) {
		if (json_array_append_new(list, json_string(texts[i])) < 0) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static bool digest_of(const json_t *json, char ret_digest[NETWORK_DIGEST_MAX])
{
	char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
	unsigned char hash[32];
	bool done = text && EVP_Digest(text, strlen(text), hash, NULL, EVP_sha256(), NULL) == 1;

	for (size_t i = 0; done && i < sizeof(hash); i++)
		snprintf(ret_digest + 2 * i, 3, "%02x", hash[i]);
	free(text);
	return done;
}

static bool network_init(struct network *n, const struct msg_vnet *v)
{
	n->json = json_pack("{s:s, s:o, s:o, s:s}", "vnetName", v->name, "addressSpaces",
			    list_of(v->spaces, v->n_spaces), "dnsServers",
			    list_of(v->dns, v->n_dns), "gateway", v->gateway);
	return n->json && digest_of(n->json, n->digest);
}

struct networks *networks_new(const struct msg_config *config)
{
	struct networks *n = calloc(1, sizeof(*n) + config->n_vnets * sizeof(n->list[0]));

	for (size_t i = 0; n && i < config->n_vnets; i++) {
		n->n = i + 1;
		if (!network_init(&n->list[i], &config->vnets[i])) {
			networks_free(n);
			return NULL;
		}
	}
	return n;
}

void networks_free(struct networks *n)
{
	for (size_t i = 0; n && i < n->n; i++)
		json_decref(n->list[i].json);
	free(n);
}

static const struct network *find(const struct networks *n, const char *vnet)
{
	for (size_t i = 0; n && i < n->n; i++)
		if (name_equal(json_string_value(json_object_get(n->list[i].json, "vnetName")),
			       vnet))
			return &n->list[i];
	return NULL;
}

const char *networks_digest(const struct networks *n, const char *vnet)
{
	const struct network *found = find(n, vnet);

	return found ? found->digest : NULL;
}

char *networks_describe(const struct networks *n, const char *vnet, const char *app)
{
	const struct network *found = find(n, vnet);
	json_t *json = found ? json_copy(found->json) : NULL;
	char *text = NULL;

	if (json && json_object_set_new(json, "appName", json_string(app)) == 0 &&
	    json_object_set_new(json, "digest", json_string(found->digest)) == 0)
		text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	return text;
}

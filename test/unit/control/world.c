/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/control/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs/base64.h"
#include "certs/csr.h"
#include "test/support/cmocka.h"

struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));
	char folder[512];

	assert_non_null(w);
	w->est.authority = scene_open(MINT_NOW);
	w->est.attempts = attempts_new();
	assert_non_null(w->est.attempts);
	snprintf(folder, sizeof(folder), "%s.apps", scene_folder());
	assert_int_equal(handed_open(folder, &w->est.handed, NULL), 0);
	assert_int_equal(model_open(":memory:", &w->model, NULL), 0);
	w->est.networks = networks_new(w->model);
	assert_non_null(w->est.networks);
	world_set_dns(w, "10.1.0.4");
	return w;
}

void world_free(struct world *w)
{
	authority_close(w->est.authority);
	attempts_free(w->est.attempts);
	handed_close(w->est.handed);
	networks_free(w->est.networks);
	anchors_free(w->anchors);
	model_close(w->model);
	free(w);
}

static int keep(void *arg)
{
	return 0;
}

void world_connect(struct world *w, const char *app, const char *vnet)
{
	struct certs_error e;

	if (model_admit(w->model, app, vnet, MINT_NOW, keep, NULL, &e) < 0)
		fail_msg("%s", e.text);
}

const char *world_digest(struct world *w, const char *app, const char *vnet)
{
	struct network network;

	assert_int_equal(networks_find(w->est.networks, app, vnet, &network, NULL), 1);
	return network.digest;
}

void world_set_dns(struct world *w, const char *dns)
{
	struct msg_vnet vnet = {.name = "blue",
				.spaces = {"10.1.0.0/16"},
				.n_spaces = 1,
				.pools = {"172.16.77.0/24"},
				.n_pools = 1,
				.dns = {dns},
				.n_dns = 1,
				.gateway = "192.0.0.8"};
	struct msg_config config = {.dial = "", .vnets = &vnet, .n_vnets = 1};

	assert_int_equal(model_set_networks(w->model, &config, MINT_NOW, NULL), 0);
}

void world_show(struct world *w, const struct minted *issuer)
{
	struct minted leaf =
		mint(&(struct mint){.cn = "gateway", .san = "DNS:gw.test", .issuer = issuer});
	char *pem = mint_pem(&leaf), *above = issuer ? mint_pem(issuer) : strdup(""), *chain;

	assert_true(asprintf(&chain, "%s%s", pem, above) > 0);
	anchors_free(w->anchors);
	assert_int_equal(anchors_new((const char *const[]){chain}, 1, &w->anchors, NULL), 0);
	w->est.anchors = w->anchors;
	free(chain);
	free(above);
	free(pem);
	minted_done(&leaf);
}

char *world_csr(void)
{
	EVP_PKEY *key = mint_key(MINT_P256);
	uint8_t *der;
	size_t len;
	char *text;

	assert_int_equal(csr_new(key, "whoever", &der, &len, NULL), 0);
	text = malloc(BASE64_TEXT_MAX(len));
	assert_non_null(text);
	base64_encode(BASE64_LINE, der, len, text);
	free(der);
	EVP_PKEY_free(key);
	return text;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates: the single pair that most have, and the list for more; one list from here on, the default in front. */
#include <stdlib.h>

#include "sstp/base/conf_file.h"
#include "sstp/gateway/config_load.h"

int load_pem(struct load *l, const char *file, const char *label, char **ret_path)
{
	char buf[CONF_PROBLEM_MAX];
	const char *problem;

	*ret_path = conf_file_resolve(l->path, file);
	if (!*ret_path)
		return load_no_memory(l);
	problem = l->looks_at_files ? conf_file_pem_problem(*ret_path, label, buf) : NULL;
	return problem ? load_fail(l, "%s %s", *ret_path, problem) : 0;
}

static struct gateway_certificate *next_certificate(struct load *l)
{
	struct gateway_certificate *c = &l->config->certificates[l->config->n_certificates++];

	c->vnet = GATEWAY_ANY_VNET;
	return c;
}

static int load_single(struct load *l)
{
	const struct gateway_raw *raw = l->raw;
	struct gateway_certificate *c;
	int r;

	if (!raw->certificate != !raw->key) {
		load_at(l, "%s", raw->key ? "key" : "certificate");
		return load_fail(l, "needs '%s' beside it", raw->key ? "certificate" : "key");
	}
	if (!raw->certificate)
		return 0;
	c = next_certificate(l);
	load_at(l, "certificate");
	r = load_pem(l, raw->certificate, "CERTIFICATE", &c->certificate);
	load_at(l, "key");
	return r ? r : load_pem(l, raw->key, "PRIVATE KEY", &c->key);
}

static int load_listed(struct load *l, const struct gateway_raw_certificate *raw, size_t i)
{
	struct gateway_certificate *c = next_certificate(l);
	size_t vnet;
	int r;

	load_at(l, "certificates[%zu].certificate", i);
	r = load_pem(l, raw->certificate, "CERTIFICATE", &c->certificate);
	load_at(l, "certificates[%zu].key", i);
	if (!r)
		r = load_pem(l, raw->key, "PRIVATE KEY", &c->key);
	if (r || !raw->vnet)
		return r;
	load_at(l, "certificates[%zu].vnet", i);
	r = load_vnet_named(l, raw->vnet, &vnet);
	if (!r)
		c->vnet = (int)vnet;
	return r;
}

int load_certificates(struct load *l)
{
	size_t n = l->raw->certificates_count;
	int r;

	l->config->certificates = calloc(n + 1, sizeof(*l->config->certificates));
	if (!l->config->certificates)
		return load_no_memory(l);
	r = load_single(l);
	for (size_t i = 0; i < n && !r; i++)
		r = load_listed(l, &l->raw->certificates[i], i);
	return r;
}

void certificate_done(struct gateway_certificate *c)
{
	free(c->certificate);
	free(c->key);
}

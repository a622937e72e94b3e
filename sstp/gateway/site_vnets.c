/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/gateway/site_vnets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/base/log.h"

enum {
	WHY_MAX = 256,
};

struct own {
	char name[MSG_NAME_MAX + 1];
	char device[IFNAMSIZ];
	char netns[MSG_NAME_MAX + 1]; /* where that is; "": here */
	struct prefix *spaces;	      /* owned, as are the pools */
	size_t n_spaces;
	struct prefix *pools;
	size_t n_pools;
	uint32_t dns_be[MSG_DNS_MAX];
	uint8_t dns6[ND_DNS_MAX][ND_ADDRESS_SIZE];
	size_t n_dns6;
	char *domains[MSG_DOMAINS_MAX]; /* owned */
	size_t n_domains;
	uint32_t gateway_be;
	char why[WHY_MAX]; /* "": it is up */
	uint64_t told_in;  /* the round */
};

struct site_vnets {
	struct site_vnets_params params;
	struct own *list[MSG_VNETS_MAX];
	size_t n;
	uint64_t round;
};

/* ---- what was told */

static void own_free(struct own *o)
{
	if (!o)
		return;
	free(o->spaces);
	free(o->pools);
	while (o->n_domains)
		free(o->domains[--o->n_domains]);
	free(o);
}

/* 0; -ENOMEM; -EINVAL: one of them is no prefix. */
static int read_prefixes(const char *const *texts, size_t n, struct prefix **ret_prefixes)
{
	struct prefix *list = calloc(n + 1, sizeof(*list));
	int r = list ? 0 : -ENOMEM;

	for (size_t i = 0; i < n && r == 0; i++)
		if (prefix_parse(texts[i], &list[i]) < 0)
			r = -EINVAL;
	if (r < 0) {
		free(list);
		return r;
	}
	*ret_prefixes = list;
	return 0;
}

static int read_address(const char *text, uint32_t *ret_be)
{
	return inet_pton(AF_INET, text, ret_be) == 1 ? 0 : -EINVAL;
}

/* The first ones of each family: IPCP and advertisements have no more. */
static int read_servers(struct own *o, const struct msg_vnet *v)
{
	uint8_t server6[ND_ADDRESS_SIZE];
	uint32_t server_be;
	size_t n = 0;

	for (size_t i = 0; i < v->n_dns; i++) {
		if (inet_pton(AF_INET6, v->dns[i], server6) == 1) {
			if (o->n_dns6 < ND_DNS_MAX)
				memcpy(o->dns6[o->n_dns6++], server6, sizeof(server6));
			continue;
		}
		if (read_address(v->dns[i], &server_be) < 0)
			return -EINVAL;
		if (n < MSG_DNS_MAX)
			o->dns_be[n++] = server_be;
	}
	return 0;
}

static int read_domains(struct own *o, const struct msg_vnet *v)
{
	for (size_t i = 0; i < v->n_domains; i++) {
		o->domains[i] = strdup(v->domains[i]);
		if (!o->domains[i])
			return -ENOMEM;
		o->n_domains++;
	}
	return 0;
}

static int fill(struct own *o, const struct msg_site_vnet *m)
{
	const struct msg_vnet *v = &m->vnet;
	int r = read_prefixes(v->spaces, v->n_spaces, &o->spaces);

	snprintf(o->name, sizeof(o->name), "%s", v->name);
	snprintf(o->device, sizeof(o->device), "%s", m->device);
	snprintf(o->netns, sizeof(o->netns), "%s", v->netns);
	o->n_spaces = v->n_spaces;
	o->n_pools = v->n_pools;
	if (r == 0)
		r = read_prefixes(v->pools, v->n_pools, &o->pools);
	if (r == 0)
		r = read_address(v->gateway, &o->gateway_be);
	if (r == 0)
		r = read_domains(o, v);
	return r < 0 ? r : read_servers(o, v);
}

static int own_new(const struct msg_site_vnet *m, struct own **ret_own)
{
	struct own *o = calloc(1, sizeof(*o));
	int r = o ? fill(o, m) : -ENOMEM;

	if (r < 0) {
		own_free(o);
		return r;
	}
	*ret_own = o;
	return 0;
}

/* What a device and its pool are made of: if that changes, all of it is another one. */
static bool is_the_same(const struct own *a, const struct own *b)
{
	if (strcmp(a->device, b->device) != 0 || strcmp(a->netns, b->netns) != 0 ||
	    a->gateway_be != b->gateway_be || a->n_pools != b->n_pools)
		return false;
	for (size_t i = 0; i < a->n_pools; i++)
		if (!prefix_equal(&a->pools[i], &b->pools[i]))
			return false;
	return true;
}

/* ---- into the data plane */

static void set_state(struct site_vnets *v, struct own *o, const char *why)
{
	if (*why && strcmp(why, o->why) != 0)
		log_error("%s", why);
	snprintf(o->why, sizeof(o->why), "%s", why);
	v->params.on_state(v->params.arg, o->name, o->why);
}

static void apply(struct site_vnets *v, struct own *o)
{
	struct vnet_params params = {
		.name = o->name,
		.address_spaces = o->spaces,
		.naddress_spaces = o->n_spaces,
		.pools = o->pools,
		.npools = o->n_pools,
		.gateway_be = o->gateway_be,
		.tun_name = o->device,
		.netns = o->netns,
		.domains = (const char *const *)o->domains,
		.ndomains = o->n_domains,
		.ndns6 = o->n_dns6,
		.mtu = v->params.mtu,
		.offload = v->params.offload,
	};
	char error[WHY_MAX] = "";

	memcpy(params.dns_be, o->dns_be, sizeof(params.dns_be));
	memcpy(params.dns6, o->dns6, sizeof(params.dns6));
	if (dataplane_set_vnet(v->params.dataplane, &params, error) == 0)
		error[0] = '\0';
	set_state(v, o, error);
}

static void retire(struct site_vnets *v, const struct own *o, const char *what)
{
	char reason[WHY_MAX];

	snprintf(reason, sizeof(reason), "VNet %.64s %s", o->name, what);
	log_info("%s", reason);
	dataplane_retire_vnet(v->params.dataplane, o->name, reason);
}

/* ---- the list */

/* Where it is; the end: it is not there. */
static size_t find(const struct site_vnets *v, const char *name)
{
	size_t i = 0;

	while (i < v->n && strcmp(v->list[i]->name, name) != 0)
		i++;
	return i;
}

static int add(struct site_vnets *v, struct own *o)
{
	if (dataplane_vnet_id(v->params.dataplane, o->name) >= 0)
		return -EEXIST;
	if (v->n == MSG_VNETS_MAX)
		return -E2BIG;
	v->list[v->n++] = o;
	log_info("VNet %s: added", o->name);
	apply(v, o);
	return 0;
}

int site_vnets_set(struct site_vnets *v, const struct msg_site_vnet *m)
{
	size_t at = find(v, m->vnet.name);
	struct own *o;
	int r = own_new(m, &o);

	if (r < 0)
		return r;
	o->told_in = v->round;
	if (at == v->n) {
		r = add(v, o);
		if (r < 0)
			own_free(o);
		return r;
	}
	if (!is_the_same(v->list[at], o))
		retire(v, v->list[at],
		       "has other pools, or another device, or is attached elsewhere");
	snprintf(o->why, sizeof(o->why), "%s", v->list[at]->why);
	own_free(v->list[at]);
	v->list[at] = o;
	apply(v, o);
	return 0;
}

static void drop_at(struct site_vnets *v, size_t at)
{
	retire(v, v->list[at], "was deleted");
	own_free(v->list[at]);
	v->list[at] = v->list[--v->n];
}

void site_vnets_drop(struct site_vnets *v, const char *name)
{
	size_t at = find(v, name);

	if (at < v->n)
		drop_at(v, at);
}

void site_vnets_begin(struct site_vnets *v)
{
	v->round++;
}

void site_vnets_end(struct site_vnets *v)
{
	for (size_t i = v->n; i-- > 0;)
		if (v->list[i]->told_in != v->round)
			drop_at(v, i);
}

/* As it stands with the data plane, whoever has changed that. */
void site_vnets_retry(struct site_vnets *v)
{
	for (size_t i = 0; i < v->n; i++)
		if (*v->list[i]->why ||
		    !dataplane_vnet_is_up(v->params.dataplane, v->list[i]->name))
			apply(v, v->list[i]);
}

void site_vnets_tell_missing(struct site_vnets *v)
{
	for (size_t i = 0; i < v->n; i++)
		if (dataplane_vnet_id(v->params.dataplane, v->list[i]->name) < 0)
			v->params.on_state(v->params.arg, v->list[i]->name, v->list[i]->why);
}

struct site_vnets *site_vnets_new(const struct site_vnets_params *params)
{
	struct site_vnets *v = calloc(1, sizeof(*v));

	if (v)
		v->params = *params;
	return v;
}

void site_vnets_free(struct site_vnets *v)
{
	if (!v)
		return;
	while (v->n)
		own_free(v->list[--v->n]);
	free(v);
}

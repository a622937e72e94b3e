/* SPDX-License-Identifier: Apache-2.0 */
/* A VNet's life; the control thread's part. */
#include "sstp/session/vnet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "sstp/base/log.h"
#include "sstp/base/random.h"
#include "sstp/net/loop.h"
#include "sstp/session/vnet_internal.h"
#include "sstp/session/vnet_ip6.h"

/* ---- life ---- */

/* Returns owned; NULL without memory. */
static struct prefix *copy_prefixes(const struct prefix *from, size_t n)
{
	struct prefix *copy = calloc(n ? n : 1, sizeof(*copy));

	if (copy && n)
		memcpy(copy, from, n * sizeof(*copy));
	return copy;
}

static int make_pool(struct vnet *v, const struct vnet_params *params)
{
	struct prefix *ipv4 = calloc(params->npools + 1, sizeof(*ipv4));
	uint8_t key[POOL_KEY_SIZE];
	size_t n = 0;
	int r;

	if (!ipv4)
		return -ENOMEM;
	for (size_t i = 0; i < params->npools; i++)
		if (params->pools[i].family == AF_INET)
			ipv4[n++] = params->pools[i];
		else
			v->pool6 = params->pools[i];
	random_fill(&random_system, key, sizeof(key));
	r = pool_new(ipv4, n, key, &v->pool);
	free(ipv4);
	if (r < 0)
		return r;
	if (v->pool6.family && !prefix_has_networks6(&v->pool6, pool_indexes(v->pool)))
		return -EINVAL;
	pool_reserve(v->pool, v->gateway_be);
	v->owners = calloc(pool_indexes(v->pool), sizeof(v->owners[0]));
	v->seats = calloc(pool_indexes(v->pool), sizeof(v->seats[0]));
	v->pools = copy_prefixes(params->pools, params->npools);
	v->npools = params->npools;
	return v->owners && v->seats && v->pools ? 0 : -ENOMEM;
}

static void policy_done(struct vnet_policy *policy)
{
	free(policy->address_spaces);
	reach_unref(policy->reach);
}

static int set_policy(struct vnet *v, const struct vnet_params *params)
{
	struct vnet_policy policy = {
		.address_spaces = copy_prefixes(params->address_spaces, params->naddress_spaces),
		.naddress_spaces = params->naddress_spaces,
		.reach = params->reach,
		.client_to_client = params->client_to_client,
	};
	int r = policy.address_spaces ? vnet_publish_policy(v, &policy) : -ENOMEM;

	if (r < 0) {
		free(policy.address_spaces);
		return r;
	}
	if (policy.reach)
		reach_ref(policy.reach);
	policy_done(&v->policy);
	v->policy = policy;
	vnet_ip6_set(v, params);
	vnet_inform_set_domains(v, params->domains, params->ndomains);
	vnet_inform_set_routes(v, &v->policy);
	pthread_mutex_lock(&v->lock);
	memcpy(v->dns_be, params->dns_be, sizeof(v->dns_be));
	pthread_mutex_unlock(&v->lock);
	return 0;
}

int vnet_new(const struct vnet_env *env, const struct vnet_params *params, struct vnet **ret_vnet,
	     char ret_error[256])
{
	const char *step = "allocate";
	struct vnet *v = calloc(1, sizeof(*v));
	int r = -ENOMEM;

	if (!v)
		goto fail;
	pthread_mutex_init(&v->lock, NULL);
	fib_slot_init(&v->table);
	v->env = *env;
	v->mtu = params->mtu;
	v->gateway_be = params->gateway_be;
	v->offload = params->offload;
	v->queues = calloc(env->threads, sizeof(struct vnet_queue *));
	v->name = strdup(params->name);
	if (!v->name || !v->queues)
		goto fail;
	step = "make its pool";
	r = make_pool(v, params);
	if (r == 0)
		r = vnet_device_make(v, params, &step);
	if (r == 0)
		r = set_policy(v, params);
	if (r < 0)
		goto fail;
	*ret_vnet = v;
	return 0;
fail:
	vnet_device_explain(params, step, r, ret_error);
	vnet_free(v);
	return r;
}

void vnet_free(struct vnet *v)
{
	if (!v)
		return;
	vnet_device_drop(v);
	fib_publisher_clear(v->env.publisher, &v->table);
	pool_free(v->pool);
	pthread_mutex_destroy(&v->lock);
	free(v->owners);
	free(v->seats);
	free(v->queues);
	policy_done(&v->policy);
	vnet_inform_done(&v->inform);
	free(v->pools);
	free(v->name);
	free(v);
}

int vnet_update(struct vnet *v, const struct vnet_params *params, char ret_error[256])
{
	int r = set_policy(v, params);

	if (r < 0)
		vnet_device_explain(params, "update", r, ret_error);
	return r;
}

int vnet_set_reach(struct vnet *v, struct reach *reach)
{
	struct vnet_policy policy = v->policy;
	int r = 0;

	policy.reach = reach;
	if (!v->failed)
		r = vnet_publish_policy(v, &policy);
	if (r < 0)
		return r;
	if (reach)
		reach_ref(reach);
	reach_unref(v->policy.reach);
	v->policy = policy;
	vnet_inform_set_routes(v, &v->policy);
	return 0;
}

static void set_failed(struct vnet *v, bool failed)
{
	pthread_mutex_lock(&v->lock);
	v->failed = failed;
	pthread_mutex_unlock(&v->lock);
}

bool vnet_take_failure(struct vnet *v)
{
	if (v->failed || !atomic_load(&v->failure))
		return false;
	log_error("vnet %s: TUN device '%s' is gone: its sessions end; a reload makes it anew",
		  v->name, v->device.tuns[0].name);
	set_failed(v, true);
	return true;
}

void vnet_give_up(struct vnet *v)
{
	set_failed(v, true);
	vnet_device_drop(v);
}

bool vnet_has_failed(const struct vnet *v)
{
	return v->failed;
}

int vnet_remake(struct vnet *v, const struct vnet_params *params, char ret_error[256])
{
	const char *step = "";
	int r;

	vnet_device_drop(v);
	atomic_store(&v->failure, false);
	r = vnet_device_make(v, params, &step);
	if (r == 0)
		r = set_policy(v, params);
	if (r == 0) {
		set_failed(v, false);
		return 0;
	}
	vnet_device_drop(v); /* half of it would draw packets that nobody reads */
	vnet_device_explain(params, step, r, ret_error);
	return r;
}

bool vnet_remember(struct vnet *v, uint32_t address_be, const char *owner)
{
	int index = pool_index(v->pool, address_be);
	uint64_t now = loop_now(v->env.loop);
	bool is_news;

	if (index < 0)
		return false;
	pthread_mutex_lock(&v->lock);
	if (now > v->leased_at)
		v->leased_at = now;
	is_news = pool_remember(v->pool, (uint32_t)index, owner, v->leased_at);
	pthread_mutex_unlock(&v->lock);
	return is_news;
}

const char *vnet_name(const struct vnet *v)
{
	return v->name;
}

uint32_t vnet_used(struct vnet *v)
{
	uint32_t used;

	pthread_mutex_lock(&v->lock);
	used = pool_used(v->pool);
	pthread_mutex_unlock(&v->lock);
	return used;
}

uint32_t vnet_size(const struct vnet *v)
{
	return pool_size(v->pool);
}

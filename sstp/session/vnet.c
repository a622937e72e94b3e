/* SPDX-License-Identifier: Apache-2.0 */
/* A VNet's life and its table; the control thread's part. */
#include "sstp/session/vnet.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "routing/trie.h"
#include "sstp/base/log.h"
#include "sstp/base/random.h"
#include "sstp/net/loop.h"
#include "sstp/session/drop.h"
#include "sstp/session/vnet_internal.h"
#include "sstp/session/vnet_ip6.h"
#include "tun/rtnl.h"

/* ---- the table: where packets from the tunnels may go ---- */

/* Never forwarded whatever the address spaces say: this network, loopback, multicast, broadcast (RFC 1122 3.2.1.3). */
static const struct prefix never_unicast[] = {
	{.family = AF_INET, .len = 8, .addr = {0}},
	{.family = AF_INET, .len = 8, .addr = {127}},
	{.family = AF_INET, .len = 3, .addr = {224}},
};

enum {
	NEVER_UNICAST = sizeof(never_unicast) / sizeof(never_unicast[0])
};

struct table {
	struct trie *trie;
	int error; /* the first */
};

static void add(struct table *t, const struct prefix *p, enum drop_reason verdict)
{
	int r = trie_insert(t->trie, p, verdict);

	if (r < 0 && t->error == 0)
		t->error = r;
}

static void add_host(struct table *t, uint32_t addr_be)
{
	struct prefix p = {.family = AF_INET, .len = 32};

	memcpy(p.addr, &addr_be, sizeof(addr_be));
	add(t, &p, DROP_GATEWAY);
}

static bool is_covered(const struct prefix *p, const struct prefix *by, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (prefix_covers(&by[i], p))
			return true;
	return false;
}

/* An address space inside a pool, or where nothing is forwarded, adds nothing: it must not win by being longer. */
static void add_spaces(const struct vnet *v, const struct vnet_policy *policy, struct table *t)
{
	for (size_t i = 0; i < policy->naddress_spaces; i++) {
		const struct prefix *space = &policy->address_spaces[i];

		if (!is_covered(space, v->pools, v->npools) &&
		    !is_covered(space, never_unicast, NEVER_UNICAST))
			add(t, space, DROP_REASONS);
	}
}

/* What is sent to a subnet's broadcast address is delivered to the gateway as well. */
static void add_local(void *arg, const struct rtnl_address *address)
{
	add(arg, &address->local, DROP_GATEWAY);
	if (address->broadcast_be)
		add_host(arg, address->broadcast_be);
}

static int fill(const struct vnet *v, const struct vnet_policy *policy, struct table *t)
{
	int r;

	add_spaces(v, policy, t);
	for (size_t i = 0; i < NEVER_UNICAST; i++)
		add(t, &never_unicast[i], DROP_NO_ROUTE);
	for (size_t i = 0; i < v->npools; i++)
		add(t, &v->pools[i],
		    policy->client_to_client ? DROP_REASONS : DROP_CLIENT_TO_CLIENT);
	add_host(t, v->gateway_be);
	r = rtnl_address_list(v->device.rtnl, add_local, t);
	return r < 0 ? r : t->error;
}

static int publish(struct vnet *v, const struct vnet_policy *policy)
{
	struct table t = {0};
	int r = trie_new(&t.trie);

	if (r < 0)
		return r;
	r = fill(v, policy, &t);
	if (r == 0)
		r = fib_publisher_set(v->env.publisher, &v->table, t.trie);
	trie_free(t.trie);
	return r;
}

int vnet_publish(struct vnet *v)
{
	return publish(v, &v->policy);
}

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
	if (v->pool6.family && !vnet_ip6_has_room(&v->pool6, pool_indexes(v->pool)))
		return -EINVAL;
	pool_reserve(v->pool, v->gateway_be);
	v->owners = calloc(pool_indexes(v->pool), sizeof(v->owners[0]));
	v->seats = calloc(pool_indexes(v->pool), sizeof(v->seats[0]));
	v->pools = copy_prefixes(params->pools, params->npools);
	v->npools = params->npools;
	return v->owners && v->seats && v->pools ? 0 : -ENOMEM;
}

static int set_policy(struct vnet *v, const struct vnet_params *params)
{
	struct vnet_policy policy = {
		.address_spaces = copy_prefixes(params->address_spaces, params->naddress_spaces),
		.naddress_spaces = params->naddress_spaces,
		.client_to_client = params->client_to_client,
	};
	int r = policy.address_spaces ? publish(v, &policy) : -ENOMEM;

	if (r < 0) {
		free(policy.address_spaces);
		return r;
	}
	free(v->policy.address_spaces);
	v->policy = policy;
	vnet_ip6_set(v, params);
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
	free(v->policy.address_spaces);
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

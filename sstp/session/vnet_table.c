/* SPDX-License-Identifier: Apache-2.0 */
/* A VNet's table: where packets from the tunnels may go. */
#include <string.h>
#include <sys/socket.h>

#include "routing/trie.h"
#include "sstp/session/drop.h"
#include "sstp/session/vnet_internal.h"
#include "tun/rtnl.h"

/*
 * Never forwarded whatever else is said: this network, loopback, multicast, broadcast (RFC 1122 3.2.1.3); the unspecified
 * address and loopback, IPv4 in disguise, link-local, multicast (RFC 4291 2.4).
 */
static const struct prefix never_unicast[] = {
	{.family = AF_INET, .len = 8, .addr = {0}},
	{.family = AF_INET, .len = 8, .addr = {127}},
	{.family = AF_INET, .len = 3, .addr = {224}},
	{.family = AF_INET6, .len = 127, .addr = {0}},
	{.family = AF_INET6, .len = 96, .addr = {[10] = 0xff, [11] = 0xff}},
	{.family = AF_INET6, .len = 10, .addr = {0xfe, 0x80}},
	{.family = AF_INET6, .len = 8, .addr = {0xff}},
};

enum {
	NEVER_UNICAST = sizeof(never_unicast) / sizeof(never_unicast[0])
};

struct table {
	struct trie *trie;
	int error; /* the first */
};

/* verdict: an enum drop_reason, or one of enum vnet_verdict. */
static void add(struct table *t, const struct prefix *p, uint32_t verdict)
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

/* One inside a pool, or where nothing is forwarded, adds nothing: it must not win by being longer. */
static void add_below(const struct vnet *v, struct table *t, const struct prefix *p,
		      uint32_t verdict)
{
	if (!is_covered(p, v->pools, v->npools) && !is_covered(p, never_unicast, NEVER_UNICAST))
		add(t, p, verdict);
}

static void add_spaces(const struct vnet *v, const struct vnet_policy *policy, struct table *t)
{
	for (size_t i = 0; i < policy->naddress_spaces; i++)
		add_below(v, t, &policy->address_spaces[i], VNET_PASSES);
}

static void add_reach(const struct vnet *v, const struct reach *reach, struct table *t)
{
	static const uint32_t verdicts[] = {
		[REACH_VNET] = VNET_PASSES,
		[REACH_OPEN] = VNET_OPEN,
		[REACH_REFUSED] = DROP_PEERING,
		[REACH_NONE] = VNET_NONE,
	};
	size_t n;
	const struct reach_route *routes = reach_routes(reach, &n);

	for (size_t i = 0; i < n; i++)
		add_below(v, t, &routes[i].prefix, verdicts[routes[i].verdict]);
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

	if (policy->reach)
		add_reach(v, policy->reach, t);
	else
		add_spaces(v, policy, t);
	for (size_t i = 0; i < NEVER_UNICAST; i++)
		add(t, &never_unicast[i], DROP_NO_ROUTE);
	for (size_t i = 0; i < v->npools; i++)
		add(t, &v->pools[i],
		    policy->client_to_client ? (uint32_t)VNET_PASSES : DROP_CLIENT_TO_CLIENT);
	add_host(t, v->gateway_be);
	r = rtnl_address_list(v->device.rtnl, add_local, t);
	return r < 0 ? r : t->error;
}

int vnet_publish_policy(struct vnet *v, const struct vnet_policy *policy)
{
	struct table t = {0};
	int r = trie_new(&t.trie);

	if (r < 0)
		return r;
	r = fill(v, policy, &t);
	if (r == 0)
		r = fib_publisher_set(v->env.publisher, &v->table, t.trie);
	trie_free(t.trie);
	if (r == 0)
		atomic_store_explicit(&v->refuses, policy->reach && reach_refuses(policy->reach),
				      memory_order_relaxed);
	return r;
}

int vnet_publish(struct vnet *v)
{
	return vnet_publish_policy(v, &v->policy);
}

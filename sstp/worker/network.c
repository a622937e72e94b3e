/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tunnelled prefixes live in a routing table of the worker's own, which one rule has the kernel
 * ask before the main table:
 *
 *	rule	     priority 8383: lookup TABLE
 *	TABLE	     unreachable PREFIX metric 4294967280	always
 *		     PREFIX dev TUN src ADDRESS metric 1	while the tunnel is up
 *		     throw GATEWAY/32				where a prefix covers the gateway
 *
 * Invariant: from network_new() to network_free() a packet for a tunnelled prefix leaves through the TUN
 * device or not at all, whatever the main table says or comes to say: a route there with the same prefix
 * and a better metric, or a longer one that a DHCP server hands out, is not asked. Nothing in the main
 * table is changed, so there is nothing to put back. After SIGKILL the device and its routes go, rule and
 * unreachable routes stay: closed. The number of the table comes from the TUN device's name, so the
 * next start with that name finds what is left and takes over without opening.
 *
 * "throw" sends the gateway's own address on to the main table, which is asked at every packet: no next
 * hop is copied that a link flap or a new DHCP lease would make stale.
 *
 * Two workers in one namespace have two tables. As the first rule's table would answer for both,
 * prefixes that overlap another worker's are refused at start.
 *
 * Rejected: unreachable routes in the main table, even as two halves of each prefix. They share prefixes
 * and metrics with the operator's own routes, and lose to every longer one.
 */
#include "sstp/worker/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "sstp/base/log.h"
#include "tun/offload_probe.h"
#include "tun/offload_text.h"
#include "tun/rtnl.h"

enum {
	RULE_PRIORITY = 8383,
};

/* The best one wins among routes with the same prefix; the pin has 0. */
#define DEVICE_METRIC	   UINT32_C(1)
#define UNREACHABLE_METRIC UINT32_C(0xfffffff0)

/* Workers' tables: 'S' in the highest byte, then 24 bits of the name's hash. */
#define TABLE_BASE UINT32_C(0x53000000)
#define TABLE_MASK UINT32_C(0xff000000)

struct network {
	struct network_params params;
	struct tun tun;
	struct rtnl *rtnl;
	uint32_t table;
	bool owns_table;
	uint32_t address_be; /* 0: none yet */
	bool pinned;
	uint32_t pin_be;
};

/* FNV-1a, folded: two names that are in use at once share a table once in 16 million. */
static uint32_t table_of(const char *tun_name)
{
	uint32_t hash = UINT32_C(2166136261);

	for (; *tun_name; tun_name++)
		hash = (hash ^ (uint8_t)*tun_name) * UINT32_C(16777619);
	return TABLE_BASE | ((hash >> 24 ^ hash) & ~TABLE_MASK);
}

static struct rtnl_route unreachable(const struct network *n, size_t i)
{
	return (struct rtnl_route){
		.dst = n->params.routes[i],
		.kind = RTNL_ROUTE_UNREACHABLE,
		.metric = UNREACHABLE_METRIC,
		.table = n->table,
	};
}

static int add_unreachable(struct network *n)
{
	for (size_t i = 0; i < n->params.nroutes; i++) {
		struct rtnl_route route = unreachable(n, i);
		int r = rtnl_route_add(n->rtnl, &route);

		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- what others have, and what a killed worker left ---- */

struct conflict {
	const struct network *network;
	const struct prefix *prefix; /* ours; NULL: none */
	uint32_t table;
};

static void note_conflict(void *arg, const struct rtnl_route *route)
{
	struct conflict *c = arg;
	const struct network *n = c->network;

	if (route->kind != RTNL_ROUTE_UNREACHABLE || route->table == n->table ||
	    (route->table & TABLE_MASK) != TABLE_BASE)
		return;
	for (size_t i = 0; i < n->params.nroutes && !c->prefix; i++)
		if (prefix_overlaps(&n->params.routes[i], &route->dst)) {
			c->prefix = &n->params.routes[i];
			c->table = route->table;
		}
}

static int refuse_conflict(struct network *n, char ret_error[256])
{
	struct conflict c = {.network = n};
	char text[PREFIX_TEXT_MAX];
	int r = rtnl_route_list(n->rtnl, note_conflict, &c);

	if (r < 0 || !c.prefix)
		return r;
	snprintf(ret_error, 256,
		 "--route %s overlaps what another worker in this namespace tunnels. If that one "
		 "was "
		 "killed: ip rule del lookup %u; ip route flush table %u",
		 prefix_format(c.prefix, text), c.table, c.table);
	return -EEXIST;
}

/* Keeps the unreachable routes of a table that is ours. */
static void drop_stray(void *arg, const struct rtnl_route *route)
{
	const struct network *n = arg;

	if (route->table != n->table)
		return;
	for (size_t i = 0; n->owns_table && i < n->params.nroutes; i++)
		if (route->kind == RTNL_ROUTE_UNREACHABLE &&
		    prefix_equal(&route->dst, &n->params.routes[i]))
			return;
	rtnl_route_del(n->rtnl, route);
}

static void give_table_up(struct network *n)
{
	n->owns_table = false;
	rtnl_rule_del(n->rtnl, RULE_PRIORITY, n->table);
	rtnl_route_list(n->rtnl, drop_stray, n);
}

/* In this order nothing that was closed opens: what is new is there before what is old goes. */
static int take_table(struct network *n)
{
	int r;

	n->owns_table = true;
	r = add_unreachable(n);
	if (r == 0)
		r = rtnl_route_list(n->rtnl, drop_stray, n);
	if (r == 0)
		r = rtnl_rule_add(n->rtnl, RULE_PRIORITY, n->table);
	return r;
}

/* ---- the network's life ---- */

static const char *advice(int error)
{
	switch (-error) {
	case EPERM: return " (needs CAP_NET_ADMIN: run as root)";
	case EBUSY: return " (another process holds it: choose another with --tun)";
	case ENOENT: return " (is /dev/net/tun there? in a container: --device /dev/net/tun)";
	case EEXIST: return " (its routing table is in use: choose another with --tun)";
	case EOPNOTSUPP: return " (the kernel lacks policy routing: IP_MULTIPLE_TABLES)";
	default: return "";
	}
}

/* What the kernel takes is learnt while the link is up; it has no address and no route yet. */
static int probe_offload(struct network *n)
{
	char text[OFFLOAD_TEXT_MAX];
	int r;

	rtnl_link_drop_qdisc(n->rtnl, n->tun.ifindex); /* it goes with one, too */
	r = rtnl_link_up(n->rtnl, n->tun.ifindex, n->params.mtu);
	if (r < 0)
		return r;
	offload_probe_device(&n->tun, 1);
	log_info("%s: offload in effect: %s", n->tun.name, offload_text(n->tun.offload, text));
	return rtnl_link_down(n->rtnl, n->tun.ifindex);
}

static int set_up(struct network *n, char ret_error[256])
{
	const struct network_params *p = &n->params;
	int r = tun_open_offload(p->tun_name, p->netns_fd, p->offload, &n->tun);

	if (r == 0)
		r = rtnl_open(p->netns_fd, &n->rtnl);
	if (r == 0)
		r = refuse_conflict(n, ret_error);
	if (r == 0)
		r = take_table(n);
	return r < 0 ? r : probe_offload(n);
}

int network_new(const struct network_params *params, struct network **ret_network,
		char ret_error[256])
{
	struct network *n = calloc(1, sizeof(*n));
	int r = -ENOMEM;

	ret_error[0] = '\0';
	if (n) {
		n->params = *params;
		n->tun.fd = -1;
		n->table = table_of(params->tun_name);
		r = set_up(n, ret_error);
	}
	if (r < 0) {
		if (!ret_error[0])
			snprintf(ret_error, 256, "cannot set up TUN device '%s': %s%s",
				 params->tun_name, strerror(-r), advice(r));
		network_free(n);
		return r;
	}
	*ret_network = n;
	return 0;
}

void network_free(struct network *n)
{
	if (!n)
		return;
	/* the address first: what the app's sockets still have to say dies with it and finds no other way */
	if (n->owns_table && n->address_be)
		rtnl_address_del(n->rtnl, n->tun.ifindex, n->address_be);
	if (n->owns_table)
		give_table_up(n);
	rtnl_close(n->rtnl);
	tun_close(&n->tun);
	free(n);
}

/* ---- the gateway's own address ---- */

static bool is_tunnelled(const struct network *n, uint32_t addr_be)
{
	for (size_t i = 0; i < n->params.nroutes; i++)
		if (prefix_contains(&n->params.routes[i], &addr_be))
			return true;
	return false;
}

static struct rtnl_route pin(const struct network *n, uint32_t gateway_be)
{
	struct rtnl_route route = {
		.dst = {.family = AF_INET, .len = 32},
		.kind = RTNL_ROUTE_THROW,
		.table = n->table,
	};

	memcpy(route.dst.addr, &gateway_be, sizeof(gateway_be));
	return route;
}

int network_pin(struct network *n, uint32_t gateway_be)
{
	struct rtnl_route route = pin(n, n->pin_be);
	int r;

	if (n->pinned && n->pin_be != gateway_be) {
		rtnl_route_del(n->rtnl, &route);
		n->pinned = false;
	}
	if (n->params.netns_fd >= 0 || !is_tunnelled(n, gateway_be))
		return 0;
	route = pin(n, gateway_be);
	r = rtnl_route_add(n->rtnl, &route);
	n->pinned = r == 0;
	n->pin_be = gateway_be;
	return r;
}

/* ---- up and down ---- */

static int add_routes(struct network *n)
{
	for (size_t i = 0; i < n->params.nroutes; i++) {
		struct rtnl_route route = {
			.dst = n->params.routes[i],
			.kind = RTNL_ROUTE_DEVICE,
			.ifindex = n->tun.ifindex,
			.source_be = n->address_be,
			.table = n->table,
			.metric = DEVICE_METRIC,
		};
		int r = rtnl_route_add(n->rtnl, &route);

		if (r < 0)
			return r;
	}
	return 0;
}

int network_up(struct network *n, uint32_t address_be)
{
	int r;

	if (n->address_be && n->address_be != address_be)
		rtnl_address_del(n->rtnl, n->tun.ifindex, n->address_be);
	n->address_be = address_be;
	r = rtnl_address_add(n->rtnl, n->tun.ifindex, address_be);
	if (r == 0)
		r = rtnl_link_up(n->rtnl, n->tun.ifindex, n->params.mtu);
	return r < 0 ? r : add_routes(n);
}

void network_down(struct network *n)
{
	/* the kernel takes a device's routes away with its link */
	int r = rtnl_link_down(n->rtnl, n->tun.ifindex);

	if (r < 0)
		log_warning("%s: cannot set the link down: %s", n->tun.name, strerror(-r));
}

const struct tun *network_tun(const struct network *n)
{
	return &n->tun;
}

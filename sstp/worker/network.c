/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tunnelled prefixes live in a routing table of the worker's own, which one rule has the kernel
 * ask before the main table:
 *
 *	rule	     priority 8383: lookup TABLE
 *		     priority 8384: from ADDRESS unreachable		from the first time up
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
 * A socket that is bound to the private address keeps it when its destination's prefix is removed. The
 * second rule is for these: what is sent from the address leaves through the table above or not at all.
 * It names the table, which is not asked: that is how the next start knows whose it is.
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
	SOURCE_RULE_PRIORITY,
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
	struct prefix *routes; /* owned */
	size_t nroutes;
	struct prefix address; /* zeros: none yet */
	bool is_up;
	uint32_t gateway_be; /* the one that is dialled; 0: none yet */
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

static struct rtnl_route unreachable(const struct network *n, const struct prefix *p)
{
	return (struct rtnl_route){
		.dst = *p,
		.kind = RTNL_ROUTE_UNREACHABLE,
		.metric = UNREACHABLE_METRIC,
		.table = n->table,
	};
}

static struct rtnl_route through_device(const struct network *n, const struct prefix *p)
{
	return (struct rtnl_route){
		.dst = *p,
		.kind = RTNL_ROUTE_DEVICE,
		.ifindex = n->tun.ifindex,
		.source = n->address,
		.table = n->table,
		.metric = DEVICE_METRIC,
	};
}

/* One route of this kind for each of them, added or deleted. 0 or -errno of the first that cannot be added. */
static int add_all(struct network *n, const struct prefix *p, size_t count,
		   struct rtnl_route (*route_of)(const struct network *n, const struct prefix *p))
{
	for (size_t i = 0; i < count; i++) {
		struct rtnl_route route = route_of(n, &p[i]);
		int r = rtnl_route_add(n->rtnl, &route);

		if (r < 0)
			return r;
	}
	return 0;
}

static void del_all(struct network *n, const struct prefix *p, size_t count,
		    struct rtnl_route (*route_of)(const struct network *n, const struct prefix *p))
{
	for (size_t i = 0; i < count; i++) {
		struct rtnl_route route = route_of(n, &p[i]);

		rtnl_route_del(n->rtnl, &route);
	}
}

/* ---- what others have, and what a killed worker left ---- */

struct conflict {
	const struct network *network;
	const struct prefix *wanted;
	size_t nwanted;
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
	for (size_t i = 0; i < c->nwanted && !c->prefix; i++)
		if (prefix_overlaps(&c->wanted[i], &route->dst)) {
			c->prefix = &c->wanted[i];
			c->table = route->table;
		}
}

static int refuse_conflict(struct network *n, const struct prefix *wanted, size_t nwanted,
			   char ret_error[256])
{
	struct conflict c = {.network = n, .wanted = wanted, .nwanted = nwanted};
	char text[PREFIX_TEXT_MAX];
	int r = rtnl_route_list(n->rtnl, note_conflict, &c);

	if (r < 0 || !c.prefix)
		return r;
	snprintf(ret_error, 256,
		 "route %s overlaps what another worker in this namespace tunnels. If that one "
		 "was "
		 "killed: ip rule flush table %u; ip route flush table %u",
		 prefix_format(c.prefix, text), c.table, c.table);
	return -EEXIST;
}

static bool has(const struct prefix *list, size_t n, const struct prefix *p)
{
	for (size_t i = 0; i < n; i++)
		if (prefix_equal(&list[i], p))
			return true;
	return false;
}

/* Keeps the unreachable routes of a table that is ours. */
static void drop_stray(void *arg, const struct rtnl_route *route)
{
	const struct network *n = arg;

	if (route->table != n->table)
		return;
	if (n->owns_table && route->kind == RTNL_ROUTE_UNREACHABLE &&
	    has(n->routes, n->nroutes, &route->dst))
		return;
	rtnl_route_del(n->rtnl, route);
}

static struct rtnl_rule ask_table(const struct network *n)
{
	return (struct rtnl_rule){
		.family = AF_INET,
		.priority = RULE_PRIORITY,
		.kind = RTNL_RULE_LOOKUP,
		.table = n->table,
	};
}

static struct rtnl_rule refuse_source(const struct network *n)
{
	return (struct rtnl_rule){
		.family = AF_INET,
		.priority = SOURCE_RULE_PRIORITY,
		.kind = RTNL_RULE_UNREACHABLE,
		.table = n->table,
		.source = n->address,
	};
}

/* Of an address that is ours no more, or was a killed worker's. */
static void drop_stray_rule(void *arg, const struct rtnl_rule *rule)
{
	const struct network *n = arg;

	if (rule->kind == RTNL_RULE_UNREACHABLE && rule->table == n->table &&
	    !prefix_equal(&rule->source, &n->address))
		rtnl_rule_del(n->rtnl, rule);
}

static void give_table_up(struct network *n)
{
	struct rtnl_rule rule = ask_table(n);

	n->owns_table = false;
	n->address = (struct prefix){0};
	rtnl_rule_del(n->rtnl, &rule);
	rtnl_route_list(n->rtnl, drop_stray, n);
	rtnl_rule_list(n->rtnl, drop_stray_rule, n);
}

/* In this order nothing that was closed opens: what is new is there before what is old goes. */
static int take_table(struct network *n)
{
	struct rtnl_rule rule = ask_table(n);
	int r;

	n->owns_table = true;
	r = add_all(n, n->routes, n->nroutes, unreachable);
	if (r == 0)
		r = rtnl_route_list(n->rtnl, drop_stray, n);
	if (r == 0)
		r = rtnl_rule_add(n->rtnl, &rule);
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
		r = refuse_conflict(n, n->routes, n->nroutes, ret_error);
	if (r == 0)
		r = take_table(n);
	return r < 0 ? r : probe_offload(n);
}

/* Owned, NULL never. 0 or -ENOMEM. */
static int copy_routes(const struct prefix *routes, size_t nroutes, struct prefix **ret_routes)
{
	*ret_routes = calloc(nroutes + 1, sizeof(**ret_routes));
	if (!*ret_routes)
		return -ENOMEM;
	if (nroutes)
		memcpy(*ret_routes, routes, nroutes * sizeof(*routes));
	return 0;
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
		r = copy_routes(params->routes, params->nroutes, &n->routes);
	}
	if (r == 0) {
		n->nroutes = params->nroutes;
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
	if (n->owns_table && n->address.family)
		rtnl_address_del(n->rtnl, n->tun.ifindex, &n->address);
	if (n->owns_table)
		give_table_up(n);
	rtnl_close(n->rtnl);
	tun_close(&n->tun);
	free(n->routes);
	free(n);
}

/* ---- the gateway's own address ---- */

static bool covers(const struct prefix *routes, size_t nroutes, uint32_t addr_be)
{
	for (size_t i = 0; i < nroutes; i++)
		if (prefix_contains(&routes[i], &addr_be))
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

static void unpin(struct network *n)
{
	struct rtnl_route route = pin(n, n->pin_be);

	if (n->pinned)
		rtnl_route_del(n->rtnl, &route);
	n->pinned = false;
}

/* Where these prefixes cover the gateway. */
static int pin_if_covered(struct network *n, const struct prefix *routes, size_t nroutes)
{
	struct rtnl_route route = pin(n, n->gateway_be);
	int r;

	if (!n->gateway_be || n->params.netns_fd >= 0 || !covers(routes, nroutes, n->gateway_be))
		return 0;
	r = rtnl_route_add(n->rtnl, &route);
	n->pinned = r == 0;
	n->pin_be = n->gateway_be;
	return r;
}

int network_pin(struct network *n, uint32_t gateway_be)
{
	if (n->pin_be != gateway_be)
		unpin(n);
	n->gateway_be = gateway_be;
	return pin_if_covered(n, n->routes, n->nroutes);
}

/* ---- up and down ---- */

/* Nothing can be sent from it before the rule is there. */
static int take_address(struct network *n, uint32_t address_be)
{
	struct prefix address = prefix_host4(address_be);
	struct rtnl_rule rule;
	int r;

	if (n->address.family && !prefix_equal(&n->address, &address))
		rtnl_address_del(n->rtnl, n->tun.ifindex, &n->address);
	n->address = address;
	rule = refuse_source(n);
	r = rtnl_rule_add(n->rtnl, &rule);
	if (r == 0)
		r = rtnl_rule_list(n->rtnl, drop_stray_rule, n);
	return r < 0 ? r : rtnl_address_add(n->rtnl, n->tun.ifindex, &n->address);
}

int network_up(struct network *n, uint32_t address_be)
{
	int r = take_address(n, address_be);

	if (r == 0)
		r = rtnl_link_up(n->rtnl, n->tun.ifindex, n->params.mtu);
	if (r == 0)
		r = add_all(n, n->routes, n->nroutes, through_device);
	n->is_up = r == 0;
	return r;
}

void network_down(struct network *n)
{
	/* the kernel takes a device's routes away with its link */
	int r = rtnl_link_down(n->rtnl, n->tun.ifindex);

	n->is_up = false;
	if (r < 0)
		log_warning("%s: cannot set the link down: %s", n->tun.name, strerror(-r));
}

/* ---- other prefixes ---- */

/* Those of a that are not in b, owned. -ENOMEM. Quadratic: 4096 against 4096 take some 20 ms. */
static int without(const struct prefix *a, size_t na, const struct prefix *b, size_t nb,
		   struct prefix **ret_list, size_t *ret_n)
{
	struct prefix *list = calloc(na + 1, sizeof(*list));
	size_t n = 0;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < na; i++)
		if (!has(b, nb, &a[i]))
			list[n++] = a[i];
	*ret_list = list;
	*ret_n = n;
	return 0;
}

struct change {
	struct prefix *all, *added, *removed; /* owned */
	size_t nall, nadded, nremoved;
};

static int change_new(const struct network *n, const struct prefix *routes, size_t nroutes,
		      struct change *ret)
{
	struct change c = {.nall = nroutes};
	int r = copy_routes(routes, nroutes, &c.all);

	if (r == 0)
		r = without(routes, nroutes, n->routes, n->nroutes, &c.added, &c.nadded);
	if (r == 0)
		r = without(n->routes, n->nroutes, routes, nroutes, &c.removed, &c.nremoved);
	*ret = c;
	return r;
}

static void change_done(struct change *c)
{
	free(c->all);
	free(c->added);
	free(c->removed);
}

/* The gateway's own way first, or its connection would go into itself; closed before open. */
static int make(struct network *n, const struct change *c)
{
	int r = pin_if_covered(n, c->added, c->nadded);

	if (r == 0)
		r = add_all(n, c->added, c->nadded, unreachable);
	if (r == 0 && n->is_up)
		r = add_all(n, c->added, c->nadded, through_device);
	return r;
}

/* Refused, then left to the other tables. */
static void take_away(struct network *n, const struct prefix *gone, size_t ngone,
		      const struct prefix *left, size_t nleft)
{
	del_all(n, gone, ngone, through_device);
	del_all(n, gone, ngone, unreachable);
	if (!covers(left, nleft, n->gateway_be))
		unpin(n);
}

int network_set_routes(struct network *n, const struct prefix *routes, size_t nroutes,
		       char ret_error[256])
{
	struct change c;
	int r = change_new(n, routes, nroutes, &c);

	ret_error[0] = '\0';
	if (r == 0)
		r = refuse_conflict(n, c.added, c.nadded, ret_error);
	if (r < 0)
		goto out;
	r = make(n, &c);
	if (r < 0) {
		take_away(n, c.added, c.nadded, n->routes, n->nroutes);
		goto out;
	}
	take_away(n, c.removed, c.nremoved, c.all, c.nall);
	free(n->routes);
	n->routes = c.all;
	n->nroutes = c.nall;
	c.all = NULL;
out:
	if (r < 0 && !ret_error[0])
		snprintf(ret_error, 256, "%s", strerror(-r));
	change_done(&c);
	return r;
}

const struct prefix *network_routes(const struct network *n, size_t *ret_nroutes)
{
	*ret_nroutes = n->nroutes;
	return n->routes;
}

const struct tun *network_tun(const struct network *n)
{
	return &n->tun;
}

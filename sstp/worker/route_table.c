/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tunnelled prefixes live in a routing table of the worker's own, which one rule has the kernel ask before the main
 * table; the same for IPv6 from the first IPv6 prefix or address on:
 *
 *	rule	     priority 8383: lookup TABLE
 *		     priority 8384: from ADDRESS unreachable		from the first time up
 *	TABLE	     unreachable PREFIX metric 4294967280	always
 *		     PREFIX dev TUN src ADDRESS metric 2	while the tunnel is up
 *		     throw GATEWAY metric 1			where a prefix covers the gateway
 *
 * Invariant: from route_table_take() to route_table_give_up() a packet for a tunnelled prefix leaves through the TUN device
 * or not at all, whatever the main table says or comes to say: a route there with the same prefix and a better metric, or a
 * longer one that a DHCP server hands out, is not asked. Nothing in the main table is changed, so there is nothing to put
 * back. After SIGKILL the device and its routes go, rules and unreachable routes stay: closed. The number of the table comes
 * from the TUN device's name, so the next start with that name finds what is left and takes over without opening.
 *
 * Prefixes overlap. An address that one covers before a change, and another one afterwards, leads into the device at
 * every moment between: what is new leads there before it is closed underneath, and what goes is opened underneath before
 * it leads there no more. The other way round a longer prefix would refuse what a shorter one carries.
 *
 * A socket that is bound to the private address keeps it when its destination's prefix is removed. The second rule is for
 * these: what is sent from the address leaves through the table above or not at all. It names the table, which is not
 * asked: that is how the next start knows whose it is.
 *
 * "throw" sends the gateway's own address on to the main table, which is asked at every packet: no next hop is copied that
 * a link flap or a new DHCP lease would make stale.
 *
 * Two workers in one namespace have two tables. As the first rule's table would answer for both, prefixes that overlap
 * another worker's are refused at start.
 *
 * Rejected: unreachable routes in the main table, even as two halves of each prefix. They share prefixes and metrics with
 * the operator's own routes, and lose to every longer one.
 */
#include "sstp/worker/route_table.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "tun/rtnl.h"

enum {
	RULE_PRIORITY = 8383,
	SOURCE_RULE_PRIORITY,
};

/* The best one wins among routes with the same prefix. 0 is not the same in both families. */
#define PIN_METRIC	   UINT32_C(1)
#define DEVICE_METRIC	   UINT32_C(2)
#define UNREACHABLE_METRIC UINT32_C(0xfffffff0)

/* Workers' tables: 'S' in the highest byte, then 24 bits of the name's hash. */
#define TABLE_BASE UINT32_C(0x53000000)
#define TABLE_MASK UINT32_C(0xff000000)

/* FNV-1a, folded. */
uint32_t route_table_number(const char *tun_name)
{
	uint32_t hash = UINT32_C(2166136261);

	for (; *tun_name; tun_name++)
		hash = (hash ^ (uint8_t)*tun_name) * UINT32_C(16777619);
	return TABLE_BASE | ((hash >> 24 ^ hash) & ~TABLE_MASK);
}

unsigned route_table_family(uint8_t family)
{
	return family == AF_INET6;
}

static struct rtnl_route unreachable(const struct route_table *t, const struct prefix *p)
{
	return (struct rtnl_route){
		.dst = *p,
		.kind = RTNL_ROUTE_UNREACHABLE,
		.metric = UNREACHABLE_METRIC,
		.table = t->number,
	};
}

static struct rtnl_route through_device(const struct route_table *t, const struct prefix *p)
{
	return (struct rtnl_route){
		.dst = *p,
		.kind = RTNL_ROUTE_DEVICE,
		.ifindex = t->ifindex,
		.source = t->source[route_table_family(p->family)],
		.table = t->number,
		.metric = DEVICE_METRIC,
	};
}

static struct rtnl_route pin(const struct route_table *t)
{
	return (struct rtnl_route){
		.dst = t->gateway,
		.kind = RTNL_ROUTE_THROW,
		.metric = PIN_METRIC,
		.table = t->number,
	};
}

/* ---- rules ---- */

static struct rtnl_rule ask_table(const struct route_table *t, uint8_t family)
{
	return (struct rtnl_rule){
		.family = family,
		.priority = RULE_PRIORITY,
		.kind = RTNL_RULE_LOOKUP,
		.table = t->number,
	};
}

static int have_asked(struct route_table *t, uint8_t family)
{
	struct rtnl_rule rule = ask_table(t, family);

	return rtnl_rule_add(t->rtnl, &rule);
}

/* From the first time on that it is needed: whoever has no IPv6 in his VNet keeps his own as it is. */
static int need_ipv6(struct route_table *t)
{
	int r;

	if (t->has_ipv6 || t->lacks_ipv6)
		return 0;
	r = have_asked(t, AF_INET6);
	t->has_ipv6 = r == 0;
	t->lacks_ipv6 = r == -EAFNOSUPPORT;
	return t->lacks_ipv6 ? 0 : r;
}

int route_table_refuse_source(struct route_table *t, const struct prefix *address)
{
	struct rtnl_rule rule = {
		.family = address->family,
		.priority = SOURCE_RULE_PRIORITY,
		.kind = RTNL_RULE_UNREACHABLE,
		.table = t->number,
		.source = *address,
	};
	int r = address->family == AF_INET6 ? need_ipv6(t) : 0;

	return r < 0 ? r : rtnl_rule_add(t->rtnl, &rule);
}

static void drop_source(void *arg, const struct rtnl_rule *rule)
{
	const struct route_table *t = arg;
	const struct prefix *source = &t->source[route_table_family(rule->family)];

	if (rule->kind == RTNL_RULE_UNREACHABLE && rule->table == t->number &&
	    !(source->family && prefix_equal(&rule->source, source)))
		rtnl_rule_del(t->rtnl, rule);
}

int route_table_drop_sources(struct route_table *t)
{
	return rtnl_rule_list(t->rtnl, drop_source, t);
}

/* ---- what others have, and what a killed worker left ---- */

struct conflict {
	const struct route_table *own;
	const struct prefix *wanted;
	size_t nwanted;
	const struct prefix *prefix; /* of these; NULL: none */
	uint32_t table;
};

static void note_conflict(void *arg, const struct rtnl_route *route)
{
	struct conflict *c = arg;

	if (route->kind != RTNL_ROUTE_UNREACHABLE || route->table == c->own->number ||
	    (route->table & TABLE_MASK) != TABLE_BASE)
		return;
	for (size_t i = 0; i < c->nwanted && !c->prefix; i++)
		if (prefix_overlaps(&c->wanted[i], &route->dst)) {
			c->prefix = &c->wanted[i];
			c->table = route->table;
		}
}

int route_table_check(const struct route_table *t, const struct prefix *prefixes, size_t n,
		      char ret_error[256])
{
	struct conflict c = {.own = t, .wanted = prefixes, .nwanted = n};
	char text[PREFIX_TEXT_MAX];
	const char *ip;
	int r = n ? rtnl_route_list(t->rtnl, note_conflict, &c) : 0;

	if (r < 0 || !c.prefix)
		return r;
	ip = c.prefix->family == AF_INET6 ? "ip -6" : "ip";
	snprintf(ret_error, 256,
		 "route %s overlaps what another worker in this namespace tunnels. If that one "
		 "was killed: %s rule flush table %u; %s route flush table %u",
		 prefix_format(c.prefix, text), ip, c.table, ip, c.table);
	return -EEXIST;
}

struct strays {
	const struct route_table *table;
	const struct prefix *kept; /* refused from before, and still to be */
	size_t n;
};

static bool has(const struct prefix *list, size_t n, const struct prefix *p)
{
	for (size_t i = 0; i < n; i++)
		if (prefix_equal(&list[i], p))
			return true;
	return false;
}

static void drop_stray(void *arg, const struct rtnl_route *route)
{
	const struct strays *s = arg;
	bool is_kept = route->kind == RTNL_ROUTE_UNREACHABLE && has(s->kept, s->n, &route->dst);

	if (route->table == s->table->number && !is_kept)
		rtnl_route_del(s->table->rtnl, route);
}

static int drop_strays(const struct route_table *t, const struct prefix *kept, size_t n)
{
	struct strays s = {.table = t, .kept = kept, .n = n};

	return rtnl_route_list(t->rtnl, drop_stray, &s);
}

/* In this order nothing that was closed opens: what is new is there before what is old goes. */
int route_table_take(struct route_table *t, const struct prefix *prefixes, size_t n)
{
	int r = have_asked(t, AF_INET);

	if (r == 0)
		r = route_table_add(t, prefixes, n);
	return r < 0 ? r : drop_strays(t, prefixes, n);
}

void route_table_give_up(struct route_table *t)
{
	for (unsigned i = 0; i < ROUTE_FAMILIES; i++) {
		struct rtnl_rule rule = ask_table(t, i ? AF_INET6 : AF_INET);

		rtnl_rule_del(t->rtnl, &rule);
		t->source[i] = (struct prefix){0};
		t->is_up[i] = false;
	}
	drop_strays(t, NULL, 0);
	route_table_drop_sources(t);
}

/* ---- the gateway's own address ---- */

static bool covers(const struct prefix *prefixes, size_t n, const struct prefix *address)
{
	for (size_t i = 0; i < n; i++)
		if (prefix_covers(&prefixes[i], address))
			return true;
	return false;
}

static void unpin(struct route_table *t)
{
	struct rtnl_route route = pin(t);

	if (t->is_pinned)
		rtnl_route_del(t->rtnl, &route);
	t->is_pinned = false;
}

static int pin_if_covered(struct route_table *t, const struct prefix *prefixes, size_t n)
{
	struct rtnl_route route = pin(t);
	int r;

	if (!t->gateway.family || !t->shares_gateway || !covers(prefixes, n, &t->gateway) ||
	    (t->gateway.family == AF_INET6 && t->lacks_ipv6))
		return 0;
	r = rtnl_route_set(t->rtnl, &route);
	t->is_pinned = r == 0;
	return r;
}

int route_table_pin(struct route_table *t, const struct prefix *gateway,
		    const struct prefix *prefixes, size_t n)
{
	if (!gateway || !t->gateway.family || !prefix_equal(gateway, &t->gateway))
		unpin(t);
	t->gateway = gateway ? *gateway : (struct prefix){0};
	return pin_if_covered(t, prefixes, n);
}

/* ---- prefixes ---- */

static int add_one(struct route_table *t, const struct prefix *p)
{
	struct rtnl_route device = through_device(t, p), closed = unreachable(t, p);
	int r = p->family == AF_INET6 ? need_ipv6(t) : 0;

	if (r < 0 || (p->family == AF_INET6 && t->lacks_ipv6))
		return r;
	if (t->is_up[route_table_family(p->family)])
		r = rtnl_route_add(t->rtnl, &device);
	return r < 0 ? r : rtnl_route_set(t->rtnl, &closed);
}

/* The gateway's own way first, or its connection would go into itself. */
int route_table_add(struct route_table *t, const struct prefix *prefixes, size_t n)
{
	int r = pin_if_covered(t, prefixes, n);

	for (size_t i = 0; i < n && r == 0; i++)
		r = add_one(t, &prefixes[i]);
	return r;
}

static void remove_one(struct route_table *t, const struct prefix *p)
{
	struct rtnl_route device = through_device(t, p), closed = unreachable(t, p);

	if (p->family == AF_INET6 && t->lacks_ipv6)
		return;
	rtnl_route_del(t->rtnl, &closed);
	if (t->is_up[route_table_family(p->family)])
		rtnl_route_del(t->rtnl, &device);
}

void route_table_remove(struct route_table *t, const struct prefix *prefixes, size_t n,
			const struct prefix *left, size_t nleft)
{
	for (size_t i = 0; i < n; i++)
		remove_one(t, &prefixes[i]);
	if (t->is_pinned && !covers(left, nleft, &t->gateway))
		unpin(t);
}

/* What somebody else has put there is not replaced; our own is, with another source. */
int route_table_lead(struct route_table *t, uint8_t family, const struct prefix *prefixes, size_t n)
{
	bool *is_up = &t->is_up[route_table_family(family)];
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		struct rtnl_route device = through_device(t, &prefixes[i]);

		if (prefixes[i].family == family)
			r = *is_up ? rtnl_route_set(t->rtnl, &device)
				   : rtnl_route_add(t->rtnl, &device);
	}
	*is_up = r == 0;
	return r;
}

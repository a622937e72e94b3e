/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel has of the routes: route_table.c. Here: the device, the addresses, and which prefixes there are.
 *
 * The prefixes change in a thread of their own. It works on a copy of the route table with an rtnetlink socket of its own,
 * and only reads the list that there is; who else wants the table waits for it (settle()). So neither has a lock.
 */
#include "sstp/worker/network.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "sstp/base/log.h"
#include "sstp/worker/background.h"
#include "sstp/worker/route_table.h"
#include "tun/ipv6_conf.h"
#include "tun/offload_probe.h"
#include "tun/offload_text.h"
#include "tun/rtnl.h"

/* From one list of prefixes to another. */
struct change {
	struct route_table table; /* a copy */
	const struct prefix *old; /* borrowed of the network */
	struct prefix *wanted;	  /* owned */
	size_t nold, nwanted;
	struct prefix *added, *removed; /* owned */
	size_t nadded, nremoved;
	int error;
	char why[256];
};

struct network {
	struct network_params params;
	struct tun tun;
	struct route_table table;
	bool owns_table;
	struct prefix *routes; /* owned */
	size_t nroutes;

	struct rtnl *change_rtnl;
	struct background *background; /* NULL: nothing is changed */
	struct change change;	       /* by it, until it is settled */
	bool is_settled;
	void (*changed)(void *arg, int error, const char *why);
	void *arg;
};

/* ---- other prefixes ---- */

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

/* Those of a that are not in b, owned. -ENOMEM. */
static int without(const struct prefix *a, size_t na, const struct prefix *b, size_t nb,
		   struct prefix **ret_list, size_t *ret_n)
{
	struct prefix *list = calloc(na + 1, sizeof(*list)), *sorted;
	size_t n = 0;

	if (!list || copy_routes(b, nb, &sorted) < 0) {
		free(list);
		return -ENOMEM;
	}
	qsort(sorted, nb, sizeof(*sorted), prefix_compare);
	for (size_t i = 0; i < na; i++)
		if (!bsearch(&a[i], sorted, nb, sizeof(*sorted), prefix_compare))
			list[n++] = a[i];
	free(sorted);
	*ret_list = list;
	*ret_n = n;
	return 0;
}

static int change_init(struct change *c, const struct network *n, const struct prefix *routes,
		       size_t nroutes)
{
	*c = (struct change){
		.table = n->table, .old = n->routes, .nold = n->nroutes, .nwanted = nroutes};
	c->table.rtnl = n->change_rtnl;
	return copy_routes(routes, nroutes, &c->wanted);
}

static void change_done(struct change *c)
{
	free(c->wanted);
	free(c->added);
	free(c->removed);
	*c = (struct change){.nold = 0};
}

static int change_compare(struct change *c)
{
	int r = without(c->wanted, c->nwanted, c->old, c->nold, &c->added, &c->nadded);

	if (r == 0)
		r = without(c->old, c->nold, c->wanted, c->nwanted, &c->removed, &c->nremoved);
	return r < 0 ? r : route_table_check(&c->table, c->added, c->nadded, c->why);
}

/* Make before break. */
static void change_make(struct change *c)
{
	int r = change_compare(c);

	if (r == 0) {
		r = route_table_add(&c->table, c->added, c->nadded);
		if (r == 0)
			route_table_remove(&c->table, c->removed, c->nremoved, c->wanted,
					   c->nwanted);
		else
			route_table_remove(&c->table, c->added, c->nadded, c->old, c->nold);
	}
	c->error = r;
	if (r < 0 && !c->why[0])
		snprintf(c->why, sizeof(c->why), "%s", strerror(-r));
}

/* What was made is what there is now. */
static void change_take(struct network *n, struct change *c)
{
	struct rtnl *rtnl = n->table.rtnl;

	n->table = c->table;
	n->table.rtnl = rtnl;
	if (c->error < 0)
		return;
	free(n->routes);
	n->routes = c->wanted;
	n->nroutes = c->nwanted;
	c->wanted = NULL;
}

/* Before anything else is done with the table. */
static void settle(struct network *n)
{
	if (!n->background || n->is_settled)
		return;
	background_wait(n->background);
	change_take(n, &n->change);
	n->is_settled = true;
}

/* In the thread. */
static void make_change(void *arg)
{
	struct network *n = arg;

	change_make(&n->change);
}

static void on_change_made(void *arg)
{
	struct network *n = arg;
	struct change c;

	settle(n);
	background_free(n->background);
	n->background = NULL;
	c = n->change;
	n->change = (struct change){.nold = 0};
	n->changed(n->arg, c.error, c.why); /* which may begin the next one */
	change_done(&c);
}

int network_set_routes(struct network *n, const struct prefix *routes, size_t nroutes,
		       char ret_error[256])
{
	struct change c;
	int r;

	settle(n);
	r = change_init(&c, n, routes, nroutes);
	if (r < 0) {
		snprintf(ret_error, 256, "%s", strerror(-r));
		return r;
	}
	change_make(&c);
	change_take(n, &c);
	snprintf(ret_error, 256, "%s", c.why);
	r = c.error;
	change_done(&c);
	return r;
}

int network_change_routes(struct network *n, struct loop *loop, const struct prefix *routes,
			  size_t nroutes, void (*done)(void *arg, int error, const char *why),
			  void *arg)
{
	int r = n->background ? -EBUSY : change_init(&n->change, n, routes, nroutes);

	if (r < 0)
		return r;
	n->is_settled = false;
	n->changed = done;
	n->arg = arg;
	n->background = background_start(loop, make_change, on_change_made, n);
	if (n->background)
		return 0;
	r = -errno;
	change_done(&n->change);
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

int network_netns(const struct network *n)
{
	return n->params.netns_fd;
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

/*
 * Nothing but the gateway gives the device an IPv6 address, and that stays like an IPv4 one when the link goes down. Where
 * the kernel does not let us, as in a container whose /proc/sys cannot be written, it comes again with the next tunnel.
 */
static void prepare_ipv6(const struct network *n)
{
	rtnl_link_no_link_local(n->table.rtnl, n->tun.ifindex);
	ipv6_conf_set(n->params.netns_fd, n->tun.name, "accept_ra", "0");
	ipv6_conf_set(n->params.netns_fd, n->tun.name, "keep_addr_on_down", "1");
}

/* What the kernel takes is learnt while the link is up; it has no address and no route yet. */
static int probe_offload(struct network *n)
{
	struct rtnl *rtnl = n->table.rtnl;
	char text[OFFLOAD_TEXT_MAX];
	int r;

	rtnl_link_drop_qdisc(rtnl, n->tun.ifindex); /* it goes with one, too */
	r = rtnl_link_up(rtnl, n->tun.ifindex, n->params.mtu);
	if (r < 0)
		return r;
	offload_probe_device(&n->tun, 1);
	log_info("%s: offload in effect: %s", n->tun.name, offload_text(n->tun.offload, text));
	return rtnl_link_down(rtnl, n->tun.ifindex);
}

static int set_up(struct network *n, char ret_error[256])
{
	const struct network_params *p = &n->params;
	int r = tun_open_offload(p->tun_name, p->netns_fd, p->offload, &n->tun);

	n->table.ifindex = n->tun.ifindex;
	if (r == 0)
		r = rtnl_open(p->netns_fd, &n->table.rtnl);
	if (r == 0)
		r = rtnl_open(p->netns_fd, &n->change_rtnl);
	if (r == 0)
		r = route_table_check(&n->table, n->routes, n->nroutes, ret_error);
	if (r < 0)
		return r;
	n->owns_table = true;
	prepare_ipv6(n);
	r = route_table_take(&n->table, n->routes, n->nroutes);
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
		n->table.number = route_table_number(params->tun_name);
		n->table.shares_gateway = params->netns_fd < 0;
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

static void delete_addresses(struct network *n)
{
	for (unsigned i = 0; i < ROUTE_FAMILIES; i++)
		if (n->table.source[i].family)
			rtnl_address_del(n->table.rtnl, n->tun.ifindex, &n->table.source[i]);
}

void network_free(struct network *n)
{
	if (!n)
		return;
	settle(n);
	background_free(n->background);
	change_done(&n->change);
	if (n->owns_table) {
		/* addresses first: what the app's sockets still have to say dies with them and finds no other way */
		delete_addresses(n);
		route_table_give_up(&n->table);
	}
	rtnl_close(n->table.rtnl);
	rtnl_close(n->change_rtnl);
	tun_close(&n->tun);
	free(n->routes);
	free(n);
}

/* ---- up and down ---- */

int network_pin(struct network *n, const struct prefix *gateway)
{
	settle(n);
	return route_table_pin(&n->table, gateway, n->routes, n->nroutes);
}

/* Nothing can be sent from it before the rule is there. */
static int take_address(struct network *n, const struct prefix *address)
{
	int r = route_table_refuse_source(&n->table, address);

	if (r == 0 && address->family == AF_INET6)
		ipv6_conf_set(n->params.netns_fd, n->tun.name, "disable_ipv6", "0");
	return r < 0 ? r : rtnl_address_add(n->table.rtnl, n->tun.ifindex, address);
}

/* Routes with the new source are in the place of those with the old one when that goes: the kernel would take them along. */
int network_up(struct network *n, const struct prefix *address)
{
	struct prefix *source = &n->table.source[route_table_family(address->family)], old;
	int r;

	settle(n);
	old = *source;
	r = take_address(n, address);
	if (r < 0)
		return r;
	*source = *address;
	r = rtnl_link_up(n->table.rtnl, n->tun.ifindex, n->params.mtu);
	if (r == 0)
		r = route_table_lead(&n->table, address->family, n->routes, n->nroutes);
	if (old.family && !prefix_equal(&old, address))
		rtnl_address_del(n->table.rtnl, n->tun.ifindex, &old);
	return r < 0 ? r : route_table_drop_sources(&n->table);
}

void network_down(struct network *n)
{
	int r;

	settle(n);
	/* the kernel takes a device's routes away with its link */
	r = rtnl_link_down(n->table.rtnl, n->tun.ifindex);
	n->table.is_up[0] = n->table.is_up[1] = false;
	if (r < 0)
		log_warning("%s: cannot set the link down: %s", n->tun.name, strerror(-r));
}

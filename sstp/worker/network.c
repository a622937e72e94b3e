/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "sstp/base/log.h"
#include "tun/rtnl.h"

/* worse than whatever else leads there */
#define UNREACHABLE_METRIC UINT32_C(0xfffffff0)

struct network {
	struct network_params params;
	struct tun tun;
	struct rtnl *rtnl;
	uint32_t address_be; /* 0: none yet */
	bool pinned;
	struct rtnl_route pin;
};

static struct rtnl_route unreachable(const struct network *n, size_t i)
{
	return (struct rtnl_route){
		.dst = n->params.routes[i],
		.kind = RTNL_ROUTE_UNREACHABLE,
		.metric = UNREACHABLE_METRIC,
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

static void del_unreachable(struct network *n)
{
	for (size_t i = 0; i < n->params.nroutes; i++) {
		struct rtnl_route route = unreachable(n, i);

		rtnl_route_del(n->rtnl, &route);
	}
}

static const char *advice(int error)
{
	switch (-error) {
	case EPERM: return " (needs CAP_NET_ADMIN: run as root)";
	case EBUSY: return " (another process holds it: choose another with --tun)";
	case ENOENT: return " (is /dev/net/tun there? in a container: --device /dev/net/tun)";
	default: return "";
	}
}

int network_new(const struct network_params *params, struct network **ret_network,
		char ret_error[256])
{
	struct network *n = calloc(1, sizeof(*n));
	int r = -ENOMEM;

	if (n) {
		n->params = *params;
		n->tun.fd = -1;
		r = tun_open(params->tun_name, params->netns_fd, &n->tun);
	}
	if (r == 0)
		r = rtnl_open(params->netns_fd, &n->rtnl);
	if (r == 0)
		r = add_unreachable(n);
	if (r < 0) {
		snprintf(ret_error, 256, "cannot set up TUN device '%s': %s%s", params->tun_name,
			 strerror(-r), advice(r));
		network_free(n);
		return r;
	}
	*ret_network = n;
	return 0;
}

static void unpin(struct network *n)
{
	if (n->pinned)
		rtnl_route_del(n->rtnl, &n->pin);
	n->pinned = false;
}

void network_free(struct network *n)
{
	if (!n)
		return;
	if (n->rtnl) {
		unpin(n);
		del_unreachable(n);
	}
	rtnl_close(n->rtnl);
	tun_close(&n->tun);
	free(n);
}

static bool is_tunnelled(const struct network *n, uint32_t addr_be)
{
	for (size_t i = 0; i < n->params.nroutes; i++)
		if (prefix_contains(&n->params.routes[i], &addr_be))
			return true;
	return false;
}

int network_pin(struct network *n, uint32_t gateway_be)
{
	struct rtnl_route route;
	int r;

	if (n->params.netns_fd >= 0 || !is_tunnelled(n, gateway_be))
		return 0;
	if (n->pinned && memcmp(n->pin.dst.addr, &gateway_be, 4) == 0)
		return 0;
	unpin(n);
	r = rtnl_route_get(n->rtnl, gateway_be, &route);
	if (r < 0) { /* our own unreachable route covers it: ask for the way as it is without */
		del_unreachable(n);
		r = rtnl_route_get(n->rtnl, gateway_be, &route);
		if (r == 0)
			r = add_unreachable(n);
		else
			add_unreachable(n);
	}
	if (r < 0)
		return r;
	n->pin = route;
	n->pin.source_be = 0;
	r = rtnl_route_add(n->rtnl, &n->pin);
	n->pinned = r == 0;
	return r;
}

static int add_routes(struct network *n)
{
	for (size_t i = 0; i < n->params.nroutes; i++) {
		struct rtnl_route route = {
			.dst = n->params.routes[i],
			.kind = RTNL_ROUTE_DEVICE,
			.ifindex = n->tun.ifindex,
			.source_be = n->address_be,
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

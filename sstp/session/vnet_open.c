/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/vnet_open.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tun/ipv6_conf.h"
#include "tun/netns.h"
#include "tun/rtnl.h"
#include "tun/rtnl_watch.h"
#include "tun/steer.h"

const char *vnet_step_text(enum vnet_step step)
{
	static const char *const texts[VNET_STEPS] = {
		[VNET_STEP_NETNS] = "open its network namespace",
		[VNET_STEP_CREATE] = "create the TUN device",
		[VNET_STEP_SET_UP] = "set up the TUN device",
		[VNET_STEP_ROUTE] = "route its pools to the TUN device",
		[VNET_STEP_ASK] = "have the parent process make the TUN device",
	};

	return texts[step];
}

static int route_pools(const struct vnet_open_params *p, const struct vnet_opened *o)
{
	int r = 0;

	for (size_t i = 0; i < p->npools && r == 0; i++)
		r = rtnl_route_add(o->rtnl, &(struct rtnl_route){.dst = p->pools[i],
								 .kind = RTNL_ROUTE_DEVICE,
								 .ifindex = o->tuns[0].ifindex});
	return r;
}

static bool has_ipv6(const struct vnet_open_params *p)
{
	for (size_t i = 0; i < p->npools; i++)
		if (p->pools[i].family == AF_INET6)
			return true;
	return false;
}

/* A file that is not there is no news. */
static bool is_switched_on(const char *path)
{
	FILE *f = fopen(path, "re");
	int c = f ? fgetc(f) : '1';

	if (f)
		fclose(f);
	return c == '1';
}

static int read_forwarding(void *arg)
{
	const struct vnet_open_params *p = arg;

	return is_switched_on("/proc/sys/net/ipv4/ip_forward") &&
	       (!has_ipv6(p) || is_switched_on("/proc/sys/net/ipv6/conf/all/forwarding"));
}

static int open_tuns(const struct vnet_open_params *p, int netns, struct vnet_opened *o)
{
	struct tun *tuns = calloc(p->queues, sizeof(*tuns));
	int r = tuns ? tun_open_queues(p->tun_name, netns, p->offload, p->queues, tuns) : -ENOMEM;

	if (r < 0) {
		free(tuns);
		return r;
	}
	o->tuns = tuns;
	o->n = p->queues;
	return 0;
}

/* Where the kernel refuses to steer, packets come to whatever queue it likes, and threads hand them over. */
static int set_up(const struct vnet_open_params *p, int netns, struct vnet_opened *o)
{
	int r;

	if (p->queues > 1)
		o->steer_error =
			steer_new(&o->tuns[0], p->addresses * (has_ipv6(p) ? 2 : 1), &o->steer);
	r = rtnl_open(netns, &o->rtnl);
	if (r == 0 && has_ipv6(p)) {
		/* a namespace may be without it by default; if it cannot be had, the route says so */
		ipv6_conf_set(netns, o->tuns[0].name, "disable_ipv6", "0");
		rtnl_link_no_link_local(o->rtnl, o->tuns[0].ifindex);
	}
	if (r == 0) {
		rtnl_link_drop_qdisc(o->rtnl, o->tuns[0].ifindex); /* it goes with one, too */
		r = rtnl_link_up(o->rtnl, o->tuns[0].ifindex, p->mtu);
	}
	if (r == 0)
		r = rtnl_watch_open(netns, &o->watch);
	return r;
}

static int open_in(int netns, const struct vnet_open_params *p, struct vnet_opened *o,
		   enum vnet_step *ret_step)
{
	int r;

	*ret_step = VNET_STEP_CREATE;
	r = open_tuns(p, netns, o);
	if (r < 0)
		return r;
	*ret_step = VNET_STEP_SET_UP;
	r = set_up(p, netns, o);
	if (r < 0)
		return r;
	*ret_step = VNET_STEP_ROUTE;
	r = route_pools(p, o);
	o->is_forwarding = r == 0 && netns_call(netns, read_forwarding, (void *)p);
	return r;
}

int vnet_open(void *arg, const struct vnet_open_params *params, struct vnet_opened *ret_opened,
	      enum vnet_step *ret_step)
{
	int netns = params->netns[0] ? netns_open(params->netns) : -1;
	struct vnet_opened o = {0};
	int r;

	*ret_step = VNET_STEP_NETNS;
	if (params->netns[0] && netns < 0)
		return netns;
	r = open_in(netns, params, &o, ret_step);
	if (netns >= 0)
		close(netns);
	if (r < 0) {
		vnet_opened_close(&o);
		return r;
	}
	*ret_opened = o;
	return 0;
}

void vnet_opened_close(struct vnet_opened *o)
{
	steer_leave(o->steer);
	rtnl_watch_close(o->watch);
	rtnl_close(o->rtnl);
	for (unsigned i = 0; i < o->n; i++)
		tun_close(&o->tuns[i]);
	free(o->tuns);
	*o = (struct vnet_opened){0};
}

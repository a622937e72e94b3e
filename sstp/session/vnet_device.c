/* SPDX-License-Identifier: Apache-2.0 */
/* What a VNet has in the kernel: a TUN device with a queue for each thread in the right namespace, routes to it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sstp/base/log.h"
#include "sstp/net/loop.h"
#include "sstp/session/vnet_internal.h"
#include "tun/netns.h"
#include "tun/offload_probe.h"
#include "tun/offload_text.h"
#include "tun/rtnl.h"
#include "tun/rtnl_watch.h"
#include "tun/steer.h"

static int route_pools(struct vnet *v)
{
	for (size_t i = 0; i < v->npools; i++) {
		struct rtnl_route route = {
			.dst = v->pools[i],
			.kind = RTNL_ROUTE_DEVICE,
			.ifindex = v->tuns[0].ifindex,
		};
		int r = rtnl_route_add(v->rtnl, &route);

		if (r < 0)
			return r;
	}
	return 0;
}

static int read_forwarding(void *arg)
{
	FILE *f = fopen("/proc/sys/net/ipv4/ip_forward", "re");
	int c = f ? fgetc(f) : '1';

	if (f)
		fclose(f);
	return c == '1';
}

static void warn_without_forwarding(const struct vnet *v)
{
	if (!netns_call(v->netns_fd, read_forwarding, NULL))
		log_warning(
			"vnet %s: IP forwarding is off in its namespace, packets will stop at the "
			"gateway: sysctl -w net.ipv4.ip_forward=1",
			v->name);
}

/* The gateway's own addresses are in the table. If it cannot be made anew, the old one still protects what it did. */
static void on_addresses_changed(void *arg, unsigned ready)
{
	struct vnet *v = arg;
	int r = rtnl_watch_read(v->watch);

	if (r > 0)
		r = vnet_publish(v);
	if (r < 0)
		log_warning("vnet %s: the gateway's own addresses cannot be followed: %s", v->name,
			    strerror(-r));
}

static int watch_addresses(struct vnet *v)
{
	int r = rtnl_watch_open(v->netns_fd, &v->watch);

	if (r < 0)
		return r;
	v->watch_io = loop_io_new(v->env.loop, rtnl_watch_fd(v->watch), LOOP_READ,
				  on_addresses_changed, v);
	return v->watch_io ? 0 : -errno;
}

static int open_netns(struct vnet *v, const char *name)
{
	if (!name[0])
		return 0;
	v->netns_fd = netns_open(name);
	return v->netns_fd < 0 ? v->netns_fd : 0;
}

static int open_tuns(struct vnet *v, const char *name)
{
	struct tun *tuns = calloc(v->env.threads, sizeof(*tuns));
	int r = tuns ? tun_open_queues(name, v->netns_fd, v->offload, v->env.threads, tuns)
		     : -ENOMEM;

	if (r < 0) {
		free(tuns);
		return r;
	}
	v->tuns = tuns;
	return 0;
}

/* Data threads use it whenever an address changes hands. */
static void set_steer(struct vnet *v, struct steer *steer)
{
	struct steer *old;

	pthread_mutex_lock(&v->lock);
	old = v->steer;
	v->steer = steer;
	pthread_mutex_unlock(&v->lock);
	steer_free(old);
}

/* Where the kernel refuses, packets come to whatever queue it likes, and threads hand them over. */
static void steer_queues(struct vnet *v)
{
	struct steer *steer = NULL;
	int r = v->env.threads > 1 ? steer_new(&v->tuns[0], pool_indexes(v->pool), &steer) : 0;

	if (r < 0)
		log_info("vnet %s: packets are not steered to their threads by eBPF (%s): threads "
			 "hand them over",
			 v->name, strerror(-r));
	set_steer(v, steer);
}

/* The link is up. */
static void probe_offload(struct vnet *v)
{
	char text[OFFLOAD_TEXT_MAX];

	offload_probe_device(v->tuns, v->env.threads);
	log_info("vnet %s: %s: offload in effect: %s", v->name, v->tuns[0].name,
		 offload_text(v->tuns[0].offload, text));
}

int vnet_device_make(struct vnet *v, const struct vnet_params *params, const char **ret_step)
{
	int r;

	*ret_step = "open its network namespace";
	r = open_netns(v, params->netns);
	if (r < 0)
		return r;
	*ret_step = "create the TUN device";
	r = open_tuns(v, params->tun_name);
	if (r < 0)
		return r;
	*ret_step = "set up the TUN device";
	steer_queues(v);
	r = rtnl_open(v->netns_fd, &v->rtnl);
	if (r == 0)
		r = rtnl_link_up(v->rtnl, v->tuns[0].ifindex, v->mtu);
	if (r == 0)
		r = watch_addresses(v);
	if (r < 0)
		return r;
	*ret_step = "route its pools to the TUN device";
	r = route_pools(v);
	if (r < 0)
		return r;
	probe_offload(v);
	warn_without_forwarding(v);
	return 0;
}

static const char *advice(int error)
{
	switch (-error) {
	case EPERM: return " (needs CAP_NET_ADMIN: run as root)";
	case EBUSY: return " (another process holds it)";
	case EEXIST: return " (a route of somebody else's is in the way)";
	case ENOENT: return " (does it exist? see: ip netns list, ls /dev/net/tun)";
	default: return "";
	}
}

void vnet_device_explain(const struct vnet_params *params, const char *step, int error,
			 char ret_error[256])
{
	snprintf(ret_error, 256, "vnet %s: cannot %s '%s': %s%s", params->name, step,
		 strstr(step, "namespace") ? params->netns : params->tun_name, strerror(-error),
		 advice(error));
}

static void close_tuns(struct vnet *v)
{
	for (unsigned i = 0; v->tuns && i < v->env.threads; i++)
		tun_close(&v->tuns[i]);
	free(v->tuns);
	v->tuns = NULL;
}

void vnet_device_drop(struct vnet *v)
{
	loop_io_free(v->watch_io);
	v->watch_io = NULL;
	rtnl_watch_close(v->watch);
	v->watch = NULL;
	if (v->rtnl && v->tuns)
		rtnl_route_flush(v->rtnl, v->tuns[0].ifindex);
	rtnl_close(v->rtnl);
	v->rtnl = NULL;
	set_steer(v, NULL);
	close_tuns(v);
	if (v->netns_fd >= 0)
		close(v->netns_fd);
	v->netns_fd = -1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What a VNet has in the kernel, once somebody has opened it (vnet_open.h): taken up, followed and let go. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sstp/base/log.h"
#include "sstp/net/loop.h"
#include "sstp/session/vnet_internal.h"
#include "sstp/session/vnet_ip6.h"
#include "tun/offload_probe.h"
#include "tun/offload_text.h"
#include "tun/rtnl_watch.h"
#include "tun/steer.h"
#include "tun/tun_batch.h"

/* The gateway's own addresses are in the table. If it cannot be made anew, the old one still protects what it did. */
static void on_addresses_changed(void *arg, unsigned ready)
{
	struct vnet *v = arg;
	int r = rtnl_watch_read(v->device.watch);

	if (r > 0)
		r = vnet_publish(v);
	if (r < 0)
		log_warning("vnet %s: the gateway's own addresses cannot be followed: %s", v->name,
			    strerror(-r));
}

static int watch_addresses(struct vnet *v)
{
	v->watch_io = loop_io_new(v->env.loop, rtnl_watch_fd(v->device.watch), LOOP_READ,
				  on_addresses_changed, v);
	return v->watch_io ? 0 : -errno;
}

/* Data threads use it whenever an address changes hands. */
static void set_steer(struct vnet *v, struct steer *steer)
{
	pthread_mutex_lock(&v->lock);
	v->steer = steer;
	pthread_mutex_unlock(&v->lock);
}

static void log_steering(const struct vnet *v)
{
	if (v->device.steer_error < 0)
		log_info("vnet %s: packets are not steered to their threads by eBPF (%s): threads "
			 "hand them over",
			 v->name, strerror(-v->device.steer_error));
	if (!v->device.is_forwarding)
		log_warning(
			"vnet %s: IP forwarding is off in its namespace, packets will stop at the "
			"gateway: sysctl -w net.ipv4.ip_forward=1%s",
			v->name, vnet_ip6_is_there(v) ? " net.ipv6.conf.all.forwarding=1" : "");
}

/* io_uring may be for privileged processes only, and whoever has opened the device is one. */
static void keep_what_is_possible(struct vnet_opened *o)
{
	if (!(o->tuns[0].offload & TUN_OFFLOAD_IO_URING) || tun_batch_is_possible(o->tuns[0].fd))
		return;
	for (unsigned i = 0; i < o->n; i++)
		o->tuns[i].offload &= ~(unsigned)TUN_OFFLOAD_IO_URING;
}

/* The link is up. */
static void probe_offload(struct vnet *v)
{
	struct tun *tuns = v->device.tuns;
	char text[OFFLOAD_TEXT_MAX];

	keep_what_is_possible(&v->device);
	offload_probe_device(tuns, v->device.n);
	log_info("vnet %s: %s: offload in effect: %s", v->name, tuns[0].name,
		 offload_text(tuns[0].offload, text));
}

int vnet_device_make(struct vnet *v, const struct vnet_params *params, const char **ret_step)
{
	struct vnet_open_params open = {
		.tun_name = params->tun_name,
		.netns = params->netns,
		.mtu = v->mtu,
		.offload = v->offload,
		.queues = v->env.threads,
		.addresses = pool_indexes(v->pool),
		.pools = v->pools,
		.npools = v->npools,
	};
	vnet_open_fn *fn = v->env.open ? v->env.open : vnet_open;
	enum vnet_step step = VNET_STEP_CREATE;
	int r = fn(v->env.open_arg, &open, &v->device, &step);

	*ret_step = vnet_step_text(step);
	if (r < 0)
		return r;
	*ret_step = vnet_step_text(VNET_STEP_SET_UP);
	r = watch_addresses(v);
	if (r < 0)
		return r;
	set_steer(v, v->device.steer);
	log_steering(v);
	probe_offload(v);
	return 0;
}

static const char *advice(int error)
{
	switch (-error) {
	case EACCES:
		return " (IPv6 is switched off for the device: see net.ipv6.conf.all.disable_ipv6)";
	case EPERM: return " (needs CAP_NET_ADMIN: run as root)";
	case EBUSY: return " (another process holds it)";
	case EEXIST: return " (a route of somebody else's is in the way)";
	case ENONET: return " (name it in attach_namespaces of gateway.yaml)";
	case EADDRINUSE:
		return " (a pool overlaps one of another VNet's in the same network namespace)";
	case ENOENT: return " (does it exist? see: ip netns list, ls /dev/net/tun)";
	default: return "";
	}
}

void vnet_device_explain(const struct vnet_params *params, const char *step, int error,
			 char ret_error[256])
{
	if (error == -ENONET)
		snprintf(ret_error, 256,
			 "vnet %s: the gateway may not use network namespace '%s'%s", params->name,
			 params->netns, advice(error));
	else
		snprintf(ret_error, 256, "vnet %s: cannot %s '%s': %s%s", params->name, step,
			 strstr(step, "namespace") ? params->netns : params->tun_name,
			 strerror(-error), advice(error));
}

void vnet_device_drop(struct vnet *v)
{
	loop_io_free(v->watch_io);
	v->watch_io = NULL;
	set_steer(v, NULL);
	vnet_opened_close(&v->device);
}

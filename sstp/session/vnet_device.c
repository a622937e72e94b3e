/* SPDX-License-Identifier: Apache-2.0 */
/* A VNet's set-up: its pool, its TUN device in the right namespace, the routes to it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sstp/base/log.h"
#include "sstp/session/vnet_internal.h"
#include "tun/netns.h"
#include "tun/offload_text.h"
#include "tun/rtnl.h"

static int copy_prefixes(struct prefix **to, size_t *nto, const struct prefix *from, size_t n)
{
	struct prefix *copy = calloc(n ? n : 1, sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	if (n)
		memcpy(copy, from, n * sizeof(*copy));
	free(*to);
	*to = copy;
	*nto = n;
	return 0;
}

struct address_list {
	uint32_t *addresses_be;
	size_t n;
	bool out_of_memory;
};

static void append(struct address_list *list, uint32_t addr_be)
{
	uint32_t *grown = realloc(list->addresses_be, (list->n + 1) * sizeof(*grown));

	if (!grown) {
		list->out_of_memory = true;
		return;
	}
	list->addresses_be = grown;
	list->addresses_be[list->n++] = addr_be;
}

/* What is sent to a subnet's broadcast address is delivered to the gateway as well. */
static void note_address(void *arg, const struct rtnl_address *address)
{
	append(arg, address->local_be);
	if (address->broadcast_be)
		append(arg, address->broadcast_be);
}

int vnet_list_local(struct vnet *v)
{
	struct address_list list = {0};
	int r = rtnl_address_list(v->rtnl, note_address, &list);

	if (r == 0 && list.out_of_memory)
		r = -ENOMEM;
	if (r < 0) {
		free(list.addresses_be);
		return r;
	}
	free(v->local_be);
	v->local_be = list.addresses_be;
	v->nlocal = list.n;
	v->local_at = loop_now(v->env->loop);
	return 0;
}

static int make_pool(struct vnet *v, const struct vnet_params *params)
{
	int r = pool_new(params->pools, params->npools, &v->pool);

	if (r < 0)
		return r;
	pool_reserve(v->pool, v->gateway_be);
	v->by_index = calloc(pool_indexes(v->pool), sizeof(struct session *));
	if (!v->by_index)
		return -ENOMEM;
	return copy_prefixes(&v->pools, &v->npools, params->pools, params->npools);
}

static int route_pools(struct vnet *v)
{
	for (size_t i = 0; i < v->npools; i++) {
		struct rtnl_route route = {
			.dst = v->pools[i],
			.kind = RTNL_ROUTE_DEVICE,
			.ifindex = v->tun.ifindex,
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

static int make_device(struct vnet *v, const struct vnet_params *params, const char **step)
{
	char text[OFFLOAD_TEXT_MAX];
	int r;

	*step = "open its network namespace";
	if (params->netns[0]) {
		v->netns_fd = netns_open(params->netns);
		if (v->netns_fd < 0)
			return v->netns_fd;
	}
	*step = "create the TUN device";
	r = tun_open_offload(params->tun_name, v->netns_fd, params->offload, &v->tun);
	if (r < 0)
		return r;
	*step = "set up the TUN device";
	r = rtnl_open(v->netns_fd, &v->rtnl);
	if (r == 0)
		r = rtnl_link_up(v->rtnl, v->tun.ifindex, v->mtu);
	*step = "route its pools to the TUN device";
	if (r == 0)
		r = route_pools(v);
	if (r == 0)
		r = vnet_list_local(v);
	if (r == 0) {
		v->port = port_new(v->env->loop, &v->tun, &vnet_port_ops, v);
		r = v->port ? 0 : -errno;
	}
	if (r == 0)
		log_info("vnet %s: %s: offload in effect: %s", v->name, v->tun.name,
			 offload_text(v->tun.offload, text));
	if (r == 0 && !netns_call(v->netns_fd, read_forwarding, NULL))
		log_warning(
			"vnet %s: IP forwarding is off in its namespace, packets will stop at the "
			"gateway: sysctl -w net.ipv4.ip_forward=1",
			v->name);
	return r;
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

static void describe_failure(const struct vnet_params *params, const char *step, int error,
			     char ret_error[256])
{
	snprintf(ret_error, 256, "vnet %s: cannot %s '%s': %s%s", params->name, step,
		 strstr(step, "namespace") ? params->netns : params->tun_name, strerror(-error),
		 advice(error));
}

static void drop_device(struct vnet *v)
{
	port_free(v->port);
	v->port = NULL;
	if (v->rtnl)
		rtnl_route_flush(v->rtnl, v->tun.ifindex);
	rtnl_close(v->rtnl);
	v->rtnl = NULL;
	tun_close(&v->tun);
	if (v->netns_fd >= 0)
		close(v->netns_fd);
	v->netns_fd = -1;
}

static int set_policy(struct vnet *v, const struct vnet_params *params)
{
	int r = copy_prefixes(&v->address_spaces, &v->naddress_spaces, params->address_spaces,
			      params->naddress_spaces);

	if (r < 0)
		return r;
	memcpy(v->dns_be, params->dns_be, sizeof(v->dns_be));
	v->client_to_client = params->client_to_client;
	return 0;
}

int vnet_new(struct session_env *env, const struct vnet_params *params,
	     void (*on_failed)(void *arg, struct vnet *v), void *arg, struct vnet **ret_vnet,
	     char ret_error[256])
{
	const char *step = "allocate";
	struct vnet *v = calloc(1, sizeof(*v));
	int r = -ENOMEM;

	if (!v)
		goto fail;
	v->env = env;
	v->on_failed = on_failed;
	v->on_failed_arg = arg;
	v->netns_fd = -1;
	v->tun.fd = -1;
	v->mtu = params->mtu;
	v->gateway_be = params->gateway_be;
	v->name = strdup(params->name);
	if (!v->name)
		goto fail;
	step = "make its pool";
	r = make_pool(v, params);
	if (r == 0)
		r = set_policy(v, params);
	if (r == 0)
		r = make_device(v, params, &step);
	if (r < 0)
		goto fail;
	*ret_vnet = v;
	return 0;
fail:
	describe_failure(params, step, r, ret_error);
	vnet_free(v);
	return r;
}

int vnet_update(struct vnet *v, const struct vnet_params *params, char ret_error[256])
{
	const char *step = "";
	int r = v->failed ? 0 : vnet_list_local(v);

	if (v->failed) {
		drop_device(v);
		r = make_device(v, params, &step);
		v->failed = r < 0;
	}
	if (r == 0)
		r = set_policy(v, params);
	if (r < 0)
		describe_failure(params, *step ? step : "update", r, ret_error);
	return r;
}

void vnet_free(struct vnet *v)
{
	if (!v)
		return;
	drop_device(v);
	pool_free(v->pool);
	free(v->by_index);
	free(v->address_spaces);
	free(v->pools);
	free(v->local_be);
	free(v->name);
	free(v);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/vnet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sstp/base/log.h"
#include "tun/ip.h"
#include "tun/netns.h"
#include "tun/rtnl.h"
#include "tun/tun.h"

/* packets read from the TUN before other descriptors get their turn */
enum {
	READ_BUDGET = 256
};

struct vnet {
	struct session_env *env;
	char *name;
	struct prefix *address_spaces;
	size_t naddress_spaces;
	struct prefix *pools;
	size_t npools;
	uint32_t *local_be; /* the namespace's own addresses: not reachable from the tunnel */
	size_t nlocal;
	uint32_t dns_be[2];
	uint32_t gateway_be;
	uint16_t mtu;
	bool client_to_client;
	struct pool *pool;
	struct session **by_index;
	struct tun tun;
	int netns_fd;
	struct rtnl *rtnl;
	struct loop_io *io;
	struct traffic traffic;
};

/* ---- uplink: session -> TUN ---- */

static bool in_prefixes(const struct prefix *prefixes, size_t n, uint32_t addr_be)
{
	for (size_t i = 0; i < n; i++)
		if (prefix_contains(&prefixes[i], &addr_be))
			return true;
	return false;
}

static bool is_local(const struct vnet *v, uint32_t addr_be)
{
	for (size_t i = 0; i < v->nlocal; i++)
		if (v->local_be[i] == addr_be)
			return true;
	return addr_be == v->gateway_be;
}

/* The reason to drop a packet from the lease's session, or DROP_REASONS to let it pass. */
static enum drop_reason judge_uplink(const struct vnet_lease *lease, const struct ip_info *ip)
{
	const struct vnet *v = lease->vnet;

	if (ip->src_be != lease->address_be)
		return DROP_SOURCE;
	if (is_local(v, ip->dst_be))
		return DROP_GATEWAY;
	if (pool_index(v->pool, ip->dst_be) >= 0)
		return v->client_to_client ? DROP_REASONS : DROP_CLIENT_TO_CLIENT;
	if (!in_prefixes(v->address_spaces, v->naddress_spaces, ip->dst_be))
		return DROP_NO_ROUTE;
	return DROP_REASONS;
}

void vnet_uplink(const struct vnet_lease *lease, struct session *s, uint8_t *pkt, size_t len)
{
	struct vnet *v = lease->vnet;
	struct traffic *t = session_traffic(s);
	struct ip_info ip;
	enum drop_reason why;
	int r = ip_parse(pkt, len, &ip);

	if (r < 0) {
		t->drops[r == -EAFNOSUPPORT ? DROP_PROTOCOL : DROP_MALFORMED]++;
		return;
	}
	why = judge_uplink(lease, &ip);
	if (why == DROP_REASONS) {
		ip_clamp_mss(pkt, &ip, v->mtu);
		if (tun_write(&v->tun, pkt, ip.total_len) < 0)
			why = DROP_DEVICE;
	}
	if (why != DROP_REASONS) {
		t->drops[why]++;
		return;
	}
	t->rx_packets++;
	t->rx_bytes += ip.total_len;
}

/* ---- downlink: TUN -> session ---- */

static void downlink(struct vnet *v, struct pbuf *p)
{
	struct ip_info ip;
	struct session *s;
	int index;
	int r = ip_parse(pbuf_data(p), p->len, &ip);

	if (r < 0) {
		v->traffic.drops[r == -EAFNOSUPPORT ? DROP_PROTOCOL : DROP_MALFORMED]++;
		pbuf_free(&v->env->pool, p);
		return;
	}
	index = pool_index(v->pool, ip.dst_be);
	s = index >= 0 ? v->by_index[index] : NULL;
	if (!s) {
		v->traffic.drops[DROP_NO_SESSION]++;
		pbuf_free(&v->env->pool, p);
		return;
	}
	ip_clamp_mss(pbuf_data(p), &ip, session_mtu(s) < v->mtu ? session_mtu(s) : v->mtu);
	session_send(s, p);
}

/* Without a buffer the packet is still taken, so that the device never blocks the others. */
static bool drop_one(struct vnet *v)
{
	uint8_t sink[64];

	if (tun_read(&v->tun, sink, sizeof(sink)) < 0)
		return false;
	v->traffic.drops[DROP_NO_BUFFER]++;
	return true;
}

static void on_tun_ready(void *arg, unsigned ready)
{
	struct vnet *v = arg;

	for (int i = 0; i < READ_BUDGET; i++) {
		struct pbuf *p = pbuf_new(&v->env->pool);
		ssize_t n;

		if (!p) {
			if (!drop_one(v))
				return;
			continue;
		}
		n = tun_read(&v->tun, pbuf_data(p), PBUF_DATA_MAX);
		if (n < 0) {
			pbuf_free(&v->env->pool, p);
			return;
		}
		p->len = (uint16_t)n;
		downlink(v, p);
	}
}

/* ---- leases ---- */

int vnet_lease(struct vnet *v, const char *user, struct vnet_lease *ret_lease,
	       struct link_address *ret_address)
{
	uint32_t address_be;
	int index = pool_lease(v->pool, user, loop_now(v->env->loop), &address_be);

	if (index < 0)
		return index;
	*ret_lease = (struct vnet_lease){
		.vnet = v,
		.index = (uint32_t)index,
		.address_be = address_be,
	};
	*ret_address = (struct link_address){
		.local = v->gateway_be,
		.peer = address_be,
		.dns = {v->dns_be[0], v->dns_be[1]},
	};
	return 0;
}

void vnet_attach(struct vnet_lease *lease, struct session *s)
{
	lease->vnet->by_index[lease->index] = s;
}

void vnet_release(struct vnet_lease *lease)
{
	if (!lease->vnet)
		return;
	lease->vnet->by_index[lease->index] = NULL;
	pool_release(lease->vnet->pool, lease->index, loop_now(lease->vnet->env->loop));
	*lease = (struct vnet_lease){0};
}

/* ---- set-up ---- */

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

static void note_local(void *arg, unsigned ifindex, uint32_t addr_be)
{
	struct vnet *v = arg;
	uint32_t *grown = realloc(v->local_be, (v->nlocal + 1) * sizeof(*grown));

	if (!grown)
		return;
	v->local_be = grown;
	v->local_be[v->nlocal++] = addr_be;
}

int vnet_update(struct vnet *v, const struct vnet_params *params)
{
	int r = copy_prefixes(&v->address_spaces, &v->naddress_spaces, params->address_spaces,
			      params->naddress_spaces);

	if (r < 0)
		return r;
	memcpy(v->dns_be, params->dns_be, sizeof(v->dns_be));
	v->client_to_client = params->client_to_client;
	v->nlocal = 0;
	return rtnl_address_list(v->rtnl, note_local, v);
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
	int r;

	*step = "open its network namespace";
	if (params->netns[0]) {
		v->netns_fd = netns_open(params->netns);
		if (v->netns_fd < 0)
			return v->netns_fd;
	}
	*step = "create the TUN device";
	r = tun_open(params->tun_name, v->netns_fd, &v->tun);
	if (r < 0)
		return r;
	*step = "set up the TUN device";
	r = rtnl_open(v->netns_fd, &v->rtnl);
	if (r == 0)
		r = rtnl_link_up(v->rtnl, v->tun.ifindex, v->mtu);
	*step = "route its pools to the TUN device";
	if (r == 0)
		r = route_pools(v);
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
	case ENOENT: return " (does it exist? see: ip netns list, ls /dev/net/tun)";
	default: return "";
	}
}

int vnet_new(struct session_env *env, const struct vnet_params *params, struct vnet **ret_vnet,
	     char ret_error[256])
{
	const char *step = "allocate";
	struct vnet *v = calloc(1, sizeof(*v));
	int r = -ENOMEM;

	if (!v)
		goto fail;
	v->env = env;
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
		r = make_device(v, params, &step);
	if (r == 0)
		r = vnet_update(v, params);
	if (r < 0)
		goto fail;
	v->io = loop_io_new(env->loop, v->tun.fd, LOOP_READ, on_tun_ready, v);
	if (!v->io) {
		r = -errno;
		goto fail;
	}
	*ret_vnet = v;
	return 0;
fail:
	snprintf(ret_error, 256, "vnet %s: cannot %s '%s': %s%s", params->name, step,
		 strstr(step, "namespace") ? params->netns : params->tun_name, strerror(-r),
		 advice(r));
	vnet_free(v);
	return r;
}

void vnet_free(struct vnet *v)
{
	if (!v)
		return;
	loop_io_free(v->io);
	if (v->rtnl)
		rtnl_route_flush(v->rtnl, v->tun.ifindex);
	rtnl_close(v->rtnl);
	tun_close(&v->tun);
	if (v->netns_fd >= 0)
		close(v->netns_fd);
	pool_free(v->pool);
	free(v->by_index);
	free(v->address_spaces);
	free(v->pools);
	free(v->local_be);
	free(v->name);
	free(v);
}

const char *vnet_name(const struct vnet *v)
{
	return v->name;
}

const struct traffic *vnet_traffic(const struct vnet *v)
{
	return &v->traffic;
}

uint32_t vnet_used(const struct vnet *v)
{
	return pool_used(v->pool);
}

uint32_t vnet_size(const struct vnet *v)
{
	return pool_size(v->pool);
}

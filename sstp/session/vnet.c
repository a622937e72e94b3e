/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/vnet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "sstp/base/log.h"
#include "sstp/session/vnet_internal.h"
#include "tun/ip.h"

/* The gateway's own addresses are listed anew when a lease is given and the list is older than this. */
#define LOCAL_MAX_AGE (1 * CLOCK_NS_PER_S)

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

/* Never forwarded whatever the address spaces say: this network, loopback, multicast, broadcast (RFC 1122 3.2.1.3). */
static bool is_unicast(uint32_t addr_be)
{
	uint32_t first = ntohl(addr_be) >> 24;

	return first != 0 && first != 127 && first < 224;
}

/* The reason to drop a packet from the lease's session, or DROP_REASONS to let it pass. */
static enum drop_reason judge_uplink(const struct vnet_lease *lease, const struct ip_info *ip)
{
	const struct vnet *v = lease->vnet;

	if (ip->src_be != lease->address_be)
		return DROP_SOURCE;
	if (is_local(v, ip->dst_be))
		return DROP_GATEWAY;
	if (!is_unicast(ip->dst_be))
		return DROP_NO_ROUTE;
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
	if (why != DROP_REASONS) {
		t->drops[why]++;
		return;
	}
	ip_clamp_mss(pkt, &ip, v->mtu);
	port_write(v->port, pkt, ip.total_len);
	t->rx_packets++;
	t->rx_bytes += ip.total_len;
}

void vnet_burst_end(const struct vnet_lease *lease, struct session *s)
{
	session_traffic(s)->drops[DROP_DEVICE] += port_flush(lease->vnet->port);
}

/* ---- downlink: TUN -> session ---- */

static void on_packet(void *arg, const struct virtio_net_hdr *h, uint8_t *pkt, size_t len)
{
	struct vnet *v = arg;
	struct ip_info ip;
	struct session *s;
	int index;
	int r = ip_parse(pkt, len, &ip);

	if (r < 0) {
		v->traffic.drops[r == -EAFNOSUPPORT ? DROP_PROTOCOL : DROP_MALFORMED]++;
		return;
	}
	index = pool_index(v->pool, ip.dst_be);
	s = index >= 0 ? v->by_index[index] : NULL;
	if (s)
		session_send(s, h, pkt, len, v->mtu);
	else
		v->traffic.drops[DROP_NO_SESSION]++;
}

static void on_gone(void *arg, int error)
{
	struct vnet *v = arg;

	log_error("vnet %s: TUN device '%s' is gone (%s): its sessions end; a reload makes it anew",
		  v->name, v->tun.name, strerror(-error));
	v->failed = true;
	v->on_failed(v->on_failed_arg, v);
}

const struct port_ops vnet_port_ops = {
	.on_packet = on_packet,
	.on_gone = on_gone,
};

/* ---- leases ---- */

int vnet_lease(struct vnet *v, const char *user, struct vnet_lease *ret_lease,
	       struct link_address *ret_address)
{
	uint64_t now = loop_now(v->env->loop);
	uint32_t address_be;
	int index;

	if (v->failed)
		return -ENODEV;
	if (now - v->local_at >= LOCAL_MAX_AGE)
		vnet_list_local(v); /* on failure the old list still protects */
	index = pool_lease(v->pool, user, now, &address_be);
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
	port_flush(lease->vnet->port); /* the packets' memory is the session's */
	lease->vnet->by_index[lease->index] = NULL;
	pool_release(lease->vnet->pool, lease->index, loop_now(lease->vnet->env->loop));
	*lease = (struct vnet_lease){0};
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

/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/vnet_queue.h"

#include <errno.h>
#include <stdlib.h>

#include "sstp/session/port.h"
#include "sstp/session/vnet_internal.h"
#include "tun/ip.h"
#include "tun/offload_split.h"
#include "tun/steer.h"

struct vnet_queue {
	struct vnet *vnet;
	struct session_env *env;
	struct handover *handover;
	unsigned id;
	unsigned number;
	struct port *port; /* NULL: the device is gone */
	struct traffic traffic;
	uint64_t handed_over;
};

/* Who an address belongs to, in a seat's terms. */
static uint32_t owner_number(const struct vnet_queue *q)
{
	return q->number + 1;
}

/* ---- uplink: session -> TUN ---- */

/* The reason to drop a packet from the lease's session, or DROP_REASONS to let it pass. */
static enum drop_reason judge_uplink(const struct vnet_lease *lease, const struct ip_info *ip)
{
	const struct fib *table;
	uint32_t verdict;

	if (ip->src_be != lease->address_be)
		return DROP_SOURCE;
	table = fib_slot_get(&lease->queue->vnet->table);
	verdict = fib_lookup4(table, ip->dst_be);
	return verdict == FIB_NONE ? DROP_NO_ROUTE : (enum drop_reason)verdict;
}

void vnet_uplink(const struct vnet_lease *lease, struct session *s, uint8_t *pkt, size_t len)
{
	struct vnet_queue *q = lease->queue;
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
	if (!q->port) {
		t->drops[DROP_DEVICE]++;
		return;
	}
	ip_clamp_mss(pkt, &ip, q->vnet->mtu);
	port_write(q->port, pkt, ip.total_len);
	t->rx_packets++;
	t->rx_bytes += ip.total_len;
}

void vnet_burst_end(const struct vnet_lease *lease, struct session *s)
{
	session_traffic(s)->drops[DROP_DEVICE] += port_flush(lease->queue->port);
}

/* ---- downlink: TUN -> session ---- */

static void to_other_thread(struct vnet_queue *q, uint32_t owner, const struct virtio_net_hdr *h,
			    const uint8_t *pkt, size_t len)
{
	if (!handover_put(q->handover, q->number, owner - 1, q->id, h, pkt, len))
		q->traffic.drops[DROP_HANDOVER] += offload_split_count(h, pkt, len);
}

/* The seat of the packet's destination; NULL: there is none, and the packet is counted. */
static struct vnet_seat *find_seat(struct vnet_queue *q, const struct virtio_net_hdr *h,
				   const uint8_t *pkt, size_t len)
{
	struct ip_info ip;
	int index;
	int r = ip_parse(pkt, len, &ip);

	if (r < 0) {
		q->traffic.drops[r == -EAFNOSUPPORT ? DROP_PROTOCOL : DROP_MALFORMED]++;
		return NULL;
	}
	index = pool_index(q->vnet->pool, ip.dst_be);
	if (index >= 0)
		return &q->vnet->seats[index];
	q->traffic.drops[DROP_NO_SESSION] += offload_split_count(h, pkt, len);
	return NULL;
}

static void on_packet(void *arg, const struct virtio_net_hdr *h, uint8_t *pkt, size_t len)
{
	struct vnet_queue *q = arg;
	const struct vnet_seat *seat = find_seat(q, h, pkt, len);
	uint32_t owner;

	if (!seat)
		return;
	owner = atomic_load_explicit(&seat->owner, memory_order_relaxed);
	if (owner == owner_number(q))
		session_send(seat->session, h, pkt, len, q->vnet->mtu);
	else if (owner)
		to_other_thread(q, owner, h, pkt, len);
	else
		q->traffic.drops[DROP_NO_SESSION] += offload_split_count(h, pkt, len);
}

/* Handed over once is enough: an address that has moved on meanwhile has lost the packet. */
void vnet_queue_take(struct vnet_queue *q, const struct virtio_net_hdr *h, uint8_t *pkt, size_t len)
{
	const struct vnet_seat *seat = find_seat(q, h, pkt, len);

	q->handed_over++;
	if (!seat)
		return;
	if (atomic_load_explicit(&seat->owner, memory_order_relaxed) == owner_number(q))
		session_send(seat->session, h, pkt, len, q->vnet->mtu);
	else
		q->traffic.drops[DROP_NO_SESSION] += offload_split_count(h, pkt, len);
}

static void on_gone(void *arg, int error)
{
	struct vnet_queue *q = arg;

	if (!atomic_exchange(&q->vnet->failure, true))
		q->vnet->env.on_failure(q->vnet->env.arg);
}

static const struct port_ops port_callbacks = {
	.on_packet = on_packet,
	.on_gone = on_gone,
};

/* ---- leases ---- */

static int lease_address(struct vnet *v, const char *user, uint64_t now, struct vnet_lease *lease,
			 struct link_address *address)
{
	int index;

	if (v->failed)
		return -ENODEV;
	if (now > v->leased_at)
		v->leased_at = now;
	index = pool_lease(v->pool, user, v->leased_at, &lease->address_be);
	if (index < 0)
		return index;
	lease->index = (uint32_t)index;
	*address = (struct link_address){
		.local = v->gateway_be,
		.peer = lease->address_be,
		.dns = {v->dns_be[0], v->dns_be[1]},
	};
	return 0;
}

int vnet_lease(struct vnet_queue *q, const char *user, struct vnet_lease *ret_lease,
	       struct link_address *ret_address)
{
	struct vnet_lease lease = {.queue = q};
	int r;

	pthread_mutex_lock(&q->vnet->lock);
	r = lease_address(q->vnet, user, loop_now(q->env->loop), &lease, ret_address);
	pthread_mutex_unlock(&q->vnet->lock);
	if (r == 0)
		*ret_lease = lease;
	return r;
}

/* Without steering, or when the map has no room, packets come to some queue and are handed over. */
static void steer(struct vnet *v, uint32_t address_be, unsigned queue)
{
	pthread_mutex_lock(&v->lock);
	if (v->steer)
		steer_set(v->steer, address_be, queue);
	pthread_mutex_unlock(&v->lock);
}

void vnet_attach(const struct vnet_lease *lease, struct session *s)
{
	const struct vnet_queue *q = lease->queue;
	struct vnet_seat *seat = &q->vnet->seats[lease->index];

	seat->session = s;
	atomic_store_explicit(&seat->owner, owner_number(q), memory_order_relaxed);
	steer(q->vnet, lease->address_be, q->number);
}

static void give_back(struct vnet *v, const struct vnet_lease *lease, uint64_t now)
{
	pthread_mutex_lock(&v->lock);
	if (v->steer)
		steer_clear(v->steer, lease->address_be);
	if (now > v->leased_at)
		v->leased_at = now;
	pool_release(v->pool, lease->index, v->leased_at);
	pthread_mutex_unlock(&v->lock);
}

void vnet_release(struct vnet_lease *lease)
{
	struct vnet_queue *q = lease->queue;
	struct vnet_seat *seat;
	unsigned refused;

	if (!q)
		return;
	seat = &q->vnet->seats[lease->index];
	refused = port_flush(q->port); /* the packets' memory is the session's */
	if (seat->session)
		session_traffic(seat->session)->drops[DROP_DEVICE] += refused;
	atomic_store_explicit(&seat->owner, 0, memory_order_relaxed);
	seat->session = NULL;
	give_back(q->vnet, lease, loop_now(q->env->loop));
	*lease = (struct vnet_lease){0};
}

/* ---- life ---- */

struct vnet_queue *vnet_queue_new(struct vnet *v, unsigned id, unsigned number,
				  struct session_env *env, struct handover *handover)
{
	struct vnet_queue *q = calloc(1, sizeof(*q));
	int r;

	if (!q)
		return NULL;
	q->vnet = v;
	q->env = env;
	q->handover = handover;
	q->id = id;
	q->number = number;
	r = vnet_queue_open(q);
	if (r == 0)
		return q;
	free(q);
	errno = -r;
	return NULL;
}

void vnet_queue_free(struct vnet_queue *q)
{
	if (!q)
		return;
	vnet_queue_close(q);
	free(q);
}

void vnet_queue_close(struct vnet_queue *q)
{
	port_free(q->port);
	q->port = NULL;
}

int vnet_queue_open(struct vnet_queue *q)
{
	q->port = port_new(q->env->loop, &q->vnet->tuns[q->number], &port_callbacks, q);
	return q->port ? 0 : -errno;
}

const char *vnet_queue_name(const struct vnet_queue *q)
{
	return vnet_name(q->vnet);
}

const struct traffic *vnet_queue_traffic(const struct vnet_queue *q)
{
	return &q->traffic;
}

uint64_t vnet_queue_handed_over(const struct vnet_queue *q)
{
	return q->handed_over;
}

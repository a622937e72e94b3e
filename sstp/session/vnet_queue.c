/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/vnet_queue.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/virtio_net.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/base/log.h"
#include "sstp/session/port.h"
#include "sstp/session/vnet_answer.h"
#include "sstp/session/vnet_internal.h"
#include "sstp/session/vnet_ip6.h"
#include "sstp/session/vnet_probe.h"
#include "tun/ip.h"
#include "tun/offload_split.h"
#include "tun/steer.h"

enum {
	SOURCE_STEPS = 4096, /* addresses that are looked at for a free one */
};

struct vnet_queue {
	struct vnet *vnet;
	struct session_env *env;
	struct handover *handover;
	unsigned id;
	unsigned number;
	struct port *port; /* NULL: the device is gone */
	/* by index: the newest attached one of this thread; see vnet_internal.h */
	struct session **sessions;
	struct traffic traffic;
	uint64_t handed_over;
	struct bucket answers; /* ICMP */
	struct vnet_probes probes;
	struct vnet_holder *displaced; /* under the VNet's lock, with what follows */
	bool is_evicting;	       /* the task is on its way */
	struct loop_task evict;
	struct loop_timer *advertise; /* NULL: the VNet has no IPv6 */
};

/* The thread, as vnet.owners has it. */
static uint32_t owner_number(const struct vnet_queue *q)
{
	return q->number + 1;
}

/* ---- uplink: session -> TUN ---- */

/* Has the session's connection the last word on what the VNet's table says? */
static inline bool is_asked(const struct vnet_lease *lease, uint32_t verdict)
{
	return lease->routes && (verdict == VNET_PASSES || verdict >= VNET_NONE);
}

static inline enum drop_reason judge_by_vnet(uint32_t verdict)
{
	if (verdict < DROP_REASONS)
		return (enum drop_reason)verdict;
	return verdict >= VNET_NONE ? DROP_NO_ROUTE : DROP_REASONS;
}

/* What the connection says of a destination that the VNet keeps from nobody. */
static enum drop_reason judge_by_routes(const struct fib_slot *routes, uint32_t dst_be)
{
	const struct fib *table = fib_slot_get(routes);

	return table && fib_lookup4(table, dst_be) != FIB_NONE ? DROP_REASONS : DROP_NOT_IN_PLAN;
}

/* The reason to drop a packet from the lease's session, or DROP_REASONS to let it pass. */
static enum drop_reason judge_uplink(const struct vnet_lease *lease, const struct ip_info *ip)
{
	const struct fib *table;
	uint32_t verdict;

	if (ip->src_be != lease->address_be)
		return DROP_SOURCE;
	table = fib_slot_get(&lease->queue->vnet->table);
	verdict = fib_lookup4(table, ip->dst_be);
	if (is_asked(lease, verdict))
		return judge_by_routes(lease->routes, ip->dst_be);
	return judge_by_vnet(verdict);
}

/* Counted, and shown. */
static __attribute__((noinline, cold)) void
drop(struct vnet_queue *q, struct session *s, enum drop_reason why, const uint8_t *pkt, size_t len)
{
	session_traffic(s)->drops[why]++;
	tap_show(q->env->taps, TAP_FROM_CLIENT, why, s, pkt, len);
}

/* Not forwarded, but counted; its sender is told. */
static __attribute__((noinline, cold)) void turn_away(const struct vnet_lease *lease,
						      struct session *s, const uint8_t *pkt,
						      size_t len, enum drop_reason why)
{
	struct vnet_queue *q = lease->queue;

	drop(q, s, why, pkt, len);
	vnet_answer_session(q->vnet, s, &lease->holder->answers, &q->answers, why, pkt, len,
			    loop_now(q->env->loop));
}

/* The same, unless it is a question to the gateway. */
static __attribute__((noinline, cold)) void turn_away4(const struct vnet_lease *lease,
						       struct session *s, const uint8_t *pkt,
						       const struct ip_info *ip,
						       enum drop_reason why)
{
	struct vnet_queue *q = lease->queue;

	if (vnet_inform(q->vnet, lease, s, pkt, ip, loop_now(q->env->loop)))
		tap_show(q->env->taps, TAP_FROM_CLIENT, TAP_ANSWERED, s, pkt, ip->total_len);
	else
		turn_away(lease, s, pkt, ip->total_len, why);
}

/* ---- uplink, IPv6: the same with other addresses ---- */

static enum drop_reason judge6_by_routes(const struct fib_slot *routes, const uint8_t *dst)
{
	const struct fib *table = fib_slot_get(routes);

	return table && fib_lookup6(table, dst) != FIB_NONE ? DROP_REASONS : DROP_NOT_IN_PLAN;
}

static enum drop_reason judge6_uplink(const struct vnet_lease *lease, const struct ip6_info *ip)
{
	const struct fib *table;
	uint32_t verdict;

	if (vnet_ip6_is_local(ip))
		return DROP_NO_ROUTE;
	if (memcmp(ip->src, lease->prefix6, sizeof(lease->prefix6)) != 0)
		return DROP_SOURCE;
	table = fib_slot_get(&lease->queue->vnet->table);
	verdict = fib_lookup6(table, ip->dst);
	if (is_asked(lease, verdict))
		return judge6_by_routes(lease->routes, ip->dst);
	return judge_by_vnet(verdict);
}

static void send_advert(struct vnet *v, uint32_t index, struct session *s)
{
	static const struct virtio_net_hdr plain;
	uint8_t pkt[ND_PACKET_MAX];
	struct nd_advert advert;

	vnet_ip6_advert(v, index, &advert);
	session_send(s, &plain, pkt, nd_put_advert(&advert, pkt), v->mtu);
}

void vnet_advertise(const struct vnet_lease *lease, struct session *s)
{
	send_advert(lease->queue->vnet, lease->index, s);
}

/* Who asks again and again is answered once a second. */
static void answer_solicitation(const struct vnet_lease *lease, struct session *s)
{
	uint64_t now = loop_now(lease->queue->env->loop);

	if (now < lease->holder->solicited_at + CLOCK_NS_PER_S && lease->holder->solicited_at)
		return;
	lease->holder->solicited_at = now;
	vnet_advertise(lease, s);
}

static void uplink6(const struct vnet_lease *lease, struct session *s, uint8_t *pkt, size_t len)
{
	struct vnet_queue *q = lease->queue;
	struct traffic *t = session_traffic(s);
	struct ip6_info ip;
	enum drop_reason why;

	if (!session_has_ipv6(s)) {
		drop(q, s, DROP_PROTOCOL, pkt, len);
		return;
	}
	if (ip6_parse(pkt, len, &ip) < 0) {
		drop(q, s, DROP_MALFORMED, pkt, len);
		return;
	}
	if (vnet_ip6_is_local(&ip) && nd_is_solicitation(pkt, len)) {
		tap_show(q->env->taps, TAP_FROM_CLIENT, TAP_ANSWERED, s, pkt, len);
		answer_solicitation(lease, s);
		return;
	}
	why = judge6_uplink(lease, &ip);
	if (why == DROP_REASONS && !q->port)
		why = DROP_DEVICE;
	if (why != DROP_REASONS) {
		turn_away(lease, s, pkt, ip.total_len, why);
		return;
	}
	tap_show(q->env->taps, TAP_FROM_CLIENT, TAP_PASSED, s, pkt, ip.total_len);
	ip6_clamp_mss(pkt, &ip, q->vnet->mtu);
	port_write(q->port, pkt, ip.total_len);
	t->rx_packets++;
	t->rx_bytes += ip.total_len;
}

void vnet_uplink(const struct vnet_lease *lease, struct session *s, uint8_t *pkt, size_t len)
{
	struct vnet_queue *q = lease->queue;
	struct traffic *t = session_traffic(s);
	struct ip_info ip;
	enum drop_reason why;
	int r = ip_parse(pkt, len, &ip);

	if (r == -EAFNOSUPPORT) {
		uplink6(lease, s, pkt, len);
		return;
	}
	if (r < 0) {
		drop(q, s, DROP_MALFORMED, pkt, len);
		return;
	}
	why = judge_uplink(lease, &ip);
	if (why != DROP_REASONS) {
		turn_away4(lease, s, pkt, &ip, why);
		return;
	}
	if (!q->port) {
		turn_away(lease, s, pkt, ip.total_len, DROP_DEVICE);
		return;
	}
	tap_show(q->env->taps, TAP_FROM_CLIENT, TAP_PASSED, s, pkt, ip.total_len);
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

/* What is no session's, in full: counted, and shown. */
static __attribute__((noinline, cold)) void drop_nobodys(struct vnet_queue *q, enum drop_reason why,
							 const struct virtio_net_hdr *h,
							 const uint8_t *pkt, size_t len)
{
	struct tap_packet shown = {TAP_TO_CLIENT, why, NULL, vnet_name(q->vnet), pkt, len};

	q->traffic.drops[why] += offload_split_count(h, pkt, len);
	if (q->env->taps)
		tap_tell_split(q->env->taps, &shown, h);
}

static void to_other_thread(struct vnet_queue *q, uint32_t owner, const struct virtio_net_hdr *h,
			    const uint8_t *pkt, size_t len)
{
	if (!handover_put(q->handover, q->number, owner - 1, q->id, h, pkt, len))
		drop_nobodys(q, DROP_HANDOVER, h, pkt, len);
}

/* A packet of our own: its memory is used again at once. False: the device did not take it. */
static bool write_now(struct vnet_queue *q, const uint8_t *packet, size_t len)
{
	unsigned refused;

	port_write(q->port, packet, len);
	refused = port_flush(q->port);
	q->traffic.drops[DROP_DEVICE] += refused;
	return q->port && !refused;
}

/* A peering, or its absence, keeps it from the VNet's clients. */
static bool is_refused(const struct vnet *v, uint32_t src_be)
{
	if (!atomic_load_explicit(&v->refuses, memory_order_relaxed))
		return false;
	return fib_lookup4(fib_slot_get(&v->table), src_be) == DROP_PEERING;
}

static bool is_refused6(const struct vnet *v, const uint8_t *src)
{
	if (!atomic_load_explicit(&v->refuses, memory_order_relaxed))
		return false;
	return fib_lookup6(fib_slot_get(&v->table), src) == DROP_PEERING;
}

/* Not forwarded: counted, and its sender is told. */
static __attribute__((noinline, cold)) void turn_back(struct vnet_queue *q,
						      const struct virtio_net_hdr *h,
						      const uint8_t *pkt, size_t len,
						      enum drop_reason why)
{
	uint8_t packet[ICMP_PACKET_MAX];
	size_t n;

	drop_nobodys(q, why, h, pkt, len);
	n = vnet_answer_network(q->vnet, &q->answers, &q->traffic, why, 0, pkt, len,
				loop_now(q->env->loop), packet);
	if (n)
		write_now(q, packet, n);
}

static int find_index6(struct vnet_queue *q, const struct virtio_net_hdr *h, const uint8_t *pkt,
		       size_t len)
{
	struct ip6_info ip;
	int index;

	if (ip6_parse(pkt, len, &ip) < 0) {
		drop_nobodys(q, DROP_MALFORMED, h, pkt, len);
		return -EBADMSG;
	}
	if (is_refused6(q->vnet, ip.src)) {
		turn_back(q, h, pkt, len, DROP_PEERING);
		return -EACCES;
	}
	index = vnet_ip6_index(q->vnet, ip.dst);
	if (index < 0)
		turn_back(q, h, pkt, len,
			  vnet_ip6_is_there(q->vnet) ? DROP_NO_SESSION : DROP_PROTOCOL);
	return index;
}

/* The index of the packet's destination; negative: there is none, and the packet is done with. */
static int find_index(struct vnet_queue *q, const struct virtio_net_hdr *h, const uint8_t *pkt,
		      size_t len)
{
	struct ip_info ip;
	int index;
	int r = ip_parse(pkt, len, &ip);

	if (r == -EAFNOSUPPORT)
		return find_index6(q, h, pkt, len);
	if (r < 0) {
		drop_nobodys(q, DROP_MALFORMED, h, pkt, len);
		return r;
	}
	if (is_refused(q->vnet, ip.src_be)) {
		turn_back(q, h, pkt, len, DROP_PEERING);
		return -EACCES;
	}
	index = pool_index(q->vnet->pool, ip.dst_be);
	if (index < 0)
		turn_back(q, h, pkt, len, DROP_NO_SESSION);
	return index;
}

static uint32_t owner_of(const struct vnet_queue *q, int index)
{
	return atomic_load_explicit(&q->vnet->owners[index], memory_order_relaxed);
}

/* The session has counted it. */
static __attribute__((noinline, cold)) void answer_too_big(struct vnet_queue *q, struct session *s,
							   const uint8_t *pkt, size_t len)
{
	uint8_t packet[ICMP_PACKET_MAX];
	size_t n = vnet_answer_network(q->vnet, &q->answers, session_traffic(s), DROP_TOO_BIG,
				       session_packet_max(s, q->vnet->mtu), pkt, len,
				       loop_now(q->env->loop), packet);

	if (n)
		write_now(q, packet, n);
}

static void deliver(struct vnet_queue *q, struct session *s, const struct virtio_net_hdr *h,
		    const uint8_t *pkt, size_t len)
{
	tap_show(q->env->taps, TAP_FROM_NETWORK, TAP_PASSED, s, pkt, len);
	if (session_send(s, h, pkt, len, q->vnet->mtu) == -EMSGSIZE)
		answer_too_big(q, s, pkt, len);
}

/* An answer to a question of ours, which is no session's. */
static __attribute__((noinline, cold)) bool take_answer(struct vnet_queue *q, const uint8_t *pkt,
							size_t len)
{
	uint8_t reset[PROBE_PACKET_MAX];
	size_t n;

	if (!vnet_probes_take(&q->probes, pkt, len, reset, &n))
		return false;
	if (n)
		write_now(q, reset, n);
	return true;
}

/* To no session: an answer to a question that another thread has asked from an address that is free, or really lost. */
static __attribute__((noinline, cold)) void
to_nobody(struct vnet_queue *q, const struct virtio_net_hdr *h, const uint8_t *pkt, size_t len)
{
	uint32_t asker = atomic_load_explicit(&q->vnet->asker, memory_order_relaxed);

	if (asker && asker != owner_number(q))
		to_other_thread(q, asker, h, pkt, len);
	else
		turn_back(q, h, pkt, len, DROP_NO_SESSION);
}

static void on_packet(void *arg, const struct virtio_net_hdr *h, uint8_t *pkt, size_t len)
{
	struct vnet_queue *q = arg;
	int index;
	uint32_t owner;

	if (q->probes.n && take_answer(q, pkt, len))
		return;
	index = find_index(q, h, pkt, len);
	if (index < 0)
		return;
	owner = owner_of(q, index);
	if (owner == owner_number(q))
		deliver(q, q->sessions[index], h, pkt, len);
	else if (owner)
		to_other_thread(q, owner, h, pkt, len);
	else
		to_nobody(q, h, pkt, len);
}

/*
 * Who has handed it over knew of a session here. One that another thread's took over from meanwhile takes it still; when
 * none is left, the packet is lost: handed over once is enough.
 */
void vnet_queue_take(struct vnet_queue *q, const struct virtio_net_hdr *h, uint8_t *pkt, size_t len)
{
	int index;

	q->handed_over++;
	if (q->probes.n && take_answer(q, pkt, len))
		return;
	index = find_index(q, h, pkt, len);
	if (index < 0)
		return;
	if (q->sessions[index])
		deliver(q, q->sessions[index], h, pkt, len);
	else
		turn_back(q, h, pkt, len, DROP_NO_SESSION);
}

static void on_gone(void *arg, int error)
{
	struct vnet_queue *q = arg;

	if (!atomic_exchange(&q->vnet->failure, true))
		q->vnet->env.on_failure(q->vnet->env.arg);
}

/* By its source: whoever wrote it may be another session than the one that makes the device take what waits. */
static struct session *sender_of(const struct vnet_queue *q, const uint8_t *pkt, size_t len)
{
	struct ip6_info ip6;
	struct ip_info ip;
	int index = -ENOENT;

	if (ip_parse(pkt, len, &ip) == 0)
		index = pool_index(q->vnet->pool, ip.src_be);
	else if (ip6_parse(pkt, len, &ip6) == 0)
		index = vnet_ip6_index(q->vnet, ip6.src);
	return index >= 0 ? q->sessions[index] : NULL;
}

/* It is counted when the burst ends. */
static void on_refused(void *arg, const uint8_t *pkt, size_t len)
{
	struct vnet_queue *q = arg;
	struct tap_packet shown = {TAP_FROM_CLIENT, DROP_DEVICE, NULL, NULL, pkt, len};

	if (!q->env->taps)
		return;
	shown.session = sender_of(q, pkt, len);
	if (!shown.session)
		shown.vnet = vnet_name(q->vnet);
	tap_tell(q->env->taps, &shown);
}

static const struct port_ops port_callbacks = {
	.on_packet = on_packet,
	.on_refused = on_refused,
	.on_gone = on_gone,
};

/* ---- probes: what the network says to a session's packet ---- */

/*
 * The address that the question comes from: the session's, or one near where vnet_probes_source() points that nobody has.
 * False: none is free.
 */
static bool find_source(const struct vnet_lease *lease, unsigned n, struct vnet_lease *ret_source)
{
	struct vnet *v = lease->queue->vnet;
	uint32_t count = pool_indexes(v->pool), at = n ? vnet_probes_source(count, n) : 0;

	*ret_source = *lease;
	if (!n)
		return true;
	for (uint32_t i = 0; i < count && i < SOURCE_STEPS; i++, at = (at + 1) % count) {
		uint32_t address_be = pool_address(v->pool, at);

		if (owner_of(lease->queue, (int)at) || address_be == v->gateway_be)
			continue;
		ret_source->index = at;
		ret_source->address_be = address_be;
		vnet_ip6_prefix(v, at, ret_source->prefix6);
		atomic_store_explicit(&v->asker, owner_number(lease->queue), memory_order_relaxed);
		return true;
	}
	return false;
}

static enum drop_reason judge(const struct vnet_lease *lease, const uint8_t *pkt, size_t len)
{
	struct ip_info ip;
	struct ip6_info ip6;

	if (ip_parse(pkt, len, &ip) == 0)
		return judge_uplink(lease, &ip);
	return ip6_parse(pkt, len, &ip6) == 0 ? judge6_uplink(lease, &ip6) : DROP_MALFORMED;
}

/* As the session would send it. DROP_REASONS: it is on its way. */
static enum drop_reason send_question(const struct vnet_lease *lease, const struct probe *p,
				      uint16_t *ret_size)
{
	uint8_t packet[PROBE_PACKET_MAX];
	size_t len = probe_put(p, packet);
	enum drop_reason why = judge(lease, packet, len);

	if (why == DROP_REASONS && !write_now(lease->queue, packet, len))
		why = DROP_DEVICE;
	*ret_size = (uint16_t)len;
	return why;
}

/* What is to be told at once; false: the question is on its way. */
static bool ask(const struct vnet_lease *lease, const struct session *s,
		const struct probe_request *r, struct probe_desk *desk, struct probe_result *result)
{
	struct vnet_queue *q = lease->queue;
	struct vnet_lease source;
	enum drop_reason why;

	result->answer.outcome = PROBE_NO_SESSION;
	if (!find_source(lease, r->source, &source) ||
	    !vnet_probes_make(r, source.address_be, session_has_ipv6(s) ? source.prefix6 : NULL,
			      session_packet_max(s, q->vnet->mtu), &result->probe))
		return true;
	result->answer.outcome = PROBE_BUSY;
	if (vnet_probes_reserve(&q->probes, q->env->loop, desk) < 0)
		return true;
	why = send_question(&source, &result->probe, &result->size);
	if (why != DROP_REASONS) {
		result->answer.outcome = PROBE_REFUSED;
		result->drop = drop_reason_name(why);
		return true;
	}
	vnet_probes_add(&q->probes, r->id, &result->probe, result->size);
	return false;
}

void vnet_probe(const struct vnet_lease *lease, const struct session *s,
		const struct probe_request *r, struct probe_desk *desk)
{
	struct probe_result result = {.id = r->id, .drop = ""};

	if (ask(lease, s, r, desk, &result))
		probe_desk_tell(desk, &result);
}

/* ---- leases ---- */

/* Returns owned; NULL without memory. */
static struct vnet_holder *holder_new(const struct vnet_queue *q, const struct vnet_tenant *t)
{
	struct vnet_holder *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->id = t->session;
	h->thread = owner_number(q);
	bucket_init(&h->answers, VNET_ANSWERS_PER_SESSION, VNET_ANSWERS_PER_SESSION);
	if (t->claim.thumbprint)
		snprintf(h->thumbprint, sizeof(h->thumbprint), "%s", t->claim.thumbprint);
	return h;
}

/* The index of the address that t takes over; negative: he does not. */
static int find_replaced(const struct vnet *v, const struct vnet_tenant *t)
{
	int index = t->replaces_be ? pool_index(v->pool, t->replaces_be) : -ENOENT;

	if (index < 0 || !pool_is_held_by(v->pool, (uint32_t)index, t->owner) ||
	    !vnet_seat_admits(&v->seats[index], &t->claim))
		return -ENOENT;
	return index;
}

static int lease_address(struct vnet *v, const struct vnet_tenant *t, uint64_t now,
			 struct vnet_lease *lease)
{
	int index;

	if (v->failed)
		return -ENODEV;
	if (now > v->leased_at)
		v->leased_at = now;
	lease->address_be = t->replaces_be;
	index = find_replaced(v, t);
	if (index < 0)
		index = pool_lease(v->pool, t->owner, v->leased_at, &lease->address_be);
	if (index < 0)
		return index;
	lease->index = (uint32_t)index;
	vnet_ip6_prefix(v, lease->index, lease->prefix6);
	vnet_seat_add(&v->seats[index], lease->holder);
	return 0;
}

int vnet_lease(struct vnet_queue *q, const struct vnet_tenant *t, struct vnet_lease *ret_lease,
	       struct link_address *ret_address)
{
	struct vnet *v = q->vnet;
	struct vnet_lease lease = {.queue = q,
				   .holder = holder_new(q, t),
				   .routes = t->routes,
				   .connection = t->connection};
	int r;

	if (!lease.holder)
		return -ENOMEM;
	pthread_mutex_lock(&v->lock);
	r = lease_address(v, t, loop_now(q->env->loop), &lease);
	if (r == 0)
		*ret_address = (struct link_address){
			.local = v->gateway_be,
			.peer = lease.address_be,
			.dns = {v->dns_be[0], v->dns_be[1]},
		};
	pthread_mutex_unlock(&v->lock);
	memcpy(ret_address->prefix6, lease.prefix6, r == 0 ? sizeof(lease.prefix6) : 0);
	if (r == 0)
		*ret_lease = lease;
	else
		free(lease.holder);
	return r;
}

/* newest: NULL: to nobody. */
static void steer(struct vnet *v, uint32_t index, uint32_t address_be,
		  const struct vnet_holder *newest)
{
	uint8_t prefix[ND_PREFIX_SIZE];

	if (newest)
		steer_set(v->steer, address_be, newest->thread - 1);
	else
		steer_clear(v->steer, address_be);
	if (!vnet_ip6_is_there(v))
		return;
	vnet_ip6_prefix(v, index, prefix);
	if (newest)
		steer_set6(v->steer, prefix, newest->thread - 1);
	else
		steer_clear6(v->steer, prefix);
}

void vnet_lease_address6(const struct vnet_lease *lease, uint8_t ret_address[ND_ADDRESS_SIZE])
{
	static const uint8_t none[ND_PREFIX_SIZE];

	memset(ret_address, 0, ND_ADDRESS_SIZE);
	memcpy(ret_address, lease->prefix6, sizeof(lease->prefix6));
	ret_address[ND_ADDRESS_SIZE - 1] = memcmp(lease->prefix6, none, sizeof(none)) != 0;
}

/*
 * After a change of the seat, under the lock, by the thread that made it: to whom packets go from now on. Without
 * steering, or when the map has no room, they come to some queue and are handed over.
 */
static void settle(struct vnet_queue *q, uint32_t index, uint32_t address_be)
{
	struct vnet *v = q->vnet;
	const struct vnet_holder *mine = vnet_seat_newest(&v->seats[index], owner_number(q));
	const struct vnet_holder *newest = vnet_seat_newest(&v->seats[index], 0);

	q->sessions[index] = mine ? mine->session : NULL;
	atomic_store_explicit(&v->owners[index], newest ? newest->thread : 0, memory_order_relaxed);
	if (v->steer)
		steer(v, index, address_be, newest);
}

/* Under the lock, in any thread: those who are displaced now are told in their own. */
static void displace(struct vnet *v, uint32_t index)
{
	struct vnet_holder *h;

	while ((h = vnet_seat_displace(&v->seats[index]))) {
		struct vnet_queue *q = v->queues[h->thread - 1];

		h->next_displaced = q->displaced;
		q->displaced = h;
		if (!q->is_evicting)
			loop_post(q->env->loop, &q->evict);
		q->is_evicting = true;
	}
}

/* Takes one off the list: his session, and who displaced him. False: there is none. */
static bool take_displaced(struct vnet_queue *q, struct session **ret_session, uint64_t *ret_by)
{
	struct vnet_holder *h;

	pthread_mutex_lock(&q->vnet->lock);
	h = q->displaced;
	if (h) {
		q->displaced = h->next_displaced;
		*ret_session = h->session;
		*ret_by = h->displaced_by;
	}
	q->is_evicting = h;
	pthread_mutex_unlock(&q->vnet->lock);
	return h;
}

/* In the queue's own thread. A session that ends gives its lease back, at once or later. */
static void evict(struct loop_task *task)
{
	struct vnet_queue *q = (void *)((char *)task - offsetof(struct vnet_queue, evict));
	struct session *s;
	uint64_t by;

	while (take_displaced(q, &s, &by)) {
		char reason[SESSION_REASON_MAX];

		snprintf(reason, sizeof(reason),
			 "its client has dialled again: session=%" PRIu64 " has the address now",
			 by);
		session_disconnect(s, reason);
	}
}

/* Under the lock: he leaves before he was told. */
static void forget_displaced(struct vnet_queue *q, const struct vnet_holder *holder)
{
	struct vnet_holder **link = &q->displaced;

	while (*link && *link != holder)
		link = &(*link)->next_displaced;
	if (*link)
		*link = holder->next_displaced;
}

static void log_take_over(const struct vnet_lease *lease, const struct vnet_holder *from)
{
	char address[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &lease->address_be, address, sizeof(address));
	session_log(lease->session, LOG_LEVEL_INFO,
		    "takes over address=%s from session=%" PRIu64 ": certificate %s instead of %s",
		    address, from->id, lease->holder->thumbprint, from->thumbprint);
}

void vnet_attach(struct vnet_lease *lease, struct session *s)
{
	struct vnet *v = lease->queue->vnet;
	struct vnet_holder from = {0}; /* a copy, which may be read when the lock is given back */

	lease->session = s;
	pthread_mutex_lock(&v->lock);
	lease->holder->session = s;
	if (lease->holder->older)
		from = *lease->holder->older;
	displace(v, lease->index);
	settle(lease->queue, lease->index, lease->address_be);
	pthread_mutex_unlock(&v->lock);
	if (*from.thumbprint)
		log_take_over(lease, &from);
}

static void give_back(struct vnet_queue *q, const struct vnet_lease *lease, uint64_t now)
{
	struct vnet *v = q->vnet;
	bool was_last;

	pthread_mutex_lock(&v->lock);
	forget_displaced(q, lease->holder);
	was_last = vnet_seat_remove(&v->seats[lease->index], lease->holder);
	settle(q, lease->index, lease->address_be);
	if (now > v->leased_at)
		v->leased_at = now;
	if (was_last)
		pool_release(v->pool, lease->index, v->leased_at);
	pthread_mutex_unlock(&v->lock);
}

void vnet_release(struct vnet_lease *lease)
{
	struct vnet_queue *q = lease->queue;
	unsigned refused;

	if (!q)
		return;
	refused = port_flush(q->port); /* the packets' memory is the session's */
	if (lease->session)
		session_traffic(lease->session)->drops[DROP_DEVICE] += refused;
	give_back(q, lease, loop_now(q->env->loop));
	free(lease->holder);
	*lease = (struct vnet_lease){0};
}

/* ---- advertisements ---- */

/* What they say lasts for three times that. */
#define ADVERTISE_EVERY (ND_LIFETIME_S / 3 * CLOCK_NS_PER_S)

static void advertise_to_all(void *arg)
{
	struct vnet_queue *q = arg;

	for (uint32_t i = 0; i < pool_indexes(q->vnet->pool); i++)
		if (q->sessions[i] && session_has_ipv6(q->sessions[i]))
			send_advert(q->vnet, i, q->sessions[i]);
	loop_timer_set(q->advertise, loop_now(q->env->loop) + ADVERTISE_EVERY);
}

/* 0 or -errno. */
static int start_advertising(struct vnet_queue *q)
{
	if (!vnet_ip6_is_there(q->vnet))
		return 0;
	q->advertise = loop_timer_new(q->env->loop, advertise_to_all, q);
	if (!q->advertise)
		return -errno;
	loop_timer_set(q->advertise, loop_now(q->env->loop) + ADVERTISE_EVERY);
	return 0;
}

/* ---- life ---- */

static void set_queue(struct vnet *v, unsigned number, struct vnet_queue *q)
{
	pthread_mutex_lock(&v->lock);
	v->queues[number] = q;
	pthread_mutex_unlock(&v->lock);
}

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
	q->evict.run = evict;
	bucket_init(&q->answers, VNET_ANSWERS_PER_QUEUE, VNET_ANSWERS_PER_QUEUE);
	q->sessions = calloc(pool_indexes(v->pool), sizeof(struct session *));
	r = q->sessions ? start_advertising(q) : -ENOMEM;
	if (r == 0)
		r = vnet_queue_open(q);
	if (r == 0) {
		set_queue(v, number, q);
		return q;
	}
	loop_timer_free(q->advertise);
	free(q->sessions);
	free(q);
	errno = -r;
	return NULL;
}

void vnet_queue_free(struct vnet_queue *q)
{
	if (!q)
		return;
	set_queue(q->vnet, q->number, NULL);
	vnet_probes_done(&q->probes);
	vnet_queue_close(q);
	loop_timer_free(q->advertise);
	free(q->sessions);
	free(q);
}

void vnet_queue_close(struct vnet_queue *q)
{
	port_free(q->port);
	q->port = NULL;
}

int vnet_queue_open(struct vnet_queue *q)
{
	q->port = port_new(q->env->loop, &q->vnet->device.tuns[q->number], &port_callbacks, q);
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

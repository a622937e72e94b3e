/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/vnet_answer.h"

#include <linux/virtio_net.h>

#include "sstp/session/session.h"
#include "sstp/session/vnet_internal.h"

enum {
	IPV4_DESTINATION = 16, /* in a header */
	IPV6_DESTINATION = 24,
	IPV4_FLAGS = 6,
	DO_NOT_FRAGMENT = 0x40,
};

/* ip6cp.h: our end of every tunnel */
static const uint8_t link_local[ND_ADDRESS_SIZE] = {0xfe, 0x80, [ND_ADDRESS_SIZE - 1] = 2};

/* -1: nobody is told. */
static int reason_of(enum drop_reason why)
{
	switch (why) {
	case DROP_NO_ROUTE:
	case DROP_NOT_IN_PLAN: return ICMP_NO_ROUTE;
	case DROP_PEERING:
	case DROP_GATEWAY:
	case DROP_CLIENT_TO_CLIENT: return ICMP_PROHIBITED;
	case DROP_NO_SESSION:
	case DROP_DEVICE: return ICMP_NO_HOST;
	case DROP_TOO_BIG: return ICMP_TOO_BIG;
	default: return -1;
	}
}

static bool is_ipv6(const uint8_t *pkt)
{
	return pkt[0] >> 4 == 6;
}

/* Counts it one way or the other. */
static bool may_answer(struct bucket *a, struct bucket *b, struct traffic *t, uint64_t now)
{
	bool may = (!a || bucket_take(a, now)) && bucket_take(b, now);

	if (may)
		t->answered++;
	else
		t->unanswered++;
	return may;
}

void vnet_answer_session(const struct vnet *v, struct session *s, struct bucket *of_session,
			 struct bucket *of_queue, enum drop_reason why, const uint8_t *pkt,
			 size_t len, uint64_t now)
{
	static const struct virtio_net_hdr plain;
	int reason = reason_of(why);
	uint8_t packet[ICMP_PACKET_MAX];
	const uint8_t *from;
	size_t n;

	if (reason < 0 || !icmp_is_due(pkt, len) ||
	    !may_answer(of_session, of_queue, session_traffic(s), now))
		return;
	from = is_ipv6(pkt) ? link_local : (const uint8_t *)&v->gateway_be;
	n = icmp_answer((enum icmp_reason)reason, v->mtu, from, pkt, len, packet);
	session_send(s, &plain, packet, n, v->mtu);
}

/* What a router would have cut is not refused because of its size: it is lost, and that is all. */
static bool is_cut_on_the_way(enum drop_reason why, const uint8_t *pkt)
{
	return why == DROP_TOO_BIG && !is_ipv6(pkt) && !(pkt[IPV4_FLAGS] & DO_NOT_FRAGMENT);
}

size_t vnet_answer_network(const struct vnet *v, struct bucket *of_queue, struct traffic *t,
			   enum drop_reason why, uint16_t mtu, const uint8_t *pkt, size_t len,
			   uint64_t now, uint8_t ret_packet[ICMP_PACKET_MAX])
{
	int reason = reason_of(why);
	const uint8_t *from;

	if (reason < 0 || !icmp_is_due(pkt, len) || is_cut_on_the_way(why, pkt) ||
	    !may_answer(NULL, of_queue, t, now))
		return 0;
	if (is_ipv6(pkt))
		from = pkt + IPV6_DESTINATION;
	else if (pool_index(v->pool, v->gateway_be) >= 0)
		from = (const uint8_t *)&v->gateway_be;
	else
		from = pkt + IPV4_DESTINATION;
	return icmp_answer((enum icmp_reason)reason, mtu, from, pkt, len, ret_packet);
}

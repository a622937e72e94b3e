/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_VNET_ANSWER_H
#define SSTP_SESSION_VNET_ANSWER_H
/*
 * A packet that a VNet does not forward is not only counted: its sender is told why (session/icmp.h), so that a program
 * fails at once and need not wait. Not always: at most VNET_ANSWERS_PER_SESSION a second and session, and
 * VNET_ANSWERS_PER_QUEUE a second, VNet and thread, are told; the rest are counted.
 *
 * To a session the gateway speaks by its own end of the tunnel: of IPv6 that is a link-local address. In the network it has
 * that address only if it is of the VNet's pools: else it speaks by the one that was not reached, which is routed here.
 */
#include <stddef.h>
#include <stdint.h>

#include "sstp/base/bucket.h"
#include "sstp/session/drop.h"
#include "sstp/session/icmp.h"

enum {
	VNET_ANSWERS_PER_SESSION = 20,
	VNET_ANSWERS_PER_QUEUE = 500,
};

struct session;
struct vnet;

/* To the session that has sent pkt, a packet of either family, len bytes as its header says. now: the loop's. */
void vnet_answer_session(const struct vnet *v, struct session *s, struct bucket *of_session,
			 struct bucket *of_queue, enum drop_reason why, const uint8_t *pkt,
			 size_t len, uint64_t now);

/*
 * To the network's host that has sent pkt, or its first part: the answer, to be written to the device. mtu: of the way to
 * the session, for DROP_TOO_BIG. Counts in t. Returns its length; 0: none.
 */
size_t vnet_answer_network(const struct vnet *v, struct bucket *of_queue, struct traffic *t,
			   enum drop_reason why, uint16_t mtu, const uint8_t *pkt, size_t len,
			   uint64_t now, uint8_t ret_packet[ICMP_PACKET_MAX]);

#endif

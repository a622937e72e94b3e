/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_FLOW_H
#define SSTP_SESSION_FLOW_H
/*
 * What a queue wants to know of an IP packet, version 4 or 6: which flow it belongs to, and whether it can carry a mark
 * instead of being dropped (RFC 3168). Any bytes may come; nothing outside them is looked at.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Equal for packets with the same addresses, protocol and, for TCP and UDP, ports. Fragments go by their addresses and
 * protocol alone, since only the first has ports: they keep their order among each other, not with the flow's unfragmented
 * packets. What is no IP packet is all one flow.
 */
uint32_t flow_hash(const uint8_t *pkt, size_t len);

/* Sets Congestion Experienced, and corrects IPv4's header checksum. False: its sender does not do ECN, drop it. */
bool flow_mark(uint8_t *pkt, size_t len);

#endif

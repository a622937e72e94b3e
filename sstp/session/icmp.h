/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_ICMP_H
#define SSTP_SESSION_ICMP_H
/*
 * Who sends what goes nowhere is told so (RFC 792, 1122, 1812, 4443), and does not wait for nothing.
 *
 * Pure: a packet comes in, the answer to its source goes out. There is none to an ICMP error, to a fragment but the first,
 * to what was not sent to one host, or by one: errors about errors never end.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ICMP_PACKET_MAX = 1280, /* bytes of an answer; of IPv4 576 */
};

enum icmp_reason {
	ICMP_NO_ROUTE,	 /* nothing leads there */
	ICMP_NO_HOST,	 /* nobody is there */
	ICMP_PROHIBITED, /* it may not go there */
	ICMP_TOO_BIG,	 /* for the way there */
	ICMP_REASONS,
};

/* Does this packet of either family deserve an answer? Malformed ones do not. */
bool icmp_is_due(const uint8_t *pkt, size_t len);

/*
 * The answer to the source of pkt, of which as much as fits stands in it. from: 4 or 16 bytes, an address of the packet's
 * family, by which the answer comes. mtu: bytes that would pass, for ICMP_TOO_BIG. Returns its length; 0: it deserves none.
 */
size_t icmp_answer(enum icmp_reason reason, uint16_t mtu, const uint8_t *from, const uint8_t *pkt,
		   size_t len, uint8_t ret_packet[ICMP_PACKET_MAX]);

#endif

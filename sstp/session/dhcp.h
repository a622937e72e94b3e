/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_DHCP_H
#define SSTP_SESSION_DHCP_H
/*
 * What a standard client asks after IPCP has given it an address: a DHCPINFORM (RFC 2131 section 4.4.3), for name servers,
 * domains and routes, which IPCP has no word for. Windows does so within seconds. The gateway answers itself.
 *
 * Pure: an IPv4 packet comes in, an IPv4 packet goes out. Nothing but a DHCPINFORM from the session's own address is
 * answered, no lease is ever given, and only what was asked for is told. Routes are told twice, as option 121 (RFC 3442) and
 * as 249, which is what older Windows calls it; longer than 255 bytes they are split (RFC 3396). When all of it is more than
 * the client takes in one packet, 249 stays out if 121 was asked for as well, then all routes do, then the search list:
 * half of the routes would be worse than none.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "routing/prefix.h"

enum {
	DHCP_PACKET_MAX = 4096, /* bytes of an answer, whatever the offer says */
};

/* What there is to tell. All borrowed. */
struct dhcp_offer {
	uint32_t server_be; /* our end of the tunnel */
	uint32_t client_be; /* the session's address */
	const uint32_t *dns_be;
	size_t n_dns;
	const char *const *domains; /* the first one is the client's own */
	size_t n_domains;
	const struct prefix *routes; /* of IPv4 */
	size_t n_routes;
	size_t max; /* bytes of a packet that the tunnel takes, at least 576 */
};

struct dhcp_answer {
	size_t len;	   /* of the IP packet */
	bool is_split;	   /* an option has more than 255 bytes: not every client reads it */
	bool lacks_routes; /* they were asked for, and there is no room for all of them */
};

/*
 * 0 with an answer in ret_packet, DHCP_PACKET_MAX bytes; -ENOMSG: pkt is not a DHCPINFORM of this client's, or a malformed
 * one, and deserves none.
 */
int dhcp_answer(const struct dhcp_offer *offer, const uint8_t *pkt, size_t len,
		uint8_t ret_packet[DHCP_PACKET_MAX], struct dhcp_answer *ret_answer);

#endif

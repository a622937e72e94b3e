/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_ND_H
#define SSTP_SESSION_ND_H
/*
 * How a standard client learns its IPv6 address: by router advertisements through the tunnel (RFC 4861, 4862), for IPV6CP
 * only says how to end one. They also tell the VNet's prefixes (RFC 4191) and name servers (RFC 8106).
 *
 * Pure: whole IPv6 packets, written and read. Of what else neighbours discover there is nothing on a link with two ends.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "routing/prefix.h"

#define ND_LIFETIME_S \
	1800 /* of all that an advertisement says but the address, which is good while the session is */

enum {
	ND_ID_SIZE = 8,	    /* the second half of an address, */
	ND_PREFIX_SIZE = 8, /* and the first one */
	ND_ADDRESS_SIZE = 16,
	ND_ROUTES_MAX = 32,
	ND_DNS_MAX = 2,
	ND_PACKET_MAX = 1280, /* no advertisement is longer */
};

struct nd_advert {
	uint8_t id[ND_ID_SIZE];		/* the router's: it sends from fe80:: and this */
	uint8_t prefix[ND_PREFIX_SIZE]; /* of the /64 that the client is to take an address from */
	uint16_t mtu;
	bool is_default; /* the way to everywhere */
	size_t n_routes;
	struct prefix routes[ND_ROUTES_MAX]; /* of IPv6 */
	size_t n_dns;
	uint8_t dns[ND_DNS_MAX][ND_ADDRESS_SIZE];
};

/* Writes the advertisement, to all nodes. Returns its length. */
size_t nd_put_advert(const struct nd_advert *a, uint8_t ret_packet[ND_PACKET_MAX]);

/* Is it a router solicitation that deserves an answer (RFC 4861 section 6.1.1)? */
bool nd_is_solicitation(const uint8_t *pkt, size_t len);

/*
 * An advertisement (RFC 4861 section 6.1.2) with a /64 to take an address from (RFC 4862 section 5.5.3). 0; -ENOMSG: it is
 * something else, or has none; -EBADMSG: malformed.
 */
int nd_take_prefix(const uint8_t *pkt, size_t len, uint8_t ret_prefix[ND_PREFIX_SIZE]);

/* Writes a router solicitation from fe80:: and id. Returns its length. */
size_t nd_put_solicitation(const uint8_t id[ND_ID_SIZE], uint8_t ret_packet[ND_PACKET_MAX]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_PPP_IPCP_H
#define SSTP_PPP_IPCP_H
/*
 * The IP Control Protocol (RFC 1332) with DNS servers (RFC 1877).
 *
 * Server: the peer gets the address that it was assigned and no other; DNS servers as far as there
 * are any; header compression, NBNS and all the rest are rejected. Our own address is always told.
 * Client: asks for an address and two DNS servers, and takes what it is given.
 */
#include <stdbool.h>
#include <stdint.h>

#include "sstp/ppp/cp.h"
#include "sstp/ppp/link_types.h"

enum ipcp_option {
	IPCP_ADDRESS = 3,
	IPCP_DNS1 = 129,
	IPCP_DNS2 = 131,
};

struct ipcp {
	struct cp cp;
	bool server;
	bool ask_address;	     /* the peer did not reject the option */
	bool ask_dns[2];	     /* client: likewise */
	struct link_address address; /* server: given; client: learned */
};

void ipcp_init(struct ipcp *ipcp, bool server);

/* Opens it. Server: with the address to give; client: with zeros. */
unsigned ipcp_start(struct ipcp *ipcp, uint64_t now, const struct link_address *address,
		    uint16_t peer_mru, struct outbox *out);

/* Client, once open: whether the address we were given can be a host's. */
bool ipcp_has_usable_address(const struct ipcp *ipcp);

#endif

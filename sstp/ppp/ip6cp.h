/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_PPP_IP6CP_H
#define SSTP_PPP_IP6CP_H
/*
 * The IPv6 Control Protocol (RFC 5072): the interface identifiers of both ends, from which their
 * link-local addresses are made. The rest of an address is not negotiated here.
 *
 * Server: the peer gets the identifier that it was assigned. Who insists on another one, as a pppd
 * that was not told to give way, keeps it after IP6CP_INSIST Naks: every address of the session's
 * network is the session's own. Zero and our own are never taken. All other options are rejected.
 * Client: asks with zero, takes what it is given, and whatever the server has but zero and its own.
 */
#include <stdbool.h>
#include <stdint.h>

#include "sstp/ppp/cp.h"

enum {
	IP6CP_ID_SIZE = 8,
	IP6CP_INSIST = 2,
};

enum ip6cp_option {
	IP6CP_IDENTIFIER = 1, /* RFC 5072 section 4.1 */
};

struct ip6cp {
	struct cp cp;
	bool server;
	bool ask;			 /* the peer did not reject the option */
	uint8_t local[IP6CP_ID_SIZE];	 /* ours; client: learned, zero until then */
	uint8_t assigned[IP6CP_ID_SIZE]; /* server: what the peer is to have */
	uint8_t peer[IP6CP_ID_SIZE];	 /* what it has, once open */
};

/* Server: our end is 0:0:0:2, the peer gets 0:0:0:1. */
void ip6cp_init(struct ip6cp *ip6cp, bool server);

/* Opens it. */
unsigned ip6cp_start(struct ip6cp *ip6cp, uint64_t now, uint16_t peer_mru, struct outbox *out);

/* Client, once open: whether we were given an identifier. */
bool ip6cp_has_identifier(const struct ip6cp *ip6cp);

#endif

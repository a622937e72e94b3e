/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_DROP_H
#define SSTP_SESSION_DROP_H
/* Every packet that is not forwarded has one of these reasons: a counter per session and a name. */
#include <stdint.h>

enum drop_reason {
	DROP_NOT_OPEN,	  /* data before CALL_CONNECTED or before IPCP opened */
	DROP_MALFORMED,	  /* PPP frame or IP header that does not parse */
	DROP_PROTOCOL,	  /* PPP data protocol that is not spoken (compressed, IPv6) */
	DROP_SOURCE,	  /* the source is not the session's own address */
	DROP_DESTINATION, /* worker: not addressed to the session's own address */
	DROP_NO_ROUTE,	  /* outside what the VNet's clients reach */
	DROP_NOT_IN_PLAN, /* outside what the app's connection reaches */
	DROP_PEERING,	  /* to or from where a peering, or its absence, forbids it */
	DROP_GATEWAY,	  /* addressed to the gateway itself */
	DROP_CLIENT_TO_CLIENT,
	DROP_NO_SESSION,  /* nobody holds the destination address */
	DROP_HANDOVER,	  /* on its way to another thread: no room */
	DROP_TOO_BIG,	  /* larger than the peer's MRU */
	DROP_QUEUE_FULL,  /* the peer does not read fast enough */
	DROP_QUEUE_DELAY, /* CoDel: waited too long for too long, its sender shall slow down */
	DROP_NO_BUFFER,
	DROP_DEVICE, /* the TUN device did not take it */
	DROP_REASONS,
};

struct traffic {
	uint64_t rx_packets, rx_bytes; /* from the peer, inner IP, delivered */
	uint64_t tx_packets, tx_bytes; /* to the peer, handed to TLS */
	uint64_t tx_marked; /* of them given a mark of congestion instead of being dropped */
	uint64_t drops[DROP_REASONS];
	uint64_t answered, unanswered; /* of them: told why, by ICMP; or too many to be told */
};

/* "source", "no_route", ... */
const char *drop_reason_name(enum drop_reason reason);

/* "rx 3 packets 252 bytes, tx ..., dropped: source 1 no_route 2" into buf. Returns buf. */
const char *traffic_format(const struct traffic *t, char *buf, unsigned size);

void traffic_add(struct traffic *sum, const struct traffic *t);

#endif

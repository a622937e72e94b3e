/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_PPP_LCP_H
#define SSTP_PPP_LCP_H
/*
 * The Link Control Protocol (RFC 1661 sections 5 and 6).
 *
 * Options that we know: MRU, ACCM (without meaning here), Authentication-Protocol and Magic-Number.
 * All others are rejected, PFC, ACFC, Callback and those of multilink among them. The server asks
 * for one authentication protocol at a time, MS-CHAPv2, EAP, PAP, and follows the peer's Nak among the allowed ones; a link without authentication never opens. Codes 12 and above are
 * never sent, and code 0 only to those who are to know it (vendor.h).
 */
#include <stdbool.h>
#include <stdint.h>

#include "sstp/base/random.h"
#include "sstp/ppp/cp.h"
#include "sstp/ppp/link_types.h"
#include "sstp/ppp/vendor.h"

enum lcp_code {
	LCP_PROTO_REJECT = 8,
	LCP_ECHO_REQUEST = 9,
	LCP_ECHO_REPLY = 10,
	LCP_DISCARD = 11,
	LCP_IDENTIFICATION = 12, /* RFC 1570 */
	LCP_TIME_REMAINING = 13,
};

enum lcp_option {
	LCP_MRU = 1,
	LCP_ACCM = 2,
	LCP_AUTH = 3,
	LCP_MAGIC = 5,
};

/* Beside the cp_result bits. */
enum lcp_result {
	LCP_PROTO_REJECTED = 1 << 18, /* the peer does not know rejected_protocol */
};

struct lcp_params {
	bool server;
	unsigned auth; /* enum link_auth: allowed */
	uint16_t mru;
	const struct random_source *random; /* borrowed */
};

struct lcp {
	struct cp cp;
	struct lcp_params params;
	uint16_t mru;	/* what we ask for; 0: the peer does not want to hear of it */
	uint32_t magic; /* ours; 0: none */
	/* the method asked for (server), agreed to (client): one, or all those of EAP; 0: none */
	unsigned auth;
	unsigned auth_tried; /* server */
	uint8_t auth_rounds; /* server: how often the peer wanted another */
	bool no_echo;	     /* the peer does not know Echo-Request */
	bool no_vendor;	     /* nor our code 0 */
	bool echo_answered;  /* it has answered one */
	uint16_t rejected_protocol;
};

/* Closed; the layer below is down. cp_event() moves it. */
void lcp_init(struct lcp *lcp, const struct lcp_params *params);

unsigned lcp_input(struct lcp *lcp, uint64_t now, const struct ppp_packet *p, struct outbox *out);

/* Only in Opened; the owner limits the rate. */
void lcp_reject_protocol(struct lcp *lcp, const struct ppp_frame *frame, struct outbox *out);
void lcp_send_echo(struct lcp *lcp, struct outbox *out);
void lcp_send_vendor(struct lcp *lcp, const struct vendor_packet *packet, struct outbox *out);

#endif

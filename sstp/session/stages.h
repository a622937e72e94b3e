/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_STAGES_H
#define SSTP_SESSION_STAGES_H
/*
 * How far a session has come, and when: a stamp for each stage that it has passed, in microseconds since it began (a
 * server's with accept, a client's with connect). A stage that is passed again keeps its first stamp. 40 bytes in every
 * session, which is why stamps are of 32 bits: behind 71 minutes they stand still.
 *
 * The order of the enum is the order in which a session that goes well passes them, but for IPv6 and the worker's
 * subscription, which come after IPCP, in either order or never.
 */
#include <stdbool.h>
#include <stdint.h>

enum stage {
	STAGE_TCP,	  /* connected: a server's session begins with it */
	STAGE_TLS,	  /* handshake done */
	STAGE_HTTP,	  /* preamble: the request was taken (server), the answer is 200 (client) */
	STAGE_SSTP,	  /* the call is accepted: PPP may begin */
	STAGE_LCP,	  /* open */
	STAGE_AUTH,	  /* PPP's authentication ended well */
	STAGE_BOUND,	  /* the crypto binding holds */
	STAGE_IPCP,	  /* open: packets flow */
	STAGE_IP6CP,	  /* open: IPv6 flows */
	STAGE_SUBSCRIBED, /* server: the client is a worker of ours, and asks what to know */
	STAGES,
};

/* All zero: nothing was passed yet. The fields are the module's own. */
struct stages {
	uint32_t passed[STAGES]; /* us since it began, and one more; 0: not passed */
};

/* "tcp", "tls", "http", "sstp", "lcp", "auth", "bound", "ipcp", "ip6cp", "subscribed": for metrics, and for the API. */
const char *stage_name(enum stage stage);

/* since_ns: since the session began. True: that was the first time. */
bool stages_pass(struct stages *s, enum stage stage, uint64_t since_ns);

bool stages_has_passed(const struct stages *s, enum stage stage);

/* In us since it began; 0 of one that was not passed. */
uint32_t stages_at_us(const struct stages *s, enum stage stage);

/* In us since whichever stage was passed before it; 0 of the first, and of one that was not passed. */
uint32_t stages_took_us(const struct stages *s, enum stage stage);

/* The one that was passed last; STAGES: none. */
enum stage stages_last(const struct stages *s);

#endif

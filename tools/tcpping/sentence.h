/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_TCPPING_SENTENCE_H
#define TOOLS_TCPPING_SENTENCE_H
/*
 * The lines of the original, where it is known what they are, and lines like them where it is not. A reader of the
 * original's output looks for these, and so they are in each of ours: "No such host is known", "Connection timed out",
 * "Connection attempt failed: An attempt was made to access a socket" at the start, "Complete" at the start.
 */
#include <stddef.h>
#include <stdint.h>

#include "tools/common/lookup.h"
#include "tools/tcpping/attempt.h"

enum {
	SENTENCE_MAX = 512,
	SENTENCE_TARGET_MAX = LOOKUP_SERVER_MAX + 16,
};

/* How it went with target ("10.1.2.4:80"), which was given wait_ns; in buf. */
const char *sentence_of(const struct attempt *a, const char *target, int64_t wait_ns,
			char buf[SENTENCE_MAX]);

/* Why there is no address; in buf. */
const char *sentence_of_lookup(const struct lookup *l, const char *host, char buf[SENTENCE_MAX]);

struct tally {
	unsigned sent;
	unsigned successful;
	int64_t total_ns; /* of the successful ones */
};

/* Of milliseconds, to the hundredth: "49", "7.75"; in buf. */
const char *sentence_ms(double ms, char buf[32]);

/* Of those that were successful; 0: none was. */
double tally_average_ms(const struct tally *t);

/* The last line; in buf. */
const char *sentence_of_tally(const struct tally *t, char buf[SENTENCE_MAX]);

/* "ADDRESS:PORT", IPv6 in brackets; in buf. */
const char *sentence_target(const struct sockaddr_storage *address, uint16_t port,
			    char buf[SENTENCE_TARGET_MAX]);

/* What an ICMP message says: "host unreachable", or "type 3, code 7" in buf. */
const char *sentence_icmp(bool is_ipv6, uint8_t type, uint8_t code, char buf[32]);

#endif

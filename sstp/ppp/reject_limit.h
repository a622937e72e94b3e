/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_PPP_REJECT_LIMIT_H
#define SSTP_PPP_REJECT_LIMIT_H
/*
 * How many Protocol-Rejects a peer can draw from us: one per protocol and second, eight a second
 * for all protocols together, and 16 in total before it has authenticated.
 */
#include <stdbool.h>
#include <stdint.h>

enum {
	REJECT_LIMIT_SLOTS = 8,
	REJECT_LIMIT_STRANGER = 16,
};

struct reject_limit {
	struct {
		uint16_t protocol;
		uint64_t until; /* 0: free */
	} slots[REJECT_LIMIT_SLOTS];
	unsigned to_stranger;
};

/* All zero is the initial state. True when protocol may be rejected now; it is counted then. */
bool reject_limit_take(struct reject_limit *r, uint64_t now, uint16_t protocol, bool authenticated);

#endif

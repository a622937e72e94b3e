/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_ATTEMPTS_H
#define SSTP_CONTROL_ATTEMPTS_H
/*
 * How often an address may show a token that is none: ATTEMPTS_BURST at once, then one every
 * ATTEMPTS_INTERVAL. An IPv6 address is its /64. What holds against guessing are the 256 bits of a secret;
 * this keeps who is mistaken, or malicious, from filling the log and the process's time.
 *
 * Limit: ATTEMPTS_MAX addresses are remembered. When the table is full, the one that has behaved
 * longest is forgotten; an attacker with more addresses than that gains ATTEMPTS_BURST guesses for
 * each at 256 bits, which is nothing.
 */
#include <stdbool.h>
#include <stdint.h>

#include "sstp/base/clock.h"

enum {
	ATTEMPTS_MAX = 1024,
	ATTEMPTS_BURST = 10,
};

#define ATTEMPTS_INTERVAL (6 * CLOCK_NS_PER_S)

struct attempts;

/* Returns owned; NULL without memory. */
struct attempts *attempts_new(void);
/* With another burst and interval. */
struct attempts *attempts_new_of(unsigned burst, uint64_t interval_ns);
/* Takes NULL. */
void attempts_free(struct attempts *a);

/* 0: it may try; else the seconds that it has to wait. peer: an address, with a port or without. */
unsigned attempts_wait(const struct attempts *a, const char *peer, uint64_t now);

/* An attempt of this address has failed, or whatever else is counted. */
void attempts_failed(struct attempts *a, const char *peer, uint64_t now);

#endif

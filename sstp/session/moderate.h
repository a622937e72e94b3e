/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_MODERATE_H
#define SSTP_SESSION_MODERATE_H
/*
 * Tells a one-way flood of small packets, for which a thread had better wake up seldom, from traffic in which somebody
 * waits for an answer. What network cards do to their interrupts, a TUN device has to have done to it: it wakes its
 * reader for every packet. No I/O, no clock.
 *
 * It is a flood while the device gives MODERATE_PACKETS or more in a MODERATE_WINDOW and nothing goes the other way. So
 * TCP, whose receiver acknowledges, and whoever sends and waits are never in one.
 */
#include <stdbool.h>
#include <stdint.h>

#include "sstp/base/clock.h"

#define MODERATE_WINDOW (1 * CLOCK_NS_PER_MS)

enum {
	MODERATE_PACKETS = 32,
};

/* One per device; zeros at first. Private. */
struct moderate {
	uint64_t since; /* the present window's begin */
	uint32_t packets;
	bool is_flood;
};

/* A packet goes to the device. */
static inline void moderate_on_other_way(struct moderate *m)
{
	m->packets = 0;
	m->is_flood = false;
}

/* At now (ns) a pass has read this many packets from the device. True: it is a flood. */
bool moderate_on_pass(struct moderate *m, uint64_t now, uint32_t packets);

#endif

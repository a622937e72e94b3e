/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_VNET_PROBE_H
#define SSTP_SESSION_VNET_PROBE_H
/* The questions of one thread in one VNet that are not answered yet (session/probe.h): a few at a time, for two seconds. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sstp/base/clock.h"
#include "sstp/session/probe_desk.h"

#define VNET_PROBE_PATIENCE (2 * CLOCK_NS_PER_S)

enum {
	VNET_PROBES_MAX = 96,
	VNET_PROBE_SOURCES = 4, /* other addresses of a pool to ask from */
};

struct vnet_open_probe {
	uint64_t id;
	uint64_t began; /* clock_now() */
	struct probe probe;
	uint16_t size; /* bytes that were sent */
};

/* All zero: none. */
struct vnet_probes {
	unsigned n; /* what the packet path asks */
	struct vnet_open_probe open[VNET_PROBES_MAX];
	struct probe_desk *desk; /* borrowed; of the last question */
	struct loop *loop;
	struct loop_timer *timer; /* owned; NULL: there was none yet */
};

struct loop;

/* Those that are open have met with silence. */
void vnet_probes_done(struct vnet_probes *p);

/*
 * Where the n-th (from 1) of VNET_PROBE_SOURCES others is looked for among so many addresses: the first, the last, and evenly
 * between them, but never at the ends of a pool, which some take for no hosts.
 */
uint32_t vnet_probes_source(uint32_t n_addresses, unsigned n);

/*
 * The question of a session with these addresses (prefix6 NULL: it has no IPv6), with random numbers; packet_max: bytes that its
 * packets get. False: it has no address of the destination's family.
 */
bool vnet_probes_make(const struct probe_request *r, uint32_t address_be, const uint8_t *prefix6,
		      uint16_t packet_max, struct probe *ret_probe);

/* Before one is sent, of which desk shall hear; both borrowed. 0; -EBUSY: no more at a time; -ENOMEM. */
int vnet_probes_reserve(struct vnet_probes *p, struct loop *loop, struct probe_desk *desk);

/* It was sent, size bytes of it, after vnet_probes_reserve() in the same pass. */
void vnet_probes_add(struct vnet_probes *p, uint64_t id, const struct probe *probe, uint16_t size);

/*
 * True: pkt was an answer, and is told. A reset that must be sent for it stands in ret_reset then, *ret_len bytes; 0: none.
 */
bool vnet_probes_take(struct vnet_probes *p, const uint8_t *pkt, size_t len,
		      uint8_t ret_reset[PROBE_PACKET_MAX], size_t *ret_len);

#endif

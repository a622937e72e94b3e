/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_HANDOVER_H
#define SSTP_SESSION_HANDOVER_H
/*
 * Packets that arrived at one data thread and belong to another: a ring for each pair of threads, no lock, and one
 * wake-up for all that a pass put there.
 *
 * With queues that are steered (tun/steer.h) next to nothing comes this way. A ring is made when its first packet
 * comes; it holds HANDOVER_BYTES, and a packet that finds it full is refused. So without steering they take up to
 * HANDOVER_BYTES for each pair of threads: 64 MB with 8 threads, 4 GB with 64.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sstp/net/loop.h"

enum {
	HANDOVER_BYTES = 1 << 20,
	HANDOVER_THREADS_MAX = 64,
};

struct handover;
struct virtio_net_hdr;

/* In the receiving thread: a packet of the VNet `id`, borrowed for the call; its bytes may be changed. */
typedef void handover_take_fn(void *arg, unsigned id, const struct virtio_net_hdr *h, uint8_t *pkt,
			      size_t len);

/* Between `threads` threads, 1 to HANDOVER_THREADS_MAX. Returns owned; NULL with errno ENOMEM. */
struct handover *handover_new(unsigned threads);

/* Takes NULL. No thread uses it any more; what is in it is lost. */
void handover_free(struct handover *h);

/* Who takes the packets for thread `to`, in its loop (borrowed). Once for each, before any is put. */
void handover_set_taker(struct handover *h, unsigned to, struct loop *loop, handover_take_fn *take,
			void *arg);

/*
 * In thread `from`: false when there is no room. The other thread learns of it by handover_wake(), or before, when much
 * has come together.
 */
bool handover_put(struct handover *h, unsigned from, unsigned to, unsigned id,
		  const struct virtio_net_hdr *header, const uint8_t *pkt, size_t len);

/* In thread `from`, at the end of a pass. */
void handover_wake(struct handover *h, unsigned from);

#endif

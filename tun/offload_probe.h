/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUN_OFFLOAD_PROBE_H
#define TUN_OFFLOAD_PROBE_H
/*
 * Whether the kernel takes super-packets at all, asked before the first one matters. Kernels of
 * 2024 (e269d79c7d35, 6.6.44 and others) refuse some of them with EINVAL, depending on their sizes;
 * segments smaller than their headers are always refused there, and those are what is tried.
 *
 * The packets are for 0.0.0.0, which no kernel takes from a network or forwards, with TTL 0, from
 * 127.0.0.1: nothing leaves the machine, and no answer does.
 */
#include "tun/offload_merge.h"
#include "tun/tun.h"

/*
 * Writes a TCP and a UDP super-packet of two segments with write(arg, ...), as far as offload has
 * TUN_OFFLOAD_TCP_MERGE and UDP_MERGE. Returns those of the two that were refused with -EINVAL. Any
 * other error says nothing about them.
 */
unsigned offload_probe(unsigned offload, offload_write *write, void *arg);

/*
 * The same on a device, of which tuns are the n queues: takes what is refused out of the offload of
 * each, and returns it. To be called when the link is up (a write is -EIO before that, and nothing
 * is learnt), and before a copy of offload is made: offload_merge_init() makes one.
 */
unsigned offload_probe_device(struct tun *tuns, unsigned n);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUN_TUN_BATCH_H
#define TUN_TUN_BATCH_H
/*
 * Packets from and to a queue, several for one system call: a TUN device has no call for more than
 * one, but io_uring carries out many. Where the kernel has no io_uring, or does not let this
 * process use it, each packet has a call of its own, and nothing else is different.
 *
 * Every call here ends when the kernel has done all that was asked: nothing is ever under way
 * behind the caller's back. So memory is borrowed for the call only, and the device may be closed
 * at any time.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tun/tun.h"

enum {
	TUN_BATCH_READS = 16,
	TUN_BATCH_WRITES = 32,
};

/* A packet that was read. */
struct tun_packet {
	struct virtio_net_hdr *header; /* all zeros when the device has none */
	uint8_t *bytes;
	size_t len;
};

struct tun_batch;

/* Whether the kernel lets this process use io_uring with the open queue fd (borrowed). */
bool tun_batch_is_possible(int fd);

/*
 * For the queue t (borrowed), with io_uring if t->offload has TUN_OFFLOAD_IO_URING. Takes 1 MB of
 * addresses, and of memory only what packets were read into. Returns owned; NULL with errno ENOMEM.
 */
struct tun_batch *tun_batch_new(const struct tun *t);

/* Takes NULL. */
void tun_batch_free(struct tun_batch *b);

/* So many writes are worth gathering: TUN_BATCH_WRITES, or 1 without io_uring. */
unsigned tun_batch_writes(const struct tun_batch *b);

/*
 * Reads packets in their order; they are borrowed until the next call, and may be changed. Returns
 * how many, 1 to TUN_BATCH_READS, and ret_drained: no more are there. -EAGAIN: none; -errno.
 */
int tun_batch_read(struct tun_batch *b, struct tun_packet ret_packets[TUN_BATCH_READS],
		   bool *ret_drained);

/*
 * Writes n packets, at most TUN_BATCH_WRITES, in their order, and sets the result of each: one that
 * fails does not stop the others. An offload_write of tun/offload_merge.h; batch is a struct
 * tun_batch.
 */
void tun_batch_write(void *batch, struct tun_out *packets, unsigned n);

#endif

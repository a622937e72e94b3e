/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUN_STEER_H
#define TUN_STEER_H
/*
 * Which queue of a TUN device a packet arrives at: that of its destination, as it was set, so
 * that the thread that owns an address reads its packets and no other does. Of an IPv6 destination
 * the /64 counts. What is no IP, and a destination that was not set, arrives at queue 0. An eBPF program in the kernel does it
 * (TUNSETSTEERINGEBPF), some 50 ns per packet or super-packet. A device with one queue never asks.
 *
 * A change holds for the next packet that the kernel sends. What is in a queue by then stays there,
 * and a packet on its way during the very change may come out of any queue: a reader must be ready
 * for an address that is not its own.
 *
 * Memory, all of it the kernel's: 16 bytes per address of addresses_max (rounded up to a power of
 * two) at once, and about 72 per address that is set.
 */
#include <stdint.h>

struct steer;
struct tun;

/*
 * Steers the device that t is a queue of (borrowed: open until steer_free()), for as many addresses
 * at a time. One per device. Returns 0 with an owned object; -EPERM: no CAP_BPF; -ENOSYS,
 * -EOPNOTSUPP: the kernel has no such thing; -EINVAL: addresses_max is 0, or the kernel does not
 * accept the program, which is a bug; -ENOMEM, -EMFILE. After an error packets arrive as before.
 */
int steer_new(const struct tun *t, uint32_t addresses_max, struct steer **ret_steer);

/*
 * The same of a device that is steered already, by the map of another process's steer_new(): that one had better not
 * steer_free() it. Takes map_fd, also on failure, which is -ENOMEM.
 */
int steer_adopt(const struct tun *t, int map_fd, struct steer **ret_steer);

/* What steer_adopt() takes. Borrowed until the steer goes. */
int steer_map(const struct steer *s);

/* Back to the kernel's own choice of queues. Takes NULL. */
void steer_free(struct steer *s);

/* Lets go of it; the device goes on being steered, by whoever has the map. Takes NULL. */
void steer_leave(struct steer *s);

/*
 * Packets to addr_be (network byte order) arrive at this queue, modulo the number of queues, from
 * now on. From any thread, at any time; needs no capability (before Linux 5.19: CAP_BPF). 0;
 * -E2BIG: addresses_max others are set; -ENOMEM; -EPERM.
 */
int steer_set(struct steer *s, uint32_t addr_be, unsigned queue);

/* And at queue 0 again. From any thread; of an address that was not set, too. */
void steer_clear(struct steer *s, uint32_t addr_be);

/* The same of all IPv6 addresses that begin with this half, which counts as one; it does not begin with four zeros. */
int steer_set6(struct steer *s, const uint8_t prefix[8], unsigned queue);
void steer_clear6(struct steer *s, const uint8_t prefix[8]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUN_STEER_PROG_H
#define TUN_STEER_PROG_H
/*
 * Private to tun/steer.c: the eBPF program that chooses a queue, and the system call for it.
 *
 * The program is 30 instructions for a socket filter (the type that TUNSETSTEERINGEBPF takes):
 * destination of a packet -> value in a map of 8-byte keys to 4-byte queue numbers. The key is four
 * zeros and an IPv4 address, or the first half of an IPv6 one, as they stand in the packet; no
 * network of IPv6 that anybody can have begins with four zeros. It reads the bytes of the packet, as the reader of the queue will, and not
 * what the kernel believes that they are.
 */
#include <linux/bpf.h>
#include <stdint.h>

enum {
	STEER_PROG_LEN = 30,
	STEER_PROG_CHECK = 25, /* where it sees that nothing was found: the verifier insists */
	STEER_KEY_SIZE = 8,
};

/* Writes the program with this map in it. */
void steer_prog_build(int map_fd, struct bpf_insn ret_prog[STEER_PROG_LEN]);

/*
 * Loads n instructions (borrowed). Returns an owned descriptor; -EINVAL: the kernel's verifier
 * refuses the program, whatever it called that; -EPERM: no CAP_BPF; -ENOSYS, -EOPNOTSUPP: a kernel
 * without eBPF or its compiler; -ENOMEM, -EMFILE, -ENFILE.
 */
int steer_prog_load(const struct bpf_insn *prog, uint32_t n);

/* bpf(2). attr is all zeros but for what is meant. Returns what the command does, or -errno. */
int steer_bpf(int command, union bpf_attr *attr);

#endif

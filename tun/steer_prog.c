/* SPDX-License-Identifier: Apache-2.0 */
#include "tun/steer_prog.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tun/offload_packet.h"

enum {
	/* places in the program */
	IPV6 = 13,
	MAP = 20,
	NOT_FOUND = 28,
	/* places on its stack: as much as an IPv4 header, whose last four bytes are the destination; over its end the key */
	HEADER_AT = -OFFLOAD_IPV4_HEADER,
	KEY_AT = -STEER_KEY_SIZE,
	IPV6_DESTINATION_AT = 24,
	/* the kernel's own, not of <errno.h>: it has eBPF, but not the compiler that it insists on */
	KERNEL_ENOTSUPP = 524,
};

#define CALL(f)                                        \
	{                                              \
		.code = BPF_JMP | BPF_CALL, .imm = (f) \
	}
#define SET(reg, value)                                                               \
	{                                                                             \
		.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = (reg), .imm = (value) \
	}
#define COPY(to, from)                                                                  \
	{                                                                               \
		.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = (to), .src_reg = (from) \
	}
#define ADD(reg, value)                                                               \
	{                                                                             \
		.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = (reg), .imm = (value) \
	}
#define AND(reg, value)                                                               \
	{                                                                             \
		.code = BPF_ALU64 | BPF_AND | BPF_K, .dst_reg = (reg), .imm = (value) \
	}
#define LOAD(size, to, from, at)                                                        \
	{                                                                               \
		.code = BPF_LDX | BPF_MEM | (size), .dst_reg = (to), .src_reg = (from), \
		.off = (at)                                                             \
	}
#define STORE(size, to, at, value)                                                              \
	{                                                                                       \
		.code = BPF_ST | BPF_MEM | (size), .dst_reg = (to), .off = (at), .imm = (value) \
	}
#define JUMP(here, op, reg, value, to)                                                    \
	{                                                                                 \
		.code = BPF_JMP | (op) | BPF_K, .dst_reg = (reg), .off = (to) - (here)-1, \
		.imm = (value)                                                            \
	}
#define EXIT                               \
	{                                  \
		.code = BPF_JMP | BPF_EXIT \
	}

/* r0 is a result, r1.. are arguments that do not outlive a call, r6 does, r10 is the end of the stack. */
/* clang-format off */
static const struct bpf_insn program[STEER_PROG_LEN] = {
	[0]  = COPY(BPF_REG_6, BPF_REG_1),
	/* bpf_skb_load_bytes(packet, 0, header, 20): refuses a shorter one */
	[1]  = SET(BPF_REG_2, 0),
	[2]  = COPY(BPF_REG_3, BPF_REG_10),
	[3]  = ADD(BPF_REG_3, HEADER_AT),
	[4]  = SET(BPF_REG_4, OFFLOAD_IPV4_HEADER),
	[5]  = CALL(BPF_FUNC_skb_load_bytes),
	[6]  = JUMP(6, BPF_JNE, BPF_REG_0, 0, NOT_FOUND),
	/* which version? */
	[7]  = LOAD(BPF_B, BPF_REG_1, BPF_REG_10, HEADER_AT),
	[8]  = AND(BPF_REG_1, 0xf0),
	[9]  = JUMP(9, BPF_JEQ, BPF_REG_1, 0x60, IPV6),
	[10] = JUMP(10, BPF_JNE, BPF_REG_1, 0x40, NOT_FOUND),
	/* zeros before the destination */
	[11] = STORE(BPF_W, BPF_REG_10, KEY_AT, 0),
	[12] = JUMP(12, BPF_JA, 0, 0, MAP),
	/* bpf_skb_load_bytes(packet, 24, key, 8) */
	[IPV6] = COPY(BPF_REG_1, BPF_REG_6),
	[14] = SET(BPF_REG_2, IPV6_DESTINATION_AT),
	[15] = COPY(BPF_REG_3, BPF_REG_10),
	[16] = ADD(BPF_REG_3, KEY_AT),
	[17] = SET(BPF_REG_4, STEER_KEY_SIZE),
	[18] = CALL(BPF_FUNC_skb_load_bytes),
	[19] = JUMP(19, BPF_JNE, BPF_REG_0, 0, NOT_FOUND),
	/* bpf_map_lookup_elem(map, key): a pointer into the map */
	[MAP] = {.code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = BPF_REG_1, .src_reg = BPF_PSEUDO_MAP_FD},
	[21] = {.code = 0}, /* the upper half of that constant */
	[22] = COPY(BPF_REG_2, BPF_REG_10),
	[23] = ADD(BPF_REG_2, KEY_AT),
	[24] = CALL(BPF_FUNC_map_lookup_elem),
	[STEER_PROG_CHECK] = JUMP(STEER_PROG_CHECK, BPF_JEQ, BPF_REG_0, 0, NOT_FOUND),
	[26] = LOAD(BPF_W, BPF_REG_0, BPF_REG_0, 0),
	[27] = EXIT,
	[NOT_FOUND] = SET(BPF_REG_0, 0),
	[29] = EXIT,
};
/* clang-format on */

void steer_prog_build(int map_fd, struct bpf_insn ret_prog[STEER_PROG_LEN])
{
	memcpy(ret_prog, program, sizeof(program));
	ret_prog[MAP].imm = map_fd;
}

int steer_bpf(int command, union bpf_attr *attr)
{
	long ret = syscall(SYS_bpf, command, attr, sizeof(*attr));

	return ret < 0 ? -errno : (int)ret;
}

/* A verifier has many names for what it does not like, EACCES and E2BIG among them. */
static int load_error(int error)
{
	switch (error) {
	case -EPERM:
	case -ENOSYS:
	case -EOPNOTSUPP:
	case -ENOMEM:
	case -EMFILE:
	case -ENFILE: return error;
	case -KERNEL_ENOTSUPP: return -EOPNOTSUPP;
	default: return -EINVAL;
	}
}

/* The verifier gives up, with EAGAIN, when a signal is pending: they are blocked meanwhile. */
static int load_undisturbed(union bpf_attr *attr)
{
	sigset_t all, before;
	int ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = steer_bpf(BPF_PROG_LOAD, attr);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ret;
}

int steer_prog_load(const struct bpf_insn *prog, uint32_t n)
{
	union bpf_attr attr;
	int ret;

	memset(&attr, 0, sizeof(attr));
	attr.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
	attr.insns = (uintptr_t)prog;
	attr.insn_cnt = n;
	attr.license = (uintptr_t) "Apache-2.0";
	memcpy(attr.prog_name, "sstp_steer", sizeof("sstp_steer"));
	ret = load_undisturbed(&attr);
	return ret < 0 ? load_error(ret) : ret;
}

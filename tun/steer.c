/* SPDX-License-Identifier: Apache-2.0 */
#include "tun/steer.h"

#include <errno.h>
#include <linux/if_tun.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tun/steer_prog.h"
#include "tun/tun.h"

/* Nothing in it changes after steer_new(): the map is the kernel's, and locks itself. */
struct steer {
	const struct tun *tun;
	int map_fd;
};

/*
 * A hash, because pools are several and large and sparsely used. Preallocated it would hold all
 * elements of the largest pool from the start.
 */
static int make_map(uint32_t addresses_max)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_HASH;
	attr.key_size = STEER_KEY_SIZE;
	attr.value_size = sizeof(uint32_t);
	attr.max_entries = addresses_max;
	attr.map_flags = BPF_F_NO_PREALLOC;
	memcpy(attr.map_name, "sstp_steer", sizeof("sstp_steer"));
	return steer_bpf(BPF_MAP_CREATE, &attr);
}

/* prog_fd -1: none. EINVAL, for a program of the right type, is a kernel before 4.16. */
static int attach(const struct tun *t, int prog_fd)
{
	if (ioctl(t->fd, TUNSETSTEERINGEBPF, &prog_fd) == 0)
		return 0;
	return errno == EINVAL ? -EOPNOTSUPP : -errno;
}

/* The device keeps the program, and the program the map. */
static int attach_program(const struct steer *s)
{
	struct bpf_insn prog[STEER_PROG_LEN];
	int fd, error;

	steer_prog_build(s->map_fd, prog);
	fd = steer_prog_load(prog, STEER_PROG_LEN);
	if (fd < 0)
		return fd;
	error = attach(s->tun, fd);
	close(fd);
	return error;
}

int steer_new(const struct tun *t, uint32_t addresses_max, struct steer **ret_steer)
{
	struct steer *s = calloc(1, sizeof(*s));
	int error;

	if (!s)
		return -ENOMEM;
	s->tun = t;
	s->map_fd = make_map(addresses_max);
	error = s->map_fd < 0 ? s->map_fd : attach_program(s);
	if (error == 0) {
		*ret_steer = s;
		return 0;
	}
	if (s->map_fd >= 0)
		close(s->map_fd);
	free(s);
	return error;
}

int steer_adopt(const struct tun *t, int map_fd, struct steer **ret_steer)
{
	struct steer *s = calloc(1, sizeof(*s));

	if (!s) {
		close(map_fd);
		return -ENOMEM;
	}
	s->tun = t;
	s->map_fd = map_fd;
	*ret_steer = s;
	return 0;
}

int steer_map(const struct steer *s)
{
	return s->map_fd;
}

void steer_leave(struct steer *s)
{
	if (!s)
		return;
	close(s->map_fd);
	free(s);
}

void steer_free(struct steer *s)
{
	if (s)
		attach(s->tun, -1);
	steer_leave(s);
}

static union bpf_attr element(const struct steer *s, const uint8_t key[STEER_KEY_SIZE])
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.map_fd = (uint32_t)s->map_fd;
	attr.key = (uintptr_t)key;
	return attr;
}

int steer_set6(struct steer *s, const uint8_t prefix[STEER_KEY_SIZE], unsigned queue)
{
	union bpf_attr attr = element(s, prefix);
	uint32_t value = queue;

	attr.value = (uintptr_t)&value;
	attr.flags = BPF_ANY;
	return steer_bpf(BPF_MAP_UPDATE_ELEM, &attr);
}

void steer_clear6(struct steer *s, const uint8_t prefix[STEER_KEY_SIZE])
{
	union bpf_attr attr = element(s, prefix);

	steer_bpf(BPF_MAP_DELETE_ELEM, &attr);
}

int steer_set(struct steer *s, uint32_t addr_be, unsigned queue)
{
	uint8_t key[STEER_KEY_SIZE] = {0};

	memcpy(key + 4, &addr_be, sizeof(addr_be));
	return steer_set6(s, key, queue);
}

void steer_clear(struct steer *s, uint32_t addr_be)
{
	uint8_t key[STEER_KEY_SIZE] = {0};

	memcpy(key + 4, &addr_be, sizeof(addr_be));
	steer_clear6(s, key);
}

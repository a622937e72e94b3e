/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a device and the queues of it. The first queue makes it; what belongs to the whole device
 * (the virtio-net header and its size, the offloads) is set there, and a later queue only joins.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tun/netns.h"
#include "tun/tun.h"
#include "tun/tun_batch.h"

/* since Linux 6.2; older headers lack them */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

/*
 * IPv6 would give the device a link-local address and talk from it: router solicitations and
 * multicast reports that no tunnel carries. A kernel without IPv6 has no such file.
 */
static void keep_ipv6_quiet(const char *name)
{
	char path[64 + IFNAMSIZ];
	int fd;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/addr_gen_mode", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, "1", 1) < 0)
		errno = 0; /* then there is some noise, which is dropped and counted */
	close(fd);
}

/* An empty name would have the kernel choose one; that must be asked for with %d. */
static int set_name(struct ifreq *ifr, const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len >= sizeof(ifr->ifr_name))
		return -EINVAL;
	memcpy(ifr->ifr_name, name, len + 1);
	return 0;
}

static int socket_ioctl(unsigned long request, struct ifreq *ifr)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0)
		return -errno;
	error = ioctl(fd, request, ifr) < 0 ? -errno : 0;
	close(fd);
	return error;
}

/* Later queues get it from the device. */
static int set_queue_len(const struct tun *t)
{
	struct ifreq ifr = {.ifr_qlen = TUN_QUEUE_LEN};

	memcpy(ifr.ifr_name, t->name, sizeof(ifr.ifr_name));
	return socket_ioctl(SIOCSIFTXQLEN, &ifr);
}

/* Makes the descriptor a queue of the device of that name. Fills fd, ifindex and name. */
static int attach(int fd, const char *name, int flags, struct tun *t)
{
	struct ifreq ifr = {.ifr_flags = (short)(IFF_TUN | IFF_NO_PI | flags)};
	int error = set_name(&ifr, name);

	if (error < 0)
		return error;
	if (ioctl(fd, TUNSETIFF, &ifr) < 0)
		return -errno;
	t->ifindex = if_nametoindex(ifr.ifr_name);
	if (t->ifindex == 0)
		return -errno;
	memcpy(t->name, ifr.ifr_name, sizeof(t->name));
	t->fd = fd;
	return 0;
}

static bool has_uso(int fd)
{
	return ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_USO4 | TUN_F_USO6) == 0;
}

/*
 * A kernel that gives UDP super-packets takes them, too: both came with USO. TCP was there from the
 * start. What the device may give is set in any case: nothing of an earlier setting shall stay.
 */
static unsigned set_offload(int fd, unsigned wanted)
{
	unsigned effect = wanted | TUN_OFFLOAD_HEADER;
	unsigned give = 0;

	if (!has_uso(fd))
		effect &= ~(unsigned)(TUN_OFFLOAD_USO_READ | TUN_OFFLOAD_UDP_MERGE);
	if (effect & TUN_OFFLOAD_TSO_READ)
		give |= TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
	if (effect & TUN_OFFLOAD_USO_READ)
		give |= TUN_F_CSUM | TUN_F_USO4 | TUN_F_USO6;
	if (ioctl(fd, TUNSETOFFLOAD, give) == 0)
		return effect;
	ioctl(fd, TUNSETOFFLOAD, 0);
	return effect & ~(unsigned)(TUN_OFFLOAD_TSO_READ | TUN_OFFLOAD_USO_READ);
}

struct open_call {
	int (*set_up)(int fd, const struct open_call *call);
	const char *name;
	unsigned wanted;
	int flags;		 /* IFF_MULTI_QUEUE or 0 */
	const struct tun *first; /* of a later queue */
	struct tun *tun;
};

/*
 * IFF_TUN_EXCL: a device that is there already belongs to somebody else, even when nobody holds it
 * open, and would keep that owner's offload settings and outlive us.
 */
static int make_device(int fd, const struct open_call *call)
{
	bool has_header = call->wanted & TUN_OFFLOAD_SUPER;
	int flags = IFF_TUN_EXCL | (has_header ? IFF_VNET_HDR : 0) | call->flags;
	int error = attach(fd, call->name, flags, call->tun);
	int size = TUN_HEADER_LEN;

	if (error == 0)
		error = set_queue_len(call->tun);
	if (error < 0)
		return error;
	keep_ipv6_quiet(call->tun->name);
	if (call->wanted & TUN_OFFLOAD_IO_URING && tun_batch_is_possible(fd))
		call->tun->offload = TUN_OFFLOAD_IO_URING;
	if (!has_header)
		return 0;
	if (ioctl(fd, TUNSETVNETHDRSZ, &size) < 0)
		return -errno;
	call->tun->offload |= set_offload(fd, call->wanted & TUN_OFFLOAD_SUPER);
	return 0;
}

/*
 * A queue joins by name, and the kernel makes a new device where there is none of that name: only
 * the index, which is never given twice, tells whether it is still the device of the first queue.
 * What was made by mistake goes with the descriptor.
 */
static int join_device(int fd, const struct open_call *call)
{
	int error = attach(fd, call->first->name, IFF_MULTI_QUEUE, call->tun);

	if (error < 0)
		return error == -EINVAL ? -ENODEV : error;
	if (call->tun->ifindex != call->first->ifindex)
		return -ENODEV;
	call->tun->offload = call->first->offload;
	return 0;
}

/* In the device's namespace: the descriptor belongs to the one it was opened in. */
static int open_here(void *arg)
{
	const struct open_call *call = arg;
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	int error;

	if (fd < 0)
		return -errno;
	error = call->set_up(fd, call);
	if (error < 0)
		close(fd);
	return error;
}

static int open_queue(int netns_fd, struct open_call *call, struct tun *ret_tun)
{
	struct tun t = {.fd = -1};
	int error;

	call->tun = &t;
	error = netns_call(netns_fd, open_here, call);
	if (error < 0)
		return error;
	*ret_tun = t;
	return 0;
}

int tun_open(const char *name, int netns_fd, struct tun *ret_tun)
{
	return tun_open_offload(name, netns_fd, 0, ret_tun);
}

int tun_open_offload(const char *name, int netns_fd, unsigned wanted, struct tun *ret_tun)
{
	return tun_open_queues(name, netns_fd, wanted, 1, ret_tun);
}

int tun_add_queue(const struct tun *first, int netns_fd, struct tun *ret_tun)
{
	struct open_call call = {.set_up = join_device, .first = first};

	return open_queue(netns_fd, &call, ret_tun);
}

int tun_open_queues(const char *name, int netns_fd, unsigned wanted, unsigned n,
		    struct tun *ret_tuns)
{
	struct open_call call = {
		.set_up = make_device,
		.name = name,
		.wanted = wanted,
		.flags = n > 1 ? IFF_MULTI_QUEUE : 0,
	};
	struct tun tuns[TUN_QUEUES_MAX];
	unsigned opened = 0;
	int error;

	if (n < 1 || n > TUN_QUEUES_MAX)
		return -EINVAL;
	error = open_queue(netns_fd, &call, &tuns[opened]);
	while (error == 0 && ++opened < n)
		error = tun_add_queue(&tuns[0], netns_fd, &tuns[opened]);
	if (error == 0) {
		memcpy(ret_tuns, tuns, n * sizeof(*tuns));
		return 0;
	}
	while (opened > 0)
		tun_close(&tuns[--opened]);
	return error;
}

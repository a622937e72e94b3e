/* SPDX-License-Identifier: Apache-2.0 */
#include "tun/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tun/netns.h"

/* since Linux 6.2; older headers lack them */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

_Static_assert(sizeof(struct virtio_net_hdr) == TUN_HEADER_LEN,
	       "the header without its extensions");

/* An empty name would have the kernel choose one; that must be asked for with %d. */
static int set_name(struct ifreq *ifr, const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len >= sizeof(ifr->ifr_name))
		return -EINVAL;
	memcpy(ifr->ifr_name, name, len + 1);
	return 0;
}

/*
 * IFF_TUN_EXCL: a device that is there already belongs to somebody else, even when nobody holds it
 * open, and would keep that owner's offload settings and outlive us.
 */
/*
 * IPv6 would give the device a link-local address and talk from it: router solicitations and multicast reports that
 * no tunnel carries. A kernel without IPv6 has no such file.
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

static int attach(int fd, const char *name, short flags, struct tun *t)
{
	struct ifreq ifr = {.ifr_flags = (short)(IFF_TUN | IFF_NO_PI | IFF_TUN_EXCL | flags)};
	int error = set_name(&ifr, name);

	if (error < 0)
		return error;
	if (ioctl(fd, TUNSETIFF, &ifr) < 0)
		return -errno;
	keep_ipv6_quiet(ifr.ifr_name);
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
	const char *name;
	struct tun *tun;
	unsigned wanted;
};

static int set_up(int fd, const struct open_call *call)
{
	bool has_header = call->wanted & TUN_OFFLOAD_ALL;
	int error = attach(fd, call->name, has_header ? IFF_VNET_HDR : 0, call->tun);
	int size = TUN_HEADER_LEN;

	if (error < 0 || !has_header)
		return error;
	if (ioctl(fd, TUNSETVNETHDRSZ, &size) < 0)
		return -errno;
	call->tun->offload = set_offload(fd, call->wanted & TUN_OFFLOAD_ALL);
	return 0;
}

/* In the device's namespace: the descriptor belongs to the one it was opened in. */
static int open_here(void *arg)
{
	struct open_call *call = arg;
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	int error;

	if (fd < 0)
		return -errno;
	error = set_up(fd, call);
	if (error < 0)
		close(fd);
	return error;
}

int tun_open_offload(const char *name, int netns_fd, unsigned wanted, struct tun *ret_tun)
{
	struct tun t = {.fd = -1};
	struct open_call call = {.name = name, .tun = &t, .wanted = wanted};
	int error = netns_call(netns_fd, open_here, &call);

	if (error < 0)
		return error;
	*ret_tun = t;
	return 0;
}

int tun_open(const char *name, int netns_fd, struct tun *ret_tun)
{
	return tun_open_offload(name, netns_fd, 0, ret_tun);
}

void tun_close(struct tun *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}

ssize_t tun_read(const struct tun *t, void *buf, size_t size)
{
	ssize_t n = read(t->fd, buf, size);

	return n < 0 ? -errno : n;
}

ssize_t tun_read_super(const struct tun *t, struct virtio_net_hdr *ret_header, void *buf,
		       size_t size)
{
	struct iovec iov[] = {{ret_header, sizeof(*ret_header)}, {buf, size}};
	ssize_t n;

	if (!t->offload) {
		memset(ret_header, 0, sizeof(*ret_header));
		return tun_read(t, buf, size);
	}
	n = readv(t->fd, iov, 2);
	if (n < 0)
		return -errno;
	return n < TUN_HEADER_LEN ? -EIO : n - TUN_HEADER_LEN;
}

int tun_write(const struct tun *t, const void *buf, size_t len)
{
	static const uint8_t plain_header[TUN_HEADER_LEN];
	struct iovec iov[] = {{(void *)plain_header, sizeof(plain_header)}, {(void *)buf, len}};

	if (t->offload)
		return tun_writev(t, iov, 2);
	/* not writev(), which takes a packet of no bytes without asking the device */
	return write(t->fd, buf, len) < 0 ? -errno : 0;
}

int tun_writev(const struct tun *t, const struct iovec *iov, int n)
{
	return writev(t->fd, iov, n) < 0 ? -errno : 0;
}

int tun_offload_write(void *tun, const struct iovec *iov, int n)
{
	return tun_writev(tun, iov, n);
}

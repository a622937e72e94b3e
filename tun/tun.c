/* SPDX-License-Identifier: Apache-2.0 */
#include "tun/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tun/netns.h"

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
static int attach(int fd, const char *name, struct tun *t)
{
	struct ifreq ifr = {.ifr_flags = (short)(IFF_TUN | IFF_NO_PI | IFF_TUN_EXCL)};
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

struct open_call {
	const char *name;
	struct tun *tun;
};

/* In the device's namespace: the descriptor belongs to the one it was opened in. */
static int open_here(void *arg)
{
	struct open_call *call = arg;
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	int error;

	if (fd < 0)
		return -errno;
	error = attach(fd, call->name, call->tun);
	if (error < 0)
		close(fd);
	return error;
}

int tun_open(const char *name, int netns_fd, struct tun *ret_tun)
{
	struct tun t = {.fd = -1};
	struct open_call call = {.name = name, .tun = &t};
	int error = netns_call(netns_fd, open_here, &call);

	if (error < 0)
		return error;
	*ret_tun = t;
	return 0;
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

int tun_write(const struct tun *t, const void *buf, size_t len)
{
	return write(t->fd, buf, len) < 0 ? -errno : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tun/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/nsfs.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* A thread has its own: /proc/self would be that of the first thread. */
static const char present[] = "/proc/thread-self/ns/net";

static int open_namespace(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET) {
		close(fd);
		return -EINVAL;
	}
	return fd;
}

int netns_open(const char *name)
{
	char path[PATH_MAX];
	int len;

	if (!name || !*name)
		return open_namespace(present);
	if (strchr(name, '/'))
		return open_namespace(name);
	len = snprintf(path, sizeof(path), "/run/netns/%s", name);
	if (len >= (int)sizeof(path))
		return -ENAMETOOLONG;
	return open_namespace(path);
}

int netns_enter(int fd)
{
	if (fd < 0)
		return 0;
	return setns(fd, CLONE_NEWNET) < 0 ? -errno : 0;
}

static void return_home(int home)
{
	if (setns(home, CLONE_NEWNET) < 0)
		abort();
	close(home);
}

int netns_call(int fd, int (*fn)(void *arg), void *arg)
{
	int home;
	int ret;

	if (fd < 0)
		return fn(arg);
	/* a closed one's number would be given to home, and fn would run here instead of there */
	if (fcntl(fd, F_GETFD) < 0)
		return -errno;
	home = open_namespace(present);
	if (home < 0)
		return home;
	ret = netns_enter(fd);
	if (ret < 0) {
		close(home);
		return ret;
	}
	ret = fn(arg);
	return_home(home);
	return ret;
}

static int loopback_up(void)
{
	struct ifreq ifr = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
		error = -errno;
	close(fd);
	return error;
}

int netns_create(void)
{
	int home = open_namespace(present);
	int fd;

	if (home < 0)
		return home;
	if (unshare(CLONE_NEWNET) < 0) {
		fd = -errno;
		close(home);
		return fd;
	}
	fd = loopback_up();
	if (fd == 0)
		fd = open_namespace(present);
	return_home(home);
	return fd;
}

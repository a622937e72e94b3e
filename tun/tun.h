/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUN_TUN_H
#define TUN_TUN_H
/* A TUN device (IFF_TUN, IFF_NO_PI) and one queue of it. It exists while a descriptor is open. */
#include <net/if.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct tun {
	int fd;
	unsigned ifindex;
	char name[IFNAMSIZ];
};

/*
 * Creates the device `name` (with %d: the kernel picks the number) in namespace netns_fd (< 0: the
 * present one), link down. Non-blocking, close-on-exec. Returns 0; -EBUSY: there is a device of
 * that name; -EPERM: no CAP_NET_ADMIN; -ENOENT: no /dev/net/tun; -EINVAL: the name.
 */
int tun_open(const char *name, int netns_fd, struct tun *ret_tun);

/* Closes it, which removes the device. Takes one that was closed. */
void tun_close(struct tun *t);

/*
 * One packet into buf. Returns its length; -EAGAIN: none; -errno. What does not fit is lost, so
 * that size is at least the link's MTU; ip_parse() tells a packet that was cut.
 */
ssize_t tun_read(const struct tun *t, void *buf, size_t size);

/*
 * One packet from buf. Returns 0; -EAGAIN: try later; -EIO: the link is down; -EINVAL: the kernel
 * refuses the packet.
 */
int tun_write(const struct tun *t, const void *buf, size_t len);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Packets from and to an open queue. */
#include "tun/tun.h"

#include <errno.h>
#include <linux/virtio_net.h>
#include <string.h>
#include <unistd.h>

_Static_assert(sizeof(struct virtio_net_hdr) == TUN_HEADER_LEN,
	       "the header without its extensions");

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

	if (!(t->offload & TUN_OFFLOAD_HEADER)) {
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

	if (t->offload & TUN_OFFLOAD_HEADER)
		return tun_writev(t, iov, 2);
	/* not writev(), which takes a packet of no bytes without asking the device */
	return write(t->fd, buf, len) < 0 ? -errno : 0;
}

int tun_writev(const struct tun *t, const struct iovec *iov, int n)
{
	return writev(t->fd, iov, n) < 0 ? -errno : 0;
}

void tun_offload_write(void *tun, struct tun_out *packets, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		packets[i].result = tun_writev(tun, packets[i].iov, packets[i].n);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/net/msgsock.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Room for the descriptors of a message, aligned as the kernel wants it. */
union control {
	struct cmsghdr align;
	uint8_t bytes[CMSG_SPACE(MSGSOCK_FDS_MAX * sizeof(int))];
};

int msgsock_pair(int ret_fds[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_fds) < 0 ? -errno : 0;
}

static void put_fds(struct msghdr *h, union control *control, const int *fds, unsigned nfds)
{
	struct cmsghdr *c;

	memset(control, 0, sizeof(*control));
	h->msg_control = control;
	h->msg_controllen = CMSG_SPACE(nfds * sizeof(int));
	c = CMSG_FIRSTHDR(h);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
	memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
}

int msgsock_send(int fd, const void *msg, size_t len, const int *fds, unsigned nfds)
{
	struct iovec iov = {(void *)(uintptr_t)msg, len};
	struct msghdr h = {.msg_iov = &iov, .msg_iovlen = 1};
	union control control;

	if (len == 0 || len > MSGSOCK_MAX || nfds > MSGSOCK_FDS_MAX)
		return -EMSGSIZE;
	if (nfds)
		put_fds(&h, &control, fds, nfds);
	return sendmsg(fd, &h, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static void get_fds(struct msghdr *h, struct msgsock_fds *fds)
{
	fds->n = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		fds->n = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(fds->fd, CMSG_DATA(c), fds->n * sizeof(int));
	}
}

ssize_t msgsock_recv(int fd, uint8_t buf[MSGSOCK_MAX], struct msgsock_fds *ret_fds)
{
	struct iovec iov = {buf, MSGSOCK_MAX};
	union control control;
	struct msghdr h = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(fd, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	ret_fds->n = 0;
	if (n < 0)
		return errno == ECONNRESET ? 0 : -errno;
	get_fds(&h, ret_fds);
	if (!(h.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return n;
	msgsock_close_fds(ret_fds);
	return -EMSGSIZE;
}

int msgsock_wait(int fd, int patience_ms)
{
	int n;

	do {
		n = poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, patience_ms);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n ? 0 : -ETIMEDOUT;
}

int msgsock_take_fd(struct msgsock_fds *fds)
{
	int first = fds->n ? fds->fd[0] : -1;

	if (!fds->n)
		return -1;
	fds->n--;
	memmove(fds->fd, fds->fd + 1, fds->n * sizeof(int));
	return first;
}

void msgsock_close_fds(struct msgsock_fds *fds)
{
	while (fds->n)
		close(fds->fd[--fds->n]);
}

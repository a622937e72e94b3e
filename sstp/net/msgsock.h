/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_NET_MSGSOCK_H
#define SSTP_NET_MSGSOCK_H
/*
 * A pair of sockets between two processes of ours, over which whole messages go, and descriptors with them. What is sent
 * arrives as one message with all of its descriptors, or not at all.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	MSGSOCK_MAX = 16 << 10, /* bytes of a message */
	MSGSOCK_FDS_MAX = 80,	/* with a message; the kernel would take 253 */
};

/* Descriptors that came: owned. */
struct msgsock_fds {
	int fd[MSGSOCK_FDS_MAX];
	unsigned n;
};

/* Both close-on-exec. 0 or -errno. */
int msgsock_pair(int ret_fds[2]);

/*
 * Borrows all. Never blocks. 0; -EAGAIN: the other side does not read; -EPIPE: it has gone; -EMSGSIZE: len is 0, or too
 * much; -errno.
 */
int msgsock_send(int fd, const void *msg, size_t len, const int *fds, unsigned nfds);

/*
 * One message into buf. Never blocks. Its length, with ret_fds, close-on-exec; 0: the other side has gone; -EAGAIN: none
 * is there; -EMSGSIZE: it did not fit, and is lost; -errno.
 */
ssize_t msgsock_recv(int fd, uint8_t buf[MSGSOCK_MAX], struct msgsock_fds *ret_fds);

/* Waits until there is a message, or the other side has gone. 0; -ETIMEDOUT; -errno. */
int msgsock_wait(int fd, int patience_ms);

/* Takes the next one out; -1 when there is none. */
int msgsock_take_fd(struct msgsock_fds *fds);

/* Closes what was not taken out. */
void msgsock_close_fds(struct msgsock_fds *fds);

#endif

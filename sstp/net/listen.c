/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/net/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sstp/base/clock.h"

enum {
	ACCEPTS_PER_PASS = 64,
	BACKLOG = 4096, /* the kernel cuts it to net.core.somaxconn */
};

/* Out of descriptors or memory: the connection stays in the backlog, and asking again at once would spin. */
static const uint64_t pause_ns = 100 * CLOCK_NS_PER_MS;

struct listener {
	struct loop_reap reap;
	struct loop *loop;
	struct loop_io *io;
	struct loop_timer *resume;
	int fd;
	bool dead;
	listen_accept_fn *on_accept;
	void *arg;
};

static bool is_of_one_connection(int error)
{
	/* accept(2): errors that the new socket had already, and those of a firewall */
	switch (error) {
	case EINTR:
	case ECONNABORTED:
	case EPERM:
	case EPROTO:
	case ENETDOWN:
	case ENOPROTOOPT:
	case EHOSTDOWN:
	case ENONET:
	case EHOSTUNREACH:
	case ENETUNREACH: return true;
	default: return false;
	}
}

static void pause_accepting(struct listener *l)
{
	loop_io_watch(l->io, 0);
	loop_timer_set(l->resume, loop_now(l->loop) + pause_ns);
}

static void resume_accepting(void *arg)
{
	struct listener *l = arg;

	if (loop_io_watch(l->io, LOOP_READ) < 0)
		pause_accepting(l);
}

static void accept_ready(void *arg, unsigned ready)
{
	struct listener *l = arg;

	for (int i = 0; i < ACCEPTS_PER_PASS && !l->dead; i++) {
		struct sockaddr_storage peer = {0};
		socklen_t len = sizeof(peer);
		int fd = accept4(l->fd, (struct sockaddr *)&peer, &len,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			address_unmap(&peer);
			l->on_accept(l->arg, fd, &peer);
			continue;
		}
		if (errno == EAGAIN)
			return;
		if (!is_of_one_connection(errno)) {
			pause_accepting(l);
			return;
		}
	}
}

/* Returns a descriptor, or -1 with errno set. */
static int listen_on(const struct sockaddr *addr, socklen_t addr_len, bool shared)
{
	const int on = 1;
	const int off = 0;
	int fd = socket(addr->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error;

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    (!shared || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0) &&
	    (addr->sa_family != AF_INET6 ||
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) == 0) &&
	    bind(fd, addr, addr_len) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* "Every address" means IPv4 where the kernel has no IPv6. */
static int listen_on_any_kernel(const struct sockaddr *addr, socklen_t addr_len, bool shared)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)addr;
	struct sockaddr_in any = {.sin_family = AF_INET};
	int fd = listen_on(addr, addr_len, shared);

	if (fd >= 0 || errno != EAFNOSUPPORT || addr->sa_family != AF_INET6 ||
	    !IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr))
		return fd;
	any.sin_port = in6->sin6_port;
	return listen_on((struct sockaddr *)&any, sizeof(any), shared);
}

int listener_probe(const struct sockaddr *addr, socklen_t addr_len)
{
	int fd = listen_on_any_kernel(addr, addr_len, false);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static void listener_reap(struct loop_reap *node)
{
	/* the node is the first member */
	free(node);
}

int listener_socket(const struct sockaddr *addr, socklen_t addr_len)
{
	int fd = listen_on_any_kernel(addr, addr_len, true);

	return fd < 0 ? -errno : fd;
}

static struct listener *adopt(struct loop *loop, int fd, listen_accept_fn *on_accept, void *arg)
{
	struct listener *l = calloc(1, sizeof(*l));
	int error;

	if (l) {
		l->loop = loop;
		l->on_accept = on_accept;
		l->arg = arg;
		l->reap.free_fn = listener_reap;
		l->fd = fd;
		l->resume = loop_timer_new(loop, resume_accepting, l);
	}
	if (l && l->resume)
		l->io = loop_io_new(loop, fd, LOOP_READ, accept_ready, l);
	if (l && l->io)
		return l;
	error = errno;
	if (l)
		loop_timer_free(l->resume);
	close(fd);
	free(l);
	errno = error;
	return NULL;
}

struct listener *listener_adopt(struct loop *loop, int fd, listen_accept_fn *on_accept, void *arg)
{
	return adopt(loop, fd, on_accept, arg);
}

struct listener *listener_new(struct loop *loop, const struct sockaddr *addr, socklen_t addr_len,
			      listen_accept_fn *on_accept, void *arg)
{
	int fd = listener_socket(addr, addr_len);

	if (fd >= 0)
		return adopt(loop, fd, on_accept, arg);
	errno = -fd;
	return NULL;
}

void listener_free(struct listener *l)
{
	if (!l)
		return;
	l->dead = true;
	loop_io_free(l->io);
	loop_timer_free(l->resume);
	close(l->fd);
	loop_reap(l->loop, &l->reap);
}

int listener_address(const struct listener *l, struct sockaddr_storage *ret_addr)
{
	socklen_t len = sizeof(*ret_addr);

	return getsockname(l->fd, (struct sockaddr *)ret_addr, &len) < 0 ? -errno : 0;
}

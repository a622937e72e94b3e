/* SPDX-License-Identifier: Apache-2.0 */
#include "tun/rtnl_watch.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "tun/netns.h"

enum {
	NEWS_SIZE = 8192,     /* of one datagram; one address is some 100 bytes */
	DATAGRAMS_MAX = 1000, /* of one read: who makes news for ever does not keep us for ever */
};

struct rtnl_watch {
	struct mnl_socket *socket;
};

static int open_here(void *arg)
{
	struct rtnl_watch *w = arg;

	w->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!w->socket || mnl_socket_bind(w->socket, RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
					  MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	return 0;
}

int rtnl_watch_open(int netns_fd, struct rtnl_watch **ret_watch)
{
	struct rtnl_watch *w = calloc(1, sizeof(*w));
	int error;

	if (!w)
		return -ENOMEM;
	error = netns_call(netns_fd, open_here, w);
	if (error < 0) {
		rtnl_watch_close(w);
		return error;
	}
	*ret_watch = w;
	return 0;
}

int rtnl_watch_adopt(int fd, struct rtnl_watch **ret_watch)
{
	struct rtnl_watch *w = calloc(1, sizeof(*w));
	int error = -ENOMEM;

	if (w) {
		w->socket = mnl_socket_fdopen(fd);
		error = w->socket ? 0 : -errno;
	}
	if (error < 0) {
		close(fd);
		free(w);
		return error;
	}
	*ret_watch = w;
	return 0;
}

void rtnl_watch_close(struct rtnl_watch *w)
{
	if (!w)
		return;
	if (w->socket)
		mnl_socket_close(w->socket);
	free(w);
}

int rtnl_watch_fd(const struct rtnl_watch *w)
{
	return mnl_socket_get_fd(w->socket);
}

static bool has_address_change(const void *datagram, int len)
{
	const struct nlmsghdr *message = datagram;

	for (; mnl_nlmsg_ok(message, len); message = mnl_nlmsg_next(message, &len))
		if (message->nlmsg_type == RTM_NEWADDR || message->nlmsg_type == RTM_DELADDR)
			return true;
	return false;
}

int rtnl_watch_read(struct rtnl_watch *w)
{
	_Alignas(struct nlmsghdr) uint8_t news[NEWS_SIZE];
	bool changed = false;

	for (int i = 0; i < DATAGRAMS_MAX; i++) {
		ssize_t n = mnl_socket_recvfrom(w->socket, news, sizeof(news));

		if (n >= 0)
			changed |= has_address_change(news, (int)n);
		else if (errno == EAGAIN)
			break;
		else if (errno == ENOBUFS)
			changed = true;
		else if (errno != EINTR)
			return -errno;
	}
	return changed;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tun/rtnl_exchange.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tun/netns.h"
#include "tun/rtnl.h"

enum {
	REQUEST_SIZE = 512,
	ANSWER_SIZE = 32768, /* the kernel fills what the reader offers, up to this */
	DUMP_TRIES = 10,
};

struct rtnl {
	struct mnl_socket *socket;
	uint32_t seq;
	_Alignas(struct nlmsghdr) uint8_t request[REQUEST_SIZE];
	_Alignas(struct nlmsghdr) uint8_t answer[ANSWER_SIZE];
};

/* The socket belongs to the namespace it was made in, wherever it is used later. */
static int open_here(void *arg)
{
	struct rtnl *r = arg;

	r->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!r->socket || mnl_socket_bind(r->socket, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	/* lets the kernel filter dumps; without it (before 4.20) only more is read */
	mnl_socket_setsockopt(r->socket, NETLINK_GET_STRICT_CHK, &(int){1}, sizeof(int));
	return 0;
}

int rtnl_open(int netns_fd, struct rtnl **ret_rtnl)
{
	struct rtnl *r = calloc(1, sizeof(*r));
	int error;

	if (!r)
		return -ENOMEM;
	error = netns_call(netns_fd, open_here, r);
	if (error < 0) {
		rtnl_close(r);
		return error;
	}
	*ret_rtnl = r;
	return 0;
}

int rtnl_adopt(int fd, struct rtnl **ret_rtnl)
{
	struct rtnl *r = calloc(1, sizeof(*r));
	int error = -ENOMEM;

	if (r) {
		r->socket = mnl_socket_fdopen(fd);
		error = r->socket ? 0 : -errno;
	}
	if (error < 0) {
		close(fd);
		free(r);
		return error;
	}
	*ret_rtnl = r;
	return 0;
}

int rtnl_fd(const struct rtnl *r)
{
	return mnl_socket_get_fd(r->socket);
}

void rtnl_close(struct rtnl *r)
{
	if (!r)
		return;
	if (r->socket)
		mnl_socket_close(r->socket);
	free(r);
}

struct nlmsghdr *rtnl_request(struct rtnl *r, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(r->request);

	request->nlmsg_type = type;
	request->nlmsg_flags = flags | NLM_F_REQUEST | NLM_F_ACK;
	return request;
}

/* The error that an NLMSG_ERROR (0: done) or NLMSG_DONE carries in front. */
static int final_error(const struct nlmsghdr *message)
{
	int error = 0;

	if (mnl_nlmsg_get_payload_len(message) >= sizeof(error))
		memcpy(&error, mnl_nlmsg_get_payload(message), sizeof(error));
	return error;
}

struct answer {
	int (*each)(const struct nlmsghdr *message, void *arg);
	void *arg;
	int error; /* the first one */
	bool complete;
};

static void take_message(struct answer *a, const struct nlmsghdr *message)
{
	int error = 0;

	if (message->nlmsg_flags & NLM_F_DUMP_INTR)
		error = -EINTR;
	else if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR)
		error = final_error(message);
	else if (a->each && a->error == 0)
		error = a->each(message, a->arg);
	if (a->error == 0 && error < 0)
		a->error = error;
	if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR)
		a->complete = true;
}

/* One datagram, which may hold several messages. */
static int take_datagram(struct rtnl *r, struct answer *a)
{
	ssize_t n = mnl_socket_recvfrom(r->socket, r->answer, sizeof(r->answer));
	const struct nlmsghdr *message = (const void *)r->answer;
	int left = (int)n;

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left))
		if (message->nlmsg_seq == r->seq)
			take_message(a, message);
	return 0;
}

int rtnl_exchange(struct rtnl *r, struct nlmsghdr *request,
		  int (*each)(const struct nlmsghdr *message, void *arg), void *arg)
{
	struct answer a = {.each = each, .arg = arg};

	request->nlmsg_seq = ++r->seq;
	if (mnl_socket_sendto(r->socket, request, request->nlmsg_len) < 0)
		return -errno;
	while (!a.complete) {
		int error = take_datagram(r, &a);

		if (error < 0)
			return error;
	}
	return a.error;
}

static int append(struct rtnl_dump *d, const struct nlmsghdr *message)
{
	size_t size = MNL_ALIGN(message->nlmsg_len);

	if (d->cap - d->len < size) {
		size_t cap = (d->cap + size) * 2;
		uint8_t *buf = realloc(d->buf, cap);

		if (!buf)
			return -ENOMEM;
		d->buf = buf;
		d->cap = cap;
	}
	memcpy(d->buf + d->len, message, message->nlmsg_len);
	d->len += size;
	return 0;
}

struct collection {
	struct rtnl_dump dump;
	bool (*want)(const struct nlmsghdr *message, const void *arg);
	const void *arg;
};

static int collect(const struct nlmsghdr *message, void *arg)
{
	struct collection *c = arg;

	return c->want(message, c->arg) ? append(&c->dump, message) : 0;
}

int rtnl_collect(struct rtnl *r, struct nlmsghdr *request,
		 bool (*want)(const struct nlmsghdr *message, const void *arg), const void *arg,
		 struct rtnl_dump *ret_dump)
{
	struct collection c = {.want = want, .arg = arg};
	int error = -EINTR;

	request->nlmsg_flags |= NLM_F_DUMP;
	for (int tries = 0; error == -EINTR && tries < DUMP_TRIES; tries++) {
		c.dump.len = 0;
		error = rtnl_exchange(r, request, collect, &c);
	}
	if (error < 0) {
		free(c.dump.buf);
		return error;
	}
	*ret_dump = c.dump;
	return 0;
}

struct nlmsghdr *rtnl_dump_next(const struct rtnl_dump *d, size_t *pos)
{
	struct nlmsghdr *message;

	if (*pos >= d->len)
		return NULL;
	message = (void *)(d->buf + *pos);
	*pos += MNL_ALIGN(message->nlmsg_len);
	return message;
}

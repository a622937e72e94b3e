/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sstp/base/log.h"
#include "sstp/control/channel.h"

enum {
	LAST_WORDS_MS = 1000
};

struct peer {
	struct loop *loop;
	struct peer_params params;
	struct loop_io *io;	 /* of the link */
	struct channel *channel; /* NULL: none */
};

static void on_message(void *arg, enum msg_kind kind, const uint8_t *payload, size_t len)
{
	struct peer *p = arg;

	p->params.on_message(p->params.arg, kind, payload, len);
}

static void on_closed(void *arg, const char *why)
{
	struct peer *p = arg;

	log_debug("the data plane is gone: %s", why);
	channel_free(p->channel);
	p->channel = NULL;
	p->params.on_lost(p->params.arg);
}

/* Takes fd. Whichever is heard of first, the new one or the end of the old: what that has said of its sessions counts. */
static void take_channel(struct peer *p, int fd)
{
	struct channel_params params = {.fd = fd,
					.is_control = true,
					.on_message = on_message,
					.on_closed = on_closed,
					.arg = p};

	if (p->channel) {
		channel_drain(p->channel);
		on_closed(p, "there is another one");
	}
	p->channel = channel_new(p->loop, &params);
	if (!p->channel)
		log_error("there is no way to the data plane: out of memory");
}

/* One message of the parent's; m borrows from the packet. */
struct news {
	uint8_t packet[MSGSOCK_MAX];
	struct msgsock_fds fds;
	struct parent_msg m;
};

/* 0, then the descriptors are the caller's; -EAGAIN: none came; -errno: the parent has gone, or its mind. */
static int receive(int link, struct news *n)
{
	ssize_t len = msgsock_recv(link, n->packet, &n->fds);
	int r;

	if (len <= 0)
		return len < 0 ? (int)len : -EPIPE;
	r = parent_msg_decode(n->packet, (size_t)len, n->fds.n, true, &n->m);
	if (r < 0)
		msgsock_close_fds(&n->fds);
	return r;
}

static void take_news(struct peer *p, struct news *n)
{
	if (n->m.kind == PARENT_PEER)
		take_channel(p, msgsock_take_fd(&n->fds));
	else if (p->params.on_parent)
		p->params.on_parent(p->params.arg, &n->m, &n->fds);
	msgsock_close_fds(&n->fds);
}

static void on_link(void *arg, unsigned ready)
{
	struct peer *p = arg;
	struct news n;
	int r = receive(p->params.link, &n);

	if (r == 0)
		take_news(p, &n);
	if (r == 0 || r == -EAGAIN || r == -EINTR)
		return;
	loop_io_watch(p->io, 0);
	if (p->channel)
		channel_drain(p->channel);
	p->params.on_parent_gone(p->params.arg);
}

struct peer *peer_new(struct loop *loop, const struct peer_params *params)
{
	struct peer *p = calloc(1, sizeof(*p));

	if (p)
		p->io = loop_io_new(loop, params->link, LOOP_READ, on_link, p);
	if (!p || !p->io) {
		close(params->link);
		free(p);
		errno = ENOMEM;
		return NULL;
	}
	p->loop = loop;
	p->params = *params;
	return p;
}

void peer_free(struct peer *p)
{
	if (!p)
		return;
	channel_free(p->channel);
	loop_io_free(p->io);
	close(p->params.link);
	free(p);
}

int peer_send(struct peer *p, uint8_t *frame, size_t len)
{
	if (p->channel)
		return channel_send(p->channel, frame, len);
	msg_frame_free(frame, len);
	return -ENOTCONN;
}

int peer_ask_parent(struct peer *p, const struct parent_msg *m, const int *fds)
{
	uint8_t packet[PARENT_MSG_MAX];
	int len = parent_msg_encode(m, packet);

	if (len < 0)
		return len;
	return msgsock_send(p->params.link, packet, (size_t)len, fds, parent_msg_fds(m));
}

/* The channel is empty, and takes them whole. */
void peer_last_words(int link, const char *text)
{
	struct news n;
	uint8_t *frame;
	size_t len;
	int fd = -EAGAIN;

	while (fd == -EAGAIN && msgsock_wait(link, LAST_WORDS_MS) == 0) {
		fd = receive(link, &n);
		if (fd == 0) {
			fd = n.m.kind == PARENT_PEER ? msgsock_take_fd(&n.fds) : -EAGAIN;
			msgsock_close_fds(&n.fds);
		}
	}
	if (fd < 0)
		return;
	if (msg_failed_encode(text, &frame, &len) == 0) {
		send(fd, frame, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		msg_frame_free(frame, len);
	}
	close(fd);
}

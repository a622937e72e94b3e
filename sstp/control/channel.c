/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sstp/base/clock.h"
#include "sstp/base/secret.h"

enum {
	READS_MAX = 64,	  /* in a row, then others have their turn */
	REST_MAX = 16384, /* reads of what is left: no socket holds more than that */
};

const char channel_ended[] = "the other side has closed it";

struct waiting {
	struct waiting *next;
	uint8_t *frame;
	size_t len;
	size_t sent;
};

struct channel {
	struct channel_params params;
	struct loop_io *io;
	uint8_t head[MSG_HEAD_SIZE];
	size_t head_len;
	enum msg_kind kind;
	uint8_t *payload; /* of the message that is coming in; NULL: still its head */
	size_t payload_len;
	size_t payload_got;
	struct waiting *first;
	struct waiting **end;
	size_t queued; /* bytes */
	bool is_closed;
};

/* ---- in ---- */

static void drop_payload(struct channel *c)
{
	if (c->payload)
		secret_wipe_bytes(c->payload, c->payload_len);
	free(c->payload);
	c->payload = NULL;
}

/* What came is all there: the message is told. */
static void finish_message(struct channel *c)
{
	c->params.on_message(c->params.arg, c->kind, c->payload, c->payload_len);
	drop_payload(c);
	c->head_len = 0;
}

/* NULL, or what is wrong. */
static const char *begin_payload(struct channel *c)
{
	if (!msg_head(c->head, c->params.is_control, &c->kind, &c->payload_len))
		return "the other side does not keep to the protocol";
	c->payload = malloc(c->payload_len + 1);
	c->payload_got = 0;
	return c->payload ? NULL : "out of memory";
}

static void advance(struct channel *c, size_t n, const char **why)
{
	if (c->payload) {
		c->payload_got += n;
	} else {
		c->head_len += n;
		if (c->head_len == MSG_HEAD_SIZE)
			*why = begin_payload(c);
	}
	if (!*why && c->payload && c->payload_got == c->payload_len)
		finish_message(c);
}

/* One read. False: there is no more for now, or *why says why there never will be. */
static bool read_some(struct channel *c, const char **why)
{
	uint8_t *to = c->payload ? c->payload + c->payload_got : c->head + c->head_len;
	size_t room = c->payload ? c->payload_len - c->payload_got : MSG_HEAD_SIZE - c->head_len;
	ssize_t n = recv(c->params.fd, to, room, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		*why = n < 0 ? strerror(errno) : channel_ended;
		return false;
	}
	advance(c, (size_t)n, why);
	return !*why;
}

void channel_drain(struct channel *c)
{
	const char *why = NULL;

	for (unsigned i = 0; i < REST_MAX && !c->is_closed && !why && read_some(c, &why); i++)
		;
}

/* ---- out ---- */

static void drop_first(struct channel *c)
{
	struct waiting *w = c->first;

	c->first = w->next;
	if (!c->first)
		c->end = &c->first;
	c->queued -= w->len;
	msg_frame_free(w->frame, w->len);
	free(w);
}

/* NULL, or what is wrong. */
static const char *write_some(struct channel *c)
{
	while (c->first) {
		struct waiting *w = c->first;
		ssize_t n = send(c->params.fd, w->frame + w->sent, w->len - w->sent, MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return NULL;
		if (n < 0)
			return strerror(errno);
		w->sent += (size_t)n;
		if (w->sent == w->len)
			drop_first(c);
	}
	return NULL;
}

static int ms_until(uint64_t deadline)
{
	uint64_t now = clock_now();

	return now < deadline ? (int)((deadline - now) / CLOCK_NS_PER_MS) + 1 : 0;
}

void channel_flush(struct channel *c)
{
	struct pollfd p = {.fd = c->params.fd, .events = POLLOUT};
	uint64_t deadline = clock_now() + CHANNEL_FLUSH_MS * CLOCK_NS_PER_MS;

	while (!c->is_closed && !write_some(c) && c->first)
		if (poll(&p, 1, ms_until(deadline)) <= 0)
			return;
}

/* ---- both ---- */

static void on_ready(void *arg, unsigned ready)
{
	struct channel *c = arg;
	const char *why = NULL;

	if (ready & LOOP_WRITE)
		why = write_some(c);
	if (why) /* what takes no more has perhaps said something before */
		channel_drain(c);
	if (ready & LOOP_READ)
		for (unsigned i = 0; i < READS_MAX && !why && read_some(c, &why); i++)
			;
	if (!why && loop_io_watch(c->io, LOOP_READ | (c->first ? LOOP_WRITE : 0u)) < 0)
		why = "the loop takes no more";
	if (!why)
		return;
	c->is_closed = true;
	loop_io_watch(c->io, 0);
	c->params.on_closed(c->params.arg, why);
}

struct channel *channel_new(struct loop *loop, const struct channel_params *params)
{
	struct channel *c = calloc(1, sizeof(*c));

	if (c && fcntl(params->fd, F_SETFL, O_NONBLOCK) == 0)
		c->io = loop_io_new(loop, params->fd, LOOP_READ, on_ready, c);
	if (!c || !c->io) {
		int error = errno;

		close(params->fd);
		free(c);
		errno = error;
		return NULL;
	}
	c->params = *params;
	c->end = &c->first;
	return c;
}

void channel_free(struct channel *c)
{
	if (!c)
		return;
	loop_io_free(c->io);
	close(c->params.fd);
	drop_payload(c);
	while (c->first)
		drop_first(c);
	free(c);
}

int channel_send(struct channel *c, uint8_t *frame, size_t len)
{
	bool has_room = len <= CHANNEL_QUEUE_MAX - c->queued;
	struct waiting *w = has_room && !c->is_closed ? calloc(1, sizeof(*w)) : NULL;

	if (!w || loop_io_watch(c->io, LOOP_READ | LOOP_WRITE) < 0) {
		msg_frame_free(frame, len);
		free(w);
		return c->is_closed ? -EPIPE : -ENOBUFS;
	}
	*w = (struct waiting){.frame = frame, .len = len};
	*c->end = w;
	c->end = &w->next;
	c->queued += len;
	return 0;
}

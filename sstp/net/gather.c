/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/net/gather.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

size_t outlet_waiting(const struct outlet *out)
{
	size_t gathered = out->gather->owner == out ? out->gather->len : 0;

	return out->backlog_len - out->backlog_start + gathered;
}

bool outlet_has_room(const struct outlet *out, size_t len)
{
	size_t used = out->gather->owner == out ? out->gather->len : 0;

	return out->gather->cap - used >= len;
}

static void set_error(struct outlet *out, int error)
{
	outlet_drop(out);
	out->error = error;
	out->on_change(out);
}

/* Returns the bytes taken, 0 when the socket is full; -1 when it failed and the outlet with it. */
static ssize_t send_some(struct outlet *out, const uint8_t *data, size_t len)
{
	ssize_t n;

	do
		n = send(out->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n < 0)
		set_error(out, errno);
	return n;
}

static int append_backlog(struct outlet *out, const uint8_t *data, size_t len)
{
	size_t waiting = out->backlog_len - out->backlog_start;
	uint8_t *bigger;

	if (waiting + len > out->gather->cap + OUTLET_EXTRA_MAX) {
		set_error(out, ENOBUFS);
		return -ENOBUFS;
	}
	if (out->backlog_start)
		memmove(out->backlog, out->backlog + out->backlog_start, waiting);
	out->backlog_start = 0;
	out->backlog_len = waiting;
	bigger = realloc(out->backlog, waiting + len);
	if (!bigger) {
		set_error(out, ENOMEM);
		return -ENOMEM;
	}
	memcpy(bigger + waiting, data, len);
	out->backlog = bigger;
	out->backlog_len += len;
	return 0;
}

void outlet_flush(struct outlet *out)
{
	struct gather *g = out->gather;
	size_t len = g->len;
	ssize_t n;

	if (g->owner != out)
		return;
	g->owner = NULL;
	g->len = 0;
	n = send_some(out, g->buf, len);
	if (n < 0 || (size_t)n == len)
		return;
	if (append_backlog(out, g->buf + n, len - (size_t)n) == 0)
		out->on_change(out);
}

int outlet_append(struct outlet *out, const void *data, size_t len)
{
	struct gather *g = out->gather;

	if (!out->error && !outlet_is_blocked(out)) {
		if (g->owner && g->owner != out)
			outlet_flush(g->owner);
		if (!outlet_has_room(out, len))
			outlet_flush(out);
	}
	if (out->error)
		return -out->error;
	if (outlet_is_blocked(out))
		return append_backlog(out, data, len);
	if (len > g->cap) {
		set_error(out, EMSGSIZE);
		return -EMSGSIZE;
	}
	memcpy(g->buf + g->len, data, len);
	g->len += len;
	g->owner = out;
	return 0;
}

void outlet_drain(struct outlet *out)
{
	size_t left = out->backlog_len - out->backlog_start;
	ssize_t n;

	if (!outlet_is_blocked(out))
		return;
	n = send_some(out, out->backlog + out->backlog_start, left);
	if (n < 0)
		return;
	if ((size_t)n == left)
		outlet_drop(out);
	else
		out->backlog_start += (size_t)n;
}

void outlet_drop(struct outlet *out)
{
	if (out->gather->owner == out) {
		out->gather->owner = NULL;
		out->gather->len = 0;
	}
	free(out->backlog);
	out->backlog = NULL;
	out->backlog_start = 0;
	out->backlog_len = 0;
}

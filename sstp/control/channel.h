/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_CHANNEL_H
#define SSTP_CONTROL_CHANNEL_H
/*
 * One end of the socket between data plane and control: frames of msg.h in both directions, on a
 * loop. Whoever sends what is no frame has lost its mind, or was taken over: the channel closes.
 *
 * Limit: CHANNEL_QUEUE_MAX bytes wait to be sent; a frame over it is refused with -ENOBUFS.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sstp/control/msg.h"
#include "sstp/net/loop.h"

enum {
	CHANNEL_QUEUE_MAX = 32 << 20, /* bytes */
	CHANNEL_FLUSH_MS = 1000,
};

struct channel;

/* The why of on_closed when nothing was wrong: the other side has closed it, or ended. */
extern const char channel_ended[];

struct channel_params {
	int fd; /* a stream socket; the channel's from here on, also when it cannot be made */
	bool is_control; /* this end is control's */
	/*
	 * A payload within its kind's limit, borrowed for the call. The channel must not be freed
	 * in it.
	 */
	void (*on_message)(void *arg, enum msg_kind kind, const uint8_t *payload, size_t len);
	/* Called once, and last; may free the channel. why: a sentence, borrowed for the call. */
	void (*on_closed)(void *arg, const char *why);
	void *arg;
};

/* Returns owned; NULL with errno set. */
struct channel *channel_new(struct loop *loop, const struct channel_params *params);

/*
 * For who ends: writes what waits, for CHANNEL_FLUSH_MS at most, in which the other side has to read it. Nothing is
 * called.
 */
void channel_flush(struct channel *c);

/*
 * For who hears otherwise that the other side has ended: takes what it has said before that, and is still unread.
 * on_closed is not called.
 */
void channel_drain(struct channel *c);

/* Closes the socket; what waits is not sent. on_closed is not called. Takes NULL. */
void channel_free(struct channel *c);

/*
 * Takes frame in every case. 0: it will be sent, in order; -ENOBUFS; -EPIPE: closed. Errors of the
 * socket are told by on_closed, later.
 */
int channel_send(struct channel *c, uint8_t *frame, size_t len);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_BASE_OUTBOX_H
#define SSTP_BASE_OUTBOX_H
/*
 * Messages that an engine wants sent, in order.
 *
 * Engines do no I/O: they append whole messages here and the session sends them. Each message has
 * OUTBOX_HEADROOM bytes free in front, so that the layer below can put its header there without
 * moving it. The buffer is the caller's (one per thread, empty before each call into an engine).
 *
 * Limit: a message that does not fit is left out whole and counted in dropped; engines survive that as
 * they survive loss. A buffer of OUTBOX_SIZE holds everything one event can cause.
 */
#include "sstp/base/wire.h"

enum {
	OUTBOX_HEADROOM = 8,
	OUTBOX_SIZE = 32768,
};

struct outbox {
	uint8_t *buf;
	size_t cap;
	size_t used;
	unsigned dropped;
};

/* Borrows buf. */
static inline struct outbox outbox(void *buf, size_t cap)
{
	return (struct outbox){.buf = buf, .cap = cap};
}

/* Starts a message: a writer over the rest of the buffer. One message at a time. */
struct wire_writer outbox_begin(struct outbox *o);

/* Ends the message that outbox_begin() started; left out and counted when the writer failed. */
void outbox_end(struct outbox *o, const struct wire_writer *w);

/*
 * Walks the messages: *pos is 0 at first. Gives the message, with OUTBOX_HEADROOM writable bytes in
 * front of it, borrowed until the outbox is reused. False at the end.
 */
bool outbox_next(const struct outbox *o, size_t *pos, uint8_t **ret_msg, size_t *ret_len);

/* Empties it, for the next event. */
static inline void outbox_clear(struct outbox *o)
{
	o->used = 0;
	o->dropped = 0;
}

#endif

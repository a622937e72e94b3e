/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_FQ_H
#define SSTP_SESSION_FQ_H
/*
 * What waits for one session's socket: fair between the flows inside the tunnel, and never long (RFC 8290).
 *
 * Each flow has a queue of its own (flows share one when their hashes meet) and its turn of FQ_QUANTUM bytes. A flow that
 * has just begun to wait is served before those that have waited for longer, once: one that sends less than its share
 * never waits behind others' packets. In each queue CoDel drops or marks. Nobody looks for a bulk flow, and nobody has
 * to say that he is not one.
 *
 * Limits: max_bytes of pbuf_size() in all, and a quarter of what its pool has left, so that slow sessions never take the
 * last; above that the longest queue gives up its oldest packets, which may be of the newest packet's own flow. While
 * nothing waits it holds no memory; what CoDel knew goes then too.
 *
 * An engine: no I/O, no clock.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sstp/base/pbuf.h"
#include "sstp/session/drop.h"

enum {
	FQ_FLOWS = 64,
	FQ_QUANTUM = 1514,
};

struct fq {
	struct pbuf_pool *pool;
	struct traffic *traffic; /* drops and marks are counted there */
	struct fq_flows *flows;	 /* NULL: nothing waits */
	size_t bytes;		 /* as pbuf_size() counts */
	size_t max_bytes;
	/* Sees each packet that is dropped, borrowed for the call; NULL: nobody does. */
	void (*on_drop)(struct fq *q, const struct pbuf *p, enum drop_reason why);
};

/* Borrows pool and traffic. */
void fq_init(struct fq *q, struct pbuf_pool *pool, struct traffic *traffic, size_t max_bytes);

/* Takes p, an IP packet, at the end of its flow. */
void fq_push(struct fq *q, uint64_t now, struct pbuf *p);

/* Whose turn it is. Returns owned; NULL when nothing waits, or when it has more than `room` bytes. */
struct pbuf *fq_pop(struct fq *q, uint64_t now, size_t room);

static inline bool fq_is_empty(const struct fq *q)
{
	return q->bytes == 0;
}

/* The next packet's flow has only just begun to wait. */
bool fq_is_next_fresh(const struct fq *q);

/* Gives all back, uncounted. */
void fq_clear(struct fq *q);

#endif

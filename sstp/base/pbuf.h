/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_BASE_PBUF_H
#define SSTP_BASE_PBUF_H
/*
 * Packets that wait, from a pool that belongs to one thread, and queues of them.
 *
 * All buffers are of one size, the largest SSTP packet, so that a freed one fits the next need; the pool
 * keeps a few for reuse and gives the rest back, so that memory after a storm is as before it.
 *
 * Limits: a pool hands out at most `limit` buffers (then NULL, which callers count as a drop); a queue
 * holds at most `max_bytes` of packets. A packet counts there with PBUF_CHARGE_MIN bytes at least: it
 * holds a whole buffer however short it is, and a queue full of the shortest would otherwise take
 * thousands of buffers that other sessions need.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PBUF_DATA_MAX = 4096, /* an SSTP packet is at most 4095 bytes */
	PBUF_KEEP = 64,	      /* free buffers that a pool keeps */
	PBUF_CHARGE_MIN = 512,
};

struct pbuf {
	struct pbuf *next;
	uint16_t len;
	uint8_t data[PBUF_DATA_MAX];
};

struct pbuf_pool {
	struct pbuf *free;
	uint32_t nfree;
	uint32_t used;
	uint32_t limit;
};

struct pbuf_queue {
	struct pbuf *head;
	struct pbuf **tail;
	size_t bytes; /* as charged */
	size_t max_bytes;
};

void pbuf_pool_init(struct pbuf_pool *pool, uint32_t limit);

/* Gives the free buffers back to the system. */
void pbuf_pool_trim(struct pbuf_pool *pool);

/* All its buffers must have come back. */
void pbuf_pool_done(struct pbuf_pool *pool);

/* Returns owned, empty; NULL at the limit or without memory. */
struct pbuf *pbuf_new(struct pbuf_pool *pool);

/* Takes NULL. */
void pbuf_free(struct pbuf_pool *pool, struct pbuf *p);

void pbuf_queue_init(struct pbuf_queue *q, size_t max_bytes);

/* Takes p when it fits; false, and p stays the caller's, when the queue is full. */
bool pbuf_queue_push(struct pbuf_queue *q, struct pbuf *p);

/* Returns owned; NULL when empty. */
struct pbuf *pbuf_queue_pop(struct pbuf_queue *q);

/* Gives all its packets back to the pool. */
void pbuf_queue_clear(struct pbuf_queue *q, struct pbuf_pool *pool);

#endif

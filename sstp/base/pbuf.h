/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_BASE_PBUF_H
#define SSTP_BASE_PBUF_H
/*
 * Packets that wait, from a pool that belongs to one thread, and queues of them.
 *
 * Buffers come in three sizes, for a short packet, for one of the usual MTU, and for the largest SSTP packet, so that a
 * freed one fits the next need and a queue takes about the memory that its packets need. The pool keeps a few of each
 * for reuse and gives the rest back, so that memory after a storm is as before it.
 *
 * Limits: a pool hands out at most `limit` bytes (then NULL, which callers count as a drop). A packet counts there with
 * all that it takes, pbuf_size(), however little of it is used: a queue of the shortest packets is charged as well.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PBUF_DATA_MAX = 4096, /* an SSTP packet is at most 4095 bytes */
	PBUF_SIZES = 3,
	PBUF_KEEP = 64, /* free buffers of each size that a pool keeps */
};

struct pbuf {
	struct pbuf *next;
	uint64_t since; /* when it began to wait, ns; its queue's */
	uint16_t len;
	uint8_t size; /* index of its size */
	uint8_t data[];
};

struct pbuf_pool {
	struct pbuf *free[PBUF_SIZES];
	uint32_t nfree[PBUF_SIZES];
	size_t used;  /* bytes handed out, by pbuf_size() */
	size_t limit; /* bytes */
};

struct pbuf_queue {
	struct pbuf *head;
	struct pbuf *tail; /* NULL when empty */
};

/* limit in bytes. */
void pbuf_pool_init(struct pbuf_pool *pool, size_t limit);

/* Gives the free buffers back to the system. */
void pbuf_pool_trim(struct pbuf_pool *pool);

/* All its buffers must have come back. */
void pbuf_pool_done(struct pbuf_pool *pool);

/* For a packet of len bytes, at most PBUF_DATA_MAX. Returns owned, with that len; NULL at the limit or without memory. */
struct pbuf *pbuf_new(struct pbuf_pool *pool, size_t len);

/* Takes NULL. */
void pbuf_free(struct pbuf_pool *pool, struct pbuf *p);

/* Bytes that it takes from its pool. */
size_t pbuf_size(const struct pbuf *p);

/* Takes p. */
void pbuf_queue_push(struct pbuf_queue *q, struct pbuf *p);

/* Returns owned; NULL when empty. */
struct pbuf *pbuf_queue_pop(struct pbuf_queue *q);

#endif

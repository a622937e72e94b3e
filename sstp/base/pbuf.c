/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/base/pbuf.h"

#include <assert.h>
#include <stdlib.h>

void pbuf_pool_init(struct pbuf_pool *pool, uint32_t limit)
{
	*pool = (struct pbuf_pool){.limit = limit};
}

void pbuf_pool_trim(struct pbuf_pool *pool)
{
	while (pool->free) {
		struct pbuf *p = pool->free;

		pool->free = p->next;
		free(p);
	}
	pool->nfree = 0;
}

void pbuf_pool_done(struct pbuf_pool *pool)
{
	assert(pool->used == 0);
	pbuf_pool_trim(pool);
}

struct pbuf *pbuf_new(struct pbuf_pool *pool)
{
	struct pbuf *p = pool->free;

	if (p) {
		pool->free = p->next;
		pool->nfree--;
	} else {
		p = pool->used < pool->limit ? malloc(sizeof(*p)) : NULL;
		if (!p)
			return NULL;
	}
	pool->used++;
	p->next = NULL;
	p->len = 0;
	return p;
}

void pbuf_free(struct pbuf_pool *pool, struct pbuf *p)
{
	if (!p)
		return;
	pool->used--;
	if (pool->nfree >= PBUF_KEEP) {
		free(p);
		return;
	}
	p->next = pool->free;
	pool->free = p;
	pool->nfree++;
}

void pbuf_queue_init(struct pbuf_queue *q, size_t max_bytes)
{
	*q = (struct pbuf_queue){.tail = &q->head, .max_bytes = max_bytes};
}

static size_t charge(const struct pbuf *p)
{
	return p->len > PBUF_CHARGE_MIN ? p->len : PBUF_CHARGE_MIN;
}

bool pbuf_queue_push(struct pbuf_queue *q, struct pbuf *p)
{
	if (q->bytes + charge(p) > q->max_bytes)
		return false;
	p->next = NULL;
	*q->tail = p;
	q->tail = &p->next;
	q->bytes += charge(p);
	return true;
}

struct pbuf *pbuf_queue_pop(struct pbuf_queue *q)
{
	struct pbuf *p = q->head;

	if (!p)
		return NULL;
	q->head = p->next;
	if (!q->head)
		q->tail = &q->head;
	q->bytes -= charge(p);
	return p;
}

void pbuf_queue_clear(struct pbuf_queue *q, struct pbuf_pool *pool)
{
	struct pbuf *p;

	while ((p = pbuf_queue_pop(q)))
		pbuf_free(pool, p);
}

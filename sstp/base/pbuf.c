/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/base/pbuf.h"

#include <assert.h>
#include <stdlib.h>

/* of the data: what acknowledges, what carries, and what nobody expects */
static const uint16_t capacity[PBUF_SIZES] = {232, 1512, PBUF_DATA_MAX};

void pbuf_pool_init(struct pbuf_pool *pool, size_t limit)
{
	*pool = (struct pbuf_pool){.limit = limit};
}

static struct pbuf *take_free(struct pbuf_pool *pool, uint8_t size)
{
	struct pbuf *p = pool->free[size];

	if (p) {
		pool->free[size] = p->next;
		pool->nfree[size]--;
	}
	return p;
}

void pbuf_pool_trim(struct pbuf_pool *pool)
{
	struct pbuf *p;

	for (uint8_t size = 0; size < PBUF_SIZES; size++)
		while ((p = take_free(pool, size)))
			free(p);
}

void pbuf_pool_done(struct pbuf_pool *pool)
{
	assert(pool->used == 0);
	pbuf_pool_trim(pool);
}

static uint8_t size_for(size_t len)
{
	uint8_t size = 0;

	assert(len <= PBUF_DATA_MAX);
	while (capacity[size] < len)
		size++;
	return size;
}

static size_t bytes_of(uint8_t size)
{
	return sizeof(struct pbuf) + capacity[size];
}

struct pbuf *pbuf_new(struct pbuf_pool *pool, size_t len)
{
	uint8_t size = size_for(len);
	struct pbuf *p;

	if (pool->used + bytes_of(size) > pool->limit)
		return NULL;
	p = take_free(pool, size);
	if (!p)
		p = malloc(bytes_of(size));
	if (!p)
		return NULL;
	pool->used += bytes_of(size);
	p->next = NULL;
	p->len = (uint16_t)len;
	p->size = size;
	return p;
}

void pbuf_free(struct pbuf_pool *pool, struct pbuf *p)
{
	if (!p)
		return;
	pool->used -= bytes_of(p->size);
	if (pool->nfree[p->size] >= PBUF_KEEP) {
		free(p);
		return;
	}
	p->next = pool->free[p->size];
	pool->free[p->size] = p;
	pool->nfree[p->size]++;
}

size_t pbuf_size(const struct pbuf *p)
{
	return bytes_of(p->size);
}

void pbuf_queue_push(struct pbuf_queue *q, struct pbuf *p)
{
	p->next = NULL;
	if (q->tail)
		q->tail->next = p;
	else
		q->head = p;
	q->tail = p;
}

struct pbuf *pbuf_queue_pop(struct pbuf_queue *q)
{
	struct pbuf *p = q->head;

	if (!p)
		return NULL;
	q->head = p->next;
	if (!q->head)
		q->tail = NULL;
	p->next = NULL;
	return p;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/base/ring.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	CACHE_LINE = 64,
	ALIGNMENT = 8,
};

#define SKIP_TO_START UINT64_MAX

struct record {
	uint64_t len; /* of data, or SKIP_TO_START: the next record is at the start of the buffer */
	unsigned char data[];
};

static_assert(sizeof(struct record) == ALIGNMENT, "a mark fits wherever a record may begin");

struct ring {
	size_t bytes;

	/* the producer's line; the consumer only loads head */
	_Alignas(CACHE_LINE) atomic_size_t head;
	size_t seen_tail;
	size_t reserved_at; /* position of the reserved record */
	size_t reserved_len;

	/* the consumer's line; the producer only loads tail */
	_Alignas(CACHE_LINE) atomic_size_t tail;
	size_t seen_head;
	size_t next; /* position behind the record last peeked at; tail: none was */

	_Alignas(CACHE_LINE) unsigned char buf[];
};

struct ring *ring_new(size_t bytes)
{
	struct ring *r;

	if (bytes < RING_BYTES_MIN || bytes > RING_BYTES_MAX || bytes & (bytes - 1)) {
		errno = EINVAL;
		return NULL;
	}
	r = aligned_alloc(CACHE_LINE, sizeof(*r) + bytes);
	if (!r)
		return NULL;
	memset(r, 0, sizeof(*r));
	r->bytes = bytes;
	atomic_init(&r->head, 0);
	atomic_init(&r->tail, 0);
	return r;
}

void ring_free(struct ring *r)
{
	free(r);
}

static struct record *record_at(const struct ring *r, size_t position)
{
	return (struct record *)(uintptr_t)&r->buf[position & (r->bytes - 1)];
}

static size_t span(size_t len)
{
	return sizeof(struct record) + (len + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static size_t to_end(const struct ring *r, size_t position)
{
	return r->bytes - (position & (r->bytes - 1));
}

static bool has_room(const struct ring *r, size_t end)
{
	return end - r->seen_tail <= r->bytes;
}

void *ring_reserve(struct ring *r, size_t len)
{
	size_t at = atomic_load_explicit(&r->head, memory_order_relaxed);

	if (len > r->bytes / 2 - sizeof(struct record))
		return NULL;
	if (span(len) > to_end(r, at))
		at += to_end(r, at);
	if (!has_room(r, at + span(len))) {
		r->seen_tail = atomic_load_explicit(&r->tail, memory_order_acquire);
		if (!has_room(r, at + span(len)))
			return NULL;
	}
	r->reserved_at = at;
	r->reserved_len = len;
	return record_at(r, at)->data;
}

void ring_commit(struct ring *r, size_t len)
{
	size_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	assert(len <= r->reserved_len);
	if (r->reserved_at != head)
		record_at(r, head)->len = SKIP_TO_START;
	record_at(r, r->reserved_at)->len = len;
	atomic_store_explicit(&r->head, r->reserved_at + span(len), memory_order_release);
}

void *ring_peek(struct ring *r, size_t *ret_len)
{
	size_t at = atomic_load_explicit(&r->tail, memory_order_relaxed);

	if (at == r->seen_head) {
		r->seen_head = atomic_load_explicit(&r->head, memory_order_acquire);
		if (at == r->seen_head)
			return NULL;
	}
	if (record_at(r, at)->len == SKIP_TO_START)
		at += to_end(r, at);
	*ret_len = record_at(r, at)->len;
	r->next = at + span(*ret_len);
	return record_at(r, at)->data;
}

void ring_pop(struct ring *r)
{
	assert(r->next != atomic_load_explicit(&r->tail, memory_order_relaxed));
	atomic_store_explicit(&r->tail, r->next, memory_order_release);
}

bool ring_check(const struct ring *r)
{
	size_t head = atomic_load(&r->head);
	size_t at = atomic_load(&r->tail);

	if (at % ALIGNMENT || head % ALIGNMENT || head - at > r->bytes)
		return false;
	while (at != head) {
		uint64_t len = record_at(r, at)->len;
		size_t step = len == SKIP_TO_START ? to_end(r, at) : span(len);

		/* a mark is never the last thing, and no record goes beyond the end of the buffer, or head */
		if (len == SKIP_TO_START ? step == head - at
					 : len > r->bytes || step > to_end(r, at))
			return false;
		if (step > head - at)
			return false;
		at += step;
	}
	return true;
}

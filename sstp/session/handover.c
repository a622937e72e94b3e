/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A taker is woken by a task of its loop, which is posted only while it does not wait there already: `posted`. Both sides
 * exchange that flag, so that one follows the other: a thread that finds it set has its packets seen by the task that
 * is still to clear it, and a task that clears it sees what was put before the flag was set.
 */
#include "sstp/session/handover.h"

#include <assert.h>
#include <errno.h>
#include <linux/virtio_net.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/base/ring.h"

enum {
	TAKE_BUDGET = 64, /* packets of a ring before other work gets its turn */
	WAKE_BYTES =
		HANDOVER_BYTES / 8, /* so much together does not wait for the end of the pass */
};

/* In front of each packet in a ring. */
struct note {
	struct virtio_net_hdr header;
	uint32_t id;
};

struct taker {
	struct loop_task task;
	struct handover *handover;
	struct loop *loop;
	handover_take_fn *take;
	void *arg;
	atomic_bool posted;
};

struct handover {
	unsigned threads;
	struct taker takers[HANDOVER_THREADS_MAX];
	uint64_t to_wake[HANDOVER_THREADS_MAX]; /* a thread's own: a bit for each taker, */
	size_t unseen[HANDOVER_THREADS_MAX];	/* and bytes that no taker was woken for */
	struct ring *_Atomic rings[];		/* [from * threads + to]; NULL: not made yet */
};

struct handover *handover_new(unsigned threads)
{
	struct handover *h;

	assert(threads > 0 && threads <= HANDOVER_THREADS_MAX);
	h = calloc(1, sizeof(*h) + threads * threads * sizeof(h->rings[0]));
	if (h)
		h->threads = threads;
	return h;
}

void handover_free(struct handover *h)
{
	if (!h)
		return;
	for (unsigned i = 0; i < h->threads * h->threads; i++)
		ring_free(h->rings[i]);
	free(h);
}

static struct ring *ring_between(const struct handover *h, unsigned from, unsigned to)
{
	return atomic_load_explicit(&h->rings[from * h->threads + to], memory_order_acquire);
}

static struct ring *ring_made(struct handover *h, unsigned from, unsigned to)
{
	struct ring *r = ring_between(h, from, to);

	if (r)
		return r;
	r = ring_new(HANDOVER_BYTES);
	atomic_store_explicit(&h->rings[from * h->threads + to], r, memory_order_release);
	return r;
}

static void wake(struct taker *t)
{
	if (!atomic_exchange(&t->posted, true))
		loop_post(t->loop, &t->task);
}

bool handover_put(struct handover *h, unsigned from, unsigned to, unsigned id,
		  const struct virtio_net_hdr *header, const uint8_t *pkt, size_t len)
{
	struct ring *r = ring_made(h, from, to);
	struct note note = {*header, id};
	uint8_t *room = r ? ring_reserve(r, sizeof(note) + len) : NULL;

	if (!room)
		return false;
	memcpy(room, &note, sizeof(note));
	memcpy(room + sizeof(note), pkt, len);
	ring_commit(r, sizeof(note) + len);
	h->to_wake[from] |= UINT64_C(1) << to;
	h->unseen[from] += len;
	if (h->unseen[from] >= WAKE_BYTES)
		handover_wake(h, from);
	return true;
}

void handover_wake(struct handover *h, unsigned from)
{
	h->unseen[from] = 0;
	for (; h->to_wake[from]; h->to_wake[from] &= h->to_wake[from] - 1)
		wake(&h->takers[__builtin_ctzll(h->to_wake[from])]);
}

/* False: more is there. */
static bool take_all(struct taker *t, struct ring *r)
{
	struct note note;
	uint8_t *record;
	size_t len;

	for (int i = 0; i < TAKE_BUDGET; i++) {
		record = ring_peek(r, &len);
		if (!record)
			return true;
		memcpy(&note, record, sizeof(note));
		t->take(t->arg, note.id, &note.header, record + sizeof(note), len - sizeof(note));
		ring_pop(r);
	}
	return false;
}

static void run_taker(struct loop_task *task)
{
	struct taker *t = (struct taker *)task; /* its first member */
	struct handover *h = t->handover;
	unsigned to = (unsigned)(t - h->takers);
	bool done = true;

	atomic_exchange(&t->posted, false);
	for (unsigned from = 0; from < h->threads; from++) {
		struct ring *r = ring_between(h, from, to);

		if (r)
			done = take_all(t, r) && done;
	}
	if (!done)
		wake(t);
}

void handover_set_taker(struct handover *h, unsigned to, struct loop *loop, handover_take_fn *take,
			void *arg)
{
	h->takers[to] = (struct taker){
		.task.run = run_taker,
		.handover = h,
		.loop = loop,
		.take = take,
		.arg = arg,
	};
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/fq.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "sstp/session/codel.h"
#include "sstp/session/flow.h"

struct flow {
	TAILQ_ENTRY(flow) next;
	struct pbuf_queue packets;
	size_t bytes;	/* of the buffers */
	size_t len;	/* of the packets */
	int32_t credit; /* bytes of packets that it may send in this turn */
	bool is_listed;
	bool is_new;
	struct codel codel;
};

TAILQ_HEAD(flow_list, flow);

/*
 * A flow is in one of the lists while packets of it wait; and where others are in the old list, it joins them for one turn
 * more: one that is served as fast as it sends would be a new one each time, and go first each time.
 */
struct fq_flows {
	struct flow_list fresh, old;
	struct flow flow[FQ_FLOWS];
};

void fq_init(struct fq *q, struct pbuf_pool *pool, struct traffic *traffic, size_t max_bytes)
{
	*q = (struct fq){.pool = pool, .traffic = traffic, .max_bytes = max_bytes};
}

static struct fq_flows *flows_new(void)
{
	struct fq_flows *flows = calloc(1, sizeof(*flows));

	if (!flows)
		return NULL;
	TAILQ_INIT(&flows->fresh);
	TAILQ_INIT(&flows->old);
	return flows;
}

static struct pbuf *take_oldest(struct fq *q, struct flow *f)
{
	struct pbuf *p = pbuf_queue_pop(&f->packets);

	if (!p)
		return NULL;
	f->bytes -= pbuf_size(p);
	f->len -= p->len;
	q->bytes -= pbuf_size(p);
	return p;
}

static struct flow *longer(struct flow *a, struct flow *b)
{
	return !a || b->bytes > a->bytes ? b : a;
}

static struct flow *longest(struct fq_flows *flows)
{
	struct flow *f, *best = NULL;

	TAILQ_FOREACH(f, &flows->fresh, next)
	best = longer(best, f);
	TAILQ_FOREACH(f, &flows->old, next)
	best = longer(best, f);
	return best;
}

static void drop(struct fq *q, struct pbuf *p, enum drop_reason why)
{
	q->traffic->drops[why]++;
	if (q->on_drop)
		q->on_drop(q, p, why);
	pbuf_free(q->pool, p);
}

static void forget_flows(struct fq *q)
{
	free(q->flows);
	q->flows = NULL;
}

static bool holds_too_much(const struct fq *q)
{
	size_t left = q->pool->limit - q->pool->used;

	return q->bytes > q->max_bytes || q->bytes > left / 4;
}

/* The newest packet is in the queue, and may be one that goes. */
static void enforce_limits(struct fq *q)
{
	while (q->bytes && holds_too_much(q))
		drop(q, take_oldest(q, longest(q->flows)), DROP_QUEUE_FULL);
	if (q->bytes == 0)
		forget_flows(q);
}

static void list(struct fq_flows *flows, struct flow *f)
{
	f->is_listed = true;
	f->is_new = true;
	f->credit = FQ_QUANTUM;
	TAILQ_INSERT_TAIL(&flows->fresh, f, next);
}

void fq_push(struct fq *q, uint64_t now, struct pbuf *p)
{
	struct flow *f;

	if (!q->flows)
		q->flows = flows_new();
	if (!q->flows) {
		drop(q, p, DROP_NO_BUFFER);
		return;
	}
	f = &q->flows->flow[flow_hash(p->data, p->len) % FQ_FLOWS];
	p->since = now;
	pbuf_queue_push(&f->packets, p);
	f->bytes += pbuf_size(p);
	f->len += p->len;
	q->bytes += pbuf_size(p);
	if (!f->is_listed)
		list(q->flows, f);
	enforce_limits(q);
}

static void unlist(struct fq_flows *flows, struct flow *f)
{
	TAILQ_REMOVE(f->is_new ? &flows->fresh : &flows->old, f, next);
	f->is_listed = false;
}

static void move_behind(struct fq_flows *flows, struct flow *f)
{
	unlist(flows, f);
	f->is_listed = true;
	f->is_new = false;
	TAILQ_INSERT_TAIL(&flows->old, f, next);
}

static struct flow *first(const struct fq_flows *flows)
{
	return TAILQ_EMPTY(&flows->fresh) ? TAILQ_FIRST(&flows->old) : TAILQ_FIRST(&flows->fresh);
}

/* RFC 8290, 4.2. True: its turn is over, or it has nothing to send. */
static bool passes_on(struct fq_flows *flows, struct flow *f)
{
	if (!f->packets.head) {
		codel_on_empty(&f->codel);
		if (f->is_new && !TAILQ_EMPTY(&flows->old))
			move_behind(flows, f);
		else
			unlist(flows, f);
		return true;
	}
	if (f->credit > 0)
		return false;
	f->credit += FQ_QUANTUM;
	move_behind(flows, f);
	return true;
}

/* The flow's oldest packet; NULL when CoDel has dropped it. */
static struct pbuf *take_judged(struct fq *q, struct flow *f, uint64_t now)
{
	struct pbuf *p = take_oldest(q, f);

	if (codel_is_due(&f->codel, now, now - p->since, f->len)) {
		if (!flow_mark(p->data, p->len)) {
			drop(q, p, DROP_QUEUE_DELAY);
			return NULL;
		}
		q->traffic->tx_marked++;
	}
	f->credit -= p->len;
	return p;
}

struct pbuf *fq_pop(struct fq *q, uint64_t now, size_t room)
{
	struct pbuf *p = NULL;

	while (!p && q->bytes) {
		struct flow *f = first(q->flows);

		if (passes_on(q->flows, f))
			continue;
		if (f->packets.head->len > room)
			return NULL;
		p = take_judged(q, f, now);
		passes_on(q->flows, f);
	}
	if (q->bytes == 0)
		forget_flows(q);
	return p;
}

bool fq_is_next_fresh(const struct fq *q)
{
	return q->flows && !TAILQ_EMPTY(&q->flows->fresh);
}

void fq_clear(struct fq *q)
{
	for (size_t i = 0; q->flows && i < FQ_FLOWS; i++) {
		struct pbuf *p;

		while ((p = take_oldest(q, &q->flows->flow[i])))
			pbuf_free(q->pool, p);
	}
	forget_flows(q);
}

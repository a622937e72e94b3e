/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer counts moments; a reader notes the moment it has seen. Why that is enough: a reader that
 * notes moment m has read m from the writer's count, which the writer raised to m after it hid the
 * thing; so all the reader looks at afterwards is what the writer had done by then.
 *
 * Waking up is the delicate part: the writer may look while the reader's note still says asleep. All
 * accesses involved are sequentially consistent. If the writer's look comes first, so does its raising
 * of the count, and the reader's second reading of the count makes it see the writer's change.
 */
#include "routing/qsbr.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#define ASLEEP UINT64_MAX

enum {
	CACHE_LINE = 64
};

struct reader {
	_Alignas(CACHE_LINE) _Atomic uint64_t seen;
};

struct qsbr {
	_Alignas(CACHE_LINE) _Atomic uint64_t now;
	size_t n_readers;
	struct reader readers[];
};

int qsbr_new(size_t readers, struct qsbr **ret_qsbr)
{
	struct qsbr *q = aligned_alloc(CACHE_LINE, sizeof(*q) + readers * sizeof(q->readers[0]));

	if (!q)
		return -ENOMEM;
	atomic_init(&q->now, 0);
	q->n_readers = readers;
	for (size_t i = 0; i < readers; i++)
		atomic_init(&q->readers[i].seen, ASLEEP);
	*ret_qsbr = q;
	return 0;
}

void qsbr_free(struct qsbr *q)
{
	free(q);
}

void qsbr_online(struct qsbr *q, size_t reader)
{
	atomic_store(&q->readers[reader].seen, atomic_load(&q->now));
	(void)atomic_load(&q->now);
}

void qsbr_quiescent(struct qsbr *q, size_t reader)
{
	uint64_t now = atomic_load_explicit(&q->now, memory_order_acquire);

	atomic_store_explicit(&q->readers[reader].seen, now, memory_order_release);
}

void qsbr_offline(struct qsbr *q, size_t reader)
{
	atomic_store_explicit(&q->readers[reader].seen, ASLEEP, memory_order_release);
}

uint64_t qsbr_retire(struct qsbr *q)
{
	return atomic_fetch_add(&q->now, 1) + 1;
}

bool qsbr_passed(const struct qsbr *q, uint64_t moment)
{
	for (size_t i = 0; i < q->n_readers; i++)
		if (atomic_load(&q->readers[i].seen) < moment)
			return false;
	return true;
}

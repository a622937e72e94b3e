/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ROUTING_FIB_SLOT_H
#define ROUTING_FIB_SLOT_H
/*
 * Where packet threads find the table of a plan while another thread replaces it.
 *
 * Equal tables are one: the publisher keeps each compiled table once, however many slots show it,
 * and counts them. A table that no slot shows any more is freed when all readers have passed a
 * quiescent point (routing/qsbr.h). Nobody ever waits.
 *
 * One thread, the writer, uses the publisher. Readers only call fib_slot_get(), awake.
 */
#include <stdatomic.h>
#include <stddef.h>

#include "routing/fib.h"
#include "routing/qsbr.h"

struct fib_publisher;

/* Embedded by its owner; empty after fib_slot_init(). */
struct fib_slot {
	const struct fib *_Atomic fib; /* of the publisher */
};

static inline void fib_slot_init(struct fib_slot *s)
{
	atomic_init(&s->fib, NULL);
}

/* Returns borrowed until the reader's next quiescent point, or NULL: an empty slot. */
static inline const struct fib *fib_slot_get(const struct fib_slot *s)
{
	return atomic_load_explicit(&s->fib, memory_order_acquire);
}

/* Borrows q. Returns 0 with an owned publisher, or -ENOMEM. */
int fib_publisher_new(struct qsbr *q, struct fib_publisher **ret_publisher);

/* Takes NULL. No reader and no slot uses its tables any more: they all go. */
void fib_publisher_free(struct fib_publisher *p);

/*
 * Compiles t and shows it in the slot from now on; what the slot showed retires. On -errno (that of
 * fib_new()) the slot is as it was. t is not kept.
 */
int fib_publisher_set(struct fib_publisher *p, struct fib_slot *slot, const struct trie *t);

/*
 * Shows in `to` what `from` shows: for plans known to be alike, without compiling anything. What `to`
 * showed retires. Never fails.
 */
void fib_publisher_copy(struct fib_publisher *p, struct fib_slot *to, const struct fib_slot *from);

/* Empties the slot. Never fails. */
void fib_publisher_clear(struct fib_publisher *p, struct fib_slot *slot);

/* Frees what has retired and has been passed. Returns how many tables that were; for once a second. */
size_t fib_publisher_reclaim(struct fib_publisher *p);

/* Tables held, retired ones included, and their bytes. */
size_t fib_publisher_count(const struct fib_publisher *p);
size_t fib_publisher_bytes(const struct fib_publisher *p);

#endif

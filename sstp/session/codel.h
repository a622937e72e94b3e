/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_CODEL_H
#define SSTP_SESSION_CODEL_H
/*
 * Controlled delay (RFC 8289): which packet of a queue to drop, or to mark, so that its sender slows down.
 *
 * A queue is good when it empties now and then, however long a burst made it; it is bad when every packet has waited for
 * longer than the target for a whole interval. Then one is dropped, and another one after each interval divided by the
 * square root of how many were, until one has waited less. Judged when a packet leaves, by how long it has waited.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CODEL_TARGET_NS	  UINT64_C(5000000)
#define CODEL_INTERVAL_NS UINT64_C(100000000)

/* All zero: a queue that has just begun. */
struct codel {
	uint64_t above_until; /* above the target until then, it is a bad queue; 0: not above */
	uint64_t next_at;     /* while dropping: when the next one is due */
	uint32_t count;	      /* dropped since it began dropping */
	uint32_t last_count;  /* count when it began */
	bool is_dropping;
	bool has_dropped; /* the packet before; next_at follows when this one is bad too */
};

/*
 * The packet at the head has waited `waited_ns`, and packets of `left` bytes wait behind it. True: drop it, and ask
 * about the next one; or mark it and let it pass, which counts as a drop.
 */
bool codel_is_due(struct codel *c, uint64_t now, uint64_t waited_ns, size_t left);

/* The queue is empty. */
void codel_on_empty(struct codel *c);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_BASE_RING_H
#define SSTP_BASE_RING_H
/*
 * Records from one thread to one other: packets that arrived where their session does not live.
 *
 * Exactly one thread produces (reserve, commit) and exactly one consumes (peek, pop); there is no lock and
 * neither ever waits for the other. A record is a run of bytes of any length up to the limit; it lies in one
 * piece and is read and written in place, nothing is copied but by the owner.
 *
 *     positions    tail                        head
 *     buffer   ....|len|record..|len|record....|..........
 *                   consumed from here          produced from here
 *
 * Positions count bytes since the start and never go back; the place in the buffer is the position modulo its
 * size, a power of two, so full (head - tail = size) and empty (head = tail) are told apart without a spare byte. A
 * record begins with 8 bytes that hold its length, and takes a multiple of 8 bytes. One that does not fit between
 * head and the end of the buffer begins at the start of the buffer, and the rest of the end is marked as skipped: at
 * least 8 bytes are there for the mark, because every position is a multiple of 8. The mark and the record behind it
 * are published by one store, so the consumer never finds a mark with nothing behind it.
 *
 * Ordering: the producer writes a record, then stores head (release); the consumer loads head (acquire), then reads
 * the record. The consumer is through with a record, then stores tail (release); the producer loads tail (acquire),
 * then writes over it. Nothing else is shared. Each side works on what it last saw of the other's position and loads
 * it anew only when that says full (or empty), so that a cache line moves between cores once for many records.
 *
 * The ring wakes nobody. To wake the consumer once for many records: a flag next to the ring that the producer
 * exchanges for true after its commits, posting a task when it was false, and that the task exchanges for false before
 * it peeks. It must be an exchange on both sides (acquire and release): a plain store may pass the load behind it, and
 * a record would lie there until the next one.
 *
 * Limits: the buffer is RING_BYTES_MIN to RING_BYTES_MAX, a record at most half of it less 8 bytes, which always fits
 * into an empty ring wherever head stands. When full, reserve says NULL and the caller counts the drop. Pages of the
 * buffer once written stay resident.
 */
#include <stdbool.h>
#include <stddef.h>

enum {
	RING_BYTES_MIN = 64,
	RING_BYTES_MAX = 1 << 30,
};

struct ring;

/* bytes is a power of two within the limits. Returns owned; NULL with errno EINVAL or ENOMEM. */
struct ring *ring_new(size_t bytes);

/* Drops what is in it. Neither thread may use it any more. Takes NULL. */
void ring_free(struct ring *r);

/*
 * Producer: room for a record of len bytes, 8-aligned, contiguous, borrowed until the commit; NULL when the ring is
 * full or len above the limit. Nothing is promised to the consumer: reserving again, or never committing, gives it
 * up.
 */
void *ring_reserve(struct ring *r, size_t len);

/* Producer: hands over the first len bytes of what was reserved, at most as many as were. */
void ring_commit(struct ring *r, size_t len);

/*
 * Consumer: the oldest record, 8-aligned, borrowed until it is popped, the consumer's to change in place; the same one
 * again until then. NULL when empty, *ret_len untouched.
 */
void *ring_peek(struct ring *r, size_t *ret_len);

/* Consumer: done with the record that ring_peek() gave. */
void ring_pop(struct ring *r);

/* For tests, while both threads rest: from tail the records lead exactly to head. */
bool ring_check(const struct ring *r);

#endif

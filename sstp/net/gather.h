/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_NET_GATHER_H
#define SSTP_NET_GATHER_H
/*
 * Outgoing bytes between TLS and the socket: many records, one send.
 *
 * A thread has one gather buffer; it belongs to one outlet (socket) at a time, and an outlet that starts to use
 * it first sends what the former one had in it. What the socket does not take moves into the outlet's own
 * backlog; the outlet is then blocked until outlet_drain() has sent all of that. Bytes appended while blocked
 * (the record whose room was being made, and TLS's own: an alert, close_notify) go behind the backlog, so order
 * is kept and none is lost.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/* a backlog may hold one gather buffer, a record, and TLS's own messages; more is an error (ENOBUFS) */
	OUTLET_EXTRA_MAX = 48 * 1024,
};

struct outlet;

struct gather {
	uint8_t *buf;
	size_t cap;
	size_t len;
	struct outlet *owner; /* NULL: empty */
};

struct outlet {
	struct gather *gather;
	int fd;
	uint8_t *backlog; /* NULL: not blocked */
	size_t backlog_start;
	size_t backlog_len;
	int error; /* of the socket, as errno; nothing is sent any more */
	/* The outlet became blocked or failed; called from whatever made it send. */
	void (*on_change)(struct outlet *out);
};

/* Borrows buf. */
static inline struct gather gather(uint8_t *buf, size_t cap)
{
	return (struct gather){.buf = buf, .cap = cap};
}

static inline bool outlet_is_blocked(const struct outlet *out)
{
	return out->backlog != NULL;
}

/* Bytes that the socket has not taken: the backlog, or what is gathered. */
size_t outlet_waiting(const struct outlet *out);

/* True when len bytes more fit into the gather buffer without a send of this outlet's own. */
bool outlet_has_room(const struct outlet *out, size_t len);

/* Takes all of data (copied), or fails with -errno: the outlet is then finished. */
int outlet_append(struct outlet *out, const void *data, size_t len);

/* Sends what is gathered for this outlet, with one send; what is left blocks it. */
void outlet_flush(struct outlet *out);

/* When the socket is writable: sends from the backlog, with one send. */
void outlet_drain(struct outlet *out);

/* Forgets everything that waits; the outlet can then go. The descriptor stays open. */
void outlet_drop(struct outlet *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_NET_PACE_H
#define SSTP_NET_PACE_H
/*
 * How much a stream hands to its socket at a time, so that what waits, waits where it can still be put in order: in the
 * owner's queue, not as ciphertext, not in the socket, not in the buffer of a bottleneck.
 *
 * An engine: it is told what TCP knows of the path, and says what follows. Four things follow from the rate at which the
 * peer acknowledges: a record holds a millisecond of it (a receiver cannot open half a record), a send about as much,
 * the socket two milliseconds that it has not sent yet; and on a path that is slow and on which a queue is seen (the
 * round trip is longer than the shortest one), the socket may hold no more in all than fills the path and a few
 * milliseconds of the bottleneck's buffer. Congestion control stays what it was and may send less; this keeps it from
 * filling a buffer that others' packets wait in, too.
 *
 * The queue may be somebody else's: then holding back gives him the link and shortens nothing. So we hold back by half
 * of it at a time; when the round trip does not become shorter within half a second, the limit is dropped for some
 * seconds, twice as many each time.
 *
 * The rate counts only when it is the path's and not the sender's: the socket was full, or as much was under way as
 * congestion control allows. A higher one always counts. What is known is kept while a stream is idle. Before anything
 * is known there are no limits.
 */
#include <stdbool.h>
#include <stdint.h>

enum {
	PACE_RECORD_MIN = 1400, /* about one packet; */
	PACE_RECORD_MAX = 16 * 1024,
	PACE_BURST_MAX = 256 * 1024,
	PACE_UNSENT_MIN = 4 * 1024,
	PACE_UNSENT_MAX = 128 * 1024,
	PACE_HELD_MIN = 8 * 1024,
	PACE_HELD_MAX = 2 * 1024 * 1024, /* more is no limit */
};

/* What TCP says of a connection. */
struct pace_facts {
	uint64_t acked;	     /* bytes since it began */
	uint64_t busy_us;    /* time in which there was something to acknowledge */
	uint32_t rtt_us;     /* smoothed */
	uint32_t min_rtt_us; /* of the last minutes */
	uint32_t in_flight;  /* packets */
	uint32_t window;     /* packets that congestion control allows */
};

struct pace {
	/* what follows, in bytes */
	uint32_t record; /* plaintext of a record */
	uint32_t burst;	 /* ciphertext of a send */
	uint32_t unsent; /* what the socket may hold that TCP has not sent */
	uint32_t held;	 /* what it may hold in all; 0: no limit */
	/* what is known */
	uint64_t rate; /* bytes per second; 0: nothing yet */
	struct pace_facts last;
	uint64_t due_at;
	uint64_t judge_at;    /* when the queue must have become shorter; 0: it is short */
	uint32_t queue_us;    /* than this */
	uint64_t yield_until; /* no limit before */
	uint64_t yield_ns;    /* how long the next time */
};

void pace_init(struct pace *p);

/* Facts are wanted: the last ones are a round trip old, but 10 ms at least and 100 ms at most. */
static inline bool pace_is_due(const struct pace *p, uint64_t now)
{
	return now >= p->due_at;
}

/* This is what TCP says; is_full: and the socket takes no more, or did not until now. Sets what follows. */
void pace_on_facts(struct pace *p, uint64_t now, const struct pace_facts *facts, bool is_full);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_NET_PACE_H
#define SSTP_NET_PACE_H
/*
 * How much a stream hands to its socket at a time, so that what waits, waits where it can still be put in order: in the
 * owner's queue, not as ciphertext, not in the socket, not in the buffer of a bottleneck.
 *
 * An engine: it is told what TCP knows of the path, and says what follows. Facts are gathered into spans of a few round
 * trips; all that is decided is decided at the end of one. Three things follow from the rate at which the peer
 * acknowledges: a record holds a millisecond of it (a receiver cannot open half a record), a send about as much, the
 * socket two milliseconds that it has not sent yet. They limit no rate, whatever they are.
 *
 * The fourth does: while our own stream fills the buffer of a bottleneck, the socket may hold no more in all than fills
 * the path and a little of that buffer. Whether the queue is ours is never known beforehand: it may be somebody else's,
 * who then gets the link, or no queue at all but a round trip that varies or has become longer for good. So holding back
 * is an experiment, and the rate is what decides it:
 *
 *	free	no limit. When a long queue stands and the rate is steady, hold back by half of the queue.
 *	tried	Did the rate fall? Then let go, for 8 s and twice as long each time. Did the queue not become shorter?
 *		The same. Is it still long? By half of it again.
 *	held	After a second, and once the rate is steady, allow half as much again. Not possible while the limit is felt
 *		for 4 s more: let go. A long queue comes although we hold back: all is new, let go.
 *	probed	Does the rate rise? Then we were what kept it low: let go, as for a failed trial. Else hold back as before.
 *
 * "Falls" and "rises" are by a tenth, steady is neither: so much holding back may cost, and no more. A span in which the
 * sender did not keep the socket full decides nothing, and a trial or a probe in it has not been made. A rejected
 * alternative: to compute the limit from rate and round trip at each look. The rate then is what the limit makes of it,
 * and both go down together.
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
	uint32_t waiting;    /* bytes in the socket, sent or not */
	uint32_t memory;     /* bytes that they take of the send buffer; 0: not known */
};

enum pace_stage {
	PACE_FREE,
	PACE_TRIED,
	PACE_HELD,
	PACE_PROBED,
};

/* Of a few round trips. */
struct pace_span {
	uint64_t begin_at;
	uint64_t acked, busy_us; /* at its begin */
	uint32_t queue_us;	 /* the shortest: one that stands */
	uint32_t looks, full_looks;
};

struct pace {
	/* what follows, in bytes */
	uint32_t record; /* plaintext of a record */
	uint32_t burst;	 /* ciphertext of a send */
	uint32_t unsent; /* what the socket may hold that TCP has not sent */
	uint32_t held;	 /* what it may hold in all, as memory of the send buffer; 0: no limit */
	/* what is known */
	uint64_t rate; /* bytes per second; 0: nothing yet */
	uint64_t due_at;
	struct pace_span span;
	/* the experiment */
	enum pace_stage stage;
	uint64_t base_rate;	/* what the rate is compared with */
	uint32_t base_queue_us; /* and the queue */
	uint32_t usual;		/* what was held before the probe */
	uint64_t settled_at;	/* what was changed last shows from then on */
	uint64_t next_at;	/* free: not held before; held: not probed before */
	uint64_t free_ns;	/* how long the next time */
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

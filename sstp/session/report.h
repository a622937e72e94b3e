/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_REPORT_H
#define SSTP_SESSION_REPORT_H
/*
 * What data threads tell the control thread of their sessions: that one is up, that one is gone, and how far each has come. A
 * thread that tells takes a lock for some instructions, a few times in a session's life, and never waits for whoever is
 * told.
 *
 * At most REPORT_MAX things wait to be told. What is more is lost, and then the owner is told so: he asks for all anew.
 * Without an owner nothing is kept.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sstp/session/stages.h"

enum {
	REPORT_MAX = 16384, /* about 300 bytes each */
};

struct loop;

/* From the client's point of view: sent is what came out of the tunnel. */
struct report_counts {
	uint64_t sent_packets;
	uint64_t sent_bytes;
	uint64_t received_packets;
	uint64_t received_bytes;
};

/* All texts are there, "" where there is nothing to say; untrusted ones are escaped. */
struct report_session {
	uint64_t id;	 /* as logs know it */
	int64_t since;	 /* seconds since 1970: packets flow */
	const char *app; /* "": no app's */
	const char *vnet;
	const char *user;
	const char *owner; /* of the address's lease; as it is, any bytes */
	uint32_t address_be;
	uint8_t address6[16]; /* the one that it gets who negotiates IPv6; zeros: nobody does */
	const char *source;   /* address and port */
	const char *correlation;
	const char *thumbprint; /* of his certificate */
	struct report_counts counts;
};

/*
 * How a session has come up, or did not, and how it ended, told anew whenever that has become more. Texts as above; what of
 * it is not known, because it did not come that far, is "".
 */
struct report_timeline {
	uint64_t id;
	int64_t began_us;   /* since 1970 */
	uint64_t lasted_us; /* until it ended, or until now */
	bool has_ended;
	bool is_enrolment;
	uint8_t ended_by; /* enum session_side */
	struct stages stages;
	uint32_t
		untold; /* others of this thread that ended before they were authenticated, and were not told of */
	uint32_t address_be; /* 0: none */
	const char *app;
	const char *vnet;
	const char *user;
	const char *source;
	const char *dialled; /* SNI */
	const char *tls;     /* version and cipher */
	const char *correlation;
	const char *auth; /* PPP's method */
	const char *thumbprint;
	const char *reason; /* why it ended */
};

/* Called in the control thread; all is borrowed for the call. */
struct report_ops {
	void (*on_up)(void *arg, const struct report_session *s);
	void (*on_down)(void *arg, uint64_t id, const char *reason,
			const struct report_counts *counts);
	void (*on_timeline)(void *arg, const struct report_timeline *t);
	/* Something was not kept: only who asks for all sessions knows which there are. */
	void (*on_lost)(void *arg);
};

struct report_desk;

/* For an owner in this loop (borrowed), the control thread's. Returns owned; NULL without memory. */
struct report_desk *report_new(struct loop *control);
/* Takes NULL. No thread may tell any more, and the loop may not run on. */
void report_free(struct report_desk *desk);

/* The control thread: ops and arg are borrowed; NULL: nobody. What waits is the new owner's. */
void report_set_owner(struct report_desk *desk, const struct report_ops *ops, void *arg);

/* Any thread. Copies all. */
void report_up(struct report_desk *desk, const struct report_session *s);
void report_down(struct report_desk *desk, uint64_t id, const char *reason,
		 const struct report_counts *counts);
void report_timeline(struct report_desk *desk, const struct report_timeline *t);

/* Somebody is told: what is told else nobody hears of. Any thread. */
bool report_is_open(const struct report_desk *desk);

/* ---- sessions that are up, as one thread after the other lists them ---- */

struct report_event;

/* All zero: empty. */
struct report_list {
	struct report_event *first, *last; /* owned */
};

/* Adds a copy. 0 or -ENOMEM. */
int report_list_add(struct report_list *list, const struct report_session *s);
int report_list_add_timeline(struct report_list *list, const struct report_timeline *t);
/* Tells ops of each, in order, and empties it. */
void report_list_tell(struct report_list *list, const struct report_ops *ops, void *arg);

/* ---- what they have moved ---- */

struct report_traffic {
	uint64_t id;
	struct report_counts counts; /* since its beginning */
};

/* All zero: empty. */
struct report_traffic_list {
	struct report_traffic *entries; /* owned */
	size_t n, size;
};

/* 0 or -ENOMEM. */
int report_traffic_add(struct report_traffic_list *list, const struct report_traffic *entry);
void report_traffic_done(struct report_traffic_list *list);

#endif

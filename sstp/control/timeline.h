/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_TIMELINE_H
#define SSTP_CONTROL_TIMELINE_H
/*
 * What has happened to each session, in memory: what the data plane tells of its stages (msg_timeline.h), and what control
 * itself has done to it. Of one session the last telling counts, but an end is final, and an address that it had stays.
 *
 * Sessions that are up, those that have ended, and strangers, who ended before they were authenticated and may be as many
 * as they like, are three queues. When there is no room the oldest that has ended gives way, then the oldest stranger, and
 * only then the oldest that is up; strangers have a limit of their own, and beyond it they push out only each other.
 * What control has done is kept NOTES_MAX times for each session, the oldest forgotten first, and counted.
 *
 * Pure: no clock, no I/O. About 1 KB for each session.
 */
#include "sstp/control/msg_timeline.h"

enum {
	TIMELINE_SESSIONS_MAX = 16384,
	TIMELINE_STRANGERS_MAX = 4096, /* of them */
	TIMELINE_NOTES_MAX = 32,       /* of one session */
	TIMELINE_DETAIL_MAX = 255,     /* bytes of what a note says; the rest is cut */
	TIMELINE_ID_MAX = 40,
};

/* Something that control has done. */
struct timeline_note {
	struct timeline_note *next;
	int64_t at_us;	   /* since 1970 */
	const char *event; /* a literal: "disconnect" */
	char detail[];
};

/* To be looked at, until the next call that changes something. */
struct timeline {
	struct msg_timeline told;    /* its texts too */
	struct timeline_note *notes; /* in their order */
	unsigned n_notes;
	unsigned forgotten; /* notes */
};

struct timelines_limits {
	size_t sessions; /* at least 1 */
	size_t strangers;
};

struct timelines;

/* Returns owned; NULL without memory. */
struct timelines *timelines_new(const struct timelines_limits *limits);
/* Takes NULL. */
void timelines_free(struct timelines *t);

/* Copies m. 0 or -ENOMEM: then it is as if it had not been told. */
int timelines_take(struct timelines *t, const struct msg_timeline *m);

/* All that are up are told between the two; one that is not has ended at now_us. */
void timelines_begin(struct timelines *t);
void timelines_end(struct timelines *t, int64_t now_us);

/* Whose: what is 0 or NULL does not matter. */
struct timelines_whose {
	uint64_t id;
	const char *app;
	const char *vnet;
};

/* For each that is up. Returns how many; what there is no memory for is left out. event: a literal; copies detail. */
size_t timelines_note(struct timelines *t, const struct timelines_whose *whose, int64_t at_us,
		      const char *event, const char *detail);

/* Which: members that are NULL do not matter. */
struct timelines_key {
	const char *session;	 /* "SSTP_0123456789abcdef-42" in any case, or its number */
	const char *correlation; /* with braces or without, in any case */
	const char *app;
};

/* The newest first: after NULL, the one that came last. NULL: there is no other. Returns borrowed. */
const struct timeline *timelines_next(const struct timelines *t, const struct timelines_key *key,
				      const struct timeline *after);

/* By which the API knows the session. Returns ret_text. */
const char *timeline_id(const struct timeline *e, char ret_text[TIMELINE_ID_MAX]);

bool timeline_has_passed(const struct timeline *e, enum msg_stage stage);

/* How many there are; of those that the data plane has not told of, for they were too many: since the beginning. */
size_t timelines_count(const struct timelines *t);
uint64_t timelines_untold(const struct timelines *t);

/* Aborts unless all is as it has to be; for tests. */
void timelines_check(const struct timelines *t);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_METRICS_H
#define SSTP_SESSION_METRICS_H
/*
 * What a data thread counts of its sessions beside their traffic: how long set-ups took, where and why they failed, how
 * they ended, how long packets waited. Each thread has its own and nobody else writes there: no lock, no atomic; whoever
 * wants the sum asks each thread in turn.
 */
#include <stdbool.h>
#include <stdint.h>

#include "sstp/base/times.h"
#include "sstp/session/session.h"
#include "sstp/session/stages.h"

enum metrics_method {
	METRICS_BY_PASSWORD, /* or not agreed on yet */
	METRICS_BY_CERTIFICATE,
	METRICS_METHODS,
};

enum {
	METRICS_ENDS = SESSION_END_RESTART + 1
};

/* All zero: nothing has happened. */
struct metrics {
	struct times setup;		       /* of sessions that came up: since accept, */
	struct times stages[STAGES];	       /* and each stage since the one before */
	uint64_t failed[STAGES][METRICS_ENDS]; /* never up: by the stage that was not passed */
	uint64_t ended[METRICS_ENDS];	       /* that were up */
	uint64_t auth_ok[METRICS_METHODS], auth_failed[METRICS_METHODS];
	uint64_t enrolments; /* requests that were asked on */
};

/* Packets flow. */
void metrics_on_up(struct metrics *m, const struct stages *s);
/* A connection has ended that was up, or never was. */
void metrics_on_end(struct metrics *m, const struct stages *s, bool was_up, enum session_end end);

void metrics_add(struct metrics *sum, const struct metrics *m);

/* "normal", "lost", "auth", ...: for labels. */
const char *metrics_end_name(enum session_end end);

#endif

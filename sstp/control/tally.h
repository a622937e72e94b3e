/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_TALLY_H
#define SSTP_CONTROL_TALLY_H
/*
 * What sessions have moved by now, each the last that was heard of it: told every second, stored every few. Counters
 * are sums since a session's beginning; one that goes back is no news.
 *
 * Limit: TALLY_MAX sessions, 48 bytes each; one more is refused, and the caller stores what there is.
 */
#include "sstp/control/msg_site.h"

enum {
	TALLY_MAX = 65536
};

struct tally;

/* Returns owned; NULL without memory. */
struct tally *tally_new(void);
/* Takes NULL. */
void tally_free(struct tally *t);

/* 0; -ENOSPC; -ENOMEM. */
int tally_add(struct tally *t, uint64_t boot, uint64_t id, const struct msg_counts *counts);

/* Sessions in it. */
size_t tally_count(const struct tally *t);

/* The i-th of them, in no order. */
void tally_at(const struct tally *t, size_t i, uint64_t *ret_boot, uint64_t *ret_id,
	      struct msg_counts *ret_counts);

/* Empties it. */
void tally_clear(struct tally *t);

#endif

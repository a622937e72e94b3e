/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_LEARNED_PACE_H
#define SSTP_CONTROL_LEARNED_PACE_H
/* When the views of learned routes are renewed (learned.h says the rules). No clock of its own: `now` in ns. */
#include "sstp/control/learned.h"

struct learned_pace {
	uint64_t due[LEARNED_VIEWS];	  /* CLOCK_NEVER: nothing waits */
	uint64_t earliest[LEARNED_VIEWS]; /* no renewal before that */
};

struct learned_pace learned_pace_new(void);

/* The routes are others. */
void learned_pace_on_change(struct learned_pace *p, uint64_t now);

/* LEARNED_LOOKUP has been renewed, and is another one: the workers' has to follow. */
void learned_pace_on_renewal(struct learned_pace *p, uint64_t now);

/* True: this view is to be renewed now, and is taken to be. */
bool learned_pace_take(struct learned_pace *p, enum learned_view view, uint64_t now);

/* When learned_pace_take() may be true next. */
uint64_t learned_pace_next(const struct learned_pace *p);

#endif

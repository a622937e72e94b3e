/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/learned_pace.h"

static const uint64_t pauses[LEARNED_VIEWS] = {
	[LEARNED_LOOKUP] = LEARNED_PAUSE,
	[LEARNED_WORKERS] = LEARNED_WORKERS_PAUSE,
};

struct learned_pace learned_pace_new(void)
{
	return (struct learned_pace){.due = {CLOCK_NEVER, CLOCK_NEVER}};
}

static void schedule(struct learned_pace *p, enum learned_view view, uint64_t at)
{
	if (p->due[view] != CLOCK_NEVER)
		return;
	p->due[view] = at < p->earliest[view] ? p->earliest[view] : at;
}

void learned_pace_on_change(struct learned_pace *p, uint64_t now)
{
	schedule(p, LEARNED_LOOKUP, now + LEARNED_GATHER);
}

void learned_pace_on_renewal(struct learned_pace *p, uint64_t now)
{
	schedule(p, LEARNED_WORKERS, now);
}

bool learned_pace_take(struct learned_pace *p, enum learned_view view, uint64_t now)
{
	if (now < p->due[view])
		return false;
	p->due[view] = CLOCK_NEVER;
	p->earliest[view] = now + pauses[view];
	return true;
}

uint64_t learned_pace_next(const struct learned_pace *p)
{
	return clock_earlier(p->due[LEARNED_LOOKUP], p->due[LEARNED_WORKERS]);
}

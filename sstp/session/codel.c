/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/codel.h"

enum {
	/* so little is not worth a drop: the sender would have nothing left on the way */
	LEFT_MIN = 1514,
	/* a queue that was bad again so many intervals ago goes on where it was, nearly */
	MEMORY = 16,
};

/* The square root, rounded down, by its digits in base 2. */
static uint64_t square_root(uint64_t n)
{
	uint64_t root = 0;

	for (int bit = 31; bit >= 0; bit--) {
		uint64_t larger = root | UINT64_C(1) << bit;

		if (larger * larger <= n)
			root = larger;
	}
	return root;
}

/* RFC 8289, 5.5: the interval divided by the root of count. */
static uint64_t control_law(uint64_t at, uint32_t count)
{
	return at + square_root(CODEL_INTERVAL_NS * CODEL_INTERVAL_NS / count);
}

/* Above the target for an interval. */
static bool is_bad(struct codel *c, uint64_t now, uint64_t waited_ns, size_t left)
{
	if (waited_ns < CODEL_TARGET_NS || left <= LEFT_MIN) {
		c->above_until = 0;
		return false;
	}
	if (c->above_until == 0) {
		c->above_until = now + CODEL_INTERVAL_NS;
		return false;
	}
	return now >= c->above_until;
}

static void begin_dropping(struct codel *c, uint64_t now)
{
	uint32_t more = c->count - c->last_count;
	/* next_at may lie ahead */
	bool is_recent = now < c->next_at || now - c->next_at < MEMORY * CODEL_INTERVAL_NS;

	c->is_dropping = true;
	c->count = more > 1 && is_recent ? more : 1;
	c->last_count = c->count;
	c->next_at = control_law(now, c->count);
}

static bool is_next_due(struct codel *c, uint64_t now)
{
	if (c->has_dropped)
		c->next_at = control_law(c->next_at, c->count);
	c->has_dropped = now >= c->next_at;
	c->count += c->has_dropped;
	return c->has_dropped;
}

bool codel_is_due(struct codel *c, uint64_t now, uint64_t waited_ns, size_t left)
{
	bool bad = is_bad(c, now, waited_ns, left);

	if (!bad) {
		c->is_dropping = false;
		c->has_dropped = false;
		return false;
	}
	if (c->is_dropping)
		return is_next_due(c, now);
	begin_dropping(c, now);
	return true;
}

void codel_on_empty(struct codel *c)
{
	c->above_until = 0;
	c->is_dropping = false;
	c->has_dropped = false;
}

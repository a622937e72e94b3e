/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prefixes are nested or apart. Walked in one order, what covers a prefix comes before it: so it is enough
 * to keep, of each list, the widest prefix that may still cover what follows.
 */
#include "routing/overlap.h"

#include <string.h>
#include <sys/socket.h>

/* A list on its way. */
struct walk {
	const struct prefix *list;
	size_t n;
	size_t at;
	const struct prefix *widest; /* NULL: none yet */
};

static bool is_before(const struct prefix *p, const struct prefix *q)
{
	int order = (p->family == AF_INET6) - (q->family == AF_INET6);

	if (order == 0)
		order = memcmp(p->addr, q->addr, sizeof(p->addr));
	return order ? order < 0 : p->len < q->len;
}

/* Which of the two has the next prefix; NULL: none has. */
static struct walk *next_of(struct walk *a, struct walk *b)
{
	if (a->at == a->n)
		return b->at < b->n ? b : NULL;
	return b->at < b->n && is_before(&b->list[b->at], &a->list[a->at]) ? b : a;
}

bool overlap_find(const struct prefix *a, size_t n_a, const struct prefix *b, size_t n_b,
		  struct prefix *ret_a, struct prefix *ret_b)
{
	struct walk walks[2] = {{.list = a, .n = n_a}, {.list = b, .n = n_b}};
	struct walk *here;

	while ((here = next_of(&walks[0], &walks[1])) != NULL) {
		const struct walk *other = &walks[here == &walks[0]];
		const struct prefix *p = &here->list[here->at++];

		if (other->widest && prefix_covers(other->widest, p)) {
			*ret_a = here == &walks[0] ? *p : *other->widest;
			*ret_b = here == &walks[0] ? *other->widest : *p;
			return true;
		}
		if (!here->widest || !prefix_covers(here->widest, p))
			here->widest = p;
	}
	return false;
}

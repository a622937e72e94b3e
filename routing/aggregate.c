/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/aggregate.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static int compare(const void *a, const void *b)
{
	const struct prefix *p = a;
	const struct prefix *q = b;
	int order = (p->family == AF_INET6) - (q->family == AF_INET6);

	if (order == 0)
		order = memcmp(p->addr, q->addr, sizeof(p->addr));
	return order ? order : (int)p->len - (int)q->len;
}

size_t aggregate_sort(struct prefix *list, size_t n)
{
	size_t kept = 0;

	if (n)
		qsort(list, n, sizeof(*list), compare);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || !prefix_equal(&list[kept - 1], &list[i]))
			list[kept++] = list[i];
	return kept;
}

/* a lies below b: are they the two halves of one prefix? */
static bool are_halves(const struct prefix *a, const struct prefix *b)
{
	struct prefix whole = *a;

	if (a->len != b->len || a->len == 0)
		return false;
	whole.len--;
	return (whole.addr[whole.len / 8] & (0x80 >> whole.len % 8)) == 0 &&
	       prefix_covers(&whole, b);
}

/*
 * What is left of the list so far is minimal by itself, and ends with what lies highest: the next one
 * can only lie in that, or be its other half, which may make it the other half of the one before.
 */
size_t aggregate_minimal(struct prefix *list, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (kept && prefix_covers(&list[kept - 1], &list[i]))
			continue;
		list[kept++] = list[i];
		while (kept > 1 && are_halves(&list[kept - 2], &list[kept - 1])) {
			kept--;
			list[kept - 1].len--;
		}
	}
	return kept;
}

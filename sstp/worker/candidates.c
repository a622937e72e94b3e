/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/candidates.h"

#include <string.h>

/* `next` goes on, so that an answer at every attempt does not begin with the same address each time. */
void candidates_set(struct candidates *c, const struct addrinfo *list)
{
	c->n = 0;
	for (; list && c->n < CANDIDATES_MAX; list = list->ai_next) {
		if (list->ai_addrlen > sizeof(c->list[0].addr))
			continue;
		memcpy(&c->list[c->n].addr, list->ai_addr, list->ai_addrlen);
		c->list[c->n++].len = list->ai_addrlen;
	}
}

const struct candidate *candidates_next(struct candidates *c)
{
	return c->n ? &c->list[c->next++ % c->n] : NULL;
}

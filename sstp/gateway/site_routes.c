/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/gateway/site_routes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/base/log.h"

enum {
	CHUNK = 256, /* routes that are copied at a time */
};

struct site_routes {
	struct dataplane *dataplane;
	struct reach *reach;	     /* so far; NULL: none is being told */
	size_t n_open, n_left_out;   /* of these, and not of these */
	char vnet[MSG_NAME_MAX + 1]; /* whose that is */
};

static void forget(struct site_routes *s)
{
	reach_unref(s->reach);
	s->reach = NULL;
}

_Static_assert((int)MSG_VERDICT_VNET == (int)REACH_VNET, "verdicts");
_Static_assert((int)MSG_VERDICT_OPEN == (int)REACH_OPEN, "verdicts");
_Static_assert((int)MSG_VERDICT_PEERING == (int)REACH_REFUSED, "verdicts");
_Static_assert((int)MSG_VERDICT_NONE == (int)REACH_NONE, "verdicts");
_Static_assert((int)MSG_VERDICT_COUNT == (int)REACH_VERDICTS, "verdicts");

/* False: it is open, and one too many. */
static bool has_place(struct site_routes *s, const struct msg_route *route)
{
	if (route->verdict != MSG_VERDICT_OPEN)
		return true;
	if (s->n_open == SITE_ROUTES_OPEN_MAX) {
		s->n_left_out++;
		return false;
	}
	s->n_open++;
	return true;
}

static int add(struct site_routes *s, const struct msg_route *routes, size_t n)
{
	struct reach_route some[CHUNK];
	int r = 0;

	while (n > 0 && r == 0) {
		size_t chunk = n < CHUNK ? n : CHUNK, kept = 0;

		for (size_t i = 0; i < chunk; i++)
			if (has_place(s, &routes[i]))
				some[kept++] =
					(struct reach_route){routes[i].prefix, routes[i].verdict};
		r = reach_add(s->reach, some, kept);
		routes += chunk;
		n -= chunk;
	}
	return r;
}

static int begin(struct site_routes *s, const char *vnet)
{
	forget(s);
	snprintf(s->vnet, sizeof(s->vnet), "%s", vnet);
	s->reach = reach_new();
	s->n_open = s->n_left_out = 0;
	return s->reach ? 0 : -ENOMEM;
}

static int put_into_effect(struct site_routes *s)
{
	size_t n;
	int r = dataplane_set_reach(s->dataplane, s->vnet, s->reach);

	reach_routes(s->reach, &n);
	if (r == 0)
		log_debug("VNet %s: %zu routes%s", s->vnet, n,
			  reach_refuses(s->reach) ? ", not all of them open" : "");
	if (r == 0 && s->n_left_out)
		log_warning("VNet %s: %zu learned routes are more than fit, and left out: filter "
			    "what is propagated",
			    s->vnet, s->n_left_out);
	forget(s);
	return r;
}

int site_routes_take(struct site_routes *s, const struct msg_vnet_routes *m)
{
	bool is_first = m->part == MSG_PART_ONLY || m->part == MSG_PART_FIRST;
	bool is_last = m->part == MSG_PART_ONLY || m->part == MSG_PART_LAST;
	int r = 0;

	if (is_first)
		r = begin(s, m->vnet);
	else if (!s->reach || strcmp(s->vnet, m->vnet) != 0)
		r = -EPROTO;
	if (r == 0)
		r = add(s, m->routes, m->n_routes);
	if (r < 0)
		forget(s);
	return r == 0 && is_last ? put_into_effect(s) : r;
}

struct site_routes *site_routes_new(struct dataplane *dataplane)
{
	struct site_routes *s = calloc(1, sizeof(*s));

	if (s)
		s->dataplane = dataplane;
	return s;
}

void site_routes_free(struct site_routes *s)
{
	if (!s)
		return;
	forget(s);
	free(s);
}

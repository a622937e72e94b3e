/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUN_RTNL_MIRROR_H
#define TUN_RTNL_MIRROR_H
/*
 * One routing table of the kernel, as its notifications tell it: which routes there are, in the kernel's own order.
 *
 * Routes to one prefix with the same metric stand behind each other, and of these an addition goes to the front, an appended one
 * to the end, and a replacement takes the place of the first. A route has a list of hops. IPv6 tells of
 * a route with all hops that it has by then, and takes single hops away: there two routes of the same prefix and metric never
 * share a hop.
 *
 * Routes lie one behind the other, found by an index of half-filled slots: about 80 bytes each, given back when three
 * quarters are unused. The hash is seeded: who announces prefixes cannot choose where they land.
 * Limit: RTNL_MIRROR_MAX routes (-ENOSPC).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "routing/prefix.h"

enum {
	RTNL_MIRROR_MAX = 1 << 22,
	RTNL_HOPS_MAX = 256, /* of a route; of more the first ones */
};

struct rtnl_hop {
	uint8_t family; /* of via; 0: it has none */
	uint8_t via[16];
	uint32_t ifindex;
};

struct rtnl_learned {
	struct prefix dst;
	uint8_t type;	  /* RTN_ */
	uint8_t protocol; /* RTPROT_ */
	uint8_t tos;
	uint16_t n_hops;
	uint32_t metric;
	struct rtnl_hop hop;   /* the first */
	struct rtnl_hop *more; /* the others; NULL: there are none */
};

enum rtnl_mirror_how {
	RTNL_MIRROR_FIRST,
	RTNL_MIRROR_LAST,
	RTNL_MIRROR_REPLACE,
};

struct rtnl_mirror;

/* wanted: of which protocols changes count, one for each; copied. Returns owned; NULL without memory. */
struct rtnl_mirror *rtnl_mirror_new(const bool wanted[256]);
/* Takes NULL. */
void rtnl_mirror_free(struct rtnl_mirror *m);

/* Copies the route. One that is there already, and is the same in all, stays where it is. 0; -ENOMEM, -ENOSPC. */
int rtnl_mirror_add(struct rtnl_mirror *m, const struct rtnl_learned *route,
		    enum rtnl_mirror_how how);

/* As the kernel tells it: the whole route, or a hop of it. 0; -ESRCH: it is not there; -ENOMEM. */
int rtnl_mirror_del(struct rtnl_mirror *m, const struct rtnl_learned *route);

size_t rtnl_mirror_count(const struct rtnl_mirror *m);

/* Number i, in no order; borrowed until the next change. */
const struct rtnl_learned *rtnl_mirror_at(const struct rtnl_mirror *m, size_t i);

bool rtnl_mirror_wants(const struct rtnl_mirror *m, const struct rtnl_learned *route);

/* Counts the changes of wanted routes. */
uint64_t rtnl_mirror_changes(const struct rtnl_mirror *m);

/* The wanted routes of both are the same ones, whatever their order within a prefix. */
bool rtnl_mirror_equal(const struct rtnl_mirror *a, const struct rtnl_mirror *b);

/* A hop of some route leads there. */
bool rtnl_mirror_uses(const struct rtnl_mirror *m, uint32_t ifindex);

/* Equal in all but the order of hops. */
bool rtnl_learned_equal(const struct rtnl_learned *a, const struct rtnl_learned *b);

/* What it leads to is somewhere else: it is no unreachable one, nor of this machine. */
bool rtnl_learned_is_unicast(const struct rtnl_learned *route);

/* Hop number i of the route's n_hops. */
const struct rtnl_hop *rtnl_learned_hop(const struct rtnl_learned *route, size_t i);

/* Every route can be found, once, and the counts are right: for tests. */
bool rtnl_mirror_check(const struct rtnl_mirror *m);

#endif

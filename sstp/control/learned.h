/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_LEARNED_H
#define SSTP_CONTROL_LEARNED_H
/*
 * What a routing daemon (BIRD, FRR) has learned from on-premises: per VNet the routes that it has put into the kernel's table
 * of the VNet's namespace, followed by rtnetlink (tun/rtnl_learn.h). We speak no BGP.
 *
 * Never learned, whoever announces it: a default route; a prefix within one of the VNet's own (its address spaces and
 * pools), equal or more specific. What covers an own prefix is learned: the own one is the more specific. The filters of
 * the gateway (bgpFilters) are not asked here.
 *
 * There are two views, each an immutable array that is replaced as a whole:
 *   LEARNED_LOOKUP   for the gateway's own lookup and for what operators are shown. A change after quiet is in it within
 *                    LEARNED_GATHER; while changes go on and on, it is renewed every LEARNED_PAUSE.
 *   LEARNED_WORKERS  for what workers and clients are told. Renewed together with the other after quiet, and then no sooner
 *                    than LEARNED_WORKERS_PAUSE after its last renewal: flapping on-premises is not handed on to everybody.
 * Whatever changed last is in both in the end; nothing waits for longer than its pause. A table that has to be read anew,
 * because the kernel told more than we could hear, shows as it was until it has been read whole.
 *
 * Limit: LEARNED_MAX routes of a VNet, about 100 bytes each; of more the first ones by order are there, and is_cut says so.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "routing/prefix.h"
#include "sstp/base/clock.h"
#include "sstp/net/loop.h"

#define LEARNED_GATHER	      (50 * CLOCK_NS_PER_MS)
#define LEARNED_PAUSE	      (500 * CLOCK_NS_PER_MS)
#define LEARNED_WORKERS_PAUSE (5 * CLOCK_NS_PER_S)

enum {
	LEARNED_MAX = 1 << 20,
	LEARNED_OWN_MAX = 2048, /* own prefixes of a VNet */
};

struct learned_route {
	struct prefix dst;
	uint8_t protocol;   /* who installed it, a RTPROT_ number: learned_protocol() */
	uint8_t via_family; /* AF_INET, AF_INET6; 0: there is no next hop */
	uint16_t n_hops;    /* ways; via is the first one */
	uint32_t metric;
	uint32_t ifindex; /* of the first way; 0: none */
	uint8_t via[16];  /* network byte order */
};

/* All borrowed until control is back in its loop. */
struct learned_routes {
	const struct learned_route
		*routes; /* each prefix once, in the order of learned_compare() */
	size_t n;
	uint64_t
		generation; /* another one whenever the array is another one; 0: nothing has been learned yet */
	size_t n_never; /* in the kernel's table, but never learned */
	bool is_cut;
};

enum learned_view {
	LEARNED_LOOKUP,
	LEARNED_WORKERS,
	LEARNED_VIEWS,
};

/* What is followed for a VNet; borrowed for the call. */
struct learned_source {
	const char *netns; /* of its device; "": the gateway's */
	uint32_t table;	   /* the kernel's; 0: main */
	const struct prefix *own;
	size_t n_own; /* at most LEARNED_OWN_MAX */
};

struct learned_params {
	struct loop *loop;
	/*
	 * Somebody is to open a socket there (rtnl_learn_open()) and hand it to learned_take(), now or later. 0 or -errno: he
	 * cannot be asked now; it is tried again.
	 */
	int (*open)(void *arg, const char *vnet, const char *netns);
	/* From the loop: this view of the VNet is another one. It must not follow or forget. */
	void (*on_change)(void *arg, const char *vnet, enum learned_view view);
	void *arg;
};

struct learned;

/* Returns owned; NULL without memory. */
struct learned *learned_new(const struct learned_params *params);
/* Takes NULL. */
void learned_free(struct learned *l);

/*
 * From now on this is followed for the VNet, or no longer what was before; without effect when it is the same. Other own
 * prefixes count at once, another table or namespace begins from nothing. 0 or -ENOMEM, -E2BIG.
 */
int learned_follow(struct learned *l, const char *vnet, const struct learned_source *source);

/* Nothing of it is followed any more, and it has no routes. Without effect when nothing is. */
void learned_forget(struct learned *l, const char *vnet);

/* What was asked for by open(): a socket, which is taken, or -errno. Without effect when it is not wanted any more. */
void learned_take(struct learned *l, const char *vnet, int fd_or_errno);

/* Those of the VNet; none when it is not followed. */
struct learned_routes learned_of(const struct learned *l, const char *vnet, enum learned_view view);

/* The route to exactly this prefix, or the longest that covers it. Borrowed as the array; NULL: there is none. */
const struct learned_route *learned_find(const struct learned_routes *r, const struct prefix *dst);
const struct learned_route *learned_cover(const struct learned_routes *r, const struct prefix *dst);

/* By family, then address, then length, the shortest first. Below, at or above 0. */
int learned_compare(const struct prefix *a, const struct prefix *b);

/* "bird", "zebra", "bgp", ...; another one as its number. Returns buf, or a constant. */
enum {
	LEARNED_PROTOCOL_MAX = 12
};
const char *learned_protocol(uint8_t protocol, char buf[LEARNED_PROTOCOL_MAX]);

#endif

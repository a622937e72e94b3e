/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_ROUTE_TABLE_H
#define SSTP_WORKER_ROUTE_TABLE_H
/*
 * The worker's own routing table in the kernel, and the rules that lead to it: what stands there, and in which order it
 * comes and goes. See route_table.c. Each function is some exchanges with the kernel; what is refused half-way is taken
 * back with route_table_remove(), or route_table_give_up().
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "routing/prefix.h"

struct rtnl;

enum {
	ROUTE_FAMILIES = 2,
};

/* A value: a copy with a handle of its own is good for another thread, while nobody uses the original. */
struct route_table {
	struct rtnl *rtnl; /* borrowed */
	uint32_t number;
	unsigned ifindex; /* of the TUN device */
	struct prefix
		source[ROUTE_FAMILIES]; /* the private addresses, host prefixes; zeros: none yet */
	bool is_up[ROUTE_FAMILIES];	/* there is one, and prefixes lead into the device */
	bool has_ipv6;			/* IPv6 packets are sent here as well */
	bool lacks_ipv6;		/* the kernel has none: there is nothing to lead anywhere */
	bool shares_gateway;		/* the tunnel's own packets come by here */
	struct prefix gateway;		/* where they go, a host prefix; zeros: not known yet */
	bool is_pinned;
};

/* Of a TUN device's name: two names that are in use at once share one once in 16 million. */
uint32_t route_table_number(const char *tun_name);

/* Of source[] and is_up[]. */
unsigned route_table_family(uint8_t family);

/*
 * 0, or -errno: -EEXIST with ret_error when one of these prefixes overlaps what another worker in this namespace has in
 * its table.
 */
int route_table_check(const struct route_table *t, const struct prefix *prefixes, size_t n,
		      char ret_error[256]);

/* Closes the prefixes, drops what else a killed worker left, and has the table asked. 0 or -errno. */
int route_table_take(struct route_table *t, const struct prefix *prefixes, size_t n);

/* Takes back all of it. */
void route_table_give_up(struct route_table *t);

/*
 * Prefixes that are new: where their family is up they lead into the device, and they are refused otherwise. The gateway
 * stays outside. Addresses that another prefix covers already never stand still meanwhile. 0 or -errno.
 */
int route_table_add(struct route_table *t, const struct prefix *prefixes, size_t n);

/* These are left to the other tables, or to longer or shorter prefixes of this one: `left` are those that stay. */
void route_table_remove(struct route_table *t, const struct prefix *prefixes, size_t n,
			const struct prefix *left, size_t nleft);

/* Those of the family lead into the device, from its source. The device is up and has the address. 0 or -errno. */
int route_table_lead(struct route_table *t, uint8_t family, const struct prefix *prefixes,
		     size_t n);

/* The gateway, NULL: none, is left outside of these prefixes, and the one before is not. 0 or -errno. */
int route_table_pin(struct route_table *t, const struct prefix *gateway,
		    const struct prefix *prefixes, size_t n);

/* What is sent from this address goes by this table or not at all. 0 or -errno. */
int route_table_refuse_source(struct route_table *t, const struct prefix *address);
/* No more for any other address than source[]. 0 or -errno. */
int route_table_drop_sources(struct route_table *t);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUN_RTNL_H
#define TUN_RTNL_H
/*
 * Links, addresses and routes by rtnetlink, in one network namespace. Synchronous: each call is
 * one exchange with the kernel, for set-up and route changes, never on the packet path. All
 * routes carry our own protocol number, so that what a crashed process left can be found and
 * taken back.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "routing/prefix.h"

struct rtnl;

enum {
	RTNL_PROTOCOL = 83
}; /* rtm_protocol of every route we add ('S') */

/* Opens a socket in netns_fd (< 0: the present one). Returns 0 with an owned handle, or -errno. */
int rtnl_open(int netns_fd, struct rtnl **ret_rtnl);

/* Takes NULL. What was set stays; take it back first. */
void rtnl_close(struct rtnl *r);

int rtnl_link_up(struct rtnl *r, unsigned ifindex, uint32_t mtu); /* mtu 0: as it is */
int rtnl_link_down(struct rtnl *r, unsigned ifindex);

/* Adds a host address (IPv4 in network byte order), /32; -EEXIST is not an error. */
int rtnl_address_add(struct rtnl *r, unsigned ifindex, uint32_t addr_be);
/* -EADDRNOTAVAIL is not an error. */
int rtnl_address_del(struct rtnl *r, unsigned ifindex, uint32_t addr_be);

enum rtnl_route_kind {
	RTNL_ROUTE_DEVICE,	/* out of ifindex, no next hop (scope link) */
	RTNL_ROUTE_GATEWAY,	/* via gateway_be out of ifindex */
	RTNL_ROUTE_UNREACHABLE, /* answers with ICMP host unreachable: fails closed */
};

struct rtnl_route {
	struct prefix dst;
	enum rtnl_route_kind kind;
	unsigned ifindex;
	uint32_t gateway_be;
	uint32_t source_be; /* preferred source address; 0: none */
	uint32_t metric;    /* 0: the kernel's default */
};

/*
 * Adds, or replaces one with the same prefix and metric, whoever added that one: give a metric
 * where another's route must survive. For an IPv6 dst only DEVICE and UNREACHABLE without a
 * source (-EAFNOSUPPORT). 0 or -errno: -ENETDOWN the link is down, -ENETUNREACH the gateway is
 * not on a link, -EINVAL source_be is not ours, -ENODEV.
 */
int rtnl_route_add(struct rtnl *r, const struct rtnl_route *route);
/*
 * Deletes it if it is ours. One that is not there, or went with its device, is not an error.
 * metric 0 takes any metric, the lowest first.
 */
int rtnl_route_del(struct rtnl *r, const struct rtnl_route *route);

/*
 * Deletes every route, IPv4 and IPv6, with RTNL_PROTOCOL whose device is ifindex (0: any,
 * unreachable ones too). The number deleted, or -errno.
 */
int rtnl_route_flush(struct rtnl *r, unsigned ifindex);

/*
 * How the kernel would reach addr now: RTNL_ROUTE_DEVICE or RTNL_ROUTE_GATEWAY filled in (dst is
 * the host prefix, metric 0), ready for rtnl_route_add(). 0; -ENETUNREACH: no route;
 * -EHOSTUNREACH: an unreachable one; -EAFNOSUPPORT: the next hop is an IPv6 address; or -errno.
 */
int rtnl_route_get(struct rtnl *r, uint32_t addr_be, struct rtnl_route *ret_route);

/* An IPv4 address of this namespace. */
struct rtnl_address {
	unsigned ifindex;
	uint32_t local_be;
	uint32_t broadcast_be; /* of its subnet, which is delivered here too; 0: none */
};

/* Calls each() for every IPv4 address of this namespace, loopback's too. 0 or -errno. */
int rtnl_address_list(struct rtnl *r, void (*each)(void *arg, const struct rtnl_address *address),
		      void *arg);

#endif

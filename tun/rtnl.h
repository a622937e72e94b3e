/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUN_RTNL_H
#define TUN_RTNL_H
/*
 * Links, addresses, routes and rules by rtnetlink, in one network namespace. Synchronous: each call
 * is one exchange with the kernel, for set-up and route changes, never on the packet path. All
 * routes and rules carry our own protocol number, so that what a crashed process left can be found
 * and taken back, and nothing of anybody else is touched.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "routing/prefix.h"

struct rtnl;

enum {
	RTNL_PROTOCOL = 83
}; /* of every route and rule we add ('S') */

/* Opens a socket in netns_fd (< 0: the present one). Returns 0 with an owned handle, or -errno. */
int rtnl_open(int netns_fd, struct rtnl **ret_rtnl);

/*
 * The same of a socket that rtnl_open() made, here or in another process: it stays in its namespace. Only who may
 * change the network there can do more than ask. Takes fd, also on failure. 0 or -errno: -ENOTSOCK.
 */
int rtnl_adopt(int fd, struct rtnl **ret_rtnl);

/* Borrowed until rtnl_close(). */
int rtnl_fd(const struct rtnl *r);

/* Takes NULL. What was set stays; take it back first. */
void rtnl_close(struct rtnl *r);

int rtnl_link_up(struct rtnl *r, unsigned ifindex, uint32_t mtu); /* mtu 0: as it is */
int rtnl_link_down(struct rtnl *r, unsigned ifindex);

/*
 * What is sent goes to the device without a queueing discipline in between: one that takes every packet at once, as a TUN
 * device does, has nothing to queue. For a new device; whoever wants a discipline later sets one. 0 or -errno.
 */
int rtnl_link_drop_qdisc(struct rtnl *r, unsigned ifindex);

/* The link gives itself no IPv6 link-local address when it goes up, and asks for no router. 0 or -errno. */
int rtnl_link_no_link_local(struct rtnl *r, unsigned ifindex);

/*
 * Adds a host address, a host prefix of either family; -EEXIST is not an error. No route comes with it. An IPv6 one can be
 * sent from at once, for nobody is asked whether it is a duplicate; what is sent to it comes in a moment later, when the
 * kernel's own queue of work got there. -EACCES: IPv6 is switched off on the link.
 */
int rtnl_address_add(struct rtnl *r, unsigned ifindex, const struct prefix *address);
/* -EADDRNOTAVAIL is not an error. */
int rtnl_address_del(struct rtnl *r, unsigned ifindex, const struct prefix *address);

enum rtnl_route_kind {
	RTNL_ROUTE_DEVICE,	/* out of ifindex, no next hop (scope link) */
	RTNL_ROUTE_UNREACHABLE, /* answers with ICMP host unreachable: fails closed */
	RTNL_ROUTE_THROW,	/* as if its table had no route there: the next rule is asked */
	RTNL_ROUTE_BLACKHOLE, /* drops without a word; or, in a table that no rule asks, only says that it is there */
};

struct rtnl_route {
	struct prefix dst;
	enum rtnl_route_kind kind;
	unsigned ifindex; /* of a device route */
	struct prefix
		source;	 /* preferred source address, a host prefix of dst's family; zeros: none */
	uint32_t metric; /* 0: the kernel's default */
	uint32_t table;	 /* 0: the main one */
};

/*
 * Adds it. One that is there already with the same prefix, metric and table is replaced only when
 * it is this very route, of RTNL_PROTOCOL, kind and device: a crashed process left it, or its
 * source moves. Anything else there is somebody else's and stays: -EEXIST. 0 or -errno: -ENETDOWN the link is down, -EINVAL
 * source is not ours, -EAFNOSUPPORT source is of another family, or the kernel has none of this, -ENODEV.
 */
int rtnl_route_add(struct rtnl *r, const struct rtnl_route *route);
/*
 * The same in a table that nobody else writes to: what has the same prefix, metric and table, whatever it is, is replaced
 * at once. One exchange, where the other may have to list all routes.
 */
int rtnl_route_set(struct rtnl *r, const struct rtnl_route *route);
/*
 * Deletes it if it is ours. One that is not there, or went with its device, is not an error.
 * metric 0 takes any metric, the lowest first; for IPv6 the kernel then does not look at the kind.
 */
int rtnl_route_del(struct rtnl *r, const struct rtnl_route *route);

/*
 * Deletes every route, IPv4 and IPv6, of every table, with RTNL_PROTOCOL whose device is ifindex
 * (0: any, unreachable ones too). The number deleted, or -errno.
 */
int rtnl_route_flush(struct rtnl *r, unsigned ifindex);

/*
 * Calls each() for every route with RTNL_PROTOCOL, IPv4 before IPv6, of every table; each() may change routes.
 * 0 or -errno.
 */
int rtnl_route_list(struct rtnl *r, void (*each)(void *arg, const struct rtnl_route *route),
		    void *arg);

enum rtnl_rule_kind {
	RTNL_RULE_LOOKUP, /* its table is asked */
	RTNL_RULE_UNREACHABLE, /* answers with ICMP network unreachable; its table says only whose it is */
};

struct rtnl_rule {
	uint8_t family;	   /* of the packets: AF_INET or AF_INET6 */
	uint32_t priority; /* lower ones are asked first; the main table's is 32766 */
	enum rtnl_rule_kind kind;
	uint32_t table;
	struct prefix source; /* only for what is sent from it, of that family; zeros: for all */
};

/* -EEXIST is not an error. 0 or -errno: -EOPNOTSUPP the kernel has no policy routing, -EAFNOSUPPORT none for IPv6. */
int rtnl_rule_add(struct rtnl *r, const struct rtnl_rule *rule);
/* One that is not there is not an error. */
int rtnl_rule_del(struct rtnl *r, const struct rtnl_rule *rule);

/* 1: some rule of either family, whoever's it is, asks this table; 0: none does; -errno. */
int rtnl_rule_asks(struct rtnl *r, uint32_t table);

/*
 * Calls each() for every rule with RTNL_PROTOCOL, IPv4 before IPv6; each() may change rules. 0 or -errno. A kernel
 * before 4.17 keeps no protocol of rules: none is found there.
 */
int rtnl_rule_list(struct rtnl *r, void (*each)(void *arg, const struct rtnl_rule *rule),
		   void *arg);

/* An address of this namespace. */
struct rtnl_address {
	unsigned ifindex;
	struct prefix local;   /* a host prefix */
	uint32_t broadcast_be; /* of its IPv4 subnet, which is delivered here too; 0: none */
};

/* Calls each() for every address of this namespace, IPv4 before IPv6, loopback's too. 0 or -errno. */
int rtnl_address_list(struct rtnl *r, void (*each)(void *arg, const struct rtnl_address *address),
		      void *arg);

#endif

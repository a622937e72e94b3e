/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUN_RTNL_GET_H
#define TUN_RTNL_GET_H
/* Where the kernel would send a packet, as "ip route get" says. For who looks for a mistake; asks nothing of the network. */
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "routing/prefix.h"
#include "tun/rtnl.h"

enum rtnl_got_kind {
	RTNL_GOT_FORWARDED,   /* out of a device, by a next hop or directly */
	RTNL_GOT_LOCAL,	      /* it is an address of this host, or a broadcast address */
	RTNL_GOT_UNREACHABLE, /* a route says so: unreachable, prohibit, blackhole, throw */
};

struct rtnl_got {
	enum rtnl_got_kind kind;
	uint8_t via_family;	  /* AF_INET, AF_INET6; 0: there is no next hop */
	uint8_t via[16];	  /* network byte order */
	char device[IF_NAMESIZE]; /* "": none */
	uint32_t table;
};

/*
 * address: a prefix of full length. 0; -ENETUNREACH and -EHOSTUNREACH: there is no route, -EACCES: one prohibits it,
 * -EINVAL: one is a blackhole; or -errno.
 */
int rtnl_route_get(struct rtnl *r, const struct prefix *address, struct rtnl_got *ret_got);

#endif

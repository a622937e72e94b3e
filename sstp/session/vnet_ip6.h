/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_VNET_IP6_H
#define SSTP_SESSION_VNET_IP6_H
/*
 * IPv6 of a VNet that has a pool of it: the session with the IPv4 address of index i has the i-th /64 of the pool, all of it.
 * So there is one lease, one array and one owner for both families.
 *
 * Nothing is sent from or to a link-local or multicast address but a router solicitation, which the gateway answers.
 */
#include "sstp/session/drop.h"
#include "sstp/session/nd.h"
#include "sstp/session/vnet.h"
#include "tun/ip.h"

bool vnet_ip6_is_there(const struct vnet *v);

/* The first half of the addresses of an index; zeros: the VNet has no IPv6. */
void vnet_ip6_prefix(const struct vnet *v, uint32_t index, uint8_t ret_prefix[ND_PREFIX_SIZE]);

/* The index whose address it is; -ENOENT. */
int vnet_ip6_index(const struct vnet *v, const uint8_t address[ND_ADDRESS_SIZE]);

/* Is the source one that never leaves its link? */
bool vnet_ip6_is_local(const struct ip6_info *ip);

/* The control thread: what advertisements say from now on; and of which prefixes of IPv6 (the first ones). */
void vnet_ip6_set(struct vnet *v, const struct vnet_params *params);
void vnet_ip6_set_routes(struct vnet *v, const struct prefix *routes, size_t n);

/* What an advertisement says to the session of an index. Any thread; takes the VNet's lock. */
void vnet_ip6_advert(struct vnet *v, uint32_t index, struct nd_advert *ret_advert);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_SUPPORT_ROUTES_H
#define TEST_SUPPORT_ROUTES_H
/* Route tables made from a seed. */
#include <stddef.h>

#include "routing/prefix.h"
#include "test/support/prng.h"

/*
 * A prefix as a full BGP table has them. IPv4: 60 % /24, most others /16 to /23, a few longer, all
 * over the unicast space. IPv6: /48, /32, /44, /40, /36, /29 inside allocations of 2000::/3.
 */
struct prefix routes_bgp4(struct prng *p);
struct prefix routes_bgp6(struct prng *p);

/*
 * A prefix made to collide: another, with a few bits changed and another length, so that random
 * tables nest and share long paths.
 */
struct prefix routes_mutate(struct prng *p, const struct prefix *other);

/* Any prefix of the family, each length as likely. */
struct prefix routes_any(struct prng *p, uint8_t family);

/* An address inside the prefix, all 16 bytes of ret_addr set. */
void routes_address_in(struct prng *p, const struct prefix *prefix, uint8_t ret_addr[16]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_BGP_FILTER_H
#define SSTP_CONTROL_BGP_FILTER_H
/*
 * Which of the prefixes that BGP learns are propagated: a gateway's "bgpFilters", a prefix list as routers
 * have it. The first entry that matches decides. What none matches is denied, and permitted where the list
 * is empty.
 *
 *   {"action": "permit", "prefix": "10.0.0.0/8", "ge": 16, "le": 24}
 *
 * matches what lies in the prefix and has 16 to 24 bits. Without "ge" it begins with the prefix's own
 * length; "le" alone missing ends with all bits, both missing with that same length.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "routing/prefix.h"

enum {
	BGP_FILTERS_MAX = 256, /* of a gateway */
	BGP_FILTER_WHY_MAX = 256,
};

struct bgp_filter {
	struct prefix prefix;
	uint8_t ge; /* bits; prefix.len <= ge <= le <= those of an address */
	uint8_t le;
	bool is_permit;
};

/*
 * A list of objects. 0; -EINVAL with a sentence, which names the entry by its number from 1 on: an object
 * is none of these; -E2BIG, likewise: more than BGP_FILTERS_MAX.
 */
int bgp_filters_read(const json_t *list, struct bgp_filter ret_filters[BGP_FILTERS_MAX],
		     size_t *ret_n, char ret_why[BGP_FILTER_WHY_MAX]);

bool bgp_filters_permit(const struct bgp_filter *filters, size_t n, const struct prefix *p);

#endif

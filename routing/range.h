/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ROUTING_RANGE_H
#define ROUTING_RANGE_H
/*
 * A run of addresses, IPv4 or IPv6, as a plan's route names it: CIDR notation, or a first and a last
 * address, which need not lie on any boundary. Route tables know prefixes only, so a range becomes
 * the shortest list of them that covers it and nothing else.
 */
#include <stddef.h>
#include <stdint.h>

#include "routing/prefix.h"

enum {
	/* of ::1 to the last but one: 127 up to the middle, 127 down; of IPv4 62 */
	RANGE_PREFIXES_MAX = 254
};

/* Network byte order, as in struct prefix; both belong to it; first <= last. */
struct range {
	uint8_t family;
	uint8_t first[16];
	uint8_t last[16];
};

/*
 * From two fields: start in CIDR notation and no end (NULL or ""), or two addresses of one family.
 * Returns 0; otherwise ret_why is a sentence, borrowed for ever. -EINVAL: what is no address or
 * prefix, an end missing, one too many or of the other family; -EDOM: host bits are set; -ERANGE: the
 * end lies before the start.
 */
int range_parse(const char *start, const char *end, struct range *ret_range, const char **ret_why);

/*
 * From one text: "10.1.0.0/16", "10.1.0.5-10.1.0.77" or "2001:db8::5-2001:db8::77", without blanks. As
 * range_parse().
 */
int range_parse_text(const char *text, struct range *ret_range, const char **ret_why);

/* The prefixes in ascending order; returns how many: 1..RANGE_PREFIXES_MAX. */
size_t range_prefixes(const struct range *r, struct prefix ret_prefixes[RANGE_PREFIXES_MAX]);

#endif

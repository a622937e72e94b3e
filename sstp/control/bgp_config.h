/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_BGP_CONFIG_H
#define SSTP_CONTROL_BGP_CONFIG_H
/* A configuration of BIRD 2 for one VNet's gateway, with comments; "bird -p" takes it as it stands. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "routing/prefix.h"

struct bgp_config {
	const char *vnet;
	const char *netns;  /* "": the gateway's */
	const char *socket; /* of BIRD's control, where the gateway asks */
	uint32_t asn;
	uint32_t table; /* the kernel's, that what is imported goes into */
	uint32_t announce_table;
	const struct prefix *own; /* address spaces and pools */
	size_t n_own;
	/* NULL and 0: an example stands there, which does nothing */
	const char *neighbor; /* an address */
	uint32_t neighbor_as;
};

/* Returns owned; NULL without memory. Borrows all for the call. */
char *bgp_config_text(const struct bgp_config *config);

#endif

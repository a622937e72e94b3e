/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_EXPLAIN_BGP_H
#define SSTP_CONTROL_EXPLAIN_BGP_H
/*
 * What BIRD knows of a learned route, and of the way back: whose route it is, and which neighbours are told of the pool. Control
 * serves nobody else meanwhile: BIRD_PATIENCE for all questions together.
 */
#include "sstp/control/bird.h"

enum {
	EXPLAIN_NEIGHBORS_MAX = 256, /* bytes of their list; what is longer is cut */
};

struct explain_bgp {
	bool has_route; /* BIRD has it by BGP */
	struct prefix dst;
	char as_path[BIRD_PATH_MAX];	  /* "65010 65011" */
	char from[EXPLAIN_NEIGHBORS_MAX]; /* "192.0.2.2 (AS 65010)"; "": it is not known */
	char told[EXPLAIN_NEIGHBORS_MAX]; /* that learn the pool from us, likewise; "": none */
	char why[BIRD_WHY_MAX];		  /* BIRD has not answered all of it; "": it has */
};

/* dst NULL: nothing is learned; pool NULL: there is none. socket as bird_ask() takes it. */
void explain_bgp_ask(const char *socket, const struct prefix *dst, const struct prefix *pool,
		     struct explain_bgp *ret_bgp);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_BIRD_REPLY_H
#define SSTP_CONTROL_BIRD_REPLY_H
/*
 * What BIRD 2 says on its control socket. Each line begins with a number of four digits and '-', or a blank when it is the
 * last; a line of the same number as the one before begins with a blank alone. Numbers from 8000 on are refusals.
 *
 * What is not understood is passed over: the text is for people, and another version may have more of it. No I/O.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "routing/prefix.h"

enum {
	BIRD_NAME_MAX = 64,
	BIRD_ADDRESS_MAX = 64,
	BIRD_TEXT_MAX = 128,
	BIRD_PATH_MAX = 512, /* of AS numbers; what is longer is cut */
	BIRD_REFUSED = 8000, /* codes from here on */
};

/*
 * How many bytes of text are one whole reply; 0: it is not complete yet. ret_code: of its last line, which begins at
 * *ret_last.
 */
size_t bird_reply_whole(const char *text, size_t len, unsigned *ret_code, size_t *ret_last);

/* A neighbour; texts are "" when they are not said. */
struct bird_peer {
	char name[BIRD_NAME_MAX];      /* of BIRD's protocol */
	char state[BIRD_TEXT_MAX];     /* of BIRD's protocol: "up", "start", "down" */
	char bgp_state[BIRD_TEXT_MAX]; /* "Established", "Active", ... */
	char since[BIRD_TEXT_MAX];
	char error[BIRD_TEXT_MAX]; /* the last one */
	char local[BIRD_ADDRESS_MAX];
	char neighbor[BIRD_ADDRESS_MAX];
	uint32_t local_as;
	uint32_t neighbor_as;
	uint64_t imported; /* routes, of all families */
	uint64_t exported;
};

/* The answer to "show protocols all". */
void bird_reply_peers(const char *text, size_t len,
		      void (*each)(void *arg, const struct bird_peer *peer), void *arg);

struct bird_route {
	struct prefix dst;
	char peer[BIRD_NAME_MAX]; /* BIRD's protocol that it is from */
	char next_hop[BIRD_ADDRESS_MAX];
	char as_path[BIRD_PATH_MAX]; /* "65001 65002" */
	char origin[BIRD_TEXT_MAX];
	uint32_t local_pref;
	bool is_best;
};

/* The answer to "show route ... all". */
void bird_reply_routes(const char *text, size_t len,
		       void (*each)(void *arg, const struct bird_route *route), void *arg);

#endif

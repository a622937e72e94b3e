/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_BIRD_H
#define SSTP_CONTROL_BIRD_H
/*
 * Questions to BIRD 2 over its control socket: each makes a connection, restricts it to reading, and waits for the answer, for
 * a time that is bounded whatever the other side does. A daemon that is not there is a sentence.
 *
 * Control asks when an operator asks, and serves nobody else meanwhile: BIRD_PATIENCE for a few lines, BIRD_LONG_PATIENCE for
 * a table. Limit: BIRD_REPLY_MAX bytes of an answer.
 */
#include "sstp/base/clock.h"
#include "sstp/control/bird_reply.h"

#define BIRD_PATIENCE	   (500 * CLOCK_NS_PER_MS)
#define BIRD_LONG_PATIENCE (3 * CLOCK_NS_PER_S)

enum {
	BIRD_REPLY_MAX = 64 << 20,
	BIRD_WHY_MAX = 256,
	BIRD_COMMAND_MAX = 256,
	BIRD_SOCKET_MAX = 108,
};

/*
 * The socket of the VNet's daemon: "{vnet}" in the pattern stands for its name. -ENAMETOOLONG: it is no path of a socket.
 */
int bird_socket_path(const char *pattern, const char *vnet, char ret_path[BIRD_SOCKET_MAX]);

/*
 * One command, without its end of line. 0 with an owned text (free()); -errno with a sentence: -EPROTO: BIRD refuses it;
 * -ENOENT: it has nothing of it, or is not there; -ETIMEDOUT; -EFBIG.
 */
int bird_ask(const char *path, const char *command, uint64_t patience_ns, char **ret_text,
	     size_t *ret_len, char ret_why[BIRD_WHY_MAX]);

/*
 * The best way to exactly this prefix that BGP has told, and its neighbour, for explanations. 0; -ENOENT: there is none;
 * otherwise as bird_ask().
 */
int bird_find_route(const char *path, const struct prefix *dst, struct bird_route *ret_route,
		    char ret_why[BIRD_WHY_MAX]);

#endif

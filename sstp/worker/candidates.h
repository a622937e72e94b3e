/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_CANDIDATES_H
#define SSTP_WORKER_CANDIDATES_H
/*
 * The gateway's addresses as they were last resolved, dialled in turn.
 *
 * They outlive a resolver that does not answer: with everything tunnelled its server is reached
 * through the very tunnel that is to be dialled again.
 */
#include <netdb.h>
#include <sys/socket.h>

enum {
	CANDIDATES_MAX = 16
};

struct candidate {
	struct sockaddr_storage addr;
	socklen_t len;
};

/* Zero-initialised: none known. */
struct candidates {
	struct candidate list[CANDIDATES_MAX];
	unsigned n;
	unsigned next;
};

/* Takes over a resolver's answer, at most CANDIDATES_MAX of it; what was known is forgotten. */
void candidates_set(struct candidates *c, const struct addrinfo *list);

/* Another one at each call, in a ring. NULL: none is known. Borrowed until candidates_set(). */
const struct candidate *candidates_next(struct candidates *c);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_RESOLVE_H
#define SSTP_WORKER_RESOLVE_H
/*
 * Name resolution that does not stop the loop: the system's resolver in a thread of its own, so
 * that /etc/hosts, nsswitch and search domains mean what they mean everywhere else.
 */
#include <netdb.h>

#include "sstp/net/loop.h"

struct resolve;

/*
 * error: 0 with a list of at least one address, or an EAI_ code for gai_strerror(). The list is
 * borrowed for the call, and so is the resolve itself: free it, in the callback or later.
 */
typedef void resolve_fn(void *arg, int error, const struct addrinfo *list);

/* host and port are copied. Returns owned; NULL with errno set. */
struct resolve *resolve_start(struct loop *loop, const char *host, unsigned port, resolve_fn *done,
			      void *arg);

/* Takes NULL. Unfinished: done is not called any more; the thread ends by itself. */
void resolve_free(struct resolve *r);

#endif

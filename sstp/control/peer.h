/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_PEER_H
#define SSTP_CONTROL_PEER_H
/*
 * Control's way to the data plane. The parent makes it: over the link from it comes a new channel whenever the data
 * plane has started anew, and takes the place of the old one. While there is none, nothing can be said.
 */
#include "sstp/control/msg.h"
#include "sstp/control/parent_msg.h"
#include "sstp/net/loop.h"
#include "sstp/net/msgsock.h"

struct peer;

struct peer_params {
	int link; /* from the parent (msgsock); the peer's from here on, also when it cannot be made */
	/* As channel_params. None of these may free the peer. */
	void (*on_message)(void *arg, enum msg_kind kind, const uint8_t *payload, size_t len);
	void (*on_lost)(void *arg);	   /* whoever comes next knows nothing yet */
	void (*on_parent_gone)(void *arg); /* it is time to end */
	/* Anything else that the parent says; all borrowed for the call, but for descriptors that are taken out. Or NULL. */
	void (*on_parent)(void *arg, const struct parent_msg *m, struct msgsock_fds *fds);
	void *arg;
};

/* Returns owned; NULL with errno set. */
struct peer *peer_new(struct loop *loop, const struct peer_params *params);

/* Takes NULL. */
void peer_free(struct peer *p);

/* Takes frame in every case. As channel_send(); -ENOTCONN: there is no data plane now. */
int peer_send(struct peer *p, uint8_t *frame, size_t len);

/*
 * A question to the parent; its answer comes by on_parent. Borrows all. 0; -EAGAIN: it does not read now; -EMSGSIZE;
 * -errno.
 */
int peer_ask_parent(struct peer *p, const struct parent_msg *m, const int *fds);

/*
 * Of a process that cannot start, and has no peer: waits for the channel, a second at most, and tells the data plane
 * why. link stays the caller's.
 */
void peer_last_words(int link, const char *text);

#endif

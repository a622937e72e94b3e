/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_TUNNEL_H
#define SSTP_WORKER_TUNNEL_H
/*
 * The worker's tunnel: one session at a time to the gateway, and packets between it and the TUN device.
 *
 * Lost sessions are dialled again: after 1 s at first, doubling to 60 s, each wait cut by a random half so that
 * a thousand workers do not come back in step; a session that lived for a minute starts the row anew.
 * Refused credentials are final; a refused certificate is final until the first session was up, after that
 * it is tried again (the tunnel fails closed meanwhile). When the name does not resolve any more, the
 * addresses known from before are dialled. A TUN device that somebody deletes is the end (SESSION_END_LOST).
 */
#include <stdbool.h>
#include <stdint.h>

#include "sstp/base/conf_switches.h"
#include "sstp/session/session.h"
#include "sstp/worker/credentials.h"
#include "sstp/worker/network.h"

struct tunnel_ops {
	/* Packets flow. Every time it comes up. */
	void (*on_up)(void *arg, const struct link_address *address);
	/* Packets do not flow any more; it is dialled again. */
	void (*on_down)(void *arg);
	/* It is over: after tunnel_stop(), or for good (see `end`). */
	void (*on_end)(void *arg, enum session_end end, const char *reason);
};

struct tunnel_params {
	const struct tunnel_ops *ops;
	void *arg;
	const char *host; /* name or address */
	uint16_t port;
	const struct credentials *credentials;
	const struct secret *password; /* NULL: none */
	uint16_t mtu;
	enum conf_congestion congestion; /* of the TCP connection */
	uint64_t connect_timeout;	 /* ns until the first session must be up; 0: for ever */
	struct network *network;
};

struct tunnel;

/* All of params is borrowed for the tunnel's life. Starts to dial. Returns owned; NULL with errno set. */
struct tunnel *tunnel_new(struct loop *loop, const struct tunnel_params *params);

/* Says goodbye; on_end follows. */
void tunnel_stop(struct tunnel *t, const char *reason);

/* Takes NULL; cuts what is still there. */
void tunnel_free(struct tunnel *t);

#endif

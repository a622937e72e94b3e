/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_TUNNEL_H
#define SSTP_WORKER_TUNNEL_H
/*
 * The worker's tunnel: a session to the gateway, and packets between it and the TUN device. For the
 * moment in which one takes over from the other there are two (tunnel_replace()).
 *
 * Lost sessions are dialled again: after 1 s at first, doubling to 60 s, each wait cut by a random
 * half so that a thousand workers do not come back in step; a session that lived for a minute
 * starts the row anew. Refused credentials are final; a refused certificate is final until the
 * first session was up, after that it is tried again (the tunnel fails closed meanwhile).
 *
 * A gateway of ours may say why it hangs up (session.h, enum session_close). Disconnected by the
 * operator: final. Disabled: dialled again after a minute, and each minute from then on, also when
 * the credentials are refused meanwhile, until a session is up. To restart: dialled again at once;
 * when that was less than a minute ago, as if the session were lost.
 *
 * A gateway that falls silent is lost after 8 s (ECHO_EVERY, link.h), whatever TCP thinks. When the
 * name does not resolve any more, the addresses known from before are dialled. A TUN device that
 * somebody deletes is the end (SESSION_END_LOST).
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
	/*
	 * tunnel_replace() is done: packets flow through the new session (after on_up), or it was
	 * not to be had and the old one stays. NULL: nobody wants to know.
	 */
	void (*on_replaced)(void *arg, bool ok, const char *reason);
	/* What the gateway tells of the connection, untrusted, borrowed: session_ops. NULL: it is not asked. */
	void (*on_description)(void *arg, const char *text, size_t len);
	/* After on_up: the app's IPv6 address, in wire order, is in effect; NULL: it has none any more. NULL: nobody wants to know. */
	void (*on_address6)(void *arg, const uint8_t *address);
	/* Packets do not flow any more; it is dialled again. */
	void (*on_down)(void *arg);
	/* There is no session, for this reason, and another is dialled after so long (ns). NULL: nobody wants to know. */
	void (*on_retry)(void *arg, enum session_end end, const char *reason, uint64_t wait);
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

/*
 * All of params is borrowed for the tunnel's life. Starts to dial. Returns owned; NULL with errno
 * set.
 */
struct tunnel *tunnel_new(struct loop *loop, const struct tunnel_params *params);

/*
 * The credentials of params are others now: their contexts changed, while the name stays where it
 * is, for sessions borrow it. With a tunnel that is up, a second session is made beside the first,
 * takes over when it is up, and the first one is closed. Asked again meanwhile, or while the first
 * one is dialled, it is done once more afterwards.
 */
void tunnel_replace(struct tunnel *t);

/*
 * The same by hanging up first: the original's way, with an outage. A session that is being dialled
 * is dialled again.
 */
void tunnel_reconnect(struct tunnel *t);

/* Says goodbye; on_end follows. */
void tunnel_stop(struct tunnel *t, const char *reason);

/*
 * After on_end, not in it: lets go of the network, which can be freed then. The tunnel is good for
 * tunnel_free() only from then on.
 */
void tunnel_release(struct tunnel *t);

/* Takes NULL; cuts what is still there. */
void tunnel_free(struct tunnel *t);

#endif

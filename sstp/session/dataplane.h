/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_DATAPLANE_H
#define SSTP_SESSION_DATAPLANE_H
/*
 * What one thread of the gateway owns: its listeners, its sessions, and the VNets they reach.
 *
 * Accepts within the limits, starts a session for each connection, answers its questions (who is this user,
 * which address) from the directory and the VNets, and sees to it that an address goes back on every way a
 * session can end: as soon as PPP is down, and at the latest in client_free(), where every end leads.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sstp/net/listen.h"
#include "sstp/session/directory.h"
#include "sstp/session/sources.h"
#include "sstp/session/vnet.h"

enum {
	DATAPLANE_VNETS_MAX = 64,
	DATAPLANE_LISTENERS_MAX = 16,
};

struct dataplane_limits {
	uint32_t sessions;  /* connections in all, authenticated or not; 0: no limit */
	uint32_t half_open; /* of them not yet authenticated; 0: no limit */
	struct sources_limits per_source;
};

/* What a reload may replace, all at once. */
struct dataplane_policy {
	struct tls_ctx *tls;	     /* takes a reference */
	struct directory *directory; /* takes */
	unsigned auth;		     /* enum link_auth bits */
	struct dataplane_limits limits;
};

struct dataplane;

/* On loop (borrowed). name goes into CHAP challenges (borrowed). Returns owned; NULL with errno set. */
struct dataplane *dataplane_new(struct loop *loop, const char *name);

/* Cuts what is left and frees all. Takes NULL. The loop must not run any more. */
void dataplane_free(struct dataplane *d);

/* Sessions that have begun keep the TLS context and the rules that they began with. */
void dataplane_set_policy(struct dataplane *d, const struct dataplane_policy *policy);

/* Adds a VNet (vnet_new), or updates the one of that name (vnet_update). 0 or -errno with ret_error. */
int dataplane_set_vnet(struct dataplane *d, const struct vnet_params *params, char ret_error[256]);

/* Removes a VNet that no session has ever used. */
void dataplane_remove_vnet(struct dataplane *d, const char *name);

/* 0 or -errno. */
int dataplane_listen(struct dataplane *d, const struct sockaddr *addr, socklen_t addr_len);

/*
 * Stops accepting and disconnects every session in order; done(arg) when the last one has gone. A second call hurries:
 * sessions whose peer has not answered PPP's goodbye get SSTP's.
 */
void dataplane_shutdown(struct dataplane *d, const char *reason, void (*done)(void *arg),
			void *arg);

/* Logs totals and every drop reason that was counted, a line for the gateway and one for each VNet. */
void dataplane_log_stats(const struct dataplane *d);

uint32_t dataplane_sessions(const struct dataplane *d);

#endif

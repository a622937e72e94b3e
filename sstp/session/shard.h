/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_SHARD_H
#define SSTP_SESSION_SHARD_H
/*
 * What one data thread owns: its loop, its listeners, its sessions, and a queue of each VNet. Nothing of it is shared
 * with another thread; what threads do share (admission, the VNets' leases, users) locks for itself.
 *
 * Accepts within the limits, starts a session for each connection, answers its questions (who is this user,
 * which address) from the directory and the VNets, and sees to it that an address goes back on every way a
 * session can end: as soon as PPP is down, and at the latest in client_free(), where every end leads.
 *
 * All functions but shard_new(), shard_free() and the last two are called in the shard's own thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "routing/qsbr.h"
#include "sstp/net/listen.h"
#include "sstp/net/stream.h"
#include "sstp/net/tls.h"
#include "sstp/session/access.h"
#include "sstp/session/admission.h"
#include "sstp/session/directory.h"
#include "sstp/session/drop.h"
#include "sstp/session/enrol.h"
#include "sstp/session/handover.h"
#include "sstp/session/metrics.h"
#include "sstp/session/probe_desk.h"
#include "sstp/session/report.h"
#include "sstp/session/site.h"
#include "sstp/session/trace_desk.h"
#include "sstp/session/vnet.h"

enum {
	SHARD_VNETS_MAX = 64,
	SHARD_LISTENERS_MAX = 16,
};

/* All borrowed. */
struct shard_params {
	unsigned
		number; /* from 0: also the thread's queue of every TUN device, and its reader of qsbr */
	const char *name; /* goes into CHAP challenges */
	struct admission *admission;
	struct handover *handover;
	struct qsbr *qsbr;
	struct enrol_desk *enrol;
	struct site *site;
	struct report_desk *reports;
	struct probe_desk *probes;
	struct trace_desk *traces;
	/* The shard has become empty after shard_shutdown(). Called in its thread. */
	void (*on_empty)(void *arg);
	void *arg;
};

/* What a reload may replace, all at once. */
struct shard_policy {
	struct tls_ctx *tls;	     /* this thread's own */
	struct directory *directory; /* everybody's */
	unsigned auth;		     /* enum link_auth bits */
	bool pppd249_hlak;	     /* as in session_params */
	struct access *access;	     /* who has a certificate; NULL: nobody */
	enum stream_congestion congestion;
};

struct shard_stats {
	uint32_t sessions;
	struct traffic traffic; /* of all sessions, those that have ended too */
	struct metrics metrics;
	struct times waits;	 /* as session_env */
	struct traffic no_vnets; /* of sessions that never got into a VNet, or whose VNet is gone */
	struct shard_vnet_stats {
		uint32_t sessions;	    /* that are up */
		struct traffic of_sessions; /* those that have ended too */
		struct traffic traffic;	    /* drops that no session caused */
		uint64_t handed_over;	    /* packets that came from another thread's queue */
	} vnets[SHARD_VNETS_MAX];	    /* by id */
};

struct shard;

/* Returns owned; NULL with errno set. Its loop does not run yet. */
struct shard *shard_new(const struct shard_params *params);

/* Cuts what is left and frees all. Takes NULL. The loop must not run any more. */
void shard_free(struct shard *s);

/* Takes a reference of what policy names. Sessions that have begun keep what they began with. */
void shard_set_policy(struct shard *s, const struct shard_policy *policy);

/* Serves the VNet as number id. 0 or -errno. */
int shard_add_vnet(struct shard *s, unsigned id, struct vnet *v);
/* It was made anew. 0 or -errno. */
int shard_open_vnet(struct shard *s, unsigned id);
/* Its device goes: its clients are told, and can come back when it has been made anew. */
void shard_close_vnet(struct shard *s, unsigned id);
/* No session has ever used it. */
void shard_remove_vnet(struct shard *s, unsigned id);

/* It is no more: its clients are told to go, with this reason, and nobody finds it. shard_remove_vnet() when all have gone. */
void shard_retire_vnet(struct shard *s, unsigned id, const char *reason);

/*
 * Something has changed in the site: sessions whose connection says something else are told, or must go.
 */
void shard_look_at_site(struct shard *s);

/* All that are meant are told to go. */
void shard_disconnect(struct shard *s, const struct site_disconnect *d);

/* Adds the sessions that are up. 0 or -ENOMEM: some are missing. */
/* Asks the network in a session's name. 1: it is here; 0: it is not. */
int shard_probe(struct shard *s, const struct probe_request *r);

/* Has the way of a probe of a session's traced. 1: it is here; 0: it is not. */
int shard_trace(struct shard *s, const struct trace_request *r);

int shard_list_sessions(const struct shard *s, struct report_list *list);
/* Adds those of them that have moved something since the last call. 0 or -ENOMEM. */
int shard_list_traffic(struct shard *s, struct report_traffic_list *list);

/* 0 or -errno. */
int shard_listen(struct shard *s, const struct sockaddr *addr, socklen_t addr_len);
/* The same of a socket that listens already: listener_socket(). Takes fd, also on failure. */
int shard_listen_by(struct shard *s, int fd);

/*
 * Stops accepting and disconnects every session in order. A second call hurries: sessions whose peer has not answered
 * PPP's goodbye get SSTP's.
 */
void shard_shutdown(struct shard *s, const char *reason);

/* Adds its figures. */
void shard_add_stats(const struct shard *s, struct shard_stats *sum);

/* Any thread: */
struct loop *shard_loop(const struct shard *s);
bool shard_is_empty(const struct shard *s); /* after shard_shutdown(): the last session has gone */

#endif

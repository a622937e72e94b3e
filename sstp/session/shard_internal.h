/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_SHARD_INTERNAL_H
#define SSTP_SESSION_SHARD_INTERNAL_H
/* A shard's inside, for shard.c (life, and what sessions ask) and shard_site.c (sessions as the site sees them). */
#include <stdatomic.h>

#include "sstp/base/bucket.h"
#include "sstp/session/door.h"
#include "sstp/session/shard.h"
#include "sstp/session/site.h"
#include "sstp/session/vnet_queue.h"

enum {
	NO_VNET = SHARD_VNETS_MAX
};

/* One accepted connection: the session, and what the gateway holds for it. */
struct client {
	struct shard *shard;
	struct session *session;
	struct client *next;
	struct client **link; /* what points at this one in shard->clients */
	struct sockaddr_storage peer;
	struct admission_ticket ticket;
	char vnet[NAME_LABEL_MAX]; /* of the user, from find_user() */
	char *owner;		   /* owned; whose addresses he gets, likewise; NULL before */
	char refused[256];	   /* why find_user() refused him */
	struct vnet_lease lease;
	uint64_t enrolment; /* its id at the desk; 0: none waits */
	int vnet_id;	    /* the VNet that he was given an address of; -1: none, or it is gone */
	bool has_enrolled;  /* or asked for what goes with it: no set-up that fails */
	bool shown_out;	    /* he was told to go */
	/* as the site sees him: */
	struct connection *connection; /* counted; NULL: no app's */
	struct connection_terms
		*terms; /* counted: those that he was told, or will be when he is up */
	int64_t since;	/* packets flow, s since 1970; 0: they never did */
	uint64_t moved; /* packets, when control was told last */
};

struct shard {
	struct shard_params params;
	struct loop *loop;
	struct session_env env;
	struct shard_policy policy; /* its access is the door's */
	struct door door;
	struct listener *listeners[SHARD_LISTENERS_MAX];
	size_t nlisteners;
	struct vnet_queue *vnets[SHARD_VNETS_MAX]; /* by id; NULL: not in use */
	bool is_retired[SHARD_VNETS_MAX];	   /* nobody finds it */
	struct client *clients;
	struct trace_run *traces; /* that are under way; owned */
	uint32_t nclients;
	/* of sessions that are gone: all of them, and by VNet, or NO_VNET */
	struct traffic ended;
	struct traffic ended_in[SHARD_VNETS_MAX + 1];
	struct metrics metrics;
	struct loop_timer *trim_timer;
	struct loop_timer *expiry_timer;
	int64_t expires_at; /* the last second before a certificate of a session is out of force */
	struct bucket strangers; /* of whom control is told though they were never authenticated */
	uint32_t untold;	 /* of whom it was not, since it was told of one */
	bool shutting_down;
	atomic_bool is_empty;
};

/* ---- shard_site.c */

/*
 * Whoever is authenticated needs a connection if he is an app. True also for who is none; false, and why: borrowed
 * while c lives.
 */
bool client_join(struct client *c, const char **ret_why_not);

/* What it says of name servers takes the place of what the VNet does. */
void client_set_dns(const struct client *c, struct link_address *address);

/* Packets flow: control is told of him, and he of his connection. */
void client_up(struct client *c);

/* It is over; control is told, if it was told that he is up. */
void client_down(struct client *c, const char *reason);

/* False: he is no app. */
bool client_app(const struct client *c, char ret_app[NAME_LABEL_MAX]);

/* By its session, its app or its VNet, and up. */
bool client_is_asked_for(const struct client *c, const struct probe_request *r);

/* Behind vnet_release(): lets go of the connection. */
void client_leave(struct client *c);

/* ---- shard_timeline.c */

/* With the shard. */
void timelines_init(struct shard *s);

/* How far he has come: control is told, if packets flow. */
void client_tell_timeline(struct client *c);

/* It is over; control is told of whoever was authenticated, and of some of the others. */
void client_end_timeline(struct client *c, const char *reason);

/* Adds it. 0 or -ENOMEM. */
int client_list_timeline(const struct client *c, struct report_list *list);

/* ---- shard_trace.c */

/* His worker has answered. */
void client_traced(struct client *c, const struct vendor_traced *traced);

/* He goes: what is under way ends. */
void client_trace_lost(struct client *c);

#endif

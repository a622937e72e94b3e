/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_AGENT_H
#define SSTP_WORKER_AGENT_H
/*
 * The worker's parts, put together, and what happens between them. agent_app.c: the app's life, and the worker's end.
 * agent_net.c: what the tunnel reports, and what comes of it for the app's network. agent_tell.c: who else hears of it.
 * main.c makes and frees it all.
 */
#include <arpa/inet.h>
#include <sys/types.h>

#include "sstp/worker/config.h"
#include "sstp/worker/dns.h"
#include "sstp/worker/hook.h"
#include "sstp/worker/keeper.h"
#include "sstp/worker/renewal.h"
#include "sstp/worker/status.h"
#include "sstp/worker/tunnel.h"

/* What the app's network is, as texts; owned but for the first two. All zero: nothing yet. */
struct agent_facts {
	char address[INET_ADDRSTRLEN];
	char vnet[NAME_LABEL_MAX];
	char *routes; /* with commas between; NULL: none */
	char *dns;
};

struct agent {
	struct worker_config *config;
	struct loop *loop;
	struct credentials credentials;
	struct network *network;
	struct tunnel *tunnel;
	struct dns *dns;	 /* NULL: no file for the app */
	struct renewal *renewal; /* NULL: no profile */
	struct keeper *keeper;	 /* likewise */
	struct hook *hook;	 /* NULL: none */
	struct loop_timer *kill_timer;
	struct loop_timer *goodbye_timer;
	struct loop_timer *release_timer;
	int netns_fd;

	struct description told; /* by the gateway, last: in the profile, or in band */
	bool told_in_band;	 /* then what a renewal brings is no news */
	uint32_t
		dns_be[DESCRIPTION_DNS_MAX]; /* the VNet's: of it, or of PPP, whichever came last */
	size_t n_dns;
	struct agent_facts facts, facts_before;
	struct status status; /* its texts are here */
	char name[NAME_LABEL_MAX];
	char gateway[HOSTNAME_PORT_MAX];
	char last_error[STATUS_ERROR_MAX];
	bool status_failed; /* said once */

	pid_t app;			   /* 0: not running */
	char app_address[INET_ADDRSTRLEN]; /* what the app was told */
	bool app_restarts;		   /* it was told to end, and is started again */
	bool was_up, was_down;		   /* the tunnel: ever; since the last time up */
	bool restart_asked;		   /* by the gateway, with the next tunnel */
	bool down_told;
	int exit_status;
	bool ending;
	bool tunnel_ended;
	bool hook_given_up;
};

/* ---- agent_app.c ---- */

void agent_start_app(struct agent *a);
/* Ends it and starts it again, when the tunnel is up. Without an app: nothing. */
void agent_restart_app(struct agent *a, const char *why);
/* A child of waitpid(), whichever. */
void agent_on_child(struct agent *a, pid_t pid, int wait_status);

/* The worker's end: the app is told, the gateway too, and the loop stops when both are done. Once. */
void agent_end(struct agent *a, int exit_status, const char *reason);
void agent_end_at_once(struct agent *a);
void agent_maybe_stop(struct agent *a);
/* Of the timers; arg is the agent. */
void agent_on_kill_timer(void *arg);
void agent_on_goodbye_timer(void *arg);

/* ---- agent_net.c ---- */

extern const struct tunnel_ops agent_tunnel_ops;
/* The app's name servers as they are now: 0..DNS_SERVERS_MAX. */
size_t agent_dns(const struct agent *a, uint32_t ret_servers_be[DNS_SERVERS_MAX]);
const char *agent_vnet(const struct agent *a); /* NULL: not known */
/* Takes over a description, and *d, when it is another one; json: as it came, to be kept; NULL: it is kept already. */
void agent_describe(struct agent *a, struct description *d, const char *json, size_t len);
/* Of renewal; arg is the agent. */
void agent_on_renewed(void *arg, const struct profile *p);
/* Of release_timer: what a disconnected app is not to have any more goes; arg is the agent. */
void agent_on_release_timer(void *arg);

/* ---- agent_tell.c ---- */

void agent_tell_init(struct agent *a);
void agent_tell_done(struct agent *a);
/* What is true by now becomes the facts, and those of before the facts before. */
void agent_take_facts(struct agent *a);
/* Tells the hook: facts as they are, and were. reason: NULL: none. */
void agent_fire(struct agent *a, const char *event, const char *reason);
void agent_set_state(struct agent *a, enum status_state state);
void agent_set_error(struct agent *a, const char *error);
/* Writes the status; called after all that changes something in it. */
void agent_show(struct agent *a);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_AGENT_H
#define SSTP_WORKER_AGENT_H
/*
 * The worker's parts, put together, and what happens between them. agent_app.c: the app's life, and the worker's end.
 * agent_net.c: what the tunnel reports, and what comes of it for the app's network. agent_tell.c: who else hears of it.
 * main.c makes and frees it all.
 */
#include <netinet/in.h>
#include <sys/types.h>

#include "sstp/worker/app.h"
#include "sstp/worker/config.h"
#include "sstp/worker/dns.h"
#include "sstp/worker/hook.h"
#include "sstp/worker/keeper.h"
#include "sstp/worker/renewal.h"
#include "sstp/worker/status.h"
#include "sstp/worker/tunnel.h"

enum {
	AGENT_DNS_MAX = DESCRIPTION_DNS_MAX + 1, /* with the alternative */
};

/* A description that is being taken over. All zero: none. */
struct agent_news {
	struct description description;
	char *json; /* owned; as it came, to be kept; NULL: it is kept already */
	size_t len;
	bool is_there;
};

/* Room for what an app is told. */
struct agent_app_texts {
	char dns[DESCRIPTION_DNS_MAX * PREFIX_TEXT_MAX];
	char dns_alt[PREFIX_TEXT_MAX];
	char pool[DESCRIPTION_POOLS_MAX * PREFIX_TEXT_MAX];
};

/* What the app's network is, as texts; owned but for the first three. All zero: nothing yet. */
struct agent_facts {
	char address[INET_ADDRSTRLEN];
	char address6[INET6_ADDRSTRLEN]; /* "": none */
	char vnet[NAME_LABEL_MAX];
	char *routes; /* with commas between; NULL: none */
	char *dns;
	char *domains;
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
	struct loop_timer *start_timer;
	int netns_fd;

	struct description told;    /* by the gateway, last: in the profile, or in band */
	bool told_in_band;	    /* then what a renewal brings is no news */
	struct agent_news changing; /* its routes are being set */
	struct agent_news waiting;  /* the last one that came meanwhile */
	struct prefix servers[DESCRIPTION_DNS_MAX]; /* the VNet's: what was told, or PPP's */
	size_t n_servers;
	struct agent_facts facts, facts_before;
	struct status status; /* its texts are here */
	char name[NAME_LABEL_MAX];
	char gateway[HOSTNAME_PORT_MAX];
	char last_error[STATUS_ERROR_MAX];
	char netns_path[STATUS_NETNS_MAX]; /* the app's, for others */
	bool status_failed;		   /* said once */

	pid_t app;			   /* 0: not running */
	char app_address[INET_ADDRSTRLEN]; /* what the app was told */
	char app_address6[INET6_ADDRSTRLEN];
	bool app_restarts;     /* it was told to end, and is started again */
	bool was_up, was_down; /* the tunnel: ever; since the last time up */
	bool has_address6;     /* the tunnel that is up has brought it */
	bool restart_asked;    /* by the gateway, with the next tunnel */
	bool down_told;
	int exit_status;
	bool ending;
	bool tunnel_ended;
	bool hook_given_up;
};

/* ---- agent_app.c ---- */

void agent_start_app(struct agent *a);
/* How one that starts now is started: borrowed from the agent and from *texts. */
struct app_params agent_app_params(const struct agent *a, struct agent_app_texts *texts);
/* Of start_timer: the app waited long enough for an IPv6 address; arg is the agent. */
void agent_on_start_timer(void *arg);
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
/* The app's name servers as they are now, the alternative last: 0..AGENT_DNS_MAX. */
size_t agent_dns(const struct agent *a, struct prefix ret_servers[AGENT_DNS_MAX]);
/* The first of these that its resolv.conf has room for; the last one is the alternative, which has a place there. */
size_t agent_dns_of_file(const struct agent *a, struct prefix ret_servers[DNS_SERVERS_MAX]);
const char *agent_vnet(const struct agent *a); /* NULL: not known */
/*
 * Takes over a description, and *d, when it is another one; json: as it came, to be kept; NULL: it is kept already. Its
 * routes are set beside the loop, then the rest follows; of several that come meanwhile the last one counts.
 */
void agent_describe(struct agent *a, struct description *d, const char *json, size_t len);
/* What is under way comes to nothing: the network is freed. */
void agent_forget_news(struct agent *a);
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

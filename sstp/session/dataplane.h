/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_DATAPLANE_H
#define SSTP_SESSION_DATAPLANE_H
/*
 * The gateway's data plane: its threads, each with a shard of its own (session/shard.h), and the VNets that they share.
 *
 * The control thread calls these functions. They reach into the data threads only by handing them work and waiting until it
 * is done, which takes no longer than one of their passes; no data thread ever waits for the control thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "sstp/net/stream.h"
#include "sstp/session/access.h"
#include "sstp/session/admission.h"
#include "sstp/session/enrol.h"
#include "sstp/session/probe_desk.h"
#include "sstp/session/reach.h"
#include "sstp/session/report.h"
#include "sstp/session/shard.h"
#include "sstp/session/site.h"
#include "sstp/session/trace_desk.h"
#include "sstp/session/vnet.h"

enum {
	DATAPLANE_THREADS_MAX = 64,
};

struct directory;
struct loop;
struct tls_ctx;

/* What a reload may replace, all at once. All borrowed. */
struct dataplane_policy {
	struct tls_ctx *tls; /* a pair's tag is the id of the only VNet whose users it serves */
	struct directory *directory;
	unsigned auth;	       /* enum link_auth bits */
	bool pppd249_hlak;     /* as in session_params */
	struct access *access; /* who may come in by certificate; NULL: nobody */
	enum stream_congestion congestion;
	struct admission_limits limits;
};

struct dataplane;

/* CPUs that this process may use: a good number of threads. At most DATAPLANE_THREADS_MAX. */
unsigned dataplane_cpus(void);

/*
 * Starts `threads` (1 to DATAPLANE_THREADS_MAX) data threads, for the control thread's loop (borrowed). name goes into
 * CHAP challenges (borrowed). The threads take no signals. Returns owned; NULL with errno set.
 */
struct dataplane *dataplane_new(struct loop *loop, unsigned threads, const char *name);

/* Who makes the devices of VNets from now on, in the control thread; in the beginning the data plane does it itself. */
void dataplane_set_opener(struct dataplane *d, vnet_open_fn *open, void *arg);

unsigned dataplane_threads(const struct dataplane *d);

/* Stops the threads, cuts what is left and frees all. Takes NULL. */
void dataplane_free(struct dataplane *d);

/* Sessions that have begun keep the TLS context and the rules that they began with. 0, or -ENOMEM and nothing has changed. */
int dataplane_set_policy(struct dataplane *d, const struct dataplane_policy *policy);

/*
 * Adds a VNet, updates the one of that name, or makes its device anew when that is gone. 0 or -errno with ret_error,
 * and what was in effect still is.
 */
int dataplane_set_vnet(struct dataplane *d, const struct vnet_params *params, char ret_error[256]);

/* Its id for as long as it is there; -ENOENT. */
int dataplane_vnet_id(const struct dataplane *d, const char *name);

/* There is one of this name, and it has its device. */
bool dataplane_vnet_is_up(const struct dataplane *d, const char *name);

/* Removes a VNet that no session has ever used. */
void dataplane_remove_vnet(struct dataplane *d, const char *name);

/*
 * Removes one that sessions may use: they are told to go, with this reason, its device goes at once, and its name is free. Does
 * nothing when there is none. At most SHARD_VNETS_MAX are there at a time, those included whose last session is about to leave.
 */
void dataplane_retire_vnet(struct dataplane *d, const char *name, const char *reason);

/* From the loop: a VNet's device is gone (is_gone), or how it is was asked for. name is borrowed for the call. */
typedef void dataplane_vnet_fn(void *arg, const char *name, bool is_gone);
/* Who hears of devices that go; NULL: nobody. */
void dataplane_set_vnet_listener(struct dataplane *d, dataplane_vnet_fn *fn, void *arg);
/* Tells him how each is. */
void dataplane_tell_vnets(struct dataplane *d);

/*
 * What the clients of a VNet may reach from now on, in place of its address spaces, whether it is there or not: it has it too
 * when it is made anew. Counts reach. 0; -errno, and what was in effect still is.
 */
int dataplane_set_reach(struct dataplane *d, const char *name, struct reach *reach);
/* Its address spaces again. */
void dataplane_drop_reach(struct dataplane *d, const char *name);
/* All are told anew: _end() drops what was not set since _begin(). */
void dataplane_begin_reach(struct dataplane *d);
void dataplane_end_reach(struct dataplane *d);

/*
 * Nobody but owner gets this address while there are others, as if he had just given it back. False: there is no such address,
 * or its VNet knows better whose it is.
 */
bool dataplane_remember_lease(struct dataplane *d, const char *vnet, uint32_t address_be,
			      const char *owner);

/* ---- connections and sessions (session/site.h, session/report.h) */

/*
 * Whoever is connected. Only from the loop: what is changed there is told to sessions in a pass soon, all changes of a pass
 * together. Returns borrowed.
 */
struct site *dataplane_site(struct dataplane *d);

/* Who hears of sessions; ops and arg are borrowed; NULL: nobody. */
void dataplane_set_reports(struct dataplane *d, const struct report_ops *ops, void *arg);

/* Tells him of each that is up, from within. 0; -ENOMEM: some are missing. */
int dataplane_tell_sessions(struct dataplane *d);

/* Entries of those that have moved something since the last call, 1..n at a time; borrowed for the call. */
typedef void dataplane_traffic_fn(void *arg, const struct report_traffic *entries, size_t n);
/* Calls fn if there are any. 0; -ENOMEM: some are missing. */
int dataplane_tell_traffic(struct dataplane *d, dataplane_traffic_fn *fn, void *arg);

/* Who hears what comes of probes, from the loop; NULL: nobody. */
void dataplane_set_probe_owner(struct dataplane *d, probe_desk_fn *fn, void *arg);
/* Asks the network in the name of a session; he hears once what comes of it, within about two seconds. */
void dataplane_probe(struct dataplane *d, const struct probe_request *r);

/* Who hears what comes of traces, from the loop; NULL: nobody. */
void dataplane_set_trace_owner(struct dataplane *d, trace_desk_fn *fn, void *arg);
/* One answer, within about five seconds, and behind TRACE_NO_WORKER one to a probe of the same id. */
void dataplane_trace(struct dataplane *d, const struct trace_request *r);

/* All that are meant are told to go. */
void dataplane_disconnect(struct dataplane *d, const struct site_disconnect *which);

/* Every thread listens. 0 or -errno. */
int dataplane_listen(struct dataplane *d, const struct sockaddr *addr, socklen_t addr_len);

/*
 * The same with sockets that listen already on one address (listener_socket()), as many as there are threads. Takes them,
 * also on failure.
 */
int dataplane_listen_by(struct dataplane *d, const int *fds);

/*
 * Who answers clients that ask to be enrolled (enrol.h), called from the loop; NULL, as in the beginning: nobody, and the
 * paths of EST are not found. He answers each request once, within 20 s: later, or when the client has gone, his answer is dropped.
 */
void dataplane_set_enrol(struct dataplane *d, enrol_owner_fn *fn, void *arg);
/* Borrows reply. */
void dataplane_answer_enrol(struct dataplane *d, uint64_t id, const struct est_reply *reply);

/*
 * Stops accepting and disconnects every session in order; done(arg), from the loop, when the last one has gone. A second
 * call hurries: sessions whose peer has not answered PPP's goodbye get SSTP's.
 */
void dataplane_shutdown(struct dataplane *d, const char *reason, void (*done)(void *arg),
			void *arg);

/* All that is counted, at one moment. */
struct dataplane_stats {
	struct shard_stats sum;
	uint32_t thread_sessions[DATAPLANE_THREADS_MAX]; /* connections of each thread */
	struct admission_counts admission;
	size_t heap_bytes; /* handed out by malloc() */
	struct {
		const char *
			name; /* borrowed until the VNet goes; NULL: there is none of this number */
		uint64_t used, size; /* addresses of its pools */
	} vnets[SHARD_VNETS_MAX];
};

/*
 * Each thread is asked in turn, and adds up what its sessions have moved: about 0.6 us for each of them, in which it does
 * nothing else. Returns owned, for free(); NULL without memory.
 */
struct dataplane_stats *dataplane_stats(struct dataplane *d);

/* Logs totals and every drop reason that was counted, a line for the gateway and one for each VNet. */
void dataplane_log_stats(struct dataplane *d);

uint32_t dataplane_sessions(const struct dataplane *d);

#endif

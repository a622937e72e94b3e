/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_DATAPLANE_INTERNAL_H
#define SSTP_SESSION_DATAPLANE_INTERNAL_H
/* The data plane's inside, for dataplane.c (threads, policy, VNets) and dataplane_site.c (connections and sessions). */
#include <pthread.h>
#include <stdatomic.h>

#include "routing/qsbr.h"
#include "sstp/session/dataplane.h"
#include "sstp/session/shard.h"

struct data_thread {
	pthread_t id;
	bool is_running;
	struct shard *shard;
};

struct dataplane {
	struct loop *loop;
	unsigned nthreads;
	struct data_thread threads[DATAPLANE_THREADS_MAX];
	struct admission *admission;
	struct handover *handover;
	struct qsbr *qsbr;
	struct enrol_desk *enrol;
	struct site *site;
	struct reach_book *reach;
	unsigned untidy_ticks; /* since a long list of reach was replaced, from 1; 0: tidied */
	struct loop_task site_news;
	struct report_desk *reports;
	struct probe_desk *probes;
	struct trace_desk *traces;
	const struct report_ops *report_ops; /* whoever hears of sessions; NULL: nobody */
	void *report_arg;
	struct fib_publisher *publisher;
	struct loop_timer *reclaim_timer;
	uint64_t ended;	  /* sessions, at the last tick */
	uint64_t trimmed; /* of them, at the last trim */
	unsigned quiet_ticks;
	vnet_open_fn *open;
	void *open_arg;
	struct vnet *vnets[SHARD_VNETS_MAX]; /* by id; NULL: free */
	bool is_retired[SHARD_VNETS_MAX];    /* no more, but for sessions that leave */
	dataplane_vnet_fn *on_vnet;
	void *on_vnet_arg;
	struct loop_task look;
	atomic_bool look_posted;
	void (*on_empty)(void *arg);
	void *on_empty_arg;
};

/* What a shard is asked to do, in its own thread; 0 or -errno. */
typedef int shard_fn(struct shard *s, void *arg);

/* Asks one thread, and waits. */
int dataplane_ask(struct data_thread *t, shard_fn *fn, void *arg);
/* One after the other, up to the first that fails. */
int dataplane_ask_all(struct dataplane *d, shard_fn *fn, void *arg);

/* ---- dataplane_site.c */

/* 0 or -ENOMEM, then dataplane_done_site() is called all the same. */
int dataplane_init_site(struct dataplane *d);
/* All shards are gone. */
void dataplane_done_site(struct dataplane *d);

/* VNets that were retired, and that nobody uses any more, go: once a second. */
void dataplane_bury_vnets(struct dataplane *d);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control thread's side of the data plane. Work goes into a data thread as a task of its loop, and the control
 * thread waits for it on a semaphore: so that a change is in effect everywhere when a function here returns, and what
 * it replaced is no longer used. The other way there is one message only, "look": the control thread then looks which
 * device has failed and which shard is empty.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/base/log.h"
#include "sstp/session/dataplane_internal.h"
#include "tun/tun.h"

/* At this interval, tables that were replaced are freed, once no thread can still read them; and see tidy_heap(). */
#define RECLAIM_EVERY (1 * CLOCK_NS_PER_S)

enum {
	TRIM_AFTER_SESSIONS = 64, /* that have ended */
	TRIM_AFTER_TICKS = 3,	  /* of RECLAIM_EVERY, in which none has ended */
};

static_assert((int)DATAPLANE_THREADS_MAX <= (int)HANDOVER_THREADS_MAX &&
		      (int)DATAPLANE_THREADS_MAX <= (int)TUN_QUEUES_MAX,
	      "what threads share has room for all of them");

unsigned dataplane_cpus(void)
{
	cpu_set_t set;
	int n;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	n = CPU_COUNT(&set);
	return n < DATAPLANE_THREADS_MAX ? (unsigned)n : DATAPLANE_THREADS_MAX;
}

/* ---- into the data threads ---- */

struct request {
	struct loop_task task; /* first: run_request() */
	struct shard *shard;
	shard_fn *fn;
	void *arg;
	int result;
	sem_t done;
};

static void run_request(struct loop_task *task)
{
	struct request *r = (struct request *)task;

	r->result = r->fn(r->shard, r->arg);
	sem_post(&r->done);
}

int dataplane_ask(struct data_thread *t, shard_fn *fn, void *arg)
{
	struct request r = {.task.run = run_request, .shard = t->shard, .fn = fn, .arg = arg};

	sem_init(&r.done, 0, 0);
	loop_post(shard_loop(t->shard), &r.task);
	while (sem_wait(&r.done) < 0 && errno == EINTR)
		;
	sem_destroy(&r.done);
	return r.result;
}

int dataplane_ask_all(struct dataplane *d, shard_fn *fn, void *arg)
{
	int r = 0;

	for (unsigned i = 0; i < d->nthreads && r == 0; i++)
		r = dataplane_ask(&d->threads[i], fn, arg);
	return r;
}

/* ---- what data threads tell ---- */

static void on_news(void *arg)
{
	struct dataplane *d = arg;

	if (!atomic_exchange(&d->look_posted, true))
		loop_post(d->loop, &d->look);
}

struct vnet_call {
	unsigned id;
	struct vnet *vnet;
};

static int close_vnet(struct shard *s, void *arg)
{
	const struct vnet_call *call = arg;

	shard_close_vnet(s, call->id);
	return 0;
}

static bool all_empty(const struct dataplane *d)
{
	for (unsigned i = 0; i < d->nthreads; i++)
		if (!shard_is_empty(d->threads[i].shard))
			return false;
	return true;
}

static void look(struct loop_task *task)
{
	struct dataplane *d = (struct dataplane *)((char *)task - offsetof(struct dataplane, look));
	void (*done)(void *arg) = d->on_empty;

	atomic_exchange(&d->look_posted, false);
	for (unsigned i = 0; i < SHARD_VNETS_MAX; i++)
		if (d->vnets[i] && vnet_take_failure(d->vnets[i])) {
			dataplane_ask_all(d, close_vnet, &(struct vnet_call){i, d->vnets[i]});
			if (d->on_vnet)
				d->on_vnet(d->on_vnet_arg, vnet_name(d->vnets[i]), true);
		}
	if (!done || !all_empty(d))
		return;
	d->on_empty = NULL;
	done(d->on_empty_arg);
}

/* ---- threads ---- */

static void *run_thread(void *arg)
{
	struct data_thread *t = arg;
	int r = loop_run(shard_loop(t->shard));

	if (r < 0) {
		log_error("a data thread cannot go on: %s", strerror(-r));
		abort();
	}
	return NULL;
}

static int stop_loop(struct shard *s, void *arg)
{
	loop_stop(shard_loop(s));
	return 0;
}

static int start_thread(struct dataplane *d, unsigned number, const char *name)
{
	struct data_thread *t = &d->threads[number];
	char thread_name[16];
	int r;

	t->shard = shard_new(&(struct shard_params){
		.number = number,
		.name = name,
		.admission = d->admission,
		.handover = d->handover,
		.qsbr = d->qsbr,
		.enrol = d->enrol,
		.site = d->site,
		.reports = d->reports,
		.probes = d->probes,
		.traces = d->traces,
		.on_empty = on_news,
		.arg = d,
	});
	if (!t->shard)
		return -errno;
	d->nthreads = number + 1;
	r = pthread_create(&t->id, NULL, run_thread, t);
	if (r)
		return -r;
	t->is_running = true;
	snprintf(thread_name, sizeof(thread_name), "data-%u", number);
	pthread_setname_np(t->id, thread_name);
	return 0;
}

/* Signals are the control thread's. */
static int start_threads(struct dataplane *d, unsigned threads, const char *name)
{
	sigset_t all, before;
	int r = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (unsigned i = 0; i < threads && r == 0; i++)
		r = start_thread(d, i, name);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

static void stop_threads(struct dataplane *d)
{
	for (unsigned i = 0; i < d->nthreads; i++) {
		struct data_thread *t = &d->threads[i];

		if (!t->is_running)
			continue;
		dataplane_ask(t, stop_loop, NULL);
		pthread_join(t->id, NULL);
		t->is_running = false;
	}
}

/*
 * What a storm of sessions took, or long lists of routes, goes back to the system when it is over. Not from a data thread, and not often: it takes
 * tens of milliseconds, in which each thread's heap is locked for a while.
 */
static void tidy_heap(struct dataplane *d)
{
	struct admission_counts counts = admission_counts(d->admission);
	uint64_t ended = counts.accepted - counts.sessions;

	d->quiet_ticks = ended == d->ended ? d->quiet_ticks + 1 : 0;
	d->ended = ended;
	if (d->untidy_ticks)
		d->untidy_ticks++;
	if ((ended - d->trimmed < TRIM_AFTER_SESSIONS || d->quiet_ticks < TRIM_AFTER_TICKS) &&
	    d->untidy_ticks <= TRIM_AFTER_TICKS)
		return;
	malloc_trim(0);
	d->trimmed = ended;
	d->untidy_ticks = 0;
}

static void on_reclaim_timer(void *arg)
{
	struct dataplane *d = arg;

	tidy_heap(d);
	dataplane_bury_vnets(d);
	fib_publisher_reclaim(d->publisher);
	loop_timer_set(d->reclaim_timer, loop_now(d->loop) + RECLAIM_EVERY);
}

static int set_up(struct dataplane *d, unsigned threads, const char *name)
{
	int r = qsbr_new(threads, &d->qsbr);

	if (r == 0)
		r = fib_publisher_new(d->qsbr, &d->publisher);
	if (r == 0)
		r = dataplane_init_site(d);
	if (r < 0)
		return r;
	d->admission = admission_new();
	d->handover = handover_new(threads);
	d->enrol = enrol_new(d->loop);
	d->reclaim_timer = loop_timer_new(d->loop, on_reclaim_timer, d);
	if (!d->admission || !d->handover || !d->enrol || !d->reclaim_timer)
		return -ENOMEM;
	loop_timer_set(d->reclaim_timer, loop_now(d->loop) + RECLAIM_EVERY);
	return start_threads(d, threads, name);
}

struct dataplane *dataplane_new(struct loop *loop, unsigned threads, const char *name)
{
	struct dataplane *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return NULL;
	d->loop = loop;
	d->look.run = look;
	r = set_up(d, threads, name);
	if (r == 0)
		return d;
	dataplane_free(d);
	errno = -r;
	return NULL;
}

unsigned dataplane_threads(const struct dataplane *d)
{
	return d->nthreads;
}

void dataplane_set_opener(struct dataplane *d, vnet_open_fn *open, void *arg)
{
	d->open = open;
	d->open_arg = arg;
}

void dataplane_free(struct dataplane *d)
{
	if (!d)
		return;
	stop_threads(d);
	for (unsigned i = 0; i < d->nthreads; i++)
		shard_free(d->threads[i].shard);
	for (unsigned i = 0; i < SHARD_VNETS_MAX; i++)
		vnet_free(d->vnets[i]);
	loop_timer_free(d->reclaim_timer);
	dataplane_done_site(d);
	fib_publisher_free(d->publisher);
	qsbr_free(d->qsbr);
	enrol_free(d->enrol);
	handover_free(d->handover);
	admission_free(d->admission);
	free(d);
}

/* ---- policy ---- */

static int set_policy(struct shard *s, void *arg)
{
	shard_set_policy(s, arg);
	return 0;
}

/* A TLS context for each thread: handshakes then share nothing. */
static int copy_contexts(struct tls_ctx *tls, struct tls_ctx **ret_copies, unsigned n)
{
	int r = 0;

	for (unsigned i = 0; i < n && r == 0; i++)
		r = tls_ctx_copy(tls, &ret_copies[i]);
	return r;
}

int dataplane_set_policy(struct dataplane *d, const struct dataplane_policy *policy)
{
	struct tls_ctx *copies[DATAPLANE_THREADS_MAX] = {0};
	int r = copy_contexts(policy->tls, copies, d->nthreads);

	for (unsigned i = 0; i < d->nthreads; i++) {
		struct shard_policy part = {
			.tls = copies[i],
			.directory = policy->directory,
			.auth = policy->auth,
			.pppd249_hlak = policy->pppd249_hlak,
			.access = policy->access,
			.congestion = policy->congestion,
		};

		if (r == 0)
			dataplane_ask(&d->threads[i], set_policy, &part);
		tls_ctx_unref(copies[i]);
	}
	if (r == 0)
		admission_set_limits(d->admission, &policy->limits);
	return r;
}

/* ---- VNets ---- */

int dataplane_vnet_id(const struct dataplane *d, const char *name)
{
	for (unsigned i = 0; i < SHARD_VNETS_MAX; i++)
		if (d->vnets[i] && !d->is_retired[i] && strcmp(vnet_name(d->vnets[i]), name) == 0)
			return (int)i;
	return -ENOENT;
}

static int find_free(const struct dataplane *d)
{
	for (unsigned i = 0; i < SHARD_VNETS_MAX; i++)
		if (!d->vnets[i])
			return (int)i;
	return -E2BIG;
}

static int add_vnet(struct shard *s, void *arg)
{
	const struct vnet_call *call = arg;

	return shard_add_vnet(s, call->id, call->vnet);
}

static int remove_vnet(struct shard *s, void *arg)
{
	const struct vnet_call *call = arg;

	shard_remove_vnet(s, call->id);
	return 0;
}

static int open_vnet(struct shard *s, void *arg)
{
	const struct vnet_call *call = arg;

	return shard_open_vnet(s, call->id);
}

static int new_vnet(struct dataplane *d, const struct vnet_params *params, char ret_error[256])
{
	struct vnet_env env = {
		.loop = d->loop,
		.publisher = d->publisher,
		.threads = d->nthreads,
		.open = d->open,
		.open_arg = d->open_arg,
		.on_failure = on_news,
		.arg = d,
	};
	int id = find_free(d);
	struct vnet *v;
	int r;

	if (id < 0) {
		snprintf(ret_error, 256, "more than %d VNets", SHARD_VNETS_MAX);
		return id;
	}
	r = vnet_new(&env, params, &v, ret_error);
	if (r < 0)
		return r;
	d->vnets[id] = v;
	r = dataplane_ask_all(d, add_vnet, &(struct vnet_call){(unsigned)id, v});
	if (r < 0) {
		snprintf(ret_error, 256, "vnet %s: %s", params->name, strerror(-r));
		dataplane_remove_vnet(d, params->name);
	}
	return r;
}

/* Its queues are closed since look(). */
static int remake_vnet(struct dataplane *d, unsigned id, const struct vnet_params *params,
		       char ret_error[256])
{
	struct vnet_call call = {id, d->vnets[id]};
	int r = vnet_remake(d->vnets[id], params, ret_error);

	if (r < 0)
		return r;
	r = dataplane_ask_all(d, open_vnet, &call);
	if (r < 0) {
		snprintf(ret_error, 256, "vnet %s: %s", params->name, strerror(-r));
		dataplane_ask_all(d, close_vnet, &call);
		vnet_give_up(d->vnets[id]);
	}
	return r;
}

int dataplane_set_vnet(struct dataplane *d, const struct vnet_params *params, char ret_error[256])
{
	int id = dataplane_vnet_id(d, params->name);
	struct vnet_params all = *params;

	all.reach = reach_book_get(d->reach, params->name);
	if (id < 0)
		return new_vnet(d, &all, ret_error);
	if (vnet_has_failed(d->vnets[id]))
		return remake_vnet(d, (unsigned)id, &all, ret_error);
	return vnet_update(d->vnets[id], &all, ret_error);
}

void dataplane_remove_vnet(struct dataplane *d, const char *name)
{
	int id = dataplane_vnet_id(d, name);

	if (id < 0)
		return;
	dataplane_ask_all(d, remove_vnet, &(struct vnet_call){(unsigned)id, d->vnets[id]});
	vnet_free(d->vnets[id]);
	d->vnets[id] = NULL;
}

/* ---- enrolment ---- */

void dataplane_set_enrol(struct dataplane *d, enrol_owner_fn *fn, void *arg)
{
	enrol_set_owner(d->enrol, fn, arg);
}

void dataplane_answer_enrol(struct dataplane *d, uint64_t id, const struct est_reply *reply)
{
	enrol_answer(d->enrol, id, reply);
}

/* ---- the rest ---- */

struct listen_call {
	const struct sockaddr *addr;
	socklen_t len;
};

static int listen_on(struct shard *s, void *arg)
{
	const struct listen_call *call = arg;

	return shard_listen(s, call->addr, call->len);
}

int dataplane_listen(struct dataplane *d, const struct sockaddr *addr, socklen_t addr_len)
{
	return dataplane_ask_all(d, listen_on, &(struct listen_call){addr, addr_len});
}

static int listen_by(struct shard *s, void *arg)
{
	const int *fd = arg;

	return shard_listen_by(s, *fd);
}

int dataplane_listen_by(struct dataplane *d, const int *fds)
{
	int first = 0;

	for (unsigned i = 0; i < d->nthreads; i++) {
		int r = dataplane_ask(&d->threads[i], listen_by, (void *)(uintptr_t)&fds[i]);

		if (first == 0)
			first = r;
	}
	return first;
}

static int shut_down(struct shard *s, void *arg)
{
	shard_shutdown(s, arg);
	return 0;
}

void dataplane_shutdown(struct dataplane *d, const char *reason, void (*done)(void *arg), void *arg)
{
	d->on_empty = done;
	d->on_empty_arg = arg;
	dataplane_ask_all(d, shut_down, (void *)(uintptr_t)reason);
	on_news(d);
}

static int add_stats(struct shard *s, void *arg)
{
	shard_add_stats(s, arg);
	return 0;
}

static void collect_vnets(struct dataplane *d, struct dataplane_stats *stats)
{
	for (unsigned i = 0; i < SHARD_VNETS_MAX; i++) {
		if (!d->vnets[i])
			continue;
		stats->vnets[i].name = d->is_retired[i] ? NULL : vnet_name(d->vnets[i]);
		stats->vnets[i].used = vnet_used(d->vnets[i]);
		stats->vnets[i].size = vnet_size(d->vnets[i]);
	}
}

struct dataplane_stats *dataplane_stats(struct dataplane *d)
{
	struct dataplane_stats *stats = calloc(1, sizeof(*stats));

	if (!stats)
		return NULL;
	for (unsigned i = 0; i < d->nthreads; i++) {
		uint32_t before = stats->sum.sessions;

		dataplane_ask(&d->threads[i], add_stats, &stats->sum);
		stats->thread_sessions[i] = stats->sum.sessions - before;
	}
	stats->admission = admission_counts(d->admission);
	stats->heap_bytes = mallinfo2().uordblks;
	collect_vnets(d, stats);
	return stats;
}

/* "3/2", the sessions of each thread. Returns text. */
static const char *format_threads(const struct dataplane *d, const struct dataplane_stats *stats,
				  char *text, size_t size)
{
	size_t used = 0;

	for (unsigned i = 0; i < d->nthreads; i++)
		used += (size_t)snprintf(text + used, size - used, "%s%u", i ? "/" : "",
					 stats->thread_sessions[i]);
	return text;
}

static void log_vnet_stats(const struct dataplane_stats *stats, unsigned id)
{
	const struct shard_vnet_stats *vnet = &stats->sum.vnets[id];
	char text[384];

	log_info("stats: vnet=%s addresses=%" PRIu64 "/%" PRIu64 " handed_over=%" PRIu64
		 " without session: %s",
		 stats->vnets[id].name, stats->vnets[id].used, stats->vnets[id].size,
		 vnet->handed_over, traffic_format(&vnet->traffic, text, sizeof(text)));
}

void dataplane_log_stats(struct dataplane *d)
{
	struct dataplane_stats *stats = dataplane_stats(d);
	char per_thread[12 * DATAPLANE_THREADS_MAX];
	char text[384];

	if (!stats)
		return;
	log_info("stats: sessions=%u half_open=%u accepted=%" PRIu64 " refused=%" PRIu64
		 " per_thread=%s heap_bytes=%zu %s",
		 stats->sum.sessions, stats->admission.half_open, stats->admission.accepted,
		 stats->admission.refused, format_threads(d, stats, per_thread, sizeof(per_thread)),
		 stats->heap_bytes, traffic_format(&stats->sum.traffic, text, sizeof(text)));
	for (unsigned i = 0; i < SHARD_VNETS_MAX; i++)
		if (stats->vnets[i].name)
			log_vnet_stats(stats, i);
	free(stats);
}

uint32_t dataplane_sessions(const struct dataplane *d)
{
	return admission_counts(d->admission).sessions;
}

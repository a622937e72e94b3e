/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job asks all that is to be asked at once, and is told when the last answer has come, or time is over. Whatever comes
 * later is no answer to anybody: ids are new with each question.
 */
#include "sstp/control/doctor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "sstp/base/clock.h"
#include "sstp/control/doctor_read.h"
#include "sstp/control/query.h"
#include "sstp/control/reply.h"

enum {
	FIRST_ID = 1U << 30, /* explain counts from 0, traces have the upper half */
	HOSTS = 2,	     /* inside, outside */
};

struct asking;

/* One name server's, or the kernel's. */
struct dial {
	struct asking *asking;
	struct doctor_server *server; /* NULL: the kernel */
	uint32_t id;		      /* 0: no socket is awaited */
	struct dns_ask *question;     /* NULL: none is open */
};

struct host_asking {
	struct job *job;
	struct doctor_host *host;
	struct explain_round *round; /* NULL: none */
	bool is_open;
};

/* Of a VNet. */
struct asking {
	struct job *job;
	struct doctor_vnet *vnet;
	const struct doctor_ways *ways;
	struct dial dials[DOCTOR_SERVERS_MAX + 1];
	size_t n;
	struct host_asking hosts[HOSTS];
};

struct job {
	struct job *next;
	struct doctor *d;
	struct front_later *later;
	struct loop_timer *timer;
	bool is_ending; /* the timer is set to now */
	struct doctor_read read;
	struct asking asking[DOCTOR_ASKED];
	size_t n, n_open;
};

struct doctor {
	struct doctor_params params;
	struct job *jobs;
	unsigned n_jobs;
	uint32_t last_id;
};

/* ---- life ---- */

struct doctor *doctor_new(const struct doctor_params *params)
{
	struct doctor *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->params = *params;
	d->last_id = FIRST_ID;
	return d;
}

static void job_free(struct job *j)
{
	for (size_t i = 0; i < j->n; i++) {
		for (size_t k = 0; k < j->asking[i].n; k++)
			dns_ask_free(j->asking[i].dials[k].question);
		for (size_t k = 0; k < HOSTS; k++)
			explain_round_free(j->asking[i].hosts[k].round);
	}
	loop_timer_free(j->timer);
	doctor_read_done(&j->read);
	free(j);
}

/* Takes the job. */
static void reply_to(struct job *j, struct front_reply *reply)
{
	struct job **at = &j->d->jobs;

	while (*at != j)
		at = &(*at)->next;
	*at = j->next;
	j->d->n_jobs--;
	front_answer(j->later, reply);
	job_free(j);
}

void doctor_free(struct doctor *d)
{
	struct front_reply reply;

	if (!d)
		return;
	while (d->jobs) {
		reply_refuse(&reply, 500, "the gateway ends", NULL);
		reply_to(d->jobs, &reply);
	}
	free(d);
}

/* ---- the end ---- */

/* Control serves nobody else meanwhile. */
static void ask_bird(struct job *j, struct doctor_vnet *v)
{
	char path[BIRD_SOCKET_MAX];

	if (!v->has_bgp || !v->n_pools || !j->d->params.bird ||
	    bird_socket_path(j->d->params.bird, v->name, path) < 0)
		return;
	explain_bgp_ask(path, NULL, &v->pools[0], &v->bird);
	v->is_bird_asked = true;
}

/* Takes the job. */
static void end(struct job *j)
{
	uint64_t until = clock_now() + DOCTOR_BIRD_PATIENCE - BIRD_PATIENCE;
	struct front_reply reply = {.status = 200};

	for (size_t i = 0; i < j->read.n && clock_now() < until; i++)
		ask_bird(j, &j->read.vnets[i]);
	reply.json = doctor_json(&j->read.gateway, j->read.vnets, j->read.n);
	if (!reply.json)
		reply_refuse(&reply, 500, "out of memory", NULL);
	reply_to(j, &reply);
}

static void on_timer(void *arg)
{
	end(arg);
}

/* Nothing is freed from here: the loop does. */
static void close_one(struct job *j)
{
	if (--j->n_open || j->is_ending)
		return;
	j->is_ending = true;
	loop_timer_set(j->timer, loop_now(j->d->params.loop));
}

/* ---- name servers, and the kernel ---- */

static void on_name(void *arg, const struct dns_answer *answer)
{
	struct dial *dial = arg;

	dial->server->answer = *answer;
	dial->server->is_told = true;
	dns_ask_free(dial->question);
	dial->question = NULL;
	close_one(dial->asking->job);
}

static void dial_failed(struct dial *dial, int error)
{
	if (dial->server) {
		dial->server->error = error;
		dial->server->is_told = true;
	} else {
		dial->asking->vnet->tun = (struct doctor_device){.is_asked = true, .error = error};
	}
	close_one(dial->asking->job);
}

/* Takes fd. */
static void take_socket(struct dial *dial, int fd)
{
	struct asking *a = dial->asking;
	int r;

	if (!dial->server) {
		doctor_read_device(fd, a->vnet, &a->vnet->tun);
		close_one(a->job);
		return;
	}
	r = dns_ask_new(a->job->d->params.loop, fd, a->ways->domain, on_name, dial,
			&dial->question);
	if (r < 0)
		dial_failed(dial, r);
}

static struct dial *find_dial(struct doctor *d, uint32_t id)
{
	for (struct job *j = d->jobs; j; j = j->next)
		for (size_t i = 0; i < j->n; i++)
			for (size_t k = 0; k < j->asking[i].n; k++)
				if (j->asking[i].dials[k].id == id)
					return &j->asking[i].dials[k];
	return NULL;
}

static void ask_parent(struct asking *a, struct doctor_server *server)
{
	const struct doctor_params *p = &a->job->d->params;
	struct dial *dial = &a->dials[a->n++];
	struct parent_msg m = {.kind = PARENT_DIAL};
	int r;

	*dial = (struct dial){.asking = a, .server = server, .id = ++a->job->d->last_id};
	m.dial = (struct parent_dial){
		.id = dial->id,
		.netns = a->ways->netns,
		.server = server ? server->address : (struct prefix){.family = AF_INET},
	};
	a->job->n_open++;
	r = p->ask(p->arg, &m, NULL);
	if (r == 0)
		return;
	dial->id = 0;
	dial_failed(dial, r);
}

/* ---- hosts, in an app's name ---- */

static void on_round(void *arg)
{
	struct host_asking *h = arg;

	h->is_open = false;
	close_one(h->job);
}

static void ask_host(struct asking *a, struct host_asking *h, struct doctor_host *host)
{
	const struct doctor_params *p = &a->job->d->params;
	struct explain_probe sizes[EXPLAIN_PROBES_MAX];

	if (!host->is_known || !*a->vnet->app)
		return;
	host->n_silence = explain_ask_after_silence(DOCTOR_PORT, host->probes);
	host->n_sizes = explain_ask_sizes(DOCTOR_PORT, sizes);
	memcpy(host->probes + host->n_silence, sizes, host->n_sizes * sizeof(sizes[0]));
	*h = (struct host_asking){.job = a->job, .host = host, .is_open = true};
	host->is_asked = true;
	a->job->n_open++;
	h->round = explain_round_new(&(struct explain_round_params){.loop = p->loop,
								    .ask = p->ask,
								    .send = p->send,
								    .arg = p->arg,
								    .last_id = &a->job->d->last_id,
								    .app = a->vnet->app,
								    .vnet = a->vnet->name,
								    .netns = a->ways->netns,
								    .destination = host->address,
								    .on_done = on_round,
								    .owner = h},
				     host->probes, host->n_silence + host->n_sizes);
	if (!h->round)
		on_round(h);
}

/* ---- what comes back ---- */

void doctor_on_probed(struct doctor *d, const struct msg_probed *m)
{
	for (struct job *j = d->jobs; j; j = j->next)
		for (size_t i = 0; i < j->n * HOSTS; i++) {
			const struct host_asking *h = &j->asking[i / HOSTS].hosts[i % HOSTS];

			if (h->is_open && h->round && explain_round_on_probed(h->round, m))
				return;
		}
}

static void take_dialled(struct doctor *d, const struct parent_dialled *m, struct msgsock_fds *fds)
{
	for (struct job *j = d->jobs; j; j = j->next)
		for (size_t i = 0; i < j->n * HOSTS; i++) {
			const struct host_asking *h = &j->asking[i / HOSTS].hosts[i % HOSTS];

			if (h->is_open && h->round && explain_round_on_dialled(h->round, m, fds))
				return;
		}
}

void doctor_on_parent(struct doctor *d, const struct parent_msg *m, struct msgsock_fds *fds)
{
	struct dial *dial;

	if (m->kind != PARENT_DIALLED)
		return;
	dial = m->dialled.id ? find_dial(d, m->dialled.id) : NULL;
	if (!dial) {
		take_dialled(d, &m->dialled, fds);
		return;
	}
	dial->id = 0;
	if (m->dialled.error)
		dial_failed(dial, m->dialled.error);
	else
		take_socket(dial, msgsock_take_fd(fds));
}

/* ---- the question ---- */

static void ask_vnet(struct job *j, struct doctor_vnet *v, const struct doctor_ways *w)
{
	struct asking *a;

	if (j->n == DOCTOR_ASKED) {
		v->is_skipped = true;
		return;
	}
	a = &j->asking[j->n++];
	*a = (struct asking){.job = j, .vnet = v, .ways = w};
	for (size_t i = 0; i < v->n_servers; i++)
		ask_parent(a, &v->servers[i]);
	if (v->n_pools)
		ask_parent(a, NULL);
	ask_host(a, &a->hosts[0], &v->inside);
	ask_host(a, &a->hosts[1], &v->outside);
}

static void start(struct job *j)
{
	struct doctor *d = j->d;

	j->next = d->jobs;
	d->jobs = j;
	d->n_jobs++;
	loop_timer_set(j->timer, loop_now(d->params.loop) + DOCTOR_PATIENCE);
	j->n_open = 1;
	for (size_t i = 0; i < j->read.n; i++)
		ask_vnet(j, &j->read.vnets[i], &j->read.ways[i]);
	close_one(j);
}

static struct job *job_new(struct doctor *d)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->d = d;
	j->timer = loop_timer_new(d->params.loop, on_timer, j);
	if (j->timer)
		return j;
	free(j);
	return NULL;
}

static int fill(struct job *j, const char *vnet, struct certs_error *e)
{
	const struct doctor_params *p = &j->d->params;
	const struct doctor_source source = {
		.model = p->model, .est = p->est, .bgp = p->bgp, .now = time(NULL)};
	const char *behind = p->behind(p->arg);
	int r = doctor_read(&source, vnet, &j->read, e);

	j->read.gateway.is_connected = behind != NULL;
	snprintf(j->read.gateway.behind, sizeof(j->read.gateway.behind), "%s",
		 behind ? behind : "");
	return r;
}

static void begin(struct doctor *d, const struct front_request *request, const char *vnet,
		  struct front_reply *reply)
{
	struct job *j = job_new(d);
	struct certs_error e;
	int r = j ? fill(j, vnet, &e) : certs_fail(&e, -ENOMEM, "out of memory");

	if (r < 0) {
		reply_refuse(reply, r == -ENOENT ? 404 : 500, e.text, NULL);
		if (j)
			job_free(j);
		return;
	}
	j->later = front_later(request);
	start(j);
}

/* ---- which one it is ---- */

static const char route[] = "/v1/doctor";

const char *doctor_route(size_t i, enum front_method *ret_method)
{
	*ret_method = FRONT_GET;
	return i ? NULL : route;
}

bool doctor_has_path(const char *path)
{
	return strcmp(path, route) == 0;
}

void doctor_answer(struct doctor *d, const struct front_request *request,
		   struct front_reply *ret_reply)
{
	static const char *const keys[] = {"vnet", NULL};
	struct query query;
	char why[QUERY_WHY_MAX];

	if (request->method != FRONT_GET)
		reply_refuse(ret_reply, 405, "this path has no such method", NULL);
	else if (query_parse(request->query, keys, &query, why) < 0)
		reply_refuse(ret_reply, 400, why, NULL);
	else if (d->n_jobs >= DOCTOR_MAX)
		reply_refuse(ret_reply, 429, "The doctor is at work already; ask again.", NULL);
	else
		begin(d, request, query_get(&query, "vnet"), ret_reply);
}

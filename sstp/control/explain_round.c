/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/explain_round.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "sstp/base/clock.h"
#include "sstp/control/own_probe.h"

struct open_probe {
	struct explain_round *round;
	struct explain_probe *probe;
	uint32_t id; /* 0: nothing is expected under one any more */
	bool is_open;
	struct own_probe *own; /* NULL: none */
};

struct explain_round {
	struct explain_round_params params;
	struct loop_timer *timer;
	struct open_probe open[EXPLAIN_PROBES_MAX];
	size_t n, n_open;
};

/* Those that nobody answers stay untold. The round may be gone afterwards. */
static void end(struct explain_round *r)
{
	for (size_t i = 0; i < r->n; i++) {
		r->open[i].is_open = false;
		r->open[i].id = 0;
	}
	r->n_open = 0;
	loop_timer_set(r->timer, CLOCK_NEVER);
	r->params.on_done(r->params.owner);
}

static void on_timer(void *arg)
{
	end(arg);
}

/* Nothing is called from here: the loop does. */
static void close_probe(struct open_probe *o)
{
	struct explain_round *r = o->round;

	if (!o->is_open)
		return;
	o->is_open = false;
	o->id = 0;
	if (--r->n_open == 0)
		loop_timer_set(r->timer, loop_now(r->params.loop));
}

static void take(struct open_probe *o, const struct msg_probed *answer)
{
	o->probe->answer = *answer;
	snprintf(o->probe->drop, sizeof(o->probe->drop), "%s", answer->drop);
	o->probe->answer.drop = o->probe->drop;
	o->probe->is_told = true;
	close_probe(o);
}

static void on_own(void *arg, const struct msg_probed *answer)
{
	take(arg, answer);
}

/* ---- asking ---- */

static bool ask_parent(struct open_probe *o)
{
	const struct explain_round_params *p = &o->round->params;
	const struct parent_msg m = {
		.kind = PARENT_DIAL,
		.dial = {.id = o->id,
			 .netns = p->netns,
			 .server = p->destination,
			 .use = o->probe->port ? PARENT_DIAL_PORT : PARENT_DIAL_ECHO,
			 .port = o->probe->port},
	};

	return p->ask(p->arg, &m, NULL) == 0;
}

static bool ask_data_plane(struct open_probe *o)
{
	const struct explain_round_params *p = &o->round->params;
	const struct msg_probe m = {
		.id = o->id,
		.app = p->app,
		.vnet = p->vnet,
		.destination = p->destination,
		.port = o->probe->port,
		.size = o->probe->size,
		.ttl = o->probe->ttl,
		.source = o->probe->source,
	};
	uint8_t *frame;
	size_t len;

	return msg_probe_encode(&m, &frame, &len) == 0 && p->send(p->arg, frame, len) == 0;
}

static void ask(struct open_probe *o)
{
	o->probe->is_told = false;
	o->id = ++*o->round->params.last_id;
	o->is_open = true;
	o->round->n_open++;
	if (!(o->probe->source == EXPLAIN_BY_GATEWAY ? ask_parent(o) : ask_data_plane(o)))
		close_probe(o);
}

struct explain_round *explain_round_new(const struct explain_round_params *params,
					struct explain_probe *probes, size_t n)
{
	struct explain_round *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->params = *params;
	r->timer = loop_timer_new(params->loop, on_timer, r);
	if (!r->timer) {
		free(r);
		return NULL;
	}
	loop_timer_set(r->timer, loop_now(params->loop) + (n ? EXPLAIN_ROUND_PATIENCE : 0));
	r->n = n < EXPLAIN_PROBES_MAX ? n : EXPLAIN_PROBES_MAX;
	for (size_t i = 0; i < r->n; i++) {
		r->open[i] = (struct open_probe){.round = r, .probe = &probes[i]};
		ask(&r->open[i]);
	}
	return r;
}

void explain_round_free(struct explain_round *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->n; i++)
		own_probe_free(r->open[i].own);
	loop_timer_free(r->timer);
	free(r);
}

/* ---- what comes back ---- */

static struct open_probe *find(struct explain_round *r, uint64_t id, bool is_own)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->open[i].id && r->open[i].id == id &&
		    (r->open[i].probe->source == EXPLAIN_BY_GATEWAY) == is_own)
			return &r->open[i];
	return NULL;
}

bool explain_round_on_probed(struct explain_round *r, const struct msg_probed *m)
{
	struct open_probe *o = find(r, m->id, false);

	if (o)
		take(o, m);
	return o;
}

/* What the parent's kernel says at once is an answer as well. */
static void take_refusal(struct open_probe *o, int error)
{
	if (error == -ENETUNREACH || error == -EHOSTUNREACH)
		take(o, &(struct msg_probed){
				.outcome = MSG_OUTCOME_ICMP,
				.from = {.family = AF_INET},
				.source = {.family = AF_INET},
				.type = o->round->params.destination.family == AF_INET6 ? 1 : 3,
				.drop = "",
			});
	else
		close_probe(o);
}

bool explain_round_on_dialled(struct explain_round *r, const struct parent_dialled *m,
			      struct msgsock_fds *fds)
{
	struct open_probe *o = find(r, m->id, true);
	int error = m->error;

	if (!o)
		return false;
	o->id = 0;
	if (error == 0)
		error = own_probe_new(
			r->params.loop, msgsock_take_fd(fds),
			&(struct own_probe_params){.family = r->params.destination.family,
						   .is_echo = !o->probe->port,
						   .ttl = o->probe->ttl},
			on_own, o, &o->own);
	if (error < 0)
		take_refusal(o, error);
	return true;
}

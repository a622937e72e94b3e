/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/explain_cause.h"

#include <string.h>
#include <sys/socket.h>

/* ---- what is asked ---- */

static void add(struct explain_probe *probes, size_t *n, struct explain_probe p)
{
	probes[(*n)++] = p;
}

size_t explain_ask_after_silence(uint16_t port, struct explain_probe ret_probes[EXPLAIN_PROBES_MAX])
{
	size_t n = 0;

	add(ret_probes, &n, (struct explain_probe){.source = EXPLAIN_BY_GATEWAY, .port = port});
	if (port) {
		add(ret_probes, &n, (struct explain_probe){.source = EXPLAIN_BY_GATEWAY});
		add(ret_probes, &n, (struct explain_probe){.source = 0});
	}
	add(ret_probes, &n, (struct explain_probe){.port = port});
	add(ret_probes, &n, (struct explain_probe){.port = EXPLAIN_OTHER_PORT});
	for (uint8_t i = 1; i <= MSG_PROBE_SOURCES; i++)
		add(ret_probes, &n, (struct explain_probe){.source = i, .port = port});
	for (uint8_t i = 1; i <= EXPLAIN_HOPS; i++) {
		/* the gateway is a hop of the app's packets, not of its own */
		add(ret_probes, &n, (struct explain_probe){.port = port, .ttl = (uint8_t)(i + 1)});
		add(ret_probes, &n, (struct explain_probe){.source = EXPLAIN_BY_GATEWAY, .ttl = i});
	}
	return n;
}

size_t explain_ask_sizes(uint16_t port, struct explain_probe ret_probes[EXPLAIN_PROBES_MAX])
{
	/* the one that counts first, for a host that limits echoes, and twice, for a way that loses some */
	static const uint16_t sizes[] = {MSG_PROBE_FULL, 0, 576, 1000, 1200, 1280, MSG_PROBE_FULL};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		add(ret_probes, &n, (struct explain_probe){.size = sizes[i]});
	if (port)
		add(ret_probes, &n, (struct explain_probe){.port = port, .size = MSG_PROBE_FULL});
	return n;
}

/* ---- what the answers say ---- */

static bool is_answered(const struct explain_probe *p)
{
	return p->is_told && p->answer.outcome <= MSG_OUTCOME_CLOSED;
}

static bool is_silent(const struct explain_probe *p)
{
	return p->is_told && p->answer.outcome == MSG_OUTCOME_SILENCE;
}

/* A router at which the hops ended. */
static bool is_hop(const struct explain_probe *p)
{
	const struct msg_probed *a = &p->answer;

	return p->is_told && p->ttl && a->outcome == MSG_OUTCOME_ICMP &&
	       a->type == (a->from.family == AF_INET6 ? 3 : 11);
}

bool explain_is_down(const struct msg_probed *m)
{
	if (m->outcome != MSG_OUTCOME_ICMP)
		return false;
	if (m->from.family == AF_INET6 || m->source.family == AF_INET6)
		return m->type == 1 && m->code == 3;
	return m->type == 3 && (m->code == 1 || m->code == 7);
}

static void take_gateway(struct explain_reason *r, const struct explain_probe *p)
{
	if (p->ttl || !p->is_told)
		return;
	if (!r->gateway || (is_answered(p) && !is_answered(r->gateway)))
		r->gateway = p;
}

static void take_pool(struct explain_reason *r, const struct explain_probe *p)
{
	r->others += is_answered(p) || is_silent(p);
	r->others_answered += is_answered(p);
	if (is_answered(p) && !r->other)
		r->other = p;
}

/* How far somebody's questions get answers of routers. */
static const struct explain_probe *last_hop(const struct explain_probe *probes, size_t n,
					    bool is_own)
{
	const struct explain_probe *last = NULL;

	for (size_t i = 0; i < n; i++)
		if (is_hop(&probes[i]) && (probes[i].source == EXPLAIN_BY_GATEWAY) == is_own &&
		    (!last || probes[i].ttl > last->ttl))
			last = &probes[i];
	return last;
}

/* The first router behind the app's last one that the gateway hears. */
static const struct explain_probe *lost_hop(const struct explain_probe *probes, size_t n,
					    const struct explain_probe *hop)
{
	const struct explain_probe *lost = NULL;
	unsigned behind = hop ? hop->ttl - 1U : 0;

	for (size_t i = 0; i < n; i++)
		if (is_hop(&probes[i]) && probes[i].source == EXPLAIN_BY_GATEWAY &&
		    probes[i].ttl > behind && (!lost || probes[i].ttl < lost->ttl))
			lost = &probes[i];
	return lost;
}

static enum explain_cause judge_gateway(const struct explain_reason *r, bool has_routers)
{
	if (!r->gateway)
		return EXPLAIN_NO_CAUSE;
	if (!is_answered(r->gateway))
		return EXPLAIN_NOBODY_ANSWERED;
	if (r->lost)
		return EXPLAIN_NO_WAY_BACK;
	return has_routers ? EXPLAIN_POOL_DROPPED : EXPLAIN_POOL_OR_WAY;
}

static enum explain_cause judge(const struct explain_reason *r, uint16_t port, bool has_routers)
{
	bool is_open_to_gateway =
		r->gateway && is_answered(r->gateway) && (r->gateway->port == port || !port);

	if (r->again)
		return EXPLAIN_ANSWERED_LATER;
	if (r->other)
		return EXPLAIN_POOL_PARTLY_ALLOWED;
	if (r->host)
		return is_open_to_gateway ? EXPLAIN_PORT_DROPPED_FOR_POOL : EXPLAIN_PORT_DROPPED;
	if (r->down && !(r->gateway && is_answered(r->gateway)))
		return EXPLAIN_HOST_DOWN;
	return judge_gateway(r, has_routers);
}

struct explain_reason explain_find_cause(const struct explain_probe *probes, size_t n,
					 uint16_t port)
{
	struct explain_reason r = {.cause = EXPLAIN_NO_CAUSE};

	for (size_t i = 0; i < n; i++) {
		const struct explain_probe *p = &probes[i];

		if (p->is_told && explain_is_down(&p->answer) && !r.down)
			r.down = p;
		if (p->source == EXPLAIN_BY_GATEWAY)
			take_gateway(&r, p);
		else if (p->source)
			take_pool(&r, p);
		else if (is_answered(p) && p->port == port && !r.again)
			r.again = p;
		else if (is_answered(p) && !r.host)
			r.host = p;
	}
	r.hop = last_hop(probes, n, false);
	r.lost = lost_hop(probes, n, r.hop);
	r.cause = judge(&r, port, r.hop != NULL);
	return r;
}

/* The same question: echoes, or to a port; one that was answered, if there is one. */
static const struct explain_probe *find_full(const struct explain_probe *probes, size_t n,
					     bool has_port)
{
	const struct explain_probe *found = NULL;

	for (size_t i = 0; i < n; i++)
		if (probes[i].size == MSG_PROBE_FULL && !probes[i].port == !has_port &&
		    (!found || is_answered(&probes[i])))
			found = &probes[i];
	return found;
}

/*
 * Where echoes are answered they say it, both ways. Where none is, a SYN that is full of nothing does: what takes the short
 * one takes it too.
 */
struct explain_reason explain_find_size(const struct explain_probe *probes, size_t n)
{
	struct explain_reason r = {.cause = EXPLAIN_NO_CAUSE};
	const struct explain_probe *echo = find_full(probes, n, false);
	const struct explain_probe *syn = find_full(probes, n, true);
	bool has_echo = false;

	for (size_t i = 0; i < n; i++) {
		const struct explain_probe *p = &probes[i];

		if (p->port || !is_answered(p))
			continue;
		has_echo = true;
		if (p->answer.size > r.passes)
			r.passes = p->answer.size;
	}
	for (size_t i = 0; i < n; i++)
		if (!probes[i].port && is_silent(&probes[i]) && probes[i].answer.size > r.passes &&
		    (!r.stuck || probes[i].answer.size < r.stuck))
			r.stuck = probes[i].answer.size;
	if (has_echo && echo && is_silent(echo))
		r.cause = EXPLAIN_MTU;
	else if (!has_echo && syn && is_silent(syn)) {
		r.cause = EXPLAIN_MTU;
		r.stuck = syn->answer.size;
	}
	return r;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/tunnel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/base/log.h"
#include "sstp/worker/tunnel_internal.h"

#define RETRY_FIRST (1 * CLOCK_NS_PER_S)
#define RETRY_MAX   (60 * CLOCK_NS_PER_S)
#define PROVEN_LIFE (60 * CLOCK_NS_PER_S)

/* Of a connection that the gateway has disabled: what a plan's tier takes away its operator gives back, some day. */
#define RETRY_DISABLED (60 * CLOCK_NS_PER_S)

/* Four times that, and a gateway that is silent is lost: known and refused within 10 s. */
#define ECHO_EVERY (2 * CLOCK_NS_PER_S)

/* ---- coming up, going down, trying again ---- */

static void stop_dialling(struct tunnel *t)
{
	for (int i = 0; i < 2; i++) {
		session_free(t->legs[i].session);
		t->legs[i].session = NULL;
	}
	resolve_free(t->resolve);
	t->resolve = NULL;
}

static bool has_session(const struct tunnel *t)
{
	return t->legs[0].session || t->legs[1].session;
}

/* Those that are there say goodbye; on_end() comes for each. */
static void disconnect_all(struct tunnel *t, const char *reason)
{
	for (int i = 0; i < 2; i++)
		if (t->legs[i].session)
			session_disconnect(t->legs[i].session, reason);
}

static void finish(struct tunnel *t, enum session_end end, const char *reason)
{
	if (t->ended)
		return;
	t->ended = true;
	loop_timer_set(t->retry, CLOCK_NEVER);
	loop_timer_set(t->give_up, CLOCK_NEVER);
	loop_timer_set(t->drain, CLOCK_NEVER);
	t->params.ops->on_end(t->params.arg, end, reason);
}

/* Somebody deleted it: it would be readable for ever, and there is nothing to dial for any more. */
static void on_device_gone(void *arg, int error)
{
	struct tunnel *t = arg;
	char reason[128];

	port_free(t->port);
	t->port = NULL;
	snprintf(reason, sizeof(reason), "the TUN device '%s' is gone: %s",
		 network_tun(t->params.network)->name, strerror(-error));
	t->stopping = true;
	finish(t, SESSION_END_LOST, reason);
	if (has_session(t))
		disconnect_all(t, reason);
	else
		stop_dialling(t);
}

static void on_up(void *arg, const struct link_address *address)
{
	struct leg *leg = arg;
	struct tunnel *t = leg->tunnel;
	struct prefix local;
	int r;

	if (tunnel_replace_on_up(leg, address))
		return;
	local = prefix_host4(address->local);
	r = network_up(t->params.network, &local);
	if (r < 0) {
		log_error("cannot set up the app's network: %s", strerror(-r));
		network_down(t->params.network);
		session_disconnect(leg->session, "the app's network cannot be set up");
		return;
	}
	t->was_up = true;
	t->is_disabled = false;
	t->up_since = loop_now(t->env.loop);
	leg->address_be = t->former_be = address->local;
	loop_timer_set(t->give_up, CLOCK_NEVER);
	t->params.ops->on_up(t->params.arg, address);
	tunnel_replace_if_wanted(t);
}

/* Without it the app goes on with IPv4. */
static int set_up6(const struct leg *leg)
{
	struct prefix local = prefix_host(AF_INET6, leg->address6);
	int r = network_up(leg->tunnel->params.network, &local);

	if (r < 0)
		log_warning("the app gets no IPv6 address: %s%s", strerror(-r),
			    r == -EACCES ? ": IPv6 is switched off in its namespace" : "");
	return r;
}

static void on_address6(void *arg, const uint8_t *address)
{
	struct leg *leg = arg;
	struct tunnel *t = leg->tunnel;

	leg->has_address6 = address;
	if (address)
		memcpy(leg->address6, address, sizeof(leg->address6));
	if (leg != t->current)
		return;
	if (address && set_up6(leg) < 0)
		leg->has_address6 = false;
	if (t->params.ops->on_address6)
		t->params.ops->on_address6(t->params.arg, leg->has_address6 ? leg->address6 : NULL);
}

static void go_down(struct tunnel *t)
{
	if (!t->up_since)
		return;
	if (loop_now(t->env.loop) - t->up_since >= PROVEN_LIFE)
		t->retry_after = RETRY_FIRST;
	t->up_since = 0;
	network_down(t->params.network);
	t->params.ops->on_down(t->params.arg);
}

/* With others at hand (wants_next) it was not what there is now that was refused. */
static bool is_final(const struct tunnel *t, enum session_end end)
{
	bool is_refused = end == SESSION_END_AUTH || (end == SESSION_END_CERTIFICATE && !t->was_up);

	return t->stopping || end == SESSION_END_DISCONNECTED ||
	       (is_refused && !t->wants_next && !t->is_disabled);
}

/* Somewhere between half of the wait and all of it. */
static uint64_t with_jitter(uint64_t wait)
{
	uint32_t r;

	random_fill(&random_system, &r, sizeof(r));
	return wait / 2 + wait / 2 * (r >> 16) / 65536;
}

static void dial_after(struct tunnel *t, enum session_end end, const char *reason, uint64_t wait)
{
	loop_timer_set(t->retry, loop_now(t->env.loop) + wait);
	if (t->params.ops->on_retry)
		t->params.ops->on_retry(t->params.arg, end, reason, wait);
}

static void retry_later(struct tunnel *t, enum session_end end, const char *reason)
{
	uint64_t wait = with_jitter(t->retry_after);

	if (t->is_disabled)
		wait = RETRY_DISABLED + with_jitter(RETRY_FIRST);
	else
		t->retry_after = t->retry_after * 2 < RETRY_MAX ? t->retry_after * 2 : RETRY_MAX;
	snprintf(t->last_reason, sizeof(t->last_reason), "%s", reason);
	log_warning("no tunnel to %s:%u: %s; trying again in %.1f s", t->params.host,
		    t->params.port, reason, (double)wait / 1e9);
	dial_after(t, end, reason, wait);
}

/* A gateway that asks for it again and again gets the usual waits: it would have us dial without end. */
static bool dials_at_once(struct tunnel *t, enum session_end end)
{
	uint64_t now = loop_now(t->env.loop);

	if (t->stopping || (!t->reconnecting && end != SESSION_END_RESTART))
		return false;
	if (!t->reconnecting && now < t->restarts_from)
		return false;
	if (!t->reconnecting)
		t->restarts_from = now + PROVEN_LIFE;
	t->reconnecting = false;
	return true;
}

/* After tunnel_stop() the last goodbye counts. */
static void end_leg(struct tunnel *t, enum session_end end, const char *why)
{
	if (t->stopping && has_session(t))
		return;
	t->is_disabled |= end == SESSION_END_DISABLED;
	if (dials_at_once(t, end)) {
		log_info("dialling again: %s", why);
		dial_after(t, end, why, 0);
	} else if (is_final(t, end)) {
		finish(t, end, why);
	} else {
		retry_later(t, end, why);
	}
}

/* What the gateway says of the connection is so for the session that is being made beside this one as well. */
static bool is_of_connection(enum session_end end)
{
	return end == SESSION_END_DISCONNECTED || end == SESSION_END_DISABLED ||
	       end == SESSION_END_RESTART;
}

static void on_end(void *arg, enum session_end end, const char *reason)
{
	struct leg *leg = arg;
	struct tunnel *t = leg->tunnel;
	char why[SESSION_REASON_MAX];

	snprintf(why, sizeof(why), "%s", reason); /* it goes with the session */
	session_free(leg->session);
	leg->session = NULL;
	leg->address_be = 0;
	leg->has_address6 = false;
	if (leg == t->traced_by)
		t->traced_by = NULL;
	if (leg == t->current && is_of_connection(end))
		tunnel_replace_give_up(t);
	if (!t->stopping && tunnel_replace_on_end(leg, why))
		return;
	if (!t->stopping || !has_session(t))
		go_down(t);
	end_leg(t, end, why);
}

static void on_auth(void *arg, bool ok)
{
	/* a refusal comes again in on_end() */
}

static void on_down(void *arg)
{
	struct leg *leg = arg;
	struct tunnel *t = leg->tunnel;

	port_flush(t->port); /* the packets' memory is the session's */
	leg->address_be = 0;
	leg->has_address6 = false;
	if (leg == t->current && !t->next)
		go_down(t);
}

/* One that is on its way out knows less than the one that carries packets. */
static void on_description(void *arg, const char *text, size_t len)
{
	const struct leg *leg = arg;
	struct tunnel *t = leg->tunnel;

	if (leg == t->current && t->params.ops->on_description)
		t->params.ops->on_description(t->params.arg, text, len);
}

static const struct session_ops session_callbacks = {
	.on_auth = on_auth,
	.on_up = on_up,
	.on_address6 = on_address6,
	.on_packet = tunnel_on_packet,
	.on_burst_end = tunnel_on_burst_end,
	.on_description = on_description,
	.on_trace = tunnel_on_trace,
	.on_down = on_down,
	.on_end = on_end,
};

/* ---- dialling ---- */

/*
 * The address that the app has, or had: the gateway may still hold it for a session that has died without a word, and gives
 * it to nobody but the same certificate or its renewal. By a password there is nothing to claim it with.
 */
static uint32_t address_to_keep(const struct tunnel *t)
{
	return t->params.credentials->eap_tls ? t->former_be : 0;
}

static int pin_gateway(struct tunnel *t, const struct sockaddr *addr)
{
	const struct sockaddr_in *in = (const void *)addr;
	const struct sockaddr_in6 *in6 = (const void *)addr;
	bool is_6 = addr->sa_family == AF_INET6;
	struct prefix gateway = prefix_host((uint8_t)addr->sa_family,
					    is_6 ? (const void *)&in6->sin6_addr : &in->sin_addr);

	return network_pin(t->params.network, &gateway);
}

int tunnel_dial(struct leg *leg, const struct candidate *to)
{
	struct tunnel *t = leg->tunnel;
	struct session_params params = {
		.ops = &session_callbacks,
		.arg = leg,
		.id = ++t->sessions,
		.auth = t->params.credentials->auth,
		.hashes = SSTP_HASH_SHA1 | SSTP_HASH_SHA256,
		.name = t->params.credentials->name,
		.password = t->params.password,
		.eap_tls = t->params.credentials->eap_tls,
		.host = t->params.host,
		.replaces_be = address_to_keep(t),
		.echo_every_ns = ECHO_EVERY,
	};
	const struct sockaddr *addr = (const void *)&to->addr;
	int r = pin_gateway(t, addr);

	t->wants_next = false;
	if (r < 0)
		return r;
	if (to != &t->gateway)
		t->gateway = *to;
	leg->session = session_dial(&t->env, addr, to->len, t->params.credentials->tls, &params);
	return leg->session ? 0 : -errno;
}

static void on_resolved(void *arg, int error, const struct addrinfo *list)
{
	struct tunnel *t = arg;
	const struct candidate *to;
	int r = 0;

	if (!error)
		candidates_set(&t->candidates, list);
	to = candidates_next(&t->candidates);
	if (to && error)
		log_info("%s: %s; dialling an address known from before", t->params.host,
			 gai_strerror(error));
	if (to)
		r = tunnel_dial(t->current, to);
	resolve_free(t->resolve);
	t->resolve = NULL;
	if (!to)
		retry_later(t, SESSION_END_CONNECT, gai_strerror(error));
	else if (r < 0)
		retry_later(t, SESSION_END_CONNECT, strerror(-r));
}

static void on_retry(void *arg)
{
	struct tunnel *t = arg;

	t->resolve = resolve_start(t->env.loop, t->params.host, t->params.port, on_resolved, t);
	if (!t->resolve)
		retry_later(t, SESSION_END_CONNECT, strerror(errno));
}

static void on_give_up(void *arg)
{
	struct tunnel *t = arg;
	char why[2 * SESSION_REASON_MAX];

	stop_dialling(t);
	snprintf(why, sizeof(why), "no tunnel to %s:%u within --connect-timeout; last: %s",
		 t->params.host, t->params.port, t->last_reason[0] ? t->last_reason : "no answer");
	finish(t, SESSION_END_CONNECT, why);
}

static const struct port_ops device_callbacks = {
	.on_packet = tunnel_on_device_packet,
	.on_gone = on_device_gone,
};

static void set_congestion(struct tunnel *t)
{
	int r = stream_scratch_set_congestion(t->env.scratch,
					      (enum stream_congestion)t->params.congestion);

	if (r < 0)
		log_warning("the kernel refuses this congestion control (%s), as if it were auto: "
			    "see net.ipv4.tcp_allowed_congestion_control",
			    strerror(-r));
}

struct tunnel *tunnel_new(struct loop *loop, const struct tunnel_params *params)
{
	struct tunnel *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->params = *params;
	t->retry_after = RETRY_FIRST;
	t->legs[0].tunnel = t->legs[1].tunnel = t;
	t->current = &t->legs[0];
	if (session_env_init(&t->env, loop) < 0)
		goto fail;
	set_congestion(t);
	t->retry = loop_timer_new(loop, on_retry, t);
	t->give_up = loop_timer_new(loop, on_give_up, t);
	t->drain = loop_timer_new(loop, tunnel_replace_on_drained, t);
	t->port = port_new(loop, network_tun(params->network), &device_callbacks, t);
	if (!t->retry || !t->give_up || !t->drain || !t->port)
		goto fail;
	if (params->connect_timeout)
		loop_timer_set(t->give_up, loop_now(loop) + params->connect_timeout);
	loop_timer_set(t->retry, loop_now(loop));
	return t;
fail:
	tunnel_free(t);
	return NULL;
}

void tunnel_stop(struct tunnel *t, const char *reason)
{
	t->stopping = true;
	if (has_session(t)) {
		disconnect_all(t, reason);
	} else {
		stop_dialling(t);
		finish(t, SESSION_END_NORMAL, reason);
	}
}

void tunnel_release(struct tunnel *t)
{
	stop_dialling(t);
	trace_free(t->trace);
	t->trace = NULL;
	port_free(t->port);
	t->port = NULL;
}

void tunnel_free(struct tunnel *t)
{
	if (!t)
		return;
	stop_dialling(t);
	trace_free(t->trace);
	port_free(t->port);
	loop_timer_free(t->retry);
	loop_timer_free(t->give_up);
	loop_timer_free(t->drain);
	session_env_done(&t->env);
	free(t);
}

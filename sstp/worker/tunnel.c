/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/tunnel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sstp/base/log.h"
#include "sstp/session/port.h"
#include "sstp/worker/candidates.h"
#include "sstp/worker/resolve.h"
#include "tun/ip.h"

#define RETRY_FIRST (1 * CLOCK_NS_PER_S)
#define RETRY_MAX   (60 * CLOCK_NS_PER_S)
#define PROVEN_LIFE (60 * CLOCK_NS_PER_S)

struct tunnel {
	struct tunnel_params params;
	struct session_env env;
	struct resolve *resolve; /* dialling begins with it */
	struct candidates candidates;
	struct session *session;
	uint64_t sessions; /* dialled so far */
	struct loop_timer *retry;
	struct loop_timer *give_up;
	struct port *port;
	uint64_t retry_after;
	uint64_t up_since; /* 0: not up */
	uint32_t address_be;
	bool was_up;
	bool stopping;
	bool ended;
	char last_reason[SESSION_REASON_MAX]; /* why there is no tunnel */
};

/* ---- packets ---- */

static void on_packet(void *arg, uint8_t *pkt, size_t len)
{
	struct tunnel *t = arg;
	struct traffic *traffic = session_traffic(t->session);
	struct ip_info ip;
	enum drop_reason why = DROP_REASONS;

	if (ip_parse(pkt, len, &ip) < 0)
		why = DROP_MALFORMED;
	else if (ip.dst_be != t->address_be)
		why = DROP_DESTINATION;
	if (why != DROP_REASONS) {
		traffic->drops[why]++;
		return;
	}
	ip_clamp_mss(pkt, &ip, t->params.mtu);
	if (!t->port) {
		traffic->drops[DROP_DEVICE]++;
		return;
	}
	port_write(t->port, pkt, ip.total_len);
	traffic->rx_packets++;
	traffic->rx_bytes += ip.total_len;
}

static void on_burst_end(void *arg)
{
	struct tunnel *t = arg;

	session_traffic(t->session)->drops[DROP_DEVICE] += port_flush(t->port);
}

/* From the app. While the tunnel is down nothing is kept for later. */
static void on_device_packet(void *arg, const struct virtio_net_hdr *h, uint8_t *pkt, size_t len)
{
	struct tunnel *t = arg;
	struct traffic *traffic;
	struct ip_info ip;
	int r;

	if (!t->session || !t->up_since)
		return;
	traffic = session_traffic(t->session);
	r = ip_parse(pkt, len, &ip);
	if (r < 0)
		traffic->drops[r == -EAFNOSUPPORT ? DROP_PROTOCOL : DROP_MALFORMED]++;
	else if (ip.src_be != t->address_be)
		traffic->drops[DROP_SOURCE]++;
	else
		session_send(t->session, h, pkt, len, t->params.mtu);
}

/* ---- coming up, going down, trying again ---- */

static void stop_dialling(struct tunnel *t)
{
	session_free(t->session);
	t->session = NULL;
	resolve_free(t->resolve);
	t->resolve = NULL;
}

static void finish(struct tunnel *t, enum session_end end, const char *reason)
{
	if (t->ended)
		return;
	t->ended = true;
	loop_timer_set(t->retry, CLOCK_NEVER);
	loop_timer_set(t->give_up, CLOCK_NEVER);
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
	if (t->session)
		session_disconnect(t->session, reason);
	else
		stop_dialling(t);
}

static void on_up(void *arg, const struct link_address *address)
{
	struct tunnel *t = arg;
	int r = network_up(t->params.network, address->local);

	if (r < 0) {
		log_error("cannot set up the app's network: %s", strerror(-r));
		network_down(t->params.network);
		session_disconnect(t->session, "the app's network cannot be set up");
		return;
	}
	t->was_up = true;
	t->up_since = loop_now(t->env.loop);
	t->address_be = address->local;
	loop_timer_set(t->give_up, CLOCK_NEVER);
	t->params.ops->on_up(t->params.arg, address);
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

static bool is_final(const struct tunnel *t, enum session_end end)
{
	return t->stopping || end == SESSION_END_AUTH ||
	       (end == SESSION_END_CERTIFICATE && !t->was_up);
}

/* Somewhere between half of the wait and all of it. */
static uint64_t with_jitter(uint64_t wait)
{
	uint32_t r;

	random_fill(&random_system, &r, sizeof(r));
	return wait / 2 + wait / 2 * (r >> 16) / 65536;
}

static void retry_later(struct tunnel *t, const char *reason)
{
	uint64_t wait = with_jitter(t->retry_after);

	snprintf(t->last_reason, sizeof(t->last_reason), "%s", reason);
	log_warning("no tunnel to %s:%u: %s; trying again in %.1f s", t->params.host,
		    t->params.port, reason, (double)wait / 1e9);
	t->retry_after = t->retry_after * 2 < RETRY_MAX ? t->retry_after * 2 : RETRY_MAX;
	loop_timer_set(t->retry, loop_now(t->env.loop) + wait);
}

static void on_end(void *arg, enum session_end end, const char *reason)
{
	struct tunnel *t = arg;
	char why[SESSION_REASON_MAX];

	snprintf(why, sizeof(why), "%s", reason); /* it goes with the session */
	session_free(t->session);
	t->session = NULL;
	go_down(t);
	if (is_final(t, end))
		finish(t, end, why);
	else
		retry_later(t, why);
}

static void on_auth(void *arg, bool ok)
{
	/* a refusal comes again in on_end() */
}

static void on_down(void *arg)
{
	struct tunnel *t = arg;

	port_flush(t->port); /* the packets' memory is the session's */
	go_down(t);
}

static const struct session_ops session_callbacks = {
	.on_auth = on_auth,
	.on_up = on_up,
	.on_packet = on_packet,
	.on_burst_end = on_burst_end,
	.on_down = on_down,
	.on_end = on_end,
};

/* ---- dialling ---- */

static int pin_gateway(struct tunnel *t, const struct sockaddr *addr)
{
	const struct sockaddr_in *in = (const void *)addr;

	return addr->sa_family == AF_INET ? network_pin(t->params.network, in->sin_addr.s_addr) : 0;
}

static int dial(struct tunnel *t, const struct candidate *to)
{
	struct session_params params = {
		.ops = &session_callbacks,
		.arg = t,
		.id = ++t->sessions,
		.auth = t->params.credentials->auth,
		.hashes = SSTP_HASH_SHA1 | SSTP_HASH_SHA256,
		.name = t->params.credentials->name,
		.password = t->params.password,
		.eap_tls = t->params.credentials->eap_tls,
		.host = t->params.host,
	};
	const struct sockaddr *addr = (const void *)&to->addr;
	int r = pin_gateway(t, addr);

	if (r < 0)
		return r;
	t->session = session_dial(&t->env, addr, to->len, t->params.credentials->tls, &params);
	return t->session ? 0 : -errno;
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
		r = dial(t, to);
	resolve_free(t->resolve);
	t->resolve = NULL;
	if (!to)
		retry_later(t, gai_strerror(error));
	else if (r < 0)
		retry_later(t, strerror(-r));
}

static void on_retry(void *arg)
{
	struct tunnel *t = arg;

	t->resolve = resolve_start(t->env.loop, t->params.host, t->params.port, on_resolved, t);
	if (!t->resolve)
		retry_later(t, strerror(errno));
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
	.on_packet = on_device_packet,
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
	if (session_env_init(&t->env, loop) < 0)
		goto fail;
	set_congestion(t);
	t->retry = loop_timer_new(loop, on_retry, t);
	t->give_up = loop_timer_new(loop, on_give_up, t);
	t->port = port_new(loop, network_tun(params->network), &device_callbacks, t);
	if (!t->retry || !t->give_up || !t->port)
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
	if (t->session)
		session_disconnect(t->session, reason);
	else {
		stop_dialling(t);
		finish(t, SESSION_END_NORMAL, reason);
	}
}

void tunnel_free(struct tunnel *t)
{
	if (!t)
		return;
	stop_dialling(t);
	port_free(t->port);
	loop_timer_free(t->retry);
	loop_timer_free(t->give_up);
	session_env_done(&t->env);
	free(t);
}

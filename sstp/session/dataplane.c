/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/dataplane.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sstp/base/bucket.h"
#include "sstp/base/log.h"

/* When no session has ended for this long, what a storm of them took goes back to the system. */
#define TRIM_AFTER (2 * CLOCK_NS_PER_S)

/* One accepted connection: the session, and what the gateway holds for it. */
struct client {
	struct dataplane *dp;
	struct session *session;
	struct client *next;
	struct client **link; /* what points at this one in dp->clients */
	struct sockaddr_storage peer;
	struct source *source; /* while half-open */
	char vnet[64];	       /* of the user, from find_user() */
	struct vnet_lease lease;
};

struct dataplane {
	struct session_env env;
	const char *name;
	struct dataplane_policy policy;
	struct sources *sources;
	struct listener *listeners[DATAPLANE_LISTENERS_MAX];
	size_t nlisteners;
	struct vnet *vnets[DATAPLANE_VNETS_MAX];
	size_t nvnets;
	struct client *clients;
	uint32_t nclients;
	uint32_t half_open;
	uint64_t accepted, refused;
	struct bucket refusal_log; /* refusals come at a stranger's will: one line a second */
	struct traffic ended;	   /* of sessions that are gone */
	struct loop_timer *trim_timer;
	void (*on_empty)(void *arg);
	void *on_empty_arg;
};

static const struct session_ops client_ops;

static struct vnet *find_vnet(const struct dataplane *d, const char *name)
{
	for (size_t i = 0; i < d->nvnets; i++)
		if (strcmp(vnet_name(d->vnets[i]), name) == 0)
			return d->vnets[i];
	return NULL;
}

/* ---- one client, from accept to end ---- */

static void leave_half_open(struct client *c)
{
	if (!c->source)
		return;
	source_leave(c->source);
	c->source = NULL;
	c->dp->half_open--;
}

static void client_free(struct client *c)
{
	struct dataplane *d = c->dp;

	leave_half_open(c);
	vnet_release(&c->lease);
	if (c->session)
		traffic_add(&d->ended, session_traffic(c->session));
	session_free(c->session);
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	d->nclients--;
	free(c);
	loop_timer_set(d->trim_timer, loop_now(d->env.loop) + TRIM_AFTER);
	if (d->nclients == 0 && d->on_empty)
		d->on_empty(d->on_empty_arg);
}

/* Why a connection is refused before anything is spent on it; NULL: it is not. */
static const char *refusal(struct dataplane *d, const struct sockaddr_storage *peer,
			   struct source **ret_source)
{
	const struct dataplane_limits *max = &d->policy.limits;
	enum source_verdict verdict;

	if (max->sessions && d->nclients >= max->sessions)
		return "the session limit is reached";
	if (max->half_open && d->half_open >= max->half_open)
		return "the limit of connections that have not logged in is reached";
	verdict = sources_enter(d->sources, peer, loop_now(d->env.loop), ret_source);
	return verdict == SOURCE_OK ? NULL : source_verdict_name(verdict);
}

static void log_refusal(struct dataplane *d, const struct sockaddr_storage *peer, const char *why)
{
	char text[ADDRESS_TEXT_MAX];

	d->refused++;
	if (bucket_take(&d->refusal_log, loop_now(d->env.loop)))
		log_warning("connection from %s refused: %s (%" PRIu64 " refused so far)",
			    address_format(peer, text), why, d->refused);
}

static struct client *client_new(struct dataplane *d, const struct sockaddr_storage *peer,
				 struct source *source)
{
	struct client *c = calloc(1, sizeof(*c));

	if (!c) {
		source_leave(source);
		return NULL;
	}
	c->dp = d;
	c->peer = *peer;
	c->source = source;
	c->next = d->clients;
	c->link = &d->clients;
	if (c->next)
		c->next->link = &c->next;
	d->clients = c;
	d->nclients++;
	d->half_open++;
	return c;
}

static void on_accept(void *arg, int fd, const struct sockaddr_storage *peer)
{
	struct dataplane *d = arg;
	struct source *source = NULL;
	const char *why = refusal(d, peer, &source);
	struct client *c = why ? NULL : client_new(d, peer, source);
	struct session_params params = {
		.ops = &client_ops,
		.auth = d->policy.auth,
		.hashes = SSTP_HASH_SHA1 | SSTP_HASH_SHA256,
		.name = d->name,
	};

	if (!c) {
		log_refusal(d, peer, why ? why : "out of memory");
		close(fd);
		return;
	}
	d->accepted++;
	params.arg = c;
	c->session = session_accept(&d->env, fd, d->policy.tls, &params);
	if (!c->session) {
		log_refusal(d, peer, strerror(errno));
		client_free(c);
	}
}

/* ---- what a session asks and tells ---- */

static bool find_user(void *arg, const char *name, struct link_user *ret_user)
{
	struct client *c = arg;
	const char *vnet;

	if (!directory_find(c->dp->policy.directory, name, ret_user, &vnet))
		return false;
	snprintf(c->vnet, sizeof(c->vnet), "%s", vnet);
	return true;
}

static bool assign(void *arg, struct link_address *ret_address, const char **ret_why_not)
{
	struct client *c = arg;
	struct vnet *v = find_vnet(c->dp, c->vnet);
	int r = v ? vnet_lease(v, session_user(c->session), &c->lease, ret_address) : -ENOENT;

	if (r == 0) {
		vnet_attach(&c->lease, c->session);
		return true;
	}
	switch (r) {
	case -ENOSPC:
		*ret_why_not =
			"every address of the pool is taken, or was until less than a minute ago";
		break;
	case -ENOENT: *ret_why_not = "the user's VNet does not exist"; break;
	case -ENODEV: *ret_why_not = "the VNet's TUN device is gone"; break;
	default: *ret_why_not = strerror(-r);
	}
	return false;
}

static void on_auth(void *arg, bool ok)
{
	struct client *c = arg;

	if (ok) /* one that was refused counts until it is gone */
		leave_half_open(c);
	else
		sources_auth_failed(c->dp->sources, &c->peer, loop_now(c->dp->env.loop));
}

static void on_up(void *arg, const struct link_address *address)
{
	/* the lease is attached since assign(); session_send() drops until now */
}

static void on_packet(void *arg, uint8_t *pkt, size_t len)
{
	struct client *c = arg;

	vnet_uplink(&c->lease, c->session, pkt, len);
}

static void on_burst_end(void *arg)
{
	struct client *c = arg;

	vnet_burst_end(&c->lease, c->session);
}

static void on_down(void *arg)
{
	struct client *c = arg;

	vnet_release(&c->lease);
}

static void on_end(void *arg, enum session_end end, const char *reason)
{
	client_free(arg);
}

static const struct session_ops client_ops = {
	.find_user = find_user,
	.assign = assign,
	.on_auth = on_auth,
	.on_up = on_up,
	.on_packet = on_packet,
	.on_burst_end = on_burst_end,
	.on_down = on_down,
	.on_end = on_end,
};

/* ---- the thread's own life ---- */

static void on_trim_timer(void *arg)
{
	struct dataplane *d = arg;

	pbuf_pool_trim(&d->env.pool);
	malloc_trim(0);
}

struct dataplane *dataplane_new(struct loop *loop, const char *name)
{
	struct dataplane *d = calloc(1, sizeof(*d));
	int r = -ENOMEM;

	if (!d)
		return NULL;
	d->name = name;
	bucket_init(&d->refusal_log, 1, 5);
	d->sources = sources_new(&(struct sources_limits){0});
	d->trim_timer = loop_timer_new(loop, on_trim_timer, d);
	if (d->sources && d->trim_timer)
		r = session_env_init(&d->env, loop);
	if (r == 0)
		return d;
	loop_timer_free(d->trim_timer);
	sources_free(d->sources);
	free(d);
	errno = -r;
	return NULL;
}

static void close_listeners(struct dataplane *d)
{
	while (d->nlisteners)
		listener_free(d->listeners[--d->nlisteners]);
}

void dataplane_free(struct dataplane *d)
{
	if (!d)
		return;
	d->on_empty = NULL;
	close_listeners(d);
	while (d->clients)
		client_free(d->clients);
	while (d->nvnets)
		vnet_free(d->vnets[--d->nvnets]);
	loop_timer_free(d->trim_timer);
	session_env_done(&d->env);
	tls_ctx_unref(d->policy.tls);
	directory_free(d->policy.directory);
	sources_free(d->sources);
	free(d);
}

void dataplane_set_policy(struct dataplane *d, const struct dataplane_policy *policy)
{
	tls_ctx_ref(policy->tls);
	tls_ctx_unref(d->policy.tls);
	directory_free(d->policy.directory);
	d->policy = *policy;
	sources_set_limits(d->sources, &policy->limits.per_source);
}

/* A VNet without its device: its clients are told, and can come back when a reload has made it anew. */
static void on_vnet_failed(void *arg, struct vnet *v)
{
	struct dataplane *d = arg;
	struct client *next;

	for (struct client *c = d->clients; c; c = next) {
		next = c->next;
		if (c->lease.vnet == v)
			session_disconnect(c->session, "the VNet's TUN device is gone");
	}
}

int dataplane_set_vnet(struct dataplane *d, const struct vnet_params *params, char ret_error[256])
{
	struct vnet *v = find_vnet(d, params->name);
	int r;

	if (v)
		return vnet_update(v, params, ret_error);
	if (d->nvnets == DATAPLANE_VNETS_MAX) {
		snprintf(ret_error, 256, "more than %d VNets", DATAPLANE_VNETS_MAX);
		return -E2BIG;
	}
	r = vnet_new(&d->env, params, on_vnet_failed, d, &v, ret_error);
	if (r == 0)
		d->vnets[d->nvnets++] = v;
	return r;
}

void dataplane_remove_vnet(struct dataplane *d, const char *name)
{
	for (size_t i = 0; i < d->nvnets; i++) {
		if (strcmp(vnet_name(d->vnets[i]), name) != 0)
			continue;
		vnet_free(d->vnets[i]);
		d->vnets[i] = d->vnets[--d->nvnets];
		return;
	}
}

int dataplane_listen(struct dataplane *d, const struct sockaddr *addr, socklen_t addr_len)
{
	struct listener *l;

	if (d->nlisteners == DATAPLANE_LISTENERS_MAX)
		return -E2BIG;
	l = listener_new(d->env.loop, addr, addr_len, on_accept, d);
	if (!l)
		return -errno;
	d->listeners[d->nlisteners++] = l;
	return 0;
}

void dataplane_shutdown(struct dataplane *d, const char *reason, void (*done)(void *arg), void *arg)
{
	struct client *next;

	close_listeners(d);
	d->on_empty = done;
	d->on_empty_arg = arg;
	if (!d->clients) {
		done(arg);
		return;
	}
	for (struct client *c = d->clients; c; c = next) {
		next = c->next; /* the session may end, and free c, at once */
		session_disconnect(c->session, reason);
	}
}

void dataplane_log_stats(const struct dataplane *d)
{
	struct traffic sum = d->ended;
	char text[384];

	for (struct client *c = d->clients; c; c = c->next)
		traffic_add(&sum, session_traffic(c->session));
	log_info("stats: sessions=%u half_open=%u accepted=%" PRIu64 " refused=%" PRIu64
		 " heap_bytes=%zu %s",
		 d->nclients, d->half_open, d->accepted, d->refused, mallinfo2().uordblks,
		 traffic_format(&sum, text, sizeof(text)));
	for (size_t i = 0; i < d->nvnets; i++)
		log_info("stats: vnet=%s addresses=%u/%u without session: %s",
			 vnet_name(d->vnets[i]), vnet_used(d->vnets[i]), vnet_size(d->vnets[i]),
			 traffic_format(vnet_traffic(d->vnets[i]), text, sizeof(text)));
}

uint32_t dataplane_sessions(const struct dataplane *d)
{
	return d->nclients;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sstp/base/log.h"
#include "sstp/session/shard_internal.h"

/* When no session has ended for this long, free buffers go back to the heap. */
#define TRIM_AFTER (2 * CLOCK_NS_PER_S)

#define EXPIRY_LOOK 60 /* s */

static const struct session_ops client_ops;

static uint64_t now(const struct shard *s)
{
	return loop_now(s->loop);
}

static struct vnet_queue *find_vnet(const struct shard *s, const char *name)
{
	for (size_t i = 0; i < SHARD_VNETS_MAX; i++)
		if (s->vnets[i] && !s->is_retired[i] &&
		    strcmp(vnet_queue_name(s->vnets[i]), name) == 0)
			return s->vnets[i];
	return NULL;
}

/* ---- one client, from accept to end ---- */

static void tell_when_empty(struct shard *s)
{
	if (!s->shutting_down || s->clients || atomic_exchange(&s->is_empty, true))
		return;
	s->params.on_empty(s->params.arg);
}

/* Where his traffic counts: an index of ended_in. */
static unsigned place_of(const struct client *c)
{
	return c->vnet_id < 0 ? NO_VNET : (unsigned)c->vnet_id;
}

static void client_free(struct client *c)
{
	struct shard *s = c->shard;

	enrol_forget(s->params.enrol, c->enrolment);
	admission_leave(s->params.admission, &c->ticket);
	client_trace_lost(c);
	vnet_release(&c->lease);
	client_leave(c);
	if (c->session) {
		traffic_add(&s->ended, session_traffic(c->session));
		traffic_add(&s->ended_in[place_of(c)], session_traffic(c->session));
	}
	session_free(c->session);
	free(c->owner);
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	s->nclients--;
	free(c);
	loop_timer_set(s->trim_timer, now(s) + TRIM_AFTER);
	tell_when_empty(s);
}

/* Returns owned; NULL without memory. */
static struct client *client_new(struct shard *s, const struct sockaddr_storage *peer,
				 const struct admission_ticket *ticket)
{
	struct client *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->shard = s;
	c->vnet_id = -1;
	c->peer = *peer;
	c->ticket = *ticket;
	c->next = s->clients;
	c->link = &s->clients;
	if (c->next)
		c->next->link = &c->next;
	s->clients = c;
	s->nclients++;
	return c;
}

/* Takes fd. 0 or -errno, and all is closed. */
static int start_session(struct client *c, int fd)
{
	struct shard *s = c->shard;
	struct session_params params = {
		.ops = &client_ops,
		.arg = c,
		.id = c->ticket.id,
		.auth = s->policy.auth,
		.pppd249_hlak = s->policy.pppd249_hlak,
		.eap_tls = door_eap_tls(&s->door, NULL),
		.hashes = SSTP_HASH_SHA1 | SSTP_HASH_SHA256,
		.name = s->params.name,
	};
	int error;

	c->session = session_accept(&s->env, fd, s->policy.tls, &params);
	if (c->session)
		return 0;
	error = errno;
	client_free(c);
	return -error;
}

/* NULL, or why it is refused. Takes fd. */
static const char *let_in(struct shard *s, int fd, const struct sockaddr_storage *peer)
{
	struct admission_ticket ticket;
	const char *why = admission_enter(s->params.admission, peer, now(s), &ticket);
	struct client *c = why ? NULL : client_new(s, peer, &ticket);
	int r;

	if (c) {
		r = start_session(c, fd);
		return r < 0 ? strerror(-r) : NULL;
	}
	close(fd);
	if (why)
		return why;
	admission_leave(s->params.admission, &ticket);
	return "out of memory";
}

static void on_accept(void *arg, int fd, const struct sockaddr_storage *peer)
{
	struct shard *s = arg;
	const char *why = let_in(s, fd, peer);

	if (why)
		admission_refuse(s->params.admission, peer, now(s), why);
}

/* ---- certificates that do not count any more ---- */

/* NULL: the client may stay. */
static const char *reason_to_go(const struct client *c)
{
	const uint8_t *memo = session_memo(c->session);

	return memo ? door_judge_again(&c->shard->door, memo, session_thumbprint(c->session),
				       time(NULL))
		    : NULL;
}

/* The wall clock may be set meanwhile: it is looked at once a minute. */
static void set_expiry_timer(struct shard *s)
{
	int64_t left = s->expires_at - time(NULL);

	if (s->expires_at == INT64_MAX) {
		loop_timer_set(s->expiry_timer, CLOCK_NEVER);
		return;
	}
	if (left < 0)
		left = -1;
	if (left >= EXPIRY_LOOK)
		left = EXPIRY_LOOK - 1;
	loop_timer_set(s->expiry_timer, now(s) + (uint64_t)(left + 1) * CLOCK_NS_PER_S);
}

static void expect_expiry(struct shard *s, int64_t not_after)
{
	if (not_after >= s->expires_at)
		return;
	s->expires_at = not_after;
	set_expiry_timer(s);
}

/* He goes now. */
static void show_out(struct client *c, const char *why)
{
	c->shown_out = true;
	session_disconnect(c->session, why);
}

/* Whose certificate does not count any more goes now. */
static void look_at_certificates(struct shard *s)
{
	struct client *next;

	s->expires_at = INT64_MAX;
	for (struct client *c = s->clients; c; c = next) {
		const char *why = reason_to_go(c);

		next = c->next; /* the session may end, and free c, at once */
		if (why && !c->shown_out)
			show_out(c, why);
		else if (!why && session_memo(c->session))
			expect_expiry(s, door_not_after(session_memo(c->session)));
	}
}

static void on_expiry_timer(void *arg)
{
	struct shard *s = arg;

	if (time(NULL) > s->expires_at)
		look_at_certificates(s);
	set_expiry_timer(s);
}

/* ---- what a session asks and tells ---- */

/* The VNet that this connection is for by the name it dialled; NULL: it may be any. */
static const char *dialled_vnet(const struct client *c)
{
	int id = session_server_tag(c->session);

	if (id < 0)
		return NULL;
	return c->shard->vnets[id] ? vnet_queue_name(c->shard->vnets[id]) : "";
}

/* kind: 'c' who comes in by a certificate, 'u' by a password: never one owner, whatever they are called; 'l': a lineage. */
static bool set_owner(struct client *c, char kind, const char *name)
{
	size_t size = strlen(name) + 2;
	char *owner = malloc(size);

	if (!owner)
		return false;
	snprintf(owner, size, "%c%s", kind, name);
	free(c->owner);
	c->owner = owner;
	return true;
}

/* Who is it of that name, and of which VNet? False: nobody, and why. */
static bool look_up(struct client *c, const char *name, struct link_user *ret_user,
		    const char **ret_own_name, const char **ret_why_not)
{
	const char *vnet;

	*ret_why_not = "no such user";
	if (session_has_certificate(c->session)) {
		*ret_user = (struct link_user){0};
		*ret_own_name = name;		/* by the judge */
		*ret_why_not = reason_to_go(c); /* the judge was asked some round trips ago */
		return !*ret_why_not && door_vnet(name, c->vnet);
	}
	if (!directory_find(c->shard->policy.directory, name, ret_user, ret_own_name, &vnet))
		return false;
	snprintf(c->vnet, sizeof(c->vnet), "%s", vnet);
	return true;
}

/* A user of another VNet is refused as one that nobody knows is, so that a name tells no stranger who is whose user. */
static bool find_user(void *arg, const char *name, struct link_user *ret_user,
		      const char **ret_why_not)
{
	struct client *c = arg;
	const char *dialled = dialled_vnet(c);
	const char *own_name;

	if (!look_up(c, name, ret_user, &own_name, ret_why_not))
		return false;
	if (dialled && strcmp(dialled, c->vnet) != 0) {
		snprintf(c->refused, sizeof(c->refused),
			 "user of VNet %.64s, but the name that was dialled is for VNet %.64s",
			 c->vnet, dialled);
		*ret_why_not = c->refused;
		return false;
	}
	*ret_why_not = "out of memory";
	return set_owner(c, session_has_certificate(c->session) ? 'c' : 'u', own_name);
}

/* Of the client's certificate; NULL: he has none of ours. */
static const char *find_lineage(const struct client *c)
{
	const struct access *access = c->shard->door.access;

	if (!access || !session_has_certificate(c->session))
		return NULL;
	return access_lineage(access, session_thumbprint(c->session));
}

static bool comes_from(void *arg, const char *thumbprint)
{
	const struct client *c = arg;

	return access_comes_from(c->shard->door.access, session_thumbprint(c->session), thumbprint);
}

/*
 * An address is kept for a name, or for one of our certificates and its renewals, so that each worker of an app has
 * its own, however many were enrolled. Only the renewed one takes it along.
 */
static int lease(struct client *c, struct link_address *ret_address)
{
	struct vnet_queue *v = find_vnet(c->shard, c->vnet);
	const char *lineage = find_lineage(c);
	struct vnet_tenant tenant = {.session = c->ticket.id};

	if (session_has_certificate(c->session)) {
		tenant.claim.thumbprint = session_thumbprint(c->session);
		tenant.replaces_be = session_replaces(c->session);
	}
	if (lineage) {
		if (!set_owner(c, 'l', lineage))
			return -ENOMEM;
		tenant.claim.comes_from = comes_from;
		tenant.claim.arg = c;
	}
	tenant.owner = c->owner;
	tenant.connection = c->connection;
	if (c->connection)
		tenant.routes = connection_routes(c->connection);
	return v ? vnet_lease(v, &tenant, &c->lease, ret_address) : -ENOENT;
}

static int id_of(const struct shard *s, const struct vnet_queue *q)
{
	int id = 0;

	while (s->vnets[id] != q)
		id++;
	return id;
}

static bool assign(void *arg, struct link_address *ret_address, const char **ret_why_not)
{
	struct client *c = arg;
	int r;

	if (!client_join(c, ret_why_not))
		return false;
	r = lease(c, ret_address);
	switch (r) {
	case 0:
		c->vnet_id = id_of(c->shard, c->lease.queue);
		client_set_dns(c, ret_address);
		return true;
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
	struct admission *a = c->shard->params.admission;
	struct metrics *m = &c->shard->metrics;
	enum metrics_method method =
		session_has_certificate(c->session) ? METRICS_BY_CERTIFICATE : METRICS_BY_PASSWORD;

	(ok ? m->auth_ok : m->auth_failed)[method]++;
	if (!ok) { /* counts until it is gone */
		admission_auth_failed(a, &c->peer, now(c->shard));
		return;
	}
	admission_log_in(a, &c->ticket);
	if (session_memo(c->session))
		expect_expiry(c->shard, door_not_after(session_memo(c->session)));
}

static void on_up(void *arg, const struct link_address *address)
{
	struct client *c = arg;

	/* not before: a session that this one takes over from carries the packets until now */
	vnet_attach(&c->lease, c->session);
	metrics_on_up(&c->shard->metrics, session_stages(c->session));
	client_up(c);
}

static void on_up6(void *arg)
{
	struct client *c = arg;

	vnet_advertise(&c->lease, c->session);
}

/* What comes behind on_up(). */
static void on_stage(void *arg, enum stage stage)
{
	if (stage > STAGE_IPCP)
		client_tell_timeline(arg);
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

	client_trace_lost(c);
	vnet_release(&c->lease);
}

static bool can_enrol(void *arg)
{
	struct client *c = arg;

	return enrol_is_open(c->shard->params.enrol);
}

/* A secret or a certificate that is not good counts as a failed log-in: guessing is limited as passwords are. */
static void on_enrol_answer(void *who, const struct est_reply *reply)
{
	struct client *c = who;

	c->enrolment = 0;
	if (reply->status == 401 || reply->status == 403)
		admission_auth_failed(c->shard->params.admission, &c->peer, now(c->shard));
	session_answer_enrol(c->session, reply);
}

static int on_enrol(void *arg, const struct est_request *request)
{
	struct client *c = arg;
	struct shard *s = c->shard;

	c->has_enrolled = true;
	s->metrics.enrolments++;
	return enrol_ask(s->params.enrol, s->loop, now(s), request, on_enrol_answer, c,
			 &c->enrolment);
}

static void on_end(void *arg, enum session_end end, const char *reason)
{
	struct client *c = arg;

	if (!c->has_enrolled)
		metrics_on_end(&c->shard->metrics, session_stages(c->session), c->since != 0, end);
	client_down(c, reason);
	client_end_timeline(c, reason);
	client_free(c);
}

static struct eap_tls_ctx *on_tls(void *arg, const char *dialled)
{
	struct client *c = arg;

	return door_eap_tls(&c->shard->door, dialled);
}

static void on_traced(void *arg, const struct vendor_traced *traced)
{
	client_traced(arg, traced);
}

static const struct session_ops client_ops = {
	.on_tls = on_tls,
	.find_user = find_user,
	.assign = assign,
	.on_auth = on_auth,
	.on_up = on_up,
	.on_up6 = on_up6,
	.on_stage = on_stage,
	.on_packet = on_packet,
	.on_burst_end = on_burst_end,
	.on_down = on_down,
	.can_enrol = can_enrol,
	.on_enrol = on_enrol,
	.on_traced = on_traced,
	.on_end = on_end,
};

/* ---- the thread's own life ---- */

static void on_trim_timer(void *arg)
{
	struct shard *s = arg;

	pbuf_pool_trim(&s->env.pool);
}

static void on_wake(void *arg)
{
	struct shard *s = arg;

	qsbr_online(s->params.qsbr, s->params.number);
}

static void on_pass_end(void *arg)
{
	struct shard *s = arg;

	handover_wake(s->params.handover, s->params.number);
	qsbr_offline(s->params.qsbr, s->params.number);
}

static void take_over(void *arg, unsigned id, const struct virtio_net_hdr *h, uint8_t *pkt,
		      size_t len)
{
	struct shard *s = arg;

	if (s->vnets[id])
		vnet_queue_take(s->vnets[id], h, pkt, len);
}

/* The hooks' order counts: what the sessions' own hooks do comes first, and nothing looks at a table after on_pass_end(). */
static int set_up(struct shard *s)
{
	int r;

	s->loop = loop_new();
	if (!s->loop)
		return -errno;
	s->trim_timer = loop_timer_new(s->loop, on_trim_timer, s);
	s->expiry_timer = loop_timer_new(s->loop, on_expiry_timer, s);
	s->expires_at = INT64_MAX;
	if (!s->trim_timer || !s->expiry_timer)
		return -ENOMEM;
	r = session_env_init(&s->env, s->loop);
	if (r == 0)
		r = loop_on_wake(s->loop, on_wake, s);
	if (r == 0)
		r = loop_on_pass_end(s->loop, on_pass_end, s);
	if (r == 0)
		handover_set_taker(s->params.handover, s->params.number, s->loop, take_over, s);
	return r;
}

struct shard *shard_new(const struct shard_params *params)
{
	struct shard *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return NULL;
	s->params = *params;
	timelines_init(s);
	r = set_up(s);
	if (r == 0)
		return s;
	shard_free(s);
	errno = -r;
	return NULL;
}

static void close_listeners(struct shard *s)
{
	while (s->nlisteners)
		listener_free(s->listeners[--s->nlisteners]);
}

void shard_free(struct shard *s)
{
	if (!s)
		return;
	s->shutting_down = false;
	close_listeners(s);
	while (s->clients)
		client_free(s->clients);
	for (unsigned i = 0; i < SHARD_VNETS_MAX; i++)
		shard_remove_vnet(s, i);
	loop_timer_free(s->trim_timer);
	loop_timer_free(s->expiry_timer);
	session_env_done(&s->env);
	tls_ctx_unref(s->policy.tls);
	directory_unref(s->policy.directory);
	door_close(&s->door);
	loop_free(s->loop);
	free(s);
}

static void open_door(struct shard *s, const struct shard_policy *policy)
{
	bool is_another = s->door.access != policy->access;
	char error[EAP_TLS_REASON_MAX];

	if (door_open(&s->door, policy->access, policy->tls, error) < 0)
		log_error("%s: %s",
			  s->door.eap_tls ? "who comes in by a certificate is shown the old one"
					  : "nobody can come in by a certificate",
			  error);
	if (is_another)
		look_at_certificates(s);
}

void shard_set_policy(struct shard *s, const struct shard_policy *policy)
{
	struct shard_policy old = s->policy;
	int r = stream_scratch_set_congestion(s->env.scratch, policy->congestion);

	if (r < 0 && s->params.number == 0) /* each thread would say the same */
		log_warning("the kernel refuses this congestion control (%s), as if it were auto: "
			    "see net.ipv4.tcp_allowed_congestion_control",
			    strerror(-r));

	s->policy = *policy;
	s->policy.access = NULL;
	open_door(s, policy);
	tls_ctx_ref(policy->tls);
	directory_ref(policy->directory);
	tls_ctx_unref(old.tls);
	directory_unref(old.directory);
}

int shard_add_vnet(struct shard *s, unsigned id, struct vnet *v)
{
	s->vnets[id] = vnet_queue_new(v, id, s->params.number, &s->env, s->params.handover);
	return s->vnets[id] ? 0 : -errno;
}

int shard_open_vnet(struct shard *s, unsigned id)
{
	return vnet_queue_open(s->vnets[id]);
}

static void close_vnet(struct shard *s, unsigned id, const char *reason)
{
	struct client *next;

	vnet_queue_close(s->vnets[id]);
	for (struct client *c = s->clients; c; c = next) {
		next = c->next; /* the session may end, and free c, at once */
		if (c->lease.queue == s->vnets[id])
			session_disconnect(c->session, reason);
	}
}

void shard_close_vnet(struct shard *s, unsigned id)
{
	close_vnet(s, id, "the VNet's TUN device is gone");
}

void shard_retire_vnet(struct shard *s, unsigned id, const char *reason)
{
	s->is_retired[id] = true;
	close_vnet(s, id, reason);
}

void shard_remove_vnet(struct shard *s, unsigned id)
{
	/* the next one of this number begins from nothing */
	traffic_add(&s->ended_in[NO_VNET], &s->ended_in[id]);
	s->ended_in[id] = (struct traffic){0};
	for (struct client *c = s->clients; c; c = c->next)
		if (c->vnet_id == (int)id)
			c->vnet_id = -1;
	vnet_queue_free(s->vnets[id]);
	s->vnets[id] = NULL;
	s->is_retired[id] = false;
}

static int keep_listener(struct shard *s, struct listener *l)
{
	if (!l)
		return -errno;
	s->listeners[s->nlisteners++] = l;
	return 0;
}

int shard_listen(struct shard *s, const struct sockaddr *addr, socklen_t addr_len)
{
	if (s->nlisteners == SHARD_LISTENERS_MAX)
		return -E2BIG;
	return keep_listener(s, listener_new(s->loop, addr, addr_len, on_accept, s));
}

int shard_listen_by(struct shard *s, int fd)
{
	if (s->nlisteners == SHARD_LISTENERS_MAX) {
		close(fd);
		return -E2BIG;
	}
	return keep_listener(s, listener_adopt(s->loop, fd, on_accept, s));
}

void shard_shutdown(struct shard *s, const char *reason)
{
	struct client *next;

	close_listeners(s);
	s->shutting_down = true;
	for (struct client *c = s->clients; c; c = next) {
		next = c->next; /* as above */
		session_disconnect(c->session, reason);
	}
	tell_when_empty(s);
}

static void add_client(const struct client *c, struct shard_stats *sum)
{
	const struct traffic *t = session_traffic(c->session);

	traffic_add(&sum->traffic, t);
	if (c->vnet_id < 0) {
		traffic_add(&sum->no_vnets, t);
		return;
	}
	traffic_add(&sum->vnets[c->vnet_id].of_sessions, t);
	sum->vnets[c->vnet_id].sessions += c->since && c->lease.queue;
}

void shard_add_stats(const struct shard *s, struct shard_stats *sum)
{
	sum->sessions += s->nclients;
	traffic_add(&sum->traffic, &s->ended);
	traffic_add(&sum->no_vnets, &s->ended_in[NO_VNET]);
	metrics_add(&sum->metrics, &s->metrics);
	times_add(&sum->waits, &s->env.waits);
	for (const struct client *c = s->clients; c; c = c->next)
		add_client(c, sum);
	for (unsigned i = 0; i < SHARD_VNETS_MAX; i++) {
		if (!s->vnets[i])
			continue;
		traffic_add(&sum->vnets[i].of_sessions, &s->ended_in[i]);
		traffic_add(&sum->vnets[i].traffic, vnet_queue_traffic(s->vnets[i]));
		sum->vnets[i].handed_over += vnet_queue_handed_over(s->vnets[i]);
	}
}

struct loop *shard_loop(const struct shard *s)
{
	return s->loop;
}

bool shard_is_empty(const struct shard *s)
{
	return atomic_load(&s->is_empty);
}

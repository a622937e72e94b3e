/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "sstp/base/log.h"
#include "sstp/ppp/frame.h"
#include "sstp/session/session_internal.h"

/*
 * The session's own limits, on top of the engines' timers:
 *   TLS     from accept or connect until the handshake is done
 *   HTTP    the preamble: server 10 s, client 60 s (MS-SSTP 3.2.2.1)
 *   AUTH    from accept until PPP authentication has ended, whatever the peer does
 */
#define LIMIT_TLS	  (10 * CLOCK_NS_PER_S)
#define LIMIT_HTTP_SERVER (10 * CLOCK_NS_PER_S)
#define LIMIT_HTTP_CLIENT (60 * CLOCK_NS_PER_S)
#define LIMIT_AUTH	  (120 * CLOCK_NS_PER_S)

static void execute(struct session *s, unsigned todo);
static void on_link_events(struct session *s, unsigned events);
static void on_auth_ok(struct session *s);

static struct outbox fresh_outbox(struct session *s)
{
	return outbox(s->env->outbox, sizeof(s->env->outbox));
}

static uint64_t now(const struct session *s)
{
	return loop_now(s->env->loop);
}

void session_log(const struct session *s, int level, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (!log_enabled(level))
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_write(level, "session=%" PRIu64 " peer=%s user=%s %s", s->id, s->peer, s->user, text);
}

void session_note(struct session *s, enum session_end end, const char *fmt, ...)
{
	va_list ap;

	if (s->reason[0])
		return;
	s->end = end;
	va_start(ap, fmt);
	vsnprintf(s->reason, sizeof(s->reason), fmt, ap);
	va_end(ap);
}

static void rearm(struct session *s)
{
	uint64_t at = s->phase_until;

	if (s->phase == SESSION_CALL) {
		at = clock_earlier(at, call_deadline(&s->call));
		if (s->link_running)
			at = clock_earlier(at, link_deadline(&s->link));
	}
	loop_timer_set(s->timer, s->phase == SESSION_CLOSING ? CLOCK_NEVER : at);
}

/* ---- the end ---- */

static void log_end(struct session *s)
{
	char text[384];
	uint64_t up_ms = (now(s) - s->began_at) / CLOCK_NS_PER_MS;

	session_log(s, LOG_LEVEL_INFO, "closed after %" PRIu64 ".%03" PRIu64 " s: %s; %s",
		    up_ms / 1000, up_ms % 1000, s->reason,
		    traffic_format(&s->traffic, text, sizeof(text)));
}

static void tell_owner(struct session *s)
{
	if (s->ended)
		return;
	s->ended = true;
	s->phase = SESSION_CLOSING;
	s->is_up = false;
	rearm(s);
	session_note(s, SESSION_END_LOST, "connection lost");
	log_end(s);
	s->params.ops->on_end(s->params.arg, s->end, s->reason);
}

static void stop_link(struct session *s)
{
	if (!s->link_running)
		return;
	s->link_running = false;
	s->is_up = false;
	link_down(&s->link);
	if (!s->ended)
		s->params.ops->on_down(s->params.arg);
}

void session_cut(struct session *s)
{
	stop_link(s);
	call_on_lost(&s->call, now(s));
	stream_free(s->stream);
	s->stream = NULL;
	tell_owner(s);
}

/* The stream says goodbye and tells us when it is done. */
void session_close(struct session *s)
{
	stop_link(s);
	s->phase = SESSION_CLOSING;
	rearm(s);
	stream_shutdown(s->stream);
}

/* ---- carrying out what the engines decide ---- */

static void log_transitions(struct session *s)
{
	for (unsigned i = 0; i < s->call.ntrace; i++) {
		const struct call_transition *t = &s->call.trace[i];

		session_log(s, LOG_LEVEL_INFO, "sstp %s -> %s on %s%s%s",
			    call_state_name(&s->call, t->from), call_state_name(&s->call, t->to),
			    call_event_name(t->event), t->status ? ", status " : "",
			    t->status ? sstp_status_name(t->status) : "");
		if (t->to == CALL_DISCONNECT_TIMEOUT_PENDING)
			session_note(s, SESSION_END_NORMAL, "the peer disconnected");
		else if (t->status)
			session_note(s, SESSION_END_REFUSED, "SSTP %s: %s",
				     call_event_name(t->event), sstp_status_name(t->status));
	}
	s->call.ntrace = 0;
}

/* After each call into the SSTP engine: send, log, act. False when the session has ended. */
static bool after_call(struct session *s, unsigned todo, struct outbox *out)
{
	log_transitions(s);
	if (!session_send_control(s, out))
		return false;
	execute(s, todo);
	return s->phase == SESSION_CALL;
}

/*
 * After each call into PPP. A client's CALL_CONNECTED leaves before the NCP packets that its authentication
 * has set off in the same call: some servers take none before it. A server's success must leave first instead.
 */
static bool after_link(struct session *s, unsigned events, struct outbox *out)
{
	if (s->role == CALL_CLIENT && events & LINK_EV_AUTH_OK) {
		on_auth_ok(s);
		events &= ~(unsigned)LINK_EV_AUTH_OK;
	}
	if (s->phase != SESSION_CALL || !session_send_frames(s, out))
		return false;
	on_link_events(s, events);
	return s->phase == SESSION_CALL;
}

static void maybe_up(struct session *s)
{
	char address[INET_ADDRSTRLEN];
	const struct link_address *a = link_addresses(&s->link);

	if (s->is_up || !s->binding_done || !link_is_up(&s->link))
		return;
	s->is_up = true;
	inet_ntop(AF_INET, s->role == CALL_SERVER ? &a->peer : &a->local, address, sizeof(address));
	session_log(s, LOG_LEVEL_INFO, "up, address=%s mtu=%u %s", address, session_mtu(s),
		    stream_tls_name(s->stream));
	s->params.ops->on_up(s->params.arg, a);
}

static void execute(struct session *s, unsigned todo)
{
	struct outbox out = fresh_outbox(s);

	if (todo & CALL_DO_LINK_UP) {
		s->link_running = true;
		if (!after_link(s, link_up(&s->link, now(s), &out), &out))
			return;
	}
	if (todo & CALL_DO_LINK_DOWN)
		stop_link(s);
	if (todo & CALL_DO_OPEN) {
		s->binding_done = true;
		maybe_up(s);
	}
	if (todo & CALL_DO_CLOSE) {
		session_note(s, SESSION_END_LOST, "SSTP timeout");
		session_close(s);
	}
}

/* ---- what PPP reports ---- */

static void set_user(struct session *s)
{
	const char *name = link_user_name(&s->link);

	log_escape(s->user, sizeof(s->user), name, strlen(name));
}

static void answer_user(struct session *s)
{
	struct outbox out;
	struct link_user user = {{0}};
	bool known;
	unsigned events;

	set_user(s);
	known = s->params.ops->find_user(s->params.arg, link_user_name(&s->link), &user);
	out = fresh_outbox(s);
	events = link_on_user(&s->link, now(s), known ? &user : NULL, &out);
	secret_wipe_bytes(&user, sizeof(user));
	after_link(s, events, &out);
}

static void assign_address(struct session *s)
{
	struct outbox out;
	struct link_address address;
	const char *why = NULL;
	bool given = s->params.ops->assign(s->params.arg, &address, &why);

	if (!given) {
		session_log(s, LOG_LEVEL_WARNING, "no address: %s", why);
		session_note(s, SESSION_END_REFUSED, "no address: %s", why);
	}
	out = fresh_outbox(s);
	after_link(s, link_on_address(&s->link, now(s), given ? &address : NULL, &out), &out);
}

static void on_auth_ok(struct session *s)
{
	/* the thread's outbox may still hold PPP's frames; here at most CALL_CONNECTED comes */
	uint8_t buf[512];
	struct outbox out = outbox(buf, sizeof(buf));

	s->phase_until = CLOCK_NEVER;
	set_user(s);
	session_log(s, LOG_LEVEL_INFO, "authenticated by %s",
		    link_auth_method(&s->link) == LINK_AUTH_PAP ? "PAP" : "MS-CHAPv2");
	s->params.ops->on_auth(s->params.arg, true);
	if (!after_call(s, call_on_auth_ok(&s->call, now(s), link_hlak(&s->link), &out), &out))
		return;
	if (s->role == CALL_SERVER && s->link_running)
		assign_address(s);
}

static void on_auth_failed(struct session *s)
{
	set_user(s);
	session_log(s, LOG_LEVEL_WARNING, "authentication failed: %s", link_reason(&s->link));
	session_note(s, SESSION_END_AUTH, "authentication failed: %s", link_reason(&s->link));
	s->params.ops->on_auth(s->params.arg, false);
}

static void on_link_finished(struct session *s)
{
	struct outbox out = fresh_outbox(s);

	session_log(s, LOG_LEVEL_INFO, "ppp finished: %s", link_reason(&s->link));
	session_note(s, SESSION_END_NORMAL, "%s", link_reason(&s->link));
	s->is_up = false;
	after_call(s, call_disconnect(&s->call, now(s), &out), &out);
}

static void on_link_events(struct session *s, unsigned events)
{
	if (events & LINK_EV_USER)
		answer_user(s);
	if (events & LINK_EV_AUTH_OK)
		on_auth_ok(s);
	if (events & LINK_EV_AUTH_FAILED)
		on_auth_failed(s);
	if (events & LINK_EV_UP)
		maybe_up(s);
	if (events & LINK_EV_DOWN)
		s->is_up = false;
	if (events & LINK_EV_PEER_TERMINATED)
		session_note(s, SESSION_END_NORMAL, "the peer ended PPP");
	if (events & LINK_EV_FINISHED && s->phase == SESSION_CALL)
		on_link_finished(s);
}

/* ---- received packets ---- */

static void on_data_packet(struct session *s, uint8_t *frame, size_t len)
{
	enum call_gate gate = call_gate(&s->call);
	struct ppp_frame ppp;
	struct outbox out;

	if (gate == CALL_GATE_CLOSED || !s->link_running) {
		s->traffic.drops[DROP_NOT_OPEN]++;
		return;
	}
	if (frame_decode(frame, len, &ppp) < 0) {
		s->traffic.drops[DROP_MALFORMED]++;
		return;
	}
	if (ppp.protocol == PPP_IPV4 && s->is_up)
		s->params.ops->on_packet(s->params.arg, frame + (ppp.info - frame), ppp.len);
	else if (ppp.protocol == PPP_IPV4)
		s->traffic.drops[DROP_NOT_OPEN]++;
	else if (ppp.protocol == PPP_IPV6)
		s->traffic.drops[DROP_PROTOCOL]++;
	else { /* what is no control protocol either gets a Protocol-Reject there */
		out = fresh_outbox(s);
		after_link(s, link_input(&s->link, now(s), frame, len, &out), &out);
	}
}

static void on_sstp_packet(struct session *s, uint8_t *pkt, size_t len)
{
	struct outbox out;

	if (!sstp_packet_is_control(pkt)) {
		on_data_packet(s, pkt + SSTP_HEADER_SIZE, len - SSTP_HEADER_SIZE);
		return;
	}
	out = fresh_outbox(s);
	after_call(s, call_on_control(&s->call, now(s), pkt, len, &out), &out);
}

static void on_undelineated(struct session *s)
{
	session_note(s, SESSION_END_LOST, "the SSTP stream cannot be delineated");
	session_log(s, LOG_LEVEL_WARNING, "not an SSTP packet, closing");
	execute(s, call_on_lost(&s->call, now(s)) | CALL_DO_CLOSE);
}

static size_t on_sstp_bytes(struct session *s, uint8_t *buf, size_t len)
{
	size_t used = 0;

	while (s->phase == SESSION_CALL) {
		int n = sstp_packet_len(buf + used, len - used);

		if (n < 0) {
			on_undelineated(s);
			break;
		}
		if (n == 0 || (size_t)n > len - used)
			break;
		if (used == 0) { /* any packet counts as life: once per burst is enough */
			call_on_traffic(&s->call, now(s));
			if (s->link_running)
				link_on_traffic(&s->link, now(s));
		}
		on_sstp_packet(s, buf + used, (size_t)n);
		used += (size_t)n;
	}
	return used;
}

/* ---- what the stream and the timer report ---- */

void session_start_call(struct session *s)
{
	struct outbox out = fresh_outbox(s);
	struct call_params params = {
		.role = s->role,
		.hashes = s->params.hashes,
		.random = &random_system,
	};

	stream_cert_digests(s->stream, params.cert_sha1, params.cert_sha256);
	call_init(&s->call, &params);
	s->phase = SESSION_CALL;
	s->phase_until = s->began_at + LIMIT_AUTH;
	after_call(s, call_start(&s->call, now(s), &out), &out);
}

static void on_open(void *arg)
{
	struct session *s = arg;

	s->phase = SESSION_HTTP;
	s->phase_until = now(s) + (s->role == CALL_SERVER ? LIMIT_HTTP_SERVER : LIMIT_HTTP_CLIENT);
	if (s->role == CALL_CLIENT)
		session_send_http(s);
	rearm(s);
}

static ssize_t on_data(void *arg, uint8_t *buf, size_t len)
{
	struct session *s = arg;
	size_t used = 0;

	if (s->phase == SESSION_HTTP) {
		used = session_on_http(s, buf, len);
	}
	if (s->phase == SESSION_CALL && s->request.stray_left)
		used += http_skip_stray(&s->request, buf + used, len - used);
	if (s->phase == SESSION_CALL)
		used += on_sstp_bytes(s, buf + used, len - used);
	if (s->phase == SESSION_CLOSING)
		return s->ended ? -ECANCELED : (ssize_t)len;
	rearm(s);
	return (ssize_t)used;
}

static void on_writable(void *arg)
{
	session_on_writable(arg);
}

static void on_stream_end(void *arg, enum stream_end why, const char *text)
{
	struct session *s = arg;

	if (why == STREAM_END_CERTIFICATE)
		session_note(s, SESSION_END_CERTIFICATE, "%s", text);
	else if (why == STREAM_END_CONNECT)
		session_note(s, SESSION_END_CONNECT, "%s", text);
	else
		session_note(s, SESSION_END_LOST, "%s", text);
	session_cut(s);
}

static const struct stream_ops stream_callbacks = {
	.on_open = on_open,
	.on_data = on_data,
	.on_writable = on_writable,
	.on_end = on_stream_end,
};

static void phase_expired(struct session *s)
{
	static const char *const late[] = {
		[SESSION_TLS] = "no TLS handshake within 10 s",
		[SESSION_HTTP] = "no HTTP header within the limit",
		[SESSION_CALL] = "not authenticated within 120 s",
	};

	session_note(s, SESSION_END_LOST, "%s", late[s->phase]);
	if (s->phase == SESSION_CALL)
		session_close(s);
	else
		session_cut(s);
}

static void on_timer(void *arg)
{
	struct session *s = arg;
	struct outbox out = fresh_outbox(s);

	if (s->phase_until <= now(s)) {
		phase_expired(s);
		return;
	}
	if (s->phase == SESSION_CALL && call_deadline(&s->call) <= now(s))
		after_call(s, call_on_timer(&s->call, now(s), &out), &out);
	if (s->phase == SESSION_CALL && s->link_running && link_deadline(&s->link) <= now(s)) {
		out = fresh_outbox(s);
		after_link(s, link_on_timer(&s->link, now(s), &out), &out);
	}
	rearm(s);
}

/* ---- birth and death ---- */

static struct session *session_new(struct session_env *env, enum call_role role,
				   const struct session_params *params)
{
	struct session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->env = env;
	s->params = *params;
	s->role = role;
	s->id = ++env->next_id;
	s->began_at = loop_now(env->loop);
	s->phase_until = s->began_at + LIMIT_TLS;
	strcpy(s->user, "-");
	pbuf_queue_init(&s->data, SESSION_QUEUE_MAX);
	pbuf_queue_init(&s->control, SESSION_CONTROL_MAX);
	link_init(&s->link, &(struct link_params){
				    .role = role == CALL_SERVER ? LINK_SERVER : LINK_CLIENT,
				    .auth = params->auth,
				    .mru = 1500,
				    .name = params->name,
				    .password = params->password,
				    .random = &random_system,
			    });
	s->timer = loop_timer_new(env->loop, on_timer, s);
	return s;
}

/* The last step of both births: the stream is there, or nothing is. */
static struct session *born(struct session *s)
{
	if (!s->stream || !s->timer) {
		int error = errno;

		session_free(s);
		errno = error;
		return NULL;
	}
	address_format(stream_peer(s->stream), s->peer);
	rearm(s);
	return s;
}

struct session *session_accept(struct session_env *env, int fd, struct tls_ctx *tls,
			       const struct session_params *params)
{
	struct session *s = session_new(env, CALL_SERVER, params);

	if (!s) {
		close(fd);
		return NULL;
	}
	s->stream = stream_accept(env->scratch, fd, tls, &stream_callbacks, s);
	return born(s);
}

struct session *session_dial(struct session_env *env, const struct sockaddr *addr,
			     socklen_t addr_len, struct tls_ctx *tls,
			     const struct session_params *params)
{
	struct session *s = session_new(env, CALL_CLIENT, params);

	if (!s)
		return NULL;
	s->stream = stream_connect(env->scratch, addr, addr_len, params->host, tls,
				   &stream_callbacks, s);
	return born(s);
}

void session_disconnect(struct session *s, const char *reason)
{
	struct outbox out = fresh_outbox(s);

	if (s->phase == SESSION_CLOSING)
		return;
	session_note(s, SESSION_END_NORMAL, "%s", reason);
	session_log(s, LOG_LEVEL_INFO, "disconnecting: %s", reason);
	if (s->phase != SESSION_CALL)
		session_close(s);
	else if (s->link_running)
		after_link(s, link_close(&s->link, now(s), &out), &out);
	else
		after_call(s, call_disconnect(&s->call, now(s), &out), &out);
	rearm(s);
}

static void reap_session(struct loop_reap *node)
{
	free(node);
}

void session_free(struct session *s)
{
	if (!s)
		return;
	s->ended = true;
	s->phase = SESSION_CLOSING;
	stop_link(s);
	session_tx_done(s);
	stream_free(s->stream);
	s->stream = NULL;
	loop_timer_free(s->timer);
	call_done(&s->call);
	link_done(&s->link);
	s->reap.free_fn = reap_session;
	loop_reap(s->env->loop, &s->reap);
}

/* ---- the thread's share, and small answers ---- */

static void pack_dirty(void *arg)
{
	struct session_env *env = arg;

	while (env->dirty) {
		struct session *s = env->dirty;

		env->dirty = s->next_dirty;
		s->is_dirty = false;
		if (s->stream)
			session_pack(s);
	}
}

int session_env_init(struct session_env *env, struct loop *loop)
{
	int r;

	memset(env, 0, sizeof(*env));
	env->loop = loop;
	pbuf_pool_init(&env->pool, SESSION_BUFFERS_MAX);
	/* before the streams' own hook, which sends what this one has packed */
	r = loop_on_pass_end(loop, pack_dirty, env);
	if (r < 0)
		return r;
	env->scratch = stream_scratch_new(loop);
	return env->scratch ? 0 : -errno;
}

void session_env_done(struct session_env *env)
{
	stream_scratch_free(env->scratch);
	pbuf_pool_done(&env->pool);
}

struct session_env *session_env(struct session *s)
{
	return s->env;
}

uint64_t session_id(const struct session *s)
{
	return s->id;
}

const char *session_user(const struct session *s)
{
	return s->user;
}

const char *session_peer(const struct session *s)
{
	return s->peer;
}

bool session_is_up(const struct session *s)
{
	return s->is_up;
}

uint16_t session_mtu(const struct session *s)
{
	return link_peer_mru(&s->link);
}

struct traffic *session_traffic(struct session *s)
{
	return &s->traffic;
}

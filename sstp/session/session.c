/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/session/session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sstp/base/log.h"
#include "sstp/ppp/eap_tls.h"
#include "sstp/session/session_internal.h"

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
	log_write(level, "session=%" PRIu64 " peer=%s user=\"%s\" %s", s->params.id, s->peer,
		  s->user, text);
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

void session_pass(struct session *s, enum stage stage)
{
	if (stages_pass(&s->stages, stage, now(s) - s->began_at) && s->params.ops->on_stage)
		s->params.ops->on_stage(s->params.arg, stage);
}

void session_blame(struct session *s, enum session_side side)
{
	if (!s->reason[0])
		s->ended_by = side;
}

static void rearm(struct session *s)
{
	uint64_t at = s->phase_until;

	if (!s->timer) /* freed, by a callback on the way here */
		return;
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
	s->is_up = s->is_up6 = false;
	rearm(s);
	session_blame(s, SESSION_BY_NETWORK);
	session_note(s, SESSION_END_LOST, "connection lost");
	log_end(s);
	s->params.ops->on_end(s->params.arg, s->end, s->reason);
}

void session_stop_link(struct session *s)
{
	if (!s->link_running)
		return;
	s->link_running = false;
	s->is_up = s->is_up6 = false;
	link_down(&s->link);
	fq_clear(&s->data);
	if (!s->ended)
		s->params.ops->on_down(s->params.arg);
}

void session_cut(struct session *s)
{
	session_stop_link(s);
	session_lose_call(s);
	session_tx_done(s);
	tell_owner(s); /* who may ask the stream of what it was */
	stream_free(s->stream);
	s->stream = NULL;
}

/* The stream says goodbye and tells us when it is done. */
void session_close(struct session *s)
{
	session_stop_link(s);
	s->phase = SESSION_CLOSING;
	rearm(s);
	session_pack(s); /* the last word, as far as the stream takes it */
	stream_shutdown(s->stream);
}

/* ---- what the stream and the timer report ---- */

/* The name that the client has dialled picks the certificate of EAP-TLS too: it looks for that name there. */
static void choose_eap_tls(struct session *s)
{
	struct eap_tls_ctx *chosen = NULL;

	if (s->role == CALL_SERVER && s->params.eap_tls && s->params.ops->on_tls)
		chosen = s->params.ops->on_tls(s->params.arg, stream_server_name(s->stream));
	if (!chosen)
		return;
	eap_tls_ctx_ref(chosen);
	eap_tls_ctx_unref(s->params.eap_tls);
	s->params.eap_tls = chosen;
	link_set_eap_tls(&s->link, chosen);
}

static void on_open(void *arg)
{
	struct session *s = arg;

	session_pass(s, STAGE_TLS);
	choose_eap_tls(s);
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

	if (s->phase == SESSION_HTTP)
		used = session_on_http(s, buf, len);
	if (s->phase == SESSION_EST)
		used = session_on_est(s, buf, len);
	if (s->phase == SESSION_CALL && s->request.stray_left)
		used += http_skip_stray(&s->request, buf + used, len - used);
	if (s->phase == SESSION_CALL)
		used += session_on_sstp(s, buf + used, len - used);
	if (s->phase == SESSION_CLOSING)
		return s->ended ? -ECANCELED : (ssize_t)len;
	rearm(s);
	return (ssize_t)used;
}

static void on_writable(void *arg)
{
	struct session *s = arg;

	if (s->phase == SESSION_EST)
		session_est_flush(s);
	else
		session_mark_dirty(s);
}

static void on_certificate(void *arg, const uint8_t *der, size_t len)
{
	struct session *s = arg;

	if (s->phase != SESSION_EST)
		return;
	session_est_on_certificate(s, der, len);
	rearm(s);
}

/* Our own last word, and a client's certificate that it did not take, are ours. */
static enum session_side side_of(enum stream_end why, const char *text)
{
	switch (why) {
	case STREAM_END_PEER: return SESSION_BY_PEER;
	case STREAM_END_RESET:
	case STREAM_END_CONNECT: return SESSION_BY_NETWORK;
	case STREAM_END_TLS:
		return strncmp(text, TLS_PEER_REFUSED, strlen(TLS_PEER_REFUSED)) == 0
			       ? SESSION_BY_PEER
			       : SESSION_BY_US;
	default: return SESSION_BY_US;
	}
}

static void on_stream_end(void *arg, enum stream_end why, const char *text)
{
	struct session *s = arg;

	session_blame(s, side_of(why, text));
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
	.on_certificate = on_certificate,
	.on_end = on_stream_end,
};

static void phase_expired(struct session *s)
{
	static const char *const late[] = {
		[SESSION_TLS] = "no TLS handshake within 10 s",
		[SESSION_HTTP] = "no HTTP header within the limit",
		[SESSION_CALL] = "not authenticated within 120 s",
	};

	if (s->phase == SESSION_EST) {
		session_est_expired(s);
		rearm(s);
		return;
	}
	session_note(s, SESSION_END_LOST, "%s", late[s->phase]);
	if (s->phase == SESSION_CALL)
		session_close(s);
	else
		session_cut(s);
}

static void on_timer(void *arg)
{
	struct session *s = arg;

	if (s->phase_until <= now(s)) {
		phase_expired(s);
		return;
	}
	session_run_timers(s);
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
	if (s->params.eap_tls)
		eap_tls_ctx_ref(s->params.eap_tls);
	s->role = role;
	s->began_at = loop_now(env->loop);
	s->phase_until = s->began_at + LIMIT_TLS;
	fq_init(&s->data, &env->pool, &s->traffic, SESSION_QUEUE_MAX);
	s->data.on_drop = session_on_queue_drop;
	link_init(&s->link, &(struct link_params){
				    .role = role == CALL_SERVER ? LINK_SERVER : LINK_CLIENT,
				    .auth = params->auth,
				    .mru = 1500,
				    .name = params->name,
				    .password = params->password,
				    .random = &random_system,
				    .eap_tls = params->eap_tls,
				    .subscribe = params->ops->on_description != NULL,
				    .ipv6 = params->ops->on_address6 != NULL,
				    .echo_every_ns = params->echo_every_ns,
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
	stages_pass(&s->stages, STAGE_TCP, 0);
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
	if (s->phase == SESSION_CLOSING)
		return;
	session_note(s, SESSION_END_NORMAL, "%s", reason);
	session_log(s, LOG_LEVEL_INFO, "disconnecting: %s", reason);
	if (s->phase == SESSION_CALL)
		session_end_call(s);
	else if (s->phase == SESSION_EST)
		session_est_stop(s);
	else
		session_close(s);
	rearm(s);
}

int session_describe(struct session *s, const char *text, size_t len)
{
	char *copy;

	if (len > VENDOR_TEXT_MAX)
		return -EMSGSIZE;
	if (s->description && len == s->description_len && !memcmp(text, s->description, len))
		return 0;
	copy = malloc(len + !len);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, text, len);
	free(s->description);
	s->description = copy;
	s->description_len = len;
	s->description_sent = 0;
	s->description_due = true;
	session_mark_dirty(s);
	return 0;
}

void session_close_connection(struct session *s, enum session_close code, const char *why)
{
	if (s->phase == SESSION_CALL && s->is_up)
		session_announce_close(s, (uint8_t)code, why);
	session_disconnect(s, why);
}

void session_answer_enrol(struct session *s, const struct est_reply *reply)
{
	if (s->phase != SESSION_EST)
		return;
	session_est_answer(s, reply);
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
	session_stop_link(s);
	session_tx_done(s);
	stream_free(s->stream);
	s->stream = NULL;
	loop_timer_free(s->timer);
	s->timer = NULL;
	session_est_done(s);
	call_done(&s->call);
	link_done(&s->link);
	free(s->description);
	s->description = NULL;
	eap_tls_ctx_unref(s->params.eap_tls);
	s->params.eap_tls = NULL;
	s->reap.free_fn = reap_session;
	loop_reap(s->env->loop, &s->reap);
}

/* ---- small answers ---- */

bool session_is_worker(const struct session *s)
{
	return link_is_subscribed(&s->link);
}

bool session_has_ipv6(const struct session *s)
{
	return s->is_up6;
}

const char *session_thumbprint(const struct session *s)
{
	return link_peer_thumbprint(&s->link);
}

const uint8_t *session_memo(const struct session *s)
{
	return link_peer_memo(&s->link);
}

bool session_has_certificate(const struct session *s)
{
	return link_auth_method(&s->link) == LINK_AUTH_EAP_TLS;
}

const char *session_user(const struct session *s)
{
	return s->user;
}

int session_server_tag(const struct session *s)
{
	return stream_server_tag(s->stream);
}

struct traffic *session_traffic(struct session *s)
{
	return &s->traffic;
}

const struct stages *session_stages(const struct session *s)
{
	return &s->stages;
}

uint64_t session_began_at(const struct session *s)
{
	return s->began_at;
}

const char *session_tls_name(const struct session *s)
{
	return s->stream ? stream_tls_name(s->stream) : "";
}

const char *session_dialled(const struct session *s)
{
	const char *name = s->stream ? stream_server_name(s->stream) : NULL;

	return name ? name : "";
}

const char *session_auth_name(const struct session *s)
{
	unsigned method = link_auth_method(&s->link);

	return method ? link_auth_name(method) : "";
}

bool session_is_enrolment(const struct session *s)
{
	return s->est != NULL;
}

enum session_side session_ended_by(const struct session *s)
{
	return s->ended_by;
}

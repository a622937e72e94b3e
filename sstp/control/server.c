/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread, one loop. An answer to an applicant goes out behind the ACCESS that its certificate
 * made necessary, on the same stream: whoever has a certificate in hand can use it.
 */
#include "sstp/control/server.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sstp/base/clock.h"
#include "sstp/base/log.h"
#include "sstp/control/admin.h"
#include "sstp/control/api.h"
#include "sstp/control/api_bgp.h"
#include "sstp/control/api_routes.h"
#include "sstp/control/api_sessions.h"
#include "sstp/control/api_timelines.h"
#include "sstp/control/apply_work.h"
#include "sstp/control/backups.h"
#include "sstp/control/bgp.h"
#include "sstp/control/doctor.h"
#include "sstp/control/explain.h"
#include "sstp/control/later.h"
#include "sstp/control/metrics.h"
#include "sstp/control/openapi.h"
#include "sstp/control/orphans.h"
#include "sstp/control/peer.h"
#include "sstp/control/process.h"
#include "sstp/control/push.h"
#include "sstp/control/restart.h"
#include "sstp/control/sessions.h"
#include "sstp/control/state_files.h"
#include "sstp/control/sync.h"
#include "sstp/control/timeline.h"
#include "sstp/control/timeline_notes.h"
#include "sstp/control/trace.h"

enum {
	PUSH_PAUSE_NS = 10 * 1000 * 1000, /* while there is more to tell than goes at once */
	FLUSH_NS = 500 * 1000 * 1000,	  /* what is told of sessions shares a transaction */
	LOCK_PAUSE_NS = 20 * 1000 * 1000,
	AUDIT_PATH_MAX = 400,
};

#define LOCK_PATIENCE_NS (2 * CLOCK_NS_PER_S)

struct server {
	const struct server_params *params;
	struct loop *loop;
	struct peer *peer; /* the data plane */
	struct front *front;
	struct tcp_front *tcp_front;
	struct operations *operations;
	struct backups *backups;
	struct bgp *bgp;
	struct explain *explain;
	struct metrics *metrics;
	struct traces *traces;
	struct doctor *doctor;
	struct later *later;	     /* what the data plane has told while a site is applied */
	struct later_message config; /* likewise, the last one; its payload is owned, NULL: none */
	struct loop_timer *timer;    /* the clock's own changes */
	struct loop_timer *push_timer;
	struct push *push;
	struct loop_timer *flush_timer;
	struct sessions *sessions;
	struct timelines *timelines;
	const char *who;  /* asks for what is done now; NULL: nobody */
	bool is_flushing; /* the timer runs */
	int64_t settled;  /* when what sessions have moved was stored last */
	struct sync *sync;
	struct est_world est;
	struct anchors *anchors;
	struct model *model;
	char dial[MSG_NAME_MAX + 1];
	bool is_configured;
	struct certs_error behind; /* why the data plane does not know all; "": it does */
};

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* The data plane waits for what will not come: it has a use for the reason. */
static void tell_failed(struct server *s, const char *text)
{
	uint8_t *frame;
	size_t len;

	if (msg_failed_encode(text, &frame, &len) == 0)
		peer_send(s->peer, frame, len);
}

static void report(struct server *s, const struct certs_error *e)
{
	log_error("the data plane is not up to date: %s", e->text);
	s->behind = *e;
	tell_failed(s, e->text);
}

/* The site first: who may come in finds his connection. */
static void push(struct server *s)
{
	struct certs_error e;
	int r;

	bgp_touch(s->bgp);
	if (!s->is_configured)
		return;
	*s->behind.text = '\0';
	r = push_run(s->push, &e);
	if (r < 0)
		report(s, &e);
	if (r > 0)
		loop_timer_set(s->push_timer, loop_now(s->loop) + PUSH_PAUSE_NS);
	if (sync_push(s->sync, time(NULL), &e) < 0)
		report(s, &e);
}

static void on_push_timer(void *arg)
{
	push(arg);
}

/* Who may come in has changed, or may have. */
static void take_certificates(struct server *s)
{
	struct certs_error e;

	if (model_is_lent(s->model))
		return; /* on_apply_end() */
	if (model_set_certificates(s->model, s->est.authority, time(NULL), &e) < 0)
		log_error("connections do not show the certificates of now: %s", e.text);
}

/* ---- sessions ---- */

/* What sessions have moved; at once for who asks. */
static void settle(struct server *s)
{
	struct certs_error e;

	if (model_is_lent(s->model))
		return; /* on_apply_end() */
	s->settled = time(NULL);
	if (sessions_settle(s->sessions, s->settled, &e) < 0)
		log_error("what the sessions have moved is not stored: %s", e.text);
}

static void on_flush_timer(void *arg)
{
	struct server *s = arg;
	struct certs_error e;

	s->is_flushing = false;
	if (time(NULL) - s->settled >= SESSIONS_SETTLE_S)
		settle(s);
	if (model_flush(s->model, &e) < 0)
		log_error("what the sessions did is not stored: %s", e.text);
}

/* r: what came of it, and e its sentence. */
static void after_sessions(struct server *s, int r, const struct certs_error *e)
{
	if (r < 0)
		log_error("what the data plane says of sessions is lost: %s", e->text);
	bgp_touch(s->bgp);
	if (s->is_flushing)
		return;
	s->is_flushing = true;
	loop_timer_set(s->flush_timer, loop_now(s->loop) + FLUSH_NS);
}

/* What comes while a site is applied waits: the store has one writer. */
static void take_session(struct server *s, const struct later_message *m)
{
	struct certs_error e;
	int r;

	if (model_is_lent(s->model) && m->kind != MSG_TRAFFIC) {
		r = later_add(s->later, m);
		if (r < 0)
			log_error("what the data plane says of sessions is lost: %s", strerror(-r));
		return;
	}
	r = sessions_take(s->sessions, m->kind, m->payload, m->len, m->at, &e);
	after_sessions(s, r, &e);
}

static void take_late_sessions(struct server *s)
{
	struct later_message m;

	while (later_first(s->later, &m)) {
		take_session(s, &m);
		later_drop_first(s->later);
	}
}

/* Connections may be gone: so are their tokens. What is left over the timer sees to. */
static void drop_orphans(struct server *s)
{
	struct certs_error e;

	if (orphans_drop(s->model, s->est.authority, time(NULL), &e) < 0)
		log_error("tokens of connections that are gone are still there: %s", e.text);
}

static void on_timer(void *arg)
{
	struct server *s = arg;
	struct certs_error e;

	if (!model_is_lent(s->model))
		after_sessions(s, sessions_tick(s->sessions, time(NULL), &e), &e);
	drop_orphans(s);
	take_certificates(s);
	push(s);
	loop_timer_set(s->timer, loop_now(s->loop) + SYNC_INTERVAL_S * CLOCK_NS_PER_S);
}

static int send_frame(void *arg, uint8_t *frame, size_t len)
{
	struct server *s = arg;

	timeline_notes_on_frame(s->timelines, frame, len, s->who, now_us());
	return peer_send(s->peer, frame, len);
}

/* ---- the data plane ---- */

/* Without certificates of the operator's ours is shown. What cannot be read stays as it was. */
static void take_chains(struct server *s, const struct msg_config *m)
{
	struct anchors *anchors = NULL;
	struct certs_error e;

	if (m->n_chains && anchors_new(m->chains, m->n_chains, &anchors, &e) < 0) {
		log_error("the gateway's certificates cannot be told to workers: %s", e.text);
		return;
	}
	anchors_free(s->anchors);
	s->anchors = anchors;
	s->est.anchors = anchors;
}

/*
 * Names that are not the operator's change nothing. The rest of the message counts: a file that is being
 * edited when control starts again is no reason not to tell of revocations. 0 or -ENOMEM.
 */
static int take_names(struct server *s, const struct msg_config *m)
{
	struct certs_error e;

	if (!m->n_names || s->params->may_certify(s->params->arg, m->names, m->n_names, &e))
		return sync_set_names(s->sync, m->names, m->n_names);
	log_error("the data plane asks for a certificate that it does not get: %s", e.text);
	tell_failed(s, e.text);
	return 0;
}

static void take_networks(struct server *s, const struct msg_config *m)
{
	struct certs_error e;

	if (model_set_networks(s->model, m, time(NULL), &e) < 0)
		log_error("plans and apps do not see the networks of now: %s", e.text);
}

/* A site is being applied: the networks of gateway.yaml are changed behind that. */
static void keep_config(struct server *s, const uint8_t *payload, size_t len)
{
	uint8_t *copy = malloc(len);

	if (!copy) {
		log_error("out of memory: plans and apps do not see the networks of now");
		return;
	}
	memcpy(copy, payload, len);
	free((uint8_t *)s->config.payload);
	s->config = (struct later_message){.payload = copy, .len = len};
}

static void take_late_config(struct server *s)
{
	struct msg_config m;

	if (s->config.payload && msg_config_decode(s->config.payload, s->config.len, &m) == 0) {
		take_networks(s, &m);
		msg_config_done(&m);
	}
	free((uint8_t *)s->config.payload);
	s->config.payload = NULL;
}

/* Connections that are not allowed under it are refused at once, or come back. */
static void take_strict(struct server *s, bool is_strict)
{
	struct certs_error e;
	int r = model_set_strict(s->model, is_strict, &e);

	if (r > 0)
		r = push_touch_all(s->push, &e);
	if (r < 0)
		log_error("Linux apps and containers are taken or refused as before: %s", e.text);
}

static void on_config(struct server *s, const struct msg_config *m)
{
	struct certs_error e;

	if (take_names(s, m) < 0) {
		log_error("out of memory: the networks stay as they were");
		return;
	}
	take_chains(s, m);
	snprintf(s->dial, sizeof(s->dial), "%s", m->dial);
	take_strict(s, m->is_strict);
	if (!model_is_lent(s->model))
		take_networks(s, m);
	if (!s->is_configured && push_restart(s->push, &e) < 0)
		log_error("the data plane is not told of the site: %s", e.text);
	s->is_configured = true;
	if (tcp_front_reload(s->tcp_front, &e) < 0)
		log_error("the API over TCP stays as it was: %s", e.text);
	push(s);
}

static void log_est(const struct msg_est_request *m, const struct est_answer *a)
{
	static const char *const kinds[] = {
		[MSG_EST_CACERTS] = "cacerts",
		[MSG_EST_SIMPLEENROLL] = "enrolment",
		[MSG_EST_SIMPLEREENROLL] = "re-enrolment",
		[MSG_EST_CSRATTRS] = "csrattrs",
	};
	const char *app = *a->app ? a->app : "-";
	const char *thumbprint = *a->thumbprint ? a->thumbprint : "-";

	if (*a->reason)
		log_warning("%s from %s refused (%u), app %s, certificate %s: %s", kinds[m->kind],
			    m->peer, a->status, app, thumbprint, a->reason);
	else if (a->has_changed)
		log_info("%s from %s: app %s has certificate %s", kinds[m->kind], m->peer, app,
			 thumbprint);
	else
		log_debug("%s from %s", kinds[m->kind], m->peer);
}

/* Somebody waits for it at the other end: one that is too long becomes one that is not. */
static void send_reply(struct server *s, const struct msg_est_reply *reply, const char *peer)
{
	struct msg_est_reply shorter = {
		.id = reply->id,
		.status = 503,
		.content_type = "",
		.encoding = "",
		.retry_after_s = EST_RETRY_S,
		.reason = "the answer is too long",
	};
	uint8_t *frame;
	size_t len;
	int r = msg_est_reply_encode(reply, &frame, &len);

	if (r < 0)
		r = msg_est_reply_encode(&shorter, &frame, &len);
	if (r == 0)
		r = peer_send(s->peer, frame, len);
	if (r < 0)
		log_error("an answer to %s is lost: %s", peer, strerror(-r));
}

static void on_est(struct server *s, const struct msg_est_request *m)
{
	struct est_answer a;
	struct msg_est_reply reply;

	est_answer(&s->est, m, time(NULL), loop_now(s->loop), &a);
	log_est(m, &a);
	if (a.has_changed) {
		take_certificates(s);
		push(s);
	}
	reply = (struct msg_est_reply){
		.id = m->id,
		.status = a.status,
		.content_type = a.content_type,
		.encoding = a.is_base64 ? "base64" : "",
		.body = (const uint8_t *)a.body,
		.body_len = a.body ? strlen(a.body) : 0,
		.retry_after_s = a.retry_after_s,
		.reason = a.reason,
	};
	send_reply(s, &reply, m->peer);
	est_answer_done(&a);
}

/* What needs no store does not wait for it. True: that was all. */
static bool take_timeline(struct server *s, enum msg_kind kind, const uint8_t *payload, size_t len)
{
	struct msg_timeline m;

	if (kind == MSG_SESSIONS_BEGIN)
		timelines_begin(s->timelines);
	if (kind == MSG_SESSIONS_END)
		timelines_end(s->timelines, now_us());
	if (kind != MSG_TIMELINE)
		return false;
	if (msg_timeline_decode(payload, len, &m) < 0)
		log_error("the data plane sent a TIMELINE that is no message");
	else if (timelines_take(s->timelines, &m) < 0)
		log_error("out of memory: what a session did is not kept");
	return true;
}

/* Their ids differ: to all but one it is nothing. */
static void take_probed(struct server *s, const struct msg_probed *m)
{
	explain_on_probed(s->explain, m);
	doctor_on_probed(s->doctor, m);
	traces_on_probed(s->traces, m);
}

static void on_message(void *arg, enum msg_kind kind, const uint8_t *payload, size_t len)
{
	struct server *s = arg;
	struct msg_est_request request;
	struct msg_config config;
	struct msg_probed probed;
	struct msg_metrics metrics;
	struct msg_traced traced;
	int r = -EBADMSG;

	if (take_timeline(s, kind, payload, len))
		return;
	if (sessions_takes(kind)) {
		take_session(s, &(struct later_message){kind, time(NULL), payload, len});
		return;
	}
	if (kind == MSG_CONFIG) {
		r = msg_config_decode(payload, len, &config);
		if (r == 0) {
			if (model_is_lent(s->model))
				keep_config(s, payload, len);
			on_config(s, &config);
			msg_config_done(&config);
		}
	} else if (kind == MSG_PROBED) {
		r = msg_probed_decode(payload, len, &probed);
		if (r == 0)
			take_probed(s, &probed);
	} else if (kind == MSG_TRACED) {
		r = msg_traced_decode(payload, len, &traced);
		if (r == 0)
			traces_on_traced(s->traces, &traced);
	} else if (kind == MSG_METRICS) {
		r = msg_metrics_decode(payload, len, &metrics);
		if (r == 0) {
			metrics_on_told(s->metrics, &metrics);
			msg_metrics_done(&metrics);
		}
	} else if (kind == MSG_EST_REQUEST) {
		r = msg_est_request_decode(payload, len, &request);
		if (r == 0)
			on_est(s, &request);
	}
	if (r == -EBADMSG)
		log_error("the data plane sent what is no message, kind %d", (int)kind);
}

/* Those of a data plane that is gone. */
static void end_sessions(struct server *s)
{
	struct certs_error e;

	timelines_begin(s->timelines);
	timelines_end(s->timelines, now_us());
	if (model_is_lent(s->model)) { /* an empty list says the same */
		take_session(s, &(struct later_message){MSG_SESSIONS_BEGIN, time(NULL), NULL, 0});
		take_session(s, &(struct later_message){MSG_SESSIONS_END, time(NULL), NULL, 0});
		return;
	}
	if (sessions_lost(s->sessions, time(NULL), &e) < 0 || model_flush(s->model, &e) < 0)
		log_error("the end of the sessions is not stored: %s", e.text);
}

/* The next one is told all when it says what it serves. */
static void on_lost(void *arg)
{
	struct server *s = arg;

	end_sessions(s);
	metrics_on_lost(s->metrics);
	bgp_touch(s->bgp);
	s->is_configured = false;
	sync_forget(s->sync);
}

static const char *behind(void *arg)
{
	const struct server *s = arg;

	return s->is_configured ? s->behind.text : NULL;
}

static int ask_parent(void *arg, const struct parent_msg *m, const int *fds)
{
	struct server *s = arg;

	return peer_ask_parent(s->peer, m, fds);
}

static struct learned_routes learned_now(void *arg, const char *vnet, enum learned_view view)
{
	struct server *s = arg;

	return learned_of(bgp_learned(s->bgp), vnet, view);
}

/* Both views change one behind the other: they are looked at together. */
static void on_learned(void *arg, const char *vnet, enum learned_view view)
{
	struct server *s = arg;
	struct certs_error e;

	if (push_learned(s->push, vnet, view, &e) < 0)
		report(s, &e);
	loop_timer_set(s->push_timer, loop_now(s->loop));
}

static void on_parent(void *arg, const struct parent_msg *m, struct msgsock_fds *fds)
{
	struct server *s = arg;

	bgp_on_parent(s->bgp, m, fds);
	explain_on_parent(s->explain, m, fds);
	traces_on_parent(s->traces, m, fds);
	doctor_on_parent(s->doctor, m, fds);
}

static void on_parent_gone(void *arg)
{
	struct server *s = arg;

	operations_cancel(s->operations);
	end_sessions(s);
	loop_stop(s->loop);
}

/* ---- the operator ---- */

/* The model changes again: what has waited for that comes first, in its order. */
static void on_apply_end(void *arg)
{
	struct server *s = arg;
	struct certs_error e;

	take_late_config(s);
	take_late_sessions(s);
	take_certificates(s);
	drop_orphans(s);
	if (push_touch_all(s->push, &e) < 0)
		report(s, &e);
	push(s);
}

static void answer_apply(struct server *s, const struct front_request *request,
			 struct front_reply *ret_reply)
{
	const struct apply_work_params work = {.model = s->model, .on_end = on_apply_end, .arg = s};

	if (!apply_matches(s->model, request, ret_reply))
		return;
	if (apply_is_long(s->model, request))
		apply_work_begin(s->operations, &work, request, time(NULL), ret_reply);
	else
		apply_answer(s->model, request, time(NULL), NULL, ret_reply);
}

/* As of now, not of some seconds ago. */
static void answer_sessions(struct server *s, const struct front_request *request,
			    struct front_reply *ret_reply)
{
	const struct api_sessions_world w = {.model = s->model, .send = send_frame, .arg = s};

	settle(s);
	after_sessions(s, 0, NULL);
	api_sessions_answer(&w, request, time(NULL), ret_reply);
}

/* Likewise. */
static void answer_metrics(struct server *s, const struct front_request *request,
			   struct front_reply *ret_reply)
{
	settle(s);
	after_sessions(s, 0, NULL);
	metrics_answer(s->metrics, request, ret_reply);
}

static void answer_doctor(struct server *s, const struct front_request *request,
			  struct front_reply *ret_reply)
{
	settle(s);
	after_sessions(s, 0, NULL);
	doctor_answer(s->doctor, request, ret_reply);
}

static void answer(struct server *s, const struct front_request *request,
		   struct front_reply *ret_reply)
{
	struct admin_world w = {.est = &s->est, .model = s->model, .dial = s->dial};
	struct api_routes_world routes = {.model = s->model,
					  .effective = networks_effective(s->est.networks)};
	struct api_bgp_world bgp = {
		.model = s->model, .bgp = s->bgp, .socket = s->params->bird_socket};

	if (openapi_has_path(request->path))
		openapi_answer(request, ret_reply);
	else if (operations_has_path(request->path))
		operations_answer(s->operations, request, ret_reply);
	else if (backups_has_path(request->path))
		backups_answer(s->backups, request, time(NULL), ret_reply);
	else if (apply_has_path(request->path))
		answer_apply(s, request, ret_reply);
	else if (api_sessions_has_path(request->path))
		answer_sessions(s, request, ret_reply);
	else if (api_timelines_has_path(request->path))
		api_timelines_answer(s->timelines, request, ret_reply);
	else if (metrics_has_path(request->path))
		answer_metrics(s, request, ret_reply);
	else if (explain_has_path(request->path))
		explain_answer(s->explain, request, ret_reply);
	else if (traces_has_path(request->path))
		traces_answer(s->traces, request, ret_reply);
	else if (doctor_has_path(request->path))
		answer_doctor(s, request, ret_reply);
	else if (api_routes_has_path(request->path))
		api_routes_answer(&routes, request, ret_reply);
	else if (api_bgp_has_path(request->path))
		api_bgp_answer(&bgp, request, ret_reply);
	else if (api_has_path(request->path))
		api_answer(s->model, request, time(NULL), ret_reply);
	else if (admin_answer(&w, request, time(NULL), ret_reply))
		take_certificates(s);
}

static void restart(struct server *s, const struct front_request *request)
{
	struct certs_error e;
	int n = restart_apps(s->model, request, send_frame, s, &e);

	if (n < 0)
		log_error("apps are not restarted with the sync: %s", e.text);
	else
		log_info("%d apps are to restart with the sync", n);
}

/* Who has changed what, or was refused it. */
static void audit(const struct front_request *request, int status)
{
	static const char *const methods[] = {
		[FRONT_POST] = "POST",
		[FRONT_PUT] = "PUT",
		[FRONT_PATCH] = "PATCH",
		[FRONT_DELETE] = "DELETE",
	};
	char path[AUDIT_PATH_MAX];

	log_info("audit: %s: %s %s: %d", request->who, methods[request->method],
		 log_escape(path, sizeof(path), request->path, strlen(request->path)), status);
}

static void serve(struct server *s, const struct front_request *request,
		  struct front_reply *ret_reply)
{
	bool wants_restart;

	if (!restart_read(request, &wants_restart, ret_reply))
		return;
	answer(s, request, ret_reply);
	if (request->method != FRONT_GET)
		audit(request, ret_reply->status);
	timeline_notes_on_answer(s->timelines, request, ret_reply, now_us());
	push(s);
	if (ret_reply->status != 200)
		return;
	if (wants_restart)
		restart(s, request);
	if (request->method == FRONT_DELETE || apply_has_path(request->path))
		drop_orphans(s);
}

static void on_request(void *arg, const struct front_request *request,
		       struct front_reply *ret_reply)
{
	struct server *s = arg;

	s->who = request->who;
	serve(s, request, ret_reply);
	s->who = NULL;
}

static int client_of(void *arg, const struct sockaddr *address, socklen_t len,
		     const char *authorization, const char **ret_who)
{
	const struct server *s = arg;

	return tcp_front_client(s->tcp_front, address, len, authorization, ret_who);
}

/* ---- life ---- */

/* A new folder is there for good only when the one above it is flushed. 0 or -errno. */
static int make_folder(const char *path)
{
	char above[PATH_MAX];
	int fd, r;

	if (mkdir(path, 0700) < 0)
		return errno == EEXIST ? 0 : -errno;
	snprintf(above, sizeof(above), "%s/..", path);
	fd = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = fd < 0 || fsync(fd) < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	return r;
}

/* Who was killed with his parent is on his way out, and may hold it for a moment. */
static int lock_state(const char *state, struct state_folders **ret_folders, struct certs_error *e)
{
	uint64_t until = clock_now() + LOCK_PATIENCE_NS;
	int r = state_folders_open(state, ret_folders, e);

	while (r == -EBUSY && clock_now() < until) {
		nanosleep(&(struct timespec){.tv_nsec = LOCK_PAUSE_NS}, NULL);
		r = state_folders_open(state, ret_folders, e);
	}
	return r;
}

/* The model, and behind a restore that was killed what that has left to do. */
static int open_model(struct server *s, const char *state, struct certs_error *e)
{
	struct state_folders *folders;
	char path[PATH_MAX];
	int r = lock_state(state, &folders, e);

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%s/model.sqlite", state);
	r = model_open(path, &s->model, e);
	if (r == 0)
		r = backups_settle(s->model, folders, e);
	if (r > 0)
		log_info("the authority of a backup is put back");
	state_folders_close(folders);
	return r < 0 ? r : 0;
}

static int open_state(struct server *s, const char *state, struct certs_error *e)
{
	char folder[PATH_MAX];
	int r;

	if ((size_t)snprintf(folder, sizeof(folder), "%s/authority", state) >= sizeof(folder))
		return certs_fail(e, -ENAMETOOLONG, "state folder %s: too long", state);
	r = make_folder(state);
	if (r < 0)
		return certs_fail(e, r, "state folder %s: %s", state, strerror(-r));
	r = open_model(s, state, e);
	if (r == 0)
		r = authority_open(folder, time(NULL), &s->est.authority, e);
	if (r < 0)
		return r;
	snprintf(folder, sizeof(folder), "%s/apps", state);
	r = handed_open(folder, &s->est.handed, e);
	if (r < 0)
		return r;
	s->est.networks = networks_new(s->model);
	return s->est.networks ? 0 : certs_fail(e, -ENOMEM, "out of memory");
}

static int make_parts(struct server *s, const struct server_params *params, struct certs_error *e)
{
	struct sync_params sync = {.authority = s->est.authority, .send = send_frame, .arg = s};
	struct push_params push = {
		.model = s->model, .networks = s->est.networks, .send = send_frame, .arg = s};
	struct front_params front = {
		.path = params->socket, .on_request = on_request, .client = client_of, .arg = s};
	struct tcp_front_params tcp = {.loop = s->loop,
				       .socket = params->socket,
				       .load = params->load_api,
				       .arg = params->arg};
	struct peer_params peer = {.link = params->fd,
				   .on_message = on_message,
				   .on_lost = on_lost,
				   .on_parent_gone = on_parent_gone,
				   .on_parent = on_parent,
				   .arg = s};
	struct bgp_params bgp = {.loop = s->loop,
				 .model = s->model,
				 .ask = ask_parent,
				 .on_learned = on_learned,
				 .arg = s};
	struct explain_params explain = {.loop = s->loop,
					 .model = s->model,
					 .effective = networks_effective(s->est.networks),
					 .ask = ask_parent,
					 .send = send_frame,
					 .arg = s};
	const struct timelines_limits timelines = {TIMELINE_SESSIONS_MAX, TIMELINE_STRANGERS_MAX};
	struct metrics_params metrics = {.loop = s->loop,
					 .model = s->model,
					 .authority = s->est.authority,
					 .send = send_frame,
					 .arg = s};
	struct traces_params traces = {.loop = s->loop,
				       .model = s->model,
				       .effective = networks_effective(s->est.networks),
				       .ask = ask_parent,
				       .send = send_frame,
				       .arg = s};
	struct doctor_params doctor = {.loop = s->loop,
				       .model = s->model,
				       .est = &s->est,
				       .bird = params->bird_socket,
				       .behind = behind,
				       .ask = ask_parent,
				       .send = send_frame,
				       .arg = s};
	char error[FRONT_ERROR_MAX];
	int r;

	s->timelines = timelines_new(&timelines);
	s->est.attempts = attempts_new();
	s->sync = sync_new(&sync);
	s->timer = loop_timer_new(s->loop, on_timer, s);
	s->push_timer = loop_timer_new(s->loop, on_push_timer, s);
	s->flush_timer = loop_timer_new(s->loop, on_flush_timer, s);
	s->sessions = sessions_new(s->model);
	s->operations = operations_new(s->loop);
	s->backups = s->operations ? backups_new(s->operations, s->model, params->state) : NULL;
	s->bgp = bgp_new(&bgp);
	s->later = later_new();
	explain.bgp = s->bgp;
	doctor.bgp = s->bgp;
	explain.bird = params->bird_socket;
	s->explain = explain_new(&explain);
	metrics.bgp = s->bgp;
	s->metrics = metrics_new(&metrics);
	s->traces = traces_new(&traces);
	s->doctor = doctor_new(&doctor);
	s->peer = peer_new(s->loop, &peer);
	if (!s->timelines || !s->bgp || !s->explain || !s->metrics || !s->traces || !s->doctor ||
	    !s->est.attempts || !s->sync || !s->timer || !s->push_timer || !s->flush_timer ||
	    !s->sessions || !s->backups || !s->later || !s->peer)
		return certs_fail(e, -ENOMEM, "out of memory");
	effective_set_learned(networks_effective(s->est.networks), learned_now, s);
	r = push_new(&push, &s->push, e);
	if (r < 0)
		return r;
	r = front_new(s->loop, &front, &s->front, error);
	return r < 0 ? certs_fail(e, r, "%s", error) : tcp_front_new(&tcp, &s->tcp_front, e);
}

static void server_done(struct server *s)
{
	tcp_front_free(s->tcp_front);
	operations_free(s->operations);
	backups_free(s->backups);
	later_free(s->later);
	free((uint8_t *)s->config.payload);
	explain_free(s->explain);
	metrics_free(s->metrics);
	traces_free(s->traces);
	doctor_free(s->doctor);
	front_free(s->front);
	bgp_free(s->bgp);
	peer_free(s->peer);
	loop_timer_free(s->timer);
	loop_timer_free(s->push_timer);
	loop_timer_free(s->flush_timer);
	sessions_free(s->sessions);
	timelines_free(s->timelines);
	push_free(s->push);
	sync_free(s->sync);
	attempts_free(s->est.attempts);
	networks_free(s->est.networks);
	model_close(s->model);
	handed_close(s->est.handed);
	authority_close(s->est.authority);
	anchors_free(s->anchors);
	loop_free(s->loop);
}

int server_run(const struct server_params *params)
{
	struct server s = {.params = params, .loop = loop_new()};
	struct certs_error e;
	int r;

	process_begin("sstp-control");
	r = s.loop ? open_state(&s, params->state, &e)
		   : certs_fail(&e, -ENOMEM, "cannot make an event loop");
	if (r == 0)
		r = make_parts(&s, params, &e);
	if (r == 0) {
		on_timer(&s);
		r = loop_run(s.loop);
	} else {
		log_error("control cannot start: %s", e.text);
		peer_last_words(params->fd, e.text);
	}
	server_done(&s);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

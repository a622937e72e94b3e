/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection that wants to be enrolled instead of tunnelled (EST): one request, one answer, the end.
 *
 *   step        until                                  limit
 *   HEAD, BODY  the request is whole                   LIMIT_EST since the TLS handshake, with PROOF: then 408
 *   PROOF       the client has shown its certificate   (renewal only)
 *   OWNER       session_answer_enrol()                 LIMIT_EST_ANSWER: then 503
 *   REPLY       the stream has taken the reply         LIMIT_EST_REPLY: then it is cut
 *
 * The certificate is asked for when the body is whole, so that the client's own handshake does not come upon it while it sends.
 * What a client sends behind its request is read and let go.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "sstp/base/log.h"
#include "sstp/session/session_internal.h"

#define LIMIT_EST	 (15 * CLOCK_NS_PER_S)
#define LIMIT_EST_ANSWER (20 * CLOCK_NS_PER_S)
#define LIMIT_EST_REPLY	 (20 * CLOCK_NS_PER_S)

enum {
	RETRY_AFTER_S = 30,
};

enum step {
	STEP_HEAD,
	STEP_BODY,
	STEP_PROOF,
	STEP_OWNER,
	STEP_REPLY,
};

struct session_est {
	enum step step;
	struct est_head head;
	struct est_body body;
	char *reply; /* owned */
	size_t reply_len, reply_sent;
};

static uint64_t now(const struct session *s)
{
	return loop_now(s->env->loop);
}

/* ---- the reply ---- */

void session_est_flush(struct session *s)
{
	struct session_est *e = s->est;

	if (e->step != STEP_REPLY)
		return;
	while (e->reply_sent < e->reply_len) {
		size_t left = e->reply_len - e->reply_sent;
		size_t n = left < SESSION_RECORD_MAX ? left : SESSION_RECORD_MAX;

		if (stream_send(s->stream, e->reply + e->reply_sent, n) < 0)
			return; /* until it is writable; or it has ended, and tells so */
		e->reply_sent += n;
	}
	stream_flush(s->stream);
	if (!stream_is_blocked(s->stream))
		session_close(s);
}

/* note: for the log; NULL or "": the status says it all */
static void reply(struct session *s, const struct est_reply *r, const char *note)
{
	struct session_est *e = s->est;
	size_t size =
		EST_REPLY_HEAD_MAX + (r->body_len < EST_REPLY_MAX ? r->body_len : EST_REPLY_MAX);
	bool has_name = e->step != STEP_HEAD;
	int n;

	session_note(s, r->status < 300 ? SESSION_END_NORMAL : SESSION_END_REFUSED,
		     "enrolment%s%s: answered HTTP %d%s%s", has_name ? " " : "",
		     has_name ? est_operation_name(e->head.operation) : "", r->status,
		     note && *note ? ": " : "", note ? note : "");
	e->step = STEP_REPLY;
	s->phase_until = now(s) + LIMIT_EST_REPLY;
	e->reply = malloc(size);
	n = e->reply ? est_write_reply(e->reply, size, r) : -ENOMEM;
	if (n < 0) {
		session_cut(s);
		return;
	}
	e->reply_len = (size_t)n;
	session_est_flush(s);
}

static void refuse(struct session *s, int status, const char *text, const char *note)
{
	struct est_reply r = est_refusal(status, text);

	if (status == 503)
		r.retry_after_s = RETRY_AFTER_S;
	reply(s, &r, note);
}

/* ---- the request ---- */

static void write_peer(const struct session *s, char *ret_text, size_t size)
{
	const struct sockaddr_storage *peer = stream_peer(s->stream);
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)peer;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)peer;
	bool is_v6 = peer->ss_family == AF_INET6;

	if (!inet_ntop(peer->ss_family, is_v6 ? (const void *)&v6->sin6_addr : &v4->sin_addr,
		       ret_text, (socklen_t)size))
		ret_text[0] = '\0';
}

/* cert: NULL: none was asked for */
static void ask_owner(struct session *s, const uint8_t *cert, size_t cert_len)
{
	struct session_est *e = s->est;
	struct est_request request = {
		.operation = e->head.operation,
		.wants_network = e->head.wants_network,
		.has_secret = e->head.has_secret,
		.session = s->params.id,
		.body = e->body.bytes,
		.body_len = e->body.len,
		.cert = cert,
		.cert_len = cert_len,
	};
	int r;

	memcpy(request.secret, e->head.secret, sizeof(request.secret));
	write_peer(s, request.peer, sizeof(request.peer));
	e->step = STEP_OWNER;
	s->phase_until = now(s) + LIMIT_EST_ANSWER;
	r = s->params.ops->on_enrol(s->params.arg, &request);
	secret_wipe_bytes(request.secret, sizeof(request.secret));
	if (r < 0)
		refuse(s, 503, "Too much to do: come back later.\n",
		       r == -EBUSY ? "too many enrolments at a time" : strerror(-r));
}

static void ask_for_certificate(struct session *s)
{
	s->est->step = STEP_PROOF;
	switch (stream_request_certificate(s->stream)) {
	case -EPROTONOSUPPORT:
		refuse(s, 403,
		       "Renewal needs the present certificate, and that needs TLS 1.3: come by "
		       "it.\n",
		       "the client speaks TLS 1.2, in which its certificate cannot be asked for");
		break;
	case -EOPNOTSUPP:
		refuse(s, 403,
		       "Renewal needs the present certificate: offer post-handshake "
		       "authentication.\n",
		       "the client has not offered to show its certificate");
		break;
	default: break; /* it is asked, or the stream has ended and tells so */
	}
}

void session_est_on_certificate(struct session *s, const uint8_t *der, size_t len)
{
	if (s->est->step != STEP_PROOF)
		return;
	if (der)
		ask_owner(s, der, len);
	else
		refuse(s, 403, "Renewal needs the present certificate.\n",
		       "the client has shown no certificate");
}

static void on_whole_request(struct session *s)
{
	if (s->est->head.operation == EST_SIMPLEREENROLL)
		ask_for_certificate(s);
	else
		ask_owner(s, NULL, 0);
}

static size_t read_head(struct session *s, const uint8_t *buf, size_t len)
{
	struct session_est *e = s->est;
	struct est_reply refusal;
	int n = est_parse_head(buf, len, &e->head, &refusal);

	if (n == 0)
		return 0;
	if (!s->params.ops->can_enrol || !s->params.ops->can_enrol(s->params.arg)) {
		refuse(s, 404, "There is nothing here.\n", "no certificate authority runs here");
		return len;
	}
	if (n < 0) {
		reply(s, &refusal, NULL);
		return len;
	}
	session_log(s, LOG_LEVEL_INFO, "enrolment %s begins, %s",
		    est_operation_name(e->head.operation), stream_tls_name(s->stream));
	e->step = STEP_BODY;
	e->body.want = e->head.body_len;
	if (e->head.expects_continue && (size_t)n == len)
		stream_send(s->stream, EST_CONTINUE, strlen(EST_CONTINUE));
	return (size_t)n;
}

static void read_body(struct session *s, const uint8_t *buf, size_t len)
{
	if (est_body_take(&s->est->body, buf, len) < 0)
		refuse(s, 503, "Out of memory.\n", "out of memory");
	else if (est_body_is_whole(&s->est->body))
		on_whole_request(s);
}

size_t session_on_est(struct session *s, const uint8_t *buf, size_t len)
{
	size_t used = 0;

	if (s->est->step == STEP_HEAD) {
		used = read_head(s, buf, len);
		if (!used)
			return 0;
	}
	if (s->phase == SESSION_EST && s->est->step == STEP_BODY)
		read_body(s, buf + used, len - used);
	return len;
}

/* ---- begin, answer, end ---- */

void session_start_est(struct session *s)
{
	s->est = calloc(1, sizeof(*s->est));
	if (!s->est) {
		session_note(s, SESSION_END_LOST, "out of memory");
		session_cut(s);
		return;
	}
	s->phase = SESSION_EST;
	s->phase_until += LIMIT_EST - LIMIT_HTTP_SERVER;
}

void session_est_answer(struct session *s, const struct est_reply *r)
{
	if (s->est->step == STEP_OWNER)
		reply(s, r, r->reason);
}

void session_est_expired(struct session *s)
{
	switch (s->est->step) {
	case STEP_OWNER:
		refuse(s, 503, "No answer: come back later.\n", "no answer within 20 s");
		break;
	case STEP_REPLY: session_cut(s); break;
	case STEP_PROOF:
		refuse(s, 408, "Too late.\n", "no certificate within the limit of 15 s");
		break;
	default: refuse(s, 408, "Too late.\n", "not whole within 15 s"); break;
	}
}

void session_est_stop(struct session *s)
{
	if (s->est->step == STEP_REPLY)
		session_close(s);
	else
		refuse(s, 503, "The gateway stops: come back later.\n", NULL);
}

void session_est_done(struct session *s)
{
	if (!s->est)
		return;
	est_body_done(&s->est->body);
	free(s->est->reply);
	secret_wipe_bytes(&s->est->head, sizeof(s->est->head));
	free(s->est);
	s->est = NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session that enrols: a client of OpenSSL's own kind, a real session, and an owner that the test plays. The session's
 * clock stands behind the loop's by `behind`; a test lets time pass by letting it catch up.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "sstp/base/clock.h"
#include "sstp/base/log.h"
#include "sstp/session/session.h"
#include "test/support/cmocka.h"
#include "test/unit/net/raw.h"

#define HOST	"Host: gateway.test\r\n"
#define SECRET	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN-_0"
#define BEARER	"Authorization: Bearer " SECRET "\r\n"
#define TYPE	"Content-Type: application/pkcs10\r\n"
#define CACERTS "GET /.well-known/est/cacerts HTTP/1.1\r\n" HOST "\r\n"
#define ENROL	"POST /.well-known/est/simpleenroll HTTP/1.1\r\n" HOST BEARER TYPE
#define RENEW	"POST /.well-known/est/simplereenroll HTTP/1.1\r\n" HOST TYPE
#define PATIENT (30 * CLOCK_NS_PER_S)

static struct raw raw;
static uint64_t behind;

uint64_t __real_loop_now(const struct loop *loop);
uint64_t __wrap_loop_now(const struct loop *loop);

uint64_t __wrap_loop_now(const struct loop *loop)
{
	return __real_loop_now(loop) - behind;
}

/* Of what has been freed so many blocks held these bytes still. */
static struct watch {
	const void *bytes; /* NULL: nothing is watched */
	size_t len;
	unsigned found;
} watch;

void __real_free(void *block);
void __wrap_free(void *block);

void __wrap_free(void *block)
{
	if (block && watch.bytes &&
	    memmem(block, malloc_usable_size(block), watch.bytes, watch.len))
		watch.found++;
	__real_free(block);
}

static struct scene {
	struct rig rig;
	struct session_env env;
	struct session *session; /* NULL: gone */
	int fd;			 /* the session's own */
	bool is_closed;		 /* nobody enrols */
	int refusal;		 /* what on_enrol() returns */
	struct est_request *asked;
	unsigned n_asked;
	unsigned ended;
	enum session_end end;
	char reason[SESSION_REASON_MAX];
} scene;

/* ---- the owner ---- */

static bool can_enrol(void *arg)
{
	return !scene.is_closed;
}

static int on_enrol(void *arg, const struct est_request *request)
{
	scene.n_asked++;
	est_request_free(scene.asked);
	scene.asked = est_request_dup(request);
	assert_non_null(scene.asked);
	return scene.refusal;
}

static void on_end(void *arg, enum session_end end, const char *reason)
{
	scene.ended++;
	scene.end = end;
	snprintf(scene.reason, sizeof(scene.reason), "%s", reason);
	session_free(scene.session);
	scene.session = NULL;
}

static const struct session_ops ops = {
	.can_enrol = can_enrol,
	.on_enrol = on_enrol,
	.on_end = on_end,
};

static const struct session_ops ops_of_no_enrolment = {
	.on_end = on_end,
};

/* ---- the scene ---- */

static int set_up(void **state)
{
	memset(&scene, 0, sizeof(scene));
	behind = 0;
	rig_setup(&scene.rig);
	scene.rig.raw_server = true;
	assert_int_equal(session_env_init(&scene.env, scene.rig.loop), 0);
	return 0;
}

static int tear_down(void **state)
{
	session_free(scene.session);
	session_env_done(&scene.env);
	est_request_free(scene.asked);
	rig_teardown(&scene.rig);
	return 0;
}

static bool is_accepted(struct rig *rig)
{
	return rig->accepted_fd >= 0;
}

static bool is_open(struct rig *rig)
{
	return raw.open;
}

/* The client closes its side too, as clients do. */
static bool is_closed(struct rig *rig)
{
	if (raw.closed)
		shutdown(raw.fd, SHUT_WR);
	return raw.closed && scene.ended;
}

static bool has_ended(struct rig *rig)
{
	return scene.ended;
}

static bool is_asked(struct rig *rig)
{
	return scene.n_asked;
}

static void on_tick(struct loop_task *task)
{
	loop_stop(scene.rig.loop);
}

/* A few passes, even when nothing happens in them: the condition may have come true behind the rig's own look at it. */
static void run_on(void)
{
	struct loop_task tick = {.run = on_tick};

	loop_post(scene.rig.loop, &tick);
	assert_int_equal(loop_run(scene.rig.loop), 0);
}

static void run(bool (*until)(struct rig *rig))
{
	uint64_t limit = clock_now() + 5 * CLOCK_NS_PER_S;

	while (!until(&scene.rig)) {
		run_on();
		assert_in_range(clock_now(), 0, limit);
	}
}

/* A client that can be asked for a certificate, with this one (NULL: none), by TLS up to max_version (0: any). */
static void connect_as(const struct testcert *cert, int max_version, const struct session_ops *o)
{
	struct session_params params = {.ops = o, .id = 7, .name = "gw"};

	raw_connect(&raw, &scene.rig);
	SSL_set_post_handshake_auth(raw.ssl, 1);
	SSL_set_max_proto_version(raw.ssl, max_version);
	SSL_certs_clear(raw.ssl);
	if (cert) {
		assert_int_equal(SSL_use_certificate(raw.ssl, cert->cert), 1);
		assert_int_equal(SSL_use_PrivateKey(raw.ssl, cert->key), 1);
	}
	run(is_accepted);
	scene.session =
		session_accept(&scene.env, scene.rig.accepted_fd, scene.rig.server_tls, &params);
	scene.fd = scene.rig.accepted_fd;
	scene.rig.accepted_fd = -1;
	assert_non_null(scene.session);
	run(is_open);
}

static void connect_plainly(void)
{
	connect_as(NULL, 0, &ops);
}

static void send_text(const char *text)
{
	raw_send(&raw, text, strlen(text));
}

/* The client has read this and the end, and the session said why. */
static void assert_got(const char *expected, enum session_end end, const char *reason)
{
	run(is_closed);
	assert_int_equal(raw.len, strlen(expected));
	assert_memory_equal(raw.data, expected, raw.len);
	assert_int_equal(raw.error, SSL_ERROR_ZERO_RETURN);
	assert_int_equal(scene.end, end);
	assert_string_equal(scene.reason, reason);
	assert_int_equal(scene.ended, 1);
	raw_close(&raw);
}

/* Likewise; the reply begins so, and ends with the text. */
static void assert_refused(const char *line, const char *text, const char *reason)
{
	run(is_closed);
	assert_in_range(raw.len, strlen(line) + strlen(text), 4096);
	assert_memory_equal(raw.data, line, strlen(line));
	assert_memory_equal(raw.data + raw.len - strlen(text), text, strlen(text));
	assert_int_equal(scene.end, SESSION_END_REFUSED);
	assert_string_equal(scene.reason, reason);
	raw_close(&raw);
}

static void answer(int status, const char *type, const char *body)
{
	session_answer_enrol(scene.session, &(struct est_reply){.status = status,
								.content_type = type,
								.body = body,
								.body_len = strlen(body)});
}

#define OK_MIIB                                                                     \
	"HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 5\r\nConnection: " \
	"close\r\n\r\nMIIB\n"

/* ---- what is asked and answered ---- */

static void question_is_handed_over_and_its_answer_back(void **state)
{
	connect_plainly();
	send_text(CACERTS);
	assert_false(session_is_enrolment(scene.session));
	run(is_asked);
	assert_true(session_is_enrolment(scene.session));
	assert_int_equal(scene.asked->operation, EST_CACERTS);
	assert_false(scene.asked->has_secret);
	assert_false(scene.asked->wants_network);
	assert_string_equal(scene.asked->peer, "127.0.0.1");
	assert_int_equal(scene.asked->session, 7);
	assert_int_equal(scene.asked->body_len, 0);
	assert_null(scene.asked->cert);
	answer(200, "a/b", "MIIB\n");
	assert_got(OK_MIIB, SESSION_END_NORMAL, "enrolment cacerts: answered HTTP 200");
}

static void enrolment_brings_its_secret_and_body(void **state)
{
	connect_plainly();
	send_text(ENROL "Accept: multipart/mixed\r\nContent-Length: 5\r\n\r\nMIIC\n");
	run(is_asked);
	assert_int_equal(scene.asked->operation, EST_SIMPLEENROLL);
	assert_true(scene.asked->has_secret);
	assert_int_equal(scene.asked->secret[0], 0x69); /* "ab" */
	assert_true(scene.asked->wants_network);
	assert_int_equal(scene.asked->body_len, 5);
	assert_memory_equal(scene.asked->body, "MIIC\n", 5);
	assert_null(scene.asked->cert);
	answer(200, "a/b", "MIIB\n");
	assert_got(OK_MIIB, SESSION_END_NORMAL, "enrolment simpleenroll: answered HTTP 200");
}

static void let_it_end(void)
{
	answer(200, "a/b", "MIIB\n");
	run(is_closed);
}

static void free_it(void)
{
	session_free(scene.session);
	scene.session = NULL;
}

/* The session's memory, and the owner's. */
static void secret_is_gone_before_its_memory_is(void **state)
{
	static void (*const ends[])(void) = {let_it_end, free_it};

	for (int i = 0; i < 2; i++) {
		uint8_t secret[sizeof(scene.asked->secret)];

		tear_down(NULL);
		set_up(NULL);
		connect_plainly();
		send_text(ENROL "Content-Length: 5\r\n\r\nMIIC\n");
		run(is_asked);
		memcpy(secret, scene.asked->secret, sizeof(secret));
		watch = (struct watch){.bytes = secret, .len = sizeof(secret)};
		ends[i]();
		est_request_free(scene.asked);
		scene.asked = NULL;
		run_on();
		watch.bytes = NULL;
		assert_int_equal(watch.found, 0);
		raw_close(&raw);
	}
}

static void request_may_come_byte_by_byte(void **state)
{
	static const char s[] = ENROL "Content-Length: 5\r\n\r\nMIIC\n";

	connect_plainly();
	for (size_t i = 0; i < strlen(s); i++)
		raw_send(&raw, s + i, 1);
	run(is_asked);
	assert_int_equal(scene.asked->body_len, 5);
	assert_memory_equal(scene.asked->body, "MIIC\n", 5);
	answer(200, "a/b", "MIIB\n");
	assert_got(OK_MIIB, SESSION_END_NORMAL, "enrolment simpleenroll: answered HTTP 200");
}

static void largest_body_is_handed_over_whole(void **state)
{
	static char s[1024 + EST_BODY_MAX];
	int head = snprintf(s, sizeof(s), ENROL "Content-Length: %d\r\n\r\n", EST_BODY_MAX);

	memset(s + head, 'A', EST_BODY_MAX);
	connect_plainly();
	raw_send(&raw, s, (size_t)head + EST_BODY_MAX);
	run(is_asked);
	assert_int_equal(scene.asked->body_len, EST_BODY_MAX);
	assert_memory_equal(scene.asked->body, s + head, EST_BODY_MAX);
	answer(200, "a/b", "MIIB\n");
	assert_got(OK_MIIB, SESSION_END_NORMAL, "enrolment simpleenroll: answered HTTP 200");
}

static bool may_continue(struct rig *rig)
{
	return raw.len >= strlen(EST_CONTINUE);
}

static void client_that_waits_to_continue_is_told_to(void **state)
{
	connect_plainly();
	send_text(ENROL "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n");
	run(may_continue);
	assert_int_equal(scene.n_asked, 0);
	send_text("MIIC\n");
	run(is_asked);
	answer(200, "a/b", "MIIB\n");
	assert_got(EST_CONTINUE OK_MIIB, SESSION_END_NORMAL,
		   "enrolment simpleenroll: answered HTTP 200");
}

/* RFC 9110 10.1.1: who has sent it already need not be told to. */
static void client_that_does_not_wait_to_continue_is_not_told_to(void **state)
{
	connect_plainly();
	send_text(ENROL "Content-Length: 5\r\nExpect: 100-continue\r\n\r\nMIIC\n");
	run(is_asked);
	answer(200, "a/b", "MIIB\n");
	assert_got(OK_MIIB, SESSION_END_NORMAL, "enrolment simpleenroll: answered HTTP 200");
}

static void bytes_behind_the_request_are_let_go(void **state)
{
	connect_plainly();
	send_text(CACERTS CACERTS);
	run(is_asked);
	send_text(CACERTS);
	answer(200, "a/b", "MIIB\n");
	assert_got(OK_MIIB, SESSION_END_NORMAL, "enrolment cacerts: answered HTTP 200");
	assert_int_equal(scene.n_asked, 1);
}

static void owners_reason_is_for_the_log_alone(void **state)
{
	connect_plainly();
	send_text(CACERTS);
	run(is_asked);
	session_answer_enrol(scene.session, &(struct est_reply){.status = 409, .reason = "twice"});
	assert_got("HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
		   SESSION_END_REFUSED, "enrolment cacerts: answered HTTP 409: twice");
}

static void largest_reply_waits_for_a_slow_reader(void **state)
{
	static char body[EST_REPLY_MAX];

	memset(body, 'x', sizeof(body) - 1);
	connect_plainly();
	send_text(CACERTS);
	run(is_asked);
	raw_stop_reading(&raw);
	answer(200, "a/b", body);
	assert_int_equal(scene.ended, 0);
	raw_read_on(&raw);
	run(is_closed);
	assert_in_range(raw.len, sizeof(body) + 50, sizeof(body) + 200);
	assert_memory_equal(raw.data + raw.len - strlen(body), body, strlen(body));
	raw_close(&raw);
}

static bool has_status(struct rig *rig)
{
	return raw.len >= 12;
}

static void sstp_is_what_it_was(void **state)
{
	connect_plainly();
	send_text("SSTP_DUPLEX_POST /sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/ HTTP/1.1\r\n"
		  "Content-Length: 18446744073709551615\r\n\r\n");
	run(has_status);
	assert_memory_equal(raw.data, "HTTP/1.1 200", 12);
	raw_close(&raw);
}

static void other_paths_are_what_they_were(void **state)
{
	connect_plainly();
	send_text("GET /.well-known/acme HTTP/1.1\r\n" HOST "\r\n");
	assert_got("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
		   SESSION_END_REFUSED, "not an SSTP request: answered HTTP 404");
}

/* ---- the client's certificate ---- */

static void renewal_shows_the_certificate(void **state)
{
	struct testcert *cert = testcert_new(&(struct testcert_spec){.common_name = "app"});
	uint8_t *der = NULL;
	int len = i2d_X509(cert->cert, &der);

	connect_as(cert, 0, &ops);
	send_text(RENEW "Content-Length: 5\r\n\r\nMIIC\n");
	run(is_asked);
	assert_int_equal(scene.asked->operation, EST_SIMPLEREENROLL);
	assert_false(scene.asked->has_secret);
	assert_int_equal(scene.asked->cert_len, len);
	assert_memory_equal(scene.asked->cert, der, len);
	assert_memory_equal(scene.asked->body, "MIIC\n", 5);
	answer(200, "a/b", "MIIB\n");
	assert_got(OK_MIIB, SESSION_END_NORMAL, "enrolment simplereenroll: answered HTTP 200");
	OPENSSL_free(der);
	testcert_free(cert);
}

static void renewal_without_a_certificate_is_forbidden(void **state)
{
	connect_plainly();
	send_text(RENEW "Content-Length: 5\r\n\r\nMIIC\n");
	assert_refused("HTTP/1.1 403 Forbidden\r\n", "Renewal needs the present certificate.\n",
		       "enrolment simplereenroll: answered HTTP 403: the client has shown no "
		       "certificate");
	assert_int_equal(scene.n_asked, 0);
}

static void renewal_by_tls12_is_forbidden_and_says_why(void **state)
{
	connect_as(NULL, TLS1_2_VERSION, &ops);
	send_text(RENEW "Content-Length: 5\r\n\r\nMIIC\n");
	assert_refused("HTTP/1.1 403 Forbidden\r\n", "that needs TLS 1.3: come by it.\n",
		       "enrolment simplereenroll: answered HTTP 403: the client speaks TLS 1.2, in "
		       "which its certificate cannot be asked for");
}

static void enrolment_by_tls12_is_welcome(void **state)
{
	connect_as(NULL, TLS1_2_VERSION, &ops);
	send_text(ENROL "Content-Length: 5\r\n\r\nMIIC\n");
	run(is_asked);
	answer(200, "a/b", "MIIB\n");
	assert_got(OK_MIIB, SESSION_END_NORMAL, "enrolment simpleenroll: answered HTTP 200");
}

static void certificate_with_another_key_ends_it(void **state)
{
	struct testcert *cert = testcert_new(&(struct testcert_spec){.common_name = "mine"});
	struct testcert *other = testcert_new(&(struct testcert_spec){.common_name = "other"});

	connect_as(cert, 0, &ops);
	assert_int_equal(X509_set_pubkey(cert->cert, other->key), 1);
	send_text(RENEW "Content-Length: 5\r\n\r\nMIIC\n");
	run(has_ended);
	assert_int_equal(scene.n_asked, 0);
	assert_int_equal(scene.end, SESSION_END_LOST);
	assert_string_equal(scene.reason, "TLS failed: bad signature");
	raw_close(&raw);
	testcert_free(cert);
	testcert_free(other);
}

/* ---- refusals ---- */

static void without_an_owner_there_is_nothing_here(void **state)
{
	static const char *const requests[] = {
		CACERTS,
		RENEW "Content-Length: 5\r\n\r\nMIIC\n",
		"PUT /.well-known/est/x HTTP/1.1\r\n" HOST "\r\n",
		"GET /.well-known/est HTTP/1.1\r\n\r\n",
	};

	tear_down(NULL);
	for (size_t i = 0; i < 2 * sizeof(requests) / sizeof(*requests); i++) {
		set_up(NULL);
		scene.is_closed = true;
		connect_as(NULL, 0, i % 2 ? &ops : &ops_of_no_enrolment);
		send_text(requests[i / 2]);
		assert_refused("HTTP/1.1 404 Not Found\r\n", "There is nothing here.\n",
			       "enrolment: answered HTTP 404: no certificate authority runs here");
		tear_down(NULL);
	}
	set_up(NULL);
}

static void owner_with_too_much_to_do_is_asked_later(void **state)
{
	scene.refusal = -EBUSY;
	connect_plainly();
	send_text(CACERTS);
	assert_got("HTTP/1.1 503 Service Unavailable\r\n"
		   "Content-Type: text/plain\r\n"
		   "Retry-After: 30\r\n"
		   "Content-Length: 33\r\n"
		   "Connection: close\r\n"
		   "\r\n"
		   "Too much to do: come back later.\n",
		   SESSION_END_REFUSED,
		   "enrolment cacerts: answered HTTP 503: too many enrolments at a time");
}

static void wrong_requests_are_refused_before_anybody_is_asked(void **state)
{
	static const struct {
		const char *request, *line;
	} rows[] = {
		{"POST /.well-known/est/simpleenroll HTTP/1.1\r\n" HOST TYPE
		 "Content-Length: 5\r\n\r\n",
		 "HTTP/1.1 401 Unauthorized\r\n"},
		{"GET /.well-known/est/x/cacerts HTTP/1.1\r\n" HOST "\r\n",
		 "HTTP/1.1 404 Not Found\r\n"},
		{ENROL "Content-Length: 4294967296\r\n\r\n", "HTTP/1.1 413 Content Too Large\r\n"},
		{ENROL "Transfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 501 Not Implemented\r\n"},
		{ENROL "\x01\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n"},
	};

	tear_down(NULL);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char reason[64];

		set_up(NULL);
		connect_plainly();
		send_text(rows[i].request);
		snprintf(reason, sizeof(reason), "enrolment: answered HTTP %.3s", rows[i].line + 9);
		assert_refused(rows[i].line, "\n", reason);
		assert_int_equal(scene.n_asked, 0);
		tear_down(NULL);
	}
	set_up(NULL);
}

static void endless_header_is_too_large(void **state)
{
	char s[6000] = "GET /.well-known/est/cacerts HTTP/1.1\r\nX: ";

	memset(s + strlen(s), 'a', sizeof(s) - strlen(s));
	connect_plainly();
	raw_send(&raw, s, sizeof(s));
	assert_refused("HTTP/1.1 431 Request Header Fields Too Large\r\n", "too large.\n",
		       "enrolment: answered HTTP 431");
}

/* ---- time, and the end ---- */

static bool is_read(struct rig *rig)
{
	int unsent, unread;

	assert_int_equal(ioctl(raw.fd, SIOCOUTQ, &unsent), 0);
	assert_int_equal(ioctl(scene.fd, FIONREAD, &unread), 0);
	return !unsent && !unread;
}

/* Until the session has read what was sent, which it does not tell; and a little on. */
static void settle(void)
{
	run(is_read);
	for (int i = 0; i < 20; i++)
		run_on();
}

static void body_that_does_not_come_times_out(void **state)
{
	behind = PATIENT;
	connect_plainly();
	send_text(ENROL "Content-Length: 5\r\n\r\nMII");
	settle();
	behind = PATIENT - 14 * CLOCK_NS_PER_S;
	for (int i = 0; i < 20; i++)
		run_on();
	assert_int_equal(raw.len, 0);
	behind = PATIENT - 16 * CLOCK_NS_PER_S;
	assert_refused("HTTP/1.1 408 Request Timeout\r\n", "Too late.\n",
		       "enrolment simpleenroll: answered HTTP 408: not whole within 15 s");
}

static void header_that_does_not_come_times_out(void **state)
{
	behind = PATIENT;
	connect_plainly();
	send_text("GET /.well-known/est/cacerts HTTP/1.1\r\n");
	settle();
	behind = PATIENT - 16 * CLOCK_NS_PER_S;
	assert_refused("HTTP/1.1 408 Request Timeout\r\n", "Too late.\n",
		       "enrolment: answered HTTP 408: not whole within 15 s");
}

static void certificate_that_does_not_come_times_out(void **state)
{
	behind = PATIENT;
	connect_plainly();
	send_text(RENEW "Content-Length: 5\r\n\r\nMIIC\n");
	raw_stop_reading(&raw);
	settle();
	behind = PATIENT - 16 * CLOCK_NS_PER_S;
	run(has_ended);
	assert_string_equal(scene.reason, "enrolment simplereenroll: answered HTTP 408: no "
					  "certificate within the limit of 15 s");
	assert_int_equal(scene.n_asked, 0);
	raw_close(&raw);
}

static void answer_that_does_not_come_times_out_and_is_dropped_when_it_does(void **state)
{
	behind = PATIENT;
	connect_plainly();
	send_text(CACERTS);
	run(is_asked);
	behind = PATIENT - 19 * CLOCK_NS_PER_S;
	for (int i = 0; i < 20; i++)
		run_on();
	assert_int_equal(raw.len, 0);
	behind = PATIENT - 21 * CLOCK_NS_PER_S;
	run(has_status);
	if (scene.session)
		answer(200, "a/b", "MIIB\n");
	assert_refused("HTTP/1.1 503 Service Unavailable\r\n", "No answer: come back later.\n",
		       "enrolment cacerts: answered HTTP 503: no answer within 20 s");
}

static void reader_that_never_reads_is_cut(void **state)
{
	static char body[EST_REPLY_MAX];
	int small = 4096;

	memset(body, 'x', sizeof(body) - 1);
	behind = PATIENT;
	connect_plainly();
	assert_int_equal(setsockopt(raw.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	send_text(CACERTS);
	run(is_asked);
	raw_stop_reading(&raw);
	answer(200, "a/b", body);
	settle();
	behind = PATIENT - 21 * CLOCK_NS_PER_S;
	run(has_ended);
	raw_close(&raw);
}

static void client_that_goes_ends_it_for_the_owner(void **state)
{
	connect_plainly();
	send_text(CACERTS);
	run(is_asked);
	raw_close(&raw);
	run(has_ended);
	assert_int_equal(scene.ended, 1);
	assert_int_equal(scene.end, SESSION_END_LOST);
	assert_null(scene.session);
}

static void gateway_that_stops_says_so(void **state)
{
	connect_plainly();
	send_text(CACERTS);
	run(is_asked);
	session_disconnect(scene.session, "the gateway stops");
	assert_got("HTTP/1.1 503 Service Unavailable\r\n"
		   "Content-Type: text/plain\r\n"
		   "Retry-After: 30\r\n"
		   "Content-Length: 36\r\n"
		   "Connection: close\r\n"
		   "\r\n"
		   "The gateway stops: come back later.\n",
		   SESSION_END_NORMAL, "the gateway stops");
}

static void session_may_be_freed_at_every_step(void **state)
{
	static const char *const requests[] = {
		"GET /.well-known/est/cacerts HTTP/1.1\r\n",
		ENROL "Content-Length: 5\r\n\r\nMII",
		RENEW "Content-Length: 5\r\n\r\nMIIC\n",
		CACERTS,
	};

	tear_down(NULL);
	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		set_up(NULL);
		connect_plainly();
		send_text(requests[i]);
		if (i == 2)
			raw_stop_reading(&raw);
		settle();
		session_free(scene.session);
		scene.session = NULL;
		run_on();
		assert_int_equal(scene.ended, 0);
		raw_close(&raw);
		tear_down(NULL);
	}
	set_up(NULL);
}

int main(void)
{
#define in_scene(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		in_scene(question_is_handed_over_and_its_answer_back),
		in_scene(enrolment_brings_its_secret_and_body),
		in_scene(secret_is_gone_before_its_memory_is),
		in_scene(request_may_come_byte_by_byte),
		in_scene(largest_body_is_handed_over_whole),
		in_scene(client_that_waits_to_continue_is_told_to),
		in_scene(client_that_does_not_wait_to_continue_is_not_told_to),
		in_scene(bytes_behind_the_request_are_let_go),
		in_scene(owners_reason_is_for_the_log_alone),
		in_scene(largest_reply_waits_for_a_slow_reader),
		in_scene(sstp_is_what_it_was),
		in_scene(other_paths_are_what_they_were),
		in_scene(renewal_shows_the_certificate),
		in_scene(renewal_without_a_certificate_is_forbidden),
		in_scene(renewal_by_tls12_is_forbidden_and_says_why),
		in_scene(enrolment_by_tls12_is_welcome),
		in_scene(certificate_with_another_key_ends_it),
		in_scene(without_an_owner_there_is_nothing_here),
		in_scene(owner_with_too_much_to_do_is_asked_later),
		in_scene(wrong_requests_are_refused_before_anybody_is_asked),
		in_scene(endless_header_is_too_large),
		in_scene(body_that_does_not_come_times_out),
		in_scene(header_that_does_not_come_times_out),
		in_scene(certificate_that_does_not_come_times_out),
		in_scene(answer_that_does_not_come_times_out_and_is_dropped_when_it_does),
		in_scene(reader_that_never_reads_is_cut),
		in_scene(client_that_goes_ends_it_for_the_owner),
		in_scene(gateway_that_stops_says_so),
		in_scene(session_may_be_freed_at_every_step),
	};

	log_open("test-session-est", LOG_TARGET_STDERR, LOG_LEVEL_ERROR);
	return cmocka_run_group_tests_name("session/est", tests, NULL, NULL);
}

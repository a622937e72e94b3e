/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A gate with a front behind it, and clients in front of it, in one loop. Clients' certificates are shown by
 * test/netns/api.sh: our own TLS client has none.
 */
#include "sstp/control/gate.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sstp/base/clock.h"
#include "sstp/control/front.h"
#include "sstp/control/tcp_front.h"
#include "test/support/cmocka.h"
#include "test/support/testcert.h"

#define TOKEN	   "0123456789abcdef0123456789abcdef"
#define OTHER	   "ffffffffffffffffffffffffffffffff"
#define WITH_TOKEN "Authorization: Bearer " TOKEN "\r\n"

enum {
	CLIENTS_MAX = GATE_PER_ADDRESS_MAX + 1,
	BIG = 2 << 20,
};

struct scene;

struct client {
	struct scene *scene;
	struct stream *stream;
	const char *request; /* NULL: says nothing */
	size_t request_len;
	size_t sent;
	char reply[1024];
	size_t len;
	bool has_ended;
};

struct scene {
	struct loop *loop;
	struct stream_scratch *scratch;
	struct front *front;
	struct tcp_front *tcp;
	struct loop_timer *watchdog;
	struct tls_ctx *client_tls;
	char cert[256], key[256];
	const char *token;
	uint16_t port;
	struct client clients[CLIENTS_MAX];
	unsigned n_ended;
	unsigned wanted; /* ends to wait for */
	/* of the last request */
	unsigned n_requests;
	char who[128];
	size_t body_len;
};

static uint64_t lag_ns;	    /* what the gate's clock is behind: its timers fire that much earlier */
static uint64_t stopped_at; /* where it stands; 0: it goes */

uint64_t __real_loop_now(const struct loop *loop);
uint64_t __wrap_loop_now(const struct loop *loop);

uint64_t __wrap_loop_now(const struct loop *loop)
{
	return stopped_at ? stopped_at : __real_loop_now(loop) - lag_ns;
}

/* ---- the server's side ---- */

static void on_request(void *arg, const struct front_request *request,
		       struct front_reply *ret_reply)
{
	struct scene *s = arg;

	s->n_requests++;
	s->body_len = request->body_len;
	snprintf(s->who, sizeof(s->who), "%s", request->who);
	*ret_reply = (struct front_reply){.status = 200, .json = strdup("{\"ok\":true}")};
}

static int client_of(void *arg, const struct sockaddr *address, socklen_t len,
		     const char *authorization, const char **ret_who)
{
	const struct scene *s = arg;

	return tcp_front_client(s->tcp, address, len, authorization, ret_who);
}

static int load(void *arg, struct tcp_front_settings *ret_settings, struct certs_error *e)
{
	struct scene *s = arg;
	struct sockaddr_in in = {.sin_family = AF_INET,
				 .sin_port = htons(s->port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	char error[TLS_ERROR_MAX];
	int r;

	*ret_settings = (struct tcp_front_settings){.address_len = s->port ? sizeof(in) : 0};
	if (!s->port)
		return 0;
	memcpy(&ret_settings->address, &in, sizeof(in));
	assert_int_equal(tls_ctx_new_server(s->cert, s->key, &ret_settings->keys.tls, error), 0);
	r = bearer_parse(s->token, "tokens", &ret_settings->keys.bearer, e);
	if (r < 0)
		tcp_front_settings_done(ret_settings);
	return r;
}

static void on_watchdog(void *arg)
{
	fail_msg("nothing happens any more");
}

/* A port that was free a moment ago. */
static uint16_t free_port(void)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	close(fd);
	return ntohs(in.sin_port);
}

static void make_certificates(struct scene *s)
{
	struct testcert *root = testcert_new(&(struct testcert_spec){.is_ca = true});
	struct testcert *cert =
		testcert_new(&(struct testcert_spec){.issuer = root, .san = "DNS:gateway.test"});
	char error[TLS_ERROR_MAX];

	snprintf(s->cert, sizeof(s->cert), "%s", testcert_path("server.pem"));
	snprintf(s->key, sizeof(s->key), "%s", testcert_path("server.key"));
	testcert_write_chain(cert, s->cert);
	testcert_write_key(cert, s->key);
	testcert_write_cert(root, testcert_path("root.pem"));
	assert_int_equal(tls_ctx_new_client(testcert_path("root.pem"), &s->client_tls, error), 0);
	testcert_free(cert);
	testcert_free(root);
}

static int scene_up(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));
	static char path[256];
	char error[FRONT_ERROR_MAX];
	struct certs_error e;

	lag_ns = 0;
	stopped_at = 0;
	*state = s;
	*s = (struct scene){.loop = loop_new(), .token = TOKEN, .port = free_port()};
	snprintf(path, sizeof(path), "%s", testcert_path("gate.sock"));
	make_certificates(s);
	s->scratch = stream_scratch_new(s->loop);
	s->watchdog = loop_timer_new(s->loop, on_watchdog, s);
	assert_int_equal(front_new(s->loop,
				   &(struct front_params){.path = path,
							  .on_request = on_request,
							  .client = client_of,
							  .arg = s},
				   &s->front, error),
			 0);
	assert_int_equal(tcp_front_new(
				 &(struct tcp_front_params){
					 .loop = s->loop, .socket = path, .load = load, .arg = s},
				 &s->tcp, &e),
			 0);
	return 0;
}

static int scene_down(void **state)
{
	struct scene *s = *state;

	for (size_t i = 0; i < CLIENTS_MAX; i++)
		stream_free(s->clients[i].stream);
	tcp_front_free(s->tcp);
	front_free(s->front);
	loop_timer_free(s->watchdog);
	tls_ctx_unref(s->client_tls);
	stream_scratch_free(s->scratch);
	loop_free(s->loop);
	free(s);
	return 0;
}

/* ---- clients ---- */

static void send_more(struct client *c)
{
	while (c->sent < c->request_len && !stream_is_blocked(c->stream)) {
		size_t n = c->request_len - c->sent;

		n = n > 16384 ? 16384 : n;
		if (stream_send(c->stream, c->request + c->sent, n) < 0)
			return;
		c->sent += n;
	}
}

static void on_open(void *arg)
{
	struct client *c = arg;

	if (c->request)
		send_more(c);
	else if (c->scene->wanted == 0)
		loop_stop(c->scene->loop);
}

static ssize_t on_data(void *arg, uint8_t *buf, size_t len)
{
	struct client *c = arg;
	size_t n = sizeof(c->reply) - 1 - c->len;

	n = n > len ? len : n;
	memcpy(c->reply + c->len, buf, n);
	c->len += n;
	return (ssize_t)len;
}

static void on_writable(void *arg)
{
	send_more(arg);
}

static void on_certificate(void *arg, const uint8_t *der, size_t len)
{
}

static void on_end(void *arg, enum stream_end why, const char *text)
{
	struct client *c = arg;

	c->has_ended = true;
	if (++c->scene->n_ended >= c->scene->wanted)
		loop_stop(c->scene->loop);
}

static const struct stream_ops ops = {.on_open = on_open,
				      .on_data = on_data,
				      .on_writable = on_writable,
				      .on_certificate = on_certificate,
				      .on_end = on_end};

static struct client *dial(struct scene *s, size_t i, const char *request, size_t len)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
				 .sin_port = htons(s->port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct client *c = &s->clients[i];

	stream_free(c->stream);
	*c = (struct client){.scene = s, .request = request, .request_len = len};
	c->stream = stream_connect(s->scratch, (struct sockaddr *)&in, sizeof(in), "gateway.test",
				   s->client_tls, &ops, c);
	assert_non_null(c->stream);
	return c;
}

static void run_until_ended(struct scene *s, unsigned n)
{
	s->n_ended = 0;
	s->wanted = n;
	loop_timer_set(s->watchdog, __real_loop_now(s->loop) + 10 * CLOCK_NS_PER_S);
	assert_int_equal(loop_run(s->loop), 0);
}

/* The head of its answer and all that follows. */
static const char *ask_len(struct scene *s, const char *request, size_t len)
{
	struct client *c = dial(s, 0, request, len);

	run_until_ended(s, 1);
	assert_true(c->has_ended);
	return c->reply;
}

static const char *ask(struct scene *s, const char *request)
{
	return ask_len(s, request, strlen(request));
}

#define UNAUTHORIZED                                                                     \
	"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Length: 0\r\n" \
	"Connection: close\r\n\r\n"
#define FORBIDDEN "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

/* ---- tests ---- */

static void token_lets_in_and_is_who_asks(void **state)
{
	struct scene *s = *state;
	const char *reply = ask(s, "GET /v1/site HTTP/1.1\r\nHost: x\r\n" WITH_TOKEN
				   "Connection: close\r\n\r\n");

	assert_int_equal(strncmp(reply, "HTTP/1.1 200 OK\r\n", 17), 0);
	assert_non_null(strstr(reply, "\r\n\r\n{\"ok\":true}"));
	assert_int_equal(s->n_requests, 1);
	assert_int_equal(strncmp(s->who, "token from 127.0.0.1:", 21), 0);
}

static void each_request_of_a_connection_shows_its_token(void **state)
{
	struct scene *s = *state;

	ask(s, "GET /a HTTP/1.1\r\nHost: x\r\n" WITH_TOKEN "\r\n"
	       "GET /b HTTP/1.1\r\nHost: x\r\n" WITH_TOKEN "Connection: close\r\n\r\n");
	assert_int_equal(s->n_requests, 2);
}

/* So many requests on one connection, the last of which ends it. Owned. */
static char *requests_in_a_row(int n)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	for (int i = 0; i < n; i++)
		fprintf(f, "GET /a HTTP/1.1\r\nHost: x\r\n" WITH_TOKEN "%s\r\n",
			i + 1 < n ? "" : "Connection: close\r\n");
	fclose(f);
	return text;
}

static void requests_over_the_limit_are_put_off_for_a_second(void **state)
{
	static const char last[] =
		"GET /b HTTP/1.1\r\nHost: x\r\n" WITH_TOKEN "Connection: close\r\n\r\n";
	struct scene *s = *state;
	char *many = requests_in_a_row(GATE_REQUESTS_BURST + 3);
	const char *reply;

	stopped_at = __real_loop_now(s->loop);
	ask(s, many);
	assert_int_equal(s->n_requests, GATE_REQUESTS_BURST);
	reply = ask(s, last); /* on another connection */
	assert_int_equal(strncmp(reply, "HTTP/1.1 429 ", 13), 0);
	assert_non_null(strstr(reply, "\r\nRetry-After: 1\r\n"));
	assert_non_null(strstr(reply, "\"code\":\"TooManyRequests\""));
	assert_int_equal(s->n_requests, GATE_REQUESTS_BURST);
	stopped_at += CLOCK_NS_PER_S;
	ask(s, many);
	assert_int_equal(s->n_requests, GATE_REQUESTS_BURST + GATE_REQUESTS_PER_S);
	free(many);
}

/* A proxy sends on one connection what comes from many. */
static void second_request_is_not_let_in_by_the_first(void **state)
{
	static const struct {
		const char *header;
		const char *status;
	} cases[] = {
		{"", "HTTP/1.1 401 Unauthorized\r\n"},
		{"Authorization: Bearer " OTHER "\r\n", "HTTP/1.1 403 Forbidden\r\n"},
		{"Authorization: Basic YTpi\r\n", "HTTP/1.1 403 Forbidden\r\n"},
		{"Authorization: Bearer " OTHER "\r\n" WITH_TOKEN, "HTTP/1.1 403 Forbidden\r\n"},
	};
	struct scene *s = *state;
	char request[512];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *second;

		snprintf(request, sizeof(request),
			 "GET /a HTTP/1.1\r\nHost: x\r\n" WITH_TOKEN "\r\n"
			 "GET /b HTTP/1.1\r\nHost: x\r\n%s\r\n",
			 cases[i].header);
		second = strstr(ask(s, request), "{\"ok\":true}");
		assert_non_null(second);
		second += strlen("{\"ok\":true}");
		assert_int_equal(strncmp(second, cases[i].status, strlen(cases[i].status)), 0);
		assert_null(strstr(second, "ok"));
		assert_int_equal(s->n_requests, i + 1);
	}
}

static void without_a_token_there_is_401_and_nothing_else(void **state)
{
	static const char *const requests[] = {
		"GET /v1/site HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /openapi.json HTTP/1.1\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\n\r\n",
		"BREW /coffee HTTP/1.1\r\n\r\n",
		"GET / HTTP/9.9\r\n\r\n",
		"\x01\x02\x03\r\n\r\n",
		"POST /v1/apply HTTP/1.1\r\nContent-Length: 99999999999999\r\n\r\n{",
		"POST /v1/apply HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
	};
	struct scene *s = *state;

	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++)
		assert_string_equal(ask(s, requests[i]), UNAUTHORIZED);
	assert_int_equal(s->n_requests, 0);
}

static void wrong_token_is_forbidden(void **state)
{
	struct scene *s = *state;

	assert_string_equal(
		ask(s, "GET /v1/site HTTP/1.1\r\nAuthorization: Bearer " OTHER "\r\n\r\n"),
		FORBIDDEN);
	assert_string_equal(ask(s, "GET /v1/site HTTP/1.1\r\nAuthorization: Basic YTpi\r\n\r\n"),
			    FORBIDDEN);
	assert_int_equal(s->n_requests, 0);
}

static void head_without_an_end_is_401_whatever_follows(void **state)
{
	static const char end[] = "\r\n" WITH_TOKEN "\r\n";
	struct scene *s = *state;
	char head[5 * GATE_HEAD_MAX];

	memset(head, 'a', sizeof(head));
	memcpy(head + GATE_HEAD_MAX, end, sizeof(end) - 1);
	assert_string_equal(ask_len(s, head, sizeof(head)), UNAUTHORIZED);
	assert_int_equal(s->n_requests, 0);
}

static void body_of_two_megabytes_comes_in_whole(void **state)
{
	struct scene *s = *state;
	char *request = malloc(BIG + 256);
	int n = snprintf(request, 256,
			 "POST /v1/apply HTTP/1.1\r\nHost: x\r\n" WITH_TOKEN
			 "Connection: close\r\nContent-Length: %d\r\n\r\n",
			 BIG);

	memset(request + n, ' ', BIG);
	assert_int_equal(strncmp(ask_len(s, request, (size_t)n + BIG), "HTTP/1.1 200", 12), 0);
	assert_int_equal(s->body_len, BIG);
	free(request);
}

static void run_a_little(struct scene *s)
{
	s->wanted = 0;
	loop_timer_set(s->watchdog, __real_loop_now(s->loop) + 10 * CLOCK_NS_PER_S);
	assert_int_equal(loop_run(s->loop), 0);
}

static void who_is_not_through_in_time_is_cut_off_and_who_is_stays(void **state)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: x\r\n" WITH_TOKEN "\r\n";
	struct scene *s = *state;
	struct client *silent;
	struct client *through;

	lag_ns = (GATE_DEADLINE_S - 1) * CLOCK_NS_PER_S + 800 * CLOCK_NS_PER_MS;
	silent = dial(s, 0, "GET / HTTP/1.1\r\n", 16);
	through = dial(s, 1, request, strlen(request));
	run_until_ended(s, 1);
	assert_true(silent->has_ended);
	assert_int_equal(silent->len, 0);
	assert_false(through->has_ended);
	assert_int_equal(strncmp(through->reply, "HTTP/1.1 200", 12), 0);
}

static void one_address_has_its_share_of_connections(void **state)
{
	struct scene *s = *state;

	for (size_t i = 0; i < GATE_PER_ADDRESS_MAX; i++) {
		dial(s, i, NULL, 0);
		run_a_little(s);
	}
	dial(s, GATE_PER_ADDRESS_MAX, "GET / HTTP/1.1\r\n\r\n", 18);
	run_until_ended(s, 1);
	assert_true(s->clients[GATE_PER_ADDRESS_MAX].has_ended);
	assert_int_equal(s->clients[GATE_PER_ADDRESS_MAX].len, 0);
	assert_false(s->clients[0].has_ended);
}

static void reload_brings_other_tokens_and_cuts_what_the_old_ones_let_in(void **state)
{
	struct scene *s = *state;
	struct client *c = dial(s, 0, NULL, 0);
	struct certs_error e;

	run_a_little(s);
	s->token = OTHER;
	assert_int_equal(tcp_front_reload(s->tcp, &e), 0);
	run_until_ended(s, 1);
	assert_true(c->has_ended);
	assert_string_equal(ask(s, "GET /v1/site HTTP/1.1\r\n" WITH_TOKEN "\r\n"), FORBIDDEN);
	assert_int_equal(strncmp(ask(s, "GET / HTTP/1.1\r\nAuthorization: Bearer " OTHER
					"\r\nConnection: close\r\n\r\n"),
				 "HTTP/1.1 200", 12),
			 0);
}

static void reload_that_fails_leaves_all_as_it_was(void **state)
{
	struct scene *s = *state;
	struct certs_error e;

	s->token = "short";
	assert_int_equal(tcp_front_reload(s->tcp, &e), -EINVAL);
	assert_string_equal(ask(s, "GET / HTTP/1.1\r\n\r\n"), UNAUTHORIZED);
	assert_int_equal(
		strncmp(ask(s, "GET / HTTP/1.1\r\n" WITH_TOKEN "Connection: close\r\n\r\n"),
			"HTTP/1.1 200", 12),
		0);
}

static void reload_moves_it_or_ends_it(void **state)
{
	struct scene *s = *state;
	const char *who = NULL;
	uint16_t port = s->port;
	struct certs_error e;

	s->port = free_port();
	assert_int_equal(tcp_front_reload(s->tcp, &e), 0);
	assert_string_equal(ask(s, "GET / HTTP/1.1\r\n\r\n"), UNAUTHORIZED);
	s->port = 0;
	assert_int_equal(tcp_front_reload(s->tcp, &e), 0);
	s->port = port;
	assert_string_equal(ask(s, "GET / HTTP/1.1\r\n\r\n"), "");
	assert_int_equal(tcp_front_client(s->tcp, NULL, 0, "Bearer " TOKEN, &who), 403);
	assert_null(who);
}

static void address_in_use_is_refused_with_a_sentence(void **state)
{
	struct scene *s = *state;
	struct tcp_front *second = NULL;
	char expected[128];
	struct certs_error e;

	snprintf(expected, sizeof(expected),
		 "api: cannot listen on 127.0.0.1:%u: Address already in use", s->port);
	assert_int_equal(tcp_front_new(&(struct tcp_front_params){.loop = s->loop,
								  .socket = "/nonexistent",
								  .load = load,
								  .arg = s},
				       &second, &e),
			 -EADDRINUSE);
	assert_string_equal(e.text, expected);
}

int main(void)
{
#define in_scene(test) cmocka_unit_test_setup_teardown(test, scene_up, scene_down)
	const struct CMUnitTest tests[] = {
		in_scene(token_lets_in_and_is_who_asks),
		in_scene(each_request_of_a_connection_shows_its_token),
		in_scene(requests_over_the_limit_are_put_off_for_a_second),
		in_scene(second_request_is_not_let_in_by_the_first),
		in_scene(without_a_token_there_is_401_and_nothing_else),
		in_scene(wrong_token_is_forbidden),
		in_scene(head_without_an_end_is_401_whatever_follows),
		in_scene(body_of_two_megabytes_comes_in_whole),
		in_scene(who_is_not_through_in_time_is_cut_off_and_who_is_stays),
		in_scene(one_address_has_its_share_of_connections),
		in_scene(reload_brings_other_tokens_and_cuts_what_the_old_ones_let_in),
		in_scene(reload_that_fails_leaves_all_as_it_was),
		in_scene(reload_moves_it_or_ends_it),
		in_scene(address_in_use_is_refused_with_a_sentence),
	};

	return cmocka_run_group_tests_name("control/gate", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection is a TLS stream in front, and a unix socket to the front behind it once it is through. The
 * end of that in this process has a name of its own in the abstract name space, chosen by the kernel,
 * by which the front can ask who it is: nothing is put into what the client sends, so nothing that it
 * sends can look like that.
 */
#include "sstp/control/gate.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/un.h>
#include <unistd.h>

#include "sstp/base/clock.h"
#include "sstp/base/log.h"
#include "sstp/control/attempts.h"
#include "sstp/net/listen.h"

enum {
	COPY_MAX = 16 * 1024, /* of an answer, per pass: one record */
	WHO_MAX = STREAM_CLIENT_MAX + ADDRESS_TEXT_MAX + 32,
	HOST_MAX = 16,
};

_Static_assert((int)GATE_HEAD_MAX <= (int)STREAM_KEEP_MAX, "a head waits in the stream");

struct visitor {
	struct loop_reap reap; /* first: visitor_reap() */
	struct gate *gate;
	LIST_ENTRY(visitor) next;
	struct stream *stream;
	struct loop_timer *deadline;
	char address[ADDRESS_TEXT_MAX];
	uint8_t host[HOST_MAX];
	/* once through */
	bool is_through;
	bool has_certificate; /* that is good; without one each request needs a token */
	char who[WHO_MAX];
	int fd; /* to the front; -1: not there */
	struct loop_io *io;
	struct sockaddr_un name; /* of our end */
	socklen_t name_len;
	uint8_t *backlog; /* what the front has not read yet: from backlog_at up to backlog_len */
	size_t backlog_at;
	size_t backlog_len;
};

struct gate {
	struct loop *loop;
	struct stream_scratch *scratch;
	struct gate_params params;
	struct gate_keys keys;
	struct listener *listener;
	struct attempts *strangers;
	struct attempts *requests; /* each is one more */
	LIST_HEAD(, visitor) visitors;
	unsigned n;
};

/* ---- the end of a connection ---- */

static void visitor_reap(struct loop_reap *node)
{
	free(node);
}

static void drop_backlog(struct visitor *v)
{
	free(v->backlog);
	v->backlog = NULL;
	v->backlog_at = 0;
	v->backlog_len = 0;
}

static void close_front(struct visitor *v)
{
	loop_io_free(v->io);
	v->io = NULL;
	if (v->fd >= 0)
		close(v->fd);
	v->fd = -1;
	drop_backlog(v);
}

static void drop(struct visitor *v)
{
	struct gate *g = v->gate;

	if (!v->is_through)
		attempts_failed(g->strangers, v->address, loop_now(g->loop));
	LIST_REMOVE(v, next);
	g->n--;
	stream_free(v->stream);
	loop_timer_free(v->deadline);
	close_front(v);
	loop_reap(g->loop, &v->reap);
}

/* Without a body: there is nothing to learn here. */
static void turn_away(struct visitor *v, int status)
{
	static const char unauthorized[] = "HTTP/1.1 401 Unauthorized\r\n"
					   "WWW-Authenticate: Bearer\r\n"
					   "Content-Length: 0\r\nConnection: close\r\n\r\n";
	static const char forbidden[] = "HTTP/1.1 403 Forbidden\r\n"
					"Content-Length: 0\r\nConnection: close\r\n\r\n";
	const char *text = status == 401 ? unauthorized : forbidden;

	log_info("api: %s is turned away: %d", v->address, status);
	stream_send(v->stream, text, strlen(text));
	stream_shutdown(v->stream);
}

/* ---- between the client and the front ---- */

static void watch_front(struct visitor *v)
{
	unsigned ready = stream_is_blocked(v->stream) ? 0 : LOOP_READ;

	if (v->backlog_len)
		ready |= LOOP_WRITE;
	loop_io_watch(v->io, ready);
}

/* One record at a time: the stream takes that whole, or says that it is blocked before. */
static void copy_answer(struct visitor *v)
{
	uint8_t buf[COPY_MAX];
	ssize_t n = recv(v->fd, buf, sizeof(buf), MSG_DONTWAIT);

	if (n > 0) {
		stream_send(v->stream, buf, (size_t)n);
		watch_front(v);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		close_front(v);
		stream_shutdown(v->stream);
	}
}

/* Bytes taken; 0 when the front takes none. -errno: it is gone. */
static ssize_t give(struct visitor *v, const uint8_t *buf, size_t len)
{
	ssize_t n = send(v->fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

static void give_backlog(struct visitor *v)
{
	ssize_t n = give(v, v->backlog + v->backlog_at, v->backlog_len - v->backlog_at);

	if (n < 0) {
		close_front(v);
		stream_shutdown(v->stream);
		return;
	}
	v->backlog_at += (size_t)n;
	if (v->backlog_at == v->backlog_len)
		drop_backlog(v);
	watch_front(v);
}

static void on_front_ready(void *arg, unsigned ready)
{
	struct visitor *v = arg;

	if (ready & LOOP_WRITE)
		give_backlog(v);
	if (v->fd >= 0 && ready & LOOP_READ && !stream_is_blocked(v->stream))
		copy_answer(v);
}

/* 0; -ENOBUFS: the front does not read; -ENOMEM. */
static int keep(struct visitor *v, const uint8_t *buf, size_t len)
{
	uint8_t *more;

	if (v->backlog_len + len > GATE_BACKLOG_MAX)
		return -ENOBUFS;
	more = realloc(v->backlog, v->backlog_len + len);
	if (!more)
		return -ENOMEM;
	memcpy(more + v->backlog_len, buf, len);
	v->backlog = more;
	v->backlog_len += len;
	watch_front(v);
	return 0;
}

static ssize_t pass_on(struct visitor *v, const uint8_t *buf, size_t len)
{
	ssize_t n = v->backlog_len ? 0 : give(v, buf, len);
	int r = n < 0 ? (int)n : 0;

	if (r == 0 && (size_t)n < len)
		r = keep(v, buf + n, len - (size_t)n);
	if (r == 0)
		return (ssize_t)len;
	close_front(v);
	stream_shutdown(v->stream);
	return (ssize_t)len;
}

/* ---- through the gate ---- */

/* A socket with a name of its own, connected to the front; or -errno. */
static int connect_front(struct visitor *v)
{
	struct sockaddr_un front = {.sun_family = AF_UNIX};
	struct sockaddr_un unnamed = {.sun_family = AF_UNIX};
	int r;

	v->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (v->fd < 0)
		return -errno;
	snprintf(front.sun_path, sizeof(front.sun_path), "%s", v->gate->params.socket);
	v->name_len = sizeof(v->name);
	/* the family alone: the kernel finds a name */
	if (bind(v->fd, (struct sockaddr *)&unnamed, sizeof(unnamed.sun_family)) < 0 ||
	    getsockname(v->fd, (struct sockaddr *)&v->name, &v->name_len) < 0 ||
	    connect(v->fd, (struct sockaddr *)&front, sizeof(front)) < 0) {
		r = -errno;
		close_front(v);
		return r;
	}
	v->io = loop_io_new(v->gate->loop, v->fd, LOOP_READ, on_front_ready, v);
	return v->io ? 0 : -errno;
}

/* what: "token" or whose certificate. */
static void let_through(struct visitor *v, const char *what)
{
	int r = connect_front(v);

	v->is_through = true;
	loop_timer_set(v->deadline, CLOCK_NEVER);
	snprintf(v->who, sizeof(v->who), "%s from %s", what, v->address);
	if (r == 0)
		return;
	log_error("api: %s cannot be served: %s", v->who, strerror(-r));
	close_front(v);
	stream_shutdown(v->stream);
}

static void judge(struct visitor *v, const char *head, size_t len)
{
	char text[STREAM_CLIENT_MAX];
	bool has_certificate = stream_client(v->stream, text) != -ENOENT;
	enum bearer_verdict verdict = bearer_judge(v->gate->keys.bearer, head, len);

	if (verdict == BEARER_RIGHT)
		let_through(v, "token");
	else
		turn_away(v, verdict == BEARER_NONE && !has_certificate ? 401 : 403);
}

/* ---- the stream ---- */

static void on_open(void *arg)
{
	struct visitor *v = arg;
	char subject[STREAM_CLIENT_MAX];
	char what[STREAM_CLIENT_MAX + 16];
	int r = stream_client(v->stream, subject);

	if (r == 0) {
		v->has_certificate = true;
		snprintf(what, sizeof(what), "certificate %s", subject);
		let_through(v, what);
	} else if (r == -EACCES) {
		log_info("api: %s: %s", v->address, subject);
	}
}

static ssize_t on_data(void *arg, uint8_t *buf, size_t len)
{
	struct visitor *v = arg;
	size_t head;

	if (!v->is_through) {
		head = bearer_head_len((const char *)buf,
				       len < GATE_HEAD_MAX ? len : GATE_HEAD_MAX);
		if (!head && len < GATE_HEAD_MAX)
			return 0;
		judge(v, (const char *)buf, head);
	}
	return v->fd >= 0 ? pass_on(v, buf, len) : (ssize_t)len;
}

static void on_writable(void *arg)
{
	struct visitor *v = arg;

	if (v->fd >= 0)
		watch_front(v);
}

static void on_certificate(void *arg, const uint8_t *der, size_t len)
{
}

static void on_end(void *arg, enum stream_end why, const char *text)
{
	drop(arg);
}

static void on_deadline(void *arg)
{
	struct visitor *v = arg;

	log_debug("api: %s has said too little for too long", v->address);
	drop(v);
}

static const struct stream_ops ops = {
	.on_open = on_open,
	.on_data = on_data,
	.on_writable = on_writable,
	.on_certificate = on_certificate,
	.on_end = on_end,
};

/* ---- who comes ---- */

/* What connections are counted by: an IPv4 address, or the /64 of an IPv6 one. */
static void host_of(const struct sockaddr_storage *peer, uint8_t ret_host[HOST_MAX])
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	memset(ret_host, 0, HOST_MAX);
	memcpy(&in, peer, sizeof(in));
	memcpy(&in6, peer, sizeof(in6));
	if (peer->ss_family == AF_INET)
		memcpy(ret_host + HOST_MAX - sizeof(in.sin_addr), &in.sin_addr,
		       sizeof(in.sin_addr));
	else
		memcpy(ret_host, &in6.sin6_addr, HOST_MAX / 2);
}

static unsigned count_of(const struct gate *g, const uint8_t host[HOST_MAX])
{
	const struct visitor *v;
	unsigned n = 0;

	LIST_FOREACH(v, &g->visitors, next)
	n += memcmp(v->host, host, HOST_MAX) == 0;
	return n;
}

static bool may_come(const struct gate *g, const char *address, const uint8_t host[HOST_MAX])
{
	return g->n < GATE_CONNECTIONS_MAX && count_of(g, host) < GATE_PER_ADDRESS_MAX &&
	       !attempts_wait(g->strangers, address, loop_now(g->loop));
}

/* Takes fd. */
static void admit(struct gate *g, int fd, const char *address, const uint8_t host[HOST_MAX])
{
	struct visitor *v = calloc(1, sizeof(*v));

	if (!v) {
		close(fd);
		return;
	}
	*v = (struct visitor){.reap = {.free_fn = visitor_reap}, .gate = g, .fd = -1};
	snprintf(v->address, sizeof(v->address), "%s", address);
	memcpy(v->host, host, HOST_MAX);
	v->deadline = loop_timer_new(g->loop, on_deadline, v);
	if (!v->deadline) {
		close(fd);
		free(v);
		return;
	}
	v->stream = stream_accept(g->scratch, fd, g->keys.tls, &ops, v);
	if (!v->stream) {
		loop_timer_free(v->deadline);
		free(v);
		return;
	}
	LIST_INSERT_HEAD(&g->visitors, v, next);
	g->n++;
	loop_timer_set(v->deadline, loop_now(g->loop) + GATE_DEADLINE_S * CLOCK_NS_PER_S);
}

static void on_accept(void *arg, int fd, const struct sockaddr_storage *peer)
{
	struct gate *g = arg;
	char address[ADDRESS_TEXT_MAX];
	uint8_t host[HOST_MAX];

	address_format(peer, address);
	host_of(peer, host);
	if (may_come(g, address, host))
		admit(g, fd, address, host);
	else
		close(fd);
}

static const struct visitor *find_visitor(const struct gate *g, const struct sockaddr *address,
					  socklen_t len)
{
	const struct visitor *v;

	LIST_FOREACH(v, &g->visitors, next)
	if (v->fd >= 0 && v->name_len == len && memcmp(&v->name, address, len) == 0)
		return v;
	return NULL;
}

int gate_client(const struct gate *g, const struct sockaddr *address, socklen_t len,
		const char *authorization, const char **ret_who)
{
	const struct visitor *v = find_visitor(g, address, len);
	enum bearer_verdict verdict = BEARER_RIGHT;

	if (!v)
		return 403;
	if (attempts_wait(g->requests, v->address, loop_now(g->loop)))
		return 429;
	attempts_failed(g->requests, v->address, loop_now(g->loop));
	if (!v->has_certificate)
		verdict = bearer_judge_value(g->keys.bearer, authorization);
	if (verdict != BEARER_RIGHT) {
		log_info("api: a request from %s is turned away", v->address);
		return verdict == BEARER_NONE ? 401 : 403;
	}
	*ret_who = v->who;
	return 0;
}

/* ---- life ---- */

static void keys_done(struct gate_keys *keys)
{
	tls_ctx_unref(keys->tls);
	bearer_free(keys->bearer);
	*keys = (struct gate_keys){0};
}

static void drop_all(struct gate *g)
{
	struct visitor *v;

	while ((v = LIST_FIRST(&g->visitors)))
		drop(v);
}

int gate_new(struct loop *loop, struct stream_scratch *scratch, const struct gate_params *params,
	     const struct gate_keys *keys, struct gate **ret_gate, struct certs_error *ret_error)
{
	struct gate *g = calloc(1, sizeof(*g));
	struct gate_keys taken = *keys;
	char address[ADDRESS_TEXT_MAX];
	const struct sockaddr *addr = (const struct sockaddr *)&params->address;
	int r;

	if (!g) {
		keys_done(&taken);
		return certs_fail(ret_error, -ENOMEM, "out of memory");
	}
	*g = (struct gate){.loop = loop, .scratch = scratch, .params = *params, .keys = taken};
	g->strangers = attempts_new_of(GATE_STRANGERS_BURST, CLOCK_NS_PER_S / GATE_STRANGERS_PER_S);
	g->requests = attempts_new_of(GATE_REQUESTS_BURST, CLOCK_NS_PER_S / GATE_REQUESTS_PER_S);
	/* another process's listener would share its connections with this one otherwise */
	r = g->strangers && g->requests ? listener_probe(addr, params->address_len) : -ENOMEM;
	if (r == 0) {
		g->listener = listener_new(loop, addr, params->address_len, on_accept, g);
		r = g->listener ? 0 : -errno;
	}
	if (r == 0) {
		*ret_gate = g;
		return 0;
	}
	gate_free(g);
	return certs_fail(ret_error, r, "api: cannot listen on %s: %s",
			  address_format(&params->address, address), strerror(-r));
}

void gate_set_keys(struct gate *g, const struct gate_keys *keys)
{
	drop_all(g);
	keys_done(&g->keys);
	g->keys = *keys;
}

int gate_address(const struct gate *g, struct sockaddr_storage *ret_address)
{
	return listener_address(g->listener, ret_address);
}

void gate_free(struct gate *g)
{
	if (!g)
		return;
	listener_free(g->listener);
	drop_all(g);
	keys_done(&g->keys);
	attempts_free(g->strangers);
	attempts_free(g->requests);
	free(g);
}

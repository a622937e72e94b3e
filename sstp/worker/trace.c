/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/trace.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sstp/base/bucket.h"
#include "sstp/base/log.h"
#include "sstp/net/loop.h"
#include "tun/ip.h"
#include "tun/netns.h"
#include "tun/rtnl_get.h"

enum {
	ECHO_SIZE = 16,
	ECHO6 = 128,
	ECHO6_REPLY = 129,
	ANSWER_MAX = 1500,
};

struct trace {
	struct trace_params params;
	struct bucket bucket;
	struct loop_timer *timer;
	struct loop_io *io; /* NULL: nothing is under way */
	int fd;		    /* with io */
	uint64_t began;
	struct vendor_trace question;
	struct vendor_traced found;
};

/* ---- life ---- */

static void stop(struct trace *t)
{
	loop_io_free(t->io);
	t->io = NULL;
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
	loop_timer_set(t->timer, CLOCK_NEVER);
}

static void answer(struct trace *t, enum vendor_outcome outcome, int error)
{
	t->found.outcome = (uint8_t)outcome;
	t->found.error = (uint16_t)error;
	t->found.took_us = (uint32_t)((clock_now() - t->began) / 1000);
	stop(t);
	t->params.on_done(t->params.arg, &t->found);
}

static void on_timer(void *arg)
{
	answer(arg, VENDOR_OUTCOME_SILENCE, 0);
}

struct trace *trace_new(const struct trace_params *params)
{
	struct trace *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->params = *params;
	t->fd = -1;
	bucket_init(&t->bucket, TRACE_PER_S, TRACE_BURST);
	t->timer = loop_timer_new(params->loop, on_timer, t);
	if (t->timer)
		return t;
	free(t);
	return NULL;
}

void trace_free(struct trace *t)
{
	if (!t)
		return;
	stop(t);
	loop_timer_free(t->timer);
	free(t);
}

bool trace_is_busy(const struct trace *t)
{
	return t->io;
}

/* ---- the route ---- */

static struct prefix target_of(const struct vendor_trace *q)
{
	return prefix_host(q->to.family == 6 ? AF_INET6 : AF_INET, q->to.bytes);
}

static void take_route(struct trace *t, const struct rtnl_got *got)
{
	struct vendor_traced *f = &t->found;
	bool is_tunnel = strcmp(got->device, t->params.device) == 0;

	switch (got->kind) {
	case RTNL_GOT_FORWARDED:
		f->route = is_tunnel ? VENDOR_ROUTE_TUNNEL : VENDOR_ROUTE_OTHER;
		break;
	case RTNL_GOT_LOCAL: f->route = VENDOR_ROUTE_LOCAL; break;
	case RTNL_GOT_UNREACHABLE: f->route = VENDOR_ROUTE_NONE; break;
	}
	f->table = got->table;
	vendor_trace_name(got->device, f->device, sizeof(f->device));
	if (got->via_family)
		f->via.family = got->via_family == AF_INET6 ? 6 : 4;
	memcpy(f->via.bytes, got->via, sizeof(f->via.bytes));
}

static bool is_no_route(int error)
{
	return error == -ENETUNREACH || error == -EHOSTUNREACH || error == -EACCES ||
	       error == -EINVAL;
}

/* 0; -errno: there is none, or it cannot be found out. */
static int find_route(struct trace *t)
{
	struct prefix target = target_of(&t->question);
	struct rtnl_got got;
	struct rtnl *rtnl;
	int r = rtnl_open(t->params.netns_fd, &rtnl);

	t->found.route = VENDOR_ROUTE_UNKNOWN;
	if (r < 0)
		return r;
	r = rtnl_route_get(rtnl, &target, &got);
	rtnl_close(rtnl);
	if (r == 0)
		take_route(t, &got);
	else if (is_no_route(r))
		t->found.route = VENDOR_ROUTE_NONE;
	return r;
}

/* ---- the socket ---- */

union address {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static bool is_ipv6(const struct trace *t)
{
	return t->question.to.family == 6;
}

/* bytes NULL: any. Its length. */
static socklen_t address_put(const struct trace *t, const uint8_t *bytes, uint16_t port,
			     union address *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (is_ipv6(t)) {
		ret->in6.sin6_family = AF_INET6;
		ret->in6.sin6_port = htons(port);
		if (bytes)
			memcpy(&ret->in6.sin6_addr, bytes, sizeof(ret->in6.sin6_addr));
		return sizeof(ret->in6);
	}
	ret->in.sin_family = AF_INET;
	ret->in.sin_port = htons(port);
	if (bytes)
		memcpy(&ret->in.sin_addr, bytes, sizeof(ret->in.sin_addr));
	return sizeof(ret->in);
}

static int open_socket(const struct trace *t)
{
	int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
	int family = is_ipv6(t) ? AF_INET6 : AF_INET;

	if (t->question.port)
		return socket(family, SOCK_STREAM | flags, 0);
	return socket(family, SOCK_RAW | flags, is_ipv6(t) ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
}

/* A route that changes in between does not send it elsewhere. Without RECVERR an echo's socket would not hear of errors. */
static int prepare(const struct trace *t, int fd)
{
	const char *device = t->params.device;
	const struct linger reset = {.l_onoff = 1};
	union address own;
	socklen_t len = address_put(t, NULL, t->question.own, &own);
	int one = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device)) < 0)
		return -errno;
	if (!t->question.port)
		return setsockopt(fd, is_ipv6(t) ? IPPROTO_IPV6 : IPPROTO_IP,
				  is_ipv6(t) ? IPV6_RECVERR : IP_RECVERR, &one, sizeof(one)) < 0
			       ? -errno
			       : 0;
	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) < 0 ||
	    bind(fd, &own.sa, len) < 0)
		return -errno;
	return 0;
}

/* Within the app's namespace. */
static int open_here(void *arg)
{
	struct trace *t = arg;
	union address to;
	socklen_t len = address_put(t, t->question.to.bytes, t->question.port, &to);
	int r;

	t->fd = open_socket(t);
	if (t->fd < 0)
		return -errno;
	r = prepare(t, t->fd);
	if (r == 0 && connect(t->fd, &to.sa, len) < 0 && errno != EINPROGRESS)
		r = -errno;
	return r;
}

static void take_source(struct trace *t)
{
	union address own;
	socklen_t len = sizeof(own);

	if (getsockname(t->fd, &own.sa, &len) < 0)
		return;
	t->found.source.family = t->question.to.family;
	if (is_ipv6(t))
		memcpy(t->found.source.bytes, &own.in6.sin6_addr, sizeof(own.in6.sin6_addr));
	else
		memcpy(t->found.source.bytes, &own.in.sin_addr, sizeof(own.in.sin_addr));
}

/* ---- an echo ---- */

static int send_echo(const struct trace *t)
{
	const struct vendor_trace *q = &t->question;
	uint8_t packet[ECHO_SIZE];
	struct wire_writer w = wire_writer(packet, sizeof(packet));

	wire_put(&w, (uint8_t[]){is_ipv6(t) ? ECHO6 : ICMP_ECHO, 0, 0, 0}, 4);
	wire_put_be16(&w, q->own);
	wire_put_be16(&w, (uint16_t)q->number);
	wire_put_be32(&w, q->number);
	wire_put_zero(&w, 4);
	if (!is_ipv6(t)) /* else the kernel does it */
		wire_patch_be16(&w, 2, (uint16_t)~ip_checksum(packet, sizeof(packet), 0));
	return send(t->fd, packet, sizeof(packet), MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* Of IPv4 a raw socket gets the whole packet. */
static bool is_answer(const struct trace *t, const uint8_t *packet, size_t len)
{
	const struct vendor_trace *q = &t->question;
	struct wire_reader r = wire_reader(packet, len);
	struct ip_info ip;
	uint8_t type;

	if (!is_ipv6(t)) {
		if (ip_parse(packet, len, &ip) < 0)
			return false;
		wire_bytes(&r, ip.header_len);
	}
	type = wire_u8(&r);
	wire_bytes(&r, 3);
	if (type != (is_ipv6(t) ? ECHO6_REPLY : ICMP_ECHOREPLY) || wire_be16(&r) != q->own ||
	    wire_be16(&r) != (uint16_t)q->number)
		return false;
	return wire_be32(&r) == q->number && wire_ok(&r);
}

/* ---- what the socket says ---- */

static void on_error(struct trace *t, int error)
{
	switch (error) {
	case ECONNREFUSED: answer(t, VENDOR_OUTCOME_CLOSED, 0); break;
	case ETIMEDOUT: answer(t, VENDOR_OUTCOME_SILENCE, 0); break;
	case ENETUNREACH:
	case EHOSTUNREACH:
	case EHOSTDOWN:
	case ENONET:
	case EACCES:
	case ENOPROTOOPT:
	case EOPNOTSUPP: answer(t, VENDOR_OUTCOME_UNREACHABLE, error); break;
	default: answer(t, VENDOR_OUTCOME_FAILED, error); break;
	}
}

static void on_connected(struct trace *t)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error)
		on_error(t, error);
	else
		answer(t, VENDOR_OUTCOME_OPEN, 0);
}

static void on_echo(struct trace *t)
{
	uint8_t packet[ANSWER_MAX];
	ssize_t n = recv(t->fd, packet, sizeof(packet), 0);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		on_error(t, errno);
	else if (n > 0 && is_answer(t, packet, (size_t)n))
		answer(t, VENDOR_OUTCOME_ECHO, 0);
}

static void on_ready(void *arg, unsigned ready)
{
	struct trace *t = arg;

	if (t->question.port)
		on_connected(t);
	else
		on_echo(t);
}

static void send_probe(struct trace *t)
{
	int r = netns_call(t->params.netns_fd, open_here, t);

	if (r == 0 && !t->question.port)
		r = send_echo(t);
	if (r < 0) {
		on_error(t, -r);
		return;
	}
	take_source(t);
	t->io = loop_io_new(t->params.loop, t->fd, t->question.port ? LOOP_WRITE : LOOP_READ,
			    on_ready, t);
	if (!t->io)
		answer(t, VENDOR_OUTCOME_FAILED, ENOMEM);
	else
		loop_timer_set(t->timer, loop_now(t->params.loop) + TRACE_PATIENCE);
}

/* Only of what is done: a gateway does not fill the log. */
static void log_question(const struct vendor_trace *q)
{
	char address[INET6_ADDRSTRLEN];

	inet_ntop(q->to.family == 6 ? AF_INET6 : AF_INET, q->to.bytes, address, sizeof(address));
	if (q->port)
		log_info("the gateway asks for a probe of port %u of %s", q->port, address);
	else
		log_info("the gateway asks for a ping of %s", address);
}

void trace_begin(struct trace *t, const struct vendor_trace *question)
{
	const struct vendor_traced refused = {
		.id = question->id, .route = VENDOR_ROUTE_UNKNOWN, .outcome = VENDOR_OUTCOME_BUSY};
	int r;

	if (t->io || !bucket_take(&t->bucket, loop_now(t->params.loop))) {
		t->params.on_done(t->params.arg, &refused);
		return;
	}
	log_question(question);
	t->question = *question;
	t->found = (struct vendor_traced){.id = question->id};
	t->began = clock_now();
	r = find_route(t);
	if (t->found.route == VENDOR_ROUTE_TUNNEL)
		send_probe(t);
	else
		answer(t, VENDOR_OUTCOME_UNSENT, -r);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/own_probe.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/errqueue.h> /* does not include what it needs */

#include "sstp/base/clock.h"
#include "sstp/base/random.h"
#include "sstp/base/wire.h"

enum {
	ECHO = 8,
	ECHO_REPLY = 0,
	ECHO6 = 128,
	ECHO6_REPLY = 129,
	MARK_SIZE = 8, /* random, by which the answer is known: the kernel sets the identifier */
	ANSWER_MAX = 128,
	QUOTED = 8, /* bytes of the question that every router quotes */
};

struct own_probe {
	int fd;
	struct own_probe_params params;
	struct loop_io *io;
	struct loop_timer *timer;
	uint64_t began;
	uint8_t mark[MARK_SIZE];
	bool is_raw;
	struct msg_probed answer;
	void (*on_done)(void *arg, const struct msg_probed *answer);
	void *arg;
};

static struct prefix address_of(const struct sockaddr_storage *s)
{
	struct prefix p = {.family = AF_INET};

	if (s->ss_family == AF_INET6) {
		p = (struct prefix){.family = AF_INET6, .len = 128};
		memcpy(p.addr, &((const struct sockaddr_in6 *)s)->sin6_addr, 16);
	} else if (s->ss_family == AF_INET) {
		p.len = 32;
		memcpy(p.addr, &((const struct sockaddr_in *)s)->sin_addr, 4);
	}
	return p;
}

static void done(struct own_probe *p, enum msg_outcome outcome)
{
	loop_io_watch(p->io, 0);
	loop_timer_set(p->timer, CLOCK_NEVER);
	p->answer.outcome = (uint8_t)outcome;
	if (outcome != MSG_OUTCOME_SILENCE)
		p->answer.round_trip_us = (uint32_t)((clock_now() - p->began) / 1000);
	p->on_done(p->arg, &p->answer);
}

static void on_timer(void *arg)
{
	done(arg, MSG_OUTCOME_SILENCE);
}

/* ---- errors ---- */

static bool take_offender(struct own_probe *p, const struct cmsghdr *c)
{
	struct sockaddr_storage from = {0};
	struct sock_extended_err error;
	size_t len = c->cmsg_len - CMSG_LEN(sizeof(error));

	if (c->cmsg_len < CMSG_LEN(sizeof(error)))
		return false;
	memcpy(&error, CMSG_DATA(c), sizeof(error));
	if (error.ee_origin != SO_EE_ORIGIN_ICMP && error.ee_origin != SO_EE_ORIGIN_ICMP6)
		return false;
	memcpy(&from, CMSG_DATA(c) + sizeof(error), len < sizeof(from) ? len : sizeof(from));
	p->answer.from = address_of(&from);
	p->answer.type = error.ee_type;
	p->answer.code = error.ee_code;
	return true;
}

/* A raw socket hears of every echo to its destination: ours has our identifier and sequence. */
static bool is_ours(const struct own_probe *p, const uint8_t *quoted, size_t len)
{
	return !p->is_raw || (len >= QUOTED && memcmp(quoted + 4, p->mark, QUOTED - 4) == 0);
}

/* True: the queue had an ICMP error about the question; what it has of others is passed over. */
static bool read_error(struct own_probe *p)
{
	for (;;) {
		_Alignas(struct cmsghdr) char control[256];
		uint8_t quoted[QUOTED];
		struct iovec data = {quoted, sizeof(quoted)};
		struct msghdr m = {.msg_iov = &data,
				   .msg_iovlen = 1,
				   .msg_control = control,
				   .msg_controllen = sizeof(control)};
		ssize_t len = recvmsg(p->fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT);

		if (len < 0)
			return false;
		if (!is_ours(p, quoted, (size_t)len))
			continue;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
			if (take_offender(p, c))
				return true;
	}
}

/* What the kernel says by itself is said as a router would; by whom stays open. */
static void take_errno(struct own_probe *p, int error)
{
	bool is_6 = p->params.family == AF_INET6;

	p->answer.type = is_6 ? 1 : 3;
	p->answer.code = error == ENETUNREACH ? 0
			 : error == EACCES    ? (is_6 ? 1 : 13)
			 : is_6		      ? 3
					      : 1;
}

static void fail(struct own_probe *p, int error)
{
	if (error == ECONNREFUSED && !p->params.is_echo) {
		done(p, MSG_OUTCOME_CLOSED);
		return;
	}
	if (!read_error(p)) {
		if (p->is_raw)
			return; /* it was about another's */
		take_errno(p, error);
	}
	done(p, MSG_OUTCOME_ICMP);
}

/* ---- answers ---- */

static int error_of(int fd)
{
	socklen_t len = sizeof(int);
	int error = 0;

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 ? errno : error;
}

/* Is it the answer? A raw socket gets the header before it, of IPv4, and what others are answered. */
static bool is_answer(const struct own_probe *p, const uint8_t *packet, size_t len)
{
	struct wire_reader r = wire_reader(packet, len);
	uint8_t type;

	if (p->is_raw && p->params.family == AF_INET && len > 0)
		wire_bytes(&r, (size_t)(packet[0] & 15) * 4);
	type = wire_u8(&r);
	wire_bytes(&r, 7);
	packet = wire_bytes(&r, MARK_SIZE);
	return packet && type == (p->params.family == AF_INET6 ? ECHO6_REPLY : ECHO_REPLY) &&
	       memcmp(packet, p->mark, MARK_SIZE) == 0;
}

static void on_echo(struct own_probe *p)
{
	uint8_t packet[ANSWER_MAX];
	ssize_t len = recv(p->fd, packet, sizeof(packet), MSG_DONTWAIT);

	if (len >= 0 && is_answer(p, packet, (size_t)len))
		done(p, MSG_OUTCOME_ECHO);
	else if (len < 0 && errno != EAGAIN && errno != EINTR)
		fail(p, errno);
}

static void on_ready(void *arg, unsigned ready)
{
	struct own_probe *p = arg;
	int error = error_of(p->fd);

	if (error)
		fail(p, error);
	else if (p->params.is_echo)
		on_echo(p);
	else
		done(p, MSG_OUTCOME_OPEN);
}

/* ---- asking ---- */

static void set_ttl(const struct own_probe *p)
{
	int ttl = p->params.ttl;

	if (!ttl)
		return;
	if (p->params.family == AF_INET6)
		setsockopt(p->fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &ttl, sizeof(ttl));
	else
		setsockopt(p->fd, IPPROTO_IP, IP_TTL, &ttl, sizeof(ttl));
}

/* The kernel of IPv4 leaves the sum of a raw one to us. */
static uint16_t sum_of(const uint8_t *packet, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(packet[i] << 8 | packet[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static int send_echo(struct own_probe *p)
{
	uint8_t packet[8 + MARK_SIZE] = {p->params.family == AF_INET6 ? ECHO6 : ECHO};
	uint16_t sum;

	random_fill(&random_system, p->mark, MARK_SIZE);
	memcpy(packet + 8, p->mark, MARK_SIZE);
	memcpy(packet + 4, p->mark, QUOTED - 4); /* the identifier of a raw one, and the sequence */
	sum = sum_of(packet, sizeof(packet));
	packet[2] = (uint8_t)(sum >> 8);
	packet[3] = (uint8_t)sum;
	set_ttl(p);
	return send(p->fd, packet, sizeof(packet), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

static void find_source(struct own_probe *p)
{
	struct sockaddr_storage own = {0};
	socklen_t len = sizeof(own);
	int type = 0;
	socklen_t type_len = sizeof(type);

	getsockname(p->fd, (struct sockaddr *)&own, &len);
	p->answer.source = address_of(&own);
	getsockopt(p->fd, SOL_SOCKET, SO_TYPE, &type, &type_len);
	p->is_raw = type == SOCK_RAW;
}

int own_probe_new(struct loop *loop, int fd, const struct own_probe_params *params,
		  void (*on_done)(void *arg, const struct msg_probed *answer), void *arg,
		  struct own_probe **ret_probe)
{
	struct own_probe *p = calloc(1, sizeof(*p));
	int r = -ENOMEM;

	if (!p) {
		close(fd);
		return r;
	}
	*p = (struct own_probe){.fd = fd, .params = *params, .on_done = on_done, .arg = arg};
	p->answer = (struct msg_probed){.from = {.family = AF_INET}, .drop = ""};
	p->began = clock_now();
	find_source(p);
	p->io = loop_io_new(loop, fd, params->is_echo ? LOOP_READ : LOOP_WRITE, on_ready, p);
	p->timer = loop_timer_new(loop, on_timer, p);
	if (p->io && p->timer)
		r = params->is_echo ? send_echo(p) : 0;
	if (r < 0) {
		own_probe_free(p);
		return r;
	}
	loop_timer_set(p->timer, loop_now(loop) + OWN_PROBE_PATIENCE);
	*ret_probe = p;
	return 0;
}

void own_probe_free(struct own_probe *p)
{
	const struct linger reset = {.l_onoff = 1};

	if (!p)
		return;
	loop_io_free(p->io);
	loop_timer_free(p->timer);
	if (!p->params.is_echo)
		setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(p->fd);
	free(p);
}

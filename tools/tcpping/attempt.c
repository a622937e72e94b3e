/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/tcpping/attempt.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	NS_PER_S = 1000000000,
	SYNS = 127, /* the kernel's own end does not come before ours */
};

const char *attempt_outcome_word(enum attempt_outcome outcome)
{
	static const char *const words[] = {
		[ATTEMPT_SUCCESS] = "success",	      [ATTEMPT_TIMEOUT] = "timeout",
		[ATTEMPT_REFUSED] = "refused",	      [ATTEMPT_UNREACHABLE] = "unreachable",
		[ATTEMPT_BLOCKED] = "blocked",	      [ATTEMPT_NOT_FOUND] = "hostNotFound",
		[ATTEMPT_NO_DNS] = "dnsNotAnswering", [ATTEMPT_ERROR] = "error",
		[ATTEMPT_STOPPED] = "stopped",
	};

	return words[outcome];
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static socklen_t length_of(const struct sockaddr_storage *target)
{
	return target->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
					     : sizeof(struct sockaddr_in);
}

/* The ICMP message that was the reason: the kernel keeps it for who asks before. */
static void ask_for_icmp(int fd, int family)
{
	int on = 1, syns = SYNS;

	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
	else
		setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_SYNCNT, &syns, sizeof(syns));
}

static void set_sender(struct attempt *a, const struct sock_extended_err *e)
{
	const struct sockaddr *from = SO_EE_OFFENDER(e);
	const void *raw = from->sa_family == AF_INET6
				  ? (const void *)&((const struct sockaddr_in6 *)from)->sin6_addr
				  : (const void *)&((const struct sockaddr_in *)from)->sin_addr;

	a->has_icmp = true;
	a->icmp_type = e->ee_type;
	a->icmp_code = e->ee_code;
	if (from->sa_family == AF_UNSPEC ||
	    !inet_ntop(from->sa_family, raw, a->icmp_from, sizeof(a->icmp_from)))
		strcpy(a->icmp_from, "?");
}

static void read_icmp(int fd, struct attempt *a)
{
	char data[512];
	union {
		char room[512];
		struct cmsghdr align;
	} control;
	struct iovec iov = {.iov_base = data, .iov_len = sizeof(data)};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control.room,
			   .msg_controllen = sizeof(control.room)};

	if (recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
		const struct sock_extended_err *e = (const void *)CMSG_DATA(c);

		if (((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) ||
		     (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR)) &&
		    (e->ee_origin == SO_EE_ORIGIN_ICMP || e->ee_origin == SO_EE_ORIGIN_ICMP6))
			set_sender(a, e);
	}
}

/* Of an error that connect() gave at once: no packet has left. */
static enum attempt_outcome outcome_here(int error)
{
	switch (error) {
	case EACCES:	   /* a route that prohibits */
	case EPERM:	   /* a packet filter */
	case EHOSTUNREACH: /* a route that says so, as the worker's while its tunnel is down */
	case EINVAL: /* a blackhole */ return ATTEMPT_BLOCKED;
	case ENETUNREACH:
	case EADDRNOTAVAIL: return ATTEMPT_UNREACHABLE;
	case ECONNREFUSED: return ATTEMPT_REFUSED;
	default: return ATTEMPT_ERROR;
	}
}

static enum attempt_outcome outcome_there(const struct attempt *a)
{
	switch (a->error) {
	case 0: return ATTEMPT_SUCCESS;
	case ECONNREFUSED: return ATTEMPT_REFUSED;
	case ETIMEDOUT: return ATTEMPT_TIMEOUT;
	case EACCES:
	case EPERM: return a->has_icmp ? ATTEMPT_UNREACHABLE : ATTEMPT_BLOCKED;
	default:
		return a->has_icmp || a->error == EHOSTUNREACH || a->error == ENETUNREACH
			       ? ATTEMPT_UNREACHABLE
			       : ATTEMPT_ERROR;
	}
}

static void finish(int fd, struct attempt *a)
{
	socklen_t len = sizeof(a->error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &a->error, &len) < 0)
		a->error = errno;
	if (a->error)
		read_icmp(fd, a);
	a->outcome = outcome_there(a);
}

static void wait_for_it(int fd, int64_t until, struct attempt *a)
{
	int64_t left = until - now_ns();
	const struct timespec wait = {.tv_sec = left > 0 ? left / NS_PER_S : 0,
				      .tv_nsec = left > 0 ? left % NS_PER_S : 0};
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int n = ppoll(&p, 1, &wait, NULL);

	if (n > 0)
		finish(fd, a);
	else
		a->outcome = n == 0 ? ATTEMPT_TIMEOUT : ATTEMPT_STOPPED;
}

static void connect_to(int fd, const struct sockaddr_storage *target, int64_t until,
		       struct attempt *a)
{
	ask_for_icmp(fd, target->ss_family);
	if (connect(fd, (const struct sockaddr *)target, length_of(target)) == 0) {
		a->outcome = ATTEMPT_SUCCESS;
	} else if (errno == EINPROGRESS) {
		wait_for_it(fd, until, a);
	} else {
		a->error = errno;
		a->is_from_here = true;
		a->outcome = outcome_here(a->error);
	}
}

void attempt_run(const struct sockaddr_storage *target, int64_t wait_ns, struct attempt *ret)
{
	int64_t began = now_ns();
	int fd = socket(target->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memset(ret, 0, sizeof(*ret));
	if (fd < 0) {
		ret->error = errno;
		ret->outcome = ATTEMPT_ERROR;
		return;
	}
	connect_to(fd, target, began + wait_ns, ret);
	ret->ns = now_ns() - began;
	close(fd);
}

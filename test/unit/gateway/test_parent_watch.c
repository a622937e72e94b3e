/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What control gets to follow a probe, and what it reads from it: in a namespace of the test's own (root), whose loopback
 * is the network. There a packet is seen twice, on its way out and in.
 */
#include "sstp/gateway/parent_watch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sstp/control/trace_watch.h"
#include "test/support/cmocka.h"

enum {
	OWN = 61001,
	PORT = 80,
};

static int set_up(void **state)
{
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(system("ip link set lo up && ip addr add fd09::2/128 dev lo"), 0);
	return 0;
}

static struct parent_watch watch_of(const char *target, uint16_t port)
{
	struct parent_watch m = {.id = 1, .netns = "", .port = port, .own = OWN};

	assert_int_equal(prefix_parse(target, &m.target), 0);
	return m;
}

/* A connection from port `own` of the loopback address. */
static void send_tcp(const struct parent_watch *m, uint16_t own, uint16_t port)
{
	bool is_6 = m->target.family == AF_INET6;
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6,
				   .sin6_port = htons(own),
				   .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_in in = {.sin_family = AF_INET,
				 .sin_port = htons(own),
				 .sin_addr = {htonl(INADDR_LOOPBACK)}};
	const struct sockaddr *sa = is_6 ? (const void *)&in6 : (const void *)&in;
	socklen_t len = is_6 ? sizeof(in6) : sizeof(in);
	struct linger reset = {.l_onoff = 1};
	int fd = socket(m->target.family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
	assert_int_equal(bind(fd, sa, len), 0);
	in6.sin6_port = in.sin_port = htons(port);
	memcpy(&in6.sin6_addr, m->target.addr, 16);
	memcpy(&in.sin_addr, m->target.addr, 4);
	connect(fd, sa, len);
	close(fd);
}

static int listen_at(uint16_t port)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int one = 1, fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)), 0);
	assert_int_equal(bind(fd, (const void *)&any, sizeof(any)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static void close_both(const int fds[2])
{
	close(fds[0]);
	if (fds[1] >= 0)
		close(fds[1]);
}

static void wait_for(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	assert_int_equal(poll(&p, 1, 2000), 1);
}

/* The gateway's own connection is none of it, and another one's packets to the same port neither. */
static void only_the_probe_and_its_answer_are_seen(void **state)
{
	static const char *const targets[] = {"127.0.0.2", "fd09::2"};

	for (int i = 0; i < 2; i++) {
		struct parent_watch m = watch_of(targets[i], PORT);
		struct trace_seen seen = {0};
		int fds[2], own_error, listener = listen_at(PORT);

		assert_int_equal(parent_watch_open(&m, fds, &own_error), 0);
		assert_int_equal(own_error, 0);
		send_tcp(&m, OWN + 1, PORT);
		send_tcp(&m, OWN, PORT + 1);
		trace_watch_read(fds[0], &m.target, &seen);
		assert_int_equal(seen.in + seen.left + seen.back + seen.out, 0);
		send_tcp(&m, OWN, PORT);
		wait_for(fds[0], POLLIN);
		trace_watch_read(fds[0], &m.target, &seen);
		assert_int_equal(seen.in, 1);
		assert_int_equal(seen.left, 1);
		assert_true(seen.back >= 1);
		assert_true(seen.out >= 1);
		assert_int_equal(seen.source.len, m.target.len);
		wait_for(fds[1], POLLOUT);
		assert_int_equal(trace_watch_own(fds[1], m.target.family, PORT, OWN),
				 TRACE_SAID_GOOD);
		close_both(fds);
		close(listener);
	}
}

static void own_probe_says_what_it_met(void **state)
{
	static const char *const targets[] = {"127.0.0.2", "fd09::2"};

	for (int i = 0; i < 2; i++) {
		struct parent_watch m = watch_of(targets[i], PORT + 1);
		int fds[2], own_error;

		assert_int_equal(parent_watch_open(&m, fds, &own_error), 0);
		wait_for(fds[1], POLLOUT);
		assert_int_equal(trace_watch_own(fds[1], m.target.family, PORT, OWN),
				 TRACE_SAID_CLOSED);
		close_both(fds);
		m.port = 0;
		assert_int_equal(parent_watch_open(&m, fds, &own_error), 0);
		wait_for(fds[1], POLLIN);
		assert_int_equal(
			trace_watch_own(fds[1], m.target.family, 0, OWN ^ PARENT_WATCH_OWN),
			TRACE_SAID_GOOD);
		/* once is enough; another's identifier is no answer */
		assert_int_equal(trace_watch_own(fds[1], m.target.family, 0, OWN),
				 TRACE_SAID_SILENCE);
		close_both(fds);
	}
}

static void echo_of_the_gateway_s_own_is_not_the_probe(void **state)
{
	struct parent_watch m = watch_of("127.0.0.2", 0);
	struct trace_seen seen = {0};
	int fds[2], own_error;

	assert_int_equal(parent_watch_open(&m, fds, &own_error), 0);
	wait_for(fds[1], POLLIN);
	trace_watch_read(fds[0], &m.target, &seen);
	assert_int_equal(seen.in + seen.left + seen.back + seen.out, 0);
	close_both(fds);
}

static void filter_cannot_be_taken_off(void **state)
{
	struct parent_watch m = watch_of("127.0.0.2", PORT);
	struct sock_filter all = {.code = BPF_RET | BPF_K, .k = UINT32_MAX};
	struct sock_fprog program = {1, &all};
	int fds[2], own_error, one = 1;

	assert_int_equal(parent_watch_open(&m, fds, &own_error), 0);
	assert_int_equal(
		setsockopt(fds[0], SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(setsockopt(fds[0], SOL_SOCKET, SO_DETACH_FILTER, &one, sizeof(one)), -1);
	assert_int_equal(errno, EPERM);
	close_both(fds);
}

static void what_cannot_be_reached_or_opened_is_an_error(void **state)
{
	struct parent_watch m = watch_of("10.1.2.3", PORT);
	int fds[2], own_error;

	assert_int_equal(parent_watch_open(&m, fds, &own_error), 0);
	assert_int_equal(own_error, -ENETUNREACH);
	close(fds[0]);
	m.netns = "no-such-namespace";
	assert_int_equal(parent_watch_open(&m, fds, &own_error), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_probe_and_its_answer_are_seen),
		cmocka_unit_test(own_probe_says_what_it_met),
		cmocka_unit_test(echo_of_the_gateway_s_own_is_not_the_probe),
		cmocka_unit_test(filter_cannot_be_taken_off),
		cmocka_unit_test(what_cannot_be_reached_or_opened_is_an_error),
	};

	return cmocka_run_group_tests_name("gateway/parent_watch", tests, set_up, NULL);
}

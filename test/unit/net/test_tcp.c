/* SPDX-License-Identifier: Apache-2.0 */
/* The options on real sockets: what was set can be read back. */
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sstp/net/tcp.h"
#include "test/support/cmocka.h"

#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72
#endif

int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len);

/* The largest send buffer that is granted, as to a process without rights; 0: what the kernel grants. */
static int granted;

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	int bytes = 0;

	if (!granted || level != SOL_SOCKET)
		return __real_setsockopt(fd, level, name, value, len);
	if (name == SO_SNDBUFFORCE) {
		errno = EPERM;
		return -1;
	}
	if (name != SO_SNDBUF)
		return __real_setsockopt(fd, level, name, value, len);
	memcpy(&bytes, value, sizeof(bytes));
	bytes = bytes < granted ? bytes : granted;
	return __real_setsockopt(fd, level, name, &bytes, sizeof(bytes));
}

struct pair {
	int fd;
	int far;
};

static int set_up(void **state)
{
	static struct pair p;
	struct sockaddr_in addr = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(addr);
	int listening = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(listening, (struct sockaddr *)&addr, len), 0);
	assert_int_equal(listen(listening, 1), 0);
	assert_int_equal(getsockname(listening, (struct sockaddr *)&addr, &len), 0);
	p.fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(p.fd, (struct sockaddr *)&addr, len), 0);
	p.far = accept(listening, NULL, NULL);
	assert_true(p.far >= 0);
	close(listening);
	*state = &p;
	return 0;
}

static int tear_down(void **state)
{
	const struct pair *p = *state;

	granted = 0;
	close(p->fd);
	close(p->far);
	return 0;
}

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
	return value;
}

static void tuned_socket_does_not_wait_and_gives_up_after_a_minute(void **state)
{
	const struct pair *p = *state;

	tcp_tune(p->fd);
	assert_int_equal(option(p->fd, IPPROTO_TCP, TCP_NODELAY), 1);
	assert_int_equal(option(p->fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 60000);
}

static void congestion_control_is_set_or_refused(void **state)
{
	const struct pair *p = *state;
	char name[16] = "";
	socklen_t len = sizeof(name);

	assert_int_equal(tcp_set_congestion(p->fd, "reno"), 0);
	assert_int_equal(getsockopt(p->fd, IPPROTO_TCP, TCP_CONGESTION, name, &len), 0);
	assert_string_equal(name, "reno");
	assert_int_equal(tcp_set_congestion(p->fd, "no-such-one"), -ENOENT);
}

static void facts_count_what_the_peer_has_acknowledged(void **state)
{
	static const char bytes[1000];
	const struct pair *p = *state;
	struct pace_facts before, after;
	char got[1000];

	assert_int_equal(tcp_facts(p->fd, &before), 0);
	assert_int_equal(send(p->fd, bytes, sizeof(bytes), 0), 1000);
	assert_int_equal(recv(p->far, got, sizeof(got), MSG_WAITALL), 1000);
	/* what comes back carries the acknowledgement */
	assert_int_equal(send(p->far, bytes, 1, 0), 1);
	assert_int_equal(recv(p->fd, got, 1, 0), 1);
	assert_int_equal(tcp_facts(p->fd, &after), 0);
	assert_int_equal(after.acked - before.acked, 1000);
	assert_int_equal(after.in_flight, 0);
	assert_in_range(after.window, 2, 1000);
	assert_in_range(after.rtt_us, after.min_rtt_us, 1000000);
}

/* The peer reads nothing, and so what is beyond its window waits here. */
static void facts_tell_what_waits_and_the_memory_that_it_takes(void **state)
{
	static const char bytes[16384];
	const struct pair *p = *state;
	struct pace_facts facts;
	int waiting = 0;

	assert_int_equal(tcp_facts(p->fd, &facts), 0);
	assert_int_equal(facts.waiting, 0);
	while (send(p->fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	assert_int_equal(ioctl(p->fd, SIOCOUTQ, &waiting), 0);
	assert_int_equal(tcp_facts(p->fd, &facts), 0);
	assert_in_range(facts.waiting, 16384, (unsigned)waiting);
	assert_in_range(facts.memory, facts.waiting, 3 * (uint64_t)facts.waiting);
}

static void limit_of_unsent_bytes_is_set(void **state)
{
	const struct pair *p = *state;

	tcp_set_unsent(p->fd, 25000);
	assert_int_equal(option(p->fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT), 25000);
}

static void limit_of_held_bytes_is_set_and_lifted(void **state)
{
	const struct pair *p = *state;

	tcp_set_held(p->fd, 50000);
	assert_int_equal(option(p->fd, SOL_SOCKET, SO_SNDBUF), 50000);
	assert_int_equal(option(p->fd, SOL_SOCKET, SO_BUF_LOCK) & 1, 1);
	tcp_set_held(p->fd, 0);
	/* the kernel may make it larger again */
	assert_int_equal(option(p->fd, SOL_SOCKET, SO_BUF_LOCK) & 1, 0);
}

/* Where a socket is not allowed as much, it must not be held to less. */
static void limit_that_the_kernel_does_not_grant_is_no_limit(void **state)
{
	const struct pair *p = *state;

	granted = 100000;
	tcp_set_held(p->fd, 200000);
	assert_int_equal(option(p->fd, SOL_SOCKET, SO_SNDBUF), 200000);
	assert_int_equal(option(p->fd, SOL_SOCKET, SO_BUF_LOCK) & 1, 1);
	tcp_set_held(p->fd, 200002);
	assert_int_equal(option(p->fd, SOL_SOCKET, SO_BUF_LOCK) & 1, 0);
	granted = 0;
}

static void other_sockets_are_left_alone(void **state)
{
	struct pace_facts facts = {.acked = 7};
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	tcp_tune(pair[0]);
	tcp_set_unsent(pair[0], 1);
	assert_int_equal(tcp_facts(pair[0], &facts), -EOPNOTSUPP);
	assert_int_equal(facts.acked, 7);
	close(pair[0]);
	close(pair[1]);
}

int main(void)
{
#define on_pair(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		on_pair(tuned_socket_does_not_wait_and_gives_up_after_a_minute),
		on_pair(congestion_control_is_set_or_refused),
		on_pair(facts_count_what_the_peer_has_acknowledged),
		on_pair(facts_tell_what_waits_and_the_memory_that_it_takes),
		on_pair(limit_of_unsent_bytes_is_set),
		on_pair(limit_of_held_bytes_is_set_and_lifted),
		on_pair(limit_that_the_kernel_does_not_grant_is_no_limit),
		on_pair(other_sockets_are_left_alone),
	};

	return cmocka_run_group_tests_name("net/tcp", tests, NULL, NULL);
}

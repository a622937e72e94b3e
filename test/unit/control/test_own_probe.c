/* SPDX-License-Identifier: Apache-2.0 */
/* In a network of its own (root): what is on lo answers, what is sent to 10.9.0.2 vanishes. */
#include "sstp/control/own_probe.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/support/cmocka.h"

enum {
	PORT = 4443,
};

static uint64_t skipped; /* ns that the loop seems to have lived longer */

uint64_t __real_loop_now(const struct loop *loop);
uint64_t __wrap_loop_now(const struct loop *loop);
uint64_t __wrap_loop_now(const struct loop *loop)
{
	return __real_loop_now(loop) - skipped;
}

struct talk {
	struct loop *loop;
	struct own_probe *probe;
	struct msg_probed answer;
};

static void on_done(void *arg, const struct msg_probed *answer)
{
	struct talk *t = arg;

	t->answer = *answer;
	own_probe_free(t->probe);
	loop_stop(t->loop);
}

/* Connected, or about to be. */
static int dial(int family, int type, int protocol, const char *to)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	struct sockaddr_in in = {.sin_family = AF_INET};
	uint16_t port = htons(protocol == IPPROTO_TCP ? PORT : 0);
	int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol), one = 1;

	assert_true(fd >= 0);
	in6.sin6_port = in.sin_port = port;
	if (family == AF_INET6) {
		inet_pton(family, to, &in6.sin6_addr);
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &one, sizeof(one));
		connect(fd, (struct sockaddr *)&in6, sizeof(in6));
	} else {
		inet_pton(family, to, &in.sin_addr);
		setsockopt(fd, IPPROTO_IP, IP_RECVERR, &one, sizeof(one));
		connect(fd, (struct sockaddr *)&in, sizeof(in));
	}
	return fd;
}

static struct msg_probed ask(int family, int type, int protocol, const char *to,
			     void (*meanwhile)(int fd))
{
	struct talk t = {.loop = loop_new()};
	struct own_probe_params params = {.family = (uint8_t)family,
					  .is_echo = protocol != IPPROTO_TCP};
	int fd = dial(family, type, protocol, to);

	assert_int_equal(own_probe_new(t.loop, fd, &params, on_done, &t, &t.probe), 0);
	if (meanwhile)
		meanwhile(fd);
	assert_int_equal(loop_run(t.loop), 0);
	loop_free(t.loop);
	return t.answer;
}

static int listen_at_port(void)
{
	struct sockaddr_in6 here = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&here, sizeof(here)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static void B55_port_is_open_closed_or_silent(void **state)
{
	int listener = listen_at_port();
	struct msg_probed a = ask(AF_INET, SOCK_STREAM, IPPROTO_TCP, "127.0.0.1", NULL);

	assert_int_equal(a.outcome, MSG_OUTCOME_OPEN);
	assert_int_equal(a.source.addr[0], 127);
	a = ask(AF_INET6, SOCK_STREAM, IPPROTO_TCP, "::1", NULL);
	assert_int_equal(a.outcome, MSG_OUTCOME_OPEN);
	assert_int_equal(a.source.family, AF_INET6);
	close(listener);
	a = ask(AF_INET, SOCK_STREAM, IPPROTO_TCP, "127.0.0.1", NULL);
	assert_int_equal(a.outcome, MSG_OUTCOME_CLOSED);
	a = ask(AF_INET6, SOCK_STREAM, IPPROTO_TCP, "::1", NULL);
	assert_int_equal(a.outcome, MSG_OUTCOME_CLOSED);
	skipped = OWN_PROBE_PATIENCE;
	a = ask(AF_INET, SOCK_STREAM, IPPROTO_TCP, "10.9.0.2", NULL);
	assert_int_equal(a.outcome, MSG_OUTCOME_SILENCE);
	assert_int_equal(a.round_trip_us, 0);
	skipped = 0;
}

static void echo_is_answered_by_either_kind_of_socket(void **state)
{
	static const int types[] = {SOCK_DGRAM, SOCK_RAW};

	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(ask(AF_INET, types[i], IPPROTO_ICMP, "127.0.0.1", NULL).outcome,
				 MSG_OUTCOME_ECHO);
		assert_int_equal(ask(AF_INET6, types[i], IPPROTO_ICMPV6, "::1", NULL).outcome,
				 MSG_OUTCOME_ECHO);
		skipped = OWN_PROBE_PATIENCE;
		assert_int_equal(ask(AF_INET, types[i], IPPROTO_ICMP, "10.9.0.2", NULL).outcome,
				 MSG_OUTCOME_SILENCE);
		skipped = 0;
	}
}

/* As a router would say it: "host unreachable" about an echo with this identifier. */
static void say_unreachable(uint16_t identifier)
{
	uint8_t pkt[8 + 20 + 8] = {3, 1, [8] = 0x45, [11] = 28, [16] = 64, [17] = IPPROTO_ICMP};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = inet_addr("10.9.0.1")};
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
	uint32_t sum = 0;

	inet_pton(AF_INET, "10.9.0.1", pkt + 20);
	inet_pton(AF_INET, "10.9.0.2", pkt + 24);
	pkt[28] = 8;
	memcpy(pkt + 32, &identifier, 2);
	for (size_t i = 0; i < sizeof(pkt); i += 2)
		sum += (uint32_t)(pkt[i] << 8 | pkt[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	pkt[2] = (uint8_t)(~sum >> 8);
	pkt[3] = (uint8_t)~sum;
	assert_int_equal(sendto(fd, pkt, sizeof(pkt), 0, (struct sockaddr *)&to, sizeof(to)),
			 sizeof(pkt));
	close(fd);
}

static void to_this_socket(int fd)
{
	struct sockaddr_in own;
	socklen_t len = sizeof(own);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &len), 0);
	say_unreachable(own.sin_port);
}

static void about_another_echo(int fd)
{
	say_unreachable(0);
}

static void who_says_that_a_host_is_not_there_is_told(void **state)
{
	struct msg_probed a = ask(AF_INET, SOCK_DGRAM, IPPROTO_ICMP, "10.9.0.2", to_this_socket);

	assert_int_equal(a.outcome, MSG_OUTCOME_ICMP);
	assert_int_equal(a.type, 3);
	assert_int_equal(a.code, 1);
	assert_int_equal(a.from.len, 32);
	assert_memory_equal(a.from.addr, "\x0a\x09\x00\x01", 4);
}

/* The patience is over soon; the error is there before. */
static void what_a_raw_socket_hears_of_others_is_passed_over(void **state)
{
	skipped = OWN_PROBE_PATIENCE - UINT64_C(100000000);
	assert_int_equal(
		ask(AF_INET, SOCK_RAW, IPPROTO_ICMP, "10.9.0.2", about_another_echo).outcome,
		MSG_OUTCOME_SILENCE);
	skipped = 0;
}

static int make_network(void **state)
{
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	return system("ip link set lo up && ip link add d0 type veth peer name d1 && ip link set "
		      "d1 up && "
		      "ip addr add 10.9.0.1/24 dev d0 && ip link set d0 up && "
		      "ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:09 dev d0 && "
		      "echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(B55_port_is_open_closed_or_silent),
		cmocka_unit_test(echo_is_answered_by_either_kind_of_socket),
		cmocka_unit_test(who_says_that_a_host_is_not_there_is_told),
		cmocka_unit_test(what_a_raw_socket_hears_of_others_is_passed_over),
	};

	return cmocka_run_group_tests_name("control/own_probe", tests, make_network, NULL);
}

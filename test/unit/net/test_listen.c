/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sstp/base/clock.h"
#include "sstp/net/listen.h"
#include "test/support/cmocka.h"

enum {
	CLIENTS_MAX = 200,
};

static struct {
	struct loop *loop;
	struct listener *listener;
	struct loop_timer *watchdog;
	struct sockaddr_storage addr;
	int clients[CLIENTS_MAX];
	unsigned n_clients;
	int accepted[CLIENTS_MAX];
	unsigned n_accepted;
	unsigned stop_at;
	unsigned free_at;
	unsigned most_in_a_pass;
	unsigned before_pass;
	unsigned passes;
	char peer[ADDRESS_TEXT_MAX];
} t;

static void on_accept(void *arg, int fd, const struct sockaddr_storage *peer)
{
	t.accepted[t.n_accepted++] = fd;
	address_format(peer, t.peer);
	if (t.n_accepted == t.free_at) {
		listener_free(t.listener);
		t.listener = NULL;
	}
	if (t.n_accepted == t.stop_at)
		loop_stop(t.loop);
}

static void pass_ends(void *arg)
{
	unsigned n = t.n_accepted - t.before_pass;

	t.most_in_a_pass = n > t.most_in_a_pass ? n : t.most_in_a_pass;
	t.before_pass = t.n_accepted;
	t.passes++;
}

static void watchdog_expired(void *arg)
{
	fail_msg("nothing happened for five seconds");
}

static int setup(void **state)
{
	memset(&t, 0, sizeof(t));
	t.loop = loop_new();
	assert_non_null(t.loop);
	t.watchdog = loop_timer_new(t.loop, watchdog_expired, NULL);
	assert_non_null(t.watchdog);
	loop_timer_set(t.watchdog, clock_now() + 5 * CLOCK_NS_PER_S);
	assert_int_equal(loop_on_pass_end(t.loop, pass_ends, NULL), 0);
	return 0;
}

static int teardown(void **state)
{
	for (unsigned i = 0; i < t.n_clients; i++)
		close(t.clients[i]);
	for (unsigned i = 0; i < t.n_accepted; i++)
		close(t.accepted[i]);
	listener_free(t.listener);
	loop_timer_free(t.watchdog);
	loop_free(t.loop);
	return 0;
}

static void listen_on(const char *text)
{
	socklen_t len;

	assert_int_equal(address_parse(text, 0, &t.addr, &len), 0);
	t.listener = listener_new(t.loop, (struct sockaddr *)&t.addr, len, on_accept, NULL);
	assert_non_null(t.listener);
	assert_int_equal(listener_address(t.listener, &t.addr), 0);
}

/* Connects over IPv4 to the port that the listener has. */
static void connect_clients(unsigned n)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	/* the same place in both families */
	to.sin_port = ((struct sockaddr_in *)&t.addr)->sin_port;
	for (unsigned i = 0; i < n; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		assert_true(fd >= 0);
		t.clients[t.n_clients++] = fd;
		assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	}
}

static void run_until_accepted(unsigned n)
{
	t.stop_at = n;
	assert_int_equal(loop_run(t.loop), 0);
	assert_int_equal(t.n_accepted, n);
}

static void connections_are_accepted_with_their_peer(void **state)
{
	struct sockaddr_in own;
	socklen_t len = sizeof(own);
	char expect[ADDRESS_TEXT_MAX];
	struct sockaddr_storage storage = {0};

	listen_on("127.0.0.1:0");
	connect_clients(1);
	run_until_accepted(1);
	assert_int_equal(getsockname(t.clients[0], (struct sockaddr *)&own, &len), 0);
	memcpy(&storage, &own, sizeof(own));
	assert_string_equal(t.peer, address_format(&storage, expect));
}

static void ipv4_peer_of_a_socket_for_both_families_is_plain_ipv4(void **state)
{
	listen_on(":0");
	connect_clients(1);
	run_until_accepted(1);
	assert_memory_equal(t.peer, "127.0.0.1:", 10);
}

static void no_more_than_64_are_accepted_in_a_pass(void **state)
{
	listen_on("127.0.0.1:0");
	connect_clients(100);
	run_until_accepted(100);
	assert_int_equal(t.most_in_a_pass, 64);
}

static void listener_freed_inside_on_accept_accepts_no_more(void **state)
{
	listen_on("127.0.0.1:0");
	connect_clients(5);
	t.free_at = 2;
	run_until_accepted(2);
	assert_null(t.listener);
}

static void two_listeners_share_a_port(void **state)
{
	struct listener *second;

	listen_on("127.0.0.1:0");
	second = listener_new(t.loop, (struct sockaddr *)&t.addr, sizeof(struct sockaddr_in),
			      on_accept, NULL);
	assert_non_null(second);
	connect_clients(20);
	run_until_accepted(20);
	listener_free(second);
}

/* One who accepts ends; his successor gets who came meanwhile. */
static void adopted_socket_goes_on_when_a_listener_stops(void **state)
{
	socklen_t len;
	int fd;

	assert_int_equal(address_parse("127.0.0.1:0", 0, &t.addr, &len), 0);
	fd = listener_socket((struct sockaddr *)&t.addr, len);
	assert_true(fd >= 0);
	t.listener = listener_adopt(t.loop, dup(fd), on_accept, NULL);
	assert_non_null(t.listener);
	assert_int_equal(listener_address(t.listener, &t.addr), 0);
	connect_clients(1);
	run_until_accepted(1);
	listener_free(t.listener);
	connect_clients(2);
	t.listener = listener_adopt(t.loop, fd, on_accept, NULL);
	assert_non_null(t.listener);
	run_until_accepted(3);
}

static void address_that_is_not_ours_is_an_error(void **state)
{
	struct sockaddr_storage addr;
	socklen_t len;

	assert_int_equal(address_parse("192.0.2.1:443", 0, &addr, &len), 0);
	assert_null(listener_new(t.loop, (struct sockaddr *)&addr, len, on_accept, NULL));
	assert_int_equal(errno, EADDRNOTAVAIL);
	assert_int_equal(listener_socket((struct sockaddr *)&addr, len), -EADDRNOTAVAIL);
}

static struct rlimit roomy;

static void make_room(void *arg)
{
	assert_int_equal(t.n_accepted, 0);
	/* two or three looks in this time, not thousands */
	assert_in_range(t.passes, 1, 10);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &roomy), 0);
}

static void without_descriptors_it_pauses_and_goes_on_later(void **state)
{
	struct loop_timer *relief = loop_timer_new(t.loop, make_room, NULL);
	struct rlimit tight;

	listen_on("127.0.0.1:0");
	connect_clients(3);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &roomy), 0);
	tight = roomy;
	/* the next descriptor would be the first one that is not allowed */
	tight.rlim_cur = (rlim_t)t.clients[2] + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	loop_timer_set(relief, clock_now() + 150 * CLOCK_NS_PER_MS);
	run_until_accepted(3);
	loop_timer_free(relief);
}

#define on_loop(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		on_loop(connections_are_accepted_with_their_peer),
		on_loop(ipv4_peer_of_a_socket_for_both_families_is_plain_ipv4),
		on_loop(no_more_than_64_are_accepted_in_a_pass),
		on_loop(listener_freed_inside_on_accept_accepts_no_more),
		on_loop(two_listeners_share_a_port),
		on_loop(adopted_socket_goes_on_when_a_listener_stops),
		on_loop(address_that_is_not_ours_is_an_error),
		on_loop(without_descriptors_it_pauses_and_goes_on_later),
	};

	return cmocka_run_group_tests_name("net/listen", tests, NULL, NULL);
}

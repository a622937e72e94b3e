/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/gateway/parent_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "test/support/cmocka.h"

static char address[32];
static char *addresses[] = {address};
static const struct gateway_config config = {.listen = addresses, .n_listen = 1};

/* A port that nobody has, and nobody else gets meanwhile that binds as we do. */
static int choose_port(void **state)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	close(fd);
	snprintf(address, sizeof(address), "127.0.0.1:%u", ntohs(a.sin_port));
	return 0;
}

static int dial(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_port = htons((uint16_t)atoi(strchr(address, ':') + 1));
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void sockets_are_opened_once_and_stay(void **state)
{
	static struct parent_listen_sockets l;
	char text[CONF_ERROR_MAX] = "";
	int error = 0;
	const int *first = parent_listen_get(&l, &config, 0, 3, &error, text);
	int fds[3];
	int waiting;

	assert_string_equal(text, "");
	assert_non_null(first);
	memcpy(fds, first, sizeof(fds));
	waiting = dial(); /* nobody accepts */
	assert_true(waiting >= 0);
	assert_memory_equal(parent_listen_get(&l, &config, 0, 3, &error, text), fds, sizeof(fds));
	close(waiting);
	parent_listen_close(&l);
	assert_int_equal(dial(), -1);
	assert_int_equal(errno, ECONNREFUSED);
	parent_listen_close(&l);
}

static const char *congestion_of(int fd, char buf[16])
{
	socklen_t len = 15;

	memset(buf, 0, 16);
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, buf, &len), 0);
	return buf;
}

/* The system's default counts for nothing: auto is CUBIC. */
static void accepted_connections_have_the_congestion_control_of_their_socket(void **state)
{
	static struct parent_listen_sockets l;
	struct gateway_config other = config;
	char text[CONF_ERROR_MAX], name[16];
	int error = 0;
	const int *fds = parent_listen_get(&l, &config, 0, 1, &error, text);
	int client = dial();
	int accepted = accept(fds[0], NULL, NULL);

	assert_true(accepted >= 0);
	assert_string_equal(congestion_of(accepted, name), "cubic");
	close(accepted);
	close(client);
	assert_int_equal(setsockopt(fds[0], IPPROTO_TCP, TCP_CONGESTION, "reno", 4), 0);
	other.congestion = CONF_CONGESTION_CUBIC;
	parent_listen_set_congestion(&l, &other);
	assert_string_equal(congestion_of(fds[0], name), "cubic");
	parent_listen_close(&l);
}

static void what_is_not_in_the_configuration_is_not_opened(void **state)
{
	static struct parent_listen_sockets l;
	char text[CONF_ERROR_MAX];
	int error = 0;

	assert_null(parent_listen_get(&l, &config, 1, 1, &error, text));
	assert_int_equal(error, -EINVAL);
	assert_null(parent_listen_get(&l, &config, 0, 0, &error, text));
	assert_null(parent_listen_get(&l, &config, 0, PARENT_QUEUES_MAX + 1, &error, text));
	assert_non_null(parent_listen_get(&l, &config, 0, 2, &error, text));
	assert_null(parent_listen_get(&l, &config, 0, 3, &error, text));
	assert_string_equal(text, "there are no such sockets to listen on: address 0, 3 of them");
	parent_listen_close(&l);
}

static void address_that_is_not_ours_is_an_error_with_advice(void **state)
{
	static char far[] = "192.0.2.77:443";
	static char *list[] = {far};
	const struct gateway_config other = {.listen = list, .n_listen = 1};
	static struct parent_listen_sockets l;
	char text[CONF_ERROR_MAX];
	int error = 0;

	assert_null(parent_listen_get(&l, &other, 0, 1, &error, text));
	assert_int_equal(error, -EADDRNOTAVAIL);
	assert_string_equal(text,
			    "cannot listen on 192.0.2.77:443: Cannot assign requested address "
			    "(no interface here has this address)");
	assert_int_equal(parent_listen_probe(&other, text), -EADDRNOTAVAIL);
}

static uint64_t asleep_ns;

/* Whoever is on his way out needs that long. */
static struct parent_listen_sockets *leaving;

int __wrap_nanosleep(const struct timespec *pause, struct timespec *rest);
int __wrap_nanosleep(const struct timespec *pause, struct timespec *rest)
{
	asleep_ns += (uint64_t)pause->tv_nsec;
	if (leaving && asleep_ns > 500000000)
		parent_listen_close(leaving);
	return 0;
}

int __wrap_clock_gettime(clockid_t id, struct timespec *ret_time);
int __wrap_clock_gettime(clockid_t id, struct timespec *ret_time)
{
	*ret_time = (struct timespec){.tv_sec = 1000 + (time_t)(asleep_ns / 1000000000),
				      .tv_nsec = (long)(asleep_ns % 1000000000)};
	return 0;
}

static void somebody_else_s_address_is_waited_for_and_then_an_error(void **state)
{
	static struct parent_listen_sockets l;
	char text[CONF_ERROR_MAX];
	char expected[CONF_ERROR_MAX];
	int error = 0;

	assert_int_equal(parent_listen_probe(&config, text), 0);
	assert_int_equal(asleep_ns, 0);
	assert_non_null(parent_listen_get(&l, &config, 0, 1, &error, text));
	assert_int_equal(parent_listen_probe(&config, text), -EADDRINUSE);
	assert_int_equal(asleep_ns, UINT64_C(2000000000));
	snprintf(expected, sizeof(expected),
		 "cannot listen on %s: Address already in use (another process listens there: see "
		 "ss -ltnp)",
		 address);
	assert_string_equal(text, expected);
	asleep_ns = 0;
	leaving = &l;
	assert_int_equal(parent_listen_probe(&config, text), 0);
	leaving = NULL;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(sockets_are_opened_once_and_stay, choose_port),
		cmocka_unit_test_setup(
			accepted_connections_have_the_congestion_control_of_their_socket,
			choose_port),
		cmocka_unit_test_setup(what_is_not_in_the_configuration_is_not_opened, choose_port),
		cmocka_unit_test_setup(address_that_is_not_ours_is_an_error_with_advice,
				       choose_port),
		cmocka_unit_test_setup(somebody_else_s_address_is_waited_for_and_then_an_error,
				       choose_port),
	};

	return cmocka_run_group_tests_name("gateway/parent_listen", tests, NULL, NULL);
}

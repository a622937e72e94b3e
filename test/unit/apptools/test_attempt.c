/* SPDX-License-Identifier: Apache-2.0 */
/* Against listeners of this machine; what needs routers is in test/netns/apptools.sh. */
#include "tools/tcpping/attempt.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "test/support/cmocka.h"

#define MS INT64_C(1000000)

static struct sockaddr_storage v4_loopback(uint16_t port)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_storage address = {0};

	memcpy(&address, &v4, sizeof(v4));
	return address;
}

/* Bound, and listening with this backlog; < 0: not. Its address in *address. */
static int bound(struct sockaddr_storage *address, int backlog)
{
	socklen_t len = sizeof(struct sockaddr_in);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	*address = v4_loopback(0);
	assert_int_equal(bind(fd, (struct sockaddr *)address, len), 0);
	assert_true(backlog < 0 || listen(fd, backlog) == 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)address, &len), 0);
	return fd;
}

static void listener_is_connected_to(void **state)
{
	struct sockaddr_storage address;
	int fd = bound(&address, 4);
	struct attempt a;

	attempt_run(&address, 1000 * MS, &a);
	assert_int_equal(a.outcome, ATTEMPT_SUCCESS);
	assert_int_equal(a.error, 0);
	assert_true(a.ns > 0 && a.ns < 1000 * MS);
	close(fd);
}

static void closed_port_refuses(void **state)
{
	struct sockaddr_storage address;
	int fd = bound(&address, -1);
	struct attempt a;

	attempt_run(&address, 1000 * MS, &a);
	assert_int_equal(a.outcome, ATTEMPT_REFUSED);
	assert_int_equal(a.error, ECONNREFUSED);
	assert_false(a.has_icmp);
	close(fd);
}

/* A backlog that is full drops further SYNs. */
static void silence_ends_when_the_time_is_over(void **state)
{
	struct sockaddr_storage address;
	int fd = bound(&address, 0);
	struct attempt a = {.outcome = ATTEMPT_SUCCESS};
	int held[8];

	for (size_t i = 0; i < 8; i++) {
		held[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(held[i], (struct sockaddr *)&address, sizeof(struct sockaddr_in));
	}
	attempt_run(&address, 50 * MS, &a);
	assert_int_equal(a.outcome, ATTEMPT_TIMEOUT);
	assert_true(a.ns >= 50 * MS);
	for (size_t i = 0; i < 8; i++)
		close(held[i]);
	close(fd);
}

/* TCP has no broadcast: connect() itself says so. */
static void what_does_not_leave_this_machine_is_not_a_matter_of_others(void **state)
{
	struct sockaddr_storage address = v4_loopback(80);
	struct attempt a;

	((struct sockaddr_in *)&address)->sin_addr.s_addr = htonl(INADDR_BROADCAST);
	attempt_run(&address, 50 * MS, &a);
	assert_true(a.outcome == ATTEMPT_UNREACHABLE || a.outcome == ATTEMPT_BLOCKED);
	assert_true(a.error != 0);
	assert_false(a.has_icmp);
}

static void every_outcome_has_its_word(void **state)
{
	for (int i = 0; i <= ATTEMPT_STOPPED; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(attempt_outcome_word((enum attempt_outcome)i),
						attempt_outcome_word((enum attempt_outcome)j));
	assert_string_equal(attempt_outcome_word(ATTEMPT_NOT_FOUND), "hostNotFound");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(listener_is_connected_to),
		cmocka_unit_test(closed_port_refuses),
		cmocka_unit_test(silence_ends_when_the_time_is_over),
		cmocka_unit_test(what_does_not_leave_this_machine_is_not_a_matter_of_others),
		cmocka_unit_test(every_outcome_has_its_word),
	};

	return cmocka_run_group_tests_name("tcpping/attempt", tests, NULL, NULL);
}

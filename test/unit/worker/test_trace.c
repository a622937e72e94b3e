/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a worker does that is asked for a probe: in a namespace of its own (root), whose "tunnel" is one end of a veth pair;
 * the far side is a process in another namespace that listens at port 80 and answers pings.
 */
#include "sstp/worker/trace.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sstp/net/loop.h"
#include "test/support/cmocka.h"

#define RUN(...) assert_int_equal(run(__VA_ARGS__), 0)

static struct far_side {
	pid_t pid;
	int to, from; /* pipes */
} far_side;

struct scene {
	struct loop *loop;
	struct loop_timer *watchdog;
	struct trace *trace;
	unsigned n;
	struct vendor_traced last;
	bool is_watching; /* for the end of one */
};

static int run(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static int run(const char *fmt, ...)
{
	char command[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(command, sizeof(command), fmt, args);
	va_end(args);
	return system(command);
}

/* ---- the far side ---- */

static int listen_at(uint16_t port)
{
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd < 0 || bind(fd, (const void *)&any, sizeof(any)) < 0 ? -1 : listen(fd, 8);
}

/* Until nobody holds the other end of the pipe. */
static void be_far_side(int in, int out)
{
	char c;

	if (unshare(CLONE_NEWNET) < 0 || write(out, "n", 1) != 1 || read(in, &c, 1) != 1)
		_exit(1);
	if (run("ip link set lo up && ip addr add 10.9.0.2/24 dev tb && ip link set tb up &&"
		" ip addr add fd09::2/64 dev tb nodad && ip route add prohibit 10.8.0.0/24 &&"
		" echo 1 >/proc/sys/net/ipv4/ip_forward") != 0 ||
	    listen_at(80) < 0 || write(out, "u", 1) != 1)
		_exit(1);
	_exit(read(in, &c, 1) == 0 ? 0 : 1);
}

static void start_far_side(void)
{
	int to[2], from[2];
	char c;

	assert_int_equal(pipe(to), 0);
	assert_int_equal(pipe(from), 0);
	far_side.pid = fork();
	if (far_side.pid == 0) {
		close(to[1]);
		be_far_side(to[0], from[1]);
	}
	assert_true(far_side.pid > 0);
	close(to[0]);
	close(from[1]);
	far_side.to = to[1];
	far_side.from = from[0];
	assert_int_equal(read(far_side.from, &c, 1), 1);
	RUN("ip link add ta type veth peer name tb netns %d", (int)far_side.pid);
	assert_int_equal(write(far_side.to, "d", 1), 1);
	assert_int_equal(read(far_side.from, &c, 1), 1);
}

static int make_network(void **state)
{
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	start_far_side();
	RUN("ip link set lo up && ip addr add 10.9.0.1/24 dev ta && ip link set ta up &&"
	    " ip addr add fd09::1/64 dev ta nodad && ip route add 10.8.0.0/24 via 10.9.0.2 &&"
	    " ip route add prohibit 10.7.0.0/24 && ip link add la type veth peer name lb &&"
	    " ip addr add 10.6.0.1/24 dev la && ip link set la up && ip link set lb up");
	return 0;
}

static int end_network(void **state)
{
	int status;

	close(far_side.to);
	close(far_side.from);
	assert_int_equal(waitpid(far_side.pid, &status, 0), far_side.pid);
	assert_int_equal(status, 0);
	return 0;
}

/* ---- the worker's side ---- */

static void on_done(void *arg, const struct vendor_traced *traced)
{
	struct scene *s = arg;

	s->n++;
	s->last = *traced;
	if (s->is_watching)
		loop_stop(s->loop);
}

static void on_watchdog(void *arg)
{
	fail_msg("nothing happened for ten seconds");
}

static int set_up(void **state)
{
	static struct scene scene;
	struct scene *s = &scene;
	struct trace_params params = {.netns_fd = -1, .device = "ta", .on_done = on_done, .arg = s};

	*s = (struct scene){.loop = loop_new()};
	assert_non_null(s->loop);
	s->watchdog = loop_timer_new(s->loop, on_watchdog, s);
	assert_non_null(s->watchdog);
	params.loop = s->loop;
	s->trace = trace_new(&params);
	assert_non_null(s->trace);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *s = *state;

	trace_free(s->trace);
	loop_timer_free(s->watchdog);
	loop_free(s->loop);
	return 0;
}

static struct vendor_trace question(const char *to, uint16_t port)
{
	struct vendor_trace q = {.id = 7, .number = 0xcafe1234, .port = port, .own = 61001};

	q.to.family = strchr(to, ':') ? 6 : 4;
	assert_int_equal(inet_pton(q.to.family == 6 ? AF_INET6 : AF_INET, to, q.to.bytes), 1);
	return q;
}

/* Returns the outcome. */
static unsigned trace(struct scene *s, const char *to, uint16_t port)
{
	const struct vendor_trace q = question(to, port);
	unsigned before = s->n;

	trace_begin(s->trace, &q);
	if (s->n == before) {
		s->is_watching = true;
		loop_timer_set(s->watchdog, clock_now() + 10 * CLOCK_NS_PER_S);
		assert_int_equal(loop_run(s->loop), 0);
		s->is_watching = false;
	}
	assert_int_equal(s->n, before + 1);
	assert_int_equal(s->last.id, 7);
	assert_false(trace_is_busy(s->trace));
	return s->last.outcome;
}

static void port_is_open_or_closed(void **state)
{
	struct scene *s = *state;
	static const uint8_t own[] = {10, 9, 0, 1};

	assert_int_equal(trace(s, "10.9.0.2", 80), VENDOR_OUTCOME_OPEN);
	assert_int_equal(s->last.route, VENDOR_ROUTE_TUNNEL);
	assert_string_equal(s->last.device, "ta");
	assert_int_equal(s->last.table, 254);
	assert_int_equal(s->last.via.family, 0);
	assert_int_equal(s->last.source.family, 4);
	assert_memory_equal(s->last.source.bytes, own, 4);
	assert_in_range(s->last.took_us, 1, 3000000);
	assert_int_equal(trace(s, "fd09::2", 80), VENDOR_OUTCOME_OPEN);
	assert_int_equal(s->last.source.family, 6);
	assert_int_equal(trace(s, "10.9.0.2", 81), VENDOR_OUTCOME_CLOSED);
}

static void ping_is_answered(void **state)
{
	struct scene *s = *state;

	assert_int_equal(trace(s, "10.9.0.2", 0), VENDOR_OUTCOME_ECHO);
	assert_int_equal(trace(s, "fd09::2", 0), VENDOR_OUTCOME_ECHO);
}

static void router_that_refuses_is_heard(void **state)
{
	struct scene *s = *state;

	assert_int_equal(trace(s, "10.8.0.9", 80), VENDOR_OUTCOME_UNREACHABLE);
	assert_int_equal(s->last.error, EHOSTUNREACH);
	assert_int_equal(s->last.via.family, 4);
	assert_int_equal(s->last.via.bytes[3], 2);
}

/* Nothing is sent: no packet leaves by the other device either. */
static void what_does_not_go_into_the_tunnel_is_not_sent(void **state)
{
	struct scene *s = *state;

	assert_int_equal(trace(s, "10.6.0.9", 80), VENDOR_OUTCOME_UNSENT);
	assert_int_equal(s->last.route, VENDOR_ROUTE_OTHER);
	assert_string_equal(s->last.device, "la");
	assert_int_equal(trace(s, "10.9.0.1", 80), VENDOR_OUTCOME_UNSENT);
	assert_int_equal(s->last.route, VENDOR_ROUTE_LOCAL);
	assert_int_equal(trace(s, "10.7.0.9", 80), VENDOR_OUTCOME_UNSENT);
	assert_int_equal(s->last.route, VENDOR_ROUTE_NONE);
	assert_int_equal(s->last.source.family, 0);
	RUN("! ip neigh show dev la | grep -q 10.6.0.9");
}

static void address_without_a_route_says_why(void **state)
{
	struct scene *s = *state;

	assert_int_equal(trace(s, "203.0.113.1", 80), VENDOR_OUTCOME_UNSENT);
	assert_int_equal(s->last.route, VENDOR_ROUTE_NONE);
	assert_int_equal(s->last.error, ENETUNREACH);
}

static void second_one_meanwhile_is_refused_and_the_first_goes_on(void **state)
{
	struct scene *s = *state;
	struct vendor_trace q = question("10.9.0.99", 80);

	trace_begin(s->trace, &q);
	assert_true(trace_is_busy(s->trace));
	assert_int_equal(s->n, 0);
	q.id = 8;
	trace_begin(s->trace, &q);
	assert_int_equal(s->n, 1);
	assert_int_equal(s->last.id, 8);
	assert_int_equal(s->last.outcome, VENDOR_OUTCOME_BUSY);
	assert_true(trace_is_busy(s->trace));
}

static void more_than_a_burst_is_refused(void **state)
{
	struct scene *s = *state;

	for (int i = 0; i < TRACE_BURST; i++)
		assert_int_equal(trace(s, "10.9.0.2", 81), VENDOR_OUTCOME_CLOSED);
	assert_int_equal(trace(s, "10.9.0.2", 81), VENDOR_OUTCOME_BUSY);
	assert_int_equal(s->last.route, VENDOR_ROUTE_UNKNOWN);
	assert_int_equal(trace(s, "10.6.0.9", 81), VENDOR_OUTCOME_BUSY); /* nor is its route told */
}

static void port_that_is_taken_is_an_error(void **state)
{
	struct scene *s = *state;
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(61001)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (const void *)&own, sizeof(own)), 0);
	assert_int_equal(trace(s, "10.9.0.2", 80), VENDOR_OUTCOME_FAILED);
	assert_int_equal(s->last.error, EADDRINUSE);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(port_is_open_or_closed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ping_is_answered, set_up, tear_down),
		cmocka_unit_test_setup_teardown(router_that_refuses_is_heard, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_does_not_go_into_the_tunnel_is_not_sent,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(address_without_a_route_says_why, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			second_one_meanwhile_is_refused_and_the_first_goes_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(more_than_a_burst_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(port_that_is_taken_is_an_error, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("worker/trace", tests, make_network, end_network);
}

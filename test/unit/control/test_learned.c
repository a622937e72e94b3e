/* SPDX-License-Identifier: Apache-2.0 */
/* With a kernel's table in a namespace of its own (root); time goes faster than it seems. */
#include "sstp/control/learned.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/support/cmocka.h"
#include "tun/netns.h"
#include "tun/rtnl_learn.h"

enum {
	PATIENCE_S = 20, /* only a failing test waits that long */
	TEXT_MAX = 128,
};

/* What the clock is ahead; when is_impatient, by what timers wait for. */
static uint64_t lead_ns;
static bool is_impatient;

uint64_t __real_loop_now(const struct loop *loop);
uint64_t __wrap_loop_now(const struct loop *loop);
void __real_loop_timer_set(struct loop_timer *timer, uint64_t when);
void __wrap_loop_timer_set(struct loop_timer *timer, uint64_t when);

uint64_t __wrap_loop_now(const struct loop *loop)
{
	return __real_loop_now(loop) + lead_ns;
}

void __wrap_loop_timer_set(struct loop_timer *timer, uint64_t when)
{
	uint64_t now = clock_now() + lead_ns;

	if (is_impatient && when != CLOCK_NEVER && when > now)
		lead_ns += when - now;
	__real_loop_timer_set(timer, when == CLOCK_NEVER ? when : when - lead_ns);
}

struct bench {
	struct loop *loop;
	struct learned *learned;
	struct loop_timer *guard;
	int netns;
	int open_error;
	unsigned asked;
	unsigned told[LEARNED_VIEWS];
	enum learned_view wait_for;
};

static int open_socket(void *arg, const char *vnet, const char *netns)
{
	struct bench *b = arg;

	assert_string_equal(vnet, "lab");
	assert_string_equal(netns, "there");
	b->asked++;
	if (b->asked > 1)
		loop_stop(b->loop);
	return b->open_error;
}

static void on_change(void *arg, const char *vnet, enum learned_view view)
{
	struct bench *b = arg;

	assert_string_equal(vnet, "lab");
	b->told[view]++;
	if (view == b->wait_for)
		loop_stop(b->loop);
}

static void on_guard(void *arg)
{
	fail_msg("nothing has come for %d s", PATIENCE_S);
}

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	lead_ns = 0;
	is_impatient = false;
	b->loop = loop_new();
	b->netns = netns_create();
	assert_true(b->netns >= 0);
	b->guard = loop_timer_new(b->loop, on_guard, NULL);
	b->learned = learned_new(&(struct learned_params){
		.loop = b->loop, .open = open_socket, .on_change = on_change, .arg = b});
	assert_non_null(b->learned);
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;

	learned_free(b->learned);
	loop_timer_free(b->guard);
	loop_free(b->loop);
	close(b->netns);
	free(b);
	return 0;
}

static int shell_here(void *arg)
{
	return system(arg);
}

static void shell(struct bench *b, const char *command)
{
	assert_int_equal(netns_call(b->netns, shell_here, (char *)command), 0);
}

static void run(struct bench *b)
{
	__real_loop_timer_set(b->guard, clock_now() + PATIENCE_S * CLOCK_NS_PER_S);
	assert_int_equal(loop_run(b->loop), 0);
	__real_loop_timer_set(b->guard, CLOCK_NEVER);
}

/* Until this view is told to be another one. */
static void run_until(struct bench *b, enum learned_view view)
{
	b->wait_for = view;
	run(b);
}

static void follow_own(struct bench *b, const char *const *own, size_t n)
{
	struct prefix prefixes[8];

	for (size_t i = 0; i < n; i++)
		assert_int_equal(prefix_parse(own[i], &prefixes[i]), 0);
	assert_int_equal(learned_follow(b->learned, "lab",
					&(struct learned_source){
						.netns = "there", .own = prefixes, .n_own = n}),
			 0);
}

/* And the socket is there. */
static void follow(struct bench *b)
{
	follow_own(b, (const char *[]){"10.20.0.0/16", "172.16.0.0/24"}, 2);
	assert_int_equal(b->asked, 1);
	learned_take(b->learned, "lab", rtnl_learn_open(b->netns));
}

static void start(struct bench *b)
{
	shell(b, "ip link set lo up && ip addr add 192.168.1.1/24 dev lo");
	follow(b);
	run_until(b, LEARNED_WORKERS);
}

static const struct learned_route *find(struct bench *b, enum learned_view view, const char *text)
{
	struct learned_routes r = learned_of(b->learned, "lab", view);
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	return learned_find(&r, &p);
}

static void what_is_in_the_table_is_learned(void **state)
{
	struct bench *b = *state;
	const struct learned_route *route;
	char buf[LEARNED_PROTOCOL_MAX];

	shell(b,
	      "ip link set lo up && ip addr add 192.168.1.1/24 dev lo && ip route add 10.50.0.0/16 "
	      "via"
	      " 192.168.1.9 metric 32 proto bird && ip route add 10.51.0.0/16 dev lo proto static");
	assert_int_equal(learned_of(b->learned, "lab", LEARNED_LOOKUP).generation, 0);
	follow(b);
	run_until(b, LEARNED_WORKERS);
	assert_int_equal(learned_of(b->learned, "lab", LEARNED_LOOKUP).n, 1);
	assert_int_equal(learned_of(b->learned, "lab", LEARNED_WORKERS).n, 1);
	route = find(b, LEARNED_LOOKUP, "10.50.0.0/16");
	assert_non_null(route);
	assert_int_equal(route->metric, 32);
	assert_int_equal(route->via_family, AF_INET);
	assert_memory_equal(route->via, ((uint8_t[]){192, 168, 1, 9}), 4);
	assert_string_equal(learned_protocol(route->protocol, buf), "bird");
	assert_string_equal(learned_protocol(77, buf), "77");
}

static void default_and_own_prefixes_are_never_learned(void **state)
{
	struct bench *b = *state;
	struct learned_routes r;

	start(b);
	shell(b, "for p in 0.0.0.0/0 10.20.0.0/16 10.20.7.0/24 172.16.0.9 10.0.0.0/8 172.16.0.0/23;"
		 " do ip route add $p dev lo proto bird; done; ip -6 route add default dev lo "
		 "proto bird");
	run_until(b, LEARNED_LOOKUP);
	r = learned_of(b->learned, "lab", LEARNED_LOOKUP);
	assert_int_equal(r.n, 2);
	assert_int_equal(r.n_never, 5);
	assert_non_null(find(b, LEARNED_LOOKUP, "10.0.0.0/8"));
	assert_non_null(find(b, LEARNED_LOOKUP, "172.16.0.0/23"));
	assert_false(r.is_cut);
}

static void other_own_prefixes_count_at_once(void **state)
{
	struct bench *b = *state;

	start(b);
	shell(b, "ip route add 10.20.7.0/24 dev lo proto bird");
	run_until(b, LEARNED_LOOKUP);
	assert_null(find(b, LEARNED_LOOKUP, "10.20.7.0/24"));
	follow_own(b, (const char *[]){"172.16.0.0/24"}, 1);
	run_until(b, LEARNED_LOOKUP);
	assert_non_null(find(b, LEARNED_LOOKUP, "10.20.7.0/24"));
	assert_int_equal(b->asked, 1);
}

static void routes_are_in_order_and_each_prefix_once(void **state)
{
	struct bench *b = *state;
	struct learned_routes r;

	start(b);
	shell(b, "for m in 40 30 50; do for p in 10.9.0.0/16 10.8.0.0/16 10.8.0.0/24;"
		 " do ip route add $p dev lo proto bird metric $m; done; done;"
		 " ip -6 route add fd00::/8 dev lo proto bird;"
		 " ip route add unreachable 10.99.0.0/16 proto bird");
	run_until(b, LEARNED_LOOKUP);
	r = learned_of(b->learned, "lab", LEARNED_LOOKUP);
	assert_int_equal(r.n, 4);
	for (size_t i = 1; i < r.n; i++)
		assert_true(learned_compare(&r.routes[i - 1].dst, &r.routes[i].dst) < 0);
	assert_int_equal(r.routes[0].metric, 30);
}

static void longest_that_covers_is_found(void **state)
{
	struct bench *b = *state;
	struct learned_routes r;
	struct prefix p;

	start(b);
	shell(b, "ip route add 10.0.0.0/8 dev lo proto bird; ip route add 10.8.0.0/15 dev lo proto "
		 "bird");
	run_until(b, LEARNED_LOOKUP);
	r = learned_of(b->learned, "lab", LEARNED_LOOKUP);
	prefix_parse("10.9.1.1", &p);
	assert_int_equal(learned_cover(&r, &p)->dst.len, 15);
	prefix_parse("10.10.1.0/24", &p);
	assert_int_equal(learned_cover(&r, &p)->dst.len, 8);
	assert_null(learned_find(&r, &p));
	prefix_parse("11.0.0.0/8", &p);
	assert_null(learned_cover(&r, &p));
}

static void workers_are_told_less_often_but_in_the_end(void **state)
{
	struct bench *b = *state;
	uint64_t generation;

	start(b);
	assert_int_equal(b->told[LEARNED_WORKERS], 1);
	shell(b, "ip route add 10.50.0.0/16 dev lo proto bird");
	run_until(b, LEARNED_LOOKUP);
	assert_non_null(find(b, LEARNED_LOOKUP, "10.50.0.0/16"));
	assert_null(find(b, LEARNED_WORKERS, "10.50.0.0/16"));
	generation = learned_of(b->learned, "lab", LEARNED_LOOKUP).generation;
	lead_ns += LEARNED_WORKERS_PAUSE;
	shell(b, "ip route add 10.51.0.0/16 dev lo proto bird"); /* wakes the loop */
	run_until(b, LEARNED_WORKERS);
	assert_non_null(find(b, LEARNED_WORKERS, "10.50.0.0/16"));
	assert_true(learned_of(b->learned, "lab", LEARNED_WORKERS).generation >= generation);
}

static void overrun_is_made_good_and_nothing_is_withdrawn_meanwhile(void **state)
{
	struct bench *b = *state;
	int fd = rtnl_learn_open(b->netns), size = 1;

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
	shell(b, "ip link set lo up && ip route add 10.50.0.0/16 dev lo proto bird");
	follow_own(b, NULL, 0);
	learned_take(b->learned, "lab", fd);
	run_until(b, LEARNED_LOOKUP);
	shell(b, "for i in $(seq 200); do echo route add 10.60.$i.0/24 dev lo proto bird; done |"
		 " ip -batch -");
	while (learned_of(b->learned, "lab", LEARNED_LOOKUP).n < 201) {
		run_until(b, LEARNED_LOOKUP);
		assert_non_null(find(b, LEARNED_LOOKUP, "10.50.0.0/16"));
	}
}

static void who_cannot_be_asked_is_asked_again(void **state)
{
	struct bench *b = *state;

	is_impatient = true;
	b->open_error = -ENOTCONN;
	follow_own(b, NULL, 0);
	assert_int_equal(b->asked, 1);
	run(b); /* asked once more a second later */
	assert_int_equal(b->asked, 2);
	b->open_error = 0;
}

static void refusal_is_asked_about_again(void **state)
{
	struct bench *b = *state;

	follow_own(b, NULL, 0);
	is_impatient = true;
	learned_take(b->learned, "lab", -ENOENT);
	run(b);
	assert_int_equal(b->asked, 2);
	learned_take(b->learned, "lab", rtnl_learn_open(b->netns));
	/* what nobody waits for is closed */
	learned_take(b->learned, "lab", rtnl_learn_open(b->netns));
	learned_take(b->learned, "other", rtnl_learn_open(b->netns));
}

/* That one may be of the namespace in which the network was before. */
static void socket_that_comes_too_late_is_not_for_who_asks_now(void **state)
{
	struct bench *b = *state;
	struct learned_source source = {.netns = "there"};
	int late = rtnl_learn_open(b->netns);
	int good = rtnl_learn_open(b->netns);

	assert_int_equal(learned_follow(b->learned, "lab", &source), 0);
	source.table = 9;
	assert_int_equal(learned_follow(b->learned, "lab", &source), 0);
	assert_int_equal(b->asked, 2);
	learned_take(b->learned, "lab", late);
	assert_int_equal(fcntl(late, F_GETFD), -1);
	learned_take(b->learned, "lab", good);
	assert_true(fcntl(good, F_GETFD) >= 0);
	learned_forget(b->learned, "lab");
	assert_int_equal(fcntl(good, F_GETFD), -1);
}

static void forgotten_network_has_no_routes(void **state)
{
	struct bench *b = *state;

	start(b);
	shell(b, "ip route add 10.50.0.0/16 dev lo proto bird");
	run_until(b, LEARNED_LOOKUP);
	learned_forget(b->learned, "lab");
	learned_forget(b->learned, "lab");
	assert_int_equal(learned_of(b->learned, "lab", LEARNED_LOOKUP).n, 0);
	assert_int_equal(learned_of(b->learned, "lab", LEARNED_LOOKUP).generation, 0);
}

static void too_many_own_prefixes_are_refused(void **state)
{
	struct bench *b = *state;
	struct prefix *own = calloc(LEARNED_OWN_MAX + 1, sizeof(*own));

	assert_int_equal(learned_follow(b->learned, "lab",
					&(struct learned_source){.netns = "there",
								 .own = own,
								 .n_own = LEARNED_OWN_MAX + 1}),
			 -E2BIG);
	assert_int_equal(b->asked, 0);
	free(own);
}

#define LEARNED_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LEARNED_TEST(what_is_in_the_table_is_learned),
		LEARNED_TEST(default_and_own_prefixes_are_never_learned),
		LEARNED_TEST(other_own_prefixes_count_at_once),
		LEARNED_TEST(routes_are_in_order_and_each_prefix_once),
		LEARNED_TEST(longest_that_covers_is_found),
		LEARNED_TEST(workers_are_told_less_often_but_in_the_end),
		LEARNED_TEST(overrun_is_made_good_and_nothing_is_withdrawn_meanwhile),
		LEARNED_TEST(who_cannot_be_asked_is_asked_again),
		LEARNED_TEST(refusal_is_asked_about_again),
		LEARNED_TEST(socket_that_comes_too_late_is_not_for_who_asks_now),
		LEARNED_TEST(forgotten_network_has_no_routes),
		LEARNED_TEST(too_many_own_prefixes_are_refused),
	};

	return cmocka_run_group_tests_name("control/learned", tests, NULL, NULL);
}

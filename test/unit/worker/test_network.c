/* SPDX-License-Identifier: Apache-2.0 */
/* Tunnelled prefixes that change, in a network namespace of the test's own. */
#include "sstp/worker/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sstp/base/log.h"
#include "sstp/net/loop.h"
#include "test/support/cmocka.h"
#include "test/support/prng.h"
#include "tun/netns.h"
#include "tun/rtnl.h"

enum {
	LIST_MAX = 64,
	TEXT_MAX = 64 * 80,
};

static struct rtnl *rtnl;

static int own_namespace(void **state)
{
	int fd = netns_create();

	if (fd < 0 || netns_enter(fd) < 0) {
		fprintf(stderr, "no network namespace of our own: %s\n", strerror(errno));
		return -1;
	}
	close(fd);
	log_open("test", LOG_TARGET_STDERR, LOG_LEVEL_ERROR);
	return rtnl_open(-1, &rtnl);
}

static int close_rtnl(void **state)
{
	rtnl_close(rtnl);
	return 0;
}

/* "10.1.0.0/16 10.2.0.0/16" as prefixes. */
static size_t prefixes(const char *text, struct prefix ret[LIST_MAX])
{
	char copy[TEXT_MAX], *save = NULL;
	size_t n = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *p = strtok_r(copy, " ", &save); p; p = strtok_r(NULL, " ", &save))
		assert_int_equal(prefix_parse(p, &ret[n++]), 0);
	return n;
}

static struct network *new_network(const char *tun, const char *routes)
{
	struct prefix list[LIST_MAX];
	struct network_params params = {
		.netns_fd = -1,
		.tun_name = tun,
		.mtu = 1400,
		.routes = list,
		.nroutes = prefixes(routes, list),
	};
	struct network *n = NULL;
	char error[256];

	if (network_new(&params, &n, error) < 0)
		fail_msg("%s", error);
	return n;
}

static int set_routes(struct network *n, const char *routes, char error[256])
{
	struct prefix list[LIST_MAX];
	size_t count = prefixes(routes, list);

	return network_set_routes(n, list, count, error);
}

static struct prefix host(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	return p;
}

static int up(struct network *n, const char *address)
{
	struct prefix p = host(address);

	return network_up(n, &p);
}

static int pin(struct network *n, const char *gateway)
{
	struct prefix p = host(gateway);

	return network_pin(n, &p);
}

struct listing {
	char lines[LIST_MAX * 2][40];
	size_t n;
};

static void note(void *arg, const struct rtnl_route *route)
{
	static const char *const kinds[] = {[RTNL_ROUTE_DEVICE] = "dev",
					    [RTNL_ROUTE_UNREACHABLE] = "no",
					    [RTNL_ROUTE_THROW] = "throw"};
	struct listing *l = arg;
	char text[PREFIX_TEXT_MAX];

	assert_in_range(l->n, 0, LIST_MAX * 2 - 1);
	snprintf(l->lines[l->n++], sizeof(l->lines[0]), "%s:%s", prefix_format(&route->dst, text),
		 kinds[route->kind]);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* All that we have in the kernel, sorted: "10.1.0.0/16:dev 10.1.0.0/16:no". */
static const char *in_kernel(void)
{
	static char text[TEXT_MAX];
	struct listing l = {.n = 0};
	size_t len = 0;

	assert_int_equal(rtnl_route_list(rtnl, note, &l), 0);
	qsort(l.lines, l.n, sizeof(l.lines[0]), by_text);
	text[0] = '\0';
	for (size_t i = 0; i < l.n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", i ? " " : "",
					l.lines[i]);
	return text;
}

static void new_prefix_is_closed_while_the_tunnel_is_down(void **state)
{
	struct network *n = new_network("live0", "10.1.0.0/16 10.2.0.0/16");
	char error[256];

	assert_string_equal(in_kernel(), "10.1.0.0/16:no 10.2.0.0/16:no");
	assert_int_equal(set_routes(n, "10.2.0.0/16 10.3.0.0/16", error), 0);
	assert_string_equal(in_kernel(), "10.2.0.0/16:no 10.3.0.0/16:no");
	assert_int_equal(set_routes(n, "", error), 0);
	assert_string_equal(in_kernel(), "");
	network_free(n);
}

static void new_prefix_goes_into_a_tunnel_that_is_up(void **state)
{
	struct network *n = new_network("live0", "10.1.0.0/16");
	char error[256];

	assert_int_equal(up(n, "172.16.77.2"), 0);
	assert_int_equal(set_routes(n, "10.1.0.0/16 10.3.0.0/16", error), 0);
	assert_string_equal(in_kernel(),
			    "10.1.0.0/16:dev 10.1.0.0/16:no 10.3.0.0/16:dev 10.3.0.0/16:no");
	assert_int_equal(set_routes(n, "10.3.0.0/16", error), 0);
	assert_string_equal(in_kernel(), "10.3.0.0/16:dev 10.3.0.0/16:no");
	network_down(n);
	assert_string_equal(in_kernel(), "10.3.0.0/16:no");
	assert_int_equal(up(n, "172.16.77.3"), 0);
	assert_string_equal(in_kernel(), "10.3.0.0/16:dev 10.3.0.0/16:no");
	network_free(n);
	assert_string_equal(in_kernel(), "");
}

static void note_source(void *arg, const struct rtnl_rule *rule)
{
	char *text = arg, address[PREFIX_TEXT_MAX];
	size_t len = strlen(text);

	if (rule->kind == RTNL_RULE_UNREACHABLE)
		snprintf(text + len, TEXT_MAX - len, "%s%s", len ? " " : "",
			 prefix_format(&rule->source, address));
}

/* The addresses from which nothing leaves but through a worker's table. */
static const char *refused_sources(void)
{
	static char text[TEXT_MAX];

	text[0] = '\0';
	assert_int_equal(rtnl_rule_list(rtnl, note_source, text), 0);
	return text;
}

static void private_address_is_refused_elsewhere_until_the_end(void **state)
{
	struct network *n = new_network("live0", "10.1.0.0/16");

	assert_string_equal(refused_sources(), "");
	assert_int_equal(up(n, "172.16.77.2"), 0);
	assert_string_equal(refused_sources(), "172.16.77.2/32");
	network_down(n);
	assert_string_equal(refused_sources(), "172.16.77.2/32");
	assert_int_equal(up(n, "172.16.77.3"), 0);
	assert_int_equal(up(n, "172.16.77.3"), 0);
	assert_string_equal(refused_sources(), "172.16.77.3/32");
	network_free(n);
	assert_string_equal(refused_sources(), "");
}

static void note_table(void *arg, const struct rtnl_rule *rule)
{
	*(uint32_t *)arg = rule->table;
}

/* What a killed one leaves has the table that the next one asks. */
static void killed_workers_address_goes_with_the_next_one_and_no_others(void **state)
{
	struct rtnl_rule left = {
		.family = AF_INET, .priority = 8384, .kind = RTNL_RULE_UNREACHABLE};
	struct network *n = new_network("live0", "10.1.0.0/16"), *other;

	assert_int_equal(rtnl_rule_list(rtnl, note_table, &left.table), 0);
	network_free(n);
	other = new_network("live1", "10.9.0.0/16");
	assert_int_equal(up(other, "172.16.77.9"), 0);
	left.source = host("172.16.77.8");
	assert_int_equal(rtnl_rule_add(rtnl, &left), 0);
	n = new_network("live0", "10.1.0.0/16");
	assert_string_equal(refused_sources(), "172.16.77.9/32 172.16.77.8/32");
	assert_int_equal(up(n, "172.16.77.2"), 0);
	assert_string_equal(refused_sources(), "172.16.77.9/32 172.16.77.2/32");
	network_free(n);
	assert_string_equal(refused_sources(), "172.16.77.9/32");
	network_free(other);
	assert_string_equal(refused_sources(), "");
}

static void prefix_over_the_gateway_leaves_it_outside_from_the_first_moment(void **state)
{
	struct network *n = new_network("live0", "10.1.0.0/16");
	char error[256];

	assert_int_equal(pin(n, "192.0.2.1"), 0);
	assert_int_equal(up(n, "172.16.77.2"), 0);
	assert_int_equal(set_routes(n, "192.0.0.0/8", error), 0);
	assert_string_equal(in_kernel(), "192.0.0.0/8:dev 192.0.0.0/8:no 192.0.2.1/32:throw");
	assert_int_equal(set_routes(n, "192.0.2.0/24", error), 0);
	assert_string_equal(in_kernel(), "192.0.2.0/24:dev 192.0.2.0/24:no 192.0.2.1/32:throw");
	assert_int_equal(set_routes(n, "10.1.0.0/16", error), 0);
	assert_string_equal(in_kernel(), "10.1.0.0/16:dev 10.1.0.0/16:no");
	assert_int_equal(pin(n, "10.1.0.7"), 0);
	assert_string_equal(in_kernel(), "10.1.0.0/16:dev 10.1.0.0/16:no 10.1.0.7/32:throw");
	network_free(n);
	assert_string_equal(in_kernel(), "");
}

static void prefix_of_another_worker_is_refused_and_nothing_changes(void **state)
{
	struct network *other = new_network("live1", "10.9.0.0/16");
	struct network *n = new_network("live0", "10.1.0.0/16 10.2.0.0/16");
	char error[256];
	size_t count;

	assert_int_equal(set_routes(n, "10.1.0.0/16 10.8.0.0/15 10.3.0.0/16", error), -EEXIST);
	assert_non_null(strstr(error, "route 10.8.0.0/15 overlaps what another worker"));
	assert_string_equal(in_kernel(), "10.1.0.0/16:no 10.2.0.0/16:no 10.9.0.0/16:no");
	network_routes(n, &count);
	assert_int_equal(count, 2);
	network_free(n);
	network_free(other);
}

/* Some of what there may be, in any order. */
static void choose(struct prng *prng, char ret_text[TEXT_MAX], char ret_expected[TEXT_MAX],
		   bool is_up)
{
	size_t len = 0, expected = 0;
	char chosen[LIST_MAX];
	int first = (int)prng_below(prng, 20);

	for (int i = 0; i < 20; i++)
		chosen[i] = prng_below(prng, 2);
	ret_text[0] = ret_expected[0] = '\0';
	for (int i = 0; i < 20; i++) {
		int k = (first + i) % 20 + 10;

		if (chosen[k - 10])
			len += (size_t)snprintf(ret_text + len, TEXT_MAX - len, "10.%d.0.0/16 ", k);
		if (!chosen[i])
			continue;
		if (is_up)
			expected +=
				(size_t)snprintf(ret_expected + expected, TEXT_MAX - expected,
						 "%s10.%d.0.0/16:dev", expected ? " " : "", i + 10);
		expected += (size_t)snprintf(ret_expected + expected, TEXT_MAX - expected,
					     "%s10.%d.0.0/16:no", expected ? " " : "", i + 10);
	}
}

static void table_is_that_of_the_last_change_whatever_came_before(void **state)
{
	struct network *n = new_network("live0", "");
	char text[TEXT_MAX], expected[TEXT_MAX], error[256];
	struct prng prng;
	bool is_up = false;

	prng_init(&prng, 8383);
	for (int i = 0; i < 300; i++) {
		if (prng_below(&prng, 4) == 0) {
			is_up = !is_up;
			if (is_up)
				assert_int_equal(up(n, "172.16.77.2"), 0);
			else
				network_down(n);
		}
		choose(&prng, text, expected, is_up);
		assert_int_equal(set_routes(n, text, error), 0);
		assert_string_equal(in_kernel(), expected);
	}
	network_free(n);
	assert_string_equal(in_kernel(), "");
}

static void ipv6_prefix_leads_into_the_device_from_its_own_address_on(void **state)
{
	struct network *n = new_network("live0", "10.1.0.0/16 fd20::/32");

	assert_string_equal(in_kernel(), "10.1.0.0/16:no fd20::/32:no");
	assert_int_equal(up(n, "172.16.77.2"), 0);
	assert_string_equal(in_kernel(), "10.1.0.0/16:dev 10.1.0.0/16:no fd20::/32:no");
	assert_int_equal(up(n, "fd77:0:0:5::1"), 0);
	assert_string_equal(in_kernel(),
			    "10.1.0.0/16:dev 10.1.0.0/16:no fd20::/32:dev fd20::/32:no");
	assert_string_equal(refused_sources(), "172.16.77.2/32 fd77:0:0:5::1/128");
	network_down(n);
	assert_string_equal(in_kernel(), "10.1.0.0/16:no fd20::/32:no");
	assert_string_equal(refused_sources(), "172.16.77.2/32 fd77:0:0:5::1/128");
	network_free(n);
	assert_string_equal(in_kernel(), "");
	assert_string_equal(refused_sources(), "");
}

static void note_address(void *arg, const struct rtnl_address *address)
{
	char *text = arg, one[PREFIX_TEXT_MAX];
	size_t len = strlen(text);

	if (address->ifindex != 1)
		snprintf(text + len, TEXT_MAX - len, "%s%s", len ? " " : "",
			 prefix_format_address(&address->local, one));
}

/* All but the loopback's. */
static const char *addresses(void)
{
	static char text[TEXT_MAX];

	text[0] = '\0';
	assert_int_equal(rtnl_address_list(rtnl, note_address, text), 0);
	return text;
}

static void addresses_stay_while_the_tunnel_is_down_and_move_with_the_next(void **state)
{
	struct network *n = new_network("live0", "10.1.0.0/16 fd20::/32");

	assert_int_equal(up(n, "172.16.77.2"), 0);
	assert_int_equal(up(n, "fd77:0:0:5::1"), 0);
	network_down(n);
	assert_string_equal(addresses(), "172.16.77.2 fd77:0:0:5::1");
	assert_int_equal(up(n, "172.16.77.3"), 0);
	assert_string_equal(addresses(), "172.16.77.3 fd77:0:0:5::1");
	assert_int_equal(up(n, "fd77:0:0:6::1"), 0);
	assert_string_equal(addresses(), "172.16.77.3 fd77:0:0:6::1");
	assert_string_equal(refused_sources(), "172.16.77.3/32 fd77:0:0:6::1/128");
	network_free(n);
}

static void count_ipv6(void *arg, const struct rtnl_rule *rule)
{
	*(int *)arg += rule->family == AF_INET6;
}

static int ipv6_rules(void)
{
	int count = 0;

	assert_int_equal(rtnl_rule_list(rtnl, count_ipv6, &count), 0);
	return count;
}

static void vnet_without_ipv6_leaves_that_of_the_namespace_alone(void **state)
{
	struct network *n = new_network("live0", "10.1.0.0/16");
	char error[256];

	assert_int_equal(up(n, "172.16.77.2"), 0);
	assert_int_equal(ipv6_rules(), 0);
	assert_int_equal(set_routes(n, "10.1.0.0/16 fd20::/32", error), 0);
	assert_int_equal(ipv6_rules(), 1);
	assert_string_equal(in_kernel(), "10.1.0.0/16:dev 10.1.0.0/16:no fd20::/32:no");
	network_free(n);
	assert_int_equal(ipv6_rules(), 0);
}

static void ipv6_gateway_under_an_ipv6_prefix_is_left_outside(void **state)
{
	struct network *n = new_network("live0", "::/0 2001:db8::1/128");

	assert_int_equal(pin(n, "2001:db8::1"), 0);
	assert_int_equal(up(n, "172.16.77.2"), 0);
	assert_int_equal(up(n, "fd77:0:0:5::1"), 0);
	assert_string_equal(in_kernel(), "2001:db8::1/128:dev 2001:db8::1/128:no "
					 "2001:db8::1/128:throw ::/0:dev ::/0:no");
	assert_int_equal(pin(n, "192.0.2.1"), 0);
	assert_string_equal(in_kernel(), "2001:db8::1/128:dev 2001:db8::1/128:no ::/0:dev ::/0:no");
	network_free(n);
	assert_string_equal(in_kernel(), "");
}

/* ---- changes in a thread of their own ---- */

struct answer {
	struct loop *loop;
	unsigned calls;
	int error;
	char why[256];
};

static void on_changed(void *arg, int error, const char *why)
{
	struct answer *a = arg;

	a->calls++;
	a->error = error;
	snprintf(a->why, sizeof(a->why), "%s", why);
	loop_stop(a->loop);
}

static struct answer new_answer(void)
{
	struct answer a = {.loop = loop_new()};

	assert_non_null(a.loop);
	return a;
}

static int change(struct network *n, struct answer *a, const char *routes)
{
	struct prefix list[LIST_MAX];
	size_t count = prefixes(routes, list);

	return network_change_routes(n, a->loop, list, count, on_changed, a);
}

static void change_is_made_beside_the_loop_and_told_in_it(void **state)
{
	struct network *n = new_network("live0", "10.1.0.0/16");
	struct answer a = new_answer();
	size_t count;

	assert_int_equal(up(n, "172.16.77.2"), 0);
	assert_int_equal(change(n, &a, "10.2.0.0/16 10.3.0.0/16"), 0);
	assert_int_equal(change(n, &a, "10.4.0.0/16"), -EBUSY);
	network_routes(n, &count);
	assert_int_equal(count, 1);
	assert_int_equal(loop_run(a.loop), 0);
	assert_int_equal(a.calls, 1);
	assert_int_equal(a.error, 0);
	assert_string_equal(in_kernel(),
			    "10.2.0.0/16:dev 10.2.0.0/16:no 10.3.0.0/16:dev 10.3.0.0/16:no");
	network_routes(n, &count);
	assert_int_equal(count, 2);
	network_free(n);
	loop_free(a.loop);
}

static void who_wants_the_network_meanwhile_finds_the_change_made(void **state)
{
	struct network *n = new_network("live0", "10.1.0.0/16");
	struct answer a = new_answer();
	size_t count;

	assert_int_equal(change(n, &a, "10.2.0.0/16"), 0);
	assert_int_equal(up(n, "172.16.77.2"), 0);
	assert_string_equal(in_kernel(), "10.2.0.0/16:dev 10.2.0.0/16:no");
	assert_int_equal(a.calls, 0);
	assert_int_equal(change(n, &a, "10.4.0.0/16"), -EBUSY); /* it was not told yet */
	assert_int_equal(loop_run(a.loop), 0);
	assert_int_equal(a.calls, 1);
	assert_int_equal(change(n, &a, "10.3.0.0/16"), 0);
	network_down(n);
	assert_string_equal(in_kernel(), "10.3.0.0/16:no");
	network_routes(n, &count);
	assert_int_equal(count, 1);
	network_free(n); /* with what was not told */
	assert_int_equal(a.calls, 1);
	assert_string_equal(in_kernel(), "");
	loop_free(a.loop);
}

static void refused_change_is_told_with_its_reason(void **state)
{
	struct network *other = new_network("live1", "fd09::/32");
	struct network *n = new_network("live0", "10.1.0.0/16");
	struct answer a = new_answer();

	assert_int_equal(change(n, &a, "10.2.0.0/16 fd09:0:1::/48"), 0);
	assert_int_equal(loop_run(a.loop), 0);
	assert_int_equal(a.error, -EEXIST);
	assert_non_null(strstr(a.why, "route fd09:0:1::/48 overlaps what another worker"));
	assert_non_null(strstr(a.why, "ip -6 route flush table "));
	assert_string_equal(in_kernel(), "10.1.0.0/16:no fd09::/32:no");
	network_free(n);
	network_free(other);
	loop_free(a.loop);
}

/* As the kernel would send to it right now. */
static bool is_refused(int fd, const char *text)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(9)};
	struct sockaddr_in none = {.sin_family = AF_UNSPEC};

	assert_int_equal(inet_pton(AF_INET6, text, &to.sin6_addr), 1);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return true;
	connect(fd, (struct sockaddr *)&none, sizeof(none));
	return false;
}

/* A thread that asks again and again, until it is told to end. */
struct looker {
	pthread_t thread;
	atomic_bool ends;
	unsigned rounds, refused;
};

static const char *const always[] = {"::ffff:10.1.1.1", "::ffff:10.1.200.1", "fd20:1:0:1::1",
				     "fd20:1:8000::1"};

static void *look(void *arg)
{
	struct looker *l = arg;
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	for (; !atomic_load(&l->ends); l->rounds++)
		for (int i = 0; i < 4; i++)
			l->refused += is_refused(fd, always[i]);
	close(fd);
	return NULL;
}

/*
 * Prefixes are cut and put together again under addresses that one of them covers all the time. A packet that found one
 * half of a change without the other would be refused.
 */
static void address_that_stays_covered_is_refused_at_no_moment_of_1000_changes(void **state)
{
	static const char *const sets[] = {
		"10.0.0.0/8 fd20::/16",
		"10.1.0.0/16 fd20:1::/32",
		"10.1.0.0/17 10.1.128.0/17 fd20:1::/33 fd20:1:8000::/33",
		"0.0.0.0/0 10.1.1.0/24 ::/0 fd20:1:0:1::/64 10.1.200.1/32",
	};
	struct network *n = new_network("live0", sets[0]);
	struct answer a = new_answer();
	struct looker l = {.refused = 0};
	struct prng prng;
	unsigned last = 0;

	prng_init(&prng, 8383);
	assert_int_equal(up(n, "172.16.77.2"), 0);
	assert_int_equal(up(n, "fd77:0:0:5::1"), 0);
	assert_int_equal(pthread_create(&l.thread, NULL, look, &l), 0);
	for (unsigned i = 0; i < 1000; i++) {
		last = (last + 1 + prng_below(&prng, 3)) % 4;
		assert_int_equal(change(n, &a, sets[last]), 0);
		assert_int_equal(loop_run(a.loop), 0);
		assert_int_equal(a.error, 0);
	}
	assert_int_equal(change(n, &a, sets[1]), 0);
	assert_int_equal(loop_run(a.loop), 0);
	atomic_store(&l.ends, true);
	assert_int_equal(pthread_join(l.thread, NULL), 0);
	print_message("# %u rounds of 4 lookups\n", l.rounds);
	assert_int_equal(a.calls, 1001);
	assert_in_range(l.rounds, 1000, UINT_MAX);
	assert_int_equal(l.refused, 0);
	assert_string_equal(in_kernel(),
			    "10.1.0.0/16:dev 10.1.0.0/16:no fd20:1::/32:dev fd20:1::/32:no");
	network_free(n);
	loop_free(a.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_prefix_is_closed_while_the_tunnel_is_down),
		cmocka_unit_test(new_prefix_goes_into_a_tunnel_that_is_up),
		cmocka_unit_test(private_address_is_refused_elsewhere_until_the_end),
		cmocka_unit_test(killed_workers_address_goes_with_the_next_one_and_no_others),
		cmocka_unit_test(prefix_over_the_gateway_leaves_it_outside_from_the_first_moment),
		cmocka_unit_test(prefix_of_another_worker_is_refused_and_nothing_changes),
		cmocka_unit_test(table_is_that_of_the_last_change_whatever_came_before),
		cmocka_unit_test(ipv6_prefix_leads_into_the_device_from_its_own_address_on),
		cmocka_unit_test(addresses_stay_while_the_tunnel_is_down_and_move_with_the_next),
		cmocka_unit_test(vnet_without_ipv6_leaves_that_of_the_namespace_alone),
		cmocka_unit_test(ipv6_gateway_under_an_ipv6_prefix_is_left_outside),
		cmocka_unit_test(change_is_made_beside_the_loop_and_told_in_it),
		cmocka_unit_test(who_wants_the_network_meanwhile_finds_the_change_made),
		cmocka_unit_test(refused_change_is_told_with_its_reason),
		cmocka_unit_test(
			address_that_stays_covered_is_refused_at_no_moment_of_1000_changes),
	};

	return cmocka_run_group_tests_name("worker/network", tests, own_namespace, close_rtnl);
}

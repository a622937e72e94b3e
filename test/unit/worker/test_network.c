/* SPDX-License-Identifier: Apache-2.0 */
/* Tunnelled prefixes that change, in a network namespace of the test's own. */
#include "sstp/worker/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sstp/base/log.h"
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

	assert_int_equal(network_up(n, inet_addr("172.16.77.2")), 0);
	assert_int_equal(set_routes(n, "10.1.0.0/16 10.3.0.0/16", error), 0);
	assert_string_equal(in_kernel(),
			    "10.1.0.0/16:dev 10.1.0.0/16:no 10.3.0.0/16:dev 10.3.0.0/16:no");
	assert_int_equal(set_routes(n, "10.3.0.0/16", error), 0);
	assert_string_equal(in_kernel(), "10.3.0.0/16:dev 10.3.0.0/16:no");
	network_down(n);
	assert_string_equal(in_kernel(), "10.3.0.0/16:no");
	assert_int_equal(network_up(n, inet_addr("172.16.77.3")), 0);
	assert_string_equal(in_kernel(), "10.3.0.0/16:dev 10.3.0.0/16:no");
	network_free(n);
	assert_string_equal(in_kernel(), "");
}

static struct prefix host(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	return p;
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
	assert_int_equal(network_up(n, inet_addr("172.16.77.2")), 0);
	assert_string_equal(refused_sources(), "172.16.77.2/32");
	network_down(n);
	assert_string_equal(refused_sources(), "172.16.77.2/32");
	assert_int_equal(network_up(n, inet_addr("172.16.77.3")), 0);
	assert_int_equal(network_up(n, inet_addr("172.16.77.3")), 0);
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
	assert_int_equal(network_up(other, inet_addr("172.16.77.9")), 0);
	left.source = host("172.16.77.8");
	assert_int_equal(rtnl_rule_add(rtnl, &left), 0);
	n = new_network("live0", "10.1.0.0/16");
	assert_string_equal(refused_sources(), "172.16.77.9/32 172.16.77.8/32");
	assert_int_equal(network_up(n, inet_addr("172.16.77.2")), 0);
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

	assert_int_equal(network_pin(n, inet_addr("192.0.2.1")), 0);
	assert_int_equal(network_up(n, inet_addr("172.16.77.2")), 0);
	assert_int_equal(set_routes(n, "192.0.0.0/8", error), 0);
	assert_string_equal(in_kernel(), "192.0.0.0/8:dev 192.0.0.0/8:no 192.0.2.1/32:throw");
	assert_int_equal(set_routes(n, "192.0.2.0/24", error), 0);
	assert_string_equal(in_kernel(), "192.0.2.0/24:dev 192.0.2.0/24:no 192.0.2.1/32:throw");
	assert_int_equal(set_routes(n, "10.1.0.0/16", error), 0);
	assert_string_equal(in_kernel(), "10.1.0.0/16:dev 10.1.0.0/16:no");
	assert_int_equal(network_pin(n, inet_addr("10.1.0.7")), 0);
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
				assert_int_equal(network_up(n, inet_addr("172.16.77.2")), 0);
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
	};

	return cmocka_run_group_tests_name("worker/network", tests, own_namespace, close_rtnl);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tun/rtnl_mirror.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "test/support/cmocka.h"
#include "test/support/prng.h"

enum {
	BIRD = RTPROT_BIRD,
	LIST_MAX = 4096,
	STEPS = 60000,
	MANY = 100000,
};

static const bool wanted[256] = {[BIRD] = true};

static struct rtnl_learned route_to(const char *dst, uint8_t protocol, uint32_t metric, uint8_t hop)
{
	struct rtnl_learned r = {.type = RTN_UNICAST,
				 .protocol = protocol,
				 .metric = metric,
				 .n_hops = 1,
				 .hop = {.family = AF_INET, .via = {10, 9, 0, hop}, .ifindex = 2}};

	assert_int_equal(prefix_parse(dst, &r.dst), 0);
	if (r.dst.family == AF_INET6)
		r.hop.family = AF_INET6;
	return r;
}

static struct rtnl_mirror *fresh(void **state)
{
	struct rtnl_mirror *m = rtnl_mirror_new(wanted);

	assert_non_null(m);
	*state = m;
	return m;
}

static int tear_down(void **state)
{
	assert_true(rtnl_mirror_check(*state));
	rtnl_mirror_free(*state);
	return 0;
}

static void add(struct rtnl_mirror *m, struct rtnl_learned r, enum rtnl_mirror_how how)
{
	assert_int_equal(rtnl_mirror_add(m, &r, how), 0);
}

static bool has(const struct rtnl_mirror *m, struct rtnl_learned r)
{
	for (size_t i = 0; i < rtnl_mirror_count(m); i++)
		if (rtnl_learned_equal(rtnl_mirror_at(m, i), &r))
			return true;
	return false;
}

static void replacement_takes_the_place_of_the_first(void **state)
{
	struct rtnl_mirror *m = fresh(state);
	struct rtnl_learned first = route_to("10.1.0.0/16", BIRD, 32, 1);
	struct rtnl_learned last = route_to("10.1.0.0/16", BIRD, 32, 2);
	struct rtnl_learned other = route_to("10.1.0.0/16", RTPROT_STATIC, 32, 3);

	add(m, first, RTNL_MIRROR_FIRST);
	add(m, last, RTNL_MIRROR_LAST);
	add(m, other, RTNL_MIRROR_REPLACE);
	assert_int_equal(rtnl_mirror_count(m), 2);
	assert_false(has(m, first));
	assert_true(has(m, last));
	assert_true(has(m, other));
	add(m, first, RTNL_MIRROR_REPLACE); /* the static one goes, not the appended one */
	assert_false(has(m, other));
	assert_true(has(m, last));
}

static void other_metrics_and_lengths_are_other_routes(void **state)
{
	struct rtnl_mirror *m = fresh(state);

	add(m, route_to("10.1.0.0/16", BIRD, 32, 1), RTNL_MIRROR_REPLACE);
	add(m, route_to("10.1.0.0/16", BIRD, 33, 1), RTNL_MIRROR_REPLACE);
	add(m, route_to("10.1.0.0/17", BIRD, 32, 1), RTNL_MIRROR_REPLACE);
	assert_int_equal(rtnl_mirror_count(m), 3);
}

static void withdrawal_is_of_exactly_one_ipv4_route(void **state)
{
	struct rtnl_mirror *m = fresh(state);
	struct rtnl_learned there = route_to("10.1.0.0/16", BIRD, 32, 1);
	struct rtnl_learned other = route_to("10.1.0.0/16", BIRD, 32, 2);

	add(m, there, RTNL_MIRROR_FIRST);
	assert_int_equal(rtnl_mirror_del(m, &other), -ESRCH);
	assert_int_equal(rtnl_mirror_del(m, &there), 0);
	assert_int_equal(rtnl_mirror_del(m, &there), -ESRCH);
	assert_int_equal(rtnl_mirror_count(m), 0);
}

static void only_wanted_protocols_count_as_changes(void **state)
{
	struct rtnl_mirror *m = fresh(state);
	struct rtnl_learned bird = route_to("10.1.0.0/16", BIRD, 32, 1);
	struct rtnl_learned fixed = route_to("10.1.0.0/16", RTPROT_STATIC, 32, 1);

	add(m, fixed, RTNL_MIRROR_FIRST);
	assert_int_equal(rtnl_mirror_changes(m), 0);
	add(m, bird, RTNL_MIRROR_FIRST);
	assert_int_equal(rtnl_mirror_changes(m), 1);
	add(m, bird, RTNL_MIRROR_FIRST); /* as it was */
	assert_int_equal(rtnl_mirror_changes(m), 1);
	assert_true(rtnl_mirror_wants(m, &bird));
	assert_false(rtnl_mirror_wants(m, &fixed));
	/* a wanted one that is taken the place of is gone */
	add(m, route_to("10.1.0.0/16", RTPROT_STATIC, 32, 9), RTNL_MIRROR_REPLACE);
	assert_int_equal(rtnl_mirror_changes(m), 2);
	assert_false(has(m, bird));
}

/* ---- several hops ---- */

static struct rtnl_learned with_hops(const char *dst, struct rtnl_hop *more, const char *last_bytes)
{
	struct rtnl_learned r = route_to(dst, BIRD, 32, (uint8_t)last_bytes[0]);

	r.n_hops = (uint16_t)strlen(last_bytes);
	r.more = more;
	for (size_t i = 1; i < r.n_hops; i++) {
		more[i - 1] = r.hop;
		more[i - 1].via[3] = (uint8_t)last_bytes[i];
	}
	return r;
}

static int del(struct rtnl_mirror *m, struct rtnl_learned r)
{
	return rtnl_mirror_del(m, &r);
}

static void hops_of_an_ipv6_route_come_and_go_one_by_one(void **state)
{
	struct rtnl_mirror *m = fresh(state);
	struct rtnl_hop more[4];

	add(m, with_hops("fd01::/48", more, "a"), RTNL_MIRROR_FIRST);
	add(m, with_hops("fd01::/48", more, "ba"), RTNL_MIRROR_LAST); /* all that it has by now */
	assert_int_equal(rtnl_mirror_count(m), 1);
	assert_int_equal(rtnl_mirror_at(m, 0)->n_hops, 2);
	add(m, with_hops("fd01::/48", more, "cab"), RTNL_MIRROR_FIRST);
	assert_int_equal(rtnl_mirror_count(m), 1);
	assert_int_equal(rtnl_mirror_at(m, 0)->n_hops, 3);
	assert_int_equal(del(m, with_hops("fd01::/48", more, "a")), 0);
	assert_true(has(m, with_hops("fd01::/48", more, "cb")));
	assert_int_equal(del(m, with_hops("fd01::/48", more, "bc")), 0);
	assert_int_equal(rtnl_mirror_count(m), 0);
}

static void hops_of_an_ipv4_route_are_one_with_it(void **state)
{
	struct rtnl_mirror *m = fresh(state);
	struct rtnl_hop more[4];
	struct rtnl_learned two = with_hops("10.1.0.0/16", more, "ab");
	struct rtnl_learned one = route_to("10.1.0.0/16", BIRD, 32, 'a');

	add(m, two, RTNL_MIRROR_FIRST);
	assert_int_equal(rtnl_mirror_del(m, &one), -ESRCH);
	add(m, one, RTNL_MIRROR_LAST);
	assert_int_equal(rtnl_mirror_count(m), 2);
	assert_int_equal(rtnl_mirror_del(m, &two), 0);
	assert_true(has(m, one));
	assert_int_equal(rtnl_mirror_at(m, 0)->hop.ifindex, 2);
	assert_true(rtnl_mirror_uses(m, 2));
	assert_false(rtnl_mirror_uses(m, 3));
}

/* ---- equality ---- */

static void mirrors_are_equal_by_what_is_wanted(void **state)
{
	struct rtnl_mirror *m = fresh(state);
	struct rtnl_mirror *other = rtnl_mirror_new(wanted);

	add(m, route_to("10.1.0.0/16", BIRD, 32, 1), RTNL_MIRROR_LAST);
	assert_false(rtnl_mirror_equal(m, other));
	add(other, route_to("10.2.0.0/16", RTPROT_STATIC, 0, 1), RTNL_MIRROR_LAST);
	assert_false(rtnl_mirror_equal(other, m));
	add(other, route_to("10.1.0.0/16", BIRD, 32, 1), RTNL_MIRROR_LAST);
	assert_true(rtnl_mirror_equal(m, other));
	add(other, route_to("10.1.0.0/16", BIRD, 32, 2), RTNL_MIRROR_REPLACE);
	assert_false(rtnl_mirror_equal(m, other));
	rtnl_mirror_free(other);
}

/* ---- against a list ---- */

/* Routes in the order in which the kernel would have them, of all prefixes; hops: a set of letters in hop.via[3]. */
struct list {
	struct rtnl_learned routes[LIST_MAX];
	size_t n;
};

static bool same_place(const struct rtnl_learned *a, const struct rtnl_learned *b)
{
	return prefix_equal(&a->dst, &b->dst) && a->metric == b->metric;
}

static bool same_route(const struct rtnl_learned *a, const struct rtnl_learned *b)
{
	return same_place(a, b) && a->protocol == b->protocol && a->hop.via[3] == b->hop.via[3];
}

static void list_put(struct list *l, size_t at, const struct rtnl_learned *r)
{
	assert_true(l->n < LIST_MAX);
	memmove(&l->routes[at + 1], &l->routes[at], (l->n - at) * sizeof(*r));
	l->routes[at] = *r;
	l->n++;
}

static void list_cut(struct list *l, size_t at)
{
	l->n--;
	memmove(&l->routes[at], &l->routes[at + 1], (l->n - at) * sizeof(l->routes[0]));
}

/* As the kernel does it, which says nothing when it refuses. False: it refuses. */
static bool list_add(struct list *l, const struct rtnl_learned *r, enum rtnl_mirror_how how)
{
	size_t first = l->n, end = l->n;

	for (size_t i = 0; i < l->n; i++) {
		if (!same_place(&l->routes[i], r))
			continue;
		if (same_route(&l->routes[i], r))
			return false;
		first = first == l->n ? i : first;
		end = i + 1;
	}
	if (how == RTNL_MIRROR_REPLACE && first < l->n)
		l->routes[first] = *r;
	else
		list_put(l, how == RTNL_MIRROR_LAST ? end : first, r);
	return true;
}

static struct rtnl_learned any_route(struct prng *p)
{
	struct rtnl_learned r = route_to("10.0.0.0/24", prng_below(p, 2) ? BIRD : RTPROT_STATIC,
					 prng_below(p, 2), (uint8_t)prng_below(p, 3));

	r.dst.addr[2] = (uint8_t)prng_below(p, 200);
	return r;
}

static void step(struct prng *p, struct rtnl_mirror *m, struct list *l)
{
	struct rtnl_learned r = any_route(p);

	/* growing at first, then shrinking */
	if (prng_below(p, 8) < 5) {
		enum rtnl_mirror_how how = (enum rtnl_mirror_how)prng_below(p, 3);

		if (list_add(l, &r, how))
			add(m, r, how);
	} else if (l->n) {
		size_t i = prng_below(p, (uint32_t)l->n);

		assert_int_equal(rtnl_mirror_del(m, &l->routes[i]), 0);
		list_cut(l, i);
	}
}

static void mirror_is_what_a_list_says(void **state)
{
	struct rtnl_mirror *m = fresh(state);
	struct list *l = calloc(1, sizeof(*l));
	struct prng p;

	prng_init(&p, 6001);
	for (int i = 0; i < STEPS; i++) {
		step(&p, m, l);
		assert_int_equal(rtnl_mirror_count(m), l->n);
		if (i % 1000 == 0)
			assert_true(rtnl_mirror_check(m));
	}
	for (size_t i = 0; i < l->n; i++)
		assert_true(has(m, l->routes[i]));
	while (l->n) {
		assert_int_equal(rtnl_mirror_del(m, &l->routes[l->n - 1]), 0);
		l->n--;
	}
	assert_int_equal(rtnl_mirror_count(m), 0);
	free(l);
}

static struct rtnl_learned numbered(uint32_t i)
{
	struct rtnl_learned r = route_to("0.0.0.0/32", BIRD, 32, 1);

	r.dst.addr[1] = (uint8_t)(i >> 16);
	r.dst.addr[2] = (uint8_t)(i >> 8);
	r.dst.addr[3] = (uint8_t)i;
	return r;
}

static void hundred_thousand_come_and_go(void **state)
{
	struct rtnl_mirror *m = fresh(state);

	for (uint32_t i = 0; i < MANY; i++)
		add(m, numbered(i), RTNL_MIRROR_REPLACE);
	assert_int_equal(rtnl_mirror_count(m), MANY);
	assert_true(rtnl_mirror_check(m));
	for (uint32_t i = 0; i < MANY; i++) {
		struct rtnl_learned r = numbered((i * 7919) % MANY);

		assert_int_equal(rtnl_mirror_del(m, &r), 0);
	}
	assert_int_equal(rtnl_mirror_count(m), 0);
}

#define MIRROR_TEST(f) cmocka_unit_test_teardown(f, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MIRROR_TEST(replacement_takes_the_place_of_the_first),
		MIRROR_TEST(other_metrics_and_lengths_are_other_routes),
		MIRROR_TEST(withdrawal_is_of_exactly_one_ipv4_route),
		MIRROR_TEST(only_wanted_protocols_count_as_changes),
		MIRROR_TEST(hops_of_an_ipv6_route_come_and_go_one_by_one),
		MIRROR_TEST(hops_of_an_ipv4_route_are_one_with_it),
		MIRROR_TEST(mirrors_are_equal_by_what_is_wanted),
		MIRROR_TEST(mirror_is_what_a_list_says),
		MIRROR_TEST(hundred_thousand_come_and_go),
	};

	return cmocka_run_group_tests_name("tun/rtnl_mirror", tests, NULL, NULL);
}

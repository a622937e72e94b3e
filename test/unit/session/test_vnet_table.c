/* SPDX-License-Identifier: Apache-2.0 */
/* A VNet's table, made of what control says its clients may reach. The device is real, and nobody uses it. */
#include <arpa/inet.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sstp/base/clock.h"
#include "sstp/net/loop.h"
#include "sstp/session/vnet_internal.h"
#include "test/support/cmocka.h"
#include "test/support/prng.h"
#include "tun/netns.h"
#include "tun/tun.h"

enum {
	READERS = 2,
	SWAPS = 1000,
	FULL = 100000, /* routes of a full table */
};

/* VNet "lab": its space is 10.20.0.0/16, its pool 172.16.77.0/24 */
struct scene {
	struct loop *loop;
	int netns;
	char netns_path[32];
	struct prefix space, pool;
	struct vnet_params params;
	struct qsbr *qsbr;
	struct vnet_env env;
	struct vnet *vnet;
};

static void on_failure(void *arg)
{
	fail_msg("the device is gone");
}

static int set_up(void **state)
{
	static struct scene scene;
	struct scene *s = &scene;
	char error[256];

	memset(s, 0, sizeof(*s));
	*state = s;
	s->netns = netns_create();
	assert_in_range(s->netns, 0, 1 << 20);
	snprintf(s->netns_path, sizeof(s->netns_path), "/proc/self/fd/%d", s->netns);
	assert_int_equal(prefix_parse("10.20.0.0/16", &s->space), 0);
	assert_int_equal(prefix_parse("172.16.77.0/24", &s->pool), 0);
	s->params = (struct vnet_params){
		.name = "lab",
		.address_spaces = &s->space,
		.naddress_spaces = 1,
		.pools = &s->pool,
		.npools = 1,
		.gateway_be = inet_addr("172.16.77.1"),
		.tun_name = "lab0",
		.netns = s->netns_path,
		.mtu = 1400,
		.offload = TUN_OFFLOAD_ALL,
	};
	s->loop = loop_new();
	assert_int_equal(qsbr_new(READERS, &s->qsbr), 0);
	s->env = (struct vnet_env){.loop = s->loop, .threads = 1, .on_failure = on_failure};
	assert_int_equal(fib_publisher_new(s->qsbr, &s->env.publisher), 0);
	assert_int_equal(vnet_new(&s->env, &s->params, &s->vnet, error), 0);
	return 0;
}

static int tear_down(void **state)
{
	struct scene *s = *state;

	vnet_free(s->vnet);
	fib_publisher_free(s->env.publisher);
	qsbr_free(s->qsbr);
	loop_free(s->loop);
	close(s->netns);
	return 0;
}

static uint32_t verdict(const struct scene *s, const char *address)
{
	const struct fib *table = fib_slot_get(&s->vnet->table);
	uint8_t addr[16];

	if (inet_pton(AF_INET6, address, addr) == 1)
		return fib_lookup6(table, addr);
	return fib_lookup4(table, inet_addr(address));
}

static void add(struct reach *r, const char *text, enum reach_verdict v)
{
	struct reach_route route = {.verdict = (uint8_t)v};

	assert_int_equal(prefix_parse(text, &route.prefix), 0);
	assert_int_equal(reach_add(r, &route, 1), 0);
}

static struct reach *both_families(void)
{
	struct reach *r = reach_new();

	assert_non_null(r);
	add(r, "10.30.0.0/16", REACH_VNET);
	add(r, "10.30.7.0/24", REACH_REFUSED);
	add(r, "10.30.7.8/32", REACH_OPEN);
	add(r, "fd00:30::/32", REACH_VNET);
	add(r, "fd00:30:7::/48", REACH_REFUSED);
	add(r, "::/0", REACH_OPEN);
	return r;
}

/* ---- */

static void reach_stands_in_place_of_the_address_spaces_until_it_is_taken_back(void **state)
{
	struct scene *s = *state;
	struct reach *r = both_families();

	assert_int_equal(verdict(s, "10.20.0.9"), VNET_PASSES);
	assert_int_equal(verdict(s, "10.30.0.9"), FIB_NONE);
	assert_false(atomic_load(&s->vnet->refuses));
	assert_int_equal(vnet_set_reach(s->vnet, r), 0);
	reach_unref(r);
	assert_int_equal(verdict(s, "10.20.0.9"), FIB_NONE);
	assert_int_equal(verdict(s, "10.30.0.9"), VNET_PASSES);
	assert_int_equal(verdict(s, "10.30.7.9"), DROP_PEERING);
	assert_int_equal(verdict(s, "10.30.7.8"), VNET_OPEN);
	assert_int_equal(verdict(s, "fd00:30::9"), VNET_PASSES);
	assert_int_equal(verdict(s, "fd00:30:7::9"), DROP_PEERING);
	assert_int_equal(verdict(s, "2001:db8::1"), VNET_OPEN);
	assert_true(atomic_load(&s->vnet->refuses));
	assert_int_equal(vnet_set_reach(s->vnet, NULL), 0);
	assert_int_equal(verdict(s, "10.20.0.9"), VNET_PASSES);
	assert_int_equal(verdict(s, "10.30.7.9"), FIB_NONE);
	assert_int_equal(verdict(s, "fd00:30::9"), FIB_NONE);
	assert_false(atomic_load(&s->vnet->refuses));
}

/* An on-premises range that lies inside of what a closed peering has, say. */
static void what_nothing_is_said_of_is_a_hole_in_what_is_refused_or_open_around_it(void **state)
{
	struct scene *s = *state;
	struct reach *r = both_families();

	add(r, "10.30.7.64/26", REACH_NONE);
	add(r, "10.30.64.0/18", REACH_NONE);
	add(r, "fd00:30:7:8::/64", REACH_NONE);
	assert_int_equal(vnet_set_reach(s->vnet, r), 0);
	reach_unref(r);
	assert_int_equal(verdict(s, "10.30.7.9"), DROP_PEERING);
	assert_int_equal(verdict(s, "10.30.7.65"), VNET_NONE);
	assert_int_equal(verdict(s, "10.30.65.1"), VNET_NONE);
	assert_int_equal(verdict(s, "fd00:30:7:8::1"), VNET_NONE);
	assert_int_equal(verdict(s, "fd00:30:7:9::1"), DROP_PEERING);
}

static void nothing_opens_pools_the_gateway_or_what_is_never_forwarded(void **state)
{
	static const char *const texts[] = {
		"172.16.77.0/24", "172.16.77.128/25", "172.16.77.1/32", "127.0.0.1/32",
		"224.0.0.5/32",	  "0.0.0.0/8",	      "0.0.0.0/0",	"::1/128",
		"fe80::/64",	  "ff02::1/128",      "::/0",		"::ffff:10.0.0.0/104",
	};
	struct scene *s = *state;
	struct reach *r = reach_new();

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		add(r, texts[i], REACH_OPEN);
	assert_int_equal(vnet_set_reach(s->vnet, r), 0);
	reach_unref(r);
	assert_int_equal(verdict(s, "172.16.77.2"), DROP_CLIENT_TO_CLIENT);
	assert_int_equal(verdict(s, "172.16.77.200"), DROP_CLIENT_TO_CLIENT);
	assert_int_equal(verdict(s, "172.16.77.1"), DROP_GATEWAY);
	assert_int_equal(verdict(s, "127.0.0.2"), DROP_NO_ROUTE);
	assert_int_equal(verdict(s, "224.0.0.5"), DROP_NO_ROUTE);
	assert_int_equal(verdict(s, "0.1.2.3"), DROP_NO_ROUTE);
	assert_int_equal(verdict(s, "198.51.100.1"), VNET_OPEN);
	assert_int_equal(verdict(s, "::"), DROP_NO_ROUTE);
	assert_int_not_equal(verdict(s, "::1"), VNET_OPEN);
	assert_int_not_equal(verdict(s, "fe80::1"), VNET_OPEN);
	assert_int_equal(verdict(s, "ff02::1"), DROP_NO_ROUTE);
	assert_int_equal(verdict(s, "::ffff:10.0.0.1"), DROP_NO_ROUTE);
	assert_int_equal(verdict(s, "2001:db8::1"), VNET_OPEN);
}

static void reach_outlives_an_update_of_the_settings(void **state)
{
	struct scene *s = *state;
	struct reach *r = both_families();
	char error[256];

	s->params.reach = r; /* as the data plane says it each time */
	s->params.client_to_client = true;
	assert_int_equal(vnet_update(s->vnet, &s->params, error), 0);
	assert_int_equal(verdict(s, "10.30.7.9"), DROP_PEERING);
	assert_int_equal(verdict(s, "172.16.77.2"), VNET_PASSES);
	reach_unref(r);
	assert_int_equal(vnet_publish(s->vnet), 0); /* the gateway has got an address, say */
	assert_int_equal(verdict(s, "10.30.7.9"), DROP_PEERING);
}

/* ---- against a list that is walked from end to end */

static struct reach_route random_route(struct prng *prng)
{
	struct reach_route r = {.verdict = (uint8_t)prng_below(prng, REACH_VERDICTS)};
	unsigned bits;

	r.prefix.family = prng_below(prng, 2) ? AF_INET : AF_INET6;
	bits = r.prefix.family == AF_INET ? 24 : 40;
	r.prefix.len = (uint8_t)(8 + prng_below(prng, bits - 7));
	r.prefix.addr[0] = r.prefix.family == AF_INET ? 10 : 0xfd;
	for (unsigned i = 1; i < bits / 8; i++)
		r.prefix.addr[i] = (uint8_t)prng_below(prng, 4);
	for (unsigned bit = r.prefix.len; bit < 128; bit++)
		r.prefix.addr[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	return r;
}

/* The last one of the longest. */
static uint32_t slow_verdict(const struct reach *reach, uint8_t family, const uint8_t addr[16])
{
	static const uint32_t verdicts[] = {VNET_PASSES, VNET_OPEN, DROP_PEERING, VNET_NONE};
	uint32_t found = FIB_NONE;
	size_t n;
	const struct reach_route *routes = reach_routes(reach, &n);
	int longest = -1;

	for (size_t i = 0; i < n; i++) {
		const struct prefix *p = &routes[i].prefix;

		if (p->family == family && p->len >= longest && prefix_contains(p, addr)) {
			longest = p->len;
			found = verdicts[routes[i].verdict];
		}
	}
	return found;
}

static void random_reach_answers_as_a_list_would(void **state)
{
	const uint64_t seed = clock_now();
	struct scene *s = *state;
	struct prng prng;

	print_message("seed %llu\n", (unsigned long long)seed);
	prng_init(&prng, seed);
	for (unsigned round = 0; round < 40; round++) {
		struct reach *r = reach_new();

		for (unsigned i = prng_below(&prng, 200); i > 0; i--) {
			struct reach_route route = random_route(&prng);

			assert_int_equal(reach_add(r, &route, 1), 0);
		}
		assert_int_equal(vnet_set_reach(s->vnet, r), 0);
		for (unsigned i = 0; i < 2000; i++) {
			uint8_t addr4[16] = {10, 0, 0, 7}, addr6[16] = {0xfd, [15] = 7};
			const struct fib *table = fib_slot_get(&s->vnet->table);
			uint32_t be;

			for (unsigned k = 1; k < 3; k++)
				addr4[k] = (uint8_t)prng_below(&prng, 5);
			for (unsigned k = 1; k < 5; k++)
				addr6[k] = (uint8_t)prng_below(&prng, 5);
			memcpy(&be, addr4, sizeof(be));
			assert_int_equal(fib_lookup4(table, be), slow_verdict(r, AF_INET, addr4));
			assert_int_equal(fib_lookup6(table, addr6),
					 slow_verdict(r, AF_INET6, addr6));
		}
		reach_unref(r);
	}
}

/* ---- under load */

struct reader {
	const struct scene *scene;
	size_t number;
	atomic_bool *ends;
	uint64_t lookups;
	uint64_t halves; /* tables that were neither the one nor the other */
};

/* As a data thread's passes: what it has seen of a table it has let go of at the end of each. */
static void *read_table(void *arg)
{
	struct reader *r = arg;
	const uint32_t one_be = inet_addr("10.1.0.1"), other_be = inet_addr("10.200.0.1");

	qsbr_online(r->scene->qsbr, r->number);
	while (!atomic_load(r->ends)) {
		for (unsigned i = 0; i < 64; i++) {
			const struct fib *table = fib_slot_get(&r->scene->vnet->table);

			r->halves += fib_lookup4(table, one_be) != fib_lookup4(table, other_be);
			r->lookups += 2;
		}
		qsbr_quiescent(r->scene->qsbr, r->number);
	}
	qsbr_offline(r->scene->qsbr, r->number);
	return NULL;
}

/* n routes 10.x.y.z/32 and two /16, all with one verdict. */
static struct reach *uniform(unsigned n, enum reach_verdict v)
{
	struct reach *r = reach_new();

	add(r, "10.1.0.0/16", v);
	add(r, "10.200.0.0/16", v);
	for (unsigned i = 0; i < n; i++) {
		struct reach_route route = {
			.prefix = {.family = AF_INET,
				   .len = 24,
				   .addr = {(uint8_t)(11 + i / 65536), (uint8_t)(i / 256),
					    (uint8_t)i}},
			.verdict = (uint8_t)(i % 7 ? v : (v + 1) % 3),
		};

		assert_int_equal(reach_add(r, &route, 1), 0);
	}
	return r;
}

static void thousand_changes_under_load_show_no_half_table_and_leave_one(void **state)
{
	struct scene *s = *state;
	struct reach *lists[] = {uniform(50, REACH_VNET), uniform(50, REACH_REFUSED)};
	struct reader readers[READERS];
	pthread_t threads[READERS];
	atomic_bool ends = false;

	assert_int_equal(vnet_set_reach(s->vnet, lists[1]), 0);
	for (unsigned i = 0; i < READERS; i++) {
		readers[i] = (struct reader){.scene = s, .number = i, .ends = &ends};
		assert_int_equal(pthread_create(&threads[i], NULL, read_table, &readers[i]), 0);
	}
	for (unsigned i = 0; i < SWAPS; i++) {
		assert_int_equal(vnet_set_reach(s->vnet, lists[i % 2]), 0);
		fib_publisher_reclaim(s->env.publisher);
	}
	atomic_store(&ends, true);
	for (unsigned i = 0; i < READERS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(readers[i].halves, 0);
		assert_in_range(readers[i].lookups, 2, UINT64_MAX);
	}
	fib_publisher_reclaim(s->env.publisher);
	assert_int_equal(fib_publisher_count(s->env.publisher), 1);
	reach_unref(lists[0]);
	reach_unref(lists[1]);
}

static void full_table_is_compiled_once_and_its_memory_comes_back(void **state)
{
	struct scene *s = *state;
	struct reach *r = uniform(FULL, REACH_OPEN);
	size_t before = fib_publisher_bytes(s->env.publisher), full;
	uint64_t began = clock_now(), took;

	assert_int_equal(vnet_set_reach(s->vnet, r), 0);
	took = clock_now() - began;
	full = fib_publisher_bytes(s->env.publisher);
	reach_unref(r);
	assert_int_equal(verdict(s, "12.0.0.1"), VNET_OPEN);
	print_message("%d routes: compiled in %.1f ms, %zu KB\n", FULL, (double)took / 1e6,
		      full / 1024);
	assert_in_range(full, before, 16 << 20);
	assert_int_equal(vnet_set_reach(s->vnet, NULL), 0);
	fib_publisher_reclaim(s->env.publisher);
	assert_int_equal(fib_publisher_bytes(s->env.publisher), before);
	assert_int_equal(fib_publisher_count(s->env.publisher), 1);
}

int main(void)
{
#define in_scene(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		in_scene(reach_stands_in_place_of_the_address_spaces_until_it_is_taken_back),
		in_scene(what_nothing_is_said_of_is_a_hole_in_what_is_refused_or_open_around_it),
		in_scene(nothing_opens_pools_the_gateway_or_what_is_never_forwarded),
		in_scene(reach_outlives_an_update_of_the_settings),
		in_scene(random_reach_answers_as_a_list_would),
		in_scene(thousand_changes_under_load_show_no_half_table_and_leave_one),
		in_scene(full_table_is_compiled_once_and_its_memory_comes_back),
	};

	return cmocka_run_group_tests_name("session/vnet_table", tests, NULL, NULL);
}

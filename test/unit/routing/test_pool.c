/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/pool.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "test/support/cmocka.h"
#include "test/support/prng.h"

/* Allocations until the one that fails; negative: none does. */
static int allocations_left = -1;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);

static bool allocation_fails(void)
{
	return allocations_left >= 0 && allocations_left-- == 0;
}

void *__wrap_malloc(size_t size)
{
	return allocation_fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return allocation_fails() ? NULL : __real_calloc(n, size);
}

static const uint8_t key[POOL_KEY_SIZE] = "not very random";

static struct pool *pool_of(const char *const *texts, size_t n)
{
	struct prefix prefixes[8];
	struct pool *p;

	for (size_t i = 0; i < n; i++)
		assert_int_equal(prefix_parse(texts[i], &prefixes[i]), 0);
	assert_int_equal(pool_new(prefixes, n, key, &p), 0);
	return p;
}

#define POOL_OF(...)                                \
	pool_of((const char *const[]){__VA_ARGS__}, \
		sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static int new_error(const char *const *texts, size_t n)
{
	struct prefix prefixes[8];
	struct pool *p = NULL;
	int error;

	for (size_t i = 0; i < n; i++)
		assert_int_equal(prefix_parse(texts[i], &prefixes[i]), 0);
	error = pool_new(prefixes, n, key, &p);
	assert_null(p);
	return error;
}

#define NEW_ERROR(...)                                \
	new_error((const char *const[]){__VA_ARGS__}, \
		  sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *))

static uint32_t addr(const char *text)
{
	return inet_addr(text);
}

/* The address that owner gets, which must be consistent with the index. */
static uint32_t lease(struct pool *p, const char *owner, uint64_t now_ns)
{
	uint32_t got = 0;
	int index = pool_lease(p, owner, now_ns, &got);

	assert_in_range(index, 0, pool_indexes(p) - 1);
	assert_int_equal(pool_index(p, got), index);
	assert_int_equal(pool_address(p, (uint32_t)index), got);
	return got;
}

static void release(struct pool *p, uint32_t addr_be, uint64_t now_ns)
{
	pool_release(p, (uint32_t)pool_index(p, addr_be), now_ns);
}

static void assert_exhausted(struct pool *p)
{
	uint32_t got = 7;

	assert_int_equal(pool_lease(p, "late", 0, &got), -ENOSPC);
	assert_int_equal(got, 7);
}

static void assert_leases_exactly(const char *prefix, const char *first, uint32_t size)
{
	struct pool *p = POOL_OF(prefix);

	assert_int_equal(pool_size(p), size);
	assert_int_equal(pool_indexes(p), size);
	for (uint32_t i = 0; i < size; i++)
		assert_int_equal(ntohl(lease(p, "app", 0)), ntohl(addr(first)) + i);
	assert_exhausted(p);
	assert_int_equal(pool_used(p), size);
	assert_true(pool_check(p));
	pool_free(p);
}

static void every_address_is_leased_first_and_last_too(void **state)
{
	assert_leases_exactly("10.1.2.3/32", "10.1.2.3", 1);
	assert_leases_exactly("10.1.2.4/31", "10.1.2.4", 2);
	assert_leases_exactly("10.1.2.4/30", "10.1.2.4", 4);
	assert_leases_exactly("192.168.7.0/24", "192.168.7.0", 256);
	assert_leases_exactly("255.255.255.252/30", "255.255.255.252", 4);
	assert_leases_exactly("0.0.0.0/30", "0.0.0.0", 4);
}

static void several_prefixes_are_one_pool_in_the_order_given(void **state)
{
	struct pool *p = POOL_OF("172.16.0.0/31", "10.0.0.8/30", "10.0.0.4/32");
	static const char *const expected[] = {"172.16.0.0", "172.16.0.1", "10.0.0.8", "10.0.0.9",
					       "10.0.0.10",  "10.0.0.11",  "10.0.0.4"};

	assert_int_equal(pool_indexes(p), 7);
	for (int i = 0; i < 7; i++) {
		assert_int_equal(pool_index(p, addr(expected[i])), i);
		assert_int_equal(lease(p, "app", 0), addr(expected[i]));
	}
	assert_exhausted(p);
	pool_free(p);
}

static void addresses_outside_have_no_index(void **state)
{
	struct pool *p = POOL_OF("172.16.0.0/31", "10.0.0.8/30");
	static const char *const outside[] = {"10.0.0.7",   "10.0.0.12", "172.15.255.255",
					      "172.16.0.2", "0.0.0.0",	 "255.255.255.255",
					      "11.0.0.0",   "8.0.0.10"};

	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
		assert_int_equal(pool_index(p, addr(outside[i])), -ENOENT);
		assert_int_equal(pool_reserve(p, addr(outside[i])), false);
	}
	assert_int_equal(pool_size(p), 6);
	pool_free(p);
}

static void prefixes_that_overlap_or_are_none_are_refused(void **state)
{
	struct prefix wrong_len = {.family = AF_INET, .len = 33, .addr = {10}};
	struct pool *p = NULL;

	assert_int_equal(pool_new(NULL, 0, key, &p), -EINVAL);
	assert_int_equal(pool_new(&wrong_len, 1, key, &p), -EINVAL);
	assert_null(p);
	assert_int_equal(NEW_ERROR("10.0.0.0/24", "10.0.0.0/24"), -EINVAL);
	assert_int_equal(NEW_ERROR("10.0.0.0/24", "10.1.0.0/24", "10.0.0.255/32"), -EINVAL);
	assert_int_equal(NEW_ERROR("10.0.0.128/25", "10.0.0.0/24"), -EINVAL);
	assert_int_equal(NEW_ERROR("10.0.0.0/24", "2001:db8::/120"), -EINVAL);
}

static void pool_max_is_the_most(void **state)
{
	struct pool *p = POOL_OF("172.16.0.0/12");

	assert_int_equal(pool_size(p), POOL_MAX);
	assert_int_equal(pool_index(p, addr("172.31.255.255")), POOL_MAX - 1);
	pool_free(p);
	assert_int_equal(NEW_ERROR("172.16.0.0/12", "10.0.0.1/32"), -E2BIG);
	assert_int_equal(NEW_ERROR("10.0.0.0/11"), -E2BIG);
	assert_int_equal(NEW_ERROR("0.0.0.0/0"), -E2BIG);
}

static void reserved_address_is_never_leased(void **state)
{
	struct pool *p = POOL_OF("10.0.0.0/30");

	assert_int_equal(pool_reserve(p, addr("10.0.0.1")), true);
	assert_int_equal(pool_reserve(p, addr("10.0.0.1")), true);
	assert_int_equal(pool_size(p), 3);
	assert_int_equal(pool_indexes(p), 4);
	assert_int_equal(pool_index(p, addr("10.0.0.1")), 1);
	assert_int_equal(lease(p, "a", 0), addr("10.0.0.0"));
	assert_int_equal(lease(p, "b", 0), addr("10.0.0.2"));
	assert_int_equal(lease(p, "c", 0), addr("10.0.0.3"));
	assert_exhausted(p);
	assert_true(pool_check(p));
	pool_free(p);
}

static void owner_gets_back_what_it_held_last(void **state)
{
	struct pool *p = POOL_OF("10.0.0.0/29");
	uint32_t a = lease(p, "alice", 1);
	uint32_t b = lease(p, "bob", 2);

	release(p, a, 3);
	release(p, b, 4);
	assert_int_equal(lease(p, "bob", 5), b);
	assert_int_equal(lease(p, "alice", 6), a);
	assert_true(pool_check(p));
	pool_free(p);
}

static void owner_of_several_gets_the_latest_released_first(void **state)
{
	struct pool *p = POOL_OF("10.0.0.0/29");
	uint32_t one = lease(p, "app", 1);
	uint32_t two = lease(p, "app", 1);
	uint32_t three = lease(p, "app", 1);

	release(p, two, 2);
	release(p, three, 3);
	release(p, one, 4);
	assert_int_equal(lease(p, "app", 5), one);
	assert_int_equal(lease(p, "app", 5), three);
	assert_int_equal(lease(p, "app", 5), two);
	assert_int_equal(lease(p, "app", 5), addr("10.0.0.3"));
	pool_free(p);
}

static void owner_whose_address_is_taken_gets_another(void **state)
{
	struct pool *p = POOL_OF("10.0.0.0/32", "10.0.0.9/32");
	uint32_t a = lease(p, "alice", 1);
	uint32_t b = lease(p, "bob", 1);

	release(p, a, 2);
	assert_int_equal(lease(p, "carol", 2 + POOL_REST_NS), a);
	release(p, b, 3 + POOL_REST_NS);
	assert_int_equal(lease(p, "alice", 3 + 2 * POOL_REST_NS), b);
	assert_exhausted(p);
	pool_free(p);
}

static void stranger_gets_unused_then_the_longest_rested(void **state)
{
	struct pool *p = POOL_OF("10.0.0.0/30");
	uint32_t a = lease(p, "alice", 1);
	uint32_t b = lease(p, "bob", 1);

	release(p, b, 2);
	release(p, a, 3);
	assert_int_equal(lease(p, "c", 4), addr("10.0.0.2"));
	assert_int_equal(lease(p, "d", 4), addr("10.0.0.3"));
	assert_int_equal(lease(p, "e", 3 + POOL_REST_NS), b);
	assert_int_equal(lease(p, "f", 3 + POOL_REST_NS), a);
	assert_exhausted(p);
	assert_true(pool_check(p));
	pool_free(p);
}

static void X54_stranger_gets_no_address_that_was_released_within_the_minute(void **state)
{
	struct pool *p = POOL_OF("10.0.0.0/32");
	uint32_t a = lease(p, "alice", 1);
	uint32_t got = 7;

	release(p, a, 2);
	assert_int_equal(pool_lease(p, "bob", 1 + POOL_REST_NS, &got), -ENOSPC);
	assert_int_equal(got, 7);
	/* her own she gets back at once, and it rests anew */
	assert_int_equal(lease(p, "alice", 1 + POOL_REST_NS), a);
	release(p, a, 1 + POOL_REST_NS);
	assert_int_equal(pool_lease(p, "bob", 2 * POOL_REST_NS, &got), -ENOSPC);
	assert_int_equal(lease(p, "bob", 1 + 2 * POOL_REST_NS), a);
	assert_true(pool_check(p));
	pool_free(p);
}

static void lease_is_held_by_its_owner_until_it_is_released(void **state)
{
	struct pool *p = POOL_OF("10.0.0.0/30");
	uint32_t a = lease(p, "alice", 1);
	uint32_t index = (uint32_t)pool_index(p, a);

	assert_true(pool_is_held_by(p, index, "alice"));
	assert_false(pool_is_held_by(p, index, "bob"));
	assert_false(pool_is_held_by(p, index + 1, "alice"));
	release(p, a, 2);
	assert_false(pool_is_held_by(p, index, "alice"));
	pool_free(p);
}

static bool remember(struct pool *p, const char *address, const char *owner, uint64_t now_ns)
{
	return pool_remember(p, (uint32_t)pool_index(p, addr(address)), owner, now_ns);
}

/* What was known before a restart. */
static void remembered_owner_gets_its_address_and_strangers_the_others(void **state)
{
	struct pool *p = POOL_OF("10.0.0.0/30");
	uint32_t got;

	assert_true(remember(p, "10.0.0.0", "alice", 1));
	assert_true(remember(p, "10.0.0.2", "bob", 2));
	assert_int_equal(pool_used(p), 0);
	assert_int_equal(lease(p, "carol", 3), addr("10.0.0.1"));
	assert_int_equal(lease(p, "bob", 3), addr("10.0.0.2"));
	assert_int_equal(lease(p, "carol", 3), addr("10.0.0.3"));
	/* all others are taken: alice's, once it has rested */
	assert_int_equal(pool_lease(p, "carol", POOL_REST_NS, &got), -ENOSPC);
	assert_int_equal(lease(p, "carol", 1 + POOL_REST_NS), addr("10.0.0.0"));
	assert_true(pool_check(p));
	pool_free(p);
}

static void what_the_pool_knows_itself_is_not_overruled_by_what_is_remembered(void **state)
{
	struct pool *p = POOL_OF("10.0.0.0/30");
	uint32_t a = lease(p, "alice", 1);
	uint32_t b = lease(p, "bob", 1);

	release(p, b, 2);
	assert_true(pool_reserve(p, addr("10.0.0.2")));
	assert_true(remember(p, "10.0.0.3", "dave", 3));
	assert_false(pool_remember(p, (uint32_t)pool_index(p, a), "carol", 3));
	assert_false(pool_remember(p, (uint32_t)pool_index(p, b), "carol", 3));
	assert_false(remember(p, "10.0.0.2", "carol", 3));
	assert_false(remember(p, "10.0.0.3", "carol", 3));
	assert_true(pool_is_held_by(p, 0, "alice"));
	assert_int_equal(lease(p, "bob", 4), b);
	assert_int_equal(lease(p, "dave", 4), addr("10.0.0.3"));
	assert_exhausted(p);
	assert_true(pool_check(p));
	pool_free(p);
}

static void owners_differ_in_any_byte(void **state)
{
	struct pool *p = POOL_OF("10.0.0.0/29");
	char name[600];
	uint32_t a;

	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	a = lease(p, name, 1);
	release(p, a, 2);
	assert_int_equal(lease(p, name, 3), a);
	release(p, a, 4);
	name[sizeof(name) - 2] = 'y';
	assert_int_not_equal(lease(p, name, 5), a);
	assert_int_not_equal(lease(p, "", 6), a);
	pool_free(p);
}

/* These two are one to FNV-1a of 64 bits, without a key; to find them takes a moment. */
static void names_made_to_collide_are_two_owners(void **state)
{
	struct pool *p = POOL_OF("10.0.0.0/29");
	uint32_t a = lease(p, "XAb07q?*]X", 1);

	release(p, a, 2);
	assert_int_not_equal(lease(p, "pRY5;-g3<E", 3), a);
	pool_free(p);
}

static void a_thousand_leases_of_one_owner_come_and_go(void **state)
{
	struct pool *p = POOL_OF("10.0.0.0/22");

	for (uint32_t i = 0; i < 1024; i++)
		lease(p, "app", 1);
	for (uint32_t i = 0; i < 1024; i++)
		pool_release(p, i, 2 + i);
	assert_true(pool_check(p));
	for (uint32_t i = 0; i < 1024; i++)
		assert_int_equal(ntohl(lease(p, "app", 5000)) & 1023, 1023 - i);
	assert_exhausted(p);
	pool_free(p);
}

static void new_fails_whole_at_every_allocation(void **state)
{
	struct prefix prefix;
	struct pool *p = NULL;
	int failures = 0;

	assert_int_equal(prefix_parse("10.0.0.0/29", &prefix), 0);
	for (;; failures++) {
		int error;

		allocations_left = failures;
		error = pool_new(&prefix, 1, key, &p);
		allocations_left = -1;
		if (error == 0)
			break;
		assert_int_equal(error, -ENOMEM);
		assert_null(p);
	}
	assert_int_equal(failures, 5);
	assert_true(pool_check(p));
	pool_free(p);
}

static void lease_and_release_need_no_memory(void **state)
{
	struct pool *p = POOL_OF("10.0.0.0/31");
	uint32_t a;

	allocations_left = 0;
	a = lease(p, "alice", 1);
	release(p, a, 2);
	assert_int_equal(lease(p, "carol", 3), a ^ htonl(1));
	assert_int_equal(lease(p, "alice", 4), a);
	assert_int_equal(allocations_left, 0);
	allocations_left = -1;
	pool_free(p);
}

/* The slow oracle: the rules of pool.h written down as a search over all addresses. */
struct slow_entry {
	bool leased, reserved;
	int owner;	   /* -1: never leased */
	uint64_t released; /* 0: never */
};

enum {
	SLOW_MAX = 64
};

static bool slow_is_better(const struct slow_entry *a, const struct slow_entry *b, int owner)
{
	bool a_held = a->owner == owner;
	bool b_held = b->owner == owner;

	if (a_held != b_held)
		return a_held;
	return a_held ? a->released > b->released : a->released < b->released;
}

static bool slow_is_free(const struct slow_entry *e, int owner, uint64_t now)
{
	bool rests = e->owner >= 0 && e->owner != owner && now - e->released < POOL_REST_NS;

	return !e->leased && !e->reserved && !rests;
}

static int slow_pick(const struct slow_entry *e, uint32_t n, int owner, uint64_t now)
{
	int best = -ENOSPC;

	for (uint32_t i = 0; i < n; i++)
		if (slow_is_free(&e[i], owner, now) &&
		    (best < 0 || slow_is_better(&e[i], &e[best], owner)))
			best = (int)i;
	return best;
}

static void slow_lease(struct slow_entry *e, struct pool *p, int owner, uint64_t now)
{
	int expected = slow_pick(e, pool_indexes(p), owner, now);
	uint32_t got = 0;
	char name[16];

	snprintf(name, sizeof(name), "app-%d", owner);
	assert_int_equal(pool_lease(p, name, now, &got), expected);
	if (expected < 0)
		return;
	assert_int_equal(got, pool_address(p, (uint32_t)expected));
	e[expected].leased = true;
	e[expected].owner = owner;
}

static void slow_release(struct slow_entry *e, struct pool *p, uint32_t from, uint64_t now)
{
	uint32_t n = pool_indexes(p);

	for (uint32_t k = 0; k < n; k++) {
		uint32_t i = (from + k) % n;

		if (!e[i].leased)
			continue;
		pool_release(p, i, now);
		e[i].leased = false;
		e[i].released = now;
		return;
	}
}

static void slow_remember(struct slow_entry *e, struct pool *p, uint32_t i, int owner, uint64_t now)
{
	bool is_news = !e[i].leased && !e[i].reserved && e[i].owner < 0;
	char name[16];

	snprintf(name, sizeof(name), "app-%d", owner);
	assert_int_equal(pool_remember(p, i, name, now), is_news);
	if (!is_news)
		return;
	e[i].owner = owner;
	e[i].released = now;
}

static void run_against_oracle(struct prng *prng, struct pool *p, int owners, int steps)
{
	struct slow_entry e[SLOW_MAX] = {0};
	uint32_t n = pool_indexes(p);
	uint64_t now = 1;

	assert_in_range(n, 1, SLOW_MAX);
	for (uint32_t i = 0; i < n; i++) {
		e[i].owner = -1;
		e[i].reserved = prng_below(prng, 8) == 0;
		if (e[i].reserved)
			assert_true(pool_reserve(p, pool_address(p, i)));
	}
	for (int step = 0; step < steps; step++) {
		uint32_t used = 0;
		/* the drift changes now and then, so that the pool runs full and empty */
		uint32_t leases = step / 200 % 2 ? 3 : 7;

		if (prng_below(prng, 16) == 0)
			slow_remember(e, p, prng_below(prng, n),
				      (int)prng_below(prng, (uint32_t)owners), now);
		else if (prng_below(prng, 10) < leases)
			slow_lease(e, p, (int)prng_below(prng, (uint32_t)owners), now);
		else
			slow_release(e, p, prng_below(prng, n), now);
		/* most that are released rest for some steps, and some are forgotten for long */
		now += 1 + prng_below(prng, 8) * (POOL_REST_NS / 32);
		for (uint32_t i = 0; i < n; i++)
			used += e[i].leased;
		assert_int_equal(pool_used(p), used);
		assert_true(pool_check(p));
	}
}

static void random_operations_agree_with_the_slow_oracle(void **state)
{
	struct prng prng;

	prng_init(&prng, 0x5eed1ea5e);
	for (int round = 0; round < 8; round++) {
		struct pool *p = round % 2 ? POOL_OF("10.0.0.16/28")
					   : POOL_OF("10.9.0.0/30", "10.0.0.32/27", "10.4.0.1/32");

		run_against_oracle(&prng, p, 2 + 20 * (round / 2), 4000);
		pool_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_address_is_leased_first_and_last_too),
		cmocka_unit_test(several_prefixes_are_one_pool_in_the_order_given),
		cmocka_unit_test(addresses_outside_have_no_index),
		cmocka_unit_test(prefixes_that_overlap_or_are_none_are_refused),
		cmocka_unit_test(pool_max_is_the_most),
		cmocka_unit_test(reserved_address_is_never_leased),
		cmocka_unit_test(owner_gets_back_what_it_held_last),
		cmocka_unit_test(owner_of_several_gets_the_latest_released_first),
		cmocka_unit_test(owner_whose_address_is_taken_gets_another),
		cmocka_unit_test(stranger_gets_unused_then_the_longest_rested),
		cmocka_unit_test(X54_stranger_gets_no_address_that_was_released_within_the_minute),
		cmocka_unit_test(lease_is_held_by_its_owner_until_it_is_released),
		cmocka_unit_test(remembered_owner_gets_its_address_and_strangers_the_others),
		cmocka_unit_test(what_the_pool_knows_itself_is_not_overruled_by_what_is_remembered),
		cmocka_unit_test(owners_differ_in_any_byte),
		cmocka_unit_test(names_made_to_collide_are_two_owners),
		cmocka_unit_test(a_thousand_leases_of_one_owner_come_and_go),
		cmocka_unit_test(new_fails_whole_at_every_allocation),
		cmocka_unit_test(lease_and_release_need_no_memory),
		cmocka_unit_test(random_operations_agree_with_the_slow_oracle),
	};

	return cmocka_run_group_tests_name("routing/pool", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The oracle marks each address of a small space by itself, and counts by halving: a block that is
 * full is one prefix, one that is empty none, any other is as many as its halves are.
 */
#include "routing/aggregate.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "test/support/cmocka.h"
#include "test/support/prng.h"

enum {
	SPACE = 256, /* 10.0.0.0/24, and as many addresses of 2001:db8:: */
	LIST_MAX = 24,
	ROUNDS = 20000,
};

static size_t parse(const char *const *texts, size_t n, struct prefix *list)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(prefix_parse(texts[i], &list[i]), 0);
	return n;
}

static void is_list(const struct prefix *list, size_t n, const char *expected)
{
	char text[1024] = "";
	char one[PREFIX_TEXT_MAX];

	for (size_t i = 0; i < n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? " " : "",
			 prefix_format(&list[i], one));
	assert_string_equal(text, expected);
}

static void sorted_list_has_each_prefix_once(void **state)
{
	static const char *const texts[] = {"192.168.0.0/16", "10.1.0.0/16", "10.0.0.0/8",
					    "10.1.0.0/16", "10.0.0.0/16"};
	static const char *const mixed[] = {"2001:db8::/32", "10.0.0.0/8", "a00::/8", "::/0",
					    "0.0.0.0/0"};
	struct prefix list[5];

	is_list(list, aggregate_sort(list, parse(texts, 5, list)),
		"10.0.0.0/8 10.0.0.0/16 10.1.0.0/16 192.168.0.0/16");
	is_list(list, aggregate_sort(list, parse(mixed, 5, list)),
		"0.0.0.0/0 10.0.0.0/8 ::/0 a00::/8 2001:db8::/32");
	assert_int_equal(aggregate_sort(list, 0), 0);
	assert_int_equal(aggregate_minimal(list, 0), 0);
}

static void halves_become_their_whole_as_far_up_as_it_goes(void **state)
{
	static const char *const texts[] = {"10.0.0.0/25", "10.0.0.128/26", "10.0.0.192/26",
					    "10.0.1.0/24"};
	static const char *const all[] = {"0.0.0.0/1", "128.0.0.0/1"};
	static const char *const strangers[] = {"10.0.1.0/24", "10.0.2.0/24"};
	/* the same bits, and no halves of anything */
	static const char *const families[] = {"128.0.0.0/1", "::/1"};
	static const char *const six[] = {"2001:db8::/33", "2001:db8:8000::/33"};
	struct prefix list[4];
	size_t n = parse(texts, 4, list);

	is_list(list, aggregate_minimal(list, n), "10.0.0.0/23");
	n = parse(all, 2, list);
	is_list(list, aggregate_minimal(list, n), "0.0.0.0/0");
	n = parse(strangers, 2, list);
	is_list(list, aggregate_minimal(list, n), "10.0.1.0/24 10.0.2.0/24");
	n = parse(families, 2, list);
	is_list(list, aggregate_minimal(list, n), "128.0.0.0/1 ::/1");
	n = parse(six, 2, list);
	is_list(list, aggregate_minimal(list, n), "2001:db8::/32");
}

static size_t count_blocks(const bool *marks, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < size; i++)
		n += marks[i];
	if (n == 0 || n == size)
		return n != 0;
	return count_blocks(marks, size / 2) + count_blocks(marks + size / 2, size / 2);
}

/* One family behind the other. */
static void mark(bool marks[2 * SPACE], const struct prefix *list, size_t n)
{
	memset(marks, 0, 2 * SPACE);
	for (size_t i = 0; i < n; i++) {
		bool is_6 = list[i].family == AF_INET6;
		unsigned size = 1u << ((is_6 ? 128 : 32) - list[i].len);
		unsigned first = list[i].addr[is_6 ? 15 : 3] + (is_6 ? SPACE : 0);

		memset(marks + first, true, size);
	}
}

static struct prefix random_prefix(struct prng *p)
{
	static const struct prefix bases[] = {
		{.family = AF_INET, .addr = {10}},
		{.family = AF_INET6, .addr = {0x20, 0x01, 0x0d, 0xb8}},
	};
	struct prefix r = bases[prng_below(p, 2)];
	unsigned len = prng_below(p, 9);

	r.len = (uint8_t)(len + (r.family == AF_INET6 ? 120 : 24));
	r.addr[r.family == AF_INET6 ? 15 : 3] = (uint8_t)(prng_below(p, SPACE) & (0xff00 >> len));
	return r;
}

static void minimal_list_has_the_same_addresses_and_nobody_finds_a_shorter_one(void **state)
{
	struct prng p;

	prng_init(&p, 1);
	for (int round = 0; round < ROUNDS; round++) {
		struct prefix list[LIST_MAX];
		bool before[2 * SPACE], after[2 * SPACE];
		size_t n = 1 + prng_below(&p, LIST_MAX);

		for (size_t i = 0; i < n; i++)
			list[i] = random_prefix(&p);
		mark(before, list, n);
		n = aggregate_minimal(list, aggregate_sort(list, n));
		mark(after, list, n);
		assert_memory_equal(before, after, 2 * SPACE);
		assert_int_equal(n,
				 count_blocks(before, SPACE) + count_blocks(before + SPACE, SPACE));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorted_list_has_each_prefix_once),
		cmocka_unit_test(halves_become_their_whole_as_far_up_as_it_goes),
		cmocka_unit_test(
			minimal_list_has_the_same_addresses_and_nobody_finds_a_shorter_one),
	};

	return cmocka_run_group_tests_name("routing/aggregate", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The oracle knows no bit tricks: over a small space it tries every list of aligned blocks, by
 * dynamic programming, for the fewest that cover the range.
 */
#include "routing/range.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "test/support/cmocka.h"
#include "test/support/prng.h"

enum {
	SMALL = 256
};

static struct range parsed(const char *start, const char *end)
{
	struct range r = {0};
	const char *why = "";

	if (range_parse(start, end, &r, &why) != 0)
		fail_msg("%s to %s: %s", start, end ? end : "(none)", why);
	return r;
}

static void refuses(const char *start, const char *end, int error, const char *part)
{
	struct range r = {1, 2};
	const char *why = "";

	assert_int_equal(range_parse(start, end, &r, &why), error);
	if (!strstr(why, part))
		fail_msg("%s: '%s' says nothing of '%s'", start, why, part);
	assert_int_equal(r.first, 1);
	assert_int_equal(r.last, 2);
}

static void becomes(const char *start, const char *end, const char *expected)
{
	struct range r = parsed(start, end);
	struct prefix list[RANGE_PREFIXES_MAX];
	size_t n = range_prefixes(&r, list);
	char text[1024] = "";
	char one[PREFIX_TEXT_MAX];

	for (size_t i = 0; i < n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? " " : "",
			 prefix_format(&list[i], one));
	assert_string_equal(text, expected);
}

static void prefix_stays_as_it_is(void **state)
{
	becomes("10.1.0.0/16", NULL, "10.1.0.0/16");
	becomes("10.1.0.0/16", "", "10.1.0.0/16");
	becomes("0.0.0.0/0", NULL, "0.0.0.0/0");
	becomes("255.255.255.255/32", NULL, "255.255.255.255/32");
}

static void addresses_become_the_fewest_prefixes(void **state)
{
	becomes("10.0.0.0", "10.255.255.255", "10.0.0.0/8");
	becomes("10.0.0.7", "10.0.0.7", "10.0.0.7/32");
	becomes("10.0.0.5", "10.0.0.12", "10.0.0.5/32 10.0.0.6/31 10.0.0.8/30 10.0.0.12/32");
	becomes("0.0.0.0", "255.255.255.255", "0.0.0.0/0");
	becomes("255.255.255.254", "255.255.255.255", "255.255.255.254/31");
	becomes("127.255.255.255", "128.0.0.0", "127.255.255.255/32 128.0.0.0/32");
}

static void worst_range_fills_the_list_and_not_more(void **state)
{
	struct range r = parsed("0.0.0.1", "255.255.255.254");
	struct prefix list[RANGE_PREFIXES_MAX];

	assert_int_equal(range_prefixes(&r, list), RANGE_PREFIXES_MAX);
}

static void B34_what_is_no_range_is_refused_with_its_reason(void **state)
{
	refuses("10.0.0.0/8", "10.0.0.1", -EINVAL, "end address must be omitted");
	refuses("10.0.0.1/8", NULL, -EDOM, "host bits");
	refuses("10.0.0.0/33", NULL, -EINVAL, "no IPv4 prefix");
	refuses("2001:db8::/32", NULL, -EINVAL, "no IPv4 prefix");
	refuses("10.0.0.1", NULL, -EINVAL, "end address is missing");
	refuses("10.0.0.1", "", -EINVAL, "end address is missing");
	refuses("", "10.0.0.1", -EINVAL, "start address is no");
	refuses("10.0.0", "10.0.0.1", -EINVAL, "start address is no");
	refuses("10.0.0.1", "10.0.0.2/32", -EINVAL, "end address is no");
	refuses("10.0.0.1", "::1", -EINVAL, "end address is no");
	refuses("10.0.0.2", "10.0.0.1", -ERANGE, "before the start");
}

static void one_text_is_read_as_two(void **state)
{
	struct range r;
	const char *why;

	assert_int_equal(range_parse_text("10.0.0.5-10.0.0.12", &r, &why), 0);
	assert_int_equal(r.first, 0x0a000005);
	assert_int_equal(r.last, 0x0a00000c);
	assert_int_equal(range_parse_text("10.0.0.0/24", &r, &why), 0);
	assert_int_equal(r.last, 0x0a0000ff);
	assert_int_equal(range_parse_text("10.0.0.0/24-10.0.0.1", &r, &why), -EINVAL);
	assert_int_equal(range_parse_text("10.0.0.1-", &r, &why), -EINVAL);
	assert_int_equal(range_parse_text("-10.0.0.1", &r, &why), -EINVAL);
	assert_int_equal(range_parse_text("10.0.0.1-10.0.0.2-10.0.0.3", &r, &why), -EINVAL);
	assert_int_equal(
		range_parse_text("00000000000000000000000000000000000000000000000000", &r, &why),
		-EINVAL);
}

/* The fewest aligned blocks of first..last, last < SMALL. */
static unsigned fewest(unsigned first, unsigned last)
{
	unsigned best[SMALL + 1];

	best[last + 1] = 0;
	for (unsigned at = last + 1; at-- > first;) {
		best[at] = SMALL;
		for (unsigned size = 1; size <= SMALL; size *= 2)
			if (at % size == 0 && at + size <= last + 1 &&
			    best[at + size] + 1 < best[at])
				best[at] = best[at + size] + 1;
	}
	return best[first];
}

/* The list covers base+first..base+last without a gap, in order. */
static void assert_covers(const struct range *r, const struct prefix *list, size_t n)
{
	uint64_t at = r->first;

	for (size_t i = 0; i < n; i++) {
		assert_int_equal(list[i].family, AF_INET);
		assert_true(prefix_first4(&list[i]) == at);
		at += prefix_size4(&list[i]);
	}
	assert_true(at == (uint64_t)r->last + 1);
}

static void every_small_range_is_as_the_oracle_has_it(void **state)
{
	struct prefix list[RANGE_PREFIXES_MAX];

	for (unsigned first = 0; first < SMALL; first++)
		for (unsigned last = first; last < SMALL; last++) {
			struct range r = {0x0a000000 + first, 0x0a000000 + last};
			size_t n = range_prefixes(&r, list);

			assert_covers(&r, list, n);
			if (n != fewest(first, last))
				fail_msg("%u..%u: %zu prefixes instead of %u", first, last, n,
					 fewest(first, last));
		}
}

/* No two neighbours of a minimal list are halves of one prefix, and no list is longer than 62. */
static void random_ranges_are_covered_and_nothing_can_be_joined(void **state)
{
	struct prefix list[RANGE_PREFIXES_MAX];
	struct prng p;

	prng_init(&p, 34);
	for (unsigned i = 0; i < 20000; i++) {
		uint32_t a = (uint32_t)prng_next(&p);
		uint32_t b = (uint32_t)prng_next(&p) >> prng_below(&p, 32);
		struct range r = {a < b ? a : b, a < b ? b : a};
		size_t n = range_prefixes(&r, list);

		assert_covers(&r, list, n);
		for (size_t k = 1; k < n; k++)
			assert_true(list[k].len != list[k - 1].len ||
				    (prefix_first4(&list[k - 1]) & prefix_size4(&list[k])) != 0);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefix_stays_as_it_is),
		cmocka_unit_test(addresses_become_the_fewest_prefixes),
		cmocka_unit_test(worst_range_fills_the_list_and_not_more),
		cmocka_unit_test(B34_what_is_no_range_is_refused_with_its_reason),
		cmocka_unit_test(one_text_is_read_as_two),
		cmocka_unit_test(every_small_range_is_as_the_oracle_has_it),
		cmocka_unit_test(random_ranges_are_covered_and_nothing_can_be_joined),
	};

	return cmocka_run_group_tests_name("routing/range", tests, NULL, NULL);
}

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
	const struct range untouched = {AF_INET, {1}, {2}};
	struct range r = untouched;
	const char *why = "";

	assert_int_equal(range_parse(start, end, &r, &why), error);
	if (!strstr(why, part))
		fail_msg("%s: '%s' says nothing of '%s'", start, why, part);
	assert_memory_equal(&r, &untouched, sizeof(r));
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
	becomes("2001:db8::/32", NULL, "2001:db8::/32");
	becomes("::/0", NULL, "::/0");
	becomes("2001:db8::7/128", NULL, "2001:db8::7/128");
}

static void addresses_become_the_fewest_prefixes(void **state)
{
	becomes("10.0.0.0", "10.255.255.255", "10.0.0.0/8");
	becomes("10.0.0.7", "10.0.0.7", "10.0.0.7/32");
	becomes("10.0.0.5", "10.0.0.12", "10.0.0.5/32 10.0.0.6/31 10.0.0.8/30 10.0.0.12/32");
	becomes("0.0.0.0", "255.255.255.255", "0.0.0.0/0");
	becomes("255.255.255.254", "255.255.255.255", "255.255.255.254/31");
	becomes("127.255.255.255", "128.0.0.0", "127.255.255.255/32 128.0.0.0/32");
	becomes("2001:db8::", "2001:db8::ffff", "2001:db8::/112");
	becomes("2001:db8::7", "2001:db8::7", "2001:db8::7/128");
	becomes("2001:db8::5", "2001:db8::c",
		"2001:db8::5/128 2001:db8::6/127 2001:db8::8/126 2001:db8::c/128");
	becomes("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::/0");
	becomes("7fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		"8000::", "7fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128 8000::/128");
}

static void worst_range_fills_the_list_and_not_more(void **state)
{
	struct range r = parsed("::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe");
	struct prefix list[RANGE_PREFIXES_MAX];

	assert_int_equal(range_prefixes(&r, list), RANGE_PREFIXES_MAX);
	r = parsed("0.0.0.1", "255.255.255.254");
	assert_int_equal(range_prefixes(&r, list), 62);
}

static void B34_what_is_no_range_is_refused_with_its_reason(void **state)
{
	refuses("10.0.0.0/8", "10.0.0.1", -EINVAL, "end address must be omitted");
	refuses("10.0.0.1/8", NULL, -EDOM, "host bits");
	refuses("10.0.0.0/33", NULL, -EINVAL, "no IP prefix");
	refuses("2001:db8::/129", NULL, -EINVAL, "no IP prefix");
	refuses("2001:db8::1/32", NULL, -EDOM, "host bits");
	refuses("2001:db8::/32", "2001:db8::1", -EINVAL, "end address must be omitted");
	refuses("2001:db8::1", NULL, -EINVAL, "end address is missing");
	refuses("10.0.0.1", NULL, -EINVAL, "end address is missing");
	refuses("10.0.0.1", "", -EINVAL, "end address is missing");
	refuses("", "10.0.0.1", -EINVAL, "start address is no");
	refuses("10.0.0", "10.0.0.1", -EINVAL, "start address is no");
	refuses("10.0.0.1", "10.0.0.2/32", -EINVAL, "end address is no");
	refuses("10.0.0.1", "::g", -EINVAL, "end address is no");
	refuses("10.0.0.1", "::1", -EINVAL, "not of one family");
	refuses("::1", "10.0.0.1", -EINVAL, "not of one family");
	refuses("10.0.0.2", "10.0.0.1", -ERANGE, "before the start");
	refuses("2001:db8::2", "2001:db8::1", -ERANGE, "before the start");
}

static void text_becomes(const char *text, const char *start, const char *end)
{
	struct range expected = parsed(start, end);
	struct range r;
	const char *why;

	assert_int_equal(range_parse_text(text, &r, &why), 0);
	assert_memory_equal(&r, &expected, sizeof(r));
}

static void text_is_refused(const char *text)
{
	struct range r;
	const char *why;

	assert_int_equal(range_parse_text(text, &r, &why), -EINVAL);
}

static void one_text_is_read_as_two(void **state)
{
	text_becomes("10.0.0.5-10.0.0.12", "10.0.0.5", "10.0.0.12");
	text_becomes("10.0.0.0/24", "10.0.0.0", "10.0.0.255");
	text_becomes("2001:db8::5-2001:db8::c", "2001:db8::5", "2001:db8::c");
	text_becomes("2001:db8::/112", "2001:db8::", "2001:db8::ffff");
	text_is_refused("10.0.0.0/24-10.0.0.1");
	text_is_refused("10.0.0.1-");
	text_is_refused("-10.0.0.1");
	text_is_refused("10.0.0.1-10.0.0.2-10.0.0.3");
	text_is_refused("::1-10.0.0.2");
	text_is_refused("00000000000000000000000000000000000000000000000000");
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

static unsigned bytes_of(uint8_t family)
{
	return family == AF_INET6 ? 16 : 4;
}

/* The next address; after the last one comes the first again. */
static void step(uint8_t *addr, unsigned bytes)
{
	while (bytes-- > 0 && ++addr[bytes] == 0)
		;
}

/* What the prefix ends with: all bits behind its length set. */
static void last_of(const struct prefix *p, uint8_t addr[16])
{
	memcpy(addr, p->addr, 16);
	for (unsigned bit = p->len; bit < 8 * bytes_of(p->family); bit++)
		addr[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
}

/* The list goes from the range's first address to its last one, in order and without a gap. */
static void assert_covers(const struct range *r, const struct prefix *list, size_t n)
{
	uint8_t at[16];
	uint8_t last[16] = {0};

	memcpy(at, r->first, 16);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(list[i].family, r->family);
		assert_memory_equal(list[i].addr, at, 16);
		last_of(&list[i], last);
		memcpy(at, last, 16);
		step(at, bytes_of(r->family));
	}
	assert_memory_equal(last, r->last, 16);
}

/* In the last byte behind a text's address. */
static struct range small_range(const char *base, unsigned first, unsigned last)
{
	struct range r = parsed(base, base);

	r.first[bytes_of(r.family) - 1] = (uint8_t)first;
	r.last[bytes_of(r.family) - 1] = (uint8_t)last;
	return r;
}

static void every_small_range_of(const char *base)
{
	struct prefix list[RANGE_PREFIXES_MAX];

	for (unsigned first = 0; first < SMALL; first++)
		for (unsigned last = first; last < SMALL; last++) {
			struct range r = small_range(base, first, last);
			size_t n = range_prefixes(&r, list);

			assert_covers(&r, list, n);
			if (n != fewest(first, last))
				fail_msg("%s %u..%u: %zu prefixes instead of %u", base, first, last,
					 n, fewest(first, last));
		}
}

static void every_small_range_is_as_the_oracle_has_it(void **state)
{
	every_small_range_of("10.0.0.0");
	every_small_range_of("2001:db8::");
}

static bool are_halves(const struct prefix *a, const struct prefix *b)
{
	struct prefix whole = *a;

	if (a->len != b->len)
		return false;
	whole.len--;
	whole.addr[whole.len / 8] &= (uint8_t)(0xff00 >> whole.len % 8);
	return prefix_covers(&whole, b);
}

static struct range random_range(struct prng *p)
{
	struct range r = {.family = prng_below(p, 2) ? AF_INET6 : AF_INET};
	unsigned bytes = bytes_of(r.family);
	unsigned alike = prng_below(p, bytes);

	for (unsigned i = 0; i < bytes; i++) {
		r.first[i] = (uint8_t)prng_next(p);
		r.last[i] = i < alike ? r.first[i] : (uint8_t)prng_next(p);
	}
	if (memcmp(r.first, r.last, 16) > 0) {
		struct range swapped = r;

		memcpy(r.first, swapped.last, 16);
		memcpy(r.last, swapped.first, 16);
	}
	return r;
}

/* No two neighbours of a minimal list are halves of one prefix. */
static void random_ranges_are_covered_and_nothing_can_be_joined(void **state)
{
	struct prefix list[RANGE_PREFIXES_MAX];
	struct prng p;

	prng_init(&p, 34);
	for (unsigned i = 0; i < 20000; i++) {
		struct range r = random_range(&p);
		size_t n = range_prefixes(&r, list);

		assert_in_range(n, 1, r.family == AF_INET6 ? RANGE_PREFIXES_MAX : 62);
		assert_covers(&r, list, n);
		for (size_t k = 1; k < n; k++)
			assert_false(are_halves(&list[k - 1], &list[k]));
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

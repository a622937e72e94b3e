/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/prefix.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "test/support/cmocka.h"
#include "test/support/prng.h"

static struct prefix parsed(const char *text)
{
	struct prefix p = {0};

	if (prefix_parse(text, &p) != 0)
		fail_msg("does not parse: %s", text);
	return p;
}

static void assert_reads_back_as(const char *text, const char *expected)
{
	struct prefix p = parsed(text);
	char buf[PREFIX_TEXT_MAX];

	assert_string_equal(prefix_format(&p, buf), expected);
}

static void text_reads_back_in_its_shortest_form(void **state)
{
	assert_reads_back_as("10.1.0.0/16", "10.1.0.0/16");
	assert_reads_back_as("10.1.2.3", "10.1.2.3/32");
	assert_reads_back_as("0.0.0.0/0", "0.0.0.0/0");
	assert_reads_back_as("255.255.255.255/32", "255.255.255.255/32");
	assert_reads_back_as("2001:0DB8:0::/32", "2001:db8::/32");
	assert_reads_back_as("::/0", "::/0");
	assert_reads_back_as("::1", "::1/128");
	assert_reads_back_as("::ffff:10.0.0.0/104", "::ffff:10.0.0.0/104");
}

static void longest_text_fits_its_buffer(void **state)
{
	const char *longest = "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255/128";

	assert_int_equal(strlen(longest), PREFIX_TEXT_MAX - 1);
	assert_reads_back_as(longest, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128");
}

static void what_is_no_prefix_is_refused_and_leaves_the_result(void **state)
{
	static const char *const bad[] = {
		"",
		"/",
		"/8",
		"10",
		"10.0.0",
		"10.0.0.0.0/8",
		"10.0.0.256/32",
		"010.0.0.0/8",
		"10.0.0.0/",
		"10.0.0.0/33",
		"10.0.0.0/-1",
		"10.0.0.0/+8",
		"10.0.0.0/08",
		"10.0.0.0/8 ",
		" 10.0.0.0/8",
		"10.0.0.0 /8",
		"10.0.0.0/8/8",
		"10.0.0.0/255.0.0.0",
		"10.0.0.0/4294967304",
		"10.0.0.0/18446744073709551624",
		"0x0a.0.0.0/8",
		"::/129",
		":::/8",
		"2001:db8::1::/64",
		"fe80::1%lo/64",
		"[::]/0",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999/64",
		"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555/128",
		"vnet",
	};
	struct prefix before;
	struct prefix p;

	memset(&before, 0xa5, sizeof(before));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		p = before;
		if (prefix_parse(bad[i], &p) != -EINVAL)
			fail_msg("not refused: %s", bad[i]);
		assert_memory_equal(&p, &before, sizeof(p));
	}
}

static void assert_host_bits(const char *text, const char *cleared)
{
	char buf[PREFIX_TEXT_MAX];
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), -EDOM);
	assert_string_equal(prefix_format(&p, buf), cleared);
}

static void host_bits_are_refused_with_the_prefix_that_was_meant(void **state)
{
	assert_host_bits("10.1.0.1/16", "10.1.0.0/16");
	assert_host_bits("10.1.2.3/31", "10.1.2.2/31");
	assert_host_bits("128.0.0.0/0", "0.0.0.0/0");
	assert_host_bits("172.31.0.0/12", "172.16.0.0/12");
	assert_host_bits("2001:db8::1/127", "2001:db8::/127");
	assert_host_bits("ffff::/15", "fffe::/15");
}

static bool contains(const char *prefix, const char *addr)
{
	struct prefix p = parsed(prefix);
	struct prefix a = parsed(addr);

	return prefix_contains(&p, a.addr);
}

static void contains_its_first_and_last_address_and_not_their_neighbours(void **state)
{
	assert_int_equal(contains("10.1.16.0/20", "10.1.15.255"), false);
	assert_int_equal(contains("10.1.16.0/20", "10.1.16.0"), true);
	assert_int_equal(contains("10.1.16.0/20", "10.1.31.255"), true);
	assert_int_equal(contains("10.1.16.0/20", "10.1.32.0"), false);
	assert_int_equal(contains("10.1.2.3", "10.1.2.3"), true);
	assert_int_equal(contains("10.1.2.3", "10.1.2.2"), false);
	assert_int_equal(contains("0.0.0.0/0", "255.255.255.255"), true);
	assert_int_equal(contains("2001:db8::/33", "2001:db8:7fff::1"), true);
	assert_int_equal(contains("2001:db8::/33", "2001:db8:8000::"), false);
}

static void contains_agrees_with_masks_on_random_prefixes(void **state)
{
	struct prng prng;

	prng_init(&prng, 0x9f3c1);
	for (int i = 0; i < 100000; i++) {
		unsigned len = prng_below(&prng, 33);
		uint32_t mask = len ? UINT32_MAX << (32 - len) : 0;
		uint32_t base = (uint32_t)prng_next(&prng) & mask;
		/* one flipped bit, so that both answers happen about as often */
		uint32_t addr = base ^ (UINT32_C(1) << prng_below(&prng, 32));
		struct prefix p = {.family = AF_INET, .len = (uint8_t)len};
		uint32_t be = htonl(base);

		memcpy(p.addr, &be, sizeof(be));
		be = htonl(addr);
		assert_int_equal(prefix_contains(&p, &be), (addr & mask) == base);
	}
}

static void assert_relation(const char *a, const char *b, bool covers, bool covered, bool overlaps)
{
	struct prefix pa = parsed(a);
	struct prefix pb = parsed(b);

	assert_int_equal(prefix_covers(&pa, &pb), covers);
	assert_int_equal(prefix_covers(&pb, &pa), covered);
	assert_int_equal(prefix_overlaps(&pa, &pb), overlaps);
	assert_int_equal(prefix_overlaps(&pb, &pa), overlaps);
	assert_int_equal(prefix_equal(&pa, &pb), covers && covered);
	assert_int_equal(prefix_equal(&pb, &pa), covers && covered);
}

static void prefixes_nest_or_are_disjoint(void **state)
{
	assert_relation("10.0.0.0/8", "10.1.0.0/16", true, false, true);
	assert_relation("10.0.0.0/8", "10.0.0.0/8", true, true, true);
	assert_relation("10.0.0.0/8", "10.0.0.0/9", true, false, true);
	assert_relation("10.0.0.0/9", "10.128.0.0/9", false, false, false);
	assert_relation("0.0.0.0/0", "255.255.255.255/32", true, false, true);
	assert_relation("2001:db8::/32", "2001:db8:8000::/33", true, false, true);
}

static void families_never_meet(void **state)
{
	assert_relation("0.0.0.0/0", "::/0", false, false, false);
	assert_relation("32.1.13.184/32", "2001:db8::/32", false, false, false);
}

static bool is_rfc1918(const char *text)
{
	struct prefix p = parsed(text);

	return prefix_is_rfc1918(&p);
}

static void rfc1918_ends_where_the_specification_says(void **state)
{
	static const char *const inside[] = {
		"10.0.0.0/8",	  "10.0.0.0",		"10.255.255.255", "10.128.0.0/9",
		"172.16.0.0/12",  "172.16.0.0",		"172.31.0.0/16",  "172.31.255.255",
		"192.168.0.0/16", "192.168.255.255/32", "192.168.0.0/24", "192.168.0.0",
	};
	static const char *const outside[] = {
		"9.255.255.255",   "11.0.0.0",	     "10.0.0.0/7",	"8.0.0.0/5",
		"172.15.255.255",  "172.32.0.0",     "172.32.0.0/16",	"172.0.0.0/11",
		"192.167.255.255", "192.169.0.0/24", "192.168.0.0/15",	"100.64.0.0/10",
		"169.254.0.0/16",  "0.0.0.0/0",	     "::ffff:10.0.0.0", "a00::/8",
	};

	for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++)
		if (!is_rfc1918(inside[i]))
			fail_msg("refused: %s", inside[i]);
	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
		if (is_rfc1918(outside[i]))
			fail_msg("accepted: %s", outside[i]);
}

static void size_and_first_address_count_in_host_order(void **state)
{
	struct prefix all = parsed("0.0.0.0/0");
	struct prefix net = parsed("172.16.8.0/22");
	struct prefix host = parsed("10.0.0.1");

	assert_int_equal(prefix_size4(&all), UINT64_C(1) << 32);
	assert_int_equal(prefix_first4(&all), 0);
	assert_int_equal(prefix_size4(&net), 1024);
	assert_int_equal(prefix_first4(&net), 0xac100800);
	assert_int_equal(prefix_size4(&host), 1);
	assert_int_equal(prefix_first4(&host), 0x0a000001);
}

static void host_prefix_is_the_address_with_all_its_bits(void **state)
{
	struct prefix v4 = parsed("10.1.2.3"), v6 = parsed("fd09::3"), p;
	struct in6_addr addr;

	p = prefix_host4(inet_addr("10.1.2.3"));
	assert_memory_equal(&p, &v4, sizeof(p));
	assert_int_equal(inet_pton(AF_INET6, "fd09::3", &addr), 1);
	p = prefix_host(AF_INET6, &addr);
	assert_memory_equal(&p, &v6, sizeof(p));
}

static void host_prefix_is_shown_as_an_address(void **state)
{
	struct prefix v4 = parsed("10.1.2.3"), v6 = parsed("fd09::3");
	char buf[PREFIX_TEXT_MAX];

	assert_string_equal(prefix_format_address(&v4, buf), "10.1.2.3");
	assert_string_equal(prefix_format_address(&v6, buf), "fd09::3");
}

static void order_is_by_family_address_and_length(void **state)
{
	static const char *const ordered[] = {"0.0.0.0/0",   "10.0.0.0/8",  "10.0.0.0/16",
					      "10.0.1.0/24", "192.0.0.0/8", "::/0",
					      "a00::/8",     "a00::/16",    "fd09::/16"};
	enum {
		N = sizeof(ordered) / sizeof(ordered[0])
	};

	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++) {
			struct prefix a = parsed(ordered[i]), b = parsed(ordered[j]);
			int order = prefix_compare(&a, &b);

			assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
		}
}

static bool is_ip6_unicast(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	return prefix_is_ip6_unicast(&p);
}

static void unicast_of_ipv6_is_global_or_unique_local(void **state)
{
	static const char *const good[] = {"2000::/3", "2001:db8::/32", "3fff:ffff::/32",
					   "fc00::/7", "fdff::1/128"};
	static const char *const bad[] = {"::/0",     "::1/128",   "4000::/3",
					  "4000::/2", "fe80::/10", "ff00::/8",
					  "fc00::/6", "fec0::/10", "10.0.0.0/8"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(is_ip6_unicast(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(is_ip6_unicast(bad[i]));
}

static void networks_of_64_bits_are_counted(void **state)
{
	static const struct {
		const char *text;
		uint64_t has;
	} rows[] = {{"fd00::/56", 256},
		    {"fd00::/64", 1},
		    {"fd00::/44", 1 << 20},
		    {"8000::/1", UINT64_C(1) << 63}};
	struct prefix p;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(prefix_parse(rows[i].text, &p), 0);
		assert_true(prefix_has_networks6(&p, rows[i].has));
		assert_false(prefix_has_networks6(&p, rows[i].has + 1));
	}
	assert_int_equal(prefix_parse("fd00::/65", &p), 0);
	assert_false(prefix_has_networks6(&p, 1));
	assert_int_equal(prefix_parse("::/0", &p), 0);
	assert_true(prefix_has_networks6(&p, UINT64_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_reads_back_in_its_shortest_form),
		cmocka_unit_test(longest_text_fits_its_buffer),
		cmocka_unit_test(what_is_no_prefix_is_refused_and_leaves_the_result),
		cmocka_unit_test(host_bits_are_refused_with_the_prefix_that_was_meant),
		cmocka_unit_test(contains_its_first_and_last_address_and_not_their_neighbours),
		cmocka_unit_test(contains_agrees_with_masks_on_random_prefixes),
		cmocka_unit_test(prefixes_nest_or_are_disjoint),
		cmocka_unit_test(families_never_meet),
		cmocka_unit_test(rfc1918_ends_where_the_specification_says),
		cmocka_unit_test(size_and_first_address_count_in_host_order),
		cmocka_unit_test(host_prefix_is_the_address_with_all_its_bits),
		cmocka_unit_test(host_prefix_is_shown_as_an_address),
		cmocka_unit_test(order_is_by_family_address_and_length),
		cmocka_unit_test(unicast_of_ipv6_is_global_or_unique_local),
		cmocka_unit_test(networks_of_64_bits_are_counted),
	};

	return cmocka_run_group_tests_name("routing/prefix", tests, NULL, NULL);
}

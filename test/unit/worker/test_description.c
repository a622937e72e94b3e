/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/worker/description.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"
#include "test/support/prng.h"

static int parse(const char *json, struct description *d, struct certs_error *e)
{
	return description_parse(json, strlen(json), d, e);
}

static void expect_refused(const char *json, const char *why)
{
	struct description d = {.vnet = "untouched"};
	struct certs_error e = {""};

	assert_int_equal(parse(json, &d, &e), -EBADMSG);
	if (!strstr(e.text, why))
		fail_msg("%s: '%s' is not in '%s'", json, why, e.text);
	assert_string_equal(d.vnet, "untouched");
}

static void everything_is_taken(void **state)
{
	struct description d = {0};
	char text[PREFIX_TEXT_MAX];

	assert_int_equal(parse("{\"vnetName\": \"lab\", \"appName\": \"shop\","
			       "\"addressSpaces\": [\"10.20.0.0/16\", \"192.0.2.0/24\"],"
			       "\"dnsServers\": [\"10.20.0.4\"],"
			       "\"searchDomains\": [\"corp.example.com\", \"example.com\"],"
			       "\"pointToSiteAddressSpaces\": [\"172.16.77.0/24\", \"fd77::/48\"],"
			       "\"digest\": \"5f0c\"}",
			       &d, NULL),
			 0);
	assert_string_equal(d.vnet, "lab");
	assert_string_equal(d.app, "shop");
	assert_string_equal(d.digest, "5f0c");
	assert_int_equal(d.n_routes, 2);
	assert_string_equal(prefix_format(&d.routes[0], text), "10.20.0.0/16");
	assert_string_equal(prefix_format(&d.routes[1], text), "192.0.2.0/24");
	assert_int_equal(d.n_dns, 1);
	assert_string_equal(prefix_format_address(&d.dns[0], text), "10.20.0.4");
	assert_int_equal(d.n_domains, 2);
	assert_string_equal(d.domains[0], "corp.example.com");
	assert_string_equal(d.domains[1], "example.com");
	assert_int_equal(d.n_pools, 2);
	assert_string_equal(prefix_format(&d.pools[1], text), "fd77::/48");
	description_done(&d);
	assert_null(d.routes);
}

static void least_is_a_vnet_and_its_spaces(void **state)
{
	struct description d = {0};

	assert_int_equal(parse("{\"vnetName\": \"lab\", \"addressSpaces\": []}", &d, NULL), 0);
	assert_int_equal(d.n_routes, 0);
	assert_int_equal(d.n_dns, 0);
	assert_string_equal(d.app, "");
	assert_string_equal(d.digest, "");
	description_done(&d);
}

static void both_families_count_and_a_prefix_counts_once(void **state)
{
	struct description d = {0};
	char text[PREFIX_TEXT_MAX];

	assert_int_equal(
		parse("{\"vnetName\": \"lab\", \"addressSpaces\": [\"2001:db8::/32\","
		      "\"10.1.0.0/16\", \"2001:db8::/32\", \"10.1.0.0/16\", \"10.0.0.0/8\"],"
		      "\"dnsServers\": [\"2001:db8::1\", \"10.1.0.1\", \"10.1.0.2\"]}",
		      &d, NULL),
		0);
	assert_int_equal(d.n_routes, 3);
	assert_string_equal(prefix_format(&d.routes[0], text), "2001:db8::/32");
	assert_string_equal(prefix_format(&d.routes[1], text), "10.1.0.0/16");
	assert_string_equal(prefix_format(&d.routes[2], text), "10.0.0.0/8");
	assert_int_equal(d.n_dns, 3);
	assert_string_equal(prefix_format_address(&d.dns[0], text), "2001:db8::1");
	assert_string_equal(prefix_format_address(&d.dns[2], text), "10.1.0.2");
	description_done(&d);
}

/* What is kept of any list is what a slow look at each of them keeps. */
static void unique_keeps_the_first_of_each_in_order(void **state)
{
	struct prefix list[200], slow[200];
	struct prng prng;

	prng_init(&prng, 6);
	for (int round = 0; round < 200; round++) {
		size_t n = prng_below(&prng, 200), n_slow = 0, n_left;

		for (size_t i = 0; i < n; i++) {
			uint32_t addr_be = htonl(prng_below(&prng, 40) << 24);
			size_t j = 0;

			list[i] = prefix_host4(addr_be);
			list[i].len = (uint8_t)(8 + prng_below(&prng, 3));
			while (j < n_slow && !prefix_equal(&slow[j], &list[i]))
				j++;
			if (j == n_slow)
				slow[n_slow++] = list[i];
		}
		assert_int_equal(description_unique(list, n, &n_left), 0);
		assert_int_equal(n_left, n_slow);
		if (n_slow)
			assert_memory_equal(list, slow, n_slow * sizeof(*slow));
	}
}

static void domain_is_what_a_resolver_can_search(void **state)
{
	char longest[256];

	assert_true(description_is_domain("corp.example.com"));
	assert_true(description_is_domain("corp.example.com."));
	assert_true(description_is_domain("local"));
	assert_true(description_is_domain("_tcp.x-1"));
	assert_false(description_is_domain(""));
	assert_false(description_is_domain("."));
	assert_false(description_is_domain(".example.com"));
	assert_false(description_is_domain("a..b"));
	assert_false(description_is_domain("a b"));
	assert_false(description_is_domain("a\nnameserver"));
	memset(longest, 'x', sizeof(longest));
	longest[253] = '\0';
	assert_true(description_is_domain(longest));
	longest[253] = 'x';
	longest[254] = '\0';
	assert_false(description_is_domain(longest));
}

static void keys_of_a_newer_gateway_are_left_alone(void **state)
{
	struct description d = {0};

	assert_int_equal(parse("{\"vnetName\": \"lab\", \"addressSpaces\": [], \"peerings\": [1]}",
			       &d, NULL),
			 0);
	description_done(&d);
}

static void wrong_types_and_values_are_refused(void **state)
{
	expect_refused("", "not JSON");
	expect_refused("{", "not JSON");
	expect_refused("{} x", "not JSON");
	expect_refused("[]", "object");
	expect_refused("{\"vnetName\": \"a\", \"vnetName\": \"b\"}", "not JSON");
	expect_refused("{\"addressSpaces\": []}", "vnetName");
	expect_refused("{\"vnetName\": 1, \"addressSpaces\": []}", "vnetName");
	expect_refused("{\"vnetName\": \"a b\", \"addressSpaces\": []}", "vnetName");
	expect_refused("{\"vnetName\": \"\", \"addressSpaces\": []}", "vnetName");
	expect_refused("{\"vnetName\": \"a\"}", "addressSpaces");
	expect_refused("{\"vnetName\": \"a\", \"addressSpaces\": {}}", "addressSpaces");
	expect_refused("{\"vnetName\": \"a\", \"addressSpaces\": [7]}", "addressSpaces");
	expect_refused("{\"vnetName\": \"a\", \"addressSpaces\": [\"10.1.0.1/16\"]}",
		       "addressSpaces");
	expect_refused("{\"vnetName\": \"a\", \"addressSpaces\": [], \"appName\": \"/\"}",
		       "appName");
	expect_refused("{\"vnetName\": \"a\", \"addressSpaces\": [], \"dnsServers\": \"x\"}",
		       "dnsServers");
	expect_refused("{\"vnetName\": \"a\", \"addressSpaces\": [], \"dnsServers\": [\"x\"]}",
		       "dnsServers");
	expect_refused("{\"vnetName\": \"a\", \"addressSpaces\": [], \"dnsServers\": "
		       "[\"1.1.1.1\", \"1.1.1.2\", \"1.1.1.3\", \"1.1.1.4\", \"1.1.1.5\", "
		       "\"1.1.1.6\", \"1.1.1.7\", \"1.1.1.8\", \"1.1.1.9\"]}",
		       "more than eight");
	expect_refused("{\"vnetName\": \"a\", \"addressSpaces\": [], \"searchDomains\": \"x\"}",
		       "searchDomains");
	expect_refused("{\"vnetName\": \"a\", \"addressSpaces\": [], \"searchDomains\": [\"a b\"]}",
		       "what is no domain");
	expect_refused("{\"vnetName\": \"a\", \"addressSpaces\": [], \"searchDomains\": "
		       "[\"a\", \"b\", \"c\", \"d\", \"e\", \"f\", \"g\"]}",
		       "more than six");
	expect_refused("{\"vnetName\": \"a\", \"addressSpaces\": [], "
		       "\"pointToSiteAddressSpaces\": \"x\"}",
		       "pointToSiteAddressSpaces");
	expect_refused("{\"vnetName\": \"a\", \"addressSpaces\": [], "
		       "\"pointToSiteAddressSpaces\": [\"10.0.0.1\", \"x\"]}",
		       "pointToSiteAddressSpaces");
	expect_refused("{\"vnetName\": \"a\", \"addressSpaces\": [], \"digest\": \"a b\"}",
		       "digest");
	expect_refused("{\"vnetName\": \"a\", \"addressSpaces\": [], \"digest\": 1}", "digest");
}

/* n prefixes, each another one; owned */
static char *with_spaces(unsigned n)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	fputs("{\"vnetName\": \"a\", \"addressSpaces\": [", f);
	for (unsigned i = 0; i < n; i++)
		fprintf(f, "%s\"10.%u.%u.0/24\"", i ? "," : "", i / 256, i % 256);
	fputs("]}", f);
	fclose(f);
	return text;
}

static void as_many_spaces_as_a_worker_can_route(void **state)
{
	char *most = with_spaces(DESCRIPTION_ROUTES_MAX);
	char *more = with_spaces(DESCRIPTION_ROUTES_MAX + 1);
	struct description d = {0};

	assert_int_equal(parse(most, &d, NULL), 0);
	assert_int_equal(d.n_routes, DESCRIPTION_ROUTES_MAX);
	expect_refused(more, "4096");
	description_done(&d);
	free(most);
	free(more);
}

/* What the plan adds goes into the tunnel too. */
static void routes_count_where_the_gateway_tells_them(void **state)
{
	struct description d = {0};
	char text[PREFIX_TEXT_MAX];

	assert_int_equal(parse("{\"vnetName\": \"lab\", \"addressSpaces\": [\"10.20.0.0/16\"],"
			       "\"routes\": [\"192.168.7.0/24\", \"10.20.0.0/16\"]}",
			       &d, NULL),
			 0);
	assert_int_equal(d.n_routes, 2);
	assert_string_equal(prefix_format(&d.routes[0], text), "192.168.7.0/24");
	description_done(&d);
	expect_refused("{\"vnetName\": \"a\", \"addressSpaces\": [], \"routes\": {}}",
		       "\"routes\" must be a list");
	expect_refused("{\"vnetName\": \"a\", \"addressSpaces\": [], \"routes\": [\"x\"]}",
		       "\"routes\" holds what is no prefix");
	expect_refused("{\"vnetName\": \"a\", \"routes\": []}", "addressSpaces");
}

static bool are_equal(const char *json_a, const char *json_b)
{
	struct description a = {0}, b = {0};
	bool equal;

	assert_int_equal(parse(json_a, &a, NULL), 0);
	assert_int_equal(parse(json_b, &b, NULL), 0);
	equal = description_equal(&a, &b);
	assert_int_equal(description_equal(&b, &a), equal);
	description_done(&a);
	description_done(&b);
	return equal;
}

static void digest_alone_tells_a_change_where_there_is_one(void **state)
{
	assert_true(are_equal("{\"vnetName\": \"a\", \"addressSpaces\": [], \"digest\": \"1\"}",
			      "{\"vnetName\": \"b\", \"addressSpaces\": [], \"digest\": \"1\"}"));
	assert_false(are_equal("{\"vnetName\": \"a\", \"addressSpaces\": [], \"digest\": \"1\"}",
			       "{\"vnetName\": \"a\", \"addressSpaces\": [], \"digest\": \"2\"}"));
}

static void without_a_digest_all_that_counts_is_compared(void **state)
{
	static const char same[] = "{\"vnetName\": \"a\", \"addressSpaces\": [\"10.1.0.0/16\","
				   "\"10.2.0.0/16\"], \"dnsServers\": [\"10.1.0.4\"]}";
	static const char *const others[] = {
		"{\"vnetName\": \"b\", \"addressSpaces\": [\"10.1.0.0/16\",\"10.2.0.0/16\"],"
		"\"dnsServers\": [\"10.1.0.4\"]}",
		"{\"vnetName\": \"a\", \"addressSpaces\": [\"10.1.0.0/16\",\"10.3.0.0/16\"],"
		"\"dnsServers\": [\"10.1.0.4\"]}",
		"{\"vnetName\": \"a\", \"addressSpaces\": [\"10.1.0.0/16\"],"
		"\"dnsServers\": [\"10.1.0.4\"]}",
		"{\"vnetName\": \"a\", \"addressSpaces\": [\"10.1.0.0/16\",\"10.2.0.0/16\"],"
		"\"dnsServers\": [\"10.1.0.5\"]}",
		"{\"vnetName\": \"a\", \"addressSpaces\": [\"10.1.0.0/16\",\"10.2.0.0/16\"]}",
		"{\"vnetName\": \"a\", \"addressSpaces\": [\"10.1.0.0/16\",\"10.2.0.0/16\"],"
		"\"dnsServers\": [\"10.1.0.4\"], \"pointToSiteAddressSpaces\": "
		"[\"172.16.0.0/24\"]}",
		"{\"vnetName\": \"a\", \"appName\": \"x\", \"addressSpaces\": [\"10.1.0.0/16\","
		"\"10.2.0.0/16\"], \"dnsServers\": [\"10.1.0.4\"]}",
	};

	assert_true(are_equal(
		same, "{\"vnetName\": \"a\", \"addressSpaces\": [\"10.2.0.0/16\","
		      "\"10.1.0.0/16\"], \"dnsServers\": [\"10.1.0.4\"], \"digest\": \"1\"}"));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(are_equal(same, others[i]));
}

static void copy_is_its_own(void **state)
{
	struct description d = {0}, copy;

	assert_int_equal(
		parse("{\"vnetName\": \"lab\", \"addressSpaces\": [\"10.20.0.0/16\"]}", &d, NULL),
		0);
	assert_int_equal(description_copy(&d, &copy), 0);
	assert_true(description_equal(&d, &copy));
	assert_ptr_not_equal(d.routes, copy.routes);
	description_done(&d);
	assert_int_equal(copy.n_routes, 1);
	description_done(&copy);
	assert_int_equal(description_copy(&d, &copy), 0);
	description_done(&copy);
}

static void too_long_is_not_read(void **state)
{
	struct description d = {0};
	struct certs_error e;
	char *text = malloc(DESCRIPTION_JSON_MAX + 1);

	memset(text, ' ', DESCRIPTION_JSON_MAX + 1);
	assert_int_equal(description_parse(text, DESCRIPTION_JSON_MAX + 1, &d, &e), -EMSGSIZE);
	assert_int_equal(description_parse(text, DESCRIPTION_JSON_MAX, &d, &e), -EBADMSG);
	free(text);
}

static void nothing_is_done_with_nothing(void **state)
{
	struct description d = {0};

	description_done(NULL);
	description_done(&d);
	assert_int_equal(d.n_routes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_taken),
		cmocka_unit_test(least_is_a_vnet_and_its_spaces),
		cmocka_unit_test(both_families_count_and_a_prefix_counts_once),
		cmocka_unit_test(unique_keeps_the_first_of_each_in_order),
		cmocka_unit_test(domain_is_what_a_resolver_can_search),
		cmocka_unit_test(keys_of_a_newer_gateway_are_left_alone),
		cmocka_unit_test(wrong_types_and_values_are_refused),
		cmocka_unit_test(as_many_spaces_as_a_worker_can_route),
		cmocka_unit_test(routes_count_where_the_gateway_tells_them),
		cmocka_unit_test(digest_alone_tells_a_change_where_there_is_one),
		cmocka_unit_test(without_a_digest_all_that_counts_is_compared),
		cmocka_unit_test(copy_is_its_own),
		cmocka_unit_test(too_long_is_not_read),
		cmocka_unit_test(nothing_is_done_with_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

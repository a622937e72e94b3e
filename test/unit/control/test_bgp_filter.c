/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/bgp_filter.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "test/support/cmocka.h"

static struct bgp_filter filters[BGP_FILTERS_MAX];

static int read_list(const char *text, size_t *ret_n, char why[BGP_FILTER_WHY_MAX])
{
	json_t *list = json_loads(text, 0, NULL);
	int r;

	assert_non_null(list);
	r = bgp_filters_read(list, filters, ret_n, why);
	json_decref(list);
	return r;
}

/* Which of the prefixes pass, in their order. */
static void permits(const char *list, const char *const *prefixes, const char *expected)
{
	char why[BGP_FILTER_WHY_MAX], passed[512] = "";
	size_t n;

	if (read_list(list, &n, why) < 0)
		fail_msg("%s", why);
	for (; *prefixes; prefixes++) {
		struct prefix p;

		assert_int_equal(prefix_parse(*prefixes, &p), 0);
		if (bgp_filters_permit(filters, n, &p)) {
			strcat(passed, *passed ? " " : "");
			strcat(passed, *prefixes);
		}
	}
	assert_string_equal(passed, expected);
}

#define ENTRY(action, prefix, more) "{\"action\":\"" action "\",\"prefix\":\"" prefix "\"" more "}"

static const char *const some[] = {
	"10.0.0.0/8",	  "10.1.0.0/16",   "10.1.2.0/24",     "10.1.2.3/32",
	"192.168.0.0/16", "2001:db8::/32", "2001:db8:1::/48", NULL};

static void empty_list_permits_all_and_any_other_denies_what_it_does_not_name(void **state)
{
	permits("[]", some,
		"10.0.0.0/8 10.1.0.0/16 10.1.2.0/24 10.1.2.3/32 192.168.0.0/16 2001:db8::/32 "
		"2001:db8:1::/48");
	permits("[" ENTRY("permit", "10.1.0.0/16", "") "]", some, "10.1.0.0/16");
}

static void lengths_are_those_from_ge_to_le(void **state)
{
	permits("[" ENTRY("permit", "10.0.0.0/8", ",\"ge\":16") "]", some,
		"10.1.0.0/16 10.1.2.0/24 10.1.2.3/32");
	permits("[" ENTRY("permit", "10.0.0.0/8", ",\"le\":16") "]", some,
		"10.0.0.0/8 10.1.0.0/16");
	permits("[" ENTRY("permit", "10.0.0.0/8", ",\"ge\":16,\"le\":24") "]", some,
		"10.1.0.0/16 10.1.2.0/24");
	permits("[" ENTRY("permit", "::/0", ",\"le\":128") "]", some,
		"2001:db8::/32 2001:db8:1::/48");
	permits("[" ENTRY("permit", "0.0.0.0/0", ",\"ge\":0,\"le\":null") "]", some,
		"10.0.0.0/8 10.1.0.0/16 10.1.2.0/24 10.1.2.3/32 192.168.0.0/16");
}

static void first_match_decides(void **state)
{
	permits("[" ENTRY("deny", "10.1.0.0/16", ",\"le\":24") "," ENTRY("permit", "0.0.0.0/0",
									 ",\"le\":32") "]",
		some, "10.0.0.0/8 10.1.2.3/32 192.168.0.0/16");
	permits("[" ENTRY("permit", "0.0.0.0/0", ",\"le\":32") "," ENTRY("deny", "10.1.0.0/16",
									 "") "]",
		some, "10.0.0.0/8 10.1.0.0/16 10.1.2.0/24 10.1.2.3/32 192.168.0.0/16");
}

static void refuses(const char *list, int error, const char *expected)
{
	char why[BGP_FILTER_WHY_MAX] = "";
	size_t n = 99;

	assert_int_equal(read_list(list, &n, why), error);
	assert_int_equal(n, 99);
	assert_string_equal(why, expected);
}

static void what_is_no_filter_is_refused_with_its_number(void **state)
{
	refuses("[" ENTRY("permit", "10.0.0.0/8", "") "," ENTRY("allow", "10.0.0.0/8", "") "]",
		-EINVAL, "BGP filter 2: 'action' must be one of: permit, deny");
	refuses("[{\"action\":\"deny\"}]", -EINVAL, "BGP filter 1: 'prefix' is missing");
	refuses("[{\"prefix\":\"::/0\"}]", -EINVAL, "BGP filter 1: 'action' is missing");
	refuses("[" ENTRY("deny", "10.0.0.1/8", "") "]", -EINVAL,
		"BGP filter 1: 'prefix' has host bits set in a prefix");
	refuses("[" ENTRY("deny", "10.0.0.0", "") "]", -EINVAL,
		"BGP filter 1: 'prefix' must hold IPv4 or IPv6 prefixes in CIDR notation");
	refuses("[" ENTRY("deny", "10.0.0.0/8", ",\"gt\":9") "]", -EINVAL,
		"BGP filter 1: 'gt' is not known here");
	refuses("[" ENTRY("deny", "10.0.0.0/8", ",\"ge\":129") "]", -EINVAL,
		"BGP filter 1: 'ge' must be a whole number from 0 to 128");
	refuses("[" ENTRY("deny", "10.0.0.0/8", ",\"ge\":7") "]", -EINVAL,
		"BGP filter 1: 'ge' is below the prefix's own length");
	refuses("[" ENTRY("deny", "10.0.0.0/8", ",\"le\":7") "]", -EINVAL,
		"BGP filter 1: 'le' is below 'ge', or below the prefix's own length");
	refuses("[" ENTRY("deny", "10.0.0.0/8", ",\"ge\":17,\"le\":16") "]", -EINVAL,
		"BGP filter 1: 'le' is below 'ge', or below the prefix's own length");
	refuses("[" ENTRY("deny", "10.0.0.0/8", ",\"le\":33") "]", -EINVAL,
		"BGP filter 1: 'ge' and 'le' are at most 32 of an IPv4 prefix");
}

static void more_filters_than_there_may_be_are_refused(void **state)
{
	char why[BGP_FILTER_WHY_MAX];
	json_t *list = json_array();
	size_t n;

	for (int i = 0; i < BGP_FILTERS_MAX; i++)
		json_array_append_new(
			list, json_pack("{s:s,s:s}", "action", "permit", "prefix", "10.0.0.0/8"));
	assert_int_equal(bgp_filters_read(list, filters, &n, why), 0);
	assert_int_equal(n, BGP_FILTERS_MAX);
	json_array_append(list, json_array_get(list, 0));
	assert_int_equal(bgp_filters_read(list, filters, &n, why), -E2BIG);
	assert_string_equal(why, "There are more than 256 BGP filters.");
	json_decref(list);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_list_permits_all_and_any_other_denies_what_it_does_not_name),
		cmocka_unit_test(lengths_are_those_from_ge_to_le),
		cmocka_unit_test(first_match_decides),
		cmocka_unit_test(what_is_no_filter_is_refused_with_its_number),
		cmocka_unit_test(more_filters_than_there_may_be_are_refused),
	};

	return cmocka_run_group_tests_name("control/bgp_filter", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/common/pool.h"

#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"

static void set(const char *name, const char *value)
{
	assert_int_equal(value ? setenv(name, value, 1) : unsetenv(name), 0);
}

static int clean(void **state)
{
	set("WEBSITE_PRIVATE_POOL", NULL);
	set("WEBSITE_PRIVATE_IP", NULL);
	set("WEBSITE_PRIVATE_IPV6", NULL);
	return 0;
}

static void ranges_of_a_family_are_picked(void **state)
{
	char buf[POOL_TEXT_MAX];

	set("WEBSITE_PRIVATE_POOL", "172.16.81.0/24,fd81::/48,192.168.0.0/25");
	assert_string_equal(pool_ranges(AF_INET, buf), "172.16.81.0/24,192.168.0.0/25");
	assert_string_equal(pool_ranges(AF_INET6, buf), "fd81::/48");
	set("WEBSITE_PRIVATE_POOL", ",,");
	assert_string_equal(pool_ranges(AF_INET, buf), "");
}

static void text_that_is_too_long_is_cut_between_ranges(void **state)
{
	char text[2 * POOL_TEXT_MAX], buf[POOL_TEXT_MAX];

	text[0] = '\0';
	while (strlen(text) + 16 < sizeof(text))
		strcat(text, "172.16.0.0/16,");
	set("WEBSITE_PRIVATE_POOL", text);
	assert_true(strlen(pool_ranges(AF_INET, buf)) < POOL_TEXT_MAX);
	assert_string_equal(buf + strlen(buf) - strlen("172.16.0.0/16"), "172.16.0.0/16");
}

static void B54_advice_names_the_pool_else_the_address_else_there_is_none(void **state)
{
	char buf[POOL_TEXT_MAX];

	assert_null(pool_advice(AF_INET, buf));
	set("WEBSITE_PRIVATE_IP", "172.16.81.7");
	assert_non_null(strstr(pool_advice(AF_INET, buf), "the pool that 172.16.81.7 comes from"));
	set("WEBSITE_PRIVATE_POOL", "172.16.81.0/24,fd81::/48");
	assert_string_equal(pool_advice(AF_INET, buf),
			    "If a firewall drops it, let in the whole pool: 172.16.81.0/24 (this "
			    "app is 172.16.81.7 now)");
	assert_string_equal(pool_advice(AF_INET6, buf),
			    "If a firewall drops it, let in the whole pool: fd81::/48");
	set("WEBSITE_PRIVATE_IPV6", "fd81::1");
	assert_string_equal(pool_address(AF_INET6), "fd81::1");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(ranges_of_a_family_are_picked, clean),
		cmocka_unit_test_setup(text_that_is_too_long_is_cut_between_ranges, clean),
		cmocka_unit_test_setup(
			B54_advice_names_the_pool_else_the_address_else_there_is_none, clean),
	};

	return cmocka_run_group_tests_name("tools/pool", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/network.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "test/support/cmocka.h"

static const struct msg_vnet blue = {
	.name = "Blue",
	.spaces = {"10.1.0.0/16", "10.2.0.0/16"},
	.n_spaces = 2,
	.dns = {"10.1.0.4"},
	.n_dns = 1,
	.gateway = "192.0.0.8",
};

static struct networks *networks_of(const struct msg_vnet *first, const struct msg_vnet *second)
{
	struct msg_vnet vnets[] = {*first, *second};
	struct networks *n =
		networks_new(&(struct msg_config){.dial = "", .vnets = vnets, .n_vnets = 2});

	assert_non_null(n);
	return n;
}

static void description_says_what_the_vnet_is(void **state)
{
	struct msg_vnet red = {.name = "red", .gateway = "192.0.0.8"};
	struct networks *n = networks_of(&red, &blue);
	char *text = networks_describe(n, "blue", "shop");
	json_t *got = json_loads(text, 0, NULL);
	json_t *want =
		json_pack("{s:s, s:s, s:[s,s], s:[s], s:s, s:s}", "vnetName", "Blue", "appName",
			  "shop", "addressSpaces", "10.1.0.0/16", "10.2.0.0/16", "dnsServers",
			  "10.1.0.4", "gateway", "192.0.0.8", "digest", networks_digest(n, "BLUE"));

	assert_true(json_equal(got, want));
	assert_null(strchr(text, '\n'));
	json_decref(got);
	json_decref(want);
	free(text);
	networks_free(n);
}

static void digest_changes_with_the_network_and_with_nothing_else(void **state)
{
	struct msg_vnet same = blue;
	struct msg_vnet dns = blue;
	struct msg_vnet space = blue;
	struct networks *n;

	same.pools[0] = "172.16.0.0/24"; /* is not the worker's business */
	same.n_pools = 1;
	same.name = "Blue";
	dns.name = "dns";
	n = networks_of(&same, &dns);
	assert_int_equal(strlen(networks_digest(n, "blue")), NETWORK_DIGEST_MAX - 1);
	assert_string_not_equal(networks_digest(n, "blue"), networks_digest(n, "dns"));
	{
		struct networks *m = networks_of(&blue, &dns);

		assert_string_equal(networks_digest(n, "blue"), networks_digest(m, "blue"));
		networks_free(m);
	}
	dns.name = "Blue";
	dns.dns[0] = "10.1.0.5";
	space.spaces[1] = "10.3.0.0/16";
	{
		struct networks *m = networks_of(&dns, &space);
		struct networks *k = networks_of(&space, &dns);

		assert_string_not_equal(networks_digest(n, "blue"), networks_digest(m, "blue"));
		assert_string_not_equal(networks_digest(n, "blue"), networks_digest(k, "blue"));
		networks_free(m);
		networks_free(k);
	}
	networks_free(n);
}

static void vnet_that_is_not_there_has_no_description(void **state)
{
	struct networks *n = networks_of(&blue, &blue);

	assert_null(networks_digest(n, "green"));
	assert_null(networks_describe(n, "green", "shop"));
	assert_null(networks_digest(NULL, "blue"));
	networks_free(n);
	networks_free(NULL);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(description_says_what_the_vnet_is),
		cmocka_unit_test(digest_changes_with_the_network_and_with_nothing_else),
		cmocka_unit_test(vnet_that_is_not_there_has_no_description),
	};

	return cmocka_run_group_tests_name("control/network", tests, NULL, NULL);
}

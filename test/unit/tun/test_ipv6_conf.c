/* SPDX-License-Identifier: Apache-2.0 */
#include "tun/ipv6_conf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "test/support/cmocka.h"
#include "test/unit/tun/scene.h"
#include "tun/netns.h"

static int read_here(void *arg)
{
	FILE *f = fopen(arg, "re");
	int c = f ? fgetc(f) : -ENOENT;

	if (f)
		fclose(f);
	return c;
}

static int value(int netns, const char *path)
{
	char copy[128];

	snprintf(copy, sizeof(copy), "%s", path);
	return netns_call(netns, read_here, copy);
}

static void setting_is_the_devices_in_its_namespace(void **state)
{
	struct scene *s = *state;

	assert_int_equal(ipv6_conf_set(s->netns, "tun0", "keep_addr_on_down", "1"), 0);
	assert_int_equal(value(s->netns, "/proc/sys/net/ipv6/conf/tun0/keep_addr_on_down"), '1');
	assert_int_equal(value(s->netns, "/proc/sys/net/ipv6/conf/all/keep_addr_on_down"), '0');
	assert_int_equal(ipv6_conf_set(s->netns, "tun0", "keep_addr_on_down", "0"), 0);
	assert_int_equal(value(s->netns, "/proc/sys/net/ipv6/conf/tun0/keep_addr_on_down"), '0');
	assert_int_equal(value(-1, "/proc/sys/net/ipv6/conf/tun0/keep_addr_on_down"), -ENOENT);
}

static void what_cannot_be_set_has_its_error(void **state)
{
	char name[300];
	struct scene *s = *state;

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(ipv6_conf_set(s->netns, "tun1", "keep_addr_on_down", "1"), -ENOENT);
	assert_int_equal(ipv6_conf_set(s->netns, "tun0", "no_such_key", "1"), -ENOENT);
	assert_int_equal(ipv6_conf_set(s->netns, "tun0", "mtu", "many"), -EINVAL);
	assert_int_equal(ipv6_conf_set(s->netns, name, "mtu", "1400"), -ENAMETOOLONG);
}

#define SCENE_TEST(f) cmocka_unit_test_setup_teardown(f, scene_set_up, scene_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(setting_is_the_devices_in_its_namespace),
		SCENE_TEST(what_cannot_be_set_has_its_error),
	};

	return cmocka_run_group_tests_name("tun/ipv6_conf", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* In a namespace of its own (root), with routes that the test has set itself. */
#include "tun/rtnl_get.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "test/support/cmocka.h"
#include "test/unit/tun/scene.h"

static struct prefix parsed(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	return p;
}

static int get(const struct scene *s, const char *address, struct rtnl_got *ret_got)
{
	struct prefix p = parsed(address);

	return rtnl_route_get(s->rtnl, &p, ret_got);
}

static void add_route(const struct scene *s, const char *prefix, enum rtnl_route_kind kind)
{
	const struct rtnl_route route = {
		.dst = parsed(prefix), .kind = kind, .ifindex = s->tun.ifindex};

	assert_int_equal(rtnl_route_add(s->rtnl, &route), 0);
}

static void route_out_of_a_device_has_its_name_and_table(void **state)
{
	struct scene *s = *state;
	struct rtnl_got got;

	scene_tun_ready(s);
	assert_int_equal(get(s, "10.9.0.7", &got), 0);
	assert_int_equal(got.kind, RTNL_GOT_FORWARDED);
	assert_string_equal(got.device, "tun0");
	assert_int_equal(got.via_family, 0);
	assert_int_equal(got.table, 254);
	add_route(s, "fd00:9::/48", RTNL_ROUTE_DEVICE);
	assert_int_equal(get(s, "fd00:9::7", &got), 0);
	assert_int_equal(got.kind, RTNL_GOT_FORWARDED);
	assert_string_equal(got.device, "tun0");
}

static void own_address_is_local(void **state)
{
	struct scene *s = *state;
	struct rtnl_got got;

	scene_tun_ready(s);
	assert_int_equal(get(s, "10.9.0.1", &got), 0);
	assert_int_equal(got.kind, RTNL_GOT_LOCAL);
}

static void without_a_route_it_is_unreachable_and_nothing_is_filled_in(void **state)
{
	struct scene *s = *state;
	struct rtnl_got got = {.table = 7};

	scene_tun_ready(s);
	assert_int_equal(get(s, "192.0.2.1", &got), -ENETUNREACH);
	assert_int_equal(get(s, "2001:db8::1", &got), -ENETUNREACH);
	add_route(s, "192.0.2.0/24", RTNL_ROUTE_UNREACHABLE);
	assert_int_equal(get(s, "192.0.2.1", &got), -EHOSTUNREACH);
	assert_int_equal(got.table, 7);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(route_out_of_a_device_has_its_name_and_table,
						scene_set_up, scene_tear_down),
		cmocka_unit_test_setup_teardown(own_address_is_local, scene_set_up,
						scene_tear_down),
		cmocka_unit_test_setup_teardown(
			without_a_route_it_is_unreachable_and_nothing_is_filled_in, scene_set_up,
			scene_tear_down),
	};

	return cmocka_run_group_tests_name("tun/rtnl_get", tests, NULL, NULL);
}

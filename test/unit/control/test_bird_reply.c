/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/control/bird_reply.h"

#include <stdio.h>
#include <string.h>

#include "test/support/cmocka.h"

static void check_whole(const char *text, size_t whole, unsigned code, size_t last)
{
	unsigned got_code = 0;
	size_t got_last = 0;

	assert_int_equal(bird_reply_whole(text, strlen(text), &got_code, &got_last), whole);
	assert_int_equal(got_code, code);
	assert_int_equal(got_last, last);
}

static void reply_is_whole_with_its_last_line(void **state)
{
	check_whole("", 0, 0, 0);
	check_whole("0001 BIRD 2.0.12 ready.", 0, 0, 0);
	check_whole("0001 BIRD 2.0.12 ready.\n", 24, 1, 0);
	check_whole("1007-Table master4:\n 10.0.0.0/8 x\n", 0, 0, 0);
	check_whole("1007-Table master4:\n 10.0.0.0/8 x\n0000 \n", 40, 0, 34);
	check_whole("8001 Network not found\nmore", 23, 8001, 0);
	check_whole("9001 syntax error\n", 18, 9001, 0);
	check_whole(" 123 of no number\n", 0, 0, 0);
}

struct peers {
	struct bird_peer list[4];
	size_t n;
};

static void take_peer(void *arg, const struct bird_peer *peer)
{
	struct peers *p = arg;

	assert_true(p->n < 4);
	p->list[p->n++] = *peer;
}

static const char protocols[] =
	"2002-Name       Proto      Table      State  Since         Info\n"
	"1002-device1    Device     ---        up     22:05:42.108  \n"
	"1006-\n"
	"1002-theirs     Kernel     master4    up     22:05:42.108  \n"
	"1006-  Channel ipv4\n"
	"     Routes:         7 imported, 9 exported, 7 preferred\n"
	" \n"
	"1002-onprem1    BGP        ---        up     22:06:25.016  Established   \n"
	"1006-  BGP state:          Established\n"
	"     Neighbor address: 192.0.2.2\n"
	"     Neighbor AS:      65001\n"
	"     Local AS:         65515\n"
	"     Source address:   192.0.2.1\n"
	"   Channel ipv4\n"
	"     Routes:         50000 imported, 3 filtered, 2 exported, 50000 preferred\n"
	"   Channel ipv6\n"
	"     Routes:         1 imported, 1 exported, 1 preferred\n"
	" \n"
	"1002-onprem2    BGP        ---        start  2026-11-20    Active        Socket: "
	"Connection refused\n"
	"1006-  BGP state:          Active\n"
	"     Neighbor address: fd99::2\n"
	"     Neighbor AS:      4200000001\n"
	"     Local AS:         65515\n"
	"     Last error:       Socket: Connection refused\n"
	"0000 \n";

static void peers_are_those_of_bgp(void **state)
{
	struct peers p = {.n = 0};

	bird_reply_peers(protocols, strlen(protocols), take_peer, &p);
	assert_int_equal(p.n, 2);
	assert_string_equal(p.list[0].name, "onprem1");
	assert_string_equal(p.list[0].state, "up");
	assert_string_equal(p.list[0].bgp_state, "Established");
	assert_string_equal(p.list[0].since, "22:06:25.016");
	assert_string_equal(p.list[0].neighbor, "192.0.2.2");
	assert_string_equal(p.list[0].local, "192.0.2.1");
	assert_int_equal(p.list[0].neighbor_as, 65001);
	assert_int_equal(p.list[0].local_as, 65515);
	assert_int_equal(p.list[0].imported, 50001);
	assert_int_equal(p.list[0].exported, 3);
	assert_string_equal(p.list[0].error, "");
	assert_string_equal(p.list[1].bgp_state, "Active");
	assert_string_equal(p.list[1].neighbor, "fd99::2");
	assert_int_equal(p.list[1].neighbor_as, 4200000001);
	assert_string_equal(p.list[1].error, "Socket: Connection refused");
	assert_int_equal(p.list[1].imported, 0);
}

struct routes {
	struct bird_route list[8];
	size_t n;
};

static void take_route(void *arg, const struct bird_route *route)
{
	struct routes *r = arg;

	assert_true(r->n < 8);
	r->list[r->n++] = *route;
}

static const char table[] =
	"1007-Table master4:\n"
	" 10.50.0.0/16         unicast [onprem1 22:06:28.017] * (100) [AS65002i]\n"
	" \tvia 192.0.2.2 on eth0\n"
	"1008-\tType: BGP univ\n"
	"1012-\tBGP.origin: IGP\n"
	" \tBGP.as_path: 65001 65002\n"
	" \tBGP.next_hop: 192.0.2.2\n"
	" \tBGP.local_pref: 100\n"
	"1007-                     unicast [onprem2 22:06:29.017 from 192.0.2.6] (100) [AS65003i]\n"
	" \tvia 192.0.2.6 on eth1\n"
	"1008-\tType: BGP univ\n"
	"1012-\tBGP.origin: EGP\n"
	" \tBGP.as_path: 65003\n"
	"1007-10.20.0.0/16         blackhole [sstp_lab4 22:05:42.109] * (10)\n"
	"1008-\tType: inherit univ\n"
	"1007-\n"
	" Table master6:\n"
	" fd50::/48            unicast [onprem1 22:06:28.017] * (100) [AS65001i]\n"
	" \tvia fd99::2 on eth0\n"
	"1012-\tBGP.as_path: 65001\n"
	" \tBGP.next_hop: fd99::2 fe80::1\n"
	"0000 \n";

static void assert_prefix(const struct prefix *p, const char *text)
{
	char buf[PREFIX_TEXT_MAX];

	assert_string_equal(prefix_format(p, buf), text);
}

static void routes_have_their_peers_and_paths(void **state)
{
	struct routes r = {.n = 0};

	bird_reply_routes(table, strlen(table), take_route, &r);
	assert_int_equal(r.n, 4);
	assert_prefix(&r.list[0].dst, "10.50.0.0/16");
	assert_string_equal(r.list[0].peer, "onprem1");
	assert_string_equal(r.list[0].as_path, "65001 65002");
	assert_string_equal(r.list[0].next_hop, "192.0.2.2");
	assert_string_equal(r.list[0].origin, "IGP");
	assert_int_equal(r.list[0].local_pref, 100);
	assert_true(r.list[0].is_best);
	assert_prefix(&r.list[1].dst, "10.50.0.0/16");
	assert_string_equal(r.list[1].peer, "onprem2");
	assert_string_equal(r.list[1].as_path, "65003");
	assert_false(r.list[1].is_best);
	assert_prefix(&r.list[2].dst, "10.20.0.0/16");
	assert_string_equal(r.list[2].as_path, "");
	assert_prefix(&r.list[3].dst, "fd50::/48");
	assert_string_equal(r.list[3].next_hop, "fd99::2 fe80::1");
}

static void what_is_cut_anywhere_does_no_harm(void **state)
{
	for (size_t len = 0; len < sizeof(table); len++) {
		struct routes r = {.n = 0};

		bird_reply_routes(table, len, take_route, &r);
		assert_in_range(r.n, 0, 4);
	}
	for (size_t len = 0; len < sizeof(protocols); len++) {
		struct peers p = {.n = 0};

		bird_reply_peers(protocols, len, take_peer, &p);
		assert_in_range(p.n, 0, 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reply_is_whole_with_its_last_line),
		cmocka_unit_test(peers_are_those_of_bgp),
		cmocka_unit_test(routes_have_their_peers_and_paths),
		cmocka_unit_test(what_is_cut_anywhere_does_no_harm),
	};

	return cmocka_run_group_tests_name("control/bird_reply", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Tables are the kernel's, in a namespace of the test's own, into which the process goes (root); ip(8) says what is there. */
#include "sstp/gateway/parent_routes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sstp/base/sealed.h"
#include "sstp/control/prefix_list.h"
#include "test/support/cmocka.h"
#include "tun/rtnl.h"
#include "tun/rtnl_get.h"

enum {
	TEXT_MAX = 4096,
	TABLE = 8401,
};

struct bench {
	char folder[64];
	char path[96];
	struct parent_routes *routes;
	char text[PARENT_TEXT_MAX + 1];
};

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(system("ip link set lo up"), 0);
	snprintf(b->folder, sizeof(b->folder), "/tmp/parent-routes-XXXXXX");
	assert_non_null(mkdtemp(b->folder));
	snprintf(b->path, sizeof(b->path), "%s/announced", b->folder);
	b->routes = parent_routes_new(b->path);
	assert_non_null(b->routes);
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;

	parent_routes_free(b->routes);
	assert_int_equal(access(b->path, F_OK), -1);
	assert_int_equal(rmdir(b->folder), 0);
	free(b);
	return 0;
}

static int announce_at(struct bench *b, const char *vnet, const char *netns, uint32_t table,
		       const char *const *texts)
{
	struct prefix list[16];
	uint8_t *bytes;
	size_t n = 0, len;
	int fd, r;

	for (; texts[n]; n++)
		assert_int_equal(prefix_parse(texts[n], &list[n]), 0);
	assert_int_equal(prefix_list_encode(list, n, &bytes, &len), 0);
	fd = sealed_new("prefixes", bytes, len);
	assert_true(fd >= 0);
	r = parent_routes_announce(
		b->routes, &(struct parent_announce){.vnet = vnet, .netns = netns, .table = table},
		fd, b->text);
	close(fd);
	free(bytes);
	return r;
}

static int announce_as(struct bench *b, const char *vnet, uint32_t table, const char *const *texts)
{
	return announce_at(b, vnet, "", table, texts);
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NOTHING	  ((const char *const[]){NULL})

/* What ip(8) says of the table, IPv4 and then IPv6, one blank after each. */
static const char *table(uint32_t number)
{
	static char text[TEXT_MAX];
	char command[256];
	size_t n;
	FILE *f;

	snprintf(command, sizeof(command),
		 "for f in 4 6; do ip -o -$f route show table %u 2>/dev/null; done |"
		 " awk '{printf \"%%s %%s \", $1, $2}'",
		 number);
	f = popen(command, "r");
	n = fread(text, 1, sizeof(text) - 1, f);
	pclose(f);
	text[n] = '\0';
	return text;
}

static void what_is_announced_stands_in_the_table(void **state)
{
	struct bench *b = *state;

	assert_int_equal(
		announce_as(b, "lab", TABLE,
			    LIST("172.16.0.0/24", "10.20.0.0/16", "fd20::/48", "10.20.0.0/16")),
		0);
	assert_string_equal(table(TABLE),
			    "blackhole 10.20.0.0/16 blackhole 172.16.0.0/24 blackhole fd20::/48 ");
	assert_string_equal(table(254), "");
	assert_int_equal(access(b->path, F_OK), 0);
}

static void other_prefixes_take_the_place_of_the_first_ones(void **state)
{
	struct bench *b = *state;

	assert_int_equal(announce_as(b, "lab", TABLE, LIST("172.16.0.0/24", "10.20.0.0/16")), 0);
	assert_int_equal(announce_as(b, "lab", TABLE, LIST("10.20.0.0/16", "fd20::/48")), 0);
	assert_string_equal(table(TABLE), "blackhole 10.20.0.0/16 blackhole fd20::/48 ");
	assert_int_equal(announce_as(b, "lab", TABLE, NOTHING), 0);
	assert_string_equal(table(TABLE), "");
	assert_int_equal(access(b->path, F_OK), -1);
}

static void other_table_takes_the_place_of_the_first_one(void **state)
{
	struct bench *b = *state;

	assert_int_equal(announce_as(b, "lab", TABLE, LIST("10.20.0.0/16")), 0);
	assert_int_equal(announce_as(b, "lab", TABLE + 1, LIST("10.20.0.0/16")), 0);
	assert_string_equal(table(TABLE), "");
	assert_string_equal(table(TABLE + 1), "blackhole 10.20.0.0/16 ");
}

static void routes_of_others_stay(void **state)
{
	struct bench *b = *state;

	assert_int_equal(system("ip route add blackhole 10.9.0.0/16 table 8401 proto static;"
				" ip route add unreachable 10.8.0.0/16 proto 83"),
			 0);
	assert_int_equal(announce_as(b, "lab", TABLE, LIST("10.20.0.0/16")), 0);
	assert_true(parent_routes_withdraw(b->routes));
	assert_false(parent_routes_withdraw(b->routes));
	assert_string_equal(table(TABLE), "blackhole 10.9.0.0/16 ");
	assert_string_equal(table(254), "unreachable 10.8.0.0/16 ");
	/* and what somebody else says of a prefix is not taken over */
	assert_int_equal(announce_as(b, "lab", TABLE, LIST("10.9.0.0/16")), -EEXIST);
}

static void tables_of_the_system_are_refused(void **state)
{
	static const uint32_t refused[] = {0, 253, 254, 255};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(announce_as(b, "lab", refused[i], LIST("10.20.0.0/16")), -EPERM);
		assert_string_equal(b->text,
				    "the table is one of the system's own (main, local, default)");
	}
	assert_string_equal(table(254), "");
}

static void table_that_a_rule_asks_is_refused(void **state)
{
	struct bench *b = *state;

	assert_int_equal(system("ip -6 rule add from fd77::/16 lookup 8401"), 0);
	assert_int_equal(announce_as(b, "lab", TABLE, LIST("10.20.0.0/16")), -EBUSY);
	assert_non_null(strstr(b->text, "a rule asks table 8401"));
	assert_string_equal(table(TABLE), "");
}

static void default_route_is_never_announced(void **state)
{
	struct bench *b = *state;

	assert_int_equal(announce_as(b, "lab", TABLE, LIST("10.20.0.0/16", "0.0.0.0/0")), -EINVAL);
	assert_int_equal(announce_as(b, "lab", TABLE, LIST("::/0")), -EINVAL);
	assert_string_equal(table(TABLE), "");
}

static void table_of_another_network_is_refused(void **state)
{
	struct bench *b = *state;

	assert_int_equal(announce_as(b, "lab", TABLE, LIST("10.20.0.0/16")), 0);
	assert_int_equal(announce_as(b, "other", TABLE, LIST("10.21.0.0/16")), -EEXIST);
	assert_string_equal(b->text, "another virtual network announces in this table");
	assert_string_equal(table(TABLE), "blackhole 10.20.0.0/16 ");
}

static void what_is_not_sealed_is_refused(void **state)
{
	struct bench *b = *state;

	assert_int_equal(parent_routes_announce(b->routes,
						&(struct parent_announce){
							.vnet = "lab", .netns = "", .table = TABLE},
						STDIN_FILENO, b->text),
			 -EBADF);
}

/* Its successor begins while the routes are still there: nobody has closed anything. */
static void what_a_killed_gateway_announced_is_withdrawn(void **state)
{
	struct bench *b = *state;
	char copy[128], command[512];

	assert_int_equal(announce_as(b, "lab", TABLE, LIST("10.20.0.0/16", "fd20::/48")), 0);
	assert_int_equal(announce_as(b, "red", TABLE + 1, LIST("10.21.0.0/16")), 0);
	snprintf(copy, sizeof(copy), "%s.copy", b->path);
	snprintf(command, sizeof(command),
		 "cp %s %s; printf 'gone\\t8403\\nrubbish\\n\\t254\\n' >> %s", b->path, copy, copy);
	assert_int_equal(system(command), 0);
	parent_routes_free(parent_routes_new(copy));
	assert_string_equal(table(TABLE), "");
	assert_string_equal(table(TABLE + 1), "");
	assert_int_equal(access(copy, F_OK), -1);
}

static void what_control_does_not_say_again_is_withdrawn(void **state)
{
	struct bench *b = *state;

	assert_int_equal(announce_as(b, "lab", TABLE, LIST("10.20.0.0/16")), 0);
	assert_int_equal(announce_as(b, "red", TABLE + 1, LIST("10.21.0.0/16")), 0);
	parent_routes_doubt(b->routes);
	assert_int_equal(announce_as(b, "red", TABLE + 1, LIST("10.21.0.0/16")), 0);
	parent_routes_drop_doubted(b->routes);
	assert_string_equal(table(TABLE), "");
	assert_string_equal(table(TABLE + 1), "blackhole 10.21.0.0/16 ");
	parent_routes_drop_doubted(b->routes);
	assert_string_equal(table(TABLE + 1), "blackhole 10.21.0.0/16 ");
}

static void namespaces_are_named(void **state)
{
	static struct gateway_vnet vnet = {.netns = (char *)"/run/odd/place"};
	static char *names[] = {(char *)"red"};
	struct gateway_config config = {
		.vnets = &vnet, .n_vnets = 1, .attach_namespaces = names, .n_attach_namespaces = 1};
	static const char *const refused[] = {"/proc/1/ns/net", "..", ".", "a/b", "a b", "a\nb"};

	assert_null(parent_routes_objection("", &config));
	assert_null(parent_routes_objection("red", &config));
	assert_null(parent_routes_objection("/run/odd/place", &config));
	assert_string_equal(parent_routes_objection("blue", &config),
			    "its namespace is not among attach_namespaces of gateway.yaml");
	config.attaches_anywhere = true;
	assert_null(parent_routes_objection("blue", &config));
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_string_equal(parent_routes_objection(refused[i], &config),
				    "its namespace is neither one of gateway.yaml nor a name");
	assert_int_equal(parent_routes_learn("no-such-namespace"), -ENOENT);
}

/* Here by a path, so that ip(8) sees it. */
static void namespace_that_is_closed_by_a_reload_keeps_no_announcement(void **state)
{
	static struct gateway_vnet vnet = {.netns = (char *)"/proc/self/ns/net"};
	static const struct gateway_config with = {.vnets = &vnet, .n_vnets = 1};
	static const struct gateway_config without = {.n_vnets = 0};
	struct bench *b = *state;

	assert_int_equal(announce_at(b, "lab", vnet.netns, TABLE, LIST("10.20.0.0/16")), 0);
	assert_int_equal(announce_as(b, "red", TABLE + 1, LIST("10.21.0.0/16")), 0);
	parent_routes_reconfigure(b->routes, &with);
	assert_string_equal(table(TABLE), "blackhole 10.20.0.0/16 ");
	parent_routes_reconfigure(b->routes, &without);
	assert_string_equal(table(TABLE), "");
	assert_string_equal(table(TABLE + 1), "blackhole 10.21.0.0/16 ");
}

static void socket_hears_of_routes(void **state)
{
	int fd = parent_routes_learn("");
	char buf[8192];

	assert_true(fd >= 0);
	assert_int_equal(system("ip route add unreachable 10.8.0.0/16"), 0);
	assert_true(recv(fd, buf, sizeof(buf), 0) > 0);
	close(fd);
}

#define ROUTES_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static void socket_to_ask_with_is_of_the_kind_that_was_asked_for(void **state)
{
	struct parent_dial dial = {
		.netns = "", .server = {.family = AF_INET, .len = 32, .addr = {127, 0, 0, 9}}};
	const struct prefix server = dial.server;
	struct sockaddr_in peer;
	socklen_t len = sizeof(peer);
	struct rtnl_got got;
	struct rtnl *rtnl;
	int fd = parent_routes_dial(&dial);

	assert_true(fd >= 0);
	assert_int_equal(getpeername(fd, (struct sockaddr *)&peer, &len), 0);
	assert_int_equal(ntohl(peer.sin_addr.s_addr), 0x7f000009);
	assert_int_equal(ntohs(peer.sin_port), 53);
	close(fd);
	dial.server = (struct prefix){.family = AF_INET};
	fd = parent_routes_dial(&dial);
	assert_true(fd >= 0);
	assert_int_equal(rtnl_adopt(fd, &rtnl), 0);
	assert_int_equal(rtnl_route_get(rtnl, &server, &got), 0);
	assert_int_equal(got.kind, RTNL_GOT_LOCAL);
	rtnl_close(rtnl);
	/* there is no way there in this namespace, and no such namespace */
	dial.server = server;
	dial.server.addr[0] = 10;
	assert_int_equal(parent_routes_dial(&dial), -ENETUNREACH);
	dial.netns = "no-such-namespace";
	assert_int_equal(parent_routes_dial(&dial), -ENOENT);
}

static int option_of(int fd, int level, int name)
{
	socklen_t len = sizeof(int);
	int value = -1;

	assert_int_equal(getsockopt(fd, level, name, &value, &len), 0);
	return value;
}

static void port_and_echo_are_asked_for_with_icmp_s_errors(void **state)
{
	struct parent_dial dial = {
		.netns = "",
		.server = {.family = AF_INET, .len = 32, .addr = {127, 0, 0, 9}},
		.use = PARENT_DIAL_PORT,
		.port = 9,
	};
	int fd = parent_routes_dial(&dial);

	assert_int_equal(option_of(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_TCP);
	assert_int_equal(option_of(fd, IPPROTO_IP, IP_RECVERR), 1);
	assert_int_equal(option_of(fd, SOL_SOCKET, SO_ERROR), ECONNREFUSED);
	close(fd);
	dial.use = PARENT_DIAL_ECHO;
	dial.port = 0;
	fd = parent_routes_dial(&dial);
	assert_int_equal(option_of(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_ICMP);
	assert_int_equal(option_of(fd, IPPROTO_IP, IP_RECVERR), 1);
	close(fd);
	dial.server = (struct prefix){.family = AF_INET6, .len = 128, .addr = {[15] = 1}};
	fd = parent_routes_dial(&dial);
	assert_int_equal(option_of(fd, SOL_SOCKET, SO_PROTOCOL), IPPROTO_ICMPV6);
	assert_int_equal(option_of(fd, IPPROTO_IPV6, IPV6_RECVERR), 1);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROUTES_TEST(port_and_echo_are_asked_for_with_icmp_s_errors),
		ROUTES_TEST(socket_to_ask_with_is_of_the_kind_that_was_asked_for),
		ROUTES_TEST(what_is_announced_stands_in_the_table),
		ROUTES_TEST(other_prefixes_take_the_place_of_the_first_ones),
		ROUTES_TEST(other_table_takes_the_place_of_the_first_one),
		ROUTES_TEST(routes_of_others_stay),
		ROUTES_TEST(tables_of_the_system_are_refused),
		ROUTES_TEST(table_that_a_rule_asks_is_refused),
		ROUTES_TEST(default_route_is_never_announced),
		ROUTES_TEST(table_of_another_network_is_refused),
		ROUTES_TEST(what_is_not_sealed_is_refused),
		ROUTES_TEST(what_a_killed_gateway_announced_is_withdrawn),
		ROUTES_TEST(what_control_does_not_say_again_is_withdrawn),
		ROUTES_TEST(namespace_that_is_closed_by_a_reload_keeps_no_announcement),
		cmocka_unit_test(namespaces_are_named),
		ROUTES_TEST(socket_hears_of_routes),
	};

	return cmocka_run_group_tests_name("gateway/parent_routes", tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What was set is asked back from the kernel by other means: ioctls, bind(), connect(). */
#include "tun/rtnl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test/support/cmocka.h"
#include "test/unit/tun/scene.h"
#include "tun/netns.h"

enum {
	NO_SUCH_LINK = 9999,
	PORT = 7000,
	OWN_TABLE = 70000,
};

static struct prefix host(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	return p;
}

static int add_address(const struct scene *s, const char *text)
{
	struct prefix p = host(text);

	return rtnl_address_add(s->rtnl, s->tun.ifindex, &p);
}

static int del_address(const struct scene *s, const char *text)
{
	struct prefix p = host(text);

	return rtnl_address_del(s->rtnl, s->tun.ifindex, &p);
}

static int ioctl_here(void *arg)
{
	struct ifreq *ifr = arg;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	int ret = ioctl(fd, SIOCGIFFLAGS, ifr) < 0 ? -errno : ifr->ifr_flags & IFF_UP;

	if (ret >= 0 && ioctl(fd, SIOCGIFMTU, ifr) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

static void assert_link(const struct scene *s, int up, int mtu)
{
	struct ifreq ifr = {.ifr_name = "tun0"};

	assert_int_equal(netns_call(s->netns, ioctl_here, &ifr), up);
	assert_int_equal(ifr.ifr_mtu, mtu);
}

static void link_goes_up_with_its_mtu_and_down(void **state)
{
	struct scene *s = *state;

	assert_link(s, 0, 1500);
	assert_int_equal(rtnl_link_up(s->rtnl, s->tun.ifindex, 1400), 0);
	assert_link(s, IFF_UP, 1400);
	assert_int_equal(rtnl_link_up(s->rtnl, s->tun.ifindex, 0), 0);
	assert_link(s, IFF_UP, 1400);
	assert_int_equal(rtnl_link_down(s->rtnl, s->tun.ifindex), 0);
	assert_link(s, 0, 1400);
}

static int has_no_qdisc(void *arg)
{
	return system("ip link show tun0 | grep -q ' qdisc noqueue '") == 0;
}

/* Also the kernel's own choice, which it makes when a link goes up, does not come back. */
static void new_link_can_do_without_a_queueing_discipline(void **state)
{
	struct scene *s = *state;

	assert_int_equal(rtnl_link_drop_qdisc(s->rtnl, s->tun.ifindex), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(rtnl_link_up(s->rtnl, s->tun.ifindex, 0), 0);
		assert_int_equal(netns_call(s->netns, has_no_qdisc, NULL), true);
		assert_int_equal(rtnl_link_down(s->rtnl, s->tun.ifindex), 0);
	}
	assert_int_equal(rtnl_link_drop_qdisc(s->rtnl, NO_SUCH_LINK), -ENODEV);
}

static void link_stays_down_when_its_mtu_is_refused(void **state)
{
	struct scene *s = *state;

	assert_int_equal(rtnl_link_up(s->rtnl, s->tun.ifindex, 67), -EINVAL);
	assert_int_equal(rtnl_link_up(s->rtnl, s->tun.ifindex, 70000), -EINVAL);
	assert_link(s, 0, 1500);
}

static void link_that_is_not_there_is_enodev(void **state)
{
	struct scene *s = *state;
	struct prefix address = host("10.9.0.1"), ipv6 = host("fd09::1");

	assert_int_equal(rtnl_link_up(s->rtnl, NO_SUCH_LINK, 1400), -ENODEV);
	assert_int_equal(rtnl_link_down(s->rtnl, NO_SUCH_LINK), -ENODEV);
	assert_int_equal(rtnl_link_no_link_local(s->rtnl, NO_SUCH_LINK), -ENODEV);
	assert_int_equal(rtnl_address_add(s->rtnl, NO_SUCH_LINK, &address), -ENODEV);
	assert_int_equal(rtnl_address_add(s->rtnl, NO_SUCH_LINK, &ipv6), -ENODEV);
}

static void handle_needs_a_namespace(void **state)
{
	struct rtnl *r = NULL;

	assert_int_equal(rtnl_open(STDIN_FILENO, &r), -EINVAL);
	assert_null(r);
	rtnl_close(NULL);
}

/* 0 when a socket can be bound to the address: it is one of the namespace's own. */
static int bind_error(const struct scene *s, const char *text)
{
	int fd = scene_udp(s, text, NULL, PORT);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static void address_is_there_from_add_to_del(void **state)
{
	struct scene *s = *state;

	assert_int_equal(bind_error(s, "10.9.0.1"), -EADDRNOTAVAIL);
	assert_int_equal(add_address(s, "10.9.0.1"), 0);
	assert_int_equal(add_address(s, "10.9.0.1"), 0);
	assert_int_equal(bind_error(s, "10.9.0.1"), 0);
	assert_int_equal(bind_error(s, "10.9.0.2"), -EADDRNOTAVAIL);
	assert_int_equal(del_address(s, "10.9.0.1"), 0);
	assert_int_equal(bind_error(s, "10.9.0.1"), -EADDRNOTAVAIL);
	assert_int_equal(del_address(s, "10.9.0.1"), 0);
}

static void append_line(void *arg, const struct rtnl_address *a)
{
	char *text = arg;
	char broadcast[INET_ADDRSTRLEN], local[PREFIX_TEXT_MAX];
	size_t len = strlen(text);

	inet_ntop(AF_INET, &a->broadcast_be, broadcast, sizeof(broadcast));
	snprintf(text + len, 256 - len, "%u %s %s\n", a->ifindex, prefix_format(&a->local, local),
		 broadcast);
}

static void all_addresses_are_listed_with_their_links(void **state)
{
	struct scene *s = *state;
	char expected[256];
	char listed[256] = "";

	assert_int_equal(add_address(s, "10.9.0.1"), 0);
	assert_int_equal(add_address(s, "10.9.0.3"), 0);
	assert_int_equal(add_address(s, "fd09::1"), 0);
	snprintf(expected, sizeof(expected),
		 "1 127.0.0.1/32 127.255.255.255\n%u 10.9.0.1/32 0.0.0.0\n%u 10.9.0.3/32 0.0.0.0\n"
		 "1 ::1/128 0.0.0.0\n%u fd09::1/128 0.0.0.0\n",
		 s->tun.ifindex, s->tun.ifindex, s->tun.ifindex);
	assert_int_equal(rtnl_address_list(s->rtnl, append_line, listed), 0);
	assert_string_equal(listed, expected);
}

static void adopted_socket_asks_in_its_own_namespace(void **state)
{
	struct scene *s = *state;
	char before[256] = "", after[256] = "";
	struct rtnl *adopted = NULL;
	int pipe_fds[2];

	scene_tun_ready(s);
	assert_int_equal(rtnl_address_list(s->rtnl, append_line, before), 0);
	assert_int_equal(rtnl_adopt(dup(rtnl_fd(s->rtnl)), &adopted), 0);
	assert_int_equal(rtnl_address_list(adopted, append_line, after), 0);
	rtnl_close(adopted);
	assert_string_equal(after, before);
	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(rtnl_adopt(pipe_fds[0], &adopted), -ENOTSOCK);
	assert_int_equal(close(pipe_fds[0]), -1); /* it was taken */
	close(pipe_fds[1]);
}

static struct rtnl_route route(const struct scene *s, const char *dst, enum rtnl_route_kind kind)
{
	struct rtnl_route route = {.kind = kind};

	assert_int_equal(prefix_parse(dst, &route.dst), 0);
	if (kind != RTNL_ROUTE_UNREACHABLE)
		route.ifindex = s->tun.ifindex;
	return route;
}

static int add(const struct scene *s, const char *dst, enum rtnl_route_kind kind)
{
	struct rtnl_route r = route(s, dst, kind);

	return rtnl_route_add(s->rtnl, &r);
}

static int del(const struct scene *s, const char *dst, enum rtnl_route_kind kind)
{
	struct rtnl_route r = route(s, dst, kind);

	return rtnl_route_del(s->rtnl, &r);
}

/* The source address the kernel chooses towards text, or connect()'s error. */
static int source_towards(const struct scene *s, const char *text, struct sockaddr_in *ret_source)
{
	socklen_t len = sizeof(*ret_source);
	int fd = scene_udp(s, NULL, text, PORT);

	if (fd < 0)
		return fd;
	assert_int_equal(getsockname(fd, (struct sockaddr *)ret_source, &len), 0);
	close(fd);
	return 0;
}

static int connect_error(const struct scene *s, const char *text)
{
	struct sockaddr_in source;

	return source_towards(s, text, &source);
}

static void device_route_leads_out_with_its_source(void **state)
{
	struct scene *s = *state;
	struct rtnl_route r = route(s, "172.20.0.0/16", RTNL_ROUTE_DEVICE);
	struct sockaddr_in source;

	scene_tun_ready(s);
	assert_int_equal(add_address(s, "10.9.0.3"), 0);
	r.source = host("10.9.0.3");
	assert_int_equal(connect_error(s, "172.20.1.1"), -ENETUNREACH);
	assert_int_equal(rtnl_route_add(s->rtnl, &r), 0);
	assert_int_equal(source_towards(s, "172.20.1.1", &source), 0);
	assert_int_equal(source.sin_addr.s_addr, inet_addr("10.9.0.3"));
	assert_int_equal(connect_error(s, "172.21.0.1"), -ENETUNREACH);
	assert_int_equal(rtnl_route_del(s->rtnl, &r), 0);
	assert_int_equal(connect_error(s, "172.20.1.1"), -ENETUNREACH);
	assert_int_equal(rtnl_route_del(s->rtnl, &r), 0);
}

static void unreachable_route_fails_closed(void **state)
{
	struct scene *s = *state;

	scene_tun_ready(s);
	assert_int_equal(add(s, "0.0.0.0/0", RTNL_ROUTE_DEVICE), 0);
	assert_int_equal(add(s, "10.66.0.0/16", RTNL_ROUTE_UNREACHABLE), 0);
	assert_int_equal(connect_error(s, "10.66.1.1"), -EHOSTUNREACH);
	assert_int_equal(connect_error(s, "10.67.1.1"), 0);
	assert_int_equal(del(s, "10.66.0.0/16", RTNL_ROUTE_UNREACHABLE), 0);
	assert_int_equal(connect_error(s, "10.66.1.1"), 0);
}

static void own_route_is_replaced_by_the_same(void **state)
{
	struct scene *s = *state;
	struct rtnl_route r = route(s, "10.66.0.0/16", RTNL_ROUTE_DEVICE);
	struct sockaddr_in source;

	scene_tun_ready(s);
	assert_int_equal(add_address(s, "10.9.0.3"), 0);
	assert_int_equal(rtnl_route_add(s->rtnl, &r), 0);
	r.source = host("10.9.0.3");
	assert_int_equal(rtnl_route_add(s->rtnl, &r), 0);
	assert_int_equal(source_towards(s, "10.66.1.1", &source), 0);
	assert_int_equal(source.sin_addr.s_addr, inet_addr("10.9.0.3"));
	/* with the one that scene_tun_ready() added */
	assert_int_equal(rtnl_route_flush(s->rtnl, 0), 2);
}

static void own_route_of_another_kind_or_device_is_eexist(void **state)
{
	struct scene *s = *state;
	struct rtnl_route r = route(s, "10.66.0.0/16", RTNL_ROUTE_DEVICE);
	struct tun other;

	scene_tun_ready(s);
	assert_int_equal(tun_open("tun1", s->netns, &other), 0);
	assert_int_equal(rtnl_link_up(s->rtnl, other.ifindex, 0), 0);
	assert_int_equal(rtnl_route_add(s->rtnl, &r), 0);
	assert_int_equal(add(s, "10.66.0.0/16", RTNL_ROUTE_UNREACHABLE), -EEXIST);
	r.ifindex = other.ifindex;
	assert_int_equal(rtnl_route_add(s->rtnl, &r), -EEXIST);
	assert_int_equal(connect_error(s, "10.66.1.1"), 0);
	tun_close(&other);
}

static void another_metric_is_another_route(void **state)
{
	struct scene *s = *state;
	struct rtnl_route r = route(s, "10.66.0.0/16", RTNL_ROUTE_UNREACHABLE);

	scene_tun_ready(s);
	assert_int_equal(add(s, "10.66.0.0/16", RTNL_ROUTE_DEVICE), 0);
	r.metric = 4096;
	assert_int_equal(rtnl_route_add(s->rtnl, &r), 0);
	assert_int_equal(connect_error(s, "10.66.1.1"), 0);
	assert_int_equal(del(s, "10.66.0.0/16", RTNL_ROUTE_DEVICE), 0);
	assert_int_equal(connect_error(s, "10.66.1.1"), -EHOSTUNREACH);
	assert_int_equal(del(s, "10.66.0.0/16", RTNL_ROUTE_UNREACHABLE), 0);
	assert_int_equal(connect_error(s, "10.66.1.1"), -ENETUNREACH);
}

static void routes_that_cannot_be_have_their_errors(void **state)
{
	struct scene *s = *state;
	struct rtnl_route r = route(s, "172.20.0.0/16", RTNL_ROUTE_DEVICE);

	assert_int_equal(rtnl_route_add(s->rtnl, &r), -ENETDOWN);
	scene_tun_ready(s);
	r.source = host("10.9.0.2");
	assert_int_equal(rtnl_route_add(s->rtnl, &r), -EINVAL);
	r.source = (struct prefix){0};
	r.ifindex = NO_SUCH_LINK;
	assert_int_equal(rtnl_route_add(s->rtnl, &r), -ENODEV);
	assert_int_equal(rtnl_route_flush(s->rtnl, 0), 1);
}

static int add_foreign_here(void *arg)
{
	struct rtentry entry = {.rt_flags = RTF_UP, .rt_dev = arg};
	struct sockaddr_in *dst = (struct sockaddr_in *)&entry.rt_dst;
	struct sockaddr_in *mask = (struct sockaddr_in *)&entry.rt_genmask;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	int error;

	dst->sin_family = mask->sin_family = AF_INET;
	dst->sin_addr.s_addr = inet_addr("10.77.0.0");
	mask->sin_addr.s_addr = inet_addr("255.255.0.0");
	error = ioctl(fd, SIOCADDRT, &entry) < 0 ? -errno : 0;
	close(fd);
	return error;
}

static void what_others_added_is_neither_deleted_nor_flushed(void **state)
{
	struct scene *s = *state;

	scene_tun_ready(s);
	assert_int_equal(netns_call(s->netns, add_foreign_here, s->tun.name), 0);
	assert_int_equal(del(s, "10.77.0.0/16", RTNL_ROUTE_DEVICE), 0);
	assert_int_equal(connect_error(s, "10.77.1.1"), 0);
	assert_int_equal(rtnl_route_flush(s->rtnl, 0), 1);
	assert_int_equal(connect_error(s, "10.77.1.1"), 0);
}

static void what_others_added_is_eexist_and_stays(void **state)
{
	struct scene *s = *state;

	scene_tun_ready(s);
	assert_int_equal(netns_call(s->netns, add_foreign_here, s->tun.name), 0);
	assert_int_equal(add(s, "10.77.0.0/16", RTNL_ROUTE_DEVICE), -EEXIST);
	assert_int_equal(add(s, "10.77.0.0/16", RTNL_ROUTE_UNREACHABLE), -EEXIST);
	assert_int_equal(rtnl_route_flush(s->rtnl, 0), 1);
	assert_int_equal(connect_error(s, "10.77.1.1"), 0);
}

static struct rtnl_route in_table(struct rtnl_route route, uint32_t table)
{
	route.table = table;
	return route;
}

static const struct rtnl_rule own_rule = {
	.family = AF_INET,
	.priority = 8000,
	.kind = RTNL_RULE_LOOKUP,
	.table = OWN_TABLE,
};

static void append_route(void *arg, const struct rtnl_route *route)
{
	char *text = arg;
	char prefix[PREFIX_TEXT_MAX];
	size_t len = strlen(text);

	snprintf(text + len, 256 - len, "%s kind %d metric %u table %u\n",
		 prefix_format(&route->dst, prefix), (int)route->kind, route->metric, route->table);
}

static void route_that_is_set_replaces_what_is_there(void **state)
{
	static const char *const texts[] = {"10.66.0.0/16", "fd66::/16"};
	struct scene *s = *state;

	scene_tun_ready(s);
	for (int i = 0; i < 2; i++) {
		struct rtnl_route r = in_table(route(s, texts[i], RTNL_ROUTE_DEVICE), OWN_TABLE);
		char listed[256] = "", expected[256];

		r.metric = 7;
		assert_int_equal(rtnl_route_flush(s->rtnl, 0), 1);
		assert_int_equal(rtnl_route_set(s->rtnl, &r), 0);
		assert_int_equal(rtnl_route_set(s->rtnl, &r), 0);
		r.kind = RTNL_ROUTE_UNREACHABLE;
		assert_int_equal(rtnl_route_set(s->rtnl, &r), 0);
		assert_int_equal(rtnl_route_list(s->rtnl, append_route, listed), 0);
		snprintf(expected, sizeof(expected), "%s kind %d metric 7 table %u\n", texts[i],
			 RTNL_ROUTE_UNREACHABLE, OWN_TABLE);
		assert_string_equal(listed, expected);
	}
}

static void table_answers_only_from_its_rule_on(void **state)
{
	struct scene *s = *state;
	struct rtnl_route closed =
		in_table(route(s, "10.77.0.0/16", RTNL_ROUTE_UNREACHABLE), OWN_TABLE);

	scene_tun_ready(s);
	assert_int_equal(netns_call(s->netns, add_foreign_here, s->tun.name), 0);
	assert_int_equal(rtnl_route_add(s->rtnl, &closed), 0);
	assert_int_equal(connect_error(s, "10.77.1.1"), 0);
	assert_int_equal(rtnl_rule_add(s->rtnl, &own_rule), 0);
	assert_int_equal(rtnl_rule_add(s->rtnl, &own_rule), 0);
	assert_int_equal(connect_error(s, "10.77.1.1"), -EHOSTUNREACH);
	assert_int_equal(rtnl_rule_del(s->rtnl, &own_rule), 0);
	assert_int_equal(connect_error(s, "10.77.1.1"), 0);
	assert_int_equal(rtnl_rule_del(s->rtnl, &own_rule), 0);
}

static void thrown_address_is_asked_of_the_next_table(void **state)
{
	struct scene *s = *state;
	struct rtnl_route closed =
		in_table(route(s, "10.77.0.0/16", RTNL_ROUTE_UNREACHABLE), OWN_TABLE);
	struct rtnl_route thrown = in_table(route(s, "10.77.1.1", RTNL_ROUTE_THROW), OWN_TABLE);

	scene_tun_ready(s);
	assert_int_equal(netns_call(s->netns, add_foreign_here, s->tun.name), 0);
	assert_int_equal(rtnl_route_add(s->rtnl, &closed), 0);
	assert_int_equal(rtnl_route_add(s->rtnl, &thrown), 0);
	assert_int_equal(rtnl_rule_add(s->rtnl, &own_rule), 0);
	assert_int_equal(connect_error(s, "10.77.1.1"), 0);
	assert_int_equal(connect_error(s, "10.77.1.2"), -EHOSTUNREACH);
}

static int connect_error_from(const struct scene *s, const char *source)
{
	int fd = scene_udp(s, source, "10.77.1.1", PORT);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

static void rule_refuses_what_is_sent_from_its_source_only(void **state)
{
	struct scene *s = *state;
	struct rtnl_rule refused = {
		.family = AF_INET,
		.priority = 8001,
		.kind = RTNL_RULE_UNREACHABLE,
		.table = OWN_TABLE,
		.source = host("10.9.0.3"),
	};

	scene_tun_ready(s);
	assert_int_equal(add_address(s, "10.9.0.3"), 0);
	assert_int_equal(netns_call(s->netns, add_foreign_here, s->tun.name), 0);
	assert_int_equal(connect_error_from(s, "10.9.0.3"), 0);
	assert_int_equal(rtnl_rule_add(s->rtnl, &refused), 0);
	assert_int_equal(rtnl_rule_add(s->rtnl, &refused), 0);
	assert_int_equal(connect_error_from(s, "10.9.0.3"), -ENETUNREACH);
	assert_int_equal(connect_error_from(s, "10.9.0.1"), 0);
	assert_int_equal(rtnl_rule_del(s->rtnl, &refused), 0);
	assert_int_equal(connect_error_from(s, "10.9.0.3"), 0);
	assert_int_equal(rtnl_rule_del(s->rtnl, &refused), 0);
}

static void append_rule(void *arg, const struct rtnl_rule *rule)
{
	char *text = arg, source[PREFIX_TEXT_MAX] = "all";
	size_t len = strlen(text);

	if (rule->source.family)
		prefix_format(&rule->source, source);
	snprintf(text + len, 256 - len, "%u kind %d table %u from %s\n", rule->priority,
		 (int)rule->kind, rule->table, source);
}

static int add_foreign_rule_here(void *arg)
{
	return system("ip rule add from 10.9.0.4 priority 8002 unreachable") == 0 ? 0 : -EIO;
}

static void own_rules_of_both_families_are_listed(void **state)
{
	struct scene *s = *state;
	struct rtnl_rule refused = own_rule;
	char listed[256] = "", expected[256];

	refused.kind = RTNL_RULE_UNREACHABLE;
	refused.source = host("10.9.0.3");
	refused.priority = 8001;
	assert_int_equal(netns_call(s->netns, add_foreign_rule_here, NULL), 0);
	assert_int_equal(rtnl_rule_add(s->rtnl, &own_rule), 0);
	assert_int_equal(rtnl_rule_add(s->rtnl, &refused), 0);
	refused.family = AF_INET6;
	assert_int_equal(rtnl_rule_add(s->rtnl, &refused), -EAFNOSUPPORT);
	refused.source = host("fd09::3");
	assert_int_equal(rtnl_rule_add(s->rtnl, &refused), 0);
	assert_int_equal(rtnl_rule_list(s->rtnl, append_rule, listed), 0);
	snprintf(expected, sizeof(expected),
		 "8000 kind %d table %u from all\n8001 kind %d table %u from 10.9.0.3/32\n"
		 "8001 kind %d table %u from fd09::3/128\n",
		 RTNL_RULE_LOOKUP, OWN_TABLE, RTNL_RULE_UNREACHABLE, OWN_TABLE,
		 RTNL_RULE_UNREACHABLE, OWN_TABLE);
	assert_string_equal(listed, expected);
	assert_int_equal(rtnl_rule_del(s->rtnl, &refused), 0);
	assert_int_equal(rtnl_rule_del(s->rtnl, &refused), 0);
}

static void own_routes_of_all_tables_are_listed(void **state)
{
	struct scene *s = *state;
	struct rtnl_route closed =
		in_table(route(s, "0.0.0.0/0", RTNL_ROUTE_UNREACHABLE), OWN_TABLE);
	struct rtnl_route ipv6 = in_table(route(s, "fd20::/16", RTNL_ROUTE_DEVICE), OWN_TABLE);
	char listed[256] = "";
	char expected[256];

	scene_tun_ready(s);
	assert_int_equal(netns_call(s->netns, add_foreign_here, s->tun.name), 0);
	closed.metric = 4096;
	assert_int_equal(rtnl_route_add(s->rtnl, &closed), 0);
	assert_int_equal(rtnl_route_add(s->rtnl, &ipv6), 0);
	assert_int_equal(rtnl_route_list(s->rtnl, append_route, listed), 0);
	snprintf(expected, sizeof(expected),
		 "0.0.0.0/0 kind %d metric 4096 table %u\n10.9.0.0/24 kind %d metric 0 table 254\n"
		 "fd20::/16 kind %d metric 1024 table %u\n",
		 RTNL_ROUTE_UNREACHABLE, OWN_TABLE, RTNL_ROUTE_DEVICE, RTNL_ROUTE_DEVICE,
		 OWN_TABLE);
	assert_string_equal(listed, expected);
}

static void flush_of_a_device_leaves_the_others(void **state)
{
	struct scene *s = *state;
	struct rtnl_route r = route(s, "10.67.0.0/16", RTNL_ROUTE_DEVICE);
	struct tun other;

	scene_tun_ready(s);
	assert_int_equal(tun_open("tun1", s->netns, &other), 0);
	assert_int_equal(rtnl_link_up(s->rtnl, other.ifindex, 0), 0);
	r.ifindex = other.ifindex;
	assert_int_equal(rtnl_route_add(s->rtnl, &r), 0);
	assert_int_equal(add(s, "10.66.0.0/16", RTNL_ROUTE_UNREACHABLE), 0);

	assert_int_equal(rtnl_route_flush(s->rtnl, s->tun.ifindex), 1);
	assert_int_equal(connect_error(s, "10.9.0.77"), -ENETUNREACH);
	assert_int_equal(connect_error(s, "10.66.1.1"), -EHOSTUNREACH);
	assert_int_equal(connect_error(s, "10.67.1.1"), 0);
	assert_int_equal(rtnl_route_flush(s->rtnl, 0), 2);
	assert_int_equal(connect_error(s, "10.67.1.1"), -ENETUNREACH);
	assert_int_equal(rtnl_route_flush(s->rtnl, 0), 0);
	tun_close(&other);
}

static void flush_takes_thousands(void **state)
{
	struct scene *s = *state;
	struct rtnl_route r = route(s, "10.128.0.0/28", RTNL_ROUTE_DEVICE);

	scene_tun_ready(s);
	for (unsigned i = 0; i < 3000; i++) {
		r.dst.addr[2] = (uint8_t)(i >> 4);
		r.dst.addr[3] = (uint8_t)(i << 4);
		assert_int_equal(rtnl_route_add(s->rtnl, &r), 0);
	}
	assert_int_equal(rtnl_route_flush(s->rtnl, 0), 3001);
	assert_int_equal(rtnl_route_flush(s->rtnl, 0), 0);
}

static void route_that_went_with_its_device_is_no_error_to_delete(void **state)
{
	struct scene *s = *state;
	struct rtnl_route r = route(s, "10.9.0.0/24", RTNL_ROUTE_DEVICE);

	scene_tun_ready(s);
	tun_close(&s->tun);
	assert_int_equal(rtnl_route_del(s->rtnl, &r), 0);
	assert_int_equal(rtnl_route_flush(s->rtnl, r.ifindex), 0);
}

struct ipv6_call {
	const char *bind_text; /* NULL: to nothing */
	const char *connect_text;
	struct sockaddr_in6 local;
};

static struct sockaddr_in6 address6(const char *text)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(PORT)};

	inet_pton(AF_INET6, text, &a.sin6_addr);
	return a;
}

static int ipv6_connect_here(void *arg)
{
	struct ipv6_call *call = arg;
	struct sockaddr_in6 from = address6(call->bind_text ? call->bind_text : "::");
	struct sockaddr_in6 to = address6(call->connect_text);
	socklen_t len = sizeof(call->local);
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error = bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0 ? -errno : 0;

	if (error == 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		error = -errno;
	getsockname(fd, (struct sockaddr *)&call->local, &len);
	close(fd);
	return error;
}

static int connect6_error_from(const struct scene *s, const char *from, const char *to)
{
	struct ipv6_call call = {.bind_text = from, .connect_text = to};

	return netns_call(s->netns, ipv6_connect_here, &call);
}

static int connect6_error(const struct scene *s, const char *to)
{
	return connect6_error_from(s, NULL, to);
}

static const char *source6_towards(const struct scene *s, const char *to)
{
	static char text[INET6_ADDRSTRLEN];
	struct ipv6_call call = {.connect_text = to};

	assert_int_equal(netns_call(s->netns, ipv6_connect_here, &call), 0);
	inet_ntop(AF_INET6, &call.local.sin6_addr, text, sizeof(text));
	return text;
}

static void ipv6_is_closed_and_flushed_like_ipv4(void **state)
{
	struct scene *s = *state;
	const char addr[] = "2001:db8::1";

	scene_tun_ready(s);
	assert_int_equal(connect6_error(s, addr), -ENETUNREACH);
	assert_int_equal(add(s, "::/0", RTNL_ROUTE_UNREACHABLE), 0);
	assert_int_equal(connect6_error(s, addr), -EHOSTUNREACH);
	assert_int_equal(add(s, "2001:db8::/32", RTNL_ROUTE_DEVICE), 0);
	assert_int_equal(connect6_error(s, addr), 0);
	assert_int_equal(del(s, "2001:db8::/32", RTNL_ROUTE_DEVICE), 0);
	assert_int_equal(connect6_error(s, addr), -EHOSTUNREACH);
	assert_int_equal(add(s, "2001:db8::/32", RTNL_ROUTE_DEVICE), 0);
	assert_int_equal(rtnl_route_flush(s->rtnl, s->tun.ifindex), 2);
	assert_int_equal(rtnl_route_flush(s->rtnl, 0), 1);
	assert_int_equal(connect6_error(s, addr), -ENETUNREACH);
}

static void source_of_another_family_is_refused(void **state)
{
	struct scene *s = *state;
	struct rtnl_route r = route(s, "2001:db8::/32", RTNL_ROUTE_DEVICE);

	scene_tun_ready(s);
	r.source = host("10.9.0.1");
	assert_int_equal(rtnl_route_add(s->rtnl, &r), -EAFNOSUPPORT);
}

static void ipv6_address_can_be_sent_from_at_once_and_brings_no_route(void **state)
{
	struct scene *s = *state;

	scene_tun_ready(s);
	assert_int_equal(connect6_error_from(s, "fd09::3", "::1"), -EADDRNOTAVAIL);
	assert_int_equal(add_address(s, "fd09::3"), 0);
	assert_int_equal(add_address(s, "fd09::3"), 0);
	assert_int_equal(connect6_error_from(s, "fd09::3", "::1"), 0);
	assert_int_equal(connect6_error(s, "fd09::4"), -ENETUNREACH);
	assert_int_equal(rtnl_route_flush(s->rtnl, 0), 1); /* that of scene_tun_ready() */
	assert_int_equal(del_address(s, "fd09::3"), 0);
	assert_int_equal(connect6_error_from(s, "fd09::3", "::1"), -EADDRNOTAVAIL);
	assert_int_equal(del_address(s, "fd09::3"), 0);
}

static void ipv6_device_route_leads_out_with_its_source(void **state)
{
	struct scene *s = *state;
	struct rtnl_route r = route(s, "fd20::/32", RTNL_ROUTE_DEVICE);

	scene_tun_ready(s);
	r.source = host("fd09::3");
	assert_int_equal(rtnl_route_add(s->rtnl, &r), -EINVAL);
	assert_int_equal(add_address(s, "fd09::2"), 0);
	assert_int_equal(add_address(s, "fd09::3"), 0);
	assert_int_equal(rtnl_route_add(s->rtnl, &r), 0);
	assert_string_equal(source6_towards(s, "fd20::1"), "fd09::3");
	r.source = host("fd09::2");
	assert_int_equal(rtnl_route_add(s->rtnl, &r), 0);
	assert_string_equal(source6_towards(s, "fd20::1"), "fd09::2");
	assert_int_equal(rtnl_route_del(s->rtnl, &r), 0);
	assert_int_equal(connect6_error(s, "fd20::1"), -ENETUNREACH);
	assert_int_equal(rtnl_route_flush(s->rtnl, 0), 1);
}

static int add_foreign6_here(void *arg)
{
	return system("ip -6 route add fd77::/16 dev tun0") == 0 ? 0 : -EIO;
}

static void ipv6_table_is_asked_by_its_rule_and_throws(void **state)
{
	struct scene *s = *state;
	struct rtnl_route closed =
		in_table(route(s, "fd77::/16", RTNL_ROUTE_UNREACHABLE), OWN_TABLE);
	struct rtnl_route thrown = in_table(route(s, "fd77::1", RTNL_ROUTE_THROW), OWN_TABLE);
	struct rtnl_rule rule = own_rule;

	scene_tun_ready(s);
	rule.family = AF_INET6;
	assert_int_equal(netns_call(s->netns, add_foreign6_here, NULL), 0);
	assert_int_equal(rtnl_route_add(s->rtnl, &closed), 0);
	assert_int_equal(rtnl_route_add(s->rtnl, &thrown), 0);
	assert_int_equal(connect6_error(s, "fd77::2"), 0);
	assert_int_equal(rtnl_rule_add(s->rtnl, &rule), 0);
	assert_int_equal(rtnl_rule_add(s->rtnl, &rule), 0);
	assert_int_equal(connect6_error(s, "fd77::2"), -EHOSTUNREACH);
	assert_int_equal(connect6_error(s, "fd77::1"), 0);
	assert_int_equal(rtnl_rule_del(s->rtnl, &rule), 0);
	assert_int_equal(connect6_error(s, "fd77::2"), 0);
}

static void ipv6_rule_refuses_what_is_sent_from_its_source_only(void **state)
{
	struct scene *s = *state;
	struct rtnl_rule refused = {
		.family = AF_INET6,
		.priority = 8001,
		.kind = RTNL_RULE_UNREACHABLE,
		.table = OWN_TABLE,
		.source = host("fd09::3"),
	};

	scene_tun_ready(s);
	assert_int_equal(add_address(s, "fd09::2"), 0);
	assert_int_equal(add_address(s, "fd09::3"), 0);
	assert_int_equal(netns_call(s->netns, add_foreign6_here, NULL), 0);
	assert_int_equal(connect6_error_from(s, "fd09::3", "fd77::1"), 0);
	assert_int_equal(rtnl_rule_add(s->rtnl, &refused), 0);
	assert_int_equal(connect6_error_from(s, "fd09::3", "fd77::1"), -ENETUNREACH);
	assert_int_equal(connect6_error_from(s, "fd09::2", "fd77::1"), 0);
	assert_int_equal(rtnl_rule_del(s->rtnl, &refused), 0);
	assert_int_equal(connect6_error_from(s, "fd09::3", "fd77::1"), 0);
}

static void link_without_link_local_address_goes_up_with_none(void **state)
{
	struct scene *s = *state;
	char listed[256] = "";

	assert_int_equal(rtnl_link_no_link_local(s->rtnl, s->tun.ifindex), 0);
	assert_link(s, 0, 1500);
	assert_int_equal(rtnl_link_up(s->rtnl, s->tun.ifindex, 1400), 0);
	assert_int_equal(rtnl_address_list(s->rtnl, append_line, listed), 0);
	assert_string_equal(listed, "1 127.0.0.1/32 127.255.255.255\n1 ::1/128 0.0.0.0\n");
}

#define SCENE_TEST(f) cmocka_unit_test_setup_teardown(f, scene_set_up, scene_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(link_goes_up_with_its_mtu_and_down),
		SCENE_TEST(new_link_can_do_without_a_queueing_discipline),
		SCENE_TEST(link_stays_down_when_its_mtu_is_refused),
		SCENE_TEST(link_that_is_not_there_is_enodev),
		cmocka_unit_test(handle_needs_a_namespace),
		SCENE_TEST(address_is_there_from_add_to_del),
		SCENE_TEST(all_addresses_are_listed_with_their_links),
		SCENE_TEST(adopted_socket_asks_in_its_own_namespace),
		SCENE_TEST(device_route_leads_out_with_its_source),
		SCENE_TEST(unreachable_route_fails_closed),
		SCENE_TEST(own_route_is_replaced_by_the_same),
		SCENE_TEST(own_route_of_another_kind_or_device_is_eexist),
		SCENE_TEST(another_metric_is_another_route),
		SCENE_TEST(routes_that_cannot_be_have_their_errors),
		SCENE_TEST(what_others_added_is_neither_deleted_nor_flushed),
		SCENE_TEST(what_others_added_is_eexist_and_stays),
		SCENE_TEST(route_that_is_set_replaces_what_is_there),
		SCENE_TEST(table_answers_only_from_its_rule_on),
		SCENE_TEST(thrown_address_is_asked_of_the_next_table),
		SCENE_TEST(rule_refuses_what_is_sent_from_its_source_only),
		SCENE_TEST(own_rules_of_both_families_are_listed),
		SCENE_TEST(own_routes_of_all_tables_are_listed),
		SCENE_TEST(flush_of_a_device_leaves_the_others),
		SCENE_TEST(flush_takes_thousands),
		SCENE_TEST(route_that_went_with_its_device_is_no_error_to_delete),
		SCENE_TEST(ipv6_is_closed_and_flushed_like_ipv4),
		SCENE_TEST(source_of_another_family_is_refused),
		SCENE_TEST(ipv6_address_can_be_sent_from_at_once_and_brings_no_route),
		SCENE_TEST(ipv6_device_route_leads_out_with_its_source),
		SCENE_TEST(ipv6_table_is_asked_by_its_rule_and_throws),
		SCENE_TEST(ipv6_rule_refuses_what_is_sent_from_its_source_only),
		SCENE_TEST(link_without_link_local_address_goes_up_with_none),
	};

	return cmocka_run_group_tests_name("tun/rtnl", tests, NULL, NULL);
}

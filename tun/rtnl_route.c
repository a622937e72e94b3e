/* SPDX-License-Identifier: Apache-2.0 */
/* Routes: added, taken back, flushed by our protocol number, asked for. */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tun/rtnl.h"
#include "tun/rtnl_exchange.h"

static const struct {
	uint8_t type;
	uint8_t scope;
	bool has_device;
	bool has_gateway;
} kinds[] = {
	[RTNL_ROUTE_DEVICE] = {RTN_UNICAST, RT_SCOPE_LINK, true, false},
	[RTNL_ROUTE_GATEWAY] = {RTN_UNICAST, RT_SCOPE_UNIVERSE, true, true},
	[RTNL_ROUTE_UNREACHABLE] = {RTN_UNREACHABLE, RT_SCOPE_UNIVERSE, false, false},
};

static size_t address_size(const struct prefix *p)
{
	return p->family == AF_INET6 ? 16 : 4;
}

static int change_route(struct rtnl *r, uint16_t type, uint16_t flags,
			const struct rtnl_route *route)
{
	struct nlmsghdr *request = rtnl_request(r, type, flags);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(request, sizeof(*rtm));

	/* gateway and source are IPv4 addresses */
	if (route->dst.family != AF_INET && (kinds[route->kind].has_gateway || route->source_be))
		return -EAFNOSUPPORT;
	rtm->rtm_family = route->dst.family;
	rtm->rtm_dst_len = route->dst.len;
	rtm->rtm_table = RT_TABLE_MAIN;
	rtm->rtm_protocol = RTNL_PROTOCOL;
	rtm->rtm_type = kinds[route->kind].type;
	rtm->rtm_scope = kinds[route->kind].scope;
	mnl_attr_put(request, RTA_DST, address_size(&route->dst), route->dst.addr);
	if (kinds[route->kind].has_device)
		mnl_attr_put_u32(request, RTA_OIF, route->ifindex);
	if (kinds[route->kind].has_gateway)
		mnl_attr_put_u32(request, RTA_GATEWAY, route->gateway_be);
	if (route->source_be)
		mnl_attr_put_u32(request, RTA_PREFSRC, route->source_be);
	if (route->metric)
		mnl_attr_put_u32(request, RTA_PRIORITY, route->metric);
	return rtnl_exchange(r, request, NULL, NULL);
}

int rtnl_route_add(struct rtnl *r, const struct rtnl_route *route)
{
	return change_route(r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route);
}

int rtnl_route_del(struct rtnl *r, const struct rtnl_route *route)
{
	int error = change_route(r, RTM_DELROUTE, 0, route);

	return error == -ESRCH ? 0 : error;
}

static uint32_t route_device(const struct nlmsghdr *message)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, message, sizeof(struct rtmsg))
		if (mnl_attr_get_type(attr) == RTA_OIF)
			return mnl_attr_get_u32(attr);
	return 0;
}

struct flush {
	uint8_t family;
	unsigned ifindex;
};

/* The kernel may not filter, and answers for all families when it does not know this one. */
static bool is_to_be_flushed(const struct nlmsghdr *message, const void *arg)
{
	const struct flush *flush = arg;
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(message);

	return message->nlmsg_type == RTM_NEWROUTE && rtm->rtm_family == flush->family &&
	       rtm->rtm_protocol == RTNL_PROTOCOL &&
	       (flush->ifindex == 0 || route_device(message) == flush->ifindex);
}

/*
 * A route as it was dumped describes itself exactly: the same message with another type deletes
 * it.
 */
static int delete_dumped(struct rtnl *r, const struct rtnl_dump *dump)
{
	struct nlmsghdr *message;
	size_t pos = 0;
	int count = 0;

	while ((message = rtnl_dump_next(dump, &pos))) {
		int error;

		message->nlmsg_type = RTM_DELROUTE;
		message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
		error = rtnl_exchange(r, message, NULL, NULL);
		if (error < 0 && error != -ESRCH)
			return error;
		count += error == 0;
	}
	return count;
}

static int flush_family(struct rtnl *r, uint8_t family, unsigned ifindex)
{
	struct nlmsghdr *request = rtnl_request(r, RTM_GETROUTE, 0);
	struct rtmsg *filter = mnl_nlmsg_put_extra_header(request, sizeof(*filter));
	struct flush flush = {.family = family, .ifindex = ifindex};
	struct rtnl_dump dump;
	int ret;

	filter->rtm_family = family;
	filter->rtm_protocol = RTNL_PROTOCOL;
	ret = rtnl_collect(r, request, is_to_be_flushed, &flush, &dump);
	if (ret < 0)
		return ret;
	ret = delete_dumped(r, &dump);
	free(dump.buf);
	return ret;
}

int rtnl_route_flush(struct rtnl *r, unsigned ifindex)
{
	int v4 = flush_family(r, AF_INET, ifindex);
	int v6 = flush_family(r, AF_INET6, ifindex);

	if (v4 < 0)
		return v4;
	return v6 < 0 ? v6 : v4 + v6;
}

static int read_route(const struct nlmsghdr *message, void *arg)
{
	struct rtnl_route *route = arg;
	const struct nlattr *attr;

	if (message->nlmsg_type != RTM_NEWROUTE)
		return 0;
	mnl_attr_for_each(attr, message, sizeof(struct rtmsg)) {
		switch (mnl_attr_get_type(attr)) {
		case RTA_OIF: route->ifindex = mnl_attr_get_u32(attr); break;
		case RTA_PREFSRC: route->source_be = mnl_attr_get_u32(attr); break;
		case RTA_GATEWAY:
			route->kind = RTNL_ROUTE_GATEWAY;
			route->gateway_be = mnl_attr_get_u32(attr);
			break;
		case RTA_VIA: return -EAFNOSUPPORT; /* an IPv6 next hop: no rtnl_route says that */
		default: break;
		}
	}
	return 0;
}

int rtnl_route_get(struct rtnl *r, uint32_t addr_be, struct rtnl_route *ret_route)
{
	struct nlmsghdr *request = rtnl_request(r, RTM_GETROUTE, 0);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(request, sizeof(*rtm));
	struct rtnl_route route = {.dst = {.family = AF_INET, .len = 32}};
	int error;

	rtm->rtm_family = AF_INET;
	rtm->rtm_dst_len = 32;
	mnl_attr_put_u32(request, RTA_DST, addr_be);
	memcpy(route.dst.addr, &addr_be, sizeof(addr_be));
	error = rtnl_exchange(r, request, read_route, &route);
	if (error < 0)
		return error;
	*ret_route = route;
	return 0;
}

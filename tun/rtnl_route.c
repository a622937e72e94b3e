/* SPDX-License-Identifier: Apache-2.0 */
/* Routes: added, taken back, flushed and listed by our protocol number. */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tun/rtnl.h"
#include "tun/rtnl_exchange.h"

enum {
	IPV6_DEFAULT_METRIC = 1024
};

static const struct {
	uint8_t type;
	uint8_t scope;
} kinds[] = {
	[RTNL_ROUTE_DEVICE] = {RTN_UNICAST, RT_SCOPE_LINK},
	[RTNL_ROUTE_UNREACHABLE] = {RTN_UNREACHABLE, RT_SCOPE_UNIVERSE},
	[RTNL_ROUTE_THROW] = {RTN_THROW, RT_SCOPE_UNIVERSE},
	[RTNL_ROUTE_BLACKHOLE] = {RTN_BLACKHOLE, RT_SCOPE_UNIVERSE},
};

static size_t address_size(const struct prefix *p)
{
	return p->family == AF_INET6 ? 16 : 4;
}

static uint32_t table_of(const struct rtnl_route *route)
{
	return route->table ? route->table : RT_TABLE_MAIN;
}

static int change_route(struct rtnl *r, uint16_t type, uint16_t flags,
			const struct rtnl_route *route)
{
	struct nlmsghdr *request = rtnl_request(r, type, flags);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(request, sizeof(*rtm));

	if (route->source.family && route->source.family != route->dst.family)
		return -EAFNOSUPPORT;
	rtm->rtm_family = route->dst.family;
	rtm->rtm_dst_len = route->dst.len;
	rtm->rtm_protocol = RTNL_PROTOCOL;
	rtm->rtm_type = kinds[route->kind].type;
	rtm->rtm_scope = kinds[route->kind].scope;
	mnl_attr_put(request, RTA_DST, address_size(&route->dst), route->dst.addr);
	mnl_attr_put_u32(request, RTA_TABLE, table_of(route));
	if (route->kind == RTNL_ROUTE_DEVICE)
		mnl_attr_put_u32(request, RTA_OIF, route->ifindex);
	if (route->source.family)
		mnl_attr_put(request, RTA_PREFSRC, address_size(&route->source),
			     route->source.addr);
	if (route->metric)
		mnl_attr_put_u32(request, RTA_PRIORITY, route->metric);
	return rtnl_exchange(r, request, NULL, NULL);
}

int rtnl_route_del(struct rtnl *r, const struct rtnl_route *route)
{
	int error = change_route(r, RTM_DELROUTE, 0, route);

	return error == -ESRCH ? 0 : error;
}

static enum rtnl_route_kind kind_of(const struct rtmsg *rtm)
{
	switch (rtm->rtm_type) {
	case RTN_UNREACHABLE: return RTNL_ROUTE_UNREACHABLE;
	case RTN_THROW: return RTNL_ROUTE_THROW;
	case RTN_BLACKHOLE: return RTNL_ROUTE_BLACKHOLE;
	default: return RTNL_ROUTE_DEVICE;
	}
}

static struct rtnl_route read_route(const struct nlmsghdr *message)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(message);
	struct rtnl_route route = {
		.dst = {.family = rtm->rtm_family, .len = rtm->rtm_dst_len},
		.kind = kind_of(rtm),
		.table = rtm->rtm_table,
	};
	const struct nlattr *attr;

	mnl_attr_for_each(attr, message, sizeof(*rtm)) {
		switch (mnl_attr_get_type(attr)) {
		case RTA_DST:
			memcpy(route.dst.addr, mnl_attr_get_payload(attr),
			       address_size(&route.dst));
			break;
		case RTA_OIF: route.ifindex = mnl_attr_get_u32(attr); break;
		case RTA_PREFSRC:
			route.source = prefix_host(rtm->rtm_family, mnl_attr_get_payload(attr));
			break;
		case RTA_PRIORITY: route.metric = mnl_attr_get_u32(attr); break;
		case RTA_TABLE: route.table = mnl_attr_get_u32(attr); break;
		default: break;
		}
	}
	return route;
}

struct selection {
	uint8_t family;
	unsigned ifindex; /* 0: any */
};

/* The kernel may not filter, and answers for all families when it does not know this one. */
static bool is_selected(const struct nlmsghdr *message, const void *arg)
{
	const struct selection *selection = arg;
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(message);

	return message->nlmsg_type == RTM_NEWROUTE && rtm->rtm_family == selection->family &&
	       rtm->rtm_protocol == RTNL_PROTOCOL &&
	       (selection->ifindex == 0 || read_route(message).ifindex == selection->ifindex);
}

static int collect_ours(struct rtnl *r, uint8_t family, unsigned ifindex,
			struct rtnl_dump *ret_dump)
{
	struct nlmsghdr *request = rtnl_request(r, RTM_GETROUTE, 0);
	struct rtmsg *filter = mnl_nlmsg_put_extra_header(request, sizeof(*filter));
	struct selection selection = {.family = family, .ifindex = ifindex};

	filter->rtm_family = family;
	filter->rtm_protocol = RTNL_PROTOCOL;
	return rtnl_collect(r, request, is_selected, &selection, ret_dump);
}

static uint32_t metric_of(const struct rtnl_route *route)
{
	return route->metric || route->dst.family == AF_INET ? route->metric : IPV6_DEFAULT_METRIC;
}

static bool is_same(const struct rtnl_route *a, const struct rtnl_route *b)
{
	return prefix_equal(&a->dst, &b->dst) && table_of(a) == table_of(b) &&
	       metric_of(a) == metric_of(b) && a->kind == b->kind &&
	       (a->kind != RTNL_ROUTE_DEVICE || a->ifindex == b->ifindex);
}

/* 1: this very route is there and ours; 0: it is not; or -errno. */
static int is_ours(struct rtnl *r, const struct rtnl_route *route)
{
	const struct nlmsghdr *message;
	struct rtnl_dump dump;
	size_t pos = 0;
	int found = 0;
	int error = collect_ours(r, route->dst.family, 0, &dump);

	if (error < 0)
		return error;
	while (!found && (message = rtnl_dump_next(&dump, &pos))) {
		struct rtnl_route other = read_route(message);

		found = is_same(&other, route);
	}
	free(dump.buf);
	return found;
}

int rtnl_route_add(struct rtnl *r, const struct rtnl_route *route)
{
	int error = change_route(r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, route);
	int ours;

	if (error != -EEXIST)
		return error;
	ours = is_ours(r, route);
	if (ours <= 0)
		return ours < 0 ? ours : -EEXIST;
	return change_route(r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route);
}

int rtnl_route_set(struct rtnl *r, const struct rtnl_route *route)
{
	return change_route(r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route);
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
	struct rtnl_dump dump;
	int ret = collect_ours(r, family, ifindex, &dump);

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

/* each() is called when the dump is whole, so that a repeated dump shows no route twice. */
static int list_family(struct rtnl *r, uint8_t family,
		       void (*each)(void *arg, const struct rtnl_route *route), void *arg)
{
	const struct nlmsghdr *message;
	struct rtnl_dump dump;
	size_t pos = 0;
	int error = collect_ours(r, family, 0, &dump);

	if (error < 0)
		return error;
	while ((message = rtnl_dump_next(&dump, &pos))) {
		struct rtnl_route route = read_route(message);

		each(arg, &route);
	}
	free(dump.buf);
	return 0;
}

int rtnl_route_list(struct rtnl *r, void (*each)(void *arg, const struct rtnl_route *route),
		    void *arg)
{
	int error = list_family(r, AF_INET, each, arg);

	return error < 0 ? error : list_family(r, AF_INET6, each, arg);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tun/rtnl_get.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "tun/rtnl_exchange.h"

struct getting {
	struct rtnl_got got;
	unsigned ifindex; /* 0: none */
	bool has_route;
};

static enum rtnl_got_kind kind_of(const struct rtmsg *rtm)
{
	switch (rtm->rtm_type) {
	case RTN_UNICAST: return RTNL_GOT_FORWARDED;
	case RTN_LOCAL:
	case RTN_BROADCAST:
	case RTN_ANYCAST:
	case RTN_MULTICAST: return RTNL_GOT_LOCAL;
	default: return RTNL_GOT_UNREACHABLE;
	}
}

static void take_via(struct rtnl_got *got, uint8_t family, const void *addr, size_t len)
{
	if (len != (family == AF_INET6 ? 16u : 4u))
		return;
	got->via_family = family;
	memcpy(got->via, addr, len);
}

/* RTA_VIA is a next hop of the other family. */
static int take_attribute(const struct nlattr *a, void *arg)
{
	struct getting *g = arg;
	const struct rtvia *via = mnl_attr_get_payload(a);
	size_t len = mnl_attr_get_payload_len(a);

	switch (mnl_attr_get_type(a)) {
	case RTA_GATEWAY: take_via(&g->got, len == 16 ? AF_INET6 : AF_INET, via, len); break;
	case RTA_VIA:
		if (len > sizeof(*via))
			take_via(&g->got, (uint8_t)via->rtvia_family, via->rtvia_addr,
				 len - sizeof(*via));
		break;
	case RTA_OIF:
		if (len == sizeof(uint32_t))
			g->ifindex = mnl_attr_get_u32(a);
		break;
	case RTA_TABLE:
		if (len == sizeof(uint32_t))
			g->got.table = mnl_attr_get_u32(a);
		break;
	default: break;
	}
	return MNL_CB_OK;
}

static int take_route(const struct nlmsghdr *message, void *arg)
{
	struct getting *g = arg;
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(message);

	if (message->nlmsg_type != RTM_NEWROUTE ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(*rtm))
		return 0;
	g->has_route = true;
	g->got.kind = kind_of(rtm);
	g->got.table = rtm->rtm_table;
	return mnl_attr_parse(message, sizeof(*rtm), take_attribute, g) < 0 ? -EBADMSG : 0;
}

static int take_name(const struct nlattr *a, void *arg)
{
	if (mnl_attr_get_type(a) == IFLA_IFNAME && mnl_attr_validate(a, MNL_TYPE_NUL_STRING) == 0)
		snprintf(arg, IF_NAMESIZE, "%s", mnl_attr_get_str(a));
	return MNL_CB_OK;
}

static int take_link(const struct nlmsghdr *message, void *arg)
{
	if (message->nlmsg_type != RTM_NEWLINK ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(struct ifinfomsg))
		return 0;
	return mnl_attr_parse(message, sizeof(struct ifinfomsg), take_name, arg) < 0 ? -EBADMSG : 0;
}

/* A device that has gone meanwhile has no name. */
static int find_name(struct rtnl *r, unsigned ifindex, char ret_name[IF_NAMESIZE])
{
	struct nlmsghdr *request = rtnl_request(r, RTM_GETLINK, 0);
	struct ifinfomsg *link = mnl_nlmsg_put_extra_header(request, sizeof(*link));
	int error;

	link->ifi_family = AF_UNSPEC;
	link->ifi_index = (int)ifindex;
	error = rtnl_exchange(r, request, take_link, ret_name);
	return error == -ENODEV ? 0 : error;
}

int rtnl_route_get(struct rtnl *r, const struct prefix *address, struct rtnl_got *ret_got)
{
	struct nlmsghdr *request = rtnl_request(r, RTM_GETROUTE, 0);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(request, sizeof(*rtm));
	struct getting g = {.has_route = false};
	int error;

	rtm->rtm_family = address->family;
	rtm->rtm_dst_len = address->len;
	rtm->rtm_flags = address->family == AF_INET ? RTM_F_LOOKUP_TABLE : 0; /* IPv6 always does */
	mnl_attr_put(request, RTA_DST, address->len / 8, address->addr);
	error = rtnl_exchange(r, request, take_route, &g);
	if (error == 0 && !g.has_route)
		error = -EBADMSG;
	if (error == 0 && g.ifindex)
		error = find_name(r, g.ifindex, g.got.device);
	if (error == 0)
		*ret_got = g.got;
	return error;
}

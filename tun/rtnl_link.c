/* SPDX-License-Identifier: Apache-2.0 */
/* Links and their addresses. */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "tun/rtnl.h"
#include "tun/rtnl_exchange.h"

/* Changes IFF_UP only. */
static struct nlmsghdr *link_request(struct rtnl *r, unsigned ifindex, unsigned flags)
{
	struct nlmsghdr *request = rtnl_request(r, RTM_SETLINK, 0);
	struct ifinfomsg *link = mnl_nlmsg_put_extra_header(request, sizeof(*link));

	link->ifi_family = AF_UNSPEC;
	link->ifi_index = (int)ifindex;
	link->ifi_flags = flags;
	link->ifi_change = IFF_UP;
	return request;
}

int rtnl_link_up(struct rtnl *r, unsigned ifindex, uint32_t mtu)
{
	struct nlmsghdr *request = link_request(r, ifindex, IFF_UP);

	if (mtu)
		mnl_attr_put_u32(request, IFLA_MTU, mtu);
	return rtnl_exchange(r, request, NULL, NULL);
}

int rtnl_link_down(struct rtnl *r, unsigned ifindex)
{
	return rtnl_exchange(r, link_request(r, ifindex, 0), NULL, NULL);
}

int rtnl_link_drop_qdisc(struct rtnl *r, unsigned ifindex)
{
	struct nlmsghdr *request = rtnl_request(r, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE);
	struct tcmsg *qdisc = mnl_nlmsg_put_extra_header(request, sizeof(*qdisc));

	qdisc->tcm_family = AF_UNSPEC;
	qdisc->tcm_ifindex = (int)ifindex;
	qdisc->tcm_parent = TC_H_ROOT;
	mnl_attr_put_strz(request, TCA_KIND, "noqueue");
	return rtnl_exchange(r, request, NULL, NULL);
}

static int change_address(struct rtnl *r, uint16_t type, uint16_t flags, unsigned ifindex,
			  uint32_t addr_be)
{
	struct nlmsghdr *request = rtnl_request(r, type, flags);
	struct ifaddrmsg *address = mnl_nlmsg_put_extra_header(request, sizeof(*address));

	address->ifa_family = AF_INET;
	address->ifa_prefixlen = 32;
	address->ifa_scope = RT_SCOPE_UNIVERSE;
	address->ifa_index = ifindex;
	mnl_attr_put_u32(request, IFA_LOCAL, addr_be);
	mnl_attr_put_u32(request, IFA_ADDRESS, addr_be);
	return rtnl_exchange(r, request, NULL, NULL);
}

int rtnl_address_add(struct rtnl *r, unsigned ifindex, uint32_t addr_be)
{
	int error = change_address(r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, ifindex, addr_be);

	return error == -EEXIST ? 0 : error;
}

int rtnl_address_del(struct rtnl *r, unsigned ifindex, uint32_t addr_be)
{
	int error = change_address(r, RTM_DELADDR, 0, ifindex, addr_be);

	return error == -EADDRNOTAVAIL ? 0 : error;
}

/* The address itself; on a point-to-point link IFA_ADDRESS would be the peer's. 0: none. */
static uint32_t local_address(const struct nlmsghdr *message)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, message, sizeof(struct ifaddrmsg))
		if (mnl_attr_get_type(attr) == IFA_LOCAL)
			return mnl_attr_get_u32(attr);
	return 0;
}

static bool is_ipv4_address(const struct nlmsghdr *message, const void *arg)
{
	const struct ifaddrmsg *address = mnl_nlmsg_get_payload(message);

	return message->nlmsg_type == RTM_NEWADDR && address->ifa_family == AF_INET &&
	       local_address(message) != 0;
}

static struct rtnl_address describe_address(const struct nlmsghdr *message)
{
	const struct ifaddrmsg *header = mnl_nlmsg_get_payload(message);
	struct rtnl_address a = {
		.ifindex = header->ifa_index,
		.local_be = local_address(message),
	};

	/* as the kernel does, whatever IFA_BROADCAST says (fib_add_ifaddr) */
	if (header->ifa_prefixlen < 31)
		a.broadcast_be = a.local_be | htonl(UINT32_MAX >> header->ifa_prefixlen);
	return a;
}

/* each() is called when the dump is whole, so that a repeated dump shows no address twice. */
int rtnl_address_list(struct rtnl *r, void (*each)(void *arg, const struct rtnl_address *address),
		      void *arg)
{
	struct nlmsghdr *request = rtnl_request(r, RTM_GETADDR, 0);
	struct ifaddrmsg *filter = mnl_nlmsg_put_extra_header(request, sizeof(*filter));
	const struct nlmsghdr *message;
	struct rtnl_dump dump;
	size_t pos = 0;
	int error;

	filter->ifa_family = AF_INET;
	error = rtnl_collect(r, request, is_ipv4_address, NULL, &dump);
	if (error < 0)
		return error;
	while ((message = rtnl_dump_next(&dump, &pos))) {
		struct rtnl_address address = describe_address(message);

		each(arg, &address);
	}
	free(dump.buf);
	return 0;
}

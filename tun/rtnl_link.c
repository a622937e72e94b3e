/* SPDX-License-Identifier: Apache-2.0 */
/* Links and their addresses. */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
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

int rtnl_link_no_link_local(struct rtnl *r, unsigned ifindex)
{
	struct nlmsghdr *request = link_request(r, ifindex, 0);
	struct ifinfomsg *link = mnl_nlmsg_get_payload(request);
	struct nlattr *by_family, *ipv6;

	link->ifi_change = 0;
	by_family = mnl_attr_nest_start(request, IFLA_AF_SPEC);
	ipv6 = mnl_attr_nest_start(request, AF_INET6);
	mnl_attr_put_u8(request, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
	mnl_attr_nest_end(request, ipv6);
	mnl_attr_nest_end(request, by_family);
	return rtnl_exchange(r, request, NULL, NULL);
}

static size_t address_size(uint8_t family)
{
	return family == AF_INET6 ? 16 : 4;
}

static int change_address(struct rtnl *r, uint16_t type, uint16_t flags, unsigned ifindex,
			  const struct prefix *p)
{
	size_t size = address_size(p->family);
	struct nlmsghdr *request = rtnl_request(r, type, flags);
	struct ifaddrmsg *address = mnl_nlmsg_put_extra_header(request, sizeof(*address));

	address->ifa_family = p->family;
	address->ifa_prefixlen = p->len;
	address->ifa_scope = RT_SCOPE_UNIVERSE;
	address->ifa_index = ifindex;
	mnl_attr_put(request, IFA_LOCAL, size, p->addr);
	mnl_attr_put(request, IFA_ADDRESS, size, p->addr);
	if (p->family == AF_INET6)
		mnl_attr_put_u32(request, IFA_FLAGS, IFA_F_NODAD | IFA_F_NOPREFIXROUTE);
	return rtnl_exchange(r, request, NULL, NULL);
}

int rtnl_address_add(struct rtnl *r, unsigned ifindex, const struct prefix *address)
{
	int error = change_address(r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, ifindex, address);

	return error == -EEXIST ? 0 : error;
}

int rtnl_address_del(struct rtnl *r, unsigned ifindex, const struct prefix *address)
{
	int error = change_address(r, RTM_DELADDR, 0, ifindex, address);

	return error == -EADDRNOTAVAIL ? 0 : error;
}

/*
 * The address itself, NULL: none. On a point-to-point link IFA_ADDRESS is the peer's, and IFA_LOCAL our own; the kernel
 * leaves that out where they are the same IPv6 address.
 */
static const struct nlattr *local_address(const struct nlmsghdr *message, size_t size)
{
	const struct nlattr *attr, *found = NULL;

	mnl_attr_for_each(attr, message, sizeof(struct ifaddrmsg)) {
		uint16_t type = mnl_attr_get_type(attr);

		if (mnl_attr_get_payload_len(attr) == size &&
		    (type == IFA_LOCAL || (type == IFA_ADDRESS && size == 16 && !found)))
			found = attr;
	}
	return found;
}

static bool is_address(const struct nlmsghdr *message, const void *arg)
{
	const struct ifaddrmsg *address = mnl_nlmsg_get_payload(message);
	uint8_t family = *(const uint8_t *)arg;

	return message->nlmsg_type == RTM_NEWADDR && address->ifa_family == family &&
	       local_address(message, address_size(family));
}

static struct rtnl_address describe_address(const struct nlmsghdr *message)
{
	const struct ifaddrmsg *header = mnl_nlmsg_get_payload(message);
	const struct nlattr *local = local_address(message, address_size(header->ifa_family));
	struct rtnl_address a = {
		.ifindex = header->ifa_index,
		.local = prefix_host(header->ifa_family, mnl_attr_get_payload(local)),
	};

	/* as the kernel does, whatever IFA_BROADCAST says (fib_add_ifaddr) */
	if (header->ifa_family == AF_INET && header->ifa_prefixlen < 31)
		a.broadcast_be =
			mnl_attr_get_u32(local) | htonl(UINT32_MAX >> header->ifa_prefixlen);
	return a;
}

/* each() is called when the dump is whole, so that a repeated dump shows no address twice. */
static int list_family(struct rtnl *r, uint8_t family,
		       void (*each)(void *arg, const struct rtnl_address *address), void *arg)
{
	struct nlmsghdr *request = rtnl_request(r, RTM_GETADDR, 0);
	struct ifaddrmsg *filter = mnl_nlmsg_put_extra_header(request, sizeof(*filter));
	const struct nlmsghdr *message;
	struct rtnl_dump dump;
	size_t pos = 0;
	int error;

	filter->ifa_family = family;
	error = rtnl_collect(r, request, is_address, &family, &dump);
	if (error < 0)
		return error;
	while ((message = rtnl_dump_next(&dump, &pos))) {
		struct rtnl_address address = describe_address(message);

		each(arg, &address);
	}
	free(dump.buf);
	return 0;
}

int rtnl_address_list(struct rtnl *r, void (*each)(void *arg, const struct rtnl_address *address),
		      void *arg)
{
	int error = list_family(r, AF_INET, each, arg);

	return error < 0 ? error : list_family(r, AF_INET6, each, arg);
}

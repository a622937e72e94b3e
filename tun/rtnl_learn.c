/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reading of the table begins only when everything that had come was read: so what comes during it was told after
 * it began, and nothing is missing in between; an overrun in the meantime shows as one, and spoils it.
 */
#include "tun/rtnl_learn.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tun/netns.h"

enum {
	DATAGRAM_SIZE = 32768, /* the kernel fills what the reader offers in a dump, up to this */
	DATAGRAMS_MAX = 512,   /* of one read: others have their turn */
	REQUEST_SIZE = 256,
	NEWS_MIN = 64,
};

enum phase {
	FOLLOWING,
	WAITING, /* to have read everything, for a dump to begin */
	READING_IPV4,
	READING_IPV6,
};

enum news_kind {
	NEWS_FIRST = RTNL_MIRROR_FIRST,
	NEWS_LAST = RTNL_MIRROR_LAST,
	NEWS_REPLACE = RTNL_MIRROR_REPLACE,
	NEWS_GONE,
};

struct news {
	struct rtnl_learned route; /* its `more` is owned */
	enum news_kind kind;
};

struct rtnl_learn {
	struct mnl_socket *socket;
	uint32_t table;
	uint32_t seq;
	bool wanted[256];
	enum phase phase;
	bool is_stale;
	bool is_known;
	uint64_t syncs;
	uint64_t changes; /* of mirrors that were replaced */
	struct rtnl_mirror *mirror;
	/* while it is read */
	struct rtnl_mirror *next;
	bool is_torn; /* and in vain */
	struct news *news;
	size_t n_news, cap_news;
	struct rtnl_hop hops[RTNL_HOPS_MAX];
	_Alignas(struct nlmsghdr) uint8_t datagram[DATAGRAM_SIZE];
};

/* ---- the socket ---- */

static const unsigned groups[] = {
	RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_NEXTHOP,
};

/* A kernel before 5.3 has no nexthop objects, and no group for them. */
static int join(int fd)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i],
			       sizeof(groups[i])) < 0 &&
		    groups[i] != RTNLGRP_NEXTHOP)
			return -errno;
	return 0;
}

static int open_here(void *arg)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	struct sockaddr_nl any = {.nl_family = AF_NETLINK};
	int size = RTNL_LEARN_BUFFER;
	int r;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	/* lets the kernel filter dumps; without it (before 4.20) only more is read */
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &(int){1}, sizeof(int));
	r = bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 ? -errno : join(fd);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

int rtnl_learn_open(int netns_fd)
{
	return netns_call(netns_fd, open_here, NULL);
}

/* ---- reading messages ---- */

static size_t address_size(uint8_t family)
{
	return family == AF_INET6 ? 16 : 4;
}

/* False: it is no address of that family. */
static bool read_address(const struct nlattr *attr, uint8_t family, uint8_t *to)
{
	if (mnl_attr_get_payload_len(attr) != address_size(family))
		return false;
	memcpy(to, mnl_attr_get_payload(attr), address_size(family));
	return true;
}

static bool read_via(const struct nlattr *attr, struct rtnl_hop *hop)
{
	const struct rtvia *via = mnl_attr_get_payload(attr);
	size_t len = mnl_attr_get_payload_len(attr);

	if (len < sizeof(*via))
		return false;
	hop->family = (uint8_t)via->rtvia_family;
	if (len != sizeof(*via) + address_size(hop->family))
		return false;
	memcpy(hop->via, via->rtvia_addr, address_size(hop->family));
	return true;
}

/* Of a route, or of one hop of several. False: it is broken. */
static bool read_hop_attr(const struct nlattr *attr, uint8_t family, struct rtnl_hop *hop)
{
	switch (mnl_attr_get_type(attr)) {
	case RTA_GATEWAY: hop->family = family; return read_address(attr, family, hop->via);
	case RTA_VIA: return read_via(attr, hop);
	case RTA_OIF:
		if (mnl_attr_get_payload_len(attr) != sizeof(uint32_t))
			return false;
		hop->ifindex = mnl_attr_get_u32(attr);
		return true;
	default: return true;
	}
}

static struct rtnl_hop *place_of(struct rtnl_learned *route, size_t i)
{
	return i == 0 ? &route->hop : &route->more[i - 1];
}

/* A struct rtnexthop, with attributes behind it. */
static bool read_next_hop(const struct rtnexthop *next, uint8_t family, struct rtnl_hop *ret_hop)
{
	struct rtnl_hop hop = {.ifindex = (uint32_t)next->rtnh_ifindex};
	const struct nlattr *attr = (const void *)(next + 1);
	int left = next->rtnh_len - (int)sizeof(*next);

	for (; mnl_attr_ok(attr, left);
	     left -= MNL_ALIGN(attr->nla_len), attr = mnl_attr_next(attr))
		if (!read_hop_attr(attr, family, &hop))
			return false;
	*ret_hop = hop;
	return true;
}

static bool read_multipath(const struct nlattr *attr, struct rtnl_learned *route)
{
	const uint8_t *p = mnl_attr_get_payload(attr);
	size_t left = mnl_attr_get_payload_len(attr);
	size_t n = 0;

	while (left >= sizeof(struct rtnexthop)) {
		const struct rtnexthop *next = (const void *)p;
		size_t size = MNL_ALIGN(next->rtnh_len);

		if (next->rtnh_len < sizeof(*next) || next->rtnh_len > left)
			return false;
		if (n < RTNL_HOPS_MAX &&
		    !read_next_hop(next, route->dst.family, place_of(route, n++)))
			return false;
		if (size >= left)
			break;
		p += size;
		left -= size;
	}
	route->n_hops = (uint16_t)n;
	return true;
}

struct parsing {
	struct rtnl_learned route;
	uint32_t table;
};

static bool read_attr(const struct nlattr *attr, struct parsing *p)
{
	struct rtnl_learned *route = &p->route;

	switch (mnl_attr_get_type(attr)) {
	case RTA_DST: return read_address(attr, route->dst.family, route->dst.addr);
	case RTA_PRIORITY:
	case RTA_TABLE:
		if (mnl_attr_get_payload_len(attr) != sizeof(uint32_t))
			return false;
		*(mnl_attr_get_type(attr) == RTA_TABLE ? &p->table : &route->metric) =
			mnl_attr_get_u32(attr);
		return true;
	case RTA_MULTIPATH: return read_multipath(attr, route);
	default: return read_hop_attr(attr, route->dst.family, &route->hop);
	}
}

/* Of IPv6 there are routes from a source prefix, which say nothing of a destination alone, and cached ones. */
static bool is_route(const struct rtmsg *rtm)
{
	return (rtm->rtm_family == AF_INET || rtm->rtm_family == AF_INET6) && !rtm->rtm_src_len &&
	       !(rtm->rtm_flags & RTM_F_CLONED) &&
	       rtm->rtm_dst_len <= 8 * address_size(rtm->rtm_family);
}

int rtnl_learn_parse(const void *message, size_t len, uint32_t table,
		     struct rtnl_learned *ret_route, struct rtnl_hop *more)
{
	const struct nlmsghdr *header = message;
	const struct rtmsg *rtm;
	const struct nlattr *attr;
	struct parsing p;

	if (len < sizeof(*header) + sizeof(*rtm) ||
	    header->nlmsg_len < sizeof(*header) + sizeof(*rtm) || header->nlmsg_len > len)
		return -EBADMSG;
	rtm = mnl_nlmsg_get_payload(header);
	if (!is_route(rtm))
		return -EBADMSG;
	p = (struct parsing){.route = {.dst = {.family = rtm->rtm_family, .len = rtm->rtm_dst_len},
				       .type = rtm->rtm_type,
				       .protocol = rtm->rtm_protocol,
				       .tos = rtm->rtm_tos,
				       .more = more},
			     .table = rtm->rtm_table};
	mnl_attr_for_each(attr, header, sizeof(*rtm))
		if (!read_attr(attr, &p))
			return -EBADMSG;
	if (p.table != table)
		return -EBADMSG;
	if (!p.route.n_hops)
		p.route.n_hops = p.route.hop.ifindex || p.route.hop.family;
	if (p.route.n_hops < 2)
		p.route.more = NULL;
	*ret_route = p.route;
	return 0;
}

/* ---- notifications ---- */

/* It is not the table any more, or not for sure. */
static void spoil(struct rtnl_learn *l)
{
	l->is_stale = true;
	if (l->phase == READING_IPV4 || l->phase == READING_IPV6)
		l->is_torn = true;
}

static void apply(struct rtnl_learn *l, struct rtnl_mirror *m, const struct rtnl_learned *route,
		  enum news_kind kind, bool is_sure)
{
	int r = kind == NEWS_GONE ? rtnl_mirror_del(m, route)
				  : rtnl_mirror_add(m, route, (enum rtnl_mirror_how)kind);

	if (r < 0 && (is_sure || r != -ESRCH))
		spoil(l);
}

static bool grow_news(struct rtnl_learn *l)
{
	size_t cap = l->cap_news ? 2 * l->cap_news : NEWS_MIN;
	struct news *news;

	if (l->n_news < l->cap_news)
		return true;
	news = cap <= RTNL_LEARN_NEWS_MAX ? realloc(l->news, cap * sizeof(*news)) : NULL;
	if (!news)
		return false;
	l->news = news;
	l->cap_news = cap;
	return true;
}

static void drop_news(struct rtnl_learn *l)
{
	for (size_t i = 0; i < l->n_news; i++)
		free(l->news[i].route.more);
	free(l->news);
	l->news = NULL;
	l->n_news = l->cap_news = 0;
}

/* For when the table has been read. Without room it is read once more. */
static void keep(struct rtnl_learn *l, const struct rtnl_learned *route, enum news_kind kind)
{
	struct news news = {.route = *route, .kind = kind};
	size_t size = route->n_hops > 1 ? (route->n_hops - 1u) * sizeof(*route->more) : 0;

	if (l->is_torn)
		return;
	if (size) {
		news.route.more = malloc(size);
		if (news.route.more)
			memcpy(news.route.more, route->more, size);
	}
	if ((size && !news.route.more) || !grow_news(l)) {
		free(size ? news.route.more : NULL);
		spoil(l);
		return;
	}
	l->news[l->n_news++] = news;
}

static enum news_kind kind_of(const struct nlmsghdr *message)
{
	if (message->nlmsg_type == RTM_DELROUTE)
		return NEWS_GONE;
	if (message->nlmsg_flags & NLM_F_REPLACE)
		return NEWS_REPLACE;
	return message->nlmsg_flags & NLM_F_APPEND ? NEWS_LAST : NEWS_FIRST;
}

static void take_route(struct rtnl_learn *l, const struct nlmsghdr *message)
{
	struct rtnl_learned route;

	if (rtnl_learn_parse(message, message->nlmsg_len, l->table, &route, l->hops) < 0)
		return;
	if (l->phase == READING_IPV4 || l->phase == READING_IPV6)
		keep(l, &route, kind_of(message));
	else
		apply(l, l->mirror, &route, kind_of(message), !l->is_stale);
}

/* A device that is down, or gone, has lost its routes. */
static void take_link(struct rtnl_learn *l, const struct nlmsghdr *message)
{
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(message);

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*link))
		return;
	if (message->nlmsg_type == RTM_DELLINK || !(link->ifi_flags & IFF_UP)) {
		if (l->phase == READING_IPV4 || l->phase == READING_IPV6 ||
		    rtnl_mirror_uses(l->mirror, (uint32_t)link->ifi_index))
			spoil(l);
	}
}

static void take_notification(struct rtnl_learn *l, const struct nlmsghdr *message)
{
	switch (message->nlmsg_type) {
	case RTM_NEWROUTE:
	case RTM_DELROUTE: take_route(l, message); break;
	case RTM_NEWLINK:
	case RTM_DELLINK: take_link(l, message); break;
	case RTM_NEWNEXTHOP:
		if (!(message->nlmsg_flags & NLM_F_REPLACE))
			break;
		spoil(l);
		break;
	case RTM_DELADDR:
	case RTM_DELNEXTHOP: spoil(l); break;
	default: break;
	}
}

/* ---- reading the table ---- */

static int ask(struct rtnl_learn *l, uint8_t family)
{
	_Alignas(struct nlmsghdr) uint8_t buf[REQUEST_SIZE];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buf);
	struct rtmsg *rtm;

	request->nlmsg_type = RTM_GETROUTE;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request->nlmsg_seq = ++l->seq;
	rtm = mnl_nlmsg_put_extra_header(request, sizeof(*rtm));
	rtm->rtm_family = family;
	mnl_attr_put_u32(request, RTA_TABLE, l->table);
	if (mnl_socket_sendto(l->socket, request, request->nlmsg_len) < 0)
		return -errno;
	l->phase = family == AF_INET ? READING_IPV4 : READING_IPV6;
	return 0;
}

static void stop_reading(struct rtnl_learn *l)
{
	rtnl_mirror_free(l->next);
	l->next = NULL;
	drop_news(l);
	l->phase = FOLLOWING;
	l->syncs++;
}

/* Or it stays stale, and is tried once more. */
static void begin_reading(struct rtnl_learn *l)
{
	l->next = rtnl_mirror_new(l->wanted);
	l->is_stale = false;
	l->is_torn = false;
	if (l->next && ask(l, AF_INET) == 0)
		return;
	stop_reading(l);
	l->is_stale = true;
}

/* Another number than before, whenever the routes are others. */
static void publish(struct rtnl_learn *l)
{
	bool is_same = l->is_known && rtnl_mirror_equal(l->mirror, l->next);
	struct rtnl_mirror *old = l->mirror;

	l->changes += rtnl_mirror_changes(old) + !is_same - rtnl_mirror_changes(l->next);
	l->mirror = l->next;
	l->next = old;
	l->is_known = true;
}

/* What was told meanwhile is on top of what was read; what that had already is not there to be taken away. */
static void end_reading(struct rtnl_learn *l)
{
	for (size_t i = 0; !l->is_torn && i < l->n_news; i++)
		apply(l, l->next, &l->news[i].route, l->news[i].kind, false);
	if (!l->is_torn)
		publish(l);
	stop_reading(l);
}

/* The table has no routes of this family, or not a single one. */
static bool is_empty_answer(int error)
{
	return error == 0 || error == -ENOENT || error == -EAFNOSUPPORT || error == -EOPNOTSUPP;
}

static void on_part_read(struct rtnl_learn *l, int error)
{
	if (!is_empty_answer(error))
		spoil(l);
	if (l->phase == READING_IPV4 && !l->is_torn && ask(l, AF_INET6) < 0)
		spoil(l);
	else if (l->phase == READING_IPV4 && !l->is_torn)
		return;
	end_reading(l);
}

/* The error that an NLMSG_ERROR or NLMSG_DONE carries in front. */
static int final_error(const struct nlmsghdr *message)
{
	int error = 0;

	if (mnl_nlmsg_get_payload_len(message) >= sizeof(error))
		memcpy(&error, mnl_nlmsg_get_payload(message), sizeof(error));
	return error;
}

static void take_read_route(struct rtnl_learn *l, const struct nlmsghdr *message)
{
	uint8_t family = l->phase == READING_IPV4 ? AF_INET : AF_INET6;
	struct rtnl_learned route;

	if (l->is_torn ||
	    rtnl_learn_parse(message, message->nlmsg_len, l->table, &route, l->hops) < 0 ||
	    route.dst.family != family)
		return;
	if (rtnl_mirror_add(l->next, &route, RTNL_MIRROR_LAST) < 0)
		spoil(l);
}

static void take_answer(struct rtnl_learn *l, const struct nlmsghdr *message)
{
	if (message->nlmsg_flags & NLM_F_DUMP_INTR)
		spoil(l);
	if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR)
		on_part_read(l, final_error(message));
	else if (message->nlmsg_type == RTM_NEWROUTE)
		take_read_route(l, message);
}

/* ---- reading ---- */

static bool is_answer(const struct rtnl_learn *l, const struct nlmsghdr *message)
{
	return (l->phase == READING_IPV4 || l->phase == READING_IPV6) &&
	       message->nlmsg_seq == l->seq &&
	       message->nlmsg_pid == mnl_socket_get_portid(l->socket);
}

static void take_datagram(struct rtnl_learn *l, int len)
{
	const struct nlmsghdr *message = (const void *)l->datagram;

	for (; mnl_nlmsg_ok(message, len); message = mnl_nlmsg_next(message, &len)) {
		if (is_answer(l, message))
			take_answer(l, message);
		else
			take_notification(l, message);
	}
}

/* Its length; 0: it was none of the kernel's; -errno. */
static ssize_t receive(struct rtnl_learn *l)
{
	struct sockaddr_nl from = {0};
	socklen_t from_len = sizeof(from);
	ssize_t n = recvfrom(rtnl_learn_fd(l), l->datagram, sizeof(l->datagram), 0,
			     (struct sockaddr *)&from, &from_len);

	if (n < 0)
		return -errno;
	return from.nl_pid == 0 ? n : 0;
}

/* 1: there is nothing more; 0: there is; -errno. */
static int read_some(struct rtnl_learn *l)
{
	for (int i = 0; i < DATAGRAMS_MAX; i++) {
		ssize_t n = receive(l);

		if (n >= 0)
			take_datagram(l, (int)n);
		else if (n == -ENOBUFS)
			spoil(l);
		else if (n == -EAGAIN)
			return 1;
		else if (n != -EINTR)
			return (int)n;
	}
	return 0;
}

int rtnl_learn_read(struct rtnl_learn *l)
{
	int r = read_some(l);

	if (r > 0 && l->phase == WAITING)
		begin_reading(l);
	return r < 0 ? r : 0;
}

int rtnl_learn_sync(struct rtnl_learn *l)
{
	if (l->phase != FOLLOWING)
		return 0;
	l->phase = WAITING;
	return rtnl_learn_read(l);
}

/* ---- asking ---- */

bool rtnl_learn_is_stale(const struct rtnl_learn *l)
{
	return l->phase == FOLLOWING && (l->is_stale || !l->is_known);
}

bool rtnl_learn_is_known(const struct rtnl_learn *l)
{
	return l->is_known;
}

uint64_t rtnl_learn_syncs(const struct rtnl_learn *l)
{
	return l->syncs;
}

uint64_t rtnl_learn_changes(const struct rtnl_learn *l)
{
	return l->changes + rtnl_mirror_changes(l->mirror);
}

const struct rtnl_mirror *rtnl_learn_routes(const struct rtnl_learn *l)
{
	return l->mirror;
}

int rtnl_learn_fd(const struct rtnl_learn *l)
{
	return mnl_socket_get_fd(l->socket);
}

/* ---- life ---- */

int rtnl_learn_new(int fd, uint32_t table, const bool wanted[256], struct rtnl_learn **ret_learn)
{
	struct rtnl_learn *l = calloc(1, sizeof(*l));
	int r = -ENOMEM;

	if (!l) {
		close(fd);
		return r;
	}
	l->table = table ? table : RT_TABLE_MAIN;
	memcpy(l->wanted, wanted, sizeof(l->wanted));
	l->mirror = rtnl_mirror_new(wanted);
	if (l->mirror) {
		l->socket = mnl_socket_fdopen(fd);
		r = l->socket ? 0 : -errno;
	}
	if (r < 0) {
		close(fd);
		rtnl_learn_free(l);
		return r;
	}
	*ret_learn = l;
	return 0;
}

void rtnl_learn_free(struct rtnl_learn *l)
{
	if (!l)
		return;
	if (l->socket)
		mnl_socket_close(l->socket);
	rtnl_mirror_free(l->mirror);
	rtnl_mirror_free(l->next);
	drop_news(l);
	free(l);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Rules: which routing table is asked, and when. */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tun/rtnl.h"
#include "tun/rtnl_exchange.h"

static const uint8_t actions[] = {
	[RTNL_RULE_LOOKUP] = FR_ACT_TO_TBL,
	[RTNL_RULE_UNREACHABLE] = FR_ACT_UNREACHABLE,
};

static int change_rule(struct rtnl *r, uint16_t type, uint16_t flags, const struct rtnl_rule *rule)
{
	struct nlmsghdr *request = rtnl_request(r, type, flags);
	struct fib_rule_hdr *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));

	if (rule->source.family && rule->source.family != rule->family)
		return -EAFNOSUPPORT;
	header->family = rule->family;
	header->action = actions[rule->kind];
	if (rule->source.family) {
		header->src_len = rule->source.len;
		mnl_attr_put(request, FRA_SRC, rule->source.len / 8, rule->source.addr);
	}
	mnl_attr_put_u32(request, FRA_PRIORITY, rule->priority);
	mnl_attr_put_u32(request, FRA_TABLE, rule->table);
	mnl_attr_put_u8(request, FRA_PROTOCOL, RTNL_PROTOCOL);
	return rtnl_exchange(r, request, NULL, NULL);
}

int rtnl_rule_add(struct rtnl *r, const struct rtnl_rule *rule)
{
	int error = change_rule(r, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule);

	return error == -EEXIST ? 0 : error;
}

int rtnl_rule_del(struct rtnl *r, const struct rtnl_rule *rule)
{
	int error = change_rule(r, RTM_DELRULE, 0, rule);

	return error == -ENOENT ? 0 : error;
}

static bool is_ours(const struct nlmsghdr *message, const void *arg)
{
	const struct fib_rule_hdr *header = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr;

	if (message->nlmsg_type != RTM_NEWRULE || header->family != *(const uint8_t *)arg)
		return false;
	mnl_attr_for_each(attr, message, sizeof(struct fib_rule_hdr))
		if (mnl_attr_get_type(attr) == FRA_PROTOCOL)
			return mnl_attr_get_u8(attr) == RTNL_PROTOCOL;
	return false;
}

static struct rtnl_rule read_rule(const struct nlmsghdr *message)
{
	const struct fib_rule_hdr *header = mnl_nlmsg_get_payload(message);
	struct rtnl_rule rule = {
		.family = header->family,
		.kind = header->action == FR_ACT_UNREACHABLE ? RTNL_RULE_UNREACHABLE
							     : RTNL_RULE_LOOKUP,
	};
	const struct nlattr *attr;

	mnl_attr_for_each(attr, message, sizeof(*header)) {
		switch (mnl_attr_get_type(attr)) {
		case FRA_PRIORITY: rule.priority = mnl_attr_get_u32(attr); break;
		case FRA_TABLE: rule.table = mnl_attr_get_u32(attr); break;
		case FRA_SRC:
			rule.source = prefix_host(header->family, mnl_attr_get_payload(attr));
			rule.source.len = header->src_len;
			break;
		default: break;
		}
	}
	return rule;
}

static int list_family(struct rtnl *r, uint8_t family,
		       void (*each)(void *arg, const struct rtnl_rule *rule), void *arg)
{
	struct nlmsghdr *request = rtnl_request(r, RTM_GETRULE, 0);
	struct fib_rule_hdr *filter = mnl_nlmsg_put_extra_header(request, sizeof(*filter));
	const struct nlmsghdr *message;
	struct rtnl_dump dump;
	size_t pos = 0;
	int error;

	filter->family = family;
	error = rtnl_collect(r, request, is_ours, &family, &dump);
	if (error < 0) /* a kernel without the family has no rules of it */
		return error == -EAFNOSUPPORT ? 0 : error;
	while ((message = rtnl_dump_next(&dump, &pos))) {
		struct rtnl_rule rule = read_rule(message);

		each(arg, &rule);
	}
	free(dump.buf);
	return 0;
}

int rtnl_rule_list(struct rtnl *r, void (*each)(void *arg, const struct rtnl_rule *rule), void *arg)
{
	int error = list_family(r, AF_INET, each, arg);

	return error < 0 ? error : list_family(r, AF_INET6, each, arg);
}

struct asking {
	uint32_t table;
	bool is_found;
};

static int look_for_table(const struct nlmsghdr *message, void *arg)
{
	const struct fib_rule_hdr *header = mnl_nlmsg_get_payload(message);
	struct asking *a = arg;
	const struct nlattr *attr;
	uint32_t table = header->table;

	if (message->nlmsg_type != RTM_NEWRULE)
		return 0;
	mnl_attr_for_each(attr, message, sizeof(*header))
		if (mnl_attr_get_type(attr) == FRA_TABLE)
			table = mnl_attr_get_u32(attr);
	a->is_found |= table == a->table;
	return 0;
}

int rtnl_rule_asks(struct rtnl *r, uint32_t table)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	struct asking a = {.table = table};

	for (size_t i = 0; i < sizeof(families); i++) {
		struct nlmsghdr *request = rtnl_request(r, RTM_GETRULE, NLM_F_DUMP);
		struct fib_rule_hdr *filter = mnl_nlmsg_put_extra_header(request, sizeof(*filter));
		int error;

		filter->family = families[i];
		error = rtnl_exchange(r, request, look_for_table, &a);
		if (error < 0 && error != -EAFNOSUPPORT)
			return error;
	}
	return a.is_found;
}

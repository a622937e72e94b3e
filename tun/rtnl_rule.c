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

	header->family = AF_INET;
	header->action = actions[rule->kind];
	if (rule->source_be) {
		header->src_len = 32;
		mnl_attr_put_u32(request, FRA_SRC, rule->source_be);
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
	const struct nlattr *attr;

	if (message->nlmsg_type != RTM_NEWRULE)
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
		.kind = header->action == FR_ACT_UNREACHABLE ? RTNL_RULE_UNREACHABLE
							     : RTNL_RULE_LOOKUP,
	};
	const struct nlattr *attr;

	mnl_attr_for_each(attr, message, sizeof(*header)) {
		switch (mnl_attr_get_type(attr)) {
		case FRA_PRIORITY: rule.priority = mnl_attr_get_u32(attr); break;
		case FRA_TABLE: rule.table = mnl_attr_get_u32(attr); break;
		case FRA_SRC: rule.source_be = mnl_attr_get_u32(attr); break;
		default: break;
		}
	}
	return rule;
}

int rtnl_rule_list(struct rtnl *r, void (*each)(void *arg, const struct rtnl_rule *rule), void *arg)
{
	struct nlmsghdr *request = rtnl_request(r, RTM_GETRULE, 0);
	struct fib_rule_hdr *filter = mnl_nlmsg_put_extra_header(request, sizeof(*filter));
	const struct nlmsghdr *message;
	struct rtnl_dump dump;
	size_t pos = 0;
	int error;

	filter->family = AF_INET;
	error = rtnl_collect(r, request, is_ours, NULL, &dump);
	if (error < 0)
		return error;
	while ((message = rtnl_dump_next(&dump, &pos))) {
		struct rtnl_rule rule = read_rule(message);

		each(arg, &rule);
	}
	free(dump.buf);
	return 0;
}

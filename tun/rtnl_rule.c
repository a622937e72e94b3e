/* SPDX-License-Identifier: Apache-2.0 */
/* Rules: which routing table is asked, and when. */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "tun/rtnl.h"
#include "tun/rtnl_exchange.h"

static int change_rule(struct rtnl *r, uint16_t type, uint16_t flags, uint32_t priority,
		       uint32_t table)
{
	struct nlmsghdr *request = rtnl_request(r, type, flags);
	struct fib_rule_hdr *rule = mnl_nlmsg_put_extra_header(request, sizeof(*rule));

	rule->family = AF_INET;
	rule->action = FR_ACT_TO_TBL;
	mnl_attr_put_u32(request, FRA_PRIORITY, priority);
	mnl_attr_put_u32(request, FRA_TABLE, table);
	mnl_attr_put_u8(request, FRA_PROTOCOL, RTNL_PROTOCOL);
	return rtnl_exchange(r, request, NULL, NULL);
}

int rtnl_rule_add(struct rtnl *r, uint32_t priority, uint32_t table)
{
	int error = change_rule(r, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, priority, table);

	return error == -EEXIST ? 0 : error;
}

int rtnl_rule_del(struct rtnl *r, uint32_t priority, uint32_t table)
{
	int error = change_rule(r, RTM_DELRULE, 0, priority, table);

	return error == -ENOENT ? 0 : error;
}

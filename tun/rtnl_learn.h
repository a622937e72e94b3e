/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUN_RTNL_LEARN_H
#define TUN_RTNL_LEARN_H
/*
 * Follows one routing table of a network namespace, IPv4 and IPv6: reads it whole, then keeps up with the kernel's
 * notifications. The socket is opened by who may enter the namespace; following it needs no privilege.
 *
 * What is read is never taken for the table when it may not be: a socket that overran, a reading that was
 * interrupted, and what the kernel does to routes without a word (it flushes those of IPv4 with their device, their source
 * address or their nexthop object) all make the copy stale, which stays as it was until the table has been read anew.
 * Notifications that come while the table is read are kept, and applied on top: each is either in what was read already, where it
 * changes nothing, or it is not.
 *
 * Costs about 1.5 us for a notification; reading 100,000 routes takes about 0.1 s in steps.
 * Limits: RTNL_MIRROR_MAX routes; RTNL_LEARN_NEWS_MAX notifications while it is read: with more it is read once more.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tun/rtnl_mirror.h"

enum {
	RTNL_LEARN_NEWS_MAX = 1 << 18,
	RTNL_LEARN_BUFFER =
		16
		<< 20, /* bytes that the kernel may keep for us; of them it takes what it needs */
};

/*
 * A socket in netns_fd (< 0: the present one) that hears of its routes from now on. Its buffer is as large as the caller may
 * make it. Returns it, non-blocking and close-on-exec, or -errno.
 */
int rtnl_learn_open(int netns_fd);

struct rtnl_learn;

/*
 * table: as "ip route show table" has it, 0: main; wanted: whose routes count, by their protocol, copied. Takes fd,
 * also on failure. Nothing is known before rtnl_learn_sync(). 0, -ENOMEM, -ENOTSOCK.
 */
int rtnl_learn_new(int fd, uint32_t table, const bool wanted[256], struct rtnl_learn **ret_learn);

/* Takes NULL. */
void rtnl_learn_free(struct rtnl_learn *l);

/* To be watched for reading; borrowed until rtnl_learn_free(). */
int rtnl_learn_fd(const struct rtnl_learn *l);

/*
 * The table is to be read (anew); what is there stays until that is done. Without effect while it is under way. Reads what
 * has come, as rtnl_learn_read().
 */
int rtnl_learn_sync(struct rtnl_learn *l);

/*
 * Reads what has come, a bounded part of it at a time. 0, or -errno: nothing more will come. Routes may be others afterwards:
 * rtnl_learn_changes().
 */
int rtnl_learn_read(struct rtnl_learn *l);

/* It is not known what the table is now, and rtnl_learn_sync() has to be called. */
bool rtnl_learn_is_stale(const struct rtnl_learn *l);

/* The table has been read whole once. */
bool rtnl_learn_is_known(const struct rtnl_learn *l);

/* How often it has been read whole, or in vain. */
uint64_t rtnl_learn_syncs(const struct rtnl_learn *l);

/* Another number whenever wanted routes may be others. */
uint64_t rtnl_learn_changes(const struct rtnl_learn *l);

/* The copy; borrowed until the next call. Routes of other protocols are in it too. */
const struct rtnl_mirror *rtnl_learn_routes(const struct rtnl_learn *l);

/*
 * A message as the kernel sends it, header included, len bytes: a route that is in it, with its hops in `more` (room for
 * RTNL_HOPS_MAX - 1). 0; -EBADMSG: none of which a copy could be kept, or another table's.
 */
int rtnl_learn_parse(const void *message, size_t len, uint32_t table,
		     struct rtnl_learned *ret_route, struct rtnl_hop *more);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TUN_RTNL_WATCH_H
#define TUN_RTNL_WATCH_H
/*
 * Tells when an address of a network namespace comes, goes or is renewed, so that what
 * rtnl_address_list() said once can be kept until then. It does not say which: a socket that
 * overran has lost that anyhow, and the list is short.
 */

struct rtnl_watch;

/* Watches netns_fd (< 0: the present one) from now on. 0 with an owned object, or -errno. */
int rtnl_watch_open(int netns_fd, struct rtnl_watch **ret_watch);

/* One that rtnl_watch_open() made in another process. Takes fd, also on failure. As rtnl_adopt(). */
int rtnl_watch_adopt(int fd, struct rtnl_watch **ret_watch);

/* Takes NULL. */
void rtnl_watch_close(struct rtnl_watch *w);

/* To be watched for reading: non-blocking, close-on-exec, borrowed until rtnl_watch_close(). */
int rtnl_watch_fd(const struct rtnl_watch *w);

/*
 * Reads what is there. 1: something changed since the last call, or so much that the kernel did not
 * keep it all; 0: nothing did; -errno. After 1 more may be there, and the descriptor readable.
 */
int rtnl_watch_read(struct rtnl_watch *w);

#endif

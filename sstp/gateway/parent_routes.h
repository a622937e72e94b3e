/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_GATEWAY_PARENT_ROUTES_H
#define SSTP_GATEWAY_PARENT_ROUTES_H
/*
 * The parent's verbs for routing: sockets that hear of routes, or ask something, and what a routing daemon is to announce
 * of a VNet.
 *
 * That stands as blackhole routes of RTNL_PROTOCOL in a kernel table of its own, in the VNet's namespace, which no rule
 * asks: the daemon reads it there, and no packet is forwarded by it. Control says which prefixes; here it is seen to that
 * it cannot do more than that: the table is none of the system's and asked by no rule, the namespace is one that gateway.yaml
 * knows, no route of anybody else is touched, a default route is never announced.
 *
 * The tables that are in use stand in a file, so that what a killed gateway has announced is withdrawn by its successor first of all,
 * whatever its VNets are then. One line for each: namespace, tab, number.
 *
 * Limits: PARENT_ROUTES_MAX VNets, PARENT_ANNOUNCE_MAX prefixes of each; about 5 us for each that comes or goes.
 */
#include <stdbool.h>

#include "sstp/control/parent_msg.h"
#include "sstp/gateway/config.h"

enum {
	PARENT_ROUTES_MAX = 1024,
};

struct parent_routes;

/*
 * Withdraws what the file at path says, which need not be there. Copies path. Returns owned; NULL without memory. What cannot
 * be withdrawn is logged.
 */
struct parent_routes *parent_routes_new(const char *path);

/* Withdraws all. Takes NULL. */
void parent_routes_free(struct parent_routes *r);

/*
 * Why control does not get into this namespace; NULL: it does. It is the gateway's own, one of a VNet of config's, or one that
 * its attach_namespaces names; not a path, which could be any process's.
 */
const char *parent_routes_objection(const char *netns, const struct gateway_config *config);

/* A socket of rtnl_learn_open() in the namespace, or -errno. */
int parent_routes_learn(const char *netns);

/*
 * A socket to ask something with in the namespace, as m says. Non-blocking and close-on-exec; ICMP errors stand in its queue.
 * Or -errno: -EACCES: echoes are for those with CAP_NET_RAW, or with a group in net.ipv4.ping_group_range.
 */
int parent_routes_dial(const struct parent_dial *m);

/*
 * The VNet's announcement is from now on what is behind fd (prefix_list.h, sealed); fd is borrowed, and parent_routes_objection()
 * has been asked. 0, or -errno and a sentence: what could not be changed is as it was, and is tried
 * again by the next one.
 */
int parent_routes_announce(struct parent_routes *r, const struct parent_announce *m, int fd,
			   char ret_text[PARENT_TEXT_MAX + 1]);

/*
 * Control starts again, and says anew what is announced: what it has not said until parent_routes_drop_doubted() is not any
 * more.
 */
void parent_routes_doubt(struct parent_routes *r);
void parent_routes_drop_doubted(struct parent_routes *r);

/* The configuration is another one: what is announced where control does not get any more is not from now on. */
void parent_routes_reconfigure(struct parent_routes *r, const struct gateway_config *config);

/* Nothing is announced any more. True: something was. */
bool parent_routes_withdraw(struct parent_routes *r);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_NETWORK_H
#define SSTP_WORKER_NETWORK_H
/*
 * The app's side of the tunnel in the kernel: a TUN device with the private addresses, and the
 * tunnelled routes, both IPv4 and IPv6.
 *
 * Fails closed: from network_new() to network_free(), and also when this process is killed, what is
 * for a tunnelled prefix, or sent from a private address, leaves through the device or is refused
 * at once. The next start with the same TUN name takes over what a killed one left. How: see route_table.c.
 *
 * The prefixes can change at any time, also while packets flow (network_change_routes()).
 *
 * Where app and worker share a namespace, a tunnelled prefix may cover the gateway itself:
 * network_pin() leaves its address out of the tunnel.
 *
 * A kernel without IPv6 sends none: its prefixes are passed over there.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "routing/prefix.h"
#include "tun/tun.h"

struct loop;
struct network;

struct network_params {
	/* the app's namespace, borrowed; < 0: the present one, shared with the worker */
	int netns_fd;
	const char *tun_name;
	uint16_t mtu;
	unsigned offload;	     /* wanted of the device, of enum tun_offload */
	const struct prefix *routes; /* no two the same; copied */
	size_t nroutes;
};

/*
 * Creates the device (down) and closes the prefixes. 0 with an owned network, or -errno with
 * ret_error: -EEXIST a prefix overlaps another worker's, -EBUSY the device is another's,
 * -EOPNOTSUPP no policy routing.
 */
int network_new(const struct network_params *params, struct network **ret_network,
		char ret_error[256]);

/* Removes device, routes and addresses. Takes NULL. */
void network_free(struct network *n);

/*
 * Before each dialling of a gateway (host prefix; NULL: an address that needs none of this): it is reached outside the
 * tunnel, and the one before is not. 0 or -errno.
 */
int network_pin(struct network *n, const struct prefix *gateway);

/*
 * The tunnel is up with this address (host prefix): device up, address, routes of its family. A second call with another
 * address of the family moves it, make before break. IPv4 comes first. 0, or -errno: then only a part of it may be done,
 * and network_down() takes that back; -EACCES: IPv6 is switched off in the namespace.
 */
int network_up(struct network *n, const struct prefix *address);

/*
 * The tunnel is down: the routes leave the device. The addresses stay, so that bound sockets
 * survive.
 */
void network_down(struct network *n);

/*
 * These prefixes in place of those that there are, copied. What stays is not touched; what is new goes into the
 * tunnel, or is refused while it is down, before what is gone leaves it. 0, or -errno with ret_error, and then the
 * prefixes are those from before: -EEXIST as network_new().
 */
int network_set_routes(struct network *n, const struct prefix *routes, size_t nroutes,
		       char ret_error[256]);

/*
 * The same in a thread of its own: the loop goes on, also when the kernel takes its time. All other functions that change
 * something wait for the end of it, so that the order stays. done() is called in the loop, with 0 or -errno and a text
 * (borrowed), unless the network is freed before. One at a time: -EBUSY. 0, or -errno: nothing has begun.
 */
int network_change_routes(struct network *n, struct loop *loop, const struct prefix *routes,
			  size_t nroutes, void (*done)(void *arg, int error, const char *why),
			  void *arg);

/* The prefixes in effect; borrowed until they change: by network_set_routes(), or just before done(). */
const struct prefix *network_routes(const struct network *n, size_t *ret_nroutes);

const struct tun *network_tun(const struct network *n);
/* The app's namespace; borrowed; < 0: the present one. */
int network_netns(const struct network *n);

#endif

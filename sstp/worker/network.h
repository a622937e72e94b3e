/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_NETWORK_H
#define SSTP_WORKER_NETWORK_H
/*
 * The app's side of the tunnel in the kernel: a TUN device with the private address, and the tunnelled routes.
 *
 * Fails closed. Every tunnelled route exists twice: through the device while the tunnel is up, and always as an
 * unreachable route with the worst metric. So while the tunnel is down, and even after this process was killed,
 * traffic for the VNet is refused at once and never leaves by another way; the next start takes over what
 * is left. Only an orderly network_close() removes the unreachable routes.
 *
 * Where app and worker share a namespace, a tunnelled route may cover the gateway itself: then a host route keeps
 * the gateway reachable outside the tunnel (network_pin).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "routing/prefix.h"
#include "tun/tun.h"

struct network;

struct network_params {
	int netns_fd; /* the app's namespace, borrowed; < 0: the present one, shared with the worker */
	const char *tun_name;
	uint16_t mtu;
	const struct prefix *routes; /* borrowed for the network's life */
	size_t nroutes;
};

/* Creates the device (down) and the unreachable routes. 0 with an owned network, or -errno with ret_error. */
int network_new(const struct network_params *params, struct network **ret_network,
		char ret_error[256]);

/* Removes device, routes and address. Takes NULL. */
void network_free(struct network *n);

/* Before dialling gateway_be: keeps it reachable outside the tunnel. 0 or -errno. */
int network_pin(struct network *n, uint32_t gateway_be);

/* The tunnel is up with this address: device up, address, routes. 0 or -errno; a second call moves the address. */
int network_up(struct network *n, uint32_t address_be);

/* The tunnel is down: the routes leave the device. The address stays, so that bound sockets survive. */
void network_down(struct network *n);

const struct tun *network_tun(const struct network *n);

#endif

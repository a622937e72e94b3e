/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_VNET_H
#define SSTP_SESSION_VNET_H
/*
 * One virtual network as the gateway serves it: the pool that its users' addresses come from, one TUN device for
 * all of its sessions, and the way of a packet between the two.
 *
 * Uplink: the source must be the session's own address, the destination inside the VNet's address spaces and
 * not the gateway itself. Downlink: destination -> pool index -> session, by array. What is not forwarded is
 * counted with its reason, on the session or, where there is none, on the VNet.
 * The TUN is always drained, whatever its readers' speed; a slow session drops in its own queue.
 */
#include <stdbool.h>
#include <stdint.h>

#include "routing/pool.h"
#include "routing/prefix.h"
#include "sstp/session/session.h"

enum {
	VNET_PREFIXES_MAX = 64
};

/* Everything is copied. Checked by whoever reads the configuration. */
struct vnet_params {
	const char *name;
	const struct prefix *address_spaces;
	size_t naddress_spaces;
	const struct prefix *pools;
	size_t npools;
	uint32_t dns_be[2]; /* 0: none */
	uint32_t gateway_be;
	const char *tun_name;
	const char *netns; /* "" : the present one */
	uint16_t mtu;
	unsigned offload; /* wanted of the device, of enum tun_offload */
	bool client_to_client;
};

struct vnet;

/*
 * Creates the TUN device in its namespace, routes the pools to it, and begins to read it. When the device is taken away
 * later, on_failed(arg) is called once; leases are refused then until vnet_update() has made it anew. On failure nothing
 * is left behind, and ret_error holds a sentence for the operator. Borrows env.
 */
int vnet_new(struct session_env *env, const struct vnet_params *params,
	     void (*on_failed)(void *arg, struct vnet *v), void *arg, struct vnet **ret_vnet,
	     char ret_error[256]);

/* Takes back routes and device. Takes NULL. No lease may be left. */
void vnet_free(struct vnet *v);

/*
 * Applies what may change while sessions live: address spaces, DNS servers, client_to_client; makes a device that is gone
 * anew. 0, or -errno with ret_error, and what was in effect still is.
 */
int vnet_update(struct vnet *v, const struct vnet_params *params, char ret_error[256]);

const char *vnet_name(const struct vnet *v);

/* A session's hold on an address of a VNet. All zero: none. */
struct vnet_lease {
	struct vnet *vnet;
	uint32_t index;
	uint32_t address_be;
};

/* An address for user; ret_address is what IPCP shall tell the peer. 0; -ENOSPC: all are taken; -ENODEV: the device is gone; -ENOMEM. */
int vnet_lease(struct vnet *v, const char *user, struct vnet_lease *ret_lease,
	       struct link_address *ret_address);

/* Packets to the lease's address go to s from now on (NULL: to nobody). */
void vnet_attach(struct vnet_lease *lease, struct session *s);

/* Detaches and gives the address back. A lease that is all zero is left alone. */
void vnet_release(struct vnet_lease *lease);

/* One packet from the session that holds the lease; its bytes stay until vnet_burst_end() or vnet_release(). */
void vnet_uplink(const struct vnet_lease *lease, struct session *s, uint8_t *pkt, size_t len);

/* Writes what vnet_uplink() has taken. */
void vnet_burst_end(const struct vnet_lease *lease, struct session *s);

/* Drops that no session caused, and totals. */
const struct traffic *vnet_traffic(const struct vnet *v);
uint32_t vnet_used(const struct vnet *v);
uint32_t vnet_size(const struct vnet *v);

#endif

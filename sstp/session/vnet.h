/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_VNET_H
#define SSTP_SESSION_VNET_H
/*
 * One virtual network as the gateway serves it, shared by all of its threads: the pool that its users' addresses
 * come from, the TUN device with a queue for each thread, and the table that says what may be reached.
 *
 * The control thread makes it, changes it and takes it away. Data threads reach it through a vnet_queue each
 * (session/vnet_queue.h): they take and give back leases under a lock, once in a session's life, and ask the table
 * without one. The table is replaced as a whole (routing/fib_slot.h): when the settings change, and when the gateway
 * gets or loses an address of its own, which the kernel tells.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "routing/fib_slot.h"
#include "routing/pool.h"
#include "routing/prefix.h"
#include "sstp/session/nd.h"
#include "sstp/session/reach.h"
#include "sstp/session/vnet_open.h"

struct loop;

enum {
	VNET_DOMAINS_MAX = 6,
};

/* Everything is copied. Checked by whoever reads the configuration. */
struct vnet_params {
	const char *name;
	const struct prefix *address_spaces;
	size_t naddress_spaces;
	/* counted by the VNet; NULL: the address spaces; the data plane knows */
	struct reach *reach;
	/* of IPv4, and at most one of IPv6, with a /64 for each of their addresses (prefix_has_networks6()) */
	const struct prefix *pools;
	size_t npools;
	uint32_t dns_be[2]; /* 0: none */
	uint8_t dns6[ND_DNS_MAX][ND_ADDRESS_SIZE];
	size_t ndns6;
	const char *const *domains; /* for names without a dot, in this order */
	size_t ndomains;	    /* at most VNET_DOMAINS_MAX count */
	uint32_t gateway_be;
	const char *tun_name;
	const char *netns; /* "" : the present one */
	uint16_t mtu;
	bool client_to_client;
	unsigned offload; /* of enum tun_offload: what the device may use */
};

/* What the VNets of a data plane share; all borrowed. */
struct vnet_env {
	struct loop *loop;		 /* the control thread's */
	struct fib_publisher *publisher; /* used by the control thread only */
	unsigned threads;		 /* TUN queues that a device gets */
	vnet_open_fn *open;		 /* who may make devices; NULL: vnet_open() */
	void *open_arg;
	/* A device is gone: vnet_take_failure() would say which. Any thread calls it, also several at once. */
	void (*on_failure)(void *arg);
	void *arg;
};

struct vnet;

/*
 * Creates the TUN device in its namespace, routes the pools to it and publishes its table. On failure nothing is left
 * behind, and ret_error holds a sentence for the operator.
 */
int vnet_new(const struct vnet_env *env, const struct vnet_params *params, struct vnet **ret_vnet,
	     char ret_error[256]);

/* Takes back routes and device. Takes NULL. No lease and no queue may be left. */
void vnet_free(struct vnet *v);

/*
 * Applies what may change while sessions live: address spaces, DNS servers, client_to_client. 0, or -errno with
 * ret_error, and what was in effect still is.
 */
int vnet_update(struct vnet *v, const struct vnet_params *params, char ret_error[256]);

/*
 * Replaces what its clients may reach; NULL: the address spaces again. 0, or -errno and what was in effect still is. One whose
 * device is gone has it when that is made anew.
 */
int vnet_set_reach(struct vnet *v, struct reach *reach);

/*
 * True once after the device was taken away by somebody: leases are refused from then on, until vnet_remake() has made it
 * anew, for which all queues must be closed. Logs it.
 */
bool vnet_take_failure(struct vnet *v);
bool vnet_has_failed(const struct vnet *v);

/* The same state when it is the control thread that cannot use the device, which goes. All queues are closed. */
void vnet_give_up(struct vnet *v);

/* 0, or -errno with ret_error, and it has still failed. */
int vnet_remake(struct vnet *v, const struct vnet_params *params, char ret_error[256]);

/* The control thread: as dataplane_remember_lease(). */
bool vnet_remember(struct vnet *v, uint32_t address_be, const char *owner);

/* Any thread: */
const char *vnet_name(const struct vnet *v);
uint32_t vnet_used(struct vnet *v);
uint32_t vnet_size(const struct vnet *v);

#endif

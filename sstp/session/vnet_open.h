/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_VNET_OPEN_H
#define SSTP_SESSION_VNET_OPEN_H
/*
 * What of a VNet needs privileges: its TUN device in the right namespace, up, with a queue for each thread, steered,
 * with routes to its pools. It is made by whoever may, and used by whoever gets its descriptors: once they are there,
 * nothing of them needs a privilege any more.
 *
 * There is nothing to take back: device and routes go with the last of its queues.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "routing/prefix.h"
#include "tun/tun.h"

struct rtnl;
struct rtnl_watch;
struct steer;

/* All borrowed for the call. */
struct vnet_open_params {
	const char *tun_name;
	const char *netns; /* "": the present one */
	uint16_t mtu;
	unsigned offload;   /* wanted, of enum tun_offload */
	unsigned queues;    /* 1..TUN_QUEUES_MAX */
	uint32_t addresses; /* of IPv4 that are steered at a time, at most */
	const struct prefix *pools;
	size_t npools;
};

struct vnet_opened {
	struct tun *tuns; /* owned: n queues */
	unsigned n;
	struct rtnl *rtnl;	  /* of its namespace, to be asked for addresses */
	struct rtnl_watch *watch; /* of its addresses */
	struct steer *steer;	  /* NULL: there is one queue, or the kernel does not let us */
	int steer_error;	  /* 0, or why not: -errno */
	bool is_forwarding; /* the namespace forwards IPv4, and IPv6 where there is a pool of it */
};

/* What failed. */
enum vnet_step {
	VNET_STEP_NETNS,
	VNET_STEP_CREATE,
	VNET_STEP_SET_UP,
	VNET_STEP_ROUTE,
	VNET_STEP_ASK, /* whoever may do it does not answer */
	VNET_STEPS,
};

/* "create the TUN device": goes between "cannot" and its name. */
const char *vnet_step_text(enum vnet_step step);

/* 0 with what is owned: vnet_opened_close(); or -errno with the step, and nothing is left. */
typedef int vnet_open_fn(void *arg, const struct vnet_open_params *params,
			 struct vnet_opened *ret_opened, enum vnet_step *ret_step);

/* Does it here and now; arg does not count. */
vnet_open_fn vnet_open;

/* Closes all. Takes a zeroed one. */
void vnet_opened_close(struct vnet_opened *o);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_VNET_INTERNAL_H
#define SSTP_SESSION_VNET_INTERNAL_H
/* A VNet's inside, for vnet.c (packets and leases) and vnet_device.c (set-up and the device). */
#include "sstp/session/port.h"
#include "sstp/session/vnet.h"
#include "tun/tun.h"

struct rtnl;

struct vnet {
	struct session_env *env;
	char *name;
	struct prefix *address_spaces;
	size_t naddress_spaces;
	struct prefix *pools;
	size_t npools;
	uint32_t *local_be; /* the namespace's own addresses: not reachable from the tunnel */
	size_t nlocal;
	uint64_t local_at; /* when they were listed */
	uint32_t dns_be[2];
	uint32_t gateway_be;
	uint16_t mtu;
	bool client_to_client;
	struct pool *pool;
	struct session **by_index;
	struct tun tun;
	bool failed; /* the device is gone; vnet_update() makes it anew */
	void (*on_failed)(void *arg, struct vnet *v);
	void *on_failed_arg;
	int netns_fd;
	struct rtnl *rtnl;
	struct port *port;
	struct traffic traffic;
};

/* What the device reports. */
extern const struct port_ops vnet_port_ops;

/* Lists the namespace's own addresses anew. 0, or -errno and the old list stands. */
int vnet_list_local(struct vnet *v);

#endif

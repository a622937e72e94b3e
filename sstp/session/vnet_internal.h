/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_VNET_INTERNAL_H
#define SSTP_SESSION_VNET_INTERNAL_H
/*
 * A VNet's inside, for vnet.c (life), vnet_table.c, vnet_device.c (set-up of the device) and vnet_queue.c (a thread's part).
 *
 * Who may touch what: the control thread all but `owners` and `asker`; data threads what is immutable while a queue is open (pool's
 * addresses, gateway_be, mtu, device), the pool's leases and what else stands under the lock, the table, and `owners`:
 * that of an address is written under the lock and read without. Which session it is that a thread owns the address
 * for, the thread's queue has in an array of its own, so that another thread can take over without writing what this one
 * reads: where `owners` names a thread, its array has a session, until it takes that out itself.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "sstp/session/drop.h"
#include "sstp/session/nd.h"
#include "sstp/session/vnet.h"
#include "sstp/session/vnet_inform.h"
#include "sstp/session/vnet_open.h"
#include "sstp/session/vnet_seat.h"

/* What the table says, beside reasons to drop a packet. */
enum vnet_verdict {
	VNET_PASSES = DROP_REASONS, /* an app's: if its connection says so as well */
	VNET_OPEN,		    /* everybody's */
	VNET_NONE,		    /* as FIB_NONE, and above all others as that is */
};

/* What a reload, or the control process, may change of the table. */
struct vnet_policy {
	struct prefix *address_spaces; /* owned */
	size_t naddress_spaces;
	struct reach *reach; /* counted; in place of the spaces; NULL: there is none */
	bool client_to_client;
};

struct vnet {
	struct vnet_env env;
	char *name;
	struct vnet_policy policy;
	struct prefix *pools;
	size_t npools;
	struct prefix pool6; /* of family 0: there is none */
	uint32_t gateway_be;
	uint16_t mtu;
	unsigned offload; /* wanted */
	/* by index: the thread that packets go to, counted from 1; 0: none */
	_Atomic uint32_t *owners;
	/* likewise: who has asked last from an address that nobody has (session/vnet_probe.h) */
	_Atomic uint32_t asker;

	pthread_mutex_t lock;
	struct pool *pool;	    /* its leases; its addresses never change */
	struct vnet_seat *seats;    /* by index */
	struct vnet_queue **queues; /* by thread; borrowed; NULL: it has none yet */
	uint64_t leased_at; /* when the pool was last told the time, which never goes back */
	uint32_t dns_be[2];
	struct nd_advert advert; /* without a prefix */
	struct vnet_inform inform;
	bool failed; /* the device is gone; vnet_remake() makes it anew */
	struct steer *
		steer; /* device's; NULL: the kernel does not let us, and queues are its own choice */

	struct fib_slot table; /* destination -> enum drop_reason or vnet_verdict */
	atomic_bool refuses;   /* the table has DROP_PEERING in it: sources are looked up too */

	struct vnet_opened device; /* with env.threads queues; zeroed: it is gone */
	struct loop_io *watch_io;
	atomic_bool failure; /* found by a data thread, not yet taken by the control thread */
};

/* Makes the device with all that belongs to it, and drops what is there of it. */
int vnet_device_make(struct vnet *v, const struct vnet_params *params, const char **ret_step);
void vnet_device_drop(struct vnet *v);

/* A sentence for the operator about the step that failed. */
void vnet_device_explain(const struct vnet_params *params, const char *step, int error,
			 char ret_error[256]);

/*
 * Lists the gateway's own addresses, compiles the table that the policy makes with them, and publishes it. 0, or -errno and
 * the old one stands.
 */
int vnet_publish_policy(struct vnet *v, const struct vnet_policy *policy);
/* The VNet's own, anew. */
int vnet_publish(struct vnet *v);

#endif

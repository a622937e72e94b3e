/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_VNET_QUEUE_H
#define SSTP_SESSION_VNET_QUEUE_H
/*
 * A VNet as one data thread sees it: its queue of the TUN device, and the way of a packet between that and the
 * thread's sessions. All of it is used in that thread only.
 *
 * Uplink: the source must be the session's own address, or in its own /64; where the destination may be reached the VNet's table says, and for
 * an app's session the table of its connection behind it.
 * Downlink: destination, or its /64 -> pool index -> owning thread -> session, by arrays. The device's queue brings the packets of this thread's
 * sessions (tun/steer.h). One that belongs to another thread all the same, because its address has just changed hands
 * or the kernel does not let us steer, is handed over to it. What is not forwarded is counted with its reason, on the
 * session or, where there is none, here.
 * The TUN is always drained, whatever its readers' speed; a slow session drops in its own queue.
 */
#include "sstp/session/handover.h"
#include "sstp/session/probe_desk.h"
#include "sstp/session/session.h"
#include "sstp/session/vnet.h"
#include "sstp/session/vnet_seat.h"

struct connection;
struct vnet_queue;

/* number: of the thread and of its queue, from 0. id: what handover knows the VNet by. Borrows all. Returns owned; NULL with errno set. */
struct vnet_queue *vnet_queue_new(struct vnet *v, unsigned id, unsigned number,
				  struct session_env *env, struct handover *handover);

/* Takes NULL. No lease may be left. */
void vnet_queue_free(struct vnet_queue *q);

/* Lets go of the device, which is gone or goes; leases stay, packets are dropped. */
void vnet_queue_close(struct vnet_queue *q);

/* Takes up the device anew. 0 or -errno. */
int vnet_queue_open(struct vnet_queue *q);

/* A packet that another thread's queue has brought, as vnet_queue_new()'s device brings them. */
void vnet_queue_take(struct vnet_queue *q, const struct virtio_net_hdr *h, uint8_t *pkt,
		     size_t len);

const char *vnet_queue_name(const struct vnet_queue *q); /* of the VNet */

/* Drops that no session caused. */
const struct traffic *vnet_queue_traffic(const struct vnet_queue *q);
/* Packets that vnet_queue_take() got. */
uint64_t vnet_queue_handed_over(const struct vnet_queue *q);

/* A session's hold on an address of a VNet. All zero: none. */
struct vnet_lease {
	struct vnet_queue *queue;
	struct session *session;       /* attached; NULL: none */
	struct vnet_holder *holder;    /* owned */
	const struct fib_slot *routes; /* as its tenant's */
	struct connection *connection; /* likewise */
	uint32_t index;
	uint32_t address_be;
	uint8_t prefix6[ND_PREFIX_SIZE]; /* zeros: the VNet has no IPv6 */
};

/* Who wants an address. Borrowed for the call. */
struct vnet_tenant {
	const char *owner; /* the addresses that this name held are his (routing/pool.h) */
	uint64_t session;  /* its number, for the log */
	struct vnet_claim claim;
	/*
	 * The address of a session that this one takes over from; 0: none. He gets it when it is held by the same owner and his
	 * claim is good; else one as if he had not asked.
	 */
	uint32_t replaces_be;
	/*
	 * What he may reach, which outlives the lease: also what is in no address space of the VNet, but nothing that the VNet keeps
	 * from everybody. NULL: its address spaces.
	 */
	const struct fib_slot *routes;
	/* The app's, which outlives the lease; what he is told when he asks; NULL: what the VNet says. */
	struct connection *connection;
};

/*
 * An address for t; ret_address is what IPCP shall tell the peer. 0; -ENOSPC: all are taken; -ENODEV: the device is
 * gone; -ENOMEM.
 */
int vnet_lease(struct vnet_queue *q, const struct vnet_tenant *t, struct vnet_lease *ret_lease,
	       struct link_address *ret_address);

/* The first address of the lease's /64, which a client gets that insists on no other; zeros: the VNet has no IPv6. */
void vnet_lease_address6(const struct vnet_lease *lease, uint8_t ret_address[ND_ADDRESS_SIZE]);

/*
 * Packets to the lease's address go to s from now on, and no longer to the session that it takes over from; that one may
 * still send. One log line says so. If that one has the same certificate, it is disconnected, in its own thread: its client has
 * dialled again. Should s be released before it, they go there again.
 */
void vnet_attach(struct vnet_lease *lease, struct session *s);

/* Detaches, and gives the address back if nobody else holds it. A lease that is all zero is left alone. */
void vnet_release(struct vnet_lease *lease);

/* One packet from the session that holds the lease; its bytes stay until vnet_burst_end() or vnet_release(). */
void vnet_uplink(const struct vnet_lease *lease, struct session *s, uint8_t *pkt, size_t len);

/* To the session that holds the lease, whose IPV6CP is open: a router advertisement. */
void vnet_advertise(const struct vnet_lease *lease, struct session *s);

/*
 * Asks the network in the name of the session that holds the lease: the packet is judged and sent as one of its own. The desk
 * (borrowed, and outlives the queue) hears what comes of it, within about two seconds or at once.
 */
void vnet_probe(const struct vnet_lease *lease, const struct session *s,
		const struct probe_request *r, struct probe_desk *desk);

/* Writes what vnet_uplink() has taken. */
void vnet_burst_end(const struct vnet_lease *lease, struct session *s);

#endif

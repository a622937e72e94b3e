/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_VNET_SEAT_H
#define SSTP_SESSION_VNET_SEAT_H
/*
 * Who holds an address of a VNet: one session, and for the moment in which another takes over from it (a renewed
 * certificate, or the same one that has dialled again) that one too. Packets for the address go to the newest holder that is up (attached), whatever order they come
 * up and leave in; the address is given back with the last one.
 *
 * An address goes from a certificate to one that was renewed from it, never back: who still has the key of an old one cannot
 * take it from the new one. Of two with the same certificate the older one is dead, or will be: it is displaced as soon as
 * the newer one is up, and its session must end.
 *
 * Pure; the VNet's lock is around it.
 */
#include <stdbool.h>
#include <stdint.h>

#include "certs/cert.h"
#include "sstp/base/bucket.h"

enum {
	/* one more is refused, and gets an address of its own; who is displaced, and so about to leave, is not counted */
	VNET_HOLDERS_MAX = 3,
};

struct session;

struct vnet_holder {
	struct vnet_holder *older; /* NULL: he is the oldest */
	struct session *session;   /* NULL: not attached; only its thread may follow it */
	uint64_t id;		   /* the session's number */
	uint32_t thread;	   /* counted from 1 */
	uint64_t solicited_at;	   /* his last router solicitation; 0: never */
	struct bucket answers;	   /* ICMP */
	uint64_t informed_at;	   /* his last DHCPINFORM that was answered */
	bool is_remarked;	   /* that it was a long answer, or a short one */
	uint64_t displaced_by;	   /* the number of the session that took his place; 0: none */
	struct vnet_holder *next_displaced;   /* the caller's list */
	char thumbprint[CERT_THUMBPRINT_MAX]; /* of his certificate; "": none */
};

/* All zero: nobody's. */
struct vnet_seat {
	struct vnet_holder *newest; /* borrowed, as are all */
};

/* By what somebody claims a seat that others hold. Borrowed for the call. */
struct vnet_claim {
	const char *thumbprint; /* of his certificate; "" or NULL: none */
	/* Was his certificate renewed from the one with this thumbprint, another one? NULL: from none. */
	bool (*comes_from)(void *arg, const char *thumbprint);
	void *arg;
};

/* May he join those there are? There is room, and each has his certificate, or one that his was renewed from. */
bool vnet_seat_admits(const struct vnet_seat *seat, const struct vnet_claim *claim);

/* Adds a holder (borrowed until he is removed): to a seat that is nobody's, or that admits him. */
void vnet_seat_add(struct vnet_seat *seat, struct vnet_holder *holder);

/*
 * After one was attached: a holder who is displaced now, with the reason in displaced_by; returns borrowed. NULL: no more of
 * them.
 */
struct vnet_holder *vnet_seat_displace(const struct vnet_seat *seat);

/* He leaves. True: he was the last. That he holds the seat is the caller's duty. */
bool vnet_seat_remove(struct vnet_seat *seat, const struct vnet_holder *holder);

/* The newest holder that is attached, of one thread or (0) of any; returns borrowed until a change, or NULL. */
const struct vnet_holder *vnet_seat_newest(const struct vnet_seat *seat, uint32_t thread);

#endif

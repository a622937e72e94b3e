/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_VNET_SEAT_H
#define SSTP_SESSION_VNET_SEAT_H
/*
 * Who holds an address of a VNet: one session, and for the moment in which another takes over from it (a renewed
 * certificate) that one too. Packets for the address go to the newest holder that is up (attached), whatever order they come
 * up and leave in; the address is given back with the last one.
 *
 * Pure; the VNet's lock is around it. A holder is known by its certificate: two of one certificate never share an address.
 */
#include <stdbool.h>
#include <stdint.h>

enum {
	VNET_HOLDERS_MAX = 3, /* one more is refused, and gets an address of its own */
};

struct session;

struct vnet_holder {
	struct session *session; /* NULL: not attached; only its thread may follow it */
	uint64_t certificate;	 /* a thumbprint's hash; 0: none */
	uint32_t thread;	 /* counted from 1 */
};

/* All zero: nobody's. */
struct vnet_seat {
	struct vnet_holder holders[VNET_HOLDERS_MAX]; /* the oldest first */
	uint32_t n;
};

/* May a session with this certificate join those there are? They have others, and there is room. */
bool vnet_seat_admits(const struct vnet_seat *seat, uint64_t certificate);

/* Adds a holder: to a seat that is nobody's, or that admits him. */
void vnet_seat_add(struct vnet_seat *seat, uint32_t thread, uint64_t certificate);

/* Packets may go to session from now on; it is the holder's with this certificate. */
void vnet_seat_attach(struct vnet_seat *seat, uint64_t certificate, struct session *session);

/* The holder leaves. True: he was the last. */
bool vnet_seat_remove(struct vnet_seat *seat, uint64_t certificate);

/* The newest holder that is attached, of one thread or (0) of any; returns borrowed until a change, or NULL. */
const struct vnet_holder *vnet_seat_newest(const struct vnet_seat *seat, uint32_t thread);

#endif

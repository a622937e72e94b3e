/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_PORT_H
#define SSTP_SESSION_PORT_H
/*
 * A TUN device as the packet path uses it: super-packets in both directions, the device always drained, and its end
 * noticed once. The gateway's VNets and the worker's tunnel each have one.
 */
#include <stddef.h>
#include <stdint.h>

#include "sstp/net/loop.h"
#include "tun/tun.h"

struct port;

struct port_ops {
	/*
	 * A packet or super-packet that the kernel sends; h says which. Both are borrowed for the call; the bytes may be
	 * changed.
	 */
	void (*on_packet)(void *arg, const struct virtio_net_hdr *h, uint8_t *pkt, size_t len);
	/* Each packet that the device did not take, unchanged, within port_write() or port_flush(). NULL: they are only counted. */
	void (*on_refused)(void *arg, const uint8_t *pkt, size_t len);
	/* The device was deleted, or fails: nothing is read any more. error is -errno. */
	void (*on_gone)(void *arg, int error);
};

/* Borrows all; tun stays where it is until port_free(). Returns owned; NULL with errno set. */
struct port *port_new(struct loop *loop, const struct tun *tun, const struct port_ops *ops,
		      void *arg);

/* Takes NULL. What was not flushed is lost. */
void port_free(struct port *p);

/* A packet for the kernel, len bytes as its IP header says: borrowed, unchanged, until port_flush(). p NULL: none. */
void port_write(struct port *p, const uint8_t *pkt, size_t len);

/* Writes what waits, merged; before the packets' memory is used again. Returns how many the device did not take.
 * Takes NULL. */
unsigned port_flush(struct port *p);

#endif

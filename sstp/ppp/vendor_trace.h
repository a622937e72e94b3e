/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_PPP_VENDOR_TRACE_H
#define SSTP_PPP_VENDOR_TRACE_H
/*
 * The values of TRACE and TRACED (vendor.h): the gateway asks its worker to send one probe from where the app is, and
 * the worker says what came of it.
 *
 *	TRACE   id u32, number u32, port u16, own u16, family u8 (4, 6), the address
 *	TRACED  id u32, route u8, outcome u8, error u16, took u32 (us), table u32, sent u32, received u32,
 *	        next hop and source, each: family u8 (0, 4, 6), the address;
 *	        device and drop, each: length u8, printable ASCII without a blank
 *
 * port 0: an ICMP echo of identifier own, sequence the lower half of number, and number as the first four bytes of its
 * data; else a TCP connection from port own. own is the gateway's choice, so that it knows the packet before it comes.
 */
#include <stddef.h>
#include <stdint.h>

#include "sstp/ppp/vendor.h"

enum {
	VENDOR_TRACE_ADDRESS = 16,
	VENDOR_TRACE_DEVICE_MAX = 15, /* bytes of a device's name */
	VENDOR_TRACE_DROP_MAX = 31,   /* bytes of a drop reason's name */
};

struct vendor_address {
	uint8_t family; /* 4, 6; 0: none */
	uint8_t bytes[VENDOR_TRACE_ADDRESS];
};

struct vendor_trace {
	uint32_t id;
	uint32_t number;
	uint16_t port;
	uint16_t own;
	struct vendor_address to;
};

/* Where the kernel of the app's namespace sends it. On the wire. */
enum vendor_route {
	VENDOR_ROUTE_TUNNEL = 1,
	VENDOR_ROUTE_OTHER = 2,	  /* another device */
	VENDOR_ROUTE_LOCAL = 3,	  /* an address of the namespace itself */
	VENDOR_ROUTE_NONE = 4,	  /* none, or one that refuses */
	VENDOR_ROUTE_UNKNOWN = 5, /* the kernel does not say */
	VENDOR_ROUTE_LAST = VENDOR_ROUTE_UNKNOWN,
};

/* What the probe's socket said. On the wire. */
enum vendor_outcome {
	VENDOR_OUTCOME_UNSENT = 1, /* it does not go into the tunnel */
	VENDOR_OUTCOME_OPEN = 2,
	VENDOR_OUTCOME_CLOSED = 3, /* refused */
	VENDOR_OUTCOME_ECHO = 4,
	VENDOR_OUTCOME_UNREACHABLE = 5, /* an ICMP error; error says which, as errno has it */
	VENDOR_OUTCOME_SILENCE = 6,
	VENDOR_OUTCOME_FAILED = 7, /* the probe could not be sent: error */
	VENDOR_OUTCOME_BUSY = 8,   /* the worker is asked too often */
	VENDOR_OUTCOME_LAST = VENDOR_OUTCOME_BUSY,
};

struct vendor_traced {
	uint32_t id; /* of the question */
	uint8_t route;
	uint8_t outcome;
	uint16_t error; /* Linux's errno; 0: none */
	uint32_t took_us;
	uint32_t table;		      /* of the route */
	uint32_t sent, received;      /* packets of its tunnel meanwhile, whoever's */
	struct vendor_address via;    /* the next hop */
	struct vendor_address source; /* that the kernel chose */
	char device[VENDOR_TRACE_DEVICE_MAX + 1];
	char drop[VENDOR_TRACE_DROP_MAX +
		  1]; /* for which the worker dropped packets meanwhile; "": none */
};

/* Writes it into buf. Returns its length. */
size_t vendor_trace_put(const struct vendor_trace *t, uint8_t buf[VENDOR_TRACE_MAX]);
size_t vendor_traced_put(const struct vendor_traced *t, uint8_t buf[VENDOR_TRACE_MAX]);

/* 0, or -EBADMSG: all of it must be what stands above. */
int vendor_trace_decode(const uint8_t *value, size_t len, struct vendor_trace *ret_trace);
int vendor_traced_decode(const uint8_t *value, size_t len, struct vendor_traced *ret_traced);

/* The name as it may go on the wire, cut and with '?' for what may not. Returns buf, size bytes with the NUL. */
char *vendor_trace_name(const char *name, char *buf, size_t size);

#endif

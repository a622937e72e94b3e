/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_PROBE_DESK_H
#define SSTP_SESSION_PROBE_DESK_H
/*
 * What was asked of the network in sessions' names (session/probe.h), between the control thread, which wants to know, and
 * the data threads, which ask. Up to PROBE_DESK_MAX results wait for the control thread's next pass; what is more is lost, and
 * whoever has asked hears nothing.
 */
#include <stdint.h>

#include "routing/prefix.h"
#include "sstp/session/probe.h"

enum {
	PROBE_DESK_MAX = 1024,
};

/* All borrowed. */
struct probe_request {
	uint64_t id;
	uint16_t own;	  /* its own port or identifier; 0: any */
	uint64_t session; /* 0: any of the app's to the VNet */
	const char *app;  /* "": session says it, as of VNet */
	const char *vnet;
	struct prefix destination; /* an address */
	uint16_t port;		   /* 0: an echo */
	uint16_t size;	/* bytes, at most what the session's packets get; 0: no padding */
	uint8_t ttl;	/* hops; 0: enough */
	uint8_t source; /* 0: the session's address; n: the n-th of VNET_PROBE_SOURCES others */
};

struct probe_result {
	uint64_t id;
	struct probe probe; /* src: the address that asked; of family 0: none was sent */
	uint16_t size;	    /* bytes that were sent; 0: none */
	struct probe_answer answer;
	const char *drop; /* static; of PROBE_REFUSED; else "" */
	uint32_t round_trip_us;
};

struct loop;
struct probe_desk;

/* control: the control thread's loop. Returns owned; NULL without memory. */
struct probe_desk *probe_desk_new(struct loop *control);
/* No data thread is left. Takes NULL. */
void probe_desk_free(struct probe_desk *d);

typedef void probe_desk_fn(void *arg, const struct probe_result *result);
/* The control thread: who hears of results, from its loop; NULL: nobody. */
void probe_desk_set_owner(struct probe_desk *d, probe_desk_fn *fn, void *arg);

/* Any thread. */
void probe_desk_tell(struct probe_desk *d, const struct probe_result *result);

#endif

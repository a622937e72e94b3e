/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_MSG_TRACE_H
#define SSTP_CONTROL_MSG_TRACE_H
/* One probe of an app's, followed: what its worker says of it, and what the data plane saw of it. As msg.h in all else. */
#include "routing/prefix.h"
#include "sstp/control/msg.h"

enum {
	MSG_COUNTERS_MAX = 32,
	MSG_COUNTER_NAME_MAX = 31,
	MSG_DEVICE_MAX = 15, /* bytes of a device's name */
};

/* control -> data. Its answer is one TRACED with the same id, within about five seconds. */
struct msg_trace {
	uint64_t id;
	uint64_t session;	   /* 0: any of the app */
	const char *app;	   /* "": session says it */
	const char *vnet;	   /* "": session says it */
	struct prefix destination; /* one address */
	uint16_t port;		   /* TCP; 0: an ICMP echo */
	uint16_t own;		   /* the probe's own port, or its identifier; not 0 */
};
/* -EMSGSIZE also for a destination that is more than an address, and for no port of its own. */
int msg_trace_encode(const struct msg_trace *m, uint8_t **ret_frame, size_t *ret_len);
/* -EBADMSG. */
int msg_trace_decode(const uint8_t *payload, size_t len, struct msg_trace *ret_trace);

enum msg_trace_end {
	MSG_TRACE_ANSWERED, /* the worker has */
	MSG_TRACE_SILENT,   /* the worker has not */
	MSG_TRACE_LOST,	    /* its session has ended meanwhile */
	MSG_TRACE_NO_WORKER, /* none of ours: the gateway sends one in its name, and a PROBED with the same id follows */
	MSG_TRACE_NO_SESSION, /* there is none that is up */
	MSG_TRACE_NO_ADDRESS, /* of the destination's family */
	MSG_TRACE_BUSY,	      /* too many at once */
	MSG_TRACE_ENDS,
};

/* What the worker says, untrusted; as vendor_trace.h has it, of which the numbers of route and outcome are. */
struct msg_trace_worker {
	uint8_t route;
	uint8_t outcome;
	uint16_t error; /* Linux's errno */
	uint32_t took_us;
	uint32_t table;
	uint32_t sent, received; /* packets of its tunnel meanwhile */
	struct prefix via;	 /* 0.0.0.0/0: none */
	struct prefix source;	 /* likewise */
	const char *device;	 /* "": none */
	const char *drop;
};

/* What the data plane saw of the probe. */
struct msg_trace_watch {
	uint32_t sent;		/* packets that came out of the tunnel */
	uint32_t passed;	/* of them, written to the device */
	const char *drop;	/* why another one was not; "": there was none */
	struct prefix source;	/* of the last; 0.0.0.0/0: there was none */
	uint32_t answered;	/* packets from the network */
	uint8_t answer;		/* enum msg_outcome of the last of them */
	struct prefix from;	/* who has sent it */
	uint8_t type, code;	/* of ICMP */
	uint32_t delivered;	/* of them, into the tunnel */
	const char *back_drop;	/* why another one was not */
	uint32_t round_trip_us; /* from and to the device; 0: no answer */
};

struct msg_counter {
	const char *name;
	uint64_t by;
};

/* data -> control. */
struct msg_traced {
	uint64_t id;
	uint8_t end; /* enum msg_trace_end */
	uint64_t session;
	struct prefix address;		/* the session's; 0.0.0.0/0: none */
	struct msg_trace_worker worker; /* of MSG_TRACE_ANSWERED */
	struct msg_trace_watch watch;
	struct msg_counter counters
		[MSG_COUNTERS_MAX]; /* that have moved, of the session and of its VNet's queue */
	size_t n_counters;
};
int msg_traced_encode(const struct msg_traced *m, uint8_t **ret_frame, size_t *ret_len);
/* -EBADMSG. */
int msg_traced_decode(const uint8_t *payload, size_t len, struct msg_traced *ret_traced);

#endif

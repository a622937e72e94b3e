/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_TRACE_DESK_H
#define SSTP_SESSION_TRACE_DESK_H
/*
 * Traces between the control thread, which wants to know, and the data threads, which watch. Up to TRACE_DESK_MAX results
 * wait for the control thread's next pass; what is more is lost, and whoever has asked hears nothing.
 */
#include "routing/prefix.h"
#include "sstp/ppp/vendor_trace.h"
#include "sstp/session/trace.h"

enum {
	TRACE_DESK_MAX = 64,
};

/* All borrowed. */
struct trace_request {
	uint64_t id;
	uint64_t session; /* 0: any of the app's to the VNet */
	const char *app;  /* "": session says it, as of VNet */
	const char *vnet;
	struct prefix destination; /* an address */
	uint16_t port;		   /* 0: an echo */
	uint16_t own;		   /* the probe's own port, or its identifier; not 0 */
};

enum trace_end {
	TRACE_ANSWERED, /* the worker has answered */
	TRACE_SILENT,	/* it has not, in TRACE_PATIENCE_NS */
	TRACE_LOST,	/* its session has ended */
	TRACE_NO_WORKER, /* the client is none of ours: the gateway sends a probe itself, and tells what comes of that */
	TRACE_NO_SESSION, /* none is up */
	TRACE_NO_ADDRESS, /* of the destination's family */
	TRACE_BUSY,	  /* TRACES_MAX of the thread are under way, or one of this session */
	TRACE_ENDS,
};

struct trace_result {
	uint64_t id;
	uint64_t session;
	enum trace_end end;
	struct trace_watch
		watch; /* probe.src: the session's address; of family 0: there was none */
	struct vendor_traced worker; /* of TRACE_ANSWERED */
	struct traffic moved; /* meanwhile, by the session; drops also of what had no session */
};

struct loop;
struct trace_desk;

/* control: the control thread's loop. Returns owned; NULL without memory. */
struct trace_desk *trace_desk_new(struct loop *control);
/* No data thread is left. Takes NULL. */
void trace_desk_free(struct trace_desk *d);

typedef void trace_desk_fn(void *arg, const struct trace_result *result);
/* The control thread: who hears of results, from its loop; NULL: nobody. */
void trace_desk_set_owner(struct trace_desk *d, trace_desk_fn *fn, void *arg);

/* Any thread. */
void trace_desk_tell(struct trace_desk *d, const struct trace_result *result);

#endif

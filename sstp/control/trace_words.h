/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_TRACE_WORDS_H
#define SSTP_CONTROL_TRACE_WORDS_H
/*
 * What was seen of a probe on its way, in words:
 *
 *   {"app": "shop", "vnet": "hub", "target": "10.2.0.4:1433", "session": 7, "source": "10.9.0.5", "port": 61044,
 *    "verdict": "GatewayDrops", "stoppedAt": "gatewayRoute", "message": "...", "next": "...",
 *    "stages": [{"stage": "workerRoute", "result": "ok", "finding": "...", "counters": {"sent": 2}}, ...]}
 *
 * All stages of trace_judge.h are there, in their order. result: ok, failed (there it stopped), unknown (nobody has
 * looked), notReached. stoppedAt is null when it did not stop.
 */
#include "sstp/control/fabric.h"
#include "sstp/control/msg_probe.h"
#include "sstp/control/msg_trace.h"
#include "sstp/control/trace_judge.h"
#include "tun/rtnl_get.h"

/* What the packet socket of the VNet's namespace saw. */
struct trace_seen {
	bool was_open;
	int error; /* -errno: it could not be opened */
	unsigned in,
		left; /* the probe: into the kernel by the VNet's device, out of it by another */
	unsigned back, out;   /* its answer: into the kernel, out of it by the VNet's device */
	struct prefix source; /* of the probe as it left; 0.0.0.0/0: it did not */
};

/* All borrowed. */
struct trace_facts {
	const char *app;  /* "": session says it */
	uint64_t session; /* that was asked for; 0: any of the app */
	const char *vnet;
	const char *target;
	struct prefix address;
	uint16_t port; /* 0: an echo */
	uint16_t own;
	bool has_kernel; /* it was asked */
	int kernel_error;
	struct rtnl_got kernel;
	const char *device; /* of the VNet's tunnels; "": it is not known */
	struct trace_seen seen;
	enum trace_said own_said;	     /* the gateway's own probe */
	const struct fabric_prefixes *pools; /* NULL: it is not known */
	bool was_traced;
	struct msg_traced traced;
	bool was_probed; /* behind MSG_TRACE_NO_WORKER */
	struct msg_probed probed;
};

/* The facts as trace_judge() takes them. */
struct trace_evidence trace_evidence(const struct trace_facts *f);

/* Owned (free); NULL without memory. */
char *trace_json(const struct trace_facts *f);

#endif

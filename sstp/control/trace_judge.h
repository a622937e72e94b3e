/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_TRACE_JUDGE_H
#define SSTP_CONTROL_TRACE_JUDGE_H
/*
 * At which stage of its way a probe has stopped, from what was seen of it. Pure: the evidence is a few words, and every
 * word has been said by whoever saw the packet, or by nobody.
 */
#include <stdbool.h>

/* In the order of the way. */
enum trace_stage {
	TRACE_WORKER_ROUTE, /* the kernel of the app's namespace */
	TRACE_TUNNEL,	    /* it came out of the tunnel at the gateway */
	TRACE_SOURCE,	    /* the source is the session's */
	TRACE_LOOKUP,	    /* the plan's and the VNet's routes */
	TRACE_PEERING,
	TRACE_TUN,	     /* written to the VNet's device */
	TRACE_GATEWAY_ROUTE, /* the gateway's kernel: its route and its firewall */
	TRACE_VNET,	     /* the network, and the target */
	TRACE_RETURN_ROUTE,  /* the answer came to the gateway's device */
	TRACE_BACK,	     /* and into the tunnel */
	TRACE_APP,	     /* what the socket said */
	TRACE_STAGES,
};

enum trace_fact {
	TRACE_UNKNOWN, /* nobody has looked */
	TRACE_NO,
	TRACE_YES,
};

/* Who was asked to send it. */
enum trace_sender {
	TRACE_BY_WORKER,
	TRACE_BY_SILENT_WORKER, /* asked, and did not answer */
	TRACE_BY_GATEWAY,	/* in the session's name: the client is no worker of ours */
	TRACE_BY_NOBODY,	/* no session is up */
	TRACE_WITHOUT_ADDRESS,	/* the session has none of the family */
	TRACE_WITHOUT_SESSION,	/* it has ended meanwhile */
	TRACE_WITHOUT_ANSWER,	/* the data plane says nothing */
	TRACE_BY_BUSY,		/* the data plane, or the worker, has too much of it */
	TRACE_SENDERS,
};

enum trace_route {
	TRACE_ROUTE_UNKNOWN,
	TRACE_ROUTE_RIGHT,     /* of the worker: the tunnel; of the gateway: out of a device */
	TRACE_ROUTE_ELSEWHERE, /* another device; back into the tunnel */
	TRACE_ROUTE_LOCAL,
	TRACE_ROUTE_NONE,
};

enum trace_drop {
	TRACE_DROP_NONE,
	TRACE_DROP_SOURCE,
	TRACE_DROP_LOOKUP,
	TRACE_DROP_PEERING,
	TRACE_DROP_DEVICE,
	TRACE_DROP_OTHER,
};

enum trace_answer {
	TRACE_ANSWER_NONE,
	TRACE_ANSWER_GOOD,	  /* SYN-ACK, echo */
	TRACE_ANSWER_CLOSED,	  /* RST */
	TRACE_ANSWER_NEIGHBOUR,	  /* ICMP: nobody there has the address */
	TRACE_ANSWER_UNREACHABLE, /* any other ICMP error */
};

enum trace_said {
	TRACE_SAID_NOTHING, /* nobody was asked */
	TRACE_SAID_GOOD,
	TRACE_SAID_CLOSED,
	TRACE_SAID_UNREACHABLE,
	TRACE_SAID_SILENCE,
	TRACE_SAID_FAILED,
};

struct trace_evidence {
	enum trace_sender sender;
	enum trace_route worker_route;
	enum trace_drop worker_drop;
	bool was_sent;	 /* out of the tunnel */
	bool has_passed; /* to the device */
	enum trace_drop drop;
	enum trace_route gateway_route;
	enum trace_fact has_left;      /* by a device of the gateway's kernel */
	enum trace_fact has_come_back; /* to one */
	enum trace_answer answer;      /* at the VNet's device */
	enum trace_said own;	       /* what the gateway's own probe met */
	bool was_delivered;	       /* into the tunnel */
	enum trace_said app;
};

enum trace_verdict {
	TRACE_ARRIVED,
	TRACE_REACHED, /* by the gateway in its name */
	TRACE_NOT_CONNECTED,
	TRACE_NO_ADDRESS_OF_FAMILY,
	TRACE_SESSION_ENDED,
	TRACE_NOTHING_KNOWN,
	TRACE_IS_BUSY,
	TRACE_WORKER_NO_ROUTE,
	TRACE_WORKER_OTHER_ROUTE,
	TRACE_WORKER_LOCAL,
	TRACE_WORKER_FAILED,
	TRACE_WORKER_SOURCE,
	TRACE_WORKER_SILENT,
	TRACE_NOT_IN_TUNNEL,
	TRACE_BAD_SOURCE,
	TRACE_NOT_ALLOWED,
	TRACE_PEERING_CLOSED,
	TRACE_DEVICE_REFUSES,
	TRACE_GATEWAY_NO_ROUTE,
	TRACE_GATEWAY_ITSELF,
	TRACE_GATEWAY_DROPS,
	TRACE_GATEWAY_REFUSES,
	TRACE_NOBODY_THERE,
	TRACE_UNREACHABLE,
	TRACE_TARGET_SILENT,
	TRACE_SILENCE,
	TRACE_NO_WAY_BACK,
	TRACE_GATEWAY_DROPS_ANSWER,
	TRACE_ANSWER_DROPPED,
	TRACE_PORT_CLOSED,
	TRACE_APP_DROPS,
	TRACE_UNHEARD,
	TRACE_VERDICTS,
};

enum trace_verdict trace_judge(const struct trace_evidence *e);

/* Where it has stopped; TRACE_STAGES: nowhere, or it was not sent at all. */
enum trace_stage trace_stage_of(enum trace_verdict v);

/* "Arrived", "WorkerHasNoRoute", ... */
const char *trace_verdict_name(enum trace_verdict v);

/* "workerRoute", "tunnel", ... */
const char *trace_stage_name(enum trace_stage s);

#endif

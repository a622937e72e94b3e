/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_DOCTOR_WORDS_H
#define SSTP_CONTROL_DOCTOR_WORDS_H
/*
 * What was found out of the gateway and of each virtual network, judged, a line for each check:
 *
 *   {"verdict": "problem", "value": [{"check": "pool", "vnet": "hub", "verdict": "ok", "finding": "...", "advice": null}, ...]}
 *
 * verdict: ok, warning, problem, or unknown: it could not be found out, and finding says why. advice: what to do; null
 * where there is nothing. That of all is the worst one, where unknown is better than warning. Lines of the whole gateway have
 * the vnet null. Pure.
 */
#include <net/if.h>

#include "certs/authority.h"
#include "sstp/control/dns_ask.h"
#include "sstp/control/explain_bgp.h"
#include "sstp/control/explain_cause.h"

enum {
	DOCTOR_NAME_MAX = 256,
	DOCTOR_TEXT_MAX = 768,
	DOCTOR_POOLS_MAX = 16,
	DOCTOR_SERVERS_MAX = 8,
	DOCTOR_PORT = 53, /* of name servers: the hosts that are known */
	DOCTOR_PLAN_VNETS = 5,
	DOCTOR_NEAR_PERCENT = 80, /* of a limit */
};

enum doctor_verdict {
	DOCTOR_OK,
	DOCTOR_UNKNOWN,
	DOCTOR_WARNING,
	DOCTOR_PROBLEM,
};

enum doctor_vnet_check {
	DOCTOR_POOL,	     /* lies in RFC 1918 */
	DOCTOR_GATEWAY,	     /* is up */
	DOCTOR_COEXISTENCE,  /* no ExpressRoute gateway, and of a type that apps connect to */
	DOCTOR_CERTIFICATES, /* of the apps */
	DOCTOR_SYNC,	     /* apps know the present network */
	DOCTOR_DNS,	     /* name servers answer */
	DOCTOR_RETURN,	     /* a way back to the pool, in the VNet */
	DOCTOR_ON_PREMISES,  /* and on-premises */
	DOCTOR_MTU,	     /* long packets arrive */
	DOCTOR_OFFLOAD,	     /* state of the TUN device */
	DOCTOR_POOL_LEFT,    /* addresses */
	DOCTOR_VNET_CHECKS,
};

enum doctor_gateway_check {
	DOCTOR_SERVER_CERTIFICATE,
	DOCTOR_ROOTS,
	DOCTOR_DATA_PLANE, /* knows all */
	DOCTOR_CLOCK,
	DOCTOR_SESSIONS, /* against the files that they need */
	DOCTOR_FILES,	 /* of control's own */
	DOCTOR_VNETS,	 /* of the gateway */
	DOCTOR_PLANS,	 /* their VNets */
	DOCTOR_GATEWAY_CHECKS,
};

/* A name server, asked by the gateway itself. */
struct doctor_server {
	struct prefix address;
	bool is_told; /* answer counts */
	int error;    /* -errno: it could not be asked */
	struct dns_answer answer;
};

/* A host that is asked as an app would: after silence (explain_cause.h), and in all sizes; all at once. */
struct doctor_host {
	bool is_known; /* there is one */
	bool is_asked;
	struct prefix address;
	struct explain_probe probes[EXPLAIN_PROBES_MAX];
	size_t n_silence, n_sizes; /* one behind the other */
};

struct doctor_device {
	bool is_asked;
	int error;		/* -errno: the kernel does not say */
	char name[IF_NAMESIZE]; /* whither it sends the pool; "": nowhere */
	bool is_tun;
	bool is_up;
	bool has_tso;
	unsigned mtu;
};

struct doctor_vnet {
	char name[DOCTOR_NAME_MAX];
	char app[DOCTOR_NAME_MAX]; /* one that has a session, in whose name hosts are asked; "": none */
	char device[IF_NAMESIZE]; /* as the model has it; "": it does not */
	bool has_gateway;
	bool has_express_route;
	bool is_route_based;
	bool has_sstp;
	struct prefix pools[DOCTOR_POOLS_MAX];
	size_t n_pools;
	bool is_told;		    /* the data plane has said how the gateway is */
	char down[DOCTOR_TEXT_MAX]; /* "": it is up */
	unsigned sessions;
	unsigned apps;			   /* connected */
	unsigned unenrolled;		   /* of them, without a certificate */
	unsigned certs[CERT_STATUS_COUNT]; /* of the others */
	char worst[DOCTOR_NAME_MAX];	   /* an app whose certificate is bad, or near its end */
	unsigned resync;	       /* apps that are to be synced, or whose workers are behind */
	char to_sync[DOCTOR_NAME_MAX]; /* one of them */
	char sync_why[DOCTOR_NAME_MAX]; /* and why; "" */
	struct doctor_server servers[DOCTOR_SERVERS_MAX];
	size_t n_servers;
	bool has_on_premises; /* prefixes are declared, or learned */
	bool has_bgp;
	bool is_pool_announced; /* handed to the routing daemon */
	bool is_bird_asked;
	struct explain_bgp bird;
	struct doctor_host inside, outside; /* in the VNet; on-premises */
	struct doctor_device tun;
	bool is_skipped; /* nothing was asked: too many VNets at once */
};

struct doctor_gateway {
	int server_error; /* -ENOENT: the authority has made none */
	enum cert_status server;
	int64_t server_days; /* that are left */
	unsigned roots, roots_bad, roots_near;
	int64_t root_days; /* that the issuing one can still issue for; -1: none issues */
	bool is_connected; /* the data plane has said what it serves */
	char behind[DOCTOR_TEXT_MAX]; /* why it does not know all; "": it does */
	int clock_error;	      /* -errno: the kernel does not say */
	bool is_clock_kept;
	int64_t clock_behind_s; /* what was written down latest is this much later than now; <= 0: it is not */
	unsigned sessions;
	unsigned files, files_max; /* 0: it is not known */
	unsigned vnets, vnets_max;
	char plan[DOCTOR_NAME_MAX]; /* the one with the most VNets; "": none */
	unsigned plan_vnets;
};

struct doctor_line {
	const char *check; /* static */
	enum doctor_verdict verdict;
	char finding[DOCTOR_TEXT_MAX];
	char advice[DOCTOR_TEXT_MAX]; /* "": nothing is to be done */
};

/* False: there is nothing to be said, as of a VNet without gateway and apps. */
bool doctor_judge_vnet(const struct doctor_vnet *v, enum doctor_vnet_check check,
		       struct doctor_line *ret_line);
void doctor_judge_gateway(const struct doctor_gateway *g, enum doctor_gateway_check check,
			  struct doctor_line *ret_line);

/* g NULL: only of the VNets. Owned (free); NULL without memory. */
char *doctor_json(const struct doctor_gateway *g, const struct doctor_vnet *vnets, size_t n);

#endif

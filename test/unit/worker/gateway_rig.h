/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_WORKER_GATEWAY_RIG_H
#define TEST_UNIT_WORKER_GATEWAY_RIG_H
/*
 * A gateway and a worker's tunnel on one loop, in a network namespace of their own: EAP-TLS, one client,
 * and an app that sends numbered datagrams into the VNet, each of which the gateway sends back.
 */
#include "sstp/worker/tunnel_internal.h"
#include "test/support/testcert.h"

enum {
	GATEWAY_RIG_SESSIONS = 8,
};

struct gateway_rig;

/* A session as the gateway has it. */
struct gateway_rig_session {
	struct gateway_rig *rig;
	struct session *session;
	bool up, ended;
	enum session_side ended_by;
	unsigned packets;
};

struct gateway_rig {
	struct loop *loop;
	/* the gateway */
	struct session_env env;
	struct listener *listener;
	struct tls_ctx *tls;
	struct eap_tls_ctx *eap_tls;
	struct gateway_rig_session sessions[GATEWAY_RIG_SESSIONS];
	unsigned n_sessions;
	uint32_t replaces_be[GATEWAY_RIG_SESSIONS]; /* what each said on its way in */
	const char *assign;			    /* the address that the next session gets */
	const char *
		assign6; /* and the first half of its IPv6 addresses, "fd00:77:0:2::"; NULL: none */
	const char
		*advertise6; /* by router advertisement, as soon as IPv6 flows; NULL: it is not */
	unsigned solicited;  /* routers, by the worker */
	bool refuse;	     /* by its certificate */
	bool drop_first;     /* it is cut as soon as it is there */
	bool end_first_on_second; /* as a gateway that allows one session per app */
	bool astray; /* before each datagram goes back, the same for the next address */
	/* how long (ns) after the second session is up the first is used for what came in through the second */
	uint64_t changes_over_after;
	uint64_t second_up_at, first_ended_at;
	/* the worker */
	struct worker_config config;
	struct credentials credentials;
	struct network *network;
	struct tunnel *tunnel;
	char events[512]; /* "up 172.16.77.2, 6 fd00:77::1, down, ..." as the tunnel told them */
	bool had_ipv6;	  /* when a second session had just taken over */
	char description[VENDOR_TEXT_MAX + 1]; /* that came last */
	unsigned descriptions;
	struct vendor_traced traced; /* the last answer of the worker's */
	unsigned traces;
	uint64_t waits; /* ns: until the tunnel is dialled again, as it said last */
	bool tunnel_ended;
	enum session_end end;
	char reason[SESSION_REASON_MAX];
	/* the app */
	int app;
	struct loop_io *app_io;
	struct loop_timer *app_timer;
	struct loop_timer *limit;
	bool app_sends;
	unsigned sent, received;
	bool (*until)(struct gateway_rig *rig);
	bool late;
};

/* CMocka group set-up: the namespace. */
int gateway_rig_namespace(void **state);

/* Everything, and a tunnel that dials. */
struct gateway_rig *gateway_rig_new(void);
void gateway_rig_free(struct gateway_rig *rig);

/* From the next session on EAP-TLS shows this certificate, whatever TLS shows. */
void gateway_rig_show_in_eap(struct gateway_rig *rig, const struct testcert *leaf);

/* Runs until it holds; fails the test after 15 s. */
void gateway_rig_run(struct gateway_rig *rig, bool (*until)(struct gateway_rig *rig));

/* From now on the app sends a datagram every millisecond, from the address that the device has. */
void gateway_rig_start_app(struct gateway_rig *rig);

#endif

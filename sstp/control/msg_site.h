/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_MSG_SITE_H
#define SSTP_CONTROL_MSG_SITE_H
/*
 * What control and the data plane tell each other of the site: virtual networks, connections,
 * sessions. As msg.h in all else: encoders make owned frames, decoders borrow from the payload.
 *
 * When either side has started anew, control tells the whole site between SITE_BEGIN and SITE_END;
 * what stood before and was not told in between is gone. Afterwards it tells what changes. The data
 * plane likewise: SESSIONS_BEGIN, a SESSION_UP for each session that is up, SESSIONS_END; then each
 * as it comes and goes, and TRAFFIC of those that have moved something.
 */
#include "routing/prefix.h"
#include "sstp/control/msg.h"

enum {
	MSG_ROUTES_MAX = 4096,		 /* prefixes of a connection */
	MSG_VNET_ROUTES_MAX = 16384,	 /* of one message; more come in the next part */
	MSG_DESCRIPTION_MAX = 128 << 10, /* bytes */
	MSG_LEASES_MAX = 4096,		 /* of one message; more come in the next */
	MSG_TRAFFIC_MAX = 4096,		 /* likewise */
	MSG_OWNER_MAX = 255,		 /* bytes of a lease's owner */
	MSG_ENDPOINT_MAX = 63,		 /* "[2001:db8::1]:50123" */
	MSG_CORRELATION_MAX = 63,
};

/* ---- control -> data ---- */

/* A virtual network that is not of gateway.yaml: added, or changed. */
struct msg_site_vnet {
	struct msg_vnet vnet;
	const char *device; /* of its TUN, IFNAMSIZ */
};
int msg_site_vnet_encode(const struct msg_site_vnet *m, uint8_t **ret_frame, size_t *ret_len);
int msg_site_vnet_decode(const uint8_t *payload, size_t len, struct msg_site_vnet *ret_vnet);

/* An app's connection: added, or changed. */
struct msg_connection {
	const char *app;
	const char *vnet;
	const char *refusal; /* "": it is enabled; else why nobody comes in, a sentence */
	const struct prefix
		*routes; /* all that goes into the tunnel, both families; owned when decoded */
	size_t n_routes;
	uint32_t dns_be[MSG_DNS_MAX]; /* 0: none */
	const char *description;      /* JSON, for the worker (network.h) */
};
int msg_connection_encode(const struct msg_connection *m, uint8_t **ret_frame, size_t *ret_len);
/* -EBADMSG, -ENOMEM. msg_connection_done(). */
int msg_connection_decode(const uint8_t *payload, size_t len,
			  struct msg_connection *ret_connection);
void msg_connection_done(struct msg_connection *m);

/*
 * What the clients of a virtual network may reach, in place of its address spaces. Too many for one
 * message come in parts, in order, and count when the last one is there; a part that does not follow
 * is as if it and the rest had not come. A VNet that is new has its address spaces until then.
 */
enum msg_verdict {
	MSG_VERDICT_VNET,    /* by all clients of the VNet; an app, if its connection has it too */
	MSG_VERDICT_OPEN,    /* by everybody: learned by BGP, and propagated */
	MSG_VERDICT_PEERING, /* by nobody, and nothing comes from there */
	MSG_VERDICT_NONE,    /* as if the table had nothing here */
	MSG_VERDICT_COUNT,
};

enum msg_part {
	MSG_PART_ONLY,
	MSG_PART_FIRST,
	MSG_PART_MIDDLE,
	MSG_PART_LAST,
	MSG_PART_COUNT,
};

struct msg_route {
	struct prefix prefix;
	uint8_t verdict; /* enum msg_verdict */
};

struct msg_vnet_routes {
	const char *vnet;
	uint8_t part;			/* enum msg_part */
	const struct msg_route *routes; /* each prefix once; owned when decoded */
	size_t n_routes;
};
int msg_vnet_routes_encode(const struct msg_vnet_routes *m, uint8_t **ret_frame, size_t *ret_len);
/* -EBADMSG, -ENOMEM. msg_vnet_routes_done(). */
int msg_vnet_routes_decode(const uint8_t *payload, size_t len, struct msg_vnet_routes *ret_routes);
void msg_vnet_routes_done(struct msg_vnet_routes *m);

/* VNET_GONE, CONNECTION_GONE: a name. SITE_BEGIN, SITE_END, SESSIONS_BEGIN, SESSIONS_END: "". */
int msg_name_encode(enum msg_kind kind, const char *name, uint8_t **ret_frame, size_t *ret_len);
int msg_name_decode(const uint8_t *payload, size_t len, const char **ret_name);

/* Who held which address last: nobody else gets it while there are others. Before SITE_END. */
struct msg_lease {
	uint32_t address_be;
	const char *owner; /* as SESSION_UP has named him */
};
struct msg_leases {
	const char *vnet;
	const struct msg_lease *leases; /* owned when decoded */
	size_t n_leases;
};
int msg_leases_encode(const struct msg_leases *m, uint8_t **ret_frame, size_t *ret_len);
/* -EBADMSG, -ENOMEM. msg_leases_done(). */
int msg_leases_decode(const uint8_t *payload, size_t len, struct msg_leases *ret_leases);
void msg_leases_done(struct msg_leases *m);

/* Sessions that must go: all conditions that are given must hold; none at all: every session. */
struct msg_disconnect {
	uint64_t session; /* 0: any */
	const char *app;  /* "": any */
	const char *vnet; /* "": any */
	const char *reason;
	bool is_restart; /* the worker is told to restart its app; in any case it dials again */
};
int msg_disconnect_encode(const struct msg_disconnect *m, uint8_t **ret_frame, size_t *ret_len);
int msg_disconnect_decode(const uint8_t *payload, size_t len,
			  struct msg_disconnect *ret_disconnect);

/* ---- data -> control ---- */

/* From the client's point of view: sent is what came out of the tunnel. */
struct msg_counts {
	uint64_t sent_packets;
	uint64_t sent_bytes;
	uint64_t received_packets;
	uint64_t received_bytes;
};

/* boot: of the data plane's process, random; with id it names a session for ever. */
struct msg_session_up {
	uint64_t boot;
	uint64_t id;	 /* the number that the log has */
	int64_t since;	 /* seconds since 1970: packets flow */
	const char *app; /* "": no app's, one with a password, say */
	const char *vnet;
	const char *user;  /* as he was authenticated: a name, or APP@VNET */
	const char *owner; /* of the address's lease */
	uint32_t address_be;
	const char *address6;	 /* the one that follows from it; "": none */
	const char *source;	 /* address and port */
	const char *correlation; /* SSTPCORRELATIONID; "" */
	const char *thumbprint;	 /* of the certificate; "" */
	struct msg_counts counts;
};
int msg_session_up_encode(const struct msg_session_up *m, uint8_t **ret_frame, size_t *ret_len);
int msg_session_up_decode(const uint8_t *payload, size_t len, struct msg_session_up *ret_up);

struct msg_session_down {
	uint64_t boot;
	uint64_t id;
	const char *reason;
	struct msg_counts counts;
};
int msg_session_down_encode(const struct msg_session_down *m, uint8_t **ret_frame, size_t *ret_len);
int msg_session_down_decode(const uint8_t *payload, size_t len, struct msg_session_down *ret_down);

/* Since the beginning of each session, not since the last message: one that is lost costs nothing. */
struct msg_traffic_entry {
	uint64_t id;
	struct msg_counts counts;
};
struct msg_traffic {
	uint64_t boot;
	const struct msg_traffic_entry *entries; /* owned when decoded */
	size_t n_entries;
};
int msg_traffic_encode(const struct msg_traffic *m, uint8_t **ret_frame, size_t *ret_len);
/* -EBADMSG, -ENOMEM. msg_traffic_done(). */
int msg_traffic_decode(const uint8_t *payload, size_t len, struct msg_traffic *ret_traffic);
void msg_traffic_done(struct msg_traffic *m);

/* How a virtual network is served: told when that changes, and of each within SESSIONS_BEGIN and _END. */
struct msg_vnet_state {
	const char *vnet;
	const char *why; /* "": it is up; else why not, a sentence */
};
int msg_vnet_state_encode(const struct msg_vnet_state *m, uint8_t **ret_frame, size_t *ret_len);
int msg_vnet_state_decode(const uint8_t *payload, size_t len, struct msg_vnet_state *ret_state);

#endif

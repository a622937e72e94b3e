/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_CONTROL_MSG_H
#define SSTP_CONTROL_MSG_H
/*
 * What the data plane and the control process say to each other, over a stream socket.
 *
 * A frame is a head (u32 length of the payload, u8 kind) and a payload. Numbers are big-endian. A
 * text is u32 length, its bytes without NUL, and a NUL, so that a decoder lends it out as it lies
 * there. Both ends are one program: there is no version.
 *
 * Each side reads what the other one sends as if a stranger had sent it: the data plane talks to
 * strangers, and control is what it must not get into. A decoder consumes the whole payload, or
 * fails with -EBADMSG and leaves nothing behind; what it allocates is bounded by MSG_*_MAX, and by
 * what the payload can hold. A decoded message borrows from the payload until that goes.
 *
 * Encoders return 0 with an owned frame, head and all, for msg_frame_free(), which wipes it: it may
 * hold secrets. -EMSGSIZE: something is over its limit; -EINVAL: NULL where a text must be;
 * -ENOMEM.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	MSG_HEAD_SIZE = 5,  /* bytes */
	MSG_MAX = 8 << 20,  /* bytes of any payload */
	MSG_NAME_MAX = 255, /* bytes of a name, an address */
	MSG_NAMES_MAX = 32, /* that a gateway is dialled by; ISSUE_NAMES_MAX, GATEWAY_NAMES_MAX */
	MSG_VNETS_MAX = 64, /* of a gateway */
	MSG_SPACES_MAX = 1024, /* address spaces of a VNet */
	MSG_POOLS_MAX = 16,    /* of a VNet */
	MSG_DNS_MAX = 2,       /* servers that IPCP tells of: IPv4 */
	MSG_SERVERS_MAX = 8,   /* DNS servers of a VNet, of both families */
	MSG_DOMAINS_MAX = 6,   /* search domains of a VNet; as many as resolv.conf has */
	MSG_SECRET_SIZE = 32,
	MSG_CERT_MAX = 16 << 10,     /* bytes of a client's certificate */
	MSG_EST_BODY_MAX = 16 << 10, /* bytes of a request's body */
	MSG_REPLY_BODY_MAX = 64 << 10,
	MSG_REASON_MAX = 511,
	MSG_PEM_MAX = 128 << 10, /* bytes of a chain, of a key */
	MSG_CHAINS_MAX = 257,	 /* that a gateway shows */
};

/* The direction is part of the kind: what goes the wrong way is no message. */
enum msg_kind {
	MSG_CONFIG = 1, /* data -> control; the first one, and again when something changes */
	MSG_EST_REQUEST = 2,
	MSG_SESSIONS_BEGIN = 3, /* msg_site.h, as are all that follow */
	MSG_SESSIONS_END = 4,
	MSG_SESSION_UP = 5,
	MSG_SESSION_DOWN = 6,
	MSG_TRAFFIC = 7,
	MSG_VNET_STATE = 8,
	MSG_PROBED = 9,		       /* msg_probe.h */
	MSG_TIMELINE = 10,	       /* msg_timeline.h */
	MSG_METRICS = 11,	       /* msg_metrics.h */
	MSG_TRACED = 13,	       /* msg_trace.h */
	MSG_SERVER_CERTIFICATE = 0x81, /* control -> data */
	MSG_ACCESS = 0x82,
	MSG_EST_REPLY = 0x83,
	MSG_FAILED = 0x84,
	MSG_SITE_BEGIN = 0x85, /* msg_site.h, as are all that follow */
	MSG_SITE_END = 0x86,
	MSG_VNET = 0x87,
	MSG_VNET_GONE = 0x88,
	MSG_CONNECTION = 0x89,
	MSG_CONNECTION_GONE = 0x8a,
	MSG_LEASES = 0x8b,
	MSG_DISCONNECT = 0x8c,
	MSG_VNET_ROUTES = 0x8d,
	MSG_PROBE = 0x8e,	/* msg_probe.h */
	MSG_METRICS_ASK = 0x8f, /* msg_metrics.h */
	MSG_TRACE = 0x92,	/* msg_trace.h */
};

/* The most bytes of a payload of this kind; 0: there is no such kind. */
size_t msg_limit(unsigned kind);

/*
 * Reads a head. True when the kind is one that this side takes (to_control: the direction) and the
 * length within its limit; else the other side is not to be listened to any more.
 */
bool msg_head(const uint8_t head[MSG_HEAD_SIZE], bool to_control, enum msg_kind *ret_kind,
	      size_t *ret_len);

/* Wipes and frees. Takes NULL. */
void msg_frame_free(uint8_t *frame, size_t len);

/* ---- CONFIG: what the gateway serves ---- */

struct msg_vnet {
	const char *name;
	const char *spaces[MSG_SPACES_MAX]; /* prefixes, "10.1.0.0/16", "fd00::/48" */
	size_t n_spaces;
	const char *pools[MSG_POOLS_MAX];
	size_t n_pools;
	const char *dns[MSG_SERVERS_MAX]; /* addresses */
	size_t n_dns;
	const char *domains[MSG_DOMAINS_MAX]; /* "corp.example.com", to search in this order */
	size_t n_domains;
	const char *gateway; /* our end of every tunnel, an address */
	/* Of its device: a name, or the path that gateway.yaml says; "", and NULL to encode: the gateway's */
	const char *netns;
};

struct msg_config {
	const char *names[MSG_NAMES_MAX]; /* what clients dial; none: no certificate is wanted */
	size_t n_names;
	const char *dial;	/* host[:port] that a token names unless told otherwise; "": none */
	bool is_strict;		/* Linux apps and containers are refused */
	struct msg_vnet *vnets; /* owned when decoded: msg_config_done() */
	size_t n_vnets;
	/*
	 * Certificates of the operator's that clients are shown, the default first, PEM, each with the
	 * chain behind it. None: the authority's is shown.
	 */
	const char *chains[MSG_CHAINS_MAX];
	size_t n_chains;
};

int msg_config_encode(const struct msg_config *m, uint8_t **ret_frame, size_t *ret_len);
/* -EBADMSG, -ENOMEM. */
int msg_config_decode(const uint8_t *payload, size_t len, struct msg_config *ret_config);
/* Takes a zeroed one too. */
void msg_config_done(struct msg_config *m);

/* ---- EST_REQUEST, EST_REPLY: enrolment (RFC 7030) ---- */

enum msg_est_kind {
	MSG_EST_CACERTS,
	MSG_EST_SIMPLEENROLL,
	MSG_EST_SIMPLEREENROLL,
	MSG_EST_CSRATTRS,
	MSG_EST_KIND_COUNT,
};

struct msg_est_request {
	uint64_t id; /* the data plane's own; comes back with the reply */
	enum msg_est_kind kind;
	const char *peer;      /* its address, without port: what attempts are counted by */
	const uint8_t *secret; /* MSG_SECRET_SIZE bytes of a token; NULL: none was shown */
	const uint8_t *cert;   /* DER that the client has shown to own; NULL: none */
	size_t cert_len;       /* not judged yet: whose it is and whether it counts is control's */
	bool wants_network;    /* the reply is to carry the network description too */
	const uint8_t *body;   /* as it came */
	size_t body_len;       /* <= MSG_EST_BODY_MAX */
};

int msg_est_request_encode(const struct msg_est_request *m, uint8_t **ret_frame, size_t *ret_len);
/* -EBADMSG. */
int msg_est_request_decode(const uint8_t *payload, size_t len, struct msg_est_request *ret_request);

struct msg_est_reply {
	uint64_t id;
	unsigned status;	  /* of HTTP: 100..599 */
	const char *content_type; /* "": no body */
	const char *encoding;	  /* Content-Transfer-Encoding; "": none */
	const uint8_t *body;
	size_t body_len;
	unsigned retry_after_s; /* 0: no such header */
	const char *reason;	/* for the log: printable ASCII, no secret; "" when all went well */
};

int msg_est_reply_encode(const struct msg_est_reply *m, uint8_t **ret_frame, size_t *ret_len);
/*
 * -EBADMSG, also for a content type or encoding that is not printable ASCII: it goes into a header.
 */
int msg_est_reply_decode(const uint8_t *payload, size_t len, struct msg_est_reply *ret_reply);

/* ---- SERVER_CERTIFICATE: what the gateway is to show from now on ---- */

struct msg_server_certificate {
	const char *names[MSG_NAMES_MAX];
	size_t n_names;
	const char *chain_pem;
	const char *key_pem; /* a secret */
};

int msg_server_certificate_encode(const struct msg_server_certificate *m, uint8_t **ret_frame,
				  size_t *ret_len);
/* -EBADMSG. */
int msg_server_certificate_decode(const uint8_t *payload, size_t len,
				  struct msg_server_certificate *ret_certificate);

/* ---- FAILED: why there is no certificate, no ACCESS, or soon no control process ---- */

/* text: a sentence, printable ASCII; what is longer than MSG_REASON_MAX is cut. */
int msg_failed_encode(const char *text, uint8_t **ret_frame, size_t *ret_len);
/* -EBADMSG. Borrows from payload. */
int msg_failed_decode(const uint8_t *payload, size_t len, const char **ret_text);

/* ---- ACCESS: who may come in; takes the place of what was known before ---- */

struct authority_export;

int msg_access_encode(const struct authority_export *e, uint8_t **ret_frame, size_t *ret_len);
/* As authority_export() makes it, owned: authority_export_done(). -EBADMSG, -ENOMEM. */
int msg_access_decode(const uint8_t *payload, size_t len, struct authority_export *ret_export);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_SESSION_H
#define SSTP_SESSION_SESSION_H
/*
 * One tunnel session, either role: where the engines meet I/O.
 *
 * A session owns its stream (TCP and TLS), its call (SSTP) and its link (PPP), and only executes what they
 * decide: it hands received packets to the engine they belong to, sends what stands in the outbox, carries
 * out the action bits, and arms one timer for the earliest deadline. It knows no state machine but its own
 * few phases: TLS, HTTP, call, closing; or enrolment (EST) instead of the call. Who the user is, which address he gets and where packets go is the
 * owner's (session_ops): the gateway's dataplane or the worker's tunnel.
 *
 * Sending: data packets are packed into TLS records straight from the device while the stream takes them; when it does
 * not, they wait in a bounded queue that is fair between the flows inside (fq.h), and what it drops is counted. Control packets wait until the end
 * of the pass and are never dropped: a peer that asks for more answers than it reads is cut off.
 */
#include <stdbool.h>
#include <stdint.h>

#include "sstp/base/pbuf.h"
#include "sstp/base/times.h"
#include "sstp/net/stream.h"
#include "sstp/ppp/link.h"
#include "sstp/proto/call.h"
#include "sstp/proto/est.h"
#include "sstp/session/drop.h"
#include "sstp/session/stages.h"
#include "sstp/session/tap.h"

enum {
	SESSION_QUEUE_MAX = 512 * 1024, /* bytes of buffers of data packets that wait per session */
	SESSION_CONTROL_MAX = 32 * 1024,      /* bytes of control packets that wait, */
	SESSION_CONTROL_EARLY_MAX = 4 * 1024, /* before the binding is done */
	SESSION_RECORD_MAX = 16 * 1024,	      /* plaintext of a TLS record */
	SESSION_REASON_MAX = 160,
	SESSION_BUFFERS_MAX =
		128 * 1024 * 1024, /* bytes of buffers that wait in all sessions of a thread */
};

struct session;
struct virtio_net_hdr;

/* What the sessions of a thread share. It outlives them. */
struct session_env {
	struct loop *loop;
	struct stream_scratch *scratch;
	struct pbuf_pool pool;
	struct times waits;    /* of packets that had to wait for a socket, and were sent */
	struct session *dirty; /* sessions with data to pack at the end of the pass */
	struct tap *taps;      /* who watches the packets; NULL: nobody */
	uint8_t outbox[OUTBOX_SIZE];
	/* a TLS record that is being packed straight from the device, and whose it is; NULL: none */
	struct session *record_of;
	size_t record_len;
	uint32_t record_packets;
	uint8_t record[SESSION_RECORD_MAX];
};

/* How a session ended, for what the owner does next. */
enum session_end {
	SESSION_END_NORMAL,	 /* either side said goodbye */
	SESSION_END_LOST,	 /* connection gone, timeouts, protocol errors */
	SESSION_END_CONNECT,	 /* client: no TCP connection */
	SESSION_END_CERTIFICATE, /* client: the gateway's certificate was refused, in TLS or EAP-TLS */
	SESSION_END_AUTH,	 /* authentication failed */
	SESSION_END_REFUSED,	 /* HTTP or SSTP refused by the peer, or no common ground */
	/* client: the gateway has said so before it hung up, of enum session_close */
	SESSION_END_DISCONNECTED,
	SESSION_END_DISABLED,
	SESSION_END_RESTART,
};

/* Which end it was. */
enum session_side {
	SESSION_BY_US,
	SESSION_BY_PEER,    /* it said goodbye, or hung up */
	SESSION_BY_NETWORK, /* nobody did: the connection was lost, or the peer fell silent */
};

struct session_ops {
	/*
	 * Server: TLS is up, and the client has dialled this name (stream_server_name()). Returns what EAP-TLS is to
	 * show, borrowed; NULL: as in session_params. The member may be NULL: always that.
	 */
	struct eap_tls_ctx *(*on_tls)(void *arg, const char *dialled);
	/*
	 * Server: fills ret_user for a name as on the wire. False: he is refused, and cannot tell why; for the log
	 * there is a text then (borrowed until the session ends).
	 */
	bool (*find_user)(void *arg, const char *name, struct link_user *ret_user,
			  const char **ret_why_not);
	/* Server: the user is authenticated: an address for him. False: none; the text then says why. */
	bool (*assign)(void *arg, struct link_address *ret_address, const char **ret_why_not);
	/* Authentication ended: ok or not. */
	void (*on_auth)(void *arg, bool ok);
	/* Binding and IPCP are done: packets flow from now on. */
	void (*on_up)(void *arg, const struct link_address *address);
	/* Server: with on_up() behind it, IPV6CP is open too. NULL: nobody wants to know. */
	void (*on_up6)(void *arg);
	/*
	 * Client, while it is up: its IPv6 address, LINK_ADDRESS6_SIZE bytes in wire order, whenever it is another one;
	 * borrowed for the call, a unicast address that is neither loopback nor link-local. NULL: it has none any more.
	 * The member may be NULL: IPv6 is not asked for.
	 */
	void (*on_address6)(void *arg, const uint8_t *address);
	/*
	 * An IP packet from the peer, IPv6 while IPV6CP is open; the bytes may be changed in place and stay until on_burst_end() or on_down().
	 * Counts what it does with it.
	 */
	void (*on_packet)(void *arg, uint8_t *pkt, size_t len);
	/* No more packets for now: what was kept of them must be written or let go. */
	void (*on_burst_end)(void *arg);
	/*
	 * Client: what the gateway tells of the connection, all of it, as often as it changes; borrowed for the call,
	 * untrusted. NULL: nobody wants to know, and the gateway is not asked to tell.
	 */
	void (*on_description)(void *arg, const char *text, size_t len);
	/*
	 * It has passed another stage, any but the first; must not end or free the session. NULL: nobody wants to know.
	 */
	void (*on_stage)(void *arg, enum stage stage);
	/* Client, while it is up: the gateway wants a probe sent; the owner answers with session_tell_traced(). NULL: never. */
	void (*on_trace)(void *arg, const struct vendor_trace *trace);
	/* Server: the answer to session_trace(). */
	void (*on_traced)(void *arg, const struct vendor_traced *traced);
	/* Packets flow no more, or never did; the addresses may be given back. At most once, before on_end. */
	void (*on_down)(void *arg);
	/* Server: is there anybody who enrols? NULL: no. If not, all paths of EST are not found. */
	bool (*can_enrol)(void *arg);
	/*
	 * Server: a client asks to be enrolled, or for what goes with it; request is borrowed for the call. 0: the owner calls
	 * session_answer_enrol() within 20 s, unless on_end comes first; -EBUSY, -errno: the client gets a 503. Once per session.
	 */
	int (*on_enrol)(void *arg, const struct est_request *request);
	/* It is over; the owner calls session_free(), now or later. Nothing is called afterwards. */
	void (*on_end)(void *arg, enum session_end end, const char *reason);
};

/* What a gateway tells a worker before it hangs up. On the wire. */
enum session_close {
	SESSION_CLOSE_DISCONNECTED = 1, /* by the operator: do not come back */
	SESSION_CLOSE_DISABLED = 2,	/* try again after a minute */
	SESSION_CLOSE_RESTART = 3,	/* dial again at once */
};

struct session_params {
	const struct session_ops *ops; /* borrowed */
	void *arg;
	uint64_t id;	  /* by which logs know it */
	unsigned auth;	  /* enum link_auth bits */
	uint8_t hashes;	  /* enum sstp_hash bits */
	const char *name; /* server: name in the challenge; client: user name. Borrowed */
	const struct secret *password; /* client; borrowed; NULL: EAP-TLS only */
	struct eap_tls_ctx *eap_tls;   /* of the role and the thread; counted; NULL: no EAP-TLS */
	bool pppd249_hlak; /* server: takes the EAP-TLS key of pppd before 2.5 as well, and warns */
	const char
		*host; /* client: the name dialled, for HTTP, SNI and the certificate; borrowed */
	/* client: the address of the session that this one is to take over from, network order; 0: none */
	uint32_t replaces_be;
	/* client: after so long without a packet the gateway is asked whether it is there; four times that, and it is lost */
	uint64_t echo_every_ns; /* 0: it is not asked */
};

/* Prepares env on loop (borrowed). 0 or -errno. */
int session_env_init(struct session_env *env, struct loop *loop);
/* All sessions must be gone. */
void session_env_done(struct session_env *env);

/* Server side of an accepted connection. Takes fd. Returns owned; NULL with errno set. */
struct session *session_accept(struct session_env *env, int fd, struct tls_ctx *tls,
			       const struct session_params *params);

/* Client side: dials addr. Returns owned; NULL with errno set. */
struct session *session_dial(struct session_env *env, const struct sockaddr *addr,
			     socklen_t addr_len, struct tls_ctx *tls,
			     const struct session_params *params);

/* Ends it in order: PPP Terminate, SSTP DISCONNECT, TLS, TCP; on_end follows within about 12 s. */
void session_disconnect(struct session *s, const char *reason);

/*
 * Server: what a worker is to know of its connection. Copied, sent when the peer has subscribed and packets flow, and again
 * when it differs from the last; one that is not a worker of ours never gets it. 0, -ENOMEM, -EMSGSIZE (VENDOR_TEXT_MAX).
 * Costs len bytes until the session ends.
 */
int session_describe(struct session *s, const char *text, size_t len);

/* Server: session_disconnect(), before which a peer that has subscribed is told why. */
void session_close_connection(struct session *s, enum session_close code, const char *why);

/*
 * Server: asks the worker for a probe; on_traced() follows, if ever, once; only of the last one that was asked for. 0;
 * -ENOTCONN: packets do not flow, or the peer is no worker of ours.
 */
int session_trace(struct session *s, const struct vendor_trace *trace);

/* Client: the answer to on_trace(). One that comes when packets do not flow any more is dropped. */
void session_tell_traced(struct session *s, const struct vendor_traced *traced);

/* The answer to on_enrol(); reply is borrowed for the call. One that comes too late is dropped. */
void session_answer_enrol(struct session *s, const struct est_reply *reply);

/* Frees it; cuts the connection when it has not ended. Takes NULL. Legal inside its own callbacks. */
void session_free(struct session *s);

/*
 * An IP packet or super-packet for the peer (IPv6 is dropped unless IPV6CP is open), as the kernel gave it with its virtio-net header; cut into packets that the
 * peer takes, the MSS of a SYN lowered to mtu. Borrowed for the call. Drops are counted; -EMSGSIZE: it was dropped for being
 * larger than the peer takes; else 0.
 */
int session_send(struct session *s, const struct virtio_net_hdr *h, const uint8_t *pkt, size_t len,
		 uint16_t mtu);

/* Packets wait for the socket: they would be lost with the session. */
bool session_has_waiting(const struct session *s);

/* IPv6 flows. */
bool session_has_ipv6(const struct session *s);

/* Server: the peer is a worker of ours, which is told in band. */
bool session_is_worker(const struct session *s);

/* Bytes of a packet of the gateway's own that the peer takes, in a tunnel of this MTU. */
uint16_t session_packet_max(const struct session *s, uint16_t mtu);

/* Of the certificate that the peer came in with, or tried to; "": none. */
const char *session_thumbprint(const struct session *s);
/* The memo of the certificate's judge, LINK_MEMO_SIZE bytes; NULL: he has not proved that he has a certificate. */
const uint8_t *session_memo(const struct session *s);
/* The peer proves who it is by a certificate, not by a password. */
bool session_has_certificate(const struct session *s);

/* Server: what the client says as session_params.replaces_be; 0: nothing, or no address. */
uint32_t session_replaces(const struct session *s);

/* Server: SSTPCORRELATIONID as the client sent it: untrusted, escape it; "": none. */
const char *session_correlation(const struct session *s);

const char *session_user(const struct session *s); /* escaped; "" before it is known */
struct traffic *session_traffic(struct session *s);
/* How far it has come; borrowed while it lives, also in on_end(). */
const struct stages *session_stages(const struct session *s);
uint64_t session_began_at(const struct session *s); /* on the loop's clock, ns */
/* What a set-up had to do with; also in on_end(), where they are borrowed for the call. */
const char *session_tls_name(const struct session *s);	/* "TLSv1.3 TLS_AES..."; "": no handshake */
const char *session_dialled(const struct session *s);	/* server: SNI, untrusted; "": none */
const char *session_auth_name(const struct session *s); /* PPP's, as agreed on; "": not yet */
bool session_is_enrolment(const struct session *s);	/* server: it wanted that, and no tunnel */
enum session_side session_ended_by(const struct session *s); /* in on_end() */
int session_server_tag(const struct session *s);	     /* stream_server_tag() */

/* One log line about the session: "session=7 peer=... user=...: " and the text. */
void session_log(const struct session *s, int level, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif

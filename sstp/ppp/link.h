/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_PPP_LINK_H
#define SSTP_PPP_LINK_H
/*
 * One PPP link, either role: LCP, then PAP, MS-CHAPv2 or EAP (MS-CHAPv2, TLS), then IPCP and, where
 * both ends have IPv6, IPV6CP (RFC 1661, 1334, 2759, 3748, 1332, 1877, 5072). No I/O, no clock, no
 * log.
 *
 * The link composes the protocols: it knows their order and hands each frame to the right one.
 * Frames to send are appended to the outbox, whole, beginning with FF 03; each call returns the
 * link_event bits that the session must act on, in the order of the enum.
 *
 * Server: on LINK_EV_USER the session looks the name up and answers with link_on_user() (by EAP-TLS
 * it is the certificate's name, and the peer has proved itself already); on LINK_EV_AUTH_OK it gets
 * an address and answers with link_on_address(), which lets IPCP begin.
 * Client: both happen by themselves; LINK_EV_UP carries the result. IPCP begins with the next call
 * into the link, which link_deadline() asks for at once: what the session sends on LINK_EV_AUTH_OK
 * goes first.
 *
 * IPV6CP goes its own way beside IPCP: whatever becomes of it, refused, rejected, closed or never
 * answered, is between LINK_EV_UP6 and LINK_EV_DOWN6, and the link stays. It is not even begun by a
 * server whose peer gets no prefix, which rejects the protocol, nor over an MRU below IPv6's least.
 *
 * In band (vendor.h), while the link is open: a client that was asked to subscribes by itself; the
 * server learns it by LINK_EV_SUBSCRIBED, and only then link_describe(), link_announce_close() and
 * link_trace() send anything. A TRACED that nobody waits for, of another id, or for the second time,
 * is malformed.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sstp/base/clock.h"
#include "sstp/base/outbox.h"
#include "sstp/base/random.h"
#include "sstp/base/secret.h"
#include "sstp/ppp/auth.h"
#include "sstp/ppp/ip6cp.h"
#include "sstp/ppp/ipcp.h"
#include "sstp/ppp/lcp.h"
#include "sstp/ppp/link_types.h"
#include "sstp/ppp/reason.h"
#include "sstp/ppp/reject_limit.h"
#include "sstp/ppp/vendor.h"
#include "sstp/ppp/vendor_trace.h"

enum link_role {
	LINK_SERVER,
	LINK_CLIENT,
};

enum link_event {
	LINK_EV_USER = 1 << 0,	  /* server: call link_on_user() about link_user_name() */
	LINK_EV_AUTH_OK = 1 << 1, /* link_hlak() is valid; server: call link_on_address() */
	LINK_EV_AUTH_FAILED =
		1 << 2,	     /* refused, not just late; link_reason() says why; FINISHED follows */
	LINK_EV_UP = 1 << 3, /* IPCP opened: IPv4 may flow */
	LINK_EV_DOWN = 1 << 4,		  /* IPCP is no longer open */
	LINK_EV_PEER_TERMINATED = 1 << 5, /* the peer sent LCP Terminate-Request */
	LINK_EV_FINISHED = 1 << 6,	  /* nothing more to say: end the call */
	LINK_EV_SILENT = 1 << 7,      /* with FINISHED: the peer answers no echo: nobody is there */
	LINK_EV_SUBSCRIBED = 1 << 8,  /* server: the peer wants to know its description */
	LINK_EV_DESCRIPTION = 1 << 9, /* client: link_description() is complete */
	LINK_EV_CLOSE = 1 << 10,    /* client: the server is about to hang up: link_close_code() */
	LINK_EV_UP6 = 1 << 11,	    /* IPV6CP opened: with LINK_EV_UP, IPv6 may flow */
	LINK_EV_DOWN6 = 1 << 12,    /* it is no longer open */
	LINK_EV_ADDRESS6 = 1 << 13, /* client: the server has told link_address6() */
	LINK_EV_TRACE = 1 << 16,    /* client: the server wants link_in_band() done, a TRACE */
	LINK_EV_TRACED =
		1 << 17, /* server: link_in_band() is the answer to link_trace(), a TRACED */
};

struct link_params {
	enum link_role role;
	unsigned auth; /* enum link_auth bits that are allowed; in the order of lcp.h */
	uint16_t mru;  /* what we can receive; 1500 */
	/* Borrowed. Server: for the CHAP challenge, not empty; client: the user name. */
	const char *name;
	/*
	 * Client: UTF-8; borrowed; NULL: none, which leaves EAP-TLS of the methods allowed. Server:
	 * NULL
	 */
	const struct secret *password;
	const struct random_source *random; /* borrowed */
	struct eap_tls_ctx *eap_tls;	    /* of the role; borrowed; NULL: no EAP-TLS */
	bool subscribe;			    /* client: asks for its description, in band */
	bool ipv6;			    /* client: asks for IPv6 */
	/*
	 * Of silence until an LCP echo goes out; the fourth time: LINK_EV_SILENT. 0: server 30 s,
	 * client never. A client counts only on a server that has answered one: it asks at once.
	 */
	uint64_t echo_every_ns;
};

enum link_phase {
	LINK_PHASE_DEAD,      /* the layer below is not there, or no longer */
	LINK_PHASE_WAIT,      /* server: for the client's first LCP frame */
	LINK_PHASE_ESTABLISH, /* LCP negotiates */
	LINK_PHASE_AUTHENTICATE,
	LINK_PHASE_NETWORK,   /* authenticated; IPCP waits for the address, or negotiates */
	LINK_PHASE_OPEN,      /* IPCP is open */
	LINK_PHASE_TERMINATE, /* a Terminate-Request went one way or the other */
	LINK_PHASE_FINISHED,
	LINK_PHASES,
};

/* Embedded in the session; the fields are the module's own. */
struct link {
	struct link_params params;
	enum link_phase phase;
	uint64_t phase_deadline; /* when the phase has taken too long */
	uint64_t open_deadline;	 /* when the link must be open */
	uint64_t echo_deadline;
	uint64_t ipcp_deadline; /* client: when IPCP begins */
	uint8_t echoes_missed;
	bool subscribed; /* server: the peer understands DESCRIPTION and CLOSE */
	uint8_t close_code;
	struct vendor_text description; /* client */
	const uint8_t *in_band;		/* borrowed of the last frame: link_in_band() */
	uint16_t in_band_len;
	bool is_tracing;   /* server: link_trace() has no answer yet */
	uint32_t trace_id; /* its */
	bool wants_ip6;	   /* IPV6CP is spoken */
	bool has_address6;
	uint8_t address6[LINK_ADDRESS6_SIZE];
	unsigned packets_before_open;
	unsigned malformed;
	struct lcp lcp;
	struct auth auth;
	struct ipcp ipcp;
	struct ip6cp ip6cp;
	struct reject_limit rejects;
	struct reason reason;
};

/* Copies params (name and password stay borrowed). */
void link_init(struct link *l, const struct link_params *params);

/*
 * Server, before link_up(): another context for EAP-TLS, as the client has dialled another of our names. Borrowed; of
 * a link that was made with one.
 */
void link_set_eap_tls(struct link *l, struct eap_tls_ctx *eap_tls);

/* Wipes key material. */
void link_done(struct link *l);

/*
 * The layer below is there (CALL_DO_LINK_UP). Client: sends Conf-Req now. Server: waits up to 1 s
 * for the client's, then sends its own: Windows loses one that comes right behind the call's
 * acknowledgement.
 */
unsigned link_up(struct link *l, uint64_t now, struct outbox *out);

/*
 * The layer below is gone. Sends nothing, runs no timer any more. Returns LINK_EV_DOWN when IPCP
 * was open.
 */
unsigned link_down(struct link *l);

/*
 * One PPP frame as received, with or without FF 03, protocol in one or two bytes; control frames
 * only (protocol >= 0x8000): data frames are the session's (those of a protocol below that which it
 * does not carry may be given here too, and get their Protocol-Reject). Anything malformed is
 * dropped and counted.
 */
unsigned link_input(struct link *l, uint64_t now, const uint8_t *frame, size_t len,
		    struct outbox *out);

/*
 * Server, answer to LINK_EV_USER, at once or within 10 s: user, or NULL for an unknown name (takes
 * the same time). Ignored when nothing was asked, or no longer.
 */
unsigned link_on_user(struct link *l, uint64_t now, const struct link_user *user,
		      struct outbox *out);

/* Server, answer to LINK_EV_AUTH_OK: address, or NULL when there is none (terminates the link). */
unsigned link_on_address(struct link *l, uint64_t now, const struct link_address *address,
			 struct outbox *out);

/*
 * Ends the link in order: LCP Terminate-Request, at most 2 x 3 s; then LINK_EV_FINISHED. why is
 * told to the peer (RFC 1661 5.5, for people; at most a line; NULL: nothing); borrowed until then.
 */
unsigned link_close(struct link *l, uint64_t now, const char *why, struct outbox *out);

uint64_t link_deadline(const struct link *l);
unsigned link_on_timer(struct link *l, uint64_t now, struct outbox *out);

/* Any frame at all arrived (data too): restarts the echo timer. Cheap: called for each burst of data. */
void link_on_traffic(struct link *l, uint64_t now);

/*
 * The name the peer authenticates with (server) or ours (client), as on the wire, NUL-terminated,
 * untrusted.
 */
const char *link_user_name(const struct link *l);

/*
 * Valid from LINK_EV_AUTH_OK until LINK_EV_UP, then wiped. MS-CHAPv2, alone or in EAP:
 * MasterReceiveKey || MasterSendKey as the server sees them (K2 || K3); EAP-TLS: the first half of
 * the MSK; PAP: zeros.
 */
const uint8_t *link_hlak(const struct link *l);

/*
 * Server, EAP-TLS, as long as link_hlak(): the key as pppd before 2.5 makes it of the same
 * handshake. For an operator who allows such clients; NULL: there is none.
 */
const uint8_t *link_hlak_compat(const struct link *l);

/*
 * Server, EAP-TLS: of the peer's certificate as soon as it was seen, accepted or not, as the
 * context's judge wrote it; "" otherwise. Borrowed.
 */
const char *link_peer_thumbprint(const struct link *l);

/*
 * Client, EAP-TLS, from LINK_EV_AUTH_FAILED on: it was we who refused, for the server's certificate.
 */
bool link_has_refused_server(const struct link *l);

/*
 * Server, EAP-TLS: the judge's memo of LINK_MEMO_SIZE bytes, as soon as the peer has proved that the certificate is his;
 * NULL otherwise. Borrowed.
 */
const uint8_t *link_peer_memo(const struct link *l);

/* enum link_auth that was agreed on (EAP: that is being talked); 0 before. */
unsigned link_auth_method(const struct link *l);

/* Its name for logs, static. */
const char *link_auth_name(unsigned method);

/*
 * Server: the address confirmed; client: what the server gave us (local is our own). Valid after
 * LINK_EV_UP.
 */
const struct link_address *link_addresses(const struct link *l);

/* Server: LINK_EV_SUBSCRIBED has come, and the link is open. */
bool link_is_subscribed(const struct link *l);

/*
 * Server, to a peer that has subscribed: the next fragment of text (len up to VENDOR_TEXT_MAX), from offset on;
 * the first one has offset 0. Returns the offset of the next; len: that was the last one.
 */
size_t link_describe(struct link *l, const char *text, size_t len, size_t offset,
		     struct outbox *out);

/* Server, to a peer that has subscribed: why it is about to be closed. The text is cut to what fits. */
void link_announce_close(struct link *l, uint8_t code, const char *why, struct outbox *out);

/*
 * Server, to a peer that has subscribed: a probe is wanted. One at a time: what was asked before is not waited for any
 * more. False: he has not, nothing is sent.
 */
bool link_trace(struct link *l, const struct vendor_trace *trace, struct outbox *out);

/* Client, as the answer to LINK_EV_TRACE. */
void link_traced(struct link *l, const struct vendor_traced *traced, struct outbox *out);

/*
 * At LINK_EV_TRACE and LINK_EV_TRACED: the value, which vendor_trace.h decodes without fault; borrowed of the frame that
 * link_input() was given.
 */
const uint8_t *link_in_band(const struct link *l, size_t *ret_len);

/* Client, at LINK_EV_DESCRIPTION: all bytes, untrusted, borrowed until the next call into the link. */
const char *link_description(const struct link *l, size_t *ret_len);

/* Client, at LINK_EV_CLOSE; the sentence is link_reason()'s then. */
uint8_t link_close_code(const struct link *l);

/* LCP is open, whatever came behind it: until the link ends. */
bool link_is_established(const struct link *l);

/* True between LINK_EV_UP and LINK_EV_DOWN. */
bool link_is_up(const struct link *l);

/* True when IPCP and IPV6CP are open. */
bool link_is_up6(const struct link *l);

/*
 * Valid while IPV6CP is open: our identifier, IP6CP_ID_SIZE bytes; the client's IPv6 address, at either end, or NULL: a
 * client that was not told.
 */
const uint8_t *link_identifier6(const struct link *l);
const uint8_t *link_address6(const struct link *l);

/* Largest information field (IP packet) that the peer takes: min(its MRU, 4087). */
uint16_t link_peer_mru(const struct link *l);

/* Frames that could not be decoded. */
unsigned link_malformed(const struct link *l);

/* Why the link ended, a sentence for logs; never NULL; holds nothing from the peer unescaped. */
const char *link_reason(const struct link *l);

#endif

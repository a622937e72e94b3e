/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_PPP_EAP_H
#define SSTP_PPP_EAP_H
/*
 * EAP (RFC 3748) over PPP, either role, as a method of auth.h, and the frame for methods of its
 * own.
 *
 * The server asks for the identity, which counts for nothing but the log, then proposes the first
 * of its methods that is allowed, and another one when the peer's Nak names one. It repeats a
 * request until the response with its identifier comes. The client answers each request once, and
 * repeats the answer when the same request comes again. Who may say what when is the table of
 * eap_table.c.
 *
 * An inner method is a row of functions (struct eap_method); another method is another row. It sees
 * what stands behind the type byte, never a header, an identifier or a duplicate.
 *
 * Limits: one conversation is EAP_PACKET_MAX bytes and what its method needs, from auth_start() to
 * its end; a method's packets are no larger than the peer's MRU where it can cut them.
 */
#include "sstp/ppp/auth.h"
#include "sstp/ppp/eap_table.h"
#include "sstp/ppp/frame.h"

enum eap_code {
	EAP_REQUEST = 1,
	EAP_RESPONSE = 2,
	EAP_SUCCESS = 3,
	EAP_FAILURE = 4,
};

enum eap_type {
	EAP_TYPE_IDENTITY = 1,
	EAP_TYPE_NOTIFICATION = 2,
	EAP_TYPE_NAK = 3,
	EAP_TYPE_TLS = 13,
	EAP_TYPE_MSCHAPV2 = 26,
};

enum {
	EAP_PACKET_MAX = 1400,
	EAP_HEADER = PPP_PACKET_HEADER + 1, /* with the type */
	EAP_NAKS_MAX = 2,		    /* that a client sends */
};

/* What a method says to a packet or to the directory's answer. */
enum eap_verdict {
	EAP_DROP, /* nothing: it waits on */
	EAP_MORE, /* w is to be sent */
	EAP_ASK,  /* server: a->user is set, may he come in? */
	EAP_DONE, /* a->hlak is valid; client: w is to be sent, then the server has to say Success */
	EAP_FAILED, /* a->reason says why; what w holds is to be sent before it is over, if anything */
};

struct eap_method {
	uint8_t type;
	enum link_auth bit;
	/* Allocates what it needs, as e->own. False: out of memory. */
	bool (*begin)(struct auth *a);
	/* Server: writes its first request. */
	void (*propose)(struct auth *a, struct wire_writer *w);
	/*
	 * The peer's next packet, what stands behind the type. Writes to w only with a verdict that
	 * sends: w is where the last packet is kept for its repetition.
	 */
	enum eap_verdict (*input)(struct auth *a, const uint8_t *data, size_t len,
				  struct wire_writer *w);
	/* Server, after EAP_ASK; user NULL: unknown. */
	enum eap_verdict (*on_user)(struct auth *a, const struct link_user *user,
				    struct wire_writer *w);
	/* Frees e->own. */
	void (*end)(struct auth *a);
};

/* A conversation. */
struct eap {
	enum eap_state state;
	const struct eap_method *method; /* NULL: none yet */
	void *own;			 /* the method's */
	uint8_t step;			 /* the method's */
	uint8_t id;			 /* of the last request */
	bool answered;			 /* client: id is valid */
	uint8_t naks;
	uint8_t code; /* of the last packet that we sent */
	uint16_t len;
	uint8_t data[EAP_PACKET_MAX - PPP_PACKET_HEADER]; /* its type, and what stands behind */
};

extern const struct auth_method eap_method;
extern const struct eap_method eap_tls_method;
extern const struct eap_method eap_mschapv2_method;

/* Ends a->eap, if there is one. */
void eap_free(struct auth *a);

/* Bytes that a method's packet may have behind its type byte, for one that can cut them. */
size_t eap_room(const struct auth *a);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_PPP_CHAP_EXCHANGE_H
#define SSTP_PPP_CHAP_EXCHANGE_H
/*
 * The MS-CHAPv2 exchange (RFC 2759 sections 3 to 6), either role: what stands in its packets and
 * what each end makes of them, for the two that carry it: CHAP (chap.h), and EAP type 26
 * (eap_mschapv2.c), whose data are CHAP packets. Sends nothing.
 *
 * The server makes one challenge and takes one response to it, by the challenge's identifier. The
 * client answers challenges until it has proof from the server that it knows the password too; a
 * Success without that proof is a failure. Neither role understands the other role's packets, so
 * none can be turned back at its sender.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sstp/ppp/auth.h"
#include "sstp/ppp/frame.h"

enum chap_code {
	CHAP_CHALLENGE = 1,
	CHAP_RESPONSE = 2,
	CHAP_SUCCESS = 3,
	CHAP_FAILURE = 4,
};

enum {
	CHAP_RESPONSE_SIZE = 49, /* peer challenge, 8 reserved, NT response, flags */
};

struct chap_value {
	const uint8_t *value; /* as many bytes as were asked for; borrowed from the input */
	const uint8_t *name;  /* borrowed from the input */
	size_t name_len;
};

/* A Challenge or Response with a value of exactly value_size bytes. 0; -EBADMSG otherwise. */
int chap_decode_value(const struct ppp_packet *p, uint8_t value_size, struct chap_value *ret_value);

/* The 20 bytes behind S= of a Success. 0; -EBADMSG when they are not there. */
int chap_decode_proof(const struct ppp_packet *p, uint8_t ret_proof[MSCHAPV2_PROOF_SIZE]);

/* Writes what stands behind the header of our packet of that code. */
void chap_put(const struct auth *a, enum chap_code code, struct wire_writer *w);

/* Server: draws a new challenge. */
void chap_new_challenge(struct auth *a);

/*
 * Server: a packet that may be the response. 0: the user's name is set, and chap_verify() can tell;
 * -EBADMSG: not a response to our challenge, to be dropped; -EPROTO: the name cannot be one,
 * a->reason is set.
 */
int chap_take_response(struct auth *a, const struct ppp_packet *p);

/* Server: the response that chap_take_response() took, once more. */
bool chap_is_same_response(const struct auth *a, const struct ppp_packet *p);

/* Server: whether the response is that of the password; then hlak and proof are set. */
bool chap_verify(struct auth *a, const uint8_t nt_hash[LINK_NT_HASH_SIZE]);

/* What a packet means to the client. */
enum chap_verdict {
	CHAP_DROP,
	CHAP_ANSWER, /* send the CHAP_RESPONSE */
	CHAP_PROVEN, /* the server has proved itself; hlak is set */
	CHAP_REFUSE, /* a->reason says why */
};

/* Client, in AUTH_IDLE and AUTH_SENT; moves from the one to the other. */
enum chap_verdict chap_client_input(struct auth *a, const struct ppp_packet *p);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_PPP_CHAP_H
#define SSTP_PPP_CHAP_H
/*
 * MS-CHAPv2 packets (RFC 1994 section 4, RFC 2759 sections 3 to 6), either role, as a method of
 * auth.h.
 *
 * The server sends one challenge and takes one response to it, by the challenge's identifier. The
 * client answers challenges until it has proof from the server that it knows the password too; a
 * Success without that proof is a failure. Neither role understands the other role's packets, so
 * none can be turned back at its sender.
 */
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

extern const struct auth_method chap_method;

#endif

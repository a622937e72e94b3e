/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_PPP_MSCHAPV2_H
#define SSTP_PPP_MSCHAPV2_H
/*
 * The arithmetic of MS-CHAPv2 (RFC 2759 section 8) and of the keys that follow from it (RFC 3079
 * section 3). Pure.
 */
#include <stddef.h>
#include <stdint.h>

#include "sstp/ppp/link_types.h"

enum {
	MSCHAPV2_CHALLENGE_SIZE = 16,
	MSCHAPV2_CHALLENGE_HASH_SIZE = 8,
	MSCHAPV2_RESPONSE_SIZE = 24,
	MSCHAPV2_PROOF_SIZE = 20,
};

/* Who answered what: all that both sides feed into the hashes. */
struct mschapv2_exchange {
	uint8_t authenticator_challenge[MSCHAPV2_CHALLENGE_SIZE];
	uint8_t peer_challenge[MSCHAPV2_CHALLENGE_SIZE];
	const char *name; /* as on the wire, domain included; borrowed */
	size_t name_len;  /* at most LINK_NAME_MAX */
};

/* ChallengeHash. What stands before the last backslash of the name is not hashed. */
void mschapv2_challenge_hash(const struct mschapv2_exchange *x,
			     uint8_t ret_hash[MSCHAPV2_CHALLENGE_HASH_SIZE]);

/* GenerateNTResponse. */
void mschapv2_nt_response(const struct mschapv2_exchange *x,
			  const uint8_t nt_hash[LINK_NT_HASH_SIZE],
			  uint8_t ret_response[MSCHAPV2_RESPONSE_SIZE]);

/* GenerateAuthenticatorResponse, in binary: what stands in hex behind S=. */
void mschapv2_proof(const struct mschapv2_exchange *x, const uint8_t nt_hash[LINK_NT_HASH_SIZE],
		    const uint8_t nt_response[MSCHAPV2_RESPONSE_SIZE],
		    uint8_t ret_proof[MSCHAPV2_PROOF_SIZE]);

/*
 * The 128-bit start keys, client to server first: the Higher-Layer Authentication Key of MS-SSTP
 * for both sides.
 */
void mschapv2_hlak(const uint8_t nt_hash[LINK_NT_HASH_SIZE],
		   const uint8_t nt_response[MSCHAPV2_RESPONSE_SIZE],
		   uint8_t ret_hlak[LINK_HLAK_SIZE]);

#endif

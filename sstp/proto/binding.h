/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_PROTO_BINDING_H
#define SSTP_PROTO_BINDING_H
/* Crypto binding: MS-SSTP 3.2.5.2. One hash for key derivation, MAC and certificate digest. */
#include <stddef.h>
#include <stdint.h>

#include "sstp/proto/packet.h"

enum {
	SSTP_HLAK_SIZE = 32
};

/* What both ends must agree on. Borrows everything. */
struct binding_terms {
	uint8_t hashes;		    /* enum sstp_hash bits that are allowed; not 0 */
	const uint8_t *nonce;	    /* SSTP_NONCE_SIZE, the server's */
	const uint8_t *cert_sha1;   /* SSTP_SHA1_SIZE, of the server's leaf certificate */
	const uint8_t *cert_sha256; /* SSTP_SHA256_SIZE, of the same */
};

/*
 * Computes the Compound MAC over a CALL_CONNECTED message: 20 or 32 bytes into ret_mac, the rest
 * zero. msg is the message as it is on the wire; its MAC field (bytes 80..111) is taken as zero.
 * Returns 0; -EINVAL for an unknown hash; -ENOMEM.
 */
int binding_mac(enum sstp_hash hash, const uint8_t hlak[SSTP_HLAK_SIZE],
		const uint8_t msg[SSTP_CALL_CONNECTED_SIZE], uint8_t ret_mac[SSTP_SHA256_SIZE]);

/*
 * The client's CALL_CONNECTED, with the strongest hash that the terms allow: MS-SSTP 3.2.5.2. 0 or
 * -ENOMEM.
 */
int binding_seal(const struct binding_terms *t, const uint8_t hlak[SSTP_HLAK_SIZE],
		 uint8_t ret_msg[SSTP_CALL_CONNECTED_SIZE]);

/*
 * The server's check of hash, nonce, certificate and MAC: MS-SSTP 3.3.5.2.3. msg has the size and
 * the attribute of a CALL_CONNECTED; its reserved bits are part of what the MAC covers. The padding
 * behind a SHA-1 certificate hash or MAC is not compared. 0, or -EPROTO without saying what was
 * wrong.
 */
int binding_verify(const struct binding_terms *t, const uint8_t hlak[SSTP_HLAK_SIZE],
		   const uint8_t msg[SSTP_CALL_CONNECTED_SIZE]);

#endif

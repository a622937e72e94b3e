/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_PROTO_BINDING_H
#define SSTP_PROTO_BINDING_H
/* Crypto binding: MS-SSTP 3.2.5.2. One hash for key derivation, MAC and certificate digest. */
#include <stddef.h>
#include <stdint.h>

#include "sstp/proto/packet.h"

/*
 * Computes the Compound MAC over a CALL_CONNECTED message: 20 or 32 bytes into ret_mac, the rest zero.
 * msg is the message as it is on the wire; its MAC field (bytes 80..111) is taken as zero.
 * Returns 0; -EINVAL for an unknown hash; -ENOMEM.
 */
int binding_mac(enum sstp_hash hash, const uint8_t hlak[32],
		const uint8_t msg[SSTP_CALL_CONNECTED_SIZE], uint8_t ret_mac[32]);

#endif

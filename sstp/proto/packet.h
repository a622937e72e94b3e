/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_PROTO_PACKET_H
#define SSTP_PROTO_PACKET_H
/*
 * SSTP packets on the wire: MS-SSTP 2.2. Encoding and decoding only; what a packet means in which
 * state stands in call.h.
 */
#include <stddef.h>
#include <stdint.h>

#include "sstp/base/wire.h"

/* MS-SSTP 2.2.1 */
enum {
	SSTP_VERSION = 0x10,
	SSTP_HEADER_SIZE = 4,
	SSTP_CONTROL_HEADER_SIZE = 8,
	SSTP_PACKET_MAX = 4095,
	SSTP_NONCE_SIZE = 32,
	SSTP_SHA1_SIZE = 20,
	SSTP_SHA256_SIZE = 32,
	SSTP_CALL_CONNECTED_SIZE = 112,
	SSTP_STATUS_VALUE_MAX = 64,
	SSTP_NAK_MAX =
		16, /* Status Infos in one CALL_CONNECT_NAK; more bad attributes are not named */
};

/* MS-SSTP 2.2.2 */
enum sstp_message {
	SSTP_MSG_CALL_CONNECT_REQUEST = 1,
	SSTP_MSG_CALL_CONNECT_ACK = 2,
	SSTP_MSG_CALL_CONNECT_NAK = 3,
	SSTP_MSG_CALL_CONNECTED = 4,
	SSTP_MSG_CALL_ABORT = 5,
	SSTP_MSG_CALL_DISCONNECT = 6,
	SSTP_MSG_CALL_DISCONNECT_ACK = 7,
	SSTP_MSG_ECHO_REQUEST = 8,
	SSTP_MSG_ECHO_RESPONSE = 9,
};

/* MS-SSTP 2.2.4 */
enum sstp_attribute {
	SSTP_ATTRIB_NO_ERROR = 0,
	SSTP_ATTRIB_ENCAPSULATED_PROTOCOL_ID = 1,
	SSTP_ATTRIB_STATUS_INFO = 2,
	SSTP_ATTRIB_CRYPTO_BINDING = 3,
	SSTP_ATTRIB_CRYPTO_BINDING_REQ = 4,
};

/* MS-SSTP 2.2.6 */
enum sstp_status {
	SSTP_STATUS_NO_ERROR = 0,
	SSTP_STATUS_DUPLICATE_ATTRIBUTE = 1,
	SSTP_STATUS_UNRECOGNIZED_ATTRIBUTE = 2,
	SSTP_STATUS_INVALID_ATTRIB_VALUE_LENGTH = 3,
	SSTP_STATUS_VALUE_NOT_SUPPORTED = 4,
	SSTP_STATUS_UNACCEPTED_FRAME_RECEIVED = 5,
	SSTP_STATUS_RETRY_COUNT_EXCEEDED = 6,
	SSTP_STATUS_INVALID_FRAME_RECEIVED = 7,
	SSTP_STATUS_NEGOTIATION_TIMEOUT = 8,
	SSTP_STATUS_ATTRIB_NOT_SUPPORTED_IN_MSG = 9,
	SSTP_STATUS_REQUIRED_ATTRIBUTE_MISSING = 0xa,
	SSTP_STATUS_STATUS_INFO_NOT_SUPPORTED_IN_MSG = 0xb,
};

/* MS-SSTP 2.2.5, 2.2.7: a value in CALL_CONNECTED, a bit in CALL_CONNECT_ACK */
enum sstp_hash {
	SSTP_HASH_SHA1 = 1,
	SSTP_HASH_SHA256 = 2,
};

enum {
	SSTP_PROTOCOL_PPP = 1
};

/*
 * The length of the packet that starts at buf, header included: 4..4095.
 * 0 when fewer than 4 bytes are there; -EPROTO when the stream cannot be delineated (version, length).
 * Looks at the header only: the caller waits until that many bytes are there.
 */
int sstp_packet_len(const uint8_t *buf, size_t len);

/* MS-SSTP 2.2.1 bit C. buf holds at least SSTP_HEADER_SIZE bytes. */
static inline bool sstp_packet_is_control(const uint8_t *buf)
{
	return buf[1] & 1;
}

/* Writes the header of a data packet whose PPP frame of payload_len bytes follows at buf + 4. */
static inline void sstp_put_data_header(uint8_t *buf, size_t payload_len)
{
	size_t len = payload_len + SSTP_HEADER_SIZE;

	buf[0] = SSTP_VERSION;
	buf[1] = 0;
	buf[2] = (uint8_t)(len >> 8);
	buf[3] = (uint8_t)len;
}
/*
 * The rest of this header is for call.c and tests: decoded control packets and the encoders.
 * (Written with the module.)
 */

#endif

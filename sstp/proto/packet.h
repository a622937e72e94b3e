/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_PROTO_PACKET_H
#define SSTP_PROTO_PACKET_H
/*
 * SSTP packets on the wire: MS-SSTP 2.2. Encoding and decoding only; what a packet means in which
 * state stands in call.h.
 */
#include <stdbool.h>
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

/* MS-SSTP 2.2.4 to 2.2.8: lengths of attributes, their header included */
enum {
	SSTP_ATTR_HEADER_SIZE = 4,
	SSTP_PROTOCOL_ID_SIZE = 6,
	SSTP_STATUS_INFO_SIZE = 12, /* and up to SSTP_STATUS_VALUE_MAX of value */
	SSTP_CRYPTO_BINDING_SIZE = 104,
	SSTP_CRYPTO_BINDING_REQ_SIZE = 40,
};

/*
 * The length of the packet that starts at buf, header included: 4..4095. 0 when fewer than 4 bytes
 * are there; -EPROTO when the stream cannot be delineated (version, length; a control packet needs
 * 8 bytes). Looks at the header only: the caller waits until that many bytes are there.
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

/* One attribute: MS-SSTP 2.2.4. Borrows from the packet; reserved bits are not looked at. */
struct sstp_attr {
	uint8_t id; /* enum sstp_attribute, or one that nobody has defined */
	uint16_t value_len;
	const uint8_t *value;
};

/* A control packet, taken apart: MS-SSTP 2.2.2. Borrows from the packet. */
struct sstp_control {
	uint16_t type; /* enum sstp_message, or one that nobody has defined */
	uint16_t nattrs;
	/* a length below 4 or past the end, or not exactly nattrs, or not up to the end */
	bool malformed;
	struct wire_reader attrs; /* for sstp_next_attr(); nothing to read when malformed */
};

/*
 * Takes a control packet apart and checks that its attributes fill it exactly. The structure is a
 * verdict and not an error, since what it costs depends on the message. -EPROTO when there is not
 * even a control header.
 */
int sstp_decode_control(const uint8_t *pkt, size_t len, struct sstp_control *ret_msg);

/*
 * Takes the next attribute off attrs, which is a copy of a message's. False at the end, or when
 * there is no whole one.
 */
bool sstp_next_attr(struct wire_reader *attrs, struct sstp_attr *ret_attr);

/* What a Status Info attribute says: MS-SSTP 2.2.8. */
struct sstp_status_info {
	uint8_t attribute; /* enum sstp_attribute: the one that the status is about */
	uint32_t status;   /* enum sstp_status, or one that nobody has defined */
	uint16_t value_len;
	const uint8_t *value; /* copy of what was refused, in a NAK; borrowed */
};

/*
 * The one attribute of a message that must have exactly one, of this id and length. False when it
 * is anything else.
 */
bool sstp_only_attr(const struct sstp_control *msg, enum sstp_attribute id, size_t length,
		    struct sstp_attr *ret_attr);

/* Reads a Status Info attribute. False when its length is none that such an attribute has. */
bool sstp_read_status_info(const struct sstp_attr *attr, struct sstp_status_info *ret_info);

/* The first Status Info of a message; all zero when it has none that can be read. */
struct sstp_status_info sstp_first_status(const struct sstp_control *msg);

/*
 * The nine messages, each with reserved bits zero. ABORT and DISCONNECT always carry exactly one
 * Status Info without a value: one known client ignores them without it, another fails on more than
 * one.
 */
void sstp_put_call_connect_request(struct wire_writer *w);
void sstp_put_call_connect_ack(struct wire_writer *w, uint8_t hashes,
			       const uint8_t nonce[SSTP_NONCE_SIZE]);
/* n: 1..SSTP_NAK_MAX; values are cut at SSTP_STATUS_VALUE_MAX. */
void sstp_put_call_connect_nak(struct wire_writer *w, const struct sstp_status_info *infos,
			       size_t n);
/* cert_hash and mac: of SHA-1, 20 bytes and zeros behind them. */
void sstp_put_call_connected(struct wire_writer *w, enum sstp_hash hash,
			     const uint8_t nonce[SSTP_NONCE_SIZE],
			     const uint8_t cert_hash[SSTP_SHA256_SIZE],
			     const uint8_t mac[SSTP_SHA256_SIZE]);
void sstp_put_call_abort(struct wire_writer *w, uint8_t attribute, uint32_t status);
void sstp_put_call_disconnect(struct wire_writer *w);
void sstp_put_call_disconnect_ack(struct wire_writer *w);
void sstp_put_echo_request(struct wire_writer *w);
void sstp_put_echo_response(struct wire_writer *w);

#endif

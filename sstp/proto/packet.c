/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/proto/packet.h"

#include <errno.h>

enum {
	CONTROL_BIT = 0x01, /* the other seven are reserved: MS-SSTP 2.2.1 */
	LENGTH_MASK = 0x0fff,
};

int sstp_packet_len(const uint8_t *buf, size_t len)
{
	struct wire_reader r = wire_reader(buf, len);
	uint8_t version = wire_u8(&r);
	uint8_t flags = wire_u8(&r);
	uint16_t length = wire_be16(&r) & LENGTH_MASK;
	uint16_t min = flags & CONTROL_BIT ? SSTP_CONTROL_HEADER_SIZE : SSTP_HEADER_SIZE;

	if (!wire_ok(&r))
		return 0;
	if (version != SSTP_VERSION || length < min)
		return -EPROTO;
	return length;
}

bool sstp_next_attr(struct wire_reader *attrs, struct sstp_attr *ret_attr)
{
	struct sstp_attr attr;
	uint16_t length;

	if (!wire_left(attrs))
		return false;
	wire_u8(attrs);
	attr.id = wire_u8(attrs);
	length = wire_be16(attrs) & LENGTH_MASK;
	if (length < SSTP_ATTR_HEADER_SIZE)
		attrs->failed = true;
	attr.value_len = (uint16_t)(length - SSTP_ATTR_HEADER_SIZE);
	attr.value = wire_bytes(attrs, attr.value_len);
	if (!wire_ok(attrs))
		return false;
	*ret_attr = attr;
	return true;
}

static bool fills_packet(struct wire_reader attrs, uint16_t nattrs)
{
	struct sstp_attr attr;
	uint16_t n = 0;

	while (sstp_next_attr(&attrs, &attr))
		n++;
	return wire_done(&attrs) && n == nattrs;
}

int sstp_decode_control(const uint8_t *pkt, size_t len, struct sstp_control *ret_msg)
{
	struct wire_reader r = wire_reader(pkt, len);
	struct sstp_control msg = {0};

	wire_bytes(&r, SSTP_HEADER_SIZE);
	msg.type = wire_be16(&r);
	msg.nattrs = wire_be16(&r);
	if (!wire_ok(&r))
		return -EPROTO;
	msg.malformed = !fills_packet(r, msg.nattrs);
	msg.attrs = msg.malformed ? wire_reader(pkt, 0) : r;
	*ret_msg = msg;
	return 0;
}

bool sstp_only_attr(const struct sstp_control *msg, enum sstp_attribute id, size_t length,
		    struct sstp_attr *ret_attr)
{
	struct wire_reader attrs = msg->attrs;
	struct sstp_attr attr;

	if (msg->nattrs != 1 || !sstp_next_attr(&attrs, &attr))
		return false;
	if (attr.id != id || attr.value_len != length - SSTP_ATTR_HEADER_SIZE)
		return false;
	*ret_attr = attr;
	return true;
}

bool sstp_read_status_info(const struct sstp_attr *attr, struct sstp_status_info *ret_info)
{
	struct wire_reader r = wire_reader(attr->value, attr->value_len);
	struct sstp_status_info info;

	wire_bytes(&r, 3);
	info.attribute = wire_u8(&r);
	info.status = wire_be32(&r);
	info.value_len = (uint16_t)wire_left(&r);
	info.value = wire_bytes(&r, info.value_len);
	if (!wire_ok(&r) || info.value_len > SSTP_STATUS_VALUE_MAX)
		return false;
	*ret_info = info;
	return true;
}

struct sstp_status_info sstp_first_status(const struct sstp_control *msg)
{
	struct sstp_status_info info = {0};
	struct wire_reader attrs = msg->attrs;
	struct sstp_attr attr;

	while (sstp_next_attr(&attrs, &attr)) {
		if (attr.id == SSTP_ATTRIB_STATUS_INFO && sstp_read_status_info(&attr, &info))
			break;
	}
	return info;
}

static void put_message(struct wire_writer *w, enum sstp_message type, size_t nattrs,
			size_t attrs_len)
{
	wire_put_u8(w, SSTP_VERSION);
	wire_put_u8(w, CONTROL_BIT);
	wire_put_be16(w, (uint16_t)(SSTP_CONTROL_HEADER_SIZE + attrs_len));
	wire_put_be16(w, (uint16_t)type);
	wire_put_be16(w, (uint16_t)nattrs);
}

static void put_attr(struct wire_writer *w, enum sstp_attribute id, size_t length)
{
	wire_put_u8(w, 0);
	wire_put_u8(w, (uint8_t)id);
	wire_put_be16(w, (uint16_t)length);
}

static uint16_t sent_value_len(const struct sstp_status_info *info)
{
	return info->value_len < SSTP_STATUS_VALUE_MAX ? info->value_len : SSTP_STATUS_VALUE_MAX;
}

static void put_status_info(struct wire_writer *w, const struct sstp_status_info *info)
{
	put_attr(w, SSTP_ATTRIB_STATUS_INFO, SSTP_STATUS_INFO_SIZE + sent_value_len(info));
	wire_put_zero(w, 3);
	wire_put_u8(w, info->attribute);
	wire_put_be32(w, info->status);
	wire_put(w, info->value, sent_value_len(info));
}

void sstp_put_call_connect_request(struct wire_writer *w)
{
	put_message(w, SSTP_MSG_CALL_CONNECT_REQUEST, 1, SSTP_PROTOCOL_ID_SIZE);
	put_attr(w, SSTP_ATTRIB_ENCAPSULATED_PROTOCOL_ID, SSTP_PROTOCOL_ID_SIZE);
	wire_put_be16(w, SSTP_PROTOCOL_PPP);
}

void sstp_put_call_connect_ack(struct wire_writer *w, uint8_t hashes,
			       const uint8_t nonce[SSTP_NONCE_SIZE])
{
	put_message(w, SSTP_MSG_CALL_CONNECT_ACK, 1, SSTP_CRYPTO_BINDING_REQ_SIZE);
	put_attr(w, SSTP_ATTRIB_CRYPTO_BINDING_REQ, SSTP_CRYPTO_BINDING_REQ_SIZE);
	wire_put_zero(w, 3);
	wire_put_u8(w, hashes);
	wire_put(w, nonce, SSTP_NONCE_SIZE);
}

void sstp_put_call_connect_nak(struct wire_writer *w, const struct sstp_status_info *infos,
			       size_t n)
{
	size_t attrs_len = 0;

	for (size_t i = 0; i < n; i++)
		attrs_len += SSTP_STATUS_INFO_SIZE + sent_value_len(&infos[i]);
	put_message(w, SSTP_MSG_CALL_CONNECT_NAK, n, attrs_len);
	for (size_t i = 0; i < n; i++)
		put_status_info(w, &infos[i]);
}

void sstp_put_call_connected(struct wire_writer *w, enum sstp_hash hash,
			     const uint8_t nonce[SSTP_NONCE_SIZE],
			     const uint8_t cert_hash[SSTP_SHA256_SIZE],
			     const uint8_t mac[SSTP_SHA256_SIZE])
{
	put_message(w, SSTP_MSG_CALL_CONNECTED, 1, SSTP_CRYPTO_BINDING_SIZE);
	put_attr(w, SSTP_ATTRIB_CRYPTO_BINDING, SSTP_CRYPTO_BINDING_SIZE);
	wire_put_zero(w, 3);
	wire_put_u8(w, (uint8_t)hash);
	wire_put(w, nonce, SSTP_NONCE_SIZE);
	wire_put(w, cert_hash, SSTP_SHA256_SIZE);
	wire_put(w, mac, SSTP_SHA256_SIZE);
}

void sstp_put_call_abort(struct wire_writer *w, uint8_t attribute, uint32_t status)
{
	struct sstp_status_info info = {.attribute = attribute, .status = status};

	put_message(w, SSTP_MSG_CALL_ABORT, 1, SSTP_STATUS_INFO_SIZE);
	put_status_info(w, &info);
}

void sstp_put_call_disconnect(struct wire_writer *w)
{
	struct sstp_status_info info = {.status = SSTP_STATUS_NO_ERROR};

	put_message(w, SSTP_MSG_CALL_DISCONNECT, 1, SSTP_STATUS_INFO_SIZE);
	put_status_info(w, &info);
}

void sstp_put_call_disconnect_ack(struct wire_writer *w)
{
	put_message(w, SSTP_MSG_CALL_DISCONNECT_ACK, 0, 0);
}

void sstp_put_echo_request(struct wire_writer *w)
{
	put_message(w, SSTP_MSG_ECHO_REQUEST, 0, 0);
}

void sstp_put_echo_response(struct wire_writer *w)
{
	put_message(w, SSTP_MSG_ECHO_RESPONSE, 0, 0);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/ppp/frame.h"

#include <errno.h>

enum {
	ADDRESS = 0xff,
	CONTROL = 0x03,
	PACKET_LENGTH_AT = 6, /* offset in the frame */
};

int frame_decode(const uint8_t *bytes, size_t len, struct ppp_frame *ret_frame)
{
	struct wire_reader r = wire_reader(bytes, len);
	uint16_t protocol = wire_u8(&r);
	size_t left;

	if (protocol == ADDRESS) {
		if (wire_u8(&r) != CONTROL)
			return -EBADMSG;
		protocol = wire_u8(&r);
	}
	/* section 2: the last byte of the protocol is odd, the one before it even */
	if (protocol % 2 == 0)
		protocol = (uint16_t)(protocol << 8 | wire_u8(&r));
	if (!wire_ok(&r) || protocol % 2 == 0)
		return -EBADMSG;
	left = wire_left(&r);
	*ret_frame = (struct ppp_frame){protocol, wire_bytes(&r, left), left, len - left};
	return 0;
}

int frame_decode_packet(const struct ppp_frame *frame, struct ppp_packet *ret_packet)
{
	struct wire_reader r = wire_reader(frame->info, frame->len);
	uint8_t code = wire_u8(&r);
	uint8_t id = wire_u8(&r);
	size_t len = wire_be16(&r);
	const uint8_t *data;

	if (!wire_ok(&r) || len < PPP_PACKET_HEADER)
		return -EBADMSG;
	len -= PPP_PACKET_HEADER;
	data = wire_bytes(&r, len);
	if (!data)
		return -EBADMSG;
	*ret_packet = (struct ppp_packet){code, id, data, len};
	return 0;
}

struct wire_writer frame_begin(struct outbox *out, uint16_t protocol, uint8_t code, uint8_t id)
{
	struct wire_writer w = outbox_begin(out);

	wire_put_u8(&w, ADDRESS);
	wire_put_u8(&w, CONTROL);
	wire_put_be16(&w, protocol);
	wire_put_u8(&w, code);
	wire_put_u8(&w, id);
	wire_put_be16(&w, 0);
	return w;
}

void frame_end(struct outbox *out, struct wire_writer *w)
{
	wire_patch_be16(w, PACKET_LENGTH_AT, (uint16_t)(wire_len(w) - PPP_FRAME_HEADER));
	outbox_end(out, w);
}

void frame_put_cut(struct wire_writer *w, const uint8_t *data, size_t len, uint16_t mru)
{
	size_t max = (size_t)mru + PPP_FRAME_HEADER;
	size_t room = wire_len(w) < max ? max - wire_len(w) : 0;

	wire_put(w, data, len < room ? len : room);
}

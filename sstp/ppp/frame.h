/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_PPP_FRAME_H
#define SSTP_PPP_FRAME_H
/*
 * PPP framing as SSTP carries it: no flags, no escapes, no checksum (RFC 1661 sections 2 and 5).
 *
 * On receive FF 03 may be missing and the protocol may be one byte, whatever was negotiated: some
 * peers compress without asking. On transmit both are always whole: some peers know no other form.
 */
#include <stddef.h>
#include <stdint.h>

#include "sstp/base/outbox.h"
#include "sstp/base/wire.h"

enum ppp_protocol {
	PPP_IPV4 = 0x0021,
	PPP_IPV6 = 0x0057,
	PPP_IPCP = 0x8021,
	PPP_IPV6CP = 0x8057,
	PPP_CCP = 0x80fd,
	PPP_LCP = 0xc021,
	PPP_PAP = 0xc023,
	PPP_CHAP = 0xc223,
	PPP_EAP = 0xc227,
};

enum {
	PPP_FRAME_HEADER = 4,  /* address, control, protocol; whole, as we send it */
	PPP_PACKET_HEADER = 4, /* code, identifier, length */
	PPP_DEFAULT_MRU = 1500,
	PPP_INFO_MAX =
		4087, /* what an SSTP packet carries behind its own header and a whole PPP header */
};

struct ppp_frame {
	uint16_t protocol;
	const uint8_t *info; /* borrowed from the input */
	size_t len;
	size_t at; /* where info begins in the input */
};

/* A control packet: what LCP, the NCPs and the authentication protocols have in common. */
struct ppp_packet {
	uint8_t code;
	uint8_t id;
	const uint8_t *data; /* behind the header, without padding; borrowed from the input */
	size_t len;
};

/* 0; -EBADMSG when there is no legal protocol field. */
int frame_decode(const uint8_t *bytes, size_t len, struct ppp_frame *ret_frame);

/* 0; -EBADMSG when Length is below 4 or beyond the information field. Padding is left out. */
int frame_decode_packet(const struct ppp_frame *frame, struct ppp_packet *ret_packet);

/* Starts a control packet in out; its data is written next, then frame_end(). */
struct wire_writer frame_begin(struct outbox *out, uint16_t protocol, uint8_t code, uint8_t id);
void frame_end(struct outbox *out, struct wire_writer *w);

/*
 * Writes as much of data as keeps the information field within mru: for copies of what the peer
 * sent.
 */
void frame_put_cut(struct wire_writer *w, const uint8_t *data, size_t len, uint16_t mru);

#endif

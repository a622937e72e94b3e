/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_PPP_VENDOR_H
#define SSTP_PPP_VENDOR_H
/*
 * What gateway and worker tell each other in band: LCP Vendor-Specific packets (RFC 2153 section 1:
 * code 0, magic number, OUI, kind, value) under an OUI of our own, locally administered: 02-53-47.
 *
 *	kind 1  SUBSCRIBE    client, when the link is open: it understands the others
 *	kind 2  DESCRIPTION  server: total u32, offset u32, the bytes from there on
 *	kind 3  CLOSE        server, before it hangs up: code u8, a text for people
 *	kind 4  ADDRESS6     server, when IPV6CP is open: the client's IPv6 address, 16 bytes
 *	kind 5  TRACE        server: a probe that the client is to send (vendor_trace.h)
 *	kind 6  TRACED       client: what came of it; only when it was asked, and once
 *
 * A server sends none of them to a peer that has not subscribed. Who does not know the code answers
 * with Code-Reject, and that is the end of it. What stands behind a SUBSCRIBE or an ADDRESS6, and
 * kinds that we do not know, are left for later versions.
 *
 * TCP keeps the order: a description arrives from offset 0 on without gaps. One that begins anew
 * takes the place of one that was not complete.
 */
#include <stddef.h>
#include <stdint.h>

#include "sstp/ppp/frame.h"

enum {
	VENDOR_CODE = 0,	      /* of LCP */
	VENDOR_TEXT_MAX = 128 * 1024, /* bytes of a description */
	VENDOR_REASON_MAX = 200,      /* bytes of the text of a CLOSE */
	VENDOR_FRAGMENT_HEADER = 4 + 3 + 1 + 4 + 4,
	VENDOR_ADDRESS6_SIZE = 16,
	VENDOR_TRACE_MAX = 128, /* bytes of the value of a TRACE, of a TRACED */
};

enum vendor_kind {
	VENDOR_SUBSCRIBE = 1,
	VENDOR_DESCRIPTION = 2,
	VENDOR_CLOSE = 3,
	VENDOR_ADDRESS6 = 4,
	VENDOR_TRACE = 5,
	VENDOR_TRACED = 6,
};

struct vendor_packet {
	enum vendor_kind kind;
	uint32_t total; /* DESCRIPTION: bytes of all of it */
	uint32_t offset;
	uint8_t code;	     /* CLOSE */
	const uint8_t *data; /* what follows; borrowed */
	size_t len;
};

/*
 * About an LCP packet of code 0. 0; -ENOMSG: it is not of ours; -EBADMSG: it is, but is malformed, or of a
 * kind that we do not know.
 */
int vendor_decode(const struct ppp_packet *p, struct vendor_packet *ret_packet);

/* Writes it behind the header of frame_begin(). magic: of the sender. */
void vendor_put(struct wire_writer *w, uint32_t magic, const struct vendor_packet *packet);

/* A description as it arrives. All zero: nothing yet. */
struct vendor_text {
	char *bytes; /* owned; NULL: none begun, or an empty one */
	size_t total;
	size_t got;
};

/*
 * Takes the next fragment. 1: it is complete, bytes and total are valid until the next call; 0: more is to come.
 * -EBADMSG: it does not continue what there is, or is too long; -ENOMEM: in both cases what there was is forgotten.
 */
int vendor_text_add(struct vendor_text *t, const struct vendor_packet *fragment);

void vendor_text_done(struct vendor_text *t);

#endif

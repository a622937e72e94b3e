/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOOLS_PROBE_TALK_H
#define TOOLS_PROBE_TALK_H
/*
 * The client's side of HTTP, SSTP and LCP as far as it goes without a name and a password, to learn what a server offers.
 * No I/O: what the server sends goes in, what to send comes out.
 *
 * A server asks for one method of authentication at a time. It is learned which others it has by refusing each in favour of the next
 * (Configure-Nak); one that stays with another does not have it. So the link never opens, and nothing is authenticated.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sstp/base/wire.h"
#include "sstp/proto/packet.h"

enum talk_end {
	TALK_GOES_ON,
	TALK_COMPLETE,	   /* all is known */
	TALK_NO_HTTP,	   /* what came is no reply of HTTP/1.1 */
	TALK_HTTP_REFUSED, /* http_status */
	TALK_NO_SSTP,	   /* behind HTTP's 200 came what is no SSTP */
	TALK_NAK,	   /* status */
	TALK_ABORTED,	   /* status */
	TALK_NO_BINDING,   /* CALL_CONNECT_ACK has no crypto binding request */
	TALK_TERMINATED,   /* by the server, before it asked for authentication */
};

enum talk_method {
	TALK_EAP = 1 << 0,
	TALK_MSCHAPV2 = 1 << 1,
	TALK_PAP = 1 << 2,
	TALK_METHODS = TALK_EAP | TALK_MSCHAPV2 | TALK_PAP,
};

enum {
	TALK_IN_MAX = 8192,
	TALK_OUT_MAX = 8192, /* what one talk_received() can cause: what is beyond is left out */
	TALK_NAKS_MAX = 8,
};

struct talk {
	enum talk_end end;
	int http_status;
	bool is_connected; /* CALL_CONNECT_ACK has come */
	uint8_t hashes;	   /* enum sstp_hash */
	bool has_nonce;	   /* not all zeros */
	uint32_t status;   /* enum sstp_status */
	bool has_asked;	   /* a Configure-Request of the server's has come */
	uint16_t mru;	   /* that it asked for; 0: none */
	unsigned methods;  /* enum talk_method: that it offered */
	bool is_open;	   /* it asks for no authentication at all */
	/* the module's own */
	bool has_http;
	unsigned wanted;
	unsigned refused;
	unsigned naks;
	uint8_t id;
	size_t used;
	uint8_t in[TALK_IN_MAX];
};

/* host: what is dialled; correlation_id: a GUID in braces. Writes the request of HTTP; -ENOSPC. */
int talk_start(struct talk *t, const char *host, const char *correlation_id, struct wire_writer *w);

/* Where the next bytes go: at least TALK_IN_MAX / 2. */
uint8_t *talk_space(struct talk *t, size_t *ret_size);

/* n bytes are there. Writes what to send. Does nothing after the end. */
void talk_received(struct talk *t, size_t n, struct wire_writer *w);

#endif

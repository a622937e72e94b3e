/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_SESSION_TAP_H
#define SSTP_SESSION_TAP_H
/*
 * Where a data thread shows the packets inside its tunnels to whoever watches them (a capture, a trace): what came out of a
 * tunnel with what became of it, and what goes into one as the peer gets it. Every drop that is counted is shown.
 *
 * Once each, at the moment when its fate is known:
 *   from the client   as it came, before its MSS is changed; judged, and on its way to the device when it passed
 *   to the client     as it goes into TLS: split, marked or clamped; or when it is dropped, of which there may be no session
 * and twice, because who looks for the place where a packet is lost wants to know both:
 *   from the network  what the device gave, not yet split, on its way to that session: it is shown again when it leaves
 *   dropped: device   what has passed, and was then refused by the device
 *
 * While nobody watches, a packet from the client costs a test of a pointer, and so does a record of packets to it.
 * All of it is used in the thread only.
 */
#include <stddef.h>
#include <stdint.h>

#include "sstp/session/drop.h"

struct session;
struct virtio_net_hdr;

enum tap_point {
	TAP_FROM_CLIENT,
	TAP_FROM_NETWORK,
	TAP_TO_CLIENT,
};

/* What became of it: an enum drop_reason, or one of these. */
enum tap_verdict {
	TAP_PASSED = DROP_REASONS,
	TAP_ANSWERED, /* by the gateway itself: it goes nowhere else */
};

/* All borrowed for the call. */
struct tap_packet {
	enum tap_point point;
	unsigned verdict;
	struct session *session; /* NULL: it is nobody's */
	const char *vnet;	 /* whose nobody's packet it is; NULL: the session says it */
	const uint8_t *bytes;	 /* an IP packet; if it is malformed, what came instead */
	size_t len;
};

/* Who watches; embedded in what he is. */
struct tap {
	struct tap *next;
	/* Must not free the tap, nor add or remove one. */
	void (*show)(struct tap *tap, const struct tap_packet *p);
};

/* taps: a thread's list; NULL: nobody watches. Borrows tap until it is removed. */
void tap_add(struct tap **taps, struct tap *tap);
/* One that is not in the list is left alone. */
void tap_remove(struct tap **taps, struct tap *tap);

/* Shows p to all. */
void tap_tell(struct tap *taps, const struct tap_packet *p);

/* Shows each packet of what the device gave, p's bytes; what cannot be split is shown as it is. */
void tap_tell_split(struct tap *taps, const struct tap_packet *p, const struct virtio_net_hdr *h);

/* One of a session; the only thing that a packet's way has to pay for when nobody watches. */
static inline void tap_show(struct tap *taps, enum tap_point point, unsigned verdict,
			    struct session *s, const uint8_t *bytes, size_t len)
{
	if (__builtin_expect(taps != NULL, 0))
		tap_tell(taps, &(struct tap_packet){point, verdict, s, NULL, bytes, len});
}

#endif

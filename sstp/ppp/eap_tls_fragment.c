/* SPDX-License-Identifier: Apache-2.0 */
#include "sstp/ppp/eap_tls_fragment.h"

#include <errno.h>

#include "sstp/ppp/eap_tls.h"

enum {
	FLAGS_SIZE = 1,
	LENGTH_SIZE = 4,
};

int eap_tls_packet_decode(const void *buf, size_t len, struct eap_tls_packet *ret_packet)
{
	struct wire_reader r = wire_reader(buf, len);
	uint8_t flags = wire_u8(&r);
	struct eap_tls_packet p = {
		.has_length = flags & EAP_TLS_FLAG_LENGTH,
		.more = flags & EAP_TLS_FLAG_MORE,
		.start = flags & EAP_TLS_FLAG_START,
	};

	if (p.has_length)
		p.length = wire_be32(&r);
	p.len = wire_left(&r);
	p.data = wire_bytes(&r, p.len);
	if (!wire_ok(&r) || (p.more && !p.len) || (p.start && (p.has_length || p.len)))
		return -EBADMSG;
	*ret_packet = p;
	return 0;
}

/* What is wrong with a fragment, with rx counting it already; NULL: nothing. */
static const char *fault_of(const struct eap_tls_rx *rx, const struct eap_tls_packet *p)
{
	if (p->has_length && p->length != rx->length)
		return "the fragments of a message declare different lengths";
	if (p->more && !rx->has_length)
		return "a fragmented message does not declare its length";
	if (rx->length > EAP_TLS_MESSAGE_MAX || rx->received > EAP_TLS_MESSAGE_MAX)
		return "a message is longer than 32 KiB";
	if (rx->fragments > EAP_TLS_FRAGMENTS_MAX)
		return "a message has more than 64 fragments";
	if (rx->has_length && rx->received > rx->length)
		return "a message is longer than it declares";
	if (rx->has_length && rx->received < rx->length && !p->more)
		return "a message is shorter than it declares";
	return NULL;
}

int eap_tls_rx_add(struct eap_tls_rx *rx, const struct eap_tls_packet *p, const char **ret_why)
{
	struct eap_tls_rx next = *rx;
	const char *why;

	if (next.fragments++ == 0) {
		next.has_length = p->has_length;
		next.length = p->length;
	}
	next.received += p->len;
	why = fault_of(&next, p);
	if (why) {
		*ret_why = why;
		return -EBADMSG;
	}
	*rx = p->more ? next : (struct eap_tls_rx){0};
	return !p->more;
}

bool eap_tls_tx_next(struct eap_tls_tx *tx, size_t max, struct wire_writer *w)
{
	size_t left = tx->len - tx->sent;
	bool fits = left <= max - FLAGS_SIZE;
	bool first = tx->sent == 0;
	size_t room = max - FLAGS_SIZE - (first && !fits ? LENGTH_SIZE : 0);
	size_t n = fits ? left : room;

	wire_put_u8(w, (uint8_t)((fits ? 0 : EAP_TLS_FLAG_MORE) |
				 (first && !fits ? EAP_TLS_FLAG_LENGTH : 0)));
	if (first && !fits)
		wire_put_be32(w, (uint32_t)tx->len);
	if (n)
		wire_put(w, tx->data + tx->sent, n);
	tx->sent += n;
	return !fits;
}

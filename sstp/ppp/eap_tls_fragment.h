/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_PPP_EAP_TLS_FRAGMENT_H
#define SSTP_PPP_EAP_TLS_FRAGMENT_H
/*
 * How a TLS message travels in EAP-TLS packets (RFC 5216 section 2.1.5 and 3): a flags byte, the
 * message's length where L says so, a piece of it; M: more pieces follow, each after an empty
 * packet that acknowledges the one before.
 *
 * Only the accounting is in here: pieces are checked and counted, and whoever asks keeps the bytes.
 * So a length that the peer declares is compared, never allocated.
 *
 * Lenient where peers differ: L on every fragment, L on what is not fragmented, L 0 on an empty
 * packet; reserved flags are ignored. Strict elsewhere: L on the first of several fragments, the
 * same L on all that have one, as many bytes as it says, no empty fragment that promises more.
 */
#include "sstp/base/wire.h"

enum {
	EAP_TLS_FLAG_LENGTH = 0x80,
	EAP_TLS_FLAG_MORE = 0x40,
	EAP_TLS_FLAG_START = 0x20,
};

struct eap_tls_packet {
	bool has_length;
	bool more;
	bool start;	     /* then there is no data */
	uint32_t length;     /* of the whole message; 0 without has_length */
	const uint8_t *data; /* borrowed from the packet */
	size_t len;
};

/* What is known of a message that comes in; zero at first and after its last fragment. */
struct eap_tls_rx {
	bool has_length;
	uint32_t length;
	size_t received;
	unsigned fragments;
};

/* A message that goes out; data is borrowed until it is sent. */
struct eap_tls_tx {
	const uint8_t *data;
	size_t len;
	size_t sent;
};

/*
 * What stands behind the type byte. Returns 0; -EBADMSG: no flags, L without its four bytes, M
 * without data, S with anything else.
 */
int eap_tls_packet_decode(const void *buf, size_t len, struct eap_tls_packet *ret_packet);

/*
 * Counts the next fragment of a message. Returns 1: this was its last one; 0: more is to come, it
 * wants an acknowledgement; -EBADMSG with a sentence (static) in ret_why, nothing is counted.
 */
int eap_tls_rx_add(struct eap_tls_rx *rx, const struct eap_tls_packet *p, const char **ret_why);

/* Writes the next packet, of at most max bytes (6 or more); true: more fragments are left. */
bool eap_tls_tx_next(struct eap_tls_tx *tx, size_t max, struct wire_writer *w);

#endif

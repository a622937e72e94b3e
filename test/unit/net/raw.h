/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_NET_RAW_H
#define TEST_UNIT_NET_RAW_H
/*
 * The other kind of peer: OpenSSL as it comes, on a socket of its own in the rig's loop, which can do what our streams
 * never do (renegotiate, change keys at will, stop reading, send half a record).
 */
#include <openssl/ssl.h>

#include "test/unit/net/rig.h"

struct raw {
	struct rig *rig;
	SSL_CTX *ctx;
	SSL *ssl;
	int fd;
	struct loop_io *io;
	bool open;   /* handshake complete */
	bool closed; /* FIN, close_notify or an error; nothing is read any more */
	int error;   /* SSL_get_error() then */
	uint8_t *data;
	size_t len;
	size_t cap;
	unsigned key_updates; /* KeyUpdate messages received */
	unsigned tickets;     /* NewSessionTicket messages received */
};

/* TCP-connects to the rig's listener and becomes a TLS client; change raw->ssl before the first pass at will. */
void raw_connect(struct raw *raw, struct rig *rig);

/* Starts the rig's client towards a TLS server of this kind, which presents the rig's certificate. */
void raw_accept(struct raw *raw, struct rig *rig);

/* TCP-connects only. Returns the descriptor, blocking. */
int raw_tcp(struct rig *rig);

/* Sends as TLS; the socket has room for what tests send with this. */
void raw_send(struct raw *raw, const void *data, size_t len);

void raw_stop_reading(struct raw *raw);
void raw_read_on(struct raw *raw);

void raw_close(struct raw *raw);

#endif

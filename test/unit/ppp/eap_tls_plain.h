/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_UNIT_PPP_EAP_TLS_PLAIN_H
#define TEST_UNIT_PPP_EAP_TLS_PLAIN_H
/*
 * Plain OpenSSL as the other end of one engine, for what our engine never does. It takes the rig's
 * packet, which must not be a fragment, and leaves what it has to say there, as one packet.
 */
#include "test/unit/ppp/eap_tls_rig.h"

struct plain {
	struct eap_tls_rig r;
	SSL_CTX *ctx;
	SSL *ssl;
};

/* A server with this certificate; it asks the client for none. The packet is its Start. */
void plain_server_init(struct plain *p, int version, const struct testcert *cert, size_t tickets);

/* A client with this certificate, or without one. */
void plain_client_init(struct plain *p, int version, const struct testcert *cert);

void plain_done(struct plain *p);

/* It reads the packet. Returns its connection. */
SSL *plain_take(struct plain *p);

/* The packet is what it has written. */
void plain_flush(struct plain *p);

/* It takes the packet, shakes hands, and answers. Returns what SSL_do_handshake() said. */
int plain_handshake(struct plain *p);

/* Adds to its packet application data. */
void plain_write(struct plain *p, const char *data, int len);

/* A server: until it has the client's Finished. The packet is its next one. */
void plain_until_finished(struct plain *p);

/* A client: until the server's last packet, which it has not read yet. */
void plain_until_server_finished(struct plain *p);

#endif

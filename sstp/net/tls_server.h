/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_NET_TLS_SERVER_H
#define SSTP_NET_TLS_SERVER_H
/*
 * The server's half of a TLS context: its certificates, and which of them a client is shown. Its functions for others are
 * in tls.h; nothing outside tls*.c includes this.
 */
#include <openssl/x509.h>
#include <stddef.h>

struct tls_server;

/* Takes NULL. */
void tls_server_free(struct tls_server *server);

/* The certificate of pair i; NULL behind the last. Borrowed while server lives. */
X509 *tls_server_certificate(const struct tls_server *server, size_t i);

/* What stands behind it in its file; NULL or empty: nothing. Borrowed likewise. */
STACK_OF(X509) * tls_server_chain(const struct tls_server *server, size_t i);

#endif

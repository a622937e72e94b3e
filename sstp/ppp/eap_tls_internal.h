/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_PPP_EAP_TLS_INTERNAL_H
#define SSTP_PPP_EAP_TLS_INTERNAL_H
/* What eap_tls.c sees of a context. Nothing outside eap_tls.c and eap_tls_ctx.c includes this. */
#include <openssl/ssl.h>
#include <stdatomic.h>

#include "sstp/ppp/eap_tls.h"

struct eap_tls_ctx {
	SSL_CTX *ssl;
	atomic_uint refs;
	bool is_server;
	eap_tls_judge *judge; /* server */
	void *arg;
};

/*
 * A TLS connection of this context. What is found out about the peer's certificate is written to
 * verdict (borrowed for the connection's life, all zero): a server's judge fills it in, a client
 * only the sentence, when it refuses. Returns owned, NULL when out of memory.
 */
SSL *eap_tls_session_new(const struct eap_tls_ctx *ctx, struct eap_tls_verdict *verdict);

#endif

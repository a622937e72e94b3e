/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_NET_TLS_INTERNAL_H
#define SSTP_NET_TLS_INTERNAL_H
/* What tls*.c and stream.c see of a TLS context. Nothing else includes this. */
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdint.h>

#include "sstp/net/tls.h"

struct tls_server;

struct tls_ctx {
	SSL_CTX *ssl;		   /* what connections begin with */
	struct tls_server *server; /* NULL: a client's */
	atomic_uint refs;
	/* TLS 1.3: records sent under one key before the next key (RFC 8446 section 5.5: 2^24.5 for AES-GCM) */
	uint64_t key_records;
};

/* With one reference and nothing else in it. NULL: out of memory. */
struct tls_ctx *tls_ctx_alloc(void);

/* With the settings that every context has. NULL: out of memory. */
SSL_CTX *tls_ssl_ctx_new(const SSL_METHOD *method);

/*
 * A connection object of this context, in the client or server role. The client's verifies server_name (DNS name
 * or IP address; borrowed) and sends it as SNI when it is a DNS name. Returns owned, NULL when out of memory.
 */
SSL *tls_session_new_server(struct tls_ctx *ctx);
SSL *tls_session_new_client(struct tls_ctx *ctx, const char *server_name);

/* Server: the tag of the certificates that this connection was given by its name. TLS_NO_TAG: none, or a client. */
int tls_session_tag(const SSL *ssl);

/* Server: the name that the client has dialled (SNI), as it sent it; NULL: none. Borrowed while ssl lives. */
const char *tls_session_name(const SSL *ssl);

/* stream_client() */
int tls_session_client(const SSL *ssl, char *ret_text, size_t size);

/*
 * SSL_do_handshake(), with the reason in ret_refused when the server's certificate was refused (else empty).
 * Returns what SSL_get_error() says: SSL_ERROR_NONE when complete.
 */
int tls_handshake(SSL *ssl, char ret_refused[TLS_ERROR_MAX]);

/* The oldest error of this thread's OpenSSL queue as a sentence; empties the queue. Returns ret_text. */
const char *tls_failure_text(char ret_text[TLS_ERROR_MAX]);

/* The same of the newest error, which is the last call's, whatever others left in the queue before it. */
const char *tls_newest_failure_text(char ret_text[TLS_ERROR_MAX]);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_NET_TLS_H
#define SSTP_NET_TLS_H
/*
 * TLS contexts: what a listener or a dialer needs to start TLS connections. Immutable and counted: a reload
 * makes a new one, connections keep the one they began with.
 *
 * Always: TLS 1.2 or 1.3, no compression, no renegotiation, no tickets, no resumption (a resumed session shows
 * no certificate, and the crypto binding needs it), AES-128-GCM first.
 */
#include <stddef.h>

struct tls_ctx;

enum {
	TLS_ERROR_MAX = 256
};

/*
 * Server context from PEM files: certificate (with its chain) and key. ALPN selects http/1.1 when the client
 * offers it, and goes on without when it does not. Returns 0; -errno with a sentence for the operator in
 * ret_error (file named, what to do): -ENOENT, -EACCES, -EINVAL (not PEM, no match, key encrypted).
 */
int tls_ctx_new_server(const char *cert_file, const char *key_file, struct tls_ctx **ret_ctx,
		       char ret_error[TLS_ERROR_MAX]);

/*
 * A second server context with the same certificate, chain, key and settings, for another thread; no file is read.
 * The two share nothing but what OpenSSL shares among all contexts of a process (its table of algorithms): certificate
 * and key are copied, not counted, and tls_ctx_warning() says the same of both. Returns 0; -ENOMEM, or -EINVAL for a
 * client context.
 */
int tls_ctx_copy(const struct tls_ctx *ctx, struct tls_ctx **ret_ctx);

/*
 * What is odd about a server context's certificate although it can be used: expired, not yet valid, near its end (30
 * days), without a subject alternative name. Returns buf with a sentence, or NULL.
 */
const char *tls_ctx_warning(const struct tls_ctx *ctx, char buf[TLS_ERROR_MAX]);

/*
 * Client context. ca_file: PEM roots, or NULL for the system's. The server's chain, its validity in time,
 * serverAuth (or anyExtendedKeyUsage; a certificate without that extension is for all uses) and its name are always
 * verified; the name must be a subject alternative name, the common name counts for nothing. Same errors as above.
 */
int tls_ctx_new_client(const char *ca_file, struct tls_ctx **ret_ctx,
		       char ret_error[TLS_ERROR_MAX]);

/* Returns ctx with one more reference. */
struct tls_ctx *tls_ctx_ref(struct tls_ctx *ctx);

/* Drops a reference. Takes NULL. */
void tls_ctx_unref(struct tls_ctx *ctx);

#endif

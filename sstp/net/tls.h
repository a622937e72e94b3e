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
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stddef.h>

struct tls_ctx;

enum {
	TLS_ERROR_MAX = 256
};

enum {
	TLS_NO_TAG = -1
};

/* So the reason begins for which a connection has ended, if the peer has ended it by an alert of TLS. */
#define TLS_PEER_REFUSED "the peer refused TLS"

/* A certificate with its chain, and its private key, as PEM. All borrowed for the call. */
struct tls_pair {
	const char *cert_file; /* with cert_pem: only what errors call it */
	const char *key_file;
	const char *cert_pem; /* the text itself; NULL: in cert_file */
	const char *key_pem;
	int tag; /* the caller's own, from 0; TLS_NO_TAG: none */
};

/*
 * Server context from n pairs, at least one. The name that a client sends (SNI) picks those whose subject alternative
 * names have it, exactly or else by a wildcard for its first label, in any case; A-labels are compared as they are. Of
 * pairs with the same name and keys of different kinds (RSA, ECDSA) the client's signature algorithms choose. Without a
 * name, or with one that no pair has, the client gets the first pair, and those with exactly its names and other kinds
 * of keys. ALPN selects http/1.1 when the client offers it, and goes on without when it does not.
 *
 * Returns 0; -errno with a sentence for the operator in ret_error (file named, what to do): -ENOENT, -EACCES, -EINVAL:
 * not PEM, no match, key encrypted; a pair that would never be shown (all its names are those of earlier pairs with the
 * same kind of key, or, but for the first, it has no DNS name); one name in pairs with different tags.
 */
int tls_ctx_new_server_of(const struct tls_pair *pairs, size_t n, struct tls_ctx **ret_ctx,
			  char ret_error[TLS_ERROR_MAX]);

/* The same from one pair of files, without a tag. */
int tls_ctx_new_server(const char *cert_file, const char *key_file, struct tls_ctx **ret_ctx,
		       char ret_error[TLS_ERROR_MAX]);

/*
 * A second server context with the same certificates, chains, keys, tags and settings, for another thread; no file is
 * read. The two share nothing but what OpenSSL shares among all contexts of a process (its table of algorithms):
 * certificates and keys are copied, not counted, and tls_ctx_warning() says the same of both. Returns 0; -ENOMEM, or
 * -EINVAL for a client context.
 */
int tls_ctx_copy(const struct tls_ctx *ctx, struct tls_ctx **ret_ctx);

/*
 * From now on clients of this server context are asked for a certificate in the handshake, one of those below the CA
 * certificates in ca_file (PEM). One without a certificate, or with another, gets its connection all the same:
 * stream_client() says which it is. Of a context with one pair, which no connection has used yet. Returns as above.
 */
int tls_ctx_ask_clients(struct tls_ctx *ctx, const char *ca_file, char ret_error[TLS_ERROR_MAX]);

/* Gives every tag t from 0 to n - 1 the value map[t]. Of a server context that no connection has used yet. */
void tls_ctx_map_tags(struct tls_ctx *ctx, const int *map, size_t n);

/*
 * What is odd about the certificate of a server context's pair (from 0) although it can be used: expired, not yet valid,
 * near its end (30 days), without a subject alternative name. Returns buf with a sentence, or NULL.
 */
const char *tls_ctx_warning(const struct tls_ctx *ctx, size_t pair, char buf[TLS_ERROR_MAX]);

/*
 * Client context. ca_file: PEM roots, or NULL for the system's. The server's chain, its validity in time,
 * serverAuth (or anyExtendedKeyUsage; a certificate without that extension is for all uses) and its name are always
 * verified; the name must be a subject alternative name, the common name counts for nothing. Same errors as above.
 */
int tls_ctx_new_client(const char *ca_file, struct tls_ctx **ret_ctx,
		       char ret_error[TLS_ERROR_MAX]);

/*
 * The same with the roots as PEM text (borrowed for the call), at least one. A chain may end in any of them, be it a root,
 * an intermediate or the server's own certificate.
 */
int tls_ctx_new_client_of(const char *roots_pem, struct tls_ctx **ret_ctx,
			  char ret_error[TLS_ERROR_MAX]);

/* How many sets of pairs a name can lead to, the default's among them; 0 of a client context. */
size_t tls_ctx_offers(const struct tls_ctx *ctx);

/* Which of them a server context has for a name, as a client sends it (NULL: none); 0: the default's. No allocation. */
size_t tls_ctx_offer_of(const struct tls_ctx *ctx, const char *name);

enum {
	TLS_SHOWN_MAX = 5 /* kinds of keys */
};

/* A certificate that clients are shown, its key, and the chain above it; all borrowed while their context lives. */
struct tls_shown {
	X509 *cert;
	EVP_PKEY *key;
	STACK_OF(X509) * chain;
};

/*
 * All of an offer (0: the default's), one for each kind of key, for another protocol that shows the same. To be counted
 * only by the thread whose context it is. Returns how many, at least 1; 0 behind the last offer, and of a client context.
 */
size_t tls_ctx_shown(const struct tls_ctx *ctx, size_t offer,
		     struct tls_shown ret_shown[TLS_SHOWN_MAX]);

/*
 * The certificate of a server context's pair (from 0) with its chain, as an owned PEM text: what clients are shown.
 * -ENOENT behind the last pair, and of a client's context; -ENOMEM.
 */
int tls_ctx_chain(const struct tls_ctx *ctx, size_t pair, char **ret_pem);

/* Returns ctx with one more reference. */
struct tls_ctx *tls_ctx_ref(struct tls_ctx *ctx);

/* Drops a reference. Takes NULL. */
void tls_ctx_unref(struct tls_ctx *ctx);

#endif

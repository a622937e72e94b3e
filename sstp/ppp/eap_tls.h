/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_PPP_EAP_TLS_H
#define SSTP_PPP_EAP_TLS_H
/*
 * EAP-TLS (RFC 5216; with TLS 1.3 RFC 9190), either role: what stands behind the type byte of EAP
 * packets of type 13 goes in, what has to stand there in the answer comes out. No I/O, no timer, no
 * EAP header.
 *
 * Strict lockstep: one packet in, at most one out. Whoever frames EAP sends a lost packet again
 * (the same bytes) and drops duplicates and packets with another identifier before they get here.
 *
 *   server  eap_tls_begin() makes the Start; then eap_tls_input() for each answer of the client:
 *           MORE    the output is the next request
 *           DONE    no output; EAP-Success is next, eap_tls_msk() and _client_name() are valid
 *           FAILED  no output; EAP-Failure is next, eap_tls_reason() says why
 *           A TLS alert for the client is a request like any other (MORE); FAILED follows with the
 *           answer to it, whatever that is. eap_tls_reason() is set as soon as the alert is made:
 *           if the client never answers it, that is still the reason.
 *   client  eap_tls_input() for each request of the server:
 *           MORE    the output is the answer
 *           DONE    the output is the answer; eap_tls_msk() is valid, EAP-Success may be believed
 *           FAILED  the output, if any, is the last answer (our alert, or the acknowledgement of
 *                   the server's); EAP-Success is never believed again
 *           Before DONE no EAP-Success may be believed: that is for the table of eap_table.c.
 *           DONE comes with the server's Finished (TLS 1.2), or with its byte 0x00 behind the
 *           client's Finished (TLS 1.3, RFC 9190 section 2.1.1).
 *
 * Limits: a message of 32 KiB and 64 fragments, 64 packets in a conversation. Memory grows with
 * what really came, never with a length that the peer declares. A conversation holds no TLS state
 * before the peer's first data, nor after its end: a server that was only asked to start holds
 * about 1.25 KB, a fifth of it for the judge's memo.
 *
 * A conversation belongs to one thread, and so do all conversations of a context.
 */
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sstp/ppp/link_types.h"

enum {
	EAP_TLS_FRAGMENT_MIN = 64,
	EAP_TLS_FRAGMENT_MAX = 1400,
	EAP_TLS_MESSAGE_MAX = 32768,
	EAP_TLS_FRAGMENTS_MAX = 64, /* of one message */
	EAP_TLS_ROUNDS_MAX = 64,    /* packets given to eap_tls_input() */
	EAP_TLS_MSK_SIZE = 64,
	EAP_TLS_THUMBPRINT_MAX = 64, /* characters: SHA-256 in hex; SHA-1 has 40 */
	EAP_TLS_SENTENCE_MAX = 224,  /* of a judge */
	EAP_TLS_REASON_MAX = 256,
};

/* Contexts (eap_tls_ctx.c) */

/*
 * Counted and immutable; always TLS 1.2 or 1.3, forward secrecy only, no tickets, no resumption, no
 * renegotiation, no compression. A reload makes a new one, conversations keep theirs. Two threads
 * need two.
 */
struct eap_tls_ctx;

/*
 * A client's: own certificate first, then its issuers without the root; and its key, not encrypted.
 * PEM text, both borrowed.
 */
struct eap_tls_identity {
	const char *chain;
	const char *key;
};

/*
 * One of a server's: certificate, key, and the certificates between it and the root (may be NULL).
 * Borrowed, and counted by the context.
 */
struct eap_tls_pair {
	X509 *cert;
	EVP_PKEY *key;
	STACK_OF(X509) * chain;
};

/* What the judge says of a client's certificate. All zero when it is called. */
struct eap_tls_verdict {
	/* accepted: whose it is; never empty. It becomes the user's name of the session. */
	char name[LINK_NAME_MAX + 1];
	/* of the certificate, as the operator knows it; accepted or not */
	char thumbprint[EAP_TLS_THUMBPRINT_MAX + 1];
	/* accepted: what the judge wants to be kept for as long as the session lives; bytes to all others */
	uint8_t memo[LINK_MEMO_SIZE];
	/*
	 * Refused: the TLS alert that the client gets: SSL3_AD_ and TLS1_AD_ values bad_certificate
	 * (42), unsupported_certificate (43), certificate_revoked (44), certificate_expired (45),
	 * certificate_unknown (46), unknown_ca (48), internal_error (80). Anything else is sent as
	 * certificate_unknown.
	 */
	uint8_t alert;
	/* refused: for the log, one for each cause; what came from the certificate is escaped */
	char sentence[EAP_TLS_SENTENCE_MAX];
};

/*
 * Judges a client's certificate: chain to a root, validity in time, clientAuth, revocation, name:
 * all of it, nothing was verified before. Called once in a handshake, before the client proves that
 * it has the key: a verdict alone says nothing about who is there. leaf and chain (all that the
 * client sent, leaf included; borrowed, in the client's order) are valid during the call. True:
 * accepted. An accepted certificate with an empty name is refused.
 */
typedef bool eap_tls_judge(void *arg, X509 *leaf, STACK_OF(X509) * chain,
			   struct eap_tls_verdict *ret_verdict);

struct eap_tls_server {
	/*
	 * At least one, with keys of different kinds: from them the client's signature algorithms
	 * choose. Borrowed.
	 */
	const struct eap_tls_pair *pairs;
	size_t n_pairs;
	/*
	 * PEM text of roots whose names the client is told, to choose its certificate by; NULL or
	 * empty: none. Borrowed.
	 */
	const char *authorities;
	eap_tls_judge *judge;
	void *arg; /* of the judge; borrowed for the life of the context and its conversations */
};

struct eap_tls_client {
	struct eap_tls_identity identity;
	/*
	 * PEM text, at least one; borrowed. A chain may end in any of them, be it a root, an intermediate
	 * or the server's own certificate.
	 */
	const char *roots;
	/*
	 * DNS name or IP address that the server's certificate must carry as a subject alternative
	 * name; borrowed. The common name counts for nothing.
	 */
	const char *server_name;
};

/*
 * A context of the server; the client's certificate is required. Returns 0; -EINVAL (no pair, a
 * key of another certificate, a second pair of a kind, authorities that are not PEM) or -ENOMEM
 * with a sentence for the operator in ret_error, which names no file.
 */
int eap_tls_ctx_new_server(const struct eap_tls_server *params, struct eap_tls_ctx **ret_ctx,
			   char ret_error[EAP_TLS_REASON_MAX]);

/*
 * A context of the client. The server's chain, its validity in time, serverAuth (or
 * anyExtendedKeyUsage; a certificate without that extension is for all uses) and its name are
 * always verified. Same errors, and -EINVAL for an identity that is not PEM or a key that is
 * encrypted.
 */
int eap_tls_ctx_new_client(const struct eap_tls_client *params, struct eap_tls_ctx **ret_ctx,
			   char ret_error[EAP_TLS_REASON_MAX]);

/* Returns ctx with one more reference. */
struct eap_tls_ctx *eap_tls_ctx_ref(struct eap_tls_ctx *ctx);

/* Drops a reference. Takes NULL. */
void eap_tls_ctx_unref(struct eap_tls_ctx *ctx);

/* Conversations (eap_tls.c) */

struct eap_tls;

enum eap_tls_result {
	EAP_TLS_MORE,
	EAP_TLS_DONE,
	EAP_TLS_FAILED,
};

/*
 * A conversation in the context's role; counts a reference. fragment_max: bytes of an output at
 * most, flags byte included: what the EAP packet may have, less its five bytes of header and type;
 * held within EAP_TLS_FRAGMENT_MIN and _MAX. Returns owned, NULL when out of memory.
 */
struct eap_tls *eap_tls_new(struct eap_tls_ctx *ctx, size_t fragment_max);

/* Wipes keys, frees. Takes NULL; at any time. */
void eap_tls_free(struct eap_tls *t);

/* Server, once, before all else: writes the Start. size: at least EAP_TLS_FRAGMENT_MIN. */
void eap_tls_begin(struct eap_tls *t, uint8_t *out, size_t size, size_t *ret_len);

/*
 * The peer's next packet: data is what stands behind its type byte. out has room for size bytes, at
 * least the conversation's fragment_max; ret_len is always set, 0: nothing to send. Never asserts
 * on what the peer sent.
 */
enum eap_tls_result eap_tls_input(struct eap_tls *t, const void *data, size_t len, uint8_t *out,
				  size_t size, size_t *ret_len);

/*
 * The Master Session Key, EAP_TLS_MSK_SIZE bytes, borrowed until the conversation fails or is
 * freed; NULL before DONE. Its first LINK_HLAK_SIZE bytes are the HLAK of MS-SSTP.
 */
const uint8_t *eap_tls_msk(const struct eap_tls *t);

/*
 * Server, after DONE: the HLAK that pppd before 2.5 makes of the key (its halves have 16 bytes
 * each): bytes 0..15 and 32..47. For the compatibility switch only; a client never uses it.
 */
void eap_tls_hlak_pppd249(const struct eap_tls *t, uint8_t ret_hlak[LINK_HLAK_SIZE]);

/*
 * Server, after DONE: whom the client proved to be, by the judge; NULL before. Borrowed until the
 * conversation fails or is freed.
 */
const char *eap_tls_client_name(const struct eap_tls *t);

/*
 * Server: the judge's thumbprint of the client's certificate, accepted or not; "" before. Borrowed
 * until freed.
 */
const char *eap_tls_thumbprint(const struct eap_tls *t);

/* It failed, or is about to, as our verification or our judge has refused the peer's certificate. */
bool eap_tls_has_refused_peer(const struct eap_tls *t);

/* Server, after DONE: the judge's memo, LINK_MEMO_SIZE bytes. Borrowed until freed. */
const uint8_t *eap_tls_memo(const struct eap_tls *t);

/*
 * Why it failed, or is about to: one sentence, printable ASCII, cut to EAP_TLS_REASON_MAX; "" while
 * nothing went wrong. Borrowed until freed.
 */
const char *eap_tls_reason(const struct eap_tls *t);

#endif

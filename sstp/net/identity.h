/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_NET_IDENTITY_H
#define SSTP_NET_IDENTITY_H
/*
 * What a server proves itself with: a certificate, the chain above it and its private key, loaded from PEM and checked
 * to belong together. Nothing outside the TLS context's own files includes this.
 */
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stddef.h>

#include "sstp/net/tls.h"

/* Kinds of keys, of which a context holds one certificate each for a name. */
enum identity_kind {
	IDENTITY_RSA,
	IDENTITY_RSA_PSS,
	IDENTITY_ECDSA,
	IDENTITY_ED25519,
	IDENTITY_ED448,
};

struct identity {
	char *label; /* what errors and logs call it: the certificate's file */
	X509 *cert;
	EVP_PKEY *key;
	STACK_OF(X509) * chain; /* may be NULL: empty */
	enum identity_kind kind;
	int tag;
	/*
	 * Subject alternative names that a server can be asked for: DNS names in lower case, with "*." in front or not,
	 * and addresses as "ip:" and hex digits; sorted, without repetition. Others are left out.
	 */
	char **names;
	size_t n_names;
};

/* Loads pair. 0 with an identity that identity_done() ends; otherwise as tls_ctx_new_server_of(), and nothing is left. */
int identity_load(const struct tls_pair *pair, struct identity *ret_identity,
		  char ret_error[TLS_ERROR_MAX]);

/*
 * A second one that shares no object with the first. Copied, because OpenSSL counts: each handshake would write to the
 * other's counts. 0 or -ENOMEM.
 */
int identity_copy(const struct identity *from, struct identity *ret_identity);

/* Ends also a zeroed one. */
void identity_done(struct identity *id);

/* "RSA", "ECDSA": for errors. */
const char *identity_kind_name(enum identity_kind kind);

#endif

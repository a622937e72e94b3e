/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CERTS_ANCHORS_H
#define CERTS_ANCHORS_H
/*
 * By what a worker recognizes a gateway that shows certificates of its operator's: of each chain
 * the anchor, which a token pins and a profile keeps. A worker takes what leads to an anchor and is
 * for the name that it dials.
 *
 * The anchor is the highest certificate that can be found: 1. the root, when the chain leads to one
 * of those that this system trusts (a public CA's, or one that
 *    the operator has installed);
 * 2. else the last one of the chain as it stands in the file: a root, or an intermediate;
 * 3. with a certificate alone, that one.
 *
 * Why not the certificate itself, always: ACME makes a new one every few weeks, often with a new
 * key, and every worker would be cut off. Why not its issuer: public CAs have several in use and
 * issue by another one without a word, but all lead to the same root. Why not all roots that the
 * worker's system trusts: then any CA of the world could vouch for a gateway, and what a worker
 * trusts would depend on its machine. With the root, whoever gets a certificate for the gateway's
 * name out of that one CA can pass for the gateway; that CA was the operator's choice. A private CA
 * is narrower still.
 *
 * So workers live through a renewal by the same CA. They do not live through a change to another
 * one, nor, in case 3, through any: new tokens are needed then. Immutable; whether a certificate
 * has expired does not count here.
 */
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/cert.h"
#include "certs/error.h"

struct anchors;

/*
 * Of the chains that a gateway shows, PEM, each certificate in front of its issuers; the first one
 * is shown to clients that dial an address or a name that is nobody's. Reads the system's roots. 0
 * with an owned object; with a sentence -EINVAL: none, or one that cannot be read; -ENOMEM.
 */
int anchors_new(const char *const *chains_pem, size_t n, struct anchors **ret_anchors,
		struct certs_error *ret_error);

/* Takes NULL. */
void anchors_free(struct anchors *a);

/* What a token for a worker that dials some host is to pin. */
struct anchors_pin {
	uint8_t fingerprint[CERT_FINGERPRINT_SIZE];
	bool is_leaf; /* case 3: it goes with the certificate */
};

/*
 * host: a name or an address without port. -EKEYREJECTED with a sentence: the certificate that such
 * a client is shown is not for this host, so no worker would take it.
 */
int anchors_pin(const struct anchors *a, const char *host, struct anchors_pin *ret_pin,
		struct certs_error *ret_error);

/* Each anchor once, in the order of the chains; returns borrowed, NULL behind the last. */
X509 *anchors_at(const struct anchors *a, size_t i);

#endif

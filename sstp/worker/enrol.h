/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SSTP_WORKER_ENROL_H
#define SSTP_WORKER_ENROL_H
/*
 * How a worker comes by its certificate: with a token at first, with the certificate itself later.
 *
 * Nothing is believed but what the token says. A look at the gateway's certificates finds the one
 * whose SHA-256 the token pins, be it a root, an intermediate or the gateway's own (anchors.h);
 * that is all by which the gateway is verified, its name included, before the token's secret is
 * shown to it. The key is the caller's, so that it can be on the disk before the token is used up;
 * it is never sent. What comes back is judged as a gateway would judge it, before anybody relies on
 * it.
 *
 * What verifies the gateway from then on is what was pinned and what the gateway's /cacerts tells
 * of; after a renewal what /cacerts tells of by then. So a gateway may get another certificate
 * below the same anchor at any time, and another root of its own while the old one still serves.
 *
 * Both calls block, at most a few times EST_TIMEOUT_S. `now` in seconds since 1970, UTC.
 */
#include <openssl/evp.h>
#include <stdint.h>

#include "certs/error.h"
#include "certs/token.h"
#include "sstp/worker/description.h"

enum {
	ENROL_PEM_MAX = 128 * 1024 /* bytes of the roots, and of the certificate with its issuers */
};

/* Owned: enrolment_done(). */
struct enrolment {
	char *key_pem;	 /* a secret */
	char *cert_pem;	 /* the certificate, then those between it and its root */
	char *roots_pem; /* anchors by which the gateway is to be verified from now on */
	struct description description; /* zeros when the gateway sends none */
};

/* What the worker has now. All borrowed. */
struct enrol_identity {
	const char *gateway; /* host[:port] */
	const char *roots_pem;
	const char *cert_pem;
	const char *key_pem;
};

/*
 * A certificate for the key (borrowed, key_new()). 0 with the enrolment. With a sentence that says
 * what to do: as est_call(), and
 *   -ETIME         the token has expired, by this machine's clock
 *   -EKEYREJECTED  also: the gateway is not the one that the token was made for
 *   -EBADMSG       what the gateway issued cannot be used, or cannot be read
 */
int enrol_by_token(const struct token *token, EVP_PKEY *key, int64_t now,
		   struct enrolment *ret_enrolment, struct certs_error *ret_error);

/* A certificate for another key of the present one's holder. Same errors. */
int enrol_again(const struct enrol_identity *present, EVP_PKEY *key, int64_t now,
		struct enrolment *ret_enrolment, struct certs_error *ret_error);

/* Wipes and frees. Takes NULL and a zeroed one. */
void enrolment_done(struct enrolment *e);

#endif
